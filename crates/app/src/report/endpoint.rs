//! How the reports call a database.

use whimbrel_core::{Endpoint, SEVERAL, engine_told};

use super::markdown::{code, prose};

/// The name that the settings give the database, else its own; of several, those of all.
pub(super) fn name(endpoint: &Endpoint) -> &str {
    let given = endpoint.name.as_deref().filter(|_| endpoint.engine != SEVERAL);
    given.unwrap_or(&endpoint.database)
}

/// Engine, version and place in one line.
pub(super) fn line(endpoint: &Endpoint) -> String {
    format!(
        "{} ({}, {})",
        code(name(endpoint)),
        prose(&engine_told(&endpoint.engine, &endpoint.version)),
        code(&endpoint.url)
    )
}

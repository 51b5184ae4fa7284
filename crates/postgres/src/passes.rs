//! Many expressions over one table, as few queries as the server's limit on result columns allows.

use tokio_postgres::Client;
use whimbrel_core::Result;

use crate::error::from_driver;

/// The server allows 1664 result columns.
const EXPRESSIONS_MAX: usize = 1_000;

/// Returns the text of each expression, in order. `from` is what stands behind FROM.
pub(crate) async fn texts(
    client: &Client,
    from: &str,
    expressions: &[String],
) -> Result<Vec<Option<String>>> {
    let mut found = Vec::with_capacity(expressions.len());
    for group in expressions.chunks(EXPRESSIONS_MAX) {
        let list: Vec<String> = group
            .iter()
            .map(|expression| format!("({expression})::text"))
            .collect();
        let sql = format!("SELECT {} FROM {from}", list.join(", "));
        let row = client.query_one(&sql, &[]).await.map_err(from_driver)?;
        found.extend((0..group.len()).map(|at| row.get::<_, Option<String>>(at)));
    }
    Ok(found)
}

/// Reads a count; none and what is no count are 0.
pub(crate) fn count(text: Option<&String>) -> u64 {
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

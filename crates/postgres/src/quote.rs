//! Spells names and text literals for statements.

use whimbrel_core::{Table, TableId};

use crate::large_objects;

/// Quotes an identifier.
pub(crate) fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// Quotes a text literal, for `standard_conforming_strings = on`, which every session of ours sets.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Returns the quoted name; a table without a namespace is in `public`, because the `search_path` is empty.
pub(crate) fn table_name(id: &TableId) -> String {
    if large_objects::is_store(id) {
        let (namespace, name) = large_objects::STORE;
        return format!("{}.{}", quoted(namespace), quoted(name));
    }
    format!(
        "{}.{}",
        quoted(id.namespace.as_deref().unwrap_or("public")),
        quoted(&id.name)
    )
}

/// Returns what to read the table from: its own rows alone, unless those of its partitions are wanted with them.
pub(crate) fn rows_of(table: &Table) -> String {
    if large_objects::is_store(&table.id) {
        return large_objects::PAGES.to_owned();
    }
    let name = table_name(&table.id);
    if table.flattened {
        name
    } else {
        format!("ONLY {name}")
    }
}

//! Quoting of identifiers and literals. Nothing else builds SQL from names or values.

use whimbrel_core::{TableId, hex};

/// Quotes an identifier.
pub(crate) fn quoted(identifier: &str) -> String {
    format!("`{}`", identifier.replace('`', "``"))
}

/// Quotes a table's name; a namespace, where there is one, is a database.
pub(crate) fn table_name(id: &TableId) -> String {
    match &id.namespace {
        Some(namespace) => format!("{}.{}", quoted(namespace), quoted(&id.name)),
        None => quoted(&id.name),
    }
}

/// Quotes a text literal. Every session runs without `NO_BACKSLASH_ESCAPES`, so that a backslash is doubled too.
pub(crate) fn literal(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for letter in text.chars() {
        match letter {
            '\'' => quoted.push_str("''"),
            '\\' => quoted.push_str("\\\\"),
            '\0' => quoted.push_str("\\0"),
            other => quoted.push(other),
        }
    }
    quoted.push('\'');
    quoted
}

/// Spells bytes as a literal.
pub(crate) fn binary_literal(bytes: &[u8]) -> String {
    format!("x'{}'", hex(bytes))
}

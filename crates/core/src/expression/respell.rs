//! Gives the names in an engine's own text (a view, a check, a trigger, a function) as they will be, and leaves every other character as it
//! is. What a name means is found by reading the text as words, so that no statement is too strange; what is not clear is refused.

mod edit;
mod frame;
mod piece;

use std::collections::BTreeMap;

use sqlparser::dialect::Dialect as Grammar;

use crate::{TableId, Untranslated};

/// What things will be called.
#[derive(Debug, Clone, Default)]
pub struct NewNames {
    /// Every namespace.
    pub namespaces: BTreeMap<String, String>,
    /// Tables, views, types, sequences and routines.
    pub objects: BTreeMap<TableId, TableId>,
    /// The columns of each table and view; none for one that stays behind.
    pub columns: BTreeMap<TableId, BTreeMap<String, Option<String>>>,
    /// True when the case of letters does not matter in names.
    pub folds_case: bool,
}

/// How an engine reads and writes.
#[derive(Clone, Copy)]
pub struct Tongue<'a> {
    /// How its text falls into words.
    pub grammar: &'a dyn Grammar,
    /// How it quotes a name.
    pub quote: &'a dyn Fn(&str) -> String,
}

impl NewNames {
    /// Tells whether everything keeps its name.
    pub fn is_empty(&self) -> bool {
        self.namespaces.iter().all(|(from, to)| from == to)
            && self.objects.iter().all(|(from, to)| from == to)
            && self.columns.values().all(|columns| {
                columns
                    .iter()
                    .all(|(from, to)| to.as_ref().is_some_and(|to| to == from))
            })
    }

    /// Tells whether the two names are one.
    fn is_same(&self, one: &str, other: &str) -> bool {
        one == other || self.folds_case && one.to_lowercase() == other.to_lowercase()
    }

    /// The relation (what has columns) of a bare name, when there is only one.
    fn relation(&self, name: &str) -> Option<&TableId> {
        let mut same = self.columns.keys().filter(|id| self.is_same(&id.name, name));
        let first = same.next()?;
        same.next().is_none().then_some(first)
    }

    /// The object of a bare name that will have another name, when there is only one.
    fn changed(&self, name: &str) -> Option<(&TableId, &TableId)> {
        let mut same = self
            .objects
            .iter()
            .filter(|(id, to)| id != to && self.is_same(&id.name, name));
        same.next()
    }

    fn object(&self, namespace: &str, name: &str) -> Option<(&TableId, &TableId)> {
        let id = TableId::new(namespace, name);
        self.objects.get_key_value(&id)
    }

    /// What becomes of a column: none when the table has no such column.
    fn column(&self, table: &TableId, name: &str) -> Option<(&String, Option<&String>)> {
        let columns = self.columns.get(table)?;
        let found = columns.get_key_value(name);
        let found = found.or_else(|| columns.iter().find(|(known, _)| self.is_same(known, name)));
        found.map(|(known, to)| (known, to.as_ref()))
    }

    /// Tells whether any column of the name gets another one, or stays behind.
    fn touches_column(&self, name: &str) -> bool {
        let all = self.columns.keys();
        all.filter_map(|table| self.column(table, name))
            .any(|(from, to)| to != Some(from))
    }
}

/// Returns the text with the names as they will be. Bare columns of the text are those of the tables in `on`, besides those of the tables that
/// it reads itself.
///
/// # Errors
/// [`Untranslated`] names what stays behind or is not clear.
pub fn respell(
    text: &str,
    names: &NewNames,
    on: &[TableId],
    tongue: Tongue<'_>,
) -> Result<String, Untranslated> {
    match names.is_empty() {
        true => Ok(text.to_owned()),
        false => edit::edited(text, names, on, tongue, false),
    }
}

#[cfg(test)]
mod tests;

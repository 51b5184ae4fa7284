//! Rules that cannot both be meant: two for one table that the same way meets, or two words for one column. Of rules that meet a table by
//! different patterns the later one holds, so that a special rule may stand behind a general one.

use std::collections::BTreeMap;

use whimbrel_core::{Error, Result, Table, TableId, TableRule, is_pattern};

use super::words::Word;

/// A rule that meets a table.
struct Met<'m> {
    rule: &'m TableRule,
    /// The new table that it names.
    to: Option<TableId>,
}

/// Tells whether the rule is for one table, by its name.
pub(crate) fn is_for_one(rule: &TableRule) -> bool {
    matches!(rule.from.as_slice(), [only] if !is_pattern(only))
}

/// Tells whether both rules say in the same way which tables they are for: one each, or several by the same names and patterns.
fn reach_alike(one: &TableRule, other: &TableRule) -> bool {
    let sorted = |rule: &TableRule| {
        let mut from = rule.from.clone();
        from.sort_unstable();
        from
    };
    match (is_for_one(one), is_for_one(other)) {
        (true, true) => true,
        (false, false) => one.from.len() == other.from.len() && sorted(one) == sorted(other),
        (true, false) | (false, true) => false,
    }
}

/// The rules of each table, until two of them are found that contradict each other.
#[derive(Default)]
pub(crate) struct Rulebook<'m>(BTreeMap<usize, Vec<Met<'m>>>);

impl<'m> Rulebook<'m> {
    /// Adds a rule that meets the table at the place, and names `to`.
    ///
    /// # Errors
    /// `Invalid` with the code `mapping`, with the lines of both, when it contradicts one that was added before.
    pub(crate) fn add(
        &mut self,
        (at, table): (usize, &Table),
        rule: &'m TableRule,
        to: Option<TableId>,
    ) -> Result<()> {
        let new = Met { rule, to };
        let known = self.0.entry(at).or_default();
        for old in known.iter() {
            refuse(old, &new, &table.id)?;
        }
        known.push(new);
        Ok(())
    }
}

fn refuse(old: &Met<'_>, new: &Met<'_>, table: &TableId) -> Result<()> {
    let hint = "put them into one [[table]]; to split the table, give each its own `to`";
    let twice = |what: &str| both((old.rule, &["from"]), (new.rule, &["from"]), what).with_hint(hint);
    let is_alike = reach_alike(old.rule, new.rule);
    match (&old.to, &new.to) {
        (Some(one), Some(other)) if one != other => Ok(()),
        (Some(to), Some(_)) if brings_the_same(old.rule, new.rule, is_alike) => Err(twice(&format!(
            "two rules make `{to}` of table `{table}`, and its rows would arrive twice"
        ))),
        (None, None) if is_alike && is_for_one(old.rule) => {
            Err(twice(&format!("two rules are for table `{table}`")))
        }
        (None, None | Some(_)) | (Some(_), None) if is_alike => refuse_words(old.rule, new.rule, table),
        (_, _) => Ok(()),
    }
}

/// Tells whether two rules bring the same rows of a table into the same new one. Where both are for the same tables, each may bring values of its
/// own, such as those of one of several columns; else the rule for fewer tables was most likely meant to go before the other.
fn brings_the_same(one: &TableRule, other: &TableRule, is_alike: bool) -> bool {
    let has_same_values = one.compute == other.compute
        && one.columns == other.columns
        && one.exclude == other.exclude
        && one.rename == other.rename;
    one.filter == other.filter && (!is_alike || has_same_values)
}

/// Two rules of which both hold say nothing twice.
fn refuse_words(old: &TableRule, new: &TableRule, table: &TableId) -> Result<()> {
    let hint = "leave one of them out; a rule for the table by its name goes before one for `*` when it stands behind it";
    for word in Word::ALL {
        let known = word.names(old);
        if let Some(name) = word.names(new).into_iter().find(|name| known.contains(name)) {
            let keys = [word.key(), name];
            let what = format!("two rules say `{}` of `{name}` in table `{table}`", word.key());
            return Err(both((old, &keys), (new, &keys), &what).with_hint(hint));
        }
    }
    let has_both = [
        (
            "source_column",
            old.source_column.is_some() && new.source_column.is_some(),
        ),
        ("key", !old.key.is_empty() && !new.key.is_empty()),
    ];
    match has_both.into_iter().find(|(_, is_twice)| *is_twice) {
        Some((key, _)) => {
            let what = format!("two rules say `{key}` of table `{table}`");
            Err(both((old, &[key]), (new, &[key]), &what).with_hint(hint))
        }
        None => Ok(()),
    }
}

/// The error at the later place, which names the earlier one.
fn both(old: (&TableRule, &[&str]), new: (&TableRule, &[&str]), what: &str) -> Error {
    let other = old.0.written.place(old.1);
    let message = match other {
        Some(other) => format!("{what}, this one and that of {other}"),
        None => what.to_owned(),
    };
    Error::invalid(message)
        .with_code("mapping")
        .at(new.0.written.place(new.1))
}

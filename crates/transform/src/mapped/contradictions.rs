//! Rules that cannot both be meant: two for one table that the same way meets, or two words for one column. Of rules that meet a table by
//! different patterns the later one holds, so that a special rule may stand behind a general one.

use std::collections::BTreeMap;

use whimbrel_core::{Error, Result, Table, TableId, TableRule};

use super::words::Word;

/// A rule that meets a table, and how.
struct Met<'m> {
    rule: &'m TableRule,
    reach: Reach<'m>,
    /// The new table that it names.
    to: Option<TableId>,
}

/// How a rule names the tables that it is for.
#[derive(PartialEq, Eq)]
enum Reach<'m> {
    /// This one.
    One,
    /// This one among several, by all that stands in its `from`.
    Several(Vec<&'m str>),
}

impl<'m> Reach<'m> {
    fn of(rule: &'m TableRule) -> Self {
        let mut from: Vec<&str> = rule.from.iter().map(String::as_str).collect();
        match from.as_slice() {
            [only] if !only.contains(['*', '?']) => Self::One,
            _ => {
                from.sort_unstable();
                Self::Several(from)
            }
        }
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
        let new = Met {
            rule,
            reach: Reach::of(rule),
            to,
        };
        let known = self.0.entry(at).or_default();
        for old in known.iter().filter(|old| old.reach == new.reach) {
            refuse(old, &new, &table.id)?;
        }
        known.push(new);
        Ok(())
    }
}

fn refuse(old: &Met<'_>, new: &Met<'_>, table: &TableId) -> Result<()> {
    match (&old.to, &new.to) {
        (Some(one), Some(other)) if one != other => Ok(()),
        // Each may bring rows, or values, of its own.
        (Some(_), Some(_)) if old.rule.filter != new.rule.filter || old.rule.compute != new.rule.compute => {
            Ok(())
        }
        (Some(to), Some(_)) => Err(both(
            (old.rule, &["from"]),
            (new.rule, &["from"]),
            &format!("two rules make `{to}` of table `{table}`"),
        )
        .with_hint("put them into one [[table]]; to split the table, give each its own `to`")),
        (None, None) if old.reach == Reach::One => Err(both(
            (old.rule, &["from"]),
            (new.rule, &["from"]),
            &format!("two rules are for table `{table}`"),
        )
        .with_hint("put them into one [[table]]; to split the table, give each its own `to`")),
        (None, _) | (_, None) => refuse_words(old.rule, new.rule, table),
    }
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

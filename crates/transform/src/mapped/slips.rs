//! What a mapping says that nobody can have meant: names that meet nothing, names that are taken twice, values that are hidden in one column
//! and shown in another.

use std::collections::{BTreeMap, BTreeSet};

use whimbrel_core::{
    ACCEPT, Error, Finding, Mapping, ObjectId, ObjectKind, Result, STOP, Severity, Table, TableId, TableRule,
    is_pattern, matches_name,
};

use super::columns::leaves_out;
use super::compose::Composed;
use super::contradictions::is_for_one;
use super::part::{Part, PartColumn, Value};
use super::rules::hint_for;
use super::words::{self, Word};

/// Refuses what cannot be meant.
///
/// # Errors
/// `Invalid` with the code `mapping`.
pub(crate) fn refuse(mapping: &Mapping, called: &[Table], composed: &Composed) -> Result<()> {
    namespaces(mapping, called, composed)?;
    for rule in &mapping.tables {
        empty_names(rule)?;
        unmet_names(rule, called)?;
    }
    for (id, parts) in &composed.tables {
        for part in parts {
            columns(&id.to_string(), part)?;
        }
        keys(&id.to_string(), parts.iter().map(|part| &**part))?;
    }
    Ok(())
}

fn wrong(message: String, hint: impl Into<String>) -> Error {
    Error::invalid(message).with_code("mapping").with_hint(hint)
}

fn namespaces(mapping: &Mapping, called: &[Table], composed: &Composed) -> Result<()> {
    let of_tables = called.iter().filter_map(|table| table.id.namespace.clone());
    let declared = composed.catalog.namespaces.iter().map(|space| space.name.clone());
    let known: BTreeSet<String> = of_tables.chain(declared).collect();
    for (from, to) in &mapping.namespaces {
        if !known.contains(from) {
            return Err(wrong(
                format!("the mapping names namespace `{from}`; there is none"),
                match known.is_empty() {
                    true => "the source has no namespaces; take `[namespaces]` out".to_owned(),
                    false => hint_for(from, known.iter().cloned()),
                },
            )
            .at(mapping.written.place(&["namespaces", from])));
        }
        if to.is_empty() {
            return Err(wrong(
                format!("namespace `{from}` becomes one without a name"),
                "write the name that it gets",
            )
            .at(mapping.written.place(&["namespaces", from])));
        }
    }
    Ok(())
}

fn empty_names(rule: &TableRule) -> Result<()> {
    let to_nothing = |to: &String| to.is_empty() || to.starts_with('.') || to.ends_with('.');
    if let Some(to) = rule.to.as_ref().filter(|to| to_nothing(to)) {
        return Err(wrong(
            format!("`to = \"{to}\"` of table `{}` is no name", rule.from.join(", ")),
            "write `name` or `namespace.name`, or leave `to` out to keep the name",
        )
        .at(rule.written.place(&["to"])));
    }
    let nameless = rule.rename.iter().find(|(_, to)| to.is_empty());
    let nameless = nameless.map(|(from, _)| ("rename", from));
    let computed = || rule.compute.keys().find(|name| name.is_empty());
    match nameless.or_else(|| Some(("compute", computed()?))) {
        Some((key, from)) => Err(wrong(
            format!(
                "column `{from}` of table `{}` becomes one without a name",
                rule.from.join(", ")
            ),
            "write the name that it gets",
        )
        .at(rule.written.place(&[key, from]))),
        None => Ok(()),
    }
}

/// A column that a rule for many tables names is in one of them at least.
fn unmet_names(rule: &TableRule, called: &[Table]) -> Result<()> {
    let is_about = |table: &&Table| rule.from.iter().any(|pattern| table.id.matches(pattern));
    let columns: BTreeSet<&String> = called
        .iter()
        .filter(is_about)
        .flat_map(|table| &table.columns)
        .map(|column| &column.name)
        .collect();
    for (key, name) in rule.columns_named() {
        let is_made = rule.compute.contains_key(name) || rule.source_column.as_ref() == Some(name);
        if !is_made && !columns.iter().any(|column| matches_name(name, column)) {
            return Err(wrong(
                format!(
                    "the mapping names column `{name}`; no table of `{}` has it",
                    rule.from.join(", ")
                ),
                hint_for(name, columns.iter().map(|column| (*column).clone())),
            )
            .at(rule.written.place(&[key, name])));
        }
    }
    Ok(())
}

/// Refuses what the rules for one table say of its columns and cannot mean; `table` is as it is called among all databases.
///
/// # Errors
/// `Invalid` with the code `mapping`.
pub(crate) fn refuse_in_table(table: &Table, rules: &[&TableRule]) -> Result<()> {
    for rule in rules {
        unknown_columns(table, rule)?;
        patterns_to_rename(table, rule)?;
        renamed_source_column(table, rule)?;
    }
    computed_and_left_out(table, rules)
}

/// An explicit name that meets nothing is most likely a slip; a pattern may meet nothing in one of many tables.
fn unknown_columns(table: &Table, rule: &TableRule) -> Result<()> {
    if !is_for_one(rule) {
        return Ok(());
    }
    for (key, name) in rule.columns_named() {
        let is_met = table
            .columns
            .iter()
            .any(|column| matches_name(name, &column.name))
            || rule.compute.contains_key(name)
            || rule.source_column.as_ref() == Some(name);
        if !is_met {
            let known = table.columns.iter().map(|column| column.name.clone());
            return Err(wrong(
                format!("the mapping names column `{name}`; table `{}` has none", table.id),
                hint_for(name, known),
            )
            .at(rule.written.place(&[key, name])));
        }
    }
    Ok(())
}

/// Several columns cannot get one name, and a new name has no pattern.
fn patterns_to_rename(table: &Table, rule: &TableRule) -> Result<()> {
    let meets_others = |name: &&String| {
        let mut columns = table.columns.iter();
        is_pattern(name)
            && table.column(name).is_none()
            && columns.any(|column| matches_name(name, &column.name))
    };
    match rule.rename.keys().find(meets_others) {
        Some(pattern) => Err(wrong(
            format!(
                "the mapping renames `{pattern}` of `{}`: a new name is for one column, and takes no pattern",
                table.id
            ),
            "name each column: rename = { COLUMN = \"NAME\" }",
        )
        .at(rule.written.place(&["rename", pattern]))),
        None => Ok(()),
    }
}

/// The column that names the source gets its name from `source_column`, by which keys know it.
fn renamed_source_column(table: &Table, rule: &TableRule) -> Result<()> {
    let Some(name) = rule.source_column.as_ref() else {
        return Ok(());
    };
    match rule.rename.get(name).filter(|_| table.column(name).is_none()) {
        Some(to) => Err(wrong(
            format!("the mapping renames `{name}`, the column that names the source"),
            format!("call it so at once: source_column = \"{to}\""),
        )
        .at(rule.written.place(&["rename", name]))),
        None => Ok(()),
    }
}

/// An expression for a column that is left out would be forgotten in silence, and a merged table would have NULL in its place. What a rule for
/// many tables computes may be left out of one of them.
fn computed_and_left_out(table: &Table, rules: &[&TableRule]) -> Result<()> {
    for column in &table.columns {
        let name = &column.name;
        let computed = rules.iter().rposition(|rule| rule.compute.contains_key(name));
        let left_out = rules.iter().rposition(|rule| leaves_out(rule, name));
        let (Some(computed), Some(left_out)) = (computed, left_out) else {
            continue;
        };
        if computed < left_out {
            continue;
        }
        let hint = match rules[left_out].columns.is_empty() {
            true => format!("take `{name}` out of exclude: what is computed takes the place of its values"),
            false => {
                format!(
                    "name `{name}` among the columns, too: what is computed takes the place of its values"
                )
            }
        };
        return Err(wrong(
            format!(
                "the mapping computes column `{name}` of `{}`, and leaves it out",
                table.id
            ),
            hint,
        )
        .at(rules[computed].written.place(&["compute", name])));
    }
    Ok(())
}

/// A table has columns, and each has a name of its own.
fn columns(table: &str, part: &Part) -> Result<()> {
    if part.columns.is_empty() && !part.table.columns.is_empty() {
        return Err(wrong(
            format!("no column of `{table}` is left"),
            "take the whole table out: --exclude, or leave out less",
        )
        .at(words::rule_place(&part.rules, "exclude")));
    }
    let place = |name: &str, word| words::place(&part.rules, name, word);
    let said = |name: &str| place(name, Word::Rename).or_else(|| place(name, Word::Compute));
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for column in &part.columns {
        let Some(other) = seen.insert(column.target_name(), &column.name) else {
            continue;
        };
        let makers = match other == column.name {
            true => "the mapping makes it twice".to_owned(),
            false => format!("`{other}` and `{}` both become it", column.name),
        };
        return Err(wrong(
            format!(
                "`{table}` gets two columns called `{}` from `{}`: {makers}",
                column.target_name(),
                part.called
            ),
            "give one of them another name, or leave one out: exclude = [...]",
        )
        .at(said(&column.name)
            .or_else(|| said(other))
            .or_else(|| words::rule_place(&part.rules, ""))));
    }
    Ok(())
}

/// The columns of a key that the rules want are there.
fn keys<'p>(table: &str, parts: impl Iterator<Item = &'p Part> + Clone) -> Result<()> {
    let Some(key) = parts.clone().find_map(|part| part.key.as_ref()) else {
        return Ok(());
    };
    let mut rules = parts.clone().flat_map(|part| part.rules.iter().rev());
    let keyed = rules.find(|rule| &rule.key == key);
    let place = |name: &str| keyed.and_then(|rule| rule.written.place(&["key", name]));
    let known: BTreeSet<&str> = parts
        .flat_map(|part| &part.columns)
        .map(PartColumn::target_name)
        .collect();
    match key.iter().find(|name| !known.contains(name.as_str())) {
        Some(name) => Err(wrong(
            format!("the key of `{table}` names column `{name}`; the table has none"),
            hint_for(name, known.iter().map(|name| (*name).to_owned())),
        )
        .at(place(name))),
        None => Ok(()),
    }
}

/// Says which expressions show what a mask hides.
pub(crate) fn warn_of_leaks(composed: &mut Composed) {
    let mut findings = Vec::new();
    for (id, parts) in &composed.tables {
        for part in parts {
            findings.extend(copied(part).map(|column| asked_of_copied(id, column)));
            for (column, hidden) in leaks(part) {
                let subject = ObjectId::part(ObjectKind::Column, id.clone(), column);
                let message = format!(
                    "`{subject}` is computed from `{hidden}`, which is masked: what is masked may be read there"
                );
                let finding = Finding::new("mapping", Severity::Warning, subject, message);
                findings.push(
                    finding.with_evidence(format!("hint: mask it too: mask = {{ {column} = \"hash\" }}")),
                );
            }
        }
    }
    composed.findings.extend(findings);
}

fn asked_of_copied(table: &TableId, column: &str) -> Finding {
    let subject = ObjectId::part(ObjectKind::Column, table.clone(), column);
    let message = format!(
        "the source computes `{subject}` from a column that is masked, and its values would be copied: what is masked may be read there"
    );
    let hint = format!(
        "hint: mask it too: mask = {{ {column} = \"redact\" }}, leave it out: exclude = [\"{column}\"], or compute it: compute = {{ {column} = \"...\" }}"
    );
    Finding::new("mapping", Severity::Decision, subject, message)
        .with_evidence(hint)
        .with_choice(ACCEPT, "its values arrive as the source computed them")
        .with_choice(
            STOP,
            "the migration waits until the mapping says what becomes of it",
        )
}

/// Columns that are copied though their database computes them from one that has a mask.
fn copied(part: &Part) -> impl Iterator<Item = &str> {
    let hidden = part.hidden();
    let is_copied = move |column: &&PartColumn| matches!(&column.value, Value::Column { at, .. } if hidden[*at] && part.table.columns[*at].generated.is_some());
    part.columns
        .iter()
        .filter(is_copied)
        .map(|column| column.name.as_str())
}

/// Columns without a mask that are computed from one that has a mask.
pub(crate) fn leaks(part: &Part) -> Vec<(&str, &str)> {
    let hidden = part.hidden();
    let mut found = Vec::new();
    for column in &part.columns {
        if let Value::Computed(computed) = &column.value
            && computed.masked.is_none()
        {
            let reads = computed.expression.reads();
            let shown = reads.iter().find(|at| hidden[**at]);
            found.extend(shown.map(|at| (column.name.as_str(), part.inputs[*at].name.as_str())));
        }
    }
    found
}

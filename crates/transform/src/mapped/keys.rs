//! Which keys, indexes, checks and foreign keys still hold when columns are left out, computed or masked, and tables split or merged.

use std::collections::BTreeMap;
use std::mem::discriminant;
use std::sync::Arc;

use whimbrel_core::{
    Check, Dialect, Error, Finding, ForeignKey, Index, Key, LogicalType, MaskRule, ObjectId, ObjectKind,
    Result, Severity, Table, TableId, divides_rows,
};

use super::compose::Composed;
use super::part::{Part, PartColumn, Value};
use super::unkept::Unkept;
use super::words;

/// Takes out what does not hold any more, and says so.
///
/// # Errors
/// `Invalid` for a merged table of which a part has no value for the key.
pub(crate) fn settle(
    composed: &mut Composed,
    origins: &BTreeMap<TableId, Vec<&TableId>>,
    target: &dyn Dialect,
) -> Result<()> {
    let mut tables = std::mem::take(&mut composed.catalog.tables);
    for table in &mut tables {
        let parts = &composed.tables[&table.id];
        let mut gone = of_columns(parts);
        own_key(table, parts);
        refuse_keyless(table, parts)?;
        within(table, parts, &mut gone);
        composed
            .findings
            .extend(gone.into_iter().map(|gone| gone.finding(&table.id)));
    }
    let mut kept: BTreeMap<TableId, Vec<ForeignKey>> = BTreeMap::new();
    for table in &tables {
        let mut keys = Vec::new();
        for key in &table.foreign_keys {
            let gone = |why| Gone {
                kind: ObjectKind::ForeignKey,
                name: label(&key.name, &key.columns),
                what: None,
                why,
            };
            match between(composed, &tables, table, key, (origins, target)) {
                Ok(made) => {
                    composed.findings.extend(widened(&table.id, key, &made));
                    keys.push(made);
                }
                Err(Unmade::Impossible(why)) => composed.findings.push(gone(why).finding(&table.id)),
                Err(Unmade::Unkeyed { why, key }) => composed.unkept.push(Unkept {
                    table: table.id.clone(),
                    finding: gone(why).finding(&table.id),
                    key: *key,
                }),
            }
        }
        kept.insert(table.id.clone(), keys);
    }
    for table in &mut tables {
        table.foreign_keys = kept.remove(&table.id).unwrap_or_default();
    }
    composed.catalog.tables = tables;
    Ok(())
}

/// Rows of a part that lacks a column of the key would have NULL there, which no key takes.
fn refuse_keyless(table: &Table, parts: &[Arc<Part>]) -> Result<()> {
    let Some(key) = table.primary_key.as_ref().filter(|_| parts.len() > 1) else {
        return Ok(());
    };
    let is_there = |name: &String| table.column(name).is_some();
    for name in key.columns.iter().filter(|name| is_there(name)) {
        let lacks = |part: &&Arc<Part>| part.column(name).is_none_or(PartColumn::is_missing);
        let Some(part) = parts.iter().find(lacks) else {
            continue;
        };
        let is_source = parts.iter().any(|part| part.source_column.as_ref() == Some(name));
        let hint = match is_source {
            true => format!("write in every rule that leads to it: source_column = \"{name}\""),
            false => format!(
                "write in the rule for `{}`: rename = {{ COLUMN = \"{name}\" }}, or name columns that all parts have: key = [\"COLUMN\"]",
                part.called
            ),
        };
        return Err(Error::invalid(format!(
            "the key ({}) of the merged table `{}` needs `{name}`, which `{}` does not give",
            key.columns.join(", "),
            table.id,
            part.called
        ))
        .with_code("mapping")
        .with_hint(hint)
        .at(words::rule_place(&part.rules, "from")));
    }
    Ok(())
}

/// What of the source's columns stays behind, by the names of the mapped table; once where several parts lose the same.
fn of_columns(parts: &[Arc<Part>]) -> Vec<Gone> {
    let mut all: Vec<Gone> = Vec::new();
    for column in parts.iter().flat_map(|part| &part.columns) {
        for gone in &column.gone {
            let gone = Gone {
                name: column.name.clone(),
                ..gone.clone()
            };
            if !all.contains(&gone) {
                all.push(gone);
            }
        }
    }
    all
}

/// The key that the rules want, or the source's name before the first part's key.
fn own_key(table: &mut Table, parts: &[Arc<Part>]) {
    let key = parts.iter().find_map(|part| part.key.as_ref());
    let named = parts.iter().find_map(|part| part.source_column.as_ref());
    let make = |columns: Vec<String>| Key {
        name: String::new(),
        columns,
        deferral: whimbrel_core::Deferral::Never,
        nulls_equal: false,
        definition: None,
    };
    if let Some(key) = key {
        let called = |name: &String| {
            let mut columns = parts.iter().flat_map(|part| &part.columns);
            let found = columns.find(|column| column.target_name() == name);
            found.map_or_else(|| name.clone(), |column| column.name.clone())
        };
        table.primary_key = Some(make(key.iter().map(called).collect()));
    } else if let (Some(named), Some(own)) = (named, &table.primary_key) {
        let columns = std::iter::once(named.clone()).chain(own.columns.iter().cloned());
        table.primary_key = Some(make(columns.collect()));
    }
    let keyed = table
        .primary_key
        .iter()
        .flat_map(|key| key.columns.clone())
        .collect::<Vec<_>>();
    for column in table
        .columns
        .iter_mut()
        .filter(|column| keyed.contains(&column.name))
    {
        column.nullable = false;
    }
}

/// What stays behind.
#[derive(Clone, PartialEq)]
pub(crate) struct Gone {
    pub(crate) kind: ObjectKind,
    pub(crate) name: String,
    /// What of it, when it is not the whole.
    pub(crate) what: Option<String>,
    pub(crate) why: String,
}

impl Gone {
    pub(crate) fn finding(self, table: &TableId) -> Finding {
        let Self {
            kind,
            name,
            what,
            why,
        } = self;
        let subject = ObjectId::part(kind, table.clone(), name);
        let what = what.map_or_else(
            || format!("the {kind} `{subject}`"),
            |what| format!("the {what} of `{subject}`"),
        );
        let message = format!("{what} stays behind: {why}");
        Finding::new("not_moved", Severity::Warning, subject, message)
    }
}

/// What a table's own parts may still name.
struct Names<'a> {
    columns: Vec<String>,
    parts: &'a [Arc<Part>],
}

impl Names<'_> {
    fn missing(&self, names: &[String]) -> Option<String> {
        let missing = names.iter().find(|name| !self.columns.contains(name))?;
        Some(format!("column `{missing}` does"))
    }

    /// Says which mask makes values equal that differ.
    fn blurred(&self, names: &[String]) -> Option<String> {
        let is_hidden = |name: &&String| {
            let mut parts = self.parts.iter();
            parts.any(|part| part.column(name).is_some_and(is_blurred))
        };
        let name = names.iter().find(is_hidden)?;
        Some(format!("the mask of `{name}` makes values equal"))
    }

    fn unfit(&self, names: &[String]) -> Option<String> {
        self.missing(names).or_else(|| self.blurred(names))
    }

    fn unfit_index(&self, index: &Index) -> Option<String> {
        let columns = index.parts.iter().filter_map(|part| part.column.clone());
        let names: Vec<String> = columns.chain(index.include.clone()).collect();
        let expressions = index.parts.iter().filter_map(|part| part.expression.as_ref());
        let mut texts = expressions.chain(&index.predicate);
        self.missing(&names)
            .or_else(|| self.blurred(&names).filter(|_| index.unique))
            .or_else(|| texts.find_map(|text| changed_in(text, self.parts)))
    }
}

/// Keys, indexes and checks of one table.
fn within(table: &mut Table, parts: &[Arc<Part>], gone: &mut Vec<Gone>) {
    let names = Names {
        columns: table.columns.iter().map(|column| column.name.clone()).collect(),
        parts,
    };
    if let Some(key) = &table.primary_key
        && let Some(why) = names.unfit(&key.columns)
    {
        gone.push(Gone {
            kind: ObjectKind::PrimaryKey,
            name: label(&key.name, &key.columns),
            what: None,
            why,
        });
        table.primary_key = None;
    }
    let is_keyed = table.primary_key.is_some();
    table.options.retain(|option| {
        let why = match option.as_str() {
            KEEPS_ROWS_IN_KEY if !is_keyed => Some("it has no primary key".to_owned()),
            option if divides_rows(option) => changed_in(option, parts),
            _ => None,
        };
        keep(why, ObjectKind::Other, option.clone(), gone)
    });
    table.uniques.retain(|key| {
        let why = names.unfit(&key.columns);
        keep(why, ObjectKind::Unique, label(&key.name, &key.columns), gone)
    });
    table.indexes.retain(|index| {
        keep(
            names.unfit_index(index),
            ObjectKind::Index,
            index.name.clone(),
            gone,
        )
    });
    table.checks.retain(|check: &Check| {
        let why = changed_in(&check.expression, parts);
        keep(why, ObjectKind::Check, check.name.clone(), gone)
    });
    table.exclusions.retain(|exclusion| {
        let why = changed_in(&exclusion.definition, parts);
        keep(why, ObjectKind::Exclusion, exclusion.name.clone(), gone)
    });
    for column in &mut table.columns {
        let generated = column.generated.as_ref();
        let is_same = |part: &Arc<Part>| part.column(&column.name).is_none_or(PartColumn::is_same);
        let changed = generated.and_then(|generated| match parts.iter().all(is_same) {
            true => changed_in(&generated.expression, parts),
            false => Some(format!("the mapping changes `{}`", column.name)),
        });
        if let (Some(generated), Some(why)) = (&column.generated, changed) {
            gone.push(Gone {
                kind: ObjectKind::Column,
                name: column.name.clone(),
                what: Some(format!("expression {}", generated.expression)),
                why: format!("{why}, and its values are copied"),
            });
            column.generated = None;
        }
    }
}

/// The option of a table whose rows are kept in its primary key.
const KEEPS_ROWS_IN_KEY: &str = "without_rowid";

fn keep(why: Option<String>, kind: ObjectKind, name: String, gone: &mut Vec<Gone>) -> bool {
    match why {
        None => true,
        Some(why) => {
            gone.push(Gone {
                kind,
                name,
                what: None,
                why,
            });
            false
        }
    }
}

/// Tells whether a mask makes different values equal.
fn is_blurred(column: &PartColumn) -> bool {
    matches!(column.mask(), Some(MaskRule::Redact | MaskRule::KeepLast(_)))
}

/// Says which column that the expression mentions is not the source's any more.
fn changed_in(text: &str, parts: &[Arc<Part>]) -> Option<String> {
    parts.iter().find_map(|part| {
        let mut names = part.table.columns.iter().map(|column| &column.name);
        let changed = names.find(|name| {
            let keeps = part.column(name).is_some_and(PartColumn::keeps_values);
            !keeps && mentions(text, name)
        })?;
        Some(match part.column(changed) {
            None => format!("column `{changed}` does"),
            Some(_) => format!("the mapping changes `{changed}`"),
        })
    })
}

/// Tells whether the name stands in the text as a word.
pub(crate) fn mentions(text: &str, name: &str) -> bool {
    let (text, name) = (text.to_lowercase(), name.to_lowercase());
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(&name).any(|(at, found)| {
        let before = text[..at].chars().next_back();
        let after = text[at + found.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// A foreign key in the terms of the mapped tables.
fn between(
    composed: &Composed,
    tables: &[Table],
    table: &Table,
    key: &ForeignKey,
    (origins, target): (&BTreeMap<TableId, Vec<&TableId>>, &dyn Dialect),
) -> Result<ForeignKey, Unmade> {
    let to = match origins.get(&key.references).map(Vec::as_slice) {
        Some([one]) => (*one).clone(),
        Some([]) | None => return Err(format!("`{}` does not move", key.references).into()),
        Some(_) => return Err(format!("`{}` is split", key.references).into()),
    };
    let parent = tables
        .iter()
        .find(|parent| parent.id == to)
        .ok_or_else(|| "its table is gone".to_owned())?;
    let (children, parents) = (&composed.tables[&table.id], &composed.tables[&to]);
    let mut referred = Vec::new();
    for (own, other) in key.columns.iter().zip(&key.referred) {
        if let Some(missing) = children.iter().find(|part| part.column(own).is_none()) {
            return Err(format!("`{}` has no column `{own}`", missing.table.id).into());
        }
        // A merged table calls its columns as the target does.
        let name = parents
            .iter()
            .find(|part| part.table.id.name == key.references.name || parents.len() == 1)
            .and_then(|part| part.columns.iter().find(|column| column.comes_from(part, other)))
            .map(|column| column.name.clone())
            .ok_or_else(|| format!("column `{other}` of `{to}` stays behind or is computed"))?;
        joined(
            (children, own),
            (parents, &name),
            &Between {
                composed,
                child: &table.id,
                parent: &to,
                target,
            },
        )?;
        referred.push(name);
    }
    let made = ForeignKey {
        references: to.clone(),
        referred,
        ..key.clone()
    };
    if !is_key(parent, &made.referred) {
        let wide = with_source((children, parents), &made).filter(|wide| is_key(parent, &wide.referred));
        return wide.ok_or_else(|| Unmade::Unkeyed {
            why: no_key(parent, &made.referred, parents.len() > 1),
            key: Box::new(made),
        });
    }
    let changes = to != key.references || made.referred != key.referred;
    Ok(ForeignKey {
        definition: key.definition.clone().filter(|_| !changes),
        ..made
    })
}

/// Tells whether the columns are a key of the table.
fn is_key(parent: &Table, referred: &[String]) -> bool {
    parent.primary_key.iter().chain(&parent.uniques).any(|key| {
        key.columns.len() == referred.len() && referred.iter().all(|name| key.columns.contains(name))
    }) || parent.indexes.iter().any(|index| {
        index.unique
            && index.parts.len() == referred.len()
            && index
                .parts
                .iter()
                .all(|part| part.column.as_ref().is_some_and(|name| referred.contains(name)))
    })
}

/// A foreign key that cannot be made.
enum Unmade {
    /// What it says has no meaning any more.
    Impossible(String),
    /// What it refers to is no key of the table that is made.
    Unkeyed {
        /// Why not.
        why: String,
        /// The key as it would be.
        key: Box<ForeignKey>,
    },
}

impl From<String> for Unmade {
    fn from(why: String) -> Self {
        Self::Impossible(why)
    }
}

/// The key with the columns that name the source at both ends, where each part refers to rows that bear the same name.
fn with_source((children, parents): (&[Arc<Part>], &[Arc<Part>]), key: &ForeignKey) -> Option<ForeignKey> {
    // The name of the source can neither become NULL with the rest, nor be there where the rest must be whole.
    let clears = |action: &str| action.starts_with("SET ");
    let is_whole = key.match_full && key.columns.len() > 1;
    if clears(&key.on_delete) || clears(&key.on_update) || is_whole {
        return None;
    }
    let named = |parts: &[Arc<Part>]| parts.first()?.source_column.clone();
    let (own, other) = (named(children)?, named(parents)?);
    let refers_alike = |child: &Arc<Part>| {
        let Some(references) = own_reference(child, &key.columns) else {
            return false;
        };
        let mut parents = parents.iter();
        let behind =
            parents.find(|parent| parent.database == child.database && &parent.table.id == references);
        behind.is_some_and(|parent| parent.source_name == child.source_name)
    };
    let with = |first: String, rest: &[String]| std::iter::once(first).chain(rest.iter().cloned()).collect();
    children.iter().all(refers_alike).then(|| ForeignKey {
        columns: with(own, &key.columns),
        referred: with(other, &key.referred),
        match_full: false,
        definition: None,
        ..key.clone()
    })
}

/// The table that a part's own foreign key on the columns refers to.
pub(crate) fn own_reference<'a>(part: &'a Part, columns: &[String]) -> Option<&'a TableId> {
    let is_it = |own: &&ForeignKey| {
        let mut both = own.columns.iter().zip(columns);
        own.columns.len() == columns.len()
            && both.all(|(own, name)| {
                part.column(name)
                    .is_some_and(|column| column.comes_from(part, own))
            })
    };
    part.table
        .foreign_keys
        .iter()
        .find(is_it)
        .map(|own| &own.references)
}

/// Says that a key refers by more columns than it did.
fn widened(table: &TableId, key: &ForeignKey, made: &ForeignKey) -> Option<Finding> {
    let subject = ObjectId::part(
        ObjectKind::ForeignKey,
        table.clone(),
        label(&key.name, &key.columns),
    );
    let message = format!(
        "the foreign key `{subject}` refers by ({}) to ({}) of `{}`",
        made.columns.join(", "),
        made.referred.join(", "),
        made.references
    );
    (made.columns.len() > key.columns.len())
        .then(|| Finding::new("mapping", Severity::Info, subject, message))
}

/// Why nothing can refer to the columns; in a merged table several rows may have what was a key of each.
fn no_key(parent: &Table, referred: &[String], is_merged: bool) -> String {
    let text = format!("`{}` has no key of ({})", parent.id, referred.join(", "));
    match &parent.primary_key {
        Some(key) if is_merged => {
            format!(
                "{text}: the rows that are merged there are told apart by ({})",
                key.columns.join(", ")
            )
        }
        Some(_) | None => text,
    }
}

/// What both ends of a foreign key are looked at with.
struct Between<'a> {
    composed: &'a Composed,
    child: &'a TableId,
    parent: &'a TableId,
    target: &'a dyn Dialect,
}

/// One column of one part, at one end of a foreign key.
struct End<'a> {
    part: &'a Part,
    column: &'a PartColumn,
}

impl End<'_> {
    fn all<'a>(parts: &'a [Arc<Part>], name: &str) -> Vec<End<'a>> {
        let found = parts
            .iter()
            .filter_map(|part| Some((&**part, part.column(name)?)));
        found.map(|(part, column)| End { part, column }).collect()
    }

    /// Tells whether the values are the source's, hidden or in another form.
    fn is_own(&self) -> bool {
        match &self.column.value {
            Value::Column { .. } => true,
            Value::Computed(computed) => computed.of.is_some(),
        }
    }

    fn is_kin(&self, between: &Between<'_>) -> bool {
        let member = &between.composed.members[self.part.database];
        between.target.is_kin(&member.engine)
    }

    /// The target's type, as far as it is known before the plan.
    fn native(&self, between: &Between<'_>) -> Option<String> {
        let own = || {
            let native = &self.column.column.native;
            let is_kept = self.column.is_same() && self.is_kin(between);
            is_kept.then(|| between.target.castable(native)).flatten()
        };
        self.column.wanted.clone().or_else(own)
    }

    /// What its values are in the target, in words.
    fn said(&self) -> String {
        let form = self.column.form(self.part);
        self.column
            .wanted
            .as_ref()
            .map_or_else(|| form.to_string(), |native| format!("`{native}`"))
    }
}

/// Says why equal values at both ends may differ after the mapping.
fn joined(
    (children, own): (&[Arc<Part>], &str),
    (parents, name): (&[Arc<Part>], &str),
    between: &Between<'_>,
) -> Result<(), String> {
    let (mine, theirs) = (End::all(children, own), End::all(parents, name));
    if mine.iter().any(|end| !end.is_own()) {
        return Err(format!("`{own}` is computed"));
    }
    for one in &mine {
        for other in &theirs {
            let (mask, same) = (one.column.mask(), other.column.mask());
            if mask != same || !matches!(mask, None | Some(MaskRule::Hash)) {
                let parent = between.parent;
                return Err(format!("`{own}` and `{parent}.{name}` are masked differently"));
            }
            if !is_one_type(one, other, between) {
                return Err(differ((one, own), (other, name), between));
            }
        }
    }
    Ok(())
}

/// Tells whether both ends are what the source has, or get the same type from the same form.
fn is_one_type(one: &End<'_>, other: &End<'_>, between: &Between<'_>) -> bool {
    if one.column.wanted.is_none() && other.column.wanted.is_none() {
        return true;
    }
    let is_text = |form: &LogicalType| matches!(form, LogicalType::Text { .. });
    let (mine, theirs) = (one.column.form(one.part), other.column.form(other.part));
    let is_alike = match (
        one.part.source_form(one.column),
        other.part.source_form(other.column),
    ) {
        (Some(from), Some(other)) => discriminant(from) == discriminant(other),
        _ => false,
    };
    let agree = match (one.native(between), other.native(between)) {
        (Some(one), Some(other)) if one == other => true,
        // Several types of a related server travel alike.
        (Some(_), Some(_)) if one.is_kin(between) || other.is_kin(between) => false,
        _ => mine == theirs,
    };
    is_alike && (agree || is_text(&mine) && is_text(&theirs))
}

fn differ((one, own): (&End<'_>, &str), (other, name): (&End<'_>, &str), between: &Between<'_>) -> String {
    let Between { child, parent, .. } = between;
    let wish = match (&other.column.wanted, &one.column.wanted) {
        (Some(wanted), _) => format!("types = {{ {own} = \"{wanted}\" }} for `{child}`"),
        (None, Some(wanted)) => format!("types = {{ {name} = \"{wanted}\" }} for `{parent}`"),
        (None, None) => String::new(),
    };
    format!(
        "`{own}` is {} and `{parent}.{name}` {} in the target (write {wish})",
        one.said(),
        other.said()
    )
}

pub(crate) fn label(name: &str, columns: &[String]) -> String {
    match name.is_empty() {
        true => columns.join(", "),
        false => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_only_as_a_word() {
        assert!(mentions("(price > 0)", "Price"));
        assert!(mentions("\"price\" > 0", "price"));
        assert!(!mentions("unit_price > 0", "price"));
        assert!(!mentions("prices > 0", "price"));
    }
}

//! The catalog that a mapping makes of the catalogs of its databases, and what each table of it is read from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use whimbrel_core::{
    Catalog, Column, Dialect, Error, Finding, Lossy, Mapping, MaskRule, ObjectId, ObjectKind, Renames,
    Result, Severity, Table, TableId, TablePart,
};

use super::keys;
use super::merge::{World, merged};
use super::part::{Part, PartColumn};
use super::remainder::left_behind;
use super::reserved;
use super::rules::{Assigned, assign, hint_for};
use super::shared::Shared;
use super::slips;
use super::sources::{Described, Member, shell};
use super::unkept::Unkept;
use super::words::{self, SharedRules};
use crate::{Lookups, MaskKey};

/// What a mapping means for the catalogs as they are now.
pub(crate) struct Composed {
    /// The mapped catalog.
    pub(crate) catalog: Catalog,
    /// What it calls things in the target.
    pub(crate) renames: Renames,
    /// What changes besides what the rules say.
    pub(crate) findings: Vec<Finding>,
    /// Foreign keys that a merge makes impossible; what becomes of their rows is counted with the rest of the profile.
    pub(crate) unkept: Vec<Unkept>,
    /// What each table is read from.
    pub(crate) tables: BTreeMap<TableId, Vec<Arc<Part>>>,
    /// What stands behind each sequence: which database, by place, and what it calls it; several for a merged table.
    pub(crate) sequences: BTreeMap<TableId, Vec<(usize, TableId)>>,
    /// What is said of each database.
    pub(crate) members: Vec<Member>,
    /// True when the target is of the databases' engine, so that texts are compared there as they are here.
    pub(crate) keeps_collations: bool,
}

impl Composed {
    /// The tables of one database that the mapped tables' rows come from.
    pub(crate) fn behind(&self, tables: &[TableId], database: usize) -> Vec<TableId> {
        let parts = tables.iter().filter_map(|table| self.tables.get(table)).flatten();
        let own = parts.filter(|part| part.database == database);
        let own: BTreeSet<TableId> = own.map(|part| part.table.id.clone()).collect();
        own.into_iter().collect()
    }

    /// One sequence takes the place of those that number the parts of a merged table, unless rows of a part go elsewhere, too.
    fn share(&mut self, table: &TableId, shared: Shared, origins: &BTreeMap<TableId, Vec<&TableId>>) {
        self.findings
            .extend(shared.gone.into_iter().map(|gone| gone.finding(table)));
        let Some((sequence, behind)) = shared.numbered else {
            return;
        };
        let all = &self.sequences;
        self.catalog.sequences.retain(|own| {
            let owner = own.owned_by.as_ref().and_then(|(owner, _)| origins.get(owner));
            let is_merged = all
                .get(&own.id)
                .is_some_and(|own| own.iter().any(|own| behind.contains(own)));
            !is_merged || owner.is_none_or(|made| made.len() > 1)
        });
        self.sequences.insert(sequence.id.clone(), behind);
        self.catalog.sequences.push(sequence);
        self.catalog.sequences.sort_by(|a, b| a.id.cmp(&b.id));
    }
}

/// What a mapping is worked out with, besides the catalogs.
pub(crate) struct Tools<'a> {
    pub(crate) mapping: &'a Mapping,
    pub(crate) lookups: &'a Lookups,
    pub(crate) mask_key: &'a MaskKey,
    pub(crate) target: &'a dyn Dialect,
    /// The engine of the target.
    pub(crate) target_engine: &'a str,
    /// True where the target has namespaces; else they become prefixes.
    pub(crate) has_namespaces: bool,
    /// Where the target keeps tables unless told otherwise.
    pub(crate) place: Option<String>,
}

/// A table of one of the databases.
#[derive(Clone, Copy)]
pub(crate) struct Base<'a> {
    /// Which database, by place.
    pub(crate) database: usize,
    /// The database.
    pub(crate) described: &'a Described<'a>,
    /// The table as its own catalog has it.
    pub(crate) table: &'a Table,
}

/// Works out the mapping.
///
/// # Errors
/// `Invalid` with the code `mapping` for a rule that does not fit the catalogs.
pub(crate) fn compose(databases: &[Described<'_>], tools: &Tools<'_>) -> Result<Composed> {
    let mut bases = Vec::new();
    let mut called = Vec::new();
    for (database, described) in databases.iter().enumerate() {
        for table in &described.catalog.tables {
            bases.push(Base {
                database,
                described,
                table,
            });
            called.push(described.table(table));
        }
    }
    reserved::refuse(tools)?;
    let assigned = assign(tools.mapping, &called, tools.place.as_deref())?;
    let origins = origins(&assigned, &called);
    let mut composed = beginning(databases, tools);
    let dissolved = origins.iter().filter(|(id, made)| made.as_slice() != [*id]);
    composed.renames.dissolved = dissolved.map(|(id, _)| id.clone()).collect();
    composed.renames.origins = made_of(&assigned, &called);
    let world = World {
        databases,
        origins: &origins,
    };
    let rules = SharedRules::new(tools.mapping);
    for table in &assigned {
        let parts = table.parts.iter().map(|part| -> Result<Part> {
            let at = part.base;
            let mut built = Part::build(bases[at], &called[at], &part.rules, tools)?;
            built.table.flattened = part.is_undivided;
            built.is_merged = table.is_merged();
            built.rules = rules.of(&part.rules);
            Ok(built)
        });
        let mut parts = parts.collect::<Result<Vec<Part>>>()?;
        let mut made = match table.is_merged() {
            true => {
                let place = words::rule_place(&table.parts[0].rules, "to");
                let (made, shared) =
                    merged(table, &called, &mut parts, &world, tools).map_err(|error| error.at(place))?;
                composed.share(&made.id, shared, &origins);
                made
            }
            false => single(table, &called[table.parts[0].base], &parts[0]),
        };
        composed.findings.extend(conflicts(table, &bases, &made));
        made.parts = told(&made, &parts, databases);
        take(&mut composed, table, made, parts);
    }
    composed.findings.extend(undivided(&assigned, &called));
    leave_parents(&mut composed, &origins);
    keys::settle(&mut composed, &origins, tools.target)?;
    refuse_unknown_waves(&composed, tools.mapping)?;
    slips::refuse(tools.mapping, &called, &composed)?;
    slips::warn_of_leaks(&mut composed);
    warn_of_guessing(&mut composed, tools.mapping);
    composed.catalog.tables.sort_by(|a, b| a.id.cmp(&b.id));
    left_behind(&mut composed, databases, &origins);
    Ok(composed)
}

/// The mapping before the first table is made.
fn beginning(databases: &[Described<'_>], tools: &Tools<'_>) -> Composed {
    let mut engines = databases.iter().map(|each| each.database.connector.name());
    Composed {
        catalog: shell(databases),
        renames: Renames {
            namespaces: tools.mapping.namespaces.clone(),
            ..Renames::default()
        },
        findings: Vec::new(),
        unkept: Vec::new(),
        tables: BTreeMap::new(),
        sequences: sequences(databases),
        members: databases.iter().map(Described::member).collect(),
        keeps_collations: engines.all(|engine| engine == tools.target_engine),
    }
}

/// The tables that are made of each table of a source.
fn origins<'a>(assigned: &'a [Assigned<'_>], called: &[Table]) -> BTreeMap<TableId, Vec<&'a TableId>> {
    let mut origins: BTreeMap<TableId, Vec<&TableId>> = BTreeMap::new();
    for table in assigned {
        for part in &table.parts {
            let made = origins.entry(called[part.base].id.clone()).or_default();
            made.push(&table.id);
        }
    }
    origins
}

/// The sources' tables that each table is made of, but for those that keep their name.
fn made_of(assigned: &[Assigned<'_>], called: &[Table]) -> BTreeMap<TableId, Vec<TableId>> {
    let of = |table: &Assigned<'_>| -> Vec<TableId> {
        let own = table.parts.iter().map(|part| called[part.base].id.clone());
        own.collect()
    };
    let all = assigned.iter().map(|table| (table.id.clone(), of(table)));
    all.filter(|(id, own)| own.as_slice() != std::slice::from_ref(id))
        .collect()
}

/// Says of which tables the words about rows that break a key stay behind, as the table is made anew.
fn conflicts(assigned: &Assigned<'_>, bases: &[Base<'_>], made: &Table) -> Option<Finding> {
    let own = assigned.parts.iter().map(|part| bases[part.base].table);
    let losing: Vec<String> = own
        .filter(|table| made.definition.is_none() && table.settles_conflicts())
        .map(|table| format!("`{}`", table.id))
        .collect();
    let message = format!(
        "ON CONFLICT clauses of {} stay behind: a row that breaks a key is an error",
        losing.join(", ")
    );
    let subject = ObjectId::whole(ObjectKind::Table, made.id.clone());
    (!losing.is_empty()).then(|| Finding::new("feature_left_out", Severity::Warning, subject, message))
}

/// What the plan says of the parts; nothing where the table is the database's own.
fn told(made: &Table, parts: &[Part], databases: &[Described<'_>]) -> Vec<TablePart> {
    let is_itself = |part: &Part| {
        let is_only = databases[part.database].database.name.is_empty();
        is_only
            && made.id == part.table.id
            && part.filter.is_none()
            && part.key.is_none()
            && part.columns.iter().all(PartColumn::is_same)
    };
    match parts {
        [only] if is_itself(only) => Vec::new(),
        parts => parts
            .iter()
            .map(|part| part.told(&databases[part.database]))
            .collect(),
    }
}

/// Says which partitioned tables arrive as plain ones.
fn undivided(assigned: &[Assigned<'_>], called: &[Table]) -> Vec<Finding> {
    let mut made: BTreeMap<&TableId, Vec<String>> = BTreeMap::new();
    for table in assigned {
        for part in table.parts.iter().filter(|part| part.is_undivided) {
            let to = table.to.as_ref().unwrap_or(&table.id);
            let of_whole = made.entry(&called[part.base].id).or_default();
            of_whole.push(format!("`{to}`"));
        }
    }
    let finding = |(whole, made): (&TableId, Vec<String>)| {
        let message = format!(
            "`{whole}` is partitioned; what the mapping makes of it is not: {} with the rows of all partitions",
            made.join(", ")
        );
        let subject = ObjectId::whole(ObjectKind::Table, whole.clone());
        Finding::new("partitions", Severity::Warning, subject, message)
    };
    made.into_iter().map(finding).collect()
}

/// A table that inherits goes on by itself, with all its columns, where one above it is split or merged.
fn leave_parents(composed: &mut Composed, origins: &BTreeMap<TableId, Vec<&TableId>>) {
    let is_itself = |id: &&TableId| origins.get(*id).is_some_and(|made| made.as_slice() == [*id]);
    for table in &mut composed.catalog.tables {
        let Some(parent) = table.inherits.iter().find(|id| !is_itself(id)) else {
            continue;
        };
        let id = &table.id;
        let message = format!(
            "`{id}` does not inherit any more, as the mapping splits or merges `{parent}`: what is made of that does not show the rows of `{id}`"
        );
        let subject = ObjectId::whole(ObjectKind::Table, id.clone());
        let finding = Finding::new("inheritance", Severity::Warning, subject, message);
        composed.findings.push(finding);
        table.inherits = Vec::new();
        table.definition = None;
    }
}

/// A wave without a table is most likely a slip.
fn refuse_unknown_waves(composed: &Composed, mapping: &Mapping) -> Result<()> {
    let target = |table: &Table| {
        composed
            .renames
            .tables
            .get(&table.id)
            .unwrap_or(&table.id)
            .clone()
    };
    let tables = &composed.catalog.tables;
    for wave in &mapping.waves {
        for pattern in &wave.tables {
            let is_met = |table: &Table| table.id.matches(pattern) || target(table).matches(pattern);
            if !tables.iter().any(is_met) {
                let known = tables.iter().map(|table| target(table).to_string());
                return Err(Error::invalid(format!(
                    "the wave `{}` names table `{pattern}`; there is none after the mapping",
                    wave.name
                ))
                .with_code("mapping")
                .with_hint(hint_for(pattern, known))
                .at(wave.written.place(&["tables", pattern])));
            }
        }
    }
    Ok(())
}

/// Whoever knows likely values finds the hashes of a mask without a key.
fn warn_of_guessing(composed: &mut Composed, mapping: &Mapping) {
    if mapping.mask_key.is_some() {
        return;
    }
    let parts = composed.tables.values().flatten();
    let hashed: BTreeSet<String> = parts
        .flat_map(|part| &part.columns)
        .filter(|column| column.mask() == Some(&MaskRule::Hash))
        .map(|column| format!("`{}`", column.name))
        .collect();
    if hashed.is_empty() {
        return;
    }
    let listed: Vec<String> = hashed.into_iter().collect();
    let message = format!(
        "values of {} are hashed without a key: whoever tries likely values finds the originals",
        listed.join(", ")
    );
    let subject = ObjectId::whole(ObjectKind::Other, TableId::bare("masking"));
    let finding = Finding::new("mapping", Severity::Warning, subject, message)
        .with_evidence("hint: export MASK_KEY=... and write key = \"${MASK_KEY}\" under [masking]");
    composed.findings.push(finding);
}

fn sequences(databases: &[Described<'_>]) -> BTreeMap<TableId, Vec<(usize, TableId)>> {
    let all = databases.iter().enumerate();
    all.flat_map(|(at, described)| {
        let own = described.catalog.sequences.iter();
        own.map(move |sequence| (described.called(&sequence.id), vec![(at, sequence.id.clone())]))
    })
    .collect()
}

fn take(composed: &mut Composed, assigned: &Assigned<'_>, table: Table, parts: Vec<Part>) {
    let id = assigned.id.clone();
    // What is merged or split bears the name that the mapping gives it.
    let is_given = assigned.is_merged() || parts.iter().any(|part| part.called != id);
    let given = assigned.to.as_ref().or_else(|| is_given.then_some(&id));
    if let Some(to) = given {
        composed.renames.tables.insert(id.clone(), to.clone());
    }
    if let [only] = parts.as_slice() {
        let renamed = only
            .columns
            .iter()
            .filter_map(|column| Some((column.name.clone(), column.renamed.clone()?)));
        let renamed: BTreeMap<String, String> = renamed.collect();
        if !renamed.is_empty() {
            composed.renames.columns.insert(id.clone(), renamed);
        }
        let own = only.table.columns.iter().map(|column| column.name.clone());
        let gone: BTreeSet<String> = own.filter(|name| only.column(name).is_none()).collect();
        if !gone.is_empty() {
            composed.renames.gone.insert(id.clone(), gone);
        }
    }
    let wanted = parts.iter().flat_map(|part| &part.columns);
    let wanted = wanted.filter_map(|column| Some((column.name.clone(), column.wanted.clone()?)));
    let wanted: BTreeMap<String, String> = wanted.collect();
    if !wanted.is_empty() {
        composed.renames.types.insert(id.clone(), wanted);
    }
    let lossy = parts.iter().flat_map(|part| &part.columns);
    let lossy = lossy.filter_map(|column| Some((column.name.clone(), column.may_lose()?)));
    let lossy: BTreeMap<String, Lossy> = lossy.collect();
    if !lossy.is_empty() {
        composed.renames.lossy.insert(id.clone(), lossy);
    }
    let turned: BTreeMap<String, String> = parts.iter().flat_map(Part::turned).collect();
    if !turned.is_empty() {
        composed.renames.turned.insert(id.clone(), turned);
    }
    composed.catalog.tables.push(table);
    composed
        .tables
        .insert(id, parts.into_iter().map(Arc::new).collect());
}

/// A table whose rows come from one: it keeps all that still fits.
fn single(assigned: &Assigned<'_>, base: &Table, part: &Part) -> Table {
    let columns: Vec<Column> = part.columns.iter().map(|column| column.column.clone()).collect();
    let is_renamed = assigned.id != base.id;
    let is_reshaped = columns.len() != base.columns.len() || !part.columns.iter().all(PartColumn::is_same);
    let mut table = Table {
        id: assigned.id.clone(),
        columns,
        // Counts and sizes of the whole table are the best guess for what the filter leaves of it.
        ..base.clone()
    };
    if is_renamed || is_reshaped || part.key.is_some() {
        table.definition = None;
    }
    if part.table.flattened {
        table.partitioned_by = None;
        table.definition = None;
    }
    if is_renamed {
        table.partition_of = None;
        table.inherits = Vec::new();
        for index in &mut table.indexes {
            index.definition = None;
        }
    }
    table
}

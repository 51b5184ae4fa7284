//! The catalog that a mapping makes of the catalogs of its databases, and what each table of it is read from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use whimbrel_core::{
    Catalog, Column, Dialect, Error, Finding, LogicalType, Mapping, MaskRule, Namespace, ObjectId,
    ObjectKind, OtherObject, Renames, Result, Severity, Table, TableId,
};

use super::keys;
use super::part::{Computed, Part, PartColumn, Value, Workshop, word};
use super::rules::{Assigned, assign};
use super::sources::Described;
use crate::{Expression, Lookups, MaskKey};

/// What a mapping means for the catalogs as they are now.
pub(crate) struct Composed {
    /// The mapped catalog.
    pub(crate) catalog: Catalog,
    /// What it calls things in the target.
    pub(crate) renames: Renames,
    /// What changes besides what the rules say.
    pub(crate) findings: Vec<Finding>,
    /// What each table is read from.
    pub(crate) tables: BTreeMap<TableId, Vec<Part>>,
    /// Where each sequence is: which database, by place, and what it calls it.
    pub(crate) sequences: BTreeMap<TableId, (usize, TableId)>,
    /// Name, engine and language of each database.
    pub(crate) tongues: Vec<(String, String, Arc<dyn Dialect>)>,
}

impl Composed {
    /// The tables of one database that the mapped tables' rows come from.
    pub(crate) fn behind(&self, tables: &[TableId], database: usize) -> Vec<TableId> {
        let parts = tables.iter().filter_map(|table| self.tables.get(table)).flatten();
        let own = parts.filter(|part| part.database == database);
        let own: BTreeSet<TableId> = own.map(|part| part.table.id.clone()).collect();
        own.into_iter().collect()
    }
}

/// What a mapping is worked out with, besides the catalogs.
pub(crate) struct Tools<'a> {
    pub(crate) mapping: &'a Mapping,
    pub(crate) lookups: &'a Lookups,
    pub(crate) mask_key: &'a MaskKey,
    pub(crate) target: &'a dyn Dialect,
}

/// A table of one of the databases.
struct Base<'a> {
    database: usize,
    table: &'a Table,
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
            bases.push(Base { database, table });
            called.push(described.table(table));
        }
    }
    let assigned = assign(tools.mapping, &called)?;
    let mut composed = Composed {
        catalog: shell(databases),
        renames: Renames {
            namespaces: tools.mapping.namespaces.clone(),
            ..Renames::default()
        },
        findings: Vec::new(),
        tables: BTreeMap::new(),
        sequences: sequences(databases),
        tongues: databases
            .iter()
            .map(|each| {
                (
                    each.database.name.clone(),
                    each.catalog.engine.clone(),
                    Arc::clone(&each.dialect),
                )
            })
            .collect(),
    };
    let mut origins: BTreeMap<TableId, Vec<&TableId>> = BTreeMap::new();
    for table in &assigned {
        for part in &table.parts {
            origins
                .entry(called[part.base].id.clone())
                .or_default()
                .push(&table.id);
        }
        let parts = parts(table, &bases, databases, tools)?;
        let first = &called[table.parts[0].base];
        let made = match table.is_merged() {
            true => merged(table, first, parts, databases, tools)?,
            false => single(table, first, parts),
        };
        take(&mut composed, table, made);
    }
    keys::settle(&mut composed, &origins);
    warn_of_guessing(&mut composed, tools.mapping);
    composed.catalog.tables.sort_by(|a, b| a.id.cmp(&b.id));
    left_behind(&mut composed, databases, &origins);
    Ok(composed)
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

fn sequences(databases: &[Described<'_>]) -> BTreeMap<TableId, (usize, TableId)> {
    let all = databases.iter().enumerate();
    all.flat_map(|(at, described)| {
        let own = described.catalog.sequences.iter();
        own.map(move |sequence| (described.called(&sequence.id), (at, sequence.id.clone())))
    })
    .collect()
}

fn take(composed: &mut Composed, assigned: &Assigned<'_>, (table, parts): (Table, Vec<Part>)) {
    let id = assigned.id.clone();
    if let Some(to) = &assigned.to {
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
    }
    let wanted = parts.iter().flat_map(|part| &part.columns);
    let wanted = wanted.filter_map(|column| Some((column.name.clone(), column.wanted.clone()?)));
    let wanted: BTreeMap<String, String> = wanted.collect();
    if !wanted.is_empty() {
        composed.renames.types.insert(id.clone(), wanted);
    }
    composed.catalog.tables.push(table);
    composed.tables.insert(id, parts);
}

fn parts(
    table: &Assigned<'_>,
    bases: &[Base<'_>],
    databases: &[Described<'_>],
    tools: &Tools<'_>,
) -> Result<Vec<Part>> {
    let workshop = Workshop {
        lookups: tools.lookups,
        mask_key: tools.mask_key,
        target: tools.target,
    };
    let parts = table.parts.iter().map(|part| {
        let base = &bases[part.base];
        Part::build(
            base.database,
            &databases[base.database],
            base.table,
            &part.rules,
            &workshop,
        )
    });
    parts.collect()
}

/// A table whose rows come from one: it keeps all that still fits.
fn single(assigned: &Assigned<'_>, base: &Table, parts: Vec<Part>) -> (Table, Vec<Part>) {
    let columns: Vec<Column> = parts[0]
        .columns
        .iter()
        .map(|column| column.column.clone())
        .collect();
    let is_renamed = assigned.id != base.id;
    let mut table = Table {
        id: assigned.id.clone(),
        columns,
        // Counts and sizes of the whole table are the best guess for what the filter leaves of it.
        ..base.clone()
    };
    if is_renamed {
        table.definition = None;
        table.partition_of = None;
        table.inherits = Vec::new();
        for index in &mut table.indexes {
            index.definition = None;
        }
    }
    (table, parts)
}

/// A table whose rows come from several: the columns of all, each in the form that holds every part's values.
fn merged(
    assigned: &Assigned<'_>,
    first: &Table,
    mut parts: Vec<Part>,
    databases: &[Described<'_>],
    tools: &Tools<'_>,
) -> Result<(Table, Vec<Part>)> {
    for part in &mut parts {
        for column in &mut part.columns {
            column.name = column.target_name().to_owned();
            column.renamed = None;
        }
    }
    let mut names: Vec<String> = Vec::new();
    for column in parts.iter().flat_map(|part| &part.columns) {
        if !names.contains(&column.name) {
            names.push(column.name.clone());
        }
    }
    let engines: BTreeSet<&str> = parts
        .iter()
        .map(|part| databases[part.database].catalog.engine.as_str())
        .collect();
    let mut columns = Vec::new();
    for name in &names {
        columns.push(agree(&assigned.id, name, &mut parts, engines.len() == 1, tools)?);
    }
    for part in &mut parts {
        part.columns
            .sort_by_key(|column| names.iter().position(|name| name == &column.name));
    }
    let sum = |of: fn(&Table) -> Option<u64>| parts.iter().map(|part| of(&part.table)).sum::<Option<u64>>();
    let renamed: BTreeMap<String, String> = assigned.parts[0]
        .rules
        .iter()
        .flat_map(|rule| rule.rename.clone())
        .collect();
    let mut table = Table {
        id: assigned.id.clone(),
        columns,
        comment: first.comment.clone(),
        origin: first.origin.clone(),
        rows_estimate: sum(|table| table.rows_estimate),
        bytes: sum(|table| table.bytes),
        ..Table::empty(assigned.id.clone())
    };
    keys::of_first(&mut table, first, &renamed);
    Ok((table, parts))
}

/// Gives the parts one form for a column, and describes it.
fn agree(
    table: &TableId,
    name: &str,
    parts: &mut [Part],
    one_engine: bool,
    tools: &Tools<'_>,
) -> Result<Column> {
    let forms: Vec<LogicalType> = parts.iter().filter_map(|part| form(part, name)).collect();
    let common = forms
        .iter()
        .skip(1)
        .try_fold(forms[0].clone(), |common, form| unified(&common, form));
    let Some(common) = common else {
        let listed: Vec<String> = forms.iter().map(|form| format!("`{form}`")).collect();
        return Err(Error::invalid(format!(
            "column `{name}` of the merged table `{table}` is {}; the parts must agree",
            listed.join(" and ")
        ))
        .with_code("mapping")
        .with_hint(format!(
            "compute it in one of the rules: compute = {{ {name} = \"CAST(... AS ...)\" }}"
        )));
    };
    let is_everywhere = parts.iter().all(|part| part.column(name).is_some());
    let found = || parts.iter().filter_map(|part| part.column(name));
    let mut column = Column::new(name, "");
    column.nullable = !is_everywhere || found().any(|column| column.column.nullable);
    column.comment = found().find_map(|column| column.column.comment.clone());
    let natives: BTreeSet<&str> = found().map(|column| column.column.native.as_str()).collect();
    let keeps = one_engine && natives.len() == 1 && found().all(PartColumn::is_same);
    if let Some(native) = natives.first().filter(|_| keeps) {
        (*native).clone_into(&mut column.native);
        column.collation = found().find_map(|column| column.column.collation.clone());
    }
    column.derived = Some(common.clone());
    for part in parts {
        adapt(part, name, &common, tools)?;
    }
    Ok(column)
}

/// The form in which a part gives the column.
fn form(part: &Part, name: &str) -> Option<LogicalType> {
    let column = part.column(name)?;
    Some(match &column.value {
        Value::Column { at, .. } => part.inputs[*at].logical.clone(),
        Value::Computed(computed) => computed.expression.logical().clone(),
    })
}

/// Lets a part give the column in the common form; NULL where it has none.
fn adapt(part: &mut Part, name: &str, common: &LogicalType, tools: &Tools<'_>) -> Result<()> {
    let own = form(part, name);
    let travels_alike =
        |own: &LogicalType| whimbrel_core::arrow_type(own) == whimbrel_core::arrow_type(common);
    let Some(column) = part.columns.iter_mut().find(|column| column.name == name) else {
        part.columns.push(missing(part, name, common, tools)?);
        return Ok(());
    };
    match (&mut column.value, own) {
        (Value::Column { own_form, .. }, Some(own)) if travels_alike(&own) => *own_form = Some(own),
        (Value::Column { at, .. }, _) => {
            let text = format!("\"{}\"", part.inputs[*at].name.replace('"', "\"\""));
            let text = format!("CAST({text} AS {})", common_word(common)?);
            column.value = Value::Computed(Box::new(Computed {
                expression: Expression::compile(&text, &part.inputs, tools.lookups)?,
                text,
                mask: None,
                masked: None,
                of: None,
            }));
        }
        (Value::Computed(_), Some(own)) if travels_alike(&own) => {}
        (Value::Computed(computed), _) => {
            let text = format!("CAST(({}) AS {})", computed.text, common_word(common)?);
            computed.expression = Expression::compile(&text, &part.inputs, tools.lookups)?;
            computed.text = text;
        }
    }
    Ok(())
}

fn missing(part: &Part, name: &str, common: &LogicalType, tools: &Tools<'_>) -> Result<PartColumn> {
    let text = format!(
        "CAST(NULL AS {})",
        word(common).unwrap_or_else(|| "varchar".to_owned())
    );
    let mut column = Column::new(name, "");
    column.derived = Some(common.clone());
    Ok(PartColumn {
        name: name.to_owned(),
        renamed: None,
        wanted: None,
        value: Value::Computed(Box::new(Computed {
            expression: Expression::compile(&text, &part.inputs, tools.lookups)?,
            text,
            mask: None,
            masked: None,
            of: None,
        })),
        column,
    })
}

/// The word for the common form of a merged column.
fn common_word(common: &LogicalType) -> Result<String> {
    word(common)
        .ok_or_else(|| Error::invalid(format!("values cannot be turned into {common}")).with_code("mapping"))
}

/// The form that holds the values of both; none when there is none that loses nothing.
fn unified(one: &LogicalType, other: &LogicalType) -> Option<LogicalType> {
    use LogicalType as L;
    Some(match (one, other) {
        (one, other) if one == other => one.clone(),
        (L::Integer { bits: one }, L::Integer { bits: other }) => L::Integer {
            bits: *one.max(other),
        },
        (L::Float { .. }, L::Float { .. }) => L::Float { bits: 64 },
        (
            L::Decimal {
                precision: Some(p),
                scale: Some(s),
            },
            L::Decimal {
                precision: Some(q),
                scale: Some(t),
            },
        ) => {
            let scale = *s.max(t);
            let whole = (i64::from(*p) - i64::from(*s)).max(i64::from(*q) - i64::from(*t));
            L::Decimal {
                precision: u32::try_from(whole + i64::from(scale)).ok(),
                scale: Some(scale),
            }
        }
        (L::Decimal { .. }, L::Decimal { .. }) => L::Decimal {
            precision: None,
            scale: None,
        },
        (L::Text { chars_max: one, .. }, L::Text { chars_max: other, .. }) => L::Text {
            chars_max: one.zip(*other).map(|(one, other)| one.max(other)),
            padded: false,
        },
        (L::Text { .. } | L::Enum { .. }, L::Text { .. } | L::Enum { .. }) => L::text(),
        _ => return None,
    })
}

/// The catalog without its tables.
fn shell(databases: &[Described<'_>]) -> Catalog {
    if let [only] = databases
        && only.database.namespace.is_none()
    {
        return Catalog {
            tables: Vec::new(),
            ..only.catalog.clone()
        };
    }
    let mut shell = Catalog {
        engine: "several".to_owned(),
        ..Catalog::default()
    };
    let mut versions = Vec::new();
    let mut names = Vec::new();
    for described in databases {
        let catalog = described.catalog;
        versions.push(format!("{} {}", catalog.engine, catalog.version));
        names.push(catalog.database.clone());
        shell
            .types
            .extend(catalog.types.iter().map(|each| described.user_type(each)));
        shell
            .sequences
            .extend(catalog.sequences.iter().map(|each| described.sequence(each)));
        let spaces = catalog.tables.iter().map(|table| described.called(&table.id));
        let spaces = spaces
            .filter_map(|id| id.namespace)
            .map(|name| Namespace { name, comment: None });
        for space in spaces {
            if !shell.namespaces.contains(&space) {
                shell.namespaces.push(space);
            }
        }
        for view in &catalog.views {
            shell.others.push(OtherObject {
                kind: "view".to_owned(),
                id: described.called(&view.id),
                table: None,
                definition: Some(view.query.clone()),
                making: None,
            });
        }
        shell
            .others
            .extend(catalog.others.iter().map(|other| OtherObject {
                id: described.called(&other.id),
                table: other.table.as_ref().map(|table| described.called(table)),
                making: None,
                ..other.clone()
            }));
    }
    shell.version = versions.join(", ");
    shell.database = names.join(", ");
    shell.types.sort_by(|a, b| a.id.cmp(&b.id));
    shell.sequences.sort_by(|a, b| a.id.cmp(&b.id));
    shell.namespaces.sort_by(|a, b| a.name.cmp(&b.name));
    shell.others.sort();
    shell
}

/// Says which columns no rule takes along, and takes out what hangs on tables that are not there any more.
fn left_behind(
    composed: &mut Composed,
    databases: &[Described<'_>],
    origins: &BTreeMap<TableId, Vec<&TableId>>,
) {
    for described in databases {
        for table in &described.catalog.tables {
            let id = described.called(&table.id);
            let made = origins.get(&id).into_iter().flatten();
            let parts: Vec<&Part> = made
                .filter_map(|made| composed.tables.get(*made))
                .flatten()
                .filter(|part| {
                    part.table.id == table.id
                        && databases[part.database].database.name == described.database.name
                })
                .collect();
            for column in &table.columns {
                let goes = parts.iter().any(|part| part.gives(&column.name));
                if !goes {
                    let subject = ObjectId::part(ObjectKind::Column, id.clone(), &column.name);
                    let message = format!("column `{subject}` is left out by the mapping");
                    composed
                        .findings
                        .push(Finding::new("not_moved", Severity::Info, subject, message));
                }
            }
            for part in parts.iter().filter(|part| part.filter.is_some()) {
                let subject = ObjectId::whole(ObjectKind::Table, id.clone());
                let message = format!("rows of `{id}` move where {}", part.filter_text);
                composed
                    .findings
                    .push(Finding::new("mapping", Severity::Info, subject, message));
            }
        }
    }
    let stays = |id: &TableId| composed.tables.contains_key(id);
    let there: BTreeSet<TableId> = composed.tables.keys().cloned().collect();
    composed.catalog.sequences.iter_mut().for_each(|sequence| {
        sequence.owned_by = sequence
            .owned_by
            .take()
            .filter(|(table, _)| there.contains(table));
    });
    let views = std::mem::take(&mut composed.catalog.views);
    let (kept, gone): (Vec<_>, Vec<_>) = views
        .into_iter()
        .partition(|view| view.reads.iter().all(|id| stays(id) || !origins.contains_key(id)));
    composed.catalog.views = kept;
    for view in gone {
        let message = format!(
            "view `{}` is left out: a table that it reads is split or merged",
            view.id
        );
        let subject = ObjectId::whole(ObjectKind::View, view.id);
        composed
            .findings
            .push(Finding::new("not_moved", Severity::Warning, subject, message));
    }
    composed.catalog.others.retain(|other| {
        let table = other.table.as_ref();
        table.is_none_or(|table| there.contains(table) || !origins.contains_key(table))
    });
}

impl Part {
    /// Tells whether the column's values arrive somehow, as they are or in an expression.
    fn gives(&self, name: &str) -> bool {
        let at = self.inputs.iter().position(|input| input.name == name);
        self.columns.iter().any(|column| match &column.value {
            Value::Column { at: own, .. } => Some(*own) == at,
            Value::Computed(computed) => {
                computed.of.is_some() && computed.of == at
                    || at.is_some_and(|at| computed.expression.reads().contains(&at))
            }
        })
    }
}

//! The profile of a mapped table: what its databases' own passes found, and the sizes of what is computed, from one pass over the mapped rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Date32Type, Float32Type, Float64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef};
use futures::TryStreamExt;
use whimbrel_core::{
    ColumnProfile, ForeignKeyProfile, KeyRange, LATE_UUIDS, LogicalType, ReadColumn, ReadRequest, Reject,
    Renames, Result, Snapshot, Table, TableProfile, UniqueProfile, format_date, format_timestamp,
    is_late_uuid,
};

use super::Database;
use super::compose::Composed;
use super::part::{Part, PartColumn, Value};
use super::snapshot::MappedSnapshot;
use super::turns::Turns;

/// Profiles a mapped table.
pub(crate) async fn profile(
    databases: &[Database],
    table: &Table,
    parts: &[Arc<Part>],
    turns: &Turns,
) -> Result<TableProfile> {
    let mut whole = TableProfile::default();
    for (at, part) in parts.iter().enumerate() {
        let base = part.as_read(table);
        let source = &databases[part.database].source;
        let mut found = source.profile(&base).await?;
        let computed = part.columns.iter().filter(|column| !column.is_same()).count();
        if part.filter.is_some() || computed > 0 {
            let _turn = turns.turn(found.row_bytes_max).await;
            let batch_bytes = turns.limits.batch_bytes();
            read(&databases[part.database], (table, part), batch_bytes, &mut found).await?;
        }
        let found = in_terms(table, part, found);
        match at {
            0 => whole = found,
            _ => add(&mut whole, found),
        }
    }
    Ok(whole)
}

/// Reads the mapped rows once: how many pass, and how large what is computed becomes.
async fn read(
    database: &Database,
    (table, part): (&Table, &Part),
    batch_bytes: usize,
    found: &mut TableProfile,
) -> Result<()> {
    let snapshot = database
        .source
        .snapshot(std::slice::from_ref(&part.table.id), 1)
        .await?;
    let alone = Part {
        database: 0,
        ..part.clone()
    };
    let composed = Composed {
        catalog: whimbrel_core::Catalog::default(),
        renames: Renames::default(),
        findings: Vec::new(),
        unkept: Vec::new(),
        tables: BTreeMap::from([(table.id.clone(), vec![Arc::new(alone)])]),
        sequences: BTreeMap::new(),
        members: Vec::new(),
        keeps_collations: false,
    };
    let mapped = MappedSnapshot {
        names: vec![database.name.clone()],
        snapshots: vec![snapshot],
        lookups: None,
        composed: Arc::new(composed),
    };
    let columns = made(part);
    let mut rows = 0;
    let mut sizes = vec![ColumnProfile::default(); columns.len()];
    let mut ends: Vec<Option<(i64, i64)>> = vec![None; columns.len()];
    let forms: Vec<LogicalType> = columns.iter().map(|column| column.logical.clone()).collect();
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    let mut batches = mapped.read(ReadRequest {
        table: table.clone(),
        columns,
        range: KeyRange::All,
        batch_bytes,
        packed: false,
    });
    while let Some(batch) = batches.try_next().await? {
        rows += (batch.rows() + batch.rejects.len()) as u64;
        for reject in &batch.rejects {
            if let Some(at) = about(part, &names, &reject.column) {
                note(&mut sizes[at], reject);
            }
        }
        for ((size, ends), array) in sizes.iter_mut().zip(&mut ends).zip(batch.records.columns()) {
            measure(size, array);
            *ends = moments(array).into_iter().chain(*ends).reduce(wider);
        }
    }
    for ((size, ends), form) in sizes.iter_mut().zip(ends).zip(forms) {
        size.min = ends.and_then(|(first, _)| moment(&form, first));
        size.max = ends.and_then(|(_, last)| moment(&form, last));
    }
    if part.filter.is_some() && found.rows > 0 {
        found.bytes = u64::try_from(u128::from(found.bytes) * u128::from(rows) / u128::from(found.rows))
            .unwrap_or(found.bytes);
    }
    found.rows = rows;
    found.columns.extend(
        names
            .into_iter()
            .zip(sizes)
            .map(|(name, size)| (computed_name(&name), size)),
    );
    Ok(())
}

/// The columns that the mapping makes, as they are read.
fn made(part: &Part) -> Vec<ReadColumn> {
    let columns = part.columns.iter().filter(|column| !column.is_same());
    let column = |column: &PartColumn| ReadColumn {
        name: column.name.clone(),
        native: String::new(),
        logical: column.column.derived.clone().unwrap_or_else(LogicalType::text),
        rule: None,
    };
    columns.map(column).collect()
}

/// Computed columns stand beside the source's until the profile is put in the mapped table's terms; no source's name begins so.
fn computed_name(name: &str) -> String {
    format!("\0{name}")
}

/// Which of the columns cannot have a value, by place: the one that is named, or the first that is made of that one.
fn about(part: &Part, names: &[String], rejected: &str) -> Option<usize> {
    let reads = |name: &String| match part.column(name).map(|column| &column.value) {
        Some(Value::Computed(computed)) => {
            let mut reads = computed.expression.reads().iter();
            reads.any(|at| part.inputs[*at].name == rejected)
        }
        Some(Value::Column { .. }) | None => false,
    };
    let named = names.iter().position(|name| name == rejected);
    named.or_else(|| names.iter().position(reads))
}

/// A row that does not arrive for what the mapping makes of it.
fn note(size: &mut ColumnProfile, reject: &Reject) {
    size.refused += 1;
    size.refused_example
        .get_or_insert_with(|| match reject.key.is_empty() {
            true => reject.rule.clone(),
            false => format!("row {}: {}", reject.key, reject.rule),
        });
}

fn measure(size: &mut ColumnProfile, array: &ArrayRef) {
    size.nulls += array.null_count() as u64;
    if let Some(texts) = array.as_string_opt::<i32>() {
        for value in texts.iter().flatten() {
            size.bytes_max = size.bytes_max.max(value.len() as u64);
            size.chars_max = size.chars_max.max(value.chars().count() as u64);
            size.nul_text += u64::from(value.contains('\0'));
        }
    } else if let Some(values) = array.as_binary_opt::<i32>() {
        for value in values.iter().flatten() {
            size.bytes_max = size.bytes_max.max(value.len() as u64);
        }
    } else if let Some(values) = array.as_fixed_size_binary_opt() {
        size.bytes_max = size.bytes_max.max(16);
        let uuids = values.iter().flatten().filter_map(|value| value.try_into().ok());
        let late = uuids.filter(is_late_uuid).count() as u64;
        *size.shapes.entry(LATE_UUIDS.to_owned()).or_default() += late;
    } else {
        if let Some(floats) = array.as_primitive_opt::<Float64Type>() {
            floats
                .iter()
                .flatten()
                .for_each(|value| measure_float(size, value));
        } else if let Some(floats) = array.as_primitive_opt::<Float32Type>() {
            let floats = floats.iter().flatten().map(f64::from);
            floats.for_each(|value| measure_float(size, value));
        }
        let width = array.data_type().primitive_width().unwrap_or(0);
        size.bytes_max = size.bytes_max.max(width as u64);
    }
}

/// The first and the last of days or moments, which not every type holds.
fn moments(array: &ArrayRef) -> Option<(i64, i64)> {
    let days = array.as_primitive_opt::<Date32Type>();
    let days = days.map(|days| days.iter().flatten().map(i64::from).map(alone));
    let moments = array.as_primitive_opt::<TimestampMicrosecondType>();
    let moments = moments.map(|moments| moments.iter().flatten().map(alone));
    let days = days.into_iter().flatten();
    days.chain(moments.into_iter().flatten()).reduce(wider)
}

fn alone(value: i64) -> (i64, i64) {
    (value, value)
}

fn wider(one: (i64, i64), other: (i64, i64)) -> (i64, i64) {
    (one.0.min(other.0), one.1.max(other.1))
}

/// A day or a moment as profiles write it.
fn moment(form: &LogicalType, value: i64) -> Option<String> {
    if let LogicalType::Timestamp { zoned } = form {
        return Some(format_timestamp(value, *zoned));
    }
    i32::try_from(value).ok().map(format_date)
}

/// Counts floats that not every engine holds.
fn measure_float(size: &mut ColumnProfile, value: f64) {
    size.odd_floats += u64::from(value.is_nan() || value == 0.0 && value.is_sign_negative());
    if !value.is_finite() {
        *size.shapes.entry("not_finite".to_owned()).or_default() += 1;
    }
}

/// The profile of a part by the names that the mapped table has; what was found about keys and foreign keys that it does not have is left out.
fn in_terms(table: &Table, part: &Part, mut found: TableProfile) -> TableProfile {
    let hidden = part.hidden();
    let mut columns = BTreeMap::new();
    for column in &part.columns {
        let profile = match &column.value {
            Value::Column { at, .. } => {
                let own = found.columns.get(&part.inputs[*at].name).cloned();
                own.map(|own| if hidden[*at] { without_values(own) } else { own })
            }
            Value::Computed(_) => found.columns.remove(&computed_name(&column.name)),
        };
        columns.insert(column.name.clone(), profile.unwrap_or_default());
    }
    // Examples name the row and its values.
    let is_hidden = |name: &String| {
        let at = part.inputs.iter().position(|input| &input.name == name);
        at.is_some_and(|at| hidden[at])
    };
    let row = part.table.identity_key().map(|key| key.columns.as_slice());
    for key in &mut found.foreign_keys {
        if key.columns.iter().chain(row.unwrap_or_default()).any(is_hidden) {
            key.examples.clear();
        }
    }
    let same = |key: &&whimbrel_core::ForeignKey| {
        let at = part
            .table
            .foreign_keys
            .iter()
            .position(|own| own.name == key.name && own.columns == key.columns);
        at.and_then(|at| found.foreign_keys.get(at).cloned())
            .unwrap_or(ForeignKeyProfile {
                columns: key.columns.clone(),
                orphans: 0,
                inexact: 0,
                examples: Vec::new(),
            })
    };
    let foreign_keys = table.foreign_keys.iter().map(|key| same(&key)).collect();
    let holds = |unique: &UniqueProfile| {
        unique
            .columns
            .iter()
            .all(|name| !is_hidden(name) && part.column(name).is_some_and(PartColumn::is_same))
    };
    TableProfile {
        columns,
        foreign_keys,
        uniques: found.uniques.into_iter().filter(holds).collect(),
        ..found
    }
}

/// The profile without values of the column.
fn without_values(profile: ColumnProfile) -> ColumnProfile {
    ColumnProfile {
        min: None,
        max: None,
        ..profile
    }
}

/// Adds a further part's profile. What only holds within a part (extremes of two engines' texts) is left out.
fn add(whole: &mut TableProfile, part: TableProfile) {
    whole.rows += part.rows;
    whole.bytes += part.bytes;
    whole.row_bytes_max = whole.row_bytes_max.max(part.row_bytes_max);
    for (name, other) in part.columns {
        let one = whole.columns.entry(name).or_default();
        one.nulls += other.nulls;
        one.bytes_max = one.bytes_max.max(other.bytes_max);
        one.chars_max = one.chars_max.max(other.chars_max);
        one.invalid_text += other.invalid_text;
        one.nul_text += other.nul_text;
        one.odd_floats += other.odd_floats;
        one.out_of_range += other.out_of_range;
        one.refused += other.refused;
        one.refused_example = one.refused_example.take().or(other.refused_example);
        (one.min, one.max, one.classes) = (None, None, None);
        one.shapes.clear();
    }
    for (one, other) in whole.foreign_keys.iter_mut().zip(part.foreign_keys) {
        one.orphans += other.orphans;
        one.inexact += other.inexact;
    }
    whole.uniques.clear();
}

//! A table whose rows come from several: its columns hold the values of every part, in one form.

use std::collections::{BTreeMap, BTreeSet};

use whimbrel_core::{Column, Error, LogicalType, Result, Table, TableId};

use super::compose::Tools;
use super::keys;
use super::part::{Computed, Part, PartColumn, Value, quoted, word};
use super::rules::Assigned;
use super::sources::Described;

/// A table whose rows come from several: the columns of all, each in the form that holds every part's values.
pub(crate) fn merged(
    assigned: &Assigned<'_>,
    first: &Table,
    parts: &mut [Part],
    databases: &[Described<'_>],
    tools: &Tools<'_>,
) -> Result<Table> {
    for part in &mut *parts {
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
        columns.push(agree(&assigned.id, name, parts, engines.len() == 1, tools)?);
    }
    for part in &mut *parts {
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
    Ok(table)
}

/// Gives the parts one form for a column, and describes it.
fn agree(
    table: &TableId,
    name: &str,
    parts: &mut [Part],
    one_engine: bool,
    tools: &Tools<'_>,
) -> Result<Column> {
    let forms: Vec<LogicalType> = parts.iter().filter_map(|part| part.form(name)).collect();
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

/// Lets a part give the column in the common form; NULL where it has none.
fn adapt(part: &mut Part, name: &str, common: &LogicalType, tools: &Tools<'_>) -> Result<()> {
    let own = part.form(name);
    let travels_alike =
        |own: &LogicalType| whimbrel_core::arrow_type(own) == whimbrel_core::arrow_type(common);
    let Some(column) = part.columns.iter_mut().find(|column| column.name == name) else {
        part.columns.push(missing(part, name, common, tools)?);
        return Ok(());
    };
    match (&mut column.value, own) {
        (Value::Column { own_form, .. }, Some(own)) if travels_alike(&own) => *own_form = Some(own),
        (Value::Column { at, .. }, _) => {
            let text = format!(
                "CAST({} AS {})",
                quoted(&part.inputs[*at].name),
                common_word(common)?
            );
            column.value = Value::Computed(Box::new(Computed::new(text, &part.inputs, tools.lookups)?));
        }
        (Value::Computed(_), Some(own)) if travels_alike(&own) => {}
        (Value::Computed(computed), _) => {
            let text = format!("CAST(({}) AS {})", computed.text, common_word(common)?);
            **computed = Computed {
                mask: computed.mask.take(),
                masked: computed.masked,
                ..Computed::new(text, &part.inputs, tools.lookups)?
            };
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
        value: Value::Computed(Box::new(Computed::new(text, &part.inputs, tools.lookups)?)),
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

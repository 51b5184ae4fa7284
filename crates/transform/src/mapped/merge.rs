//! A table whose rows come from several: its columns hold the values of every part, in one form.

use std::collections::{BTreeMap, BTreeSet};

use arrow_schema::DataType;
use whimbrel_core::{Column, Error, LogicalType, Result, Table, TableId};

use super::castable::word;
use super::compose::Tools;
use super::computed::{Computed, Masked};
use super::part::{Part, PartColumn, Value, quoted};
use super::rules::Assigned;
use super::shared::{Shared, Strand, share};
use super::sources::Described;
use super::words::{self, Word};

/// What a table is merged in.
pub(crate) struct World<'a> {
    pub(crate) databases: &'a [Described<'a>],
    /// What becomes of each table.
    pub(crate) origins: &'a BTreeMap<TableId, Vec<&'a TableId>>,
}

/// A table whose rows come from several: the columns of all, each in the form that holds every part's values.
pub(crate) fn merged(
    assigned: &Assigned<'_>,
    called: &[Table],
    parts: &mut [Part],
    world: &World<'_>,
    tools: &Tools<'_>,
) -> Result<(Table, Shared)> {
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
        .map(|part| world.databases[part.database].catalog.engine.as_str())
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
    let first = &called[assigned.parts[0].base];
    let mut table = Table {
        id: assigned.id.clone(),
        columns,
        comment: first.comment.clone(),
        origin: first.origin.clone(),
        rows_estimate: sum(|table| table.rows_estimate),
        bytes: sum(|table| table.bytes),
        ..Table::empty(assigned.id.clone())
    };
    let strands: Vec<Strand<'_>> = assigned
        .parts
        .iter()
        .zip(&*parts)
        .map(|(assigned, part)| Strand {
            part,
            called: &called[assigned.base],
            described: &world.databases[part.database],
            origins: world.origins,
        })
        .collect();
    let shared = share(&mut table, &strands);
    Ok((table, shared))
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
        return Err(disagreement(table, name, parts));
    };
    let is_everywhere = parts.iter().all(|part| part.column(name).is_some());
    let found = || parts.iter().filter_map(|part| part.column(name));
    let mut column = Column::new(name, "");
    column.nullable = !is_everywhere || found().any(|column| column.column.nullable);
    column.comment = found().find_map(|column| column.column.comment.clone());
    let natives: BTreeSet<&str> = found().map(|column| column.column.native.as_str()).collect();
    // Texts that one part calls equal and another does not are only the same where nothing is ignored.
    let collations: BTreeSet<Option<&str>> =
        found().map(|column| column.column.collation.as_deref()).collect();
    let keeps = one_engine && natives.len() == 1 && collations.len() == 1 && found().all(PartColumn::is_same);
    if let Some(native) = natives.first().filter(|_| keeps) {
        (*native).clone_into(&mut column.native);
        column.collation = found().find_map(|column| column.column.collation.clone());
    }
    column.derived = Some(common.clone());
    column.derivation = derivation(name, parts);
    for part in parts {
        adapt(part, name, &common, tools)?;
    }
    Ok(column)
}

/// How the parts compute the column, where one does.
fn derivation(name: &str, parts: &[Part]) -> Option<String> {
    let computed = parts.iter().filter_map(|part| {
        let said = part.column(name)?.column.derivation.as_ref()?;
        Some(format!("{}: {said}", part.table.id))
    });
    let computed: Vec<String> = computed.collect();
    (!computed.is_empty()).then(|| computed.join("; "))
}

/// Says which parts have the column in which form, and what to write.
fn disagreement(table: &TableId, name: &str, parts: &[Part]) -> Error {
    let each = || {
        let forms = parts.iter().map(|part| (part, part.form(name)));
        forms.filter_map(|(part, form)| Some((part, form?)))
    };
    let listed: Vec<String> = each()
        .map(|(part, form)| format!("{form} in `{}`", part.called))
        .collect();
    let first =
        |wanted: fn(&LogicalType) -> bool| each().find(|(_, form)| wanted(form)).map(|(part, _)| part);
    let is_whole = |form: &LogicalType| matches!(form, LogicalType::Integer { .. });
    let is_zoned = |form: &LogicalType| matches!(form, LogicalType::Timestamp { zoned: true });
    let is_no_text = |form: &LogicalType| !matches!(form, LogicalType::Text { .. });
    let has_truth = first(|form| matches!(form, LogicalType::Boolean)).is_some();
    let text = first(|form| matches!(form, LogicalType::Text { .. }));
    let (part, expression) = match (first(is_whole).filter(|_| has_truth), first(is_zoned), text) {
        (Some(part), ..) => (Some(part), "COLUMN <> 0"),
        (None, Some(_), Some(text)) => (Some(text), "CAST(COLUMN AS timestamptz)"),
        (None, Some(part), None) => (Some(part), "CAST(COLUMN AS timestamp)"),
        (None, None, _) => (first(is_no_text), "CAST(COLUMN AS varchar)"),
    };
    let own = part.and_then(|part| Some((part, &part.column(name)?.column.name)));
    let hint = own.map_or_else(String::new, |(part, own)| {
        let expression = expression.replace("COLUMN", &quoted(own));
        format!(
            "write in the rule for `{}`: compute = {{ {own} = '{expression}' }}",
            part.called
        )
    });
    Error::invalid(format!(
        "column `{name}` of the merged table `{table}` is {}; the parts must agree",
        listed.join(" and ")
    ))
    .with_code("mapping")
    .with_hint(hint)
    .at(part.and_then(|part| words::place(&part.rules, name, Word::Compute)))
    .at(part.and_then(|part| words::rule_place(&part.rules, "from")))
}

/// Lets a part give the column in the common form; NULL where it has none.
fn adapt(part: &mut Part, name: &str, common: &LogicalType, tools: &Tools<'_>) -> Result<()> {
    let Some(own) = part.form(name) else {
        part.columns.push(missing(part, name, common, tools)?);
        return Ok(());
    };
    // Blanks that fill up a text of a fixed length would be part of it in any other.
    let is_filled_up = |form: &LogicalType| matches!(form, LogicalType::Text { padded: true, .. });
    let travels_alike = whimbrel_core::arrow_type(&own) == whimbrel_core::arrow_type(common)
        && (!is_filled_up(&own) || is_filled_up(common));
    let Some(column) = part.columns.iter_mut().find(|column| column.name == name) else {
        return Ok(());
    };
    if !(column.is_same() && travels_alike) {
        column.column.derived = Some(common.clone());
    }
    match &mut column.value {
        Value::Column { own_form, .. } if travels_alike => *own_form = Some(own),
        Value::Column { at, .. } => {
            let text = quoted(&part.inputs[*at].name);
            let text = format!("CAST({text} AS {})", common_word(&own, common)?);
            column.value = Value::Computed(Box::new(Computed {
                of: Some(*at),
                ..Computed::new(text, &part.inputs, tools.lookups)?
            }));
        }
        Value::Computed(_) if travels_alike => {}
        Value::Computed(computed) => {
            let text = format!("CAST(({}) AS {})", computed.text, common_word(&own, common)?);
            let mut cast = Computed::new(text, &part.inputs, tools.lookups)?;
            cast.of = computed.of;
            cast.exact = computed.exact.take();
            if let Some(rule) = computed.masked {
                cast.hide(&Masked::plain(name), rule, tools.mask_key)?;
            }
            **computed = cast;
        }
    }
    Ok(())
}

fn missing(part: &Part, name: &str, common: &LogicalType, tools: &Tools<'_>) -> Result<PartColumn> {
    // Any word will do that travels as the others' values do.
    let carried = whimbrel_core::arrow_type(common);
    let word = if carried == DataType::Binary {
        "bytea".to_owned()
    } else if matches!(carried, DataType::FixedSizeBinary(_)) {
        "uuid".to_owned()
    } else {
        word(common).unwrap_or_else(|| "varchar".to_owned())
    };
    let text = format!("CAST(NULL AS {word})");
    let mut column = Column::new(name, "");
    column.derived = Some(common.clone());
    Ok(PartColumn {
        name: name.to_owned(),
        renamed: None,
        wanted: None,
        value: Value::Computed(Box::new(Computed::new(text, &part.inputs, tools.lookups)?)),
        column,
        gone: Vec::new(),
    })
}

/// The word for the common form of a merged column, or for one that travels like it.
fn common_word(own: &LogicalType, common: &LogicalType) -> Result<String> {
    let word = match (own, common) {
        (LogicalType::Integer { bits }, LogicalType::Decimal { precision: None, .. }) => {
            Some(format!("decimal({},0)", digits(*bits)))
        }
        _ => word(common),
    };
    word.ok_or_else(|| Error::invalid(format!("values cannot be turned into {common}")).with_code("mapping"))
}

/// The most digits that an integer has.
fn digits(bits: u8) -> u32 {
    match bits {
        ..=8 => 3,
        9..=16 => 5,
        17..=32 => 10,
        33.. => 19,
    }
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
        // What reads as text is told apart by its kind alone.
        (
            L::Text { .. } | L::Enum { .. } | L::Set { .. } | L::Json,
            L::Text { .. } | L::Enum { .. } | L::Set { .. },
        )
        | (L::Text { .. } | L::Enum { .. } | L::Set { .. }, L::Json)
        | (L::Text { .. }, L::Uuid)
        | (L::Uuid, L::Text { .. }) => L::text(),
        (L::Integer { bits }, L::Decimal { .. }) | (L::Decimal { .. }, L::Integer { bits }) => {
            let whole = L::Decimal {
                precision: Some(digits(*bits)),
                scale: Some(0),
            };
            let decimal = if matches!(one, L::Integer { .. }) {
                other
            } else {
                one
            };
            return unified(&whole, decimal);
        }
        // A float of 64 bits holds every integer of 32 exactly.
        (L::Integer { bits: ..=32 }, L::Float { .. }) | (L::Float { .. }, L::Integer { bits: ..=32 }) => {
            L::Float { bits: 64 }
        }
        (L::Date, L::Timestamp { zoned: false }) | (L::Timestamp { zoned: false }, L::Date) => {
            L::Timestamp { zoned: false }
        }
        _ => return None,
    })
}

//! Exact keys of rows, by which a row that was rejected is read again at the source.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Date32Type, Float32Type, Float64Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{Array, RecordBatch};
use whimbrel_core::{
    KeyValue, LogicalType, Reject, TablePlan, any_secret, format_date, format_time, format_timestamp,
    packed_rows,
};

/// The columns of the source's key in the plan's order of columns; none when it has no key, when a column of it is not copied as it is, or
/// travels in a form that only its engine can read.
fn places(plan: &TablePlan) -> Option<Vec<usize>> {
    let key = plan.source.identity_key()?;
    let place = |name: &String| {
        let at = plan.columns.iter().position(|column| &column.source == name)?;
        plan.columns[at].rule.is_none().then_some(at)
    };
    key.columns.iter().map(place).collect()
}

/// Fills in the exact keys of the rows that a writer refused.
pub(crate) fn fill(plan: &TablePlan, records: &RecordBatch, refused: &mut [Reject]) {
    // A packed row is never refused alone.
    if refused.is_empty() || packed_rows(records).is_some() {
        return;
    }
    let Some(places) = places(plan) else { return };
    for reject in refused.iter_mut().filter(|reject| reject.exact.is_empty()) {
        let Some(row) = reject.row else { continue };
        let values = places
            .iter()
            .map(|at| value(&plan.columns[*at].logical, records.column(*at).as_ref(), row));
        reject.exact = values.collect::<Option<_>>().unwrap_or_default();
    }
}

/// Takes the exact keys away where a column of the key is secret by its name: the rows stand in a file. They are tried again by copying
/// the table.
pub(crate) fn withhold(plan: &TablePlan, rejects: &mut [Reject]) {
    let key = plan.source.identity_key();
    if key.is_some_and(|key| any_secret(&key.columns)) {
        rejects.iter_mut().for_each(|reject| reject.exact.clear());
    }
}

fn value(logical: &LogicalType, array: &dyn Array, row: usize) -> Option<KeyValue> {
    if array.is_null(row) {
        return None;
    }
    Some(match logical {
        LogicalType::Boolean => KeyValue::Integer(array.as_boolean().value(row).into()),
        LogicalType::Integer { .. } => KeyValue::Integer(array.as_primitive::<Int64Type>().value(row)),
        LogicalType::Float { bits: 32 } => {
            KeyValue::Real(f64::from(array.as_primitive::<Float32Type>().value(row)).to_bits())
        }
        LogicalType::Float { .. } => KeyValue::Real(array.as_primitive::<Float64Type>().value(row).to_bits()),
        LogicalType::Decimal { .. }
        | LogicalType::Text { .. }
        | LogicalType::Bits { .. }
        | LogicalType::TimeZoned
        | LogicalType::Enum { .. }
        | LogicalType::Set { .. } => KeyValue::Text(array.as_string::<i32>().value(row).to_owned()),
        LogicalType::Bytes => KeyValue::Bytes(hex(array.as_binary::<i32>().value(row))),
        LogicalType::Date => KeyValue::Text(format_date(array.as_primitive::<Date32Type>().value(row))),
        LogicalType::Time => KeyValue::Text(format_time(
            array.as_primitive::<Time64MicrosecondType>().value(row),
        )),
        LogicalType::Timestamp { zoned } => KeyValue::Text(format_timestamp(
            array.as_primitive::<TimestampMicrosecondType>().value(row),
            *zoned,
        )),
        LogicalType::Uuid => KeyValue::Text(uuid(array.as_fixed_size_binary().value(row))),
        LogicalType::Json | LogicalType::Interval | LogicalType::Any | LogicalType::Wire { .. } => {
            return None;
        }
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn uuid(bytes: &[u8]) -> String {
    let mut text = hex(bytes);
    for at in [20, 16, 12, 8] {
        text.insert(at.min(text.len()), '-');
    }
    text
}

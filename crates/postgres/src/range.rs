//! Ranges as conditions, half-open: keys compared as row values in their own order, rows by the place where the server keeps them.

use whimbrel_core::{Error, ErrorClass, KeyRange, KeyValue, Result, Table};

use crate::quote::{literal, quoted};

/// Returns the condition that selects the range's rows; none for all rows.
pub(crate) fn condition(table: &Table, range: &KeyRange) -> Result<Option<String>> {
    let bound = match range {
        KeyRange::All => return Ok(None),
        KeyRange::Keys(bound) => bound,
        KeyRange::Exactly { columns, keys } => return exactly(table, columns, keys).map(Some),
        KeyRange::Rows { from, to } => return Ok(places(*from, *to)),
        KeyRange::Part { .. } => return Err(Error::bug("an engine was asked for a part of a mapped table")),
    };
    let natives = natives(table, &bound.columns)?;
    let names: Vec<String> = bound.columns.iter().map(|name| quoted(name)).collect();
    let row = |values: &[String]| match values {
        [one] => one.clone(),
        many => format!("({})", many.join(", ")),
    };
    let side = |operator: &str, values: &[KeyValue]| {
        let values: Vec<String> = values
            .iter()
            .zip(&natives)
            .map(|(value, native)| spelled(value, native))
            .collect();
        format!("{} {operator} {}", row(&names), row(&values))
    };
    let from = bound.from.as_deref().map(|values| side(">=", values));
    let to = bound.to.as_deref().map(|values| side("<", values));
    let conditions: Vec<String> = from.into_iter().chain(to).collect();
    Ok((!conditions.is_empty()).then(|| conditions.join(" AND ")))
}

/// The expression for a row's place as one number: that of its page, then that within the page, which has 16 bits.
pub(crate) const PLACE: &str = "((ctid::text::point)[0]::int8 << 16 | (ctid::text::point)[1]::int8)";

/// The place of the first row that a page can hold.
pub(crate) fn place(page: u64) -> i64 {
    i64::try_from(page << 16).unwrap_or(i64::MAX)
}

/// The rows at these places.
fn places(from: Option<i64>, to: Option<i64>) -> Option<String> {
    let place = |place: i64| format!("'({},{})'", place >> 16, place & 0xffff);
    let from = from.map(|from| format!("ctid >= {}", place(from)));
    let to = to.map(|to| format!("ctid < {}", place(to)));
    let conditions: Vec<String> = from.into_iter().chain(to).collect();
    (!conditions.is_empty()).then(|| conditions.join(" AND "))
}

/// The native types of the key's columns.
fn natives<'a>(table: &'a Table, columns: &[String]) -> Result<Vec<&'a str>> {
    let native = |name: &String| {
        let column = table.column(name).ok_or_else(|| {
            Error::new(
                ErrorClass::Unsupported,
                format!("table `{}` has no key column `{name}`", table.id),
            )
        })?;
        Ok(column.native.as_str())
    };
    columns.iter().map(native).collect()
}

/// The rows of these keys, each as a condition of its own, so that an index serves them.
fn exactly(table: &Table, columns: &[String], keys: &[Vec<KeyValue>]) -> Result<String> {
    let natives = natives(table, columns)?;
    let one = |key: &Vec<KeyValue>| {
        let parts: Vec<String> = columns
            .iter()
            .zip(key.iter().zip(&natives))
            .map(|(name, (value, native))| format!("{} = {}", quoted(name), spelled(value, native)))
            .collect();
        format!("({})", parts.join(" AND "))
    };
    if keys.is_empty() {
        return Ok("false".to_owned());
    }
    let rows: Vec<String> = keys.iter().map(one).collect();
    Ok(format!("({})", rows.join(" OR ")))
}

fn spelled(value: &KeyValue, native: &str) -> String {
    match value {
        KeyValue::Integer(number) => format!("'{number}'::{native}"),
        KeyValue::Real(bits) => format!("'{:?}'::double precision", f64::from_bits(*bits)),
        KeyValue::Text(text) => format!("{}::{native}", literal(text)),
        KeyValue::Bytes(hex) => format!("'\\x{hex}'::bytea"),
    }
}

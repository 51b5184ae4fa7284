//! Spells the range of a chunk as a condition: half-open, in the key's own order, so that the key's index serves it.

use whimbrel_core::{Error, ErrorClass, KeyBound, KeyRange, KeyValue, Result, Table, TableId, hex};

use crate::columns::{ServerColumn, find};
use crate::native::Kind;
use crate::quote::{literal, quoted};

/// Returns the condition that selects the range's rows, of a table as its catalog describes it; none for all rows.
pub(crate) fn condition(table: &Table, range: &KeyRange) -> Result<Option<String>> {
    let described: Vec<ServerColumn> = table.columns.iter().map(ServerColumn::described).collect();
    condition_on(&described, &table.id, range)
}

/// Returns the condition that selects the range's rows, of a table as the server describes it; none for all rows.
pub(crate) fn condition_on(
    found: &[ServerColumn],
    table: &TableId,
    range: &KeyRange,
) -> Result<Option<String>> {
    match range {
        KeyRange::All => Ok(None),
        KeyRange::Keys(bound) => between(found, table, bound),
        KeyRange::Exactly { columns, keys } => exactly(&key_columns(found, table, columns)?, keys).map(Some),
        KeyRange::Rows { .. } => Err(Error::new(
            ErrorClass::Unsupported,
            format!("table `{table}` has no row numbers"),
        )),
        KeyRange::Part { .. } => Err(Error::bug("an engine was asked for a part of a mapped table")),
    }
}

/// Looks up the columns of a key, in its order.
pub(crate) fn key_columns<'a>(
    found: &'a [ServerColumn],
    table: &TableId,
    columns: &[String],
) -> Result<Vec<&'a ServerColumn>> {
    columns.iter().map(|name| find(found, table, name)).collect()
}

fn between(found: &[ServerColumn], table: &TableId, bound: &KeyBound) -> Result<Option<String>> {
    let columns = key_columns(found, table, &bound.columns)?;
    let mut conditions = Vec::new();
    if let Some(from) = &bound.from {
        conditions.push(side(&columns, from, Side::From)?);
    }
    if let Some(to) = &bound.to {
        conditions.push(side(&columns, to, Side::Before)?);
    }
    Ok((!conditions.is_empty()).then(|| conditions.join(" AND ")))
}

/// Which rows a bound selects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// Those at the bound and behind it.
    From,
    /// Those before it.
    Before,
}

impl Side {
    fn strict(self) -> &'static str {
        match self {
            Self::From => ">",
            Self::Before => "<",
        }
    }

    fn last(self) -> &'static str {
        match self {
            Self::From => ">=",
            Self::Before => "<",
        }
    }

    fn loose(self) -> &'static str {
        match self {
            Self::From => ">=",
            Self::Before => "<=",
        }
    }
}

/// Returns the condition of one bound. A comparison of rows would not use the index, so it is written out; that the first column alone is
/// compared as well lets it be used in every version.
pub(crate) fn side(columns: &[&ServerColumn], values: &[KeyValue], side: Side) -> Result<String> {
    let Some(((last, rest), (last_value, rest_values))) = columns.split_last().zip(values.split_last())
    else {
        return Err(Error::bug("a bound has no key"));
    };
    let mut condition = compared(last, side.last(), last_value)?;
    for (column, value) in rest.iter().zip(rest_values).rev() {
        let ahead = compared(column, side.strict(), value)?;
        let same = equal(column, value)?;
        condition = format!("({ahead} OR ({same} AND {condition}))");
    }
    let (Some(first), Some(value)) = (columns.first(), values.first()) else {
        return Ok(condition);
    };
    if let Kind::Enum(labels) = &first.kind {
        if let Some(labels) = labels_on(labels, value, side) {
            return Ok(format!("{} IN ({labels}) AND {condition}", quoted(&first.name)));
        }
        return Ok(condition);
    }
    match rest.is_empty() {
        true => Ok(condition),
        false => Ok(format!(
            "{} AND {condition}",
            compared(first, side.loose(), value)?
        )),
    }
}

/// The labels on the side of the bound, so that the index of an enum serves; the value of what was no label is among them as its text.
fn labels_on(labels: &[String], value: &KeyValue, side: Side) -> Option<String> {
    let KeyValue::Integer(number) = value else {
        return None;
    };
    let number = usize::try_from(*number).ok()?;
    let wanted: Vec<String> = std::iter::once(&String::new())
        .chain(labels)
        .enumerate()
        .filter(|(at, _)| match side {
            Side::From => *at >= number,
            Side::Before => *at <= number,
        })
        .map(|(_, label)| literal(label))
        .collect();
    (!wanted.is_empty()).then(|| wanted.join(", "))
}

fn exactly(columns: &[&ServerColumn], keys: &[Vec<KeyValue>]) -> Result<String> {
    let one = |key: &Vec<KeyValue>| {
        let parts: Result<Vec<String>> = columns
            .iter()
            .zip(key)
            .map(|(column, value)| equal(column, value))
            .collect();
        Ok(format!("({})", parts?.join(" AND ")))
    };
    if keys.is_empty() {
        return Ok("FALSE".to_owned());
    }
    let rows: Result<Vec<String>> = keys.iter().map(one).collect();
    Ok(format!("({})", rows?.join(" OR ")))
}

fn compared(column: &ServerColumn, operator: &str, value: &KeyValue) -> Result<String> {
    Ok(format!(
        "{} {operator} {}",
        column.key_expression(),
        spelled(column, value)?
    ))
}

fn equal(column: &ServerColumn, value: &KeyValue) -> Result<String> {
    compared(column, "=", value)
}

/// Spells a key's value so that it is compared in the column's own type and order.
fn spelled(column: &ServerColumn, value: &KeyValue) -> Result<String> {
    let unfit = || Error::invalid(format!("a key's value does not fit column `{}`", column.name));
    let number = |text: &str| {
        let is_number = whimbrel_core::is_decimal(text);
        is_number.then(|| text.to_owned()).ok_or_else(unfit)
    };
    Ok(match (value, &column.kind) {
        (KeyValue::Integer(value), _) => value.to_string(),
        (KeyValue::Real(bits), _) => format!("{:e}", f64::from_bits(*bits)),
        (KeyValue::Text(text), Kind::Char(_) | Kind::Varchar(_) | Kind::Text(_)) => {
            text_literal(column, &hex(text.as_bytes()))
        }
        (KeyValue::Bytes(hex), Kind::Char(_) | Kind::Varchar(_) | Kind::Text(_)) => {
            text_literal(column, &digits(hex).ok_or_else(unfit)?)
        }
        (KeyValue::Bytes(hex), _) => format!("x'{}'", digits(hex).ok_or_else(unfit)?),
        (
            KeyValue::Text(text),
            Kind::Integer { .. }
            | Kind::Decimal { .. }
            | Kind::Float { .. }
            | Kind::Bit(_)
            | Kind::Enum(_)
            | Kind::Set(_)
            | Kind::Year,
        ) => number(text)?,
        (KeyValue::Text(text), _) => literal(text),
    })
}

/// Stored bytes as text of the column's character set and collation, so that nothing is converted before it is compared.
fn text_literal(column: &ServerColumn, hex: &str) -> String {
    match (&column.charset, &column.collation) {
        (Some(charset), Some(collation)) => format!("_{charset} x'{hex}' COLLATE {collation}"),
        _ => format!("_utf8mb4 x'{hex}'"),
    }
}

fn digits(hex: &str) -> Option<String> {
    hex.bytes()
        .all(|digit| digit.is_ascii_hexdigit())
        .then(|| hex.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, native: &str) -> ServerColumn {
        let kind = Kind::parse(native);
        let text = kind.is_text();
        ServerColumn {
            name: name.to_owned(),
            charset: text.then(|| "latin1".to_owned()),
            collation: text.then(|| "latin1_bin".to_owned()),
            kind,
        }
    }

    #[test]
    fn a_composite_bound_is_written_out() {
        let (a, b) = (column("a", "int"), column("b", "varchar(9)"));
        let values = [KeyValue::Integer(7), KeyValue::Bytes("e4".to_owned())];
        assert_eq!(
            side(&[&a, &b], &values, Side::From).unwrap(),
            "`a` >= 7 AND (`a` > 7 OR (`a` = 7 AND `b` >= _latin1 x'e4' COLLATE latin1_bin))"
        );
        assert_eq!(side(&[&a], &values[..1], Side::Before).unwrap(), "`a` < 7");
    }

    #[test]
    fn an_enum_is_compared_by_its_number() {
        let mood = column("m", "enum('b','a')");
        assert_eq!(
            side(&[&mood], &[KeyValue::Integer(2)], Side::From).unwrap(),
            "`m` IN ('a') AND CAST(`m` AS UNSIGNED) >= 2"
        );
    }

    #[test]
    fn a_key_cannot_smuggle_sql() {
        let number = column("a", "decimal(5,2)");
        let evil = KeyValue::Text("1 OR 1=1".to_owned());
        assert!(side(&[&number], &[evil], Side::From).is_err());
        let bytes = column("a", "binary(3)");
        let evil = KeyValue::Bytes("' OR '".to_owned());
        assert!(side(&[&bytes], &[evil], Side::From).is_err());
    }
}

//! Sequences: MariaDB's objects, and what stands behind `AUTO_INCREMENT`.

use std::collections::BTreeSet;

use mysql_async::Conn;
use whimbrel_core::{Result, Sequence, SequencePosition, Table, TableId, signed_range};

use super::rows::{Line, each};
use super::tables::Tables;
use crate::native::Kind;
use crate::quote::quoted;

/// Columns whose largest number is asked for in one statement: it opens the table of each.
const COUNTERS_TOGETHER: usize = 50;

/// Reads all sequences, sorted by name.
pub(super) async fn read(conn: &mut Conn, tables: &Tables) -> Result<Vec<Sequence>> {
    let mut sequences = objects(conn, tables).await?;
    sequences.extend(counters(conn, tables).await?);
    sequences.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(sequences)
}

async fn objects(conn: &mut Conn, tables: &Tables) -> Result<Vec<Sequence>> {
    let statements: Vec<String> = tables
        .sequences
        .iter()
        .map(|name| format!("SELECT * FROM {}", quoted(name)))
        .collect();
    let rows = each(conn, &statements).await?;
    Ok(tables
        .sequences
        .iter()
        .zip(rows)
        .filter_map(|(name, line)| Some(object(name, &line?)))
        .collect())
}

fn object(name: &str, line: &Line) -> Sequence {
    let number = |column: &str| line.text(column).parse().unwrap_or(0);
    Sequence {
        id: TableId::bare(name),
        native: "bigint".to_owned(),
        start: number("start_value"),
        increment: number("increment"),
        min: number("minimum_value"),
        max: number("maximum_value"),
        cache: number("cache_size"),
        cycle: number("cycle_option") != 0,
        owned_by: None,
        implicit: false,
        // Numbers that some session holds in its cache are never given again.
        position: Some(SequencePosition {
            last_value: number("next_not_cached_value"),
            is_called: false,
        }),
        comment: None,
    }
}

/// The counter may stand behind the numbers that are there, after an UPDATE of the column.
async fn counters(conn: &mut Conn, tables: &Tables) -> Result<Vec<Sequence>> {
    let numbered: Vec<(&Table, &str, Kind)> = tables
        .by_name
        .values()
        .filter_map(|table| {
            let column = table.columns.iter().find(|column| column.identity.is_some())?;
            Some((table, column.name.as_str(), Kind::parse(&column.native)))
        })
        .collect();
    let largest = largest(conn, &numbered).await?;
    let mut taken: BTreeSet<String> = tables.sequences.iter().cloned().collect();
    let mut sequences = Vec::with_capacity(numbered.len());
    for ((table, column, kind), largest) in numbered.into_iter().zip(largest) {
        let mut name = format!("{}_{column}_seq", table.id.name);
        while !taken.insert(name.clone()) {
            name.push('_');
        }
        let counter = tables.counters.get(&table.id.name).copied().unwrap_or(1);
        let next = largest.as_deref().and_then(after);
        let next = next.map_or(counter, |next| next.max(counter));
        sequences.push(Sequence {
            id: TableId::bare(name),
            native: table
                .column(column)
                .map(|column| column.native.clone())
                .unwrap_or_default(),
            start: 1,
            increment: 1,
            min: 1,
            max: top(&kind),
            cache: 1,
            cycle: false,
            owned_by: Some((table.id.clone(), column.to_owned())),
            implicit: true,
            position: Some(SequencePosition {
                last_value: i64::try_from(next).unwrap_or(i64::MAX),
                is_called: false,
            }),
            comment: None,
        });
    }
    Ok(sequences)
}

/// The largest number of each column, in order, dozens in a statement.
async fn largest(conn: &mut Conn, numbered: &[(&Table, &str, Kind)]) -> Result<Vec<Option<String>>> {
    let largest = |(table, column, _): &(&Table, &str, Kind)| {
        format!("(SELECT MAX({}) FROM {})", quoted(column), quoted(&table.id.name))
    };
    let statements: Vec<String> = numbered
        .chunks(COUNTERS_TOGETHER)
        .map(|some| {
            let columns: Vec<String> = some.iter().map(largest).collect();
            format!("SELECT {}", columns.join(", "))
        })
        .collect();
    let lines = each(conn, &statements).await?;
    let mut found = Vec::with_capacity(numbered.len());
    let text = |line: &Line, at: usize| Some(String::from_utf8_lossy(line.at(at)?).into_owned());
    for (some, line) in numbered.chunks(COUNTERS_TOGETHER).zip(lines) {
        if let Some(line) = line {
            found.extend((0..some.len()).map(|at| text(&line, at)));
            continue;
        }
        // One of the tables cannot be read; the others can.
        let alone: Vec<String> = some
            .iter()
            .map(|one| format!("SELECT {}", largest(one)))
            .collect();
        let lines = each(conn, &alone).await?.into_iter();
        found.extend(lines.map(|line| text(&line?, 0)));
    }
    Ok(found)
}

/// The number behind the largest one; a float column can be numbered too.
fn after(largest: &str) -> Option<u64> {
    let whole = largest.split(['.', 'e']).next()?;
    whole.parse::<u64>().ok()?.checked_add(1)
}

fn top(kind: &Kind) -> i64 {
    let Kind::Integer { bits, unsigned, .. } = kind else {
        return i64::MAX;
    };
    *signed_range(*bits + u8::from(*unsigned)).end()
}

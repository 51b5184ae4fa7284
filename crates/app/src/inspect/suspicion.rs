//! References that nobody declared: which columns look like one is `quality`'s; here a bounded number of their values is looked up in the
//! table that they seem to lead to, and what does not lead there is not told.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::{StreamExt, stream};
use serde::Serialize;
use whimbrel_core::{Dialect, LogicalType, Source, Table, TableId};
use whimbrel_quality::{Suspect, TableQuality, suspects};

use crate::report::{count, counted};

/// Values of a column that are looked up: one of ten of its table's for all its columns together, so that it costs little beside a pass over
/// the table; but as many as tell a reference from a number, and no more than are worth the time.
const LOOKED_UP: std::ops::RangeInclusive<u64> = 2_000..=20_000;
const SHARE: u64 = 10;
/// Columns that are looked into, and for how long each: a look is bounded, whatever the schema.
const SUSPECTS_MAX: usize = 200;
const LOOK_LIMIT: Duration = Duration::from_secs(2);
/// So many of a hundred values at least lead to a row.
const MEANT_PERCENT: u64 = 50;

/// A column that refers to a table without a foreign key, by its name, its type and its values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SuspectedDetail {
    /// The column.
    pub column: String,
    /// The table that it seems to refer to.
    pub table: String,
    /// That table's key.
    pub referred: String,
    /// Values among those looked at that lead to no row.
    pub orphans: u64,
    /// How many values were looked at.
    pub of: u64,
    /// True when these are all there are.
    pub all: bool,
}

impl SuspectedDetail {
    /// Says it in one sentence.
    pub(super) fn told(&self, from: &TableId) -> String {
        let first = if self.all { "" } else { "the first " };
        format!(
            "suspected relation: {from}.{} -> {}.{}, {} (of {first}{})",
            self.column,
            self.table,
            self.referred,
            match self.orphans {
                0 => "no orphans".to_owned(),
                orphans => counted(orphans, "orphan"),
            },
            count(self.of)
        )
    }
}

/// Returns the suspected references of each table.
pub(super) async fn suspicions(
    source: &dyn Source,
    dialect: &dyn Dialect,
    tables: &[&Table],
    qualities: &BTreeMap<TableId, TableQuality>,
    jobs: usize,
) -> BTreeMap<TableId, Vec<SuspectedDetail>> {
    let of = |(table, column): (&Table, &str)| {
        let columns = &qualities.get(&table.id)?.columns;
        columns.iter().find(|quality| quality.name == column)
    };
    let alike = |from: (&Table, &str), to: (&Table, &str)| {
        let (Some(from), Some(to)) = (of(from), of(to)) else {
            return false;
        };
        let how = naming(&from.read_as);
        how.is_some() && how == naming(&to.read_as) && from.values > 0
    };
    let suspects = suspects(tables, alike);
    let mut of_table: BTreeMap<&TableId, u64> = BTreeMap::new();
    for suspect in &suspects {
        *of_table.entry(&suspect.table.id).or_default() += 1;
    }
    let looks = suspects.iter().take(SUSPECTS_MAX).map(|suspect| {
        let values = of((suspect.table, suspect.column)).map_or(0, |quality| quality.values);
        let rows = qualities.get(&suspect.table.id).map_or(0, |found| found.rows);
        let share = rows / SHARE / of_table[&suspect.table.id];
        let look_at = share.clamp(*LOOKED_UP.start(), *LOOKED_UP.end());
        look(source, dialect, *suspect, (look_at, values))
    });
    let found: Vec<_> = stream::iter(looks).buffered(jobs.max(1)).collect().await;
    let mut told: BTreeMap<TableId, Vec<SuspectedDetail>> = BTreeMap::new();
    for (table, suspected) in found.into_iter().flatten() {
        told.entry(table).or_default().push(suspected);
    }
    told
}

/// What a value names a row by: values are looked up among those that name in the same way.
#[derive(Debug, PartialEq, Eq)]
enum Naming<'a> {
    Number,
    Text,
    Bytes,
    Bits,
    Uuid,
    Label(&'a str),
    Any,
    Wire(&'a str),
}

/// How values of this form name rows; none for those that measure or describe.
fn naming(read_as: &LogicalType) -> Option<Naming<'_>> {
    match read_as {
        LogicalType::Integer { .. } | LogicalType::Decimal { .. } => Some(Naming::Number),
        LogicalType::Text { .. } => Some(Naming::Text),
        LogicalType::Bytes => Some(Naming::Bytes),
        LogicalType::Bits { .. } => Some(Naming::Bits),
        LogicalType::Uuid => Some(Naming::Uuid),
        LogicalType::Enum { name, .. } => Some(Naming::Label(name)),
        LogicalType::Any => Some(Naming::Any),
        LogicalType::Wire { native, .. } => Some(Naming::Wire(native)),
        LogicalType::Boolean
        | LogicalType::Float { .. }
        | LogicalType::Date
        | LogicalType::Time
        | LogicalType::TimeZoned
        | LogicalType::Timestamp { .. }
        | LogicalType::Interval
        | LogicalType::Json
        | LogicalType::Set { .. } => None,
    }
}

/// Looks some of the values up. A look that fails or takes too long finds nothing: it is a hint, and no part of the inventory.
async fn look(
    source: &dyn Source,
    dialect: &dyn Dialect,
    suspect: Suspect<'_>,
    (look_at, values): (u64, u64),
) -> Option<(TableId, SuspectedDetail)> {
    let (column, referred) = (dialect.quote(suspect.column), dialect.quote(suspect.referred));
    let query = format!(
        "SELECT count(*) FROM (SELECT {column} AS value FROM {} WHERE {column} IS NOT NULL LIMIT {look_at}) looked \
         WHERE NOT EXISTS (SELECT 1 FROM {} referred WHERE referred.{referred} = looked.value)",
        dialect.table(&suspect.table.id),
        dialect.table(&suspect.referred_table.id),
    );
    let answer = source.scalar(&query, Some(LOOK_LIMIT)).await.ok()??;
    let orphans: u64 = answer.parse().ok()?;
    let of = values.min(look_at);
    let leads_there = of > 0 && orphans * 100 <= of * (100 - MEANT_PERCENT);
    leads_there.then(|| {
        let suspected = SuspectedDetail {
            column: suspect.column.to_owned(),
            table: suspect.referred_table.id.to_string(),
            referred: suspect.referred.to_owned(),
            orphans,
            of,
            all: values <= look_at,
        };
        (suspect.table.id.clone(), suspected)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_name_alike_and_times_name_nothing() {
        let integer = LogicalType::Integer { bits: 64 };
        let decimal = LogicalType::Decimal {
            precision: Some(20),
            scale: Some(0),
        };
        assert_eq!(naming(&integer), naming(&decimal));
        assert_ne!(naming(&integer), naming(&LogicalType::text()));
        for zoned in [false, true] {
            assert_eq!(naming(&LogicalType::Timestamp { zoned }), None);
        }
        assert_eq!(naming(&LogicalType::Time), None);
        assert_eq!(naming(&LogicalType::TimeZoned), None);
        let label = |name: &str| LogicalType::Enum {
            name: name.to_owned(),
            labels: Vec::new(),
        };
        let (mood, colour) = (label("mood"), label("colour"));
        assert_ne!(naming(&mood), naming(&colour));
    }
}

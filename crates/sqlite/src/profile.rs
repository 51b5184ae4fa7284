//! The profile: one pass over every row of a table ([`Pass`]), and what is wrong with its keys. Shapes are counted under the names in
//! [`shape`], which the dialect reads.

mod pass;

use rusqlite::{Connection, Row};
use whimbrel_core::{
    Depth, ForeignKey, ForeignKeyProfile, Result, StorageClasses, Table, TableProfile, UniqueProfile, named,
};

use crate::codec::shown;
use crate::error::During;
use crate::foreign_keys::{Orphans, inexact, orphans};
use crate::gate::ReadConnection;
use crate::sql::{quote, quote_all};

pub(crate) use pass::Pass;

/// Names of the shapes that are counted.
pub(crate) mod shape {
    /// Texts that are days.
    pub(crate) const DATE: &str = "iso_date";
    /// Texts that are times of day.
    pub(crate) const TIME: &str = "iso_time";
    /// Texts that are points in time without an offset.
    pub(crate) const TIMESTAMP: &str = "iso_timestamp";
    /// Texts that are points in time with an offset.
    pub(crate) const TIMESTAMP_ZONED: &str = "iso_timestamp_zoned";
    /// Those of them whose offset is not zero.
    pub(crate) const TIMESTAMP_OFFSET: &str = "iso_timestamp_offset";
    /// Texts that are JSON; counted where JSON is declared.
    pub(crate) const JSON: &str = "json";
    /// Texts that are canonical UUIDs.
    pub(crate) const UUID: &str = "uuid";
    /// Of these, those that not every engine's own type holds.
    pub(crate) const LATE_UUIDS: &str = whimbrel_core::LATE_UUIDS;
    /// Integers 0 and 1.
    pub(crate) const BIT: &str = "zero_or_one";
    /// Texts that are plain decimals.
    pub(crate) const DECIMAL: &str = "decimal_text";
    /// Integers that no 64-bit float is exactly.
    pub(crate) const INEXACT: &str = "inexact_integer";
    /// Reals that are infinite.
    pub(crate) const INFINITE: &str = "infinite";
    /// Most digits before the point over all numbers and decimal texts.
    pub(crate) const WHOLE_DIGITS: &str = "decimal_whole_digits_max";
    /// Most digits after the point, trailing zeros apart.
    pub(crate) const PLACES: &str = "decimal_places_max";
}

/// So many rows say in what form the columns are read, until all of them have been seen.
const FIRST_ROWS: u32 = 256;
/// How many shared values are shown.
const EXAMPLES_MAX: i64 = 5;

/// Returns what one pass over the table finds.
pub(crate) fn profile(connection: &ReadConnection, table: &Table, depth: Depth) -> Result<TableProfile> {
    let what = || format!("profile `{}`", table.id);
    let transaction = connection.unchecked_transaction().during(what)?;
    let mut profile = scan(connection, table, depth, "")?;
    look_at_keys(connection, table, &mut profile)?;
    transaction.finish().during(what)?;
    Ok(profile)
}

/// Returns what the first rows suggest that a survey of the table will find.
pub(crate) fn first_rows(connection: &Connection, table: &Table) -> Result<TableProfile> {
    scan(connection, table, Depth::Survey, &format!(" LIMIT {FIRST_ROWS}"))
}

/// Adds to what a pass over the rows found what is wrong with the keys.
pub(crate) fn look_at_keys(
    connection: &ReadConnection,
    table: &Table,
    profile: &mut TableProfile,
) -> Result<()> {
    if !table.foreign_keys.is_empty() {
        profile.foreign_keys = connection.look_up(|connection| foreign_keys(connection, table))?;
    }
    profile.uniques = uniques(connection, table, profile)?;
    Ok(())
}

fn foreign_keys(connection: &Connection, table: &Table) -> Result<Vec<ForeignKeyProfile>> {
    let found = orphans(connection, table)?.into_iter().zip(&table.foreign_keys);
    let of_key = |(found, key): (Orphans, &ForeignKey)| {
        Ok(ForeignKeyProfile {
            columns: key.columns.clone(),
            orphans: found.count,
            examples: found.examples,
            inexact: inexact(connection, table, key)?,
        })
    };
    found.map(of_key).collect()
}

fn scan(connection: &Connection, table: &Table, depth: Depth, limit: &str) -> Result<TableProfile> {
    let what = || format!("profile `{}`", table.id);
    let names: Vec<String> = table
        .columns
        .iter()
        .map(|column| format!("t.{}", quote(&column.name)))
        .collect();
    let list = if names.is_empty() {
        "NULL".to_owned()
    } else {
        names.join(", ")
    };
    let sql = format!("SELECT {list} FROM {} t{limit}", quote(&table.id.name));
    let mut statement = connection.prepare(&sql).during(what)?;
    let mut rows = statement.query([]).during(what)?;
    let mut pass = Pass::over(table, depth);
    while let Some(row) = rows.next().during(what)? {
        pass.see(row).during(what)?;
    }
    Ok(pass.finish())
}

/// Keys whose values are different to the engine and may be one as text: only where a column holds several storage classes.
fn uniques(connection: &Connection, table: &Table, profile: &TableProfile) -> Result<Vec<UniqueProfile>> {
    let plain = table
        .indexes
        .iter()
        .filter(|index| index.unique && index.predicate.is_none())
        .filter_map(|index| {
            let columns: Option<Vec<String>> = index.parts.iter().map(|part| part.column.clone()).collect();
            Some((index.name.clone(), columns?))
        });
    let keys = table
        .primary_key
        .iter()
        .chain(&table.uniques)
        .map(|key| (key.name.clone(), key.columns.clone()))
        .chain(plain);
    keys.map(|(name, columns)| {
        let mixed = columns.iter().any(|column| {
            let classes = profile.columns.get(column).and_then(|found| found.classes);
            classes.is_some_and(|classes| held(classes) > 1)
        });
        let (duplicates, examples) = if mixed {
            shared(connection, table, &columns)?
        } else {
            (0, Vec::new())
        };
        Ok(UniqueProfile {
            name,
            columns,
            equalities: Vec::new(),
            duplicates,
            examples,
        })
    })
    .collect()
}

/// Returns how many storage classes are there.
pub(crate) fn held(classes: StorageClasses) -> usize {
    [classes.integer, classes.real, classes.text, classes.blob]
        .into_iter()
        .filter(|count| *count > 0)
        .count()
}

fn shared(connection: &Connection, table: &Table, columns: &[String]) -> Result<(u64, Vec<String>)> {
    let texts: Vec<String> = columns
        .iter()
        .map(|column| format!("CAST({} AS TEXT) COLLATE BINARY", quote(column)))
        .collect();
    let not_null: Vec<String> = columns
        .iter()
        .map(|column| format!("{} IS NOT NULL", quote(column)))
        .collect();
    let groups = format!(
        "SELECT {} FROM {} WHERE {} GROUP BY {} HAVING count(*) > 1",
        quote_all(columns),
        quote(&table.id.name),
        not_null.join(" AND "),
        texts.join(", ")
    );
    let read = || -> rusqlite::Result<(u64, Vec<String>)> {
        let count: i64 =
            connection.query_row(&format!("SELECT count(*) FROM ({groups})"), [], |row| row.get(0))?;
        let mut statement = connection.prepare(&format!("{groups} LIMIT {EXAMPLES_MAX}"))?;
        let text = |row: &Row<'_>| {
            let parts = columns
                .iter()
                .enumerate()
                .map(|(at, name)| Ok(named(name, shown(row.get_ref(at)?))))
                .collect::<rusqlite::Result<Vec<_>>>()?;
            Ok(parts.join(", "))
        };
        let examples = statement.query_map([], text)?.collect::<rusqlite::Result<_>>()?;
        Ok((count.unsigned_abs(), examples))
    };
    read().during(|| format!("look for equal keys in `{}`", table.id))
}

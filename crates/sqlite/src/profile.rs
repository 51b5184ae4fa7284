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
/// No further row is among the first ones behind so many bytes: they are read twice.
const FIRST_BYTES: u64 = 1 << 20;
/// How many shared values are shown.
const EXAMPLES_MAX: i64 = 5;

/// Returns what one pass over the table finds.
pub(crate) fn profile(connection: &ReadConnection, table: &Table, depth: Depth) -> Result<TableProfile> {
    let what = || format!("profile `{}`", table.id);
    let transaction = connection.unchecked_transaction().during(what)?;
    let mut profile = scan(connection, table, depth, "", u64::MAX)?;
    look_at_keys(connection, table, &mut profile)?;
    transaction.finish().during(what)?;
    Ok(profile)
}

/// Returns what the first rows suggest that a survey of the table will find.
pub(crate) fn first_rows(connection: &Connection, table: &Table) -> Result<TableProfile> {
    let limit = format!(" LIMIT {FIRST_ROWS}");
    scan(connection, table, Depth::Survey, &limit, FIRST_BYTES)
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

/// Looks at the rows within the limit, until more than so many bytes have been seen.
fn scan(
    connection: &Connection,
    table: &Table,
    depth: Depth,
    limit: &str,
    bytes_max: u64,
) -> Result<TableProfile> {
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
    let mut bytes: u64 = 0;
    while let Some(row) = rows.next().during(what)? {
        bytes += pass.see(row).during(what)?;
        if bytes > bytes_max {
            break;
        }
    }
    Ok(pass.finish())
}

/// Keys whose values are different to the engine and may be one as text: only where a column holds several storage classes.
fn uniques(connection: &Connection, table: &Table, profile: &TableProfile) -> Result<Vec<UniqueProfile>> {
    table
        .unique_keys()
        .map(|(name, columns)| {
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

#[cfg(test)]
mod tests {
    use whimbrel_core::{Column, TableId};

    use super::*;
    use crate::dialect::mapping::logical;

    #[test]
    fn few_rows_are_the_first_and_fewer_where_they_are_large() {
        let connection = Connection::open_in_memory().unwrap();
        let mut table = Table::empty(TableId::bare("t"));
        table.columns.push(Column::new("b", "BLOB"));
        for (bytes, want) in [(1, u64::from(FIRST_ROWS)), (FIRST_BYTES * 2 / 5, 3)] {
            let fill = format!(
                "DROP TABLE IF EXISTS t; CREATE TABLE t (b BLOB);
                 INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {FIRST_ROWS} + 9)
                 SELECT zeroblob(CASE WHEN i < 9 THEN {bytes} ELSE 1 END) FROM n;"
            );
            connection.execute_batch(&fill).unwrap();
            assert_eq!(first_rows(&connection, &table).unwrap().rows, want, "{bytes}");
        }
    }

    #[test]
    fn a_survey_finds_for_every_column_the_form_that_a_profile_finds() {
        let declared = "INT|REAL|TEXT|BLOB||VARCHAR(9)|BOOLEAN|DECIMAL|DECIMAL(6, 2)|MONEY|DATE|TIME|DATETIME|TIMESTAMP|JSON|UUID|BIT";
        let values = [
            "NULL",
            "0",
            "2",
            "-12345.678",
            "1e9",
            "9e999",
            "9007199254740993",
            "''",
            "'123.45'",
            "'9999999.5'",
            "'a text that is long'",
            "CAST(x'ff' AS TEXT)",
            "CAST(x'410042' AS TEXT)",
            "x'00'",
            "'2024-02-29'",
            "'10:11:12'",
            "'2024-02-29T10:11:12'",
            "'2024-02-29T10:11:12Z'",
            "'2024-02-29T10:11:12+02:00'",
            "'[1]'",
            "'00112233-4455-6677-8899-aabbccddeeff'",
        ];
        let connection = Connection::open_in_memory().unwrap();
        let mut table = Table::empty(TableId::bare("t"));
        let columns = declared.split('|').zip(0..);
        table.columns = columns
            .map(|(native, at)| Column::new(format!("c{at}"), native))
            .collect();
        let natives = table.columns.iter();
        let natives: Vec<String> = natives.map(|it| format!("{} {}", it.name, it.native)).collect();
        connection
            .execute_batch(&format!("CREATE TABLE t ({})", natives.join(", ")))
            .unwrap();
        for (one, other) in values.iter().flat_map(|one| values.map(|other| (one, other))) {
            let row = |value: &str| format!("({})", vec![value; natives.len()].join(", "));
            connection
                .execute_batch(&format!(
                    "DELETE FROM t; INSERT INTO t VALUES {}, {}",
                    row(one),
                    row(other)
                ))
                .unwrap();
            let [survey, profile] = [Depth::Survey, Depth::Profile]
                .map(|depth| scan(&connection, &table, depth, "", u64::MAX).unwrap());
            for column in &table.columns {
                let form = |found: &TableProfile| {
                    let mapped = logical(column, found.columns.get(&column.name));
                    (mapped.to, mapped.fidelity)
                };
                assert_eq!(form(&survey), form(&profile), "{}: {one}, {other}", column.native);
            }
        }
    }
}

//! The demo's legacy database: a believable old shop with the dirt that real ones have, the same on every machine.
//! Migrating it is the use cases' work.

mod random;
mod rows;
mod words;

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};
use whimbrel_core::{Error, ErrorClass, Result};

const SCHEMA: &str = include_str!("demo/schema.sql");
const OBJECTS: &str = include_str!("demo/objects.sql");
/// Stands in the file's header (`PRAGMA application_id`) and says that the demo made it: "WHBL".
const MADE_BY_DEMO: i64 = 0x5748_424C;
/// Fewer rows than this leave tables empty.
const ROWS_MIN: u64 = 1_000;

/// What the legacy database holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacySummary {
    /// Where it is.
    pub path: PathBuf,
    /// Number of tables.
    pub tables: u64,
    /// Rows in all tables.
    pub rows: u64,
    /// What is wrong with it, one line each, counted in the database itself.
    pub dirt: Vec<String>,
}

/// Makes the legacy database at `path` with about `rows` rows (at least 1,000) and returns what it holds.
///
/// A database that an earlier call made is replaced; any other file stays as it is.
///
/// # Errors
/// `Invalid` when another file is at `path`; any failure to write leaves no file behind at `path`.
pub fn create_legacy(path: &Path, rows: u64) -> Result<LegacySummary> {
    refuse_foreign_file(path)?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| cannot("make the folder of", path, error))?;
    }
    let making = beside(path, ".making");
    remove(&making)?;
    let summary = make(&making, rows.max(ROWS_MIN)).map_err(|error| cannot("make", path, error));
    if summary.is_err() {
        remove(&making)?;
    }
    let summary = summary?;
    remove(path)?;
    fs::rename(&making, path).map_err(|error| cannot("move into place", path, error))?;
    Ok(LegacySummary {
        path: path.to_owned(),
        ..summary
    })
}

fn make(path: &Path, rows: u64) -> rusqlite::Result<LegacySummary> {
    let mut connection = Connection::open(path)?;
    // A file that is only renamed into place once it is whole needs no journal that survives a crash.
    connection.execute_batch(&format!(
        "PRAGMA application_id = {MADE_BY_DEMO}; PRAGMA foreign_keys = off; PRAGMA synchronous = off; PRAGMA journal_mode = memory;"
    ))?;
    let tx = connection.transaction()?;
    tx.execute_batch(SCHEMA)?;
    rows::fill(&tx, i64::try_from(rows).unwrap_or(i64::MAX))?;
    tx.execute_batch(OBJECTS)?;
    // Numbers of deleted orders and customers are never given again.
    tx.execute_batch(
        "UPDATE sqlite_sequence SET seq = seq + 500 WHERE name = 'orders';
         UPDATE sqlite_sequence SET seq = seq + 37 WHERE name = 'customers';",
    )?;
    tx.commit()?;
    let summary = summarise(&connection, path)?;
    connection.execute_batch("PRAGMA synchronous = full; PRAGMA journal_mode = delete;")?;
    connection.close().map_err(|(_, error)| error)?;
    Ok(summary)
}

fn summarise(connection: &Connection, path: &Path) -> rusqlite::Result<LegacySummary> {
    let mut names = connection.prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    )?;
    let names: Vec<String> = names
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut rows = 0;
    for name in &names {
        rows += count(
            connection,
            &format!("SELECT count(*) FROM \"{}\"", name.replace('"', "\"\"")),
        )?;
    }
    let mut dirt = Vec::new();
    for (what, sql) in DIRT {
        let found = count(connection, sql)?;
        if found > 0 {
            dirt.push(format!("{what}: {found}"));
        }
    }
    Ok(LegacySummary {
        path: path.to_owned(),
        tables: names.len() as u64,
        rows,
        dirt,
    })
}

/// What is wrong with the database, and how to count it.
const DIRT: &[(&str, &str)] = &[
    (
        "orders of customers that do not exist",
        "SELECT count(*) FROM orders WHERE customer_id NOT IN (SELECT id FROM customers)",
    ),
    (
        "payments of orders that do not exist",
        "SELECT count(*) FROM payments WHERE order_id NOT IN (SELECT id FROM orders)",
    ),
    (
        "reviews of products that do not exist",
        "SELECT count(*) FROM reviews WHERE product_id NOT IN (SELECT id FROM products)",
    ),
    (
        "amounts in `legacy_import` that are text in a column of numbers",
        "SELECT count(*) FROM legacy_import WHERE typeof(amount) = 'text'",
    ),
    (
        "quantities in `legacy_import` that are words",
        "SELECT count(*) FROM legacy_import WHERE typeof(quantity) = 'text'",
    ),
    (
        "remarks in `legacy_import` that are not valid UTF-8",
        "SELECT count(*) FROM legacy_import WHERE instr(CAST(remark AS BLOB), x'df65') > 0",
    ),
    (
        "memos in `legacy_import` that hold the character U+0000",
        "SELECT count(*) FROM legacy_import WHERE instr(CAST(memo AS BLOB), x'00') > 0",
    ),
    (
        "days in `calendar` printed in other forms than ISO 8601",
        "SELECT count(*) FROM calendar WHERE printed NOT GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'",
    ),
    (
        "settings whose values are of several storage classes",
        "SELECT count(*) FROM settings WHERE typeof(value) <> 'text'",
    ),
    (
        "coupons without a code, though the code is the key",
        "SELECT count(*) FROM \"Coupon Codes\" WHERE code IS NULL",
    ),
    (
        "rows that are there twice, in `audit_log`, a table without a key",
        "SELECT (SELECT count(*) FROM audit_log) - (SELECT count(*) FROM (SELECT DISTINCT * FROM audit_log))",
    ),
    (
        "customers who share their address with another",
        "SELECT count(*) - count(DISTINCT email) FROM customers WHERE email IS NOT NULL",
    ),
    (
        "numbers of orders that were given and whose orders are gone",
        "SELECT seq - (SELECT max(id) FROM orders) FROM sqlite_sequence WHERE name = 'orders'",
    ),
    (
        "tables that refer to each other in a circle",
        "SELECT count(*) FROM sqlite_schema s WHERE type = 'table' AND EXISTS (
           SELECT 1 FROM pragma_foreign_key_list(s.name) there, pragma_foreign_key_list(there.\"table\") back
           WHERE back.\"table\" = s.name AND there.\"table\" <> s.name)",
    ),
];

fn count(connection: &Connection, sql: &str) -> rusqlite::Result<u64> {
    let counted: i64 = connection.query_row(sql, [], |row| row.get(0))?;
    Ok(u64::try_from(counted).unwrap_or_default())
}

/// Refuses a file that is there and was not made by the demo.
fn refuse_foreign_file(path: &Path) -> Result<()> {
    let there = path
        .try_exists()
        .map_err(|error| cannot("look at", path, error))?;
    if !there {
        return Ok(());
    }
    let mark = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .and_then(|connection| connection.query_row("PRAGMA application_id", [], |row| row.get::<_, i64>(0)));
    if matches!(mark, Ok(MADE_BY_DEMO)) {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "`{}` is there already and was not made by the demo",
        path.display()
    ))
    .with_code("file_exists")
    .with_hint("move the file away, or run the demo in another folder"))
}

/// Removes a database and the files that its engine may have left beside it.
fn remove(path: &Path) -> Result<()> {
    for file in [
        path.to_owned(),
        beside(path, "-journal"),
        beside(path, "-wal"),
        beside(path, "-shm"),
    ] {
        match fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(cannot("remove", &file, error));
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn cannot(what: &str, path: &Path, cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(
        ErrorClass::Invalid,
        format!("cannot {what} the demo database `{}`", path.display()),
    )
    .with_cause(cause)
}

#[cfg(test)]
mod tests;

//! Moving tables aside: into a copy of the whole file, `FILE.whimbrel-MIGRATION`, that is a database of its own, and back from there.
//!
//! The copy is made once per migration, before the first table is dropped. Each table is brought up to date in it right before it is
//! dropped, so that nothing written in between is lost. The way back puts one table at a time into its old place, with rows, row
//! numbers, indexes, triggers, AUTOINCREMENT counter and statistics; the rest of the file stays as it is.

use std::ffi::c_int;
use std::path::PathBuf;
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::{Connection, OptionalExtension};
use whimbrel_core::{Error, ErrorClass, Result, fault};

use crate::catalog::{self, pragma_number};
use crate::error::During;
use crate::files;
use crate::gate::DatabaseFile;
use crate::range::row_number;
use crate::sql::{literal, quote};

/// Makes sure that the copy holds the table as it is.
pub(crate) const COPY_FILE: &str = "copy_file";
/// Puts the table back from the copy.
pub(crate) const PUT_BACK: &str = "put_back";

/// Name under which the copy is attached.
const COPY: &str = "whimbrel_copy";

/// Returns where the copy of a migration is.
pub(crate) fn copy_path(file: &DatabaseFile, migration: &str) -> PathBuf {
    file.beside(&format!(".whimbrel-{migration}"))
}

/// Removes the copy; tells whether there was one.
pub(crate) fn remove_copy(file: &DatabaseFile, migration: &str) -> Result<bool> {
    let path = copy_path(file, migration);
    let was_there = path.exists();
    for suffix in ["", ".part", "-journal", "-wal", "-shm"] {
        let mut name = path.clone().into_os_string();
        name.push(suffix);
        fault::point("sqlite.copy.remove.before")?;
        files::remove(std::path::Path::new(&name))?;
    }
    fault::point("sqlite.copy.remove.after")?;
    Ok(was_there)
}

/// Brings the copy up to date for the table and returns the file's data version that it holds. While the version stays, nobody else has
/// committed anything.
pub(crate) fn bring_up_to_date(
    connection: &Connection,
    file: &DatabaseFile,
    migration: &str,
    table: &str,
) -> Result<i64> {
    let path = copy_path(file, migration);
    let version = pragma_number(connection, "data_version")?;
    if path.exists() {
        attached(connection, &path, |connection| refresh(connection, table))?;
    } else {
        copy_whole(connection, &path)?;
    }
    Ok(version)
}

fn copy_whole(connection: &Connection, path: &std::path::Path) -> Result<()> {
    let what = || format!("copy the file to `{}`", path.display());
    let mut part = path.to_path_buf().into_os_string();
    part.push(".part");
    let part = PathBuf::from(part);
    files::remove(&part)?;
    fault::point("sqlite.copy.make.before")?;
    let mut copy = Connection::open(&part).during(what)?;
    Backup::new(connection, &mut copy)
        .and_then(|backup| backup.run_to_completion(c_int::MAX, Duration::ZERO, None))
        .during(what)?;
    copy.query_row("PRAGMA journal_mode = delete", [], |_| Ok(()))
        .during(what)?;
    copy.close()
        .map_err(|(_, cause)| crate::error::failed(what(), cause))?;
    files::sync(&part)?;
    files::rename(&part, path)?;
    files::sync_folder(path)?;
    fault::point("sqlite.copy.make.after")
}

/// Attaches the copy, does the work and detaches it again, whatever happens.
fn attached<T>(
    connection: &Connection,
    path: &std::path::Path,
    work: impl FnOnce(&Connection) -> Result<T>,
) -> Result<T> {
    attach(connection, path)?;
    let done = work(connection);
    if done.is_err() && !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK").during(|| "leave the copy")?;
    }
    detach(connection)?;
    done
}

/// Attaches the copy for [`put_back`]; not possible inside a transaction.
pub(crate) fn attach(connection: &Connection, path: &std::path::Path) -> Result<()> {
    if !path.exists() {
        return Err(Error::invalid(format!("the copy `{}` is gone", path.display()))
            .with_code("copy_missing")
            .with_hint("put the copy back to its place, then repeat the rollback"));
    }
    detach(connection)?;
    connection
        .execute(
            &format!("ATTACH {} AS {COPY}", literal(&path.to_string_lossy())),
            [],
        )
        .during(|| format!("open the copy `{}`", path.display()))?;
    Ok(())
}

/// Detaches the copy if it is attached.
pub(crate) fn detach(connection: &Connection) -> Result<()> {
    let is_attached: bool = connection
        .query_row(
            "SELECT count(*) > 0 FROM pragma_database_list WHERE name = ?",
            [COPY],
            |row| row.get(0),
        )
        .during(|| "close the copy")?;
    if is_attached {
        connection
            .execute_batch(&format!("DETACH {COPY}"))
            .during(|| "close the copy")?;
    }
    Ok(())
}

/// Writes the table's rows of now into the copy.
fn refresh(connection: &Connection, table: &str) -> Result<()> {
    let what = || format!("bring the copy of `{table}` up to date");
    fault::point("sqlite.copy.refresh.before")?;
    connection.execute_batch("BEGIN IMMEDIATE").during(what)?;
    if definitions(connection, "main", table)? != definitions(connection, COPY, table)? {
        return Err(Error::new(
            ErrorClass::Conflict,
            format!("the definition of `{table}` changed since the file was copied"),
        )
        .with_code("target_changed")
        .with_hint("roll back and plan again: whimbrel rollback --to start"));
    }
    let name = quote(table);
    let columns = copied_columns(connection, table)?;
    connection
        .execute_batch(&format!(
            "DELETE FROM {COPY}.{name}; INSERT INTO {COPY}.{name} ({columns}) SELECT {columns} FROM main.{name}"
        ))
        .during(what)?;
    copy_counter(connection, "main", COPY, table).during(what)?;
    connection.execute_batch("COMMIT").during(what)?;
    fault::point("sqlite.copy.refresh.after")
}

/// The definitions of a table and of all that hangs on it, in the order in which they were made.
fn definitions(connection: &Connection, schema: &str, table: &str) -> Result<Vec<(String, String)>> {
    let read = || -> rusqlite::Result<Vec<(String, String)>> {
        let mut statement = connection.prepare(&format!(
            "SELECT type, sql FROM {schema}.sqlite_schema WHERE tbl_name = ? AND sql IS NOT NULL
             ORDER BY type <> 'table', rowid"
        ))?;
        statement
            .query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect()
    };
    read().during(|| format!("read the definition of `{table}`"))
}

/// The columns that hold values, and the row number where it can be had: it is part of the table as it was.
fn copied_columns(connection: &Connection, table: &str) -> Result<String> {
    let described = catalog::read_one(connection, table)?
        .ok_or_else(|| Error::invalid(format!("the table `{table}` does not exist")))?;
    let is_key = described.columns.iter().any(|column| column.identity.is_some());
    let number = row_number(&described).filter(|_| !is_key);
    let columns = described
        .columns
        .iter()
        .filter(|column| column.generated.is_none())
        .map(|column| quote(&column.name));
    Ok(number.into_iter().chain(columns).collect::<Vec<_>>().join(", "))
}

/// Puts the table back inside the caller's transaction; the copy is attached.
pub(crate) fn put_back(connection: &Connection, table: &str) -> Result<()> {
    let what = || format!("put `{table}` back");
    let is_there: bool = connection
        .query_row(
            "SELECT count(*) > 0 FROM main.sqlite_schema WHERE name = ? COLLATE NOCASE",
            [table],
            |row| row.get(0),
        )
        .during(what)?;
    if is_there {
        return Err(Error::new(
            ErrorClass::Conflict,
            format!("`{table}` cannot be put back: something of this name is there"),
        )
        .with_code("target_changed")
        .with_hint(format!(
            "look at it, then drop or rename it: sqlite3 FILE '.schema {table}'"
        )));
    }
    let definitions = definitions(connection, COPY, table)?;
    let name = quote(table);
    fault::point("sqlite.copy.put_back.before")?;
    for (kind, sql) in &definitions {
        connection.execute(sql, []).during(what)?;
        if kind == "table" {
            let columns = copied_columns(connection, table)?;
            connection
                .execute(
                    &format!("INSERT INTO main.{name} ({columns}) SELECT {columns} FROM {COPY}.{name}"),
                    [],
                )
                .during(what)?;
        }
    }
    copy_counter(connection, COPY, "main", table).during(what)?;
    copy_statistics(connection, table).during(what)?;
    fault::point("sqlite.copy.put_back.after")
}

fn has_table(connection: &Connection, schema: &str, table: &str) -> rusqlite::Result<bool> {
    connection
        .query_row(
            &format!("SELECT 1 FROM {schema}.sqlite_schema WHERE type = 'table' AND name = ?"),
            [table],
            |_| Ok(()),
        )
        .optional()
        .map(|found| found.is_some())
}

/// Copies the AUTOINCREMENT counter of the table.
fn copy_counter(connection: &Connection, from: &str, to: &str, table: &str) -> rusqlite::Result<()> {
    if !has_table(connection, from, "sqlite_sequence")? || !has_table(connection, to, "sqlite_sequence")? {
        return Ok(());
    }
    connection.execute(
        &format!("DELETE FROM {to}.sqlite_sequence WHERE name = ?"),
        [table],
    )?;
    connection.execute(
        &format!("INSERT INTO {to}.sqlite_sequence SELECT * FROM {from}.sqlite_sequence WHERE name = ?"),
        [table],
    )?;
    Ok(())
}

/// Copies what ANALYZE knew of the table.
fn copy_statistics(connection: &Connection, table: &str) -> rusqlite::Result<()> {
    for statistics in ["sqlite_stat1", "sqlite_stat4"] {
        if has_table(connection, "main", statistics)? && has_table(connection, COPY, statistics)? {
            connection.execute(&format!("DELETE FROM main.{statistics} WHERE tbl = ?"), [table])?;
            connection.execute(
                &format!("INSERT INTO main.{statistics} SELECT * FROM {COPY}.{statistics} WHERE tbl = ?"),
                [table],
            )?;
        }
    }
    Ok(())
}

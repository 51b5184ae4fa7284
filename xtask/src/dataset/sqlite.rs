//! Fills a SQLite file through the `sqlite3` shell.

use std::io::{self, Write};
use std::path::Path;
use std::process::Command;

use super::dialect::Dialect;
use super::encode::{Encoder, Format};
use super::load;
use super::rows::Rows;
use super::schema::{Name, Recipe};
use super::tables::TABLES;
use crate::cargo::Failure;

const DIALECT: Dialect = Dialect::Sqlite;
/// A statement is ended when it is as long: long enough that starting one does not count.
const STATEMENT_BYTES: usize = 64 * 1024;
/// Nothing is lost that could not be made again.
const BEGIN: &str = "PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA cache_size = -200000;
PRAGMA foreign_keys = OFF;
BEGIN;
";

/// Returns how many tables and their like there are.
pub(super) fn tables(path: &Path) -> Result<String, Failure> {
    if !path.exists() {
        return Ok("0".to_owned());
    }
    load::output(
        shell(path),
        "SELECT count(*) FROM sqlite_master WHERE type IN ('table', 'view');",
    )
}

/// Makes the tables, fills them, then builds the indexes.
pub(super) fn fill(path: &Path, recipe: &Recipe) -> Result<(), Failure> {
    load::stream(shell(path), |out| {
        out.write_all(BEGIN.as_bytes())?;
        for table in &TABLES {
            out.write_all(DIALECT.create(table).as_bytes())?;
        }
        for name in Name::ALL {
            insert(recipe, name, out)?;
            out.write_all(DIALECT.index(&TABLES[name as usize]).as_bytes())?;
        }
        out.write_all(b"COMMIT;\nANALYZE;\n")
    })
}

fn insert(recipe: &Recipe, name: Name, out: &mut dyn Write) -> io::Result<()> {
    let start = format!(
        "INSERT INTO {} VALUES\n",
        DIALECT.quote(TABLES[name as usize].name)
    );
    let mut rows = Rows::new(recipe, name);
    let mut encoder = Encoder::new(Format::Values);
    for index in 0..recipe.count(name) {
        encoder.out.extend_from_slice(if encoder.out.is_empty() {
            start.as_bytes()
        } else {
            b",\n"
        });
        encoder.begin_row();
        rows.make(index, &mut encoder);
        encoder.end_row();
        if encoder.out.len() >= STATEMENT_BYTES || index + 1 == recipe.count(name) {
            encoder.out.extend_from_slice(b";\n");
            out.write_all(&encoder.out)?;
            encoder.out.clear();
        }
    }
    Ok(())
}

/// Returns the shell; it prints nothing but what it is asked, and stops at the first error.
fn shell(path: &Path) -> Command {
    let mut command = Command::new("sqlite3");
    command.args(["-batch", "-bail", "-init", "/dev/null"]).arg(path);
    command
}

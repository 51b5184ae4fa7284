//! SQLite database files for tests, each in a temporary folder of its own, and an exact picture of their content.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

/// A database file that is removed, with its folder, when this value is dropped.
#[derive(Debug)]
pub struct TestFile {
    folder: TempDir,
    path: PathBuf,
}

impl TestFile {
    /// Creates the file `NAME.db` and runs `sql` in it.
    #[must_use]
    pub fn create(name: &str, sql: &str) -> Self {
        let folder = TempDir::with_prefix("whimbrel-sqlite-").expect("a temporary folder can be created");
        let path = folder.path().join(format!("{name}.db"));
        let file = Self { folder, path };
        // An empty batch alone would leave no file behind.
        file.execute("PRAGMA user_version = 0; VACUUM");
        file.execute(sql);
        file
    }

    /// Returns the database's address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("sqlite:{}", self.path.display())
    }

    /// Returns where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the folder that holds nothing but this database.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs statements, separated by semicolons, on a connection of their own.
    pub fn execute(&self, sql: &str) {
        let connection = Connection::open(&self.path).unwrap_or_else(|error| panic!("{error}"));
        connection
            .execute_batch(sql)
            .unwrap_or_else(|error| panic!("{error}\nin: {sql}"));
    }

    /// Runs a query and returns its values as text: blobs as `x'0A'`, reals so that they read back equal.
    #[must_use]
    pub fn query_text(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        let text = |value: ValueRef<'_>| match value {
            ValueRef::Null => None,
            ValueRef::Integer(number) => Some(number.to_string()),
            ValueRef::Real(number) => Some(format!("{number:?}")),
            ValueRef::Text(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            ValueRef::Blob(bytes) => Some(format!("x'{}'", hex(bytes))),
        };
        let connection = Connection::open(&self.path).unwrap_or_else(|error| panic!("{error}"));
        rows(&connection, sql, &text)
    }

    /// Returns the whole schema and every row of every table, storage classes included, independent of row order.
    #[must_use]
    pub fn dump(&self) -> String {
        dump(&self.path)
    }
}

/// Returns the whole schema and every row of every table of the file at `path`, see [`TestFile::dump`].
#[must_use]
pub fn dump(path: &Path) -> String {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).unwrap_or_else(|error| panic!("{error}"));
    let mut dump = String::new();
    for pragma in ["encoding", "user_version", "application_id"] {
        let values = rows(&connection, &format!("PRAGMA {pragma}"), &exact);
        writeln!(dump, "{pragma}: {values:?}").expect("a string takes every write");
    }
    let schema = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name";
    for row in rows(&connection, schema, &exact) {
        writeln!(dump, "schema: {}", row.join(" | ")).expect("a string takes every write");
    }
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
    for table in rows(&connection, tables, &|value| {
        value.as_str().unwrap_or_default().to_owned()
    })
    .concat()
    {
        let quoted = table.replace('"', "\"\"");
        let content = rows(&connection, &format!("SELECT * FROM \"{quoted}\""), &exact);
        let mut lines: Vec<String> = content
            .iter()
            .map(|row| format!("{table}: {}\n", row.join(" | ")))
            .collect();
        lines.sort_unstable();
        dump.extend(lines);
    }
    dump
}

fn rows<T>(connection: &Connection, sql: &str, value: &dyn Fn(ValueRef<'_>) -> T) -> Vec<Vec<T>> {
    let collect = || -> rusqlite::Result<Vec<Vec<T>>> {
        let mut statement = connection.prepare(sql)?;
        let columns = statement.column_count();
        let mut found = Vec::new();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            found.push(
                (0..columns)
                    .map(|at| row.get_ref(at).map(value))
                    .collect::<rusqlite::Result<_>>()?,
            );
        }
        Ok(found)
    };
    collect().unwrap_or_else(|error| panic!("{error}\nin: {sql}"))
}

/// Writes a value so that two texts are equal only when storage class and every bit are.
fn exact(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "null".to_owned(),
        ValueRef::Integer(number) => format!("integer {number}"),
        ValueRef::Real(number) => format!("real {number:?} {:016x}", number.to_bits()),
        ValueRef::Text(bytes) => std::str::from_utf8(bytes).map_or_else(
            |_| format!("text x'{}'", hex(bytes)),
            |text| format!("text {text:?}"),
        ),
        ValueRef::Blob(bytes) => format!("blob x'{}'", hex(bytes)),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIXED: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, a); CREATE INDEX i ON t (a);
        INSERT INTO t VALUES (1, 1), (2, '1'), (3, 1.0), (4, x'31'), (5, NULL), (6, CAST(x'ff' AS TEXT));";

    #[test]
    fn a_dump_tells_storage_classes_apart() {
        let file = TestFile::create("mixed", MIXED);
        let dump = file.dump();
        for line in [
            "integer 1",
            "text \"1\"",
            "real 1.0 3ff0000000000000",
            "blob x'31'",
            "null",
            "text x'FF'",
        ] {
            assert!(dump.contains(&format!(" | {line}\n")), "{line} in {dump}");
        }
    }

    #[test]
    fn a_dump_changes_with_the_content_and_with_the_schema_only() {
        let file = TestFile::create("change", MIXED);
        let before = file.dump();
        file.execute("VACUUM");
        assert_eq!(file.dump(), before);
        file.execute("UPDATE t SET a = 1.0 WHERE id = 1");
        assert_ne!(file.dump(), before);
        file.execute("UPDATE t SET a = 1 WHERE id = 1; CREATE INDEX j ON t (id)");
        assert_ne!(file.dump(), before);
    }

    #[test]
    fn a_file_exists_without_any_table_and_is_gone_afterwards() {
        let file = TestFile::create("empty", "");
        let path = file.path().to_owned();
        assert!(path.exists());
        assert_eq!(file.url(), format!("sqlite:{}", path.display()));
        drop(file);
        assert!(!path.exists());
    }

    #[test]
    fn values_read_as_text() {
        let file = TestFile::create("text", MIXED);
        let rows = file.query_text("SELECT a FROM t WHERE id IN (3, 4, 5) ORDER BY id");
        assert_eq!(
            rows,
            [[Some("1.0".to_owned())], [Some("x'31'".to_owned())], [None]]
        );
    }
}

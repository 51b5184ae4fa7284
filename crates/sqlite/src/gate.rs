//! The gate between the asynchronous side and the engine: opens connections, and runs every blocking call on a thread of its own.
//! What is asked of a connection is left to the callers.
//!
//! The database file is never opened by other means than the engine's: closing any other descriptor of it would silently
//! release the engine's file locks in this process.

use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use whimbrel_core::{DatabaseUrl, Error, ErrorClass, Result, shell_word};

use crate::catalog::file_bytes;
use crate::error::{During, missing};

/// How long a connection waits for another process's lock.
const BUSY_WAIT: Duration = Duration::from_secs(10);

/// What a connection keeps of the file, in KiB, when it writes, or looks up rows: the upper levels of large indexes whose keys come in no
/// order. A part of the memory that is given, between limits.
const CACHE_PART: u64 = 16;
const CACHE_KIB_MIN: u64 = 2 << 10;
const CACHE_KIB_MAX: u64 = 16 << 10;

/// What a CREATE INDEX sorts at once, in KiB, at least: so much lies in the processor's own cache, and sorting more of it at once takes
/// longer than merging it in the end (400 MB of tables: 0.9 s with 1 MiB, 1.4 s with 16).
const SORT_KIB_MIN: u64 = 1 << 10;
/// As many sorted parts the engine merges in two rounds; more than that, and it sorts larger ones.
const SORT_PARTS: u64 = 16 * 16;

/// Runs blocking work on a blocking thread.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(cause) => Err(Error::bug("a database thread ended without an answer").with_cause(cause)),
    }
}

/// Where a database file is, and what lies beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DatabaseFile {
    path: PathBuf,
    pages_max: Option<u32>,
    cache_kib: u64,
    is_read_only: bool,
    is_immutable: bool,
}

impl DatabaseFile {
    /// Names the file of a URL. Its parameters are those of the engine's own URLs, `mode` and `immutable`, and `max_page_count`: how many
    /// pages the file may grow to when it is written.
    ///
    /// # Errors
    /// `Invalid` for an unknown parameter or value.
    pub(crate) fn of_url(url: &DatabaseUrl) -> Result<Self> {
        let mut file = Self {
            path: PathBuf::from(&url.database),
            pages_max: None,
            cache_kib: CACHE_KIB_MIN,
            is_read_only: false,
            is_immutable: false,
        };
        for (name, value) in &url.parameters {
            match (name.as_str(), value.as_str()) {
                ("mode", "ro") => file.is_read_only = true,
                ("mode", "rw" | "rwc") | ("immutable", "0") => {}
                ("immutable", "1") => (file.is_read_only, file.is_immutable) = (true, true),
                ("max_page_count", pages) if pages.parse::<u32>().is_ok() => {
                    file.pages_max = pages.parse().ok();
                }
                ("mode" | "immutable" | "max_page_count", _) => {
                    return Err(Error::invalid(format!("the parameter `{name}` is `{value}`"))
                        .with_hint("write `mode=ro`, `immutable=1` or `max_page_count=1000`"));
                }
                _ => {
                    let what =
                        format!("the parameter is `{name}`; must be `mode`, `immutable` or `max_page_count`");
                    return Err(
                        Error::invalid(what).with_hint(format!("write the URL as `sqlite:{}`", url.database))
                    );
                }
            }
        }
        Ok(file)
    }

    /// Lets a connection that writes, or looks up rows, take its part of so much memory.
    pub(crate) fn within(self, memory_bytes: u64) -> Self {
        let part = (memory_bytes >> 10) / CACHE_PART;
        Self {
            cache_kib: part.clamp(CACHE_KIB_MIN, CACHE_KIB_MAX),
            ..self
        }
    }

    /// Returns where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the path with the suffix behind it, such as `FILE-wal`.
    pub(crate) fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(suffix);
        PathBuf::from(name)
    }

    /// Returns the folder of the file.
    pub(crate) fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        }
    }

    /// Tells whether the file exists.
    pub(crate) fn exists(&self) -> bool {
        self.path.exists()
    }

    /// Returns the file's name as people call it.
    pub(crate) fn name(&self) -> String {
        self.path.file_name().map_or_else(
            || self.path.display().to_string(),
            |name| name.to_string_lossy().into_owned(),
        )
    }

    fn has_content(&self, suffix: &str) -> bool {
        std::fs::metadata(self.beside(suffix)).is_ok_and(|meta| meta.len() > 0)
    }

    /// Lets the engine take back what a writer left behind that was killed: for files that are ours to write.
    ///
    /// # Errors
    /// As [`DatabaseFile::open_to_write`].
    pub(crate) fn recover(&self) -> Result<()> {
        if self.has_content("-journal") && !self.is_read_only {
            drop(self.open_to_write()?);
        }
        Ok(())
    }

    /// Opens the file for reading only; nothing is created.
    ///
    /// # Errors
    /// `Invalid` when the file is missing or no database, `Denied` when it may not be read.
    pub(crate) fn open_to_read(&self) -> Result<ReadConnection> {
        self.refuse_no_file()?;
        let had_log = self.has_content("-wal");
        Ok(ReadConnection {
            connection: Some(self.open_read_only()?),
            file: self.clone(),
            had_log,
        })
    }

    /// Opens a file that is being written, for reading what nobody writes any more: without a lock, and without asking for changes.
    ///
    /// What the connection knows of the file, its schema and which pages there are, it learns here, so that no transaction may be open
    /// meanwhile. From then on it reads pages as they are in the file. Those of a table whose rows and indexes are committed stay what they
    /// are until somebody writes to that table, as long as the engine moves no pages (`auto_vacuum`, `VACUUM`).
    ///
    /// # Errors
    /// As [`DatabaseFile::open_to_read`].
    pub(crate) fn open_as_it_is(&self) -> Result<ReadConnection> {
        self.refuse_no_file()?;
        Ok(ReadConnection {
            connection: Some(self.open_immutable()?),
            file: self.clone(),
            had_log: false,
        })
    }

    fn refuse_no_file(&self) -> Result<()> {
        if !self.exists() {
            return Err(missing(&self.path));
        }
        if self.path.is_dir() {
            let path = self.path.display();
            return Err(
                Error::invalid(format!("`{path}` is a folder; must be a database file")).with_hint(format!(
                    "see what is in it: ls -l {}",
                    shell_word(&path.to_string())
                )),
            );
        }
        Ok(())
    }

    fn open_read_only(&self) -> Result<Connection> {
        if self.is_immutable {
            return self.open_immutable();
        }
        let opened = self.open_uri("mode=ro").and_then(|connection| {
            touch(&connection).during(|| format!("open `{}`", self.path.display()))?;
            Ok(connection)
        });
        match opened {
            // A database in WAL mode on read-only media cannot have its index file made. Without a log nothing can be missed.
            Err(error)
                if error.code() == "cannot_open"
                    && !self.has_content("-wal")
                    && !self.has_content("-journal") =>
            {
                self.open_immutable()
            }
            other => other,
        }
    }

    /// Opens the file as one that nothing changes, so that not even its log is looked at.
    fn open_immutable(&self) -> Result<Connection> {
        if let Some(suffix) = ["-wal", "-journal"]
            .into_iter()
            .find(|suffix| self.has_content(suffix))
        {
            return Err(Error::invalid(format!(
                "`{}` holds changes that an immutable database would miss",
                self.beside(suffix).display()
            ))
            .with_code("immutable_refused")
            .with_hint(
                "copy the file and what lies beside it to where it can be written, and read it there",
            ));
        }
        let connection = self.open_uri("mode=ro&immutable=1")?;
        touch(&connection).during(|| format!("open `{}`", self.path.display()))?;
        Ok(connection)
    }

    fn open_uri(&self, parameters: &str) -> Result<Connection> {
        let flags =
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let uri = format!("{}?{parameters}", uri_of(&self.path));
        let connection =
            Connection::open_with_flags(&uri, flags).during(|| format!("open `{}`", self.path.display()))?;
        self.settings(&connection, "PRAGMA query_only = 1; PRAGMA cell_size_check = 1;")?;
        Ok(connection)
    }

    /// Opens the file for writing; it must exist.
    ///
    /// # Errors
    /// As [`DatabaseFile::open_to_read`].
    pub(crate) fn open_to_write(&self) -> Result<Connection> {
        if self.is_read_only {
            return Err(
                Error::new(ErrorClass::Denied, "the URL of the target says `mode=ro`")
                    .with_code("read_only")
                    .with_hint(format!("write the URL as `sqlite:{}`", self.path.display())),
            );
        }
        self.refuse_no_file()?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)
            .during(|| format!("open `{}`", self.path.display()))?;
        self.settings(
            &connection,
            &format!(
                "PRAGMA foreign_keys = 0; PRAGMA recursive_triggers = 0; PRAGMA ignore_check_constraints = 1;
                 PRAGMA threads = 1; PRAGMA cache_size = -{};",
                self.cache_kib
            ),
        )?;
        touch(&connection).during(|| format!("open `{}`", self.path.display()))?;
        if let Some(pages) = self.pages_max {
            connection
                .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
                .during(|| "limit the file")?;
        }
        Ok(connection)
    }

    /// Makes an index: with as much memory as sorting it takes, which the engine takes from what the connection keeps of the file.
    ///
    /// # Errors
    /// Those of the work.
    pub(crate) fn sort(&self, connection: &Connection, work: impl FnOnce() -> Result<()>) -> Result<()> {
        let part = (u64::try_from(file_bytes(connection)?).unwrap_or(0) >> 10) / SORT_PARTS;
        keep(connection, part.clamp(SORT_KIB_MIN, self.cache_kib))?;
        let done = work();
        done.and(keep(connection, self.cache_kib))
    }

    fn settings(&self, connection: &Connection, pragmas: &str) -> Result<()> {
        let set = || -> rusqlite::Result<()> {
            connection.busy_timeout(BUSY_WAIT)?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
            connection.execute_batch(pragmas)
        };
        set().during(|| format!("open `{}`", self.path.display()))
    }
}

/// A connection that only reads.
///
/// Even a reader makes the engine put an empty log and its index beside a database in WAL mode. The last reader takes them away again.
#[derive(Debug)]
pub(crate) struct ReadConnection {
    connection: Option<Connection>,
    file: DatabaseFile,
    had_log: bool,
}

impl ReadConnection {
    /// Does work that looks up rows all over the file: with room for more of its pages than a pass from its beginning to its end has use for.
    ///
    /// # Errors
    /// Those of the work.
    pub(crate) fn look_up<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        keep(self, self.file.cache_kib)?;
        let done = work(self);
        keep(self, CACHE_KIB_MIN)?;
        done
    }
}

/// Sets how much of the file a connection keeps.
fn keep(connection: &Connection, kib: u64) -> Result<()> {
    connection
        .execute_batch(&format!("PRAGMA cache_size = -{kib}"))
        .during(|| "set how much of the file is kept in memory")
}

impl Deref for ReadConnection {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
            .as_ref()
            .expect("the connection is taken only when this is dropped")
    }
}

impl DerefMut for ReadConnection {
    fn deref_mut(&mut self) -> &mut Connection {
        self.connection
            .as_mut()
            .expect("the connection is taken only when this is dropped")
    }
}

impl Drop for ReadConnection {
    fn drop(&mut self) {
        drop(self.connection.take());
        let log = std::fs::metadata(self.file.beside("-wal"));
        if self.had_log || log.map_or(true, |meta| meta.len() > 0) {
            return;
        }
        // The engine removes the two files safely when the last connection that could write is closed; this one writes nothing.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        if let Ok(connection) = Connection::open_with_flags(&self.file.path, flags) {
            let _nothing_to_read = touch(&connection);
        }
    }
}

/// Makes the engine read the file's header and schema; opening alone reads nothing.
fn touch(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
}

/// Returns the `file:` URI of a path, everything that has a meaning in a URI escaped.
fn uri_of(path: &Path) -> String {
    let mut uri = String::from("file:");
    for byte in path.to_string_lossy().bytes() {
        match byte {
            b'/' | b'.' | b'_' | b'-' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => uri.push(char::from(byte)),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use crate::catalog::pragma_number;

    use super::*;

    #[test]
    fn the_cache_is_a_part_of_the_memory_given() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.db");
        drop(Connection::open(&path).unwrap());
        let url = DatabaseUrl::parse(&format!("sqlite:{}", path.display())).unwrap();
        for (memory_mib, cache_kib) in [(16, 2 << 10), (64, 4 << 10), (512, 16 << 10), (4096, 16 << 10)] {
            let file = DatabaseFile::of_url(&url).unwrap().within(memory_mib << 20);
            let connection = file.open_to_write().unwrap();
            let kept: i64 = connection
                .query_row("PRAGMA cache_size", [], |row| row.get(0))
                .unwrap();
            assert_eq!(kept, -cache_kib, "{memory_mib} MiB");
        }
    }
    #[test]
    fn an_index_is_sorted_in_little_memory_and_the_cache_is_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.db");
        drop(Connection::open(&path).unwrap());
        let url = DatabaseUrl::parse(&format!("sqlite:{}", path.display())).unwrap();
        let file = DatabaseFile::of_url(&url).unwrap().within(512 << 20);
        let connection = file.open_to_write().unwrap();
        let kept = || pragma_number(&connection, "cache_size").unwrap();
        assert_eq!(pragma_number(&connection, "threads").unwrap(), 1);
        file.sort(&connection, || {
            assert_eq!(kept(), -(1 << 10));
            Ok(())
        })
        .unwrap();
        assert_eq!(kept(), -(16 << 10));
        let failed = file.sort(&connection, || Err(Error::bug("no index")));
        assert_eq!(
            failed.unwrap_err().to_string(),
            Error::bug("no index").to_string()
        );
        assert_eq!(kept(), -(16 << 10));
    }
}

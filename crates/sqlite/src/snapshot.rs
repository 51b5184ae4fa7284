//! One consistent state of a file for several readers: each has a read transaction that began while nothing was written.
//! Splitting, reading and aggregates are in the files beside.

mod aggregate;
mod moments;
mod read;
mod split;
mod survey;

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use whimbrel_core::{
    Batch, Chunk, Error, ErrorClass, Position, ReadColumn, ReadRequest, Result, SequencePosition, Snapshot,
    Survey, SurveyRequest, Table, TableAggregate, TableId,
};

use crate::catalog::{Numbering, last_number, numberings, pragma_number};
use crate::error::During;
use crate::foreign_keys::orphans;
use crate::gate::{DatabaseFile, ReadConnection, blocking};
use crate::sql::quote;

/// How often the readers try to begin between two writes of others.
const ATTEMPTS_MAX: u32 = 200;

/// A snapshot: its readers and what names its state.
pub(crate) struct SqliteSnapshot {
    readers: Arc<Readers>,
    position: Position,
}

/// The readers that are free, and a place for each.
struct Readers {
    free: Mutex<Vec<ReadConnection>>,
    places: Arc<Semaphore>,
}

/// A reader in use; it goes back when dropped.
struct Reader {
    connection: Option<ReadConnection>,
    readers: Arc<Readers>,
    _place: OwnedSemaphorePermit,
}

impl Reader {
    fn connection(&self) -> Result<&ReadConnection> {
        self.connection
            .as_ref()
            .ok_or_else(|| Error::bug("a reader without a connection"))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut free = self.readers.free.lock().unwrap_or_else(PoisonError::into_inner);
        free.extend(self.connection.take());
    }
}

impl Readers {
    async fn take(self: &Arc<Self>) -> Result<Reader> {
        let place = Arc::clone(&self.places)
            .acquire_owned()
            .await
            .map_err(|cause| Error::bug("the readers are gone").with_cause(cause))?;
        let connection = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Ok(Reader {
            connection,
            readers: Arc::clone(self),
            _place: place,
        })
    }

    /// Runs work on a free reader, on a thread of its own.
    async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let reader = self.take().await?;
        blocking(move || work(reader.connection()?)).await
    }
}

impl SqliteSnapshot {
    /// Lets `readers` read transactions begin in one state.
    ///
    /// # Errors
    /// `Transient` when others write without a pause.
    pub(crate) fn open(file: &DatabaseFile, readers: usize) -> Result<Self> {
        let control = file.open_to_read()?;
        let mut free: Vec<ReadConnection> = (0..readers.max(1))
            .map(|_| file.open_to_read())
            .collect::<Result<_>>()?;
        for _ in 0..ATTEMPTS_MAX {
            let before = pragma_number(&control, "data_version")?;
            for reader in &free {
                begin(reader).during(|| "begin to read")?;
            }
            let position = position(&control, file)?;
            if pragma_number(&control, "data_version")? == before {
                return Ok(Self::of(std::mem::take(&mut free), position));
            }
            for reader in &free {
                reader.execute_batch("ROLLBACK").during(|| "begin to read")?;
            }
        }
        Err(Error::new(
            ErrorClass::Transient,
            format!("`{}` is written without a pause", file.path().display()),
        )
        .with_code("snapshot_refused")
        .with_hint("run again when less is written, or with `--jobs 1`"))
    }

    /// Lets one reader see the tables that are whole, while others are written. To be called while no transaction is open.
    ///
    /// # Errors
    /// As [`DatabaseFile::open_as_it_is`].
    pub(crate) fn of_whole_tables(file: &DatabaseFile) -> Result<Self> {
        let reader = file.open_as_it_is()?;
        begin(&reader).during(|| "begin to read")?;
        let position = position(&reader, file)?;
        Ok(Self::of(vec![reader], position))
    }

    fn of(free: Vec<ReadConnection>, position: Position) -> Self {
        let places = Arc::new(Semaphore::new(free.len()));
        let free = Mutex::new(free);
        let readers = Arc::new(Readers { free, places });
        Self { readers, position }
    }
}

/// BEGIN alone reads nothing: the state is fixed by the first read.
fn begin(reader: &Connection) -> rusqlite::Result<()> {
    moments::teach(reader)?;
    reader.execute_batch("BEGIN")?;
    reader.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
}

/// Changes of a file closer together than this may get the same time.
const CLOCK_STEP_SECONDS: f64 = 0.05;

/// What identifies a state from outside: the schema's version, the sizes and the times of the file and of its log.
/// The file is only looked at by name, see [`crate::gate`]. A state that is younger than the file system's clock is exact gets the time
/// of now, so that no other state can have the same name.
fn position(control: &Connection, file: &DatabaseFile) -> Result<Position> {
    let schema = pragma_number(control, "schema_version")?;
    let pages = pragma_number(control, "page_count")?;
    let now: f64 = control
        .query_row("SELECT unixepoch('subsec')", [], |row| row.get(0))
        .during(|| "read the clock")?;
    let mut text = format!("schema {schema}, pages {pages}");
    let mut is_fresh = false;
    for (name, path) in [("file", file.path().to_path_buf()), ("log", file.beside("-wal"))] {
        let stamp = std::fs::metadata(&path).ok().and_then(|meta| {
            let age = meta.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
            Some((meta.len(), age))
        });
        // An empty log, as a reader makes it, says nothing.
        if let Some((bytes, age)) = stamp.filter(|(bytes, _)| *bytes > 0) {
            text.push_str(&format!(
                ", {name} {bytes}@{}.{:09}",
                age.as_secs(),
                age.subsec_nanos()
            ));
            is_fresh |= now - age.as_secs_f64() < CLOCK_STEP_SECONDS;
        }
    }
    if is_fresh {
        text.push_str(&format!(", read at {now:.3}"));
    }
    Ok(Position(text))
}

#[async_trait]
impl Snapshot for SqliteSnapshot {
    fn position(&self) -> Position {
        self.position.clone()
    }

    async fn are_empty(&self, tables: &[&Table]) -> Result<Vec<bool>> {
        let names: Vec<String> = tables.iter().map(|table| quote(&table.id.name)).collect();
        self.readers
            .run(move |connection| {
                let is_empty = |name: &String| {
                    let sql = format!("SELECT NOT EXISTS (SELECT 1 FROM {name})");
                    connection
                        .query_row(&sql, [], |row| row.get(0))
                        .during(|| format!("look into {name}"))
                };
                names.iter().map(is_empty).collect()
            })
            .await
    }

    async fn split(&self, table: &Table, chunk_bytes: u64) -> Result<Vec<Chunk>> {
        let table = table.clone();
        self.readers
            .run(move |connection| split::split(connection, &table, chunk_bytes))
            .await
    }

    fn read(&self, request: ReadRequest) -> BoxStream<'static, Result<Batch>> {
        let readers = Arc::clone(&self.readers);
        stream::once(async move {
            match readers.take().await {
                Ok(reader) => read::batches(reader, request),
                Err(error) => stream::iter([Err(error)]).boxed(),
            }
        })
        .flatten()
        .boxed()
    }

    async fn survey(&self, request: SurveyRequest) -> Result<Survey> {
        survey::survey(&self.readers, request).await
    }

    async fn aggregate(&self, table: &Table, columns: &[ReadColumn]) -> Result<TableAggregate> {
        let (table, columns) = (table.clone(), columns.to_vec());
        self.readers
            .run(move |connection| aggregate::aggregate(connection, &table, &columns))
            .await
    }

    async fn sequence_positions(&self, sequences: &[TableId]) -> Result<Vec<Option<SequencePosition>>> {
        let sequences = sequences.to_vec();
        self.readers
            .run(move |connection| {
                let position = |found: Numbering| {
                    let (table, column) = (&found.table.name, &found.column);
                    let last = last_number(connection, table, column, found.autoincrement)?;
                    Ok(last.map(|last_value| SequencePosition {
                        last_value,
                        is_called: true,
                    }))
                };
                numberings(connection, &sequences)?
                    .into_iter()
                    .map(|found| found.map_or(Ok(None), position))
                    .collect()
            })
            .await
    }

    async fn orphans(&self, table: &Table) -> Result<Vec<u64>> {
        let table = table.clone();
        self.readers
            .run(move |connection| {
                Ok(orphans(connection, &table)?
                    .into_iter()
                    .map(|found| found.count)
                    .collect())
            })
            .await
    }
}

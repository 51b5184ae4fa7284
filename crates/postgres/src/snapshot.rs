//! One consistent state for many readers: a session holds locks and the exported snapshot, the others take it over.
//! Splitting is `split.rs`, aggregates are `aggregate.rs`; the rows stream from here.

use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_postgres::CopyOutStream;
use whimbrel_core::{
    BATCH_ROWS, Batch, Chunk, Error, ErrorClass, LogicalType, Position, ReadColumn, ReadRequest, Result,
    SequencePosition, Snapshot, Table, TableAggregate, TableId,
};

use crate::codec::decode::{DecodeColumn, Decoder, Form, reading, text_of, without_header};
use crate::columns::{ServerColumn, carried_as_text, columns_of, find};
use crate::connect::{Idle, Role, Session, Settings};
use crate::error::{from_driver, snapshot_lost};
use crate::quote::{literal, quoted, table_name};
use crate::{aggregate, catalog, foreign_keys, range, split};

/// Tables locked by one statement.
const LOCKED_AT_ONCE: usize = 200;

/// A state of the database that stands still.
#[derive(Debug)]
pub(crate) struct PostgresSnapshot {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    settings: Settings,
    /// Holds the locks and the exported snapshot; none when it is the only reader itself.
    main: Option<Session>,
    exported: String,
    position: Position,
    places: Arc<Semaphore>,
    idle: Idle,
}

/// A session in the snapshot's state. Dropping it closes the session; only one that is between statements is given back.
struct Reader {
    session: Session,
    shared: Arc<Shared>,
    _place: OwnedSemaphorePermit,
}

impl PostgresSnapshot {
    /// Locks the tables, then takes the state: a lock taken later could wait for a change that the state does not show.
    pub(crate) async fn open(settings: &Settings, tables: &[TableId], readers: usize) -> Result<Self> {
        let main = settings.open(Role::Reader).await?;
        begin(&main, settings, tables).await?;
        let exported = main
            .query_one("SELECT pg_export_snapshot()", &[])
            .await
            .map_err(from_driver);
        let exported: Option<String> = match exported {
            Ok(row) => Some(row.get(0)),
            Err(error) if error.class() == ErrorClass::Transient => {
                return Err(error.during("open the snapshot"));
            }
            Err(_) => {
                // A server that cannot export has one reader: this session, in a state of its own.
                main.batch_execute("ROLLBACK").await.map_err(from_driver)?;
                begin(&main, settings, tables).await?;
                None
            }
        };
        let position = position(&main).await?;
        let idle = Idle::new();
        let (main, exported, places) = match exported {
            Some(exported) => (Some(main), exported, readers.max(1)),
            None => {
                idle.put(main);
                (None, String::new(), 1)
            }
        };
        let shared = Shared {
            settings: settings.clone(),
            main,
            exported,
            position,
            places: Arc::new(Semaphore::new(places)),
            idle,
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }
}

async fn begin(main: &Session, settings: &Settings, tables: &[TableId]) -> Result<()> {
    main.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .await
        .map_err(from_driver)?;
    for group in tables.chunks(LOCKED_AT_ONCE) {
        let names: Vec<String> = group
            .iter()
            .map(|id| format!("ONLY {}", table_name(id)))
            .collect();
        let sql = format!("LOCK TABLE {} IN ACCESS SHARE MODE", names.join(", "));
        if let Err(error) = main.batch_execute(&sql).await {
            return Err(lock_error(settings, group, from_driver(error)).await);
        }
    }
    Ok(())
}

/// The position in the log, and the transactions that the state shows.
async fn position(main: &Session) -> Result<Position> {
    let sql = "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END::text
        || ' ' || pg_current_snapshot()::text";
    let row = main.query_one(sql, &[]).await.map_err(from_driver)?;
    Ok(Position(row.get(0)))
}

/// Says who holds what we waited for.
async fn lock_error(settings: &Settings, tables: &[TableId], error: Error) -> Error {
    if error.code() != "lock_timeout" {
        return error.during("lock the tables");
    }
    let holder = async {
        let session = settings.open(Role::Reader).await.ok()?;
        let names: Vec<String> = tables.iter().map(table_name).collect();
        let sql = "SELECT c.relname::text, a.pid, coalesce(a.application_name, ''), coalesce(a.state, '')
            FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_stat_activity a ON a.pid = l.pid
            WHERE l.granted AND l.mode = 'AccessExclusiveLock' AND c.oid = ANY ($1::text[]::regclass[]) LIMIT 1";
        let row = session.query_opt(sql, &[&names]).await.ok()??;
        let (table, pid): (String, i32) = (row.get(0), row.get(1));
        let (application, state): (String, String) = (row.get(2), row.get(3));
        Some((
            format!("table `{table}` is locked by process {pid} (`{application}`, {state})"),
            pid,
        ))
    };
    match holder.await {
        Some((message, pid)) => Error::new(ErrorClass::Transient, message)
            .with_code("lock_timeout")
            .with_hint(format!(
                "wait for it to end, or `select pg_terminate_backend({pid})`"
            ))
            .with_cause(error),
        None => error.during("lock the tables"),
    }
}

impl Shared {
    async fn reader(self: &Arc<Self>) -> Result<Reader> {
        let place = Arc::clone(&self.places)
            .acquire_owned()
            .await
            .map_err(|cause| Error::bug("the snapshot was closed while in use").with_cause(cause))?;
        let session = match self.idle.take() {
            Some(session) => session,
            None => self.join().await?,
        };
        Ok(Reader {
            session,
            shared: Arc::clone(self),
            _place: place,
        })
    }

    /// Opens a session in the exported state.
    async fn join(&self) -> Result<Session> {
        let Some(main) = &self.main else {
            return Err(snapshot_lost(Error::new(
                ErrorClass::Transient,
                "its only session was lost",
            )));
        };
        if main.is_closed() {
            return Err(snapshot_lost(Error::new(
                ErrorClass::Transient,
                "its session was closed",
            )));
        }
        let session = self.settings.open(Role::Reader).await?;
        let sql = format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT {}",
            literal(&self.exported)
        );
        let joined = session.batch_execute(&sql).await.map_err(from_driver);
        // Whatever the server says here, it does not have the snapshot any more.
        joined.map_err(|error| {
            self.classify(if error.class() == ErrorClass::Transient {
                error
            } else {
                snapshot_lost(error)
            })
        })?;
        Ok(session)
    }

    /// A lost connection ends the snapshot when it was the one that holds it.
    fn classify(&self, error: Error) -> Error {
        let gone = self.main.as_ref().is_none_or(|main| main.is_closed());
        if gone && error.class() == ErrorClass::Transient {
            snapshot_lost(error)
        } else {
            error
        }
    }
}

impl Reader {
    /// Gives the session back. Only for one whose last statement ended well.
    fn done(self) {
        let Self {
            session,
            shared,
            _place,
        } = self;
        shared.idle.put(session);
    }
}

#[async_trait]
impl Snapshot for PostgresSnapshot {
    fn position(&self) -> Position {
        self.shared.position.clone()
    }

    async fn split(&self, table: &Table, chunk_bytes: u64) -> Result<Vec<Chunk>> {
        let reader = self.shared.reader().await?;
        let chunks = split::split(&reader.session, table, chunk_bytes)
            .await
            .map_err(|error| {
                self.shared
                    .classify(error.during(format!("split table `{}`", table.id)))
            })?;
        reader.done();
        Ok(chunks)
    }

    fn read(&self, request: ReadRequest) -> BoxStream<'static, Result<Batch>> {
        let begin = Reading::Begin(Arc::clone(&self.shared), Box::new(request));
        stream::try_unfold(begin, |reading| Box::pin(reading.next())).boxed()
    }

    async fn aggregate(&self, table: &Table, columns: &[ReadColumn]) -> Result<TableAggregate> {
        let reader = self.shared.reader().await?;
        let found = Box::pin(aggregate::aggregate(&reader.session, table, columns))
            .await
            .map_err(|error| {
                self.shared
                    .classify(error.during(format!("sum up table `{}`", table.id)))
            })?;
        reader.done();
        Ok(found)
    }

    async fn sequence_positions(&self, sequences: &[TableId]) -> Result<Vec<Option<SequencePosition>>> {
        let reader = self.shared.reader().await?;
        let found = catalog::sequence_positions(&reader.session, sequences)
            .await
            .map_err(|error| self.shared.classify(error))?;
        reader.done();
        Ok(found)
    }

    async fn orphans(&self, table: &Table) -> Result<Vec<u64>> {
        let reader = self.shared.reader().await?;
        let keys: Vec<_> = table.foreign_keys.iter().collect();
        let found = foreign_keys::orphans(&reader.session, table, &keys)
            .await
            .map_err(|error| {
                self.shared
                    .classify(error.during(format!("look for orphans of `{}`", table.id)))
            })?;
        reader.done();
        Ok(found)
    }
}

/// A stream of batches: what it does next.
enum Reading {
    Begin(Arc<Shared>, Box<ReadRequest>),
    Rows(Box<Rows>),
    End,
}

struct Rows {
    reader: Reader,
    stream: std::pin::Pin<Box<CopyOutStream>>,
    decoder: Decoder,
    batch_bytes: usize,
    /// The message that did not fit into the last batch.
    waiting: Option<bytes::Bytes>,
    begun: bool,
    what: String,
}

impl Reading {
    async fn next(self) -> Result<Option<(Batch, Self)>> {
        let rows = match self {
            Self::Begin(shared, request) => {
                let what = format!("read table `{}`", request.table.id);
                let begun = Rows::begin(&shared, *request).await;
                Box::new(begun.map_err(|error| shared.classify(error.during(what)))?)
            }
            Self::Rows(rows) => rows,
            Self::End => return Ok(None),
        };
        rows.next().await
    }
}

impl Rows {
    async fn begin(shared: &Arc<Shared>, request: ReadRequest) -> Result<Self> {
        let reader = shared.reader().await?;
        let found = columns_of(&reader.session, &request.table.id).await?;
        let (expressions, columns) = columns_to_decode(&found, &request)?;
        let condition = range::condition(&request.table, &request.range)?;
        let condition = condition
            .map(|condition| format!(" WHERE {condition}"))
            .unwrap_or_default();
        let sql = format!(
            "COPY (SELECT {} FROM ONLY {}{condition}) TO STDOUT (FORMAT binary)",
            expressions.join(", "),
            table_name(&request.table.id),
        );
        let stream = reader.session.copy_out(&sql).await.map_err(from_driver)?;
        let key = key_positions(&request);
        Ok(Self {
            reader,
            stream: Box::pin(stream),
            decoder: Decoder::new(columns, key),
            batch_bytes: request.batch_bytes,
            waiting: None,
            begun: false,
            what: format!("read table `{}`", request.table.id),
        })
    }

    /// Gathers messages until a batch is full. A message is one row, or the header and the first row.
    async fn next(mut self: Box<Self>) -> Result<Option<(Batch, Reading)>> {
        loop {
            let message = match self.waiting.take() {
                Some(message) => Some(message),
                None => self.message().await?,
            };
            let Some(message) = message else {
                return self.end();
            };
            let full = self.decoder.bytes() + message.len() > self.batch_bytes && self.decoder.rows() > 0;
            if full || self.decoder.rows() >= BATCH_ROWS {
                self.waiting = Some(message);
                let batch = self.decoder.take()?;
                return Ok(Some((batch, Reading::Rows(self))));
            }
            self.decoder
                .add(&message)
                .map_err(|error| error.during(&self.what))?;
        }
    }

    async fn message(&mut self) -> Result<Option<bytes::Bytes>> {
        let Some(message) = self.stream.next().await else {
            return Ok(None);
        };
        let shared = &self.reader.shared;
        let message = message.map_err(|error| shared.classify(from_driver(error).during(&self.what)))?;
        if self.begun {
            return Ok(Some(message));
        }
        self.begun = true;
        let length = without_header(&message)?.len();
        Ok(Some(message.slice(message.len() - length..)))
    }

    fn end(self: Box<Self>) -> Result<Option<(Batch, Reading)>> {
        let Self {
            reader,
            mut decoder,
            stream,
            ..
        } = *self;
        drop(stream);
        reader.done();
        if decoder.rows() == 0 {
            return Ok(None);
        }
        Ok(Some((decoder.take()?, Reading::End)))
    }
}

fn columns_to_decode(
    found: &[ServerColumn],
    request: &ReadRequest,
) -> Result<(Vec<String>, Vec<DecodeColumn>)> {
    let table = &request.table.id;
    let wanted: Result<Vec<(&ServerColumn, &ReadColumn)>> = request
        .columns
        .iter()
        .map(|column| Ok((find(found, table, &column.name)?, column)))
        .collect();
    let wanted = wanted?;
    let as_text = carried_as_text(wanted.iter().map(|(server, column)| (*server, &column.logical)));
    Ok(wanted
        .into_iter()
        .map(|(server, column)| {
            let name = quoted(&column.name);
            let is_raw = matches!(column.logical, LogicalType::Wire { .. });
            let (expression, form) = match (is_raw, as_text) {
                (true, true) => (text_of(&name), Form::Text),
                (true, false) => (name, Form::Wire(server.shape.clone())),
                (false, _) => reading(server.kind, &column.logical, &name),
            };
            (
                expression,
                DecodeColumn {
                    name: column.name.clone(),
                    logical: column.logical.clone(),
                    form,
                },
            )
        })
        .unzip())
}

fn key_positions(request: &ReadRequest) -> Vec<usize> {
    let key = request
        .table
        .identity_key()
        .map(|key| key.columns.as_slice())
        .unwrap_or_default();
    key.iter()
        .filter_map(|name| request.columns.iter().position(|column| &column.name == name))
        .collect()
}

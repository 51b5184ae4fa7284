//! Reads rows on a thread of their own and hands them over in batches, at most one ahead.

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, Permit, Receiver, Sender};
use tokio::task::JoinHandle;
use whimbrel_core::{Batch, Error, KeyValue, ReadColumn, ReadRequest, Result, Table, hex, named};

use super::Reader;
use crate::codec::{RowBatch, shown};
use crate::error::During;
use crate::gate::ReadConnection;
use crate::range::{Condition, condition, row_number};
use crate::sql::quote;

/// What a stream needs: where its things come from, and the thread that makes them.
struct Running<T> {
    things: Receiver<Result<T>>,
    thread: Option<JoinHandle<()>>,
}

/// Where a reading thread hands over what it made.
pub(super) struct Outlet<T> {
    sender: Sender<Result<T>>,
    runtime: Handle,
}

impl<T> Outlet<T> {
    /// Waits for room; none when nobody listens any more.
    fn reserve(&self) -> Option<Permit<'_, Result<T>>> {
        self.runtime.block_on(self.sender.reserve()).ok()
    }

    /// Hands over the last thing of a stream.
    pub(super) fn end_with(&self, thing: Result<T>) {
        if let Some(place) = self.reserve() {
            place.send(thing);
        }
    }
}

/// Returns the batches of a request as they are read. The reader is given back when the stream ends or is dropped.
pub(super) fn batches(reader: Reader, request: ReadRequest) -> BoxStream<'static, Result<Batch>> {
    made_by(reader, move |connection, outlet| {
        read(connection, &request, outlet, |_| Ok(true)).map(drop)
    })
}

/// Returns what the work on the reader hands over, from a thread of its own.
pub(super) fn made_by<T: Send + 'static>(
    reader: Reader,
    work: impl FnOnce(&ReadConnection, &Outlet<T>) -> Result<()> + Send + 'static,
) -> BoxStream<'static, Result<T>> {
    let (sender, things) = mpsc::channel(1);
    let runtime = Handle::current();
    let thread = tokio::task::spawn_blocking(move || {
        let outlet = Outlet { sender, runtime };
        let done = reader
            .connection()
            .and_then(|connection| work(connection, &outlet));
        if let Err(error) = done {
            outlet.end_with(Err(error));
        }
    });
    let running = Running {
        things,
        thread: Some(thread),
    };
    stream::unfold(running, |mut running| async move {
        if let Some(thing) = running.things.recv().await {
            return Some((thing, running));
        }
        let ended = running.thread.take()?.await;
        let error = Error::bug("a reading thread ended early").with_cause(ended.err()?);
        Some((Err(error), running))
    })
    .boxed()
}

/// Hands over the rows of a request in batches; every row is shown to `look` before, which says whether rows are still wanted. Returns false
/// when nobody listens any more.
pub(super) fn read<T: From<Batch>>(
    connection: &Connection,
    request: &ReadRequest,
    outlet: &Outlet<T>,
    mut look: impl FnMut(&Row<'_>) -> rusqlite::Result<bool>,
) -> Result<bool> {
    let what = || format!("read table `{}`", request.table.id);
    let key = RowKey::of(&request.table, &request.columns);
    let condition = condition(connection, &request.table, &request.range)?;
    let sql = query(request, &key, &condition);
    let mut statement = connection.prepare(&sql).during(what)?;
    let mut rows = statement
        .query(rusqlite::params_from_iter(&condition.parameters))
        .during(what)?;
    let mut batch = RowBatch::new(&request.columns, request.batch_bytes)?;
    let Some(mut place) = outlet.reserve() else {
        return Ok(false);
    };
    while let Some(row) = rows.next().during(what)? {
        if !look(row).during(what)? {
            continue;
        }
        let value = |at: usize| row.get_ref(at).during(what);
        let name = || (key.text(row), key.exact(row));
        if batch.append(value, name)? {
            continue;
        }
        place.send(Ok(batch.take()?.into()));
        // Building the next batch only when there is room keeps one batch ahead, not two.
        match outlet.reserve() {
            Some(next) => place = next,
            None => return Ok(false),
        }
        batch.append(value, name)?;
    }
    if batch.len() > 0 {
        place.send(Ok(batch.take()?.into()));
    }
    Ok(true)
}

fn query(request: &ReadRequest, key: &RowKey, condition: &Condition) -> String {
    let columns: Vec<String> = request
        .columns
        .iter()
        .map(|column| format!("t.{}", quote(&column.name)))
        .chain(key.terms.iter().cloned())
        .collect();
    let clause = |word: &str, text: &str| {
        if text.is_empty() {
            String::new()
        } else {
            format!(" {word} {text}")
        }
    };
    format!(
        "SELECT {} FROM {} t{}{}",
        if columns.is_empty() {
            "NULL".to_owned()
        } else {
            columns.join(", ")
        },
        quote(&request.table.id.name),
        clause("WHERE", &condition.text),
        clause("ORDER BY", &condition.order)
    )
}

/// The engine's limit for the columns of a query.
const QUERY_COLUMNS_MAX: usize = 2000;

/// What names a row to people: its key, else its row number. Each with its place among the columns of the query.
struct RowKey {
    parts: Vec<(String, usize)>,
    /// Terms that are read only to name a row.
    terms: Vec<String>,
    /// True when the parts are the whole key.
    is_key: bool,
}

impl RowKey {
    fn of(table: &Table, columns: &[ReadColumn]) -> Self {
        let mut found = Self {
            parts: Vec::new(),
            terms: Vec::new(),
            is_key: table.identity_key().is_some(),
        };
        let wanted: Vec<(String, String)> = match (table.identity_key(), row_number(table)) {
            (Some(key), _) => key
                .columns
                .iter()
                .map(|name| (name.clone(), format!("t.{}", quote(name))))
                .collect(),
            (None, Some(number)) => vec![("row".to_owned(), format!("t.{number}"))],
            (None, None) => Vec::new(),
        };
        for (name, term) in wanted {
            let place = columns.iter().position(|column| column.name == name);
            if place.is_none() && columns.len() + found.terms.len() >= QUERY_COLUMNS_MAX {
                found.is_key = false;
                continue;
            }
            found
                .parts
                .push((name, place.unwrap_or(columns.len() + found.terms.len())));
            if place.is_none() {
                found.terms.push(term);
            }
        }
        found
    }

    /// The key as it is stored; empty when it has no exact form.
    fn exact(&self, row: &Row<'_>) -> Vec<KeyValue> {
        let one = |at: &usize| match row.get_ref(*at).ok()? {
            ValueRef::Integer(number) => Some(KeyValue::Integer(number)),
            ValueRef::Real(real) => Some(KeyValue::Real(real.to_bits())),
            ValueRef::Text(text) => std::str::from_utf8(text)
                .ok()
                .map(|text| KeyValue::Text(text.to_owned())),
            ValueRef::Blob(bytes) => Some(KeyValue::Bytes(hex(bytes))),
            ValueRef::Null => None,
        };
        let key = || self.parts.iter().map(|(_, at)| one(at)).collect::<Option<_>>();
        self.is_key.then(key).flatten().unwrap_or_default()
    }

    fn text(&self, row: &Row<'_>) -> String {
        let parts: Vec<String> = self
            .parts
            .iter()
            .map(|(name, at)| {
                let value = row.get_ref(*at).map_or_else(|_| "?".to_owned(), shown);
                named(name, value)
            })
            .collect();
        parts.join(", ")
    }
}

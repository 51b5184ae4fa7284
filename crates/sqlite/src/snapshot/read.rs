//! Reads rows on a thread of their own and hands them over in batches, at most one ahead.

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinHandle;
use whimbrel_core::{Batch, Error, KeyValue, ReadColumn, ReadRequest, Result, Table, hex, named};

use super::Reader;
use crate::codec::{RowBatch, shown};
use crate::error::During;
use crate::range::{condition, row_number};
use crate::sql::quote;

/// What a stream of batches needs: where they come from, and the thread that makes them.
struct Running {
    batches: Receiver<Result<Batch>>,
    thread: Option<JoinHandle<()>>,
}

/// Returns the batches of a request as they are read. The reader is given back when the stream ends or is dropped.
pub(super) fn batches(reader: Reader, request: ReadRequest) -> BoxStream<'static, Result<Batch>> {
    let (sender, batches) = mpsc::channel(1);
    let runtime = Handle::current();
    let thread = tokio::task::spawn_blocking(move || {
        let read = reader
            .connection()
            .and_then(|connection| read(connection, &request, &sender, &runtime));
        if let Err(error) = read {
            // Nobody waits for the error when the stream was dropped.
            let _dropped = runtime.block_on(sender.send(Err(error)));
        }
    });
    let running = Running {
        batches,
        thread: Some(thread),
    };
    stream::unfold(running, |mut running| async move {
        if let Some(batch) = running.batches.recv().await {
            return Some((batch, running));
        }
        let ended = running.thread.take()?.await;
        let error = Error::bug("a reading thread ended early").with_cause(ended.err()?);
        Some((Err(error), running))
    })
    .boxed()
}

fn read(
    connection: &Connection,
    request: &ReadRequest,
    sender: &Sender<Result<Batch>>,
    runtime: &Handle,
) -> Result<()> {
    let what = || format!("read table `{}`", request.table.id);
    let key = RowKey::of(&request.table, &request.columns);
    let condition = condition(connection, &request.table, &request.range)?;
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
    let sql = format!(
        "SELECT {} FROM {} t{}{}",
        if columns.is_empty() {
            "NULL".to_owned()
        } else {
            columns.join(", ")
        },
        quote(&request.table.id.name),
        clause("WHERE", &condition.text),
        clause("ORDER BY", &condition.order)
    );
    let mut statement = connection.prepare(&sql).during(what)?;
    let mut rows = statement
        .query(rusqlite::params_from_iter(&condition.parameters))
        .during(what)?;
    let mut batch = RowBatch::new(&request.columns, request.batch_bytes)?;
    let Ok(mut place) = runtime.block_on(sender.reserve()) else {
        return Ok(());
    };
    while let Some(row) = rows.next().during(what)? {
        let value = |at: usize| row.get_ref(at).during(what);
        let name = || (key.text(row), key.exact(row));
        if batch.append(value, name)? {
            continue;
        }
        place.send(Ok(batch.take()?));
        // Building the next batch only when there is room keeps one batch ahead, not two.
        match runtime.block_on(sender.reserve()) {
            Ok(next) => place = next,
            Err(_) => return Ok(()),
        }
        batch.append(value, name)?;
    }
    if batch.len() > 0 {
        place.send(Ok(batch.take()?));
    }
    Ok(())
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

//! Reads rows on a thread of their own and hands them over in batches, at most one ahead.

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use rusqlite::{Connection, Row};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinHandle;
use whimbrel_core::{BATCH_ROWS, Batch, Error, ReadRequest, Result, Table};

use super::Reader;
use crate::codec::{RowBatch, shown, size_of};
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
    let key = RowKey::of(&request.table);
    let condition = condition(connection, &request.table, &request.range)?;
    let columns: Vec<String> = request
        .columns
        .iter()
        .map(|column| format!("t.{}", quote(&column.name)))
        .chain(key.terms.iter().map(|(_, term)| term.clone()))
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
    let mut batch = RowBatch::new(&request.columns)?;
    let Ok(mut place) = runtime.block_on(sender.reserve()) else {
        return Ok(());
    };
    while let Some(row) = rows.next().during(what)? {
        let bytes = row_bytes(row, request.columns.len())?;
        let full = batch.bytes() + bytes > request.batch_bytes || batch.len() >= BATCH_ROWS;
        if full && batch.len() > 0 {
            place.send(Ok(batch.take()?));
            // Building the next batch only when there is room keeps one batch ahead, not two.
            match runtime.block_on(sender.reserve()) {
                Ok(next) => place = next,
                Err(_) => return Ok(()),
            }
        }
        let value = |at: usize| row.get_ref(at).during(what);
        batch.append(value, || key.text(row, request.columns.len()))?;
    }
    if batch.len() > 0 {
        place.send(Ok(batch.take()?));
    }
    Ok(())
}

fn row_bytes(row: &Row<'_>, columns: usize) -> Result<usize> {
    (0..columns)
        .map(|at| row.get_ref(at).map(size_of).during(|| "read a row"))
        .sum()
}

/// What names a row to people: its key, else its row number.
struct RowKey {
    terms: Vec<(String, String)>,
}

impl RowKey {
    fn of(table: &Table) -> Self {
        let by_key = table.identity_key().map(|key| {
            key.columns
                .iter()
                .map(|name| (name.clone(), format!("t.{}", quote(name))))
                .collect()
        });
        let by_number = || row_number(table).map(|name| vec![("row".to_owned(), format!("t.{name}"))]);
        Self {
            terms: by_key.or_else(by_number).unwrap_or_default(),
        }
    }

    fn text(&self, row: &Row<'_>, from: usize) -> String {
        let parts: Vec<String> = self
            .terms
            .iter()
            .enumerate()
            .map(|(at, (name, _))| {
                let value = row.get_ref(from + at).map_or_else(|_| "?".to_owned(), shown);
                format!("{name}={value}")
            })
            .collect();
        parts.join(", ")
    }
}

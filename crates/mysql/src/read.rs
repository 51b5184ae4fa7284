//! Reads the rows of a range as batches. The rows are decoded beside the one who asks for them, at most one batch ahead.

use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tokio::sync::mpsc::{self, Receiver, Sender};
use whimbrel_core::{BATCH_ROWS, Batch, Error, ReadRequest, Result};

use crate::codec::decode::{DecodeColumn, Decoder, KeyColumn};
use crate::codec::form::reading;
use crate::columns::{ServerColumn, find};
use crate::error::classify;
use crate::quote::table_name;
use crate::range;
use crate::readers::{Reader, Shared, locked};
use crate::wire::{Next, Rows};

/// Returns the rows of the request as batches.
pub(crate) fn batches(shared: Arc<Shared>, request: ReadRequest) -> BoxStream<'static, Result<Batch>> {
    let begin = Reading::Begin(shared, Box::new(request));
    stream::unfold(begin, |reading| async {
        let mut batches = match reading {
            Reading::Begin(shared, request) => begun(shared, *request),
            Reading::Rows(batches) => batches,
        };
        let batch = batches.recv().await?;
        Some((batch, Reading::Rows(batches)))
    })
    .boxed()
}

/// What a stream of batches does next.
enum Reading {
    Begin(Arc<Shared>, Box<ReadRequest>),
    Rows(Receiver<Result<Batch>>),
}

/// Lets the rows be read.
fn begun(shared: Arc<Shared>, request: ReadRequest) -> Receiver<Result<Batch>> {
    let (place, batches) = mpsc::channel(1);
    if shared.is_known_empty(&request.table.id) {
        return batches;
    }
    let mut tasks = locked(&shared.tasks);
    while tasks.try_join_next().is_some() {}
    tasks.spawn(work(Arc::clone(&shared), request, place));
    drop(tasks);
    batches
}

async fn work(shared: Arc<Shared>, request: ReadRequest, place: Sender<Result<Batch>>) {
    let during = |error: Error| error.during(format!("read table `{}`", request.table.id));
    let mut reader = match shared.reader().await {
        Ok(reader) => reader,
        Err(error) => {
            // Whoever asked may be gone; then nobody needs to know.
            drop(place.send(Err(during(error))).await);
            return;
        }
    };
    match Box::pin(feed(&mut reader, &request, &place)).await {
        Ok(Fed::Everything) => reader.done(),
        Ok(Fed::Unwanted) => Box::pin(reader.stop()).await,
        Err(error) => drop(place.send(Err(during(reader.failed(error)))).await),
    }
}

/// How a feed ended.
enum Fed {
    Everything,
    /// Nobody takes the batches any more.
    Unwanted,
}

async fn feed(reader: &mut Reader, request: &ReadRequest, place: &Sender<Result<Batch>>) -> Result<Fed> {
    let found = reader.columns(&request.table.id).await?;
    let selected = select(&found, request)?;
    let mut rows = reader.raw().await?.rows(&selected.sql).await.map_err(classify)?;
    let mut decoder = Decoder::new(selected.columns, selected.key, rows.columns())?;
    loop {
        let Ok(permit) = place.reserve().await else {
            return Ok(Fed::Unwanted);
        };
        let Some(batch) = next_batch(&mut rows, &mut decoder, request.batch_bytes).await? else {
            return Ok(Fed::Everything);
        };
        permit.send(Ok(batch));
    }
}

/// Gathers rows until the next one would not fit; that one begins the batch after. None behind the last.
async fn next_batch(rows: &mut Rows<'_>, decoder: &mut Decoder, batch_bytes: usize) -> Result<Option<Batch>> {
    loop {
        // A large row goes before the next one is fetched, which would be in memory beside it.
        if decoder.bytes() >= batch_bytes || decoder.rows() >= BATCH_ROWS {
            rows.forget();
            return decoder.take().map(Some);
        }
        match rows.next().map_err(classify)? {
            Next::Row(row) if decoder.rows() > 0 && decoder.bytes() + row.len() > batch_bytes => {
                let full = decoder.take()?;
                decoder.add(row)?;
                return Ok(Some(full));
            }
            Next::Row(row) => decoder.add(row)?,
            Next::Nothing => rows.wait().await.map_err(classify)?,
            Next::End if decoder.rows() > 0 => return decoder.take().map(Some),
            Next::End => return Ok(None),
        }
    }
}

/// How a request's rows are read.
struct Selected {
    sql: String,
    columns: Vec<DecodeColumn>,
    key: Vec<KeyColumn>,
}

fn select(found: &[ServerColumn], request: &ReadRequest) -> Result<Selected> {
    let table = &request.table.id;
    let mut expressions = Vec::new();
    let mut columns = Vec::new();
    for column in &request.columns {
        let asked = reading(find(found, table, &column.name)?, &column.logical);
        let replacement = column.rule.as_ref().map(|rule| rule.replacement(&column.logical));
        columns.push(DecodeColumn {
            name: column.name.clone(),
            logical: column.logical.clone(),
            form: asked.form,
            at: expressions.len(),
            instead: replacement.transpose()?.flatten(),
        });
        expressions.extend(asked.expressions);
    }
    let key = key_columns(found, request, &mut expressions)?;
    if expressions.is_empty() {
        expressions.push("1".to_owned());
    }
    let condition = range::condition_on(found, table, &request.range)?
        .map(|condition| format!(" WHERE {condition}"))
        .unwrap_or_default();
    let sql = format!(
        "SELECT {} FROM {}{condition}",
        expressions.join(", "),
        table_name(table)
    );
    Ok(Selected { sql, columns, key })
}

/// The key's columns as they name a rejected row; what is selected anyway is not selected twice.
fn key_columns(
    found: &[ServerColumn],
    request: &ReadRequest,
    expressions: &mut Vec<String>,
) -> Result<Vec<KeyColumn>> {
    let key = request
        .table
        .identity_key()
        .map(|key| key.columns.as_slice())
        .unwrap_or_default();
    let mut columns = Vec::new();
    for name in key {
        let column = find(found, &request.table.id, name)?;
        let wanted = column.key_expression();
        let at = expressions.iter().position(|have| *have == wanted);
        let at = at.unwrap_or_else(|| {
            expressions.push(wanted);
            expressions.len() - 1
        });
        columns.push(KeyColumn {
            column: column.clone(),
            form: reading(column, &whimbrel_core::LogicalType::Bytes).form,
            at,
        });
    }
    Ok(columns)
}

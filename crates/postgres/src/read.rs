//! Streams the rows of a range as batches. COPY is the fast way, but the driver reads several messages ahead; tables with large
//! rows are therefore fetched from a cursor, a few rows at a time.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tokio_postgres::types::{FromSql, Type};
use tokio_postgres::{CopyOutStream, Row};
use whimbrel_core::{BATCH_ROWS, Batch, LogicalType, ReadColumn, ReadRequest, Result};

use crate::codec::decode::{DecodeColumn, Decoder, Form, reading, text_of, without_header};
use crate::codec::wire::Shape;
use crate::columns::{ServerColumn, carried_as_text, columns_of, find};
use crate::error::from_driver;
use crate::quote::{quoted, rows_of};
use crate::range;
use crate::readers::{Reader, Shared};

/// A row that is stored in more bytes than this (after compression) is large.
const LARGE_ROW_BYTES: i64 = 64 << 10;

/// Rows looked at to tell whether a table's rows are large.
const LOOKED_AT: usize = 32;

/// What a fetch from a cursor shall bring at most.
const FETCH_BYTES: usize = 1 << 20;

/// Returns the rows of the request as batches.
pub(crate) fn batches(shared: Arc<Shared>, request: ReadRequest) -> BoxStream<'static, Result<Batch>> {
    let begin = Reading::Begin(shared, Box::new(request));
    stream::try_unfold(begin, |reading| Box::pin(reading.next())).boxed()
}

/// What a stream of batches does next.
enum Reading {
    Begin(Arc<Shared>, Box<ReadRequest>),
    Rows(Box<Rows>),
    End,
}

struct Rows {
    shared: Arc<Shared>,
    reader: Reader,
    feed: Feed,
    decoder: Decoder,
    batch_bytes: usize,
    /// The row that did not fit into the last batch.
    waiting: Option<Line>,
    what: String,
}

/// Where rows come from.
enum Feed {
    /// True once the header is gone.
    Copy(Pin<Box<CopyOutStream>>, bool),
    /// Rows fetched, how many the next fetch asks for, and whether the last fetch was full.
    Cursor {
        fetched: VecDeque<Row>,
        ask: usize,
        more: bool,
    },
}

/// A row as it arrived.
enum Line {
    Message(Bytes),
    Row(Row),
}

impl Reading {
    async fn next(self) -> Result<Option<(Batch, Self)>> {
        let rows = match self {
            Self::Begin(shared, request) => {
                let what = format!("read table `{}`", request.table.id);
                let begun = Box::pin(Rows::begin(&shared, *request)).await;
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
        let from = format!("FROM {}{condition}", rows_of(&request.table));
        let select = format!("SELECT {} {from}", expressions.join(", "));
        let feed = if has_large_rows(&reader, &request, &from).await? {
            let declare = format!("CLOSE ALL; DECLARE whimbrel NO SCROLL CURSOR FOR {select}");
            reader
                .session
                .batch_execute(&declare)
                .await
                .map_err(from_driver)?;
            Feed::Cursor {
                fetched: VecDeque::new(),
                ask: 1,
                more: true,
            }
        } else {
            let copy = format!("COPY ({select}) TO STDOUT (FORMAT binary)");
            let stream = reader.session.copy_out(&copy).await.map_err(from_driver)?;
            Feed::Copy(Box::pin(stream), false)
        };
        Ok(Self {
            shared: Arc::clone(shared),
            reader,
            feed,
            decoder: Decoder::new(columns, key_positions(&request)),
            batch_bytes: request.batch_bytes,
            waiting: None,
            what: format!("read table `{}`", request.table.id),
        })
    }

    /// Gathers rows until a batch is full.
    async fn next(mut self: Box<Self>) -> Result<Option<(Batch, Reading)>> {
        loop {
            let line = match self.waiting.take() {
                Some(line) => Some(line),
                None => self
                    .line()
                    .await
                    .map_err(|error| self.shared.classify(error.during(&self.what)))?,
            };
            let Some(line) = line else {
                return self.end();
            };
            let full = self.decoder.bytes() + line.bytes() > self.batch_bytes && self.decoder.rows() > 0;
            if full || self.decoder.rows() >= BATCH_ROWS {
                self.waiting = Some(line);
                let batch = self.decoder.take()?;
                return Ok(Some((batch, Reading::Rows(self))));
            }
            line.decode(&mut self.decoder)
                .map_err(|error| error.during(&self.what))?;
        }
    }

    async fn line(&mut self) -> Result<Option<Line>> {
        match &mut self.feed {
            Feed::Copy(stream, begun) => {
                let Some(message) = stream.next().await.transpose().map_err(from_driver)? else {
                    return Ok(None);
                };
                // The header comes in one message with the first row.
                let header = if *begun {
                    0
                } else {
                    message.len() - without_header(&message)?.len()
                };
                *begun = true;
                Ok(Some(Line::Message(message.slice(header..))))
            }
            Feed::Cursor { fetched, ask, more } => {
                if fetched.is_empty() && *more {
                    let sql = format!("FETCH {ask} FROM whimbrel");
                    let rows = self.reader.session.query(&sql, &[]).await.map_err(from_driver)?;
                    *more = rows.len() == *ask;
                    *ask = fitting(&rows);
                    fetched.extend(rows);
                }
                Ok(fetched.pop_front().map(Line::Row))
            }
        }
    }

    fn end(self: Box<Self>) -> Result<Option<(Batch, Reading)>> {
        let Self {
            reader,
            mut decoder,
            feed,
            ..
        } = *self;
        drop(feed);
        reader.done();
        if decoder.rows() == 0 {
            return Ok(None);
        }
        Ok(Some((decoder.take()?, Reading::End)))
    }
}

/// Looks at some rows of the range without reading their large values.
async fn has_large_rows(reader: &Reader, request: &ReadRequest, from: &str) -> Result<bool> {
    let weights: Vec<String> = request
        .columns
        .iter()
        .map(|column| format!("coalesce(pg_column_size({}), 0)", quoted(&column.name)))
        .collect();
    if weights.is_empty() {
        return Ok(false);
    }
    let sql = format!(
        "SELECT coalesce(max(weight), 0)::int8 FROM (SELECT {} AS weight {from} LIMIT {LOOKED_AT}) rows",
        weights.join(" + ")
    );
    let row = reader.session.query_one(&sql, &[]).await.map_err(from_driver)?;
    Ok(row.get::<_, i64>(0) > LARGE_ROW_BYTES)
}

/// How many rows like these a fetch may bring; growing slowly, because the next rows can be larger.
fn fitting(rows: &[Row]) -> usize {
    let bytes: usize = rows.iter().map(Row::raw_size_bytes).sum();
    let average = bytes / rows.len().max(1);
    (FETCH_BYTES / average.max(1)).clamp(1, rows.len().max(1) * 2)
}

/// A value as it was sent, of any type.
struct Sent<'a>(&'a [u8]);

impl<'a> FromSql<'a> for Sent<'a> {
    fn from_sql(_: &Type, sent: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(sent))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

impl Line {
    fn bytes(&self) -> usize {
        match self {
            Self::Message(message) => message.len(),
            Self::Row(row) => row.raw_size_bytes(),
        }
    }

    fn decode(&self, decoder: &mut Decoder) -> Result<()> {
        match self {
            Self::Message(message) => decoder.add(message),
            Self::Row(row) => {
                let mut values = Vec::with_capacity(row.len());
                for at in 0..row.len() {
                    let value: Option<Sent<'_>> = row.try_get(at).map_err(from_driver)?;
                    values.push(value.map(|Sent(bytes)| bytes));
                }
                decoder.add_values(&values)
            }
        }
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
    let columns: Result<Vec<(String, DecodeColumn)>> = wanted
        .into_iter()
        .map(|(server, column)| {
            let name = quoted(&column.name);
            let is_raw = matches!(column.logical, LogicalType::Wire { .. });
            let (expression, form) = match (is_raw, as_text) {
                (true, true) => (text_of(&name), Form::Text),
                (true, false) => (name, Form::Wire(server.shape.clone())),
                (false, _) if is_labels(server, &column.logical) => (name, Form::Labels),
                (false, _) => reading(server.kind, &column.logical, &name),
            };
            let (name, logical) = (column.name.clone(), column.logical.clone());
            let replacement = column.rule.as_ref().map(|rule| rule.replacement(&logical));
            let decode = DecodeColumn {
                name,
                form,
                instead: replacement.transpose()?.flatten(),
                logical,
            };
            Ok((expression, decode))
        })
        .collect();
    Ok(columns?.into_iter().unzip())
}

/// Tells whether the column holds a set's labels as an array.
fn is_labels(server: &ServerColumn, logical: &LogicalType) -> bool {
    matches!(logical, LogicalType::Set { .. }) && matches!(server.shape, Shape::Array(_))
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

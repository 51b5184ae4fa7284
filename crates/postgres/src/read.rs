//! Streams the rows of a range as batches: as columns, or packed where nobody needs to look at them. COPY is the fast way, but the driver
//! reads several messages ahead; tables with large rows are therefore fetched from a cursor, a few rows at a time.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;

use bytes::{Buf as _, Bytes};
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tokio_postgres::types::{FromSql, Type};
use tokio_postgres::{CopyOutStream, Row};
use whimbrel_core::{BATCH_ROWS, Batch, Error, LogicalType, PackedBuilder, ReadColumn, ReadRequest, Result};

use crate::codec::decode::{DecodeColumn, Decoder, Form, reading, text_of, without_header};
use crate::codec::wire::Shape;
use crate::columns::{ServerColumn, carried_as_text, find};
use crate::connect::next_row;
use crate::error::from_driver;
use crate::native::Kind;
use crate::quote::{quoted, rows_of};
use crate::range;
use crate::readers::{Reader, Shared};

/// A row of more bytes than this is large.
const LARGE_ROW_BYTES: i64 = 256 << 10;

/// Rows looked at to tell whether a table's rows are large.
const LOOKED_AT: usize = 32;

/// What a fetch from a cursor shall bring at most.
const FETCH_BYTES: usize = 1 << 20;

/// A packed batch closes at this many bytes at the latest: what stays in the processor's caches is copied faster, and nobody gains by more.
const PACKED_BYTES: usize = 1 << 20;

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
    gathered: Gathered,
    batch_bytes: usize,
    what: String,
}

/// Where rows come from.
enum Feed {
    Copy(Copy),
    Cursor(Cursor),
}

/// A running COPY.
struct Copy {
    stream: Pin<Box<CopyOutStream>>,
    /// True once the header is gone.
    begun: bool,
    /// Rows that did not fit into the last batch.
    waiting: Bytes,
}

/// An open cursor.
struct Cursor {
    fetched: VecDeque<Row>,
    /// How many rows the next fetch asks for.
    ask: usize,
    /// False once a fetch was not full.
    more: bool,
}

/// What was read of a batch.
enum Gathered {
    Columns(Box<Decoder>),
    /// Whole rows, and how many columns each has.
    Packed(PackedBuilder, i16),
}

impl Reading {
    async fn next(self) -> Result<Option<(Batch, Self)>> {
        let mut rows = match self {
            Self::Begin(shared, request) if shared.extents.is_known_empty(&request.table) => return Ok(None),
            Self::Begin(shared, request) => {
                let what = format!("read table `{}`", request.table.id);
                let begun = Box::pin(Rows::begin(&shared, *request)).await;
                Box::new(begun.map_err(|error| shared.classify(error.during(what)))?)
            }
            Self::Rows(rows) => rows,
            Self::End => return Ok(None),
        };
        let filled = rows.fill().await;
        let more = filled.map_err(|error| rows.shared.classify(error.during(&rows.what)))?;
        if more {
            return Ok(Some((rows.gathered.take()?, Self::Rows(rows))));
        }
        let Rows {
            reader,
            mut gathered,
            feed,
            ..
        } = *rows;
        drop(feed);
        reader.done();
        match gathered.rows() {
            0 => Ok(None),
            _ => Ok(Some((gathered.take()?, Self::End))),
        }
    }
}

impl Rows {
    async fn begin(shared: &Arc<Shared>, request: ReadRequest) -> Result<Self> {
        let reader = shared.reader_of(&request.table).await?;
        let found = shared.columns.of(&reader.session, &request.table.id).await?;
        let (expressions, columns) = columns_to_decode(&found, &request)?;
        let condition = range::condition(&request.table, &request.range)?;
        let condition = condition
            .map(|condition| format!(" WHERE {condition}"))
            .unwrap_or_default();
        let from = format!("FROM {}{condition}", rows_of(&request.table));
        let select = format!("SELECT {} {from}", expressions.join(", "));
        let has_large_rows = has_large_rows(shared, &reader, &request, &found, &from).await?;
        let is_packed = request.packed && !has_large_rows && can_be_packed(&request, &columns);
        let feed = if has_large_rows {
            let declare = format!("CLOSE ALL; DECLARE whimbrel NO SCROLL CURSOR FOR {select}");
            let declared = reader.session.batch_execute(&declare).await;
            declared.map_err(from_driver)?;
            Feed::Cursor(Cursor {
                fetched: VecDeque::new(),
                ask: 1,
                more: true,
            })
        } else {
            let copy = format!("COPY ({select}) TO STDOUT (FORMAT binary)");
            let stream = reader.session.copy_out(&copy).await.map_err(from_driver)?;
            Feed::Copy(Copy {
                stream: Box::pin(stream),
                begun: false,
                waiting: Bytes::new(),
            })
        };
        let (gathered, most) = match i16::try_from(columns.len()) {
            Ok(count) if is_packed => (Gathered::Packed(PackedBuilder::default(), count), PACKED_BYTES),
            _ => {
                let decoder = Decoder::new(columns, key_positions(&request));
                (Gathered::Columns(Box::new(decoder)), usize::MAX)
            }
        };
        Ok(Self {
            shared: Arc::clone(shared),
            reader,
            feed,
            gathered,
            batch_bytes: request.batch_bytes.min(most),
            what: format!("read table `{}`", request.table.id),
        })
    }

    /// Gathers rows until a batch is full; returns false when there are no more.
    async fn fill(&mut self) -> Result<bool> {
        match &mut self.feed {
            Feed::Copy(copy) => copy.fill(&mut self.gathered, self.batch_bytes).await,
            Feed::Cursor(cursor) => {
                cursor
                    .fill(&self.reader, &mut self.gathered, self.batch_bytes)
                    .await
            }
        }
    }
}

impl Copy {
    async fn fill(&mut self, gathered: &mut Gathered, batch_bytes: usize) -> Result<bool> {
        loop {
            while !self.waiting.is_empty() {
                let row = next_row(&self.waiting);
                let end = row.end;
                let mut row = &self.waiting[row];
                if !self.begun {
                    // The header comes in one message with the first row.
                    row = without_header(row)?;
                }
                if gathered.is_full(row.len(), batch_bytes) {
                    return Ok(true);
                }
                gathered.add(row)?;
                self.begun = true;
                self.waiting.advance(end);
            }
            match self.stream.next().await {
                Some(message) => self.waiting = message.map_err(from_driver)?,
                None => return Ok(false),
            }
        }
    }
}

impl Cursor {
    async fn fill(&mut self, reader: &Reader, gathered: &mut Gathered, batch_bytes: usize) -> Result<bool> {
        loop {
            if self.fetched.is_empty() && gathered.bytes() >= batch_bytes {
                // A large row goes before the next one is fetched, which would be in memory beside it.
                return Ok(true);
            }
            if self.fetched.is_empty() && self.more {
                let sql = format!("FETCH {} FROM whimbrel", self.ask);
                let rows = reader.session.query(&sql, &[]).await.map_err(from_driver)?;
                self.more = rows.len() == self.ask;
                self.ask = fitting(&rows);
                self.fetched.extend(rows);
            }
            let Some(row) = self.fetched.front() else {
                return Ok(false);
            };
            if gathered.is_full(row.raw_size_bytes(), batch_bytes) {
                return Ok(true);
            }
            gathered.add_row(row)?;
            self.fetched.pop_front();
        }
    }
}

impl Gathered {
    fn rows(&self) -> usize {
        match self {
            Self::Columns(decoder) => decoder.rows(),
            Self::Packed(rows, _) => rows.rows(),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Columns(decoder) => decoder.bytes(),
            Self::Packed(rows, _) => rows.bytes(),
        }
    }

    /// Tells whether a row of so many bytes belongs to the next batch.
    #[inline]
    fn is_full(&self, row: usize, batch_bytes: usize) -> bool {
        let rows = self.rows();
        rows >= BATCH_ROWS || (rows > 0 && self.bytes() + row > batch_bytes)
    }

    /// Adds the row of one message of COPY; the last message holds none.
    #[inline]
    fn add(&mut self, message: &[u8]) -> Result<()> {
        match self {
            Self::Columns(decoder) => decoder.add(message),
            Self::Packed(rows, count) => {
                match message.first_chunk::<2>().map(|head| i16::from_be_bytes(*head)) {
                    Some(-1) if message.len() == 2 => Ok(()),
                    Some(found) if found == *count => {
                        rows.push(message);
                        Ok(())
                    }
                    _ => Err(Error::bug(format!("a row of {count} values arrived torn"))),
                }
            }
        }
    }

    fn add_row(&mut self, row: &Row) -> Result<()> {
        let Self::Columns(decoder) = self else {
            return Err(Error::bug("rows of a cursor are not packed"));
        };
        let mut values = Vec::with_capacity(row.len());
        for at in 0..row.len() {
            let value: Option<Sent<'_>> = row.try_get(at).map_err(from_driver)?;
            values.push(value.map(|Sent(bytes)| bytes));
        }
        decoder.add_values(&values)
    }

    fn take(&mut self) -> Result<Batch> {
        match self {
            Self::Columns(decoder) => decoder.take(),
            Self::Packed(rows, _) => rows.take(),
        }
    }
}

/// Tells whether the rows may pass as they are sent: no value is changed, and none means something in this database alone.
fn can_be_packed(request: &ReadRequest, columns: &[DecodeColumn]) -> bool {
    let is_bare =
        |column: &ReadColumn| column.rule.is_none() && matches!(column.logical, LogicalType::Wire { .. });
    let is_plain = |column: &DecodeColumn| matches!(&column.form, Form::Wire(shape) if shape.is_plain());
    !columns.is_empty() && request.columns.iter().all(is_bare) && columns.iter().all(is_plain)
}

/// Looks at some rows of the range without reading their large values.
async fn has_large_rows(
    shared: &Shared,
    reader: &Reader,
    request: &ReadRequest,
    found: &[ServerColumn],
    from: &str,
) -> Result<bool> {
    if !request.table.flattened {
        let extent = shared.extents.of(&reader.session, &request.table).await?;
        if extent.stored && extent.apart == 0 {
            // What is not stored apart fits a page.
            return Ok(false);
        }
    }
    let weights: Result<Vec<String>> = request
        .columns
        .iter()
        .map(|column| Ok(weight(find(found, &request.table.id, &column.name)?)))
        .collect();
    let weights = weights?;
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

/// What a value weighs as it is sent, where that is told without reading it, and else as it is stored: what repeats itself is stored in
/// few bytes, and is as large as any other on its way.
fn weight(column: &ServerColumn) -> String {
    let size = match column.kind {
        kind if kind.is_text() || kind == Kind::Bytea => "octet_length",
        _ => "pg_column_size",
    };
    format!("coalesce({size}({}), 0)", quoted(&column.name))
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

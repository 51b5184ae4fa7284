//! The INSERT of a chunk: how many rows a statement takes, which values the columns would not keep, and which row the engine refused.

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Statement, ToSql};
use whimbrel_core::{Batch, Error, Reject, Result, WriteColumn, named, told};

use crate::codec::Lane;
use crate::declared::Keeping;
use crate::error::During;
use crate::sql::{quote, quote_all};

/// Parameters of a statement that takes several rows. With more the engine is not faster: it hands every row through a coroutine.
const PARAMETERS: usize = 64;
/// Rows that one statement takes at most.
const ROWS_MAX: usize = 16;

/// Writes the rows of batches into a table.
#[derive(Debug)]
pub(crate) struct Insert {
    table: String,
    columns: Vec<WriteColumn>,
    keeping: Vec<Keeping>,
    /// The positions of the columns that name a row.
    key: Vec<usize>,
    /// The engine's limit for a value.
    bytes_max: usize,
    /// Rows that a statement takes.
    rows: usize,
}

struct Bound<'a>(ValueRef<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(self.0))
    }
}

/// Rows that are bound and not yet inserted.
#[derive(Default)]
struct Waiting {
    rows: [usize; ROWS_MAX],
    count: usize,
}

impl Insert {
    /// Makes the INSERT of a table, which may be strict; `key` names a row in a reject.
    pub(crate) fn new(table: &str, columns: &[WriteColumn], strict: bool, key: Vec<usize>) -> Self {
        Self {
            table: table.to_owned(),
            columns: columns.to_vec(),
            keeping: columns
                .iter()
                .map(|column| Keeping::new(&column.native, strict))
                .collect(),
            key,
            bytes_max: usize::MAX,
            rows: (PARAMETERS / columns.len().max(1)).clamp(1, ROWS_MAX),
        }
    }

    /// Refuses values above the limit.
    pub(crate) fn with_bytes_max(mut self, bytes_max: usize) -> Self {
        self.bytes_max = bytes_max;
        self
    }

    /// The statement for so many rows. What a table says about conflicts does not count, so that no row is lost unseen; rows before a
    /// refused one stay until the chunk is rolled back, so that the engine keeps no journal of the statement.
    fn sql(&self, rows: usize) -> String {
        let table = quote(&self.table);
        if self.columns.is_empty() {
            return format!("INSERT OR FAIL INTO {table} DEFAULT VALUES");
        }
        let row = format!("({})", vec!["?"; self.columns.len()].join(", "));
        format!(
            "INSERT OR FAIL INTO {table} ({}) VALUES {}",
            quote_all(self.columns.iter().map(|column| &column.name)),
            vec![row.as_str(); rows].join(", ")
        )
    }

    /// Inserts the rows that the columns can hold and returns the others.
    ///
    /// # Errors
    /// Whatever the engine says to an INSERT; `Bug` for a column that is not in its logical type's form.
    pub(crate) fn insert(&self, connection: &Connection, batch: &Batch) -> Result<Vec<Reject>> {
        let arrays = batch.records.columns();
        if arrays.len() != self.columns.len() {
            return Err(Error::bug(format!(
                "{} columns arrived; must be {}",
                arrays.len(),
                self.columns.len()
            )));
        }
        let lanes = self
            .columns
            .iter()
            .zip(arrays)
            .map(|(column, array)| Lane::new(column, array.as_ref()))
            .collect::<Result<Vec<_>>>()?;
        let prepare = |rows: usize| {
            connection
                .prepare(&self.sql(rows))
                .during(|| format!("insert into `{}`", self.table))
        };
        let group = if self.columns.is_empty() {
            1
        } else {
            self.rows.min(batch.rows().max(1))
        };
        let (mut several, mut waiting) = (prepare(group)?, Waiting::default());
        let (mut rejects, mut room) = (Vec::new(), Vec::new());
        for row in 0..batch.rows() {
            if let Some(reject) = self.bind(&mut several, (&lanes, row, waiting.count), &mut room)? {
                rejects.push(reject);
                continue;
            }
            waiting.rows[waiting.count] = row;
            waiting.count += 1;
            if waiting.count == group {
                self.execute(connection, &mut several, &lanes, &waiting.rows[..group])?;
                waiting.count = 0;
            }
        }
        if waiting.count > 0 {
            let mut rest = prepare(waiting.count)?;
            for (at, row) in waiting.rows[..waiting.count].iter().enumerate() {
                // They were bound before, so none is rejected now.
                self.bind(&mut rest, (&lanes, *row, at), &mut room)?;
            }
            self.execute(connection, &mut rest, &lanes, &waiting.rows[..waiting.count])?;
        }
        Ok(rejects)
    }

    /// Binds a row of the lanes as the one at a place of the statement.
    fn bind(
        &self,
        statement: &mut Statement<'_>,
        (lanes, row, place): (&[Lane<'_>], usize, usize),
        room: &mut Vec<u8>,
    ) -> Result<Option<Reject>> {
        let first = place * lanes.len() + 1;
        for (at, lane) in lanes.iter().enumerate() {
            let rule = match lane.value(row, room)? {
                Ok(value) => match self.rule(at, value) {
                    None => {
                        statement
                            .raw_bind_parameter(first + at, Bound(value))
                            .during(|| format!("bind column `{}`", self.columns[at].name))?;
                        continue;
                    }
                    Some(rule) => rule,
                },
                Err(rule) => rule,
            };
            return Ok(Some(Reject {
                row: Some(row),
                key: self.key_text(lanes, row),
                column: self.columns[at].name.clone(),
                value: told(&self.columns[at].name, lane.shown(row)).into_owned(),
                rule,
                expression: None,
                exact: Vec::new(),
            }));
        }
        Ok(None)
    }

    #[inline]
    fn rule(&self, at: usize, value: ValueRef<'_>) -> Option<String> {
        if let ValueRef::Text(bytes) | ValueRef::Blob(bytes) = value
            && bytes.len() > self.bytes_max
        {
            return Some(format!(
                "value has {} bytes; the target takes {}",
                bytes.len(),
                self.bytes_max
            ));
        }
        self.keeping[at].change_of(value)
    }

    /// Inserts the rows that are bound; the engine tells how many it took before the one that it refused.
    fn execute(
        &self,
        connection: &Connection,
        statement: &mut Statement<'_>,
        lanes: &[Lane<'_>],
        rows: &[usize],
    ) -> Result<()> {
        let Err(cause) = statement.raw_execute() else {
            return Ok(());
        };
        let taken = match rows.len() {
            1 => 0,
            _ => usize::try_from(connection.changes()).unwrap_or(0),
        };
        let row = rows.get(taken).or(rows.first()).copied().unwrap_or(0);
        let what = format!(
            "insert into `{}` the row {}",
            self.table,
            self.key_text(lanes, row)
        );
        Err(crate::error::failed(what, cause))
    }

    fn key_text(&self, lanes: &[Lane<'_>], row: usize) -> String {
        let parts: Vec<String> = self
            .key
            .iter()
            .map(|at| named(&self.columns[*at].name, lanes[*at].shown(row)))
            .collect();
        if parts.is_empty() {
            format!("row {row} of its batch")
        } else {
            parts.join(", ")
        }
    }
}

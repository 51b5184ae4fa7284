//! One batch into the table: whole when the server has nothing to say to it, else in halves until the rows it complains about stand
//! alone. A load from a client ignores what is wrong and only warns, so a single warning or missing row counts as failed.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, RecordBatch};
use futures::StreamExt as _;
use mysql_async::ServerError;
use mysql_async::prelude::Queryable as _;
use whimbrel_core::{Error, LogicalType, Reject, Result};

use super::MysqlWriter;
use crate::codec::load::{Inserts, Pieces, Rows, Tally};
use crate::error::classify;
use crate::ledger::transaction::{given_up, is_open};

const SAVEPOINT: &str = "whimbrel_batch";

/// The server takes no files from clients.
const NO_LOAD: &[u16] = &[1148, 3948, 3950, 4166];

/// Complaints about a constraint and not about a value: the row would fit the column's types, so it is no reject.
const CONSTRAINTS: &[u16] = &[1022, 1062, 1169, 1216, 1452, 1557, 1586, 1859, 3819, 4025];

/// The warning count stands in 16 bits.
const WARNINGS_MAX: u64 = 60_000;

/// What became of some rows.
enum Outcome {
    /// They are in the table, and nothing else happened.
    Clean,
    /// The server complained.
    Dirty,
    /// The server takes no files.
    NoLoad,
}

/// What the server said about one row, the first of it first.
struct Complaint {
    number: u16,
    message: String,
    /// All messages, since only a later one may name the column.
    all: String,
}

impl MysqlWriter {
    /// Writes the rows and returns those that the columns cannot hold.
    pub(super) async fn arrive(&mut self, records: &RecordBatch) -> Result<Vec<Reject>> {
        let mut rejects: Vec<Reject> = Vec::new();
        let mut skip: Arc<BTreeSet<usize>> = Arc::default();
        let mut open: Vec<Range<usize>> = std::iter::once(0..records.num_rows()).collect();
        while let Some(range) = open.pop() {
            let rows = Rows {
                encoder: Arc::clone(&self.encoder),
                records: records.clone(),
                range: range.clone(),
                skip: Arc::clone(&skip),
            };
            let mut tally = Tally::default();
            let outcome = Box::pin(self.attempt(rows, &mut tally)).await?;
            if !matches!(outcome, Outcome::NoLoad) {
                let known = tally.rejects.iter().filter_map(|reject| reject.row);
                Arc::make_mut(&mut skip).extend(known);
                rejects.append(&mut tally.rejects);
            }
            match outcome {
                Outcome::Clean => continue,
                Outcome::NoLoad => open.push(range),
                Outcome::Dirty if range.len() > 1 => {
                    let suspects = self.suspects(&range, &skip).await?;
                    open.extend(split(&range, &suspects).into_iter().rev());
                }
                Outcome::Dirty => {
                    let complaint = self.complaint(tally.warnings > 0).await?;
                    rejects.push(self.refused(records, &range, complaint)?);
                }
            }
            self.back().await?;
        }
        rejects.sort_by_key(|reject| reject.row);
        Ok(rejects)
    }

    /// Takes back what the last attempt did.
    async fn back(&mut self) -> Result<()> {
        self.conn
            .query_drop(format!("ROLLBACK TO SAVEPOINT {SAVEPOINT}"))
            .await
            .map_err(classify)
    }

    async fn attempt(&mut self, rows: Rows, tally: &mut Tally) -> Result<Outcome> {
        self.conn
            .query_drop(format!("SAVEPOINT {SAVEPOINT}"))
            .await
            .map_err(classify)?;
        if !is_open(&self.conn) {
            return Err(given_up());
        }
        // A table without columns to write has nothing to load.
        let loads = !self.encoder.columns().is_empty() && !self.shared.no_load.load(Ordering::Relaxed);
        if loads {
            self.load(rows, tally).await
        } else {
            self.insert(rows, tally).await
        }
    }

    async fn load(&mut self, rows: Rows, tally: &mut Tally) -> Result<Outcome> {
        let counted = Arc::new(Mutex::new(Tally::default()));
        let pieces = Pieces::new(rows, Arc::clone(&counted));
        let sent = self.lookout.sent();
        self.conn.set_infile_handler(async move {
            let pieces = pieces.inspect(move |_| {
                sent.fetch_add(1, Ordering::Relaxed);
            });
            let stream: mysql_async::InfileData = futures::stream::iter(pieces).boxed();
            Ok(stream)
        });
        let answer = self.conn.query_drop(&self.statements.load).await;
        *tally = std::mem::take(&mut *counted.lock().unwrap_or_else(PoisonError::into_inner));
        self.judge(answer, tally)
    }

    async fn insert(&mut self, rows: Rows, tally: &mut Tally) -> Result<Outcome> {
        let mut inserts = Inserts::new(rows, &self.statements.insert, &self.target, self.packet_max);
        let mut counted = Tally::default();
        while let Some(sql) = inserts.next(&mut counted)? {
            let answer = self.conn.query_drop(sql).await;
            let outcome = judge(&self.conn, answer, &counted, &self.shared)?;
            tally.rows += counted.rows;
            tally.warnings += counted.warnings;
            tally.rejects.append(&mut counted.rejects);
            (counted.rows, counted.warnings) = (0, 0);
            if !matches!(outcome, Outcome::Clean) {
                return Ok(outcome);
            }
        }
        tally.rejects.append(&mut counted.rejects);
        Ok(Outcome::Clean)
    }

    fn judge(&self, answer: mysql_async::Result<()>, tally: &Tally) -> Result<Outcome> {
        judge(&self.conn, answer, tally, &self.shared)
    }

    /// The rows that the server's warnings number, as far as it keeps them. Each is looked at by itself, so a wrong one costs only time.
    async fn suspects(&mut self, range: &Range<usize>, skip: &BTreeSet<usize>) -> Result<BTreeSet<usize>> {
        let said: Vec<(String, u16, String)> = self.conn.query("SHOW WARNINGS").await.map_err(classify)?;
        let numbered: BTreeSet<usize> = said
            .iter()
            .filter_map(|(.., message)| row_number(message))
            .collect();
        let sent = range.clone().filter(|row| !skip.contains(row)).enumerate();
        Ok(sent
            .filter(|(at, _)| numbered.contains(&(at + 1)))
            .map(|(_, row)| row)
            .collect())
    }

    /// Asks what the server had to say about the last row.
    async fn complaint(&mut self, warned_for_label: bool) -> Result<Option<Complaint>> {
        const TRUNCATED: u16 = 1265;
        let said: Vec<(String, u16, String)> = self.conn.query("SHOW WARNINGS").await.map_err(classify)?;
        let all: Vec<&str> = said.iter().map(|(_, _, message)| message.as_str()).collect();
        let all = all.join("; ");
        let expected = |number: u16| warned_for_label && number == TRUNCATED;
        let first = said.into_iter().find(|(_, number, _)| !expected(*number));
        Ok(first.map(|(_, number, message)| Complaint { number, message, all }))
    }

    /// Makes a reject of a row that the server complained about; an error where the row fits its columns.
    fn refused(
        &self,
        records: &RecordBatch,
        range: &Range<usize>,
        complaint: Option<Complaint>,
    ) -> Result<Reject> {
        let row = range.start;
        let key = self.encoder.key(records, row);
        let Some(complaint) = complaint else {
            return Err(Error::invalid(format!(
                "the row {key} was sent and not written, and the server does not say why"
            ))
            .with_code("data_integrity_error"));
        };
        let rule = format!("{} (error {})", complaint.message, complaint.number);
        if let Some(at) = self.no_json(records, row) {
            return Ok(self.encoder.reject(records, row, at, rule));
        }
        if CONSTRAINTS.contains(&complaint.number) {
            let answer = ServerError {
                code: complaint.number,
                message: complaint.message,
                state: "HY000".to_owned(),
            };
            return Err(classify(mysql_async::Error::Server(answer)).during(format!("the row {key}")));
        }
        let at = self.named(&complaint.all);
        Ok(self.encoder.reject(records, row, at, rule))
    }

    /// The column whose value is no JSON: some servers keep their type by a check, and name only that.
    fn no_json(&self, records: &RecordBatch, row: usize) -> Option<usize> {
        let columns = self.encoder.columns().iter();
        columns.zip(records.columns()).position(|(column, array)| {
            column.logical == LogicalType::Json
                && !array.is_null(row)
                && serde_json::from_str::<serde_json::Value>(array.as_string::<i32>().value(row)).is_err()
        })
    }

    /// The column that the messages name, one way or another.
    fn named(&self, message: &str) -> usize {
        let columns = self.encoder.columns();
        let is_named = |name: &str| {
            let forms = [
                format!("'{name}'"),
                format!("`{name}`"),
                format!(".{name}`"),
                format!(".{name}'"),
            ];
            forms.iter().any(|form| message.contains(form))
        };
        columns
            .iter()
            .position(|column| is_named(&column.name))
            .unwrap_or(0)
    }
}

/// The number at the end of `… at row 17`.
fn row_number(message: &str) -> Option<usize> {
    let (_, number) = message.rsplit_once("at row ")?;
    number.trim_end_matches(['.', ')']).parse().ok()
}

/// Cuts the range around the suspects, or in halves when there is none.
fn split(range: &Range<usize>, suspects: &BTreeSet<usize>) -> Vec<Range<usize>> {
    let middle = range.start + range.len() / 2;
    if suspects.is_empty() {
        return vec![range.start..middle, middle..range.end];
    }
    let mut parts = Vec::with_capacity(2 * suspects.len() + 1);
    let mut from = range.start;
    for &suspect in suspects {
        parts.push(from..suspect);
        parts.push(suspect..suspect + 1);
        from = suspect + 1;
    }
    parts.push(from..range.end);
    parts.retain(|part| !part.is_empty());
    parts
}

/// Compares what was sent with what the server says has arrived.
fn judge(
    conn: &mysql_async::Conn,
    answer: mysql_async::Result<()>,
    tally: &Tally,
    shared: &super::Shared,
) -> Result<Outcome> {
    match answer {
        Ok(()) => {}
        Err(mysql_async::Error::Server(answer)) if NO_LOAD.contains(&answer.code) => {
            shared.no_load.store(true, Ordering::Relaxed);
            return Ok(Outcome::NoLoad);
        }
        Err(error) => {
            let is_server = matches!(error, mysql_async::Error::Server(_));
            let error = classify(error);
            let about_data = matches!(error.code(), "data_integrity_error" | "foreign_key_violation");
            return if is_server && about_data {
                Ok(Outcome::Dirty)
            } else {
                Err(error)
            };
        }
    }
    if !is_open(conn) {
        return Err(given_up());
    }
    let arrived = conn.affected_rows() == tally.rows;
    let warnings = u64::from(conn.get_warnings());
    let expected = tally.warnings <= WARNINGS_MAX && warnings == tally.warnings;
    Ok(if arrived && expected {
        Outcome::Clean
    } else {
        Outcome::Dirty
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suspects_stand_alone_and_nothing_is_lost() {
        for (range, suspects, parts) in [
            (0..10, vec![], vec![0..5, 5..10]),
            (3..10, vec![5], vec![3..5, 5..6, 6..10]),
            (3..6, vec![3, 5], vec![3..4, 4..5, 5..6]),
        ] {
            assert_eq!(split(&range, &suspects.into_iter().collect()), parts);
        }
    }

    #[test]
    fn a_warning_numbers_its_row() {
        assert_eq!(
            row_number("Data truncated for column 'at row 3' at row 17"),
            Some(17)
        );
        assert_eq!(row_number("Duplicate entry '1' for key 'PRIMARY'"), None);
    }
}

//! Rows on their way to the server: as the lines of a LOAD DATA, made piece by piece while they are sent, or as INSERT statements for
//! servers that take no files. Both count what they send, so that what arrived can be compared.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::RecordBatch;
use bytes::Bytes;
use whimbrel_core::{Error, Reject, Result, TableId};

use super::encode::{Cell, EncodeColumn, Encoder};
use crate::quote::{binary_literal, literal, quoted, table_name};

/// Encoded rows go out in pieces of about this size.
const PIECE_BYTES: usize = 256 << 10;

/// An INSERT is closed at this size where the server would take more.
const INSERT_BYTES: usize = 4 << 20;

/// What was sent.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Rows that were sent.
    pub(crate) rows: u64,
    /// Warnings that must come back: one for each enum value without a label.
    pub(crate) warnings: u64,
    /// Rows that were left out, since a column cannot hold them.
    pub(crate) rejects: Vec<Reject>,
}

/// Some rows of a batch.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    pub(crate) encoder: Arc<Encoder>,
    pub(crate) records: RecordBatch,
    pub(crate) range: Range<usize>,
    /// Rows that are known not to fit.
    pub(crate) skip: Arc<BTreeSet<usize>>,
}

/// Where a table's rows go.
#[derive(Debug)]
pub(crate) struct Statements {
    /// `LOAD DATA`.
    pub(crate) load: String,
    /// `INSERT` up to `VALUES`.
    pub(crate) insert: String,
}

impl Statements {
    pub(crate) fn new(table: &TableId, columns: &[EncodeColumn]) -> Self {
        let name = table_name(table);
        let names: Vec<String> = columns.iter().map(|column| quoted(&column.name)).collect();
        Self {
            load: load_statement(&name, columns),
            // IGNORE turns what is wrong with a row into warnings, as a load does; both count as failed with the first.
            insert: format!("INSERT IGNORE INTO {name} ({}) VALUES ", names.join(", ")),
        }
    }
}

/// The lines are text in UTF-8 where every column is; otherwise bytes, and columns that need to know their characters are told.
fn load_statement(table: &str, columns: &[EncodeColumn]) -> String {
    let raw = columns.iter().any(EncodeColumn::is_raw);
    let (mut places, mut conversions) = (Vec::new(), Vec::new());
    for (at, column) in columns.iter().enumerate() {
        let name = quoted(&column.name);
        if raw && !column.takes_text_as_bytes() {
            places.push(format!("@whimbrel_{at}"));
            conversions.push(format!("{name} = CONVERT(@whimbrel_{at} USING utf8mb4)"));
        } else {
            places.push(name);
        }
    }
    let charset = if raw { "binary" } else { "utf8mb4" };
    let conversions = if conversions.is_empty() {
        String::new()
    } else {
        format!(" SET {}", conversions.join(", "))
    };
    format!(
        "LOAD DATA LOCAL INFILE 'chunk' INTO TABLE {table} CHARACTER SET {charset} \
         FIELDS TERMINATED BY '\\t' ENCLOSED BY '' ESCAPED BY '\\\\' LINES TERMINATED BY '\\n' ({}){conversions}",
        places.join(", ")
    )
}

/// The lines of rows in pieces; what they come to stands in the tally when the last piece is out.
pub(crate) struct Pieces {
    rows: Rows,
    tally: Arc<Mutex<Tally>>,
    value: Vec<u8>,
    lines: Bytes,
}

impl Pieces {
    pub(crate) fn new(rows: Rows, tally: Arc<Mutex<Tally>>) -> Self {
        Self {
            rows,
            tally,
            value: Vec::new(),
            lines: Bytes::new(),
        }
    }

    fn refill(&mut self) {
        let mut out = Vec::with_capacity(PIECE_BYTES + PIECE_BYTES / 4);
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        while out.len() < PIECE_BYTES {
            let Some(row) = self.rows.range.next() else {
                break;
            };
            if !self.rows.skip.contains(&row) {
                line(&self.rows, row, &mut self.value, &mut out, &mut tally);
            }
        }
        self.lines = Bytes::from(out);
    }
}

impl Iterator for Pieces {
    type Item = std::io::Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.lines.is_empty() {
            self.refill();
        }
        if self.lines.is_empty() {
            return None;
        }
        // A large row is cut, so that the driver does not hold it once more.
        let length = self.lines.len().min(2 * PIECE_BYTES);
        Some(Ok(self.lines.split_to(length)))
    }
}

fn line(rows: &Rows, row: usize, value: &mut Vec<u8>, out: &mut Vec<u8>, tally: &mut Tally) {
    let (begin, mut warnings) = (out.len(), 0);
    for at in 0..rows.encoder.columns().len() {
        if at > 0 {
            out.push(b'\t');
        }
        value.clear();
        match rows.encoder.cell(&rows.records, row, at, value) {
            Ok(Cell::Null) => out.extend_from_slice(b"\\N"),
            Ok(Cell::Value) => {
                escape(value, out);
                if value.capacity() > PIECE_BYTES {
                    *value = Vec::new();
                }
            }
            Ok(Cell::NoLabel) => warnings += 1,
            Err(rule) => {
                out.truncate(begin);
                tally
                    .rejects
                    .push(rows.encoder.reject(&rows.records, row, at, rule));
                return;
            }
        }
    }
    out.push(b'\n');
    tally.rows += 1;
    tally.warnings += warnings;
}

/// Appends the value with the marks of lines escaped: what lies between two marks is copied at once.
fn escape(value: &[u8], out: &mut Vec<u8>) {
    let is_mark = |byte: u8| matches!(byte, b'\\' | b'\n' | b'\t' | b'\r' | 0);
    if value.len() > PIECE_BYTES {
        // Growing by doubling would hold a large value up to three times more.
        let escaped = value.iter().filter(|byte| is_mark(**byte));
        out.reserve_exact(value.len() + escaped.count() + 1);
    }
    let mut rest = value;
    while !rest.is_empty() {
        let clean = clean_prefix(rest, is_mark);
        let (copied, marked) = rest.split_at(clean);
        out.extend_from_slice(copied);
        let Some((mark, after)) = marked.split_first() else {
            return;
        };
        out.extend_from_slice(match mark {
            b'\n' => b"\\n",
            b'\t' => b"\\t",
            b'\r' => b"\\r",
            0 => b"\\0",
            _ => b"\\\\",
        });
        rest = after;
    }
}

/// How many bytes at the beginning are no marks; looked at in blocks, which the processor compares at once.
#[inline]
fn clean_prefix(bytes: &[u8], is_mark: impl Fn(u8) -> bool) -> usize {
    const BLOCK: usize = 32;
    let mut at = 0;
    for block in bytes.chunks_exact(BLOCK) {
        if block.iter().fold(false, |found, byte| found | is_mark(*byte)) {
            break;
        }
        at += BLOCK;
    }
    let rest = &bytes[at..];
    at + rest.iter().position(|byte| is_mark(*byte)).unwrap_or(rest.len())
}

/// INSERT statements for rows, one after the other.
pub(crate) struct Inserts<'a> {
    rows: Rows,
    head: &'a str,
    table: &'a TableId,
    packet_max: usize,
    /// A row that did not fit the statement before.
    waiting: Option<(String, u64)>,
}

impl<'a> Inserts<'a> {
    pub(crate) fn new(rows: Rows, head: &'a str, table: &'a TableId, packet_max: usize) -> Self {
        Self {
            rows,
            head,
            table,
            packet_max,
            waiting: None,
        }
    }

    /// Returns the next statement, and adds what it sends to the tally; none behind the last.
    pub(crate) fn next(&mut self, tally: &mut Tally) -> Result<Option<String>> {
        let most = INSERT_BYTES.min(self.packet_max);
        let mut sql = String::from(self.head);
        let (mut rows, mut warnings) = (0, 0);
        loop {
            let Some((values, without_label)) = self.values(tally)? else {
                break;
            };
            if rows > 0 && sql.len() + values.len() + 1 > most {
                self.waiting = Some((values, without_label));
                break;
            }
            if rows > 0 {
                sql.push(',');
            }
            sql.push_str(&values);
            rows += 1;
            warnings += without_label;
        }
        tally.rows += rows;
        tally.warnings += warnings;
        Ok((rows > 0).then_some(sql))
    }

    /// The next row that fits its columns, as `(…)`.
    fn values(&mut self, tally: &mut Tally) -> Result<Option<(String, u64)>> {
        if let Some(waiting) = self.waiting.take() {
            return Ok(Some(waiting));
        }
        while let Some(row) = self.rows.range.next() {
            if self.rows.skip.contains(&row) {
                continue;
            }
            match spelled(&self.rows, row) {
                Ok((values, warnings)) => {
                    self.check_size(row, values.len())?;
                    return Ok(Some((values, warnings)));
                }
                Err(reject) => tally.rejects.push(*reject),
            }
        }
        Ok(None)
    }

    fn check_size(&self, row: usize, bytes: usize) -> Result<()> {
        // The command's own byte, and the packet must stay below the limit.
        let needed = self.head.len() + bytes + 2;
        if needed <= self.packet_max {
            return Ok(());
        }
        let key = self.rows.encoder.key(&self.rows.records, row);
        Err(Error::invalid(format!(
            "the row {key} of `{}` needs {needed} bytes in a statement; `max_allowed_packet` is {}",
            self.table, self.packet_max
        ))
        .with_code("packet_too_large")
        .with_hint("`SET GLOBAL local_infile = ON` lets rows of any size in, or raise `max_allowed_packet`"))
    }
}

fn spelled(rows: &Rows, row: usize) -> Result<(String, u64), Box<Reject>> {
    let mut values = String::from("(");
    let (mut value, mut warnings) = (Vec::new(), 0);
    for (at, column) in rows.encoder.columns().iter().enumerate() {
        if at > 0 {
            values.push(',');
        }
        value.clear();
        match rows.encoder.cell(&rows.records, row, at, &mut value) {
            Ok(Cell::Null) => values.push_str("NULL"),
            Ok(Cell::NoLabel) => {
                values.push_str("''");
                warnings += 1;
            }
            Ok(Cell::Value) => match std::str::from_utf8(&value) {
                Ok(text) if !column.is_raw() => values.push_str(&literal(text)),
                Ok(_) | Err(_) => values.push_str(&binary_literal(&value)),
            },
            Err(rule) => return Err(Box::new(rows.encoder.reject(&rows.records, row, at, rule))),
        }
    }
    values.push(')');
    Ok((values, warnings))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, StringArray};
    use whimbrel_core::{LogicalType, arrow_schema};

    use super::*;
    use crate::native::Kind;

    fn column(name: &str, logical: LogicalType, native: &str) -> EncodeColumn {
        EncodeColumn {
            name: name.to_owned(),
            logical,
            kind: Kind::parse(native),
            charset: Some("utf8mb4".to_owned()),
            nullable: true,
            key: name == "a",
            signed_zero: true,
        }
    }

    fn rows(texts: &[&str]) -> Rows {
        let text = LogicalType::text();
        let array: ArrayRef = Arc::new(StringArray::from(texts.to_vec()));
        let records = RecordBatch::try_new(arrow_schema([("a", &text)]), vec![array]).unwrap();
        Rows {
            encoder: Arc::new(Encoder::new(vec![column("a", text, "varchar(40)")])),
            range: 0..texts.len(),
            records,
            skip: Arc::default(),
        }
    }

    #[test]
    fn marks_of_the_lines_are_escaped() {
        let tally = Arc::new(Mutex::new(Tally::default()));
        let pieces = Pieces::new(rows(&["a\tb\\N\nc\r\0", "", "\\N"]), Arc::clone(&tally));
        let sent: Vec<u8> = pieces.flat_map(|piece| piece.unwrap()).collect();
        assert_eq!(sent, b"a\\tb\\\\N\\nc\\r\\0\n\n\\\\N\n");
        assert_eq!(tally.lock().unwrap().rows, 3);
    }

    #[test]
    fn marks_are_escaped_wherever_they_stand() {
        for length in 0..100 {
            for at in 0..length {
                let mut value = vec![b'x'; length];
                value[at] = b'\t';
                let mut out = Vec::new();
                escape(&value, &mut out);
                let wanted = [&value[..at], b"\\t", &value[at + 1..]].concat();
                assert_eq!(out, wanted);
            }
        }
    }

    #[test]
    fn columns_that_need_their_characters_are_told_them_among_bytes() {
        let json = || column("j", LogicalType::Json, "json");
        let text = || column("t", LogicalType::text(), "text");
        let all_text = load_statement("`x`", &[json(), text()]);
        assert!(
            all_text.contains("CHARACTER SET utf8mb4") && all_text.ends_with("(`j`, `t`)"),
            "{all_text}"
        );
        let mixed = load_statement("`x`", &[json(), text(), column("b", LogicalType::Bytes, "blob")]);
        assert!(
            mixed.ends_with("(@whimbrel_0, `t`, `b`) SET `j` = CONVERT(@whimbrel_0 USING utf8mb4)"),
            "{mixed}"
        );
        let mut latin = text();
        latin.charset = Some("latin1".to_owned());
        let latin = load_statement("`x`", &[latin, column("b", LogicalType::Bytes, "blob")]);
        assert!(latin.contains("`t` = CONVERT"), "{latin}");
    }

    #[test]
    fn inserts_stay_below_the_packet_and_name_the_row_that_cannot() {
        let table = TableId::bare("x");
        let head = "INSERT INTO `x` (`a`) VALUES ";
        let mut tally = Tally::default();
        let mut inserts = Inserts::new(rows(&["one", "it's", "three"]), head, &table, 48);
        let mut all = Vec::new();
        while let Some(sql) = inserts.next(&mut tally).unwrap() {
            assert!(sql.len() < 48, "{sql}");
            all.push(sql[head.len()..].to_owned());
        }
        assert_eq!(all, ["('one'),('it''s')", "('three')"]);
        assert_eq!(tally.rows, 3);
        let long = "x".repeat(30);
        let mut inserts = Inserts::new(rows(&[&long]), head, &table, 48);
        let error = inserts.next(&mut tally).unwrap_err();
        assert!(error.to_string().contains("a=xxx"), "{error}");
    }
}

//! Writes rows as the engines' own clients read them fastest: tab-separated text for the servers, statements for
//! SQLite. What the cells are is `rows.rs`.

use std::io::Write as _;

use super::rows::{Cell, Cells};
use super::schema::{Column, Kind};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// How rows become bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// `COPY ... FROM STDIN` of PostgreSQL.
    Copy,
    /// `LOAD DATA` of MariaDB and MySQL.
    LoadData,
    /// The values of an `INSERT` of SQLite.
    Values,
}

/// Rows as bytes, with room that is used again.
#[derive(Debug)]
pub(super) struct Encoder {
    format: Format,
    pub(super) out: Vec<u8>,
    at_start: bool,
}

impl Encoder {
    pub(super) fn new(format: Format) -> Self {
        Self {
            format,
            out: Vec::new(),
            at_start: true,
        }
    }

    pub(super) fn begin_row(&mut self) {
        self.at_start = true;
        if self.format == Format::Values {
            self.out.push(b'(');
        }
    }

    pub(super) fn end_row(&mut self) {
        self.out.push(if self.format == Format::Values {
            b')'
        } else {
            b'\n'
        });
    }

    fn text(&mut self, text: &str) {
        match self.format {
            Format::Copy | Format::LoadData => escape(text.as_bytes(), &mut self.out),
            Format::Values => literal(text, &mut self.out),
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        match self.format {
            Format::Copy => {
                self.out.extend_from_slice(b"\\\\x");
                hex(bytes, &mut self.out);
            }
            Format::LoadData => escape(bytes, &mut self.out),
            Format::Values => {
                self.out.extend_from_slice(b"x'");
                hex(bytes, &mut self.out);
                self.out.push(b'\'');
            }
        }
    }

    /// Quotes what is no number for the engine.
    fn quote(&mut self) {
        if self.format == Format::Values {
            self.out.push(b'\'');
        }
    }
}

impl Cells for Encoder {
    fn cell(&mut self, column: &Column, cell: Cell<'_>) {
        if !self.at_start {
            self.out.push(if self.format == Format::Values {
                b','
            } else {
                b'\t'
            });
        }
        self.at_start = false;
        match cell {
            Cell::Null => self.out.extend_from_slice(match self.format {
                Format::Copy | Format::LoadData => b"\\N",
                Format::Values => b"NULL",
            }),
            Cell::Integer(value) => integer(value, &mut self.out),
            Cell::Bool(value) => self.out.push(if value { b'1' } else { b'0' }),
            Cell::Decimal(units, scale) => {
                // As a number it would lose digits on its way into a column of text.
                self.quote();
                decimal(units, scale, &mut self.out);
                self.quote();
            }
            Cell::Double(value) => write(&mut self.out, format_args!("{value:?}")),
            Cell::Text(text) => self.text(text),
            Cell::Bytes(bytes) => self.bytes(bytes),
            Cell::Date(days) => {
                self.quote();
                date(days, &mut self.out);
                self.quote();
            }
            Cell::Moment(micros) => {
                self.quote();
                moment(micros, &mut self.out);
                if self.format == Format::Copy && column.kind == Kind::TimestampTz {
                    self.out.extend_from_slice(b"+00");
                }
                self.quote();
            }
        }
    }
}

fn write(out: &mut Vec<u8>, arguments: std::fmt::Arguments<'_>) {
    // Writing to memory cannot fail.
    let _written = out.write_fmt(arguments);
}

/// Escapes what separates values and rows, as both servers' text formats agree.
fn escape(bytes: &[u8], out: &mut Vec<u8>) {
    let mut rest = bytes;
    while let Some(at) = rest
        .iter()
        .position(|byte| matches!(byte, 0 | b'\t' | b'\n' | b'\r' | b'\\'))
    {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(match rest[at] {
            0 => b"\\0",
            b'\t' => b"\\t",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            _ => b"\\\\",
        });
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}

fn literal(text: &str, out: &mut Vec<u8>) {
    if text.contains('\r') {
        // The shell of SQLite takes a carriage return before the end of a line away.
        out.extend_from_slice(b"CAST(x'");
        hex(text.as_bytes(), out);
        out.extend_from_slice(b"' AS TEXT)");
        return;
    }
    out.push(b'\'');
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| *byte == b'\'') {
        out.extend_from_slice(&rest[..=at]);
        out.push(b'\'');
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'\'');
}

fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    out.reserve(bytes.len() * 2);
    for byte in bytes {
        out.push(HEX[usize::from(byte >> 4)]);
        out.push(HEX[usize::from(byte & 15)]);
    }
}

fn integer(value: i64, out: &mut Vec<u8>) {
    if value < 0 {
        out.push(b'-');
    }
    digits(value.unsigned_abs(), 1, out);
}

/// Appends the digits of a number, at least as many as told.
fn digits(mut value: u64, least: usize, out: &mut Vec<u8>) {
    let mut room = [b'0'; 20];
    let mut at = room.len();
    while value > 0 || room.len() - at < least {
        at -= 1;
        room[at] = b'0' + u8::try_from(value % 10).unwrap_or(0);
        value /= 10;
    }
    out.extend_from_slice(&room[at..]);
}

fn decimal(units: i64, scale: u8, out: &mut Vec<u8>) {
    let one = 10_u64.pow(u32::from(scale));
    if units < 0 {
        out.push(b'-');
    }
    digits(units.unsigned_abs() / one, 1, out);
    if scale > 0 {
        out.push(b'.');
        digits(units.unsigned_abs() % one, usize::from(scale), out);
    }
}

/// Appends year, month and day, by the proleptic Gregorian calendar.
fn date(days: i64, out: &mut Vec<u8>) {
    // Years start in March here, so that the leap day is the last.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let year = era * 400 + year_of_era + i64::from(month >= 10);
    let month = if month < 10 { month + 3 } else { month - 9 };
    digits(year.unsigned_abs(), 4, out);
    out.push(b'-');
    digits(month.unsigned_abs(), 2, out);
    out.push(b'-');
    digits(day.unsigned_abs(), 2, out);
}

fn moment(micros: i64, out: &mut Vec<u8>) {
    date(micros.div_euclid(86_400_000_000), out);
    let of_day = micros.rem_euclid(86_400_000_000).unsigned_abs();
    for (separator, unit, modulus) in [
        (b' ', 3_600_000_000, 24),
        (b':', 60_000_000, 60),
        (b':', 1_000_000, 60),
    ] {
        out.push(separator);
        digits(of_day / unit % modulus, 2, out);
    }
    out.push(b'.');
    digits(of_day % 1_000_000, 6, out);
}

#[cfg(test)]
mod tests {
    use super::{Encoder, Format};
    use crate::dataset::rows::{Cell, Cells};
    use crate::dataset::schema::{Fill, Kind, maybe};

    fn written(format: Format, kind: Kind, cell: Cell<'_>) -> Vec<u8> {
        let mut encoder = Encoder::new(format);
        encoder.cell(&maybe("a", kind, 1, Fill::Id), cell);
        encoder.out
    }

    /// The formats of PostgreSQL, MariaDB and SQLite, in this order.
    fn check(kind: Kind, cell: Cell<'_>, expected: [&str; 3]) {
        for (format, expected) in [Format::Copy, Format::LoadData, Format::Values]
            .into_iter()
            .zip(expected)
        {
            let written = written(format, kind, cell);
            assert_eq!(String::from_utf8_lossy(&written), expected, "{format:?}");
        }
    }

    #[test]
    fn escapes_what_separates_values_and_rows() {
        check(
            Kind::Text,
            Cell::Text("a\tb\nc\\N'd"),
            ["a\\tb\\nc\\\\N'd", "a\\tb\\nc\\\\N'd", "'a\tb\nc\\N''d'"],
        );
        check(
            Kind::Text,
            Cell::Text("\r\n"),
            ["\\r\\n", "\\r\\n", "CAST(x'0d0a' AS TEXT)"],
        );
        check(Kind::Text, Cell::Text("''"), ["''", "''", "''''''"]);
    }

    #[test]
    fn tells_null_from_the_text_that_looks_like_it_and_from_nothing() {
        check(Kind::Text, Cell::Null, ["\\N", "\\N", "NULL"]);
        check(Kind::Text, Cell::Text("\\N"), ["\\\\N", "\\\\N", "'\\N'"]);
        check(Kind::Text, Cell::Text("NULL"), ["NULL", "NULL", "'NULL'"]);
        check(Kind::Text, Cell::Text(""), ["", "", "''"]);
    }

    #[test]
    fn writes_every_byte_of_a_blob() {
        check(
            Kind::Bytes,
            Cell::Bytes(b"\0\t\n\r\\'A"),
            ["\\\\x00090a0d5c2741", "\\0\\t\\n\\r\\\\'A", "x'00090a0d5c2741'"],
        );
        let high = written(Format::LoadData, Kind::Bytes, Cell::Bytes(&[0x80, 0xff]));
        assert_eq!(high, [0x80, 0xff]);
    }

    #[test]
    fn keeps_the_zeros_of_a_decimal_and_its_sign() {
        for (units, scale, expected) in [
            (0, 2, "0.00"),
            (5, 2, "0.05"),
            (-5, 2, "-0.05"),
            (-12_345, 4, "-1.2345"),
            (i64::MAX, 10, "922337203.6854775807"),
        ] {
            let quoted = format!("'{expected}'");
            check(
                Kind::Decimal(20, scale),
                Cell::Decimal(units, scale),
                [expected, expected, &quoted],
            );
        }
    }

    #[test]
    fn knows_the_calendar() {
        for (days, expected) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (-10_958, "1940-01-01"),
            (20_454, "2026-01-01"),
        ] {
            let quoted = format!("'{expected}'");
            check(Kind::Date, Cell::Date(days), [expected, expected, &quoted]);
        }
        check(
            Kind::TimestampTz,
            Cell::Moment(-1),
            [
                "1969-12-31 23:59:59.999999+00",
                "1969-12-31 23:59:59.999999",
                "'1969-12-31 23:59:59.999999'",
            ],
        );
    }

    #[test]
    fn separates_the_cells_of_a_row() {
        for (format, expected) in [
            (Format::Copy, "1\t-2\n"),
            (Format::LoadData, "1\t-2\n"),
            (Format::Values, "(1,-2)"),
        ] {
            let mut encoder = Encoder::new(format);
            let column = maybe("a", Kind::BigInt, 1, Fill::Id);
            encoder.begin_row();
            encoder.cell(&column, Cell::Integer(1));
            encoder.cell(&column, Cell::Integer(-2));
            encoder.end_row();
            assert_eq!(String::from_utf8_lossy(&encoder.out), expected);
        }
    }
}

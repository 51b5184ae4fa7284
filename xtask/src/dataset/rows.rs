//! Makes the rows: each from the seed, its table and its number alone. How a cell is written for an engine is
//! `encode.rs`.

use std::fmt::Write as _;

use super::random::Random;
use super::schema::{Code, Column, Fill, Kind, Name, Table};
use super::tables::TABLES;
use super::words;

const DAY_MICROS: i64 = 86_400_000_000;
/// Distinguishes the draws that rows share from those of one row.
const SHARED: u64 = 1 << 32;

/// One value of a row, as the engines have to take it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cell<'a> {
    Null,
    Integer(i64),
    Bool(bool),
    /// Units and digits behind the point.
    Decimal(i64, u8),
    Double(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
    /// Days since 1970.
    Date(i64),
    /// Microseconds since 1970.
    Moment(i64),
}

/// What takes the cells of a row, in the order of the columns.
pub(super) trait Cells {
    fn cell(&mut self, column: &Column, cell: Cell<'_>);
}

/// The seed and the scale: all that decides what the rows are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Recipe {
    pub(super) seed: u64,
    pub(super) thousandths: u64,
}

impl Recipe {
    /// Returns the number of rows of a table.
    pub(super) fn count(self, name: Name) -> u64 {
        TABLES[name as usize].rows(self.thousandths)
    }
}

/// A row that is being made.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) recipe: Recipe,
    /// From 0.
    pub(super) index: u64,
    pub(super) random: Random,
}

impl Row {
    /// Returns the number of the row, from 1.
    pub(super) fn id(&self) -> i64 {
        number(self.index + 1)
    }

    /// Returns the number of any row of that table.
    pub(super) fn any(&mut self, name: Name) -> i64 {
        number(self.random.below(self.recipe.count(name)) + 1)
    }

    /// Returns random numbers that all rows get which ask with the same name and number.
    pub(super) fn shared(&self, name: Name, number: u64) -> Random {
        Random::of(self.recipe.seed, SHARED + name as u64, number)
    }
}

/// Returns the number as the engines count.
pub(super) fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Makes the rows of one table and keeps the room that their values need.
#[derive(Debug)]
pub(super) struct Rows {
    recipe: Recipe,
    table: &'static Table,
    table_number: u64,
    text: String,
    bytes: Vec<u8>,
}

impl Rows {
    pub(super) fn new(recipe: Recipe, name: Name) -> Self {
        Self {
            recipe,
            table: &TABLES[name as usize],
            table_number: name as u64,
            text: String::new(),
            bytes: Vec::new(),
        }
    }

    /// Gives away the cells of the row with that index.
    pub(super) fn make(&mut self, index: u64, cells: &mut impl Cells) {
        let mut row = Row {
            recipe: self.recipe,
            index,
            random: Random::of(self.recipe.seed, self.table_number, index),
        };
        for column in self.table.columns {
            if column.null_percent > 0 && row.random.percent(column.null_percent) {
                cells.cell(column, Cell::Null);
                continue;
            }
            self.text.clear();
            let cell = self.fill(&mut row, column);
            cells.cell(column, cell);
        }
    }

    fn fill(&mut self, row: &mut Row, column: &Column) -> Cell<'_> {
        match column.fill {
            Fill::Id => Cell::Integer(row.id()),
            Fill::Any(name) => Cell::Integer(row.any(name)),
            Fill::Rule(rule) => match rule(row) {
                // What a rule cannot find, such as the head of the first, does not exist.
                0 => Cell::Null,
                found => Cell::Integer(found),
            },
            Fill::Between(low, high) => Cell::Integer(row.random.between(low, high)),
            Fill::Percent(percent) => Cell::Bool(row.random.percent(percent)),
            Fill::Units(low, high) => Cell::Decimal(row.random.between(low, high), scale(column.kind)),
            Fill::Float => Cell::Double(float(&mut row.random)),
            Fill::Day(first, last) => Cell::Date(row.random.between(first, last)),
            Fill::DayRule(rule) => Cell::Date(rule(row)),
            Fill::Moment(first, last) => {
                let moment = row.random.between(first * DAY_MICROS, last * DAY_MICROS);
                // Programs write whole seconds, too.
                let whole = row.random.percent(20);
                Cell::Moment(if whole {
                    moment - moment.rem_euclid(1_000_000)
                } else {
                    moment
                })
            }
            Fill::Blob(least, most) => {
                blob(&mut row.random, (least, most), &mut self.bytes);
                Cell::Bytes(&self.bytes)
            }
            Fill::Huge
            | Fill::Code(..)
            | Fill::OneOf(_)
            | Fill::Numbered(_)
            | Fill::Email
            | Fill::Person
            | Fill::Title
            | Fill::Prose(..)
            | Fill::Note
            | Fill::Hex(_)
            | Fill::Uuid
            | Fill::Payload
            | Fill::Address
            | Fill::Agent => {
                text(row, column.fill, &mut self.text);
                Cell::Text(&self.text)
            }
        }
    }
}

fn scale(kind: Kind) -> u8 {
    if let Kind::Decimal(_, scale) = kind {
        scale
    } else {
        0
    }
}

/// Returns a number of at most 15 digits, which every engine reads and writes alike; never zero, so never -0.
fn float(random: &mut Random) -> f64 {
    let digits = random.between(1, 999_999_999);
    let power = random.pick(&[1.0, 2.0, 8.0, 64.0]);
    let sign = if random.percent(30) { -1.0 } else { 1.0 };
    i32::try_from(digits).map_or(1.0, |digits| sign * f64::from(digits) / power)
}

fn blob(random: &mut Random, (least, most): (u64, u64), out: &mut Vec<u8>) {
    let first = random.below(most - least + 1);
    // The lesser of two draws: small ones are more frequent, as files are.
    let length = least + first.min(random.below(most - least + 1));
    out.clear();
    while number(length) > number(out.len().try_into().unwrap_or(u64::MAX)) {
        out.extend_from_slice(&random.next().to_le_bytes());
    }
    out.truncate(usize::try_from(length).unwrap_or(0));
}

fn text(row: &mut Row, fill: Fill, out: &mut String) {
    let id = row.id();
    match fill {
        Fill::Code(code, pick) => {
            let index = pick(row);
            write_code(code, index, out);
        }
        Fill::OneOf(choices) => out.push_str(row.random.pick(choices)),
        Fill::Numbered(prefix) => format_into(out, format_args!("{prefix}{id:08}")),
        Fill::Email => {
            words::word(&mut row.random, out);
            format_into(out, format_args!(".{id}@example."));
            out.push_str(row.random.pick(&["com", "org", "net", "de", "co.uk"]));
        }
        Fill::Person => words::person(&mut row.random, out),
        Fill::Title => words::title(&mut row.random, out),
        Fill::Prose(least, most) => {
            let spread = most - least + 1;
            let bytes = least + row.random.below(spread).min(row.random.below(spread));
            words::prose(&mut row.random, bytes, out);
        }
        Fill::Note => words::note(&mut row.random, out),
        Fill::Hex(digits) => words::hex(&mut row.random, digits, out),
        Fill::Uuid => words::uuid(&mut row.random, out),
        Fill::Payload => payload(row, out),
        Fill::Huge => {
            let whole = row.random.next();
            let rest = row.random.below(10_000_000_000);
            format_into(out, format_args!("{whole}.{rest:010}"));
        }
        Fill::Address => {
            let random = &mut row.random;
            let [a, b, c] = [random.below(256), random.below(256), random.below(256)];
            format_into(out, format_args!("10.{a}.{b}.{c}"));
        }
        Fill::Agent => {
            let random = &mut row.random;
            let [major, minor] = [random.below(140), random.below(5000)];
            let system = random.pick(&["X11; Linux x86_64", "Windows NT 10.0; Win64; x64", "Macintosh"]);
            format_into(
                out,
                format_args!("Mozilla/5.0 ({system}) Chrome/{major}.0.{minor}.0"),
            );
        }
        Fill::Id
        | Fill::Any(_)
        | Fill::Rule(_)
        | Fill::Between(..)
        | Fill::Percent(_)
        | Fill::Units(..)
        | Fill::Float
        | Fill::Blob(..)
        | Fill::Day(..)
        | Fill::Moment(..)
        | Fill::DayRule(_) => unreachable!("`Rows::fill` makes all that is not text"),
    }
}

fn format_into(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _written = out.write_fmt(arguments);
}

fn write_code(code: Code, index: u64, out: &mut String) {
    let mut letter = |value: u64| out.push(char::from(b'A' + u8::try_from(value % 26).unwrap_or(0)));
    match code {
        Code::Country => {
            letter(index / 26);
            letter(index);
        }
        Code::Currency => {
            letter(index / 26);
            letter(index);
            letter(index * 7);
        }
        Code::Warehouse => format_into(out, format_args!("WH-{:03}", index + 1)),
    }
}

/// Appends a JSON object with its keys ordered by length and bytes, as the binary kinds of JSON order them: so its
/// text stays what it is wherever it goes.
fn payload(row: &mut Row, out: &mut String) {
    let user = row.random.below(1_000_000);
    let mut label = String::new();
    words::note(&mut row.random, &mut label);
    let random = &mut row.random;
    match random.below(4) {
        0 => {
            let (page, milliseconds) = (random.below(500), random.below(90_000));
            format_into(out, format_args!("{{\"path\": \"/products/{page}\", \"query\": "));
            words::quoted_json(&label, out);
            format_into(
                out,
                format_args!(", \"referrer\": null, \"duration_ms\": {milliseconds}}}"),
            );
        }
        1 => {
            let (first, second, euros) = (random.below(100_000), random.below(100_000), random.below(1000));
            let cents = random.below(9) + 1;
            format_into(
                out,
                format_args!("{{\"cart\": [{{\"sku\": {first}, \"count\": 1}}, {{\"sku\": {second}, "),
            );
            format_into(out, format_args!("\"count\": 3}}], \"note\": "));
            words::quoted_json(&label, out);
            format_into(
                out,
                format_args!(", \"guest\": false, \"total\": {euros}.{cents}}}"),
            );
        }
        2 => {
            let size = random.pick(&["small", "medium", "large"]);
            format_into(
                out,
                format_args!("{{\"tags\": [\"{size}\", \"größe\", \"🙂\"], \"user\": {user}, "),
            );
            out.push_str("\"active\": true, \"device\": {\"os\": \"linux\", \"dpi\": [1, 2, 3], \"name\": ");
            words::quoted_json(&label, out);
            out.push_str("}}");
        }
        _ => format_into(
            out,
            format_args!("{{\"id\": {user}, \"ok\": true, \"extra\": {{}}, \"items\": []}}"),
        ),
    }
}

//! Makes the rows: each from the seed, its table and its number alone. How a cell is written for an engine is
//! `encode.rs`.

use std::fmt::Write as _;

use super::random::Random;
use super::schema::{Code, Column, Fill, Kind, Name, Recipe, Row, Table};
use super::tables::TABLES;
use super::words;

const DAY_MICROS: i64 = 86_400_000_000;

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

/// Makes the rows of one table and keeps the room that their values need.
#[derive(Debug)]
pub(super) struct Rows<'a> {
    recipe: &'a Recipe,
    table: &'static Table,
    table_number: u64,
    text: String,
    bytes: Vec<u8>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(recipe: &'a Recipe, name: Name) -> Self {
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

    fn fill(&mut self, row: &mut Row<'_>, column: &Column) -> Cell<'_> {
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
    let length = usize::try_from(length).unwrap_or(0);
    while out.len() < length {
        out.extend_from_slice(&random.next().to_le_bytes());
    }
    out.truncate(length);
}

fn text(row: &mut Row<'_>, fill: Fill, out: &mut String) {
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
fn payload(row: &mut Row<'_>, out: &mut String) {
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

#[cfg(test)]
mod tests {
    use super::Rows;
    use crate::dataset::encode::{Encoder, Format};
    use crate::dataset::schema::{Name, Recipe};
    use crate::dataset::tables::{TABLES, recipe};

    fn row(recipe: &Recipe, name: Name, index: u64) -> Vec<u8> {
        let mut encoder = Encoder::new(Format::Copy);
        Rows::new(recipe, name).make(index, &mut encoder);
        encoder.out
    }

    #[test]
    fn a_row_is_the_same_alone_and_after_others() {
        let recipe = recipe(1, 2);
        for name in Name::ALL {
            let mut rows = Rows::new(&recipe, name);
            for index in (0..recipe.count(name).min(50)).rev() {
                let mut encoder = Encoder::new(Format::Copy);
                rows.make(index, &mut encoder);
                assert_eq!(encoder.out, row(&recipe, name, index), "{name:?} {index}");
            }
        }
    }

    #[test]
    fn another_seed_makes_other_rows() {
        let (one, two) = (recipe(1, 1), recipe(2, 1));
        for name in Name::ALL {
            let differ = (0..20).any(|index| row(&one, name, index) != row(&two, name, index));
            assert!(differ, "{name:?}");
        }
    }

    #[test]
    fn text_has_what_breaks_careless_programs_and_nothing_that_an_engine_lacks() {
        let recipe = recipe(1, 2);
        let mut text = String::new();
        for name in Name::ALL {
            if TABLES[name as usize].columns.len() == 60 {
                continue; // Its values are in other tables, too.
            }
            for index in 0..recipe.count(name).min(400) {
                text.push_str(&String::from_utf8(row(&recipe, name, index)).unwrap());
                text.push('\n');
            }
        }
        for needed in [
            "\\t",
            "\\n",
            "\\r",
            "\\\\",
            "'",
            "\"",
            ";",
            "\\N",
            "\\\\N",
            "🙂",
            "e\u{301}",
            "שלום",
            "日本語",
            "\u{1}",
            "\u{7f}",
            "\t\t",
        ] {
            assert!(text.contains(needed), "{needed:?}");
        }
        for lacking in ["\0", "\\0", "NaN", "inf", "\t-0.0\t"] {
            assert!(!text.contains(lacking), "{lacking:?}");
        }
    }
}

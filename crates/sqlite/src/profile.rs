//! The profile: one pass over every row of a table. Shapes are counted under the names in [`shape`], which the dialect reads.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use whimbrel_core::{
    Column, ColumnProfile, ForeignKeyProfile, Result, StorageClasses, Table, TableProfile, UniqueProfile,
    is_decimal, is_late_uuid, named, parse_date, parse_time, parse_timestamp,
};

use crate::codec::{decimal, exact_real, lower_uuid, real_text, shown, size_of};
use crate::declared::Declared;
use crate::error::During;
use crate::foreign_keys::{inexact, orphans};
use crate::sql::{quote, quote_all};

/// Names of the shapes that are counted.
pub(crate) mod shape {
    /// Texts that are days.
    pub(crate) const DATE: &str = "iso_date";
    /// Texts that are times of day.
    pub(crate) const TIME: &str = "iso_time";
    /// Texts that are points in time without an offset.
    pub(crate) const TIMESTAMP: &str = "iso_timestamp";
    /// Texts that are points in time with an offset.
    pub(crate) const TIMESTAMP_ZONED: &str = "iso_timestamp_zoned";
    /// Those of them whose offset is not zero.
    pub(crate) const TIMESTAMP_OFFSET: &str = "iso_timestamp_offset";
    /// Texts that are JSON; counted where JSON is declared.
    pub(crate) const JSON: &str = "json";
    /// Texts that are canonical UUIDs.
    pub(crate) const UUID: &str = "uuid";
    /// Of these, those that not every engine's own type holds.
    pub(crate) const LATE_UUIDS: &str = whimbrel_core::LATE_UUIDS;
    /// Integers 0 and 1.
    pub(crate) const BIT: &str = "zero_or_one";
    /// Texts that are plain decimals.
    pub(crate) const DECIMAL: &str = "decimal_text";
    /// Integers that no 64-bit float is exactly.
    pub(crate) const INEXACT: &str = "inexact_integer";
    /// Reals that are infinite.
    pub(crate) const INFINITE: &str = "infinite";
    /// Most digits before the point over all numbers and decimal texts.
    pub(crate) const WHOLE_DIGITS: &str = "decimal_whole_digits_max";
    /// Most digits after the point, trailing zeros apart.
    pub(crate) const PLACES: &str = "decimal_places_max";
}

/// A shape by its place: what is counted for each value is not looked up by its name.
#[derive(Debug, Clone, Copy)]
enum Shape {
    Date,
    Time,
    Timestamp,
    TimestampZoned,
    TimestampOffset,
    Json,
    Uuid,
    LateUuid,
    Bit,
    Decimal,
    Inexact,
    Infinite,
    WholeDigits,
    Places,
}

impl Shape {
    /// All of them in the order of their places, with their names.
    const ALL: [(Self, &'static str); 14] = [
        (Self::Date, shape::DATE),
        (Self::Time, shape::TIME),
        (Self::Timestamp, shape::TIMESTAMP),
        (Self::TimestampZoned, shape::TIMESTAMP_ZONED),
        (Self::TimestampOffset, shape::TIMESTAMP_OFFSET),
        (Self::Json, shape::JSON),
        (Self::Uuid, shape::UUID),
        (Self::LateUuid, shape::LATE_UUIDS),
        (Self::Bit, shape::BIT),
        (Self::Decimal, shape::DECIMAL),
        (Self::Inexact, shape::INEXACT),
        (Self::Infinite, shape::INFINITE),
        (Self::WholeDigits, shape::WHOLE_DIGITS),
        (Self::Places, shape::PLACES),
    ];
}

/// Texts longer than this are kept out of smallest and largest.
const EDGE_BYTES_MAX: usize = 64;
/// Dates and times are looked for in texts up to this length.
const MOMENT_BYTES_MAX: usize = 40;
/// How many shared values are shown.
const EXAMPLES_MAX: i64 = 5;

/// Returns what one pass over the table finds.
pub(crate) fn profile(connection: &Connection, table: &Table) -> Result<TableProfile> {
    let what = || format!("profile `{}`", table.id);
    let transaction = connection.unchecked_transaction().during(what)?;
    let mut profile = scan(connection, table)?;
    profile.foreign_keys = orphans(connection, table)?
        .into_iter()
        .zip(&table.foreign_keys)
        .map(|(found, key)| {
            Ok(ForeignKeyProfile {
                columns: key.columns.clone(),
                orphans: found.count,
                examples: found.examples,
                inexact: inexact(connection, table, key)?,
            })
        })
        .collect::<Result<_>>()?;
    profile.uniques = uniques(connection, table, &profile)?;
    transaction.finish().during(what)?;
    Ok(profile)
}

fn scan(connection: &Connection, table: &Table) -> Result<TableProfile> {
    let what = || format!("profile `{}`", table.id);
    let names: Vec<String> = table
        .columns
        .iter()
        .map(|column| format!("t.{}", quote(&column.name)))
        .collect();
    let mut profile = TableProfile::default();
    let mut columns: Vec<Scan> = table.columns.iter().map(Scan::of).collect();
    let list = if names.is_empty() {
        "NULL".to_owned()
    } else {
        names.join(", ")
    };
    let sql = format!("SELECT {list} FROM {} t", quote(&table.id.name));
    let mut statement = connection.prepare(&sql).during(what)?;
    let mut rows = statement.query([]).during(what)?;
    while let Some(row) = rows.next().during(what)? {
        let bytes = scan_row(row, &mut columns).during(what)?;
        profile.rows += 1;
        profile.bytes += bytes;
        profile.row_bytes_max = profile.row_bytes_max.max(bytes);
    }
    profile.columns = columns
        .into_iter()
        .map(|scan| (scan.name.clone(), scan.finish()))
        .collect();
    Ok(profile)
}

fn scan_row(row: &Row<'_>, columns: &mut [Scan]) -> rusqlite::Result<u64> {
    let mut bytes = 0;
    for (at, column) in columns.iter_mut().enumerate() {
        let value = row.get_ref(at)?;
        let size = u64::try_from(size_of(value)).unwrap_or(u64::MAX);
        bytes += size;
        column.see(value, size);
    }
    Ok(bytes)
}

/// The pass over one column.
struct Scan {
    name: String,
    declared: Declared,
    found: ColumnProfile,
    classes: StorageClasses,
    /// What was counted of each shape; none where it was not met.
    shapes: [Option<u64>; Shape::ALL.len()],
    numbers: Option<(Number, Number)>,
    texts: Option<(String, String)>,
    long_text: bool,
}

/// A number of either class, ordered by value.
#[derive(Clone, Copy)]
enum Number {
    Integer(i64),
    Real(f64),
}

impl Number {
    #[expect(
        clippy::cast_precision_loss,
        reason = "only the order of edges that are shown depends on it"
    )]
    fn is_below(self, other: Self) -> bool {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a < b,
            (Self::Integer(a), Self::Real(b)) => (a as f64) < b,
            (Self::Real(a), Self::Integer(b)) => a < b as f64,
            (Self::Real(a), Self::Real(b)) => a < b,
        }
    }

    fn text(self) -> String {
        match self {
            Self::Integer(number) => number.to_string(),
            Self::Real(real) => real_text(real),
        }
    }
}

impl Scan {
    fn of(column: &Column) -> Self {
        Self {
            name: column.name.clone(),
            declared: Declared::new(&column.native),
            found: ColumnProfile::default(),
            classes: StorageClasses::default(),
            shapes: [None; Shape::ALL.len()],
            numbers: None,
            texts: None,
            long_text: false,
        }
    }

    fn see(&mut self, value: ValueRef<'_>, size: u64) {
        self.found.bytes_max = self.found.bytes_max.max(size);
        match value {
            ValueRef::Null => self.found.nulls += 1,
            ValueRef::Integer(number) => self.see_integer(number),
            ValueRef::Real(real) => self.see_real(real),
            ValueRef::Text(bytes) => self.see_text(bytes),
            ValueRef::Blob(_) => self.classes.blob += 1,
        }
    }

    fn count(&mut self, shape: Shape) {
        *self.shapes[shape as usize].get_or_insert(0) += 1;
    }

    fn see_integer(&mut self, number: i64) {
        self.classes.integer += 1;
        self.see_number(Number::Integer(number));
        if matches!(number, 0 | 1) {
            self.count(Shape::Bit);
        }
        if exact_real(number).is_none() {
            self.count(Shape::Inexact);
        }
        if self.declared.is_decimal() {
            self.see_digits(&number.to_string());
        }
    }

    fn see_real(&mut self, real: f64) {
        self.classes.real += 1;
        self.see_number(Number::Real(real));
        if real.is_infinite() {
            self.count(Shape::Infinite);
        } else if self.declared.is_decimal() {
            self.see_digits(&decimal(ValueRef::Real(real)).unwrap_or_default());
        }
    }

    fn see_number(&mut self, number: Number) {
        let (min, max) = self.numbers.get_or_insert((number, number));
        if number.is_below(*min) {
            *min = number;
        }
        if max.is_below(number) {
            *max = number;
        }
    }

    fn see_digits(&mut self, digits: &str) {
        let digits = digits.trim_start_matches('-');
        let (whole, places) = digits.split_once('.').unwrap_or((digits, ""));
        for (shape, length) in [
            (Shape::WholeDigits, whole.trim_start_matches('0').len()),
            (Shape::Places, places.trim_end_matches('0').len()),
        ] {
            let most = self.shapes[shape as usize].get_or_insert(0);
            *most = u64::try_from(length).unwrap_or(u64::MAX).max(*most);
        }
    }

    fn see_text(&mut self, bytes: &[u8]) {
        self.classes.text += 1;
        let Ok(text) = std::str::from_utf8(bytes) else {
            self.found.invalid_text += 1;
            self.found.nul_text += u64::from(bytes.contains(&0));
            return;
        };
        self.found.nul_text += u64::from(bytes.contains(&0));
        let chars = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
        self.found.chars_max = self.found.chars_max.max(chars);
        self.see_edge(text);
        if self.declared.is_json() && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
            self.count(Shape::Json);
        }
        if text.len() == 36
            && let Some(uuid) = lower_uuid(text)
        {
            self.count(Shape::Uuid);
            if is_late_uuid(&uuid) {
                self.count(Shape::LateUuid);
            }
        }
        if text.len() > MOMENT_BYTES_MAX
            || !text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c))
        {
            return;
        }
        if is_decimal(text) {
            self.count(Shape::Decimal);
            self.see_digits(text);
        } else {
            self.see_moment(text);
        }
    }

    fn see_moment(&mut self, text: &str) {
        if parse_date(text).is_some() {
            self.count(Shape::Date);
        } else if parse_time(text).is_some() {
            self.count(Shape::Time);
        } else if parse_timestamp(text, false).is_some() {
            self.count(Shape::Timestamp);
        } else if parse_timestamp(text, true).is_some() {
            self.count(Shape::TimestampZoned);
            if !["Z", "+00:00", "+00", "+0000"]
                .iter()
                .any(|zero| text.ends_with(zero))
            {
                self.count(Shape::TimestampOffset);
            }
        }
    }

    fn see_edge(&mut self, text: &str) {
        if text.len() > EDGE_BYTES_MAX {
            self.long_text = true;
            self.texts = None;
        }
        if self.long_text {
            return;
        }
        match &mut self.texts {
            None => self.texts = Some((text.to_owned(), text.to_owned())),
            Some((min, _)) if text < min.as_str() => text.clone_into(min),
            Some((_, max)) if text > max.as_str() => text.clone_into(max),
            Some(_) => {}
        }
    }

    fn finish(mut self) -> ColumnProfile {
        let edges = match (self.numbers, self.texts) {
            (Some((min, max)), _) => Some((min.text(), max.text())),
            (None, texts) => texts,
        };
        (self.found.min, self.found.max) = edges.unzip();
        self.found.classes = Some(self.classes);
        let counted = Shape::ALL.iter().zip(self.shapes);
        let counted = counted.filter_map(|((_, name), count)| Some(((*name).to_owned(), count?)));
        self.found.shapes = counted.collect();
        self.found
    }
}

/// Keys whose values are different to the engine and may be one as text: only where a column holds several storage classes.
fn uniques(connection: &Connection, table: &Table, profile: &TableProfile) -> Result<Vec<UniqueProfile>> {
    let plain = table
        .indexes
        .iter()
        .filter(|index| index.unique && index.predicate.is_none())
        .filter_map(|index| {
            let columns: Option<Vec<String>> = index.parts.iter().map(|part| part.column.clone()).collect();
            Some((index.name.clone(), columns?))
        });
    let keys = table
        .primary_key
        .iter()
        .chain(&table.uniques)
        .map(|key| (key.name.clone(), key.columns.clone()))
        .chain(plain);
    keys.map(|(name, columns)| {
        let mixed = columns.iter().any(|column| {
            let classes = profile.columns.get(column).and_then(|found| found.classes);
            classes.is_some_and(|classes| held(classes) > 1)
        });
        let (duplicates, examples) = if mixed {
            shared(connection, table, &columns)?
        } else {
            (0, Vec::new())
        };
        Ok(UniqueProfile {
            name,
            columns,
            equalities: Vec::new(),
            duplicates,
            examples,
        })
    })
    .collect()
}

/// Returns how many storage classes are there.
pub(crate) fn held(classes: StorageClasses) -> usize {
    [classes.integer, classes.real, classes.text, classes.blob]
        .into_iter()
        .filter(|count| *count > 0)
        .count()
}

fn shared(connection: &Connection, table: &Table, columns: &[String]) -> Result<(u64, Vec<String>)> {
    let texts: Vec<String> = columns
        .iter()
        .map(|column| format!("CAST({} AS TEXT) COLLATE BINARY", quote(column)))
        .collect();
    let not_null: Vec<String> = columns
        .iter()
        .map(|column| format!("{} IS NOT NULL", quote(column)))
        .collect();
    let groups = format!(
        "SELECT {} FROM {} WHERE {} GROUP BY {} HAVING count(*) > 1",
        quote_all(columns),
        quote(&table.id.name),
        not_null.join(" AND "),
        texts.join(", ")
    );
    let read = || -> rusqlite::Result<(u64, Vec<String>)> {
        let count: i64 =
            connection.query_row(&format!("SELECT count(*) FROM ({groups})"), [], |row| row.get(0))?;
        let mut statement = connection.prepare(&format!("{groups} LIMIT {EXAMPLES_MAX}"))?;
        let text = |row: &Row<'_>| {
            let parts = columns
                .iter()
                .enumerate()
                .map(|(at, name)| Ok(named(name, shown(row.get_ref(at)?))))
                .collect::<rusqlite::Result<Vec<_>>>()?;
            Ok(parts.join(", "))
        };
        let examples = statement.query_map([], text)?.collect::<rusqlite::Result<_>>()?;
        Ok((count.unsigned_abs(), examples))
    };
    read().during(|| format!("look for equal keys in `{}`", table.id))
}

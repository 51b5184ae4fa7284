//! Types both ways: native types into logical ones here, logical into native ones in `mapping/native.rs`; collations, what related
//! servers share, rows that grow too long and values that do not fit in modules of their own.
//!
//! Choices of a source: `boolean` or `smallint`, `bigint` or `numeric`, `time` or `interval`, `bytes` or `uuid`, and `text` for what has a type
//! that some of its values do not have. For text that is not valid in its character set: `bytes` or `reject`.

mod adopt;
mod collation;
mod fit;
mod misfit;
mod native;
mod room;

use whimbrel_core::{Catalog, Column, ColumnProfile, LogicalType, Mapped};

pub(super) use adopt::adopt;
pub(super) use collation::{charset, collation, equality};
pub(super) use fit::{fit_key, fit_row};
pub(super) use misfit::{misfit, misfit_without_signed_zero};
pub(super) use native::native;
pub(super) use room::{reading, room};

use crate::native::Kind;
use crate::profile::shape;

/// The word among a column's options that marks a `longtext` as JSON.
pub(crate) const JSON_OPTION: &str = "json";

/// Digits and hyphens of a UUID.
const UUID_CHARS: u32 = 36;

const SMALLINT: LogicalType = LogicalType::Integer { bits: 16 };
const BIGINT: LogicalType = LogicalType::Integer { bits: 64 };

/// Returns the form in which the column's values travel to another engine.
pub(super) fn logical(
    column: &Column,
    catalog: &Catalog,
    profile: Option<&ColumnProfile>,
) -> Mapped<LogicalType> {
    let place = Place {
        column,
        catalog,
        profile,
    };
    match Kind::parse(&column.native) {
        Kind::Integer {
            bits: 8,
            width: Some(1),
            ..
        } if place.may_be_boolean() => Mapped::exact(LogicalType::Boolean).named("boolean").or(
            "smallint",
            "0 and 1 stay numbers",
            Mapped::exact(SMALLINT),
        ),
        Kind::Integer {
            bits: 64,
            unsigned: true,
            ..
        } => place.big_unsigned(),
        Kind::Integer { bits, unsigned, .. } => integer(bits, unsigned),
        Kind::Decimal { precision, scale, .. } => Mapped::exact(LogicalType::Decimal {
            precision: Some(precision),
            scale: i32::try_from(scale).ok(),
        }),
        Kind::Float { bits, .. } => Mapped::exact(LogicalType::Float { bits }),
        Kind::Bit(1) => Mapped::exact(LogicalType::Boolean),
        Kind::Bit(length) => Mapped::exact(LogicalType::Bits {
            length: Some(length),
            varying: false,
        }),
        Kind::Char(chars) | Kind::Varchar(chars) => place.text(Some(chars).filter(|chars| *chars > 0)),
        Kind::Text(_) if place.is_json() => place.json(),
        Kind::Text(_) => place.text(None),
        Kind::Json => place.json(),
        Kind::Binary(16) => Mapped::exact(LogicalType::Bytes).named("bytes").or(
            "uuid",
            "each value is a UUID, its 16 bytes in the order of its digits",
            Mapped::exact(LogicalType::Uuid),
        ),
        Kind::Binary(_) | Kind::Varbinary(_) | Kind::Blob(_) => Mapped::exact(LogicalType::Bytes),
        Kind::Enum(labels) => place.labels(labels),
        Kind::Set(labels) => place.set(labels),
        Kind::Date => place.dated(LogicalType::Date),
        Kind::Datetime(_) => place.dated(LogicalType::Timestamp { zoned: false }),
        Kind::Timestamp(_) => place.dated(LogicalType::Timestamp { zoned: true }),
        Kind::Time(_) => place.time(),
        Kind::Year => Mapped::exact(SMALLINT),
        Kind::Spatial(_) => Mapped::widened(
            LogicalType::Bytes,
            "a geometry travels as EWKB: its SRID, and x before y whatever the reference system says",
        ),
        Kind::Uuid => Mapped::exact(LogicalType::Uuid),
        Kind::Inet4 | Kind::Inet6 => {
            Mapped::widened(LogicalType::text(), "an address travels as the server prints it")
        }
        Kind::Vector(_) => Mapped::widened(
            LogicalType::Bytes,
            "a vector travels as its 32-bit floats, lowest byte first",
        ),
        Kind::Other(native) => Mapped::widened(
            LogicalType::text(),
            format!("`{native}` travels as the server prints it"),
        ),
    }
}

/// The smallest width that holds the whole declared range.
fn integer(bits: u8, unsigned: bool) -> Mapped<LogicalType> {
    let wider = match (bits, unsigned) {
        (8, _) | (16, false) => 16,
        (16, true) | (24, _) | (32, false) => 32,
        _ => 64,
    };
    let to = LogicalType::Integer { bits: wider };
    match unsigned {
        true => Mapped::widened(to, "negative numbers are accepted too"),
        false => Mapped::exact(to),
    }
}

/// A column to map.
struct Place<'a> {
    column: &'a Column,
    catalog: &'a Catalog,
    profile: Option<&'a ColumnProfile>,
}

impl Place<'_> {
    fn shape(&self, name: &str) -> u64 {
        self.profile
            .and_then(|profile| profile.shapes.get(name))
            .copied()
            .unwrap_or(0)
    }

    fn largest<T: std::str::FromStr>(&self) -> Option<T> {
        self.profile?.max.as_ref()?.parse().ok()
    }

    /// Every value that is there is 0 or 1, and so is the default.
    fn may_be_boolean(&self) -> bool {
        let is_bit = |text: &str| matches!(text.trim_matches(['\'', '(', ')', ' ']), "0" | "1");
        let Some(profile) = self.profile else {
            return false;
        };
        let values = profile.min.iter().chain(&profile.max);
        let default = self.column.default.iter().filter(|text| {
            !["NULL", "TRUE", "FALSE"]
                .iter()
                .any(|word| text.eq_ignore_ascii_case(word))
        });
        self.column.identity.is_none() && values.chain(default).all(|text| is_bit(text))
    }

    /// Only text holds what should be a document and is none.
    fn json(&self) -> Mapped<LogicalType> {
        let text = || Mapped::widened(LogicalType::text(), "any text is accepted");
        let meaning = "text, exactly as the server prints it";
        match self.shape(shape::JSON_INVALID) {
            0 => Mapped::exact(LogicalType::Json)
                .named("json")
                .or("text", meaning, text()),
            invalid => text().named("text").or(
                "json",
                format!("documents; rows with a text that is none are rejected: {invalid}"),
                Mapped::lossy(LogicalType::Json, "rows whose text is no document"),
            ),
        }
    }

    fn is_json(&self) -> bool {
        self.column.options.iter().any(|option| option == JSON_OPTION)
    }

    /// Half of an unsigned 64-bit integer's range is that of a signed one.
    fn big_unsigned(&self) -> Mapped<LogicalType> {
        let decimal = || {
            Mapped::widened(
                LogicalType::Decimal {
                    precision: Some(20),
                    scale: Some(0),
                },
                "negative numbers are accepted too",
            )
        };
        let no_values = self.profile.is_some_and(|profile| profile.max.is_none());
        let fits = no_values
            || self
                .largest::<u64>()
                .is_some_and(|largest| i64::try_from(largest).is_ok());
        if fits {
            return Mapped::exact(BIGINT).named("bigint").or(
                "numeric",
                "20 digits hold the whole range",
                decimal(),
            );
        }
        if self.profile.is_some() {
            return decimal();
        }
        decimal().named("numeric").or(
            "bigint",
            "64-bit integers; rows with larger numbers are rejected",
            Mapped::lossy(BIGINT, "rows with numbers of 2^63 and more"),
        )
    }

    fn text(&self, chars_max: Option<u32>) -> Mapped<LogicalType> {
        let to = LogicalType::Text {
            chars_max,
            padded: false,
        };
        let (invalid, nul) = self
            .profile
            .map_or((0, 0), |profile| (profile.invalid_text, profile.nul_text));
        if invalid > 0 {
            let all = format!("{invalid} texts are not valid in their character set; all arrive as bytes");
            return Mapped::lossy(LogicalType::Bytes, all).named("bytes").or(
                "reject",
                "text; rows that are not valid are rejected",
                Mapped::lossy(to, "rows whose text is not valid in its character set"),
            );
        }
        let twice = self.shape(shape::DOUBLE_ENCODED);
        if twice > 0 {
            let why = format!(
                "{twice} texts look like UTF-8 that was taken for another character set; they arrive as the server reads them"
            );
            return Mapped::widened(to, why);
        }
        if chars_max == Some(UUID_CHARS) && self.shape(shape::UUID) > 0 {
            return Mapped::exact(to).named("varchar").or(
                "uuid",
                "each text is a UUID; rows with any other are rejected",
                Mapped::lossy(LogicalType::Uuid, "rows whose text is no UUID in lower case"),
            );
        }
        if nul > 0 {
            return Mapped::exact(to).named("varchar").or(
                "bytes",
                "all texts of the column as bytes, exactly as stored",
                Mapped::lossy(LogicalType::Bytes, "text arrives as bytes"),
            );
        }
        Mapped::exact(to)
    }

    /// A value that is none of the labels is stored as the empty text, and becomes a label where there is one.
    fn labels(&self, mut labels: Vec<String>) -> Mapped<LogicalType> {
        if self.shape(shape::ENUM_EMPTY) > 0 && !labels.iter().any(String::is_empty) {
            labels.push(String::new());
            return Mapped::widened(
                LogicalType::Enum {
                    name: self.type_name(),
                    labels,
                },
                "the empty text of invalid values becomes a label, behind the others",
            );
        }
        Mapped::exact(LogicalType::Enum {
            name: self.type_name(),
            labels,
        })
    }

    fn set(&self, labels: Vec<String>) -> Mapped<LogicalType> {
        Mapped::exact(LogicalType::Set { labels }).named("set").or(
            "text",
            "the labels in their order, joined by commas",
            Mapped::widened(LogicalType::text(), "any text is accepted"),
        )
    }

    /// Types have no names here: the table's and the column's make one.
    fn type_name(&self) -> String {
        let name = &self.column.name;
        let table = self
            .catalog
            .tables
            .iter()
            .find(|table| table.column(name).is_some_and(|column| column == self.column));
        match table {
            Some(table) => format!("{}_{name}", table.id.name),
            None => name.clone(),
        }
    }

    /// Zero dates and days that no calendar has are a matter of rules; only text holds them as they are.
    fn dated(&self, to: LogicalType) -> Mapped<LogicalType> {
        let exact = Mapped::exact(to);
        if self.profile.is_none_or(|profile| profile.out_of_range == 0) {
            return exact;
        }
        exact.named("date").or(
            "text",
            "all values of the column as text, exactly as the server prints them",
            Mapped::widened(
                LogicalType::text(),
                "a date travels as the server prints it, such as `0000-00-00`",
            ),
        )
    }

    /// A time of day as long as every value is one; the type itself holds more than a month either way.
    fn time(&self) -> Mapped<LogicalType> {
        let interval = Mapped::exact(LogicalType::Interval);
        let Some(profile) = self.profile else {
            return interval;
        };
        let is_negative = profile.min.as_ref().is_some_and(|min| min.starts_with('-'));
        if is_negative || self.shape(shape::BEYOND_DAY) > 0 {
            return interval;
        }
        Mapped::exact(LogicalType::Time).named("time").or(
            "interval",
            "the whole range of the type, from -838:59:59 to 838:59:59",
            interval,
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use whimbrel_core::{Fidelity, Table, TableId};

    use super::*;

    fn between(min: &str, max: &str) -> ColumnProfile {
        ColumnProfile {
            min: Some(min.to_owned()),
            max: Some(max.to_owned()),
            ..ColumnProfile::default()
        }
    }

    fn of(native: &str, profile: Option<&ColumnProfile>) -> (String, String) {
        let mapped = logical(&Column::new("c", native), &Catalog::default(), profile);
        (mapped.to.to_string(), mapped.choice)
    }

    fn shaped(name: &str) -> ColumnProfile {
        ColumnProfile {
            shapes: BTreeMap::from([(name.to_owned(), 1)]),
            ..ColumnProfile::default()
        }
    }

    #[test]
    fn a_boolean_is_one_only_when_every_value_is() {
        let is = |profile: &ColumnProfile| of("tinyint(1)", Some(profile)).0;
        assert_eq!(is(&between("0", "1")), "boolean");
        assert_eq!(is(&between("0", "2")), "integer(16)");
        assert_eq!(is(&between("-1", "1")), "integer(16)");
        assert_eq!(of("tinyint(1)", None).0, "integer(16)");
        assert_eq!(of("tinyint(4)", Some(&between("0", "1"))).0, "integer(16)");
        let mut column = Column::new("c", "tinyint(1)");
        column.default = Some("'2'".to_owned());
        let bits = between("0", "1");
        assert_eq!(logical(&column, &Catalog::default(), Some(&bits)).to, SMALLINT);
    }

    #[test]
    fn unsigned_integers_get_the_next_wider_type() {
        for (native, becomes) in [
            ("tinyint unsigned", "integer(16)"),
            ("smallint unsigned", "integer(32)"),
            ("mediumint unsigned", "integer(32)"),
            ("int(10) unsigned", "integer(64)"),
            ("int(10)", "integer(32)"),
            ("bigint", "integer(64)"),
        ] {
            assert_eq!(of(native, None).0, becomes, "{native}");
        }
        let big = |max: &str| of("bigint unsigned", Some(&between("0", max)));
        assert_eq!(
            big("9223372036854775807"),
            ("integer(64)".to_owned(), "bigint".to_owned())
        );
        assert_eq!(big("9223372036854775808").0, "decimal(20,0)");
        assert_eq!(of("bigint unsigned", None).0, "decimal(20,0)");
    }

    #[test]
    fn times_beyond_a_day_are_intervals() {
        assert_eq!(of("time", Some(&between("00:00:00", "24:00:00"))).0, "time");
        assert_eq!(
            of("time(3)", Some(&between("-00:00:01", "24:00:00"))).0,
            "interval"
        );
        assert_eq!(of("time", Some(&shaped(shape::BEYOND_DAY))).0, "interval");
        assert_eq!(of("time", None).0, "interval");
    }

    #[test]
    fn an_invalid_enum_value_becomes_a_label() {
        let column = Column::new("status", "enum('b','a')");
        let mut catalog = Catalog::default();
        let mut table = Table::empty(TableId::bare("orders"));
        table.columns.push(column.clone());
        catalog.tables.push(table);
        let labels = |profile: &ColumnProfile| logical(&column, &catalog, Some(profile)).to;
        let expected = |labels: &[&str]| LogicalType::Enum {
            name: "orders_status".to_owned(),
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        };
        assert_eq!(labels(&ColumnProfile::default()), expected(&["b", "a"]));
        assert_eq!(labels(&shaped(shape::ENUM_EMPTY)), expected(&["b", "a", ""]));
    }

    #[test]
    fn longtext_is_json_when_it_is_marked() {
        let mut column = Column::new("c", "longtext");
        let is = |column: &Column| logical(column, &Catalog::default(), None).to;
        assert_eq!(is(&column), LogicalType::text());
        column.options.push(JSON_OPTION.to_owned());
        assert_eq!(is(&column), LogicalType::Json);
    }

    #[test]
    fn what_is_no_document_stays_text() {
        assert_eq!(of("json", None), ("json".to_owned(), "json".to_owned()));
        assert_eq!(of("json", Some(&shaped(shape::JSON_INVALID))).0, "text");
    }

    #[test]
    fn texts_that_look_like_uuids_may_become_some() {
        let choices = |native: &str| {
            let found = shaped(shape::UUID);
            let mapped = logical(&Column::new("c", native), &Catalog::default(), Some(&found));
            mapped
                .alternatives
                .into_iter()
                .map(|other| other.choice)
                .collect::<Vec<_>>()
        };
        assert_eq!(choices("char(36)"), ["uuid"]);
        assert!(choices("char(40)").is_empty());
    }

    #[test]
    fn invalid_text_is_never_guessed_at() {
        let found = ColumnProfile {
            invalid_text: 1,
            ..ColumnProfile::default()
        };
        let mapped = logical(&Column::new("c", "varchar(9)"), &Catalog::default(), Some(&found));
        assert!(matches!(mapped.fidelity, Fidelity::Lossy(_)));
        assert_eq!(mapped.to, LogicalType::Bytes);
        assert_eq!(mapped.alternatives[0].choice, "reject");
    }

    #[test]
    fn impossible_dates_can_travel_as_text() {
        let mut found = ColumnProfile::default();
        let choices = |found: &ColumnProfile| {
            let mapped = logical(&Column::new("c", "datetime"), &Catalog::default(), Some(found));
            mapped.alternatives.len()
        };
        assert_eq!(choices(&found), 0);
        found.out_of_range = 1;
        assert_eq!(choices(&found), 1);
    }
}

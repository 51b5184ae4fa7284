//! Column types into logical types: what is declared, as far as every value keeps to it.
//!
//! Choices: `boolean` or `integer`; `decimal`, `double` or `integer`; `date`, `time`, `timestamp`, `json`, `uuid` or `text`. Where storage classes are
//! mixed: `text` (each value as its text; rows with blobs are rejected), `numeric` (values that are no number are rejected),
//! `bytes` (each value's text as bytes), `reject` (rows that are not of the declared class are rejected). For text that is not valid
//! UTF-8: `bytes` or `reject`.

use whimbrel_core::{Column, ColumnProfile, LogicalType, Mapped, StorageClasses};

use crate::declared::{Affinity, Declared, affinity};
use crate::profile::{held, shape};

const INTEGER: LogicalType = LogicalType::Integer { bits: 64 };
const FLOAT: LogicalType = LogicalType::Float { bits: 64 };
const NUMERIC: LogicalType = LogicalType::Decimal {
    precision: None,
    scale: None,
};
const LOCAL: LogicalType = LogicalType::Timestamp { zoned: false };
const ZONED: LogicalType = LogicalType::Timestamp { zoned: true };

/// Returns the form in which the column's values travel to another engine.
pub(crate) fn logical(column: &Column, profile: Option<&ColumnProfile>) -> Mapped<LogicalType> {
    if column.identity.is_some() {
        return Mapped::exact(INTEGER);
    }
    let place = Place {
        declared: Declared::new(&column.native),
        affinity: affinity(&column.native),
        native: column.native.clone(),
        profile,
    };
    let classes = profile.and_then(|profile| profile.classes).unwrap_or_default();
    if held(classes) == 0 {
        return Mapped::exact(place.by_declaration());
    }
    let numbers = classes.integer + classes.real;
    if numbers == 0 && classes.blob == 0 {
        place.of_text(classes)
    } else if numbers == 0 && classes.text == 0 {
        Mapped::exact(LogicalType::Bytes)
    } else if classes.text == 0 && classes.blob == 0 {
        place.of_numbers(classes)
    } else {
        place.of_mixed(classes)
    }
}

/// A column to map.
struct Place<'a> {
    declared: Declared,
    affinity: Affinity,
    native: String,
    profile: Option<&'a ColumnProfile>,
}

impl Place<'_> {
    fn shape(&self, name: &str) -> u64 {
        self.profile
            .and_then(|profile| profile.shapes.get(name))
            .copied()
            .unwrap_or(0)
    }

    /// A column without any value: what is declared is all there is.
    fn by_declaration(&self) -> LogicalType {
        let declared = &self.declared;
        if declared.is_boolean() {
            LogicalType::Boolean
        } else if declared.is_decimal() {
            self.decimal()
        } else if declared.is_date() {
            LogicalType::Date
        } else if declared.is_time() {
            LogicalType::Time
        } else if declared.is_timestamp() {
            LOCAL
        } else if declared.is_json() {
            LogicalType::Json
        } else if declared.is_uuid() {
            LogicalType::Uuid
        } else {
            match self.affinity {
                Affinity::Integer => INTEGER,
                Affinity::Real => FLOAT,
                Affinity::Blob if !self.native.trim().is_empty() => LogicalType::Bytes,
                Affinity::Text => LogicalType::Text {
                    chars_max: declared.chars_max(),
                    padded: false,
                },
                Affinity::Blob | Affinity::Numeric => LogicalType::text(),
            }
        }
    }

    fn decimal(&self) -> LogicalType {
        match self.declared.precision() {
            Some((precision, scale)) => LogicalType::Decimal {
                precision: Some(precision),
                scale: Some(scale),
            },
            None => NUMERIC,
        }
    }

    fn of_numbers(&self, classes: StorageClasses) -> Mapped<LogicalType> {
        let numbers = classes.integer + classes.real;
        if self.declared.is_boolean() && self.shape(shape::BIT) == numbers {
            return Mapped::exact(LogicalType::Boolean).named("boolean").or(
                "integer",
                "0 and 1 stay numbers",
                Mapped::exact(INTEGER),
            );
        }
        if self.declared.is_decimal() && self.fits_declared_decimal() {
            let why = "reals are read as their shortest decimal form";
            let to = self.decimal();
            let decimal = if classes.real == 0 {
                Mapped::exact(to)
            } else {
                Mapped::widened(to, why)
            };
            let double = if self.shape(shape::INEXACT) == 0 {
                Mapped::exact(FLOAT)
            } else {
                Mapped::lossy(FLOAT, "rows with whole numbers beyond 2^53 are rejected")
            };
            let decimal = decimal
                .named("decimal")
                .or("double", "64-bit floats, as they are stored", double);
            // Also what a column is that others refer to as an integer.
            return match classes.real {
                0 => decimal.or(
                    "integer",
                    "64-bit integers, as they are stored",
                    Mapped::exact(INTEGER),
                ),
                _ => decimal,
            };
        }
        if classes.real == 0 {
            return Mapped::exact(INTEGER);
        }
        if classes.integer == 0 {
            return Mapped::exact(FLOAT);
        }
        if self.shape(shape::INEXACT) == 0 {
            return Mapped::widened(FLOAT, "whole numbers arrive as floats");
        }
        Mapped::widened(NUMERIC, "whole numbers beyond 2^53 and reals stand side by side")
    }

    fn fits_declared_decimal(&self) -> bool {
        if self.shape(shape::INFINITE) > 0 {
            return false;
        }
        let Some((precision, scale)) = self.declared.precision() else {
            return true;
        };
        let scale = u64::from(scale.unsigned_abs());
        self.shape(shape::PLACES) <= scale && self.shape(shape::WHOLE_DIGITS) <= u64::from(precision) - scale
    }

    fn of_text(&self, classes: StorageClasses) -> Mapped<LogicalType> {
        let texts = classes.text;
        let invalid = self.profile.map_or(0, |profile| profile.invalid_text);
        if invalid > 0 {
            return Mapped::lossy(
                LogicalType::Bytes,
                format!("{invalid} texts are not valid UTF-8; all arrive as bytes"),
            )
            .named("bytes")
            .or(
                "reject",
                "text; rows that are not valid UTF-8 are rejected",
                Mapped::lossy(LogicalType::text(), "rows that are not valid UTF-8"),
            );
        }
        let spelled = "the spelling of each text is not kept, its meaning is";
        let total = |name: &str| self.shape(name) == texts;
        let narrowed = if self.declared.is_date() && total(shape::DATE) {
            Some(("date", LogicalType::Date))
        } else if self.declared.is_time() && total(shape::TIME) {
            Some(("time", LogicalType::Time))
        } else if self.declared.is_timestamp() && total(shape::TIMESTAMP) {
            Some(("timestamp", LOCAL))
        } else if self.declared.is_timestamp()
            && total(shape::TIMESTAMP_ZONED)
            && self.shape(shape::TIMESTAMP_OFFSET) == 0
        {
            Some(("timestamp", ZONED))
        } else if self.declared.is_timestamp() && total(shape::DATE) {
            Some(("date", LogicalType::Date))
        } else if self.declared.is_json() && total(shape::JSON) {
            Some(("json", LogicalType::Json))
        } else if self.declared.is_uuid() && total(shape::UUID) {
            Some(("uuid", LogicalType::Uuid))
        } else if self.declared.is_decimal() && total(shape::DECIMAL) && self.fits_declared_decimal() {
            Some(("decimal", NUMERIC))
        } else {
            None
        };
        match narrowed {
            Some((choice, to)) => Mapped::widened(to, spelled).named(choice).or(
                "text",
                "text, exactly as stored",
                Mapped::exact(LogicalType::text()),
            ),
            None if self.profile.is_some_and(|profile| profile.nul_text > 0) => self.limited_text().or(
                "bytes",
                "all texts of the column as bytes, exactly as stored",
                Mapped::lossy(LogicalType::Bytes, "text arrives as bytes"),
            ),
            None => self.limited_text(),
        }
    }

    fn limited_text(&self) -> Mapped<LogicalType> {
        let longest = self.profile.map_or(0, |profile| profile.chars_max);
        match self.declared.chars_max() {
            Some(limit) if longest > u64::from(limit) => Mapped::widened(
                LogicalType::text(),
                format!(
                    "values have up to {longest} characters, more than `{}` says",
                    self.native
                ),
            ),
            limit => Mapped::exact(LogicalType::Text {
                chars_max: limit,
                padded: false,
            }),
        }
    }

    fn of_mixed(&self, classes: StorageClasses) -> Mapped<LogicalType> {
        let invalid = self.profile.map_or(0, |profile| profile.invalid_text);
        let why = "the storage class of each value is not kept";
        let text = || Mapped::lossy(LogicalType::text(), why);
        let bytes = || Mapped::lossy(LogicalType::Bytes, why);
        let text_meaning = "each value as its text; rows with blobs or invalid text are rejected";
        let bytes_meaning = "each value's text as bytes, blobs as they are";
        let recommended = if classes.blob == 0 && invalid == 0 {
            text().named("text").or("bytes", bytes_meaning, bytes())
        } else {
            bytes().named("bytes").or("text", text_meaning, text())
        };
        let recommended = if classes.integer + classes.real > 0 {
            recommended.or(
                "numeric",
                "numbers; rows with anything else are rejected",
                Mapped::lossy(NUMERIC, "rows whose value is no number"),
            )
        } else {
            recommended
        };
        let kept = self.dominant(classes);
        recommended.or(
            "reject",
            format!("{kept}; rows of another class are rejected"),
            Mapped::lossy(kept, "rows of another class"),
        )
    }

    /// The declared class, or the most frequent one where nothing is declared.
    fn dominant(&self, classes: StorageClasses) -> LogicalType {
        match self.affinity {
            Affinity::Integer => INTEGER,
            Affinity::Real => FLOAT,
            Affinity::Text => LogicalType::text(),
            Affinity::Numeric if self.declared.is_decimal() => self.decimal(),
            Affinity::Blob | Affinity::Numeric => {
                let by_count = [
                    (classes.text, LogicalType::text()),
                    (classes.integer, INTEGER),
                    (classes.real, FLOAT),
                    (classes.blob, LogicalType::Bytes),
                ];
                let most = by_count.into_iter().max_by_key(|(count, _)| *count);
                most.map_or_else(LogicalType::text, |(_, logical)| logical)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use whimbrel_core::Fidelity;

    use super::*;

    fn profile(classes: StorageClasses, shapes: &[(&str, u64)]) -> ColumnProfile {
        ColumnProfile {
            classes: Some(classes),
            shapes: shapes
                .iter()
                .map(|(name, count)| ((*name).to_owned(), *count))
                .collect::<BTreeMap<_, _>>(),
            ..ColumnProfile::default()
        }
    }

    fn of(native: &str, profile: &ColumnProfile) -> (String, Vec<String>) {
        let mapped = logical(&Column::new("c", native), Some(profile));
        let others = mapped.alternatives.iter().map(|other| other.choice.clone());
        (mapped.to.to_string(), others.collect())
    }

    fn integers(count: u64) -> StorageClasses {
        StorageClasses {
            integer: count,
            ..StorageClasses::default()
        }
    }

    fn texts(count: u64) -> StorageClasses {
        StorageClasses {
            text: count,
            ..StorageClasses::default()
        }
    }

    #[test]
    fn a_boolean_is_one_only_when_every_value_is() {
        let all = profile(integers(3), &[(shape::BIT, 3)]);
        assert_eq!(of("BOOLEAN", &all), ("boolean".into(), vec!["integer".into()]));
        let some = profile(integers(3), &[(shape::BIT, 2)]);
        assert_eq!(of("BOOLEAN", &some).0, "integer(64)");
        assert_eq!(of("INTEGER", &all).0, "integer(64)");
    }

    #[test]
    fn a_declared_decimal_needs_every_value_to_fit() {
        let reals = StorageClasses {
            real: 2,
            integer: 1,
            ..StorageClasses::default()
        };
        let fits = profile(reals, &[(shape::PLACES, 2), (shape::WHOLE_DIGITS, 8)]);
        assert_eq!(
            of("DECIMAL(10,2)", &fits),
            ("decimal(10,2)".into(), vec!["double".into()])
        );
        let too_fine = profile(reals, &[(shape::PLACES, 3), (shape::WHOLE_DIGITS, 1)]);
        assert_eq!(of("DECIMAL(10,2)", &too_fine).0, "float(64)");
        assert_eq!(of("NUMERIC", &too_fine).0, "decimal");
    }

    #[test]
    fn dates_are_dates_only_when_all_are() {
        assert_eq!(of("DATE", &profile(texts(2), &[(shape::DATE, 2)])).0, "date");
        assert_eq!(of("DATE", &profile(texts(2), &[(shape::DATE, 1)])).0, "text");
        assert_eq!(
            of("DATETIME", &profile(texts(2), &[(shape::TIMESTAMP, 2)])),
            ("timestamp".into(), vec!["text".into()])
        );
        let offsets = [(shape::TIMESTAMP_ZONED, 2), (shape::TIMESTAMP_OFFSET, 1)];
        assert_eq!(of("DATETIME", &profile(texts(2), &offsets)).0, "text");
        assert_eq!(of("TEXT", &profile(texts(2), &[(shape::DATE, 2)])).0, "text");
    }

    #[test]
    fn mixed_classes_are_a_question() {
        let mixed = profile(
            StorageClasses {
                integer: 5,
                text: 1,
                ..StorageClasses::default()
            },
            &[],
        );
        let mapped = logical(&Column::new("c", "INTEGER"), Some(&mixed));
        assert!(matches!(mapped.fidelity, Fidelity::Lossy(_)));
        assert_eq!(mapped.choice, "text");
        assert_eq!(of("INTEGER", &mixed).1, ["bytes", "numeric", "reject"]);
        let blobs = profile(
            StorageClasses {
                blob: 1,
                text: 1,
                ..StorageClasses::default()
            },
            &[],
        );
        assert_eq!(
            of("", &blobs),
            ("bytes".into(), vec!["text".into(), "reject".into()])
        );
    }

    #[test]
    fn invalid_text_becomes_bytes_or_is_rejected() {
        let mut found = profile(texts(9), &[]);
        found.invalid_text = 1;
        assert_eq!(of("TEXT", &found), ("bytes".into(), vec!["reject".into()]));
    }

    #[test]
    fn a_length_that_no_value_passes_is_kept() {
        let mut found = profile(texts(1), &[]);
        found.chars_max = 10;
        assert_eq!(of("VARCHAR(10)", &found).0, "text(10)");
        found.chars_max = 11;
        assert_eq!(of("VARCHAR(10)", &found).0, "text");
    }

    #[test]
    fn whatever_is_declared_an_integer_has_64_bits() {
        for native in ["int", "tinyint", "INTEGER", "unsigned big int"] {
            assert_eq!(
                of(native, &profile(integers(1), &[])).0,
                "integer(64)",
                "{native}"
            );
        }
    }
}

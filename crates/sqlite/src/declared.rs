//! Declared types: what the engine makes of a type's text (affinity), and which values a column would change on the way in.

use rusqlite::types::ValueRef;

/// The affinity of a column, see section 3.1 of the engine's page on data types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Affinity {
    Integer,
    Text,
    Blob,
    Real,
    Numeric,
}

/// Returns the affinity that the declared type gives a column.
pub(crate) fn affinity(declared: &str) -> Affinity {
    let upper = declared.to_ascii_uppercase();
    let has = |part: &str| upper.contains(part);
    if has("INT") {
        Affinity::Integer
    } else if has("CHAR") || has("CLOB") || has("TEXT") {
        Affinity::Text
    } else if has("BLOB") || upper.trim().is_empty() {
        Affinity::Blob
    } else if has("REAL") || has("FLOA") || has("DOUB") {
        Affinity::Real
    } else {
        Affinity::Numeric
    }
}

/// A declared type taken apart: `DECIMAL(10, 2)` is `DECIMAL` with 10 and 2.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Declared {
    /// The words in upper case, one space between them, without the bracket.
    pub(crate) base: String,
    /// The numbers in the bracket.
    pub(crate) arguments: Vec<i64>,
}

impl Declared {
    /// Takes a declared type apart.
    pub(crate) fn new(declared: &str) -> Self {
        let upper = declared.to_ascii_uppercase();
        let (base, rest) = upper.split_once('(').unwrap_or((&upper, ""));
        let inside = rest.split_once(')').map_or("", |(inside, _)| inside);
        let base: Vec<&str> = base.split_ascii_whitespace().collect();
        Self {
            base: base.join(" "),
            arguments: inside
                .split(',')
                .filter_map(|number| number.trim().parse().ok())
                .collect(),
        }
    }

    /// Tells whether the declared word means something: the engine takes every word, and makes a number of what looks like one where it knows
    /// none in it.
    pub(crate) fn is_known(&self) -> bool {
        // The engine finds `INT` in these.
        let is_no_integer = ["INTERVAL", "POINT"].iter().any(|word| self.base.contains(word));
        let is_own = self.is_boolean()
            || self.is_decimal()
            || self.is_date()
            || self.is_time()
            || self.is_timestamp()
            || self.is_json()
            || self.is_uuid();
        is_own || !self.base.is_empty() && !is_no_integer && affinity(&self.base) != Affinity::Numeric
    }

    fn is_any(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.base == *word)
    }

    /// Tells whether it declares truth values.
    pub(crate) fn is_boolean(&self) -> bool {
        self.is_any(&["BOOLEAN", "BOOL", "LOGICAL"])
    }

    /// Tells whether it declares exact decimals.
    pub(crate) fn is_decimal(&self) -> bool {
        self.is_any(&[
            "DECIMAL",
            "NUMERIC",
            "DEC",
            "NUMBER",
            "MONEY",
            "SMALLMONEY",
            "CURRENCY",
        ])
    }

    /// Tells whether it declares days.
    pub(crate) fn is_date(&self) -> bool {
        self.base == "DATE"
    }

    /// Tells whether it declares times of day.
    pub(crate) fn is_time(&self) -> bool {
        self.is_any(&["TIME", "TIME WITHOUT TIME ZONE"])
    }

    /// Tells whether it declares points in time.
    pub(crate) fn is_timestamp(&self) -> bool {
        self.base.starts_with("DATETIME")
            || self.base.starts_with("TIMESTAMP")
            || self.base == "SMALLDATETIME"
    }

    /// Tells whether it declares JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.is_any(&["JSON", "JSONB", "JSON TEXT", "TEXT JSON"])
    }

    /// Tells whether it declares UUIDs.
    pub(crate) fn is_uuid(&self) -> bool {
        self.is_any(&["UUID", "GUID", "UNIQUEIDENTIFIER"])
    }

    /// Returns the declared limit of characters of a text type.
    pub(crate) fn chars_max(&self) -> Option<u32> {
        let limited = ["CHAR", "CLOB"].iter().any(|word| self.base.contains(word));
        let first = self.arguments.first().filter(|_| limited)?;
        u32::try_from(*first).ok().filter(|limit| *limit > 0)
    }

    /// Returns precision and scale of a decimal type, when both can be had.
    pub(crate) fn precision(&self) -> Option<(u32, i32)> {
        let mut numbers = self.arguments.iter().filter(|_| self.is_decimal());
        let precision = u32::try_from(*numbers.next()?)
            .ok()
            .filter(|p| (1..=1000).contains(p))?;
        let scale = i32::try_from(numbers.next().copied().unwrap_or(0)).ok()?;
        let fits = u32::try_from(scale).is_ok_and(|scale| scale <= precision);
        fits.then_some((precision, scale))
    }
}

/// What a column takes as it is.
#[derive(Debug)]
pub(crate) struct Keeping {
    declared: String,
    strict: bool,
    affinity: Affinity,
}

impl Keeping {
    /// Looks at a column's declared type; `strict` tells whether its table is.
    pub(crate) fn new(declared: &str, strict: bool) -> Self {
        // In a strict table ANY takes and converts nothing, as a column without a type elsewhere.
        let is_any = strict && declared.eq_ignore_ascii_case("ANY");
        let affinity = if is_any {
            Affinity::Blob
        } else {
            affinity(declared)
        };
        Self {
            declared: declared.to_owned(),
            strict: strict && !is_any,
            affinity,
        }
    }

    /// Returns why the column would not keep the value as it is; none when it keeps it.
    pub(crate) fn change_of(&self, value: ValueRef<'_>) -> Option<String> {
        match (self.affinity, value) {
            // The engine writes a real without fraction as an integer there, which has no negative zero.
            (Affinity::Real, ValueRef::Real(real)) if real == 0.0 && real.is_sign_negative() => Some(
                format!("a `{}` column would lose the sign of -0.0", self.declared),
            ),
            (_, ValueRef::Null)
            | (Affinity::Text, ValueRef::Text(_))
            | (Affinity::Real, ValueRef::Real(_))
            | (Affinity::Blob, ValueRef::Blob(_))
            | (Affinity::Integer | Affinity::Numeric, ValueRef::Integer(_)) => None,
            (_, other) if self.strict => Some(format!(
                "a strict `{}` column does not take {}",
                self.declared,
                class_of(other)
            )),
            (_, ValueRef::Blob(_)) | (Affinity::Blob, _) => None,
            (Affinity::Integer | Affinity::Numeric, ValueRef::Real(real)) => {
                self.changed(becomes_integer(real), "a whole real")
            }
            (Affinity::Integer | Affinity::Numeric | Affinity::Real, ValueRef::Text(text)) => {
                // The engine reads a number up to U+0000 and forgets what follows.
                let read = text.split(|byte| *byte == 0).next().unwrap_or_default();
                self.changed(looks_numeric(read), "text that looks like a number")
            }
            (Affinity::Text | Affinity::Real, other) => self.changed(true, class_of(other)),
        }
    }

    fn changed(&self, is_changed: bool, class: &str) -> Option<String> {
        let what = || {
            format!(
                "a `{}` column would change {class} into another class",
                self.declared
            )
        };
        is_changed.then(what)
    }
}

/// Returns the storage class in words.
pub(crate) fn class_of(value: ValueRef<'_>) -> &'static str {
    match value {
        ValueRef::Null => "NULL",
        ValueRef::Integer(_) => "an integer",
        ValueRef::Real(_) => "a real",
        ValueRef::Text(_) => "text",
        ValueRef::Blob(_) => "a blob",
    }
}

/// The engine stores a real without fraction as an integer where the column is numeric, within 51 bits or so; the edge is left to be refused.
fn becomes_integer(real: f64) -> bool {
    real.fract() == 0.0 && real.abs() <= 9_223_372_036_854_775_807.0
}

/// Tells whether the whole text, spaces around it apart, is a decimal number with or without exponent.
pub(crate) fn looks_numeric(text: &[u8]) -> bool {
    let text = without_spaces(text);
    let text = text
        .strip_prefix(b"-")
        .or_else(|| text.strip_prefix(b"+"))
        .unwrap_or(text);
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let whole = digits(text);
    let mut rest = &text[whole..];
    let mut fraction = 0;
    if let Some(after) = rest.strip_prefix(b".") {
        fraction = digits(after);
        rest = &after[fraction..];
    }
    if whole + fraction == 0 {
        return false;
    }
    match rest {
        [] => true,
        [b'e' | b'E', exponent @ ..] => {
            let exponent = exponent
                .strip_prefix(b"-")
                .or_else(|| exponent.strip_prefix(b"+"))
                .unwrap_or(exponent);
            !exponent.is_empty() && digits(exponent) == exponent.len()
        }
        _ => false,
    }
}

/// The engine's spaces are those of C, the vertical tab among them.
fn without_spaces(mut text: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    while let [first, rest @ ..] = text
        && is_space(first)
    {
        text = rest;
    }
    while let [rest @ .., last] = text
        && is_space(last)
    {
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;
    use rusqlite::types::Value;

    use super::*;

    #[test]
    fn affinity_follows_the_documented_rules_in_their_order() {
        for (declared, want) in [
            ("INT", Affinity::Integer),
            ("unsigned big int", Affinity::Integer),
            ("CHARINT", Affinity::Integer),
            ("nvarchar(40)", Affinity::Text),
            ("text nocase", Affinity::Text),
            ("CLOB", Affinity::Text),
            ("", Affinity::Blob),
            ("BLOB", Affinity::Blob),
            ("DOUBLE PRECISION", Affinity::Real),
            ("FLOAT", Affinity::Real),
            ("FLOATING POINT", Affinity::Integer),
            ("intege", Affinity::Integer),
            ("unsigned short", Affinity::Numeric),
            ("STRING", Affinity::Numeric),
            ("BOOLEAN", Affinity::Numeric),
        ] {
            assert_eq!(affinity(declared), want, "{declared}");
        }
    }

    #[test]
    fn precision_and_limits_are_read() {
        assert_eq!(Declared::new("DECIMAL(10, 2)").precision(), Some((10, 2)));
        assert_eq!(Declared::new("numeric(5)").precision(), Some((5, 0)));
        assert_eq!(Declared::new("numeric").precision(), None);
        assert_eq!(Declared::new("int(11)").precision(), None);
        assert_eq!(Declared::new("native  character (70)").chars_max(), Some(70));
        assert_eq!(Declared::new("TEXT(5)").chars_max(), None);
    }

    #[test]
    fn what_affinity_would_change_is_seen() {
        for (text, numeric) in [
            ("1", true),
            (" -1.5e3 ", true),
            (".5", true),
            ("0x10", false),
            ("1a", false),
            ("", false),
            (".", false),
        ] {
            assert_eq!(looks_numeric(text.as_bytes()), numeric, "{text}");
            let change = Keeping::new("INTEGER", false).change_of(ValueRef::Text(text.as_bytes()));
            assert_eq!(change.is_some(), numeric, "{text}");
        }
        for (declared, strict, value, kept) in [
            ("TEXT", false, ValueRef::Integer(1), false),
            ("", false, ValueRef::Integer(1), true),
            ("", false, ValueRef::Real(-0.0), true),
            ("REAL", false, ValueRef::Real(-0.0), false),
            ("REAL", true, ValueRef::Real(0.0), true),
            ("INTEGER", false, ValueRef::Real(1.0), false),
            ("NUMERIC", false, ValueRef::Real(1.5), true),
            ("INTEGER", false, ValueRef::Blob(b"1"), true),
            ("ANY", true, ValueRef::Real(1.0), true),
            ("ANY", false, ValueRef::Real(1.0), false),
            ("BLOB", true, ValueRef::Text(b"a"), false),
            ("BLOB", false, ValueRef::Text(b"1"), true),
            ("INT", true, ValueRef::Blob(b"1"), false),
            ("REAL", true, ValueRef::Integer(1), false),
        ] {
            let change = Keeping::new(declared, strict).change_of(value);
            assert_eq!(
                change.is_none(),
                kept,
                "{declared} {strict} {value:?}: {change:?}"
            );
        }
    }

    #[test]
    fn what_is_said_to_be_kept_the_engine_keeps() {
        let values = [
            Value::Null,
            Value::Integer(0),
            Value::Integer(i64::MIN),
            Value::Real(-0.0),
            Value::Real(1.0),
            Value::Real(1.5),
            Value::Real(9.3e18),
            Value::Real(f64::INFINITY),
            Value::Text("1".to_owned()),
            Value::Text(" 1.0 ".to_owned()),
            Value::Text("1e3".to_owned()),
            Value::Text("1x".to_owned()),
            Value::Text("0x10".to_owned()),
            Value::Text("inf".to_owned()),
            Value::Text("\u{a0}1".to_owned()),
            Value::Text("1\u{b}".to_owned()),
            Value::Text("1\0".to_owned()),
            Value::Text("1\0x".to_owned()),
            Value::Text("\0".to_owned()),
            Value::Text(".".to_owned()),
            Value::Text("1.".to_owned()),
            Value::Text("1_0".to_owned()),
            Value::Blob(b"1".to_vec()),
        ];
        let connection = Connection::open_in_memory().unwrap();
        for strict in [false, true] {
            for declared in [
                "",
                "INTEGER",
                "INT",
                "REAL",
                "TEXT",
                "BLOB",
                "ANY",
                "NUMERIC",
                "FLOAT",
                "VARCHAR(3)",
            ] {
                let options = if strict { "STRICT" } else { "" };
                let made = connection.execute_batch(&format!(
                    "DROP TABLE IF EXISTS t; CREATE TABLE t (a {declared}) {options}"
                ));
                if made.is_err() {
                    continue;
                }
                let keeping = Keeping::new(declared, strict);
                for value in &values {
                    if keeping.change_of(value.into()).is_some() {
                        continue;
                    }
                    let back: Value = connection
                        .query_row("INSERT INTO t VALUES (?) RETURNING rowid", [value], |row| {
                            row.get::<_, i64>(0)
                        })
                        .and_then(|row| {
                            connection.query_row("SELECT a FROM t WHERE rowid = ?", [row], |row| row.get(0))
                        })
                        .unwrap();
                    assert_eq!(format!("{back:?}"), format!("{value:?}"), "{declared} {options}");
                }
            }
        }
    }

    #[test]
    fn a_word_without_a_meaning_is_no_type() {
        for known in [
            "int",
            "BIGINT",
            "unsigned big int",
            "varchar(40)",
            "clob",
            "double precision",
            "float",
            "numeric(12,2)",
            "bool",
            "datetime",
            "timestamp with time zone",
            "uuid",
            "jsonb",
        ] {
            assert!(Declared::new(known).is_known(), "{known}");
        }
        for unknown in [
            "foo",
            "",
            "string",
            "binary(16)",
            "interval",
            "point",
            "bit",
            "(3)",
        ] {
            assert!(!Declared::new(unknown).is_known(), "{unknown}");
        }
    }
}

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

/// Why a column would not keep a value as it is; none when it keeps it.
pub(crate) fn change_of(declared: &str, strict: bool, value: ValueRef<'_>) -> Option<String> {
    let refused = |class: &str| Some(format!("a strict `{declared}` column does not take {class}"));
    let changed = |class: &str| {
        Some(format!(
            "a `{declared}` column would change {class} into another class"
        ))
    };
    if strict {
        return match (declared.to_ascii_uppercase().as_str(), value) {
            (_, ValueRef::Null)
            | ("ANY", _)
            | ("INT" | "INTEGER", ValueRef::Integer(_))
            | ("REAL", ValueRef::Real(_))
            | ("TEXT", ValueRef::Text(_))
            | ("BLOB", ValueRef::Blob(_)) => None,
            (_, value) => refused(class_of(value)),
        };
    }
    match (affinity(declared), value) {
        (_, ValueRef::Null | ValueRef::Blob(_))
        | (Affinity::Blob, _)
        | (Affinity::Text, ValueRef::Text(_))
        | (Affinity::Real, ValueRef::Real(_))
        | (Affinity::Integer | Affinity::Numeric, ValueRef::Integer(_)) => None,
        (Affinity::Integer | Affinity::Numeric, ValueRef::Real(real)) => {
            becomes_integer(real).then(|| changed("a whole real")).flatten()
        }
        (Affinity::Integer | Affinity::Numeric | Affinity::Real, ValueRef::Text(text)) => looks_numeric(text)
            .then(|| changed("text that looks like a number"))
            .flatten(),
        (Affinity::Text | Affinity::Real, value) => changed(class_of(value)),
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
    let text = text.trim_ascii();
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

#[cfg(test)]
mod tests {
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
            assert_eq!(
                change_of("INTEGER", false, ValueRef::Text(text.as_bytes())).is_some(),
                numeric
            );
        }
        assert!(change_of("TEXT", false, ValueRef::Integer(1)).is_some());
        assert!(change_of("", false, ValueRef::Integer(1)).is_none());
        assert!(change_of("ANY", true, ValueRef::Real(1.0)).is_none());
        assert!(change_of("REAL", true, ValueRef::Integer(1)).is_some());
    }
}

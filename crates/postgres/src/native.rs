//! Native types by their printed names (`format_type`): the built-in ones that have a codec of ours, with modifiers.

/// A native type, as far as our codec, dialect and aggregates tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    /// Declared precision and scale.
    Numeric(Option<(u32, i32)>),
    Text,
    /// `character varying` with its limit.
    Varchar(Option<u32>),
    /// `character(n)`; `bpchar` has no limit.
    Bpchar(Option<u32>),
    Bytea,
    Bit(u32),
    Varbit(Option<u32>),
    Date,
    /// Digits of the fraction, when declared.
    Time(Option<u32>),
    TimeTz(Option<u32>),
    Timestamp {
        digits: Option<u32>,
        zoned: bool,
    },
    /// True when fields or digits are restricted.
    Interval {
        restricted: bool,
    },
    Uuid,
    Json,
    Jsonb,
    Money,
    /// Travels binary as its label.
    Enum,
    /// Everything else: only the server knows its text.
    Other,
}

impl Kind {
    /// Reads a printed name.
    pub(crate) fn parse(native: &str) -> Self {
        let (name, modifier, rest) = split(native);
        let one = || modifier.and_then(|text| text.trim().parse().ok());
        match (name, rest) {
            ("boolean", "") => Self::Bool,
            ("smallint", "") => Self::Int2,
            ("integer", "") => Self::Int4,
            ("bigint", "") => Self::Int8,
            ("real", "") => Self::Float4,
            ("double precision", "") => Self::Float8,
            ("numeric", "") => Self::Numeric(modifier.and_then(precision_and_scale)),
            ("text", "") => Self::Text,
            ("character varying", "") => Self::Varchar(one()),
            ("character", "") => Self::Bpchar(one().or(Some(1))),
            ("bpchar", "") => Self::Bpchar(one()),
            ("bytea", "") => Self::Bytea,
            ("bit", "") => Self::Bit(one().unwrap_or(1)),
            ("bit varying", "") => Self::Varbit(one()),
            ("date", "") => Self::Date,
            ("time", "without time zone") | ("time without time zone", "") => Self::Time(one()),
            ("time", "with time zone") | ("time with time zone", "") => Self::TimeTz(one()),
            ("timestamp", "without time zone") | ("timestamp without time zone", "") => Self::Timestamp {
                digits: one(),
                zoned: false,
            },
            ("timestamp", "with time zone") | ("timestamp with time zone", "") => Self::Timestamp {
                digits: one(),
                zoned: true,
            },
            ("interval", "") => Self::Interval {
                restricted: modifier.is_some(),
            },
            ("uuid", "") => Self::Uuid,
            ("json", "") => Self::Json,
            ("jsonb", "") => Self::Jsonb,
            ("money", "") => Self::Money,
            (name, "") if name.starts_with("interval ") => Self::Interval { restricted: true },
            _ => Self::Other,
        }
    }

    /// Tells whether it is an integer type.
    pub(crate) fn is_integer(self) -> bool {
        matches!(self, Self::Int2 | Self::Int4 | Self::Int8)
    }

    /// Tells whether it is a floating-point type.
    pub(crate) fn is_float(self) -> bool {
        matches!(self, Self::Float4 | Self::Float8)
    }

    /// Tells whether values are characters as stored.
    pub(crate) fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Varchar(_) | Self::Bpchar(_))
    }
}

/// The printed name of a type by any of its names, when computed values can be turned into it.
pub(crate) fn castable(wanted: &str) -> Option<String> {
    let words: Vec<String> = wanted.split_whitespace().map(str::to_lowercase).collect();
    let words = words.join(" ");
    let (name, modifier, rest) = split(&words);
    let (name, behind) = printed_name(name, rest, modifier)?;
    let is_float_of_bits =
        words.starts_with("float") && !words.starts_with("float4") && !words.starts_with("float8");
    let modifier = modifier.filter(|_| !is_float_of_bits);
    if modifier.is_some_and(|modifier| !takes(name, modifier)) {
        return None;
    }
    let modifier = match (name, modifier) {
        ("character", None) => Some("1".to_owned()),
        ("numeric", Some(digits)) if !digits.contains(',') => Some(format!("{},0", digits.trim())),
        (_, modifier) => modifier.map(|modifier| modifier.replace(' ', "")),
    };
    let modifier = modifier
        .map(|modifier| format!("({modifier})"))
        .unwrap_or_default();
    let native = format!("{name}{modifier}{behind}");
    let can_be = match Kind::parse(&native) {
        Kind::Bool
        | Kind::Int2
        | Kind::Int4
        | Kind::Int8
        | Kind::Float4
        | Kind::Float8
        | Kind::Numeric(_)
        | Kind::Text
        | Kind::Varchar(_)
        | Kind::Bpchar(_)
        | Kind::Bytea
        | Kind::Date
        | Kind::Time(_)
        | Kind::Timestamp { .. }
        | Kind::Uuid
        | Kind::Json
        | Kind::Jsonb => true,
        Kind::Bit(_)
        | Kind::Varbit(_)
        | Kind::TimeTz(_)
        | Kind::Interval { .. }
        | Kind::Money
        | Kind::Enum
        | Kind::Other => false,
    };
    can_be.then_some(native)
}

/// The printed name of a type by any of its names, in front of the parentheses and behind them.
fn printed_name<'n>(name: &'n str, rest: &str, modifier: Option<&str>) -> Option<(&'n str, &'static str)> {
    Some(match (name, rest) {
        ("bool", "") => ("boolean", ""),
        ("int2", "") => ("smallint", ""),
        ("int" | "int4", "") => ("integer", ""),
        ("int8", "") => ("bigint", ""),
        ("float4", "") => ("real", ""),
        ("float", "") => match modifier.map(|digits| digits.trim().parse::<u32>()) {
            None | Some(Ok(25..=53)) => ("double precision", ""),
            Some(Ok(1..=24)) => ("real", ""),
            Some(_) => return None,
        },
        ("float8", "") => ("double precision", ""),
        ("decimal", "") => ("numeric", ""),
        ("varchar", "") => ("character varying", ""),
        ("char", "") => ("character", ""),
        ("timestamptz" | "timestamp with time zone", "") | ("timestamp", "with time zone") => {
            ("timestamp", " with time zone")
        }
        ("timestamp" | "timestamp without time zone", "") | ("timestamp", "without time zone") => {
            ("timestamp", " without time zone")
        }
        ("time" | "time without time zone", "") | ("time", "without time zone") => {
            ("time", " without time zone")
        }
        (name, "") => (name, ""),
        _ => return None,
    })
}

/// Tells whether the type takes what stands in its parentheses.
fn takes(name: &str, modifier: &str) -> bool {
    const DIGITS: i32 = 1000;
    let numbers: Option<Vec<i32>> = modifier
        .split(',')
        .map(|number| number.trim().parse().ok())
        .collect();
    match (name, numbers.as_deref()) {
        ("numeric", Some([precision])) => (1..=DIGITS).contains(precision),
        ("numeric", Some([precision, scale])) => {
            (1..=DIGITS).contains(precision) && (0..=*precision).contains(scale)
        }
        ("character" | "character varying", Some([length])) => (1..=10_485_760).contains(length),
        ("time" | "timestamp", Some([digits])) => (0..=6).contains(digits),
        _ => false,
    }
}

/// Splits `name(modifier) rest`.
fn split(native: &str) -> (&str, Option<&str>, &str) {
    let Some((name, behind)) = native.split_once('(') else {
        return (native, None, "");
    };
    match behind.split_once(')') {
        Some((modifier, rest)) => (name.trim_end(), Some(modifier), rest.trim_start()),
        None => (native, None, ""),
    }
}

fn precision_and_scale(modifier: &str) -> Option<(u32, i32)> {
    let (precision, scale) = modifier.split_once(',').unwrap_or((modifier, "0"));
    Some((precision.trim().parse().ok()?, scale.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_known_by_all_its_names() {
        for (wanted, printed) in [
            ("TIMESTAMPTZ", Some("timestamp with time zone")),
            ("timestamp(3) with time zone", Some("timestamp(3) with time zone")),
            ("timestamp without time zone", Some("timestamp without time zone")),
            ("time", Some("time without time zone")),
            ("varchar( 20 )", Some("character varying(20)")),
            ("decimal(10, 2)", Some("numeric(10,2)")),
            ("numeric(5)", Some("numeric(5,0)")),
            ("float(3)", Some("real")),
            ("float(53)", Some("double precision")),
            ("float(54)", None),
            ("integer(3)", None),
            ("real(3)", None),
            ("text(5)", None),
            ("timestamp(9)", None),
            ("numeric(1001)", None),
            ("char", Some("character(1)")),
            ("int8", Some("bigint")),
            ("jsonb", Some("jsonb")),
            ("double precision", Some("double precision")),
            ("inet", None),
            ("text[]", None),
            ("nonsense", None),
        ] {
            assert_eq!(castable(wanted).as_deref(), printed, "{wanted}");
        }
    }

    #[test]
    fn printed_names_are_read() {
        for (native, kind) in [
            ("character varying(20)", Kind::Varchar(Some(20))),
            ("character varying", Kind::Varchar(None)),
            ("numeric(10,2)", Kind::Numeric(Some((10, 2)))),
            ("numeric(5,-2)", Kind::Numeric(Some((5, -2)))),
            ("numeric", Kind::Numeric(None)),
            (
                "timestamp(3) with time zone",
                Kind::Timestamp {
                    digits: Some(3),
                    zoned: true,
                },
            ),
            ("time without time zone", Kind::Time(None)),
            ("interval(3)", Kind::Interval { restricted: true }),
            ("interval year to month", Kind::Interval { restricted: true }),
            ("bit(1)", Kind::Bit(1)),
            ("integer[]", Kind::Other),
            ("public.citext", Kind::Other),
            ("\"char\"", Kind::Other),
            ("numeric(10,2)[]", Kind::Other),
        ] {
            assert_eq!(Kind::parse(native), kind, "{native}");
        }
    }
}

//! Native types: what `COLUMN_TYPE` prints, taken apart. Everybody who needs to know what a column is asks here.

/// A native type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `tinyint` to `bigint`: 8, 16, 24, 32 or 64 bits.
    Integer {
        bits: u8,
        unsigned: bool,
        width: Option<u32>,
    },
    Decimal {
        precision: u32,
        scale: u32,
        unsigned: bool,
    },
    /// 32 or 64 bits.
    Float {
        bits: u8,
        unsigned: bool,
    },
    Bit(u32),
    Char(u32),
    Varchar(u32),
    /// `tinytext` to `longtext`, by the most bytes it holds.
    Text(u64),
    Binary(u32),
    Varbinary(u32),
    /// `tinyblob` to `longblob`, by the most bytes it holds.
    Blob(u64),
    Enum(Vec<String>),
    Set(Vec<String>),
    Date,
    /// With the digits of its fraction.
    Time(u8),
    Datetime(u8),
    Timestamp(u8),
    Year,
    /// MySQL's own; MariaDB's `json` is a `longtext`.
    Json,
    /// `geometry`, `point` and the like.
    Spatial(String),
    /// MariaDB's.
    Uuid,
    Inet4,
    Inet6,
    /// MySQL 9's, with its dimensions; MariaDB 11.7's too.
    Vector(u32),
    /// Whatever else there is.
    Other(String),
}

/// The longest that a `time` holds, 838:59:59.
pub(crate) const TIME_MICROS_MAX: i64 = 3_020_399_000_000;

const TINY: u64 = 255;
const SMALL: u64 = 65_535;
const MEDIUM: u64 = 16_777_215;
const LONG: u64 = 4_294_967_295;

/// Returns the smallest and the largest value of an integer of so many bits.
pub(crate) fn integer_range(bits: u8, unsigned: bool) -> (i128, i128) {
    let values = 1_i128 << bits;
    match unsigned {
        true => (0, values - 1),
        false => (-values / 2, values / 2 - 1),
    }
}

impl Kind {
    /// Reads what `COLUMN_TYPE` prints, such as `int(10) unsigned zerofill` or `enum('a','b')`.
    pub(crate) fn parse(native: &str) -> Self {
        let native = native.trim();
        let name_end = native
            .find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
            .unwrap_or(native.len());
        let name = native[..name_end].to_ascii_lowercase();
        let rest = native[name_end..].trim_start();
        let numbers = numbers(rest);
        let first = numbers.first().copied();
        let fraction = first.and_then(|digits| u8::try_from(digits).ok()).unwrap_or(0);
        let words = rest.rsplit(')').next().unwrap_or("").to_ascii_lowercase();
        let has = |word: &str| words.split_whitespace().any(|other| other == word);
        let unsigned = has("unsigned") || has("zerofill");
        let integer = |bits| Self::Integer {
            bits,
            unsigned,
            width: first,
        };
        match name.as_str() {
            "tinyint" | "bool" | "boolean" => integer(8),
            "smallint" => integer(16),
            "mediumint" => integer(24),
            "int" | "integer" => integer(32),
            "bigint" => integer(64),
            "decimal" | "numeric" => Self::Decimal {
                precision: first.unwrap_or(10),
                scale: numbers.get(1).copied().unwrap_or(0),
                unsigned,
            },
            "float" => Self::Float { bits: 32, unsigned },
            "double" | "real" => Self::Float { bits: 64, unsigned },
            "bit" => Self::Bit(first.unwrap_or(1)),
            "char" => Self::Char(first.unwrap_or(1)),
            "varchar" => Self::Varchar(first.unwrap_or(0)),
            "tinytext" => Self::Text(TINY),
            "text" => Self::Text(SMALL),
            "mediumtext" => Self::Text(MEDIUM),
            "longtext" => Self::Text(LONG),
            "binary" => Self::Binary(first.unwrap_or(1)),
            "varbinary" => Self::Varbinary(first.unwrap_or(0)),
            "tinyblob" => Self::Blob(TINY),
            "blob" => Self::Blob(SMALL),
            "mediumblob" => Self::Blob(MEDIUM),
            "longblob" => Self::Blob(LONG),
            "enum" => Self::Enum(labels(rest)),
            "set" => Self::Set(labels(rest)),
            "date" => Self::Date,
            "time" => Self::Time(fraction),
            "datetime" => Self::Datetime(fraction),
            "timestamp" => Self::Timestamp(fraction),
            "year" => Self::Year,
            "json" => Self::Json,
            "geometry" | "point" | "linestring" | "polygon" | "multipoint" | "multilinestring"
            | "multipolygon" | "geometrycollection" | "geomcollection" => Self::Spatial(name),
            "uuid" => Self::Uuid,
            "inet4" => Self::Inet4,
            "inet6" => Self::Inet6,
            "vector" => Self::Vector(first.unwrap_or(2048)),
            _ => Self::Other(native.to_owned()),
        }
    }

    /// Tells whether values are text in the column's character set.
    pub(crate) fn is_text(&self) -> bool {
        matches!(
            self,
            Self::Char(_) | Self::Varchar(_) | Self::Text(_) | Self::Enum(_) | Self::Set(_)
        )
    }
}

/// Returns an integer type or a year without its display width, which newer servers do not print: it says nothing about values, except where
/// numbers are filled with zeros, and where it marks what is meant as a boolean.
pub(crate) fn without_width(native: &str) -> String {
    let kind = Kind::parse(native);
    let says_something = if let Kind::Integer { bits, width, .. } = kind {
        (bits == 8 && width == Some(1)) || native.to_ascii_lowercase().contains("zerofill")
    } else {
        kind != Kind::Year
    };
    match (native.find('('), native.find(')')) {
        (Some(open), Some(close)) if !says_something => {
            format!("{}{}", &native[..open], &native[close + 1..])
        }
        _ => native.to_owned(),
    }
}

/// The names that the server knows a type by, and the one that it prints.
const SYNONYMS: &[(&str, &str)] = &[
    ("bool", "tinyint(1)"),
    ("boolean", "tinyint(1)"),
    ("int1", "tinyint"),
    ("int2", "smallint"),
    ("int3", "mediumint"),
    ("middleint", "mediumint"),
    ("int4", "int"),
    ("integer", "int"),
    ("int8", "bigint"),
    ("dec", "decimal"),
    ("numeric", "decimal"),
    ("fixed", "decimal"),
    ("real", "double"),
    ("double precision", "double"),
    ("float4", "float"),
    ("float8", "double"),
    ("character", "char"),
    ("nchar", "char"),
    ("national char", "char"),
    ("national character", "char"),
    ("character varying", "varchar"),
    ("char varying", "varchar"),
    ("varcharacter", "varchar"),
    ("nvarchar", "varchar"),
    ("nchar varchar", "varchar"),
    ("national varchar", "varchar"),
    ("char byte", "binary"),
    ("long", "mediumtext"),
    ("long varchar", "mediumtext"),
    ("long varbinary", "mediumblob"),
];

/// The printed name of a type by any of its names, when computed values can be turned into it.
pub(crate) fn castable(wanted: &str) -> Option<String> {
    let wanted = wanted.trim();
    let (name, rest) = wanted.split_once('(').unwrap_or((wanted, ""));
    let (inside, behind) = rest.rsplit_once(')').unwrap_or(("", ""));
    if rest.is_empty() == wanted.contains('(') || rest.contains('(') && !rest.contains('\'') {
        return None;
    }
    let mut words: Vec<String> = name
        .split_whitespace()
        .chain(behind.split_whitespace())
        .map(str::to_ascii_lowercase)
        .collect();
    let flags = words
        .iter()
        .position(|word| matches!(word.as_str(), "signed" | "unsigned" | "zerofill"))
        .map_or_else(Vec::new, |at| words.split_off(at));
    let name = words.join(" ");
    let name = SYNONYMS
        .iter()
        .find(|(other, _)| *other == name)
        .map_or(name.as_str(), |(_, printed)| printed);
    let (base, own) = name
        .split_once('(')
        .map_or((name, None), |(base, own)| (base, own.strip_suffix(')')));
    let inside = Some(inside.trim()).filter(|inside| !inside.is_empty());
    printed(base, own.or(inside), &flags)
}

fn printed(base: &str, inside: Option<&str>, flags: &[String]) -> Option<String> {
    if matches!(base, "enum" | "set") {
        let labels = labels(&format!("({})", inside?));
        let labels: Vec<String> = labels
            .iter()
            .map(|label| format!("'{}'", label.replace('\\', "\\\\").replace('\'', "''")))
            .collect();
        return (!labels.is_empty() && flags.is_empty()).then(|| format!("{base}({})", labels.join(",")));
    }
    let numbers: Option<Vec<u32>> = inside.map_or_else(
        || Some(Vec::new()),
        |inside| {
            inside
                .split(',')
                .map(|number| number.trim().parse().ok())
                .collect()
        },
    );
    let numbers = numbers?;
    let bare = |most: u32| match numbers.as_slice() {
        [] | [0] => Some(base.to_owned()),
        [digits] if *digits <= most => Some(format!("{base}({digits})")),
        _ => None,
    };
    let sized = |least: Option<u32>, most: u32| match numbers.as_slice() {
        [] => least.map(|least| format!("{base}({least})")),
        [size] if (1..=most).contains(size) => Some(format!("{base}({size})")),
        _ => None,
    };
    let takes_sign = matches!(
        base,
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "decimal" | "float" | "double"
    );
    let native = match (base, numbers.as_slice()) {
        ("tinyint", [1]) if flags.is_empty() => "tinyint(1)".to_owned(),
        ("tinyint" | "smallint" | "mediumint" | "int" | "bigint", [] | [_]) => base.to_owned(),
        ("decimal", []) => "decimal(10,0)".to_owned(),
        ("decimal", [precision]) if *precision <= DIGITS => format!("decimal({},0)", (*precision).max(1)),
        ("decimal", [precision, scale]) if *precision <= DIGITS && scale <= precision && *scale <= SCALE => {
            format!("decimal({precision},{scale})")
        }
        ("float", [] | [..=24]) => "float".to_owned(),
        ("float", [25..=53]) | ("double", []) => "double".to_owned(),
        ("float" | "double", [all, after]) if all >= after => format!("{base}({all},{after})"),
        ("bit", _) => sized(Some(1), 64)?,
        ("char" | "binary", _) => sized(Some(1), 255)?,
        ("varchar" | "varbinary", _) => sized(None, 65_535)?,
        ("time" | "datetime" | "timestamp", _) => bare(6)?,
        ("year", [] | [4]) => "year".to_owned(),
        (
            "tinytext" | "text" | "mediumtext" | "longtext" | "tinyblob" | "blob" | "mediumblob" | "longblob"
            | "date" | "json" | "uuid",
            [],
        ) => base.to_owned(),
        _ => return None,
    };
    let is_unsigned = flags
        .iter()
        .any(|flag| matches!(flag.as_str(), "unsigned" | "zerofill"));
    match (is_unsigned, takes_sign || flags.is_empty()) {
        (_, false) => None,
        (true, true) => Some(format!("{native} unsigned")),
        (false, true) => Some(native),
    }
}

/// Most digits of a decimal, and after its point.
const DIGITS: u32 = 65;
const SCALE: u32 = 38;

/// The numbers between the first parentheses.
pub(crate) fn numbers(rest: &str) -> Vec<u32> {
    let inside = rest
        .strip_prefix('(')
        .and_then(|rest| rest.split(')').next())
        .unwrap_or("");
    inside
        .split(',')
        .filter_map(|number| number.trim().parse().ok())
        .collect()
}

/// The quoted labels between the parentheses: a quote inside is doubled, a backslash and control characters follow a backslash.
fn labels(rest: &str) -> Vec<String> {
    let mut labels = Vec::new();
    let mut letters = rest.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter != '\'' {
            continue;
        }
        let mut label = String::new();
        while let Some(letter) = letters.next() {
            if letter == '\\' {
                label.extend(letters.next().map(unescaped));
            } else if letter != '\'' {
                label.push(letter);
            } else if letters.peek() == Some(&'\'') {
                letters.next();
                label.push('\'');
            } else {
                break;
            }
        }
        labels.push(label);
    }
    labels
}

/// What a letter behind a backslash stands for.
pub(crate) fn unescaped(letter: char) -> char {
    match letter {
        '0' => '\0',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'Z' => '\u{1a}',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_known_by_all_its_names() {
        for (wanted, printed) in [
            ("numeric(40,12)", Some("decimal(40,12)")),
            ("NUMERIC ( 40 , 12 )", Some("decimal(40,12)")),
            ("decimal", Some("decimal(10,0)")),
            ("dec(5)", Some("decimal(5,0)")),
            ("fixed(10,2) unsigned", Some("decimal(10,2) unsigned")),
            ("integer", Some("int")),
            ("int(11)", Some("int")),
            ("bigint(20) unsigned", Some("bigint unsigned")),
            ("BIGINT UNSIGNED", Some("bigint unsigned")),
            ("int signed", Some("int")),
            ("bool", Some("tinyint(1)")),
            ("boolean", Some("tinyint(1)")),
            ("tinyint(1)", Some("tinyint(1)")),
            ("real", Some("double")),
            ("double precision", Some("double")),
            ("float(3)", Some("float")),
            ("float(30)", Some("double")),
            ("character varying(20)", Some("varchar(20)")),
            ("nvarchar(20)", Some("varchar(20)")),
            ("char", Some("char(1)")),
            ("bit", Some("bit(1)")),
            ("datetime(0)", Some("datetime")),
            ("timestamp(6)", Some("timestamp(6)")),
            ("longtext", Some("longtext")),
            ("enum('A', 'it''s')", Some("enum('A','it''s')")),
            ("varchar", None),
            ("varchar(20", None),
            ("decimal(70,2)", None),
            ("datetime(9)", None),
            ("text unsigned", None),
            ("point", None),
            ("timestamptz", None),
        ] {
            assert_eq!(castable(wanted).as_deref(), printed, "{wanted}");
        }
    }

    #[test]
    fn takes_apart_what_the_catalog_prints() {
        let integer = |bits, unsigned, width| Kind::Integer {
            bits,
            unsigned,
            width,
        };
        for (native, kind) in [
            ("tinyint(1)", integer(8, false, Some(1))),
            ("int unsigned", integer(32, true, None)),
            ("int(5) unsigned zerofill", integer(32, true, Some(5))),
            (
                "decimal(65,30)",
                Kind::Decimal {
                    precision: 65,
                    scale: 30,
                    unsigned: false,
                },
            ),
            (
                "double unsigned",
                Kind::Float {
                    bits: 64,
                    unsigned: true,
                },
            ),
            ("datetime(6)", Kind::Datetime(6)),
            ("timestamp", Kind::Timestamp(0)),
            ("longtext", Kind::Text(LONG)),
            ("point", Kind::Spatial("point".to_owned())),
            (
                r"enum('a,b','it''s',')','unsigned','b\\c','n\nl')",
                Kind::Enum(
                    ["a,b", "it's", ")", "unsigned", r"b\c", "n\nl"]
                        .map(str::to_owned)
                        .to_vec(),
                ),
            ),
        ] {
            assert_eq!(Kind::parse(native), kind, "{native}");
        }
    }
}

//! Logical types into native ones, spelled as the catalog prints them.

use whimbrel_core::{ColumnUse, LogicalType, Mapped};

use crate::dialect::MysqlDialect;

/// The server's limits of declared sizes.
const DIGITS_MAX: u32 = 65;
const PLACES_MAX: u32 = 30;
const BIT_LENGTH_MAX: u32 = 64;
/// A `varchar` of four-byte characters that fits into a row of 65,535 bytes.
pub(super) const VARCHAR_MAX: u32 = 16_383;
/// A key holds 3,072 bytes: so many characters, or bytes.
pub(super) const KEY_CHARS_MAX: u32 = 768;
pub(super) const KEY_BYTES_MAX: u32 = 3_072;
const SET_LABELS_MAX: usize = 64;
const ENUM_LABELS_MAX: usize = 65_535;
const LABEL_CHARS_MAX: usize = 255;
/// All labels of a table together stand in one part of its definition, which has 64 KiB.
const LABELS_BYTES_MAX: usize = 32_768;
/// `23:59:59.999999+15:59:59`.
const TIME_ZONED_CHARS: u32 = 24;
/// Years to microseconds of the widest interval, all negative.
const INTERVAL_CHARS: u32 = 96;

/// Returns the native type that holds the logical type.
pub(in crate::dialect) fn native(
    dialect: &MysqlDialect,
    logical: &LogicalType,
    usage: &ColumnUse,
) -> Mapped<String> {
    match logical {
        LogicalType::Boolean => Mapped::widened(
            "tinyint(1)".to_owned(),
            "true and false are 1 and 0; other small numbers are accepted too",
        ),
        LogicalType::Integer { bits: 16 } => exact("smallint"),
        LogicalType::Integer { bits: 32 } => exact("int"),
        LogicalType::Integer { .. } => exact("bigint"),
        LogicalType::Decimal { precision, scale } => decimal(*precision, *scale, usage),
        LogicalType::Float { bits: 32 } => exact("float"),
        LogicalType::Float { .. } => exact("double"),
        LogicalType::Text { chars_max, padded } => text(*chars_max, *padded, usage),
        LogicalType::Bytes => bytes(usage),
        LogicalType::Bits { length, varying } => bits(*length, *varying, usage),
        LogicalType::Date => exact("date"),
        LogicalType::Time => exact("time(6)"),
        LogicalType::TimeZoned => Mapped::widened(
            format!("varchar({TIME_ZONED_CHARS})"),
            "a time with its offset is stored as text such as `12:00:00+02:00`",
        ),
        LogicalType::Timestamp { zoned: false } => exact("datetime(6)"),
        LogicalType::Timestamp { zoned: true } => instant(),
        LogicalType::Interval => Mapped::widened(
            format!("varchar({INTERVAL_CHARS})"),
            "stored as text such as `P1M2DT3.5S`",
        ),
        LogicalType::Uuid => uuid(dialect),
        LogicalType::Json => json(dialect),
        LogicalType::Enum { labels, .. } => enumeration(labels, usage),
        LogicalType::Set { labels } => set(labels, usage),
        LogicalType::Any => Mapped::lossy(
            "longblob".to_owned(),
            "values of several storage classes arrive as tagged bytes, which no query can use",
        ),
        LogicalType::Wire { native, .. } => Mapped::exact(native.clone()),
    }
}

fn exact(native: &str) -> Mapped<String> {
    Mapped::exact(native.to_owned())
}

fn decimal(precision: Option<u32>, scale: Option<i32>, usage: &ColumnUse) -> Mapped<String> {
    let Some(precision) = precision else {
        return digits("a number needs a declared size here", usage);
    };
    let scale = scale.unwrap_or(0);
    let places = scale.unsigned_abs();
    let (precision, places) = match scale < 0 {
        // Zeros before the point that the declaration takes for granted.
        true => (precision.saturating_add(places), 0),
        false => (precision.max(places), places),
    };
    if (1..=DIGITS_MAX).contains(&precision) && places <= PLACES_MAX {
        let native = format!("decimal({precision},{places})");
        return match scale < 0 {
            true => Mapped::widened(native, "numbers are not rounded before the point"),
            false => Mapped::exact(native),
        };
    }
    digits(
        "a number has at most 65 digits, 30 of them behind the point",
        usage,
    )
}

/// Numbers of a size that no number type has: as text, if a person wants that.
fn digits(why: &str, usage: &ColumnUse) -> Mapped<String> {
    let text = match usage.indexed {
        true => sized("varchar", usage, KEY_CHARS_MAX).unwrap_or_else(|| "longtext".to_owned()),
        false => "longtext".to_owned(),
    };
    Mapped::unsupported(format!("decimal({DIGITS_MAX},{PLACES_MAX})"), why)
        .named("decimal")
        .or(
            "text",
            "exact digits as text; compare them with CAST(... AS DECIMAL)",
            Mapped::widened(text, "exact digits are stored as text"),
        )
}

/// A type for indexed values of unknown length: with room, in few sizes, several of them in one key; none when a value is too long for that.
fn sized(name: &str, usage: &ColumnUse, key_max: u32) -> Option<String> {
    const USUAL: u32 = 255;
    let key_max = key_max / usage.key_columns.max(1);
    let length = match usage.length_seen {
        None => key_max,
        Some(seen) if seen > u64::from(key_max) => return None,
        // Twice what was seen, so that tomorrow's values fit too.
        Some(seen) if seen <= u64::from(USUAL / 2) => USUAL.min(key_max),
        Some(_) => key_max,
    };
    Some(format!("{name}({length})"))
}

fn text(chars_max: Option<u32>, padded: bool, usage: &ColumnUse) -> Mapped<String> {
    match chars_max.filter(|limit| *limit > 0) {
        Some(limit) if usage.indexed && limit > KEY_CHARS_MAX => narrowed(limit, usage),
        // The engine's `char` forgets the blanks with which such a value travels.
        Some(limit) if padded && limit <= VARCHAR_MAX => Mapped::widened(
            format!("varchar({limit})"),
            "values are stored with their blanks; new ones are not padded",
        ),
        Some(limit) if limit <= VARCHAR_MAX => Mapped::exact(format!("varchar({limit})")),
        Some(limit) => Mapped::widened(
            "longtext".to_owned(),
            format!("the limit of {limit} characters is not enforced"),
        ),
        None if usage.indexed => match sized("varchar", usage, KEY_CHARS_MAX) {
            Some(native) => Mapped::widened(
                native,
                format!("an index needs a length; a key holds at most {KEY_CHARS_MAX} characters"),
            ),
            None => exact("longtext"),
        },
        None => exact("longtext"),
    }
}

/// An indexed text whose limit is beyond a key's: as long as a key can be, when all values fit.
fn narrowed(limit: u32, usage: &ColumnUse) -> Mapped<String> {
    if usage
        .length_seen
        .is_some_and(|seen| seen <= u64::from(KEY_CHARS_MAX))
    {
        return Mapped::widened(
            format!("varchar({KEY_CHARS_MAX})"),
            format!("a key holds at most {KEY_CHARS_MAX} characters, not {limit}; longer values are refused"),
        );
    }
    match limit <= VARCHAR_MAX {
        true => Mapped::exact(format!("varchar({limit})")),
        false => Mapped::widened(
            "longtext".to_owned(),
            format!("the limit of {limit} characters is not enforced"),
        ),
    }
}

fn bytes(usage: &ColumnUse) -> Mapped<String> {
    let keyed = usage.indexed.then(|| sized("varbinary", usage, KEY_BYTES_MAX));
    match keyed.flatten() {
        Some(native) => Mapped::widened(
            native,
            format!("an index needs a length; a key holds at most {KEY_BYTES_MAX} bytes"),
        ),
        None => exact("longblob"),
    }
}

fn bits(length: Option<u32>, varying: bool, usage: &ColumnUse) -> Mapped<String> {
    let why = "stored as text of 0 and 1";
    match length {
        Some(length) if !varying && (1..=BIT_LENGTH_MAX).contains(&length) => {
            Mapped::exact(format!("bit({length})"))
        }
        Some(length) if length <= VARCHAR_MAX => Mapped::widened(format!("varchar({length})"), why),
        _ => Mapped::widened(text(None, false, usage).to, why),
    }
}

fn instant() -> Mapped<String> {
    Mapped::widened(
        "datetime(6)".to_owned(),
        "an instant is stored as its wall clock in UTC",
    )
    .named("datetime")
    .or(
        "timestamp",
        "instants that each session sees in its own zone",
        Mapped::lossy(
            "timestamp(6)".to_owned(),
            "instants before 1970-01-01 00:00:01 and after 2038-01-19 03:14:07 UTC are refused",
        ),
    )
}

fn uuid(dialect: &MysqlDialect) -> Mapped<String> {
    const CHAR: &str = "36 lower-case characters";
    let binary = Mapped::widened(
        "binary(16)".to_owned(),
        "stored as 16 bytes in the order of its digits",
    );
    let char = Mapped::widened("char(36)".to_owned(), "stored as text");
    if dialect.version.is_mariadb(10, 7, 0) {
        return exact("uuid")
            .named("uuid")
            .or("binary", "16 bytes", binary)
            .or("char", CHAR, char);
    }
    binary.named("binary").or("char", CHAR, char)
}

fn json(dialect: &MysqlDialect) -> Mapped<String> {
    let text = || {
        Mapped::widened(
            "longtext".to_owned(),
            "documents are stored as text, which may be anything",
        )
    };
    let meaning = "each document as its text, every digit and space kept";
    match dialect.is_mariadb() {
        true => exact("json").named("json").or("longtext", meaning, text()),
        false => Mapped::widened(
            "json".to_owned(),
            "documents are kept by value, not by spelling; numbers are 64-bit integers or floats, and a document with any other is refused",
        )
        .named("json")
        .or("longtext", meaning, text()),
    }
}

/// Labels with which the engine's own type would change them, or not take them.
fn misfit(labels: &[String]) -> Option<&'static str> {
    if labels.is_empty() {
        return Some("the type needs a label");
    }
    if labels.iter().any(|label| label.ends_with(' ')) {
        return Some("labels that end with a space would lose it");
    }
    if labels.iter().any(String::is_empty) {
        return Some("an empty label would look like an invalid value");
    }
    if labels.iter().any(|label| label.chars().count() > LABEL_CHARS_MAX) {
        return Some("a label has more than 255 characters");
    }
    let bytes: usize = labels.iter().map(String::len).sum();
    (bytes > LABELS_BYTES_MAX || labels.len() > ENUM_LABELS_MAX).then_some("there are too many labels")
}

/// Text that takes every label, and everything else.
fn any_label(labels: &[String], usage: &ColumnUse, why: &str) -> Mapped<String> {
    let longest = labels.iter().map(|label| label.chars().count()).max();
    let longest = longest.and_then(|longest| u32::try_from(longest).ok());
    let native = text(longest.map(|longest| longest.max(1)), false, usage).to;
    Mapped::widened(
        native,
        format!("labels are stored as text, any text is accepted: {why}"),
    )
}

fn enumeration(labels: &[String], usage: &ColumnUse) -> Mapped<String> {
    match misfit(labels) {
        None => Mapped::exact(labelled("enum", labels)),
        Some(why) => any_label(labels, usage, why),
    }
}

fn set(labels: &[String], usage: &ColumnUse) -> Mapped<String> {
    let why = match misfit(labels) {
        None if labels.len() <= SET_LABELS_MAX && !labels.iter().any(|label| label.contains(',')) => {
            return Mapped::exact(labelled("set", labels));
        }
        None => "a set has at most 64 labels, none with a comma",
        Some(why) => why,
    };
    let all = labels.join(",");
    any_label(&[all], usage, why)
}

/// Spells the type as the catalog prints it, which is how statements read it too.
fn labelled(name: &str, labels: &[String]) -> String {
    let mut native = format!("{name}(");
    for (place, label) in labels.iter().enumerate() {
        if place > 0 {
            native.push(',');
        }
        native.push('\'');
        for letter in label.chars() {
            match letter {
                '\'' => native.push_str("''"),
                '\\' => native.push_str("\\\\"),
                '\0' => native.push_str("\\0"),
                '\n' => native.push_str("\\n"),
                '\r' => native.push_str("\\r"),
                other => native.push(other),
            }
        }
        native.push('\'');
    }
    native.push(')');
    native
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use whimbrel_core::Fidelity;

    use super::*;
    use crate::flavour::Version;
    use crate::native::Kind;

    fn dialect(version: &str) -> MysqlDialect {
        MysqlDialect {
            version: Version::parse(version),
        }
    }

    fn plain(logical: &LogicalType) -> Mapped<String> {
        native(&dialect("9.1.0"), logical, &ColumnUse::default())
    }

    fn indexed(logical: &LogicalType, length_seen: Option<u64>) -> String {
        let usage = ColumnUse {
            indexed: true,
            length_seen,
            ..ColumnUse::default()
        };
        native(&dialect("9.1.0"), logical, &usage).to
    }

    fn decimal_of(precision: Option<u32>, scale: Option<i32>) -> Mapped<String> {
        plain(&LogicalType::Decimal { precision, scale })
    }

    #[test]
    fn numbers_keep_their_size_or_say_that_they_cannot() {
        assert_eq!(decimal_of(Some(10), Some(2)).to, "decimal(10,2)");
        assert_eq!(decimal_of(Some(65), Some(30)).to, "decimal(65,30)");
        assert_eq!(decimal_of(Some(3), Some(5)).to, "decimal(5,5)");
        assert_eq!(decimal_of(Some(3), Some(-2)).to, "decimal(5,0)");
        for (precision, scale) in [(None, None), (Some(66), Some(0)), (Some(40), Some(31))] {
            let mapped = decimal_of(precision, scale);
            assert!(matches!(mapped.fidelity, Fidelity::Unsupported(_)));
            assert_eq!(mapped.alternatives[0].to, "longtext");
        }
    }

    #[test]
    fn an_indexed_text_gets_a_length_that_a_key_can_have() {
        let free = LogicalType::text();
        let limited = |chars| LogicalType::Text {
            chars_max: Some(chars),
            padded: false,
        };
        assert_eq!(plain(&free).to, "longtext");
        assert_eq!(indexed(&free, None), "varchar(768)");
        assert_eq!(indexed(&free, Some(36)), "varchar(255)");
        assert_eq!(indexed(&free, Some(300)), "varchar(768)");
        assert_eq!(indexed(&free, Some(769)), "longtext");
        let of_five = ColumnUse {
            indexed: true,
            key_columns: 5,
            length_seen: Some(20),
            ..ColumnUse::default()
        };
        assert_eq!(native(&dialect("9.1.0"), &free, &of_five).to, "varchar(153)");
        assert_eq!(indexed(&limited(20), Some(9)), "varchar(20)");
        assert_eq!(indexed(&limited(1000), Some(768)), "varchar(768)");
        assert_eq!(indexed(&limited(1000), Some(769)), "varchar(1000)");
        assert_eq!(plain(&limited(16_383)).to, "varchar(16383)");
        assert_eq!(plain(&limited(16_384)).to, "longtext");
        assert_eq!(indexed(&LogicalType::Bytes, Some(40)), "varbinary(255)");
        assert_eq!(indexed(&LogicalType::Bytes, Some(3_073)), "longblob");
    }

    #[test]
    fn labels_that_the_type_would_change_become_text() {
        let of = |labels: &[&str]| {
            plain(&LogicalType::Enum {
                name: "mood".to_owned(),
                labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            })
            .to
        };
        assert_eq!(of(&["a", "A", "it's", r"b\c"]), r"enum('a','A','it''s','b\\c')");
        assert_eq!(of(&["a", "ab "]), "varchar(3)");
        assert_eq!(of(&["", "a"]), "varchar(1)");
        assert_eq!(of(&[&"x".repeat(256)]), "varchar(256)");
    }

    #[test]
    fn a_uuid_has_a_type_of_its_own_where_there_is_one() {
        let of = |version: &str| native(&dialect(version), &LogicalType::Uuid, &ColumnUse::default()).to;
        assert_eq!(of("10.7.3-MariaDB"), "uuid");
        assert_eq!(of("10.6.3-MariaDB"), "binary(16)");
        assert_eq!(of("9.1.0"), "binary(16)");
    }

    proptest! {
        #[test]
        fn the_labels_of_a_spelled_type_are_read_back(labels in prop::collection::vec("[^ ,]{1,8}", 1..6)) {
            let spelled = labelled("enum", &labels);
            prop_assert_eq!(Kind::parse(&spelled), Kind::Enum(labels.clone()));
            let spelled = labelled("set", &labels);
            prop_assert_eq!(Kind::parse(&spelled), Kind::Set(labels));
        }

        #[test]
        fn every_text_type_is_read_back(chars in 1_u32..20_000, padded: bool, seen in prop::option::of(0_u64..5_000)) {
            let logical = LogicalType::Text { chars_max: Some(chars), padded };
            let usage = ColumnUse { indexed: true, length_seen: seen, ..ColumnUse::default() };
            let kind = Kind::parse(&native(&dialect("9.1.0"), &logical, &usage).to);
            let limited = |limit: u32| u64::from(limit) >= seen.unwrap_or(0).min(u64::from(chars));
            let holds = matches!(kind, Kind::Char(limit) | Kind::Varchar(limit) if limited(limit))
                || kind == Kind::Text(u64::from(u32::MAX));
            prop_assert!(holds);
        }
    }
}

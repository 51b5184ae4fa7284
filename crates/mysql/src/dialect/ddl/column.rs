//! A column between the parentheses of CREATE TABLE.

use whimbrel_core::Column;

use crate::catalog::scan;
use crate::dialect::{MysqlDialect, mapping};
use crate::native::Kind;
use crate::quote::{literal, quoted};

/// Characters of a comment on a column.
const COMMENT_CHARS_MAX: usize = 1_024;

pub(super) fn definition(dialect: &MysqlDialect, column: &Column) -> String {
    let kind = Kind::parse(&column.native);
    let mut text = format!("{} {}", quoted(&column.name), column.native);
    if kind.is_text()
        && let Some(name) = &column.collation
    {
        text.push_str(&collate(dialect, name));
    }
    if let Some(generated) = &column.generated {
        let stored = if generated.stored { "STORED" } else { "VIRTUAL" };
        text.push_str(&format!(
            " GENERATED ALWAYS AS ({}) {stored}",
            generated.expression
        ));
        // MariaDB has no NOT NULL for what it computes.
        if !column.nullable && !dialect.is_mariadb() {
            text.push_str(" NOT NULL");
        }
    } else {
        // A timestamp that does not say so allows no NULL where `explicit_defaults_for_timestamp` is off.
        text.push_str(if column.nullable { " NULL" } else { " NOT NULL" });
        if column.identity.is_some() {
            text.push_str(" AUTO_INCREMENT");
        } else if let Some(default) = &column.default {
            text.push_str(&format!(" DEFAULT {}", default_text(default, &kind)));
        }
        if let Some(stamp) = &column.on_update {
            text.push_str(&format!(" ON UPDATE {}", with_precision(stamp, &kind)));
        }
    }
    for option in &column.options {
        text.push_str(&option_text(dialect, option));
    }
    if let Some(comment) = &column.comment {
        text.push_str(&comment_text(comment, COMMENT_CHARS_MAX));
    }
    text
}

/// A comment that is too long is cut, which the engine would refuse to do.
pub(super) fn comment_text(comment: &str, chars_max: usize) -> String {
    let short: String = match comment.chars().count() > chars_max {
        true => comment.chars().take(chars_max - 1).chain(['…']).collect(),
        false => comment.to_owned(),
    };
    format!(" COMMENT {}", literal(&short))
}

/// The character set and the collation in the words of this server.
pub(super) fn collate(dialect: &MysqlDialect, collation: &str) -> String {
    let name = known_name(dialect, collation);
    let charset = mapping::charset(&name).unwrap_or("utf8mb4");
    format!(" CHARACTER SET {charset} COLLATE {name}")
}

/// The three-byte set was called `utf8` and is called `utf8mb3`.
fn known_name(dialect: &MysqlDialect, collation: &str) -> String {
    let is_renamed = dialect.version.is_mysql(8, 0, 30) || dialect.version.is_mariadb(10, 6, 1);
    match (
        collation.strip_prefix("utf8_"),
        collation.strip_prefix("utf8mb3_"),
    ) {
        (Some(rest), _) if is_renamed => format!("utf8mb3_{rest}"),
        (_, Some(rest)) if !is_renamed => format!("utf8_{rest}"),
        _ => collation.to_owned(),
    }
}

/// The words of this engine that a column may have besides; those of others are not among them.
fn option_text(dialect: &MysqlDialect, option: &str) -> String {
    match option.split_once('=') {
        None if option == "invisible" => " INVISIBLE".to_owned(),
        None if option == "without system versioning" && dialect.is_mariadb() => {
            " WITHOUT SYSTEM VERSIONING".to_owned()
        }
        None if option == "compressed" && dialect.is_mariadb() => " COMPRESSED".to_owned(),
        Some(("srid", number)) if !dialect.is_mariadb() => format!(" SRID {number}"),
        _ => String::new(),
    }
}

/// Literals and the current time stand alone, everything else in parentheses.
fn default_text(default: &str, kind: &Kind) -> String {
    let default = default.trim();
    let is_stamped = matches!(kind, Kind::Datetime(_) | Kind::Timestamp(_));
    if is_stamped && is_now(default) {
        return with_precision(default, kind);
    }
    // Types without a length take expressions only, and a literal is one.
    let is_long = matches!(
        kind,
        Kind::Text(_) | Kind::Blob(_) | Kind::Json | Kind::Spatial(_) | Kind::Vector(_)
    );
    let is_null = default.eq_ignore_ascii_case("NULL");
    if is_null || (!is_long && is_literal(default)) || scan::is_enclosed(default) {
        return default.to_owned();
    }
    format!("({default})")
}

fn is_now(text: &str) -> bool {
    let word = text.split('(').next().unwrap_or("").trim();
    ["CURRENT_TIMESTAMP", "NOW", "LOCALTIME", "LOCALTIMESTAMP"]
        .iter()
        .any(|now| now.eq_ignore_ascii_case(word))
        && text.split_once('(').is_none_or(|(_, rest)| {
            rest.trim_end()
                .strip_suffix(')')
                .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
        })
}

/// The current time has to have as many digits as its column.
fn with_precision(text: &str, kind: &Kind) -> String {
    let (Kind::Datetime(digits) | Kind::Timestamp(digits)) = kind else {
        return text.to_owned();
    };
    match digits {
        _ if !is_now(text) => text.to_owned(),
        0 => "CURRENT_TIMESTAMP".to_owned(),
        digits => format!("CURRENT_TIMESTAMP({digits})"),
    }
}

fn is_literal(text: &str) -> bool {
    if ["TRUE", "FALSE"]
        .iter()
        .any(|word| word.eq_ignore_ascii_case(text))
    {
        return true;
    }
    let number = text.strip_prefix(['-', '+']).unwrap_or(text);
    if number.starts_with(|letter: char| letter.is_ascii_digit()) {
        return number.parse::<f64>().is_ok() || is_hex(number);
    }
    let quoted_part = text.strip_prefix(['x', 'X', 'b', 'B']).unwrap_or(text);
    // Two literals side by side (`'a''b'`) are one with a quote inside, as the server reads it.
    quoted_part.len() > 1
        && quoted_part.starts_with('\'')
        && quoted_part.ends_with('\'')
        && !scan::outside(quoted_part).contains(&true)
}

fn is_hex(text: &str) -> bool {
    text.strip_prefix("0x")
        .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::flavour::Version;

    fn default_of(native: &str, default: &str) -> String {
        default_text(default, &Kind::parse(native))
    }

    #[test]
    fn only_literals_and_the_time_stand_without_parentheses() {
        for (native, default, becomes) in [
            ("int", "5", "5"),
            ("int", "-5.5e3", "-5.5e3"),
            ("int", "(1 + 2)", "(1 + 2)"),
            ("int", "1 + 2", "(1 + 2)"),
            ("varchar(3)", "'a''b'", "'a''b'"),
            ("varchar(3)", "concat('a','b')", "(concat('a','b'))"),
            ("varchar(3)", "'a' || 'b'", "('a' || 'b')"),
            ("longtext", "'a'", "('a')"),
            ("json", "NULL", "NULL"),
            ("bit(3)", "b'101'", "b'101'"),
            ("binary(2)", "0xff00", "0xff00"),
            ("datetime(6)", "CURRENT_TIMESTAMP", "CURRENT_TIMESTAMP(6)"),
            ("datetime", "now(6)", "CURRENT_TIMESTAMP"),
            ("date", "CURRENT_DATE", "(CURRENT_DATE)"),
            ("tinyint(1)", "TRUE", "TRUE"),
        ] {
            assert_eq!(default_of(native, default), becomes, "{native} {default}");
        }
    }

    #[test]
    fn the_three_byte_set_has_two_names() {
        let dialect = |version: &str| MysqlDialect {
            version: Version::parse(version),
        };
        let old = collate(&dialect("10.5.2-MariaDB"), "utf8mb3_bin");
        assert_eq!(old, " CHARACTER SET utf8 COLLATE utf8_bin");
        let new = collate(&dialect("8.4.0"), "utf8_bin");
        assert_eq!(new, " CHARACTER SET utf8mb3 COLLATE utf8mb3_bin");
        let any = collate(&dialect("10.11.0-MariaDB"), "uca1400_ai_ci");
        assert_eq!(any, " CHARACTER SET utf8mb4 COLLATE uca1400_ai_ci");
    }

    proptest! {
        #[test]
        fn a_quoted_text_is_always_a_literal(text in "\\PC{0,12}") {
            let spelled = literal(&text);
            prop_assert!(is_literal(&spelled), "{}", spelled);
        }

        #[test]
        fn a_quoted_name_ends_where_it_should(name in "[^\\x00]{1,12}") {
            let spelled = format!("{} int", quoted(&name));
            let inside = spelled.strip_suffix(" int").unwrap();
            prop_assert_eq!(inside[1..inside.len() - 1].replace("``", "`"), name);
            prop_assert!(!scan::outside(inside)[..inside.len() - 1].contains(&true));
        }
    }
}

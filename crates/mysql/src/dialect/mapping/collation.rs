//! Collations: what one calls equal, by its name, and which one of this server calls the same texts equal.

use whimbrel_core::{Column, TargetCollation, TextEquality};

use crate::dialect::MysqlDialect;
use crate::native::Kind;

/// Collations that ignore case and keep accents apart although no part of their name says so.
const MINDS_ACCENTS: &[&str] = &[
    "cp1256_general",
    "cp1257_lithuanian",
    "cp850_general",
    "eucjpms_japanese",
    "gb18030_chinese",
    "gb2312_chinese",
    "gbk_chinese",
    "hp8_english",
    "latin1_general",
    "latin7_general",
];

/// Returns which different texts the column's collation calls equal.
pub(in crate::dialect) fn equality(column: &Column) -> TextEquality {
    if !Kind::parse(&column.native).is_text() {
        return TextEquality::default();
    }
    // Every text has a collation; what an unnamed one is depends on the server, and most of them ignore everything.
    column.collation.as_deref().map_or(
        TextEquality {
            ignores_case: true,
            ignores_accents: true,
            ignores_padding: true,
        },
        equality_of,
    )
}

fn equality_of(collation: &str) -> TextEquality {
    let name = collation.to_ascii_lowercase();
    let parts: Vec<&str> = name.split('_').collect();
    let has = |part: &str| parts.contains(&part);
    let is_binary = has("bin") || name == "binary";
    let ignores_case = !is_binary && !has("cs");
    let minds_accents = has("as") || has("w2") || MINDS_ACCENTS.iter().any(|legacy| name.starts_with(legacy));
    TextEquality {
        ignores_case,
        ignores_accents: has("ai") || (ignores_case && !minds_accents),
        ignores_padding: !(has("0900") || has("nopad") || name == "binary"),
    }
}

/// Returns the collation that is nearest to what is asked for. Where none fits it rather tells apart than calls equal, except that case stays
/// ignored where it was.
pub(in crate::dialect) fn collation(dialect: &MysqlDialect, asked: TextEquality) -> TargetCollation {
    let name = match dialect.is_mariadb() {
        true => of_mariadb(dialect, asked),
        false => of_mysql(dialect, asked),
    };
    TargetCollation {
        name: name.to_owned(),
        equality: equality_of(name),
        made: false,
    }
}

fn of_mysql(dialect: &MysqlDialect, asked: TextEquality) -> &'static str {
    let has_0900 = dialect.version.is_mysql(8, 0, 1);
    match (asked.ignores_case, asked.ignores_accents, asked.ignores_padding) {
        (false, _, true) => "utf8mb4_bin",
        (false, false, false) if dialect.version.is_mysql(8, 0, 17) => "utf8mb4_0900_bin",
        (false, _, false) if has_0900 => "utf8mb4_0900_as_cs",
        (false, _, false) => "utf8mb4_bin",
        (true, false, _) if has_0900 => "utf8mb4_0900_as_ci",
        (true, true, false) if has_0900 => "utf8mb4_0900_ai_ci",
        (true, ..) => "utf8mb4_unicode_520_ci",
    }
}

fn of_mariadb(dialect: &MysqlDialect, asked: TextEquality) -> &'static str {
    let has_uca_1400 = dialect.version.is_mariadb(10, 10, 1);
    match (asked.ignores_case, asked.ignores_accents, asked.ignores_padding) {
        (false, true, false) if has_uca_1400 => "utf8mb4_uca1400_nopad_ai_cs",
        (false, true, true) if has_uca_1400 => "utf8mb4_uca1400_ai_cs",
        (false, _, false) => "utf8mb4_nopad_bin",
        (false, _, true) => "utf8mb4_bin",
        (true, false, false) if has_uca_1400 => "utf8mb4_uca1400_nopad_as_ci",
        (true, false, true) if has_uca_1400 => "utf8mb4_uca1400_as_ci",
        (true, true, false) if has_uca_1400 => "utf8mb4_uca1400_nopad_ai_ci",
        (true, true, true) if has_uca_1400 => "utf8mb4_uca1400_ai_ci",
        (true, _, false) => "utf8mb4_unicode_520_nopad_ci",
        (true, _, true) => "utf8mb4_unicode_520_ci",
    }
}

/// Returns the character set that a collation belongs to; none for a name that says none.
pub(in crate::dialect) fn charset(collation: &str) -> Option<&str> {
    let first = collation.split('_').next()?;
    // These collations of MariaDB serve every Unicode set; everything else of ours is utf8mb4.
    (!first.is_empty() && !first.starts_with("uca")).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flavour::Version;

    fn shown(equality: TextEquality) -> String {
        [
            (equality.ignores_case, 'c'),
            (equality.ignores_accents, 'a'),
            (equality.ignores_padding, 'p'),
        ]
        .into_iter()
        .filter_map(|(ignored, letter)| ignored.then_some(letter))
        .collect()
    }

    #[test]
    fn a_name_says_what_is_equal() {
        for (name, ignores) in [
            ("utf8mb4_0900_bin", ""),
            ("utf8mb4_nopad_bin", ""),
            ("binary", ""),
            ("utf8mb4_bin", "p"),
            ("latin1_general_cs", "p"),
            ("utf8mb4_0900_as_cs", ""),
            ("utf8mb4_ja_0900_as_cs_ks", ""),
            ("utf8mb4_0900_as_ci", "c"),
            ("utf8mb4_0900_ai_ci", "ca"),
            ("utf8mb4_general_ci", "cap"),
            ("utf8mb4_thai_520_w2", "cp"),
            ("latin1_swedish_ci", "cap"),
            ("latin1_general_ci", "cp"),
            ("utf8mb4_uca1400_ai_ci", "cap"),
            ("uca1400_nopad_as_ci", "c"),
            ("utf8mb4_uca1400_nopad_ai_cs", "a"),
        ] {
            assert_eq!(shown(equality_of(name)), ignores, "{name}");
        }
    }

    #[test]
    fn every_equality_of_a_new_server_has_its_collation() {
        let all = (0..8_u8).map(|bits| TextEquality {
            ignores_case: bits & 1 > 0,
            ignores_accents: bits & 2 > 0,
            ignores_padding: bits & 4 > 0,
        });
        let dialect = |version: &str| MysqlDialect {
            version: Version::parse(version),
        };
        for asked in all {
            let maria = collation(&dialect("10.11.6-MariaDB"), asked);
            assert_eq!(maria.equality, asked, "{}", maria.name);
            let mysql = collation(&dialect("9.1.0"), asked);
            // There is none that ignores accents but not case, and none that ignores case and padding but not accents.
            let missing = matches!(shown(asked).as_str(), "a" | "ap" | "cp");
            assert_eq!(mysql.equality == asked, !missing, "{}", mysql.name);
        }
    }

    #[test]
    fn the_exact_one_neither_pads_nor_folds() {
        for (version, name) in [
            ("8.0.17", "utf8mb4_0900_bin"),
            ("10.5.1-MariaDB", "utf8mb4_nopad_bin"),
        ] {
            let dialect = MysqlDialect {
                version: Version::parse(version),
            };
            let exact = collation(&dialect, TextEquality::default());
            assert_eq!(exact.name, name);
            assert!(exact.equality.is_exact());
        }
    }
}

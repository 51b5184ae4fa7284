//! What the two flavours share: native types whose values mean and look the same in both.

use whimbrel_core::Column;

use crate::dialect::MysqlDialect;
use crate::flavour::Flavour;
use crate::native::{Kind, without_width};

/// Parts of the names of collations that only one flavour has.
const ONLY_MYSQL: &[&str] = &["_0900_", "gb18030", "utf8mb3_tolower", "utf8_tolower"];
const ONLY_MARIADB: &[&str] = &[
    "nopad",
    "uca1400",
    "_croatian_mysql561",
    "_myanmar_",
    "_thai_520_w2",
];

/// Returns the native type in which a column of the other flavour arrives in its own wire form; none when it has no such type here.
pub(in crate::dialect) fn adopt(dialect: &MysqlDialect, engine: &str, column: &Column) -> Option<String> {
    let other = match dialect.version.flavour {
        Flavour::MySql => Flavour::MariaDb,
        Flavour::MariaDb => Flavour::MySql,
    };
    if engine != other.name() {
        return None;
    }
    let native = column.native.trim();
    match Kind::parse(native) {
        Kind::Integer { .. } | Kind::Year => Some(without_width(native)),
        Kind::Decimal { .. }
        | Kind::Float { .. }
        | Kind::Bit(_)
        | Kind::Binary(_)
        | Kind::Varbinary(_)
        | Kind::Blob(_)
        | Kind::Date
        | Kind::Time(_)
        | Kind::Datetime(_)
        | Kind::Timestamp(_) => Some(native.to_owned()),
        // One flavour checks documents that it keeps as text, the other keeps them by value.
        Kind::Text(_) if column.options.iter().any(|option| option == super::JSON_OPTION) => None,
        Kind::Char(_) | Kind::Varchar(_) | Kind::Text(_) | Kind::Enum(_) | Kind::Set(_) => {
            is_common(column.collation.as_deref()?).then(|| native.to_owned())
        }
        Kind::Spatial(name) => Some(match (name.as_str(), dialect.version.flavour) {
            ("geomcollection", Flavour::MariaDb) => "geometrycollection".to_owned(),
            ("geometrycollection", Flavour::MySql) => "geomcollection".to_owned(),
            _ => name,
        }),
        Kind::Json | Kind::Uuid | Kind::Inet4 | Kind::Inet6 | Kind::Vector(_) | Kind::Other(_) => None,
    }
}

fn is_common(collation: &str) -> bool {
    let name = collation.to_ascii_lowercase();
    !ONLY_MYSQL
        .iter()
        .chain(ONLY_MARIADB)
        .any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flavour::Version;

    fn adopted(version: &str, engine: &str, native: &str, collation: Option<&str>) -> Option<String> {
        let dialect = MysqlDialect {
            version: Version::parse(version),
        };
        let column = Column {
            collation: collation.map(str::to_owned),
            ..Column::new("c", native)
        };
        adopt(&dialect, engine, &column)
    }

    #[test]
    fn shared_types_stay() {
        let from_mariadb = |native: &str| adopted("9.1.0", "mariadb", native, Some("latin1_swedish_ci"));
        for (native, becomes) in [
            ("int(10) unsigned", "int unsigned"),
            ("tinyint(1)", "tinyint(1)"),
            ("int(5) unsigned zerofill", "int(5) unsigned zerofill"),
            ("year(4)", "year"),
            ("varchar(9)", "varchar(9)"),
            ("enum('a(1)','b')", "enum('a(1)','b')"),
            ("geometrycollection", "geomcollection"),
            ("datetime(3)", "datetime(3)"),
        ] {
            assert_eq!(from_mariadb(native).as_deref(), Some(becomes), "{native}");
        }
        for native in ["uuid", "inet6", "json", "vector(3)"] {
            assert_eq!(from_mariadb(native), None, "{native}");
        }
    }

    #[test]
    fn a_collation_that_the_other_lacks_is_not_adopted() {
        let to_mariadb = |collation| adopted("10.11.1-MariaDB", "mysql", "varchar(9)", Some(collation));
        assert!(to_mariadb("utf8mb4_general_ci").is_some());
        assert!(to_mariadb("utf8mb4_0900_ai_ci").is_none());
        assert!(adopted("9.1.0", "mariadb", "text", Some("utf8mb4_uca1400_ai_ci")).is_none());
    }

    #[test]
    fn nothing_is_adopted_from_strangers() {
        assert_eq!(adopted("9.1.0", "elsewhere", "int", None), None);
        assert_eq!(adopted("9.1.0", "mysql", "int", None), None);
    }
}

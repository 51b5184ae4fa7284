//! CREATE TABLE as the server printed it, made ready for another database of the same flavour: under the table's name, without what follows as
//! changes of its own.

use whimbrel_core::Check;

use super::{check_definition, named};
use crate::catalog::scan::{closing, find, split};
use crate::quote::quoted;

/// Engines whose changes are part of transactions.
const TRANSACTIONAL: &[&str] = &["INNODB", "ROCKSDB", "TOKUDB", "NDB", "NDBCLUSTER"];

/// Returns the statement with only those keys that `keeps`, and with these checks, whose names may have changed, for its own (those that stand
/// beside a column stay there); none when the text is no such statement.
pub(super) fn ready(printed: &str, name: &str, keeps: &[String], checks: &[Check]) -> Option<String> {
    let open = find(printed, "(", 0)?;
    let close = closing(printed, open)?;
    let mut items: Vec<String> = split(&printed[open + 1..close], b',')
        .into_iter()
        .map(str::trim)
        .filter(|item| stays(item, keeps))
        .map(str::to_owned)
        .collect();
    let stands = |check: &&Check| {
        let words = format!(" CHECK ({})", check.expression);
        items.iter().any(|item| find(item, &words, 0).is_some())
    };
    let missing: Vec<String> = checks
        .iter()
        .filter(|check| check.validated && !stands(check))
        .map(|check| named(&check.name, &check_definition(check)))
        .collect();
    items.extend(missing);
    let mut tail = without_counter(&printed[close + 1..]);
    if engine_without_transactions(printed).is_some() {
        tail = with_transactions(&tail);
    }
    Some(format!(
        "CREATE TABLE {} (\n  {}\n){tail}",
        quoted(name),
        items.join(",\n  ")
    ))
}

/// Tells in which engine the rows of the printed table are, when it is one without transactions.
pub(super) fn engine_without_transactions(printed: &str) -> Option<&str> {
    let open = find(printed, "(", 0)?;
    let close = closing(printed, open)?;
    let (start, end) = value_of(printed, "ENGINE", close)?;
    let name = &printed[start..end];
    (!TRANSACTIONAL.contains(&name.to_ascii_uppercase().as_str())).then_some(name)
}

/// Columns with their own checks, the primary key and periods.
fn stays(item: &str, keeps: &[String]) -> bool {
    let has = |words: &str| find(item, words, 0).is_some();
    if item.starts_with('`') {
        return true;
    }
    if has("WITHOUT OVERLAPS") {
        return false;
    }
    let is_key = [
        "KEY ",
        "UNIQUE ",
        "FULLTEXT ",
        "SPATIAL ",
        "VECTOR ",
        "FOREIGN ",
        "CONSTRAINT ",
        "CHECK ",
    ]
    .iter()
    .any(|word| item.starts_with(word));
    let is_kept = |name: &String| item.contains(&format!("KEY {} ", quoted(name)));
    !is_key || keeps.iter().any(is_kept)
}

/// Where the numbers stand is set when the rows are there.
fn without_counter(tail: &str) -> String {
    match value_of(tail, " AUTO_INCREMENT", 0) {
        Some((start, end)) => {
            let word = start - " AUTO_INCREMENT=".len();
            format!("{}{}", &tail[..word], &tail[end..])
        }
        None => tail.to_owned(),
    }
}

/// The table in `InnoDB`, with its partitions and without what only its engine understands.
fn with_transactions(tail: &str) -> String {
    let mut text = tail.to_owned();
    let mut from = 0;
    while let Some((start, end)) = value_of(&text, "ENGINE", from) {
        text.replace_range(start..end, "InnoDB");
        from = start;
    }
    for word in [" ROW_FORMAT", " PAGE_CHECKSUM", " TRANSACTIONAL"] {
        while let Some((start, end)) = value_of(&text, word, 0) {
            text.replace_range(start - word.len() - 1..end, "");
        }
    }
    text
}

/// Where the word begins and ends that stands behind `word` and an equals sign.
fn value_of(text: &str, word: &str, from: usize) -> Option<(usize, usize)> {
    let mut at = from;
    loop {
        let behind = find(text, word, at)? + word.len();
        let rest = text[behind..].trim_start();
        if let Some(value) = rest.strip_prefix('=') {
            let value = value.trim_start();
            let start = text.len() - value.len();
            let length = value
                .bytes()
                .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
                .count();
            return Some((start, start + length));
        }
        at = behind;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "CREATE TABLE `a``(b` (\n  `id` int NOT NULL AUTO_INCREMENT,\n  `c` enum('a,b','KEY `x` (') DEFAULT NULL CHECK (`c` <> 'FOREIGN KEY'),\n  \
        PRIMARY KEY (`id`),\n  UNIQUE KEY `u` (`c`),\n  KEY `k` (`c`(3)),\n  FULLTEXT KEY `f` (`c`),\n  \
        CONSTRAINT `fk` FOREIGN KEY (`c`) REFERENCES `p` (`c`),\n  CONSTRAINT `ck` CHECK ((`c` <> 'FOREIGN KEY')),\n  \
        CONSTRAINT `off` CHECK ((`id` > 0)) /*!80016 NOT ENFORCED */\n) ENGINE=InnoDB AUTO_INCREMENT=17 DEFAULT CHARSET=utf8mb4 \
        COMMENT='ENGINE=x AUTO_INCREMENT=5'";

    #[test]
    fn what_follows_as_changes_of_its_own_is_taken_out() {
        let check = |name: &str, expression: &str| Check {
            name: name.to_owned(),
            expression: expression.to_owned(),
            validated: true,
            definition: None,
        };
        let checks = [check("ck2", "1"), check("c_check", "`c` <> 'FOREIGN KEY'")];
        let ready = ready(PRINTED, "new`t", &[], &checks).unwrap();
        insta::assert_snapshot!(ready, @r"
        CREATE TABLE `new``t` (
          `id` int NOT NULL AUTO_INCREMENT,
          `c` enum('a,b','KEY `x` (') DEFAULT NULL CHECK (`c` <> 'FOREIGN KEY'),
          PRIMARY KEY (`id`),
          CONSTRAINT `ck2` CHECK (1)
        ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='ENGINE=x AUTO_INCREMENT=5'
        ");
    }

    #[test]
    fn a_key_that_is_needed_at_once_stays() {
        let ready = ready(PRINTED, "t", &["k".to_owned()], &[]).unwrap();
        assert!(ready.contains("KEY `k` (`c`(3))") && !ready.contains("KEY `u`"));
    }

    #[test]
    fn rows_go_where_transactions_are() {
        let printed = "CREATE TABLE `t` (\n  `a` int\n) ENGINE=Aria DEFAULT CHARSET=latin1 ROW_FORMAT=FIXED PAGE_CHECKSUM=1 COMMENT='ENGINE=Aria'\n \
            PARTITION BY HASH (`a`)\n(PARTITION `p0` ENGINE = Aria,\n PARTITION `p1` ENGINE = Aria)";
        assert_eq!(engine_without_transactions(printed), Some("Aria"));
        insta::assert_snapshot!(ready(printed, "t", &[], &[]).unwrap(), @r"
        CREATE TABLE `t` (
          `a` int
        ) ENGINE=InnoDB DEFAULT CHARSET=latin1 COMMENT='ENGINE=Aria'
         PARTITION BY HASH (`a`)
        (PARTITION `p0` ENGINE = InnoDB,
         PARTITION `p1` ENGINE = InnoDB)
        ");
        assert_eq!(engine_without_transactions(PRINTED), None);
    }
}

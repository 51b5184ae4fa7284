//! The CREATE TABLE text that the server prints: its items, and what nothing else tells.

use super::scan::{closing, find, outside, split};
use crate::quote::{binary_literal, quoted};

/// A printed CREATE TABLE statement.
#[derive(Debug)]
pub(super) struct Definition {
    text: String,
    /// Where the parenthesis before the first item stands.
    open: usize,
    /// Where the one behind the last item stands.
    close: usize,
}

impl Definition {
    /// Reads what SHOW CREATE TABLE says; none when it is no such statement.
    pub(super) fn parse(printed: &[u8]) -> Option<Self> {
        let text = readable(printed);
        let open = find(&text, "(", 0)?;
        let close = closing(&text, open)?;
        let mut definition = Self { text, open, close };
        definition.forget_position();
        Some(definition)
    }

    /// The statement, without where `AUTO_INCREMENT` stands.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    fn items(&self) -> impl Iterator<Item = &str> {
        split(&self.text[self.open + 1..self.close], b',')
            .into_iter()
            .map(str::trim)
    }

    /// What stands behind the last item.
    pub(super) fn tail(&self) -> &str {
        self.text[self.close + 1..].trim()
    }

    /// How the table is divided, such as `PARTITION BY HASH (id) PARTITIONS 4`.
    pub(super) fn partitions(&self) -> Option<String> {
        let tail = self.tail();
        let start = find(tail, "PARTITION BY", 0)?;
        let text = tail[start..].trim_end().trim_end_matches("*/");
        Some(text.trim_end().replace('\n', " "))
    }

    /// The item of a key or constraint, such as "KEY `a` (`a`)".
    pub(super) fn key(&self, name: &str) -> Option<&str> {
        if name == "PRIMARY" {
            return self.items().find(|item| item.starts_with("PRIMARY KEY"));
        }
        let name = format!("KEY {} ", quoted(name));
        self.items()
            .find(|item| !item.starts_with('`') && item.contains(&name))
    }

    /// The items that describe periods of a row's validity.
    pub(super) fn periods(&self) -> Vec<String> {
        self.items()
            .filter(|item| item.starts_with("PERIOD FOR"))
            .map(|item| item.replacen("PERIOD FOR", "period for", 1))
            .collect()
    }

    /// The literal that stands behind a column's DEFAULT.
    pub(super) fn default_literal(&self, column: &str) -> Option<String> {
        self.default_place(column)
            .map(|(start, end)| self.text[start..end].to_owned())
    }

    /// Puts another literal there.
    pub(super) fn set_default_literal(&mut self, column: &str, literal: &str) {
        if let Some((start, end)) = self.default_place(column) {
            self.text.replace_range(start..end, literal);
            self.close = self.close + literal.len() - (end - start);
        }
    }

    fn default_place(&self, column: &str) -> Option<(usize, usize)> {
        const WORD: &str = " DEFAULT ";
        let name = format!("{} ", quoted(column));
        let inside = &self.text[self.open + 1..self.close];
        let mut from = self.open + 1;
        for item in split(inside, b',') {
            if item.trim_start().starts_with(&name) {
                let start = from + find(item, WORD, 0)? + WORD.len();
                let rest = &self.text[start..from + item.len()];
                let mask = outside(rest);
                let end = rest
                    .bytes()
                    .enumerate()
                    .find(|(at, byte)| mask[*at] && byte.is_ascii_whitespace())
                    .map_or(rest.len(), |(at, _)| at);
                return Some((start, start + end));
            }
            from += item.len() + 1;
        }
        None
    }

    fn forget_position(&mut self) {
        const WORD: &str = " AUTO_INCREMENT=";
        let Some(start) = find(&self.text, WORD, self.close) else {
            return;
        };
        let digits = self.text[start + WORD.len()..]
            .bytes()
            .take_while(u8::is_ascii_digit)
            .count();
        self.text.replace_range(start..start + WORD.len() + digits, "");
    }
}

/// Literals of bytes are printed as they are; those that are no text become hexadecimal ones.
fn readable(printed: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(printed) {
        return text.to_owned();
    }
    let mut text = Vec::with_capacity(printed.len());
    let mut at = 0;
    while at < printed.len() {
        if printed[at] != b'\'' {
            text.push(printed[at]);
            at += 1;
            continue;
        }
        let (bytes, end) = literal_at(printed, at);
        if std::str::from_utf8(&bytes).is_ok() {
            text.extend_from_slice(&printed[at..end]);
        } else {
            text.extend_from_slice(binary_literal(&bytes).as_bytes());
        }
        at = end;
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// The bytes of the literal that begins here, and where it ends.
fn literal_at(printed: &[u8], start: usize) -> (Vec<u8>, usize) {
    let mut bytes = Vec::new();
    let mut at = start + 1;
    while let Some(byte) = printed.get(at) {
        match (byte, printed.get(at + 1)) {
            (b'\'', Some(b'\'')) => {
                bytes.push(b'\'');
                at += 2;
            }
            (b'\'', _) => return (bytes, at + 1),
            (b'\\', Some(next)) => {
                bytes.push(match next {
                    b'0' => 0,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'Z' => 0x1a,
                    other => *other,
                });
                at += 2;
            }
            (other, _) => {
                bytes.push(*other);
                at += 1;
            }
        }
    }
    (bytes, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &[u8] = b"CREATE TABLE `a``(b` (\n  `id` int NOT NULL AUTO_INCREMENT,\n  `b,c` binary(3) DEFAULT '\xff\\0\xfe' COMMENT 'x DEFAULT 1',\n  \
        `d` varchar(9) DEFAULT 'a '' b',\n  PRIMARY KEY (`id`),\n  KEY `k` (`d`(3)) COMMENT 'KEY `z` '\n) ENGINE=InnoDB AUTO_INCREMENT=17 \
        DEFAULT CHARSET=utf8mb4 COMMENT=' AUTO_INCREMENT=5'\n/*!50100 PARTITION BY HASH (`id`)\nPARTITIONS 4 */";

    #[test]
    fn a_printed_table_tells_its_literals_keys_and_partitions() {
        let definition = Definition::parse(PRINTED).unwrap();
        assert_eq!(definition.default_literal("b,c").unwrap(), "x'ff00fe'");
        assert_eq!(definition.default_literal("d").unwrap(), "'a '' b'");
        assert_eq!(definition.default_literal("id"), None);
        let last = Definition::parse(b"CREATE TABLE `t` (\n  `a` blob DEFAULT 'x'\n) ENGINE=InnoDB").unwrap();
        assert_eq!(last.default_literal("a").unwrap(), "'x'");
        let mut changed = Definition::parse(PRINTED).unwrap();
        changed.set_default_literal("d", "'longer than before'");
        assert_eq!(changed.default_literal("d").unwrap(), "'longer than before'");
        assert_eq!(changed.default_literal("b,c").unwrap(), "x'ff00fe'");
        assert_eq!(changed.partitions(), definition.partitions());
        assert_eq!(
            definition.key("k").unwrap(),
            "KEY `k` (`d`(3)) COMMENT 'KEY `z` '"
        );
        assert_eq!(definition.key("PRIMARY").unwrap(), "PRIMARY KEY (`id`)");
        assert_eq!(
            definition.partitions().unwrap(),
            "PARTITION BY HASH (`id`) PARTITIONS 4"
        );
        assert!(!definition.text().contains("AUTO_INCREMENT=17"));
        assert!(definition.text().contains("COMMENT=' AUTO_INCREMENT=5'"));
    }
}

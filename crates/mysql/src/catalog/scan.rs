//! Reads the server's own SQL text as far as needed: what stands outside of quotes, in which parentheses, behind which word.

use std::collections::BTreeSet;

use crate::native::unescaped;

/// Tells for each byte whether it stands outside of quotes; a quote itself does not.
pub(crate) fn outside(text: &str) -> Vec<bool> {
    let mut mask = Vec::with_capacity(text.len());
    let mut open = None;
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match open {
            None if matches!(byte, b'\'' | b'"' | b'`') => {
                open = Some(byte);
                mask.push(false);
            }
            None => mask.push(true),
            Some(quote) => {
                mask.push(false);
                if byte == b'\\' && quote != b'`' && bytes.next().is_some() {
                    mask.push(false);
                } else if byte == quote {
                    open = None;
                }
            }
        }
    }
    mask
}

/// Returns where `word` first stands outside of quotes at or behind `from`, in any case.
pub(crate) fn find(text: &str, word: &str, from: usize) -> Option<usize> {
    let mask = outside(text);
    let (bytes, word) = (text.as_bytes(), word.as_bytes());
    (from..=bytes.len().checked_sub(word.len())?)
        .find(|&at| mask[at] && bytes[at..at + word.len()].eq_ignore_ascii_case(word))
}

/// Returns the position of the parenthesis that closes the one at `open`.
pub(crate) fn closing(text: &str, open: usize) -> Option<usize> {
    let mask = outside(text);
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate().skip(open) {
        match byte {
            b'(' if mask[at] => depth += 1,
            b')' if mask[at] => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// Tells whether one pair of parentheses holds all of the text.
pub(crate) fn is_enclosed(text: &str) -> bool {
    text.starts_with('(') && closing(text, 0) == Some(text.len() - 1)
}

/// Splits at the separator where it stands outside of quotes and parentheses.
pub(crate) fn split(text: &str, separator: u8) -> Vec<&str> {
    let mask = outside(text);
    let (mut depth, mut start) = (0_usize, 0);
    let mut parts = Vec::new();
    for (at, byte) in text.bytes().enumerate() {
        if !mask[at] {
            continue;
        }
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ if byte == separator && depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// Undoes the backslashes that `information_schema` of MySQL 8 puts into expressions.
pub(crate) fn undo_backslashes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter == '\\' {
            plain.extend(letters.next().map(unescaped));
        } else {
            plain.push(letter);
        }
    }
    plain
}

/// A name in backticks, or several joined by dots.
struct Chain {
    start: usize,
    end: usize,
    names: Vec<String>,
    /// The last word or sign before it, in lower case.
    before: String,
    /// The sign behind it.
    behind: Option<char>,
}

/// Finds the names of a statement that the server printed, which quotes them all.
fn chains(text: &str) -> Vec<Chain> {
    let bytes = text.as_bytes();
    let mask = outside(text);
    let mut found = Vec::new();
    let (mut at, mut before) = (0, String::new());
    while at < bytes.len() {
        if bytes[at] == b'`' {
            let chain = chain_at(text, at, &before);
            at = chain.end;
            before = "`".to_owned();
            found.push(chain);
        } else if !mask[at] {
            before = "'".to_owned();
            at += 1;
        } else if bytes[at].is_ascii_alphanumeric() || bytes[at] == b'_' {
            let start = at;
            while at < bytes.len() && (bytes[at].is_ascii_alphanumeric() || bytes[at] == b'_') {
                at += 1;
            }
            before = text[start..at].to_ascii_lowercase();
        } else {
            // Parentheses around joins change nothing about what stands before.
            if !bytes[at].is_ascii_whitespace() && bytes[at] != b'(' {
                before = char::from(bytes[at]).to_string();
            }
            at += 1;
        }
    }
    found
}

fn chain_at(text: &str, start: usize, before: &str) -> Chain {
    let bytes = text.as_bytes();
    let (mut at, mut names) = (start, Vec::new());
    loop {
        let mut name = String::new();
        let mut letters = text[at + 1..].char_indices().peekable();
        let mut end = text.len();
        while let Some((offset, letter)) = letters.next() {
            if letter != '`' {
                name.push(letter);
            } else if letters.peek().is_some_and(|(_, next)| *next == '`') {
                letters.next();
                name.push('`');
            } else {
                end = at + 1 + offset + 1;
                break;
            }
        }
        names.push(name);
        at = end;
        if bytes.get(at) == Some(&b'.') && bytes.get(at + 1) == Some(&b'`') {
            at += 1;
        } else {
            break;
        }
    }
    Chain {
        start,
        end: at,
        names,
        before: before.to_owned(),
        behind: text[at..].trim_start().chars().next(),
    }
}

/// Takes the database's own name from before its tables and functions, so that the text works in a database of another name.
pub(crate) fn without_database(text: &str, database: &str) -> String {
    let chains = chains(text);
    // A table or an alias may bear the database's name, and then stands before its columns.
    let is_alias = chains.iter().any(|chain| {
        chain.names.last().is_some_and(|name| name == database)
            && (chain.before == "`" || is_table_place(chain))
    });
    let mut plain = String::with_capacity(text.len());
    let mut from = 0;
    for chain in &chains {
        let qualifies = match chain.names.len() {
            2 => {
                chain.behind == Some('(')
                    || (is_table_place(chain) && !is_alias)
                    || (matches!(
                        chain.before.as_str(),
                        "nextval" | "lastval" | "setval" | "for" | "view" | "on"
                    ) && !is_alias)
            }
            count => count > 2,
        };
        if qualifies && chain.names[0] == database {
            let dot = text[chain.start..chain.end].find("`.`").unwrap_or(0);
            plain.push_str(&text[from..chain.start]);
            plain.push_str(&text[chain.start + dot + 2..chain.end]);
            from = chain.end;
        }
    }
    plain.push_str(&text[from..]);
    plain
}

fn is_table_place(chain: &Chain) -> bool {
    matches!(chain.before.as_str(), "from" | "join" | "straight_join" | ",")
}

/// Returns the names that stand where a query names tables, without those of other databases.
pub(crate) fn tables_read(query: &str, database: &str) -> BTreeSet<String> {
    chains(query)
        .into_iter()
        .filter(is_table_place)
        .filter_map(|chain| match chain.names.as_slice() {
            [name] => Some(name.clone()),
            [of, name] if of == database && chain.before != "," => Some(name.clone()),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_taken_from_before_its_tables_but_not_from_an_alias() {
        for (text, plain) in [
            (
                "select `shop`.`t`.`id` AS `id` from (`shop`.`t` join `shop`.`u` on(`shop`.`t`.`a` = 'x`shop`.`t`'))",
                "select `t`.`id` AS `id` from (`t` join `u` on(`t`.`a` = 'x`shop`.`t`'))",
            ),
            (
                "select `shop`.`id` AS `id`,`shop`.`f`(1) AS `x` from `orders` `shop`",
                "select `shop`.`id` AS `id`,`f`(1) AS `x` from `orders` `shop`",
            ),
            ("select 1 from `other`.`t`", "select 1 from `other`.`t`"),
            ("nextval(`shop`.`s`)", "nextval(`s`)"),
        ] {
            assert_eq!(without_database(text, "shop"), plain);
        }
    }

    #[test]
    fn tables_are_found_where_a_query_reads_them() {
        let query = "select `t`.`w` AS `w`,'from `x`' AS `y` from ((`t` `a` join `shop`.`u``v`) left join `other`.`z` on(1)) union select 1 from (select 2 from `k`) `q`";
        let found: Vec<String> = tables_read(query, "shop").into_iter().collect();
        assert_eq!(found, ["k", "t", "u`v"]);
    }

    #[test]
    fn text_is_split_outside_of_quotes_and_parentheses() {
        assert_eq!(
            split(r"a,(b,c),'d,\',''',`e,`", b','),
            ["a", "(b,c)", r"'d,\','''", "`e,`"]
        );
        assert!(is_enclosed("(a) ".trim()));
        assert!(!is_enclosed("(a) + (b)"));
        assert!(is_enclosed("((a) + ')')"));
    }

    #[test]
    fn backslashes_are_undone_once() {
        assert_eq!(
            undo_backslashes(r"_utf8mb4\'n\\nl\\\\\\\\b\'"),
            r"_utf8mb4'n\nl\\\\b'"
        );
    }
}

//! Markdown that stays what it is whatever a name or a value holds: escaping, tables, blocks.

use std::fmt::Write as _;

/// Writes a name, a type or a query as a code span that also stands in a table.
pub(super) fn code(text: &str) -> String {
    if text.is_empty() {
        return "(empty)".to_owned();
    }
    let shown = visible(text).replace('|', "\\|");
    let fence = "`".repeat(longest_run_of_backticks(&shown) + 1);
    let touches = |c: Option<char>| c.is_some_and(|c| c == '`' || c == ' ');
    let padding = if touches(shown.chars().next()) || touches(shown.chars().next_back()) {
        " "
    } else {
        ""
    };
    format!("{fence}{padding}{shown}{padding}{fence}")
}

/// Writes names as code spans, separated by commas.
pub(super) fn codes<I: IntoIterator<Item = T>, T: AsRef<str>>(names: I) -> String {
    let names: Vec<String> = names.into_iter().map(|name| code(name.as_ref())).collect();
    names.join(", ")
}

/// Writes a sentence: pairs of backticks remain code, everything else that Markdown or HTML would read is escaped.
pub(super) fn prose(text: &str) -> String {
    let shown = visible(text);
    let balanced = shown.matches('`').count().is_multiple_of(2);
    let mut written = String::with_capacity(shown.len());
    for (at, part) in shown.split('`').enumerate() {
        if at > 0 {
            written.push_str(if balanced { "`" } else { "\\`" });
        }
        if balanced && at % 2 == 1 {
            written.push_str(&part.replace('|', "\\|"));
            continue;
        }
        escape(part, &mut written);
    }
    written
}

/// Escapes what Markdown or HTML would read; an underscore inside a word says nothing to them.
fn escape(text: &str, written: &mut String) {
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let inside_word =
            c == '_' && before.is_alphanumeric() && rest.peek().is_some_and(|c| c.is_alphanumeric());
        if "\\*_<>[]|#~&".contains(c) && !inside_word {
            written.push('\\');
        }
        written.push(c);
        before = c;
    }
}

/// Writes a table; the cells are Markdown already, made by [`code`] or [`prose`].
pub(super) fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let mut text = String::new();
    let mut line = |cells: &[String]| {
        let _infallible = writeln!(text, "| {} |", cells.join(" | "));
    };
    line(
        &headings
            .iter()
            .map(|&heading| heading.to_owned())
            .collect::<Vec<_>>(),
    );
    line(&vec!["---".to_owned(); headings.len()]);
    for row in rows {
        line(row);
    }
    text
}

/// Writes a block of code in the language; longer fences where the text holds some of its own.
pub(super) fn block(language: &str, text: &str) -> String {
    let fence = "`".repeat(longest_run_of_backticks(text).max(2) + 1);
    let lines: Vec<String> = text.lines().map(visible).collect();
    format!("{fence}{language}\n{}\n{fence}\n", lines.join("\n"))
}

fn longest_run_of_backticks(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

/// Shows control characters as their pictures, and what changes the direction of writing as its number.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\0'..='\u{1f}' => shown.extend(char::from_u32(0x2400 + u32::from(c))),
            '\u{7f}' => shown.push('\u{2421}'),
            '\u{80}'..='\u{9f}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}' => {
                let _infallible = write!(shown, "<U+{:04X}>", u32::from(c));
            }
            c => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_neither_leave_its_cell_nor_its_code_span() {
        let names = [
            "plain",
            "a|b",
            "tick`s",
            "``",
            "two\nlines",
            "\u{202e}live",
            "",
            " x",
        ];
        assert_eq!(
            names.map(code),
            [
                "`plain`",
                "`a\\|b`",
                "``tick`s``",
                "``` `` ```",
                "`two␊lines`",
                "`<U+202E>live`",
                "(empty)",
                "`  x `",
            ]
        );
    }

    #[test]
    fn prose_keeps_pairs_of_backticks_and_escapes_the_rest() {
        let sentences = [
            "column `_a` is *odd*",
            "one ` tick",
            "<script> | `x|y`",
            "snake_case _x_",
        ];
        assert_eq!(
            sentences.map(prose),
            [
                "column `_a` is \\*odd\\*",
                "one \\` tick",
                "\\<script\\> \\| `x\\|y`",
                "snake_case \\_x\\_"
            ]
        );
    }

    #[test]
    fn a_block_cannot_be_closed_by_its_text() {
        assert_eq!(block("sql", "a\n```\nb"), "````sql\na\n```\nb\n````\n");
    }
}

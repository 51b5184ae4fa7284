//! Just enough Rust to tell code from comments, literals and tests. It expects text that rustfmt has laid out.

/// Returns the text with comments and the contents of literals blanked, line for line.
pub(super) fn mask(text: &str) -> String {
    let mut output = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = ' ';
    while let Some(first) = rest.chars().next() {
        let skipped = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment(rest),
            '"' => quoted(rest),
            'r' | 'b' | 'c' if !is_word(before) => prefixed_literal(rest),
            '\'' => character(rest),
            _ => 0,
        };
        if skipped == 0 {
            output.push(first);
            before = first;
            rest = &rest[first.len_utf8()..];
        } else {
            output.extend(
                rest[..skipped]
                    .chars()
                    .map(|each| if each == '\n' { '\n' } else { ' ' }),
            );
            before = ' ';
            rest = &rest[skipped..];
        }
    }
    output
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        if text.as_bytes()[at..].starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if text.as_bytes()[at..].starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                break;
            }
        } else {
            at += 1;
        }
    }
    at
}

fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Measures `r"…"`, `r#"…"#`, `b"…"`, `br"…"`, `c"…"`; 0 when it is only a name.
fn prefixed_literal(text: &str) -> usize {
    let letters = text.chars().take_while(|letter| "brc".contains(*letter)).count();
    let hashes = text[letters..]
        .chars()
        .take_while(|letter| *letter == '#')
        .count();
    let start = letters + hashes;
    if letters > 2 || !text[start..].starts_with('"') {
        return 0;
    }
    if !text[..letters].contains('r') {
        return if hashes == 0 {
            start + quoted(&text[start..])
        } else {
            0
        };
    }
    let end = format!("\"{}", "#".repeat(hashes));
    text[start + 1..]
        .find(&end)
        .map_or(text.len(), |at| start + 1 + at + end.len())
}

/// Measures a character literal; 0 for a lifetime.
fn character(text: &str) -> usize {
    let mut letters = text.char_indices().skip(1);
    match (letters.next(), letters.next()) {
        (Some((_, '\\')), Some((escaped, _))) => text[escaped + 1..]
            .find('\'')
            .map_or(0, |at| escaped + 1 + at + 1),
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 0,
    }
}

/// Tells for every line of masked text whether it belongs to a `#[cfg(test)]` item.
pub(super) fn test_lines(masked: &str) -> Vec<bool> {
    let lines: Vec<&str> = masked.lines().collect();
    let mut in_tests = vec![false; lines.len()];
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at].trim_start();
        if !line.starts_with("#[cfg(test)]") {
            at += 1;
            continue;
        }
        let end = item_end(&lines, at, lines[at].len() - line.len());
        in_tests[at..=end].fill(true);
        at = end + 1;
    }
    in_tests
}

/// Finds the last line of the item whose first attribute is at `start`: rustfmt closes it at the same indent.
fn item_end(lines: &[&str], start: usize, indent: usize) -> usize {
    for (offset, line) in lines[start..].iter().enumerate() {
        let text = line.trim_end();
        let at_indent = text.len() - text.trim_start().len() == indent;
        let attribute = text.trim_start().starts_with("#[") && text.ends_with(']');
        let closes = text.ends_with([';', '}', ',']) && !text.is_empty();
        if at_indent && closes && !attribute {
            return start + offset;
        }
    }
    lines.len().saturating_sub(1)
}

/// Returns the text with the marked lines emptied.
pub(super) fn blank(text: &str, marked: &[bool]) -> String {
    let kept = text
        .lines()
        .zip(marked)
        .map(|(line, marked)| if *marked { "" } else { line });
    kept.flat_map(|line| [line, "\n"]).collect()
}

/// Returns the number of the line that holds the byte at `at`, counted from 1.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    1 + text[..at].bytes().filter(|byte| *byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_masked() {
        let cases = [
            ("a // b", "a     "),
            ("a /* b /* c */ d */ e", "a                   e"),
            ("f(\"x\\\"y\") + z", "f(      ) + z"),
            ("r#\"a\"b\"# + c", "         + c"),
            ("br\"\\\" + c", "      + c"),
            ("'\"' + \"x\"", "    +    "),
            ("'\\'' + a", "     + a"),
            ("fn f<'a>(x: &'a str)", "fn f<'a>(x: &'a str)"),
            ("for_br\"x\"", "for_br   "),
            ("r#type", "r#type"),
        ];
        for (text, masked) in cases {
            assert_eq!(mask(text), masked, "{text}");
        }
        assert_eq!(mask("\"a\nb\" c"), "  \n   c");
    }

    #[test]
    fn a_test_item_ends_where_its_indent_returns() {
        let text = "use a;\n#[cfg(test)]\nmod tests;\nfn f() {}\n#[cfg(test)]\n#[expect(x)]\nmod t {\n    fn g() {}\n}\nfn h() {}";
        let marked = test_lines(text);
        assert_eq!(
            marked,
            [false, true, true, false, true, true, true, true, true, false]
        );
    }

    #[test]
    fn an_inner_test_item_leaves_the_rest_alone() {
        let text = "impl A {\n    #[cfg(test)]\n    fn f() {\n        x;\n    }\n\n    fn g() {}\n}";
        assert_eq!(
            test_lines(text),
            [false, true, true, true, true, false, false, false]
        );
    }
}

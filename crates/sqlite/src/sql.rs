//! Spelling: quoting, and the tokens of a statement with their exact place in its text. What statements mean is left to others.

use std::ops::Range;

/// Quotes an identifier.
pub(crate) fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// Quotes a text literal.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Quotes identifiers and joins them by commas.
pub(crate) fn quote_all<'a>(identifiers: impl IntoIterator<Item = &'a String>) -> String {
    let quoted: Vec<String> = identifiers.into_iter().map(|name| quote(name)).collect();
    quoted.join(", ")
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// A bare word: keyword or name.
    Word,
    /// A name in double quotes, backticks or brackets.
    Quoted,
    /// A text literal.
    Text,
    /// A number, blob literal or variable.
    Literal,
    /// One character of punctuation.
    Mark,
}

/// A token with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    /// What it is.
    pub(crate) kind: TokenKind,
    /// Its text as written.
    pub(crate) text: &'a str,
    /// Where it stands, in bytes.
    pub(crate) at: Range<usize>,
}

impl Token<'_> {
    /// Tells whether it is this keyword; a quoted word never is.
    pub(crate) fn is(&self, keyword: &str) -> bool {
        self.kind == TokenKind::Word && self.text.eq_ignore_ascii_case(keyword)
    }

    /// Tells whether it is this mark.
    pub(crate) fn is_mark(&self, mark: char) -> bool {
        self.kind == TokenKind::Mark && self.text.starts_with(mark)
    }

    /// Returns the name that the token spells, when it can be one (the engine takes text literals for names, too).
    pub(crate) fn as_name(&self) -> Option<String> {
        let inside = || self.text.get(1..self.text.len().checked_sub(1)?);
        match self.kind {
            TokenKind::Word => Some(self.text.to_owned()),
            TokenKind::Quoted if self.text.starts_with('[') => inside().map(str::to_owned),
            TokenKind::Quoted | TokenKind::Text => {
                let mark = self.text.get(..1)?;
                inside().map(|name| name.replace(&mark.repeat(2), mark))
            }
            TokenKind::Literal | TokenKind::Mark => None,
        }
    }
}

/// Returns the tokens of a statement, comments left out; none when a literal or comment is not closed.
pub(crate) fn tokens(sql: &str) -> Option<Vec<Token<'_>>> {
    let bytes = sql.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let rest = &bytes[at..];
        let (kind, length) = match byte {
            b' ' | b'\t' | b'\n' | b'\r' | 0x0c => (None, 1),
            b'-' if rest.starts_with(b"--") => (None, line_length(rest)),
            b'/' if rest.starts_with(b"/*") => (None, block_length(rest)),
            b'"' | b'`' => (Some(TokenKind::Quoted), quoted_length(rest, byte)?),
            b'[' => (
                Some(TokenKind::Quoted),
                rest.iter().position(|byte| *byte == b']')? + 1,
            ),
            b'\'' => (Some(TokenKind::Text), quoted_length(rest, byte)?),
            b'x' | b'X' if rest.get(1) == Some(&b'\'') => {
                (Some(TokenKind::Literal), quoted_length(&rest[1..], b'\'')? + 1)
            }
            b'0'..=b'9' => (Some(TokenKind::Literal), number_length(rest)),
            b'.' if rest.get(1).is_some_and(u8::is_ascii_digit) => {
                (Some(TokenKind::Literal), number_length(rest))
            }
            _ if is_word(byte) => (
                Some(TokenKind::Word),
                rest.iter().take_while(|byte| is_word(**byte)).count(),
            ),
            _ => (Some(TokenKind::Mark), 1),
        };
        if let Some(kind) = kind {
            found.push(Token {
                kind,
                text: sql.get(at..at + length)?,
                at: at..at + length,
            });
        }
        at += length;
    }
    Some(found)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

fn line_length(rest: &[u8]) -> usize {
    rest.iter()
        .position(|byte| *byte == b'\n')
        .map_or(rest.len(), |end| end + 1)
}

/// The engine takes an unclosed comment to the end of the text.
fn block_length(rest: &[u8]) -> usize {
    let body = rest.get(2..).unwrap_or_default();
    body.windows(2)
        .position(|pair| pair == b"*/")
        .map_or(rest.len(), |end| end + 4)
}

fn quoted_length(rest: &[u8], mark: u8) -> Option<usize> {
    let mut at = 1;
    while let Some(byte) = rest.get(at) {
        if *byte != mark {
            at += 1;
        } else if rest.get(at + 1) == Some(&mark) {
            at += 2;
        } else {
            return Some(at + 1);
        }
    }
    None
}

fn number_length(rest: &[u8]) -> usize {
    let mut at = 0;
    while let Some(byte) = rest.get(at) {
        let exponent_sign = matches!(byte, b'+' | b'-')
            && matches!(rest.get(at.wrapping_sub(1)), Some(b'e' | b'E'))
            && !rest.starts_with(b"0x")
            && !rest.starts_with(b"0X");
        if !(is_word(*byte) || *byte == b'.' || exponent_sign) {
            break;
        }
        at += 1;
    }
    at
}

/// Returns the position after the bracket that closes the one at `open`.
pub(crate) fn after_closing(tokens: &[Token<'_>], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        if token.is_mark('(') {
            depth += 1;
        } else if token.is_mark(')') {
            depth = depth.checked_sub(1)?;
            if depth == 0 {
                return Some(at + 1);
            }
        }
    }
    None
}

/// Returns the text between two tokens, the first one included and the last one not.
pub(crate) fn text_of<'a>(sql: &'a str, tokens: &[Token<'_>]) -> &'a str {
    match (tokens.first(), tokens.last()) {
        (Some(first), Some(last)) => sql.get(first.at.start..last.at.end).unwrap_or_default(),
        _ => "",
    }
}

/// Splits tokens at the commas outside brackets.
pub(crate) fn split_at_commas<'a, 'b>(tokens: &'a [Token<'b>]) -> Vec<&'a [Token<'b>]> {
    let mut parts = Vec::new();
    let (mut depth, mut from) = (0_usize, 0);
    for (at, token) in tokens.iter().enumerate() {
        if token.is_mark('(') {
            depth += 1;
        } else if token.is_mark(')') {
            depth = depth.saturating_sub(1);
        } else if token.is_mark(',') && depth == 0 {
            parts.push(&tokens[from..at]);
            from = at + 1;
        }
    }
    parts.push(&tokens[from..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(sql: &str) -> Vec<&str> {
        tokens(sql).unwrap().into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn comments_vanish_and_literals_stay_whole() {
        assert_eq!(
            texts("a --x\n/* ; */ 'it''s' \"q\"\"\" [b c] `d` x'0A' 1.5e-3 .5 é||b"),
            [
                "a",
                "'it''s'",
                "\"q\"\"\"",
                "[b c]",
                "`d`",
                "x'0A'",
                "1.5e-3",
                ".5",
                "é",
                "|",
                "|",
                "b"
            ]
        );
    }

    #[test]
    fn a_literal_that_does_not_end_is_no_statement() {
        assert_eq!(tokens("select 'a"), None);
        assert_eq!(tokens("select [a"), None);
    }

    #[test]
    fn names_lose_their_quotes() {
        let names: Vec<_> = tokens("a \"b\"\"c\" [d e] `f` 'g'")
            .unwrap()
            .iter()
            .filter_map(Token::as_name)
            .collect();
        assert_eq!(names, ["a", "b\"c", "d e", "f", "g"]);
    }
}

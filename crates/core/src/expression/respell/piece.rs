//! A text as its words, signs and literals, each with its place.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "most signs of a text mean nothing here"
)]

use std::ops::Range;

use sqlparser::dialect::Dialect as Grammar;
use sqlparser::tokenizer::{Token, Tokenizer, Word};

use crate::Untranslated;

/// A word, sign or literal.
pub(super) struct Piece {
    pub(super) at: Range<usize>,
    pub(super) token: Token,
}

impl Piece {
    pub(super) fn word(&self) -> Option<&Word> {
        match &self.token {
            Token::Word(word) => Some(word),
            _ => None,
        }
    }

    /// The word in capitals, unless it is quoted.
    pub(super) fn keyword(&self) -> Option<String> {
        let word = self.word().filter(|word| word.quote_style.is_none())?;
        Some(word.value.to_ascii_uppercase())
    }

    pub(super) fn is(&self, token: &Token) -> bool {
        &self.token == token
    }
}

/// Reads the text.
///
/// # Errors
/// [`Untranslated`] when it cannot be read.
pub(super) fn pieces(text: &str, grammar: &dyn Grammar) -> Result<Vec<Piece>, Untranslated> {
    let tokens = Tokenizer::new(grammar, text)
        .with_unescape(false)
        .tokenize_with_location()
        .map_err(|error| Untranslated::new(format!("it cannot be read: {error}")))?;
    let mut places = Places {
        text,
        line: 1,
        column: 1,
        byte: 0,
    };
    let mut pieces = Vec::with_capacity(tokens.len());
    for token in tokens {
        let start = places.byte_of(token.span.start.line, token.span.start.column);
        let end = places.byte_of(token.span.end.line, token.span.end.column);
        if !matches!(token.token, Token::Whitespace(_)) {
            pieces.push(Piece {
                at: start..end,
                token: token.token,
            });
        }
    }
    Ok(pieces)
}

/// Walks from lines and columns to bytes.
struct Places<'t> {
    text: &'t str,
    line: u64,
    column: u64,
    byte: usize,
}

impl Places<'_> {
    fn byte_of(&mut self, line: u64, column: u64) -> usize {
        while (self.line, self.column) < (line, column) {
            let Some(letter) = self.text[self.byte..].chars().next() else {
                break;
            };
            self.byte += letter.len_utf8();
            if letter == '\n' {
                self.line += 1;
                self.column = 1;
            } else {
                self.column += 1;
            }
        }
        self.byte
    }
}

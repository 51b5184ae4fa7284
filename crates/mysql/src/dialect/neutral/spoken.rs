//! The parser's dialect for these servers, with what the library's own lacks: the ranks of operators as the servers have them (they print
//! few brackets), `MOD` between two values, and character sets behind a cast to text.

use std::any::TypeId;

use sqlparser::ast::{Expr, Statement};
use sqlparser::dialect::{Dialect, MySqlDialect, Precedence};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, Tokenizer};

/// The language as it is spoken.
#[derive(Debug)]
struct Spoken;

const BASE: MySqlDialect = MySqlDialect {};

/// Makes a parser of what a server prints.
pub(super) fn parser(text: &str) -> Result<Parser<'static>, ParserError> {
    let mut tokens = Tokenizer::new(&Spoken, text).tokenize()?;
    tokens.retain(|token| !matches!(token, Token::Whitespace(_)));
    for at in 0..tokens.len() {
        match &tokens[at] {
            Token::StringConcat => tokens[at] = Token::make_keyword("OR"),
            Token::Overlap => tokens[at] = Token::make_keyword("AND"),
            Token::Word(word) if is_bare(word, "mod") && at > 0 && ends_value(&tokens[at - 1]) => {
                tokens[at] = Token::Mod;
            }
            _ => {}
        }
    }
    negate(&mut tokens);
    let mut at = 0;
    while at + 2 < tokens.len() {
        if is_character_set(&tokens, at) {
            tokens.drain(at..at + 2);
        }
        at += 1;
    }
    Ok(Parser::new(&Spoken).with_tokens(tokens))
}

/// `!x` binds tighter than everything: what stands behind it is one value, which may be in brackets or a call.
fn negate(tokens: &mut Vec<Token>) {
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at] == Token::ExclamationMark {
            let end = end_of_value(tokens, at + 1);
            tokens.splice(at..=at, [Token::LParen, Token::make_keyword("NOT")]);
            tokens.insert(end + 1, Token::RParen);
        }
        at += 1;
    }
}

/// Returns the place behind the value that begins here.
fn end_of_value(tokens: &[Token], from: usize) -> usize {
    let mut open = 0_usize;
    let mut at = from;
    while at < tokens.len() {
        match &tokens[at] {
            Token::LParen => open += 1,
            Token::RParen => open = open.saturating_sub(1),
            _ => {}
        }
        at += 1;
        let goes_on = matches!(tokens.get(at), Some(Token::LParen | Token::Period))
            || matches!(tokens.get(at - 1), Some(Token::Period | Token::ExclamationMark));
        if open == 0 && !goes_on {
            break;
        }
    }
    at
}

fn is_bare(word: &sqlparser::tokenizer::Word, name: &str) -> bool {
    word.quote_style.is_none() && word.value.eq_ignore_ascii_case(name)
}

/// Tells whether a value can end here, so that an operator follows.
fn ends_value(token: &Token) -> bool {
    match token {
        Token::Word(word) => word.quote_style.is_some() || word.keyword == Keyword::NoKeyword,
        Token::Number(..) | Token::SingleQuotedString(_) | Token::RParen => true,
        _ => false,
    }
}

/// `char charset utf8mb4`, with or without a length: the characters stay what they are. Other character sets would lose some.
fn is_character_set(tokens: &[Token], at: usize) -> bool {
    let behind_type = match &tokens[..at] {
        [.., Token::Word(word)] => is_bare(word, "char"),
        [
            ..,
            Token::Word(word),
            Token::LParen,
            Token::Number(..),
            Token::RParen,
        ] => is_bare(word, "char"),
        _ => false,
    };
    let is_unicode =
        |token: &Token| matches!(token, Token::Word(word) if word.value.to_lowercase().starts_with("utf8"));
    behind_type
        && matches!(&tokens[at], Token::Word(word) if is_bare(word, "charset"))
        && is_unicode(&tokens[at + 1])
}

impl Dialect for Spoken {
    fn dialect(&self) -> TypeId {
        BASE.dialect()
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        BASE.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        BASE.is_identifier_part(ch)
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        BASE.is_delimited_identifier_start(ch)
    }

    fn supports_string_literal_backslash_escape(&self) -> bool {
        true
    }

    fn supports_string_literal_concatenation(&self) -> bool {
        true
    }

    fn ignores_wildcard_escapes(&self) -> bool {
        true
    }

    fn supports_numeric_prefix(&self) -> bool {
        true
    }

    fn supports_bitwise_shift_operators(&self) -> bool {
        true
    }

    fn require_interval_qualifier(&self) -> bool {
        true
    }

    fn supports_limit_comma(&self) -> bool {
        true
    }

    fn supports_match_against(&self) -> bool {
        true
    }

    fn supports_data_type_signed_suffix(&self) -> bool {
        true
    }

    fn supports_cross_join_constraint(&self) -> bool {
        true
    }

    fn supports_left_associative_joins_without_parens(&self) -> bool {
        BASE.supports_left_associative_joins_without_parens()
    }

    fn supports_group_by_with_modifier(&self) -> bool {
        true
    }

    fn requires_single_line_comment_whitespace(&self) -> bool {
        true
    }

    fn is_table_factor_alias(&self, explicit: bool, keyword: &Keyword, parser: &mut Parser<'_>) -> bool {
        BASE.is_table_factor_alias(explicit, keyword, parser)
    }

    fn parse_statement(&self, parser: &mut Parser<'_>) -> Option<Result<Statement, ParserError>> {
        BASE.parse_statement(parser)
    }

    fn parse_infix(
        &self,
        parser: &mut Parser<'_>,
        expr: &Expr,
        precedence: u8,
    ) -> Option<Result<Expr, ParserError>> {
        BASE.parse_infix(parser, expr, precedence)
    }

    fn get_next_precedence(&self, parser: &Parser<'_>) -> Option<Result<u8, ParserError>> {
        match parser.peek_token_ref().token {
            Token::Caret => Some(Ok(45)),
            _ => None,
        }
    }

    fn prec_value(&self, precedence: Precedence) -> u8 {
        match precedence {
            // `<<` and `>>`.
            Precedence::Caret => 28,
            Precedence::Ampersand => 26,
            Precedence::Pipe => 24,
            Precedence::Between | Precedence::Eq | Precedence::Like | Precedence::Is => 20,
            Precedence::Xor => 7,
            other => BASE.prec_value(other),
        }
    }
}

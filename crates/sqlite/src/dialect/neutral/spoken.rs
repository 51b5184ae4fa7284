//! The parser's dialect for this engine, with what the library's own lacks: `IS` and `IS NOT` between any two values.

use std::any::TypeId;

use sqlparser::ast::{Expr, Statement};
use sqlparser::dialect::{Dialect, SQLiteDialect};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

/// The language as it is spoken.
#[derive(Debug)]
pub(super) struct Spoken;

const BASE: SQLiteDialect = SQLiteDialect {};

/// Words behind `IS` that the parser knows itself.
const KNOWN: [Keyword; 7] = [
    Keyword::NULL,
    Keyword::TRUE,
    Keyword::FALSE,
    Keyword::UNKNOWN,
    Keyword::DISTINCT,
    Keyword::JSON,
    Keyword::NORMALIZED,
];

impl Dialect for Spoken {
    fn dialect(&self) -> TypeId {
        BASE.dialect()
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        BASE.is_delimited_identifier_start(ch)
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        BASE.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        BASE.is_identifier_part(ch)
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }

    fn supports_in_empty_list(&self) -> bool {
        true
    }

    fn supports_limit_comma(&self) -> bool {
        true
    }

    fn supports_notnull_operator(&self) -> bool {
        true
    }

    fn supports_comma_separated_trim(&self) -> bool {
        true
    }

    fn supports_numeric_literal_underscores(&self) -> bool {
        true
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
        is_between_values(parser, expr, precedence).or_else(|| BASE.parse_infix(parser, expr, precedence))
    }
}

fn is_between_values(
    parser: &mut Parser<'_>,
    left: &Expr,
    precedence: u8,
) -> Option<Result<Expr, ParserError>> {
    let keyword = |token: &Token| match token {
        Token::Word(word) => word.keyword,
        _ => Keyword::NoKeyword,
    };
    if keyword(&parser.peek_token().token) != Keyword::IS {
        return None;
    }
    let after = keyword(&parser.peek_nth_token(1).token);
    let negated = after == Keyword::NOT;
    let first = if negated {
        keyword(&parser.peek_nth_token(2).token)
    } else {
        after
    };
    if KNOWN.contains(&first) {
        return None;
    }
    parser.next_token();
    if negated {
        parser.next_token();
    }
    let left = Box::new(left.clone());
    Some(parser.parse_subexpr(precedence).map(|right| {
        let right = Box::new(right);
        if negated {
            Expr::IsDistinctFrom(left, right)
        } else {
            Expr::IsNotDistinctFrom(left, right)
        }
    }))
}

//! From the text of an expression to its syntax tree: nothing but one expression, within limits.

use sqlparser::ast::{Expr, Spanned};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Token};
use whimbrel_core::{Error, Result, shorten};

/// The longest expression, in bytes.
pub(crate) const TEXT_MAX: usize = 16_384;

/// How deep brackets, calls and cases may nest in the text.
const NESTING_MAX: usize = 48;

/// What an expression is made of, for one that cannot be read.
const READING: &str = "an expression is one value in SQL, such as `upper(name) || '!'`: names as they are or in double quotes, texts in single ones";

/// Reads one expression.
pub(crate) fn parse(text: &str) -> Result<Expr> {
    if text.len() > TEXT_MAX {
        return Err(Error::invalid(format!(
            "the expression has {} bytes; at most {TEXT_MAX} are read",
            text.len()
        )));
    }
    let dialect = GenericDialect {};
    let mut parser = Parser::new(&dialect)
        .with_recursion_limit(NESTING_MAX)
        .try_with_sql(text)
        .map_err(|error| syntax(text, error))?;
    let expression = parser.parse_expr().map_err(|error| syntax(text, error))?;
    let rest = parser.peek_token();
    if rest.token == Token::EOF {
        return Ok(expression);
    }
    Err(at(
        text,
        rest.span.start,
        format!("the expression should end before `{}`", rest.token),
    )
    .with_hint(READING))
}

fn syntax(text: &str, error: ParserError) -> Error {
    let said = match error {
        ParserError::TokenizerError(said) | ParserError::ParserError(said) => said,
        ParserError::RecursionLimitExceeded => {
            return Error::invalid(format!(
                "expression `{}` nests deeper than {NESTING_MAX} levels",
                shorten(text)
            ));
        }
    };
    let (what, place) = said.split_once(" at Line: ").unwrap_or((&said, ""));
    let what = what.replace(", found: EOF", "; it ends there");
    let numbers: Vec<u64> = place
        .split(", Column: ")
        .filter_map(|number| number.trim().parse().ok())
        .collect();
    let what = lower_first(&what.replace("Expected:", "expected").replace("found:", "found"));
    match numbers[..] {
        [line, column] => at(text, Location { line, column }, what),
        _ => Error::invalid(format!("expression `{}` cannot be read: {what}", shorten(text)))
            .with_code("expression_invalid"),
    }
    .with_hint(READING)
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map(|first| first.to_lowercase().collect::<String>() + chars.as_str())
        .unwrap_or_default()
}

/// Makes an error at the place of a part of the expression.
pub(crate) fn refused(text: &str, part: &impl Spanned, what: impl Into<String>) -> Error {
    at(text, part.span().start, what.into())
}

/// Makes an error at a place of the expression.
fn at(text: &str, place: Location, what: String) -> Error {
    let Location { line, column } = place;
    let shown = shorten(text);
    Error::invalid(match line {
        0 => format!("{what}, in expression `{shown}`"),
        1 => format!("{what}, at character {column} of expression `{shown}`"),
        _ => format!("{what}, at line {line}, character {column} of expression `{shown}`"),
    })
    .with_code("expression_invalid")
}

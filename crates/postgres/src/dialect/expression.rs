//! Expressions and queries between the engine's words and the neutral form: parsing and walking. Each node is turned by
//! `neutral` (into the neutral form) or by `spelling` (out of it).

use sqlparser::ast::{Expr, Query};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, Tokenizer};
use whimbrel_core::expression::{print, read_expression, read_query, walk};
use whimbrel_core::{ExpressionContext, Untranslated};

use super::neutral::Reader;
use super::spelling::{self, Speller};
use crate::quote::literal;

const DIALECT: PostgreSqlDialect = PostgreSqlDialect {};

/// Parses an expression into the neutral form.
pub(super) fn parse(text: &str, context: &ExpressionContext) -> Result<Expr, Untranslated> {
    let mut expr = read_expression(text, parser)?;
    walk(&mut expr, &mut Reader::new(context))?;
    Ok(expr)
}

/// Parses a query into the neutral form.
pub(super) fn parse_query(text: &str, context: &ExpressionContext) -> Result<Query, Untranslated> {
    let mut query = read_query(text, parser)?;
    walk(&mut query, &mut Reader::new(context))?;
    Ok(query)
}

/// Makes a parser for what the server prints. The library does not know a trim without characters, such as `TRIM(BOTH FROM a)`: such
/// a call becomes the function of the same meaning.
fn parser(text: &str) -> Result<Parser<'static>, ParserError> {
    const TRIMS: [(Keyword, &str); 3] = [
        (Keyword::BOTH, "btrim"),
        (Keyword::LEADING, "ltrim"),
        (Keyword::TRAILING, "rtrim"),
    ];
    let keyword = |token: &Token| {
        if let Token::Word(word) = token
            && word.quote_style.is_none()
        {
            return word.keyword;
        }
        Keyword::NoKeyword
    };
    let mut tokens = Tokenizer::new(&DIALECT, text).tokenize()?;
    tokens.retain(|token| !matches!(token, Token::Whitespace(_)));
    let mut at = 0;
    while at + 3 < tokens.len() {
        let is_trim = keyword(&tokens[at]) == Keyword::TRIM
            && tokens[at + 1] == Token::LParen
            && keyword(&tokens[at + 3]) == Keyword::FROM;
        let side = keyword(&tokens[at + 2]);
        if let Some((_, name)) = TRIMS.iter().find(|(word, _)| is_trim && *word == side) {
            tokens[at] = Token::make_word(name, None);
            tokens.drain(at + 2..at + 4);
        }
        at += 1;
    }
    Ok(Parser::new(&DIALECT).with_tokens(tokens))
}

/// Spells a neutral expression.
pub(super) fn render(expr: &Expr, context: &ExpressionContext) -> Result<String, Untranslated> {
    let mut expr = match &context.expected {
        Some(expected) => spelling::fit(expr.clone(), expected, context)?,
        None => expr.clone(),
    };
    walk(&mut expr, &mut Speller::of_expression(context))?;
    // A default takes only what binds tighter than AND, NOT, IN and their like.
    let is_whole = matches!(
        expr,
        Expr::Value(_)
            | Expr::Function(_)
            | Expr::Cast { .. }
            | Expr::Nested(_)
            | Expr::UnaryOp { .. }
            | Expr::Identifier(_)
    );
    let wrap = context.expected.is_some() && !is_whole;
    let printed = print(expr, literal);
    Ok(if wrap { format!("({printed})") } else { printed })
}

/// Spells a neutral query.
pub(super) fn render_query(query: &Query, context: &ExpressionContext) -> Result<String, Untranslated> {
    let mut query = query.clone();
    let mut speller = Speller::of_query(&query, context);
    walk(&mut query, &mut speller)?;
    Ok(print(query, literal))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use sqlparser::ast::Statement;
    use sqlparser::dialect::GenericDialect;
    use whimbrel_core::{LogicalType, TableId};

    use super::*;

    fn context(expected: Option<LogicalType>) -> ExpressionContext {
        let columns = [
            ("id", LogicalType::Integer { bits: 64 }),
            (
                "price",
                LogicalType::Decimal {
                    precision: Some(10),
                    scale: Some(2),
                },
            ),
            ("ratio", LogicalType::Float { bits: 64 }),
            ("name", LogicalType::text()),
            ("active", LogicalType::Boolean),
            ("day", LogicalType::Date),
            ("at", LogicalType::Timestamp { zoned: false }),
            ("seen", LogicalType::Timestamp { zoned: true }),
            ("data", LogicalType::Json),
            (
                "mood",
                LogicalType::Enum {
                    name: "mood".to_owned(),
                    labels: vec!["ok".to_owned()],
                },
            ),
        ];
        ExpressionContext {
            columns: columns
                .into_iter()
                .map(|(name, logical)| (name.to_owned(), logical))
                .collect(),
            renames: BTreeMap::from([("price".to_owned(), "cost".to_owned())]),
            tables: BTreeMap::from([
                (TableId::bare("orders"), TableId::new("public", "orders")),
                (TableId::bare("users"), TableId::new("public", "people")),
            ]),
            expected,
            ..ExpressionContext::default()
        }
    }

    fn neutral(text: &str) -> String {
        parse(text, &context(None)).map_or_else(|why| format!("refused: {why}"), |expr| expr.to_string())
    }

    fn spelled(text: &str, expected: Option<LogicalType>) -> String {
        let expr = Parser::new(&GenericDialect {})
            .try_with_sql(text)
            .unwrap()
            .parse_expr()
            .unwrap();
        render(&expr, &context(expected)).unwrap_or_else(|why| format!("refused: {why}"))
    }

    #[test]
    fn what_the_server_prints_becomes_neutral() {
        for (printed, want) in [
            ("'a''b'::text", "'a''b'"),
            ("'x'::character varying", "'x'"),
            ("'ok'::public.mood", "'ok'"),
            ("'-1'::integer", "-1"),
            ("0::numeric", "0"),
            ("'1.50'::numeric(10,2)", "1.50"),
            ("NULL::character varying", "NULL"),
            ("true", "true"),
            ("now()", "CURRENT_TIMESTAMP"),
            ("CURRENT_TIMESTAMP", "CURRENT_TIMESTAMP"),
            ("timezone('utc'::text, now())", "CURRENT_TIMESTAMP"),
            ("(now() AT TIME ZONE 'utc'::text)", "(CURRENT_TIMESTAMP)"),
            ("'2024-01-01'::date", "'2024-01-01'"),
            ("'\\x6162'::bytea", "X'6162'"),
            ("(price > (0)::numeric)", "(\"price\" > (0))"),
            (
                "((name)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))",
                "((\"name\") IN ('a', 'b'))",
            ),
            ("(mood = ANY (ARRAY['ok'::public.mood]))", "(\"mood\" IN ('ok'))"),
            ("(id <> ALL (ARRAY[1, 2]))", "(\"id\" NOT IN (1, 2))"),
            ("(name ~~ 'a%'::text)", "(\"name\" LIKE 'a%')"),
            ("(name !~~* 'a%'::text)", "(\"name\" NOT ILIKE 'a%')"),
            ("(char_length((name)::text) > 2)", "(length((\"name\")) > 2)"),
            (
                "((at)::date = CURRENT_DATE)",
                "(CAST((\"at\") AS DATE) = CURRENT_DATE)",
            ),
            ("lower((name)::text)", "lower((\"name\"))"),
            ("TRIM(BOTH FROM name)", "trim(\"name\")"),
            ("TRIM(LEADING FROM lower(name))", "ltrim(lower(\"name\"))"),
            ("TRIM(BOTH 'x'::text FROM name)", "TRIM(BOTH 'x' FROM \"name\")"),
            ("SUBSTRING(name FROM 2 FOR 3)", "SUBSTRING(\"name\" FROM 2 FOR 3)"),
        ] {
            assert_eq!(neutral(printed), want, "{printed}");
        }
    }

    #[test]
    fn what_has_no_neutral_form_is_refused_with_its_name() {
        for (printed, part) in [
            ("nextval('public.s'::regclass)", "regclass"),
            ("public.f(id)", "public"),
            ("(name ~ 'a'::text)", "operator `~`"),
            ("(data -> 'a'::text)", "operator `->`"),
            ("(at - day)", "no numbers"),
            ("(price / (2)::numeric)", "division"),
            ("'1 day'::interval", "interval"),
            ("(name COLLATE \"de-x-icu\")", "collation"),
            ("gen_random_bytes(4)", "gen_random_bytes"),
            ("'now'::date", "now"),
        ] {
            let said = neutral(printed);
            assert!(
                said.starts_with("refused") && said.to_lowercase().contains(part),
                "{printed}: {said}"
            );
        }
    }

    #[test]
    fn defaults_are_spelled_in_the_type_of_their_column() {
        let text = || Some(LogicalType::text());
        let integer = || Some(LogicalType::Integer { bits: 32 });
        for (neutral, expected, want) in [
            ("1", Some(LogicalType::Boolean), "true"),
            ("'f'", Some(LogicalType::Boolean), "false"),
            ("2", Some(LogicalType::Boolean), "refused"),
            ("0", text(), "'0'"),
            ("'5'", integer(), "5"),
            ("1.5", integer(), "refused"),
            ("'x'", integer(), "refused"),
            ("true", integer(), "1"),
            ("-1", integer(), "-1"),
            ("(1 + 2)", integer(), "(1 + 2)"),
            ("NULL", integer(), "NULL"),
            (
                "CURRENT_TIMESTAMP",
                text(),
                "to_char((CURRENT_TIMESTAMP AT TIME ZONE 'UTC'), 'YYYY-MM-DD HH24:MI:SS')",
            ),
            (
                "CURRENT_TIMESTAMP",
                Some(LogicalType::Timestamp { zoned: false }),
                "(CURRENT_TIMESTAMP AT TIME ZONE 'UTC')",
            ),
            (
                "CURRENT_TIMESTAMP",
                Some(LogicalType::Timestamp { zoned: true }),
                "CURRENT_TIMESTAMP",
            ),
            (
                "CURRENT_DATE",
                Some(LogicalType::Date),
                "((CURRENT_TIMESTAMP AT TIME ZONE 'UTC'))::DATE",
            ),
            ("'2024-02-30'", Some(LogicalType::Date), "refused"),
            ("'2024-02-29'", Some(LogicalType::Date), "'2024-02-29'"),
            ("'{}'", Some(LogicalType::Json), "'{}'"),
            ("X'00ff'", Some(LogicalType::Bytes), "'\\x00ff'::BYTEA"),
            ("random()", integer(), "refused"),
        ] {
            let said = spelled(neutral, expected);
            assert!(
                said == want || (want == "refused" && said.starts_with(want)),
                "{neutral}: {said}"
            );
        }
    }

    #[test]
    fn comparisons_agree_in_type_or_are_refused() {
        for (neutral, want) in [
            ("active = 1", "\"active\" = true"),
            ("active IN (0, 1)", "\"active\" IN (false, true)"),
            ("price > '1.5'", "\"cost\" > 1.5"),
            ("name = 5", "\"name\" = '5'"),
            ("name < id", "refused"),
            (
                "at < CURRENT_TIMESTAMP",
                "\"at\" < (CURRENT_TIMESTAMP AT TIME ZONE 'UTC')",
            ),
            ("day = '2024-01-01'", "\"day\" = '2024-01-01'"),
            ("day = 'yesterday'", "refused"),
            ("id AND active", "refused"),
            ("NOT active", "NOT \"active\""),
            ("data = '{}'", "refused"),
            ("missing = 1", "refused"),
            ("name || id", "\"name\" || \"id\""),
            ("id || id", "refused"),
            ("round(ratio, 1) > 2", "round((\"ratio\")::NUMERIC, 1) > 2"),
            ("trim(name) <> ''", "TRIM(\"name\") <> ''"),
            ("coalesce(name, 0) = ''", "refused"),
            ("sum(active) > 1", "refused"),
            (
                "EXTRACT(YEAR FROM day) = 2024",
                "EXTRACT(YEAR FROM \"day\") = 2024",
            ),
            ("CASE WHEN id THEN 1 END = 1", "refused"),
            ("name ILIKE 'a%'", "\"name\" ILIKE 'a%'"),
            ("id LIKE '1%'", "refused"),
        ] {
            let said = spelled(neutral, None);
            assert!(
                said == want || (want == "refused" && said.starts_with(want)),
                "{neutral}: {said}"
            );
        }
    }

    #[test]
    fn queries_take_the_targets_names() {
        let query = |text: &str| {
            let statements = Parser::parse_sql(&GenericDialect {}, text).unwrap();
            let [Statement::Query(query)] = statements.as_slice() else {
                panic!("{text}")
            };
            render_query(query, &context(None)).unwrap_or_else(|why| format!("refused: {why}"))
        };
        for (neutral, want) in [
            (
                "SELECT users.name, o.price AS p FROM users JOIN orders AS o ON o.id = users.id WHERE o.active ORDER BY 1",
                "SELECT \"people\".\"name\", \"o\".\"cost\" AS \"p\" FROM \"public\".\"people\" JOIN \"public\".\"orders\" AS \"o\" \
                 ON \"o\".\"id\" = \"people\".\"id\" WHERE \"o\".\"active\" ORDER BY 1",
            ),
            (
                "WITH big AS (SELECT id FROM orders WHERE price > 10) SELECT count(*) FROM big",
                "WITH \"big\" AS (SELECT \"id\" FROM \"public\".\"orders\" WHERE \"cost\" > 10) SELECT count(*) FROM \"big\"",
            ),
            ("SELECT id FROM elsewhere", "refused"),
            ("SELECT name, count(*) FROM orders", "refused"),
            ("SELECT id FROM orders WHERE id", "refused"),
            ("SELECT id FROM orders FOR UPDATE", "refused"),
        ] {
            let said = query(neutral);
            assert!(
                said == want || (want == "refused" && said.starts_with(want)),
                "{neutral}: {said}"
            );
        }
    }

    #[test]
    fn a_printed_view_becomes_neutral() {
        let printed = " SELECT u.id,\n    (u.name)::text AS name,\n    count(o.id) AS orders\n   FROM (public.users u\n     \
             LEFT JOIN public.orders o ON ((o.id = u.id)))\n  WHERE (u.active IS TRUE)\n  GROUP BY u.id, u.name\n  ORDER BY u.name DESC";
        let query = parse_query(printed, &context(None)).unwrap().to_string();
        assert_eq!(
            query,
            "SELECT \"u\".\"id\", (\"u\".\"name\") AS \"name\", count(\"o\".\"id\") AS \"orders\" FROM \
             (\"public\".\"users\" \"u\" LEFT JOIN \"public\".\"orders\" \"o\" ON ((\"o\".\"id\" = \"u\".\"id\"))) \
             WHERE (\"u\".\"active\" IS TRUE) GROUP BY \"u\".\"id\", \"u\".\"name\" ORDER BY \"u\".\"name\" DESC NULLS FIRST"
        );
    }
}

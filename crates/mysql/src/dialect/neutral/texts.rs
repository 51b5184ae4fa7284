//! Texts: what LIKE and searching mean under the collation of what is searched, and cutting.

use sqlparser::ast::{Expr, Function, TrimWhereField};
use whimbrel_core::expression::{call, columns_of, count_of, no, take, text_literal, text_of};
use whimbrel_core::{Column, Dialect, TextEquality, Untranslated};

use super::Reader;

const LOOSE: TextEquality = TextEquality {
    ignores_case: true,
    ignores_accents: true,
    ignores_padding: true,
};

/// Returns which texts the comparison of the expression calls equal: those of its columns, or the loosest where none is named.
pub(super) fn equality(expr: &Expr, reader: &Reader<'_>) -> TextEquality {
    let columns = columns_of(expr);
    let of_column = |name: &String| {
        let mut column = Column::new(name.clone(), "varchar(1)");
        column
            .collation
            .clone_from(&reader.context.collations.get(name).cloned());
        reader.dialect.equality(&column)
    };
    let mut found = columns.iter().map(of_column);
    let Some(first) = found.next() else { return LOOSE };
    found.fold(first, |a, b| if a == b { a } else { LOOSE })
}

/// How a pattern is matched elsewhere so that it matches the same texts.
enum Matching {
    /// Case and accents count.
    Exact,
    /// Case does not count.
    AnyCase,
}

fn matching(expr: &Expr, pattern: &Expr, reader: &Reader<'_>) -> Result<Matching, Untranslated> {
    let has_letters = text_of(pattern).is_none_or(|text| text.chars().any(char::is_alphabetic));
    let equality = reader.equality(expr);
    if !has_letters || (!equality.ignores_case && !equality.ignores_accents) {
        return Ok(Matching::Exact);
    }
    if equality.ignores_accents {
        return Err(no(format!(
            "the search for `{pattern}` in `{expr}`, whose collation ignores accents,"
        )));
    }
    Ok(Matching::AnyCase)
}

/// LIKE minds case as the collation does.
pub(super) fn like(whole: &mut Expr, reader: &Reader<'_>) -> Result<(), Untranslated> {
    let Expr::Like {
        negated,
        expr,
        pattern,
        escape_char,
        ..
    } = whole
    else {
        return Ok(());
    };
    reader.text(expr)?;
    reader.text(pattern)?;
    if let Matching::AnyCase = matching(expr, pattern, reader)? {
        *whole = Expr::ILike {
            negated: *negated,
            any: false,
            expr: Box::new(take(expr)),
            pattern: Box::new(take(pattern)),
            escape_char: escape_char.take(),
        };
    }
    Ok(())
}

/// A collation that says what the column says already goes.
pub(super) fn collate(whole: &mut Expr, reader: &Reader<'_>) -> Result<(), Untranslated> {
    let Expr::Collate { expr, collation } = whole else {
        return Ok(());
    };
    let name = collation.to_string().trim_matches('"').to_owned();
    let mut named = Column::new("", "varchar(1)");
    named.collation = Some(name.clone());
    let is_said = !columns_of(expr).is_empty() && reader.dialect.equality(&named) == reader.equality(expr);
    if !is_said {
        return Err(no(format!("collation `{name}`")));
    }
    *whole = take(expr);
    Ok(())
}

/// Where a text stands in another one, counted from 1.
pub(super) fn find(what: Expr, within: Expr, reader: &Reader<'_>) -> Result<Expr, Untranslated> {
    let lower = |expr: Expr| call("lower", vec![expr]);
    Ok(match matching(&within, &what, reader)? {
        Matching::Exact => call("strpos", vec![within, what]),
        Matching::AnyCase => call("strpos", vec![lower(within), lower(what)]),
    })
}

pub(super) fn position(whole: &mut Expr, reader: &Reader<'_>) -> Result<(), Untranslated> {
    if let Expr::Position { expr, r#in } = whole {
        reader.text(expr)?;
        reader.text(r#in)?;
        *whole = find(take(expr), take(r#in), reader)?;
    }
    Ok(())
}

/// The servers trim a whole text, others each of its letters: the same for one letter.
pub(super) fn trim(whole: &mut Expr, reader: &Reader<'_>) -> Result<(), Untranslated> {
    let Expr::Trim {
        expr,
        trim_what,
        trim_where,
        trim_characters: None,
    } = whole
    else {
        return Err(no(format!("`{whole}`")));
    };
    reader.text(expr)?;
    let name = match trim_where {
        None | Some(TrimWhereField::Both) => "trim",
        Some(TrimWhereField::Leading) => "ltrim",
        Some(TrimWhereField::Trailing) => "rtrim",
    };
    match trim_what.as_deref().map(text_of) {
        None => {}
        Some(Some(" ")) => *trim_what = None,
        Some(Some(letter)) if letter.chars().count() == 1 => return Ok(()),
        Some(_) => return Err(no(format!("`{whole}`"))),
    }
    *whole = call(name, vec![take(expr)]);
    Ok(())
}

/// Positions from 1 on mean the same everywhere; zero and negative ones do not.
pub(super) fn substring(whole: &mut Expr, reader: &Reader<'_>) -> Result<(), Untranslated> {
    let Expr::Substring {
        expr,
        substring_from: Some(from),
        substring_for,
        ..
    } = whole
    else {
        return Err(no(format!("`{whole}`")));
    };
    let fits = count_of(from).is_some_and(|from| from >= 1)
        && substring_for
            .as_deref()
            .is_none_or(|length| count_of(length).is_some());
    if !fits {
        return Err(no(format!("`{whole}`")));
    }
    reader.text(expr)?;
    let mut given = vec![take(expr), take(from)];
    given.extend(substring_for.take().map(|length| *length));
    *whole = call("substr", given);
    Ok(())
}

/// `concat` of several texts is NULL when one of them is, as the operator is.
pub(super) fn concatenation(given: Vec<Expr>, reader: &Reader<'_>) -> Result<Expr, Untranslated> {
    let mut parts = given.into_iter();
    let mut part = || -> Result<Option<Expr>, Untranslated> {
        parts
            .next()
            .map(|mut part| reader.text(&mut part).map(|()| part))
            .transpose()
    };
    let mut whole = part()?.unwrap_or_else(|| text_literal(""));
    while let Some(next) = part()? {
        whole = super::operators::compared(whole, sqlparser::ast::BinaryOperator::StringConcat, next);
    }
    Ok(whole)
}

/// `group_concat` with its separator behind a comma.
pub(super) fn joined(call: &mut Function, reader: &Reader<'_>) -> Result<(), Untranslated> {
    use sqlparser::ast::{FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments, Value};
    let refused = no(format!("`{call}`"));
    let FunctionArguments::List(list) = &mut call.args else {
        return Err(refused);
    };
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(only))] = list.args.as_mut_slice() else {
        return Err(refused);
    };
    reader.text(only)?;
    let mut separator = text_literal(",");
    let mut clauses = Vec::new();
    for clause in list.clauses.drain(..) {
        match clause {
            FunctionArgumentClause::Separator(value) => match value.value {
                Value::SingleQuotedString(text) => separator = text_literal(&text),
                _ => return Err(refused),
            },
            order @ FunctionArgumentClause::OrderBy(_) => clauses.push(order),
            _ => return Err(refused),
        }
    }
    list.clauses = clauses;
    list.args
        .push(FunctionArg::Unnamed(FunctionArgExpr::Expr(separator)));
    call.name = whimbrel_core::expression::function_name("string_agg");
    Ok(())
}

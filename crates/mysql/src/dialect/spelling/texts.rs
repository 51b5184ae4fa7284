//! Texts: putting together, matching and cutting. Other engines' text arrives under a binary collation, so that LIKE minds case; what has
//! another collation, or none that is known, is compared under one that says so.

use sqlparser::ast::{BinaryOperator, Expr, Ident, ObjectName, TrimWhereField};
use whimbrel_core::Untranslated;
use whimbrel_core::expression::{Kind, call, columns_of, count_of, no, take, text_of};

use super::{Speller, values};

/// Minds case and accents, and is known to every version.
pub(super) const EXACT: &str = "utf8mb4_bin";

/// `a || b || c` is one call.
pub(super) fn concatenation(whole: &mut Expr, speller: &Speller<'_>) -> Result<(), Untranslated> {
    let mut parts = Vec::new();
    collect(whole, &mut parts);
    for part in &parts {
        let is_plain = match speller.kind(part) {
            Kind::Text | Kind::Integer | Kind::Null | Kind::Unknown => true,
            Kind::Uuid => values::is_text_uuid(speller),
            _ => false,
        };
        if !is_plain {
            return Err(no(format!("the text of `{part}`")));
        }
    }
    *whole = call("concat", parts);
    Ok(())
}

fn collect(expr: &mut Expr, parts: &mut Vec<Expr>) {
    match expr {
        Expr::BinaryOp {
            left,
            op: BinaryOperator::StringConcat,
            right,
        } => {
            collect(left, parts);
            collect(right, parts);
        }
        other => parts.push(take(other)),
    }
}

/// Makes the comparison with the expression mind case and accents.
fn exact(expr: Expr, pattern: &Expr, speller: &Speller<'_>) -> Expr {
    let columns = columns_of(&expr);
    let is_exact = !columns.is_empty()
        && columns
            .iter()
            .all(|name| !speller.context.collations.contains_key(name));
    let has_letters = text_of(pattern).is_none_or(|text| text.chars().any(char::is_alphabetic));
    if is_exact || !has_letters {
        return expr;
    }
    Expr::Collate {
        expr: Box::new(expr),
        collation: ObjectName::from(vec![Ident::new(EXACT)]),
    }
}

fn check_text(expr: &Expr, speller: &Speller<'_>) -> Result<(), Untranslated> {
    match speller.kind(expr) {
        Kind::Text | Kind::Null | Kind::Unknown => Ok(()),
        _ => Err(no(format!("`{expr}`, which is no text,"))),
    }
}

pub(super) fn like(whole: &mut Expr, speller: &Speller<'_>) -> Result<(), Untranslated> {
    if let Expr::Like { expr, pattern, .. } = whole {
        check_text(expr, speller)?;
        check_text(pattern, speller)?;
        let text = take(expr);
        **expr = exact(text, pattern, speller);
    }
    Ok(())
}

/// Both sides in small letters.
pub(super) fn ilike(whole: &mut Expr, speller: &Speller<'_>) -> Result<(), Untranslated> {
    let Expr::ILike {
        negated,
        expr,
        pattern,
        escape_char,
        ..
    } = whole
    else {
        return Ok(());
    };
    check_text(expr, speller)?;
    check_text(pattern, speller)?;
    if escape_char
        .as_deref()
        .and_then(text_of)
        .is_some_and(|escape| escape.chars().any(char::is_alphabetic))
    {
        return Err(no(format!("`{whole}`")));
    }
    let text = take(expr);
    let lower = call("lower", vec![exact(text, pattern, speller)]);
    *whole = Expr::Like {
        negated: *negated,
        any: false,
        expr: Box::new(lower),
        pattern: Box::new(call("lower", vec![take(pattern)])),
        escape_char: escape_char.take(),
    };
    Ok(())
}

/// Where a text stands in another one, counted from 1.
pub(super) fn find(within: Expr, what: Expr, speller: &Speller<'_>) -> Result<Expr, Untranslated> {
    check_text(&within, speller)?;
    check_text(&what, speller)?;
    let within = exact(within, &what, speller);
    Ok(call("locate", vec![what, within]))
}

pub(super) fn position(whole: &mut Expr, speller: &Speller<'_>) -> Result<(), Untranslated> {
    if let Expr::Position { expr, r#in } = whole {
        *whole = find(take(r#in), take(expr), speller)?;
    }
    Ok(())
}

/// Positions from 1 on mean the same everywhere; zero and negative ones do not.
pub(super) fn part(given: &[Expr]) -> bool {
    match given {
        [_, from] => count_of(from).is_some_and(|from| from >= 1),
        [_, from, length] => count_of(from).is_some_and(|from| from >= 1) && count_of(length).is_some(),
        _ => false,
    }
}

pub(super) fn substring(whole: &mut Expr, speller: &Speller<'_>) -> Result<(), Untranslated> {
    let Expr::Substring {
        expr,
        substring_from,
        substring_for,
        special: false,
        ..
    } = whole
    else {
        return Err(no(format!("`{whole}`")));
    };
    check_text(expr, speller)?;
    let one = || Box::new(whimbrel_core::expression::digits("1"));
    let mut given = vec![(**expr).clone(), *substring_from.clone().unwrap_or_else(one)];
    given.extend(substring_for.clone().map(|length| *length));
    if !part(&given) {
        return Err(no(format!("`{whole}`")));
    }
    *whole = call("substr", given);
    Ok(())
}

/// The servers trim a whole text, others each of its letters: the same for one letter.
pub(super) fn trim(whole: &mut Expr) -> Result<(), Untranslated> {
    let Expr::Trim {
        trim_what,
        trim_characters: None,
        ..
    } = whole
    else {
        return Err(no(format!("`{whole}`")));
    };
    match trim_what.as_deref() {
        Some(what) if text_of(what).is_none_or(|text| text.chars().count() != 1) => {
            Err(no(format!("`{whole}`")))
        }
        Some(_) | None => Ok(()),
    }
}

/// Trimming one letter is a clause here.
pub(super) fn trimmed(name: &str, given: &[Expr]) -> Option<Expr> {
    let [text, letter] = given else { return None };
    let is_letter = text_of(letter).is_some_and(|text| text.chars().count() == 1);
    is_letter.then(|| Expr::Trim {
        expr: Box::new(text.clone()),
        trim_where: Some(match name {
            "ltrim" => TrimWhereField::Leading,
            "rtrim" => TrimWhereField::Trailing,
            _ => TrimWhereField::Both,
        }),
        trim_what: Some(Box::new(letter.clone())),
        trim_characters: None,
    })
}

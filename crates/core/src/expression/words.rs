//! What several dialects spell alike: the nodes and functions that mean the same everywhere, lists, limits and parts of times.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "everything that is not listed is for the dialect to decide"
)]

use sqlparser::ast::{BinaryOperator, DateTimeField, Expr, LimitClause, Offset, OffsetRows, Query};

use super::kind::Kind;
use super::node::{digits, is_now, text_of, word};
use super::shape::no;
use crate::Untranslated;

/// Functions of the same name and meaning in every engine, for arguments of the kinds that they are meant for.
const COMMON: &[&str] = &[
    "abs",
    "avg",
    "coalesce",
    "concat_ws",
    "count",
    "dense_rank",
    "first_value",
    "lag",
    "last_value",
    "lead",
    "lower",
    "ltrim",
    "max",
    "min",
    "ntile",
    "nullif",
    "octet_length",
    "rank",
    "replace",
    "round",
    "row_number",
    "rtrim",
    "sign",
    "sum",
    "upper",
];

/// Tells whether every engine has the function under this name.
pub fn is_common(name: &str) -> bool {
    COMMON.contains(&name)
}

/// Tells whether an expression means the same everywhere when its parts do.
pub fn is_plain(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::Nested(_)
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::IsTrue(_)
            | Expr::IsNotTrue(_)
            | Expr::IsFalse(_)
            | Expr::IsNotFalse(_)
            | Expr::IsDistinctFrom(..)
            | Expr::IsNotDistinctFrom(..)
            | Expr::InList { .. }
            | Expr::InSubquery { .. }
            | Expr::Between { .. }
            | Expr::Case { .. }
            | Expr::Exists { .. }
            | Expr::Subquery(_)
            | Expr::Tuple(_)
            | Expr::Wildcard(_)
            | Expr::QualifiedWildcard(..)
    )
}

/// Spells `IS UNKNOWN` as `IS NULL`, which it is.
pub fn known_or_null(expr: &mut Expr) {
    match expr {
        Expr::IsUnknown(inner) => *expr = Expr::IsNull(inner.clone()),
        Expr::IsNotUnknown(inner) => *expr = Expr::IsNotNull(inner.clone()),
        _ => {}
    }
}

/// Makes IN of `= ANY (ARRAY[...])`, and NOT IN of `<> ALL (ARRAY[...])`.
///
/// # Errors
/// [`Untranslated`] for every other ANY and ALL.
pub fn list(expr: &mut Expr) -> Result<(), Untranslated> {
    let (left, right, negated) = match expr {
        Expr::AnyOp {
            left,
            compare_op: BinaryOperator::Eq,
            right,
            ..
        } => (left, right, false),
        Expr::AllOp {
            left,
            compare_op: BinaryOperator::NotEq,
            right,
        } => (left, right, true),
        other => return Err(no(format!("`{other}`"))),
    };
    let mut inner = &**right;
    while let Expr::Nested(next) | Expr::Cast { expr: next, .. } = inner {
        inner = next;
    }
    let Expr::Array(array) = inner else {
        return Err(no(format!("`{expr}`")));
    };
    *expr = Expr::InList {
        expr: left.clone(),
        list: array.elem.clone(),
        negated,
    };
    Ok(())
}

/// Makes the word of now of its reading in UTC: a wall clock elsewhere.
///
/// # Errors
/// [`Untranslated`] for every other zone or time.
pub fn at_time_zone(expr: &mut Expr) -> Result<(), Untranslated> {
    if let Expr::AtTimeZone { timestamp, time_zone } = expr
        && text_of(time_zone).is_some_and(|zone| zone.eq_ignore_ascii_case("utc"))
        && is_now(timestamp)
    {
        *expr = word("CURRENT_TIMESTAMP");
        return Ok(());
    }
    Err(no(format!("`{expr}`")))
}

/// Makes `LIMIT count OFFSET first` of `LIMIT first, count`.
pub fn limit_before_offset(query: &mut Query) {
    if let Some(LimitClause::OffsetCommaLimit { offset, limit }) = &query.limit_clause {
        query.limit_clause = Some(LimitClause::LimitOffset {
            limit: Some(limit.clone()),
            offset: Some(Offset {
                value: offset.clone(),
                rows: OffsetRows::None,
            }),
            limit_by: Vec::new(),
        });
    }
}

/// Makes a limit of FETCH, and says one (that of all rows) where an offset stands alone.
pub fn limit_of_fetch(query: &mut Query, all_rows: &str) {
    if let Some(fetch) = query.fetch.take_if(|fetch| !fetch.with_ties && !fetch.percent) {
        let offset = match query.limit_clause.take() {
            Some(LimitClause::LimitOffset { offset, .. }) => offset,
            Some(LimitClause::OffsetCommaLimit { .. }) | None => None,
        };
        query.limit_clause = Some(LimitClause::LimitOffset {
            limit: fetch.quantity.or_else(|| Some(digits("1"))),
            offset,
            limit_by: Vec::new(),
        });
    }
    if let Some(LimitClause::LimitOffset {
        limit: limit @ None,
        offset: Some(_),
        ..
    }) = &mut query.limit_clause
    {
        *limit = Some(digits(all_rows));
    }
}

/// Tells whether values of the kind have the part as a whole number in every engine that knows it.
pub fn has_part(field: &DateTimeField, of: Kind) -> bool {
    match field {
        DateTimeField::Year | DateTimeField::Month | DateTimeField::Day | DateTimeField::Quarter => {
            matches!(of, Kind::Date | Kind::Timestamp(false))
        }
        DateTimeField::Hour | DateTimeField::Minute => matches!(of, Kind::Time | Kind::Timestamp(false)),
        _ => false,
    }
}

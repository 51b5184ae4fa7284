//! The neutral form spelled for the engine: truth values as 1 and 0, decimals and times as they are stored, names as the target has them.
//! What the engine lacks is said, never passed on. Casts are in `spelling/casts.rs`, calls in `spelling/calls.rs`.

mod calls;
mod casts;

use sqlparser::ast::{
    BinaryOperator, CastKind, DataType, ExactNumberInfo, Expr, Ident, ObjectName, OrderByExpr, OrderBySort,
    Query, Select, SetExpr, SetOperator, SetQuantifier, UnaryOperator, Value,
};
use whimbrel_core::expression::{
    Kind, TargetNames, Translate, at_time_zone, check_call, check_grouping, is_now, is_plain, kind,
    known_or_null, limit_of_fetch, list, no, of_logical, print, take, text_literal, text_of, walk,
    without_brackets,
};
use whimbrel_core::{
    ExpressionContext, LogicalType, Untranslated, format_date, format_time, format_timestamp, format_uuid,
    parse_date, parse_time, parse_timestamp, parse_uuid,
};

use crate::sql::literal;

const QUOTE: char = '"';

/// Spells an expression.
pub(super) fn expression(expr: &Expr, context: &ExpressionContext) -> Result<String, Untranslated> {
    let mut expr = expr.clone();
    if let Some(expected) = &context.expected {
        expr = stored_literal(expr, expected)?;
    }
    let place = match &context.expected {
        Some(expected) => Place::Default(of_logical(expected)),
        None => Place::Check,
    };
    let names = TargetNames::of_expression(context, QUOTE);
    walk(
        &mut expr,
        &mut Speller {
            place,
            names,
            context,
        },
    )?;
    Ok(print(without_brackets(expr), literal))
}

/// Spells a query.
pub(super) fn query(query: &Query, context: &ExpressionContext) -> Result<String, Untranslated> {
    let mut query = query.clone();
    let names = TargetNames::of_query(&query, context, QUOTE);
    let place = Place::Query;
    walk(
        &mut query,
        &mut Speller {
            place,
            names,
            context,
        },
    )?;
    Ok(print(query, literal))
}

/// Where an expression stands: what depends on the clock is not allowed everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A default or generated value of this kind.
    Default(Kind),
    /// A check or an index.
    Check,
    Query,
}

struct Speller<'a> {
    place: Place,
    names: TargetNames<'a>,
    context: &'a ExpressionContext,
}

impl Translate for Speller<'_> {
    fn query(&mut self, query: &mut Query) -> Result<(), Untranslated> {
        limit_of_fetch(query, "-1");
        check_sets(&query.body)
    }

    fn select(&mut self, select: &mut Select) -> Result<(), Untranslated> {
        check_grouping(select)
    }

    fn relation(&mut self, name: &mut ObjectName) -> Result<(), Untranslated> {
        if let Some(to) = self.names.relation(name)? {
            *name = ObjectName::from(vec![Ident::with_quote(QUOTE, &to.name)]);
        }
        Ok(())
    }

    fn ident(&mut self, ident: &mut Ident) {
        self.names.quote(ident);
    }

    fn order(&mut self, order: &mut OrderByExpr) -> Result<(), Untranslated> {
        let descending = matches!(order.options.sort, Some(OrderBySort::Desc));
        order.options.nulls_first.get_or_insert(descending);
        self.as_number(&mut order.expr);
        Ok(())
    }

    fn before(&mut self, expr: &mut Expr) -> Result<(), Untranslated> {
        self.whole(expr)
    }

    fn after(&mut self, expr: &mut Expr) -> Result<(), Untranslated> {
        self.part(expr)
    }
}

/// The engine knows ALL with UNION only, and no brackets around the parts.
fn check_sets(body: &SetExpr) -> Result<(), Untranslated> {
    let SetExpr::SetOperation {
        left,
        op,
        set_quantifier,
        right,
    } = body
    else {
        return Ok(());
    };
    if *set_quantifier == SetQuantifier::All && *op != SetOperator::Union {
        return Err(no(format!("`{op} ALL`")));
    }
    if matches!(**left, SetExpr::Query(_)) || matches!(**right, SetExpr::Query(_)) {
        return Err(no(format!("brackets around a part of `{op}`")));
    }
    check_sets(left)?;
    check_sets(right)
}

impl Speller<'_> {
    fn kind(&self, expr: &Expr) -> Kind {
        kind(expr, self.context)
    }

    /// What needs the kinds of the parts as they are stored at the source's side of the translation.
    fn whole(&self, expr: &mut Expr) -> Result<(), Untranslated> {
        casts::remove(expr, self.context)?;
        match expr {
            Expr::BinaryOp { left, op, right } => self.compare(left, op, right),
            Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right) => {
                self.agree(left, right)
            }
            Expr::Between { expr, low, high, .. } => {
                self.agree(expr, low)?;
                self.agree(expr, high)
            }
            Expr::InList { expr, list, .. } => list.iter_mut().try_for_each(|item| self.agree(expr, item)),
            Expr::AnyOp { .. } | Expr::AllOp { .. } => {
                list(expr)?;
                self.whole(expr)
            }
            Expr::Function(call) => {
                check_call(call)?;
                calls::numbers(call, self)
            }
            Expr::AtTimeZone { .. } => at_time_zone(expr),
            Expr::Extract { .. } => calls::extract(expr, self.context),
            _ => Ok(()),
        }
    }

    fn compare(&self, left: &mut Expr, op: &BinaryOperator, right: &mut Expr) -> Result<(), Untranslated> {
        use BinaryOperator as Op;
        match op {
            Op::Eq | Op::NotEq | Op::Lt | Op::LtEq | Op::Gt | Op::GtEq => self.agree(left, right),
            Op::StringConcat => {
                let plain = |kind: Kind| {
                    matches!(
                        kind,
                        Kind::Text | Kind::Integer | Kind::Null | Kind::Unknown | Kind::Uuid
                    )
                };
                if plain(self.kind(left)) && plain(self.kind(right)) {
                    return Ok(());
                }
                Err(no(format!("the text of a part of `{left} || {right}`")))
            }
            Op::Plus | Op::Minus | Op::Multiply | Op::Divide | Op::Modulo => {
                let (a, b) = (self.kind(left), self.kind(right));
                let fits = |kind: Kind| kind.is_number() || kind.is_open();
                // Decimals would be computed as floats, and a remainder as one of whole numbers.
                let is_exact = a != Kind::Decimal && b != Kind::Decimal || a == Kind::Real || b == Kind::Real;
                let is_whole = a == Kind::Integer && b == Kind::Integer;
                if fits(a) && fits(b) && is_exact && (*op != Op::Modulo || is_whole) {
                    return Ok(());
                }
                Err(no(format!("`{left} {op} {right}`, no numbers,")))
            }
            Op::And | Op::Or | Op::BitwiseAnd | Op::BitwiseOr => Ok(()),
            Op::PGBitwiseShiftLeft | Op::PGBitwiseShiftRight => Ok(()),
            other => Err(no(format!("operator `{other}`"))),
        }
    }

    /// Makes the sides of a comparison comparable as they are stored.
    fn agree(&self, left: &mut Expr, right: &mut Expr) -> Result<(), Untranslated> {
        let (a, b) = (self.kind(left), self.kind(right));
        if a.is_moment() || b.is_moment() {
            return self.agree_moments(left, right, (a, b));
        }
        if a == Kind::Json || b == Kind::Json {
            return Err(no("comparing JSON values"));
        }
        self.as_number(left);
        self.as_number(right);
        Ok(())
    }

    /// Times are compared as text, which is right when both are in the canonical form of one kind.
    fn agree_moments(
        &self,
        left: &mut Expr,
        right: &mut Expr,
        kinds: (Kind, Kind),
    ) -> Result<(), Untranslated> {
        let refuse = |a: &Expr, b: &Expr| Err(no(format!("comparing the times `{a}` and `{b}`")));
        match kinds {
            (a, b) if a == b && a.is_moment() => Ok(()),
            (wanted, Kind::Text) if wanted.is_moment() => match canonical(right, wanted) {
                Some(text) => {
                    *right = text;
                    Ok(())
                }
                None => refuse(left, right),
            },
            (Kind::Text, wanted) if wanted.is_moment() => match canonical(left, wanted) {
                Some(text) => {
                    *left = text;
                    Ok(())
                }
                None => refuse(left, right),
            },
            (Kind::Timestamp(false), Kind::Timestamp(true)) if is_now(right) => Ok(()),
            (Kind::Timestamp(true), Kind::Timestamp(false)) if is_now(left) => Ok(()),
            (a, b) if a.is_open() || b.is_open() => Ok(()),
            _ => refuse(left, right),
        }
    }

    /// Decimals are stored as text; where their size matters they are read as numbers.
    fn as_number(&self, expr: &mut Expr) {
        let is_column = matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
        if is_column && self.is_decimal_text(expr) {
            let inner = Box::new(take(expr));
            *expr = Expr::Cast {
                kind: CastKind::Cast,
                expr: inner,
                data_type: DataType::Numeric(ExactNumberInfo::None),
                format: None,
            };
        }
    }

    fn is_decimal_text(&self, expr: &Expr) -> bool {
        let name = match expr {
            Expr::Identifier(ident) => Some(&ident.value),
            Expr::CompoundIdentifier(parts) => parts.last().map(|ident| &ident.value),
            _ => None,
        };
        let logical = name.and_then(|name| self.context.columns.get(name));
        let usage = whimbrel_core::ColumnUse::default();
        logical.is_some_and(|logical| {
            matches!(logical, LogicalType::Decimal { .. })
                && super::native::native(logical, &usage).to == "TEXT"
        })
    }

    /// Spells one expression whose parts are spelled already.
    fn part(&self, expr: &mut Expr) -> Result<(), Untranslated> {
        match expr {
            Expr::Identifier(ident) => {
                self.names.rename(ident);
                Ok(())
            }
            Expr::CompoundIdentifier(parts) => self.names.compound(parts),
            Expr::Value(value) => spell_value(&mut value.value),
            Expr::UnaryOp {
                op: UnaryOperator::Not | UnaryOperator::Minus | UnaryOperator::Plus,
                ..
            } => Ok(()),
            Expr::IsUnknown(_) | Expr::IsNotUnknown(_) => {
                known_or_null(expr);
                Ok(())
            }
            part if is_plain(part) => Ok(()),
            Expr::BinaryOp { .. } | Expr::Cast { .. } => Ok(()),
            Expr::Like { .. } => calls::like(expr),
            Expr::ILike { .. } => calls::ilike(expr),
            Expr::Position { .. } => calls::position(expr),
            Expr::Substring { .. } => calls::substring(expr),
            Expr::Trim { .. } => calls::trim(expr),
            Expr::Collate {
                expr: inner,
                collation,
            } => {
                let name = collation.to_string();
                if ["\"C\"", "\"POSIX\"", "\"default\"", "BINARY"].contains(&name.as_str()) {
                    *expr = (**inner).clone();
                    return Ok(());
                }
                Err(no(format!("collation `{name}`")))
            }
            Expr::Function(_) => calls::function(expr, self),
            other => Err(no(format!("`{other}`"))),
        }
    }
}

fn spell_value(value: &mut Value) -> Result<(), Untranslated> {
    match value {
        Value::Boolean(truth) => {
            *value = Value::Number(if *truth { "1" } else { "0" }.to_owned(), false);
            Ok(())
        }
        Value::Number(..) | Value::SingleQuotedString(_) | Value::HexStringLiteral(_) | Value::Null => Ok(()),
        other => Err(no(format!("`{other}`"))),
    }
}

/// Returns a literal in the canonical text of the wanted kind of time.
fn canonical(expr: &Expr, wanted: Kind) -> Option<Expr> {
    let text = text_of(expr)?;
    canonical_text(text, wanted).map(|text| text_literal(&text))
}

fn canonical_text(text: &str, wanted: Kind) -> Option<String> {
    match wanted {
        Kind::Date => parse_date(text).map(format_date),
        Kind::Time => parse_time(text).map(format_time),
        Kind::Timestamp(zoned) => {
            let at_midnight = || parse_timestamp(&format!("{text} 00:00:00"), false).filter(|_| !zoned);
            parse_timestamp(text, zoned)
                .or_else(at_midnight)
                .map(|micros| format_timestamp(micros, zoned))
        }
        Kind::Boolean
        | Kind::Integer
        | Kind::Real
        | Kind::Decimal
        | Kind::Text
        | Kind::Bytes
        | Kind::Uuid
        | Kind::Json
        | Kind::Other
        | Kind::Null
        | Kind::Unknown => None,
    }
}

/// A literal default in the form in which the column stores its values.
fn stored_literal(mut expr: Expr, expected: &LogicalType) -> Result<Expr, Untranslated> {
    let none = ExpressionContext::default();
    casts::remove(&mut expr, &none)?;
    let wanted = of_logical(expected);
    let is_number = |expr: &Expr| match expr {
        Expr::Value(_) => kind(expr, &none).is_number(),
        Expr::UnaryOp { expr, .. } => matches!(**expr, Expr::Value(_)) && kind(expr, &none).is_number(),
        _ => false,
    };
    let as_text = super::native::native(expected, &whimbrel_core::ColumnUse::default()).to == "TEXT";
    if is_number(&expr) && as_text {
        return Ok(text_literal(&expr.to_string().replace(' ', "")));
    }
    let Some(text) = text_of(&expr) else {
        return Ok(expr);
    };
    let refuse = || Err(no(format!("{} as a value of type {expected}", literal(text))));
    match wanted {
        wanted if wanted.is_moment() => match canonical_text(text, wanted) {
            Some(text) => Ok(text_literal(&text)),
            None => refuse(),
        },
        Kind::Boolean => match text {
            "t" | "true" => Ok(Expr::value(Value::Boolean(true))),
            "f" | "false" => Ok(Expr::value(Value::Boolean(false))),
            _ => refuse(),
        },
        Kind::Integer | Kind::Real if crate::declared::looks_numeric(text.as_bytes()) => {
            Ok(Expr::value(Value::Number(text.trim().to_owned(), false)))
        }
        Kind::Integer | Kind::Real | Kind::Bytes => refuse(),
        Kind::Uuid => {
            if let Some(uuid) = parse_uuid(text) {
                Ok(text_literal(&format_uuid(&uuid)))
            } else {
                refuse()
            }
        }
        Kind::Other => match expected {
            LogicalType::Bits { .. } => Ok(expr),
            _ => refuse(),
        },
        _ => Ok(expr),
    }
}

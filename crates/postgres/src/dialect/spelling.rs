//! The neutral form spelled for the engine, which minds types: sides of comparisons must agree, truth values are no numbers, the
//! time of now has a zone. Names become those of the target. What the engine lacks is said, never passed on.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "everything that is not listed is refused"
)]

mod calls;
mod fit;

use sqlparser::ast::{
    BinaryOperator, CastKind, DataType, ExactNumberInfo, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, Ident, ObjectName, OrderByExpr, OrderBySort, Query, Select, UnaryOperator, Value,
};
use whimbrel_core::expression::{
    Kind, TargetNames, Translate, check_call, check_grouping, columns_of, function_name, is_now, is_plain,
    kind, literal_as, no, of_type, plain_name, take, text_literal,
};
use whimbrel_core::{ExpressionContext, Untranslated};

pub(super) use fit::fit;

const QUOTE: char = '"';

/// The collation of the database.
const DEFAULT_COLLATION: &str = "default";

/// Spells expressions, parts before wholes; kinds are looked up while names are still the source's.
pub(super) struct Speller<'a> {
    context: &'a ExpressionContext,
    names: TargetNames<'a>,
}

impl<'a> Speller<'a> {
    pub(super) fn of_expression(context: &'a ExpressionContext) -> Self {
        Self {
            context,
            names: TargetNames::of_expression(context, QUOTE),
        }
    }

    pub(super) fn of_query(query: &Query, context: &'a ExpressionContext) -> Self {
        Self {
            context,
            names: TargetNames::of_query(query, context, QUOTE),
        }
    }

    fn kind(&self, expr: &Expr) -> Kind {
        kind(expr, self.context)
    }
}

impl Translate for Speller<'_> {
    fn select(&mut self, select: &mut Select) -> Result<(), Untranslated> {
        check_grouping(select)?;
        [&select.selection, &select.having]
            .into_iter()
            .flatten()
            .try_for_each(|condition| self.condition(condition))
    }

    fn relation(&mut self, name: &mut ObjectName) -> Result<(), Untranslated> {
        if let Some(to) = self.names.relation(name)? {
            let namespace = to.namespace.as_deref().unwrap_or("public");
            *name = ObjectName::from(vec![
                Ident::with_quote(QUOTE, namespace),
                Ident::with_quote(QUOTE, &to.name),
            ]);
        }
        Ok(())
    }

    fn order(&mut self, order: &mut OrderByExpr) -> Result<(), Untranslated> {
        let descending = matches!(order.options.sort, Some(OrderBySort::Desc));
        if order.options.nulls_first == Some(descending) {
            order.options.nulls_first = None;
        }
        Ok(())
    }

    fn ident(&mut self, ident: &mut Ident) {
        self.names.quote(ident);
    }

    fn before(&mut self, expr: &mut Expr) -> Result<(), Untranslated> {
        self.whole(expr)
    }

    fn after(&mut self, expr: &mut Expr) -> Result<(), Untranslated> {
        self.part(expr)
    }
}

impl Speller<'_> {
    /// What needs the kinds of the parts, which are gone once names have changed.
    fn whole(&self, expr: &mut Expr) -> Result<(), Untranslated> {
        match expr {
            Expr::BinaryOp { left, op, right } => self.operation(left, op, right),
            Expr::UnaryOp {
                op: UnaryOperator::Not,
                expr,
            } => self.condition(expr),
            Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right) => {
                self.agree(left, right)
            }
            Expr::Between { expr, low, high, .. } => {
                self.agree(expr, low)?;
                self.agree(expr, high)
            }
            Expr::InList { expr, list, .. } => list.iter_mut().try_for_each(|item| self.agree(expr, item)),
            Expr::Case {
                operand,
                conditions,
                else_result,
                ..
            } => {
                for when in conditions.iter_mut() {
                    match operand {
                        Some(operand) => self.agree(operand, &mut when.condition)?,
                        None => self.condition(&when.condition)?,
                    }
                }
                let results = conditions
                    .iter()
                    .map(|when| &when.result)
                    .chain(else_result.as_deref());
                self.one_kind(results)
            }
            Expr::IsTrue(inner) | Expr::IsNotTrue(inner) | Expr::IsFalse(inner) | Expr::IsNotFalse(inner) => {
                self.condition(inner)
            }
            Expr::Like { expr, pattern, .. } | Expr::ILike { expr, pattern, .. } => {
                let is_text =
                    |expr: &Expr| matches!(self.kind(expr), Kind::Text | Kind::Null | Kind::Unknown);
                if is_text(expr) && is_text(pattern) {
                    self.plain_collation(expr);
                    return Ok(());
                }
                Err(no(format!("LIKE on `{expr}`, which is no text,")))
            }
            Expr::Collate { collation, .. } if collation.to_string() != DEFAULT_COLLATION => {
                Err(no(format!("collation {collation}")))
            }
            Expr::Cast { .. } => self.cast(expr),
            Expr::Extract { .. } => calls::extract(expr, self),
            Expr::Function(call) => {
                check_call(call)?;
                calls::function(expr, self)
            }
            _ => Ok(()),
        }
    }

    /// A column may arrive under a collation that calls different texts equal, by which older servers cannot search; the database's own can.
    fn plain_collation(&self, expr: &mut Expr) {
        let is_collated = |name: &String| self.context.collations.contains_key(name);
        if columns_of(expr).iter().any(is_collated) {
            *expr = Expr::Collate {
                expr: Box::new(take(expr)),
                collation: ObjectName::from(vec![Ident::new(DEFAULT_COLLATION)]),
            };
        }
    }

    fn plain_argument(&self, call: &mut Function) {
        if let FunctionArguments::List(list) = &mut call.args
            && let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(first))) = list.args.first_mut()
        {
            self.plain_collation(first);
        }
    }

    /// A place for a truth value takes nothing else.
    fn condition(&self, expr: &Expr) -> Result<(), Untranslated> {
        match self.kind(expr) {
            Kind::Boolean | Kind::Null | Kind::Unknown => Ok(()),
            _ => Err(no(format!("`{expr}` as a truth value"))),
        }
    }

    fn one_kind<'e>(&self, parts: impl Iterator<Item = &'e Expr>) -> Result<(), Untranslated> {
        let mut first = None;
        for part in parts {
            let kind = self.kind(part);
            let class = if kind.is_number() { Kind::Decimal } else { kind };
            if kind.is_open() {
                continue;
            }
            if *first.get_or_insert(class) != class {
                return Err(no(format!("`{part}` beside values of another kind")));
            }
        }
        Ok(())
    }
    fn operation(&self, left: &mut Expr, op: &BinaryOperator, right: &mut Expr) -> Result<(), Untranslated> {
        use BinaryOperator as Op;
        match op {
            Op::And | Op::Or => {
                self.condition(left)?;
                self.condition(right)
            }
            Op::Eq | Op::NotEq | Op::Lt | Op::LtEq | Op::Gt | Op::GtEq => self.agree(left, right),
            Op::StringConcat => {
                let kinds = (self.kind(left), self.kind(right));
                let plain = |kind| matches!(kind, Kind::Text | Kind::Integer | Kind::Null | Kind::Unknown);
                // Without any text the operator would mean arrays.
                let has_text = kinds.0 == Kind::Text || kinds.1 == Kind::Text;
                if plain(kinds.0) && plain(kinds.1) && has_text {
                    return Ok(());
                }
                Err(no(format!("the text of a part of `{left} || {right}`")))
            }
            Op::Plus | Op::Minus | Op::Multiply | Op::Divide | Op::Modulo => {
                let fits = |kind: Kind| kind.is_number() || kind.is_open();
                let is_real = [&*left, &*right].iter().any(|side| self.kind(side) == Kind::Real);
                if fits(self.kind(left)) && fits(self.kind(right)) && !(is_real && *op == Op::Modulo) {
                    return Ok(());
                }
                Err(no(format!("`{left} {op} {right}`, no numbers,")))
            }
            Op::BitwiseAnd | Op::BitwiseOr | Op::PGBitwiseShiftLeft | Op::PGBitwiseShiftRight => Ok(()),
            other => Err(no(format!("operator `{other}`"))),
        }
    }

    /// Makes the sides of a comparison of one type.
    fn agree(&self, left: &mut Expr, right: &mut Expr) -> Result<(), Untranslated> {
        let (a, b) = (self.kind(left), self.kind(right));
        if a == Kind::Json || b == Kind::Json {
            return Err(no("comparing JSON values"));
        }
        if a == b || a.is_open() || b.is_open() || (a.is_number() && b.is_number()) {
            return Ok(());
        }
        let kinds = (a, b);
        if literal_as(right, a, self.context).is_some() || literal_as(left, b, self.context).is_some() {
            return Ok(());
        }
        match kinds {
            // The time of now against a wall clock: both in UTC.
            (Kind::Timestamp(false), Kind::Timestamp(true)) if is_now(right) => calls::utc(right),
            (Kind::Timestamp(true), Kind::Timestamp(false)) if is_now(left) => calls::utc(left),
            (Kind::Date, Kind::Timestamp(false)) | (Kind::Timestamp(false), Kind::Date) => return Ok(()),
            _ => {
                return Err(no(format!(
                    "comparing `{left}` with `{right}`, of different kinds,"
                )));
            }
        }
        Ok(())
    }

    fn cast(&self, whole: &mut Expr) -> Result<(), Untranslated> {
        let Expr::Cast {
            expr,
            data_type,
            kind: word,
            ..
        } = whole
        else {
            return Ok(());
        };
        // The neutral form has the standard's words; the operator is one of our own making.
        if *word == CastKind::DoubleColon {
            return Ok(());
        }
        let spelled = match (self.kind(expr), of_type(data_type)) {
            (Kind::Integer | Kind::Boolean, Kind::Integer) => DataType::Integer(None),
            (Kind::Integer | Kind::Decimal | Kind::Real, Kind::Real) => DataType::DoublePrecision,
            (Kind::Integer | Kind::Decimal, Kind::Decimal) => DataType::Numeric(ExactNumberInfo::None),
            (Kind::Integer | Kind::Text | Kind::Date | Kind::Uuid, Kind::Text) => DataType::Text,
            (Kind::Timestamp(false) | Kind::Date, Kind::Date) => DataType::Date,
            (Kind::Null, Kind::Integer) => DataType::BigInt(None),
            (Kind::Null, Kind::Text) => DataType::Text,
            _ => return Err(no(format!("`{whole}`"))),
        };
        // A whole number can have 64 bits.
        *data_type = match spelled {
            DataType::Integer(_) if self.kind(expr) == Kind::Integer => DataType::BigInt(None),
            other => other,
        };
        *word = CastKind::Cast;
        Ok(())
    }

    /// Spells one expression whose parts are spelled already.
    fn part(&self, expr: &mut Expr) -> Result<(), Untranslated> {
        match expr {
            Expr::Identifier(ident) => self.names.column(ident),
            Expr::CompoundIdentifier(parts) => self.names.compound(parts),
            Expr::Function(call) => {
                // Words of now are no names, so nothing is quoted.
                let name = plain_name(&call.name).unwrap_or_default();
                let is_word = name.starts_with("current_");
                let is_extreme = matches!(name.as_str(), "greatest" | "least");
                call.name = function_name(&if is_word { name.to_uppercase() } else { name });
                if is_extreme {
                    calls::extreme(expr);
                }
                Ok(())
            }
            Expr::Value(value) => {
                if let Value::HexStringLiteral(hex) = &value.value {
                    *expr = bytes(hex);
                }
                Ok(())
            }
            part if is_plain(part) => Ok(()),
            Expr::IsUnknown(_)
            | Expr::IsNotUnknown(_)
            | Expr::BinaryOp { .. }
            | Expr::UnaryOp {
                op: UnaryOperator::Not | UnaryOperator::Minus | UnaryOperator::Plus,
                ..
            }
            | Expr::Cast { .. }
            | Expr::Collate { .. }
            | Expr::AtTimeZone { .. }
            | Expr::Extract { .. }
            | Expr::Position { .. }
            | Expr::Substring { special: false, .. }
            | Expr::Trim { .. }
            | Expr::Like { any: false, .. }
            | Expr::ILike { any: false, .. } => Ok(()),
            other => Err(no(format!("`{other}`"))),
        }
    }
}

fn bytes(hex: &str) -> Expr {
    Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new(text_literal(&format!("\\x{hex}"))),
        data_type: DataType::Bytea,
        format: None,
    }
}

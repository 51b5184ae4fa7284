//! The neutral form spelled for the servers: text put together by `concat`, brackets where ranks differ, NULL in its place in an order.
//! Functions are in `spelling/calls.rs`, texts in `spelling/texts.rs`, values of a column in `spelling/values.rs`, queries in
//! `spelling/queries.rs`. What a version lacks is said, never passed on.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "everything that is not listed is refused"
)]

mod calls;
mod kin;
mod queries;
mod texts;
mod values;

use sqlparser::ast::{
    BinaryOperator, DataType, ExactNumberInfo, Expr, Ident, ObjectName, Query, Select, UnaryOperator, Value,
};
use whimbrel_core::expression::{
    Kind, TargetNames, Translate, call, cast, check_grouping, is_now, is_plain, kind, known_or_null,
    literal_as, no, not, of_type, print, take, walk, without_brackets,
};
use whimbrel_core::{ExpressionContext, Untranslated};

use super::MysqlDialect;
use crate::quote::literal;

const QUOTE: char = '`';

/// Spells a neutral expression.
pub(super) fn render(
    dialect: &MysqlDialect,
    expression: &Expr,
    context: &ExpressionContext,
) -> Result<String, Untranslated> {
    let mut expr = expression.clone();
    let names = TargetNames::of_expression(context, QUOTE);
    if context.kin {
        walk(&mut expr, &mut kin::Speller { dialect, names })?;
        return Ok(values::placed(dialect, expr, context));
    }
    let mut speller = Speller {
        dialect,
        context,
        names,
    };
    if let Some(expected) = &context.expected {
        expr = values::stored(expr, expected, &speller)?;
    }
    walk(&mut expr, &mut speller)?;
    Ok(values::placed(dialect, without_brackets(expr), context))
}

/// Spells a neutral query.
pub(super) fn render_query(
    dialect: &MysqlDialect,
    query: &Query,
    context: &ExpressionContext,
) -> Result<String, Untranslated> {
    let mut query = query.clone();
    let names = TargetNames::of_query(&query, context, QUOTE);
    if context.kin {
        walk(&mut query, &mut kin::Speller { dialect, names })?;
    } else {
        walk(
            &mut query,
            &mut Speller {
                dialect,
                context,
                names,
            },
        )?;
    }
    Ok(print(query, literal))
}

/// Spells expressions; kinds are looked up while names are still the source's.
struct Speller<'a> {
    dialect: &'a MysqlDialect,
    context: &'a ExpressionContext,
    names: TargetNames<'a>,
}

impl Translate for Speller<'_> {
    fn query(&mut self, query: &mut Query) -> Result<(), Untranslated> {
        queries::query(query, self)
    }

    fn select(&mut self, select: &mut Select) -> Result<(), Untranslated> {
        queries::select(select, self)?;
        check_grouping(select)
    }

    fn relation(&mut self, name: &mut ObjectName) -> Result<(), Untranslated> {
        relation(&self.names, name)
    }

    fn ident(&mut self, ident: &mut Ident) {
        self.names.quote(ident);
    }

    fn before(&mut self, expr: &mut Expr) -> Result<(), Untranslated> {
        self.whole(expr)
    }

    fn after(&mut self, expr: &mut Expr) -> Result<(), Untranslated> {
        match expr {
            Expr::Identifier(ident) => self.names.column(ident)?,
            Expr::CompoundIdentifier(parts) => self.names.compound(parts)?,
            // A word of the servers' own must stand without quotes.
            Expr::Function(function) => unquote(&mut function.name),
            // Bits are unsigned here.
            Expr::BinaryOp {
                op: BinaryOperator::BitwiseAnd | BinaryOperator::BitwiseOr,
                ..
            } => *expr = cast(take(expr), DataType::Signed),
            // Neither are the names of collations those of columns.
            Expr::Collate { collation, .. } => unquote(collation),
            _ => {}
        }
        Ok(())
    }
}

/// Gives a table its name: there are no namespaces.
fn relation(names: &TargetNames<'_>, name: &mut ObjectName) -> Result<(), Untranslated> {
    if let Some(to) = names.relation(name)? {
        *name = ObjectName::from(vec![Ident::with_quote(QUOTE, &to.name)]);
    }
    Ok(())
}

fn unquote(name: &mut ObjectName) {
    for part in &mut name.0 {
        if let sqlparser::ast::ObjectNamePart::Identifier(ident) = part {
            ident.quote_style = None;
        }
    }
}

impl Speller<'_> {
    fn kind(&self, expr: &Expr) -> Kind {
        kind(expr, self.context)
    }

    /// Spells a whole whose parts are neutral still.
    fn whole(&self, expr: &mut Expr) -> Result<(), Untranslated> {
        match expr {
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => Ok(()),
            Expr::IsTrue(inner) | Expr::IsNotTrue(inner) | Expr::IsFalse(inner) | Expr::IsNotFalse(inner) => {
                self.condition(inner)
            }
            Expr::IsUnknown(_) | Expr::IsNotUnknown(_) => {
                known_or_null(expr);
                Ok(())
            }
            Expr::Value(value) => match &value.value {
                Value::Number(..)
                | Value::SingleQuotedString(_)
                | Value::HexStringLiteral(_)
                | Value::Boolean(_)
                | Value::Null => Ok(()),
                other => Err(no(format!("`{other}`"))),
            },
            Expr::UnaryOp { op, expr } => match op {
                UnaryOperator::Not => self.condition(expr),
                UnaryOperator::Minus | UnaryOperator::Plus => Ok(()),
                other => Err(no(format!("operator `{other}`"))),
            },
            Expr::IsDistinctFrom(left, right) => {
                self.agree(left, right)?;
                let same = compared(take(left), BinaryOperator::Spaceship, take(right));
                *expr = not(same);
                Ok(())
            }
            Expr::IsNotDistinctFrom(left, right) => {
                self.agree(left, right)?;
                *expr = compared(take(left), BinaryOperator::Spaceship, take(right));
                Ok(())
            }
            Expr::BinaryOp { .. } => self.operation(expr),
            Expr::Between { expr, low, high, .. } => {
                self.agree(expr, low)?;
                self.agree(expr, high)
            }
            Expr::InList { expr, list, .. } => list.iter_mut().try_for_each(|item| self.agree(expr, item)),
            Expr::Case { .. } => self.case(expr),
            Expr::Like { any: false, .. } => texts::like(expr, self),
            Expr::ILike { any: false, .. } => texts::ilike(expr, self),
            Expr::Position { .. } => texts::position(expr, self),
            Expr::Substring { .. } => texts::substring(expr, self),
            Expr::Trim { .. } => texts::trim(expr),
            Expr::Collate { collation, .. } if collation.to_string() == texts::EXACT => Ok(()),
            Expr::Cast { .. } => self.cast(expr),
            Expr::Extract { .. } => calls::extract(expr, self),
            Expr::Function(_) => calls::function(expr, self),
            part if is_plain(part) => Ok(()),
            other => Err(no(format!("`{other}`"))),
        }
    }

    /// A place for a truth value takes nothing else.
    fn condition(&self, expr: &Expr) -> Result<(), Untranslated> {
        match self.kind(expr) {
            Kind::Boolean | Kind::Null | Kind::Unknown => Ok(()),
            _ => Err(no(format!("`{expr}` as a truth value"))),
        }
    }

    fn case(&self, whole: &mut Expr) -> Result<(), Untranslated> {
        let Expr::Case {
            operand, conditions, ..
        } = whole
        else {
            return Ok(());
        };
        conditions.iter_mut().try_for_each(|when| match operand {
            Some(operand) => self.agree(operand, &mut when.condition),
            None => self.condition(&when.condition),
        })
    }

    fn operation(&self, whole: &mut Expr) -> Result<(), Untranslated> {
        use BinaryOperator as Op;
        let Expr::BinaryOp { left, op, right } = whole else {
            return Ok(());
        };
        let (a, b) = (self.kind(left), self.kind(right));
        let fits = |kind: Kind| kind.is_number() || kind.is_open();
        match op {
            Op::And | Op::Or => {
                self.condition(left)?;
                self.condition(right)
            }
            Op::Eq | Op::NotEq | Op::Lt | Op::LtEq | Op::Gt | Op::GtEq => self.agree(left, right),
            Op::StringConcat => texts::concatenation(whole, self),
            Op::Plus | Op::Minus | Op::Multiply if fits(a) && fits(b) => Ok(()),
            // The operator of the same name computes decimals of whole numbers.
            Op::Divide if (a, b) == (Kind::Integer, Kind::Integer) => {
                *op = Op::MyIntegerDivide;
                Ok(())
            }
            Op::Divide if a.is_number() && b.is_number() && (a == Kind::Real || b == Kind::Real) => Ok(()),
            Op::Divide => Err(no(format!("the division of decimals `{whole}`"))),
            Op::Modulo if fits(a) && fits(b) && a != Kind::Real && b != Kind::Real => Ok(()),
            // The second is of our own making.
            Op::BitwiseAnd | Op::BitwiseOr | Op::Spaceship => Ok(()),
            Op::Plus | Op::Minus | Op::Multiply | Op::Modulo => Err(no(format!("`{whole}`, no numbers,"))),
            other => Err(no(format!("operator `{other}`"))),
        }
    }

    /// Makes the sides of a comparison of one kind: what differs would be compared as floats.
    fn agree(&self, left: &mut Expr, right: &mut Expr) -> Result<(), Untranslated> {
        let (a, b) = (self.kind(left), self.kind(right));
        if a == Kind::Json || b == Kind::Json {
            return Err(no("comparing JSON values"));
        }
        if is_now(left) || is_now(right) {
            return values::with_now(left, right, self);
        }
        if a.is_moment() && values::moment(right, a, self)? || b.is_moment() && values::moment(left, b, self)?
        {
            return Ok(());
        }
        if a == b || a.is_open() || b.is_open() || (a.is_number() && b.is_number()) {
            return Ok(());
        }
        let is_met =
            literal_as(right, a, self.context).is_some() || literal_as(left, b, self.context).is_some();
        let are_times = matches!(
            (a, b),
            (Kind::Date, Kind::Timestamp(false)) | (Kind::Timestamp(false), Kind::Date)
        );
        if is_met || are_times {
            return Ok(());
        }
        Err(no(format!(
            "comparing `{left}` with `{right}`, of different kinds,"
        )))
    }

    fn cast(&self, whole: &mut Expr) -> Result<(), Untranslated> {
        let Expr::Cast { expr, data_type, .. } = whole else {
            return Ok(());
        };
        if matches!(data_type, DataType::Signed | DataType::Char(None)) {
            // Of our own making.
            return Ok(());
        }
        if data_type.to_string().contains('(') {
            return Err(no(format!("`{whole}`")));
        }
        let (from, to) = (self.kind(expr), of_type(data_type));
        let spelled = match (from, to) {
            (Kind::Null, _) => take(expr),
            (Kind::Integer | Kind::Boolean, Kind::Integer) => cast(take(expr), DataType::Signed),
            (Kind::Integer, Kind::Decimal) => cast(
                take(expr),
                DataType::Decimal(ExactNumberInfo::PrecisionAndScale(20, 0)),
            ),
            (from, to) if from == to && from != Kind::Other && from != Kind::Unknown => take(expr),
            (Kind::Integer | Kind::Decimal, Kind::Real) => self.double(take(expr))?,
            (Kind::Integer | Kind::Date, Kind::Text) => cast(take(expr), DataType::Char(None)),
            (Kind::Uuid, Kind::Text) if values::is_text_uuid(self) => cast(take(expr), DataType::Char(None)),
            (Kind::Boolean, Kind::Text) => return Err(no(format!("the text of the truth value `{expr}`"))),
            (Kind::Timestamp(false), Kind::Date) => call("date", vec![take(expr)]),
            _ => return Err(no(format!("`{whole}`"))),
        };
        *whole = spelled;
        // What stands in its place now is looked at like any other.
        if matches!(whole, Expr::Cast { .. }) {
            Ok(())
        } else {
            self.whole(whole)
        }
    }

    fn double(&self, expr: Expr) -> Result<Expr, Untranslated> {
        if self.dialect.version.is_mysql(8, 0, 17) || self.dialect.is_mariadb() {
            return Ok(cast(expr, DataType::Double(ExactNumberInfo::None)));
        }
        Err(no("a cast to a float"))
    }
}

fn compared(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp {
        left: Box::new(left),
        op,
        right: Box::new(right),
    }
}

//! A filter in the words of the database that its rows come from, for queries that a person runs by hand. Only what every engine reads alike
//! is said: comparisons of columns with literals and with each other, and what joins them. Nothing runs these words here.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "only what every engine reads alike is listed"
)]

use sqlparser::ast::{BinaryOperator, Expr, Ident, UnaryOperator, Value};
use whimbrel_core::{Comparable, Dialect, PartCondition, PartFilter};

use super::part::Part;
use crate::InputColumn;
use crate::parse::parse;

/// Returns which rows the part takes, in its database's own words where these are sure to mean the same; none when it takes all.
pub(crate) fn of(part: &Part, dialect: &dyn Dialect) -> Option<PartFilter> {
    part.filter.as_ref()?;
    let words = Words {
        inputs: &part.inputs,
        dialect,
    };
    let text = part.filter_text.clone();
    let unsure = || "the source may read it otherwise".to_owned();
    let parsed = parse(&text).map_err(|_| unsure());
    let said = match parsed.and_then(|expr| words.condition(&expr)) {
        Ok(sql) => PartCondition::Sql(sql),
        Err(why) => PartCondition::Unsure(why),
    };
    Some(PartFilter { text, said })
}

type Said<T> = Result<T, String>;

struct Words<'a> {
    inputs: &'a [InputColumn],
    dialect: &'a dyn Dialect,
}

impl Words<'_> {
    fn condition(&self, expr: &Expr) -> Said<String> {
        Ok(match expr {
            Expr::Nested(inner) => self.condition(inner)?,
            Expr::BinaryOp {
                left,
                op: op @ (BinaryOperator::And | BinaryOperator::Or),
                right,
            } => {
                format!("({} {op} {})", self.condition(left)?, self.condition(right)?)
            }
            Expr::BinaryOp { left, op, right } if is_comparison(op) => {
                let kind = self.kind_of([&**left, &**right])?;
                format!("{} {op} {}", self.value(left, kind)?, self.value(right, kind)?)
            }
            Expr::UnaryOp {
                op: UnaryOperator::Not,
                expr,
            } => format!("NOT ({})", self.condition(expr)?),
            Expr::IsNull(inner) => format!("{} IS NULL", self.bare(inner)?),
            Expr::IsNotNull(inner) => format!("{} IS NOT NULL", self.bare(inner)?),
            Expr::InList { expr, list, negated } => {
                let kind = self.kind_of(std::iter::once(&**expr).chain(list))?;
                let list = list.iter().map(|item| self.value(item, kind));
                let list = list.collect::<Said<Vec<String>>>()?.join(", ");
                let not = if *negated { "NOT " } else { "" };
                format!("{} {not}IN ({list})", self.value(expr, kind)?)
            }
            Expr::Between {
                expr,
                negated,
                low,
                high,
            } => {
                let kind = self.kind_of([&**expr, &**low, &**high])?;
                let not = if *negated { "NOT " } else { "" };
                let (low, high) = (self.value(low, kind)?, self.value(high, kind)?);
                format!("({} {not}BETWEEN {low} AND {high})", self.value(expr, kind)?)
            }
            Expr::Identifier(_) => self.value(expr, Comparable::Truth)?,
            other => return Err(format!("`{other}` can mean something else to the source")),
        })
    }

    /// The kind that the columns say; literals alone say none that is sure.
    fn kind_of<'e>(&self, parts: impl IntoIterator<Item = &'e Expr>) -> Said<Comparable> {
        let mut found = None;
        for part in parts {
            let Expr::Identifier(name) = part else { continue };
            let kind = Comparable::of(&self.input(name)?.logical);
            let kind = kind.ok_or_else(|| format!("values of `{name}` compare otherwise at the source"))?;
            if found.is_some_and(|found| found != kind) {
                return Err("values of two kinds are compared".to_owned());
            }
            found = Some(kind);
        }
        found.ok_or_else(|| "nothing but literals is compared".to_owned())
    }

    fn input(&self, name: &Ident) -> Said<&InputColumn> {
        let exact = self.inputs.iter().find(|input| input.name == name.value);
        let mut alike = self
            .inputs
            .iter()
            .filter(|input| name.quote_style.is_none() && input.name.eq_ignore_ascii_case(&name.value));
        let found = exact.or_else(|| alike.next().filter(|_| alike.next().is_none()));
        found.ok_or_else(|| format!("`{name}` is none of the columns"))
    }

    /// A column as it is, for whether it is there at all.
    fn bare(&self, expr: &Expr) -> Said<String> {
        match expr {
            Expr::Identifier(name) => Ok(self.dialect.quote(&self.input(name)?.name)),
            other => Err(format!("`{other}` can mean something else to the source")),
        }
    }

    fn value(&self, expr: &Expr, kind: Comparable) -> Said<String> {
        let value = match expr {
            Expr::Nested(inner) => return self.value(inner, kind),
            Expr::Identifier(name) => {
                let input = self.input(name)?;
                let own = Comparable::of(&input.logical);
                let quoted = self.dialect.quote(&input.name);
                let said = own.and_then(|own| self.dialect.compared(&quoted, own));
                return said.ok_or_else(|| format!("values of `{name}` compare otherwise at the source"));
            }
            Expr::UnaryOp {
                op: UnaryOperator::Minus,
                expr,
            } if kind == Comparable::Number => return Ok(format!("-{}", self.value(expr, kind)?)),
            Expr::Value(value) => &value.value,
            other => return Err(format!("`{other}` can mean something else to the source")),
        };
        match (kind, value) {
            (Comparable::Number, Value::Number(digits, _)) => Ok(digits.clone()),
            (Comparable::Text | Comparable::Moment, Value::SingleQuotedString(text)) => {
                Ok(self.dialect.literal(text))
            }
            (Comparable::Truth, Value::Boolean(truth)) => {
                Ok(if *truth { "TRUE" } else { "FALSE" }.to_owned())
            }
            _ => Err(format!("`{value}` is of another kind than the column")),
        }
    }
}

fn is_comparison(op: &BinaryOperator) -> bool {
    use BinaryOperator::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq)
}

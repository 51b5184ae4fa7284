//! The neutral form spelled for the engine, which minds types: sides of comparisons must agree, truth values are no numbers, the
//! time of now has a zone. Names become those of the target. What the engine lacks is said, never passed on.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "everything that is not listed is refused"
)]

mod calls;
mod fit;

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, CastKind, DataType, ExactNumberInfo, Expr, Ident, ObjectName, ObjectNamePart,
    OrderByExpr, OrderBySort, Query, Select, TableFactor, UnaryOperator, Value, Visit, Visitor, VisitorMut,
};
use whimbrel_core::expression::{
    Kind, check_call, check_grouping, check_query, check_select, check_table, kind, no, of_type,
};
use whimbrel_core::{ExpressionContext, TableId, Untranslated};

use super::expression::{flow, function_name, plain_name, text_literal};
pub(super) use fit::fit;

/// Spells expressions, parts before wholes; kinds are looked up while names are still the source's.
pub(super) struct Speller<'a> {
    context: &'a ExpressionContext,
    /// Names that the query makes itself: WITH queries and aliases of tables.
    made: BTreeSet<String>,
    in_query: bool,
}

impl<'a> Speller<'a> {
    pub(super) fn of_expression(context: &'a ExpressionContext) -> Self {
        Self {
            context,
            made: BTreeSet::new(),
            in_query: false,
        }
    }

    pub(super) fn of_query(query: &Query, context: &'a ExpressionContext) -> Self {
        let mut collector = Made(BTreeSet::new());
        let done = query.visit(&mut collector);
        debug_assert!(done.is_continue());
        Self {
            context,
            made: collector.0,
            in_query: true,
        }
    }

    fn kind(&self, expr: &Expr) -> Kind {
        kind(expr, self.context)
    }
}

/// Collects the names of WITH queries and of tables' aliases.
struct Made(BTreeSet<String>);

impl Visitor for Made {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let ctes = query.with.iter().flat_map(|with| &with.cte_tables);
        self.0.extend(ctes.map(|cte| cte.alias.name.value.clone()));
        ControlFlow::Continue(())
    }
    fn pre_visit_table_factor(&mut self, table: &TableFactor) -> ControlFlow<()> {
        match table {
            TableFactor::Table {
                alias: Some(alias), ..
            }
            | TableFactor::Derived {
                alias: Some(alias), ..
            } => {
                self.0.insert(alias.name.value.clone());
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

impl VisitorMut for Speller<'_> {
    type Break = Untranslated;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Untranslated> {
        flow(check_query(query))
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Untranslated> {
        let conditions = [&select.selection, &select.having];
        let checked = check_select(select)
            .and_then(|()| check_grouping(select))
            .and_then(|()| {
                conditions
                    .into_iter()
                    .flatten()
                    .try_for_each(|condition| self.condition(condition))
            });
        flow(checked)
    }

    fn pre_visit_table_factor(&mut self, table: &mut TableFactor) -> ControlFlow<Untranslated> {
        flow(check_table(table))
    }

    fn post_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<Untranslated> {
        flow(self.relation(relation))
    }

    fn pre_visit_order_by_expr(&mut self, order: &mut OrderByExpr) -> ControlFlow<Untranslated> {
        let descending = matches!(order.options.sort, Some(OrderBySort::Desc));
        if order.options.nulls_first == Some(descending) {
            order.options.nulls_first = None;
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_ident(&mut self, ident: &mut Ident) -> ControlFlow<Untranslated> {
        if ident.quote_style.is_none() {
            ident.quote_style = Some('"');
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Untranslated> {
        flow(self.before(expr))
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Untranslated> {
        flow(self.after(expr))
    }
}

impl Speller<'_> {
    fn relation(&self, name: &mut ObjectName) -> Result<(), Untranslated> {
        let parts: Vec<&Ident> = name.0.iter().filter_map(ObjectNamePart::as_ident).collect();
        let id = match parts.as_slice() {
            [only] => TableId::bare(&only.value),
            [namespace, last] => TableId::new(&namespace.value, &last.value),
            _ => return Err(no(format!("table `{name}`"))),
        };
        if id.namespace.is_none() && self.made.contains(&id.name) {
            return Ok(());
        }
        let mut same = self
            .context
            .tables
            .iter()
            .filter(|(from, _)| from.name == id.name);
        let only = same.next().filter(|_| same.next().is_none());
        let found = self.context.tables.get(&id).or_else(|| only.map(|(_, to)| to));
        let to = found.ok_or_else(|| Untranslated::new(format!("table `{id}` is not moved")))?;
        let namespace = to.namespace.as_deref().unwrap_or("public");
        *name = ObjectName::from(vec![
            Ident::with_quote('"', namespace),
            Ident::with_quote('"', &to.name),
        ]);
        Ok(())
    }

    /// What needs the kinds of the parts, which are gone once names have changed.
    fn before(&self, expr: &mut Expr) -> Result<(), Untranslated> {
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
                    return Ok(());
                }
                Err(no(format!("LIKE on `{expr}`, which is no text,")))
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
        if fit::literal_as(right, a, self.context).is_some()
            || fit::literal_as(left, b, self.context).is_some()
        {
            return Ok(());
        }
        match kinds {
            // The time of now against a wall clock: both in UTC.
            (Kind::Timestamp(false), Kind::Timestamp(true)) if calls::is_now(right) => calls::utc(right),
            (Kind::Timestamp(true), Kind::Timestamp(false)) if calls::is_now(left) => calls::utc(left),
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
    fn after(&self, expr: &mut Expr) -> Result<(), Untranslated> {
        match expr {
            Expr::Identifier(ident) => self.column(ident),
            Expr::CompoundIdentifier(parts) => self.compound(parts),
            Expr::Function(call) => {
                // Words of now are no names, so nothing is quoted.
                let name = plain_name(&call.name).unwrap_or_default();
                let is_word = name.starts_with("current_");
                call.name = function_name(&if is_word { name.to_uppercase() } else { name });
                Ok(())
            }
            Expr::Value(value) => {
                if let Value::HexStringLiteral(hex) = &value.value {
                    *expr = bytes(hex);
                }
                Ok(())
            }
            Expr::Nested(_)
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::IsTrue(_)
            | Expr::IsNotTrue(_)
            | Expr::IsFalse(_)
            | Expr::IsNotFalse(_)
            | Expr::IsUnknown(_)
            | Expr::IsNotUnknown(_)
            | Expr::IsDistinctFrom(..)
            | Expr::IsNotDistinctFrom(..)
            | Expr::InList { .. }
            | Expr::InSubquery { .. }
            | Expr::Between { .. }
            | Expr::BinaryOp { .. }
            | Expr::UnaryOp {
                op: UnaryOperator::Not | UnaryOperator::Minus | UnaryOperator::Plus,
                ..
            }
            | Expr::Case { .. }
            | Expr::Exists { .. }
            | Expr::Subquery(_)
            | Expr::Tuple(_)
            | Expr::Wildcard(_)
            | Expr::QualifiedWildcard(..)
            | Expr::Cast { .. }
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

    fn column(&self, ident: &mut Ident) -> Result<(), Untranslated> {
        let known = self.context.columns.contains_key(&ident.value)
            || self.context.renames.contains_key(&ident.value);
        if !known && !self.in_query && !self.context.columns.is_empty() {
            return Err(Untranslated::new(format!(
                "column `{}` is not there",
                ident.value
            )));
        }
        if let Some(renamed) = self.context.renames.get(&ident.value) {
            ident.value.clone_from(renamed);
        }
        ident.quote_style = Some('"');
        Ok(())
    }

    /// A column behind its table or alias; a namespace before them goes.
    fn compound(&self, parts: &mut Vec<Ident>) -> Result<(), Untranslated> {
        let (Some(mut column), Some(mut table)) = (parts.pop(), parts.pop()) else {
            return Err(no("a name without parts"));
        };
        if let Some(renamed) = self.context.renames.get(&column.value) {
            column.value.clone_from(renamed);
        }
        if !self.made.contains(&table.value)
            && let Some((_, to)) = self
                .context
                .tables
                .iter()
                .find(|(from, _)| from.name == table.value)
        {
            table.value.clone_from(&to.name);
        }
        (column.quote_style, table.quote_style) = (Some('"'), Some('"'));
        *parts = vec![table, column];
        Ok(())
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

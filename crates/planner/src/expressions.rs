//! Carries expressions over: word for word between equal engines, else parsed by the source's dialect and spelled by the target's. What
//! has no translation is a question, never a guess.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "only what is known to mean the same everywhere is listed"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use sqlparser::ast::{BinaryOperator, Expr, visit_expressions};
use whimbrel_core::{
    Column, ExpressionContext, Finding, LEAVE_OUT, LogicalType, OWN_TEXT, ObjectId, ObjectKind, Severity,
    Table, TableId, UNTRANSLATED, Untranslated,
};

use crate::draft::Draft;
use crate::needs;
use crate::notes::{Answer, Notes};

/// What an expression inside the table may name.
pub(crate) fn table_context(
    draft: &Draft<'_>,
    table: &Table,
    expected: Option<LogicalType>,
) -> ExpressionContext {
    ExpressionContext {
        table: Some(table.id.clone()),
        columns: column_types(draft, &table.id),
        renames: draft.names.renamed_columns(&table.id),
        tables: BTreeMap::new(),
        expected,
        collations: collations(table),
        kin: draft.scope.is_kin(table.origin.as_deref()),
        origin: table.origin.clone(),
    }
}

/// What a query over the tables may name. A column name that several tables share stays only when it means the same in all of them.
///
/// # Errors
/// [`Untranslated`] when a shared column name changes in one table and not in the other.
fn query_context(draft: &Draft<'_>, reads: &[TableId]) -> Result<ExpressionContext, Untranslated> {
    let first = reads.iter().find_map(|id| draft.scope.source.catalog.table(id));
    let origin = first.and_then(|table| table.origin.clone());
    let mut context = ExpressionContext {
        tables: draft.names.relations(reads),
        kin: draft.scope.is_kin(origin.as_deref()),
        origin,
        ..ExpressionContext::default()
    };
    let read: BTreeSet<&TableId> = reads.iter().collect();
    for table in read
        .into_iter()
        .filter_map(|id| draft.scope.source.catalog.table(id))
    {
        context.collations.extend(collations(table));
    }
    let mut named: BTreeMap<String, String> = BTreeMap::new();
    let mut unclear = Vec::new();
    for id in reads {
        let is_view = !draft.ways.0.contains_key(id);
        let moves = |column: &String| is_view || draft.ways.moved(id, column).is_some();
        for (column, target) in draft.names.columns(id).filter(|(column, _)| moves(column)) {
            if named
                .insert(column.clone(), target.clone())
                .is_some_and(|before| &before != target)
            {
                return Err(Untranslated::new(format!(
                    "column `{column}` has different names in the tables that are read"
                )));
            }
            if column != target {
                context.renames.insert(column.clone(), target.clone());
            }
        }
        for (column, logical) in column_types(draft, id) {
            let before = context.columns.insert(column.clone(), logical.clone());
            if before.is_some_and(|before| before != logical) {
                unclear.push(column);
            }
        }
    }
    for column in unclear {
        context.columns.remove(&column);
    }
    Ok(context)
}

/// Translates an expression.
///
/// # Errors
/// [`Untranslated`] says what has no translation, or what the target will not have.
pub(crate) fn translate(
    draft: &Draft<'_>,
    expression: &str,
    context: &ExpressionContext,
) -> Result<String, Untranslated> {
    if draft.scope.equal {
        return respelled(draft, expression, context.table.as_ref());
    }
    let speaker = draft.scope.dialect_from(context.origin.as_deref());
    let neutral = speaker.parse(expression, context)?;
    draft.scope.target.dialect.render(&neutral, context)
}

/// Tells whether every engine computes the same value: whole numbers, truth and text put together, nothing that rounds, orders or folds.
pub(crate) fn means_the_same(draft: &Draft<'_>, expression: &str, context: &ExpressionContext) -> bool {
    if context.kin {
        return true;
    }
    let speaker = draft.scope.dialect_from(context.origin.as_deref());
    let Ok(neutral) = speaker.parse(expression, context) else {
        return false;
    };
    let strange = visit_expressions(&neutral, |part| match is_plain(part, context) {
        true => ControlFlow::Continue(()),
        false => ControlFlow::Break(()),
    });
    strange.is_continue()
        && !matches!(
            context.expected,
            Some(LogicalType::Decimal { .. } | LogicalType::Float { .. })
        )
}

fn is_plain(part: &Expr, context: &ExpressionContext) -> bool {
    use BinaryOperator as Op;
    match part {
        Expr::Identifier(name) => matches!(
            context.columns.get(&name.value),
            Some(
                LogicalType::Integer { .. } | LogicalType::Boolean | LogicalType::Text { padded: false, .. }
            )
        ),
        Expr::BinaryOp { op, .. } => {
            matches!(
                op,
                Op::Plus
                    | Op::Minus
                    | Op::Multiply
                    | Op::StringConcat
                    | Op::And
                    | Op::Or
                    | Op::Eq
                    | Op::NotEq
            )
        }
        Expr::Value(_)
        | Expr::Nested(_)
        | Expr::UnaryOp { .. }
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::Case { .. } => true,
        Expr::Function(call) => call.name.to_string().eq_ignore_ascii_case("coalesce"),
        _ => false,
    }
}

/// Translates a query over the tables and views, as [`translate`] does.
///
/// # Errors
/// As [`translate`].
pub(crate) fn translate_query(
    draft: &Draft<'_>,
    query: &str,
    reads: &[TableId],
) -> Result<String, Untranslated> {
    if draft.scope.equal {
        return respelled(draft, query, None);
    }
    let context = query_context(draft, reads)?;
    let speaker = draft.scope.dialect_from(context.origin.as_deref());
    let neutral = speaker.parse_query(query, &context)?;
    draft.scope.target.dialect.render_query(&neutral, &context)
}

/// An expression that could not be carried over.
pub(crate) struct Stuck<'s> {
    pub(crate) subject: ObjectId,
    /// What it is, such as `default`.
    pub(crate) what: &'s str,
    pub(crate) expression: &'s str,
    pub(crate) why: Untranslated,
    /// What leaving it out means.
    pub(crate) without: &'s str,
}

impl Stuck<'_> {
    /// The question without its choices.
    pub(crate) fn question(&self) -> Finding {
        let of = if self.subject.kind == ObjectKind::Column {
            " of"
        } else {
            ""
        };
        Finding::new(
            UNTRANSLATED,
            Severity::Decision,
            self.subject.clone(),
            format!(
                "the {}{of} `{}` cannot be carried over: {}",
                self.what, self.subject, self.why
            ),
        )
        .with_evidence(self.expression)
    }

    /// Asks whether to leave it out, as is suggested, or to give a text in the target's words.
    pub(crate) fn ask(&self, notes: &mut Notes<'_>) -> Answer {
        notes.ask(
            self.question()
                .with_choice(LEAVE_OUT, self.without)
                .with_choice(OWN_TEXT, format!("the {} in the target's words", self.what))
                .suggest(LEAVE_OUT),
        )
    }
}

fn column_types(draft: &Draft<'_>, table: &TableId) -> BTreeMap<String, LogicalType> {
    draft
        .ways
        .0
        .get(table)
        .into_iter()
        .flatten()
        .filter(|(_, way)| !way.left_out)
        .map(|(name, way)| (name.clone(), way.meaning().clone()))
        .collect()
}

fn collations(table: &Table) -> BTreeMap<String, String> {
    let declared = |column: &Column| Some((column.name.clone(), column.collation.clone()?));
    table.columns.iter().filter_map(declared).collect()
}

/// Between equal engines a text stays as it is but for the names of what is called otherwise.
///
/// # Errors
/// [`Untranslated`] names what the target will not have, or what is not clear.
pub(crate) fn respelled(draft: &Draft<'_>, text: &str, on: Option<&TableId>) -> Result<String, Untranslated> {
    needs::check(&draft.scope, text)?;
    draft.staying.check(&draft.scope, text, on.is_some())?;
    draft.respelling.text(&draft.scope, text, on)
}

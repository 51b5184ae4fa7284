//! Unique indexes over some of the rows or over expressions, in a target that has none of these: the index itself computes what must be
//! unique, or columns do that no program sees.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{Expr, visit_expressions};
use whimbrel_core::{Column, Feature, Generated, Index, IndexPart, LogicalType};

use crate::draft::Draft;
use crate::expressions::table_context;
use crate::index_parts::{Place, cuts};

/// The option of a column that only its name shows.
const INVISIBLE: &str = "invisible";

/// What stands for the parts of an index.
pub(crate) struct Instead {
    parts: Vec<IndexPart>,
    helpers: Vec<Column>,
}

impl Instead {
    /// Puts them in their place.
    pub(crate) fn put(self, made: &mut Index, helpers: &mut Vec<Column>) {
        made.parts = self.parts;
        helpers.extend(self.helpers);
    }
}

/// What computes the parts, each NULL in the rows that do not fulfil the condition; none when the target can neither compute nor index them.
pub(crate) fn instead(
    draft: &Draft<'_>,
    place: &Place<'_>,
    made: &Index,
    condition: Option<&str>,
) -> Option<Instead> {
    let quote = |name: &String| draft.scope.target.dialect.quote(name);
    let in_index = draft.scope.keeps(Feature::ExpressionIndexes);
    if !in_index && !draft.scope.keeps(Feature::VirtualColumns) {
        return None;
    }
    // No engine computes from a number that it gives only while the row is written.
    let is_numbered = |column: &String| draft.numbering.of(&place.table.id, column).is_some();
    if named(draft, place)?.iter().any(is_numbered) {
        return None;
    }
    let mut instead = Instead {
        parts: Vec::new(),
        helpers: Vec::new(),
    };
    for (part, source) in made.parts.iter().zip(&place.index.parts) {
        let like = like(draft, place, part, source)?;
        let value = part
            .column
            .as_ref()
            .map(quote)
            .or_else(|| part.expression.clone())?;
        let expression = match condition {
            Some(condition) => format!("CASE WHEN {condition} THEN {value} END"),
            None if part.column.is_some() => {
                instead.parts.push(part.clone());
                continue;
            }
            None => value,
        };
        if in_index {
            instead.parts.push(IndexPart {
                column: None,
                expression: Some(expression),
                ..part.clone()
            });
        } else {
            instead.add(draft, place, part, (&like, expression));
        }
    }
    Some(instead)
}

/// The column that a part's values are like: the part itself, or the only text that an expression is made of. None when that is not clear or too
/// long for an index.
fn like(draft: &Draft<'_>, place: &Place<'_>, part: &IndexPart, source: &IndexPart) -> Option<Column> {
    let column = match (&source.column, &source.expression) {
        (Some(column), _) => column.clone(),
        (None, Some(expression)) => only_column(draft, place, expression)?,
        (None, None) => return None,
    };
    let way = draft.ways.moved(&place.table.id, &column)?;
    let is_itself = part.column.is_some();
    let is_text = matches!(way.logical, LogicalType::Text { .. });
    let target = [way.target.clone()];
    let is_whole = cuts(draft, &place.table.id, &target).iter().all(Option::is_none);
    if !(is_itself || is_text) || !is_whole || part.prefix.is_some() {
        return None;
    }
    let mut like = Column::new(&way.target, way.native.clone());
    like.collation = draft.collations.of(&place.table.id, &column).cloned();
    Some(like)
}

/// The column of the source that an expression names, when it names one only.
fn only_column(draft: &Draft<'_>, place: &Place<'_>, expression: &str) -> Option<String> {
    let mut named = columns_in(draft, place, expression)?;
    let only = named.pop_first()?;
    named.is_empty().then_some(only)
}

/// The columns of the source that the index, its expressions and its condition name; none when one of them cannot be read.
fn named(draft: &Draft<'_>, place: &Place<'_>) -> Option<BTreeSet<String>> {
    let index = place.index;
    let mut named: BTreeSet<String> = index
        .parts
        .iter()
        .filter_map(|part| part.column.clone())
        .collect();
    let expressions = index.parts.iter().filter_map(|part| part.expression.as_ref());
    for expression in expressions.chain(&index.predicate) {
        named.extend(columns_in(draft, place, expression)?);
    }
    Some(named)
}

fn columns_in(draft: &Draft<'_>, place: &Place<'_>, expression: &str) -> Option<BTreeSet<String>> {
    let context = table_context(draft, place.table, None);
    let neutral = draft
        .scope
        .dialect_of(place.table)
        .parse(expression, &context)
        .ok()?;
    let mut named = BTreeSet::new();
    let walked: ControlFlow<()> = visit_expressions(&neutral, |part| {
        if let Expr::Identifier(name) = part {
            named.insert(name.value.clone());
        }
        ControlFlow::Continue(())
    });
    debug_assert!(walked.is_continue(), "the walk never ends early");
    Some(named)
}

impl Instead {
    fn add(
        &mut self,
        draft: &Draft<'_>,
        place: &Place<'_>,
        part: &IndexPart,
        (like, expression): (&Column, String),
    ) {
        let wanted = format!("{}_{}", place.index.name, self.parts.len() + 1);
        let name = draft.names.helper_column(&draft.scope, &place.table.id, &wanted);
        self.helpers.push(Column {
            name: name.clone(),
            generated: Some(Generated {
                expression,
                stored: false,
            }),
            options: vec![INVISIBLE.to_owned()],
            ..like.clone()
        });
        self.parts.push(IndexPart {
            column: Some(name),
            expression: None,
            ..part.clone()
        });
    }
}

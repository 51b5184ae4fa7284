//! The parts of an index in another engine: columns, expressions, and beginnings of columns where the source has them or the target can
//! hold no more.

use sqlparser::ast::{Expr, Ident};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;
use whimbrel_core::{
    Feature, Finding, Index, IndexPart, LEAVE_OUT, LogicalType, NativeColumn, ObjectId, STOP, Severity,
    Table, TableId, Untranslated,
};

use crate::draft::Draft;
use crate::expressions::{table_context, translate};
use crate::needs;
use crate::notes::Notes;
use crate::ways::Way;

/// Bytes of the longest value that every engine holds in an index whole.
const WHOLE_BYTES_MAX: u64 = 2_000;
/// Bytes of the longest character.
const CHARACTER_BYTES_MAX: u64 = 4;
/// The choice to make an index that does not keep its values unique.
const NOT_UNIQUE: &str = "not_unique";

/// An index on its way to another engine, or to other names.
pub(crate) struct Place<'p> {
    pub(crate) table: &'p Table,
    pub(crate) index: &'p Index,
    pub(crate) subject: &'p ObjectId,
}

/// The parts as far as they could be carried over.
pub(crate) struct Parts {
    pub(crate) parts: Vec<IndexPart>,
    /// What could not: the text and why. A text of the person's own can stand for one of them only.
    pub(crate) stuck: Vec<(String, Untranslated)>,
}

/// Carries the parts over; none when the index stays behind with one of its columns.
pub(crate) fn carried(draft: &Draft<'_>, place: &Place<'_>, notes: &mut Notes<'_>) -> Option<Parts> {
    let context = table_context(draft, place.table, None);
    let mut made = Parts {
        parts: Vec::new(),
        stuck: Vec::new(),
    };
    for part in &place.index.parts {
        let mut carried = plain(draft, place.table, part);
        if let Some(column) = &part.column {
            let Some(way) = draft.ways.moved(&place.table.id, column) else {
                let message = format!(
                    "the index `{}` stays behind: one of its columns does",
                    place.subject
                );
                notes.warn("feature_left_out", place.subject.clone(), message);
                return None;
            };
            carried.column = Some(way.target.clone());
            if let Some(length) = part.prefix {
                match beginning(draft, place, column, length) {
                    Ok(Beginning::Prefix) => carried.prefix = Some(length),
                    Ok(Beginning::Whole) => report_whole(place, column, notes),
                    Ok(Beginning::Expression(text)) => {
                        (carried.column, carried.expression) = (None, Some(text));
                    }
                    Err(why) => {
                        made.stuck.push((column.clone(), why));
                        (carried.column, carried.expression) = (None, Some(String::new()));
                    }
                }
            }
        }
        if let Some(text) = &part.expression {
            carried.expression = Some(translate(draft, text, &context).unwrap_or_else(|why| {
                made.stuck.push((text.clone(), why));
                String::new()
            }));
        }
        made.parts.push(carried);
    }
    Some(made)
}

/// A part without its column and expression.
fn plain(draft: &Draft<'_>, table: &Table, part: &IndexPart) -> IndexPart {
    let scope = &draft.scope;
    let origin = table.origin.as_deref();
    let keeps =
        |word: &String| scope.equal || scope.is_same_engine(origin) && !needs::names_own(scope, origin, word);
    IndexPart {
        column: None,
        expression: None,
        descending: part.descending,
        nulls_first: part
            .nulls_first
            .filter(|_| draft.scope.keeps(Feature::NullsOrder)),
        collation: part.collation.clone().filter(keeps),
        operator_class: part.operator_class.clone().filter(keeps),
        prefix: None,
    }
}

/// What stands for the beginning of a column.
enum Beginning {
    Prefix,
    Whole,
    Expression(String),
}

/// What is unique in its beginning must stay so; otherwise the whole column serves, unless its values may be too long.
fn beginning(
    draft: &Draft<'_>,
    place: &Place<'_>,
    column: &str,
    length: u32,
) -> Result<Beginning, Untranslated> {
    let scope = &draft.scope;
    if scope.keeps(Feature::PrefixIndexes) {
        return Ok(Beginning::Prefix);
    }
    let serves_whole = !place.index.unique && !scope.keeps(Feature::ExpressionIndexes);
    if serves_whole || !place.index.unique && stays_short(draft, place, column) {
        return Ok(Beginning::Whole);
    }
    let neutral = beginning_of(column, length)?;
    let context = table_context(draft, place.table, None);
    let profile = scope.column_profile(&place.table.id, column);
    let is_short = profile.is_none_or(|profile| profile.bytes_max <= WHOLE_BYTES_MAX);
    match scope.target.dialect.render(&neutral, &context) {
        Err(_) if is_short && !place.index.unique => Ok(Beginning::Whole),
        rendered => rendered.map(Beginning::Expression),
    }
}

/// Whether no value can come that is too long for an index: those of today do not say what comes tomorrow.
fn stays_short(draft: &Draft<'_>, place: &Place<'_>, column: &str) -> bool {
    let way = draft.ways.moved(&place.table.id, column);
    match way.map(Way::meaning) {
        Some(LogicalType::Text {
            chars_max: Some(chars),
            ..
        }) => u64::from(*chars) * CHARACTER_BYTES_MAX <= WHOLE_BYTES_MAX,
        Some(LogicalType::Text { .. } | LogicalType::Bytes) => false,
        _ => true,
    }
}

/// `substr(column, 1, length)` in the neutral form. The parser has a form of its own for the name that the neutral form does not use.
fn beginning_of(column: &str, length: u32) -> Result<Expr, Untranslated> {
    let text = format!("beginning(\"{}\", 1, {length})", column.replace('"', "\"\""));
    let mut neutral = Parser::new(&GenericDialect {})
        .try_with_sql(&text)
        .and_then(|mut parser| parser.parse_expr())
        .map_err(|error| Untranslated::new(error.to_string()))?;
    if let Expr::Function(call) = &mut neutral {
        call.name = vec![Ident::new("substr")].into();
    }
    Ok(neutral)
}

fn report_whole(place: &Place<'_>, column: &str, notes: &mut Notes<'_>) {
    let message = format!(
        "the index `{}` is over the whole of `{column}`, not its beginning",
        place.subject
    );
    notes.info("feature_left_out", place.subject.clone(), message);
}

/// Cuts the parts that the target can hold the beginnings of only. Returns false when the index stays behind.
pub(crate) fn fit(draft: &Draft<'_>, place: &Place<'_>, made: &mut Index, notes: &mut Notes<'_>) -> bool {
    let whole = |part: &&mut IndexPart| part.column.is_some() && part.prefix.is_none();
    let columns: Vec<String> = made
        .parts
        .iter_mut()
        .filter(whole)
        .filter_map(|part| part.column.clone())
        .collect();
    let cuts = cuts(draft, &place.table.id, &columns);
    if cuts.iter().all(Option::is_none) {
        return true;
    }
    let message = format!(
        "the index `{}` is over the beginnings of long columns",
        place.subject
    );
    if !made.unique {
        notes.info("feature_left_out", place.subject.clone(), message);
    } else if !loses_uniqueness(place.subject, notes) {
        return false;
    }
    made.unique = false;
    for (part, cut) in made.parts.iter_mut().filter(whole).zip(cuts) {
        part.prefix = cut;
    }
    true
}

/// Asks about a unique index that the target cannot hold whole. Returns true when an index that is not unique takes its place.
fn loses_uniqueness(subject: &ObjectId, notes: &mut Notes<'_>) -> bool {
    let question = too_long(subject)
        .with_choice(
            NOT_UNIQUE,
            "an index over the beginnings, for searching; the target does not keep the values unique",
        )
        .with_choice(LEAVE_OUT, "all rows arrive; the index stays behind")
        .with_choice(STOP, "the migration waits until the source has another index");
    notes.ask(question).is(NOT_UNIQUE)
}

/// Asks about a key that the target cannot hold whole. Returns true when it fits.
pub(crate) fn key_fits(
    draft: &Draft<'_>,
    table: &Table,
    subject: &ObjectId,
    columns: &[String],
    notes: &mut Notes<'_>,
) -> bool {
    if draft.scope.equal || cuts(draft, &table.id, columns).iter().all(Option::is_none) {
        return true;
    }
    let question = too_long(subject)
        .with_choice(LEAVE_OUT, "all rows arrive; the key stays behind")
        .with_choice(STOP, "the migration waits until the source has another key");
    notes.ask(question);
    false
}

fn too_long(subject: &ObjectId) -> Finding {
    Finding::new(
        "feature_left_out",
        Severity::Decision,
        subject.clone(),
        format!(
            "values of the {} `{subject}` are too long to be kept unique in the target",
            subject.kind
        ),
    )
}

/// How much of each of these target columns fits into one key; empty when all of them do.
pub(crate) fn cuts(draft: &Draft<'_>, table: &TableId, columns: &[String]) -> Vec<Option<u32>> {
    let of_table = draft.ways.0.get(table);
    let ways = || of_table.into_iter().flat_map(|of_table| of_table.values());
    let natives: Vec<NativeColumn<'_>> = columns
        .iter()
        .filter_map(|column| ways().find(|way| !way.left_out && &way.target == column))
        .map(|way| NativeColumn {
            logical: &way.logical,
            native: &way.native,
            usage: way.usage,
        })
        .collect();
    match natives.len() == columns.len() {
        true => draft.scope.target.dialect.fit_key(&natives),
        false => Vec::new(),
    }
}

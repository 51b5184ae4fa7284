//! Indexes in the target: their statement as it stands between equal engines, else made anew from their parts.

use whimbrel_core::{
    Feature, Finding, Index, IndexPart, ObjectId, ObjectKind, Severity, Table, Untranslated,
};

use crate::draft::{Draft, TableDraft};
use crate::expressions::{Stuck, table_context, translate};
use crate::keys::{nulls_equal, survives_duplicates};
use crate::names::Part;
use crate::needs;
use crate::notes::{ACCEPT, LEAVE_OUT, Notes, TEXT};

/// The choice to make an ordinary index of a special one.
const PLAIN: &str = "plain";

/// Gives the target table its indexes.
pub(crate) fn build(draft: &mut Draft<'_>, table: &mut TableDraft<'_>, notes: &mut Notes<'_>) {
    for index in &table.source.indexes {
        let subject = ObjectId::part(ObjectKind::Index, table.source.id.clone(), index.name.clone());
        let made = match keeps_words(draft, table, index) {
            true => kept(draft, index, &subject, notes),
            false => made_anew(draft, table.source, index, &subject, notes),
        };
        let Some(mut made) = made else { continue };
        let columns: Option<Vec<String>> = index.parts.iter().map(|part| part.column.clone()).collect();
        let stays = !index.unique
            || survives_duplicates(draft, table.source, &subject, &columns.unwrap_or_default(), notes);
        if !stays {
            continue;
        }
        let part = Part {
            subject: &subject,
            table: &table.target.id,
            wanted: &index.name,
        };
        made.name = draft.names.index(&draft.scope, &part, notes);
        if made.name != index.name {
            made.definition = None;
        }
        table.target.indexes.push(made);
    }
}

/// Between equal engines the statement stays as long as no name in it changes.
fn keeps_words(draft: &Draft<'_>, table: &TableDraft<'_>, index: &Index) -> bool {
    let columns = index.parts.iter().filter_map(|part| part.column.as_ref());
    draft.scope.equal
        && table.source.id == table.target.id
        && draft.names.renamed_columns(&table.source.id).is_empty()
        && columns
            .into_iter()
            .all(|column| draft.ways.moved(&table.source.id, column).is_some())
}

fn kept(draft: &Draft<'_>, index: &Index, subject: &ObjectId, notes: &mut Notes<'_>) -> Option<Index> {
    let definition = index.definition.as_deref().unwrap_or_default();
    let Err(why) = needs::check(&draft.scope, definition) else {
        return Some(index.clone());
    };
    let stuck = Stuck {
        subject: subject.clone(),
        what: "index",
        expression: definition,
        why,
        without: "the index stays behind",
    };
    let answer = stuck.ask(notes);
    answer.own_text().map(|text| Index {
        definition: Some(text.to_owned()),
        ..index.clone()
    })
}

fn made_anew(
    draft: &Draft<'_>,
    table: &Table,
    index: &Index,
    subject: &ObjectId,
    notes: &mut Notes<'_>,
) -> Option<Index> {
    if !method_stays(draft, index, subject, notes) {
        return None;
    }
    let context = table_context(draft, table, None);
    // What cannot be carried over: the text and why. A text of the person's own can stand for one of them only.
    let mut stuck: Vec<(String, Untranslated)> = Vec::new();
    let mut carried = |text: &str| match translate(draft, text, &context) {
        Ok(translated) => translated,
        Err(why) => {
            stuck.push((text.to_owned(), why));
            String::new()
        }
    };
    let mut parts = Vec::new();
    for part in &index.parts {
        let column = match &part.column {
            None => None,
            Some(column) => match draft.ways.moved(&table.id, column) {
                Some(way) => Some(way.target.clone()),
                None => {
                    let message = format!("the index `{subject}` stays behind: one of its columns does");
                    notes.warn("feature_left_out", subject.clone(), message);
                    return None;
                }
            },
        };
        let expression = part.expression.as_deref().map(&mut carried);
        parts.push(plain_part(draft, part, column, expression));
    }
    let predicate = index.predicate.as_deref().map(&mut carried);
    let mut made = Index {
        name: index.name.clone(),
        unique: index.unique,
        parts,
        include: include(draft, table, index),
        predicate,
        method: match draft.scope.equal {
            true => index.method.clone(),
            false => String::new(),
        },
        nulls_equal: nulls_equal(draft, subject, index.nulls_equal, notes),
        definition: None,
        comment: index
            .comment
            .clone()
            .filter(|_| draft.scope.keeps(Feature::Comments)),
        options: Vec::new(),
    };
    if !stuck.is_empty() && !mend(&mut made, subject, stuck, notes) {
        return None;
    }
    report_left_out(draft, index, subject, notes);
    Some(made)
}

/// Across engines only the ordinary kind of index is known to both.
fn method_stays(draft: &Draft<'_>, index: &Index, subject: &ObjectId, notes: &mut Notes<'_>) -> bool {
    if draft.scope.equal || matches!(index.method.as_str(), "" | "btree") {
        return true;
    }
    // These answer the questions that an ordinary index answers too.
    let ordinary = matches!(index.method.as_str(), "hash" | "brin");
    let mut finding = Finding::new(
        "feature_left_out",
        Severity::Decision,
        subject.clone(),
        format!(
            "the target has no index of method `{}` for `{subject}`",
            index.method
        ),
    )
    .with_choice(LEAVE_OUT, "the index stays behind");
    finding.evidence.extend(index.definition.clone());
    if index.parts.iter().all(|part| part.column.is_some()) {
        finding = finding.with_choice(PLAIN, "an ordinary index on the same columns");
    }
    let plain = ordinary && finding.choices.iter().any(|choice| choice.name == PLAIN);
    let suggested = if plain { PLAIN } else { LEAVE_OUT };
    notes.ask(finding.suggest(suggested)).is(PLAIN)
}

fn plain_part(
    draft: &Draft<'_>,
    part: &IndexPart,
    column: Option<String>,
    expression: Option<String>,
) -> IndexPart {
    let equal = draft.scope.equal;
    IndexPart {
        column,
        expression,
        descending: part.descending,
        nulls_first: part
            .nulls_first
            .filter(|_| draft.scope.keeps(Feature::NullsOrder)),
        collation: part.collation.clone().filter(|_| equal),
        operator_class: part.operator_class.clone().filter(|_| equal),
        prefix: None,
    }
}

fn include(draft: &Draft<'_>, table: &Table, index: &Index) -> Vec<String> {
    index
        .include
        .iter()
        .filter(|_| draft.scope.keeps(Feature::CoveringColumns))
        .filter_map(|column| draft.ways.moved(&table.id, column))
        .map(|way| way.target.clone())
        .collect()
}

/// Asks what to do about expressions that cannot be carried over. Returns false when the index stays behind.
fn mend(
    made: &mut Index,
    subject: &ObjectId,
    mut stuck: Vec<(String, Untranslated)>,
    notes: &mut Notes<'_>,
) -> bool {
    let single = stuck.len() == 1;
    let (expression, why) = stuck.swap_remove(0);
    let mut question = Stuck {
        subject: subject.clone(),
        what: "index",
        expression: &expression,
        why,
        without: "",
    }
    .question()
    .with_choice(LEAVE_OUT, "the index stays behind")
    .suggest(LEAVE_OUT);
    if single {
        question = question.with_choice(TEXT, "the expression in the target's words");
    }
    let answer = notes.ask(question);
    let Some(text) = answer.own_text() else {
        return false;
    };
    let expressions = made.parts.iter_mut().filter_map(|part| part.expression.as_mut());
    for empty in expressions
        .chain(&mut made.predicate)
        .filter(|text| text.is_empty())
    {
        text.clone_into(empty);
    }
    true
}

/// Says which properties of the index have no place in the target.
fn report_left_out(draft: &Draft<'_>, index: &Index, subject: &ObjectId, notes: &mut Notes<'_>) {
    if draft.scope.equal {
        return;
    }
    let mut left_out = Vec::new();
    if !index.include.is_empty() && !draft.scope.keeps(Feature::CoveringColumns) {
        left_out.push("covering columns");
    }
    let nulls_order = index.parts.iter().any(|part| part.nulls_first.is_some());
    if nulls_order && !draft.scope.keeps(Feature::NullsOrder) {
        left_out.push("the place of NULLs");
    }
    if index.parts.iter().any(|part| part.operator_class.is_some()) {
        left_out.push("operator classes");
    }
    if !left_out.is_empty() {
        notes.warn(
            "feature_left_out",
            subject.clone(),
            format!("the index `{subject}` loses {}", left_out.join(" and ")),
        );
    }
    let Some(collation) = index.parts.iter().find_map(|part| part.collation.as_ref()) else {
        return;
    };
    let message = format!("collation `{collation}` of index `{subject}` is replaced by the target's default");
    if index.unique {
        notes.ask(
            Finding::new("collation", Severity::Decision, subject.clone(), message)
                .with_choice(
                    ACCEPT,
                    "what counts as equal in the index may differ for new rows",
                )
                .suggest(ACCEPT),
        );
    } else {
        notes.warn("collation", subject.clone(), message);
    }
}

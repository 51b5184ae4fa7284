//! Indexes in the target: their statement as it stands between equal engines, else made anew from their parts (`index_parts`).

use whimbrel_core::{
    ACCEPT, Column, Feature, Finding, Index, LEAVE_OUT, OWN_TEXT, ObjectId, ObjectKind, STOP, Severity,
    Table, TableId, Untranslated,
};

use crate::computed;
use crate::draft::{Draft, TableDraft};
use crate::expressions::{Stuck, respelled, table_context, translate};
use crate::index_parts::{self, Parts, Place};
use crate::keys::{nulls_equal, survives_duplicates};
use crate::names::Part;
use crate::needs;
use crate::notes::Notes;

/// The choice to make an ordinary index of a special one.
const PLAIN: &str = "plain";
/// The choice to let an expression stand for a condition.
const EXPRESSION: &str = "expression";
/// The method of an index of words.
const WORDS: &str = "fulltext";

/// Gives the target table its indexes.
pub(crate) fn build(draft: &mut Draft<'_>, table: &mut TableDraft<'_>, notes: &mut Notes<'_>) {
    for index in &table.source.indexes {
        let subject = ObjectId::part(ObjectKind::Index, table.source.id.clone(), index.name.clone());
        let mut helpers = Vec::new();
        let made = match keeps_words(draft, table, index) {
            true => kept(draft, (table.source, index), &subject, notes),
            false => made_anew(draft, (table.source, &mut helpers), index, &subject, notes),
        };
        let Some(mut made) = made else { continue };
        let columns: Option<Vec<String>> = index.parts.iter().map(|part| part.column.clone()).collect();
        let stays = !made.unique
            || survives_duplicates(draft, table.source, &subject, &columns.unwrap_or_default(), notes);
        if !stays {
            continue;
        }
        let part = Part {
            subject: &subject,
            table: &table.target.id,
            wanted: &index.name,
            beside: &checks_beside(draft, &table.target, made.unique),
        };
        made.name = draft.names.index(&draft.scope, &part, notes);
        if made.name != index.name {
            made.definition = None;
        }
        table.target.indexes.push(made);
        table.target.columns.extend(helpers);
    }
}

/// The names of checks that a unique index of the table cannot have.
fn checks_beside(draft: &Draft<'_>, target: &Table, unique: bool) -> Vec<String> {
    let is_asked = unique && !draft.scope.equal && draft.scope.target.capabilities.checks_share_names;
    let names = target.checks.iter().map(|check| check.name.clone());
    names.filter(|_| is_asked).collect()
}

/// Between equal engines the statement stays, with the names that the target has.
fn keeps_words(draft: &Draft<'_>, table: &TableDraft<'_>, index: &Index) -> bool {
    let columns = index.parts.iter().filter_map(|part| part.column.as_ref());
    draft.scope.equal
        && columns
            .into_iter()
            .all(|column| draft.ways.moved(&table.source.id, column).is_some())
}

fn kept(
    draft: &Draft<'_>,
    (table, index): (&Table, &Index),
    subject: &ObjectId,
    notes: &mut Notes<'_>,
) -> Option<Index> {
    let definition = index.definition.as_deref().unwrap_or_default();
    let on = &table.id;
    let why = match respelled(draft, definition, Some(on)) {
        Ok(text) => return Some(renamed(draft, on, index, text)),
        Err(why) => why,
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

/// The index in the target's terms, made by the statement.
fn renamed(draft: &Draft<'_>, table: &TableId, index: &Index, statement: String) -> Index {
    let text = |text: &String| {
        let new = draft.respelling.text(&draft.scope, text, Some(table));
        new.unwrap_or_else(|_| text.clone())
    };
    let column = |name: &String| draft.names.column(table, name);
    let mut made = Index {
        include: index.include.iter().map(column).collect(),
        predicate: index.predicate.as_ref().map(text),
        definition: index.definition.as_ref().map(|_| statement),
        ..index.clone()
    };
    for part in &mut made.parts {
        part.column = part.column.as_ref().map(column);
        part.expression = part.expression.as_ref().map(text);
    }
    made
}

fn made_anew(
    draft: &Draft<'_>,
    (table, helpers): (&Table, &mut Vec<Column>),
    index: &Index,
    subject: &ObjectId,
    notes: &mut Notes<'_>,
) -> Option<Index> {
    let method = method(draft, index, subject, notes)?;
    if let Some(why) = unknown(draft, table, index) {
        let finding = Finding::new(
            "feature_left_out",
            Severity::Warning,
            subject.clone(),
            format!("the index `{subject}` stays behind: {why}"),
        );
        notes.add(finding.with_evidence(index.definition.clone().unwrap_or_default()));
        return None;
    }
    let place = Place {
        table,
        index,
        subject,
    };
    let Parts { parts, mut stuck } = index_parts::carried(draft, &place, notes)?;
    let context = table_context(draft, table, None);
    let predicate = index
        .predicate
        .as_deref()
        .map(|text| translate(draft, text, &context));
    let predicate = predicate.map(|translated| {
        translated.unwrap_or_else(|why| {
            stuck.push((index.predicate.clone().unwrap_or_default(), why));
            String::new()
        })
    });
    let mut made = Index {
        name: index.name.clone(),
        unique: index.unique,
        parts,
        include: include(draft, table, index),
        predicate,
        method,
        nulls_equal: nulls_equal(draft, subject, index.nulls_equal, notes),
        definition: None,
        comment: index
            .comment
            .clone()
            .filter(|_| draft.scope.keeps(Feature::Comments)),
        options: match keeps_options(draft, subject) {
            true => index.options.clone(),
            false => Vec::new(),
        },
    };
    if !stuck.is_empty() && !mend(&mut made, subject, stuck, notes) {
        return None;
    }
    if !can_be_computed(draft, &place, (&mut made, helpers), notes) {
        return None;
    }
    let fits = made.method == WORDS || index_parts::fit(draft, &place, &mut made, notes);
    report_left_out(draft, index, subject, notes);
    fits.then_some(made)
}

/// Says what of an index of the target's own engine the target does not know all the same: what one of several databases has of its own, and a
/// special method over a column that gets another type.
fn unknown(draft: &Draft<'_>, table: &Table, index: &Index) -> Option<String> {
    let scope = &draft.scope;
    let origin = table.origin.as_deref();
    if scope.equal || !scope.is_same_engine(origin) {
        return None;
    }
    let mut classes = index.parts.iter().filter_map(|part| part.operator_class.as_ref());
    if let Some(class) = classes.find(|class| needs::names_own(scope, origin, class)) {
        return Some(format!("its operator class `{class}` is not moved"));
    }
    let is_special = !matches!(index.method.as_str(), "" | "btree" | "hash" | "brin");
    let has_class = index.parts.iter().any(|part| part.operator_class.is_some());
    let mut columns = index.parts.iter().filter_map(|part| part.column.as_ref());
    let changed = columns.find(|name| {
        let way = draft.ways.moved(&table.id, name);
        way.is_some_and(|way| !way.is_adopted())
    });
    changed
        .filter(|_| is_special || has_class)
        .map(|name| format!("`{name}` has another type in the target"))
}

/// Flavours of one server know each other's options.
fn keeps_options(draft: &Draft<'_>, subject: &ObjectId) -> bool {
    let table = draft.scope.source.catalog.table(&subject.owner);
    draft
        .scope
        .is_kin(table.and_then(|table| table.origin.as_deref()))
}

/// Across engines only the ordinary kind of index is known to both, and that of words by its purpose. None when the index stays behind.
fn method(draft: &Draft<'_>, index: &Index, subject: &ObjectId, notes: &mut Notes<'_>) -> Option<String> {
    if keeps_options(draft, subject) {
        return Some(index.method.clone());
    }
    if matches!(index.method.as_str(), "" | "btree") {
        return Some(String::new());
    }
    if index.method == WORDS && draft.scope.target.dialect.has(Feature::TextIndexes) {
        notes.warn(
            "feature_left_out",
            subject.clone(),
            format!(
                "the index of words `{subject}` is made in the target's way: its queries have other words, and words are told apart by \
                 other rules"
            ),
        );
        return Some(WORDS.to_owned());
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
    notes.ask(finding.suggest(suggested)).is(PLAIN).then(String::new)
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
        question = question.with_choice(OWN_TEXT, "the expression in the target's words");
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

/// Tells whether the target has indexes over expressions and over some of the rows where this needs it. An ordinary one can be over all rows; a
/// unique one is computed in another way, or asked about.
fn can_be_computed(
    draft: &Draft<'_>,
    place: &Place<'_>,
    (made, helpers): (&mut Index, &mut Vec<Column>),
    notes: &mut Notes<'_>,
) -> bool {
    let keeps = |feature| draft.scope.keeps(feature);
    let has_expression = made.parts.iter().any(|part| part.expression.is_some());
    let lacks_expressions = has_expression && !keeps(Feature::ExpressionIndexes);
    let condition = made.predicate.take_if(|_| !keeps(Feature::PartialIndexes));
    let subject = place.subject;
    let what = match (lacks_expressions, &condition) {
        (false, None) => return true,
        (true, _) => "over expressions",
        (false, Some(_)) => "over some of the rows",
    };
    let message = format!("the target has no index {what}, as `{subject}` is");
    if !made.unique && !lacks_expressions {
        let message = format!("{message}; it is over all of them");
        notes.warn("feature_left_out", subject.clone(), message);
        return true;
    }
    let mut question = Finding::new("feature_left_out", Severity::Decision, subject.clone(), message);
    question.evidence.extend(condition.clone());
    let question = losing(question, made.unique);
    let instead = match made.unique {
        true => computed::instead(draft, place, made, condition.as_deref()),
        false => None,
    };
    let Some(instead) = instead else {
        notes.ask(question);
        return false;
    };
    let question = question
        .with_choice(
            EXPRESSION,
            "the target computes what must be unique, in columns that nobody sees or in the index itself",
        )
        .suggest(EXPRESSION);
    let is_taken = notes.ask(question).is(EXPRESSION);
    if is_taken {
        instead.put(made, helpers);
    }
    is_taken
}

/// What an index that cannot be made means: only rows that must be unique are a loss that nobody suggests.
fn losing(question: Finding, unique: bool) -> Finding {
    if !unique {
        return question
            .with_choice(LEAVE_OUT, "the index stays behind")
            .suggest(LEAVE_OUT);
    }
    question
        .with_choice(LEAVE_OUT, "all rows arrive; the target does not keep them unique")
        .with_choice(STOP, "the migration waits until the source has another index")
}

/// Says which properties of the index have no place in the target.
fn report_left_out(draft: &Draft<'_>, index: &Index, subject: &ObjectId, notes: &mut Notes<'_>) {
    if keeps_options(draft, subject) {
        report_own_collation(draft, index, subject, notes);
        return;
    }
    let mut left_out = Vec::new();
    if !index.include.is_empty() && !draft.scope.keeps(Feature::CoveringColumns) {
        left_out.push("covering columns".to_owned());
    }
    let nulls_order = index.parts.iter().any(|part| part.nulls_first.is_some());
    if nulls_order && !draft.scope.keeps(Feature::NullsOrder) {
        left_out.push("the place of NULLs".to_owned());
    }
    if index.parts.iter().any(|part| part.operator_class.is_some()) {
        left_out.push("operator classes".to_owned());
    }
    left_out.extend(index.options.iter().map(|option| format!("`{option}`")));
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

/// The collation of one of several databases of the target's engine is not moved.
fn report_own_collation(draft: &Draft<'_>, index: &Index, subject: &ObjectId, notes: &mut Notes<'_>) {
    let table = draft.scope.source.catalog.table(&subject.owner);
    let origin = table.and_then(|table| table.origin.as_deref());
    let mut collations = index.parts.iter().filter_map(|part| part.collation.as_ref());
    if let Some(own) = collations.find(|own| needs::names_own(&draft.scope, origin, own)) {
        let message = format!("collation `{own}` of index `{subject}` is replaced by the target's default");
        notes.warn("collation", subject.clone(), message);
    }
}

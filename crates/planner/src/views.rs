//! Views in the target, in the order in which the source's catalog lists them: each after those it reads.

use std::collections::BTreeSet;

use whimbrel_core::{Feature, ObjectId, ObjectKind, TableId, Untranslated, View};

use crate::draft::Draft;
use crate::expressions::{Stuck, translate_query};
use crate::needs;
use crate::notes::Notes;

/// Makes the target views. A view that reads one that stays behind stays behind too.
pub(crate) fn build(draft: &Draft<'_>, notes: &mut Notes<'_>) -> Vec<View> {
    let mut gone: BTreeSet<TableId> = BTreeSet::new();
    let mut made = Vec::new();
    for view in &draft.selection.views {
        if draft.existing.views_kept.contains(&view.id) {
            continue;
        }
        let subject = ObjectId::whole(ObjectKind::View, view.id.clone());
        if let Some(missing) = view.reads.iter().find(|id| gone.contains(id)) {
            notes.warn(
                "not_moved",
                subject,
                format!(
                    "view `{}` is left out: it reads `{missing}`, which stays behind",
                    view.id
                ),
            );
            gone.insert(view.id.clone());
            continue;
        }
        match build_one(draft, view, &subject, notes) {
            Some(view) => made.push(view),
            None => {
                gone.insert(view.id.clone());
            }
        }
    }
    made
}

fn build_one(draft: &Draft<'_>, view: &View, subject: &ObjectId, notes: &mut Notes<'_>) -> Option<View> {
    let turned = turned(draft, &view.query, &view.reads);
    let translated = match turned.or_else(|| unspeakable(draft, view)) {
        Some(why) => Err(Untranslated::new(why)),
        None => translate_query(draft, &view.query, &view.reads),
    };
    let query = match translated {
        Ok(query) => query,
        Err(why) => Stuck {
            subject: subject.clone(),
            what: "view",
            expression: &view.query,
            why,
            without: "the view stays behind",
        }
        .ask(notes)
        .own_text()?
        .to_owned(),
    };
    let target = draft.names.view(&view.id);
    let scope = &draft.scope;
    let comments = scope.keeps(Feature::Comments);
    if !scope.equal && !view.options.is_empty() {
        notes.warn(
            "feature_left_out",
            subject.clone(),
            format!(
                "options of view `{}` stay behind: {}",
                view.id,
                view.options.join(", ")
            ),
        );
    }
    if view.comment.is_some() && !comments {
        notes.warn(
            "feature_left_out",
            ObjectId::whole(ObjectKind::Comment, view.id.clone()),
            format!(
                "the comment on view `{}` stays behind: the target has none",
                view.id
            ),
        );
    }
    let same = scope.equal && query == view.query && target == view.id;
    Some(View {
        columns: view
            .columns
            .iter()
            .map(|column| draft.names.column(&view.id, column))
            .collect(),
        definition: view.definition.clone().filter(|_| same),
        reads: reads(draft, view),
        options: match scope.equal {
            true => view.options.clone(),
            false => Vec::new(),
        },
        comment: view.comment.clone().filter(|_| comments),
        id: target,
        query,
    })
}

/// Says which column has a name that the target refuses: some engines look at the names inside a query too, although the view gives others.
fn unspeakable(draft: &Draft<'_>, view: &View) -> Option<String> {
    let scope = &draft.scope;
    let is_refused = |name: &&String| scope.target.dialect.reserves(ObjectKind::Column, name);
    let mut columns = view.columns.iter().filter(|_| !scope.equal);
    let refused = columns.find(is_refused)?;
    Some(format!(
        "its query calls a column `{refused}`, which the target refuses as a name"
    ))
}

/// Says which column that a text names becomes of another kind: what the text does with it may not be possible any more.
pub(crate) fn turned(draft: &Draft<'_>, text: &str, reads: &[TableId]) -> Option<String> {
    let turned = &draft.scope.input.wishes.renames.turned;
    reads.iter().find_map(|table| {
        let mut columns = turned.get(table)?.iter();
        let (column, kinds) = columns.find(|(column, _)| needs::mentions(text, column))?;
        Some(format!(
            "the mapping changes the kind of `{table}.{column}`: {kinds}"
        ))
    })
}

fn reads(draft: &Draft<'_>, view: &View) -> Vec<TableId> {
    let relations = draft.names.relations(&view.reads);
    let named = |id: &TableId| match relations.get(id) {
        Some(known) => known.clone(),
        None => draft.respelling.id(&draft.scope, id),
    };
    view.reads.iter().map(named).collect()
}

//! Which sequences' positions move, and which of them stand behind the data.

use std::collections::BTreeSet;

use whimbrel_core::{ObjectId, ObjectKind, Sequence, SequencePlan, TableId};

use crate::draft::Draft;
use crate::notes::Notes;
use crate::scope::column_subject;

/// Plans the positions. Across engines only the sequences behind columns that number themselves have a place to go.
pub(crate) fn plan(draft: &Draft<'_>, notes: &mut Notes<'_>) -> Vec<SequencePlan> {
    report_behind(draft, notes);
    if draft.scope.equal {
        // Without named ones, what plays a sequence's part goes with the column that numbers itself.
        let has_names = draft.scope.target.capabilities.user_types;
        let is_numbered = |place: &(TableId, String)| draft.numbering.columns.contains_key(place);
        return draft
            .selection
            .sequences
            .iter()
            .filter(|sequence| has_names || sequence.owned_by.as_ref().is_none_or(is_numbered))
            .map(|sequence| SequencePlan {
                source: sequence.id.clone(),
                target: draft.names.sequence(&sequence.id),
                owned_by: sequence
                    .owned_by
                    .as_ref()
                    .and_then(|owner| in_target(draft, owner)),
                increment: sequence.increment,
                behind_values: sequence
                    .owned_by
                    .as_ref()
                    .is_some_and(|(table, column)| is_derived(draft, table, column)),
            })
            .collect();
    }
    report_homeless(draft, notes);
    draft
        .numbering
        .columns
        .iter()
        .filter_map(|(place, numbered)| {
            let owned_by = in_target(draft, place)?;
            let source = find(draft, &numbered.source_sequence);
            Some(SequencePlan {
                source: numbered.source_sequence.clone(),
                target: numbered.target_sequence.clone(),
                owned_by: Some(owned_by),
                increment: source.map_or(1, |sequence| sequence.increment),
                behind_values: is_derived(draft, &place.0, &place.1),
            })
        })
        .collect()
}

/// Tells whether a mapping makes the values of the column.
fn is_derived(draft: &Draft<'_>, table: &TableId, column: &str) -> bool {
    let table = draft.scope.source.catalog.table(table);
    let column = table.and_then(|table| table.column(column));
    column.is_some_and(|column| column.derived.is_some())
}

/// A column of a chosen table, as the target names it.
pub(crate) fn in_target(draft: &Draft<'_>, (table, column): &(TableId, String)) -> Option<(TableId, String)> {
    let way = draft.ways.moved(table, column)?;
    Some((draft.names.table(table), way.target.clone()))
}

fn find<'a>(draft: &Draft<'a>, id: &TableId) -> Option<&'a Sequence> {
    draft.scope.source.catalog.sequence(id)
}

fn report_homeless(draft: &Draft<'_>, notes: &mut Notes<'_>) {
    let numbered = draft.numbering.columns.values();
    let placed: BTreeSet<&TableId> = numbered.map(|numbered| &numbered.source_sequence).collect();
    let has_place = |sequence: &Sequence| placed.contains(&sequence.id);
    for sequence in draft
        .selection
        .sequences
        .iter()
        .filter(|sequence| !has_place(sequence))
    {
        notes.warn(
            "not_moved",
            ObjectId::whole(ObjectKind::Sequence, sequence.id.clone()),
            format!(
                "sequence `{}` stays behind: no column of the target takes its numbers from it",
                sequence.id
            ),
        );
    }
}

/// A sequence that stands behind its column would soon give numbers that are taken.
fn report_behind(draft: &Draft<'_>, notes: &mut Notes<'_>) {
    for sequence in &draft.selection.sequences {
        let Some((table, column)) = &sequence.owned_by else {
            continue;
        };
        let (Some(position), Some(profile)) = (sequence.position, draft.scope.column_profile(table, column))
        else {
            continue;
        };
        let furthest = match sequence.increment >= 0 {
            true => &profile.max,
            false => &profile.min,
        };
        let furthest = furthest.as_deref().and_then(|text| text.parse::<i128>().ok());
        if furthest.is_some_and(|furthest| position.is_behind(sequence.increment, furthest)) {
            let next = position.next(sequence.increment);
            notes.warn(
                "sequence_behind",
                column_subject(table, column),
                format!(
                    "sequence `{}` would give {next} next, which stands behind the values of `{table}.{column}`",
                    sequence.id
                ),
            );
        }
    }
}

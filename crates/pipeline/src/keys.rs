//! Exact keys of rows, by which a row that was rejected is read again at the source.

use arrow_array::RecordBatch;
use whimbrel_core::{KeyValue, Reject, TablePlan, any_secret, packed_rows};

/// The columns of the source's key in the plan's order of columns; none when it has no key, when a column of it is not copied as it is, or
/// travels in a form that only its engine can read.
fn places(plan: &TablePlan) -> Option<Vec<usize>> {
    let key = plan.source.identity_key()?;
    let place = |name: &String| {
        let at = plan.columns.iter().position(|column| &column.source == name)?;
        plan.columns[at].rule.is_none().then_some(at)
    };
    key.columns.iter().map(place).collect()
}

/// Fills in the exact keys of the rows that a writer refused.
pub(crate) fn fill(plan: &TablePlan, records: &RecordBatch, refused: &mut [Reject]) {
    // A packed row is never refused alone.
    if refused.is_empty() || packed_rows(records).is_some() {
        return;
    }
    let Some(places) = places(plan) else { return };
    for reject in refused.iter_mut().filter(|reject| reject.exact.is_empty()) {
        let Some(row) = reject.row else { continue };
        let values = places
            .iter()
            .map(|at| KeyValue::of(&plan.columns[*at].logical, records.column(*at).as_ref(), row));
        reject.exact = values.collect::<Option<_>>().unwrap_or_default();
    }
}

/// Takes the exact keys away where a column of the key is secret by its name: the rows stand in a file. They are tried again by copying
/// the table.
pub(crate) fn withhold(plan: &TablePlan, rejects: &mut [Reject]) {
    let key = plan.source.identity_key();
    if key.is_some_and(|key| any_secret(&key.columns)) {
        rejects.iter_mut().for_each(|reject| reject.exact.clear());
    }
}

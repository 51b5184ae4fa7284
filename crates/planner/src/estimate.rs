//! Guesses how long the run takes, from exact counts and sizes.

use whimbrel_core::{Estimate, TablePlan};

/// What one pair of a reader and a writer copies in a second, whichever limit is met first. Careful numbers of one ordinary machine.
const COPY_BYTES_PER_SECOND: u64 = 40_000_000;
/// See [`COPY_BYTES_PER_SECOND`]; narrow rows cost by their number.
const COPY_ROWS_PER_SECOND: u64 = 150_000;
/// Verifying reads the target once, and writes nothing: half of what the copy takes.
const VERIFY_SHARE: u64 = 2;
/// Statements that one second is enough for.
const STEPS_PER_SECOND: u64 = 200;

/// Adds up the tables.
pub(crate) fn estimate(tables: &[TablePlan], steps: usize, verify: bool) -> Estimate {
    let rows = tables.iter().map(|table| table.rows).sum();
    let bytes = tables.iter().map(|table| table.bytes).sum();
    let copy = u64::max(bytes / COPY_BYTES_PER_SECOND, rows / COPY_ROWS_PER_SECOND);
    let verify = if verify { copy / VERIFY_SHARE } else { 0 };
    let steps = u64::try_from(steps).unwrap_or(u64::MAX) / STEPS_PER_SECOND;
    Estimate {
        tables: u64::try_from(tables.len()).unwrap_or(u64::MAX),
        rows,
        bytes,
        seconds: copy
            .saturating_add(verify)
            .saturating_add(steps)
            .saturating_add(1),
    }
}

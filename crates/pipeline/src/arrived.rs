//! What the checkpoint says has arrived: always what the ledger says.

use whimbrel_core::{ChunkRecord, Result, TableId};

use crate::running::Run;

/// Brings the checkpoint in step with the ledger.
pub(crate) fn note_arrived(run: &Run, records: &[ChunkRecord]) -> Result<()> {
    let pending = |table: &TableId| {
        let mut of_table = records.iter().filter(|record| &record.target == table).peekable();
        of_table.peek().is_none() || of_table.any(|record| record.result.is_none())
    };
    let (pending, whole): (Vec<TableId>, Vec<TableId>) =
        run.ctx.target_tables().into_iter().partition(pending);
    let whole: Vec<String> = whole.iter().map(ToString::to_string).collect();
    run.journal.checkpoint(|checkpoint| {
        checkpoint.tables_completed.retain(|name| whole.contains(name));
        checkpoint.tables_pending = pending.iter().map(ToString::to_string).collect();
        let results = records.iter().filter_map(|record| record.result.as_ref());
        checkpoint.rows = results.clone().map(|result| result.rows).sum();
        checkpoint.chunks = (results.count() as u64, records.len() as u64);
        // A chunk's table is whole only after its count; until then it is pending.
        for name in &whole {
            if !checkpoint.tables_completed.contains(name) {
                checkpoint.tables_pending.push(name.clone());
            }
        }
    })
}

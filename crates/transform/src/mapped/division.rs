//! Splitting one part of a mapped table. The ledger and the checkpoints keep the bounds of chunks, so a key whose values must not be told
//! divides nothing: another key does, or the places of rows, or the part stays whole.

use std::sync::Arc;

use whimbrel_core::{Key, KeyRange, LogicalType, Result, Snapshot, Table};

use super::part::Part;

/// Splits the part into ranges of about `chunk_bytes`, none of which tells what the mapping hides.
///
/// # Errors
/// As [`Snapshot::split`].
pub(crate) async fn divide(
    snapshot: &Arc<dyn Snapshot>,
    part: &Part,
    mapped: &Table,
    chunk_bytes: u64,
) -> Result<Vec<KeyRange>> {
    let kept_back = kept_back(part);
    let is_open = |columns: &[String]| !columns.iter().any(|name| kept_back.contains(&name.as_str()));
    let mut asked = part.as_read(mapped);
    asked.primary_key = asked.primary_key.filter(|key: &Key| is_open(&key.columns));
    asked.uniques.retain(|key| is_open(&key.columns));
    let chunks = snapshot.split(&asked, chunk_bytes).await?;
    let ranges: Vec<KeyRange> = chunks.into_iter().map(|chunk| chunk.range).collect();
    // A database may divide by more than the keys that were shown to it, such as a column that is the number of the row.
    let is_told = |range: &KeyRange| matches!(range, KeyRange::Keys(bound) if !is_open(&bound.columns));
    match ranges.iter().any(is_told) {
        true => Ok(vec![KeyRange::All]),
        false => Ok(ranges),
    }
}

/// The columns of the source whose values must not be kept: those that a mask hides, and those that do not arrive and may say something of
/// somebody, as numbers and UUIDs of rows do not.
fn kept_back(part: &Part) -> Vec<&str> {
    let is_given = |name: &str| {
        let mut columns = part.columns.iter();
        columns.any(|column| column.is_same() && column.comes_from(part, name))
    };
    let is_number =
        |logical: &LogicalType| matches!(logical, LogicalType::Integer { .. } | LogicalType::Uuid);
    let inputs = part.inputs.iter().zip(part.hidden());
    inputs
        .filter(|(input, hidden)| *hidden || !is_given(&input.name) && !is_number(&input.logical))
        .map(|(input, _)| input.name.as_str())
        .collect()
}

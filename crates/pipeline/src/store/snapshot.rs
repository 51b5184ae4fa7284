//! `snapshot.json`: what the source itself said in the snapshot that the rows came from. The second witness and the sequences need it
//! when the snapshot is long gone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use whimbrel_core::{Result, SequencePosition, TableAggregate, TableId};

use super::{MigrationDir, SNAPSHOT};

/// What the source said in one snapshot.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct SnapshotRecord {
    /// The snapshot's position.
    pub(crate) position: String,
    /// True when every row of every table has arrived from this snapshot.
    pub(crate) complete: bool,
    /// Where the source's sequences stood, by the target's name, in the plan's order.
    pub(crate) sequences: Vec<(TableId, Option<SequencePosition>)>,
    /// The source's aggregates, by the target's table, columns by their source names.
    pub(crate) tables: BTreeMap<String, TableAggregate>,
}

impl SnapshotRecord {
    /// Reads the record; a damaged one is none: it is only worth another pass over the source.
    pub(crate) fn load(dir: &MigrationDir) -> Option<Self> {
        dir.load(SNAPSHOT).ok().flatten()
    }

    /// Writes the record.
    pub(crate) fn save(&self, dir: &MigrationDir) -> Result<()> {
        dir.save(SNAPSHOT, self)
    }
}

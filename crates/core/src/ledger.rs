//! The ledger: what has arrived, recorded in the target itself, in the same transactions as the data.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{Chunk, Digest, Error, ErrorClass, MigrationId, Result, TableId};

/// The number of a run's attempt; `resume` raises it, and a writer with an older one cannot commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Epoch(pub i64);

/// Names the run that writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunKey {
    /// The migration.
    pub migration: MigrationId,
    /// The epoch this process holds.
    pub epoch: Epoch,
}

/// A step that was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRecord {
    /// The step's id.
    pub id: String,
    /// The epoch that did it.
    pub epoch: Epoch,
}

/// A chunk and what is known about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChunkRecord {
    /// The target table; `chunk.table` is the source table.
    pub target: TableId,
    /// The chunk.
    pub chunk: Chunk,
    /// The epoch that planned or finished it.
    pub epoch: Epoch,
    /// What arrived; none until finished.
    pub result: Option<ChunkResult>,
    /// The source position of the snapshot the rows came from; none until finished.
    pub position: Option<String>,
}

/// What arrived with a chunk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChunkResult {
    /// Rows written.
    pub rows: u64,
    /// Bytes of the batches.
    pub bytes: u64,
    /// Rows rejected.
    pub rejected: u64,
    /// Per column, how many values its rule changed; empty when none has a rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ruled: Vec<u64>,
    /// Digest of the rows written.
    pub digest: Digest,
}

/// The ledger tables `_whimbrel_runs`, `_whimbrel_steps`, `_whimbrel_chunks` in the target.
///
/// Every method is one transaction. Methods that take a [`RunKey`] fail with `Conflict` when its epoch is no longer the run's.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Returns the epoch of the migration as recorded, or none when the ledger does not know it (or does not exist). Changes nothing.
    async fn epoch(&self, migration: &MigrationId) -> Result<Option<Epoch>>;

    /// Creates the ledger where it is missing, records the migration with its plan hash, and raises its epoch; returns the new epoch.
    /// May be called again at any time; an equal migration with another plan hash is a `Conflict`.
    async fn open(&self, migration: &MigrationId, plan_hash: &str) -> Result<Epoch>;

    /// Returns the steps that are done, in the order in which they were done. Empty when the ledger does not exist.
    async fn steps(&self, migration: &MigrationId) -> Result<Vec<StepRecord>>;

    /// Returns all chunks, by target table and index. Empty when the ledger does not exist.
    async fn chunks(&self, migration: &MigrationId) -> Result<Vec<ChunkRecord>>;

    /// Stores the whole split of a table before its first row is written. When the table has a split already it stays, and this is a `Conflict`.
    async fn store_split(&self, run: &RunKey, target: &TableId, chunks: &[Chunk]) -> Result<()>;

    /// As [`Ledger::store_split`] and the commit of a writer for tables without rows: each of the chunks, with its target table, is the whole
    /// split of its table and has arrived from the state at `position`. All in one transaction; when one of the tables has a split already,
    /// nothing is stored and this is a `Conflict`.
    async fn store_empty(&self, run: &RunKey, chunks: &[(TableId, Chunk)], position: &str) -> Result<()>;

    /// Adds a chunk to a table that has a split, for rows that were rejected and are tried again; its index is behind all others. Adding an
    /// equal chunk again changes nothing; another chunk of that index is a `Conflict`.
    async fn add_chunk(&self, _run: &RunKey, target: &TableId, _chunk: &Chunk) -> Result<()> {
        Err(Error::new(
            ErrorClass::Unsupported,
            format!("the ledger cannot add a chunk to table `{target}`"),
        ))
    }

    /// Records that an unchanged finished chunk also holds under the snapshot at `position`.
    async fn confirm_chunk(&self, run: &RunKey, target: &TableId, index: u32, position: &str) -> Result<()>;

    /// Forgets the migration, and drops the ledger when it knows no other. Also removes a database file or namespace that exists only because of the ledger.
    async fn forget(&self, migration: &MigrationId) -> Result<()>;
}

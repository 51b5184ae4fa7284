//! Chunks whose COMMIT did not wait for the disk, until it is proven that they are there for good.
//!
//! A server that goes down may lose the last transactions that did not wait. It never loses one and keeps a later one, and the rows of a chunk
//! and its ledger row are one transaction: what is lost is lost with its ledger row, and a resumed run copies it again. Only a run that goes on
//! meanwhile would believe what it was told. So the target remembers what was told; once the log has been written through, and whenever a
//! session had to be opened anew, the ledger must still have it all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use whimbrel_core::{Error, ErrorClass, MigrationId, Result, TableId};

use crate::connect::Session;
use crate::error::from_driver;
use crate::records::{CHUNKS, named};

/// The number of a chunk in its target table.
type ChunkPlace = (TableId, i64);

/// Chunks that were committed and may not be on the disk yet.
#[derive(Debug, Default)]
pub(crate) struct Undurable {
    chunks: Mutex<BTreeMap<MigrationId, BTreeSet<ChunkPlace>>>,
}

impl Undurable {
    /// Remembers a chunk that was committed.
    pub(crate) fn add(&self, migration: &MigrationId, table: &TableId, number: i64) {
        self.with(|chunks| {
            chunks
                .entry(migration.clone())
                .or_default()
                .insert((table.clone(), number));
        });
    }

    /// Forgets the chunks of a table that is emptied.
    pub(crate) fn forget(&self, migration: &MigrationId, table: &TableId) {
        self.with(|chunks| {
            if let Some(chunks) = chunks.get_mut(migration) {
                chunks.retain(|(found, _)| found != table);
            }
        });
    }

    /// Compares the ledger with what was committed; a `SnapshotLost` when the server went down and lost some of it, for then the run goes on
    /// from the ledger.
    pub(crate) async fn check(&self, session: &Session) -> Result<()> {
        for (migration, chunks) in self.told() {
            check(session, &migration, &chunks).await?;
        }
        Ok(())
    }

    /// Makes all that was committed so far durable, and compares it with the ledger.
    pub(crate) async fn settle(&self, session: &Session) -> Result<()> {
        let told = self.told();
        if told.is_empty() {
            return Ok(());
        }
        // The log is written through in order, so one record that is waited for brings all before it to the disk.
        let flush = "BEGIN; SET LOCAL synchronous_commit = on; SELECT pg_logical_emit_message(true, 'whimbrel', ''); COMMIT";
        session.batch_execute(flush).await.map_err(from_driver)?;
        for (migration, chunks) in told {
            check(session, &migration, &chunks).await?;
            self.with(|all| {
                if let Some(left) = all.get_mut(&migration) {
                    left.retain(|chunk| !chunks.contains(chunk));
                }
            });
        }
        Ok(())
    }

    fn told(&self) -> BTreeMap<MigrationId, BTreeSet<ChunkPlace>> {
        self.with(|chunks| {
            chunks.retain(|_, chunks| !chunks.is_empty());
            chunks.clone()
        })
    }

    fn with<T>(&self, f: impl FnOnce(&mut BTreeMap<MigrationId, BTreeSet<ChunkPlace>>) -> T) -> T {
        f(&mut self.chunks.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn check(session: &Session, migration: &MigrationId, chunks: &BTreeSet<ChunkPlace>) -> Result<()> {
    let (mut namespaces, mut names, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
    for (table, number) in chunks {
        let (namespace, name) = named(table);
        namespaces.push(namespace);
        names.push(name);
        numbers.push(*number);
    }
    let sql = format!(
        "SELECT count(*) FROM unnest($2::text[], $3::text[], $4::int8[]) AS k(namespace, name, number)
         JOIN {CHUNKS} c ON c.namespace = k.namespace AND c.name = k.name AND c.number = k.number
         WHERE c.migration = $1 AND c.finished_at IS NOT NULL"
    );
    let row = session
        .query_one(&sql, &[&migration.0, &namespaces, &names, &numbers])
        .await
        .map_err(from_driver)?;
    let there = usize::try_from(row.get::<_, i64>(0)).unwrap_or(0);
    if there == chunks.len() {
        return Ok(());
    }
    let lost = chunks.len() - there;
    Err(Error::new(
        ErrorClass::SnapshotLost,
        format!(
            "the server went down and lost {lost} of {} chunks that were not on its disk yet",
            chunks.len()
        ),
    )
    .with_code("commits_lost")
    .with_hint(format!("`whimbrel resume {migration}` copies them again")))
}

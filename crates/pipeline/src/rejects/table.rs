//! One table's rejected rows: read again by key, written in chunks of their own, and the reject file after them.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use futures::StreamExt as _;
use whimbrel_core::{
    Chunk, ChunkRecord, ChunkResult, KeyRange, KeyValue, Position, Reject, Result, Snapshot, TableId,
    TablePlan, fault, named, shorten, told,
};

use crate::arrived::{Totals, exact_keys};
use crate::columns::{Side, Wanted, rows, source_columns, write_columns};
use crate::data::passage::{Arrived, Passage};
use crate::failure::interrupted;
use crate::keys;
use crate::retry::{Attempts, retry};
use crate::running::Run;
use crate::store::RejectLine;

type RowKey = Vec<KeyValue>;

/// A table whose rejected rows are tried again.
pub(super) struct Replay<'a> {
    pub(super) run: &'a Run,
    pub(super) snapshot: &'a Arc<dyn Snapshot>,
    pub(super) plan: &'a TablePlan,
}

/// What became of rejected rows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Done {
    pub(super) arrived: u64,
    pub(super) rejected: u64,
    /// Rows that are not at the source any more.
    pub(super) gone: u64,
}

impl Replay<'_> {
    /// Tries all rejected rows of the table once: first the chunk that a killed replay had begun, then the others.
    pub(super) async fn all(&self, records: &[ChunkRecord]) -> Result<Done> {
        let mut done = Done::default();
        let mut tried = BTreeSet::new();
        let mut records = records.to_vec();
        let begun: Vec<ChunkRecord> = records
            .iter()
            .filter(|record| record.result.is_none())
            .cloned()
            .collect();
        for record in begun {
            self.chunk(&record.chunk, &mut records, &mut done).await?;
            tried.extend(exact_keys(&record).unwrap_or_default().iter().cloned());
        }
        let lines = self.run.ctx.dir.rejects(&self.plan.target.id)?;
        let keys: BTreeSet<RowKey> = lines
            .into_iter()
            .map(|line| line.reject.exact)
            .filter(|key| !tried.contains(key))
            .collect();
        let keys: Vec<RowKey> = keys.into_iter().collect();
        for group in keys.chunks(KeyRange::EXACT_MAX) {
            if self.run.ctx.stop.is_cancelled() {
                return Err(interrupted());
            }
            let chunk = self.add_chunk(&records, group).await?;
            self.chunk(&chunk, &mut records, &mut done).await?;
        }
        done.rejected = Totals::of(&records).rejected;
        Ok(done)
    }

    /// Stores the keys of the next chunk in the ledger before the first row of it is written.
    async fn add_chunk(&self, records: &[ChunkRecord], keys: &[RowKey]) -> Result<Chunk> {
        let last = records.iter().map(|record| record.chunk.index).max();
        let key = self.plan.source.identity_key();
        let chunk = Chunk {
            table: self.plan.source.id.clone(),
            index: last.map_or(0, |last| last + 1),
            range: KeyRange::Exactly {
                columns: key.map(|key| key.columns.clone()).unwrap_or_default(),
                keys: keys.to_vec(),
            },
        };
        let ledger = self.run.ctx.target.ledger();
        retry(&self.run.ctx, "store the keys of rejected rows", || async {
            fault::point("replay.store.before")?;
            ledger
                .add_chunk(&self.run.key, &self.plan.target.id, &chunk)
                .await?;
            fault::point("replay.store.after")
        })
        .await?;
        Ok(chunk)
    }

    /// Brings over one chunk and settles the file after it.
    async fn chunk(&self, chunk: &Chunk, records: &mut Vec<ChunkRecord>, done: &mut Done) -> Result<()> {
        // The table's other rows come from the snapshot that the ledger names; these join them.
        let position = records.iter().find_map(|record| record.position.clone());
        let passage = Passage {
            run: self.run,
            snapshot: self.snapshot,
            plan: self.plan,
            chunk,
            position: Position(position.clone().unwrap_or_default()),
            columns: write_columns(self.plan),
            packed: false,
        };
        let result = self.until_arrived(&passage).await?;
        let record = ChunkRecord {
            target: self.plan.target.id.clone(),
            chunk: chunk.clone(),
            epoch: self.run.key.epoch,
            result: Some(result.clone()),
            position,
        };
        let keys = exact_keys(&record).map_or(0, <[RowKey]>::len) as u64;
        done.arrived += result.rows;
        done.gone += keys.saturating_sub(result.rows + result.rejected);
        records.retain(|known| known.chunk.index != chunk.index);
        records.push(record);
        fault::point("replay.settle.before")?;
        settle_file(self.run, &self.plan.target.id, records)?;
        self.run.ctx.dir.append_table_log(
            &self.plan.target.id,
            &format!(
                "{} replay {}: {} rows arrived, {} still rejected",
                self.run.ctx.now(),
                chunk.index,
                result.rows,
                result.rejected
            ),
        )
    }

    async fn until_arrived(&self, passage: &Passage<'_>) -> Result<ChunkResult> {
        let mut attempts = Attempts::new(&self.run.ctx, "replay rejected rows");
        loop {
            let error = match Box::pin(self.attempt(passage)).await {
                Ok(result) => return Ok(result),
                Err(error) => error,
            };
            if let Some(result) = passage.ledger_result().await? {
                return Ok(result);
            }
            attempts.again_after(error).await?;
        }
    }

    async fn attempt(&self, passage: &Passage<'_>) -> Result<ChunkResult> {
        fault::point("replay.write.before")?;
        let (writer, mut arrived) = passage.write(|_, _, _| Ok(())).await?;
        let lost = self.lost(passage, &arrived).await?;
        arrived.result.rejected += lost.len() as u64;
        arrived.rejects.extend(lost);
        let id = &self.plan.target.id;
        keys::withhold(self.plan, &mut arrived.rejects);
        if !arrived.rejects.is_empty() {
            self.run
                .ctx
                .dir
                .append_reject(id, passage.chunk.index, &arrived.rejects)?;
        }
        passage.commit(writer, arrived.result).await
    }

    /// The rows that were not found at the source, unless its own count says that they are gone: a row that only could not be found must
    /// not leave the file.
    async fn lost(&self, passage: &Passage<'_>, arrived: &Arrived) -> Result<Vec<Reject>> {
        let KeyRange::Exactly { columns, keys } = &passage.chunk.range else {
            return Ok(Vec::new());
        };
        let seen = arrived.result.rows + arrived.result.rejected;
        if seen >= keys.len() as u64 {
            return Ok(Vec::new());
        }
        let mut lost = Vec::new();
        for key in keys {
            if !self.is_there(columns, key).await? {
                lost.push(self.not_found(key));
            }
        }
        let ours: Vec<ChunkRecord> = self
            .run
            .chunks()
            .await?
            .into_iter()
            .filter(|record| record.target == self.plan.target.id)
            .collect();
        let totals = Totals::of(&ours);
        let columns = source_columns(self.plan);
        let aggregate = retry(&self.run.ctx, "count a table", || {
            self.snapshot.aggregate(&self.plan.source, &columns)
        })
        .await?;
        let without = (totals.rows + totals.rejected).saturating_sub(lost.len() as u64);
        if aggregate.rows == without {
            self.run.ctx.notice(format!(
                "rejected rows of `{}` that are not at the source any more: {}",
                self.plan.source.id,
                lost.len()
            ));
            lost.clear();
        }
        Ok(lost)
    }

    async fn is_there(&self, columns: &[String], key: &RowKey) -> Result<bool> {
        let range = KeyRange::Exactly {
            columns: columns.to_vec(),
            keys: vec![key.clone()],
        };
        let wanted = Wanted {
            side: Side::Source,
            plan: self.plan,
            table: &self.plan.source,
            range: &range,
            batch_bytes: self.run.ctx.budget().batch_bytes,
            packed: true,
        };
        let mut rows = rows(self.snapshot.as_ref(), &wanted);
        while let Some(batch) = rows.next().await {
            let batch = batch?;
            if batch.rows() + batch.rejects.len() > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn not_found(&self, key: &RowKey) -> Reject {
        let names = self.plan.source.identity_key();
        let names = names.map(|key| key.columns.as_slice()).unwrap_or_default();
        let part = |(name, value): (&String, &KeyValue)| named(name, shown(value));
        let text: Vec<String> = names.iter().zip(key).map(part).collect();
        let values: Vec<Cow<'_, str>> = names
            .iter()
            .zip(key)
            .map(|(name, value)| told(name, shown(value)))
            .collect();
        Reject {
            row: None,
            key: text.join(", "),
            column: names.join(", "),
            value: values.join(", "),
            rule:
                "no row of this key is at the source now, and its count of rows does not say that one is gone"
                    .to_owned(),
            expression: None,
            exact: key.clone(),
        }
    }
}

fn shown(value: &KeyValue) -> String {
    match value {
        KeyValue::Integer(number) => number.to_string(),
        KeyValue::Real(bits) => f64::from_bits(*bits).to_string(),
        KeyValue::Text(text) => shorten(text),
        KeyValue::Bytes(hex) => shorten(&format!("x'{hex}'")),
    }
}

/// Brings a table's reject file in step with the ledger: rows of a finished replay leave the file unless that very replay rejected them
/// again, and what an unfinished one had noted is taken back.
pub(super) fn settle_file(run: &Run, table: &TableId, records: &[ChunkRecord]) -> Result<()> {
    if !records.iter().any(|record| exact_keys(record).is_some()) {
        return Ok(());
    }
    let lines = run.ctx.dir.rejects(table)?;
    let before = lines.len();
    let left: Vec<RejectLine> = lines
        .into_iter()
        .filter(|line| records.iter().all(|record| is_left(line, record)))
        .collect();
    if left.len() == before {
        return Ok(());
    }
    fault::point("replay.file.before")?;
    run.ctx.dir.save_rejects(table, &left)
}

fn is_left(line: &RejectLine, record: &ChunkRecord) -> bool {
    let Some(keys) = exact_keys(record) else {
        return true;
    };
    match record.result {
        Some(_) => line.chunk >= record.chunk.index || !keys.contains(&line.reject.exact),
        None => line.chunk != record.chunk.index,
    }
}

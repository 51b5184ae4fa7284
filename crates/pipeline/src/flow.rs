//! Batches on their way between tasks: one task reads and decodes, the caller writes or compares, another task hashes. What is under way
//! is bounded by bytes, so that large rows go one by one. Nothing is copied: a batch moves from hand to hand.

use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use whimbrel_core::{Batch, Digest, Error, Result, RowHasher};

/// Batches of the usual size under way at once: one is read, one is written, one is hashed, one waits.
pub(crate) const UNDER_WAY: u32 = 4;

/// A batch under way. Its share of what may be under way is free again when it is dropped.
pub(crate) struct Parcel {
    pub(crate) batch: Batch,
    _share: OwnedSemaphorePermit,
}

enum Message {
    Parcel(Parcel),
    Failed(Error),
    End,
}

/// The rows of a stream, read by a task of its own, which ends when this is dropped.
pub(crate) struct Inflow {
    arrived: mpsc::Receiver<Message>,
    _reader: JoinSet<()>,
}

impl Inflow {
    /// Begins to read. A batch above `batch_bytes` takes the share of several.
    pub(crate) fn open(rows: BoxStream<'static, Result<Batch>>, batch_bytes: usize) -> Self {
        let (sender, arrived) = mpsc::channel(UNDER_WAY as usize);
        let mut reader = JoinSet::new();
        reader.spawn(read(rows, batch_bytes, sender));
        Self {
            arrived,
            _reader: reader,
        }
    }

    /// Returns the next batch; none at the end of the rows.
    pub(crate) async fn next(&mut self) -> Result<Option<Parcel>> {
        match self.arrived.recv().await {
            Some(Message::Parcel(parcel)) => Ok(Some(parcel)),
            Some(Message::Failed(error)) => Err(error),
            Some(Message::End) => Ok(None),
            // Rows would be missing if this were taken for the end.
            None => Err(Error::bug("a reader ended without a word")),
        }
    }
}

async fn read(
    mut rows: BoxStream<'static, Result<Batch>>,
    batch_bytes: usize,
    sender: mpsc::Sender<Message>,
) {
    let shares = Arc::new(Semaphore::new(UNDER_WAY as usize));
    let last = loop {
        let Ok(mut share) = shares.clone().acquire_owned().await else {
            break Message::Failed(Error::bug("the shares of a reader are closed"));
        };
        let batch = match rows.next().await {
            Some(Ok(batch)) => batch,
            Some(Err(error)) => break Message::Failed(error),
            None => break Message::End,
        };
        let more = shares_of(&batch, batch_bytes) - 1;
        if more > 0
            && let Ok(further) = shares.clone().acquire_many_owned(more).await
        {
            share.merge(further);
        }
        let parcel = Parcel { batch, _share: share };
        if sender.send(Message::Parcel(parcel)).await.is_err() {
            return;
        }
    };
    // Nobody listens any more when this fails.
    drop(sender.send(last).await);
}

fn shares_of(batch: &Batch, batch_bytes: usize) -> u32 {
    // Builders grow by doubling, so that a batch of the usual size may have room for as much again.
    let shares = batch.bytes() / batch_bytes.saturating_mul(2).max(1);
    u32::try_from(shares + 1).unwrap_or(UNDER_WAY).min(UNDER_WAY)
}

/// A task that hashes batches as they come, but for some of their rows.
pub(crate) struct Hashing {
    sender: mpsc::Sender<(Parcel, Vec<usize>)>,
    task: JoinSet<Result<Digest>>,
}

impl Hashing {
    pub(crate) fn begin(hasher: RowHasher) -> Self {
        let (sender, parcels) = mpsc::channel(UNDER_WAY as usize);
        let mut task = JoinSet::new();
        task.spawn(hash_all(hasher, parcels));
        Self { sender, task }
    }

    /// Hashes the batch's rows, but for those in `skip`, ascending.
    pub(crate) async fn add(&self, parcel: Parcel, skip: Vec<usize>) {
        // A task that has failed says so in the end.
        drop(self.sender.send((parcel, skip)).await);
    }

    /// Returns the digest of all rows.
    pub(crate) async fn finish(self) -> Result<Digest> {
        let Self { sender, mut task } = self;
        drop(sender);
        match task.join_next().await {
            Some(Ok(digest)) => digest,
            Some(Err(cause)) => Err(Error::bug("a task that hashes panicked").with_cause(cause)),
            None => Err(Error::bug("a task that hashes is gone")),
        }
    }
}

async fn hash_all(
    mut hasher: RowHasher,
    mut parcels: mpsc::Receiver<(Parcel, Vec<usize>)>,
) -> Result<Digest> {
    let mut digest = Digest::default();
    while let Some((parcel, skip)) = parcels.recv().await {
        hasher.hash(&parcel.batch.records, &skip, |row| digest.add_row(row))?;
    }
    Ok(digest)
}

#[cfg(test)]
mod tests {
    use arrow_array::{ArrayRef, BinaryArray, RecordBatch};
    use whimbrel_core::{LogicalType, arrow_schema};

    use super::*;

    fn batch(bytes: usize) -> Batch {
        let array: ArrayRef = Arc::new(BinaryArray::from_vec(vec![vec![1_u8; bytes].as_slice()]));
        Batch {
            records: RecordBatch::try_new(arrow_schema([("a", &LogicalType::Bytes)]), vec![array]).unwrap(),
            rejects: Vec::new(),
            ruled: Vec::new(),
        }
    }

    fn flow(batches: Vec<Result<Batch>>) -> Inflow {
        Inflow::open(futures::stream::iter(batches).boxed(), 1024)
    }

    #[tokio::test]
    async fn a_large_batch_is_alone_under_way() {
        let mut flow = flow((0..3).map(|_| Ok(batch(100_000))).collect());
        let first = flow.next().await.unwrap().unwrap();
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        assert!(
            flow.arrived.is_empty(),
            "the next is not read while the first is there"
        );
        drop(first);
        assert!(flow.next().await.unwrap().is_some());
    }

    #[tokio::test]
    async fn small_batches_go_side_by_side_up_to_the_bound() {
        let mut flow = flow((0..9).map(|_| Ok(batch(10))).collect());
        let first = flow.next().await.unwrap().unwrap();
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        assert_eq!(flow.arrived.len(), UNDER_WAY as usize - 1);
        drop(first);
        let mut left = 0;
        while flow.next().await.unwrap().is_some() {
            left += 1;
        }
        assert_eq!(left, 8);
    }

    #[tokio::test]
    async fn a_failure_of_the_reader_is_no_end() {
        let mut flow = flow(vec![Ok(batch(1)), Err(Error::invalid("torn"))]);
        assert!(flow.next().await.unwrap().is_some());
        assert!(flow.next().await.is_err());
        assert!(flow.next().await.is_err(), "nor is what comes after it");
    }

    #[tokio::test]
    async fn rows_that_are_skipped_do_not_count() {
        let hashing = Hashing::begin(RowHasher::new(vec![LogicalType::Bytes], Vec::new()));
        let mut flow = flow(vec![Ok(batch(1)), Ok(batch(2))]);
        for skip in [vec![0], Vec::new()] {
            let parcel = flow.next().await.unwrap().unwrap();
            hashing.add(parcel, skip).await;
        }
        assert_eq!(hashing.finish().await.unwrap().rows, 1);
    }
}

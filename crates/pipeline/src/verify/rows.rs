//! Finding the rows that differ, in bounded memory and without any order: both sides are read side by side into hash buckets of the key, and
//! the differing buckets are read again, in rounds where there are many. The rows to list are kept with their values on the way.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::future::Future;
use std::sync::Arc;

use arrow_array::RecordBatch;
use tokio::task::JoinSet;
use whimbrel_core::{
    DifferenceKind, Digest, Error, KeyRange, Result, RowDifference, RowHash, Snapshot, Table, TablePlan,
    ValueDifference,
};

use super::Scene;
use super::values::{key_text, row_texts, told};
use crate::columns::{self, Side, hasher, key_positions};
use crate::flow::Inflow;
use crate::planned::Planned;
use crate::retry::retry;

/// Rows that are listed with their values.
const LISTED_MAX: usize = 100;
/// Passes over the differing buckets; beyond them the count is a lower bound.
const ROUNDS_MAX: usize = 16;
/// Rows that share a bucket: for each that differs, so many are held when it is looked for.
const ROWS_PER_BUCKET: u64 = 16;
const BUCKETS_MIN: u64 = 64;
const BUCKETS_MAX: u64 = 1 << 20;
/// So many values are kept of rows before it is known which of them differ.
const SEEN_MAX: u64 = 200_000;

/// What is compared.
pub(super) struct Rows<'a> {
    pub(super) scene: &'a Arc<Scene>,
    pub(super) plan: &'a Planned,
    /// What the source held in the snapshot that the verdict is about.
    pub(super) expected: &'a Digest,
}

/// The rows that differ.
#[derive(Debug, Default)]
pub(super) struct Listed {
    pub(super) rows: Vec<RowDifference>,
    pub(super) total: u64,
    /// False when `total` is only a lower bound.
    pub(super) complete: bool,
    pub(super) as_of_now: bool,
}

/// Finds the rows that differ. `rows` is about how many rows each side has.
pub(super) async fn differences(what: &Rows<'_>, rows: u64) -> Result<Listed> {
    let ctx = &what.scene.ctx;
    let tables = [what.plan.source.id.clone()];
    let source = retry(ctx, "open a snapshot", || ctx.source.snapshot(&tables, 1)).await?;
    let sides = Sides {
        scene: what.scene.clone(),
        plan: what.plan.clone(),
        source,
    };
    let (rounds, source_now) = sides.rounds(rows).await?;
    let as_of_now = !source_now.same_rows(what.expected);
    let mut listed = Listed {
        complete: rounds.len() <= ROUNDS_MAX,
        as_of_now,
        ..Listed::default()
    };
    let mut wanted: Wanted = BTreeMap::new();
    for round in rounds.into_iter().take(ROUNDS_MAX) {
        for (key, rows) in sides.net(Arc::new(round)).await? {
            let (missing, extra) = weigh(&rows);
            listed.total += missing.max(extra);
            if wanted.len() < LISTED_MAX {
                wanted.insert(key, rows);
            }
        }
    }
    sides.look_up(&mut wanted).await?;
    listed.rows = list(what.plan, wanted);
    for row in &mut listed.rows {
        row.as_of_now = as_of_now;
    }
    Ok(listed)
}

/// The hash of a row's key, and of the row.
type RowId = (u128, u128);

/// Rows that one side has more often.
#[derive(Debug)]
struct Surplus {
    hash: u128,
    /// How many more the source has; negative: the target.
    more: i64,
    /// The values, where they are known.
    seen: Option<Box<Seen>>,
}

/// By the hashes of keys, which the buckets are in order of.
type Wanted = BTreeMap<u128, Vec<Surplus>>;

/// How many rows the source and the target have more.
fn weigh(rows: &[Surplus]) -> (u64, u64) {
    let sum = |sign: i64| {
        let counts = rows.iter().map(|row| row.more * sign).filter(|more| *more > 0);
        counts.map(i64::unsigned_abs).sum()
    };
    (sum(1), sum(-1))
}

/// What a bucket holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Bucket {
    rows: u64,
    sum: u64,
    mixed: u64,
}

impl Bucket {
    fn add(&mut self, hash: u128) {
        let (high, low) = halves(hash);
        self.rows += 1;
        self.sum = self.sum.wrapping_add(low);
        // Not linear, so that differences do not cancel each other out.
        self.mixed = self.mixed.wrapping_add(low.wrapping_mul(high | 1));
    }
}

/// The buckets that are read again together.
#[derive(Default)]
struct Round {
    buckets: BTreeSet<usize>,
    /// Those of them whose rows are kept with their values.
    seen: BTreeSet<usize>,
    of: u64,
}

/// A row with its values and column hashes.
#[derive(Debug, Clone)]
struct Seen {
    values: Vec<Option<String>>,
    columns: Vec<u64>,
}

/// Equal rows of one side.
struct Same {
    rows: i64,
    seen: Option<Box<Seen>>,
}

/// Both sides of a table, as often as tasks want to hold them.
#[derive(Clone)]
struct Sides {
    scene: Arc<Scene>,
    plan: Planned,
    source: Arc<dyn Snapshot>,
}

impl Sides {
    /// Reads all rows of a side, in any order.
    async fn scan(&self, side: Side, mut each: impl FnMut(&RecordBatch, &RowHash<'_>) + Send) -> Result<()> {
        let plan: &TablePlan = &self.plan;
        let scene = &self.scene;
        let (snapshot, table): (&dyn Snapshot, &Table) = match side {
            Side::Source => (self.source.as_ref(), &plan.source),
            Side::Target => (
                scene.target.as_ref(),
                scene.catalog.table(&plan.target.id).unwrap_or(&plan.target),
            ),
        };
        let wanted = columns::Wanted {
            side,
            plan,
            table,
            range: &KeyRange::All,
            // Both sides are under way at once.
            batch_bytes: scene.ctx.budget().batch_bytes / 2,
            // Rows are listed with their values.
            packed: false,
        };
        let mut flow = Inflow::open(columns::rows(snapshot, &wanted), wanted.batch_bytes);
        let mut hasher = hasher(plan);
        while let Some(parcel) = flow.next().await? {
            let records = &parcel.batch.records;
            hasher.hash(records, &[], |row| each(records, row))?;
        }
        Ok(())
    }

    /// Does the same with both sides, side by side; returns what came of the source and of the target.
    async fn both<T, F>(&self, pass: impl Fn(Self, Side) -> F) -> Result<(T, T)>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let mut task = JoinSet::new();
        task.spawn(pass(self.clone(), Side::Target));
        let target = async {
            match task.join_next().await {
                Some(Ok(found)) => found,
                Some(Err(cause)) => {
                    Err(Error::bug("a task that looks for differing rows panicked").with_cause(cause))
                }
                None => Err(Error::bug("a task that looks for differing rows is gone")),
            }
        };
        tokio::try_join!(pass(self.clone(), Side::Source), target)
    }

    /// Reads both sides into buckets and returns the differing ones, as many together as memory allows, and what the source holds now.
    async fn rounds(&self, rows: u64) -> Result<(Vec<Round>, Digest)> {
        let held = self.scene.ctx.budget().rows_held();
        let of = (rows / ROWS_PER_BUCKET).clamp(BUCKETS_MIN, BUCKETS_MAX.min(held));
        let pass = |sides: Self, side| async move { sides.buckets(side, of).await };
        let ((source, source_now), (target, _)) = self.both(pass).await?;
        let differing = source.iter().zip(&target).enumerate();
        let differing = differing.filter(|(_, (source, target))| source != target);
        let mut rounds: Vec<Round> = Vec::new();
        let mut room = 0;
        let mut room_to_see = SEEN_MAX.min(held) / self.plan.columns.len().max(1) as u64;
        for (number, (at, (source, target))) in differing.enumerate() {
            let rows = source.rows + target.rows;
            if rounds.is_empty() || rows > room {
                let round = Round {
                    of,
                    ..Round::default()
                };
                rounds.push(round);
                room = held;
            }
            room = room.saturating_sub(rows);
            let Some(round) = rounds.last_mut() else { continue };
            round.buckets.insert(at);
            // Each bucket has a row that differs, and the first keys are listed: the rows of the first buckets are enough.
            room_to_see = room_to_see.saturating_sub(rows);
            if room_to_see > 0 && number < LISTED_MAX {
                round.seen.insert(at);
            }
        }
        Ok((rounds, source_now))
    }

    async fn buckets(self, side: Side, of: u64) -> Result<(Vec<Bucket>, Digest)> {
        let size = usize::try_from(of).map_err(|cause| Error::bug("too many buckets").with_cause(cause))?;
        let mut buckets = vec![Bucket::default(); size];
        let mut digest = Digest::default();
        self.scan(side, |_, row| {
            digest.add_row(row);
            buckets[slot(row.key, of)].add(row.hash);
        })
        .await?;
        Ok((buckets, digest))
    }

    /// Returns the rows of the buckets that one side has more often.
    async fn net(&self, round: Arc<Round>) -> Result<Wanted> {
        let pass = |sides: Self, side| sides.rows_of(side, round.clone());
        let (source, target) = self.both(pass).await?;
        let mut net: HashMap<RowId, Same> = source;
        for (id, found) in target {
            match net.entry(id) {
                Entry::Occupied(known) if known.get().rows == found.rows => drop(known.remove()),
                Entry::Occupied(mut known) => known.get_mut().rows -= found.rows,
                Entry::Vacant(place) => {
                    place.insert(Same {
                        rows: -found.rows,
                        ..found
                    });
                }
            }
        }
        let mut keys: Wanted = BTreeMap::new();
        for ((key, hash), same) in net {
            keys.entry(key).or_default().push(Surplus {
                hash,
                more: same.rows,
                seen: same.seen,
            });
        }
        Ok(keys)
    }

    async fn rows_of(self, side: Side, round: Arc<Round>) -> Result<HashMap<RowId, Same>> {
        let mut rows: HashMap<RowId, Same> = HashMap::new();
        let texts = self.texts(side);
        self.scan(side, |records, row| {
            let at = slot(row.key, round.of);
            if !round.buckets.contains(&at) {
                return;
            }
            let same = rows.entry((row.key, row.hash)).or_insert_with(|| Same {
                rows: 0,
                seen: round.seen.contains(&at).then(|| Box::new(texts(records, row))),
            });
            same.rows += 1;
        })
        .await?;
        Ok(rows)
    }

    /// Reads the wanted rows once more whose values were not kept.
    async fn look_up(&self, wanted: &mut Wanted) -> Result<()> {
        let unseen = |(key, rows): (&u128, &Vec<Surplus>)| {
            let unseen = rows.iter().filter(|row| row.seen.is_none());
            unseen
                .map(|row| (*key, row.hash))
                .take(LISTED_MAX)
                .collect::<Vec<_>>()
        };
        let ids: Arc<HashSet<RowId>> = Arc::new(wanted.iter().flat_map(unseen).collect());
        if ids.is_empty() {
            return Ok(());
        }
        let pass = |sides: Self, side| sides.seen(side, ids.clone());
        let (mut source, mut target) = self.both(pass).await?;
        for (key, rows) in wanted {
            for row in rows.iter_mut().filter(|row| row.seen.is_none()) {
                let side = if row.more > 0 { &mut source } else { &mut target };
                row.seen = side.remove(&(*key, row.hash)).map(Box::new);
            }
        }
        Ok(())
    }

    async fn seen(self, side: Side, ids: Arc<HashSet<RowId>>) -> Result<HashMap<RowId, Seen>> {
        let mut seen = HashMap::new();
        let texts = self.texts(side);
        self.scan(side, |records, row| {
            let id = (row.key, row.hash);
            if ids.contains(&id) {
                seen.entry(id).or_insert_with(|| texts(records, row));
            }
        })
        .await?;
        Ok(seen)
    }

    /// Returns what takes the values of a row of the side.
    fn texts(&self, side: Side) -> impl Fn(&RecordBatch, &RowHash<'_>) -> Seen + Send + use<> {
        let ctx = &self.scene.ctx;
        let columns = side.columns(&self.plan);
        let database = match side {
            Side::Source => ctx.source.clone(),
            Side::Target => ctx.target.as_source(),
        };
        move |records, row| Seen {
            values: row_texts(database.as_ref(), &columns, records, row.row),
            columns: row.columns.to_vec(),
        }
    }
}

/// The bucket of a key: in the order of the keys' hashes.
fn slot(key: u128, of: u64) -> usize {
    let at = ((key >> 64) * u128::from(of)) >> 64;
    usize::try_from(at).unwrap_or(0)
}

#[expect(clippy::cast_possible_truncation, reason = "a half is what is wanted")]
fn halves(hash: u128) -> (u64, u64) {
    ((hash >> 64) as u64, hash as u64)
}

fn list(plan: &TablePlan, wanted: Wanted) -> Vec<RowDifference> {
    let mut listed: Vec<RowDifference> = Vec::new();
    for rows in wanted.into_values() {
        let (mut source, mut target) = (Vec::new(), Vec::new());
        for row in rows {
            let Some(seen) = row.seen else { continue };
            let of_side = if row.more > 0 { &mut source } else { &mut target };
            let times = usize::try_from(row.more.unsigned_abs()).unwrap_or(LISTED_MAX);
            let room = LISTED_MAX.saturating_sub(of_side.len());
            of_side.extend(std::iter::repeat_n(*seen, times.min(room)));
        }
        listed.extend(pair(plan, source, target));
    }
    listed.truncate(LISTED_MAX);
    listed.sort_by(|a, b| a.key.cmp(&b.key));
    listed
}

/// Pairs the rows of one key; what is left over is missing or extra.
fn pair(plan: &TablePlan, source: Vec<Seen>, target: Vec<Seen>) -> Vec<RowDifference> {
    let key = key_positions(plan);
    let difference = |kind, of: &Seen, values| RowDifference {
        kind,
        key: key_text(plan, &key, &of.values),
        values,
        as_of_now: false,
    };
    let (mut source, mut target) = (source.into_iter(), target.into_iter());
    let mut rows = Vec::new();
    loop {
        match (source.next(), target.next()) {
            (Some(source), Some(target)) => {
                let values = differing_values(plan, &source, &target);
                rows.push(difference(DifferenceKind::Differing, &source, values));
            }
            (Some(source), None) => rows.push(difference(DifferenceKind::Missing, &source, Vec::new())),
            (None, Some(target)) => rows.push(difference(DifferenceKind::Extra, &target, Vec::new())),
            (None, None) => return rows,
        }
    }
}

fn differing_values(plan: &TablePlan, source: &Seen, target: &Seen) -> Vec<ValueDifference> {
    let differs = |at: &usize| source.columns.get(*at) != target.columns.get(*at);
    let shown = |seen: &Seen, at: usize| {
        let value = seen.values[at].as_deref();
        value.map(|value| told(plan, at, value).to_owned())
    };
    (0..plan.columns.len())
        .filter(differs)
        .map(|at| ValueDifference {
            column: plan.columns[at].target.clone(),
            source: shown(source, at),
            target: shown(target, at),
        })
        .collect()
}

//! Finding the rows that differ, in bounded memory and without any order: both sides are read into hash buckets of the key, the differing
//! buckets are read again in rounds, and the first rows found are read once more with their values.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arrow_array::RecordBatch;
use futures::StreamExt as _;
use whimbrel_core::{
    DifferenceKind, Digest, KeyRange, Result, RowDifference, RowHash, Snapshot, Table, TablePlan,
    ValueDifference,
};

use super::Scene;
use super::values::{key_text, row_texts, told};
use crate::columns::{self, Side, hasher, key_positions};
use crate::retry::retry;

/// Rows that are listed with their values.
const LISTED_MAX: usize = 100;
/// Passes over the differing buckets; beyond them the count is a lower bound.
const ROUNDS_MAX: usize = 16;
const BUCKETS_MAX: u64 = 1 << 16;

/// What is compared.
pub(super) struct Rows<'a> {
    pub(super) scene: &'a Scene,
    pub(super) plan: &'a TablePlan,
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
    let sides = Sides { what, source };
    let (rounds, source_now) = sides.rounds(rows).await?;
    let as_of_now = !source_now.same_rows(what.expected);
    let mut listed = Listed {
        complete: rounds.len() <= ROUNDS_MAX,
        as_of_now,
        ..Listed::default()
    };
    let mut wanted: Wanted = BTreeMap::new();
    for round in rounds.iter().take(ROUNDS_MAX) {
        for (key, rows) in by_key(sides.net(round).await?) {
            let (missing, extra) = weigh(&rows);
            listed.total += missing.max(extra);
            if wanted.len() < LISTED_MAX {
                wanted.insert(key, rows);
            }
        }
    }
    listed.rows = sides.list(wanted).await?;
    for row in &mut listed.rows {
        row.as_of_now = as_of_now;
    }
    Ok(listed)
}

/// Row hashes of a key, each with how many more the source has (negative: the target).
type Net = Vec<(u128, i64)>;
type Wanted = BTreeMap<u128, Net>;

fn by_key(net: HashMap<(u128, u128), i64>) -> Wanted {
    let mut keys: Wanted = BTreeMap::new();
    for ((key, row), more) in net {
        keys.entry(key).or_default().push((row, more));
    }
    keys
}

/// How many rows the source and the target have more.
fn weigh(rows: &Net) -> (u64, u64) {
    let sum = |sign: i64| {
        let counts = rows.iter().map(|(_, more)| more * sign).filter(|more| *more > 0);
        counts.map(i64::unsigned_abs).sum()
    };
    (sum(1), sum(-1))
}

/// The buckets that are read again together.
struct Round {
    buckets: BTreeSet<u64>,
    of: u64,
}

/// A row with its values and column hashes.
struct Seen {
    values: Vec<Option<String>>,
    columns: Vec<u64>,
}

struct Sides<'a> {
    what: &'a Rows<'a>,
    source: Arc<dyn Snapshot>,
}

impl Sides<'_> {
    async fn scan(&self, side: Side, mut each: impl FnMut(&RecordBatch, &RowHash<'_>) + Send) -> Result<()> {
        let plan = self.what.plan;
        let scene = self.what.scene;
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
            batch_bytes: scene.ctx.budget().batch_bytes,
            // Rows are listed with their values.
            packed: false,
        };
        let mut rows = columns::rows(snapshot, &wanted);
        let mut hasher = hasher(plan);
        while let Some(batch) = rows.next().await {
            let batch = batch?;
            hasher.hash(&batch.records, &[], |row| each(&batch.records, row))?;
        }
        Ok(())
    }

    /// Reads both sides into buckets and returns the differing ones, as many together as memory allows, and what the source holds now.
    async fn rounds(&self, rows: u64) -> Result<(Vec<Round>, Digest)> {
        let of = (rows / 500).clamp(64, BUCKETS_MAX);
        let size = usize::try_from(of).unwrap_or(64);
        let mut sums = vec![(0_u64, 0_u128, 0_u128); size];
        let mut source_now = Digest::default();
        self.scan(Side::Source, |_, row| {
            source_now.add_row(row);
            let sum = &mut sums[slot(row.key, of)];
            *sum = (
                sum.0 + 1,
                sum.1.wrapping_add(row.hash),
                sum.2.wrapping_add(mixed(row.hash)),
            );
        })
        .await?;
        let mut counts: Vec<u64> = sums.iter().map(|sum| sum.0).collect();
        self.scan(Side::Target, |_, row| {
            let at = slot(row.key, of);
            counts[at] = counts[at].wrapping_add(1);
            let sum = &mut sums[at];
            *sum = (
                sum.0.wrapping_sub(1),
                sum.1.wrapping_sub(row.hash),
                sum.2.wrapping_sub(mixed(row.hash)),
            );
        })
        .await?;
        let held = self.what.scene.ctx.budget().rows_held();
        let mut rounds: Vec<Round> = Vec::new();
        let mut room = 0;
        for (at, _) in sums.iter().enumerate().filter(|(_, sum)| **sum != (0, 0, 0)) {
            if rounds.is_empty() || counts[at] > room {
                rounds.push(Round {
                    buckets: BTreeSet::new(),
                    of,
                });
                room = held;
            }
            room = room.saturating_sub(counts[at]);
            if let Some(round) = rounds.last_mut() {
                round.buckets.insert(at as u64);
            }
        }
        Ok((rounds, source_now))
    }

    /// Returns the rows of the buckets that one side has more often.
    async fn net(&self, round: &Round) -> Result<HashMap<(u128, u128), i64>> {
        let mut net: HashMap<(u128, u128), i64> = HashMap::new();
        for (side, step) in [(Side::Source, 1), (Side::Target, -1)] {
            self.scan(side, |_, row| {
                if !round.buckets.contains(&(slot(row.key, round.of) as u64)) {
                    return;
                }
                let id = (row.key, row.hash);
                let more = net.entry(id).or_default();
                *more += step;
                if *more == 0 {
                    net.remove(&id);
                }
            })
            .await?;
        }
        Ok(net)
    }

    /// Reads the wanted rows with their values.
    async fn list(&self, mut wanted: Wanted) -> Result<Vec<RowDifference>> {
        let mut seen: BTreeMap<u128, (Vec<Seen>, Vec<Seen>)> = BTreeMap::new();
        let ctx = &self.what.scene.ctx;
        let sides = [
            (Side::Source, ctx.source.clone(), 1_i64),
            (Side::Target, ctx.target.as_source(), -1),
        ];
        for (side, database, sign) in sides {
            let columns = side.columns(self.what.plan);
            self.scan(side, |records, row| {
                let Some(rows) = wanted.get_mut(&row.key) else {
                    return;
                };
                let Some((_, more)) = rows
                    .iter_mut()
                    .find(|(hash, more)| *hash == row.hash && more * sign > 0)
                else {
                    return;
                };
                let of_key = seen.entry(row.key).or_default();
                let of_side = if sign > 0 { &mut of_key.0 } else { &mut of_key.1 };
                if of_side.len() >= LISTED_MAX {
                    return;
                }
                *more -= sign;
                of_side.push(Seen {
                    values: row_texts(database.as_ref(), &columns, records, row.row),
                    columns: row.columns.to_vec(),
                });
            })
            .await?;
        }
        let mut listed: Vec<RowDifference> = seen
            .into_values()
            .flat_map(|(source, target)| pair(self.what.plan, source, target))
            .collect();
        listed.truncate(LISTED_MAX);
        listed.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(listed)
    }
}

fn slot(key: u128, of: u64) -> usize {
    usize::try_from(key % u128::from(of)).unwrap_or(0)
}

/// Not linear, so that differences do not cancel each other out.
fn mixed(hash: u128) -> u128 {
    hash.wrapping_mul(hash | 1)
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

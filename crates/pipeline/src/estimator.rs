//! How far a run is, how fast, and how long it will take: learned from what has run. Pure: the instants are handed in, so a clock that
//! jumps changes nothing.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use whimbrel_core::{Plan, StepPhase, TableId};

use crate::observer::Progress;
use crate::outlook::{InWork, Kind, Outlook};

const VERIFY: &str = "verify";

/// Older speed counts for a third after this long.
const MEMORY: Duration = Duration::from_secs(10);

/// What a row and a step take besides their bytes, in bytes that take as long.
const ROW_BYTES: u64 = 32;
const STEP_BYTES: u64 = 256 << 10;

/// Before a step has ended, it is taken to need this part of the time that copying its tables takes; and so for comparing.
const STEP_SHARE: f64 = 0.2;
const VERIFY_SHARE: f64 = 0.4;

/// A speed that forgets.
#[derive(Debug, Clone, Copy, Default)]
struct Speed {
    per_second: f64,
    /// How much of it is known: 0 in the beginning, near 1 after a while.
    known: f64,
}

impl Speed {
    fn add(&mut self, amount: f64, time: Duration) {
        let seconds = time.as_secs_f64();
        if seconds > 0.0 {
            let kept = (-seconds / MEMORY.as_secs_f64()).exp();
            self.per_second = self.per_second * kept + amount / seconds * (1.0 - kept);
            self.known = self.known * kept + (1.0 - kept);
        }
    }

    fn now(&self) -> f64 {
        if self.known > 0.0 {
            self.per_second / self.known
        } else {
            0.0
        }
    }

    /// None while nothing is known, unless nothing is to be done.
    fn seconds_for(&self, amount: f64) -> Option<f64> {
        let now = self.now();
        match amount > 0.0 {
            true => (now > 0.0).then(|| amount / now),
            false => Some(0.0),
        }
    }
}

/// What is counted: the value, and what it was when the speed was measured last.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    now: u64,
    measured: Option<u64>,
    speed: Speed,
}

impl Count {
    fn set(&mut self, now: u64) {
        self.now = now;
        // What had arrived before this run is no work of this run.
        self.measured.get_or_insert(now);
    }

    fn measure(&mut self, time: Duration) -> u64 {
        let grown = self.now.saturating_sub(self.measured.unwrap_or(self.now));
        self.measured = self.measured.map(|_| self.now);
        // Until the first of them comes nobody has worked on it.
        if grown > 0 || self.speed.known > 0.0 {
            self.speed.add(grown as f64, time);
        }
        grown
    }
}

#[derive(Debug, Clone, Default)]
struct Table {
    rows_planned: u64,
    /// The work that the whole table is, in bytes.
    work: u64,
    rows: Count,
    bytes: Count,
    verified: Count,
    copies: bool,
    is_copied: bool,
}

impl Table {
    fn rows_to_verify(&self) -> u64 {
        let rows = if self.is_copied {
            self.rows.now
        } else {
            self.rows_planned
        };
        rows.saturating_sub(self.verified.now)
    }

    /// The part of the table's work that so many rows are: what a source says of its tables' sizes and what arrives are different bytes.
    fn work_of(&self, rows: u64) -> f64 {
        self.work as f64 * rows.min(self.rows_planned) as f64 / self.rows_planned.max(1) as f64
    }

    fn work_left(&self) -> f64 {
        if self.is_copied {
            0.0
        } else {
            self.work_of(self.rows_planned) - self.work_of(self.rows.now)
        }
    }
}

#[derive(Debug, Clone)]
struct StepInWork {
    title: String,
    began: Instant,
}

/// Learns from what happens how long the rest will take.
#[derive(Debug)]
pub(crate) struct Estimator {
    phase: &'static str,
    places: f64,
    verifies: bool,
    tables: BTreeMap<TableId, Table>,
    /// The work of the tables of each step that is left.
    steps_left: BTreeMap<String, u64>,
    in_work: BTreeMap<String, StepInWork>,
    /// Seconds and work of the steps that have ended.
    steps: (f64, u64),
    copied: Speed,
    bytes: Speed,
    rows: Speed,
    verified: Speed,
    measured: Instant,
}

impl Estimator {
    pub(crate) fn new(plan: &Plan, places: usize, now: Instant) -> Self {
        let tables: BTreeMap<TableId, Table> = plan
            .tables
            .iter()
            .map(|table| {
                let planned = Table {
                    rows_planned: table.rows,
                    work: table.bytes + table.rows * ROW_BYTES,
                    ..Table::default()
                };
                (table.target.id.clone(), planned)
            })
            .collect();
        let work = |ids: &[TableId]| {
            let works = ids.iter().filter_map(|id| tables.get(id)).map(|table| table.work);
            works.max().unwrap_or(0) + STEP_BYTES
        };
        let after = plan
            .steps
            .iter()
            .filter(|step| step.phase == StepPhase::AfterData);
        let steps_left = after.map(|step| (step.id.clone(), work(&step.tables))).collect();
        Self::of(tables, steps_left, places, plan.policies.verify, now)
    }

    fn of(
        tables: BTreeMap<TableId, Table>,
        steps_left: BTreeMap<String, u64>,
        places: usize,
        verifies: bool,
        now: Instant,
    ) -> Self {
        Self {
            phase: "",
            places: places.max(1) as f64,
            verifies,
            tables,
            steps_left,
            in_work: BTreeMap::new(),
            steps: (0.0, 0),
            copied: Speed::default(),
            bytes: Speed::default(),
            rows: Speed::default(),
            verified: Speed::default(),
            measured: now,
        }
    }

    /// Takes in what happened.
    pub(crate) fn note(&mut self, event: &Progress, now: Instant) {
        match event {
            Progress::PhaseStarted { phase } => self.phase_started(phase),
            Progress::TableStarted { table, .. } => self.table(table, |table| {
                table.copies = true;
                table.is_copied = false;
            }),
            Progress::TableProgress { table, rows, bytes } => self.table(table, |table| {
                table.rows.set(*rows);
                table.bytes.set(*bytes);
            }),
            Progress::TableEnded { table, rows } => self.table(table, |table| {
                table.rows.set(*rows);
                table.copies = false;
                table.is_copied = true;
            }),
            Progress::VerifyProgress { table, rows } => self.table(table, |table| {
                table.verified.measured.get_or_insert(0);
                table.verified.set(*rows);
            }),
            Progress::StepStarted { step, title } => {
                let began = StepInWork {
                    title: title.clone(),
                    began: now,
                };
                self.in_work.insert(step.clone(), began);
            }
            Progress::StepEnded { step } => self.step_ended(step, now),
            Progress::PhaseEnded { .. }
            | Progress::Retry { .. }
            | Progress::Notice { .. }
            | Progress::Outlook(_) => {}
        }
    }

    fn phase_started(&mut self, phase: &'static str) {
        self.phase = phase;
        if phase == VERIFY {
            // The data phase has ended, in this run or before it, whatever the plan had expected.
            for table in self.tables.values_mut() {
                table.is_copied = true;
            }
        }
    }

    fn table(&mut self, table: &TableId, change: impl FnOnce(&mut Table)) {
        if let Some(known) = self.tables.get_mut(table) {
            change(known);
        }
    }

    fn step_ended(&mut self, step: &str, now: Instant) {
        let work = self.steps_left.remove(step);
        if let (Some(began), Some(work)) = (self.in_work.remove(step), work) {
            self.steps.0 += now.saturating_duration_since(began.began).as_secs_f64();
            self.steps.1 += work;
        }
    }

    /// Returns how far the run is, and measures the speeds up to now.
    pub(crate) fn outlook(&mut self, now: Instant) -> Outlook {
        let time = now.saturating_duration_since(self.measured);
        self.measured = now;
        let (mut rows, mut bytes, mut work, mut verified) = (0, 0, 0.0, 0);
        for table in self.tables.values_mut() {
            let grown = table.rows.measure(time);
            rows += grown;
            work += table.work_of(table.rows.now) - table.work_of(table.rows.now - grown);
            bytes += table.bytes.measure(time);
            verified += table.verified.measure(time);
        }
        // A speed is that of the work while there is work of its kind.
        if rows > 0 || self.tables.values().any(|table| table.copies) {
            self.copied.add(work, time);
            self.bytes.add(bytes as f64, time);
            self.rows.add(rows as f64, time);
        }
        if verified > 0 {
            self.verified.add(verified as f64, time);
        }
        let compares = self.phase == VERIFY;
        Outlook {
            phase: self.phase.to_owned(),
            rows: self.tables.values().map(|table| table.rows.now).sum(),
            rows_planned: self.tables.values().map(|table| table.rows_planned).sum(),
            rows_verified: self.tables.values().map(|table| table.verified.now).sum(),
            bytes: self.tables.values().map(|table| table.bytes.now).sum(),
            rows_per_second: if compares {
                self.verified.now()
            } else {
                self.rows.now()
            },
            bytes_per_second: if compares { 0.0 } else { self.bytes.now() },
            seconds_left: self.seconds_left(now).map(whole),
            in_work: self.in_work(now),
        }
    }

    fn seconds_left(&self, now: Instant) -> Option<f64> {
        let to_copy: f64 = self.tables.values().map(Table::work_left).sum();
        let copy = self.copied.seconds_for(to_copy)?;
        let steps = self.steps_left.iter();
        let steps: Option<f64> = steps
            .map(|(step, work)| self.step_seconds(step, *work, now))
            .sum();
        Some(copy + steps? / self.places + self.verify_seconds()?)
    }

    /// What is left of a step; none while nothing of its kind has run.
    fn step_seconds(&self, step: &str, work: u64, now: Instant) -> Option<f64> {
        let whole = match self.steps {
            (seconds, done) if done > 0 => seconds / done as f64 * work as f64,
            _ => self.copied.seconds_for(work as f64)? * self.places * STEP_SHARE,
        };
        let gone = self
            .in_work
            .get(step)
            .map(|work| now.saturating_duration_since(work.began));
        Some((whole - gone.unwrap_or_default().as_secs_f64()).max(0.0))
    }

    fn verify_seconds(&self) -> Option<f64> {
        if !self.verifies {
            return Some(0.0);
        }
        let rows: u64 = self.tables.values().map(Table::rows_to_verify).sum();
        let rows = rows as f64;
        let guess = || self.rows.seconds_for(rows).map(|seconds| seconds * VERIFY_SHARE);
        self.verified.seconds_for(rows).or_else(guess)
    }

    fn in_work(&self, now: Instant) -> Vec<InWork> {
        let mut all: Vec<InWork> = self
            .tables
            .iter()
            .filter_map(|(id, table)| rows_in_work(id, table))
            .collect();
        all.extend(self.in_work.iter().map(|(step, work)| {
            let learned = self.steps_left.get(step).filter(|_| self.steps.1 > 0);
            let left = learned.and_then(|work| self.step_seconds(step, *work, now));
            InWork {
                what: work.title.clone(),
                work: Kind::Step,
                rows: None,
                rows_planned: None,
                rows_per_second: 0.0,
                seconds_left: left.map(whole),
            }
        }));
        all
    }
}

fn rows_in_work(id: &TableId, table: &Table) -> Option<InWork> {
    let (work, count) = if table.copies {
        (Kind::Copy, &table.rows)
    } else if table.verified.now > 0 && table.rows_to_verify() > 0 {
        (Kind::Verify, &table.verified)
    } else {
        return None;
    };
    let planned = if work == Kind::Verify {
        table.rows.now
    } else {
        table.rows_planned
    };
    Some(InWork {
        what: id.to_string(),
        work,
        rows: Some(count.now),
        rows_planned: Some(planned),
        rows_per_second: count.speed.now(),
        seconds_left: count
            .speed
            .seconds_for(planned.saturating_sub(count.now) as f64)
            .map(whole),
    })
}

fn whole(seconds: f64) -> u64 {
    Duration::try_from_secs_f64(seconds.round())
        .unwrap_or(Duration::MAX)
        .as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A run whose clock the test turns.
    struct Course {
        estimator: Estimator,
        now: Instant,
        last: Outlook,
    }

    impl Course {
        /// Tables of so many rows of 68 bytes, each with a step after the data.
        fn new(tables: &[(&str, u64)], steps: bool, verifies: bool) -> Self {
            let now = Instant::now();
            let planned = |rows: &u64| Table {
                rows_planned: *rows,
                work: rows * 100,
                ..Table::default()
            };
            let all = tables
                .iter()
                .map(|(name, rows)| (TableId::bare(*name), planned(rows)));
            let steps_left = tables.iter().filter(|_| steps);
            let steps_left = steps_left.map(|(name, rows)| (format!("index of {name}"), rows * 100));
            let mut estimator = Estimator::of(all.collect(), steps_left.collect(), 1, verifies, now);
            estimator.phase = "data";
            Self {
                estimator,
                now,
                last: Outlook::default(),
            }
        }

        fn note(&mut self, event: &Progress) {
            self.estimator.note(event, self.now);
        }

        fn started(&mut self, table: &str) {
            self.note(&Progress::TableStarted {
                table: TableId::bare(table),
                rows: 0,
                bytes: 0,
            });
        }

        fn arrived(&mut self, table: &str, rows: u64) {
            self.note(&Progress::TableProgress {
                table: TableId::bare(table),
                rows,
                bytes: rows * 68,
            });
        }

        fn ended(&mut self, table: &str, rows: u64) {
            self.note(&Progress::TableEnded {
                table: TableId::bare(table),
                rows,
            });
        }

        fn verified(&mut self, table: &str, rows: u64) {
            self.note(&Progress::VerifyProgress {
                table: TableId::bare(table),
                rows,
            });
        }

        fn step(&mut self, table: &str, time: Duration) {
            let step = format!("index of {table}");
            self.note(&Progress::StepStarted {
                step: step.clone(),
                title: format!("create {step}"),
            });
            self.pass(time);
            self.note(&Progress::StepEnded { step });
        }

        fn pass(&mut self, time: Duration) {
            self.now += time;
            self.last = self.estimator.outlook(self.now);
        }

        /// Copies rows of a table at a steady speed, from so many to so many.
        fn copy(&mut self, table: &str, rows: std::ops::Range<u64>, per_second: u64) {
            self.started(table);
            self.arrived(table, rows.start);
            let mut at = rows.start;
            while at < rows.end {
                at = (at + per_second).min(rows.end);
                self.arrived(table, at);
                self.pass(SECOND);
            }
        }
    }

    fn close(found: f64, wanted: f64) -> bool {
        (found - wanted).abs() <= wanted * 0.02
    }

    #[test]
    fn a_steady_copy_has_the_right_rate_and_remaining_time() {
        let mut run = Course::new(&[("a", 100_000), ("b", 100_000)], false, false);
        run.copy("a", 0..40_000, 2_000);
        assert!(close(run.last.rows_per_second, 2_000.0), "{:?}", run.last);
        assert!(close(run.last.bytes_per_second, 136_000.0), "{:?}", run.last);
        assert_eq!(run.last.seconds_left, Some(80));
        let [table] = run.last.in_work.as_slice() else {
            panic!("one table is in work: {:?}", run.last.in_work)
        };
        assert_eq!((table.what.as_str(), table.work), ("a", Kind::Copy));
        assert_eq!((table.rows, table.rows_planned), (Some(40_000), Some(100_000)));
        assert_eq!(table.seconds_left, Some(30));
    }

    #[test]
    fn a_new_speed_is_learned_soon() {
        let mut run = Course::new(&[("a", 1_000_000)], false, false);
        run.copy("a", 0..100_000, 5_000);
        run.copy("a", 100_000..130_000, 500);
        assert!(close(run.last.rows_per_second, 500.0), "{:?}", run.last);
    }

    #[test]
    fn what_had_arrived_before_counts_for_progress_and_not_for_speed() {
        let mut run = Course::new(&[("a", 100_000)], false, false);
        run.copy("a", 80_000..90_000, 1_000);
        assert_eq!(run.last.rows, 90_000);
        assert!(close(run.last.rows_per_second, 1_000.0), "{:?}", run.last);
        assert_eq!(run.last.seconds_left, Some(10));
    }

    #[test]
    fn while_nothing_has_run_no_time_is_told() {
        let mut run = Course::new(&[("a", 100_000)], true, true);
        run.pass(SECOND);
        assert_eq!(run.last.seconds_left, None);
        run.started("a");
        run.pass(SECOND);
        assert_eq!(run.last.seconds_left, None);
        assert!(run.last.rows_per_second < f64::EPSILON);
        assert_eq!(run.last.in_work[0].seconds_left, None);
    }

    #[test]
    fn a_resumed_run_with_steps_alone_tells_no_time_before_one_has_ended() {
        let mut run = Course::new(&[("a", 10_000), ("b", 10_000)], true, false);
        for table in ["a", "b"] {
            run.arrived(table, 10_000);
        }
        run.pass(SECOND);
        assert_eq!((run.last.rows, run.last.seconds_left), (20_000, None));
        run.step("a", 30 * SECOND);
        run.pass(Duration::ZERO);
        assert_eq!(run.last.seconds_left, Some(30), "the other takes as long");
    }

    #[test]
    fn a_step_in_work_counts_down() {
        let mut run = Course::new(&[("a", 10_000), ("b", 20_000)], true, false);
        run.copy("a", 0..10_000, 1_000);
        run.ended("a", 10_000);
        run.copy("b", 0..20_000, 1_000);
        run.ended("b", 20_000);
        run.step("a", 40 * SECOND);
        run.note(&Progress::StepStarted {
            step: "index of b".to_owned(),
            title: "create index of b".to_owned(),
        });
        run.pass(50 * SECOND);
        assert_eq!(
            run.last.seconds_left,
            Some(30),
            "twice the rows, and 50 s are gone"
        );
        let [step] = run.last.in_work.as_slice() else {
            panic!("one step is in work: {:?}", run.last.in_work)
        };
        assert_eq!((step.what.as_str(), step.work), ("create index of b", Kind::Step));
        assert_eq!(step.seconds_left, Some(30));
    }

    #[test]
    fn verification_is_guessed_from_the_copy_and_then_learned() {
        let mut run = Course::new(&[("a", 10_000), ("b", 10_000)], false, true);
        for table in ["a", "b"] {
            run.copy(table, 0..10_000, 1_000);
            run.ended(table, 10_000);
        }
        assert_eq!(run.last.seconds_left, Some(8), "two fifths of the copy's 20 s");
        run.note(&Progress::PhaseStarted { phase: "verify" });
        for second in 1..=20 {
            run.verified("a", second * 250);
            run.pass(SECOND);
        }
        assert_eq!(run.last.rows_verified, 5_000);
        assert!(close(run.last.rows_per_second, 250.0), "{:?}", run.last);
        assert_eq!(run.last.seconds_left, Some(60));
        let [table] = run.last.in_work.as_slice() else {
            panic!("one table is in work: {:?}", run.last.in_work)
        };
        assert_eq!((table.what.as_str(), table.work), ("a", Kind::Verify));
        assert_eq!((table.rows, table.seconds_left), (Some(5_000), Some(20)));
    }

    #[test]
    fn fewer_rows_than_planned_leave_nothing_to_wait_for() {
        let mut run = Course::new(&[("a", 1_000_000)], false, false);
        run.copy("a", 0..10_000, 1_000);
        run.ended("a", 10_000);
        run.pass(SECOND);
        assert_eq!(run.last.seconds_left, Some(0));
        assert!(run.last.in_work.is_empty());
    }
}

//! Progress: bars on a terminal, a line every ten seconds elsewhere. What happened is told by the use cases.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use whimbrel_app::{AnalysisWatch, Observer, Progress};
use whimbrel_core::TableId;

use crate::text;
use crate::ui::Ui;

/// Pause between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// Phases whose progress is a number of rows.
const MOVING_ROWS: &[&str] = &["data", "verify"];
/// Tables that have a bar of their own at once; more would scroll the terminal.
const TABLE_BARS_MAX: usize = 8;

/// Returns the observer that fits what is in front: bars, lines or nothing.
pub(crate) fn observer(ui: &Arc<Ui>, rows: u64) -> Arc<dyn Observer> {
    if ui.shows_bars() {
        Arc::new(Bars::new(rows))
    } else {
        Arc::new(Lines::new(ui, rows))
    }
}

/// Returns the watch over an analysis that fits what is in front.
pub(crate) fn analysis(ui: &Arc<Ui>) -> AnalysisProgress {
    let bar = ProgressBar::hidden();
    bar.set_style(style("{prefix:>10} {bar:24} {pos}/{len} tables  {msg}"));
    bar.set_prefix("analyze");
    AnalysisProgress {
        bar,
        is_shown: ui.shows_bars(),
        rows: AtomicU64::new(0),
    }
}

/// Watches an analysis.
#[derive(Debug)]
pub(crate) struct AnalysisProgress {
    bar: ProgressBar,
    is_shown: bool,
    rows: AtomicU64,
}

impl AnalysisWatch for AnalysisProgress {
    fn tables(&self, count: usize, _rows_estimate: u64) {
        self.bar.set_length(count as u64);
        if !self.is_shown {
            return;
        }
        // Not before: a password may be asked for first.
        self.bar.set_draw_target(ProgressDrawTarget::stderr());
        self.bar.enable_steady_tick(Duration::from_millis(200));
    }

    fn table(&self, table: &TableId, rows: u64) {
        let rows = self.rows.fetch_add(rows, Ordering::Relaxed) + rows;
        self.bar.inc(1);
        self.bar
            .set_message(format!("{} rows, {table}", text::count(rows)));
    }
}

impl Drop for AnalysisProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Rows so far of every table, and their sum.
#[derive(Debug, Default)]
struct Rows {
    by_table: BTreeMap<TableId, u64>,
}

impl Rows {
    fn set(&mut self, table: &TableId, rows: u64) -> u64 {
        self.by_table.insert(table.clone(), rows);
        self.by_table.values().sum()
    }
}

/// One bar for the phase, and one for each table in flight.
struct Bars {
    all: MultiProgress,
    phase: ProgressBar,
    rows_planned: u64,
    state: Mutex<BarState>,
}

#[derive(Default)]
struct BarState {
    rows: Rows,
    tables: BTreeMap<TableId, ProgressBar>,
}

impl Bars {
    fn new(rows_planned: u64) -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let phase = all.add(ProgressBar::new(rows_planned));
        Self {
            all,
            phase,
            rows_planned,
            state: Mutex::default(),
        }
    }

    fn say(&self, text: impl AsRef<str>) {
        // A terminal that is gone has nobody in front of it.
        let _gone = self.all.println(text);
    }

    fn begin(&self, phase: &'static str) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.rows = Rows::default();
        state.clear();
        self.phase.reset();
        self.phase.set_length(self.rows_planned);
        self.phase.set_style(style(if MOVING_ROWS.contains(&phase) {
            "{prefix:>10} {bar:24} {human_pos}/{human_len} rows  {rate}  {eta} left"
        } else {
            "{prefix:>10} {spinner} {elapsed}"
        }));
        self.phase.set_prefix(phase);
        self.phase.enable_steady_tick(Duration::from_millis(200));
    }

    fn rows(&self, table: &TableId, rows: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let sum = state.rows.set(table, rows);
        self.phase.set_position(sum);
        if let Some(bar) = state.tables.get(table) {
            bar.set_position(rows);
        }
    }

    fn open(&self, table: &TableId, rows: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.tables.len() >= TABLE_BARS_MAX || state.tables.contains_key(table) {
            return;
        }
        let bar = self.all.add(ProgressBar::new(rows));
        bar.set_style(style("{prefix:>10} {bar:24} {human_pos}/{human_len}  {msg}"));
        bar.set_message(table.to_string());
        state.tables.insert(table.clone(), bar);
    }

    fn close(&self, table: &TableId) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bar) = state.tables.remove(table) {
            bar.finish_and_clear();
            self.all.remove(&bar);
        }
    }
}

impl BarState {
    fn clear(&mut self) {
        for bar in std::mem::take(&mut self.tables).into_values() {
            bar.finish_and_clear();
        }
    }
}

impl Observer for Bars {
    fn progress(&self, event: &Progress) {
        match event {
            Progress::PhaseStarted { phase } => self.begin(phase),
            Progress::PhaseEnded { phase, summary } => self.say(format!("{phase:>10} done: {summary}")),
            Progress::TableStarted { table, rows, .. } => self.open(table, *rows),
            Progress::TableProgress { table, rows, .. } | Progress::VerifyProgress { table, rows } => {
                self.rows(table, *rows);
            }
            Progress::TableEnded { table, rows } => {
                self.rows(table, *rows);
                self.close(table);
            }
            Progress::Retry {
                what,
                attempt,
                wait,
                error,
            } => self.say(retry(what, *attempt, *wait, error)),
            Progress::Notice { text } => self.say(text),
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.state
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        self.phase.finish_and_clear();
    }
}

/// A line for each phase, and one every ten seconds in between.
struct Lines {
    ui: Arc<Ui>,
    rows_planned: u64,
    state: Mutex<LineState>,
}

struct LineState {
    phase: &'static str,
    rows: Rows,
    said: Instant,
}

impl Lines {
    fn new(ui: &Arc<Ui>, rows_planned: u64) -> Self {
        Self {
            ui: Arc::clone(ui),
            rows_planned,
            state: Mutex::new(LineState {
                phase: "",
                rows: Rows::default(),
                said: Instant::now(),
            }),
        }
    }

    fn begin(&self, phase: &'static str) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state = LineState {
            phase,
            rows: Rows::default(),
            said: Instant::now(),
        };
    }

    fn rows(&self, table: &TableId, rows: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let sum = state.rows.set(table, rows);
        if state.said.elapsed() < LINE_EVERY {
            return;
        }
        state.said = Instant::now();
        let line = format!(
            "{}: {} of {} rows, now {table}",
            state.phase,
            text::count(sum),
            text::count(self.rows_planned)
        );
        self.ui.say(line);
    }
}

impl Observer for Lines {
    fn progress(&self, event: &Progress) {
        match event {
            Progress::PhaseStarted { phase } => self.begin(phase),
            Progress::PhaseEnded { phase, summary } => self.ui.say(format!("{phase}: {summary}")),
            Progress::TableStarted { .. } => {}
            Progress::TableProgress { table, rows, .. }
            | Progress::VerifyProgress { table, rows }
            | Progress::TableEnded { table, rows } => self.rows(table, *rows),
            Progress::Retry {
                what,
                attempt,
                wait,
                error,
            } => self.ui.say(retry(what, *attempt, *wait, error)),
            Progress::Notice { text } => self.ui.say(text),
        }
    }
}

fn retry(what: &str, attempt: u32, wait: Duration, error: &str) -> String {
    format!(
        "{what}: {error}; try {attempt} follows in {:.1} s",
        wait.as_secs_f64()
    )
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("rate", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            // What cannot be drawn is not missed.
            let _drawn = write!(out, "{:.0}/s", state.per_sec());
        })
        .progress_chars("=> ")
}

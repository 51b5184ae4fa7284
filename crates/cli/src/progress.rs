//! Progress: bars on a terminal, a line every ten seconds elsewhere. What happened is told by the use cases.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use whimbrel_app::{AnalysisWatch, InWork, Kind, Observer, Outlook, Progress};
use whimbrel_core::TableId;

use crate::text;
use crate::ui::{Ui, harmless};

/// Pause between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// Phases whose progress is a number of rows.
const MOVING_ROWS: &[&str] = &["data", "verify"];
/// Tables and steps that have a bar of their own at once; more would scroll the terminal.
const BARS_MAX: usize = 8;

/// Returns the observer that fits what is in front: bars, lines or nothing.
pub(crate) fn observer(ui: &Arc<Ui>, rows: u64) -> Arc<dyn Observer> {
    if ui.shows_bars() {
        Arc::new(Bars::new(rows))
    } else {
        Arc::new(Lines::new(ui))
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
        // Tables may be read a second time.
        self.bar.set_position(0);
        self.rows.store(0, Ordering::Relaxed);
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
            .set_message(harmless(&format!("{} rows, {table}", text::count(rows))).into_owned());
    }
}

impl Drop for AnalysisProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// A bar for the whole run, and one for each table or step in work.
struct Bars {
    all: MultiProgress,
    whole: ProgressBar,
    /// By what they show.
    in_work: Mutex<BTreeMap<String, ProgressBar>>,
}

impl Bars {
    fn new(rows_planned: u64) -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let whole = all.add(ProgressBar::new(rows_planned));
        Self {
            all,
            whole,
            in_work: Mutex::default(),
        }
    }

    fn say(&self, text: impl AsRef<str>) {
        // A terminal that is gone has nobody in front of it.
        let _gone = self.all.println(harmless(text.as_ref()));
    }

    fn begin(&self, phase: &'static str) {
        self.whole.set_style(style(if MOVING_ROWS.contains(&phase) {
            "{prefix:>10} {bar:24} {msg}"
        } else {
            "{prefix:>10} {spinner} {elapsed}"
        }));
        self.whole.set_prefix(phase);
        self.whole.enable_steady_tick(Duration::from_millis(200));
    }

    fn show(&self, outlook: &Outlook) {
        let (rows, all) = text::rows_of_phase(outlook);
        self.whole.set_length(all);
        self.whole.set_position(rows);
        self.whole.set_message(text::outlook(outlook));
        let mut bars = self.in_work.lock().unwrap_or_else(PoisonError::into_inner);
        bars.retain(|what, bar| {
            let stays = outlook.in_work.iter().any(|work| work.what == *what);
            if !stays {
                bar.finish_and_clear();
                self.all.remove(bar);
            }
            stays
        });
        for work in &outlook.in_work {
            if bars.len() < BARS_MAX || bars.contains_key(&work.what) {
                let bar = bars.entry(work.what.clone()).or_insert_with(|| self.open(work));
                bar.set_length(work.rows_planned.unwrap_or(1));
                bar.set_position(work.rows.unwrap_or(0));
                bar.set_message(harmless(&text::in_work(work)).into_owned());
            }
        }
    }

    fn open(&self, work: &InWork) -> ProgressBar {
        let bar = self.all.add(ProgressBar::new(1));
        bar.set_style(style(match work.work {
            Kind::Copy | Kind::Verify => "           {bar:24} {msg}",
            Kind::Step => "           {spinner} {msg}",
        }));
        bar
    }
}

impl Observer for Bars {
    fn progress(&self, event: &Progress) {
        match event {
            Progress::PhaseStarted { phase } => self.begin(phase),
            Progress::PhaseEnded { phase, summary } => self.say(format!("{phase:>10} done: {summary}")),
            Progress::Outlook(outlook) => self.show(outlook),
            Progress::TableStarted { .. }
            | Progress::TableProgress { .. }
            | Progress::TableEnded { .. }
            | Progress::VerifyProgress { .. }
            | Progress::StepStarted { .. }
            | Progress::StepEnded { .. } => {}
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
        let bars = self.in_work.get_mut().unwrap_or_else(PoisonError::into_inner);
        for bar in std::mem::take(bars).into_values() {
            bar.finish_and_clear();
        }
        self.whole.finish_and_clear();
    }
}

/// A line for each phase, and one every ten seconds in between.
struct Lines {
    ui: Arc<Ui>,
    said: Mutex<Instant>,
}

impl Lines {
    fn new(ui: &Arc<Ui>) -> Self {
        Self {
            ui: Arc::clone(ui),
            said: Mutex::new(Instant::now()),
        }
    }

    fn show(&self, outlook: &Outlook) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        // Before the first phase there is nothing to say yet.
        if outlook.phase.is_empty() || said.elapsed() < LINE_EVERY {
            return;
        }
        *said = Instant::now();
        let now: Vec<String> = outlook.in_work.iter().take(BARS_MAX).map(text::in_work).collect();
        let now = if now.is_empty() {
            String::new()
        } else {
            format!("; now {}", now.join("; "))
        };
        self.ui
            .say(format!("{}: {}{now}", outlook.phase, text::outlook(outlook)));
    }
}

impl Observer for Lines {
    fn progress(&self, event: &Progress) {
        match event {
            Progress::PhaseEnded { phase, summary } => self.ui.say(format!("{phase}: {summary}")),
            Progress::Outlook(outlook) => self.show(outlook),
            Progress::PhaseStarted { .. }
            | Progress::TableStarted { .. }
            | Progress::TableProgress { .. }
            | Progress::VerifyProgress { .. }
            | Progress::TableEnded { .. }
            | Progress::StepStarted { .. }
            | Progress::StepEnded { .. } => {}
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
        .progress_chars("=> ")
}

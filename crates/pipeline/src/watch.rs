//! Watches a run: learns from what happens how long the rest takes, tells whoever looks on, writes it down for other processes, and
//! listens to what they wish.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::context::{RunContext, seconds_text};
use crate::estimator::Estimator;
use crate::observer::{Observer, Progress};
use crate::store::{PauseState, ProgressRecord};

/// How often the outlook is told; every second time it is written down.
const TICK: Duration = Duration::from_millis(500);

/// Watches a run until it is dropped.
pub(crate) struct Watch {
    _ticking: JoinSet<()>,
    ctx: RunContext,
}

struct Watcher {
    estimator: Mutex<Estimator>,
    inner: Arc<dyn Observer>,
}

impl Observer for Watcher {
    fn progress(&self, event: &Progress) {
        self.estimator().note(event, Instant::now());
        self.inner.progress(event);
    }
}

impl Watcher {
    fn estimator(&self) -> std::sync::MutexGuard<'_, Estimator> {
        self.estimator.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Begins to watch; returns the watch, and the context whose observer it is.
pub(crate) fn begin(ctx: &RunContext) -> (Watch, RunContext) {
    let watcher = Arc::new(Watcher {
        estimator: Mutex::new(Estimator::new(
            &ctx.plan,
            ctx.limits.jobs.min(ctx.limits.writers),
            Instant::now(),
        )),
        inner: Arc::clone(&ctx.observer),
    });
    // A wish that an earlier process left unheard is none of this one's.
    forget(ctx);
    let watched = RunContext {
        observer: Arc::clone(&watcher) as Arc<dyn Observer>,
        ..ctx.clone()
    };
    let mut ticking = JoinSet::new();
    ticking.spawn(tick(watcher, watched.clone()));
    let watch = Watch {
        _ticking: ticking,
        ctx: ctx.clone(),
    };
    (watch, watched)
}

impl Drop for Watch {
    fn drop(&mut self) {
        forget(&self.ctx);
    }
}

/// The files of a watch are hints; one that stays behind is told by its age.
fn forget(ctx: &RunContext) {
    ctx.dir.forget_progress();
}

async fn tick(watcher: Arc<Watcher>, ctx: RunContext) {
    let mut ticks = tokio::time::interval(TICK);
    let mut paused_since: Option<String> = None;
    for count in 0_u64.. {
        ticks.tick().await;
        let outlook = watcher.estimator().outlook(Instant::now());
        let heard = listen(&ctx, &mut paused_since);
        if heard || ctx.gate.is_closed() || count.is_multiple_of(2) {
            let record = ProgressRecord {
                at: seconds_text(ctx.clock.as_ref()),
                process: std::process::id(),
                pause: pause_state(&ctx),
                paused_since: paused_since.clone(),
                outlook: outlook.clone(),
            };
            ctx.dir.save_progress(&record);
        }
        watcher.inner.progress(&Progress::Outlook(Box::new(outlook)));
    }
}

/// Closes or opens the gate as another process wishes; tells whether it has.
fn listen(ctx: &RunContext, paused_since: &mut Option<String>) -> bool {
    let wished = ctx.dir.is_pause_wished();
    if wished == ctx.gate.is_closed() {
        return false;
    }
    ctx.gate.set_closed(wished);
    *paused_since = wished.then(|| seconds_text(ctx.clock.as_ref()));
    ctx.notice(if wished {
        "pausing: what is under way is brought to its end, nothing new begins; go on with `whimbrel resume` in another shell"
    } else {
        "going on"
    });
    true
}

fn pause_state(ctx: &RunContext) -> PauseState {
    match (ctx.gate.is_closed(), ctx.gate.is_quiet()) {
        (false, _) => PauseState::Running,
        (true, false) => PauseState::Pausing,
        (true, true) => PauseState::Paused,
    }
}

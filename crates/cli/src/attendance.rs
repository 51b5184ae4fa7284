//! Who attends a run: progress for the person, and signals. The first Ctrl-C stops at a checkpoint, the second one at once; SIGTERM stops
//! at a checkpoint or, when that takes too long, at once. All of them can be resumed.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use whimbrel_app::{Attendance, refusal};
use whimbrel_core::{Error, Result};

use crate::exit::Exit;
use crate::progress;
use crate::ui::Ui;

/// How long a run may take to stop after SIGTERM: service managers and schedulers kill soon after it.
const GRACE: Duration = Duration::from_secs(4);

/// Does the work with progress shown and signals heard; a second signal ends it with [`Exit::Interrupted`].
pub(crate) async fn attended<T>(
    ui: &Arc<Ui>,
    rows: u64,
    work: impl AsyncFnOnce(&Attendance) -> Result<T>,
) -> Result<Result<T, Exit>> {
    let stop = CancellationToken::new();
    let attendance = Attendance {
        observer: progress::observer(ui, rows),
        stop: stop.clone(),
    };
    let done = tokio::select! {
        done = Box::pin(work(&attendance)) => done.map(Ok),
        heard = told_to_end(ui, &stop) => heard.map(|()| Err(Exit::Interrupted)),
    };
    done
}

/// Does work that changes nothing; Ctrl-C ends it at once, and says so.
pub(crate) async fn unless_interrupted<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let mut interrupt = listen(SignalKind::interrupt())?;
    tokio::select! {
        done = Box::pin(work) => done,
        _ = interrupt.recv() => {
            Err(Error::invalid("interrupted; nothing was changed").with_code(refusal::INTERRUPTED))
        }
    }
}

fn listen(kind: SignalKind) -> Result<Signal> {
    signal(kind).map_err(|cause| Error::invalid("the program cannot listen to signals").with_cause(cause))
}

/// Asks for a stop at the first signal; returns when the work shall end as it stands.
async fn told_to_end(ui: &Ui, stop: &CancellationToken) -> Result<()> {
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    let is_terminated = tokio::select! {
        _ = interrupt.recv() => false,
        _ = terminate.recv() => true,
    };
    stop.cancel();
    if is_terminated {
        ui.say("stopping at the last checkpoint, in 4 s at the latest");
        tokio::time::sleep(GRACE).await;
        return Ok(());
    }
    ui.say("stopping at the last checkpoint; press Ctrl-C again to stop at once");
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

//! Who attends a run: progress for the person, and Ctrl-C. The first one stops at a checkpoint, the second one at once.

use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use whimbrel_app::{Attendance, refusal};
use whimbrel_core::{Error, Result};

use crate::exit::Exit;
use crate::progress;
use crate::ui::Ui;

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
        heard = two_signals(ui, &stop) => heard.map(|()| Err(Exit::Interrupted)),
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

async fn two_signals(ui: &Ui, stop: &CancellationToken) -> Result<()> {
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    let mut first = true;
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        if !first {
            return Ok(());
        }
        first = false;
        stop.cancel();
        ui.say("stopping at the last checkpoint; press Ctrl-C again to stop at once");
    }
}

//! A gate before every piece of work, which another process may close and open: `pause` and `resume`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// A gate before every piece of work; open when made. Clones are the same gate.
#[derive(Debug, Clone, Default)]
pub struct Gate {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    closed: watch::Sender<bool>,
    inside: AtomicUsize,
}

impl Default for Inner {
    fn default() -> Self {
        Self {
            closed: watch::Sender::new(false),
            inside: AtomicUsize::new(0),
        }
    }
}

/// A piece of work that went through the gate; over when this is dropped.
#[derive(Debug)]
pub(crate) struct Pass(Arc<Inner>);

impl Drop for Pass {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Gate {
    /// Goes through the gate as soon as it is open; none when `stop` came first.
    pub(crate) async fn enter(&self, stop: &CancellationToken) -> Option<Pass> {
        let mut closed = self.inner.closed.subscribe();
        loop {
            if stop.is_cancelled() {
                return None;
            }
            // Counted before looking: a gate that closes now sees whoever is not turned back.
            self.inner.inside.fetch_add(1, Ordering::AcqRel);
            let pass = Pass(Arc::clone(&self.inner));
            if !*closed.borrow_and_update() {
                return Some(pass);
            }
            drop(pass);
            tokio::select! {
                biased;
                () = stop.cancelled() => return None,
                changed = closed.changed() => changed.ok()?,
            }
        }
    }

    pub(crate) fn set_closed(&self, closed: bool) {
        self.inner
            .closed
            .send_if_modified(|now| std::mem::replace(now, closed) != closed);
    }

    pub(crate) fn is_closed(&self) -> bool {
        *self.inner.closed.borrow()
    }

    /// Tells whether the gate is closed and nobody is inside.
    pub(crate) fn is_quiet(&self) -> bool {
        self.is_closed() && self.inner.inside.load(Ordering::Acquire) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_closed_gate_lets_those_inside_end_and_nobody_in() {
        let (gate, stop) = (Gate::default(), CancellationToken::new());
        let inside = gate.enter(&stop).await.unwrap();
        gate.set_closed(true);
        assert!(!gate.is_quiet());
        drop(inside);
        assert!(gate.is_quiet());
        let mut waiting = Box::pin(gate.enter(&stop));
        assert!(futures::poll!(&mut waiting).is_pending());
        assert!(gate.is_quiet(), "who waits is not inside");
        gate.set_closed(false);
        assert!(waiting.await.is_some());
    }

    #[tokio::test]
    async fn whoever_waits_is_let_go_by_a_stop() {
        let (gate, stop) = (Gate::default(), CancellationToken::new());
        gate.set_closed(true);
        let waiting = gate.enter(&stop);
        let stopping = async {
            tokio::task::yield_now().await;
            stop.cancel();
        };
        assert!(tokio::join!(waiting, stopping).0.is_none());
        gate.set_closed(false);
        assert!(gate.enter(&stop).await.is_none(), "nothing begins after a stop");
    }
}

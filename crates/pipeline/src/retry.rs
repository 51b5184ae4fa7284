//! Trying again: by the error's class and nothing else, with doubling waits that the user can cut short.

use std::future::Future;
use std::time::Duration;

use whimbrel_core::{Error, ErrorClass, Result};

use crate::context::RunContext;
use crate::failure::interrupted;
use crate::observer::Progress;

const WAIT_MAX: Duration = Duration::from_secs(30);

/// Counts the attempts at one operation.
pub(crate) struct Attempts<'a> {
    ctx: &'a RunContext,
    what: String,
    failed: u32,
}

impl<'a> Attempts<'a> {
    pub(crate) fn new(ctx: &'a RunContext, what: impl Into<String>) -> Self {
        Self {
            ctx,
            what: what.into(),
            failed: 0,
        }
    }

    /// Returns when the operation may be tried again, and the error when it may not.
    pub(crate) async fn again_after(&mut self, error: Error) -> Result<()> {
        let again = match error.class() {
            ErrorClass::Transient => self.failed < self.ctx.limits.retries,
            ErrorClass::Conflict
            | ErrorClass::SnapshotLost
            | ErrorClass::Denied
            | ErrorClass::Unsupported
            | ErrorClass::Invalid
            | ErrorClass::Bug => false,
        };
        if !again {
            return Err(error);
        }
        self.failed += 1;
        let wait = wait_before(self.failed, self.ctx.limits.retry_base);
        self.ctx.observer.progress(&Progress::Retry {
            what: self.what.clone(),
            attempt: self.failed,
            wait,
            error: error.chain(),
        });
        tokio::select! {
            biased;
            () = self.ctx.stop.cancelled() => Err(interrupted()),
            () = tokio::time::sleep(wait) => Ok(()),
        }
    }
}

/// Runs the operation until it succeeds, fails for good, or has failed too often. The operation may be repeated by its contract.
pub(crate) async fn retry<T, F>(ctx: &RunContext, what: &str, mut operation: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let mut attempts = Attempts::new(ctx, what);
    loop {
        match operation().await {
            Ok(value) => return Ok(value),
            Err(error) => attempts.again_after(error).await?,
        }
    }
}

fn wait_before(attempt: u32, base: Duration) -> Duration {
    base.saturating_mul(2_u32.saturating_pow(attempt - 1))
        .min(WAIT_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_half_a_minute() {
        let waits: Vec<u128> = [1, 2, 3, 10, 100]
            .iter()
            .map(|attempt| wait_before(*attempt, Duration::from_millis(500)).as_millis())
            .collect();
        assert_eq!(waits, [500, 1000, 2000, 30_000, 30_000]);
    }
}

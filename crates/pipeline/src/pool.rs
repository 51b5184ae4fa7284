//! Tasks side by side: a fixed number of places, a queue, and the first failure ends the rest cleanly.

use std::collections::VecDeque;
use std::future::Future;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use whimbrel_core::Error;

use crate::failure::Failure;

/// A number of places, and the token that ends the tasks in them.
pub(crate) struct Pool {
    places: usize,
    stop: CancellationToken,
}

/// A job and the places that it takes.
pub(crate) struct Job<J> {
    pub(crate) weight: usize,
    pub(crate) job: J,
}

impl<J> Job<J> {
    pub(crate) fn one(job: J) -> Self {
        Self { weight: 1, job }
    }
}

impl Pool {
    pub(crate) fn new(places: usize, stop: CancellationToken) -> Self {
        Self {
            places: places.max(1),
            stop,
        }
    }

    pub(crate) fn places(&self) -> usize {
        self.places
    }

    /// Runs a task per job, in the queue's order as places get free, and hands each result to `each`. A task watches the token that it is
    /// given and ends soon after it is cancelled. Returns when every task has ended: with the first failure, or as interrupted.
    pub(crate) async fn run<J, T, F>(
        &self,
        jobs: Vec<Job<J>>,
        task: impl Fn(J, CancellationToken) -> F,
        mut each: impl FnMut(T) -> Result<(), Failure>,
    ) -> Result<(), Failure>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Failure>> + Send + 'static,
    {
        let cancel = self.stop.child_token();
        let mut queue: VecDeque<Job<J>> = jobs.into();
        let mut tasks: JoinSet<(usize, Result<T, Failure>)> = JoinSet::new();
        let mut free = self.places;
        let mut failed: Option<Failure> = None;
        loop {
            while !cancel.is_cancelled()
                && queue
                    .front()
                    .is_some_and(|next| next.weight.min(self.places) <= free)
                && let Some(next) = queue.pop_front()
            {
                let weight = next.weight.min(self.places);
                free -= weight;
                let future = task(next.job, cancel.clone());
                tasks.spawn(async move { (weight, future.await) });
            }
            let Some(joined) = tasks.join_next().await else {
                break;
            };
            let outcome = match joined {
                Ok((weight, outcome)) => {
                    free += weight;
                    outcome.and_then(&mut each)
                }
                Err(error) => Err(Error::bug("a task panicked").with_cause(error).into()),
            };
            if let Err(failure) = outcome {
                cancel.cancel();
                failed.get_or_insert(failure);
            }
        }
        match failed {
            Some(failure) => Err(failure),
            None if queue.is_empty() => Ok(()),
            None => Err(Failure::interrupted()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_heavy_job_runs_alone_and_order_is_kept() {
        let now = Arc::new(AtomicUsize::new(0));
        let pool = Pool::new(3, CancellationToken::new());
        let jobs = [1, 1, 3, 1, 1].map(|weight| Job { weight, job: weight }).into();
        let mut done = 0;
        let task = |weight: usize, _cancel| {
            let now = now.clone();
            async move {
                let others = now.fetch_add(weight, Ordering::SeqCst);
                tokio::task::yield_now().await;
                now.fetch_sub(weight, Ordering::SeqCst);
                assert!(others + weight <= 3);
                Ok(())
            }
        };
        let each = |()| {
            done += 1;
            Ok(())
        };
        pool.run(jobs, task, each).await.unwrap();
        assert_eq!(done, 5);
    }

    #[tokio::test]
    async fn the_first_failure_ends_the_others() {
        let pool = Pool::new(2, CancellationToken::new());
        let task = |number: usize, cancel: CancellationToken| async move {
            if number == 0 {
                return Err(Error::invalid("first").into());
            }
            cancel.cancelled().await;
            Err::<(), _>(Failure::interrupted())
        };
        let jobs = (0..4).map(Job::one).collect();
        let failure = pool.run(jobs, task, |()| Ok(())).await.unwrap_err();
        assert_eq!(failure.error.to_string(), "first");
    }

    #[tokio::test]
    async fn what_was_not_started_counts_as_interrupted() {
        let stop = CancellationToken::new();
        stop.cancel();
        let pool = Pool::new(2, stop);
        let failure = pool
            .run(vec![Job::one(())], |(), _| async { Ok(()) }, |()| Ok(()))
            .await
            .unwrap_err();
        assert!(failure.is_interrupt());
    }
}

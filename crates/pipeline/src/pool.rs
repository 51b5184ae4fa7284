//! Jobs side by side: a fixed number of places, one budget of bytes, and the first failure ends the rest cleanly. Which job is next is
//! for the work to say.

use std::collections::VecDeque;
use std::future::Future;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use whimbrel_core::Error;

use crate::failure::Failure;
use crate::gate::Gate;

/// How many lighter jobs may pass one that does not fit yet. After that the others wait, so that it gets its turn.
const PASSED_MAX: usize = 16;

/// A number of places and bytes, and the token that ends the jobs that have them.
pub(crate) struct Pool {
    places: usize,
    bytes: u64,
    stop: CancellationToken,
    gate: Gate,
}

/// A job, and the bytes that it holds at most.
pub(crate) struct Job<J> {
    pub(crate) bytes: u64,
    pub(crate) job: J,
}

impl<J> Job<J> {
    /// A job that holds nothing worth counting.
    pub(crate) fn light(job: J) -> Self {
        Self { bytes: 0, job }
    }
}

/// What is free.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    bytes: u64,
    is_empty: bool,
}

impl Room {
    /// Tells whether a job may begin now; one that is larger than the whole budget may when nothing else is held.
    pub(crate) fn takes(&self, bytes: u64) -> bool {
        bytes <= self.bytes || self.is_empty
    }
}

/// Work that comes apart into jobs as it goes.
pub(crate) trait Work {
    type Job;
    type Done: Send + 'static;

    /// Takes out the job that shall begin now; none when none may, as things stand.
    fn next(&mut self, room: Room) -> Option<Job<Self::Job>>;

    /// Takes in what a job has done.
    fn done(&mut self, done: Self::Done) -> Result<(), Failure>;

    /// Tells whether something is left that has not begun.
    fn is_left(&self) -> bool;
}

impl Pool {
    pub(crate) fn new(places: usize, bytes: u64, stop: CancellationToken) -> Self {
        Self {
            places: places.max(1),
            bytes,
            stop,
            gate: Gate::default(),
        }
    }

    /// Lets jobs begin only where the gate lets them.
    pub(crate) fn behind(self, gate: Gate) -> Self {
        Self { gate, ..self }
    }

    /// Does the work: a task per job, as many at once as there are places and bytes for. A task watches the token that it is given and ends
    /// soon after it is cancelled. Returns when every task has ended: with the first failure, or as interrupted.
    pub(crate) async fn work<W, F>(
        &self,
        work: &mut W,
        task: impl Fn(W::Job, CancellationToken) -> F,
    ) -> Result<(), Failure>
    where
        W: Work,
        F: Future<Output = Result<W::Done, Failure>> + Send + 'static,
    {
        let cancel = self.stop.child_token();
        let mut tasks: JoinSet<(u64, Result<W::Done, Failure>)> = JoinSet::new();
        let mut held = 0;
        let mut failed: Option<Failure> = None;
        loop {
            while !cancel.is_cancelled()
                && tasks.len() < self.places
                && let Some(next) = work.next(self.room(held))
            {
                let bytes = next.bytes;
                held += bytes;
                let future = task(next.job, cancel.clone());
                let (gate, cancel) = (self.gate.clone(), cancel.clone());
                tasks.spawn(async move {
                    match gate.enter(&cancel).await {
                        Some(_pass) => (bytes, future.await),
                        None => (bytes, Err(Failure::interrupted())),
                    }
                });
            }
            let Some(joined) = tasks.join_next().await else {
                break;
            };
            let outcome = match joined {
                Ok((bytes, outcome)) => {
                    held -= bytes;
                    outcome.and_then(|done| work.done(done))
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
            None if !work.is_left() => Ok(()),
            None if cancel.is_cancelled() => Err(Failure::interrupted()),
            None => Err(Error::bug("work is left that waits for nothing").into()),
        }
    }

    /// Runs a task per job, in the order of the jobs, and hands each result to `each`.
    pub(crate) async fn run<J, T, F>(
        &self,
        jobs: Vec<Job<J>>,
        task: impl Fn(J, CancellationToken) -> F,
        each: impl FnMut(T) -> Result<(), Failure>,
    ) -> Result<(), Failure>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Failure>> + Send + 'static,
    {
        let mut list = List {
            line: jobs.into_iter().collect(),
            each,
            done: std::marker::PhantomData,
        };
        self.work(&mut list, task).await
    }

    fn room(&self, held: u64) -> Room {
        Room {
            bytes: self.bytes.saturating_sub(held),
            is_empty: held == 0,
        }
    }
}

/// Jobs that are known from the beginning.
struct List<J, T, E> {
    line: Line<J>,
    each: E,
    done: std::marker::PhantomData<fn() -> T>,
}

impl<J, T, E> Work for List<J, T, E>
where
    T: Send + 'static,
    E: FnMut(T) -> Result<(), Failure>,
{
    type Job = J;
    type Done = T;

    fn next(&mut self, room: Room) -> Option<Job<J>> {
        self.line.next(room)
    }

    fn done(&mut self, done: T) -> Result<(), Failure> {
        (self.each)(done)
    }

    fn is_left(&self) -> bool {
        !self.line.is_empty()
    }
}

/// Jobs in the order in which they are wanted. One that does not fit lets some lighter ones pass.
pub(crate) struct Line<J> {
    jobs: VecDeque<Job<J>>,
    passed: usize,
}

impl<J> Default for Line<J> {
    fn default() -> Self {
        Self {
            jobs: VecDeque::new(),
            passed: 0,
        }
    }
}

impl<J> FromIterator<Job<J>> for Line<J> {
    fn from_iter<I: IntoIterator<Item = Job<J>>>(jobs: I) -> Self {
        Self {
            jobs: jobs.into_iter().collect(),
            passed: 0,
        }
    }
}

impl<J> Line<J> {
    pub(crate) fn extend(&mut self, jobs: impl IntoIterator<Item = Job<J>>) {
        self.jobs.extend(jobs);
    }

    pub(crate) fn next(&mut self, room: Room) -> Option<Job<J>> {
        let first = self.jobs.front()?;
        if room.takes(first.bytes) {
            self.passed = 0;
            return self.jobs.pop_front();
        }
        if self.is_held() {
            return None;
        }
        let at = self.jobs.iter().position(|job| room.takes(job.bytes))?;
        self.passed += 1;
        self.jobs.remove(at)
    }

    /// Tells whether the first job has been passed so often that everything that takes bytes waits for it.
    pub(crate) fn is_held(&self) -> bool {
        self.passed >= PASSED_MAX
    }

    pub(crate) fn retain(&mut self, keep: impl Fn(&J) -> bool) {
        self.jobs.retain(|job| keep(&job.job));
    }

    pub(crate) fn len(&self) -> usize {
        self.jobs.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    fn pool(places: usize, bytes: u64) -> Pool {
        Pool::new(places, bytes, CancellationToken::new())
    }

    fn jobs(bytes: impl IntoIterator<Item = u64>) -> Vec<Job<u64>> {
        bytes.into_iter().map(|bytes| Job { bytes, job: bytes }).collect()
    }

    /// Runs jobs that hold what they say, and returns the order in which they began.
    async fn order(pool: Pool, bytes: Vec<u64>, limit: u64) -> Vec<u64> {
        let (now, order) = (Arc::new(AtomicU64::new(0)), Arc::new(Mutex::new(Vec::new())));
        let task = |bytes: u64, _cancel| {
            let now = now.clone();
            order.lock().unwrap().push(bytes);
            async move {
                let others = now.fetch_add(bytes, Ordering::SeqCst);
                tokio::task::yield_now().await;
                now.fetch_sub(bytes, Ordering::SeqCst);
                assert!(others == 0 || others + bytes <= limit);
                Ok(())
            }
        };
        pool.run(jobs(bytes), task, |()| Ok(())).await.unwrap();
        let began = order.lock().unwrap();
        began.clone()
    }

    #[tokio::test]
    async fn jobs_hold_no_more_bytes_than_there_are_and_a_larger_one_runs_alone() {
        let began = order(pool(3, 30), vec![10, 10, 30, 10, 99], 30).await;
        assert_eq!(began.len(), 5);
        assert_eq!(
            began[..3],
            [10, 10, 10],
            "a lighter one passes the one that does not fit"
        );
    }

    #[tokio::test]
    async fn a_heavy_job_is_not_passed_for_ever() {
        let mut bytes = vec![10, 10, 30];
        bytes.extend([10; 100]);
        let began = order(pool(3, 30), bytes, 30).await;
        let at = began.iter().position(|bytes| *bytes == 30).unwrap();
        assert!(at <= PASSED_MAX + 2, "it began as number {at}");
    }

    #[tokio::test]
    async fn the_first_failure_ends_the_others() {
        let task = |number: u64, cancel: CancellationToken| async move {
            if number == 0 {
                return Err(Error::invalid("first").into());
            }
            cancel.cancelled().await;
            Err::<(), _>(Failure::interrupted())
        };
        let failure = pool(2, 9).run(jobs(0..4), task, |()| Ok(())).await.unwrap_err();
        assert_eq!(failure.error.to_string(), "first");
    }

    #[tokio::test]
    async fn what_was_not_started_counts_as_interrupted() {
        let pool = pool(2, 9);
        pool.stop.cancel();
        let failure = pool
            .run(jobs([1]), |_, _| async { Ok(()) }, |()| Ok(()))
            .await
            .unwrap_err();
        assert!(failure.is_interrupt());
    }
}

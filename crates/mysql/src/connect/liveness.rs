//! Tells a server that works from a connection that is dead. TCP notices a peer that is gone, but not a proxy that answers for a peer
//! that it no longer reaches; so while we wait, the server is asked over another connection what the session does.

use std::fmt;
use std::io::{Error as IoError, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Opts, Row};
use whimbrel_core::{Doing, Error, Result, Silence};

use super::abandon::Waiting;

/// Which server answers: a proxy may give the question to another one, and its sessions' numbers are not the server's.
pub(super) const WHO: &str = "SELECT CONNECTION_ID(), CONCAT(@@hostname, ':', @@port)";

/// Looks after one session while we wait for its answers.
#[derive(Clone)]
pub(crate) struct Lookout {
    pub(super) opts: Opts,
    pub(super) patience: Option<Duration>,
    /// The server's name for itself.
    pub(super) address: String,
    pub(super) session: u32,
    /// Counts what we sent, as far as somebody says so.
    sent: Arc<AtomicU64>,
}

impl fmt::Debug for Lookout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The options hold the password.
        f.debug_struct("Lookout")
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}

impl Lookout {
    pub(super) fn new(opts: Opts, patience: Option<Duration>, address: String, session: u32) -> Self {
        Self {
            opts,
            patience,
            address,
            session,
            sent: Arc::default(),
        }
    }

    /// Returns a counter to be raised with every piece that is sent, so that a slow way is not taken for a dead one.
    pub(crate) fn sent(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.sent)
    }

    /// Waits for work that consists of questions to the session; a dead connection ends it. When nobody waits any more, the session ends.
    pub(crate) async fn during<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let waiting = Waiting::begin(self);
        let outcome = tokio::select! {
            biased;
            outcome = work => outcome,
            () = self.until_dead() => Err(
                Error::connection_lost().with_cause(silence()),
            ),
        };
        waiting.end();
        outcome
    }

    /// Waits for an answer of the session; a dead connection ends it. When nobody waits any more, the session ends.
    pub(crate) async fn answer<T>(
        &self,
        answer: impl Future<Output = std::io::Result<T>>,
    ) -> std::io::Result<T> {
        let waiting = Waiting::begin(self);
        let answer = tokio::select! {
            biased;
            answer = answer => answer,
            () = self.until_dead() => Err(silence()),
        };
        waiting.end();
        answer
    }

    /// Returns only when the connection is dead: within the patience after the wait began or something was sent.
    async fn until_dead(&self) {
        let Some(patience) = self.patience else {
            return std::future::pending().await;
        };
        let part = Silence::part(patience);
        let sign = || self.sent.load(Ordering::Relaxed);
        let mut silence = Silence::since(sign());
        loop {
            tokio::time::sleep(part).await;
            if silence.goes_on(Some(sign())) {
                // A question that nobody answers is an answer, too.
                let asked = tokio::time::timeout(part, Box::pin(self.ask())).await;
                // What moved meanwhile says more.
                if silence.is_still(Some(sign())) && silence.is_death(asked.unwrap_or(Doing::NoAnswer)) {
                    // Nobody will ever speak on it again, and what it holds is in our own way.
                    drop(tokio::time::timeout(part, Box::pin(self.end())).await);
                    return;
                }
            }
        }
    }

    async fn ask(&self) -> Doing {
        match Conn::new(self.opts.clone()).await {
            Ok(mut conn) => {
                let doing = self.ask_on(&mut conn).await;
                drop(conn.disconnect().await);
                doing.unwrap_or(Doing::Works)
            }
            Err(mysql_async::Error::Io(_)) => Doing::NoAnswer,
            // A server that turns us away is there; the sessions that it has may work.
            Err(_) => Doing::Works,
        }
    }

    /// Ends the session at the server, so that its locks go; best effort, since the server may be out of reach.
    async fn end(&self) -> Option<()> {
        let mut conn = Conn::new(self.opts.clone()).await.ok()?;
        if self.is_same(&mut conn).await.ok()? {
            let sql = format!("KILL CONNECTION {}", self.session);
            conn.query_drop(sql).await.ok()?;
        }
        drop(conn.disconnect().await);
        Some(())
    }

    /// Tells whether this is the server itself, and the one that has the session.
    async fn is_same(&self, conn: &mut Conn) -> std::result::Result<bool, mysql_async::Error> {
        let who: Option<(u32, String)> = conn.query_first(WHO).await?;
        Ok(who.is_some_and(|(session, address)| session == conn.id() && address == self.address))
    }

    async fn ask_on(&self, conn: &mut Conn) -> std::result::Result<Doing, mysql_async::Error> {
        if !self.is_same(conn).await? {
            return Ok(Doing::Works);
        }
        let sessions: Vec<Row> = conn.query("SHOW PROCESSLIST").await?;
        let ours = sessions
            .iter()
            .find(|row| row.get::<u32, _>("Id") == Some(self.session));
        let Some(ours) = ours else {
            return Ok(Doing::Gone);
        };
        let word = |name| ours.get::<Option<String>, _>(name).flatten().unwrap_or_default();
        let seconds = ours.get::<Option<i64>, _>("Time").flatten().unwrap_or(0);
        Ok(judged(&word("Command"), &word("State"), seconds))
    }
}

fn silence() -> IoError {
    IoError::new(
        ErrorKind::TimedOut,
        "the server no longer hears us, or we no longer hear it",
    )
}

/// What a command and its state mean. A session that has slept for less than a second is between two statements.
fn judged(command: &str, state: &str, seconds: i64) -> Doing {
    let network = [
        "Writing to net",
        "Reading from net",
        "Sending to client",
        "Receiving from client",
    ];
    match command {
        "Sleep" if seconds >= 1 => Doing::WaitsForUs,
        "Query" | "Execute" | "Prepare" if network.contains(&state) => Doing::WaitsForUs,
        _ => Doing::Works,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_sorts_for_hours_lives_and_one_that_waits_for_us_does_not_hear_us() {
        for (command, state, seconds, doing) in [
            ("Query", "Creating sort index", 4000, Doing::Works),
            ("Query", "altering table", 4000, Doing::Works),
            ("Query", "Waiting for table metadata lock", 60, Doing::Works),
            ("Query", "Writing to net", 1, Doing::WaitsForUs),
            ("Query", "Reading from net", 1, Doing::WaitsForUs),
            ("Sleep", "", 20, Doing::WaitsForUs),
            ("Sleep", "", 0, Doing::Works),
        ] {
            assert_eq!(judged(command, state, seconds), doing, "{command} {state}");
        }
    }

    #[tokio::test]
    async fn work_that_ends_is_never_asked_about() {
        let lookout = Lookout::new(Opts::default(), Some(Duration::from_secs(60)), String::new(), 1);
        assert_eq!(lookout.during(async { Ok(7) }).await.unwrap(), 7);
        assert_eq!(lookout.answer(async { Ok(7) }).await.unwrap(), 7);
    }
}

//! Tells a server that works from a connection that is dead. TCP notices a peer that is gone, but not a proxy that answers for a peer
//! that it no longer reaches; so while we wait and no byte moves, the server is asked over another connection what the session does.

use std::sync::Arc;

use tokio_postgres::SimpleQueryMessage;
use whimbrel_core::{Doing, Silence};

use super::wire::Talk;
use super::{Session, Settings};

/// What a session is to the server: its process, where the server is and when it began.
pub(super) const WHO: &str = "SELECT pg_catalog.pg_backend_pid(), pg_catalog.concat(pg_catalog.inet_server_addr(), ':', \
    pg_catalog.inet_server_port()), pg_catalog.pg_postmaster_start_time()::pg_catalog.text";

/// A session as the server names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Who {
    process: String,
    address: String,
    begun: String,
}

impl Who {
    /// Reads the answer to [`WHO`] among those of other statements.
    pub(super) fn read(answers: &[SimpleQueryMessage]) -> Option<Self> {
        answers.iter().find_map(|answer| {
            let SimpleQueryMessage::Row(row) = answer else {
                return None;
            };
            Some(Self {
                process: row.get(0)?.to_owned(),
                address: row.get(1)?.to_owned(),
                begun: row.get(2)?.to_owned(),
            })
        })
    }
}

/// Returns only when the connection is dead: within the settings' patience after the last byte.
pub(super) async fn until_dead(settings: Settings, talk: Arc<Talk>, who: Who) {
    let Some(patience) = settings.patience else {
        return std::future::pending().await;
    };
    let part = Silence::part(patience);
    let mut silence = Silence::default();
    loop {
        tokio::time::sleep(part).await;
        if silence.goes_on(talk.waiting()) {
            let asked = Box::pin(ask(&settings, &who));
            // A question that nobody answers is an answer, too.
            let doing = tokio::time::timeout(part, asked).await.unwrap_or(Doing::NoAnswer);
            // What moved meanwhile says more.
            if silence.is_still(talk.waiting()) && silence.is_death(doing) {
                // Nobody will ever speak on it again, and what it holds is in our own way.
                drop(tokio::time::timeout(part, Box::pin(end(&settings, &who))).await);
                return;
            }
        }
    }
}

async fn ask(settings: &Settings, who: &Who) -> Doing {
    match settings.connect().await {
        Ok(session) => ask_on(&session, who).await,
        // A server that turns us away is there; the sessions that it has may work.
        Err(error) if error.code() == "connection" => Doing::NoAnswer,
        Err(_) => Doing::Works,
    }
}

/// Ends the session at the server, so that its locks go; best effort, since the server may be out of reach.
async fn end(settings: &Settings, who: &Who) -> Option<()> {
    let session = settings.connect().await.ok()?;
    let now = Who::read(&session.simple_query(WHO).await.ok()?)?;
    if (&now.address, &now.begun) == (&who.address, &who.begun) {
        let sql = format!("SELECT pg_catalog.pg_terminate_backend({})", who.process);
        session.simple_query(&sql).await.ok()?;
    }
    Some(())
}

async fn ask_on(session: &Session, who: &Who) -> Doing {
    let sql = format!(
        "{WHO}; SELECT coalesce(state, ''), coalesce(wait_event_type, ''), coalesce(wait_event, '')
           FROM pg_catalog.pg_stat_activity WHERE pid = {}",
        who.process
    );
    let Ok(answers) = session.simple_query(&sql).await else {
        return Doing::Works;
    };
    match Who::read(&answers) {
        Some(now) if now.address != who.address => return Doing::Works,
        Some(now) if now.begun != who.begun => return Doing::Gone,
        Some(_) => {}
        None => return Doing::Works,
    }
    let mut rows = answers.iter().filter_map(|answer| {
        let SimpleQueryMessage::Row(row) = answer else {
            return None;
        };
        Some(row)
    });
    let Some(row) = rows.nth(1) else {
        return Doing::Gone;
    };
    let word = |at: usize| row.get(at).unwrap_or_default();
    judged(word(0), word(1), word(2))
}

/// What a state and what it waits for mean; a state that others may not see is no reason to doubt.
fn judged(state: &str, kind: &str, event: &str) -> Doing {
    match (state, kind, event) {
        ("idle" | "idle in transaction" | "idle in transaction (aborted)", _, _)
        | ("active", "Client", "ClientRead" | "ClientWrite") => Doing::WaitsForUs,
        _ => Doing::Works,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_sorts_for_hours_lives_and_one_that_waits_for_us_does_not_hear_us() {
        for (state, kind, event, doing) in [
            ("active", "", "", Doing::Works),
            ("active", "IO", "BufFileWrite", Doing::Works),
            ("active", "Lock", "relation", Doing::Works),
            ("active", "Client", "ClientWrite", Doing::WaitsForUs),
            ("active", "Client", "ClientRead", Doing::WaitsForUs),
            ("idle in transaction", "Client", "ClientRead", Doing::WaitsForUs),
            ("idle", "Client", "ClientRead", Doing::WaitsForUs),
            ("", "", "", Doing::Works),
        ] {
            assert_eq!(judged(state, kind, event), doing, "{state} {kind} {event}");
        }
    }
}

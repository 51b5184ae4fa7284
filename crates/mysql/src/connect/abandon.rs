//! Ends at the server what it does for a session that nobody waits for any more. A server notices that only when it has something to
//! say; until then an index is built for nobody, and a statement that waits for a lock holds up others.

use std::time::Duration;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Result};
use tokio::runtime::{Builder, Handle};

use super::liveness::{Lookout, WHO};

/// How long the message may take; it needs a connection of its own.
const MESSAGE_MAX: Duration = Duration::from_secs(2);

/// While this lives, somebody waits for the session's answer; dropped before the answer is there, it ends the session.
pub(super) struct Waiting<'a> {
    lookout: Option<&'a Lookout>,
}

impl<'a> Waiting<'a> {
    pub(super) fn begin(lookout: &'a Lookout) -> Self {
        Self {
            lookout: Some(lookout),
        }
    }

    /// The answer is there.
    pub(super) fn end(mut self) {
        self.lookout = None;
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let Some(lookout) = self.lookout.cloned() else {
            return;
        };
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        // A task would be dropped with the runtime, which may be about to end.
        drop(runtime.spawn_blocking(move || {
            let Ok(own) = Builder::new_current_thread().enable_all().build() else {
                return;
            };
            // Nobody waits for the outcome: at worst the server finds out by itself.
            drop(own.block_on(async { tokio::time::timeout(MESSAGE_MAX, Box::pin(tell(&lookout))).await }));
        }));
    }
}

/// Ends the session, unless somebody else answers for its server: there the number may be another's.
async fn tell(lookout: &Lookout) -> Result<()> {
    let mut conn = Conn::new(lookout.opts.clone()).await?;
    let who: Option<(u32, String)> = conn.query_first(WHO).await?;
    if who.is_some_and(|(session, address)| session == conn.id() && address == lookout.address) {
        conn.query_drop(format!("KILL {}", lookout.session)).await?;
    }
    conn.disconnect().await
}

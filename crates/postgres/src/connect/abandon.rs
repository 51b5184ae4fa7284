//! Ends at the server what it does for a session that is dropped meanwhile. A server notices that nobody listens only when it has
//! something to say; until then an index is built for nobody, and a statement that waits for a lock holds up others.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{CancelToken, NoTls};

use super::address::Stream;
use super::wire::Talk;
use super::{Settings, Trust, tls};

/// How long the message may take; it needs a connection of its own.
const MESSAGE_MAX: Duration = Duration::from_secs(2);

/// Ends the session's work when it is dropped while the server works.
pub(super) struct Abandon {
    settings: Settings,
    token: CancelToken,
    talk: Arc<Talk>,
}

impl std::fmt::Debug for Abandon {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The token is a secret of the session.
        f.debug_struct("Abandon").finish_non_exhaustive()
    }
}

impl Abandon {
    pub(super) fn new(settings: Settings, token: CancelToken, talk: Arc<Talk>) -> Self {
        Self {
            settings,
            token,
            talk,
        }
    }
}

impl Drop for Abandon {
    fn drop(&mut self) {
        if !self.talk.is_awaited() {
            return;
        }
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let (settings, token) = (self.settings.clone(), self.token.clone());
        // A task would be dropped with the runtime, which may be about to end.
        drop(runtime.spawn_blocking(move || {
            let Ok(own) = Builder::new_current_thread().enable_all().build() else {
                return;
            };
            let told = tell(&settings, &token);
            drop(own.block_on(async { tokio::time::timeout(MESSAGE_MAX, told).await }));
        }));
    }
}

/// Nobody waits for the outcome: at worst the server finds out by itself.
async fn tell(settings: &Settings, token: &CancelToken) {
    let Ok(stream) = settings.address.reach().await else {
        return;
    };
    if !settings.address.is_remote() {
        drop(token.cancel_query_raw(stream, NoTls).await);
        return;
    }
    let Ok(mut connectors) = tls::connector(Trust::Anything, &settings.files) else {
        return;
    };
    let name = settings.address.name();
    let Ok(connector) = MakeTlsConnect::<Stream>::make_tls_connect(&mut connectors, name);
    drop(Box::pin(token.cancel_query_raw(stream, connector)).await);
}

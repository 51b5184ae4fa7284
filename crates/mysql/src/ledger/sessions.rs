//! Sessions that write, kept open between uses. One that was idle is asked whether it still lives before it is used again.

use std::sync::{Mutex, PoisonError};

use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;
use whimbrel_core::Result;

use crate::connect::Server;
use crate::error::classify;

/// A server's idle writing sessions.
#[derive(Debug)]
pub(crate) struct Sessions {
    server: Server,
    idle: Mutex<Vec<Conn>>,
}

impl Sessions {
    pub(crate) fn new(server: Server) -> Self {
        Self {
            server,
            idle: Mutex::new(Vec::new()),
        }
    }

    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// Does the work on a session outside of any transaction, and keeps the session when it ends well. A connection that dies meanwhile is
    /// noticed.
    pub(crate) async fn with<T>(&self, work: impl AsyncFnOnce(&mut Conn) -> Result<T>) -> Result<T> {
        let mut conn = self.take().await?;
        let lookout = self.server.lookout(conn.id());
        let done = lookout.during(Box::pin(work(&mut conn))).await?;
        self.put(conn);
        Ok(done)
    }

    /// Returns a session outside of any transaction.
    pub(crate) async fn take(&self) -> Result<Conn> {
        while let Some(mut conn) = self.pop() {
            let lookout = self.server.lookout(conn.id());
            let alive = lookout.during(async { conn.ping().await.map_err(classify) });
            if alive.await.is_ok() {
                return Ok(conn);
            }
        }
        self.server.writer().await
    }

    fn pop(&self) -> Option<Conn> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Keeps a session for later; only one that is outside of any transaction and holds nothing.
    pub(crate) fn put(&self, conn: Conn) {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(conn);
    }
}

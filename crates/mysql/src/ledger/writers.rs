//! Marks of sessions that write a chunk: a named lock of the server each, so that a later attempt can find and end those that an earlier
//! one left behind. Their rows and locks would be in the way, and a session's number alone could be another's by then.

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Row};
use whimbrel_core::{Error, ErrorClass, MigrationId, Result};

use super::tables::lock_name;
use crate::connect::Server;
use crate::error::classify;
use crate::quote::literal;

/// More writers than that bring nothing to one server; as many marks can be held.
pub(crate) const WRITERS_MAX: usize = 64;

/// How long the server may take to end a session.
const END_SECONDS: u32 = 10;

fn mark(server: &Server, migration: &MigrationId, number: usize) -> String {
    lock_name(server, &format!("writer {number} of {migration}"))
}

/// Takes a mark that nobody holds; returns its name.
pub(crate) async fn take(conn: &mut Conn, server: &Server, migration: &MigrationId) -> Result<String> {
    let first = usize::try_from(conn.id()).unwrap_or(0);
    for at in 0..WRITERS_MAX {
        let name = mark(server, migration, (first + at) % WRITERS_MAX);
        let got: Option<Option<u8>> = conn
            .exec_first("SELECT GET_LOCK(?, 0)", (&name,))
            .await
            .map_err(classify)?;
        if got.flatten() == Some(1) {
            return Ok(name);
        }
    }
    Err(Error::new(
        ErrorClass::Transient,
        format!("{WRITERS_MAX} sessions write for migration `{migration}` already"),
    )
    .with_code("too_many_connections"))
}

/// Gives the mark back.
pub(crate) async fn give_back(conn: &mut Conn, mark: &str) -> Result<()> {
    conn.exec_drop("DO RELEASE_LOCK(?)", (mark,))
        .await
        .map_err(classify)
}

/// Ends the sessions that hold a mark of the migration, and waits until their transactions are rolled back.
pub(crate) async fn end_left_behind(conn: &mut Conn, server: &Server, migration: &MigrationId) -> Result<()> {
    for (name, session) in holders(conn, server, migration).await? {
        if let Err(error) = conn.query_drop(format!("KILL CONNECTION {session}")).await
            && !is_unknown_session(&error)
        {
            return Err(classify(error).during("end a session of an earlier attempt"));
        }
        // The session lets its locks go after its transaction.
        let got: Option<Option<u8>> = conn
            .exec_first("SELECT GET_LOCK(?, ?)", (&name, END_SECONDS))
            .await
            .map_err(classify)?;
        if got.flatten() == Some(1) {
            give_back(conn, &name).await?;
        }
    }
    Ok(())
}

/// The marks that are held, and by which sessions; all are asked about at once.
async fn holders(conn: &mut Conn, server: &Server, migration: &MigrationId) -> Result<Vec<(String, u64)>> {
    let names: Vec<String> = (0..WRITERS_MAX)
        .map(|number| mark(server, migration, number))
        .collect();
    let asked: Vec<String> = names
        .iter()
        .map(|name| format!("IS_USED_LOCK({})", literal(name)))
        .collect();
    let row: Option<Row> = conn
        .query_first(format!("SELECT {}", asked.join(", ")))
        .await
        .map_err(classify)?;
    let Some(mut row) = row else {
        return Ok(Vec::new());
    };
    let session = |at| row.take::<Option<u64>, _>(at).flatten();
    let sessions: Vec<Option<u64>> = (0..names.len()).map(session).collect();
    Ok(names
        .into_iter()
        .zip(sessions)
        .filter_map(|(name, session)| Some((name, session?)))
        .collect())
}

fn is_unknown_session(error: &mysql_async::Error) -> bool {
    matches!(error, mysql_async::Error::Server(answer) if answer.code == 1094)
}

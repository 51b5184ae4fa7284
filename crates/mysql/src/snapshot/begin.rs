//! Lets several sessions begin in one state, although none can join another's: at equal positions of the log where the server tells them,
//! else behind a lock that is held while they begin, else there is one session only.

use futures::future::{join_all, try_join_all};
use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;
use whimbrel_core::{Error, ErrorClass, Position, Result, TableId};

use crate::connect::Server;
use crate::error::classify;
use crate::flavour::Flavour;
use crate::quote::table_name;
use crate::readers::Lent;
use crate::wire::Session;

const START: &str = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";

/// How often sessions try to begin at one position of the log before a lock makes them.
const TRIES: usize = 40;

/// Tables looked at by one statement.
const LOOKED_AT_ONCE: usize = 50;

/// Tables changed under our feet while we began: begin again, so often.
const BEGINS: usize = 3;

/// How long a lock is waited for, each time: as long others wait behind us, so it is asked for again rather than waited for longer.
const GLOBAL_LOCK_SECONDS: &[u32] = &[2, 3, 5];
const TABLE_LOCK_SECONDS: &[u32] = &[5];

/// Opens sessions that are in one state, and says where the state is.
pub(super) async fn begin(
    server: &Server,
    tables: &[TableId],
    readers: usize,
) -> Result<(Position, Vec<Lent>)> {
    let mut sessions = connected(server, readers).await?;
    for attempt in 1.. {
        let position = Box::pin(in_one_state(server, tables, &mut sessions)).await?;
        match hold(&mut sessions, tables).await {
            Ok(()) => return Ok((position, sessions.into_iter().map(Lent::new).collect())),
            Err(error) if error.class() == ErrorClass::SnapshotLost && attempt < BEGINS => {}
            Err(error) => return Err(error.during("hold the tables")),
        }
    }
    Err(Error::bug("no snapshot was begun"))
}

/// Opens as many sessions as the server allows, at least one.
async fn connected(server: &Server, readers: usize) -> Result<Vec<Session>> {
    let opened = join_all((0..readers).map(|_| Session::reader(server))).await;
    let mut sessions = Vec::new();
    let mut refused = None;
    for session in opened {
        match session {
            Ok(session) => sessions.push(session),
            Err(error) if error.code() == "too_many_connections" => refused = Some(error),
            Err(error) => return Err(error),
        }
    }
    match refused {
        Some(error) if sessions.is_empty() => Err(error),
        _ => Ok(sessions),
    }
}

async fn in_one_state(server: &Server, tables: &[TableId], sessions: &mut Vec<Session>) -> Result<Position> {
    let tells = server.version.flavour == Flavour::MariaDb && server.is_on("log_bin");
    if tells {
        for _ in 0..TRIES {
            start_all(sessions).await?;
            if let Some(position) = equal_position(sessions).await? {
                return Ok(position);
            }
        }
    }
    if sessions.len() > 1 {
        if let Some(position) = behind_global_lock(server, sessions).await? {
            return Ok(position);
        }
        if let Some(position) = behind_table_locks(server, tables, sessions).await? {
            return Ok(position);
        }
        sessions.truncate(1);
    }
    start_all(sessions).await?;
    match tells {
        true => equal_position(sessions)
            .await?
            .ok_or_else(|| Error::bug("one session has two positions")),
        false => identifier(sessions).await,
    }
}

/// Starts the transactions; one that is open ends.
async fn start_all(sessions: &mut [Session]) -> Result<()> {
    try_join_all(sessions.iter_mut().map(|session| session.query_drop(START)))
        .await
        .map_err(classify)?;
    Ok(())
}

/// Where all the sessions' states are in the log; none when they differ, or the server does not say.
async fn equal_position(sessions: &mut [Session]) -> Result<Option<Position>> {
    let sql = "SHOW STATUS LIKE 'Binlog_snapshot_%'";
    let all: Vec<Vec<(String, String)>> = try_join_all(sessions.iter_mut().map(|session| session.query(sql)))
        .await
        .map_err(classify)?;
    let place = |status: &[(String, String)]| {
        let value = |name: &str| {
            let found = status.iter().find(|(have, _)| have.eq_ignore_ascii_case(name));
            found
                .map(|(_, value)| value.clone())
                .filter(|value| !value.is_empty())
        };
        let file = value("binlog_snapshot_file")?;
        let position = value("binlog_snapshot_position")?;
        Some(format!("{file}:{position}"))
    };
    let mut places = all.iter().map(|status| place(status));
    let Some(Some(first)) = places.next() else {
        return Ok(None);
    };
    Ok(places
        .all(|other| other.as_ref() == Some(&first))
        .then_some(Position(first)))
}

/// Lets the sessions begin while nobody can commit; none when this login may not stop the others, or it takes too long.
async fn behind_global_lock(server: &Server, sessions: &mut [Session]) -> Result<Option<Position>> {
    let lock = "FLUSH TABLES WITH READ LOCK";
    behind(server, sessions, lock, GLOBAL_LOCK_SECONDS).await
}

/// Lets the sessions begin while nobody can write to the tables; none when this login may not lock them, or it takes too long.
async fn behind_table_locks(
    server: &Server,
    tables: &[TableId],
    sessions: &mut [Session],
) -> Result<Option<Position>> {
    if tables.is_empty() {
        return Ok(None);
    }
    let locks: Vec<String> = tables
        .iter()
        .map(|table| format!("{} READ", table_name(table)))
        .collect();
    let lock = format!("LOCK TABLES {}", locks.join(", "));
    behind(server, sessions, &lock, TABLE_LOCK_SECONDS).await
}

async fn behind(
    server: &Server,
    sessions: &mut [Session],
    lock: &str,
    patience: &[u32],
) -> Result<Option<Position>> {
    let mut control = server.control().await?;
    let lookout = server.lookout(control.id());
    let whole = async {
        if !is_locked(&mut control, lock, patience).await? {
            return Ok(None);
        }
        start_all(sessions).await?;
        let position = match log_position(server, &mut control).await {
            Some(position) => position,
            None => identifier(sessions).await?,
        };
        // The lock ends with the session at the latest.
        control.query_drop("UNLOCK TABLES").await.map_err(classify)?;
        drop(control.disconnect().await);
        Ok(Some(position))
    };
    lookout.during(Box::pin(whole)).await
}

/// Takes the lock; false when this login may not have it, or others do not let go in time.
async fn is_locked(control: &mut Conn, lock: &str, patience: &[u32]) -> Result<bool> {
    for seconds in patience {
        let limited = format!("SET lock_wait_timeout = {seconds}");
        control.query_drop(limited).await.map_err(classify)?;
        let Err(error) = control.query_drop(lock).await.map_err(classify) else {
            return Ok(true);
        };
        match (error.class(), error.code()) {
            (_, "lock_timeout") => {}
            (ErrorClass::Denied | ErrorClass::Unsupported, _) => return Ok(false),
            _ => return Err(error.during("begin the snapshot")),
        }
    }
    Ok(false)
}

/// Where the log is while nothing can be written to it; none when there is no log, or this login may not know.
async fn log_position(server: &Server, control: &mut Conn) -> Option<Position> {
    let renamed = server.version.is_mysql(8, 2, 0);
    let sql = match renamed {
        true => "SHOW BINARY LOG STATUS",
        false => "SHOW MASTER STATUS",
    };
    let row: mysql_async::Row = control.query_first(sql).await.ok()??;
    let file: String = row.get(0)?;
    let position: u64 = row.get(1)?;
    let gtid: String = row
        .get::<Option<String>, _>("Executed_Gtid_Set")
        .flatten()
        .unwrap_or_default();
    let gtid = gtid.replace('\n', "");
    Some(Position(match gtid.is_empty() {
        true => format!("{file}:{position}"),
        false => format!("{file}:{position} {gtid}"),
    }))
}

/// What identifies a state whose place in the log is not known.
async fn identifier(sessions: &mut [Session]) -> Result<Position> {
    let Some(first) = sessions.first_mut() else {
        return Err(Error::bug("a snapshot without a session"));
    };
    let id: Option<String> = first.query_first("SELECT UUID()").await.map_err(classify)?;
    Ok(Position(format!("snapshot {}", id.unwrap_or_default())))
}

/// Looks at each table in each transaction, so that whoever wants to change its structure has to wait until they end.
async fn hold(sessions: &mut [Session], tables: &[TableId]) -> Result<()> {
    try_join_all(sessions.iter_mut().map(|session| hold_in(session, tables))).await?;
    Ok(())
}

async fn hold_in(session: &mut Session, tables: &[TableId]) -> Result<()> {
    for group in tables.chunks(LOOKED_AT_ONCE) {
        let looks: Vec<String> = group
            .iter()
            .map(|table| format!("(SELECT 1 FROM {} LIMIT 0)", table_name(table)))
            .collect();
        let sql = looks.join(" UNION ALL ");
        session.query_drop(&sql).await.map_err(classify)?;
    }
    Ok(())
}

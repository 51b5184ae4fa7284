//! The ledger's tables: their names, how they are made and dropped, and what is said when somebody else has the run.

use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;
use whimbrel_core::{Error, ErrorClass, Result, TableId, hash_of};

use crate::connect::Server;
use crate::error::classify;

pub(crate) const RUNS: &str = "`_whimbrel_runs`";
pub(crate) const STEPS: &str = "`_whimbrel_steps`";
pub(crate) const CHUNKS: &str = "`_whimbrel_chunks`";

/// The longest key has 2,764 bytes in UTF-8; a key of this row format may have 3,072.
const CREATE: [&str; 3] = [
    "CREATE TABLE IF NOT EXISTS `_whimbrel_runs` (
        migration varchar(191) NOT NULL, plan_hash varchar(128) NOT NULL, epoch bigint NOT NULL,
        opened_at datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), PRIMARY KEY (migration))",
    "CREATE TABLE IF NOT EXISTS `_whimbrel_steps` (
        migration varchar(191) NOT NULL, step varchar(500) NOT NULL, number bigint NOT NULL AUTO_INCREMENT,
        state varchar(8) NOT NULL, statements int NOT NULL DEFAULT 0, epoch bigint NOT NULL,
        changed_at datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
        PRIMARY KEY (migration, step), UNIQUE KEY (number))",
    "CREATE TABLE IF NOT EXISTS `_whimbrel_chunks` (
        migration varchar(191) NOT NULL, namespace varchar(64) NOT NULL, name varchar(64) NOT NULL, number bigint NOT NULL,
        chunk longtext NOT NULL, epoch bigint NOT NULL, `rows` bigint unsigned NULL, bytes bigint unsigned NULL,
        rejected bigint unsigned NULL, ruled longtext NULL, digest longtext NULL, position longtext NULL,
        finished_at datetime(6) NULL, PRIMARY KEY (migration, namespace, name, number))",
];

const OPTIONS: &str = "ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin ROW_FORMAT=DYNAMIC";

/// How long to wait for another run that makes or drops the ledger.
const LOCK_SECONDS: u32 = 60;

/// Tells whether one of the ledger's tables is there: after a crash it may be without the others.
pub(crate) async fn exists(conn: &mut Conn, table: &str) -> Result<bool> {
    let sql =
        "SELECT count(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?";
    let count: Option<u64> = conn
        .exec_first(sql, (table.trim_matches('`'),))
        .await
        .map_err(classify)?;
    Ok(count == Some(1))
}

/// Tells whether the database holds any of the ledger's tables.
pub(crate) async fn any_exists(conn: &mut Conn) -> Result<bool> {
    for name in [RUNS, STEPS, CHUNKS] {
        if exists(conn, name).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Makes what is missing of the ledger.
pub(crate) async fn create(conn: &mut Conn) -> Result<()> {
    for (name, table) in [RUNS, STEPS, CHUNKS].into_iter().zip(CREATE) {
        if exists(conn, name).await? {
            continue;
        }
        conn.query_drop(format!("{table} {OPTIONS}"))
            .await
            .map_err(|error| {
                classify(error)
                    .during("create the ledger's tables")
                    .with_hint("`GRANT ALL ON DATABASE.* TO LOGIN` lets this login create them")
            })?;
    }
    Ok(())
}

/// Drops the ledger; the table that makes the migration known goes last, so that a crash in between is taken up again.
pub(crate) async fn drop_all(conn: &mut Conn) -> Result<()> {
    conn.query_drop(format!("DROP TABLE IF EXISTS {CHUNKS}, {STEPS}, {RUNS}"))
        .await
        .map_err(classify)
}

/// The name of a lock of the whole server that means something in this database only; the server takes 64 letters.
pub(crate) fn lock_name(server: &Server, what: &str) -> String {
    let hash = hash_of(&(&server.database, what));
    format!("whimbrel_{}", &hash[..40])
}

/// Holds the lock under which the ledger is made and dropped.
pub(crate) async fn lock(conn: &mut Conn, server: &Server) -> Result<()> {
    let name = lock_name(server, "ledger");
    let got: Option<Option<u8>> = conn
        .exec_first("SELECT GET_LOCK(?, ?)", (name, LOCK_SECONDS))
        .await
        .map_err(classify)?;
    if got.flatten() == Some(1) {
        return Ok(());
    }
    Err(Error::new(ErrorClass::Transient, "another run makes or drops the ledger").with_code("lock_timeout"))
}

/// Lets the lock of [`lock`] go.
pub(crate) async fn unlock(conn: &mut Conn, server: &Server) -> Result<()> {
    conn.exec_drop("DO RELEASE_LOCK(?)", (lock_name(server, "ledger"),))
        .await
        .map_err(classify)
}

/// Makes the error that somebody else has what we need.
pub(crate) fn conflict(message: String) -> Error {
    Error::new(ErrorClass::Conflict, message)
        .with_code("epoch_conflict")
        .with_hint("another run has taken over; `whimbrel status` shows it")
}

/// The parts of a table's name as the ledger keeps them.
pub(crate) fn named(table: &TableId) -> (&str, &str) {
    (table.namespace.as_deref().unwrap_or(""), &table.name)
}

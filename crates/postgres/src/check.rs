//! Preflight: what could hinder reading or writing, as findings with what to do about it.

use whimbrel_core::{Finding, LEAVE_OUT, ObjectId, ObjectKind, Result, Severity, TableId};

use crate::catalog::is_users;
use crate::connect::Session;
use crate::error::from_driver;
use crate::large_objects;
use crate::quote::table_name;

/// The oldest major versions that can be read and written.
const SOURCE_MIN: i32 = 10;
const TARGET_MIN: i32 = 14;

fn about_database() -> ObjectId {
    ObjectId::whole(ObjectKind::Other, TableId::bare("database"))
}

pub(crate) async fn source(session: &Session) -> Result<Vec<Finding>> {
    let mut findings = version(session, SOURCE_MIN).await?;
    findings.extend(row_security(session).await?);
    findings.extend(unreadable(session).await?);
    findings.extend(unreadable_large_objects(session).await?);
    let encoding = encoding(session).await?;
    if encoding == "SQL_ASCII" {
        findings.push(Finding::new(
            "encoding",
            Severity::Warning,
            about_database(),
            "the encoding is `SQL_ASCII`: text is bytes without a meaning; rows whose text is not UTF-8 are rejected",
        ));
    }
    Ok(findings)
}

pub(crate) async fn target(session: &Session) -> Result<Vec<Finding>> {
    let mut findings = version(session, TARGET_MIN).await?;
    findings.extend(read_only(session).await?);
    findings.extend(missing_privileges(session).await?);
    findings.extend(not_empty(session).await?);
    let encoding = encoding(session).await?;
    if encoding != "UTF8" {
        findings.push(Finding::new(
            "encoding",
            Severity::Warning,
            about_database(),
            format!("the encoding is `{encoding}`; text that it does not have stops the table"),
        ));
    }
    Ok(findings)
}

/// What reading the catalog, the readers' own tables and the writers lock beside a state.
const OTHER_LOCKS: i64 = 400;

/// A server has a fixed room for locks, and a state holds one of every table. The server promises less than there is: half as many again
/// were found. A number of tables between the two works while nobody else needs many.
pub(crate) async fn locks(session: &Session, tables: &[TableId]) -> Result<Vec<Finding>> {
    let names: Vec<String> = tables.iter().map(table_name).collect();
    let sql = "WITH RECURSIVE part(oid) AS (SELECT to_regclass(name)::oid FROM unnest($1::text[]) AS t(name)
           UNION SELECT i.inhrelid FROM part JOIN pg_inherits i ON i.inhparent = part.oid)
         SELECT (SELECT count(oid) FROM part) + (SELECT count(*) FROM unnest($1::text[]) AS t(name) WHERE to_regclass(name) IS NULL),
           s.each, s.sessions FROM (SELECT
           current_setting('max_locks_per_transaction')::int8 AS each,
           current_setting('max_connections')::int8 + current_setting('max_prepared_transactions')::int8
             + current_setting('autovacuum_max_workers')::int8 + current_setting('max_worker_processes')::int8
             + coalesce(current_setting('max_wal_senders', true), '0')::int8 AS sessions) s";
    let row = session.query_one(sql, &[&names]).await.map_err(from_driver)?;
    let (needed, each, sessions): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
    Ok(room_for_locks(needed, each, sessions).into_iter().collect())
}

/// What can be said about a state of so many tables on a server with room for `each` of so many sessions.
fn room_for_locks(tables: i64, each: i64, sessions: i64) -> Option<Finding> {
    let (needed, promised) = (tables + OTHER_LOCKS, each * sessions);
    let (severity, held) = if needed <= promised {
        return None;
    } else if needed <= promised * 3 / 2 {
        (Severity::Warning, "may be too little beside what others hold")
    } else {
        (Severity::Blocker, "is too little")
    };
    // Half as much again leaves room for the others.
    let wanted = (needed * 3 / 2 / sessions.max(1) + 1).max(2 * each);
    let message = format!(
        "a state of the database holds a lock of each of {tables} tables; room for {promised} locks \
         (`max_locks_per_transaction` is `{each}`) {held}"
    );
    let hint =
        format!("hint: `alter system set max_locks_per_transaction = {wanted}`, and restart the server");
    Some(Finding::new("snapshot", severity, about_database(), message).with_evidence(hint))
}

async fn version(session: &Session, oldest: i32) -> Result<Vec<Finding>> {
    let sql = "SELECT current_setting('server_version_num')::int, current_setting('server_version')";
    let row = session.query_one(sql, &[]).await.map_err(from_driver)?;
    if row.get::<_, i32>(0) >= oldest * 10_000 {
        return Ok(Vec::new());
    }
    let message = format!(
        "the server's version is {}; must be {oldest} or later",
        row.get::<_, String>(1)
    );
    Ok(vec![Finding::new(
        "version",
        Severity::Blocker,
        about_database(),
        message,
    )])
}

async fn encoding(session: &Session) -> Result<String> {
    let row = session
        .query_one("SELECT current_setting('server_encoding')", &[])
        .await
        .map_err(from_driver)?;
    Ok(row.get(0))
}

/// Sessions of ours read with `row_security = off`, so such a table fails aloud instead of showing fewer rows.
async fn row_security(session: &Session) -> Result<Vec<Finding>> {
    let sql = format!(
        "SELECT n.nspname::text, c.relname::text, current_user::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'p') AND c.relrowsecurity AND {}
           AND NOT (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user)
           AND (c.relforcerowsecurity OR NOT pg_has_role(c.relowner, 'USAGE')) ORDER BY 1, 2",
        is_users("n")
    );
    let rows = session.query(&sql, &[]).await.map_err(from_driver)?;
    Ok(rows
        .iter()
        .map(|row| {
            let table = TableId::new(row.get::<_, String>(0), row.get::<_, String>(1));
            let login: String = row.get(2);
            let message = format!(
                "row-level security on `{table}` applies to `{login}`, so not all rows could be read"
            );
            Finding::new(
                "row_security",
                Severity::Blocker,
                ObjectId::whole(ObjectKind::Table, table),
                message,
            )
            .with_evidence(format!(
                "use the table's owner, or `alter role {login} bypassrls`"
            ))
        })
        .collect())
}

async fn unreadable(session: &Session) -> Result<Vec<Finding>> {
    let sql = format!(
        "SELECT n.nspname::text, c.relname::text, c.relkind::text, current_user::text
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'S') AND {} AND NOT (has_schema_privilege(n.oid, 'USAGE') AND CASE c.relkind
            WHEN 'S' THEN has_sequence_privilege(c.oid, 'SELECT') ELSE has_table_privilege(c.oid, 'SELECT') END)
         ORDER BY 1, 2",
        is_users("n")
    );
    let rows = session.query(&sql, &[]).await.map_err(from_driver)?;
    Ok(rows
        .iter()
        .map(|row| {
            let id = TableId::new(row.get::<_, String>(0), row.get::<_, String>(1));
            let login: String = row.get(3);
            let (kind, word) = if row.get::<_, String>(2) == "S" {
                (ObjectKind::Sequence, "sequence")
            } else {
                (ObjectKind::Table, "table")
            };
            let message = format!("`{login}` may not read {word} `{id}`");
            Finding::new(
                "privilege",
                Severity::Blocker,
                ObjectId::whole(kind, id.clone()),
                message,
            )
            .with_evidence(format!(
                "`grant usage on schema` and `grant select on {word} {id} to {login}` let it"
            ))
        })
        .collect())
}

/// Only a superuser may read their pages. They are no part of any table, so nobody would miss them before a column's number leads to
/// nothing. Nobody loses them by following suggestions.
async fn unreadable_large_objects(session: &Session) -> Result<Vec<Finding>> {
    let sql = format!(
        "SELECT CASE WHEN {readable} THEN 0 ELSE (SELECT count(*) FROM pg_largeobject_metadata) END,
           ARRAY(SELECT format('column `%s.%s.%s` may point to them', n.nspname, c.relname, a.attname) FROM pg_attribute a
             JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_type t ON t.oid = a.atttypid
             WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND t.typname IN ('oid', 'lo') AND {users} ORDER BY 1)",
        readable = large_objects::READABLE,
        users = is_users("n"),
    );
    let row = session.query_one(&sql, &[]).await.map_err(from_driver)?;
    let count: i64 = row.get(0);
    if count == 0 {
        return Ok(Vec::new());
    }
    let mut finding = Finding::new(
        "not_moved",
        Severity::Decision,
        ObjectId::whole(ObjectKind::Other, TableId::bare("large objects")),
        format!("large objects are not moved: {count}"),
    )
    .with_choice(
        LEAVE_OUT,
        "they stay behind; columns keep the numbers that pointed to them",
    );
    finding.evidence = row.get(1);
    finding
        .evidence
        .push("log in at the source as a superuser to move them".to_owned());
    Ok(vec![finding])
}

async fn read_only(session: &Session) -> Result<Vec<Finding>> {
    let sql = "SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only') = 'on'";
    let row = session.query_one(sql, &[]).await.map_err(from_driver)?;
    let mut findings = Vec::new();
    if row.get(0) {
        findings.push("the server is a standby, which can only be read");
    }
    if row.get(1) {
        findings.push("`default_transaction_read_only` is on for this database or login");
    }
    Ok(findings
        .into_iter()
        .map(|message| Finding::new("target_read_only", Severity::Blocker, about_database(), message))
        .collect())
}

async fn missing_privileges(session: &Session) -> Result<Vec<Finding>> {
    let sql = "SELECT current_user::text, current_database()::text, has_database_privilege(current_database(), 'CREATE'),
        coalesce((SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = 'public'), true)";
    let row = session.query_one(sql, &[]).await.map_err(from_driver)?;
    let (login, database): (String, String) = (row.get(0), row.get(1));
    let mut findings = Vec::new();
    if !row.get::<_, bool>(2) {
        findings.push(
            Finding::new(
                "privilege",
                Severity::Blocker,
                about_database(),
                format!("`{login}` may not create schemas in `{database}`; the ledger needs one"),
            )
            .with_evidence(format!(
                "`grant create on database {database} to {login}` lets it"
            )),
        );
    }
    if !row.get::<_, bool>(3) {
        let public = ObjectId::whole(ObjectKind::Namespace, TableId::bare("public"));
        findings.push(
            Finding::new(
                "privilege",
                Severity::Blocker,
                public,
                format!("`{login}` may not create in schema `public`"),
            )
            .with_evidence(format!("`grant create on schema public to {login}` lets it")),
        );
    }
    Ok(findings)
}

async fn not_empty(session: &Session) -> Result<Vec<Finding>> {
    let sql = format!(
        "SELECT count(*), (array_agg(n.nspname || '.' || c.relname ORDER BY 1))[1:5]
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND {}",
        is_users("n")
    );
    let row = session.query_one(&sql, &[]).await.map_err(from_driver)?;
    let count: i64 = row.get(0);
    if count == 0 {
        return Ok(Vec::new());
    }
    let mut finding = Finding::new(
        "target_not_empty",
        Severity::Info,
        about_database(),
        format!("the target holds {count} tables, views or sequences of its own"),
    );
    finding.evidence = row.get::<_, Option<Vec<String>>>(1).unwrap_or_default();
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_tables_than_the_server_has_locks_for_are_a_blocker_before_anything_runs() {
        // 64 locks for each of 121 sessions, which is what a server has by default; it was seen to give 12,000.
        let severity = |tables| room_for_locks(tables, 64, 121).map(|finding| finding.severity);
        assert_eq!(severity(5_000), None);
        assert_eq!(severity(10_000), Some(Severity::Warning));
        assert_eq!(severity(11_300), Some(Severity::Blocker));
        let finding = room_for_locks(30_000, 64, 121).unwrap();
        assert!(
            finding.message.contains("`max_locks_per_transaction` is `64`"),
            "{}",
            finding.message
        );
        assert_eq!(
            finding.evidence,
            ["hint: `alter system set max_locks_per_transaction = 377`, and restart the server"]
        );
        // What the hint says is enough.
        assert_eq!(
            room_for_locks(30_000, 377, 121).map(|finding| finding.severity),
            None
        );
    }
}

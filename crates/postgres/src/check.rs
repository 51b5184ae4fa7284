//! Preflight: what could hinder reading or writing, as findings with what to do about it.

use whimbrel_core::{Finding, ObjectId, ObjectKind, Result, Severity, TableId};

use crate::catalog::is_users;
use crate::connect::Session;
use crate::error::from_driver;
use crate::large_objects;

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
        "leave_out",
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

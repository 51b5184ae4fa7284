//! Enums, domains, composite types and ranges.

use std::collections::BTreeMap;

use tokio_postgres::{Client, Row};
use whimbrel_core::{Check, Result, UserType, UserTypeKind};

use super::server::Server;
use super::{is_users, name_at, no_extension};
use crate::error::from_driver;

pub(super) async fn read(client: &Client, server: Server) -> Result<Vec<UserType>> {
    let sql = format!(
        "SELECT t.oid, n.nspname::text, t.typname::text, t.typtype::text, obj_description(t.oid, 'pg_type'),
            ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder),
            format_type(t.typbasetype, t.typtypmod), t.typnotnull, t.typdefault,
            CASE WHEN t.typcollation <> coalesce(b.typcollation, 0) AND t.typcollation <> 0
                THEN {type_collation} END,
            ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0
                AND NOT a.attisdropped ORDER BY a.attnum),
            ARRAY(SELECT format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attcollation <> at.typcollation
                  THEN ' COLLATE ' || {attribute_collation} ELSE '' END
                FROM pg_attribute a JOIN pg_type at ON at.oid = a.atttypid WHERE a.attrelid = t.typrelid
                AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum),
            format_type(r.rngsubtype, NULL),
            concat_ws(', ',
                CASE WHEN NOT oc.opcdefault THEN 'subtype_opclass = ' || quote_ident(ocn.nspname) || '.' || quote_ident(oc.opcname) END,
                CASE WHEN r.rngcollation <> 0 AND r.rngcollation <> st.typcollation
                    THEN 'collation = ' || {range_collation} END,
                CASE WHEN r.rngcanonical <> 0 THEN 'canonical = ' || r.rngcanonical::regproc::text END,
                CASE WHEN r.rngsubdiff <> 0 THEN 'subtype_diff = ' || r.rngsubdiff::regproc::text END,
                'multirange_type_name = ' || quote_ident(mn.nspname) || '.' || quote_ident(m.typname))
         FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
           LEFT JOIN pg_type b ON b.oid = t.typbasetype LEFT JOIN pg_range r ON r.rngtypid = t.oid
           LEFT JOIN pg_type st ON st.oid = r.rngsubtype LEFT JOIN pg_opclass oc ON oc.oid = r.rngsubopc
           LEFT JOIN pg_namespace ocn ON ocn.oid = oc.opcnamespace
           LEFT JOIN pg_type m ON m.oid = {multirange} LEFT JOIN pg_namespace mn ON mn.oid = m.typnamespace
         WHERE (t.typtype IN ('e', 'd', 'r') OR t.typtype = 'c' AND c.relkind = 'c') AND {} AND {}
         ORDER BY n.nspname COLLATE \"C\", t.typname COLLATE \"C\"",
        is_users("n"),
        no_extension("pg_type", "t.oid"),
        type_collation = server.collation("t.typcollation"),
        attribute_collation = server.collation("a.attcollation"),
        range_collation = server.collation("r.rngcollation"),
        multirange = server.multirange("r"),
    );
    let rows = client.query(&sql, &[]).await.map_err(from_driver)?;
    let mut checks = domain_checks(client).await?;
    let user_type = |row: &Row| UserType {
        id: name_at(row, 1),
        kind: kind(row, checks.remove(&row.get(0)).unwrap_or_default()),
        comment: row.get(4),
    };
    Ok(rows.iter().map(user_type).collect())
}

fn kind(row: &Row, checks: Vec<Check>) -> UserTypeKind {
    match row.get::<_, String>(3).as_str() {
        "e" => UserTypeKind::Enum { labels: row.get(5) },
        "d" => UserTypeKind::Domain {
            base: row.get(6),
            not_null: row.get(7),
            default: row.get(8),
            checks,
            collation: row.get(9),
        },
        "r" => UserTypeKind::Range {
            subtype: row.get(12),
            options: row.get(13),
        },
        _ => {
            let (names, natives): (Vec<String>, Vec<String>) = (row.get(10), row.get(11));
            UserTypeKind::Composite {
                attributes: names.into_iter().zip(natives).collect(),
            }
        }
    }
}

async fn domain_checks(client: &Client) -> Result<BTreeMap<u32, Vec<Check>>> {
    let sql = "SELECT o.contypid, o.conname::text, pg_get_constraintdef(o.oid), pg_get_expr(o.conbin, 0), o.convalidated
        FROM pg_constraint o WHERE o.contypid <> 0 AND o.contype = 'c' ORDER BY o.contypid, o.conname COLLATE \"C\"";
    let mut checks: BTreeMap<u32, Vec<Check>> = BTreeMap::new();
    for row in client.query(sql, &[]).await.map_err(from_driver)? {
        checks.entry(row.get(0)).or_default().push(Check {
            name: row.get(1),
            expression: row.get::<_, Option<String>>(3).unwrap_or_default(),
            validated: row.get(4),
            definition: row.get(2),
        });
    }
    Ok(checks)
}

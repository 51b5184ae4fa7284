//! Comments on parts of moved objects that have no place in the catalog.

use super::family::{Family, Make, qualified};
use crate::catalog::is_users;

pub(super) fn families() -> Vec<Family> {
    let users = is_users("n");
    let described = |class: &str| {
        format!(
            "pg_description d JOIN {class} o ON o.oid = d.objoid AND d.classoid = '{class}'::regclass AND d.objsubid = 0"
        )
    };
    let constraint = format!(
        "'CONSTRAINT ' || quote_ident(o.conname) || ' ON ' || {}",
        qualified("c.relname")
    );
    let on_domain = format!(
        "'CONSTRAINT ' || quote_ident(o.conname) || ' ON DOMAIN ' || {}",
        qualified("t.typname")
    );
    let column = format!(
        "'COLUMN ' || {} || '.' || quote_ident(a.attname)",
        qualified("c.relname")
    );
    let index = format!("'INDEX ' || {}", qualified("x.relname"));
    let in_namespace = |family: Family| family.within("n.nspname");
    vec![
        in_namespace(on("c.relname || '.' || o.conname", &constraint, format!(
            "{} JOIN pg_class c ON c.oid = o.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {users}",
            described("pg_constraint")
        )))
        .on("n.nspname", "c.relname"),
        in_namespace(on("t.typname || '.' || o.conname", &on_domain, format!(
            "{} JOIN pg_type t ON t.oid = o.contypid JOIN pg_namespace n ON n.oid = t.typnamespace WHERE {users}",
            described("pg_constraint")
        ))),
        in_namespace(on("c.relname || '.' || a.attname", &column, format!(
            "pg_description d JOIN pg_class c ON c.oid = d.objoid AND d.classoid = 'pg_class'::regclass AND d.objsubid > 0
               JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid
               JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {users} AND c.relkind IN ('v', 'c')"
        )))
        .on("n.nspname", "c.relname"),
        in_namespace(on("x.relname", &index, format!(
            "pg_description d JOIN pg_class x ON x.oid = d.objoid AND d.classoid = 'pg_class'::regclass AND x.relkind IN ('i', 'I')
               JOIN pg_constraint o ON o.conindid = x.oid AND o.contype IN ('p', 'u', 'x') JOIN pg_class c ON c.oid = o.conrelid
               JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {users}"
        )))
        .on("n.nspname", "c.relname"),
        Family::listed(
            "comment",
            "'database'",
            "shobj_description(d.oid, 'pg_database')",
            "pg_database d WHERE d.datname = current_database()
               AND shobj_description(d.oid, 'pg_database') <> 'default administrative connection database'",
        ),
    ]
}

fn on(name: &str, what: &str, from: String) -> Family {
    Family::listed("comment", name, "d.description", from).made(Make::plain(
        "last",
        vec![format!(
            "'COMMENT ON ' || {what} || ' IS ' || quote_literal(d.description)"
        )],
        vec![format!("'COMMENT ON ' || {what} || ' IS NULL'")],
    ))
}

//! Materialised views, and where and how tables and indexes are stored as far as no definition says it.

use super::family::{Family, Make, qualified};
use crate::catalog::server::Server;
use crate::catalog::{is_users, no_extension};

pub(super) fn families(server: Server) -> Vec<Family> {
    let mut families = vec![materialised_views(server), invalid_indexes(), tablespaces()];
    families.extend([index_options(), marks(), replica_indexes(), typed_tables()]);
    families
}

/// A materialised view with its indexes: filled when it is at the source.
fn materialised_views(server: Server) -> Family {
    let name = qualified("c.relname");
    let method = if server.has(12) {
        "(SELECT ' USING ' || quote_ident(am.amname) FROM pg_am am WHERE am.oid = c.relam AND am.amname <> 'heap')"
    } else {
        "NULL::text"
    };
    let columns = "(SELECT ' (' || string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) || ')' FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)";
    let create = format!(
        "'CREATE MATERIALIZED VIEW ' || {name} || {columns} || coalesce({method}, '')
            || coalesce(' WITH (' || array_to_string(c.reloptions, ', ') || ')', '') || ' AS '
            || rtrim(pg_get_viewdef(c.oid), ';') || CASE WHEN c.relispopulated THEN ' WITH DATA' ELSE ' WITH NO DATA' END"
    );
    let indexes = "(SELECT string_agg(pg_get_indexdef(i.indexrelid)
          || CASE WHEN i.indisclustered THEN format('; ALTER MATERIALIZED VIEW %I.%I CLUSTER ON %I', n.nspname, c.relname, x.relname) ELSE '' END
          || coalesce(format('; COMMENT ON INDEX %I.%I IS %L', n.nspname, x.relname, nullif(obj_description(x.oid, 'pg_class'), '')), ''),
          '; ' ORDER BY x.relname)
        FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid)";
    let comments = "(SELECT string_agg(format('COMMENT ON %s IS %L', CASE d.objsubid WHEN 0 THEN format('MATERIALIZED VIEW %I.%I', n.nspname, c.relname)
          ELSE format('COLUMN %I.%I.%I', n.nspname, c.relname, a.attname) END, d.description), '; ' ORDER BY d.objsubid)
        FROM pg_description d LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid AND d.objsubid > 0
        WHERE d.objoid = c.oid AND d.classoid = 'pg_class'::regclass)";
    let from = format!(
        "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
           JOIN pg_rewrite r ON r.ev_class = c.oid AND r.rulename = '_RETURN' WHERE c.relkind = 'm' AND {} AND {}",
        is_users("n"),
        no_extension("pg_class", "c.oid"),
    );
    let definition = format!("{create} || coalesce('; ' || {indexes}, '')");
    let make = Make::plain(
        "views",
        vec![create, indexes.to_owned(), comments.to_owned()],
        vec![format!("'DROP MATERIALIZED VIEW ' || {name}")],
    );
    Family::listed("materialized view", "c.relname", &definition, from)
        .within("n.nspname")
        .at("pg_rewrite", "r.oid")
        .made(make)
}

fn invalid_indexes() -> Family {
    let from = format!(
        "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_index i ON i.indrelid = c.oid
           JOIN pg_class x ON x.oid = i.indexrelid
         WHERE c.relkind IN ('r', 'p', 'm') AND NOT i.indisvalid AND {} AND {}",
        is_users("n"),
        no_extension("pg_class", "c.oid"),
    );
    Family::listed("invalid index", "x.relname", "pg_get_indexdef(x.oid)", from)
        .within("n.nspname")
        .on("n.nspname", "c.relname")
}

fn tablespaces() -> Family {
    let from = format!(
        "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_tablespace s ON s.oid = c.reltablespace
           LEFT JOIN pg_index i ON i.indexrelid = c.oid LEFT JOIN pg_class r ON r.oid = i.indrelid
         WHERE {} AND c.relkind IN ('r', 'p', 'i', 'm')",
        is_users("n")
    );
    Family::listed("tablespace", "c.relname", "s.spcname", from)
        .within("n.nspname")
        .on("n.nspname", "coalesce(r.relname, c.relname)")
}

fn index_options() -> Family {
    let from = format!(
        "pg_constraint o JOIN pg_class c ON c.oid = o.conindid JOIN pg_class r ON r.oid = o.conrelid
           JOIN pg_namespace n ON n.oid = r.relnamespace
         WHERE {} AND o.contype IN ('p', 'u', 'x') AND c.reloptions IS NOT NULL",
        is_users("n")
    );
    let alter = format!("'ALTER INDEX ' || {}", qualified("c.relname"));
    let make = Make::plain(
        "last",
        vec![format!(
            "{alter} || ' SET (' || array_to_string(c.reloptions, ', ') || ')'"
        )],
        vec![format!(
            "{alter} || ' RESET (' || (SELECT string_agg(split_part(o, '=', 1), ', ') FROM unnest(c.reloptions) o) || ')'"
        )],
    );
    Family::listed(
        "constraint index option",
        "c.relname",
        "array_to_string(c.reloptions, ', ')",
        from,
    )
    .within("n.nspname")
    .on("n.nspname", "r.relname")
    .made(make)
}

fn indexes_of_tables(condition: &str) -> String {
    format!(
        "pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class r ON r.oid = i.indrelid
           JOIN pg_namespace n ON n.oid = r.relnamespace WHERE {} AND {condition} AND r.relkind IN ('r', 'p')",
        is_users("n")
    )
}

fn marks() -> Family {
    let table = format!("'ALTER TABLE ' || {}", qualified("r.relname"));
    Family::listed(
        "cluster mark",
        "c.relname",
        "NULL",
        indexes_of_tables("i.indisclustered"),
    )
    .within("n.nspname")
    .on("n.nspname", "r.relname")
    .made(Make::plain(
        "last",
        vec![format!("{table} || ' CLUSTER ON ' || quote_ident(c.relname)")],
        vec![format!("{table} || ' SET WITHOUT CLUSTER'")],
    ))
}

fn replica_indexes() -> Family {
    let table = format!("'ALTER TABLE ONLY ' || {}", qualified("r.relname"));
    let from = indexes_of_tables("i.indisreplident");
    Family::listed("replica identity index", "c.relname", "NULL", from)
        .within("n.nspname")
        .on("n.nspname", "r.relname")
        .made(Make::plain(
            "last",
            vec![format!(
                "{table} || ' REPLICA IDENTITY USING INDEX ' || quote_ident(c.relname)"
            )],
            vec![format!("{table} || ' REPLICA IDENTITY DEFAULT'")],
        ))
}

fn typed_tables() -> Family {
    let from = format!(
        "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {} AND c.reloftype <> 0",
        is_users("n")
    );
    let table = format!("'ALTER TABLE ' || {}", qualified("c.relname"));
    Family::listed("typed table", "c.relname", "format_type(c.reloftype, NULL)", from)
        .within("n.nspname")
        .on("n.nspname", "c.relname")
        .made(Make::plain(
            "last",
            vec![format!("{table} || ' OF ' || format_type(c.reloftype, NULL)")],
            vec![format!("{table} || ' NOT OF'")],
        ))
}

//! Keys, checks, foreign keys and exclusions.

use tokio_postgres::{Client, Row};
use whimbrel_core::{Check, Deferral, Exclusion, ForeignKey, Key, Result};

use super::server::Server;
use super::tables::Tables;
use super::{is_users, name_at};
use crate::error::from_driver;

/// The option of a column that names its NOT NULL.
pub(crate) const NOT_NULL_NAME: &str = "not_null=";

pub(super) async fn add(client: &Client, server: Server, tables: &mut Tables) -> Result<()> {
    // What a table inherits comes with its parent; a partition repeats its parent's checks.
    let sql = format!(
        "SELECT o.conrelid, o.contype::text, o.conname::text, pg_get_constraintdef(o.oid), o.condeferrable,
            o.condeferred, o.convalidated, {columns_of}, {nulls_equal},
            pg_get_expr(o.conbin, o.conrelid), fn.nspname::text, f.relname::text, {referred_of},
            o.confupdtype::text, o.confdeltype::text, o.confmatchtype::text
         FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
           LEFT JOIN pg_index i ON i.indexrelid = o.conindid AND o.contype IN ('p', 'u')
           LEFT JOIN pg_class f ON f.oid = o.confrelid LEFT JOIN pg_namespace fn ON fn.oid = f.relnamespace
         WHERE o.contype IN ('p', 'u', 'c', 'f', 'x') AND NOT (o.contype = 'f' AND {parent} <> 0)
           AND (o.contype <> 'c' OR o.conislocal OR c.relispartition) AND {}
         ORDER BY o.conrelid, o.conname COLLATE \"C\"",
        is_users("n"),
        nulls_equal = server.nulls_equal(),
        parent = server.parent_constraint("o"),
        columns_of = names_of("o.conkey", "o.conrelid"),
        referred_of = names_of("o.confkey", "o.confrelid"),
    );
    for row in client.query(&sql, &[]).await.map_err(from_driver)? {
        let Some(table) = tables.get_mut(&row.get(0)) else {
            continue;
        };
        match row.get::<_, String>(1).as_str() {
            "p" => table.primary_key = Some(key(&row)),
            "u" => table.uniques.push(key(&row)),
            "c" => table.checks.push(Check {
                name: row.get(2),
                expression: row.get::<_, Option<String>>(9).unwrap_or_default(),
                validated: row.get(6),
                definition: row.get(3),
            }),
            "f" => table.foreign_keys.push(foreign_key(&row)),
            _ => table.exclusions.push(Exclusion {
                name: row.get(2),
                definition: row.get(3),
            }),
        }
    }
    if server.has(18) {
        add_not_null_names(client, tables).await?;
    }
    Ok(())
}

/// Since version 18 NOT NULL is a constraint with a name; one that the server would not give itself is an option of its column.
async fn add_not_null_names(client: &Client, tables: &mut Tables) -> Result<()> {
    let sql = format!(
        "SELECT o.conrelid, a.attname::text, o.conname::text, o.convalidated FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid
           JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = o.conkey[1]
         WHERE o.contype = 'n' AND (o.conislocal OR c.relispartition) AND {}",
        is_users("n")
    );
    for row in client.query(&sql, &[]).await.map_err(from_driver)? {
        let Some(table) = tables.get_mut(&row.get(0)) else {
            continue;
        };
        let (column, name): (String, String) = (row.get(1), row.get(2));
        let usual = format!("{}_{column}_not_null", table.id.name);
        let found = table.columns.iter_mut().find(|found| found.name == column);
        let Some(found) = found else { continue };
        if !row.get::<_, bool>(3) {
            // Rows that break it may be there; it is made after them.
            found.nullable = true;
        } else if name != usual {
            found.options.push(format!("{NOT_NULL_NAME}{name}"));
            found.options.sort();
        }
    }
    Ok(())
}

/// The names behind column numbers, in their order.
fn names_of(numbers: &str, table: &str) -> String {
    format!(
        "ARRAY(SELECT a.attname::text FROM unnest({numbers}) WITH ORDINALITY k(n, at)
            JOIN pg_attribute a ON a.attrelid = {table} AND a.attnum = k.n ORDER BY k.at)"
    )
}

fn key(row: &Row) -> Key {
    Key {
        name: row.get(2),
        columns: row.get(7),
        deferral: deferral(row),
        nulls_equal: row.get(8),
        definition: row.get(3),
    }
}

fn deferral(row: &Row) -> Deferral {
    match (row.get(4), row.get(5)) {
        (false, _) => Deferral::Never,
        (true, false) => Deferral::Immediate,
        (true, true) => Deferral::Deferred,
    }
}

fn foreign_key(row: &Row) -> ForeignKey {
    let action = |at: usize| {
        match row.get::<_, String>(at).as_str() {
            "r" => "RESTRICT",
            "c" => "CASCADE",
            "n" => "SET NULL",
            "d" => "SET DEFAULT",
            _ => "NO ACTION",
        }
        .to_owned()
    };
    ForeignKey {
        name: row.get(2),
        columns: row.get(7),
        references: name_at(row, 10),
        referred: row.get(12),
        on_update: action(13),
        on_delete: action(14),
        match_full: row.get::<_, String>(15) == "f",
        deferral: deferral(row),
        validated: row.get(6),
        definition: row.get(3),
    }
}

//! Tables and their columns, and why some tables cannot be moved.

use std::collections::BTreeMap;

use tokio_postgres::{Client, Row};
use whimbrel_core::{Column, Generated, Identity, Result, Table};

use super::server::Server;
use super::{is_users, name_at, no_extension, optional_name_at};
use crate::error::from_driver;

/// The option of a column that its table has only because another one has it.
pub(crate) const INHERITED: &str = "inherited";

/// Tables by their number on the server.
pub(super) type Tables = BTreeMap<u32, Table>;

pub(super) async fn read(client: &Client, server: Server) -> Result<Tables> {
    let sql = format!(
        "SELECT c.oid, n.nspname::text, c.relname::text, c.relkind::text, c.relpersistence::text, c.relispartition,
            CASE WHEN c.relkind = 'p' THEN 0 ELSE c.reltuples END::float8, CASE WHEN c.relkind = 'r' THEN pg_table_size(c.oid) END,
            coalesce(c.reloptions, '{{}}'), coalesce(t.reloptions, '{{}}'), obj_description(c.oid, 'pg_class'),
            c.relreplident::text, am.amname::text, pg_is_in_recovery()
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
           LEFT JOIN pg_class t ON t.oid = c.reltoastrelid LEFT JOIN pg_am am ON am.oid = {method}
         WHERE c.relkind IN ('r', 'p', 'f') AND {} AND {} AND c.relpersistence <> 't'",
        is_users("n"),
        no_extension("pg_class", "c.oid"),
        method = if server.has(12) { "c.relam" } else { "0" },
    );
    let rows = client.query(&sql, &[]).await.map_err(from_driver)?;
    Ok(rows.iter().map(|row| (row.get(0), table(row))).collect())
}

fn table(row: &Row) -> Table {
    let mut table = Table::empty(name_at(row, 1));
    let (kind, persistence): (String, String) = (row.get(3), row.get(4));
    table.unmovable = match kind.as_str() {
        "f" => Some("it is a foreign table; its rows live on another server".to_owned()),
        _ if persistence == "u" && row.get(13) => {
            Some("it is unlogged, and a standby does not have its rows".to_owned())
        }
        _ => None,
    };
    let estimate: f64 = row.get(6);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate, and not negative here"
    )]
    let estimate = (estimate >= 0.0).then_some(estimate as u64);
    table.rows_estimate = estimate;
    table.bytes = row
        .get::<_, Option<i64>>(7)
        .and_then(|bytes| u64::try_from(bytes).ok());
    table.options = row.get(8);
    table.options.extend(
        row.get::<_, Vec<String>>(9)
            .iter()
            .map(|option| format!("toast.{option}")),
    );
    if persistence == "u" {
        table.options.push("unlogged".to_owned());
    }
    match row.get::<_, String>(11).as_str() {
        "f" => table.options.push("replica_identity=full".to_owned()),
        "n" => table.options.push("replica_identity=nothing".to_owned()),
        _ => {}
    }
    if let Some(method) = row.get::<_, Option<String>>(12).filter(|method| method != "heap") {
        table.options.push(format!("access_method={method}"));
    }
    table.options.sort();
    table.comment = row.get(10);
    table
}

pub(super) async fn add_columns(client: &Client, server: Server, tables: &mut Tables) -> Result<()> {
    let sql = format!(
        "SELECT c.oid, a.attname::text, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
            pg_get_expr(d.adbin, d.adrelid), a.attidentity::text, {generated},
            CASE WHEN a.attcollation <> t.typcollation AND a.attcollation <> 0 THEN {collation} END,
            col_description(c.oid, a.attnum), un.nspname::text, ut.typname::text,
            sn.nspname::text, s.relname::text, rowtype.oid IS NOT NULL,
            CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage::text END,
            {compression}, nullif(a.attstattarget::int, -1),
            -- Newer minor versions stamp every column there for themselves.
            ARRAY(SELECT option FROM unnest(a.attoptions) option WHERE option NOT LIKE 'pg\\_attver=%'),
            c.relispartition, a.attinhcount > 0 AND NOT a.attislocal AND NOT c.relispartition
         FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
           JOIN pg_type t ON t.oid = a.atttypid
           LEFT JOIN pg_type element ON element.oid = t.typelem AND {is_array}
           LEFT JOIN pg_range mr ON {multirange} = coalesce(element.oid, t.oid)
           LEFT JOIN pg_type ut ON ut.oid = coalesce(mr.rngtypid, element.oid, t.oid) AND ut.typtype IN ('e', 'd', 'c', 'r')
             AND ut.oid >= 16384 AND {no_extension}
           LEFT JOIN pg_namespace un ON un.oid = ut.typnamespace
           LEFT JOIN pg_class rowtype ON rowtype.oid = ut.typrelid AND rowtype.relkind <> 'c'
           LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
           LEFT JOIN pg_depend dep ON a.attidentity <> '' AND dep.refclassid = 'pg_class'::regclass
             AND dep.refobjid = c.oid AND dep.refobjsubid = a.attnum AND dep.classid = 'pg_class'::regclass
             AND dep.deptype = 'i'
           LEFT JOIN pg_class s ON s.oid = dep.objid LEFT JOIN pg_namespace sn ON sn.oid = s.relnamespace
         WHERE c.relkind IN ('r', 'p', 'f') AND {is_users} AND a.attnum > 0 AND NOT a.attisdropped
         ORDER BY c.oid, a.attnum",
        no_extension = no_extension("pg_type", "ut.oid"),
        is_users = is_users("n"),
        generated = server.generated(),
        collation = server.collation("a.attcollation"),
        compression = server.compression(),
        is_array = server.is_array("t"),
        multirange = server.multirange("mr"),
    );
    for row in client.query(&sql, &[]).await.map_err(from_driver)? {
        let Some(table) = tables.get_mut(&row.get(0)) else {
            continue;
        };
        let column = column(&row);
        if row.get(13) {
            let reason = format!("column `{}` has the row type of another table", column.name);
            table.unmovable.get_or_insert(reason);
        }
        table.options.extend(column_options(&column.name, &row));
        table.options.sort();
        table.columns.push(column);
    }
    Ok(())
}

fn column(row: &Row) -> Column {
    let mut column = Column::new(row.get::<_, String>(1), row.get::<_, String>(2));
    column.nullable = row.get(3);
    let expression: Option<String> = row.get(4);
    let (identity, generated): (String, String) = (row.get(5), row.get(6));
    if generated.is_empty() {
        column.default = expression;
    } else {
        column.generated = expression.map(|expression| Generated {
            expression,
            stored: generated == "s",
        });
    }
    if !identity.is_empty() {
        column.identity = Some(Identity {
            always: identity == "a",
            never_reused: true,
            sequence: optional_name_at(row, 11),
        });
    }
    // A partition numbers by its parent's sequence, and is told nothing about it.
    if row.get(18) && optional_name_at(row, 11).is_none() {
        column.identity = None;
    }
    if row.get(19) {
        column.options.push(INHERITED.to_owned());
    }
    column.collation = row.get(7);
    column.comment = row.get(8);
    let row_type: bool = row.get(13);
    column.user_type = optional_name_at(row, 9).filter(|_| !row_type);
    column
}

/// Properties of a column that are the storage's, as options of its table: `storage(a)=external`.
fn column_options(name: &str, row: &Row) -> Vec<String> {
    let mut options = Vec::new();
    let storage = match row.get::<_, Option<String>>(14).as_deref() {
        Some("p") => Some("plain"),
        Some("e") => Some("external"),
        Some("x") => Some("extended"),
        Some("m") => Some("main"),
        _ => None,
    };
    options.extend(storage.map(|storage| format!("storage({name})={storage}")));
    let compression = match row.get::<_, Option<String>>(15).as_deref() {
        Some("p") => Some("pglz"),
        Some("l") => Some("lz4"),
        _ => None,
    };
    options.extend(compression.map(|method| format!("compression({name})={method}")));
    options.extend(
        row.get::<_, Option<i32>>(16)
            .map(|target| format!("statistics({name})={target}")),
    );
    options.extend(
        row.get::<_, Vec<String>>(17)
            .iter()
            .map(|option| format!("attribute({name}).{option}")),
    );
    options
}

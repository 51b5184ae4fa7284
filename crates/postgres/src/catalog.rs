//! Reads the whole catalog with a handful of queries, one file per topic. With an empty `search_path` the server prints
//! every name qualified, so definitions mean the same on any other server. Our own schemas are left out.

mod constraints;
mod indexes;
mod offers;
mod others;
mod partitions;
mod sequences;
mod server;
mod tables;
mod user_types;
mod views;

pub(crate) use constraints::NOT_NULL_NAME;
pub(crate) use tables::INHERITED;

use tokio_postgres::{Client, Row};
use whimbrel_core::{Catalog, Namespace, Result, SequencePosition, Table, TableId};

pub(crate) use self::server::Server;
use crate::error::from_driver;
use crate::large_objects;

/// The condition that the namespace `alias` is neither the server's nor ours.
pub(crate) fn is_users(alias: &str) -> String {
    format!("({alias}.nspname !~ '^(pg_|_whimbrel)' AND {alias}.nspname <> 'information_schema')")
}

/// The condition that an object does not belong to an extension, which brings its objects itself.
fn no_extension(catalog: &str, oid: &str) -> String {
    format!(
        "NOT EXISTS (SELECT 1 FROM pg_depend e WHERE e.classid = '{catalog}'::regclass AND e.objid = {oid} AND e.deptype = 'e')"
    )
}

/// Reads everything.
pub(crate) async fn read(client: &Client) -> Result<Catalog> {
    let server = Server::of(client).await?;
    let mut catalog = database(client).await?;
    catalog.namespaces = namespaces(client).await?;
    catalog.types = user_types::read(client, server).await?;
    catalog.sequences = sequences::read(client).await?;
    catalog.tables = tables(client, server).await?;
    catalog.views = views::read(client).await?;
    catalog.others = others::read(client, server).await?;
    catalog.offers = offers::read(client, server).await?;
    Ok(catalog)
}

/// Returns where the named sequences stand; none for one that is not there or may not be read.
pub(crate) async fn sequence_positions(
    client: &Client,
    sequences: &[TableId],
) -> Result<Vec<Option<SequencePosition>>> {
    sequences::positions(client, sequences).await
}

async fn database(client: &Client) -> Result<Catalog> {
    let sql =
        "SELECT split_part(current_setting('server_version'), ' ', 1), d.datname::text, pg_encoding_to_char(d.encoding)::text,
        d.datcollate::text FROM pg_database d WHERE d.datname = current_database()";
    let row = client.query_one(sql, &[]).await.map_err(from_driver)?;
    Ok(Catalog {
        engine: "postgres".to_owned(),
        version: row.get(0),
        database: row.get(1),
        encoding: row.get(2),
        collation: row.get(3),
        ..Catalog::default()
    })
}

async fn namespaces(client: &Client) -> Result<Vec<Namespace>> {
    let sql = format!(
        "SELECT n.nspname::text, obj_description(n.oid, 'pg_namespace') FROM pg_namespace n WHERE {} AND {}
         ORDER BY n.nspname COLLATE \"C\"",
        is_users("n"),
        no_extension("pg_namespace", "n.oid"),
    );
    let rows = client.query(&sql, &[]).await.map_err(from_driver)?;
    // The comment that every new database has on `public` is the template's, not the user's.
    let comment = |row: &Row| {
        row.get::<_, Option<String>>(1)
            .filter(|text| text != "standard public schema")
    };
    Ok(rows
        .iter()
        .map(|row| Namespace {
            name: row.get(0),
            comment: comment(row),
        })
        .collect())
}

async fn tables(client: &Client, server: Server) -> Result<Vec<Table>> {
    let mut tables = tables::read(client, server).await?;
    tables::add_columns(client, server, &mut tables).await?;
    partitions::add(client, &mut tables).await?;
    constraints::add(client, server, &mut tables).await?;
    indexes::add(client, server, &mut tables).await?;
    let mut tables: Vec<Table> = tables.into_values().collect();
    tables.extend(large_objects(client).await?);
    tables.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(tables)
}

/// The large objects as a table, when there are any that the login may read.
async fn large_objects(client: &Client) -> Result<Option<Table>> {
    let sql = format!(
        "SELECT {}, pg_table_size('pg_catalog.pg_largeobject')",
        large_objects::READABLE
    );
    let row = client.query_one(&sql, &[]).await.map_err(from_driver)?;
    if !row.get::<_, bool>(0) {
        return Ok(None);
    }
    let mut table = large_objects::table();
    table.bytes = u64::try_from(row.get::<_, i64>(1)).ok();
    Ok(Some(table))
}

/// Reads the qualified name in two columns.
fn name_at(row: &Row, at: usize) -> TableId {
    TableId::new(row.get::<_, String>(at), row.get::<_, String>(at + 1))
}

/// Reads a qualified name that may be missing.
fn optional_name_at(row: &Row, at: usize) -> Option<TableId> {
    let (namespace, name): (Option<String>, Option<String>) = (row.get(at), row.get(at + 1));
    Some(TableId::new(namespace?, name?))
}

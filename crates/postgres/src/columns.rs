//! What the columns of one table are on this server: base types behind domains, and what their binary form is made of.
//! Names alone do not tell; readers and writers ask when they begin with a table, and one answer holds those of all tables.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use tokio::sync::OnceCell;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row};
use whimbrel_core::{Error, LogicalType, Result, Table, TableId};

use crate::codec::wire::{Part, Shape};
use crate::error::from_driver;
use crate::large_objects;
use crate::native::Kind;

/// A column as this server holds it.
#[derive(Debug, Clone)]
pub(crate) struct ServerColumn {
    /// Its name.
    pub(crate) name: String,
    /// The type behind all domains.
    pub(crate) kind: Kind,
    /// Type numbers inside its binary form.
    pub(crate) shape: Shape,
    /// False when the type, or a part of it, has no portable binary form: only its text is the same everywhere.
    pub(crate) binary: bool,
}

/// Types whose binary form cannot be used elsewhere: the number of an object of this very database, or (`tsquery`) one that the
/// server sends and does not take back when the value is empty.
const PRINTED_ONLY: &[&str] = &[
    "tsquery",
    "regclass",
    "regproc",
    "regprocedure",
    "regoper",
    "regoperator",
    "regtype",
    "regrole",
    "regnamespace",
    "regconfig",
    "regdictionary",
    "regcollation",
];

/// The columns of the tables that a condition on `c` and `n` chooses.
fn columns_where(condition: &str) -> String {
    format!(
        "WITH RECURSIVE chain AS (
           SELECT n.nspname, c.relname, a.attnum, a.attname, a.atttypid AS type, a.atttypmod AS modifier
           FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE {condition} AND a.attnum > 0 AND NOT a.attisdropped
         UNION ALL
           SELECT c.nspname, c.relname, c.attnum, c.attname, t.typbasetype, t.typtypmod
           FROM chain c JOIN pg_type t ON t.oid = c.type WHERE t.typtype = 'd')
         SELECT c.attname::text, c.type, format_type(c.type, c.modifier), t.typtype::text, c.nspname::text, c.relname::text
         FROM chain c JOIN pg_type t ON t.oid = c.type WHERE t.typtype <> 'd' ORDER BY c.nspname, c.relname, c.attnum"
    )
}

/// What may be read or written, besides the store of large objects.
const TABLES: &str =
    "c.relkind IN ('r', 'p', 'f', 'v', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    AND n.nspname !~ '^pg_(toast|temp)'";

/// Multiranges came with version 14, so their column is asked for by name.
const TYPES: &str = "WITH RECURSIVE needed(oid) AS (
    SELECT unnest($1::oid[])
  UNION
    SELECT part.oid FROM needed JOIN pg_type t ON t.oid = needed.oid CROSS JOIN LATERAL (
      SELECT t.typelem WHERE t.typelem <> 0
      UNION ALL SELECT t.typbasetype WHERE t.typbasetype <> 0
      UNION ALL SELECT a.atttypid FROM pg_attribute a
        WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
      UNION ALL SELECT r.rngsubtype FROM pg_range r WHERE t.oid IN (r.rngtypid, (to_jsonb(r) ->> 'rngmultitypid')::oid)
    ) part(oid))
SELECT t.oid, t.typname::text, t.typtype::text, send.proname::text, t.typreceive <> 0,
  CASE WHEN t.typtype = 'd' THEN t.typbasetype
       WHEN t.typtype IN ('r', 'm') THEN (SELECT r.rngsubtype FROM pg_range r WHERE t.oid IN (r.rngtypid, (to_jsonb(r) ->> 'rngmultitypid')::oid))
       ELSE t.typelem END,
  ARRAY(SELECT a.atttypid FROM pg_attribute a
    WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum)
FROM needed JOIN pg_type t ON t.oid = needed.oid LEFT JOIN pg_proc send ON send.oid = t.typsend";

/// A row of `pg_type`, as far as binary forms depend on it.
struct TypeRow {
    name: String,
    kind: String,
    send: Option<String>,
    receives: bool,
    inner: u32,
    attributes: Vec<u32>,
}

/// The columns of all tables in one state, asked for at once by the first who needs those of one table.
#[derive(Debug, Default)]
pub(crate) struct Known {
    tables: OnceCell<ByTable>,
    utf8: OnceCell<bool>,
}

/// The columns of tables by namespace and name.
type ByTable = HashMap<(String, String), Arc<[ServerColumn]>>;

impl Known {
    /// Tells whether the database keeps text in UTF-8.
    pub(crate) async fn is_utf8(&self, client: &Client) -> Result<bool> {
        let asked = self.utf8.get_or_try_init(|| async {
            let sql = "SELECT current_setting('server_encoding') = 'UTF8'";
            let row = client.query_one(sql, &[]).await.map_err(from_driver)?;
            Ok(row.get(0))
        });
        asked.await.copied()
    }

    /// Returns the table's columns in order; empty when there is no such table.
    pub(crate) async fn of(&self, client: &Client, table: &TableId) -> Result<Arc<[ServerColumn]>> {
        let (namespace, name) = placed(table);
        if namespace != "pg_catalog" {
            let all = self
                .tables
                .get_or_try_init(|| async { asked(client, &columns_where(TABLES), &[]).await });
            let key = (namespace.to_owned(), name.to_owned());
            if let Some(found) = Box::pin(all).await?.get(&key) {
                return Ok(Arc::clone(found));
            }
        }
        // Made since the others were asked for, or not there at all.
        Ok(columns_of(client, table).await?.into())
    }
}

/// Where the server has the table.
fn placed(table: &TableId) -> (&str, &str) {
    if large_objects::is_store(table) {
        return large_objects::STORE;
    }
    (table.namespace.as_deref().unwrap_or("public"), &table.name)
}

/// Returns the table's columns in order; empty when there is no such table.
pub(crate) async fn columns_of(client: &Client, table: &TableId) -> Result<Vec<ServerColumn>> {
    let (namespace, name) = placed(table);
    let sql = columns_where("n.nspname = $1 AND c.relname = $2");
    let found = asked(client, &sql, &[&namespace, &name]).await?;
    Ok(found
        .into_values()
        .next()
        .map(|columns| columns.to_vec())
        .unwrap_or_default())
}

/// Returns the columns of each of the tables, asked for at once.
pub(crate) async fn columns_of_all(client: &Client, tables: &[Table]) -> Result<Vec<Vec<ServerColumn>>> {
    let (namespaces, names): (Vec<&str>, Vec<&str>) = tables.iter().map(|table| placed(&table.id)).unzip();
    let sql = columns_where("(n.nspname, c.relname) IN (SELECT * FROM unnest($1::text[], $2::text[]))");
    let found = asked(client, &sql, &[&namespaces, &names]).await?;
    let columns = |(namespace, name): (&str, &str)| {
        let columns = found.get(&(namespace.to_owned(), name.to_owned()));
        columns.map(|columns| columns.to_vec()).unwrap_or_default()
    };
    Ok(namespaces.into_iter().zip(names).map(columns).collect())
}

async fn asked(client: &Client, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<ByTable> {
    let rows = client.query(sql, parameters).await.map_err(from_driver)?;
    let kind = |row: &Row| match row.get::<_, &str>(3) {
        "e" => Kind::Enum,
        _ => Kind::parse(row.get(2)),
    };
    // The types that have a codec of ours are plain; only the others are looked into.
    let others: BTreeSet<u32> = rows
        .iter()
        .filter(|row| kind(row) == Kind::Other)
        .map(|row| row.get(1))
        .collect();
    let others: Vec<u32> = others.into_iter().collect();
    let types = if others.is_empty() {
        BTreeMap::new()
    } else {
        types(client, &others).await?
    };
    let mut tables: HashMap<(String, String), Vec<ServerColumn>> = HashMap::new();
    for row in &rows {
        let (kind, oid) = (kind(row), row.get(1));
        tables
            .entry((row.get(4), row.get(5)))
            .or_default()
            .push(ServerColumn {
                name: row.get(0),
                kind,
                shape: shape(oid, &types),
                binary: kind != Kind::Other || is_binary(oid, &types),
            });
    }
    Ok(tables
        .into_iter()
        .map(|(table, columns)| (table, columns.into()))
        .collect())
}

async fn types(client: &Client, oids: &[u32]) -> Result<BTreeMap<u32, TypeRow>> {
    let rows = client.query(TYPES, &[&oids]).await.map_err(from_driver)?;
    let read = |row: &Row| {
        let found = TypeRow {
            name: row.get(1),
            kind: row.get(2),
            send: row.get(3),
            receives: row.get(4),
            inner: row.get(5),
            attributes: row.get(6),
        };
        (row.get(0), found)
    };
    Ok(rows.iter().map(read).collect())
}

/// A type cannot contain itself, so this ends.
fn shape(oid: u32, types: &BTreeMap<u32, TypeRow>) -> Shape {
    let Some(found) = types.get(&oid) else {
        return Shape::Plain;
    };
    let part = |oid: u32| Part {
        oid,
        shape: shape(oid, types),
    };
    match (found.kind.as_str(), found.send.as_deref()) {
        ("d", _) => shape(found.inner, types),
        ("c", _) => Shape::Composite(found.attributes.iter().map(|oid| part(*oid)).collect()),
        ("r", _) => Shape::Range(Box::new(shape(found.inner, types))),
        ("m", _) => Shape::Multirange(Box::new(shape(found.inner, types))),
        (_, Some("array_send")) => Shape::Array(Box::new(part(found.inner))),
        _ => Shape::Plain,
    }
}

fn is_binary(oid: u32, types: &BTreeMap<u32, TypeRow>) -> bool {
    let Some(found) = types.get(&oid) else {
        return false;
    };
    let itself = found.send.is_some() && found.receives && !PRINTED_ONLY.contains(&found.name.as_str());
    let has_parts =
        matches!(found.kind.as_str(), "d" | "r" | "m") || found.send.as_deref() == Some("array_send");
    itself
        && (!has_parts || is_binary(found.inner, types))
        && found
            .attributes
            .iter()
            .all(|attribute| is_binary(*attribute, types))
}

/// Looks up a column by name.
pub(crate) fn find<'a>(columns: &'a [ServerColumn], table: &TableId, name: &str) -> Result<&'a ServerColumn> {
    columns.iter().find(|column| column.name == name).ok_or_else(|| {
        Error::invalid(format!("table `{table}` has no column `{name}`"))
            .with_code("missing_object")
            .with_hint("the structure changed since it was planned; plan again")
    })
}

/// Tells whether the raw values of these columns are carried as text. Reader and writer decide by the same columns: as soon as one
/// has no portable binary form, or is planned to travel as text, all do, because a table is written in one format.
pub(crate) fn carried_as_text<'a>(
    columns: impl IntoIterator<Item = (&'a ServerColumn, &'a LogicalType)>,
) -> bool {
    columns
        .into_iter()
        .any(|(column, logical)| matches!(logical, LogicalType::Wire { printed, .. } if *printed || !column.binary))
}

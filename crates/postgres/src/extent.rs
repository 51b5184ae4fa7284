//! How large tables are, and whether their pages can be read by number: asked for all tables at once.

use std::collections::HashMap;

use tokio::sync::OnceCell;
use tokio_postgres::{Client, Row};
use whimbrel_core::{Result, Table};

use crate::error::from_driver;
use crate::large_objects;
use crate::quote::{literal, table_name};

/// The size of a table.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Extent {
    /// Bytes with the values that are stored apart.
    pub(crate) bytes: u64,
    /// Bytes of values that are stored apart.
    pub(crate) apart: u64,
    /// Pages of the table alone.
    pub(crate) pages: u64,
    /// True when the server keeps rows of the table itself.
    pub(crate) stored: bool,
    /// True when the server reads ranges of the table's pages without reading the others.
    pub(crate) by_page: bool,
    /// True when the table surely holds no row: it has no page. What a state shows stays in its page while the state lives.
    pub(crate) empty: bool,
}

/// The extents of all tables, asked for by the first who needs one.
#[derive(Debug, Default)]
pub(crate) struct Extents {
    tables: OnceCell<HashMap<(String, String), Extent>>,
}

/// Ranges of pages are scanned as such since version 14, and by the server's own storage alone.
const BY_PAGE: &str = "c.relkind = 'r' AND coalesce(am.amname, 'heap') = 'heap' AND current_setting('server_version_num')::int >= 140000";

/// Other storages may keep rows elsewhere.
const IN_PAGES: &str = "c.relkind IN ('r', 'm') AND coalesce(am.amname, 'heap') = 'heap'";

const SIZES: &str = "coalesce(sum(pg_table_size(c.oid)), 0)::int8, coalesce(sum(pg_relation_size(nullif(c.reltoastrelid, 0))), 0)::int8,
    coalesce(sum(pg_relation_size(c.oid) / current_setting('block_size')::int8), 0)::int8";

impl Extents {
    /// Tells whether the table is known to hold no row, without asking.
    pub(crate) fn is_known_empty(&self, table: &Table) -> bool {
        let known = self.tables.get().filter(|_| !table.flattened);
        known
            .and_then(|tables| tables.get(&place(table)))
            .is_some_and(|extent| extent.empty)
    }

    /// Returns the size of what [`crate::quote::rows_of`] reads of the table.
    pub(crate) async fn of(&self, client: &Client, table: &Table) -> Result<Extent> {
        if table.flattened || large_objects::is_store(&table.id) {
            return with_parts(client, table).await;
        }
        let all = self.tables.get_or_try_init(|| all(client));
        Ok(Box::pin(all)
            .await?
            .get(&place(table))
            .copied()
            .unwrap_or_default())
    }
}

fn place(table: &Table) -> (String, String) {
    let namespace = table.id.namespace.as_deref().unwrap_or("public");
    (namespace.to_owned(), table.id.name.clone())
}

/// Tells of each of the tables whether it surely holds no row, asked for at once.
pub(crate) async fn are_empty(client: &Client, tables: &[Table]) -> Result<Vec<bool>> {
    let names: Vec<String> = tables.iter().map(|table| table_name(&table.id)).collect();
    let sql = format!(
        "SELECT coalesce({IN_PAGES} AND pg_relation_size(c.oid) = 0, false)
         FROM unnest($1::text[]) WITH ORDINALITY AS t(name, at) LEFT JOIN pg_class c ON c.oid = to_regclass(t.name)
           LEFT JOIN pg_am am ON am.oid = c.relam ORDER BY t.at"
    );
    let rows = client.query(&sql, &[&names]).await.map_err(from_driver)?;
    let whole = tables.iter().zip(&rows);
    Ok(whole.map(|(table, row)| row.get(0) && !table.flattened).collect())
}

async fn all(client: &Client) -> Result<HashMap<(String, String), Extent>> {
    let sql = format!(
        "SELECT {SIZES}, bool_and({BY_PAGE}), bool_and({IN_PAGES}), n.nspname::text, c.relname::text
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_am am ON am.oid = c.relam
         WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
         GROUP BY n.nspname, c.relname"
    );
    let rows = client.query(&sql, &[]).await.map_err(from_driver)?;
    Ok(rows
        .iter()
        .map(|row| ((row.get(5), row.get(6)), extent(row)))
        .collect())
}

/// The size of a table with its partitions or children, which have row numbers of their own.
async fn with_parts(client: &Client, table: &Table) -> Result<Extent> {
    let sql = format!(
        "WITH RECURSIVE part(oid) AS (SELECT {}::regclass::oid UNION SELECT i.inhrelid FROM part JOIN pg_inherits i ON i.inhparent = part.oid)
         SELECT {SIZES}, false, false FROM part JOIN pg_class c ON c.oid = part.oid",
        literal(&table_name(&table.id))
    );
    let row = client.query_one(&sql, &[]).await.map_err(from_driver)?;
    Ok(extent(&row))
}

fn extent(row: &Row) -> Extent {
    let number = |at: usize| u64::try_from(row.get::<_, i64>(at)).unwrap_or(0);
    Extent {
        bytes: number(0),
        apart: number(1),
        pages: number(2),
        stored: true,
        by_page: row.get(3),
        empty: row.get(4) && number(2) == 0,
    }
}

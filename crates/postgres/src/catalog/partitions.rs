//! Which tables are partitioned or partitions, and which inherit from others.

use tokio_postgres::Client;
use whimbrel_core::{PartitionOf, Result};

use super::tables::Tables;
use super::{is_users, name_at};
use crate::error::from_driver;

pub(super) async fn add(client: &Client, tables: &mut Tables) -> Result<()> {
    divided(client, tables).await?;
    let sql = format!(
        "SELECT c.oid, pn.nspname::text, p.relname::text, CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END
         FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
           JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace
         WHERE c.relkind IN ('r', 'p', 'f') AND {} ORDER BY i.inhrelid, i.inhseqno",
        is_users("n")
    );
    for row in client.query(&sql, &[]).await.map_err(from_driver)? {
        let Some(table) = tables.get_mut(&row.get(0)) else {
            continue;
        };
        let parent = name_at(&row, 1);
        match row.get::<_, Option<String>>(3) {
            Some(bound) => table.partition_of = Some(PartitionOf { parent, bound }),
            None => table.inherits.push(parent),
        }
    }
    Ok(())
}

async fn divided(client: &Client, tables: &mut Tables) -> Result<()> {
    let sql = "SELECT partrelid, pg_get_partkeydef(partrelid) FROM pg_partitioned_table";
    for row in client.query(sql, &[]).await.map_err(from_driver)? {
        if let Some(table) = tables.get_mut(&row.get(0)) {
            table.partitioned_by = row.get(1);
        }
    }
    Ok(())
}

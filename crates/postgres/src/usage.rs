//! How tables are used: what the server's own statistics count for each, without the views of anybody's extension.

use std::collections::BTreeMap;

use tokio_postgres::{Client, Row};
use whimbrel_core::{Result, TableId, TableUsage, Usage};

use crate::error::from_driver;

const COUNTS: &str = "SELECT s.schemaname::text, s.relname::text, s.seq_scan, s.idx_scan, \
        coalesce(s.seq_tup_read, 0) + coalesce(s.idx_tup_fetch, 0), s.n_tup_ins, s.n_tup_upd, s.n_tup_del, \
        b.heap_blks_read, b.heap_blks_hit, \
        ARRAY(SELECT i.indexrelname::text FROM pg_catalog.pg_stat_user_indexes i \
            JOIN pg_catalog.pg_index x ON x.indexrelid = i.indexrelid \
            WHERE i.relid = s.relid AND i.idx_scan = 0 AND NOT x.indisunique ORDER BY 1) \
    FROM pg_catalog.pg_stat_user_tables s LEFT JOIN pg_catalog.pg_statio_user_tables b ON b.relid = s.relid";

/// Statistics that were never reset are as old as the database, whose age nobody keeps.
const SINCE: &str = "SELECT pg_catalog.current_setting('track_counts') = 'on', \
        pg_catalog.to_char(stats_reset AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') \
    FROM pg_catalog.pg_stat_database WHERE datname = pg_catalog.current_database()";

pub(crate) async fn usage(client: &Client) -> Result<Usage> {
    let about = client.query_one(SINCE, &[]).await.map_err(from_driver)?;
    if !about.get::<_, bool>(0) {
        return Ok(Usage::NotKnown {
            why: "the server does not count: `track_counts` is off".to_owned(),
        });
    }
    let rows = client.query(COUNTS, &[]).await.map_err(from_driver)?;
    let tables: BTreeMap<TableId, TableUsage> = rows.iter().map(of_table).collect();
    Ok(Usage::Counted {
        place: "pg_stat_user_tables".to_owned(),
        since: about.get(1),
        tables,
    })
}

fn of_table(row: &Row) -> (TableId, TableUsage) {
    let id = TableId::new(row.get::<_, String>(0), row.get::<_, String>(1));
    let count = |at: usize| {
        let count: Option<i64> = row.get(at);
        count.and_then(|count| u64::try_from(count).ok())
    };
    let usage = TableUsage {
        full_scans: count(2),
        index_scans: count(3),
        rows_read: count(4),
        rows_inserted: count(5),
        rows_updated: count(6),
        rows_deleted: count(7),
        rows_changed: None,
        blocks_read: count(8),
        blocks_hit: count(9),
        unused_indexes: row.get(10),
    };
    (id, usage)
}

//! Indexes that no constraint owns, with their parts.

use tokio_postgres::{Client, Row};
use whimbrel_core::{Index, IndexPart, Result};

use super::is_users;
use super::server::Server;
use super::tables::Tables;
use crate::error::from_driver;

const DESCENDING: i16 = 1;
const NULLS_FIRST: i16 = 2;

pub(super) async fn add(client: &Client, server: Server, tables: &mut Tables) -> Result<()> {
    let sql = format!(
        "SELECT i.indrelid, c.relname::text, i.indisunique, am.amname::text,
            {nulls_equal}, pg_get_indexdef(i.indexrelid),
            pg_get_expr(i.indpred, i.indrelid), obj_description(i.indexrelid, 'pg_class'), k.at <= {key_parts},
            a.attname::text, CASE WHEN k.number = 0 THEN pg_get_indexdef(i.indexrelid, k.at::int, false) END,
            coalesce(k.option, 0::int2),
            CASE WHEN k.locale <> coalesce(a.attcollation, ia.attcollation, 0) THEN {collation} END,
            CASE WHEN NOT oc.opcdefault THEN quote_ident(ocn.nspname) || '.' || quote_ident(oc.opcname) END, i.indexrelid
         FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class r ON r.oid = i.indrelid
           JOIN pg_namespace n ON n.oid = r.relnamespace JOIN pg_am am ON am.oid = c.relam
           CROSS JOIN LATERAL unnest(i.indkey::int2[], i.indclass::oid[], i.indcollation::oid[], i.indoption::int2[])
             WITH ORDINALITY k(number, class, locale, option, at)
           LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number AND k.number <> 0
           LEFT JOIN pg_attribute ia ON ia.attrelid = i.indexrelid AND ia.attnum = k.at
           LEFT JOIN pg_opclass oc ON oc.oid = k.class LEFT JOIN pg_namespace ocn ON ocn.oid = oc.opcnamespace
         WHERE {} AND i.indisvalid AND NOT EXISTS (
             SELECT 1 FROM pg_constraint o WHERE o.conindid = i.indexrelid AND o.contype IN ('p', 'u', 'x'))
         ORDER BY i.indrelid, c.relname COLLATE \"C\", i.indexrelid, k.at",
        is_users("n"),
        nulls_equal = server.nulls_equal(),
        key_parts = server.key_parts(),
        collation = server.collation("k.locale"),
    );
    let mut last = None;
    for row in client.query(&sql, &[]).await.map_err(from_driver)? {
        let (table, number): (u32, u32) = (row.get(0), row.get(14));
        let Some(table) = tables.get_mut(&table) else {
            continue;
        };
        if last != Some(number) {
            table.indexes.push(index(&row));
            last = Some(number);
        }
        let Some(index) = table.indexes.last_mut() else {
            continue;
        };
        if row.get(8) {
            index.parts.push(part(&row));
        } else {
            index.include.extend(row.get::<_, Option<String>>(9));
        }
    }
    Ok(())
}

fn index(row: &Row) -> Index {
    Index {
        name: row.get(1),
        unique: row.get(2),
        parts: Vec::new(),
        include: Vec::new(),
        predicate: row.get(6),
        method: row.get(3),
        nulls_equal: row.get(4),
        // On a partitioned table it shall be one of the partitions' too, which takes over equal ones that are there.
        definition: row
            .get::<_, Option<String>>(5)
            .map(|text| text.replacen(" ON ONLY ", " ON ", 1)),
        comment: row.get(7),
        options: Vec::new(),
    }
}

fn part(row: &Row) -> IndexPart {
    let option: i16 = row.get(11);
    let descending = option & DESCENDING != 0;
    let nulls_first = option & NULLS_FIRST != 0;
    IndexPart {
        column: row.get(9),
        expression: row.get(10),
        descending,
        nulls_first: (nulls_first != descending).then_some(nulls_first),
        collation: row.get(12),
        operator_class: row.get(13),
        prefix: None,
    }
}

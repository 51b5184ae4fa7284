//! Sequences, those behind identity columns included, and where they stand.

use std::collections::BTreeMap;

use tokio_postgres::Client;
use whimbrel_core::{Result, Sequence, SequencePosition, TableId};

use super::{is_users, name_at, no_extension, optional_name_at};
use crate::error::from_driver;
use crate::quote::table_name;

/// Sequences asked in one query; each is a relation of its own.
const ASKED_AT_ONCE: usize = 200;

pub(super) async fn read(client: &Client) -> Result<Vec<Sequence>> {
    let sql = format!(
        "SELECT n.nspname::text, c.relname::text, format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmin,
            s.seqmax, s.seqcache, s.seqcycle, tn.nspname::text, t.relname::text, a.attname::text,
            coalesce(d.deptype = 'i', false), obj_description(c.oid, 'pg_class')
         FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
           LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid
             AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
           LEFT JOIN pg_class t ON t.oid = d.refobjid LEFT JOIN pg_namespace tn ON tn.oid = t.relnamespace
           LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
         WHERE {} AND {} AND c.relpersistence <> 't'
         ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\"",
        is_users("n"),
        no_extension("pg_class", "c.oid"),
    );
    let rows = client.query(&sql, &[]).await.map_err(from_driver)?;
    let mut sequences: Vec<Sequence> = rows
        .iter()
        .map(|row| Sequence {
            id: name_at(row, 0),
            native: row.get(2),
            start: row.get(3),
            increment: row.get(4),
            min: row.get(5),
            max: row.get(6),
            cache: row.get(7),
            cycle: row.get(8),
            owned_by: optional_name_at(row, 9).zip(row.get::<_, Option<String>>(11)),
            implicit: row.get(12),
            position: None,
            comment: row.get(13),
        })
        .collect();
    let names: Vec<TableId> = sequences.iter().map(|sequence| sequence.id.clone()).collect();
    for (sequence, position) in sequences.iter_mut().zip(positions(client, &names).await?) {
        sequence.position = position;
    }
    Ok(sequences)
}

pub(super) async fn positions(
    client: &Client,
    sequences: &[TableId],
) -> Result<Vec<Option<SequencePosition>>> {
    let readable = readable(client, sequences).await?;
    let mut found: BTreeMap<usize, SequencePosition> = BTreeMap::new();
    for group in readable.chunks(ASKED_AT_ONCE) {
        let parts: Vec<String> = group
            .iter()
            .map(|&at| {
                format!(
                    "SELECT {at}::int8, last_value, is_called FROM {}",
                    table_name(&sequences[at])
                )
            })
            .collect();
        for row in client
            .query(&parts.join(" UNION ALL "), &[])
            .await
            .map_err(from_driver)?
        {
            let position = SequencePosition {
                last_value: row.get(1),
                is_called: row.get(2),
            };
            found.insert(
                usize::try_from(row.get::<_, i64>(0)).unwrap_or(usize::MAX),
                position,
            );
        }
    }
    Ok((0..sequences.len()).map(|at| found.get(&at).copied()).collect())
}

/// The positions in `sequences` of those that are there and may be read.
async fn readable(client: &Client, sequences: &[TableId]) -> Result<Vec<usize>> {
    let sql = "SELECT k.at - 1 FROM unnest($1::text[], $2::text[]) WITH ORDINALITY k(namespace, name, at)
         JOIN pg_namespace n ON n.nspname = k.namespace
         JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = k.name AND c.relkind = 'S'
       WHERE has_sequence_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE') ORDER BY 1";
    let namespaces: Vec<&str> = sequences
        .iter()
        .map(|id| id.namespace.as_deref().unwrap_or("public"))
        .collect();
    let names: Vec<&str> = sequences.iter().map(|id| id.name.as_str()).collect();
    let rows = client
        .query(sql, &[&namespaces, &names])
        .await
        .map_err(from_driver)?;
    Ok(rows
        .iter()
        .filter_map(|row| usize::try_from(row.get::<_, i64>(0)).ok())
        .collect())
}

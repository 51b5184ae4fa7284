//! Views, in an order in which they can be created, with what they read.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::Client;
use whimbrel_core::{Result, TableId, View, sort_by_dependency};

use super::{is_users, name_at, no_extension};
use crate::error::from_driver;

pub(super) async fn read(client: &Client) -> Result<Vec<View>> {
    let sql = format!(
        "SELECT n.nspname::text, c.relname::text, pg_get_viewdef(c.oid), coalesce(c.reloptions, '{{}}'),
            obj_description(c.oid, 'pg_class'),
            ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 ORDER BY a.attnum)
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind = 'v' AND {} AND {} AND c.relpersistence <> 't'",
        is_users("n"),
        no_extension("pg_class", "c.oid"),
    );
    let mut views: BTreeMap<TableId, View> = BTreeMap::new();
    for row in client.query(&sql, &[]).await.map_err(from_driver)? {
        let id = name_at(&row, 0);
        let query: String = row.get(2);
        let mut options: Vec<String> = row.get(3);
        options.sort();
        let view = View {
            id: id.clone(),
            columns: row.get(5),
            query: query.trim().trim_end_matches(';').to_owned(),
            definition: None,
            reads: Vec::new(),
            options,
            comment: row.get(4),
        };
        views.insert(id, view);
    }
    add_reads(client, &mut views).await?;
    let graph: BTreeMap<TableId, BTreeSet<TableId>> = views
        .iter()
        .map(|(id, view)| (id.clone(), view.reads.iter().cloned().collect()))
        .collect();
    Ok(sort_by_dependency(&graph)
        .into_iter()
        .filter_map(|(id, _)| views.remove(&id))
        .collect())
}

async fn add_reads(client: &Client, views: &mut BTreeMap<TableId, View>) -> Result<()> {
    let sql = "SELECT DISTINCT vn.nspname::text, v.relname::text, rn.nspname::text, r.relname::text
        FROM pg_rewrite w JOIN pg_class v ON v.oid = w.ev_class AND v.relkind = 'v'
          JOIN pg_namespace vn ON vn.oid = v.relnamespace
          JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
            AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> v.oid
          JOIN pg_class r ON r.oid = d.refobjid AND r.relkind IN ('r', 'v', 'm', 'p', 'f')
          JOIN pg_namespace rn ON rn.oid = r.relnamespace ORDER BY 1, 2, 3, 4";
    for row in client.query(sql, &[]).await.map_err(from_driver)? {
        if let Some(view) = views.get_mut(&name_at(&row, 0)) {
            view.reads.push(name_at(&row, 2));
        }
    }
    for view in views.values_mut() {
        view.reads.sort();
    }
    Ok(())
}

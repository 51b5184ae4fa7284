//! What each object needs to be there before it, as the server recorded it, and with that when it can be made.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::Client;
use whimbrel_core::{MakingStage, Result, TableId};

use super::{FIRST_USER_NUMBER, Listed};
use crate::catalog::server::Server;
use crate::error::from_driver;

/// A row of a catalog table: the table's name and the row's number.
type Place = (String, u32);

/// What a place stands for.
struct Found {
    id: TableId,
    /// True for what is made with or after the tables.
    is_relation: bool,
}

pub(super) async fn add(client: &Client, server: Server, listed: &mut [Listed]) -> Result<()> {
    let mut places = relations_and_types(client, server).await?;
    for one in listed.iter().filter(|one| !one.class.is_empty()) {
        let found = Found {
            id: one.object.id.clone(),
            is_relation: one.class == "pg_rewrite",
        };
        places.insert((one.class.clone(), one.number), found);
    }
    let mut needed = needed(client).await?;
    let mut late: BTreeSet<TableId> = BTreeSet::new();
    for one in listed.iter_mut() {
        let Some(making) = &mut one.object.making else {
            continue;
        };
        let on = needed
            .remove(&(one.class.clone(), one.number))
            .unwrap_or_default();
        let found: Vec<&Found> = on
            .iter()
            .chain([&one.about])
            .filter_map(|place| places.get(place))
            .collect();
        making.after = found
            .iter()
            .map(|found| found.id.clone())
            .filter(|id| id != &one.object.id)
            .collect();
        making.after.sort();
        making.after.dedup();
        if making.stage == MakingStage::BeforeTables && found.iter().any(|found| found.is_relation) {
            making.stage = MakingStage::AmongViews;
        }
        if making.stage == MakingStage::AmongViews {
            late.insert(one.object.id.clone());
        }
    }
    follow(listed, late);
    put_event_triggers_last(listed);
    Ok(())
}

/// What stands on something that is made among the views is made there too.
fn follow(listed: &mut [Listed], mut late: BTreeSet<TableId>) {
    loop {
        let before = late.len();
        for one in listed.iter_mut() {
            let Some(making) = &mut one.object.making else {
                continue;
            };
            let early = matches!(making.stage, MakingStage::First | MakingStage::BeforeTables);
            if early && making.after.iter().any(|id| late.contains(id)) {
                making.stage = MakingStage::AmongViews;
                late.insert(one.object.id.clone());
            }
        }
        if late.len() == before {
            return;
        }
    }
}

/// They would fire at every statement that follows.
fn put_event_triggers_last(listed: &mut [Listed]) {
    let is_last = |one: &Listed| {
        let making = one.object.making.as_ref();
        making.is_some_and(|making| making.stage == MakingStage::Last)
    };
    let is_trigger = |one: &Listed| one.object.kind == "event trigger";
    if !listed.iter().any(is_trigger) {
        return;
    }
    let others: Vec<TableId> = listed
        .iter()
        .filter(|one| is_last(one) && !is_trigger(one))
        .map(|one| one.object.id.clone())
        .collect();
    for one in listed.iter_mut().filter(|one| is_trigger(one)) {
        if let Some(making) = &mut one.object.making {
            making.after.extend(others.iter().cloned());
            making.after.sort();
            making.after.dedup();
        }
    }
}

/// An array stands for its elements, a multirange for its range, a row type for its table.
async fn relations_and_types(client: &Client, server: Server) -> Result<BTreeMap<Place, Found>> {
    let is_array = server.is_array("t");
    let multirange = server.multirange("r");
    let sql = format!(
        "SELECT 'pg_class', c.oid, n.nspname::text, c.relname::text, c.relkind <> 'S' FROM pg_class c
           JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid >= {FIRST_USER_NUMBER} AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
         UNION ALL
         SELECT 'pg_type', t.oid, n.nspname::text, b.typname::text, coalesce(c.relkind <> 'c', false) FROM pg_type t
           LEFT JOIN pg_range r ON {multirange} = t.oid AND t.oid <> 0
           JOIN pg_type b ON b.oid = coalesce(r.rngtypid, CASE WHEN {is_array} THEN t.typelem END, t.oid)
           JOIN pg_namespace n ON n.oid = b.typnamespace LEFT JOIN pg_class c ON c.oid = b.typrelid
         WHERE t.oid >= {FIRST_USER_NUMBER}"
    );
    let rows = client.query(&sql, &[]).await.map_err(from_driver)?;
    Ok(rows
        .iter()
        .map(|row| {
            let found = Found {
                id: TableId::new(row.get::<_, String>(2), row.get::<_, String>(3)),
                is_relation: row.get(4),
            };
            ((row.get::<_, String>(0), row.get(1)), found)
        })
        .collect())
}

async fn needed(client: &Client) -> Result<BTreeMap<Place, BTreeSet<Place>>> {
    let sql = format!(
        "SELECT s.relname::text, d.objid, r.relname::text, d.refobjid FROM pg_depend d
           JOIN pg_class s ON s.oid = d.classid JOIN pg_class r ON r.oid = d.refclassid
         WHERE d.objid >= {FIRST_USER_NUMBER} AND d.refobjid >= {FIRST_USER_NUMBER} AND d.deptype IN ('n', 'a')
           AND s.relname IN ('pg_proc', 'pg_operator', 'pg_cast', 'pg_opclass', 'pg_opfamily', 'pg_collation', 'pg_ts_config', 'pg_ts_dict',
             'pg_event_trigger', 'pg_statistic_ext', 'pg_publication', 'pg_trigger', 'pg_policy', 'pg_rewrite', 'pg_attrdef')
         UNION ALL
         SELECT 'pg_opclass', o.refobjid, r.relname::text, d.refobjid FROM pg_depend d
           JOIN pg_depend o ON (o.classid, o.objid) = (d.classid, d.objid) AND o.refclassid = 'pg_opclass'::regclass
           JOIN pg_class r ON r.oid = d.refclassid
         WHERE d.classid IN ('pg_amop'::regclass, 'pg_amproc'::regclass) AND d.refobjid >= {FIRST_USER_NUMBER}
           AND d.refclassid <> 'pg_opclass'::regclass"
    );
    let mut needed: BTreeMap<Place, BTreeSet<Place>> = BTreeMap::new();
    for row in client.query(&sql, &[]).await.map_err(from_driver)? {
        let from = (row.get::<_, String>(0), row.get(1));
        needed
            .entry(from)
            .or_default()
            .insert((row.get::<_, String>(2), row.get(3)));
    }
    Ok(needed)
}

//! Everything that has no type of its own in the catalog, so that nothing is absent in silence: one file per family of objects.
//! Most of it is made in another database by statements that the server prints or that are put together here; the rest is
//! only listed. What belongs to an extension comes with it and is not listed one by one.

mod comments;
mod dependencies;
mod family;
mod global;
mod on_tables;
mod operators;
mod privileges;
mod relations;
mod routines;
mod text_search;

use tokio_postgres::{Client, Row};
use whimbrel_core::{Making, MakingStage, OtherObject, Result, TableId};

use self::family::Family;
use super::optional_name_at;
use super::server::Server;
use crate::error::from_driver;

/// Object numbers from here on are the user's, not the server's.
pub(super) const FIRST_USER_NUMBER: &str = "16384";

/// An object with its place in the server's catalog tables.
struct Listed {
    class: String,
    number: u32,
    /// The object that it says something about (a grant, a comment).
    about: (String, u32),
    object: OtherObject,
}

pub(super) async fn read(client: &Client, server: Server) -> Result<Vec<OtherObject>> {
    let families = [
        routines::families(server),
        on_tables::families(server),
        relations::families(server),
        global::families(server),
        operators::families(server),
        text_search::families(),
        privileges::families(server),
        comments::families(),
    ];
    let mut listed = Vec::new();
    for group in families {
        let parts: Vec<String> = group.iter().map(Family::sql).collect();
        let sql = parts.join("\nUNION ALL\n");
        for row in client.query(&sql, &[]).await.map_err(from_driver)? {
            listed.push(read_one(&row));
        }
    }
    dependencies::add(client, server, &mut listed).await?;
    let mut others: Vec<OtherObject> = listed.into_iter().map(|listed| listed.object).collect();
    others.sort();
    Ok(others)
}

fn read_one(row: &Row) -> Listed {
    let (namespace, name): (Option<String>, String) = (row.get(1), row.get(2));
    let statements: Vec<String> = row.get::<_, Option<Vec<String>>>(8).unwrap_or_default();
    let making = (!statements.is_empty()).then(|| Making {
        statements,
        undo: row.get::<_, Option<Vec<String>>>(9).unwrap_or_default(),
        stage: match row.get::<_, String>(10).as_str() {
            "first" => MakingStage::First,
            "before" => MakingStage::BeforeTables,
            "views" => MakingStage::AmongViews,
            _ => MakingStage::Last,
        },
        after: Vec::new(),
        needs: row.get::<_, Option<Vec<String>>>(12).unwrap_or_default(),
        asks: row.get(11),
    });
    Listed {
        class: row.get(6),
        number: row.get(7),
        about: (row.get(13), row.get(14)),
        object: OtherObject {
            kind: row.get(0),
            id: TableId { namespace, name },
            table: optional_name_at(row, 3),
            definition: row.get(5),
            making,
        },
    }
}

//! Describes the database: a few queries of `information_schema` for all of it and what SHOW CREATE says of each object, one file per topic.
//! Our own tables are left out.

mod columns;
mod definition;
mod keys;
mod others;
pub(crate) mod rows;
pub(crate) mod scan;
mod sequences;
mod tables;
mod views;

use std::collections::{BTreeMap, BTreeSet};

use mysql_async::Conn;
use whimbrel_core::{Catalog, Result, SequencePosition, TableId};

use self::rows::{Line, lines};
use crate::connect::Server;
use crate::quote::literal;

/// What the names of our own tables and of what was moved aside begin with.
const OWN_PREFIX: &str = "_whimbrel";

/// What all topics need to know.
struct Scope<'a> {
    server: &'a Server,
    /// The login as `USER@HOST`, as the server knows it.
    login: String,
}

impl Scope<'_> {
    /// The condition that a row is about our database.
    fn here(&self, column: &str) -> String {
        format!("{column} = {}", literal(&self.server.database))
    }

    /// Tells whether a row is about our database and no object of our own: `information_schema` may mind case less than the server does.
    fn is_ours(&self, line: &Line, schema: &str, name: &str) -> bool {
        self.is_database(&line.text(schema)) && !is_hidden(&line.text(name))
    }

    fn is_database(&self, name: &str) -> bool {
        if self.server.folds_table_names() {
            name.eq_ignore_ascii_case(&self.server.database)
        } else {
            name == self.server.database
        }
    }
}

/// Tells whether a name is one of ours.
pub(crate) fn is_hidden(name: &str) -> bool {
    name.get(..OWN_PREFIX.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(OWN_PREFIX))
}

/// Reads everything.
pub(crate) async fn read(conn: &mut Conn, server: &Server) -> Result<Catalog> {
    let (scope, mut catalog) = database(conn, server).await?;
    let mut tables = tables::read(conn, &scope).await?;
    let view_columns = columns::add(conn, &scope, &mut tables).await?;
    keys::add(conn, &scope, &mut tables).await?;
    tables::finish(&mut tables);
    catalog.others.append(&mut tables.others);
    catalog.sequences = sequences::read(conn, &tables).await?;
    for sequence in catalog.sequences.iter().filter(|sequence| sequence.implicit) {
        if let Some((table, column)) = &sequence.owned_by
            && let Some(table) = tables.by_name.get_mut(&table.name)
            && let Some(column) = table.columns.iter_mut().find(|other| &other.name == column)
            && let Some(identity) = &mut column.identity
        {
            identity.sequence = Some(sequence.id.clone());
        }
    }
    let relations: BTreeSet<String> = tables
        .by_name
        .keys()
        .chain(view_columns.keys())
        .cloned()
        .collect();
    let (views, unread) = views::read(conn, &scope, &view_columns, &relations).await?;
    catalog.views = views;
    catalog.others.extend(unread);
    catalog.others.extend(others::read(conn, &scope).await?);
    catalog.others.sort();
    catalog.tables = tables.by_name.into_values().collect();
    Ok(catalog)
}

/// Returns where the named sequences stand; none for one that is not there or may not be read.
pub(crate) async fn sequence_positions(
    conn: &mut Conn,
    server: &Server,
    sequences: &[TableId],
) -> Result<Vec<Option<SequencePosition>>> {
    let (scope, _) = database(conn, server).await?;
    let mut tables = tables::read(conn, &scope).await?;
    columns::add(conn, &scope, &mut tables).await?;
    let found: BTreeMap<TableId, Option<SequencePosition>> = sequences::read(conn, &tables)
        .await?
        .into_iter()
        .map(|sequence| (sequence.id, sequence.position))
        .collect();
    Ok(sequences
        .iter()
        .map(|id| found.get(id).copied().flatten())
        .collect())
}

async fn database<'a>(conn: &mut Conn, server: &'a Server) -> Result<(Scope<'a>, Catalog)> {
    let sql = "SELECT VERSION() AS version, @@character_set_database AS encoding, @@collation_database AS collation,
        @@lower_case_table_names AS folding, @@GLOBAL.sql_mode AS modes, CURRENT_USER() AS login";
    let found = lines(conn, sql).await?;
    let text = |name: &str| found.first().map(|line| line.text(name)).unwrap_or_default();
    let catalog = Catalog {
        engine: server.version.flavour.name().to_owned(),
        version: server.version.to_string(),
        database: server.database.clone(),
        encoding: text("encoding"),
        collation: text("collation"),
        settings: BTreeMap::from([
            ("lower_case_table_names".to_owned(), text("folding")),
            ("sql_mode".to_owned(), text("modes")),
        ]),
        ..Catalog::default()
    };
    let login = text("login");
    Ok((Scope { server, login }, catalog))
}

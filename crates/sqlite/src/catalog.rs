//! Reads the whole catalog from the engine's schema table, its pragmas and the texts of definitions ([`crate::definition`]).
//! Tables are in `catalog/table.rs`; views, triggers and the rest here. Our own ledger and the engine's internal tables are left out.

mod keys;
mod table;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rusqlite::{Connection, OptionalExtension, Params};
use sqlparser::ast::{Statement, visit_relations};
use sqlparser::dialect::SQLiteDialect;
use sqlparser::parser::Parser;
use whimbrel_core::{Catalog, OtherObject, Result, Sequence, Table, TableId, View};

use crate::definition::read_view;
use crate::error::During;
use crate::sql::{Token, quote, tokens};

/// Names that begin so are our ledger's.
pub(crate) const OWN_PREFIX: &str = "_whimbrel_";

/// A row of the engine's schema table.
#[derive(Debug, Clone)]
pub(crate) struct SchemaRow {
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) table: String,
    pub(crate) sql: Option<String>,
}

/// Everything that has to be known before the first table is read.
#[derive(Default)]
pub(crate) struct Schema {
    pub(crate) rows: Vec<SchemaRow>,
    /// Where each stands among them, by kind and name.
    places: HashMap<(String, String), usize>,
    pub(crate) kinds: BTreeMap<String, Kind>,
}

/// What a table or view is: its type in the engine's words, WITHOUT ROWID, STRICT.
type Kind = (String, bool, bool);

impl Schema {
    fn sql(&self, kind: &str, name: &str) -> Option<&str> {
        let place = self.places.get(&(kind.to_owned(), name.to_owned()))?;
        self.rows[*place].sql.as_deref()
    }
}

/// Returns the catalog of an engine without any file.
pub(crate) fn empty(database: String) -> Catalog {
    Catalog {
        engine: "sqlite".to_owned(),
        version: rusqlite::version().to_owned(),
        database,
        encoding: "UTF-8".to_owned(),
        collation: "BINARY".to_owned(),
        ..Catalog::default()
    }
}

/// Reads the catalog in one read transaction.
pub(crate) fn read(connection: &Connection, database: String) -> Result<Catalog> {
    let what = || "read the schema";
    let transaction = connection.unchecked_transaction().during(what)?;
    let mut catalog = empty(database);
    catalog.encoding = pragma_text(connection, "encoding")?;
    let schema = read_schema(connection)?;
    let reader = table::TableReader::new(connection, &schema).with_sizes()?;
    for (name, (kind, _, _)) in &schema.kinds {
        match kind.as_str() {
            "table" | "virtual" => {
                let read = reader.read(name)?;
                catalog.others.extend(read.others);
                catalog.sequences.extend(read.sequence);
                catalog.tables.push(read.table);
            }
            "shadow" => catalog.others.push(OtherObject {
                kind: "shadow table".to_owned(),
                id: TableId::bare(name),
                table: None,
                definition: schema.sql("table", name).map(str::to_owned),
                making: None,
            }),
            _ => {}
        }
    }
    table::resolve_references(&mut catalog.tables);
    read_views(connection, &schema, &mut catalog)?;
    read_others(connection, &schema, &mut catalog)?;
    sort(&mut catalog);
    transaction.finish().during(what)?;
    Ok(catalog)
}

/// Reads what the engine's pragmas tell of one table, its columns, keys and options, but not what only definitions say: the engine finds no
/// definition without looking at all of them.
pub(crate) fn read_one(connection: &Connection, name: &str) -> Result<Option<Table>> {
    let kinds = read_kinds(connection, "pragma_table_list(?)", [name]).during(|| format!("read `{name}`"))?;
    if !kinds.contains_key(name) {
        return Ok(None);
    }
    let schema = Schema {
        kinds,
        ..Schema::default()
    };
    let reader = table::TableReader::new(connection, &schema);
    Ok(Some(reader.read(name)?.table))
}

fn sort(catalog: &mut Catalog) {
    catalog.tables.sort_by(|a, b| a.id.cmp(&b.id));
    catalog.sequences.sort_by(|a, b| a.id.cmp(&b.id));
    catalog.others.sort();
}

fn read_schema(connection: &Connection) -> Result<Schema> {
    let what = || "read the schema";
    let mut statement = connection
        .prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY rowid")
        .during(what)?;
    let rows = statement
        .query_map([], |row| {
            Ok(SchemaRow {
                kind: row.get(0)?,
                name: row.get(1)?,
                table: row.get(2)?,
                sql: row.get(3)?,
            })
        })
        .during(what)?
        .collect::<rusqlite::Result<Vec<_>>>()
        .during(what)?;
    let kinds = read_kinds(connection, "pragma_table_list", []).during(what)?;
    let rows: Vec<SchemaRow> = rows.into_iter().filter(|row| !is_hidden(&row.table)).collect();
    let names = rows.iter().map(|row| (row.kind.clone(), row.name.clone()));
    Ok(Schema {
        places: names.zip(0..).collect(),
        rows,
        kinds,
    })
}

/// Reads the kinds of the tables and views that the pragma lists.
fn read_kinds(
    connection: &Connection,
    pragma: &str,
    parameters: impl Params,
) -> rusqlite::Result<BTreeMap<String, Kind>> {
    let sql = format!("SELECT name, type, wr, strict FROM {pragma} WHERE schema = 'main'");
    let mut statement = connection.prepare(&sql)?;
    let kinds = statement.query_map(parameters, |row| {
        Ok((row.get(0)?, (row.get(1)?, row.get(2)?, row.get(3)?)))
    })?;
    kinds
        .filter(|kind| !kind.as_ref().is_ok_and(|(name, _): &(String, _)| is_hidden(name)))
        .collect()
}

/// Tells whether a table is the engine's own or our ledger's.
fn is_hidden(table: &str) -> bool {
    let starts = |prefix: &str| {
        table
            .get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    starts("sqlite_") || starts(OWN_PREFIX)
}

/// Returns the text of a pragma's only value.
pub(crate) fn pragma_text(connection: &Connection, name: &str) -> Result<String> {
    connection
        .query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
        .during(|| format!("read `{name}`"))
}

/// Returns how large the file is, in bytes, as its header says.
pub(crate) fn file_bytes(connection: &Connection) -> Result<i64> {
    let pages = pragma_number(connection, "page_count")?;
    Ok(pages.saturating_mul(pragma_number(connection, "page_size")?))
}

/// Returns the number of a pragma's only value.
pub(crate) fn pragma_number(connection: &Connection, name: &str) -> Result<i64> {
    connection
        .query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
        .during(|| format!("read `{name}`"))
}

fn read_views(connection: &Connection, schema: &Schema, catalog: &mut Catalog) -> Result<()> {
    let known: BTreeSet<String> = schema.kinds.keys().cloned().collect();
    let mut views = Vec::new();
    for row in schema.rows.iter().filter(|row| row.kind == "view") {
        let columns = view_columns(connection, &row.name);
        let query = row.sql.as_deref().and_then(read_view);
        let (Some(columns), Some(query)) = (columns, query) else {
            // A view that the engine itself cannot resolve is listed as what it is.
            catalog.others.push(OtherObject {
                kind: "broken view".to_owned(),
                id: TableId::bare(&row.name),
                table: None,
                definition: row.sql.clone(),
                making: None,
            });
            continue;
        };
        views.push(View {
            id: TableId::bare(&row.name),
            columns,
            reads: relations(&query, &known)
                .into_iter()
                .filter(|name| *name != row.name)
                .map(TableId::bare)
                .collect(),
            query,
            definition: row.sql.clone(),
            options: Vec::new(),
            comment: None,
        });
    }
    catalog.views = in_creation_order(views);
    Ok(())
}

/// A view whose columns this build of the engine cannot know (it lacks a function, say) has none; one that nobody can resolve is broken.
fn view_columns(connection: &Connection, view: &str) -> Option<Vec<String>> {
    const LACKS: [&str; 3] = ["no such function", "no such module", "no such collation"];
    let read = || -> rusqlite::Result<Vec<String>> {
        let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?) ORDER BY cid")?;
        statement.query_map([view], |row| row.get(0))?.collect()
    };
    match read() {
        Ok(columns) => Some(columns).filter(|columns| !columns.is_empty()),
        Err(cause) => {
            let text = cause.to_string();
            LACKS.iter().any(|lack| text.contains(lack)).then(Vec::new)
        }
    }
}

/// Returns the known tables and views that a query names.
fn relations(query: &str, known: &BTreeSet<String>) -> BTreeSet<String> {
    let spelled = |name: &str| {
        known
            .iter()
            .find(|known| known.eq_ignore_ascii_case(name))
            .cloned()
    };
    let mut found = BTreeSet::new();
    match Parser::parse_sql(&SQLiteDialect {}, query) {
        Ok(statements) => {
            let collect = |statement: &Statement, found: &mut BTreeSet<String>| {
                let _done: std::ops::ControlFlow<()> = visit_relations(statement, |name| {
                    let last = name.0.last().and_then(|part| part.as_ident());
                    found.extend(last.and_then(|ident| spelled(&ident.value)));
                    std::ops::ControlFlow::Continue(())
                });
            };
            statements
                .iter()
                .for_each(|statement| collect(statement, &mut found));
        }
        // Too much rather than too little: every name in the text that is one of ours.
        Err(_) => {
            let names = tokens(query).unwrap_or_default();
            found.extend(
                names
                    .iter()
                    .filter_map(Token::as_name)
                    .filter_map(|name| spelled(&name)),
            );
        }
    }
    found
}

/// Puts each view behind those that it reads; ties by name.
fn in_creation_order(mut views: Vec<View>) -> Vec<View> {
    views.sort_by(|a, b| a.id.cmp(&b.id));
    let names: BTreeSet<TableId> = views.iter().map(|view| view.id.clone()).collect();
    let mut done: BTreeSet<TableId> = BTreeSet::new();
    let mut sorted = Vec::with_capacity(views.len());
    while !views.is_empty() {
        let ready = |view: &View| {
            view.reads
                .iter()
                .all(|id| !names.contains(id) || done.contains(id))
        };
        let at = views.iter().position(ready).unwrap_or(0);
        let view = views.remove(at);
        done.insert(view.id.clone());
        sorted.push(view);
    }
    sorted
}

fn read_others(connection: &Connection, schema: &Schema, catalog: &mut Catalog) -> Result<()> {
    for row in schema.rows.iter().filter(|row| row.kind == "trigger") {
        catalog.others.push(OtherObject {
            kind: "trigger".to_owned(),
            id: TableId::bare(&row.name),
            table: Some(TableId::bare(&row.table)),
            definition: row.sql.clone(),
            making: None,
        });
    }
    let mut pragma = |name: &str, value: String| {
        catalog.others.push(OtherObject {
            kind: "pragma".to_owned(),
            id: TableId::bare(name),
            table: None,
            definition: Some(format!("PRAGMA {name} = {value}")),
            making: None,
        });
    };
    for name in ["application_id", "user_version"] {
        let value = pragma_number(connection, name)?;
        if value != 0 {
            pragma(name, value.to_string());
        }
    }
    let encoding = pragma_text(connection, "encoding")?;
    if encoding != "UTF-8" {
        pragma("encoding", format!("'{encoding}'"));
    }
    Ok(())
}

/// Returns the last number of a table's implicit sequence, as the engine will count on: it goes by the rows where they are ahead.
pub(crate) fn last_number(
    connection: &Connection,
    table: &str,
    column: &str,
    autoincrement: bool,
) -> Result<Option<i64>> {
    let max: Option<i64> = connection
        .query_row(
            &format!("SELECT max({}) FROM {}", quote(column), quote(table)),
            [],
            |row| row.get(0),
        )
        .during(|| format!("read the last number of `{table}`"))?;
    if !autoincrement {
        return Ok(max);
    }
    let last = recorded_number(connection, table)?.max(max);
    // A sequence at 0 has never been called: the next number is 1.
    Ok(last.filter(|last| *last != 0 || max.is_some()))
}

/// Returns the last number of a table with AUTOINCREMENT as `sqlite_sequence` holds it.
pub(crate) fn recorded_number(connection: &Connection, table: &str) -> Result<Option<i64>> {
    connection
        .query_row(
            "SELECT max(CAST(seq AS INTEGER)) FROM sqlite_sequence WHERE name = ?",
            [table],
            |row| row.get(0),
        )
        .optional()
        .during(|| format!("read the last number of `{table}`"))
        .map(Option::flatten)
}

/// Makes the implicit sequence behind a table's row number.
pub(crate) fn implicit_sequence(table: &TableId, column: &str) -> Sequence {
    Sequence {
        id: sequence_id(table, column),
        native: "INTEGER".to_owned(),
        start: 1,
        increment: 1,
        min: 1,
        max: i64::MAX,
        cache: 1,
        cycle: false,
        owned_by: Some((table.clone(), column.to_owned())),
        implicit: true,
        position: None,
        comment: None,
    }
}

/// Names the implicit sequence behind a table's row number.
pub(crate) fn sequence_id(table: &TableId, column: &str) -> TableId {
    TableId::bare(format!("{}_{column}_seq", table.name))
}

/// A column that is another name of its table's row number.
pub(crate) struct Numbering {
    pub(crate) table: TableId,
    pub(crate) column: String,
    /// True when numbers are never used again.
    pub(crate) autoincrement: bool,
}

/// Returns what stands behind each of the implicit sequences, in the same order; none for one that does not exist.
pub(crate) fn numberings(connection: &Connection, sequences: &[TableId]) -> Result<Vec<Option<Numbering>>> {
    let schema = read_schema(connection)?;
    let reader = table::TableReader::new(connection, &schema);
    let find = |sequence: &TableId| {
        let Some(owned) = sequence.name.strip_suffix("_seq") else {
            return Ok(None);
        };
        // Table and column stand before it with a `_` between them, and either may have more of those.
        let owners = owned.match_indices('_').map(|(at, _)| &owned[..at]);
        for (name, (kind, without_rowid, _)) in owners.filter_map(|name| schema.kinds.get_key_value(name)) {
            if kind != "table" || *without_rowid {
                continue;
            }
            let numbering = reader.numbering(name)?;
            if let Some(found) =
                numbering.filter(|found| sequence_id(&found.table, &found.column) == *sequence)
            {
                return Ok(Some(found));
            }
        }
        Ok(None)
    };
    sequences.iter().map(find).collect()
}

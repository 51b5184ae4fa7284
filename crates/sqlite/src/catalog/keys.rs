//! Reads a table's keys and indexes: primary and unique keys, foreign keys, indexes with expressions, order and collation.

use rusqlite::Connection;
use whimbrel_core::{Deferral, ForeignKey, Index, IndexPart, Key, Result, Table, TableId};

use super::Schema;
use crate::definition::{TableText, read_index};
use crate::error::During;

/// Fills in the table's keys and indexes; its columns are there already.
pub(super) fn read(
    connection: &Connection,
    schema: &Schema,
    text: &TableText,
    key_columns: Vec<String>,
    table: &mut Table,
) -> Result<()> {
    if !key_columns.is_empty() {
        table.primary_key = Some(key(text.primary_key.clone(), key_columns));
    }
    for listed in index_list(connection, &table.id.name)? {
        let parts = index_parts(connection, &listed.name)?;
        match listed.origin.as_str() {
            "u" => {
                let columns: Vec<String> = parts.into_iter().filter_map(|part| part.column).collect();
                table.uniques.push(key(unique_name(text, &columns), columns));
            }
            "c" => {
                let definition = schema.sql("index", &listed.name);
                table.indexes.push(index(&listed, parts, definition, table));
            }
            _ => {}
        }
    }
    // The engine lists the newest first; declared order reads better.
    table.uniques.reverse();
    table.indexes.sort_by(|a, b| a.name.cmp(&b.name));
    table.foreign_keys = foreign_keys(connection, &table.id.name, text)?;
    Ok(())
}

fn key(name: String, columns: Vec<String>) -> Key {
    Key {
        name,
        columns,
        deferral: Deferral::Never,
        nulls_equal: false,
        definition: None,
    }
}

fn unique_name(text: &TableText, columns: &[String]) -> String {
    let same = |declared: &[String]| {
        declared.len() == columns.len()
            && declared
                .iter()
                .zip(columns)
                .all(|(a, b)| a.eq_ignore_ascii_case(b))
    };
    text.uniques
        .iter()
        .find(|(_, declared)| same(declared))
        .map(|(name, _)| name.clone())
        .unwrap_or_default()
}

struct Listed {
    name: String,
    unique: bool,
    origin: String,
    partial: bool,
}

fn index_list(connection: &Connection, table: &str) -> Result<Vec<Listed>> {
    let read = || -> rusqlite::Result<Vec<Listed>> {
        let mut statement = connection
            .prepare("SELECT name, \"unique\", origin, partial FROM pragma_index_list(?) ORDER BY seq")?;
        statement
            .query_map([table], |row| {
                Ok(Listed {
                    name: row.get(0)?,
                    unique: row.get(1)?,
                    origin: row.get(2)?,
                    partial: row.get(3)?,
                })
            })?
            .collect()
    };
    read().during(|| format!("read the indexes of `{table}`"))
}

struct PartRow {
    column: Option<String>,
    descending: bool,
    collation: String,
}

fn index_parts(connection: &Connection, index: &str) -> Result<Vec<PartRow>> {
    let read = || -> rusqlite::Result<Vec<PartRow>> {
        let mut statement = connection.prepare(
            "SELECT CASE cid WHEN -1 THEN 'rowid' ELSE name END, \"desc\", coll FROM pragma_index_xinfo(?) WHERE key = 1 ORDER BY seqno",
        )?;
        statement
            .query_map([index], |row| {
                Ok(PartRow {
                    column: row.get(0)?,
                    descending: row.get(1)?,
                    collation: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
                })
            })?
            .collect()
    };
    read().during(|| format!("read the index `{index}`"))
}

fn index(listed: &Listed, parts: Vec<PartRow>, definition: Option<&str>, table: &Table) -> Index {
    let text = definition.and_then(read_index);
    let written = |at: usize| text.as_ref().and_then(|text| text.parts.get(at)).cloned();
    let parts = parts
        .into_iter()
        .enumerate()
        .map(|(at, part)| {
            let own = part
                .column
                .as_ref()
                .and_then(|name| table.column(name))
                .and_then(|column| column.collation.as_deref())
                .unwrap_or("BINARY");
            IndexPart {
                expression: if part.column.is_none() {
                    written(at).or_else(|| Some(String::new()))
                } else {
                    None
                },
                column: part.column,
                descending: part.descending,
                nulls_first: None,
                collation: Some(part.collation)
                    .filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case(own)),
                operator_class: None,
                prefix: None,
            }
        })
        .collect();
    let predicate = text.as_ref().and_then(|text| text.predicate.clone());
    Index {
        name: listed.name.clone(),
        unique: listed.unique,
        parts,
        include: Vec::new(),
        predicate: predicate.or_else(|| listed.partial.then(String::new)),
        method: "btree".to_owned(),
        nulls_equal: false,
        definition: definition.map(str::to_owned),
        comment: None,
        options: Vec::new(),
    }
}

/// One row of the engine's list: a column pair of a foreign key.
struct Pair {
    id: i64,
    table: String,
    from: String,
    to: Option<String>,
    on_update: String,
    on_delete: String,
}

fn pairs(connection: &Connection, table: &str) -> Result<Vec<Pair>> {
    let read = || -> rusqlite::Result<Vec<Pair>> {
        let mut statement = connection.prepare(
            "SELECT id, \"table\", \"from\", \"to\", on_update, on_delete FROM pragma_foreign_key_list(?) ORDER BY id, seq",
        )?;
        statement
            .query_map([table], |row| {
                Ok(Pair {
                    id: row.get(0)?,
                    table: row.get(1)?,
                    from: row.get(2)?,
                    to: row.get(3)?,
                    on_update: row.get(4)?,
                    on_delete: row.get(5)?,
                })
            })?
            .collect()
    };
    read().during(|| format!("read the foreign keys of `{table}`"))
}

/// The engine numbers foreign keys from the last one declared to the first; here they stand as declared.
fn foreign_keys(connection: &Connection, table: &str, text: &TableText) -> Result<Vec<ForeignKey>> {
    let mut keys: Vec<ForeignKey> = Vec::new();
    let mut last = None;
    for pair in pairs(connection, table)? {
        if last != Some(pair.id) {
            last = Some(pair.id);
            keys.push(ForeignKey {
                name: String::new(),
                columns: Vec::new(),
                references: TableId::bare(pair.table),
                referred: Vec::new(),
                on_update: pair.on_update,
                on_delete: pair.on_delete,
                match_full: false,
                deferral: Deferral::Never,
                validated: true,
                definition: None,
            });
        }
        if let Some(key) = keys.last_mut() {
            key.columns.push(pair.from);
            key.referred.extend(pair.to);
        }
    }
    keys.reverse();
    if keys.len() == text.foreign_keys.len() {
        for (key, (name, deferral)) in keys.iter_mut().zip(&text.foreign_keys) {
            key.name.clone_from(name);
            key.deferral = *deferral;
        }
    }
    Ok(keys)
}

//! Reads one table: its columns from the engine's pragmas, what only the text says from its definition.

use std::collections::{BTreeMap, HashMap};

use rusqlite::Connection;
use whimbrel_core::{
    Check, Column, Generated, Identity, OtherObject, Result, Sequence, SequencePosition, Table, TableId,
};

use super::{Numbering, Schema, file_bytes, implicit_sequence, keys, last_number, recorded_number};
use crate::definition::{TableText, read_table};
use crate::error::During;

/// Files up to this size have their tables measured; it takes a pass over all pages.
const MEASURED_BYTES_MAX: i64 = 64 << 20;

/// Reads tables of one schema.
pub(super) struct TableReader<'a> {
    connection: &'a Connection,
    schema: &'a Schema,
    bytes: BTreeMap<String, u64>,
    rows: BTreeMap<String, u64>,
}

/// A table and what was found beside it.
pub(super) struct TableRead {
    pub(super) table: Table,
    pub(super) sequence: Option<Sequence>,
    pub(super) others: Vec<OtherObject>,
}

/// A column as the engine's pragma tells it.
struct ColumnRow {
    name: String,
    native: String,
    not_null: bool,
    default: Option<String>,
    key: i64,
    hidden: i64,
}

impl<'a> TableReader<'a> {
    /// Makes a reader that does not know how large tables are.
    pub(super) fn new(connection: &'a Connection, schema: &'a Schema) -> Self {
        Self {
            connection,
            schema,
            bytes: BTreeMap::new(),
            rows: BTreeMap::new(),
        }
    }

    /// Lets the reader know how large tables are; may take a pass over the whole file.
    pub(super) fn with_sizes(self) -> Result<Self> {
        Ok(Self {
            bytes: measured(self.connection)?,
            rows: analyzed(self.connection),
            ..self
        })
    }

    pub(super) fn read(&self, name: &str) -> Result<TableRead> {
        let id = TableId::bare(name);
        let mut table = Table::empty(id.clone());
        table.definition = self.schema.sql("table", name).map(str::to_owned);
        let (kind, without_rowid, strict) = self.schema.kinds.get(name).cloned().unwrap_or_default();
        if kind == "virtual" {
            return Ok(self.read_virtual(table));
        }
        let text = table.definition.as_deref().and_then(read_table);
        let understood = text.is_some();
        let text = text.unwrap_or_default();
        let rows = self.column_rows(name)?;
        table.columns = columns(&rows, &text);
        if without_rowid {
            table.options.push("without_rowid".to_owned());
        }
        if strict {
            table.options.push("strict".to_owned());
        }
        table.options.sort();
        table.checks = text
            .checks
            .iter()
            .map(|(name, expression)| check(name, expression))
            .collect();
        let mut key_columns: Vec<&ColumnRow> = rows.iter().filter(|row| row.key > 0).collect();
        key_columns.sort_by_key(|row| row.key);
        let key_columns = key_columns.into_iter().map(|row| row.name.clone()).collect();
        keys::read(self.connection, self.schema, &text, key_columns, &mut table)?;
        let sequence = self.identity(&mut table, &text)?;
        table.bytes = self.bytes.get(name).copied();
        table.rows_estimate = self.rows.get(name).copied();
        Ok(TableRead {
            others: unread(&table, understood, &rows),
            table,
            sequence,
        })
    }

    /// Returns the table's column that is another name of the row number.
    pub(super) fn numbering(&self, name: &str) -> Result<Option<Numbering>> {
        let read = self.read(name)?;
        let column = read.table.columns.iter().find_map(|column| {
            let identity = column.identity.as_ref()?;
            Some(Numbering {
                table: read.table.id.clone(),
                column: column.name.clone(),
                autoincrement: identity.never_reused,
            })
        });
        Ok(column)
    }

    /// The engine refuses to describe a virtual table whose module it does not have.
    fn read_virtual(&self, mut table: Table) -> TableRead {
        let module = table
            .definition
            .as_deref()
            .and_then(crate::sql::tokens)
            .and_then(|tokens| {
                let using = tokens.iter().position(|token| token.is("USING"))?;
                tokens.get(using + 1)?.as_name()
            });
        let module = module.unwrap_or_else(|| "unknown".to_owned());
        table.unmovable = Some(format!("a virtual table of the module `{module}`"));
        if let Ok(rows) = self.column_rows(&table.id.name) {
            table.columns = rows
                .into_iter()
                .filter(|row| row.hidden == 0)
                .map(|row| Column::new(row.name, row.native))
                .collect();
        }
        TableRead {
            table,
            sequence: None,
            others: Vec::new(),
        }
    }

    fn column_rows(&self, table: &str) -> Result<Vec<ColumnRow>> {
        let read = || -> rusqlite::Result<Vec<ColumnRow>> {
            let mut statement = self.connection.prepare(
                "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?) ORDER BY cid",
            )?;
            statement
                .query_map([table], |row| {
                    Ok(ColumnRow {
                        name: row.get(0)?,
                        native: row.get(1)?,
                        not_null: row.get(2)?,
                        default: row.get(3)?,
                        key: row.get(4)?,
                        hidden: row.get(5)?,
                    })
                })?
                .collect()
        };
        read().during(|| format!("read the columns of `{table}`"))
    }

    /// Marks the column that is another name of the row number, and makes its sequence.
    fn identity(&self, table: &mut Table, text: &TableText) -> Result<Option<Sequence>> {
        let Some(name) = self.row_number_alias(table)? else {
            return Ok(None);
        };
        let mut sequence = implicit_sequence(&table.id, &name);
        let recorded = match text.autoincrement {
            true => recorded_number(self.connection, &table.id.name)?,
            false => None,
        };
        let last = match recorded {
            Some(last) => Some(last),
            None => last_number(self.connection, &table.id.name, &name, text.autoincrement)?,
        };
        sequence.position = last.map(|last_value| SequencePosition {
            last_value,
            is_called: true,
        });
        if let Some(column) = table.columns.iter_mut().find(|column| column.name == name) {
            column.nullable = false;
            column.identity = Some(Identity {
                always: false,
                never_reused: text.autoincrement,
                sequence: Some(sequence.id.clone()),
            });
        }
        Ok(Some(sequence))
    }

    /// A sole INTEGER key is the row number exactly when the engine made no index for it.
    fn row_number_alias(&self, table: &Table) -> Result<Option<String>> {
        let Some([name]) = table.primary_key.as_ref().map(|key| key.columns.as_slice()) else {
            return Ok(None);
        };
        let is_integer = table
            .column(name)
            .is_some_and(|column| column.native.eq_ignore_ascii_case("INTEGER"));
        if !is_integer || table.has_option("without_rowid") {
            return Ok(None);
        }
        let indexed: bool = self
            .connection
            .query_row(
                "SELECT count(*) > 0 FROM pragma_index_list(?) WHERE origin = 'pk'",
                [&table.id.name],
                |row| row.get(0),
            )
            .during(|| format!("read the key of `{}`", table.id))?;
        Ok((!indexed).then(|| name.clone()))
    }
}

fn columns(rows: &[ColumnRow], text: &TableText) -> Vec<Column> {
    rows.iter()
        .map(|row| {
            let said = text.columns.iter().find(|column| column.name == row.name);
            let generated = match row.hidden {
                2 | 3 => Some(Generated {
                    expression: said.and_then(|said| said.generated.clone()).unwrap_or_default(),
                    stored: row.hidden == 3,
                }),
                _ => None,
            };
            Column {
                nullable: !row.not_null,
                // DEFAULT NULL is what every column has.
                default: row
                    .default
                    .clone()
                    .filter(|default| !default.eq_ignore_ascii_case("NULL")),
                generated,
                collation: said
                    .and_then(|said| said.collation.clone())
                    .filter(|name| !name.eq_ignore_ascii_case("BINARY")),
                ..Column::new(&row.name, bare_type(row))
            }
        })
        .collect()
}

/// The engine counts the words GENERATED ALWAYS as part of a type that stands before them.
fn bare_type(row: &ColumnRow) -> String {
    let upper = row.native.to_ascii_uppercase();
    match upper.strip_suffix("GENERATED ALWAYS") {
        Some(rest) if row.hidden != 0 => row.native[..rest.len()].trim_end().to_owned(),
        _ => row.native.clone(),
    }
}

fn check(name: &str, expression: &str) -> Check {
    Check {
        name: name.to_owned(),
        expression: expression.to_owned(),
        validated: true,
        definition: None,
    }
}

/// A definition whose text was not understood may hold checks and the like: it is listed.
fn unread(table: &Table, understood: bool, rows: &[ColumnRow]) -> Vec<OtherObject> {
    let complete = understood
        && rows.iter().all(|row| {
            let column = table.column(&row.name);
            !matches!(row.hidden, 2 | 3)
                || column
                    .and_then(|column| column.generated.as_ref())
                    .is_some_and(|generated| !generated.expression.is_empty())
        });
    if complete {
        return Vec::new();
    }
    vec![OtherObject {
        kind: "check".to_owned(),
        id: TableId::bare(format!("{} (definition not understood)", table.id.name)),
        table: Some(table.id.clone()),
        definition: table.definition.clone(),
        making: None,
    }]
}

/// Sizes of the tables by their pages, for small files only.
fn measured(connection: &Connection) -> Result<BTreeMap<String, u64>> {
    if file_bytes(connection)? > MEASURED_BYTES_MAX {
        return Ok(BTreeMap::new());
    }
    let read = || -> rusqlite::Result<BTreeMap<String, u64>> {
        let mut statement = connection.prepare("SELECT name, pgsize FROM dbstat WHERE aggregate = 1")?;
        statement
            .query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())))?
            .collect()
    };
    Ok(read().unwrap_or_default())
}

/// Row counts that ANALYZE left, where it ran.
fn analyzed(connection: &Connection) -> BTreeMap<String, u64> {
    let read = || -> rusqlite::Result<Vec<(String, String)>> {
        let mut statement =
            connection.prepare("SELECT tbl, stat FROM sqlite_stat1 WHERE stat IS NOT NULL")?;
        statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect()
    };
    let mut found = BTreeMap::new();
    for (table, stat) in read().unwrap_or_default() {
        if let Some(rows) = stat.split(' ').next().and_then(|rows| rows.parse::<u64>().ok()) {
            let most: &mut u64 = found.entry(table).or_default();
            *most = rows.max(*most);
        }
    }
    found
}

/// Brings the names in foreign keys to the spelling of the tables and columns they mean, and fills in left-out columns.
pub(super) fn resolve_references(tables: &mut [Table]) {
    let known: HashMap<String, (TableId, Vec<String>, Vec<String>)> = tables
        .iter()
        .map(|table| {
            let columns = table.columns.iter().map(|column| column.name.clone()).collect();
            let key = table
                .primary_key
                .as_ref()
                .map(|key| key.columns.clone())
                .unwrap_or_default();
            (
                table.id.name.to_ascii_lowercase(),
                (table.id.clone(), columns, key),
            )
        })
        .collect();
    for table in tables {
        let own: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
        for key in &mut table.foreign_keys {
            key.columns.iter_mut().for_each(|name| spell(name, &own));
            let Some((id, columns, primary)) = known.get(&key.references.name.to_ascii_lowercase()) else {
                continue;
            };
            key.references = id.clone();
            if key.referred.is_empty() {
                key.referred.clone_from(primary);
            }
            key.referred.iter_mut().for_each(|name| spell(name, columns));
        }
    }
}

fn spell(name: &mut String, known: &[String]) {
    if let Some(spelled) = known.iter().find(|known| known.eq_ignore_ascii_case(name)) {
        name.clone_from(spelled);
    }
}

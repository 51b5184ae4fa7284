//! Tables with their options and definitions; columns and keys are added by others.

use std::collections::BTreeMap;

use mysql_async::Conn;
use whimbrel_core::{OtherObject, Result, Table, TableId};

use super::Scope;
use super::definition::Definition;
use super::rows::{Line, each, lines};
use super::scan::{split, without_database};
use crate::quote::quoted;

/// The tables of the database, and what is known about them besides.
#[derive(Default)]
pub(super) struct Tables {
    pub(super) by_name: BTreeMap<String, Table>,
    pub(super) definitions: BTreeMap<String, Definition>,
    /// The value that `AUTO_INCREMENT` gives next.
    pub(super) counters: BTreeMap<String, u64>,
    /// The names of sequence objects.
    pub(super) sequences: Vec<String>,
    /// What hangs on tables and cannot be moved with them.
    pub(super) others: Vec<OtherObject>,
}

/// Reads the tables without their columns.
pub(super) async fn read(conn: &mut Conn, scope: &Scope<'_>) -> Result<Tables> {
    let sql = format!(
        "SELECT * FROM information_schema.TABLES WHERE {}",
        scope.here("TABLE_SCHEMA")
    );
    let mut tables = Tables::default();
    let collation = scope.server.settings.get("collation_database");
    for line in lines(conn, &sql).await? {
        let name = line.text("TABLE_NAME");
        if !scope.is_ours(&line, "TABLE_SCHEMA", "TABLE_NAME") {
            continue;
        }
        match line.text("TABLE_TYPE").as_str() {
            "SEQUENCE" => tables.sequences.push(name),
            "BASE TABLE" | "SYSTEM VERSIONED" => {
                if let Some(counter) = line.number("AUTO_INCREMENT") {
                    tables.counters.insert(name.clone(), counter);
                }
                tables.others.extend(history(&line));
                tables
                    .by_name
                    .insert(name, table(&line, collation.map_or("", String::as_str)));
            }
            _ => {}
        }
    }
    tables.sequences.sort();
    Ok(tables)
}

fn table(line: &Line, default_collation: &str) -> Table {
    let mut table = Table::empty(TableId::bare(line.text("TABLE_NAME")));
    let engine = line.text("ENGINE");
    let comment = line.text("TABLE_COMMENT");
    table.unmovable = match engine.to_ascii_uppercase().as_str() {
        "" => Some(format!("the server cannot open it: {comment}")),
        "MRG_MYISAM" | "MRG_MYISM" => {
            Some("it is a merge of other tables and has no rows of its own".to_owned())
        }
        "FEDERATED" | "CONNECT" | "SPIDER" | "S3" => {
            Some(format!("its rows live outside of the server (engine `{engine}`)"))
        }
        _ => None,
    };
    if !engine.is_empty() && !engine.eq_ignore_ascii_case("InnoDB") {
        table.options.push(format!("engine={engine}"));
    }
    let collation = line.text("TABLE_COLLATION");
    if !collation.is_empty() && collation != default_collation {
        table.options.push(format!("collation={collation}"));
    }
    let create_options = line.text("CREATE_OPTIONS");
    table.options.extend(
        split(&create_options, b' ')
            .into_iter()
            .filter(|option| !option.is_empty() && *option != "partitioned")
            .map(str::to_owned),
    );
    if line.says("TABLE_TYPE", "SYSTEM VERSIONED") {
        table.options.push("with system versioning".to_owned());
    }
    table.comment = Some(comment).filter(|comment| !comment.is_empty());
    table.rows_estimate = line.number("TABLE_ROWS");
    table.bytes = line.number("DATA_LENGTH");
    table
}

/// The rows that a system-versioned table had before are not among its rows.
fn history(line: &Line) -> Option<OtherObject> {
    let id = TableId::bare(line.text("TABLE_NAME"));
    line.says("TABLE_TYPE", "SYSTEM VERSIONED").then(|| OtherObject {
        kind: "row history".to_owned(),
        id: id.clone(),
        table: Some(id),
        definition: Some("the rows as they were before (WITH SYSTEM VERSIONING)".to_owned()),
        making: None,
    })
}

/// Reads the definitions.
pub(super) async fn add_definitions(conn: &mut Conn, database: &str, tables: &mut Tables) -> Result<()> {
    let names: Vec<String> = tables.by_name.keys().cloned().collect();
    let statements: Vec<String> = names
        .iter()
        .map(|name| format!("SHOW CREATE TABLE {}", quoted(name)))
        .collect();
    let shown = each(conn, &statements).await?;
    for (name, line) in names.into_iter().zip(shown) {
        let Some(definition) = line.as_ref().and_then(|line| Definition::parse(line.at(1)?)) else {
            continue;
        };
        if let Some(table) = tables.by_name.get_mut(&name) {
            table.options.extend(
                definition
                    .partitions()
                    .map(|text| format!("partition by {}", text["PARTITION BY".len()..].trim())),
            );
            table.options.extend(definition.periods());
            // A default can name a sequence with its database.
            table.definition = Some(without_database(definition.text(), database));
        }
        tables.definitions.insert(name, definition);
    }
    Ok(())
}

/// Sorts what has no order of its own.
pub(super) fn finish(tables: &mut Tables) {
    for table in tables.by_name.values_mut() {
        mark_groups(table);
        table.options.sort();
        table.uniques.sort_by(|a, b| a.name.cmp(&b.name));
        table.indexes.sort_by(|a, b| a.name.cmp(&b.name));
        table
            .checks
            .sort_by(|a, b| (&a.name, &a.expression).cmp(&(&b.name, &b.expression)));
        table.foreign_keys.sort_by(|a, b| a.name.cmp(&b.name));
        table.exclusions.sort_by(|a, b| a.name.cmp(&b.name));
    }
}

/// `MyISAM` and the like can number the rows of each group apart: then the column stands behind others in its key.
fn mark_groups(table: &mut Table) {
    let Some(numbered) = table.columns.iter().find(|column| column.identity.is_some()) else {
        return;
    };
    let name = numbered.name.clone();
    let leads = table
        .primary_key
        .iter()
        .chain(&table.uniques)
        .any(|key| key.columns.first() == Some(&name))
        || table
            .indexes
            .iter()
            .any(|index| index.parts.first().and_then(|part| part.column.as_ref()) == Some(&name));
    if !leads && let Some(column) = table.columns.iter_mut().find(|column| column.name == name) {
        column.options.push("numbered per group".to_owned());
        column.options.sort();
    }
}

//! CREATE TABLE: as the server of the same flavour printed it, else made anew from its parts.

use whimbrel_core::{Column, Error, ErrorClass, ObjectId, ObjectKind, Result, Step, Table, TextEquality};

use super::{check_definition, column, columns, definition, index, named, step};
use crate::dialect::{MysqlDialect, mapping};
use crate::quote::{quoted, table_name};

/// Characters of a comment on a table.
const COMMENT_CHARS_MAX: usize = 2_048;

pub(super) fn create(dialect: &MysqlDialect, table: &Table) -> Result<Step> {
    let name = &table.id.name;
    let keeps: Vec<String> = inside(table).map(ToOwned::to_owned).collect();
    let kept = table
        .definition
        .as_deref()
        .and_then(|printed| definition::ready(printed, name, &keeps, &table.checks));
    let moved_from = table
        .definition
        .as_deref()
        .and_then(definition::engine_without_transactions);
    let statement = match kept {
        Some(statement) => statement,
        None => anew(dialect, table)?,
    };
    let title = match moved_from {
        None => format!("create table {name}"),
        Some(engine) => format!("create table {name} in InnoDB instead of {engine}"),
    };
    Ok(step(
        ObjectId::whole(ObjectKind::Table, table.id.clone()),
        title,
        statement,
        format!("DROP TABLE {}", table_name(&table.id)),
    ))
}

/// The keys and indexes that the planner left in the table.
fn inside(table: &Table) -> impl Iterator<Item = &str> {
    let uniques = table.uniques.iter().map(|key| key.name.as_str());
    uniques.chain(table.indexes.iter().map(|index| index.name.as_str()))
}

/// Returns the key or index that has to be made with the table, since the numbered column needs one that begins with it; none when the primary
/// key does.
pub(in crate::dialect) fn keys_within(table: &Table) -> Vec<String> {
    let Some(numbered) = numbered(table) else {
        return Vec::new();
    };
    if leads_primary_key(table, numbered) {
        return Vec::new();
    }
    let leads = |columns: &[String]| columns.first() == Some(&numbered.name);
    let unique = table.uniques.iter().find(|key| leads(&key.columns));
    let index = || {
        table.indexes.iter().find(|index| {
            let first = index.parts.first();
            first.is_some_and(|part| part.column.as_ref() == Some(&numbered.name) && part.prefix.is_none())
                && matches!(index.method.as_str(), "" | "btree")
        })
    };
    unique
        .map(|key| key.name.clone())
        .or_else(|| index().map(|index| index.name.clone()))
        .into_iter()
        .collect()
}

fn numbered(table: &Table) -> Option<&Column> {
    table.columns.iter().find(|column| column.identity.is_some())
}

fn leads_primary_key(table: &Table, column: &Column) -> bool {
    let key = table.primary_key.as_ref();
    key.is_some_and(|key| key.columns.first() == Some(&column.name))
}

fn anew(dialect: &MysqlDialect, table: &Table) -> Result<String> {
    if table.columns.is_empty() {
        return refuse(table, "has no columns");
    }
    let mut numbered_columns = table.columns.iter().filter(|column| column.identity.is_some());
    let numbered = numbered_columns.next();
    if numbered_columns.next().is_some() {
        return refuse(table, "numbers two columns, which this engine cannot");
    }
    let mut parts: Vec<String> = table
        .columns
        .iter()
        .map(|column| column::definition(dialect, column))
        .collect();
    if let Some(key) = &table.primary_key {
        let definition = key
            .definition
            .clone()
            .unwrap_or_else(|| format!("PRIMARY KEY ({})", columns(&key.columns)));
        parts.push(definition);
    }
    parts.extend(table.uniques.iter().map(index::unique_definition));
    parts.extend(table.indexes.iter().map(|one| index::definition(dialect, one)));
    if let Some(column) = numbered
        && !leads_primary_key(table, column)
        && keys_within(table).is_empty()
    {
        parts.push(format!("KEY ({})", quoted(&column.name)));
    }
    let checks = table.checks.iter().filter(|check| check.validated);
    parts.extend(checks.map(|check| named(&check.name, &check_definition(check))));
    Ok(format!(
        "CREATE TABLE {} (\n  {}\n){}",
        table_name(&table.id),
        parts.join(",\n  "),
        options(dialect, table)
    ))
}

fn refuse<T>(table: &Table, what: &str) -> Result<T> {
    Err(Error::new(
        ErrorClass::Unsupported,
        format!("table `{}` {what}", table.id),
    ))
}

/// Text columns that say nothing compare exactly, unless the table of a related server says something else.
fn options(dialect: &MysqlDialect, table: &Table) -> String {
    let option = |name: &str| {
        let found = table.options.iter().find_map(|option| option.strip_prefix(name));
        found.map(str::to_owned)
    };
    let collation =
        option("collation=").unwrap_or_else(|| mapping::collation(dialect, TextEquality::default()).name);
    let mut text = format!(
        " ENGINE=InnoDB DEFAULT{} ROW_FORMAT=DYNAMIC",
        column::collate(dialect, &collation)
    );
    if dialect.is_mariadb() && table.has_option("with system versioning") {
        text.push_str(" WITH SYSTEM VERSIONING");
    }
    if let Some(comment) = &table.comment {
        text.push_str(&column::comment_text(comment, COMMENT_CHARS_MAX));
    }
    if let Some(partitions) = option("partition by ") {
        text.push_str(&format!("\nPARTITION BY {partitions}"));
    }
    text
}

//! Unique keys and indexes.

use whimbrel_core::{Error, ErrorClass, Index, IndexPart, Key, ObjectId, ObjectKind, Result, Step, TableId};

use super::column::comment_text;
use super::{columns, has_name, named, step};
use crate::dialect::MysqlDialect;
use crate::quote::{quoted, table_name};

/// Characters of a comment on an index.
const COMMENT_CHARS_MAX: usize = 1_024;

pub(super) fn add_unique(table: &TableId, key: &Key) -> Result<Step> {
    has_name(ObjectKind::Unique, table, &key.name)?;
    let (target, name) = (table_name(table), &key.name);
    let definition = unique_definition(key);
    Ok(step(
        ObjectId::part(ObjectKind::Unique, table.clone(), name),
        format!("add unique key {name} to {table}"),
        format!("ALTER TABLE {target} ADD {definition}"),
        format!("ALTER TABLE {target} DROP INDEX {}", quoted(name)),
    ))
}

/// A unique key as it stands in CREATE TABLE and behind ADD.
pub(super) fn unique_definition(key: &Key) -> String {
    match &key.definition {
        Some(definition) => named(&key.name, definition),
        None => format!("UNIQUE KEY {} ({})", quoted(&key.name), columns(&key.columns)),
    }
}

/// What WITHOUT OVERLAPS makes; the definition holds its name.
pub(super) fn add_exclusion(table: &TableId, name: &str, definition: &str) -> Step {
    let target = table_name(table);
    let undo = match name {
        "PRIMARY" => "PRIMARY KEY".to_owned(),
        name => format!("INDEX {}", quoted(name)),
    };
    step(
        ObjectId::part(ObjectKind::Exclusion, table.clone(), name),
        format!("add exclusion constraint {name} to {table}"),
        format!("ALTER TABLE {target} ADD {definition}"),
        format!("ALTER TABLE {target} DROP {undo}"),
    )
}

pub(super) fn create(dialect: &MysqlDialect, table: &TableId, index: &Index) -> Result<Step> {
    has_name(ObjectKind::Index, table, &index.name)?;
    let target = table_name(table);
    let statement = match &index.definition {
        Some(definition) => definition.clone(),
        None => {
            check(dialect, index)?;
            format!("ALTER TABLE {target} ADD {}", definition(dialect, index))
        }
    };
    Ok(step(
        ObjectId::part(ObjectKind::Index, table.clone(), &index.name),
        format!("create index {} on {table}", index.name),
        statement,
        format!("DROP INDEX {} ON {target}", quoted(&index.name)),
    ))
}

fn check(dialect: &MysqlDialect, index: &Index) -> Result<()> {
    let refuse = |what: &str| {
        Err(Error::new(
            ErrorClass::Unsupported,
            format!("index `{}` cannot have {what} here", index.name),
        ))
    };
    if index.predicate.is_some() {
        return refuse("a condition");
    }
    if !index.include.is_empty() {
        return refuse("covering columns");
    }
    if index.nulls_equal {
        return refuse("one NULL only");
    }
    let has_expression = index.parts.iter().any(|part| part.expression.is_some());
    if has_expression && !dialect.version.is_mysql(8, 0, 13) {
        return refuse("an expression");
    }
    match index.method.as_str() {
        "" | "btree" | "hash" | "fulltext" | "spatial" => Ok(()),
        method => refuse(&format!("the method `{method}`")),
    }
}

/// An index as it stands in CREATE TABLE and behind ADD.
pub(super) fn definition(dialect: &MysqlDialect, index: &Index) -> String {
    let word = match (index.method.as_str(), index.unique) {
        ("fulltext", _) => "FULLTEXT KEY",
        ("spatial", _) => "SPATIAL KEY",
        (_, true) => "UNIQUE KEY",
        (_, false) => "KEY",
    };
    // Neither words nor shapes have a direction or a beginning.
    let is_ordered = matches!(word, "KEY" | "UNIQUE KEY");
    let parts: Vec<String> = index.parts.iter().map(|one| part(one, is_ordered)).collect();
    let mut text = format!("{word} {} ({})", quoted(&index.name), parts.join(", "));
    for option in &index.options {
        match option.split_once('=') {
            Some(("parser", parser)) => text.push_str(&format!(" WITH PARSER {}", quoted(parser))),
            None if option == "invisible" => text.push_str(hidden(dialect)),
            _ => {}
        }
    }
    if let Some(comment) = &index.comment {
        text.push_str(&comment_text(comment, COMMENT_CHARS_MAX));
    }
    text
}

/// An index that the optimizer does not use; older servers of one flavour have no word for it.
fn hidden(dialect: &MysqlDialect) -> &'static str {
    match dialect.is_mariadb() {
        false => " INVISIBLE",
        true if dialect.version.is_mariadb(10, 6, 0) => " IGNORED",
        true => "",
    }
}

fn part(part: &IndexPart, is_ordered: bool) -> String {
    let mut text = match (&part.column, &part.expression) {
        (Some(column), _) => quoted(column),
        (None, expression) => format!("({})", expression.as_deref().unwrap_or("NULL")),
    };
    if !is_ordered {
        return text;
    }
    if let Some(prefix) = part.prefix {
        text.push_str(&format!("({prefix})"));
    }
    if part.descending {
        text.push_str(" DESC");
    }
    text
}

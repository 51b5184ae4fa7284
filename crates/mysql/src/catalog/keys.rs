//! Keys, indexes, checks and foreign keys.

use std::collections::BTreeMap;

use mysql_async::Conn;
use whimbrel_core::{
    Check, Deferral, Exclusion, ForeignKey, Index, IndexPart, Key, OtherObject, Result, Table, TableId,
};

use super::Scope;
use super::columns::expression_text;
use super::definition::Definition;
use super::rows::{Line, lines};
use super::tables::Tables;
use crate::flavour::{Flavour, NOT_ENFORCED};
use crate::quote::{quoted, table_name};

/// The name of every primary key.
const PRIMARY: &str = "PRIMARY";

/// Adds keys and indexes, checks, and foreign keys.
pub(super) async fn add(conn: &mut Conn, scope: &Scope<'_>, tables: &mut Tables) -> Result<()> {
    indexes(conn, scope, tables).await?;
    checks(conn, scope, tables).await?;
    foreign_keys(conn, scope, tables).await
}

async fn indexes(conn: &mut Conn, scope: &Scope<'_>, tables: &mut Tables) -> Result<()> {
    let sql = format!(
        "SELECT * FROM information_schema.STATISTICS WHERE {} ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX",
        scope.here("TABLE_SCHEMA")
    );
    let mut found: BTreeMap<(String, String), Index> = BTreeMap::new();
    for line in lines(conn, &sql).await? {
        if !scope.is_ours(&line, "TABLE_SCHEMA", "TABLE_NAME") {
            continue;
        }
        let name = (line.text("TABLE_NAME"), line.text("INDEX_NAME"));
        let index = found.entry(name).or_insert_with(|| index(&line));
        index.parts.push(part(scope, &line, &index.method));
    }
    for ((table, _), index) in found {
        if let Some(to) = tables.by_name.get_mut(&table) {
            put(to, index, tables.definitions.get(&table));
        }
    }
    Ok(())
}

fn index(line: &Line) -> Index {
    let is_hidden = line.says("IS_VISIBLE", "NO") || line.says("IGNORED", "YES");
    Index {
        name: line.text("INDEX_NAME"),
        unique: line.says("NON_UNIQUE", "0"),
        parts: Vec::new(),
        include: Vec::new(),
        predicate: None,
        method: line
            .text("INDEX_TYPE")
            .to_ascii_lowercase()
            .replace("rtree", "spatial"),
        nulls_equal: false,
        options: if is_hidden {
            vec!["invisible".to_owned()]
        } else {
            Vec::new()
        },
        definition: None,
        comment: line.optional("INDEX_COMMENT").filter(|text| !text.is_empty()),
    }
}

fn part(scope: &Scope<'_>, line: &Line, method: &str) -> IndexPart {
    IndexPart {
        column: line.optional("COLUMN_NAME"),
        expression: line
            .optional("EXPRESSION")
            .map(|expression| expression_text(scope, &expression)),
        descending: line.says("COLLATION", "D"),
        nulls_first: None,
        collation: None,
        operator_class: None,
        // Spatial indexes say 32 for every column.
        prefix: line
            .number("SUB_PART")
            .filter(|_| method != "spatial")
            .and_then(|length| u32::try_from(length).ok()),
    }
}

/// Puts an index where it belongs: a key of whole columns is one, everything else stays an index.
fn put(table: &mut Table, mut index: Index, definition: Option<&Definition>) {
    let item = definition.and_then(|definition| definition.key(&index.name));
    if let Some(item) = item.filter(|item| item.contains("WITHOUT OVERLAPS")) {
        table.exclusions.push(Exclusion {
            name: index.name,
            definition: item.to_owned(),
        });
        return;
    }
    let columns: Option<Vec<String>> = index
        .parts
        .iter()
        .map(|part| part.column.clone().filter(|_| part.prefix.is_none()))
        .collect();
    let is_primary = index.name == PRIMARY;
    let is_plain = index.options.is_empty() && index.comment.is_none() || is_primary;
    match columns {
        Some(columns) if index.unique && is_plain => {
            let is_descending = index.parts.iter().any(|part| part.descending);
            let key = Key {
                name: if is_primary {
                    String::new()
                } else {
                    index.name.clone()
                },
                columns,
                deferral: Deferral::Never,
                nulls_equal: false,
                definition: is_descending.then(|| key_definition(&index)),
            };
            if is_primary {
                table.primary_key = Some(key);
            } else {
                table.uniques.push(key);
            }
        }
        _ => {
            index.options.extend(item.and_then(parser));
            index.definition = item.map(|item| format!("ALTER TABLE {} ADD {item}", table_name(&table.id)));
            table.indexes.push(index);
        }
    }
}

fn key_definition(index: &Index) -> String {
    let parts: Vec<String> = index
        .parts
        .iter()
        .filter_map(|part| {
            let direction = if part.descending { " DESC" } else { "" };
            Some(format!("{}{direction}", quoted(part.column.as_deref()?)))
        })
        .collect();
    let word = if index.name == PRIMARY {
        "PRIMARY KEY"
    } else {
        "UNIQUE"
    };
    format!("{word} ({})", parts.join(", "))
}

/// The parser of words of a fulltext index.
fn parser(item: &str) -> Option<String> {
    let (_, rest) = item.split_once("WITH PARSER `")?;
    Some(format!("parser={}", rest.split('`').next()?))
}

async fn checks(conn: &mut Conn, scope: &Scope<'_>, tables: &mut Tables) -> Result<()> {
    let is_mariadb = scope.server.version.flavour == Flavour::MariaDb;
    if !is_mariadb && !scope.server.version.is_mysql(8, 0, 16) {
        return Ok(());
    }
    let owners = if is_mariadb {
        BTreeMap::new()
    } else {
        owners(conn, scope).await?
    };
    let sql = format!(
        "SELECT * FROM information_schema.CHECK_CONSTRAINTS WHERE {}",
        scope.here("CONSTRAINT_SCHEMA")
    );
    for line in lines(conn, &sql).await? {
        let name = line.text("CONSTRAINT_NAME");
        if !scope.is_database(&line.text("CONSTRAINT_SCHEMA")) {
            continue;
        }
        let owner = match is_mariadb {
            true => Some((line.text("TABLE_NAME"), true)),
            false => owners.get(&name).cloned(),
        };
        let Some((owner, enforced)) = owner else { continue };
        let Some(table) = tables.by_name.get_mut(&owner) else {
            continue;
        };
        if is_of_period(table, &name) {
            continue;
        }
        let expression = expression_text(scope, &line.text("CHECK_CLAUSE"));
        if is_mariadb {
            let is_of_column =
                line.optional("LEVEL").is_none_or(|level| level == "Column") && table.column(&name).is_some();
            mark_json(table, &expression);
            table
                .checks
                .push(check(if is_of_column { "" } else { &name }, expression, true));
        } else {
            table.checks.push(check(&name, expression, enforced));
        }
    }
    Ok(())
}

/// A period of validity brings the check that it begins before it ends.
fn is_of_period(table: &Table, name: &str) -> bool {
    let start = format!("period for {} ", quoted(&name.to_lowercase()));
    table
        .options
        .iter()
        .any(|option| option.to_lowercase().starts_with(&start))
}

fn check(name: &str, expression: String, enforced: bool) -> Check {
    let definition = (!enforced).then(|| format!("CHECK ({expression}){NOT_ENFORCED}"));
    Check {
        name: name.to_owned(),
        expression,
        validated: enforced,
        definition,
    }
}

/// What MariaDB calls JSON is text with this check.
fn mark_json(table: &mut Table, expression: &str) {
    let is_json = |column: &str| {
        let call = format!("json_valid({})", quoted(column));
        expression.eq_ignore_ascii_case(&call)
    };
    if let Some(column) = table.columns.iter_mut().find(|column| is_json(&column.name))
        && column.native == "longtext"
    {
        // This is what the server makes of `json`, and the word says more than `longtext`.
        if column.collation.as_deref() == Some("utf8mb4_bin") {
            column.native = "json".to_owned();
        }
        column.options.push("json".to_owned());
        column.options.sort();
    }
}

/// The table of each check of MySQL, whose names are unique in the database, and whether it is enforced.
async fn owners(conn: &mut Conn, scope: &Scope<'_>) -> Result<BTreeMap<String, (String, bool)>> {
    let sql = format!(
        "SELECT * FROM information_schema.TABLE_CONSTRAINTS WHERE {} AND CONSTRAINT_TYPE = 'CHECK'",
        scope.here("TABLE_SCHEMA")
    );
    Ok(lines(conn, &sql)
        .await?
        .iter()
        .filter(|line| scope.is_ours(line, "TABLE_SCHEMA", "TABLE_NAME"))
        .map(|line| {
            let owner = (line.text("TABLE_NAME"), !line.says("ENFORCED", "NO"));
            (line.text("CONSTRAINT_NAME"), owner)
        })
        .collect())
}

async fn foreign_keys(conn: &mut Conn, scope: &Scope<'_>, tables: &mut Tables) -> Result<()> {
    let mut keys = parts_of_keys(conn, scope).await?;
    let sql = format!(
        "SELECT * FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE {}",
        scope.here("CONSTRAINT_SCHEMA")
    );
    for line in lines(conn, &sql).await? {
        let name = (line.text("TABLE_NAME"), line.text("CONSTRAINT_NAME"));
        if let Some(key) = keys.get_mut(&name) {
            key.on_update = line.text("UPDATE_RULE");
            key.on_delete = line.text("DELETE_RULE");
        }
    }
    for ((table, _), key) in keys {
        let is_here = key.references.namespace.is_none() && tables.by_name.contains_key(&key.references.name);
        let Some(to) = tables.by_name.get_mut(&table) else {
            continue;
        };
        if is_here {
            to.foreign_keys.push(key);
        } else {
            tables.others.push(leads_away(&to.id, &key));
        }
    }
    Ok(())
}

/// The keys by table and name, still without their rules.
async fn parts_of_keys(conn: &mut Conn, scope: &Scope<'_>) -> Result<BTreeMap<(String, String), ForeignKey>> {
    let sql = format!(
        "SELECT * FROM information_schema.KEY_COLUMN_USAGE WHERE {} AND REFERENCED_TABLE_NAME IS NOT NULL
         ORDER BY TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION",
        scope.here("TABLE_SCHEMA")
    );
    let mut keys: BTreeMap<(String, String), ForeignKey> = BTreeMap::new();
    for line in lines(conn, &sql).await? {
        if !scope.is_ours(&line, "TABLE_SCHEMA", "TABLE_NAME") {
            continue;
        }
        let name = (line.text("TABLE_NAME"), line.text("CONSTRAINT_NAME"));
        let key = keys.entry(name).or_insert_with(|| foreign_key(scope, &line));
        key.columns.push(line.text("COLUMN_NAME"));
        key.referred.push(line.text("REFERENCED_COLUMN_NAME"));
    }
    Ok(keys)
}

fn foreign_key(scope: &Scope<'_>, line: &Line) -> ForeignKey {
    let database = line.text("REFERENCED_TABLE_SCHEMA");
    let name = line.text("REFERENCED_TABLE_NAME");
    ForeignKey {
        name: line.text("CONSTRAINT_NAME"),
        columns: Vec::new(),
        references: match scope.is_database(&database) {
            true => TableId::bare(name),
            false => TableId::new(database, name),
        },
        referred: Vec::new(),
        on_update: "NO ACTION".to_owned(),
        on_delete: "NO ACTION".to_owned(),
        match_full: false,
        deferral: Deferral::Never,
        validated: true,
        definition: None,
    }
}

/// A key to a table of another database, or to one that is not there, cannot move with this database.
fn leads_away(table: &TableId, key: &ForeignKey) -> OtherObject {
    let names = |list: &[String]| {
        let quoted: Vec<String> = list.iter().map(|name| quoted(name)).collect();
        quoted.join(", ")
    };
    OtherObject {
        kind: "foreign key".to_owned(),
        id: TableId::bare(&key.name),
        table: Some(table.clone()),
        definition: Some(format!(
            "FOREIGN KEY ({}) REFERENCES {} ({}) ON DELETE {} ON UPDATE {}",
            names(&key.columns),
            table_name(&key.references),
            names(&key.referred),
            key.on_delete,
            key.on_update,
        )),
        making: None,
    }
}

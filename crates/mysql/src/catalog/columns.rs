//! Columns: types, defaults, generation, numbering. The servers print defaults in two ways; both become one SQL expression.

use std::collections::BTreeMap;

use mysql_async::Conn;
use whimbrel_core::{Column, Generated, Identity, Result};

use super::Scope;
use super::definition::Definition;
use super::rows::{Line, each, lines};
use super::scan::{find, is_enclosed, undo_backslashes, without_database};
use super::tables::{Tables, add_definitions};
use crate::flavour::{Flavour, Version};
use crate::native::{Kind, without_width};
use crate::quote::{binary_literal, literal, quoted};

/// Adds the columns of the tables, and returns the names of the columns of the views.
pub(super) async fn add(
    conn: &mut Conn,
    scope: &Scope<'_>,
    tables: &mut Tables,
) -> Result<BTreeMap<String, Vec<String>>> {
    add_definitions(conn, &scope.server.database, tables).await?;
    let sql = format!(
        "SELECT * FROM information_schema.COLUMNS WHERE {} ORDER BY TABLE_NAME, ORDINAL_POSITION",
        scope.here("TABLE_SCHEMA")
    );
    let mut views: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut doubtful = Vec::new();
    for line in lines(conn, &sql).await? {
        if !scope.is_ours(&line, "TABLE_SCHEMA", "TABLE_NAME") {
            continue;
        }
        let name = line.text("TABLE_NAME");
        if let Some(table) = tables.by_name.get_mut(&name) {
            let column = column(scope, &line, tables.definitions.get(&name));
            if is_doubtful(&line, &column) {
                doubtful.push((name, column.name.clone()));
            }
            table.columns.push(column);
        } else if !tables.sequences.contains(&name) {
            views.entry(name).or_default().push(line.text("COLUMN_NAME"));
        }
    }
    ask_defaults(conn, scope, tables, &doubtful).await?;
    Ok(views)
}

/// What the server cannot print it prints as a question mark: letters beyond U+FFFF and bytes that are no text.
fn is_doubtful(line: &Line, column: &Column) -> bool {
    let printed = line.text("COLUMN_DEFAULT");
    printed.contains(['?', '\u{FFFD}'])
        && column.default.is_some()
        && !line.text("EXTRA").contains("DEFAULT_GENERATED")
        && (!printed.contains('(') || printed.starts_with('\''))
}

/// Asks for the values of literal defaults; the join gives a row where the table has none.
async fn ask_defaults(
    conn: &mut Conn,
    scope: &Scope<'_>,
    tables: &mut Tables,
    doubtful: &[(String, String)],
) -> Result<()> {
    let statements: Vec<String> = doubtful
        .iter()
        .map(|(table, column)| {
            let (table, column) = (quoted(table), quoted(column));
            format!(
                "SELECT DEFAULT({column}) AS raw, CONVERT(DEFAULT({column}) USING utf8mb4) AS text
                 FROM (SELECT 1 AS one) d LEFT JOIN {table} ON FALSE"
            )
        })
        .collect();
    let answers = each(conn, &statements).await?;
    for ((name, column), answer) in doubtful.iter().zip(answers) {
        let (Some(table), Some(answer)) = (tables.by_name.get_mut(name), answer) else {
            continue;
        };
        let Some(column) = table.columns.iter_mut().find(|other| &other.name == column) else {
            continue;
        };
        let is_text = Kind::parse(&column.native).is_text();
        let value = match is_text {
            true => answer.optional("text").map(|text| literal(&text)),
            false => answer.bytes("raw").map(binary_literal),
        };
        let Some(value) = value else { continue };
        if let Some(definition) = tables.definitions.get_mut(name) {
            definition.set_default_literal(&column.name, &value);
            table.definition = Some(without_database(definition.text(), &scope.server.database));
        }
        column.default = Some(value);
    }
    Ok(())
}

fn column(scope: &Scope<'_>, line: &Line, definition: Option<&Definition>) -> Column {
    let printed = line.text("COLUMN_TYPE");
    let (native, compressed) = match find(&printed, "/*", 0) {
        Some(at) => (
            printed[..at].trim().to_owned(),
            printed[at..].to_ascii_uppercase().contains("COMPRESSED"),
        ),
        None => (printed, false),
    };
    let native = without_width(&native);
    let kind = Kind::parse(&native);
    let extra = line.text("EXTRA");
    let lower = extra.to_ascii_lowercase();
    let mut column = Column::new(line.text("COLUMN_NAME"), native);
    column.nullable = line.says("IS_NULLABLE", "YES");
    column.collation = line.optional("COLLATION_NAME").filter(|_| kind.is_text());
    column.comment = line.optional("COLUMN_COMMENT").filter(|text| !text.is_empty());
    column.generated = generated(scope, line, &lower);
    if lower.contains("auto_increment") {
        column.identity = Some(Identity {
            always: false,
            never_reused: keeps_counter(scope.server.version),
            sequence: None,
        });
    } else if column.generated.is_none() {
        column.default = default(scope, line, &kind, definition);
    }
    column.on_update = lower
        .find("on update ")
        .map(|at| extra[at + "on update ".len()..].to_owned())
        .map(|text| text.split([',', ' ']).next().unwrap_or("").to_owned());
    column.options = options(scope, line, &lower);
    if compressed {
        column.options.push("compressed".to_owned());
    }
    column.options.sort();
    column
}

fn options(scope: &Scope<'_>, line: &Line, extra: &str) -> Vec<String> {
    let mut options = Vec::new();
    for word in ["invisible", "without system versioning"] {
        if extra.contains(word) {
            options.push(word.to_owned());
        }
    }
    // MariaDB has no column of information_schema for it.
    if scope.server.version.flavour == Flavour::MySql
        && let Some(srid) = line.optional("SRS_ID")
    {
        options.push(format!("srid={srid}"));
    }
    options
}

/// MySQL before 8 and MariaDB before 10.2.4 start again behind the largest number.
fn keeps_counter(version: Version) -> bool {
    version.is_mysql(8, 0, 0) || version.is_mariadb(10, 2, 4)
}

fn generated(scope: &Scope<'_>, line: &Line, extra: &str) -> Option<Generated> {
    let expression = line
        .optional("GENERATION_EXPRESSION")
        .filter(|text| !text.is_empty())?;
    Some(Generated {
        expression: expression_text(scope, &expression),
        stored: extra.contains("stored") || extra.contains("persistent"),
    })
}

/// Returns an expression as the server would take it.
pub(super) fn expression_text(scope: &Scope<'_>, printed: &str) -> String {
    let plain = if scope.server.version.is_mysql(8, 0, 0) {
        undo_backslashes(printed)
    } else {
        printed.to_owned()
    };
    without_database(&plain, &scope.server.database)
}

fn default(scope: &Scope<'_>, line: &Line, kind: &Kind, definition: Option<&Definition>) -> Option<String> {
    let printed = line.optional("COLUMN_DEFAULT")?;
    let as_defined = || definition?.default_literal(&line.text("COLUMN_NAME"));
    if matches!(kind, Kind::Binary(_) | Kind::Varbinary(_) | Kind::Blob(_))
        && !line.text("EXTRA").contains("DEFAULT_GENERATED")
        && printed != "NULL"
    {
        // information_schema cuts bytes off at the first zero.
        return as_defined();
    }
    if scope.server.version.flavour == Flavour::MariaDb {
        return (printed != "NULL").then(|| without_database(&printed, &scope.server.database));
    }
    let is_now = printed.to_ascii_uppercase().starts_with("CURRENT_TIMESTAMP")
        && matches!(kind, Kind::Datetime(_) | Kind::Timestamp(_));
    if is_now {
        return Some(printed);
    }
    if line.text("EXTRA").contains("DEFAULT_GENERATED") {
        let text = expression_text(scope, &printed);
        return Some(match is_enclosed(&text) {
            true => text,
            false => format!("({text})"),
        });
    }
    let is_number = matches!(
        kind,
        Kind::Integer { .. } | Kind::Decimal { .. } | Kind::Float { .. } | Kind::Bit(_)
    );
    Some(match printed.parse::<u32>() {
        _ if is_number => printed,
        Ok(year) if *kind == Kind::Year => year.to_string(),
        _ => literal(&printed),
    })
}

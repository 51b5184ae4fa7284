//! Views, in an order in which they can be created.

use std::collections::{BTreeMap, BTreeSet};

use mysql_async::Conn;
use whimbrel_core::{OtherObject, Result, TableId, View};

use super::Scope;
use super::rows::{Line, each, lines};
use super::scan::{find, tables_read, without_database};
use crate::quote::quoted;

/// Reads the views; those that cannot be read or are broken are given as other objects.
pub(super) async fn read(
    conn: &mut Conn,
    scope: &Scope<'_>,
    columns: &BTreeMap<String, Vec<String>>,
    relations: &BTreeSet<String>,
) -> Result<(Vec<View>, Vec<OtherObject>)> {
    let sql = format!(
        "SELECT * FROM information_schema.VIEWS WHERE {} ORDER BY TABLE_NAME",
        scope.here("TABLE_SCHEMA")
    );
    let mut found = lines(conn, &sql).await?;
    found.retain(|line| scope.is_ours(line, "TABLE_SCHEMA", "TABLE_NAME"));
    let statements: Vec<String> = found
        .iter()
        .map(|line| format!("SHOW CREATE VIEW {}", quoted(&line.text("TABLE_NAME"))))
        .collect();
    let shown = each(conn, &statements).await?;
    let (mut views, mut unread) = (Vec::new(), Vec::new());
    for (line, shown) in found.iter().zip(shown) {
        let printed = shown.and_then(|shown| shown.optional("Create View"));
        let known = columns.get(&line.text("TABLE_NAME"));
        match printed
            .as_deref()
            .zip(known)
            .and_then(|(printed, columns)| view(scope, line, printed, columns, relations))
        {
            Some(view) => views.push(view),
            None => unread.push(broken(
                line,
                printed.map(|text| without_database(&text, &scope.server.database)),
            )),
        }
    }
    Ok((in_order(views), unread))
}

fn view(
    scope: &Scope<'_>,
    line: &Line,
    printed: &str,
    columns: &[String],
    relations: &BTreeSet<String>,
) -> Option<View> {
    let name = line.text("TABLE_NAME");
    let database = &scope.server.database;
    let printed = without_database(printed, database);
    // The words before the view's name are those of the definer and the like.
    let start = find(&printed, " VIEW `", 0)? + " VIEW ".len();
    let behind = start + quoted(&name).len();
    let as_at = find(&printed, " AS ", behind)?;
    let body = printed[as_at + " AS ".len()..].trim();
    let check_option = line.text("CHECK_OPTION");
    let suffix = format!(" WITH {check_option} CHECK OPTION");
    let query = body.strip_suffix(suffix.as_str()).unwrap_or(body);
    let algorithm = algorithm(&printed);
    let security = line.text("SECURITY_TYPE");
    let definition = format!(
        "CREATE ALGORITHM={algorithm} SQL SECURITY {security} VIEW {} AS {body}",
        &printed[start..as_at]
    );
    let reads: Vec<TableId> = tables_read(query, database)
        .into_iter()
        .filter(|other| other != &name && relations.contains(other))
        .map(TableId::bare)
        .collect();
    let mut options = Vec::new();
    if algorithm != "UNDEFINED" {
        options.push(format!("algorithm={}", algorithm.to_ascii_lowercase()));
    }
    if security == "INVOKER" {
        options.push("security=invoker".to_owned());
    } else if line.text("DEFINER") != scope.login {
        options.push(format!("definer={}", line.text("DEFINER")));
    }
    if check_option != "NONE" {
        options.push(format!("check_option={}", check_option.to_ascii_lowercase()));
    }
    options.sort();
    Some(View {
        id: TableId::bare(name),
        columns: columns.to_vec(),
        query: query.to_owned(),
        definition: Some(definition),
        reads,
        options,
        comment: None,
    })
}

/// MySQL has no column of `information_schema` for it.
fn algorithm(printed: &str) -> &str {
    find(printed, "ALGORITHM=", 0)
        .and_then(|at| printed[at + "ALGORITHM=".len()..].split(' ').next())
        .unwrap_or("UNDEFINED")
}

fn broken(line: &Line, printed: Option<String>) -> OtherObject {
    OtherObject {
        kind: "view".to_owned(),
        id: TableId::bare(line.text("TABLE_NAME")),
        table: None,
        definition: printed,
        making: None,
    }
}

/// Sorts by name, but every view behind those that it reads.
fn in_order(views: Vec<View>) -> Vec<View> {
    let mut left: BTreeMap<TableId, View> = views.into_iter().map(|view| (view.id.clone(), view)).collect();
    let mut ordered = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let ready = left
            .values()
            .find(|view| !view.reads.iter().any(|id| left.contains_key(id)))
            .or_else(|| left.values().next())
            .map(|view| view.id.clone());
        ordered.extend(ready.and_then(|id| left.remove(&id)));
    }
    ordered
}

//! Triggers, routines, events and privileges: how each is made in another database of the same engine. The server keeps the modes and the
//! collation under which an object was made, so both are set around its statement.

use std::collections::BTreeMap;

use mysql_async::Conn;
use whimbrel_core::{Making, MakingStage, OtherObject, Result, TableId};

use super::Scope;
use super::rows::{Line, each, lines};
use super::scan::{find, outside};
use crate::flavour::Flavour;
use crate::quote::{literal, quoted};

/// The modes that MySQL 8 and later know. Older ones keep more, such as names of whole families, whose parts they list as well.
const MODES_OF_MYSQL: &[&str] = &[
    "REAL_AS_FLOAT",
    "PIPES_AS_CONCAT",
    "ANSI_QUOTES",
    "IGNORE_SPACE",
    "ONLY_FULL_GROUP_BY",
    "NO_UNSIGNED_SUBTRACTION",
    "NO_DIR_IN_CREATE",
    "ANSI",
    "NO_AUTO_VALUE_ON_ZERO",
    "NO_BACKSLASH_ESCAPES",
    "STRICT_TRANS_TABLES",
    "STRICT_ALL_TABLES",
    "NO_ZERO_IN_DATE",
    "NO_ZERO_DATE",
    "ALLOW_INVALID_DATES",
    "ERROR_FOR_DIVISION_BY_ZERO",
    "TRADITIONAL",
    "HIGH_NOT_PRECEDENCE",
    "NO_ENGINE_SUBSTITUTION",
    "PAD_CHAR_TO_FULL_LENGTH",
    "TIME_TRUNCATE_FRACTIONAL",
];

/// One object before its statement is known.
struct Found {
    kind: String,
    name: String,
    table: Option<TableId>,
    after: Vec<TableId>,
    definer: String,
    /// True when it runs with the rights of whoever calls it.
    is_invoker: bool,
    stage: MakingStage,
}

impl Found {
    fn show(&self) -> String {
        format!(
            "SHOW CREATE {} {}",
            self.kind.to_ascii_uppercase(),
            quoted(&self.name)
        )
    }
}

pub(super) async fn read(conn: &mut Conn, scope: &Scope<'_>) -> Result<Vec<OtherObject>> {
    let mut found = routines(conn, scope).await?;
    found.extend(triggers(conn, scope).await?);
    found.extend(events(conn, scope).await?);
    let statements: Vec<String> = found.iter().map(Found::show).collect();
    let shown = each(conn, &statements).await?;
    let mut others: Vec<OtherObject> = found
        .into_iter()
        .zip(shown)
        .map(|(found, shown)| object(scope, found, shown.as_ref()))
        .collect();
    others.extend(grants(conn, scope).await?);
    Ok(others)
}

async fn routines(conn: &mut Conn, scope: &Scope<'_>) -> Result<Vec<Found>> {
    let sql = format!(
        "SELECT ROUTINE_SCHEMA, ROUTINE_NAME, ROUTINE_TYPE, DEFINER, SECURITY_TYPE FROM information_schema.ROUTINES WHERE {}",
        scope.here("ROUTINE_SCHEMA")
    );
    let found = lines(conn, &sql).await?;
    Ok(found
        .iter()
        .filter(|line| scope.is_ours(line, "ROUTINE_SCHEMA", "ROUTINE_NAME"))
        .map(|line| {
            let kind = line.text("ROUTINE_TYPE").to_ascii_lowercase();
            // A package's body needs the package; nothing else needs anything before it is called.
            let after = match kind == "package body" {
                true => vec![TableId::bare(line.text("ROUTINE_NAME"))],
                false => Vec::new(),
            };
            Found {
                kind,
                name: line.text("ROUTINE_NAME"),
                table: None,
                after,
                definer: line.text("DEFINER"),
                is_invoker: line.says("SECURITY_TYPE", "INVOKER"),
                stage: MakingStage::BeforeTables,
            }
        })
        .collect())
}

async fn triggers(conn: &mut Conn, scope: &Scope<'_>) -> Result<Vec<Found>> {
    let sql = format!(
        "SELECT * FROM information_schema.TRIGGERS WHERE {}
         ORDER BY EVENT_OBJECT_TABLE, EVENT_MANIPULATION, ACTION_TIMING, ACTION_ORDER",
        scope.here("TRIGGER_SCHEMA")
    );
    let mut found = lines(conn, &sql).await?;
    found.retain(|line| scope.is_ours(line, "TRIGGER_SCHEMA", "EVENT_OBJECT_TABLE"));
    // Triggers of one table, event and time run in the order in which they were made.
    let mut last: BTreeMap<[String; 3], TableId> = BTreeMap::new();
    let of = |line: &Line| {
        ["EVENT_OBJECT_TABLE", "EVENT_MANIPULATION", "ACTION_TIMING"].map(|name| line.text(name))
    };
    Ok(found
        .iter()
        .map(|line| {
            let table = TableId::bare(line.text("EVENT_OBJECT_TABLE"));
            let name = line.text("TRIGGER_NAME");
            let mut after = vec![table.clone()];
            after.extend(last.insert(of(line), TableId::bare(&name)));
            Found {
                kind: "trigger".to_owned(),
                name,
                table: Some(table),
                after,
                definer: line.text("DEFINER"),
                is_invoker: false,
                stage: MakingStage::Last,
            }
        })
        .collect())
}

async fn events(conn: &mut Conn, scope: &Scope<'_>) -> Result<Vec<Found>> {
    let sql = format!(
        "SELECT * FROM information_schema.EVENTS WHERE {}",
        scope.here("EVENT_SCHEMA")
    );
    let found = lines(conn, &sql).await?;
    Ok(found
        .iter()
        .filter(|line| scope.is_ours(line, "EVENT_SCHEMA", "EVENT_NAME"))
        .map(|line| Found {
            kind: "event".to_owned(),
            name: line.text("EVENT_NAME"),
            table: None,
            after: Vec::new(),
            definer: line.text("DEFINER"),
            is_invoker: false,
            stage: MakingStage::Last,
        })
        .collect())
}

fn object(scope: &Scope<'_>, found: Found, shown: Option<&Line>) -> OtherObject {
    let statement = shown.and_then(|line| {
        line.optional("SQL Original Statement")
            .or_else(|| line.optional(&format!("Create {}", found.kind)))
    });
    // A body that ends with a sign of its own was part of several statements.
    let statement = statement.map(|text| {
        text.trim_end_matches(|sign: char| sign == ';' || sign.is_whitespace())
            .to_owned()
    });
    let statement = statement.map(|text| without_own_name(&text, &scope.server.database, &found.kind));
    let making = shown
        .zip(statement.as_ref())
        .map(|(line, statement)| making(scope, &found, line, statement));
    OtherObject {
        kind: found.kind,
        id: TableId::bare(found.name),
        table: found.table,
        definition: statement,
        making,
    }
}

fn making(scope: &Scope<'_>, found: &Found, shown: &Line, statement: &str) -> Making {
    let is_own = found.is_invoker || found.definer == scope.login;
    let create = match is_own {
        true => without_definer(statement),
        false => statement.to_owned(),
    };
    let zone = shown.optional("time_zone").unwrap_or_else(|| "SYSTEM".to_owned());
    let is_event = found.kind == "event";
    let mut settings = vec![format!(
        "SESSION sql_mode = {}",
        literal(&modes(scope, &shown.text("sql_mode")))
    )];
    settings.extend(
        shown
            .optional("collation_connection")
            .filter(|name| !name.is_empty())
            .map(|name| format!("SESSION collation_connection = {}", literal(&name))),
    );
    if is_event {
        settings.push(format!("SESSION time_zone = {}", literal(&zone)));
    }
    Making {
        statements: vec![
            format!(
                "SET @whimbrel_modes = @@sql_mode, @whimbrel_collation = @@collation_connection, @whimbrel_zone = @@time_zone, {}",
                settings.join(", ")
            ),
            create,
            "SET SESSION sql_mode = @whimbrel_modes, SESSION collation_connection = @whimbrel_collation, SESSION time_zone = @whimbrel_zone"
                .to_owned(),
        ],
        undo: vec![format!(
            "DROP {} IF EXISTS {}",
            found.kind.to_ascii_uppercase(),
            quoted(&found.name)
        )],
        stage: found.stage,
        after: found.after.clone(),
        needs: Vec::new(),
        asks: (!is_own).then(|| "definer".to_owned()),
    }
}

fn modes(scope: &Scope<'_>, modes: &str) -> String {
    let kept: Vec<&str> = modes
        .split(',')
        .filter(|mode| scope.server.version.flavour == Flavour::MariaDb || MODES_OF_MYSQL.contains(mode))
        .collect();
    kept.join(",")
}

/// Takes "DEFINER=`a`@`b`" out of the statement, so that whoever makes it becomes the definer.
fn without_definer(statement: &str) -> String {
    let Some(start) = find(statement, " DEFINER=", 0) else {
        return statement.to_owned();
    };
    let mask = outside(statement);
    let end = statement
        .bytes()
        .enumerate()
        .skip(start + 1)
        .find(|(at, byte)| mask[*at] && byte.is_ascii_whitespace())
        .map_or(statement.len(), |(at, _)| at);
    format!("{}{}", &statement[..start], &statement[end..])
}

/// Takes the database's name from before the names that the statement makes or hangs on, where a person wrote it.
fn without_own_name(statement: &str, database: &str, kind: &str) -> String {
    let head = match kind {
        "trigger" => find(statement, "FOR EACH ROW", 0),
        "event" => find(statement, "ON SCHEDULE", 0),
        _ => find(statement, "(", 0),
    };
    let Some(head) = head else {
        return statement.to_owned();
    };
    let mut text = statement[..head].to_owned();
    for spelled in [quoted(database), database.to_owned()] {
        for before in [" ", "\n", "\t"] {
            for dot in [".", " . "] {
                text = text.replace(&format!("{before}{spelled}{dot}"), before);
            }
        }
    }
    text + &statement[head..]
}

/// Privileges that name this database, one object for each grantee and place.
async fn grants(conn: &mut Conn, scope: &Scope<'_>) -> Result<Vec<OtherObject>> {
    let here = scope.here("TABLE_SCHEMA");
    let database = literal(&scope.server.database);
    let sql = format!(
        "SELECT GRANTEE AS who, '' AS place, PRIVILEGE_TYPE AS what, IS_GRANTABLE AS grantable
         FROM information_schema.SCHEMA_PRIVILEGES WHERE {database} LIKE TABLE_SCHEMA
         UNION ALL SELECT GRANTEE, TABLE_NAME, PRIVILEGE_TYPE, IS_GRANTABLE
         FROM information_schema.TABLE_PRIVILEGES WHERE {here}
         UNION ALL SELECT GRANTEE, TABLE_NAME, CONCAT(PRIVILEGE_TYPE, ' (`', REPLACE(COLUMN_NAME, '`', '``'), '`)'), IS_GRANTABLE
         FROM information_schema.COLUMN_PRIVILEGES WHERE {here}"
    );
    let mut found: BTreeMap<(String, String), (Vec<String>, bool)> = BTreeMap::new();
    for line in lines(conn, &sql).await? {
        let what = line.text("what");
        if what == "USAGE" || super::is_hidden(&line.text("place")) {
            continue;
        }
        let grant = found.entry((line.text("who"), line.text("place"))).or_default();
        grant.0.push(what);
        grant.1 |= line.says("grantable", "YES");
    }
    Ok(found
        .into_iter()
        .map(|((who, place), (mut what, grantable))| {
            what.sort();
            let on = match place.is_empty() {
                true => format!("{}.*", quoted(&scope.server.database)),
                false => quoted(&place),
            };
            let option = if grantable { " WITH GRANT OPTION" } else { "" };
            OtherObject {
                kind: "grant".to_owned(),
                id: TableId::bare(format!("{who} on {on}")),
                table: (!place.is_empty()).then(|| TableId::bare(&place)),
                definition: Some(format!("GRANT {} ON {on} TO {who}{option}", what.join(", "))),
                making: None,
            }
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_made_by_whoever_makes_it_in_whatever_database() {
        for (statement, kind, plain) in [
            (
                "CREATE DEFINER=`a b`@`%` TRIGGER shop.t BEFORE INSERT ON `shop`.`u` FOR EACH ROW SET @x = (SELECT 1 FROM shop.v)",
                "trigger",
                "CREATE TRIGGER t BEFORE INSERT ON `u` FOR EACH ROW SET @x = (SELECT 1 FROM shop.v)",
            ),
            (
                "CREATE DEFINER=\"a\"@\"%\" FUNCTION \"f\"(x INT) RETURNS INT RETURN ' DEFINER=x y'",
                "function",
                "CREATE FUNCTION \"f\"(x INT) RETURNS INT RETURN ' DEFINER=x y'",
            ),
            (
                "CREATE PROCEDURE shop.p() SELECT 1",
                "procedure",
                "CREATE PROCEDURE p() SELECT 1",
            ),
        ] {
            assert_eq!(without_definer(&without_own_name(statement, "shop", kind)), plain);
        }
    }
}

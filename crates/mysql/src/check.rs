//! Says what could hinder reading or writing, as findings with what to do about it. What a login may do is read from SHOW GRANTS, which
//! every login may ask.

use std::collections::BTreeSet;

use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;
use whimbrel_core::{Finding, ObjectId, ObjectKind, Result, Severity, TableId};

use crate::catalog::is_hidden;
use crate::catalog::rows::lines;
use crate::catalog::scan::find;
use crate::connect::Server;
use crate::error::classify;
use crate::flavour::Flavour;
use crate::quote::{literal, quoted};

/// Rows need room in one packet; a server that takes less than this refuses ordinary documents.
const PACKET_WANTED: u64 = 16 << 20;
/// Smaller pages have room for shorter keys and rows.
const PAGE_BYTES: u64 = 16_384;
/// How many of the target's own tables are named.
const SHOWN: usize = 5;

fn about_database() -> ObjectId {
    ObjectId::whole(ObjectKind::Other, TableId::bare("database"))
}

fn finding(code: &str, severity: Severity, message: impl Into<String>) -> Finding {
    Finding::new(code, severity, about_database(), message)
}

pub(crate) async fn source(conn: &mut Conn, server: &Server) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let is_supported = server.version.is_mysql(5, 7, 0) || server.version.is_mariadb(10, 3, 0);
    if !is_supported {
        findings.push(too_old(server, "5.7", "10.3"));
    }
    let grants = Grants::read(conn, server).await?;
    findings.extend(may_read(&grants, server));
    findings.extend(no_snapshot(conn, server).await?);
    if !server.is_on("log_bin") {
        findings.push(
            finding(
                "snapshot",
                Severity::Info,
                "the server keeps no binary log, so that its position says nothing about what was written meanwhile",
            )
            .with_evidence("`log_bin` is `OFF`"),
        );
    }
    Ok(findings)
}

pub(crate) async fn target(conn: &mut Conn, server: &Server, bytes: u64) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let is_supported = server.version.is_mysql(8, 0, 0) || server.version.is_mariadb(10, 5, 0);
    if !is_supported {
        findings.push(too_old(server, "8.0", "10.5"));
    }
    let grants = Grants::read(conn, server).await?;
    findings.extend(read_only(&grants, server));
    findings.extend(may_write(&grants, server));
    findings.extend(limits(server, bytes));
    findings.extend(not_empty(conn, server).await?);
    Ok(findings)
}

fn too_old(server: &Server, mysql: &str, mariadb: &str) -> Finding {
    let wanted = match server.version.flavour {
        Flavour::MySql => mysql,
        Flavour::MariaDb => mariadb,
    };
    let message = format!(
        "the server's version is {}; must be {wanted} or later",
        server.version
    );
    finding("version", Severity::Blocker, message)
}

/// What a login may do.
struct Grants {
    login: String,
    /// On all databases.
    everywhere: BTreeSet<String>,
    /// On this database.
    here: BTreeSet<String>,
    /// On some of its tables only.
    somewhere: BTreeSet<String>,
    /// True when a role may give more than is listed.
    has_roles: bool,
}

impl Grants {
    async fn read(conn: &mut Conn, server: &Server) -> Result<Self> {
        let login: Option<String> = conn
            .query_first("SELECT CURRENT_USER()")
            .await
            .map_err(classify)?;
        let listed: Vec<String> = conn.query("SHOW GRANTS").await.map_err(classify)?;
        let mut grants = Self {
            login: login.unwrap_or_default(),
            everywhere: BTreeSet::new(),
            here: BTreeSet::new(),
            somewhere: BTreeSet::new(),
            has_roles: false,
        };
        for grant in listed {
            grants.add(&grant, server);
        }
        Ok(grants)
    }

    fn add(&mut self, grant: &str, server: &Server) {
        let Some(rest) = grant.strip_prefix("GRANT ") else {
            return;
        };
        let (Some(on), Some(to)) = (find(rest, " ON ", 0), find(rest, " TO ", 0)) else {
            self.has_roles |= find(rest, " ON ", 0).is_none();
            return;
        };
        let words = rest[..on].split(',').map(|word| word.trim().to_ascii_uppercase());
        let place = &rest[on + " ON ".len()..to];
        if place == "*.*" {
            self.everywhere.extend(words);
        } else if let Some(database) = place.strip_suffix(".*") {
            if is_like(&server.database, &unquoted(database)) {
                self.here.extend(words);
            }
        } else if place.starts_with(&format!("{}.", quoted(&server.database))) {
            self.somewhere.extend(words);
        }
    }

    fn has(&self, privilege: &str) -> bool {
        let gives = |set: &BTreeSet<String>| {
            set.contains(privilege) || set.contains("ALL PRIVILEGES") || set.contains("ALL")
        };
        gives(&self.everywhere) || gives(&self.here)
    }

    /// Tells whether a privilege that only the whole server has is given.
    fn has_everywhere(&self, privileges: &[&str]) -> bool {
        self.everywhere.contains("ALL PRIVILEGES")
            || privileges
                .iter()
                .any(|privilege| self.everywhere.contains(*privilege))
    }

    /// What is missing blocks, unless a role may give it.
    fn missing(&self, privileges: &[&str]) -> Option<(Vec<String>, Severity)> {
        let missing: Vec<String> = privileges
            .iter()
            .filter(|privilege| !self.has(privilege))
            .map(|privilege| (*privilege).to_owned())
            .collect();
        let severity = match self.has_roles {
            true => Severity::Warning,
            false => Severity::Blocker,
        };
        (!missing.is_empty()).then_some((missing, severity))
    }
}

fn unquoted(name: &str) -> String {
    name.trim_matches('`').replace("``", "`")
}

/// Databases stand in grants as patterns: `%` for anything, `_` for a letter, a backslash before either for itself.
fn is_like(name: &str, pattern: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let mut reached: BTreeSet<usize> = BTreeSet::from([0]);
    let mut signs = pattern.chars();
    while let Some(sign) = signs.next() {
        let (sign, escaped) = match sign {
            '\\' => (signs.next().unwrap_or('\\'), true),
            other => (other, false),
        };
        reached = match sign {
            '%' if !escaped => reached
                .first()
                .map(|from| (*from..=name.len()).collect())
                .unwrap_or_default(),
            _ => reached
                .into_iter()
                .filter(|at| {
                    name.get(*at)
                        .is_some_and(|letter| (sign == '_' && !escaped) || *letter == sign)
                })
                .map(|at| at + 1)
                .collect(),
        };
    }
    reached.contains(&name.len())
}

fn may_read(grants: &Grants, server: &Server) -> Vec<Finding> {
    let login = &grants.login;
    let here = format!("{}.*", quoted(&server.database));
    let mut findings = Vec::new();
    if let Some((_, severity)) = grants.missing(&["SELECT"]) {
        let (severity, message) = match grants.somewhere.is_empty() {
            true => (severity, format!("`{login}` may not read `{}`", server.database)),
            false => (
                Severity::Warning,
                format!(
                    "`{login}` may read some tables of `{}`; the server shows no others, so that they are missing here",
                    server.database
                ),
            ),
        };
        findings.push(
            finding("privilege", severity, message)
                .with_evidence(format!("`GRANT SELECT ON {here} TO {login}` lets it")),
        );
    }
    if let Some((missing, _)) = grants.missing(&["SHOW VIEW", "TRIGGER", "EVENT"]) {
        let list = missing.join(", ");
        findings.push(
            finding(
                "privilege",
                Severity::Warning,
                format!("`{login}` lacks {list}: the server shows no definitions of such objects"),
            )
            .with_evidence(format!("`GRANT {list} ON {here} TO {login}` lets it")),
        );
    }
    if let Some(missing) = locking(grants) {
        findings.push(
            finding(
                "privilege",
                Severity::Warning,
                format!("`{login}` lacks {missing}: parallel readers may not get one consistent state"),
            )
            .with_evidence(format!("`GRANT RELOAD ON *.* TO {login}` lets it")),
        );
    }
    findings
}

/// Either lock holds writers back while the readers take their snapshots.
fn locking(grants: &Grants) -> Option<&'static str> {
    let may_flush = grants.has_everywhere(&["RELOAD", "FLUSH_TABLES"]);
    let may_lock = grants.has("LOCK TABLES");
    (!may_flush && !may_lock).then_some("RELOAD and LOCK TABLES")
}

/// Tables of other engines than `InnoDB` are in no snapshot.
async fn no_snapshot(conn: &mut Conn, server: &Server) -> Result<Vec<Finding>> {
    let sql = format!(
        "SELECT t.TABLE_NAME AS name, t.ENGINE AS engine FROM information_schema.TABLES t
         JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE
         WHERE t.TABLE_SCHEMA = {} AND t.TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') AND COALESCE(e.TRANSACTIONS, 'NO') <> 'YES'
         ORDER BY t.TABLE_NAME",
        literal(&server.database)
    );
    Ok(lines(conn, &sql)
        .await?
        .iter()
        .filter(|line| !is_hidden(&line.text("name")))
        .map(|line| {
            let (name, engine) = (line.text("name"), line.text("engine"));
            Finding::new(
                "no_snapshot",
                Severity::Warning,
                ObjectId::whole(ObjectKind::Table, TableId::bare(&name)),
                format!("`{name}` is a table of engine `{engine}`, which has no snapshots"),
            )
            .with_evidence(format!(
                "stop writing to it, or `ALTER TABLE {} ENGINE = InnoDB`",
                quoted(&name)
            ))
        })
        .collect())
}

fn read_only(grants: &Grants, server: &Server) -> Vec<Finding> {
    let setting = |name: &str| server.settings.get(name).map(|value| value.to_ascii_uppercase());
    let is_strict = server.is_on("super_read_only")
        || setting("read_only").is_some_and(|value| value.starts_with("NO_LOCK"));
    let may_anyway = grants.has_everywhere(&["SUPER", "CONNECTION_ADMIN", "READ_ONLY ADMIN"]);
    let is_read_only = setting("read_only").is_some_and(|value| !matches!(value.as_str(), "OFF" | "0"));
    if !is_read_only && !is_strict {
        return Vec::new();
    }
    let severity = match may_anyway && !is_strict {
        true => Severity::Warning,
        false => Severity::Blocker,
    };
    vec![
        finding(
            "target_read_only",
            severity,
            "`read_only` is on at the server: it may be a replica",
        )
        .with_evidence("connect to the primary server, or `SET GLOBAL read_only = OFF`"),
    ]
}

fn may_write(grants: &Grants, server: &Server) -> Vec<Finding> {
    const NEEDED: &[&str] = &[
        "SELECT",
        "INSERT",
        "UPDATE",
        "DELETE",
        "CREATE",
        "ALTER",
        "DROP",
        "INDEX",
        "REFERENCES",
    ];
    const FOR_OBJECTS: &[&str] = &["CREATE VIEW", "SHOW VIEW", "TRIGGER", "CREATE ROUTINE", "EVENT"];
    let login = &grants.login;
    let here = format!("{}.*", quoted(&server.database));
    let mut findings = Vec::new();
    if let Some((missing, severity)) = grants.missing(NEEDED) {
        let list = missing.join(", ");
        findings.push(
            finding(
                "privilege",
                severity,
                format!("`{login}` lacks {list} on `{}`", server.database),
            )
            .with_evidence(format!("`GRANT {list} ON {here} TO {login}` lets it")),
        );
    }
    if let Some((missing, _)) = grants.missing(FOR_OBJECTS) {
        let list = missing.join(", ");
        findings.push(
            finding(
                "privilege",
                Severity::Warning,
                format!(
                    "`{login}` lacks {list} on `{}`: such objects cannot be made",
                    server.database
                ),
            )
            .with_evidence(format!("`GRANT {list} ON {here} TO {login}` lets it")),
        );
    }
    let may_log = grants.has_everywhere(&["SUPER", "SET_USER_ID", "SET_ANY_DEFINER"])
        || server.is_on("log_bin_trust_function_creators");
    if server.version.flavour == Flavour::MySql && server.is_on("log_bin") && !may_log {
        findings.push(
            finding(
                "privilege",
                Severity::Info,
                format!("`{login}` may not make functions and triggers while the server keeps a binary log"),
            )
            .with_evidence("`SET GLOBAL log_bin_trust_function_creators = ON` lets it"),
        );
    }
    findings
}

fn limits(server: &Server, bytes: u64) -> Vec<Finding> {
    let mut findings = Vec::new();
    if server.settings.contains_key("local_infile") && !server.is_on("local_infile") {
        findings.push(
            finding(
                "privilege",
                Severity::Info,
                "`local_infile` is off: rows are written by INSERT, which takes longer",
            )
            .with_evidence("`SET GLOBAL local_infile = ON` makes it faster"),
        );
    }
    if let Some(packet) = server
        .number("max_allowed_packet")
        .filter(|packet| *packet < PACKET_WANTED && *packet < bytes)
    {
        findings.push(
            finding(
                "row_too_large",
                Severity::Warning,
                format!("`max_allowed_packet` is {packet}: a row that takes more bytes cannot be written"),
            )
            .with_evidence(format!(
                "`SET GLOBAL max_allowed_packet = {}` lets it",
                1_u64 << 30
            )),
        );
    }
    if let Some(page) = server
        .number("innodb_page_size")
        .filter(|page| *page < PAGE_BYTES)
    {
        findings.push(finding(
            "row_too_large",
            Severity::Warning,
            format!("`innodb_page_size` is {page}: keys and rows must be shorter than with {PAGE_BYTES}"),
        ));
    }
    if let Some(engine) = server
        .settings
        .get("default_storage_engine")
        .filter(|engine| !engine.eq_ignore_ascii_case("InnoDB"))
    {
        findings.push(finding(
            "assumption",
            Severity::Info,
            format!("`default_storage_engine` is `{engine}`; tables are made with InnoDB"),
        ));
    }
    if let Some(charset) = server
        .settings
        .get("character_set_database")
        .filter(|charset| *charset != "utf8mb4")
    {
        findings.push(finding(
            "encoding",
            Severity::Info,
            format!(
                "the database's character set is `{charset}`; columns that need it are made with `utf8mb4`"
            ),
        ));
    }
    findings
}

async fn not_empty(conn: &mut Conn, server: &Server) -> Result<Vec<Finding>> {
    let sql = format!(
        "SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = {} ORDER BY TABLE_NAME",
        literal(&server.database)
    );
    let names: Vec<String> = lines(conn, &sql)
        .await?
        .iter()
        .map(|line| line.text("name"))
        .filter(|name| !is_hidden(name))
        .collect();
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let message = format!(
        "the target holds {} tables, views or sequences of its own",
        names.len()
    );
    let mut found = finding("target_not_empty", Severity::Info, message);
    found.evidence = names.into_iter().take(SHOWN).collect();
    Ok(vec![found])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_found_by_the_pattern_of_a_grant() {
        for (pattern, fits) in [
            ("shop_1", true),
            ("shop%", true),
            ("%", true),
            (r"shop\_1", true),
            (r"shop\%", false),
            ("shop", false),
            ("shop_", false),
            ("s%1", true),
            ("", false),
        ] {
            assert_eq!(is_like("shop_1", pattern), fits, "{pattern}");
        }
    }
}

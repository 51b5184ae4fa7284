//! Finds database URLs in a line of text and returns what of them may be shown. A URL is shown in parts only when it can be read
//! in one way; otherwise its scheme is all that is shown, as a password may hold any character.

use whimbrel_core::{is_secret, is_token};

use super::evidence::{Engine, OF_A_LINE_MAX};

/// What stands for what is not shown.
pub(super) const HIDDEN: &str = "***";
/// The variable that a suggested command takes the password from.
const PASSWORD_VARIABLE: &str = "${DATABASE_PASSWORD}";
/// Drivers that stand in a scheme beside the engine.
const DRIVERS: [&str; 19] = [
    "psycopg",
    "psycopg2",
    "psycopg2cffi",
    "pg8000",
    "pymysql",
    "mysqldb",
    "mysqlconnector",
    "mariadbconnector",
    "aiomysql",
    "asyncmy",
    "pyodbc",
    "pysqlite",
    "aiosqlite",
    "pysqlcipher",
    "srv",
    "prisma",
    "unix",
    "tcp",
    "ssl",
];
/// Ports that servers of databases have, and those that are taken beside them.
const USUAL_PORTS: [&str; 10] = [
    "5432", "5433", "5434", "6432", "3306", "3307", "33060", "27017", "27018", "27019",
];

/// A database URL without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Masked {
    /// The engine its scheme means.
    pub(super) engine: Engine,
    /// What may be shown of it.
    pub(super) shown: String,
    /// The same as an argument of a command, with a variable in place of the password, when enough of it may be shown.
    pub(super) address: Option<String>,
}

/// Returns the first database URLs of a line.
pub(super) fn urls(line: &str) -> Vec<Masked> {
    let mut found = Vec::new();
    let last_at = line.rfind('@');
    let (mut from, mut checked, mut is_behind_doubt) = (0, 0, false);
    while let Some(colon) = line[from..].find(':').map(|at| from + at) {
        from = colon + 1;
        // Java escapes the colon in its settings.
        let before = line[..colon].strip_suffix('\\').unwrap_or(&line[..colon]);
        let Some((scheme, engine)) = scheme_before(before) else {
            continue;
        };
        let Some(start) = start(scheme, engine, &line[from..]).map(|start| from + start) else {
            continue;
        };
        let end = line[start..].find(is_end).map_or(line.len(), |end| start + end);
        // Behind the name of a secret a URL may be the secret, or a part of it. Each part of the line is looked at once.
        let at = before.len() - scheme.len();
        is_behind_doubt |= is_secret(&line[checked..at]);
        checked = at;
        let scheme = told(scheme);
        let has_more = last_at.is_some_and(|at| at >= end);
        let url = if is_behind_doubt {
            hidden(scheme, engine)
        } else if is_file(scheme, engine) {
            file(scheme, &line[start..end], has_more)
        } else {
            server(scheme, engine, &line[start..end], has_more)
        };
        // The password may go on behind what seems to be the end, and look like another URL there.
        is_behind_doubt |= has_more;
        found.push(url);
        if found.len() == OF_A_LINE_MAX {
            break;
        }
        from = end;
    }
    found
}

/// Returns where a URL goes on behind the colon of its scheme, and behind the slashes of a server; none when it is a word and no URL.
fn start(scheme: &str, engine: Engine, after: &str) -> Option<usize> {
    if is_file(scheme, engine) {
        let is_word = |letter: char| is_end(letter) || ",{[=?#;".contains(letter);
        // `sqlite::SqlitePool` is a name in a program.
        let is_path = after.starts_with(':') && !after.starts_with(":memory:");
        return (!after.is_empty() && !after.starts_with(is_word) && !is_path).then_some(0);
    }
    // `jdbc:mysql:loadbalance://`, `jdbc:tc:postgresql:16://`
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || ".-".contains(letter);
    let word = after.find(|letter| !is_part(letter)).filter(|end| *end <= 24)?;
    let rest = match word {
        0 => after,
        _ => after[word..].strip_prefix(':')?,
    };
    // JSON may escape the slash.
    let rest = rest.strip_prefix("//").or_else(|| rest.strip_prefix("\\/\\/"))?;
    Some(after.len() - rest.len())
}

/// Tells whether URLs of the scheme name a file.
fn is_file(scheme: &str, engine: Engine) -> bool {
    engine == Engine::Sqlite && !scheme.eq_ignore_ascii_case("libsql")
}

fn hidden(scheme: &str, engine: Engine) -> Masked {
    let slashes = if is_file(scheme, engine) { "" } else { "//" };
    Masked {
        engine,
        shown: format!("{scheme}:{slashes}{HIDDEN}"),
        address: None,
    }
}

fn is_end(letter: char) -> bool {
    letter.is_whitespace() || "\"'`<>()".contains(letter)
}

/// Returns the scheme that ends a text, and its engine.
fn scheme_before(text: &str) -> Option<(&str, Engine)> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '+';
    let start = text
        .rfind(|letter| !is_part(letter))
        .map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8));
    let scheme = &text[start..];
    // `mysql+pymysql`, `prisma+postgres`
    let engine = scheme.split('+').find_map(engine_of)?;
    Some((scheme, engine))
}

/// Returns what of a scheme may be shown: beside the word that means an engine only drivers, as a password may end before a `+`.
fn told(scheme: &str) -> &str {
    let is_known =
        |word: &str| engine_of(word).is_some() || DRIVERS.contains(&word.to_ascii_lowercase().as_str());
    if scheme.split('+').all(is_known) {
        return scheme;
    }
    let mut words = scheme.split('+');
    words.find(|word| engine_of(word).is_some()).unwrap_or_default()
}

fn engine_of(word: &str) -> Option<Engine> {
    Some(match word.to_ascii_lowercase().as_str() {
        "postgres" | "postgresql" | "postgis" | "pgsql" | "psql" | "asyncpg" | "pgx" | "pgx5" => {
            Engine::Postgresql
        }
        "mysql" | "mysql2" | "mysqlx" | "trilogy" => Engine::Mysql,
        "mariadb" => Engine::Mariadb,
        "sqlite" | "sqlite3" | "libsql" => Engine::Sqlite,
        "mongodb" => Engine::Mongodb,
        _ => return None,
    })
}

/// Reads what follows `//` of a server's URL; `has_more` tells of an `@` in the rest of the line, where a password with a blank or a
/// quote would end.
fn server(scheme: &str, engine: Engine, rest: &str, has_more: bool) -> Masked {
    let (authority, place) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let is_doubtful = authority.contains(['\\', ';']);
    if is_doubtful || place.contains('@') || has_more {
        return hidden(scheme, engine);
    }
    let (login, hosts) = authority
        .rsplit_once('@')
        .map_or((None, authority), |(login, hosts)| (Some(login), hosts));
    let (path, query) = place.split_once(['?', '#']).unwrap_or((place, ""));
    let database = path.strip_prefix('/').unwrap_or(path);
    let (user, password) = login.map_or((None, None), |login| match login.split_once(':') {
        Some((user, password)) => (Some(user), Some(password)),
        None => (Some(login), None),
    });
    // Without a slash the URL may go on in the next line: what looks like a port may be the start of a password, and what looks like a
    // host behind a login be the rest of one that holds an `@`.
    if login.is_some() && !place.starts_with(['/', '?']) {
        return hidden(scheme, engine);
    }
    let is_whole_host =
        |host: &str| is_host(host) && (user.is_some() || place.starts_with('/') || has_usual_port(host));
    // Without a host it is the one that the client is on: `postgres:///shop`.
    let is_local = authority.is_empty() && place.starts_with('/');
    let is_plain_host = is_local || !hosts.is_empty() && hosts.split(',').all(is_whole_host);
    let is_plain_database = database.is_empty() || is_name(database);
    let is_alone = password.is_none_or(str::is_empty);
    let is_plain_user =
        user.is_none_or(|user| user.is_empty() || (is_name(user) && !(is_alone && is_token(user))));
    let hide = |is_plain: bool, text: &str| {
        if is_plain {
            text.to_owned()
        } else {
            HIDDEN.to_owned()
        }
    };
    let login = |password: Option<&str>| match (user, password) {
        (None, _) => String::new(),
        (Some(user), None) => format!("{}@", hide(is_plain_user, user)),
        (Some(user), Some(password)) => format!("{}:{password}@", hide(is_plain_user, user)),
    };
    let hosts_shown = hide(is_plain_host, hosts);
    // Behind hosts that cannot be read something else than a database may stand, such as in `//db;password=a/b`.
    let database_shown = hide(
        is_plain_database && (is_plain_host || database.is_empty()),
        database,
    );
    let shown = format!(
        "{scheme}://{}{hosts_shown}/{database_shown}",
        login(password.map(|_| HIDDEN))
    );
    let is_whole = is_plain_host && is_plain_database && is_plain_user && !is_local && !hosts.contains(',');
    let asks = password.is_some()
        || ["pass", "pwd"]
            .iter()
            .any(|key| query.to_ascii_lowercase().contains(key));
    let variable = password
        .filter(|password| is_variable(password))
        .unwrap_or(PASSWORD_VARIABLE);
    let address = command_scheme(engine)
        .filter(|_| is_whole && !database.is_empty() && engine != Engine::Sqlite)
        .map(|scheme| {
            let login = login(asks.then_some(variable));
            format!("{scheme}://{login}{hosts}/{database}")
        });
    Masked {
        engine,
        shown,
        address,
    }
}

/// Reads what follows the colon of a file's URL. Where an `@` stands anywhere behind, a key may stand before it:
/// `sqlite+pysqlcipher://:key@/file`; the `@` may stand in the next line, or be forgotten.
fn file(scheme: &str, rest: &str, has_more: bool) -> Masked {
    let may_hold_key = rest.contains('@') || has_more || begins_as_login(scheme, rest);
    let path = rest.split(['?', '#', ';']).next().unwrap_or_default();
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_./:-".contains(letter);
    let shown = if path.chars().all(is_plain) && !may_hold_key {
        path
    } else {
        HIDDEN
    };
    Masked {
        engine: Engine::Sqlite,
        shown: format!("{scheme}:{shown}"),
        address: None,
    }
}

/// Tells whether what follows the colon of a file's URL begins as a login: `//:key`. A drive such as `//c:/app.db` is none.
fn begins_as_login(scheme: &str, rest: &str) -> bool {
    let Some(authority) = rest.strip_prefix("//").filter(|rest| *rest != ":memory:") else {
        return false;
    };
    let authority = authority.split(['/', '?', '#', ';']).next().unwrap_or_default();
    let has_key = authority
        .split_once(':')
        .is_some_and(|(before, key)| before.is_empty() || !key.is_empty());
    let is_ciphered = scheme.to_ascii_lowercase().contains("cipher");
    has_key && authority != ":memory:" || is_ciphered && !authority.is_empty()
}

/// Returns the scheme that selects the engine in a command; none when no engine here can read the database.
pub(super) fn command_scheme(engine: Engine) -> Option<&'static str> {
    match engine {
        Engine::Postgresql => Some("postgres"),
        Engine::Mysql => Some("mysql"),
        Engine::Mariadb => Some("mariadb"),
        Engine::Sqlite => Some("sqlite"),
        Engine::Mongodb => None,
    }
}

fn is_name(text: &str) -> bool {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "_.-".contains(letter);
    text.chars().all(is_part) || is_variable(text)
}

fn is_variable(text: &str) -> bool {
    text.strip_prefix("${")
        .and_then(|text| text.strip_suffix('}'))
        .is_some_and(is_identifier)
}

/// Tells whether a text is a name that a variable or a setting can have.
pub(super) fn is_identifier(text: &str) -> bool {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    !text.is_empty()
        && text.len() <= 64
        && text.chars().all(is_part)
        && !text.starts_with(|letter: char| letter.is_ascii_digit())
}

fn is_host(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        Some((host, port)) => {
            let is_address = host
                .chars()
                .all(|letter| letter.is_ascii_hexdigit() || letter == ':');
            return is_address && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
        }
        None if is_variable(text) => return true,
        None => match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    !host.is_empty() && is_name(host) && port.is_none_or(is_port)
}

/// Tells whether a host has no port, or one that servers of databases have.
fn has_usual_port(text: &str) -> bool {
    let port = text.rsplit_once(':').map(|(_, port)| port);
    port.is_none_or(|port| port.ends_with([']', '}']) || USUAL_PORTS.contains(&port))
}

fn is_port(text: &str) -> bool {
    is_variable(text) || (text.len() <= 5 && text.chars().all(|letter| letter.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, shown: &str, address: Option<&str>) {
        let found = urls(line);
        let url = found.first().unwrap_or_else(|| panic!("nothing found in {line}"));
        assert_eq!(url.shown, shown, "{line}");
        assert_eq!(url.address.as_deref(), address, "{line}");
    }

    #[test]
    fn a_url_is_shown_without_its_password_in_every_spelling() {
        let whole = Some("postgres://ann:${DATABASE_PASSWORD}@db:5432/shop");
        for line in [
            "DATABASE_URL=postgres://ann:secret@db:5432/shop",
            "DATABASE_URL=\"postgres://ann:se@cr@et@db:5432/shop?sslmode=require\"",
            "url: postgres://ann:s%40c%2Fret@db:5432/shop#secret",
        ] {
            check(line, "postgres://ann:***@db:5432/shop", whole);
        }
        check(
            "jdbc:mysql://db/shop?user=ann&password=secret",
            "mysql://db/shop",
            Some("mysql://db/shop"),
        );
        check(
            "x = \"postgresql+psycopg2://ann@[::1]:5432/shop\"",
            "postgresql+psycopg2://ann@[::1]:5432/shop",
            Some("postgres://ann@[::1]:5432/shop"),
        );
        check(
            "- postgres://ann:${PW}@${HOST}:${PORT}/${NAME}",
            "postgres://ann:***@${HOST}:${PORT}/${NAME}",
            Some("postgres://ann:${PW}@${HOST}:${PORT}/${NAME}"),
        );
        check(
            "mongodb+srv://a:b@c.d.net/?x=y",
            "mongodb+srv://a:***@c.d.net/",
            None,
        );
        check("sqlite:///./app.db?key=secret", "sqlite:///./app.db", None);
        check("jdbc:sqlite:app.db;password=secret", "sqlite:app.db", None);
        for line in [
            "sqlite+pysqlcipher://:secret@/app.db",
            "sqlite+pysqlcipher://:se?cret@/app.db?cipher=aes",
            "sqlite+pysqlcipher://:se;c#ret@/app.db",
            "sqlite+pysqlcipher://:se'cret@/app.db",
        ] {
            check(line, "sqlite+pysqlcipher:***", None);
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_not_shown() {
        for line in [
            "postgres://ann:sec/ret@db/shop",
            "postgres://ann:12/ret@db/shop",
            "postgres://ann:12 34@db/shop",
            "postgres://ann:12'34@db/shop",
            "postgres://ann:se?c#ret@db/shop",
            "postgres://ann@db/shop?password=a@b",
        ] {
            check(line, "postgres://***", None);
        }
        check("postgres://ann:secret", "postgres://***/", None);
        check(
            "URL = (\"postgresql://ann:P@secretw0rd\"",
            "postgresql://***",
            None,
        );
        check("mongodb://ann:P@secret:27017", "mongodb://***", None);
        for path in ["//:secret", "//:secret/app.db", "//ann:secret/app.db", "//secret"] {
            check(
                &format!("sqlite+pysqlcipher:{path}"),
                "sqlite+pysqlcipher:***",
                None,
            );
        }
        check("sqlite://:secret/app.db", "sqlite:***", None);
        check("sqlite://:memory:", "sqlite://:memory:", None);
        check("sqlite::memory:", "sqlite::memory:", None);
        check("sqlite://c:/app.db", "sqlite://c:/app.db", None);
        // The line may go on in the next one.
        check("postgres://ann:12345", "postgres://***/", None);
        check("'postgres://ann:12345' +", "postgres://***/", None);
        check("mongodb://db:27017", "mongodb://db:27017/", None);
        check(
            "jdbc:mysql://db:3306;user=ann;password=@secret",
            "mysql://***",
            None,
        );
        check("jdbc:mysql://db:3306;password=/secret", "mysql://***", None);
        check("jdbc:mysql://db:port/secret", "mysql://***/***", None);
        check(
            "postgres://${U:-ann}:${P:-secret}@db/x",
            "postgres://***:***@db/x",
            None,
        );
    }

    #[test]
    fn behind_a_url_that_may_go_on_nothing_is_shown() {
        let line = "postgres://ann:12 mysql://secret@db/shop";
        let shown: Vec<String> = urls(line).into_iter().map(|url| url.shown).collect();
        assert_eq!(shown, ["postgres://***", "mysql://***"]);
    }

    #[test]
    fn what_stands_beside_a_scheme_is_shown_only_when_it_is_a_driver() {
        check("|secret+sqlite:x", "sqlite:x", None);
        check("|sqlite+secret:x", "sqlite:x", None);
    }

    #[test]
    fn a_url_is_known_in_less_common_spellings() {
        check(
            "libsql://shop.turso.io?authToken=secret",
            "libsql://shop.turso.io/",
            None,
        );
        check(
            "libsql://ann:secret@shop.turso.io/x",
            "libsql://ann:***@shop.turso.io/x",
            None,
        );
        check(
            "prisma+postgres://localhost:51213/?api_key=x",
            "prisma+postgres://localhost:51213/",
            None,
        );
        check("postgres:///shop?host=/run", "postgres:///shop", None);
        check("jdbc:mysql:replication://a,b/shop", "mysql://a,b/shop", None);
        check(
            "jdbc\\:mysql\\://db/shop",
            "mysql://db/shop",
            Some("mysql://db/shop"),
        );
        check("postgres:\\/\\/ann:secret@db\\/shop", "postgres://***", None);
    }

    #[test]
    fn a_line_as_long_as_a_file_takes_no_time() {
        for part in ["mysql:", "mysql://a ", "sqlite:,", "sqlite:a ", "postgres:16:"] {
            urls(&part.repeat(100_000));
        }
    }

    #[test]
    fn a_word_before_a_colon_is_no_url() {
        for line in [
            "mysql:",
            "image: mysql:8",
            "  postgres: {}",
            "sqlite: ",
            "é:postgres",
            "use sqlx::sqlite::SqlitePool;",
            "$x->default(SQLite3::class)",
            "DBD::SQLite::VERSION",
            "postgres::Client::connect",
        ] {
            assert_eq!(urls(line), [], "{line}");
        }
    }
}

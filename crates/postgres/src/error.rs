//! Errors of the server and of the driver, classified in one table: how the run loop reacts, a stable code, and a hint.

use std::borrow::Cow;

use whimbrel_core::{Error, ErrorClass, Place, WITHHELD, any_secret, is_secret};

/// How the SQLSTATEs that begin with `prefix` are treated; the first row that fits counts.
struct Rule {
    prefix: &'static str,
    class: ErrorClass,
    code: &'static str,
    hint: &'static str,
}

const fn rule(prefix: &'static str, class: ErrorClass, code: &'static str, hint: &'static str) -> Rule {
    Rule {
        prefix,
        class,
        code,
        hint,
    }
}

/// The login is one that the server knows and lets in, but not like this.
const WRONG_PASSWORD: &str = "28P01";

const RULES: &[Rule] = &[
    rule("08P01", ErrorClass::Bug, "protocol", ""),
    rule("08", ErrorClass::Transient, "connection_lost", ""),
    rule("0A", ErrorClass::Unsupported, "unsupported", ""),
    rule("22023", ErrorClass::Invalid, "invalid_setting", ""),
    rule("22", ErrorClass::Invalid, "data_integrity_error", ""),
    rule("23503", ErrorClass::Invalid, "foreign_key_violation", ""),
    rule("23", ErrorClass::Invalid, "data_integrity_error", ""),
    rule(
        "25006",
        ErrorClass::Denied,
        "read_only",
        "connect to the primary server, or `alter database ... set default_transaction_read_only = off`",
    ),
    rule("25P03", ErrorClass::Transient, "connection_lost", ""),
    rule(
        WRONG_PASSWORD,
        ErrorClass::Denied,
        "authentication",
        "check user and password (URL, `PGPASSWORD` or `~/.pgpass`)",
    ),
    rule(
        "28",
        ErrorClass::Denied,
        "authentication",
        "let this login in through the server's `pg_hba.conf`, or use another one",
    ),
    rule(
        "3D000",
        ErrorClass::Invalid,
        "no_such_database",
        "create it first: `createdb NAME`, or check the URL's path",
    ),
    rule("40", ErrorClass::Transient, "serialization", ""),
    rule(
        "42501",
        ErrorClass::Denied,
        "privilege",
        "grant the missing privilege to this login, or use the owner's login",
    ),
    rule("42704", ErrorClass::Invalid, "missing_object", ""),
    rule("42703", ErrorClass::Invalid, "missing_object", ""),
    rule("42883", ErrorClass::Invalid, "missing_object", ""),
    rule("42P01", ErrorClass::Invalid, "missing_object", ""),
    rule("3F000", ErrorClass::Invalid, "missing_object", ""),
    rule("42", ErrorClass::Invalid, "statement_refused", ""),
    rule(
        "53100",
        ErrorClass::Transient,
        "disk_full",
        "make room on the server's disk; the work goes on where it stopped",
    ),
    rule(
        "53300",
        ErrorClass::Transient,
        "too_many_connections",
        "use fewer `--jobs` (with one, four connections are enough), or raise `max_connections` and the role's `CONNECTION LIMIT`",
    ),
    rule("53", ErrorClass::Transient, "insufficient_resources", ""),
    rule("54", ErrorClass::Invalid, "program_limit", ""),
    rule("55P03", ErrorClass::Transient, "lock_timeout", ""),
    rule("57014", ErrorClass::Transient, "canceled", ""),
    rule("57P04", ErrorClass::Invalid, "no_such_database", ""),
    rule("57", ErrorClass::Transient, "connection_lost", ""),
    rule("58", ErrorClass::Transient, "server_system_error", ""),
    rule(
        "XX001",
        ErrorClass::Invalid,
        "corrupt",
        "the server found damaged data; restore it before migrating",
    ),
    rule(
        "XX002",
        ErrorClass::Invalid,
        "corrupt",
        "rebuild the index: `REINDEX INDEX NAME`",
    ),
    rule("P0", ErrorClass::Invalid, "data_integrity_error", ""),
];

/// The locks of all transactions share one table of the server's; then it has a hint of its own, unlike when memory is short.
const OUT_OF_LOCKS: (&str, &str) = (
    "53200",
    "give the server more locks: `alter system set max_locks_per_transaction = 1024`, restart it, then resume",
);

/// Turns an error of the driver into ours.
pub(crate) fn from_driver(error: tokio_postgres::Error) -> Error {
    if let Some(answer) = error.as_db_error() {
        return from_answer(answer);
    }
    if error.is_closed() || has_io_cause(&error) {
        return Error::connection_lost().with_cause(error);
    }
    Error::bug("the driver cannot do what was asked").with_cause(error)
}

/// No connection can be made to where the server should be.
pub(crate) fn unreachable(place: &Place, cause: std::io::Error) -> Error {
    place
        .unreachable(ErrorClass::Transient)
        .with_hint(place.way_to_look(&cause.to_string()))
        .with_cause(cause)
}

/// The server takes connections and says nothing on them.
pub(crate) fn late(place: &Place, after: std::time::Duration) -> Error {
    let text = format!("no answer within {} seconds", after.as_secs());
    unreachable(place, std::io::Error::new(std::io::ErrorKind::TimedOut, text))
}

/// Turns an error of opening a connection into ours; `place` names the server without any secret.
pub(crate) fn from_connect(error: tokio_postgres::Error, place: &Place) -> Error {
    if let Some(answer) = error.as_db_error() {
        return from_greeting(answer, place);
    }
    let text = causes(&error);
    let (class, hint) = if text.contains("certificate") {
        (
            ErrorClass::Denied,
            "give the authority's certificate as `sslrootcert=FILE`, or check `sslmode`".to_owned(),
        )
    } else if text.contains("password missing") {
        let login = format!(
            "give a password in the URL, as `PGPASSWORD` or in `~/.pgpass`: {}",
            place.login_command()
        );
        return place
            .unreachable(ErrorClass::Denied)
            .with_hint(login)
            .with_cause(std::io::Error::other(
                "the server asks for a password, and there is none",
            ));
    } else if text.contains("password") || text.contains("authentication") {
        (
            ErrorClass::Denied,
            format!("try the login: {}", place.login_command()),
        )
    } else if text.contains("does not support tls") {
        (
            ErrorClass::Transient,
            "switch on `ssl` at the server, or write `sslmode=prefer` in the URL to go without".to_owned(),
        )
    } else {
        (ErrorClass::Transient, place.way_to_look(&text))
    };
    place.unreachable(class).with_hint(hint).with_cause(error)
}

/// What the server says to a login that it refuses.
fn from_greeting(answer: &tokio_postgres::error::DbError, place: &Place) -> Error {
    let said = from_answer(answer);
    let is_wrong_password = answer.code().code() == WRONG_PASSWORD;
    let hint = said.hint().filter(|_| is_wrong_password);
    let hint = hint.map(|hint| format!("{hint}: {}", place.login_command()));
    place.refusal(&said, hint)
}

fn from_answer(answer: &tokio_postgres::error::DbError) -> Error {
    let state = answer.code().code();
    let found = RULES.iter().find(|rule| state.starts_with(rule.prefix));
    let (class, code, hint) = found.map_or((ErrorClass::Invalid, "server_error", ""), |rule| {
        (rule.class, rule.code, rule.hint)
    });
    let mut message = answer.message().to_owned();
    for part in [answer.detail(), answer.where_()].into_iter().flatten() {
        message.push_str(": ");
        message.push_str(&first_line(&without_secrets(part)));
    }
    message.push_str(&format!(" (SQLSTATE {state})"));
    let error = Error::new(class, message).with_code(code);
    match answer.hint() {
        _ if !hint.is_empty() => error.with_hint(hint),
        Some(_) if state == OUT_OF_LOCKS.0 => error.with_hint(OUT_OF_LOCKS.1),
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// A detail without the values of columns that are secret by their names. One that shows a whole row does not say which value is whose.
fn without_secrets(detail: &str) -> Cow<'_, str> {
    // `Key (email, token)=(a, b) already exists.`
    if let Some((columns, rest)) = detail.strip_prefix("Key (").and_then(|key| key.split_once(")=("))
        && any_secret(columns.split(", "))
    {
        // A value may hold the bracket; what follows it is the server's own.
        let said = rest.rfind(") ").map_or("", |at| &rest[at + 1..]);
        return Cow::Owned(format!("Key ({columns})={WITHHELD}{said}"));
    }
    if detail.starts_with("Failing row contains (") {
        return Cow::Owned(format!("Failing row contains {WITHHELD}"));
    }
    // `COPY users, line 3, column pin: "12a"`, and without a column the whole line.
    if let Some(copy) = detail.strip_prefix("COPY ")
        && let Some((place, _)) = copy.split_once(": \"")
    {
        return match place.rsplit_once(", column ") {
            Some((_, column)) if !is_secret(column) => Cow::Borrowed(detail),
            _ => Cow::Owned(format!("COPY {place}: {WITHHELD}")),
        };
    }
    Cow::Borrowed(detail)
}

/// The first line of a detail, shortened: a `CONTEXT` can hold a whole document.
fn first_line(text: &str) -> String {
    const SHOWN: usize = 300;
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}

fn has_io_cause(error: &tokio_postgres::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        if next.is::<std::io::Error>() {
            return true;
        }
        cause = next.source();
    }
    false
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string().to_lowercase();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string().to_lowercase());
        cause = next.source();
    }
    text
}

/// Tells whether the connection is gone, so that the fate of what was sent last is unknown.
pub(crate) fn is_lost(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_none_or(|answer| {
        let state = answer.code().code();
        state.starts_with("57P") || state.starts_with("08")
    })
}

//! Classifies the driver's and the server's errors in one table.

use std::borrow::Cow;
use std::time::Duration;

use mysql_async::{DriverError, IoError, ServerError};
use whimbrel_core::{Error, ErrorClass, Place, WITHHELD};

use crate::tls::{self, cannot_encrypt};

/// What a server's error number means for us.
struct Rule {
    numbers: &'static [u16],
    class: ErrorClass,
    code: &'static str,
    hint: &'static str,
}

const fn rule(numbers: &'static [u16], class: ErrorClass, code: &'static str, hint: &'static str) -> Rule {
    Rule {
        numbers,
        class,
        code,
        hint,
    }
}

const RULES: &[Rule] = &[
    // Somebody else's lock, or the server is busy or going down: try again.
    rule(
        &[1213, 1614, 3101, 1180],
        ErrorClass::Transient,
        "serialization",
        "",
    ),
    rule(
        &[1205, 3572, 1969, 3024, 4024],
        ErrorClass::Transient,
        "lock_timeout",
        "",
    ),
    rule(&[1317, 1028], ErrorClass::Transient, "canceled", ""),
    rule(
        &[
            1053, 1077, 1079, 1080, 1152, 1154, 1158, 1159, 1160, 1161, 1184, 1927, 2002, 2003, 2006, 2013,
            3169, 4031, 4171,
        ],
        ErrorClass::Transient,
        "connection_lost",
        "",
    ),
    rule(
        &[1040, 1203, 1226, 1135],
        ErrorClass::Transient,
        "too_many_connections",
        "use fewer `--jobs`, or raise `max_connections` (and the login's `MAX_USER_CONNECTIONS`)",
    ),
    rule(
        &[1021, 1114, 1030, 3, 28, 1026],
        ErrorClass::Transient,
        "disk_full",
        "make room on the server's disk; the work goes on where it stopped",
    ),
    rule(
        &[1037, 1038, 1041, 1206],
        ErrorClass::Transient,
        "insufficient_resources",
        "",
    ),
    rule(&[1223, 1099, 1100], ErrorClass::Transient, "locked", ""),
    // What a login may do.
    rule(
        &[1045, 1698, 1130, 1251, 1862, 3118, 3955, 4151, 1396, 1524],
        ErrorClass::Denied,
        "authentication",
        "check the user name, the password (URL, `MYSQL_PWD` or `~/.my.cnf`) and from which hosts the login may come",
    ),
    rule(
        &[
            1044, 1142, 1143, 1227, 1095, 1370, 1419, 1356, 1410, 1449, 3530, 3619,
        ],
        ErrorClass::Denied,
        "privilege",
        "grant the missing privilege to this login, or use another one",
    ),
    rule(
        &[1290, 1792, 1836, 1874, 3100],
        ErrorClass::Denied,
        "read_only",
        "connect to the primary server, or `SET GLOBAL read_only = OFF`",
    ),
    rule(&[1148, 3948, 4166, 2068], ErrorClass::Denied, "local_infile", ""),
    rule(
        &[3159],
        ErrorClass::Denied,
        "tls_required",
        "write `ssl-mode=REQUIRED` in the URL: the server takes encrypted connections only",
    ),
    // What is not there.
    rule(
        &[1049],
        ErrorClass::Invalid,
        "no_such_database",
        "create it first: `CREATE DATABASE NAME`, or check the URL's path",
    ),
    rule(
        &[1146, 1051, 1054, 1072, 1091, 1109, 1176, 1305, 1347, 4091, 4089],
        ErrorClass::Invalid,
        "missing_object",
        "",
    ),
    rule(
        &[1050, 1060, 1061, 1826, 1022, 3822],
        ErrorClass::Invalid,
        "object_exists",
        "",
    ),
    // What the data breaks.
    rule(
        &[1451, 1452, 1216, 1217, 3780, 1215, 1822],
        ErrorClass::Invalid,
        "foreign_key_violation",
        "",
    ),
    rule(
        &[
            1048, 1062, 1138, 1169, 1264, 1265, 1292, 1300, 1364, 1365, 1366, 1367, 1406, 1411, 1416, 1441,
            1557, 1586, 1690, 1859, 1977, 3140, 3141, 3144, 3156, 3588, 3616, 3617, 3618, 3732, 3819, 3854,
            4025, 4161, 1261, 1262, 1263,
        ],
        ErrorClass::Invalid,
        "data_integrity_error",
        "",
    ),
    rule(
        &[1153],
        ErrorClass::Invalid,
        "packet_too_large",
        "raise `max_allowed_packet` at the server",
    ),
    rule(
        &[1034, 1035, 1194, 1195, 1712, 145, 144, 126, 127],
        ErrorClass::Invalid,
        "corrupt",
        "the server found damaged data: `CHECK TABLE` says more; restore or repair it before migrating",
    ),
    rule(
        &[1235, 1178, 1210, 1221, 3106],
        ErrorClass::Unsupported,
        "unsupported",
        "",
    ),
    rule(
        &[1064, 1149, 1052, 1111],
        ErrorClass::Invalid,
        "statement_refused",
        "",
    ),
];

/// Turns an error of the driver into ours.
pub(crate) fn classify(error: mysql_async::Error) -> Error {
    match error {
        mysql_async::Error::Server(answer) => from_answer(&answer),
        mysql_async::Error::Io(_)
        | mysql_async::Error::Driver(
            DriverError::ConnectionClosed | DriverError::PacketOutOfOrder | DriverError::PoolDisconnected,
        ) => because(Error::connection_lost(), error),
        mysql_async::Error::Driver(_) | mysql_async::Error::Other(_) | mysql_async::Error::Url(_) => {
            because(Error::bug("the driver cannot do what was asked"), error)
        }
    }
}

/// Why no connection was opened.
#[derive(Debug)]
pub(crate) enum Failure {
    Driver(mysql_async::Error),
    Late(Duration),
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Driver(error) => classify(error),
            Failure::Late(after) => Self::new(
                ErrorClass::Transient,
                format!("the server did not answer within {} seconds", after.as_secs()),
            )
            .with_code("connection"),
        }
    }
}

/// Turns an error of opening a connection into ours; `place` names the server without any secret.
pub(crate) fn from_connect(failure: Failure, place: &Place) -> Error {
    let error = match failure {
        Failure::Driver(mysql_async::Error::Server(answer)) => return from_greeting(&answer, place),
        Failure::Driver(error) => error,
        late @ Failure::Late(_) => {
            return place
                .unreachable(ErrorClass::Transient)
                .with_hint(place.way_to_look(""))
                .with_cause(Error::from(late));
        }
    };
    let (class, code, hint) = if cannot_encrypt(&error) {
        (
            ErrorClass::Denied,
            "tls",
            "switch on TLS at the server, or write `ssl-mode=PREFERRED` in the URL to go without".to_owned(),
        )
    } else if tls::is_another_name(&error) {
        (
            ErrorClass::Denied,
            "tls",
            // The driver compares the name whenever it verifies.
            "connect by a name that the server's certificate is made out for (for `VERIFY_CA` too), or write `ssl-mode=REQUIRED`"
                .to_owned(),
        )
    } else if tls::has_tls_cause(&error) {
        (
            ErrorClass::Denied,
            "tls",
            "give the authority's certificate as `ssl-ca=FILE`, or check `ssl-mode`".to_owned(),
        )
    } else if is_unknown_way_in(&error) {
        (
            ErrorClass::Denied,
            "authentication",
            // A server asks for any way in when it does not know the login, so that nobody learns which ones there are.
            "check the user name; the login must be identified with `caching_sha2_password`, `mysql_native_password` or `ed25519`"
                .to_owned(),
        )
    } else {
        (
            ErrorClass::Transient,
            "connection",
            place.way_to_look(&error.to_string()),
        )
    };
    because(place.unreachable(class).with_code(code).with_hint(hint), error)
}

/// What the server says to a login that it refuses.
fn from_greeting(answer: &ServerError, place: &Place) -> Error {
    let said = from_answer(answer);
    let hint = said.hint().filter(|_| said.code() == "authentication");
    let hint = hint.map(|hint| format!("{hint}: {}", place.login_command()));
    place.refusal(&said, hint)
}

/// Adds the driver's error as the cause, without the names of its kinds around it.
fn because(error: Error, cause: mysql_async::Error) -> Error {
    match cause {
        mysql_async::Error::Io(IoError::Io(cause)) => error.with_cause(cause),
        mysql_async::Error::Io(IoError::Tls(cause)) => error.with_cause(cause),
        mysql_async::Error::Driver(cause) => error.with_cause(cause),
        mysql_async::Error::Server(cause) => error.with_cause(cause),
        mysql_async::Error::Url(cause) => error.with_cause(cause),
        other @ mysql_async::Error::Other(_) => error.with_cause(other),
    }
}

/// Tells whether the server wants to be convinced in a way that the driver does not know.
fn is_unknown_way_in(error: &mysql_async::Error) -> bool {
    matches!(
        error,
        mysql_async::Error::Driver(
            DriverError::UnknownAuthPlugin { .. }
                | DriverError::MysqlOldPasswordDisabled
                | DriverError::CleartextPluginDisabled
        )
    )
}

fn from_answer(answer: &ServerError) -> Error {
    let found = RULES.iter().find(|rule| rule.numbers.contains(&answer.code));
    let (class, code, hint) = found.map_or((ErrorClass::Invalid, "server_error", ""), |rule| {
        (rule.class, rule.code, rule.hint)
    });
    let message = format!(
        "{} (error {}, {})",
        shown(&without_value(answer)),
        answer.code,
        answer.state
    );
    let error = Error::new(class, message).with_code(code);
    if hint.is_empty() {
        return error;
    }
    error.with_hint(hint)
}

/// The message without the value of a key that is there twice: it does not say of which columns, and they may be secret.
fn without_value(answer: &ServerError) -> Cow<'_, str> {
    let message: &str = answer.message.as_ref();
    let parts = message
        .strip_prefix("Duplicate entry '")
        .and_then(|rest| rest.rsplit_once("' for key "));
    match parts {
        Some((_, key)) => Cow::Owned(format!("Duplicate entry {WITHHELD} for key {key}")),
        None => Cow::Borrowed(message),
    }
}

/// The message without a full stop, shortened: it can hold a whole statement.
fn shown(message: &str) -> String {
    const SHOWN: usize = 400;
    let line = message.trim_end_matches('.');
    match line.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}

/// Tells whether the connection is gone, so that the fate of what was sent last is unknown.
pub(crate) fn is_lost(error: &mysql_async::Error) -> bool {
    match error {
        mysql_async::Error::Server(answer) => {
            matches!(
                answer.code,
                1053 | 1080 | 1152 | 1158..=1161 | 1184 | 1317 | 1927 | 2006 | 2013 | 4031
            )
        }
        mysql_async::Error::Io(_)
        | mysql_async::Error::Driver(_)
        | mysql_async::Error::Other(_)
        | mysql_async::Error::Url(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class_of(code: u16) -> (ErrorClass, &'static str) {
        let error = classify(mysql_async::Error::Server(ServerError {
            code,
            message: "it broke.".to_owned(),
            state: "HY000".to_owned(),
        }));
        (error.class(), error.code())
    }

    #[test]
    fn what_may_pass_is_tried_again_and_what_the_data_breaks_is_not() {
        for (code, class, word) in [
            (1213, ErrorClass::Transient, "serialization"),
            (1205, ErrorClass::Transient, "lock_timeout"),
            (2013, ErrorClass::Transient, "connection_lost"),
            (1040, ErrorClass::Transient, "too_many_connections"),
            (1290, ErrorClass::Denied, "read_only"),
            (1045, ErrorClass::Denied, "authentication"),
            (1142, ErrorClass::Denied, "privilege"),
            (1062, ErrorClass::Invalid, "data_integrity_error"),
            (1406, ErrorClass::Invalid, "data_integrity_error"),
            (1452, ErrorClass::Invalid, "foreign_key_violation"),
            (9999, ErrorClass::Invalid, "server_error"),
        ] {
            assert_eq!(class_of(code), (class, word), "{code}");
        }
    }

    #[test]
    fn no_number_stands_in_the_table_twice() {
        let mut numbers: Vec<u16> = RULES
            .iter()
            .flat_map(|rule| rule.numbers.iter().copied())
            .collect();
        let all = numbers.len();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), all);
    }
}

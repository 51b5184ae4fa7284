//! Turns the engine's failures into ours: one table from its result codes to [`ErrorClass`], stable code and hint.

use std::path::Path;

use rusqlite::ffi;
use whimbrel_core::{Error, ErrorClass, shell_word};

/// How one result code is treated.
struct Treatment {
    code: i32,
    class: ErrorClass,
    name: &'static str,
    hint: Option<&'static str>,
}

const fn treat(code: i32, class: ErrorClass, name: &'static str, hint: Option<&'static str>) -> Treatment {
    Treatment {
        code,
        class,
        name,
        hint,
    }
}

const RECOVER: Option<&str> = Some("save what can be read: sqlite3 FILE '.recover' | sqlite3 NEW_FILE");
const LOCKED: Option<&str> = Some("another process holds the file; end it or wait, then run the same again");

/// Extended codes stand before the primary code that they belong to.
const TREATMENTS: &[Treatment] = &[
    treat(ffi::SQLITE_BUSY, ErrorClass::Transient, "locked", LOCKED),
    treat(ffi::SQLITE_LOCKED, ErrorClass::Transient, "locked", LOCKED),
    treat(
        ffi::SQLITE_FULL,
        ErrorClass::Transient,
        "disk_full",
        Some("make room on the disk (or raise max_page_count), then run `whimbrel resume`"),
    ),
    treat(
        ffi::SQLITE_IOERR_NOMEM,
        ErrorClass::Transient,
        "out_of_memory",
        None,
    ),
    treat(
        ffi::SQLITE_IOERR_CORRUPTFS,
        ErrorClass::Invalid,
        "corrupt",
        RECOVER,
    ),
    treat(ffi::SQLITE_IOERR, ErrorClass::Transient, "io_error", None),
    treat(ffi::SQLITE_INTERRUPT, ErrorClass::Transient, "interrupted", None),
    treat(ffi::SQLITE_NOMEM, ErrorClass::Transient, "out_of_memory", None),
    treat(ffi::SQLITE_PROTOCOL, ErrorClass::Transient, "locked", LOCKED),
    treat(ffi::SQLITE_CORRUPT, ErrorClass::Invalid, "corrupt", RECOVER),
    treat(
        ffi::SQLITE_NOTADB,
        ErrorClass::Invalid,
        "corrupt",
        Some("check the path; for a damaged database: sqlite3 FILE '.recover' | sqlite3 NEW_FILE"),
    ),
    treat(
        ffi::SQLITE_READONLY_ROLLBACK,
        ErrorClass::Denied,
        "hot_journal",
        Some("an interrupted transaction must be rolled back first: sqlite3 FILE 'PRAGMA schema_version'"),
    ),
    treat(
        ffi::SQLITE_READONLY_RECOVERY,
        ErrorClass::Denied,
        "hot_journal",
        Some("the write-ahead log must be recovered first: sqlite3 FILE 'PRAGMA schema_version'"),
    ),
    treat(
        ffi::SQLITE_READONLY_DBMOVED,
        ErrorClass::Denied,
        "file_replaced",
        Some(
            "the file was removed, moved or replaced while it was written; put it back, then run `whimbrel resume`",
        ),
    ),
    treat(
        ffi::SQLITE_READONLY,
        ErrorClass::Denied,
        "read_only",
        Some("make the file and its folder writable: chmod u+w FILE"),
    ),
    treat(
        ffi::SQLITE_CANTOPEN,
        ErrorClass::Denied,
        "cannot_open",
        Some("look at the rights of the file and of its folder: ls -ld FILE"),
    ),
    treat(
        ffi::SQLITE_PERM,
        ErrorClass::Denied,
        "permission",
        Some("look at the rights of the file and of its folder: ls -ld FILE"),
    ),
    treat(ffi::SQLITE_AUTH, ErrorClass::Denied, "permission", None),
    treat(ffi::SQLITE_TOOBIG, ErrorClass::Invalid, "value_too_large", None),
    treat(
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY,
        ErrorClass::Invalid,
        "foreign_key_violation",
        None,
    ),
    treat(
        ffi::SQLITE_CONSTRAINT_UNIQUE,
        ErrorClass::Invalid,
        "unique_violation",
        None,
    ),
    treat(
        ffi::SQLITE_CONSTRAINT_PRIMARYKEY,
        ErrorClass::Invalid,
        "unique_violation",
        None,
    ),
    treat(
        ffi::SQLITE_CONSTRAINT_ROWID,
        ErrorClass::Invalid,
        "unique_violation",
        None,
    ),
    treat(
        ffi::SQLITE_CONSTRAINT_NOTNULL,
        ErrorClass::Invalid,
        "not_null_violation",
        None,
    ),
    treat(
        ffi::SQLITE_CONSTRAINT_CHECK,
        ErrorClass::Invalid,
        "check_violation",
        None,
    ),
    treat(
        ffi::SQLITE_CONSTRAINT,
        ErrorClass::Invalid,
        "constraint_violation",
        None,
    ),
    treat(
        ffi::SQLITE_MISMATCH,
        ErrorClass::Invalid,
        "datatype_mismatch",
        None,
    ),
    treat(ffi::SQLITE_SCHEMA, ErrorClass::Conflict, "schema_changed", None),
];

fn treatment(extended: i32) -> Option<&'static Treatment> {
    let of = |code: i32| TREATMENTS.iter().find(|treatment| treatment.code == code);
    of(extended).or_else(|| of(extended & 0xff))
}

/// Returns our error for a failure of the engine while `what` was done, such as ``read table `a` ``.
pub(crate) fn failed(what: impl AsRef<str>, cause: rusqlite::Error) -> Error {
    let what = what.as_ref();
    let found = cause
        .sqlite_error()
        .and_then(|failure| treatment(failure.extended_code));
    let error = match found {
        Some(found) => Error::new(found.class, format!("{what} failed")).with_code(found.name),
        None => Error::invalid(format!("{what} failed")).with_code("sql_error"),
    };
    let error = match found.and_then(|found| found.hint) {
        Some(hint) => error.with_hint(hint),
        None => error,
    };
    error.with_cause(cause)
}

/// Returns the error for a database file that is not there.
pub(crate) fn missing(path: &Path) -> Error {
    Error::invalid(format!("the file `{}` does not exist", path.display()))
        .with_code("file_missing")
        .with_hint(format!(
            "look for it: ls -l {}",
            shell_word(&path.display().to_string())
        ))
}

/// Adds what was being done to a result of the engine.
pub(crate) trait During<T> {
    /// Turns a failure into our error, saying what was being done.
    fn during<S: AsRef<str>>(self, what: impl FnOnce() -> S) -> whimbrel_core::Result<T>;
}

impl<T> During<T> for rusqlite::Result<T> {
    fn during<S: AsRef<str>>(self, what: impl FnOnce() -> S) -> whimbrel_core::Result<T> {
        self.map_err(|cause| failed(what(), cause))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class_of(code: i32) -> (ErrorClass, &'static str) {
        let error = failed("it", rusqlite::Error::SqliteFailure(ffi::Error::new(code), None));
        (error.class(), error.code())
    }

    #[test]
    fn an_extended_code_wins_over_its_primary_code() {
        assert_eq!(
            class_of(ffi::SQLITE_CONSTRAINT_UNIQUE),
            (ErrorClass::Invalid, "unique_violation")
        );
        assert_eq!(
            class_of(ffi::SQLITE_CONSTRAINT_TRIGGER),
            (ErrorClass::Invalid, "constraint_violation")
        );
        assert_eq!(class_of(ffi::SQLITE_FULL), (ErrorClass::Transient, "disk_full"));
        assert_eq!(
            class_of(ffi::SQLITE_BUSY_SNAPSHOT),
            (ErrorClass::Transient, "locked")
        );
        assert_eq!(
            class_of(ffi::SQLITE_READONLY_DBMOVED),
            (ErrorClass::Denied, "file_replaced")
        );
        assert_eq!(class_of(ffi::SQLITE_NOTADB), (ErrorClass::Invalid, "corrupt"));
    }
}

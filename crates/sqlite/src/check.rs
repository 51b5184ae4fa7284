//! Looks for what could hinder reading or writing, before anything is done. Collects findings; decides nothing.

use whimbrel_core::{Error, Finding, ObjectId, ObjectKind, Result, Severity, TableId};

use crate::catalog::{file_bytes, pragma_text};
use crate::error::During;
use crate::gate::DatabaseFile;

/// Files up to this size get the engine's own integrity check; beyond, the profile's pass over all rows has to do.
const CHECKED_BYTES_MAX: i64 = 1 << 30;
/// How many complaints and names are shown.
const SHOWN_MAX: usize = 10;

fn subject(file: &DatabaseFile) -> ObjectId {
    ObjectId::whole(ObjectKind::Other, TableId::bare(file.name()))
}

fn of_error(code: &str, file: &DatabaseFile, error: &Error) -> Finding {
    let finding = Finding::new(code, Severity::Blocker, subject(file), error.chain());
    match error.hint() {
        Some(hint) => finding.with_evidence(format!("hint: {hint}")),
        None => finding,
    }
}

/// Returns the code of the finding that an error while opening amounts to.
fn code_of(error: &Error) -> &'static str {
    match error.code() {
        "corrupt" => "corrupt",
        "read_only" | "permission" => "privilege",
        _ => "connection",
    }
}

/// Looks at a file that shall be read.
pub(crate) fn source(file: &DatabaseFile) -> Result<Vec<Finding>> {
    let connection = match file.open_to_read() {
        Ok(connection) => connection,
        Err(error) => return Ok(vec![of_error(code_of(&error), file, &error)]),
    };
    let mut findings = Vec::new();
    if file_bytes(&connection)? <= CHECKED_BYTES_MAX {
        findings.extend(damage(&connection, file)?);
    }
    let journal = pragma_text(&connection, "journal_mode")?;
    if journal != "wal" {
        let message = format!(
            "other programs cannot commit to `{}` while it is read",
            file.name()
        );
        findings.push(
            Finding::new("snapshot", Severity::Info, subject(file), message)
                .with_evidence(format!("journal mode `{journal}`; `wal` lets them write")),
        );
    }
    let encoding = pragma_text(&connection, "encoding")?;
    if encoding != "UTF-8" {
        let message = format!("text is stored as {encoding} and travels as UTF-8");
        findings.push(Finding::new("encoding", Severity::Info, subject(file), message));
    }
    Ok(findings)
}

fn damage(connection: &rusqlite::Connection, file: &DatabaseFile) -> Result<Option<Finding>> {
    let read = || -> rusqlite::Result<Vec<String>> {
        let mut statement = connection.prepare(&format!("PRAGMA quick_check({SHOWN_MAX})"))?;
        statement.query_map([], |row| row.get(0))?.collect()
    };
    let complaints = match read().during(|| "check the file") {
        Ok(complaints) => complaints,
        Err(error) => return Ok(Some(of_error(code_of(&error), file, &error))),
    };
    if complaints.iter().all(|complaint| complaint == "ok") {
        return Ok(None);
    }
    // A value that breaks a constraint is data; the planner and the encoder deal with it.
    let is_data = |text: &String| {
        text.contains("NULL value in")
            || text.contains("CHECK constraint failed")
            || text.contains("value in ")
    };
    let severity = if complaints.iter().all(is_data) {
        Severity::Warning
    } else {
        Severity::Blocker
    };
    let mut finding = Finding::new(
        "corrupt",
        severity,
        subject(file),
        format!("the integrity check of `{}` found damage", file.name()),
    );
    finding.evidence = complaints;
    finding
        .evidence
        .push("hint: save what can be read: sqlite3 FILE '.recover' | sqlite3 NEW_FILE".to_owned());
    Ok(Some(finding))
}

/// Looks at a file that shall be written, with room for `bytes` more.
pub(crate) fn target(file: &DatabaseFile, bytes: u64) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let folder = file.folder();
    if !folder.is_dir() {
        let message = format!("the folder `{}` does not exist", folder.display());
        return Ok(vec![
            Finding::new("connection", Severity::Blocker, subject(file), message)
                .with_evidence(format!("hint: mkdir -p '{}'", folder.display())),
        ]);
    }
    if let Ok(free) = fs4::available_space(folder)
        && free < bytes.saturating_add(bytes / 4)
    {
        let message = format!(
            "`{}` has {free} bytes free; about {bytes} are needed",
            folder.display()
        );
        findings.push(Finding::new(
            "free_space",
            Severity::Warning,
            subject(file),
            message,
        ));
    }
    if is_read_only(folder) || (file.exists() && is_read_only(file.path())) {
        let message = format!("`{}` or its folder cannot be written", file.path().display());
        findings.push(
            Finding::new("target_read_only", Severity::Blocker, subject(file), message)
                .with_evidence(format!("hint: chmod u+w '{}'", file.path().display())),
        );
        return Ok(findings);
    }
    if file.exists() {
        findings.extend(existing(file)?);
    }
    Ok(findings)
}

fn is_read_only(path: &std::path::Path) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| meta.permissions().readonly())
}

fn existing(file: &DatabaseFile) -> Result<Vec<Finding>> {
    let connection = match file.open_to_write() {
        Ok(connection) => connection,
        Err(error) if error.code() == "read_only" => {
            return Ok(vec![of_error("target_read_only", file, &error)]);
        }
        Err(error) => return Ok(vec![of_error(code_of(&error), file, &error)]),
    };
    // The lock alone writes nothing.
    if let Err(error) = connection
        .execute_batch("BEGIN IMMEDIATE; ROLLBACK")
        .during(|| "lock the file for writing")
    {
        let code = if error.code() == "read_only" {
            "target_read_only"
        } else {
            "connection"
        };
        return Ok(vec![of_error(code, file, &error)]);
    }
    let catalog = crate::catalog::read(&connection, file.name())?;
    let names: Vec<String> = catalog
        .tables
        .iter()
        .map(|table| table.id.name.clone())
        .chain(catalog.views.iter().map(|view| view.id.name.clone()))
        .collect();
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let message = format!(
        "`{}` holds {} tables and views of its own",
        file.name(),
        names.len()
    );
    let mut finding = Finding::new("target_not_empty", Severity::Info, subject(file), message);
    finding.evidence = names.iter().take(SHOWN_MAX).cloned().collect();
    if names.len() > SHOWN_MAX {
        finding
            .evidence
            .push(format!("and {} more", names.len() - SHOWN_MAX));
    }
    Ok(vec![finding])
}

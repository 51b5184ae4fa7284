//! The pages of a migration for people, and the check of its audit log.

use serde::Serialize;
use serde_json::Value;
use whimbrel_core::Result;

use crate::migration;
use crate::setup::Setup;

/// The pages of a migration, latest first: the report of its last run where it ran, else its plan.
const PAGES: &[&str] = &["final_report.md", "data-migration.md"];

/// What is known about a migration by now.
#[derive(Debug, Clone, Serialize)]
pub struct ReportPage {
    /// The migration.
    pub migration_id: String,
    /// Its folder.
    pub dir: String,
    /// The file that the page comes from.
    pub file: String,
    /// The page, Markdown.
    pub page: String,
    /// What `result.json` holds; none before the first run.
    pub result: Option<Value>,
}

/// Whether the audit log is as it was written.
#[derive(Debug, Clone, Serialize)]
pub struct LogVerdict {
    /// The migration.
    pub migration_id: String,
    /// True when nothing was changed, removed or reordered.
    pub intact: bool,
    /// Number of lines.
    pub lines: u64,
    /// Hash of the last line.
    pub head: String,
    /// True when the last line is torn, as a crash leaves it.
    pub torn: bool,
    /// What is wrong, line by line.
    pub problems: Vec<String>,
}

/// Returns the latest page about a migration.
///
/// # Errors
/// When there is no such migration, or its files cannot be read.
pub fn report_page(setup: &Setup, id: Option<&str>) -> Result<ReportPage> {
    let dir = migration::find(setup, id)?;
    let read = |file: &&str| {
        Some((
            (*file).to_owned(),
            std::fs::read_to_string(dir.path().join(file)).ok()?,
        ))
    };
    let Some((file, page)) = PAGES.iter().find_map(read) else {
        return Err(
            whimbrel_core::Error::invalid(format!("migration `{}` has no report", dir.id()))
                .with_hint("make its plan: whimbrel plan SOURCE TARGET"),
        );
    };
    let result = std::fs::read(dir.path().join("result.json"))
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok());
    Ok(ReportPage {
        migration_id: dir.id().to_string(),
        dir: dir.path().display().to_string(),
        file,
        page,
        result,
    })
}

/// Checks the audit log for changed, missing and reordered lines.
///
/// # Errors
/// When it cannot be read; what is wrong with it stands in the verdict.
pub fn check_log(setup: &Setup, id: Option<&str>) -> Result<LogVerdict> {
    let dir = migration::find(setup, id)?;
    let check = whimbrel_pipeline::check_log(&dir)?;
    Ok(LogVerdict {
        migration_id: dir.id().to_string(),
        intact: check.problems.is_empty(),
        lines: check.lines,
        head: check.head,
        torn: check.torn,
        problems: check.problems.into_iter().map(|problem| problem.what).collect(),
    })
}

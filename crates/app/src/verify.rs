//! Verifying a migration at any later time, without changing either database. How values are compared is the pipeline's.

use serde::Serialize;
use whimbrel_core::{Result, Verdict, Verification};

use crate::migration::{Attendance, Databases, Migration, context, has_begun};
use crate::next::{Next, in_folder};
use crate::refusal;
use crate::report;
use crate::setup::Setup;

/// A request to verify a migration.
#[derive(Debug, Clone, Default)]
pub struct VerifyRequest {
    /// The migration; the only one when nobody says.
    pub id: Option<String>,
    /// Where the databases are.
    pub databases: Databases,
}

/// What a verification came to.
#[derive(Debug, Clone, Serialize)]
pub struct VerifyOutcome {
    /// The migration.
    pub migration_id: String,
    /// Its folder.
    pub dir: String,
    /// The worst verdict of all.
    pub verdict: Verdict,
    /// Everything that was found.
    pub verification: Verification,
}

/// Compares every row, column and object of the plan, and writes the report.
///
/// # Errors
/// When nothing was copied yet, or a database cannot be read; differences are no error but the outcome.
pub async fn verify(
    setup: &Setup,
    request: &VerifyRequest,
    attendance: &Attendance,
) -> Result<VerifyOutcome> {
    let migration = Migration::read(setup, request.id.as_deref(), &request.databases)?;
    if !has_begun(&migration.dir)? {
        let plan = &migration.plan;
        return Err(
            refusal::usage(format!("migration `{}` has not run yet", plan.migration_id))
                .with_hint(format!("run it: {}", Next::of_plan(plan).command(setup, plan))),
        );
    }
    let context = context(setup, migration, attendance).await?;
    let verification = whimbrel_pipeline::verify(&context).await?;
    let page = in_folder(
        &setup.base,
        &report::verification_markdown(&context.plan, &verification),
    );
    context.dir.write("verification_report.md", page.as_bytes())?;
    Ok(VerifyOutcome {
        migration_id: context.plan.migration_id.to_string(),
        dir: context.dir.path().display().to_string(),
        verdict: verification.verdict(),
        verification,
    })
}

//! The schema phase: everything that must stand before the first row.

use std::sync::Arc;

use whimbrel_core::StepPhase;

use crate::failure::Failure;
use crate::running::Run;
use crate::steps;

pub(crate) async fn run(run: &Arc<Run>) -> Result<String, Failure> {
    let steps = steps::run(run, StepPhase::Schema).await?;
    Ok(format!("{} tables, {steps} steps", run.plan().tables.len()))
}

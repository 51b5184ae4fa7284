//! The schema phase: everything that must stand before the first row.

use std::sync::Arc;

use crate::failure::Failure;
use crate::quantity::counted;
use crate::running::Run;
use crate::{rules, steps};

pub(crate) async fn run(run: &Arc<Run>) -> Result<String, Failure> {
    let steps = steps::run_schema(run).await?;
    rules::foresee(run).await?;
    Ok(format!(
        "{}, {}",
        counted(run.plan().tables.len() as u64, "table"),
        counted(steps as u64, "step")
    ))
}

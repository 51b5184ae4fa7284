//! The rules of the user's own when a plan is made: the source answers those that ask it before. Comparing is the pipeline's.

use whimbrel_core::{Moment, Recorded, Result};
use whimbrel_planner::Wishes;

use crate::address::Address;
use crate::refusal;
use crate::setup::Setup;

/// Asks the source what the rules want to know before, and keeps its answers in them.
///
/// # Errors
/// A usage error when the source refuses a query: a rule that can never hold is better mended now.
pub(super) async fn recorded(setup: &Setup, source: &Address, mut wishes: Wishes) -> Result<Wishes> {
    let rules = &mut wishes.policies.validation;
    if rules.iter().all(|rule| rule.moment == Moment::After) {
        return Ok(wishes);
    }
    let source = setup.open_source(&mut source.clone()).await?;
    for rule in rules.iter_mut().filter(|rule| rule.moment == Moment::Before) {
        let value = source.scalar(&rule.source).await.map_err(|error| {
            error
                .during(format_args!("validation `{}`", rule.name))
                .with_code(refusal::USAGE)
        })?;
        rule.recorded = Some(Recorded { value });
    }
    Ok(wishes)
}

//! The rules of the user's own when a plan is made: the source answers those that ask it before. Comparing is the pipeline's.

use whimbrel_core::{Error, Moment, Recorded, Result, Source, ValidationRule};
use whimbrel_planner::Wishes;

use crate::refusal;

/// Asks the source what the rules want to know before, and keeps its answers in them. The queries of the others are only parsed: what cannot
/// be asked would be known when everything is copied, and the plan could no longer be changed.
///
/// # Errors
/// A usage error when the source refuses a query: a rule that can never hold is better mended now.
pub(super) async fn recorded(source: &dyn Source, mut wishes: Wishes) -> Result<Wishes> {
    for rule in &mut wishes.policies.validation {
        let recorded = of_rule(source, rule).await.map_err(|error: Error| {
            error
                .during(format_args!("validation `{}`", rule.name))
                .with_code(refusal::USAGE)
        })?;
        rule.recorded = recorded;
    }
    Ok(wishes)
}

async fn of_rule(source: &dyn Source, rule: &ValidationRule) -> Result<Option<Recorded>> {
    let member = source.member(rule.of.as_deref())?;
    let source = member.as_deref().unwrap_or(source);
    match rule.moment {
        Moment::After => source.parses(&rule.source).await.map(|()| None),
        Moment::Before => {
            let value = source.scalar(&rule.source).await?;
            Ok(Some(Recorded { value }))
        }
    }
}

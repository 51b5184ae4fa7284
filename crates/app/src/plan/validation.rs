//! The rules of the user's own when a plan is made: the source answers those that ask it before. Comparing is the pipeline's.

use whimbrel_core::{Error, Moment, Recorded, Result, Source, ValidationRule};
use whimbrel_planner::Wishes;

use crate::refusal;

/// The code of what is not there.
const MISSING: &str = "missing_object";

/// Asks the source what the rules want to know before, and keeps its answers in them. The queries of the others are only parsed, as are those
/// of the target: what cannot be asked would be known when everything is copied, and the plan could no longer be changed. What a query of
/// the target's names may only be made by the run, which looks again before it copies a row.
///
/// # Errors
/// A usage error when a database refuses a query: a rule that can never hold is better mended now.
pub(super) async fn recorded(source: &dyn Source, target: &dyn Source, mut wishes: Wishes) -> Result<Wishes> {
    for rule in &mut wishes.policies.validation {
        let recorded = of_rule(source, rule)
            .await
            .map_err(|error| refused(rule, error))?;
        match target.parses(&rule.target).await {
            Err(error) if error.code() != MISSING => return Err(refused(rule, error.during("target"))),
            Ok(()) | Err(_) => {}
        }
        rule.recorded = recorded;
    }
    Ok(wishes)
}

fn refused(rule: &ValidationRule, error: Error) -> Error {
    error
        .during(format_args!("validation `{}`", rule.name))
        .with_code(refusal::USAGE)
}

async fn of_rule(source: &dyn Source, rule: &ValidationRule) -> Result<Option<Recorded>> {
    let member = source.member(rule.of.as_deref())?;
    let source = member.as_deref().unwrap_or(source);
    match rule.moment {
        Moment::After => source.parses(&rule.source).await.map(|()| None),
        Moment::Before => {
            let value = source.scalar(&rule.source, rule.limit()).await?;
            Ok(Some(Recorded { value }))
        }
    }
}

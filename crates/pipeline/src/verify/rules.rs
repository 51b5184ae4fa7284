//! The rules of the user's own: both databases are asked, and the answers compared. A rule that cannot be asked is not checked.

use std::time::Duration;

use whimbrel_core::validation::compare;
use whimbrel_core::{CheckResult, Error, ErrorClass, Moment, Result, RuleVerdict, Source, ValidationRule};

use crate::context::RunContext;
use crate::retry::retry;

/// Asks both databases about every rule, in the plan's order.
pub(super) async fn check(ctx: &RunContext) -> Result<Vec<RuleVerdict>> {
    let mut verdicts = Vec::new();
    let target = ctx.target.as_source();
    for rule in &ctx.plan.policies.validation {
        let answers = match source_value(ctx, rule).await {
            Ok(source) => ask(ctx, &*target, &rule.target, rule.limit())
                .await
                .map(|target| (source, target))
                .map_err(|error| error.during("target")),
            Err(error) => Err(error),
        };
        verdicts.push(match answers {
            Ok((source, target)) => judged(rule, source, target),
            Err(error) if error.class() == ErrorClass::Bug => return Err(error),
            Err(error) => RuleVerdict {
                result: CheckResult::NotChecked,
                reason: Some(error.chain()),
                ..judged(rule, None, None)
            },
        });
    }
    Ok(verdicts)
}

/// Returns the rules as not checked, for the reason.
pub(super) fn not_checked(rules: &[ValidationRule], reason: &str) -> Vec<RuleVerdict> {
    let each = |rule: &ValidationRule| RuleVerdict {
        result: CheckResult::NotChecked,
        reason: Some(reason.to_owned()),
        ..judged(rule, None, None)
    };
    rules.iter().map(each).collect()
}

async fn source_value(ctx: &RunContext, rule: &ValidationRule) -> Result<Option<String>> {
    match (rule.moment, &rule.recorded) {
        (Moment::After, _) => {
            let member = ctx.source.member(rule.of.as_deref())?;
            let source = member.as_deref().unwrap_or(&*ctx.source);
            let answer = ask(ctx, source, &rule.source, rule.limit()).await;
            answer.map_err(|error| error.during("source"))
        }
        (Moment::Before, Some(recorded)) => Ok(recorded.value.clone()),
        (Moment::Before, None) => Err(Error::invalid("what the source answered before was not kept")),
    }
}

async fn ask(
    ctx: &RunContext,
    database: &dyn Source,
    query: &str,
    limit: Option<Duration>,
) -> Result<Option<String>> {
    retry(ctx, "ask the query of a rule", || database.scalar(query, limit)).await
}

fn judged(rule: &ValidationRule, source: Option<String>, target: Option<String>) -> RuleVerdict {
    let (result, reason) = compare(source.as_deref(), target.as_deref(), &rule.tolerance);
    RuleVerdict {
        name: rule.name.clone(),
        result,
        moment: rule.moment,
        source,
        target,
        tolerance: rule.tolerance.clone(),
        reason,
    }
}

//! The rules of the user's own before the first row: a query that the target refuses is found while the plan can still be changed. What the
//! rules come to is the verification's.

use whimbrel_core::{Error, ErrorClass, Plan, Result, StepPhase, ValidationRule};

use crate::retry::retry;
use crate::running::Run;

/// Parses every rule's query in the target, whose tables are there now.
///
/// # Errors
/// As the target says (`validation_refused`), but for what a query names that is only made after the rows.
pub(crate) async fn foresee(run: &Run) -> Result<()> {
    let plan = run.plan();
    if !plan.policies.verify {
        return Ok(());
    }
    let target = run.ctx.target.as_source();
    for rule in &plan.policies.validation {
        let parsed = retry(&run.ctx, "parse the query of a rule", || {
            target.parses(&rule.target)
        })
        .await;
        match parsed {
            Err(error) if !waits_for_later(plan, rule, &error) => return Err(refused(plan, rule, error)),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// Views, functions and the like stand behind the rows.
fn waits_for_later(plan: &Plan, rule: &ValidationRule, error: &Error) -> bool {
    let query = rule.target.to_lowercase();
    let later = plan
        .steps
        .iter()
        .filter(|step| step.phase == StepPhase::AfterData);
    let mut names = later.flat_map(|step| [&step.subject.owner.name, &step.subject.part]);
    let is_named = |name: &String| !name.is_empty() && query.contains(&name.to_lowercase());
    let tables: Vec<&String> = plan.tables.iter().map(|table| &table.target.id.name).collect();
    error.code() == "missing_object" && names.any(|name| is_named(name) && !tables.contains(&name))
}

fn refused(plan: &Plan, rule: &ValidationRule, error: Error) -> Error {
    let id = &plan.migration_id;
    let error = error.during(format_args!("validation `{}`: target", rule.name));
    if error.class() != ErrorClass::Invalid {
        return error;
    }
    error.with_code("validation_refused").with_hint(format!(
        "no row was copied: mend the rule's `target` query, take the tables back with `whimbrel rollback {id} --to start`, and plan again"
    ))
}

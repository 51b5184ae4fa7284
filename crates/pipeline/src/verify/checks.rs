//! The verification told as checks that have a name and pass or fail. Nothing is asked anew: each stands on what was compared, and
//! what was not compared is not checked.

use std::collections::HashMap;

use whimbrel_core::{
    CheckResult, ObjectKind, ObjectVerdict, Plan, TableCheck, TableId, TablePlan, TableVerdict, Verdict,
};

use crate::planned::Planned;

/// Returns the checks of every table, in the plan's order.
pub(super) fn of(plan: &Plan, tables: &[TableVerdict], objects: &[ObjectVerdict]) -> Vec<TableCheck> {
    let places = Planned::places(plan);
    let mut of_owner: HashMap<&TableId, Vec<&ObjectVerdict>> = HashMap::new();
    for object in objects {
        of_owner.entry(&object.object.owner).or_default().push(object);
    }
    let each = tables.iter().filter_map(|found| {
        let planned = &plan.tables[*places.get(&found.target)?];
        let objects = of_owner.get(&planned.target.id).map_or(&[][..], Vec::as_slice);
        Some(of_table(planned, found, objects))
    });
    each.flatten().collect()
}

/// The checks of one table, by what was found of it and of its objects.
fn of_table(planned: &TablePlan, found: &TableVerdict, objects: &[&ObjectVerdict]) -> Vec<TableCheck> {
    let checks = [
        ("record_count_check", record_count(found)),
        ("null_check", nulls(found)),
        ("checksum_check", checksums(found)),
        ("uniqueness_check", uniqueness(planned, found, objects)),
        ("foreign_key_check", foreign_keys(planned, found)),
    ];
    let named = checks.into_iter().map(|(check, (result, basis))| TableCheck {
        table: found.target.to_string(),
        check: check.to_owned(),
        result,
        basis,
    });
    named.collect()
}

type Answer = (CheckResult, String);

fn not_read(found: &TableVerdict) -> Answer {
    let why = found.reason.as_deref().unwrap_or("the table was not read");
    (CheckResult::NotChecked, why.to_owned())
}

/// A table whose columns were compared was read whole on both sides.
fn is_read(found: &TableVerdict) -> bool {
    let mut columns = found.columns.iter();
    found.verdict != Verdict::NotChecked && columns.any(|column| column.verdict != Verdict::NotChecked)
}

fn record_count(found: &TableVerdict) -> Answer {
    if !is_read(found) {
        return not_read(found);
    }
    let basis = format!(
        "{} at the source, {} in the target",
        found.source_rows, found.target_rows
    );
    (result(found.source_rows == found.target_rows), basis)
}

fn nulls(found: &TableVerdict) -> Answer {
    if !is_read(found) {
        return not_read(found);
    }
    if all_columns(found, Verdict::Identical) {
        return (
            CheckResult::Pass,
            "every value of every column is equal, NULLs too".to_owned(),
        );
    }
    let differs = found
        .witness
        .different
        .iter()
        .find(|line| line.contains(" nulls: "));
    match differs {
        Some(line) => (CheckResult::Fail, line.clone()),
        None => (
            CheckResult::NotChecked,
            "columns differ, and their NULLs were not counted apart".to_owned(),
        ),
    }
}

fn checksums(found: &TableVerdict) -> Answer {
    if !is_read(found) {
        return not_read(found);
    }
    let of = |verdict| {
        found
            .columns
            .iter()
            .filter(move |column| column.verdict == verdict)
    };
    let names = |verdict| {
        of(verdict)
            .map(|column| format!("`{}`", column.column))
            .collect::<Vec<_>>()
            .join(", ")
    };
    if of(Verdict::Different).next().is_some() {
        return (
            CheckResult::Fail,
            format!("the digests of {} differ", names(Verdict::Different)),
        );
    }
    if of(Verdict::NotChecked).next().is_some() {
        return (
            CheckResult::NotChecked,
            format!("{} was not compared", names(Verdict::NotChecked)),
        );
    }
    // Equal columns can still make other rows.
    match found.verdict {
        Verdict::Different if found.differences_total > 0 => (
            CheckResult::Fail,
            format!("{} rows differ", found.differences_total),
        ),
        Verdict::Identical | Verdict::Different | Verdict::NotChecked => (
            CheckResult::Pass,
            format!("the digests of {} columns are equal", found.columns.len()),
        ),
    }
}

fn uniqueness(planned: &TablePlan, found: &TableVerdict, objects: &[&ObjectVerdict]) -> Answer {
    let target = &planned.target;
    if target.primary_key.is_none() && target.uniques.is_empty() {
        return (
            CheckResult::NotChecked,
            "the table has no key that says what is unique".to_owned(),
        );
    }
    if !is_read(found) {
        return not_read(found);
    }
    let is_key =
        |object: &&&ObjectVerdict| matches!(object.object.kind, ObjectKind::PrimaryKey | ObjectKind::Unique);
    if let Some(key) = objects
        .iter()
        .filter(is_key)
        .find(|key| key.verdict != Verdict::Identical)
    {
        return (
            CheckResult::Fail,
            format!("the key `{}` is not as planned", key.object),
        );
    }
    let enforced = "the target enforces every key as planned";
    if objects.is_empty() {
        (
            CheckResult::NotChecked,
            "the table's keys were not looked for".to_owned(),
        )
    } else {
        (CheckResult::Pass, enforced.to_owned())
    }
}

fn foreign_keys(planned: &TablePlan, found: &TableVerdict) -> Answer {
    if planned.target.foreign_keys.is_empty() {
        return (CheckResult::NotChecked, "the table has no foreign key".to_owned());
    }
    if !is_read(found) {
        return not_read(found);
    }
    (
        result(found.orphans == 0),
        format!("{} orphans beyond those the plan accepts", found.orphans),
    )
}

fn all_columns(found: &TableVerdict, verdict: Verdict) -> bool {
    found.columns.iter().all(|column| column.verdict == verdict)
}

fn result(holds: bool) -> CheckResult {
    if holds {
        CheckResult::Pass
    } else {
        CheckResult::Fail
    }
}

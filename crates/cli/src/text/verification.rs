//! What a verification looks like: a line per table, and every difference by name.

use whimbrel_core::{
    CheckResult, DifferenceKind, ObjectVerdict, RowDifference, RuleVerdict, TableVerdict, Verdict,
    Verification,
};

use super::{count, counted, duration, lines, table};

/// Rows of a table that are written out; the report file holds more.
const ROWS_SHOWN: usize = 10;

/// Returns a line per table, and the verdict.
pub(crate) fn verification(found: &Verification) -> String {
    let mut rows = table(
        &[
            "table",
            "verdict",
            "source rows",
            "target rows",
            "columns",
            "time",
        ],
        &[2, 3, 4, 5],
    );
    for each in &found.tables {
        rows.add_row([
            each.target.to_string(),
            word(each.verdict).to_owned(),
            count(each.source_rows),
            count(each.target_rows),
            each.columns.len().to_string(),
            duration(each.seconds),
        ]);
    }
    let objects = found.objects.len();
    let equal = found
        .objects
        .iter()
        .filter(|object| object.verdict == Verdict::Identical)
        .count();
    let position = match found.position.as_str() {
        "" => String::new(),
        position => format!(", as of {position}"),
    };
    let notes: String = found.notes.iter().map(|note| format!("note: {note}\n")).collect();
    let rules: String = found.tables.iter().flat_map(changed_by_rules).collect();
    format!(
        "{}\n\nobjects: {equal} of {} identical\n{rules}{notes}verdict: {} ({}{position})\n",
        lines(&rows),
        count(objects as u64),
        word(found.verdict()),
        duration(found.seconds),
    )
}

/// What the plan's value rules changed, a line each.
pub(super) fn changed_by_rules(table: &TableVerdict) -> Vec<String> {
    let changed = table
        .columns
        .iter()
        .filter(|column| column.changes_values && column.rule_rows > 0);
    changed
        .map(|column| {
            let values = counted(usize::try_from(column.rule_rows).unwrap_or(usize::MAX), "value");
            let rule = column.rule.as_deref().unwrap_or_default();
            format!(
                "rule: {values} of {}.{} changed: {rule}\n",
                table.target, column.column
            )
        })
        .collect()
}

/// Returns everything that is not identical, named: tables, rows, columns, objects; empty when all is.
pub(crate) fn differences(found: &Verification) -> Vec<String> {
    let tables = found
        .tables
        .iter()
        .filter(|table| table.verdict != Verdict::Identical)
        .flat_map(of_table);
    let objects = found
        .objects
        .iter()
        .filter(|object| object.verdict != Verdict::Identical)
        .map(of_object);
    let rules = found
        .rules
        .iter()
        .filter(|rule| rule.result != CheckResult::Pass)
        .map(of_rule);
    tables.chain(objects).chain(rules).collect()
}

/// A rule of the user's own that does not hold, or was not asked.
fn of_rule(rule: &RuleVerdict) -> String {
    let result = match rule.result {
        CheckResult::Pass => "holds",
        CheckResult::Fail => "failed",
        CheckResult::NotChecked => "not checked",
    };
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "NULL".to_owned());
    let values = match rule.result {
        CheckResult::NotChecked => String::new(),
        CheckResult::Pass | CheckResult::Fail => {
            format!(", source {}, target {}", value(&rule.source), value(&rule.target))
        }
    };
    let reason = rule
        .reason
        .as_deref()
        .map_or(String::new(), |reason| format!(": {reason}"));
    format!("{result}: rule {}{reason}{values}", rule.name)
}

fn of_table(table: &TableVerdict) -> Vec<String> {
    let reason = table
        .reason
        .as_ref()
        .map(|reason| format!(": {reason}"))
        .unwrap_or_default();
    let mut said = vec![format!("{}: table {}{reason}", word(table.verdict), table.target)];
    let columns: Vec<&str> = table
        .columns
        .iter()
        .filter(|column| column.verdict != Verdict::Identical)
        .map(|column| column.column.as_str())
        .collect();
    if !columns.is_empty() {
        said.push(format!("  columns {}", columns.join(", ")));
    }
    said.extend(table.differences.iter().take(ROWS_SHOWN).map(of_row));
    let total = usize::try_from(table.differences_total).unwrap_or(usize::MAX);
    let shown = table.differences.len().min(ROWS_SHOWN);
    if total > shown && shown > 0 {
        said.push(format!("  and {}", counted(total - shown, "more row")));
    }
    said.extend(table.witness.different.iter().map(|what| format!("  {what}")));
    if table.orphans > 0 {
        said.push(format!("  {} orphans", count(table.orphans)));
    }
    said
}

fn of_row(row: &RowDifference) -> String {
    let how = match row.kind {
        DifferenceKind::Missing => "missing in the target",
        DifferenceKind::Extra => "extra in the target",
        DifferenceKind::Differing => "differs",
    };
    let values: Vec<String> = row
        .values
        .iter()
        .map(|value| {
            let shown = |side: &Option<String>| side.clone().unwrap_or_else(|| "NULL".to_owned());
            format!(
                "{}: source {}, target {}",
                value.column,
                shown(&value.source),
                shown(&value.target)
            )
        })
        .collect();
    let now = if row.as_of_now { " (source as of now)" } else { "" };
    let values = if values.is_empty() {
        String::new()
    } else {
        format!(": {}", values.join("; "))
    };
    format!("  row {} {how}{now}{values}", row.key)
}

fn of_object(object: &ObjectVerdict) -> String {
    let shown = |text: &str| {
        if text.is_empty() {
            "nothing".to_owned()
        } else {
            text.to_owned()
        }
    };
    format!(
        "{}: {} {}: expected {}, found {}",
        word(object.verdict),
        object.object.kind,
        object.object,
        shown(&object.expected),
        shown(&object.found)
    )
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Identical => "identical",
        Verdict::Different => "different",
        Verdict::NotChecked => "not checked",
    }
}

//! `verification_report.md`: the verdict per table and column, what differs, the rules used, what the databases say
//! themselves, and the objects.

use std::fmt::Write as _;

use whimbrel_core::{
    CheckResult, ColumnVerdict, DifferenceKind, ObjectVerdict, Plan, RowDifference, TableVerdict,
    ValueDifference, Verdict, Verification,
};

use super::endpoint;
use super::markdown::{code, codes, prose, table};
use super::quantity::{count, counted, duration};

/// Returns what a verification found as a document for people.
pub fn verification_markdown(plan: &Plan, verification: &Verification) -> String {
    let sections = [
        head(plan, verification),
        tables(verification),
        columns(verification),
        differences(verification),
        checks(verification),
        own_rules(verification),
        rules(verification),
        witness(verification),
        objects(verification),
        notes(verification),
    ];
    sections.join("\n").trim_end().to_owned() + "\n"
}

/// A verdict with its mark.
pub(super) fn marked(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Identical => "✅ identical",
        Verdict::Different => "🚧 different",
        Verdict::NotChecked => "⚠️ not checked",
    }
}

fn head(plan: &Plan, verification: &Verification) -> String {
    let facts = [
        ("Source", endpoint::line(&plan.source)),
        ("Target", endpoint::line(&plan.target)),
        ("Compared with the source at", code(&verification.position)),
        ("Ended", prose(&verification.verified_at)),
        ("Duration", duration(verification.seconds)),
        ("Plan hash", code(&plan.hash)),
    ];
    let rows: Vec<Vec<String>> = facts
        .into_iter()
        .map(|(what, fact)| vec![what.to_owned(), fact])
        .collect();
    format!(
        "# Verification Report: {}\n\n**Verdict:** {}. {}\n\n{}",
        prose(&plan.migration_id.to_string()),
        marked(verification.verdict()),
        summary(verification),
        table(&["What", "Fact"], &rows)
    )
}

/// How many tables and objects have which verdict, in one sentence.
pub(super) fn summary(verification: &Verification) -> String {
    let tables: Vec<Verdict> = verification.tables.iter().map(|table| table.verdict).collect();
    let objects: Vec<Verdict> = verification.objects.iter().map(|object| object.verdict).collect();
    let mut text = format!("Tables: {}. Objects: {}.", tally(&tables), tally(&objects));
    if !verification.rules.is_empty() {
        let of = |result| {
            verification
                .rules
                .iter()
                .filter(|rule| rule.result == result)
                .count() as u64
        };
        let results = [CheckResult::Pass, CheckResult::Fail, CheckResult::NotChecked];
        let parts = results.into_iter().filter(|result| of(*result) > 0);
        let parts: Vec<String> = parts
            .map(|result| format!("{} {}", count(of(result)), result.as_str()))
            .collect();
        let _infallible = write!(text, " Validation rules: {}.", parts.join(", "));
    }
    text
}

fn tally(verdicts: &[Verdict]) -> String {
    let of = |verdict| verdicts.iter().filter(|found| **found == verdict).count() as u64;
    let named = [
        (of(Verdict::Identical), "identical"),
        (of(Verdict::Different), "different"),
        (of(Verdict::NotChecked), "not checked"),
    ];
    let parts: Vec<String> = named
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{} {what}", count(number)))
        .collect();
    if parts.is_empty() {
        "none was compared".to_owned()
    } else {
        parts.join(", ")
    }
}

fn tables(verification: &Verification) -> String {
    let rows: Vec<Vec<String>> = verification.tables.iter().map(table_line).collect();
    if rows.is_empty() {
        return "## Tables\n\nNo table was compared.\n".to_owned();
    }
    let headings = [
        "Source",
        "Target",
        "Verdict",
        "Source Rows",
        "Target Rows",
        "Rejected",
        "Differing Rows",
        "Orphans",
        "Remark",
    ];
    format!("## Tables\n\n{}", table(&headings, &rows))
}

fn table_line(found: &TableVerdict) -> Vec<String> {
    vec![
        code(&found.source.to_string()),
        code(&found.target.to_string()),
        marked(found.verdict).to_owned(),
        count(found.source_rows),
        count(found.target_rows),
        count(found.rejected),
        count(found.differences_total),
        count(found.orphans),
        found.reason.as_deref().map_or_else(|| "none".to_owned(), prose),
    ]
}

fn columns(verification: &Verification) -> String {
    let rows: Vec<Vec<String>> = verification
        .tables
        .iter()
        .flat_map(|found| found.columns.iter().map(move |column| (found, column)))
        .map(|(found, column)| {
            vec![
                code(&found.target.to_string()),
                code(&column.column),
                marked(column.verdict).to_owned(),
                compared_by(column),
            ]
        })
        .collect();
    if rows.is_empty() {
        return "## Columns\n\nNo column was compared.\n".to_owned();
    }
    format!(
        "## Columns\n\n{}",
        table(&["Table", "Column", "Verdict", "Compared By"], &rows)
    )
}

fn compared_by(column: &ColumnVerdict) -> String {
    let by = column
        .rule
        .as_deref()
        .map_or_else(|| "plain equality".to_owned(), prose);
    match column.computed {
        true => format!("{by}; the target computes it"),
        false => by,
    }
}

fn differences(verification: &Verification) -> String {
    let mut text = "## Differences\n\n".to_owned();
    let differing: Vec<&TableVerdict> = verification
        .tables
        .iter()
        .filter(|found| found.differences_total > 0 || !found.differences.is_empty())
        .collect();
    if differing.is_empty() {
        text.push_str("No row was found to differ.\n");
    }
    let listed: Vec<String> = differing.into_iter().map(differences_of).collect();
    text.push_str(&listed.join("\n"));
    text
}

fn differences_of(found: &TableVerdict) -> String {
    let shown = found.differences.len() as u64;
    let mut text = format!(
        "### {}\n\n{}",
        code(&found.target.to_string()),
        counted(found.differences_total, "row")
    );
    if shown < found.differences_total {
        let _infallible = write!(text, ", of which the first {} are listed", count(shown));
    }
    text.push_str(".\n\n");
    let rows: Vec<Vec<String>> = found.differences.iter().map(difference_line).collect();
    if !rows.is_empty() {
        text.push_str(&table(&["Row", "Difference", "Values"], &rows));
    }
    text
}

fn difference_line(difference: &RowDifference) -> Vec<String> {
    let kind = match difference.kind {
        DifferenceKind::Missing => "missing: at the source only",
        DifferenceKind::Extra => "extra: in the target only",
        DifferenceKind::Differing => "other values",
    };
    let moved_on = if difference.as_of_now {
        "; the source row as of now, later than the snapshot"
    } else {
        ""
    };
    let values: Vec<String> = difference.values.iter().map(value).collect();
    let values = if values.is_empty() {
        "the whole row".to_owned()
    } else {
        values.join("; ")
    };
    vec![code(&difference.key), format!("{kind}{moved_on}"), values]
}

fn value(difference: &ValueDifference) -> String {
    let side = |value: &Option<String>| value.as_deref().map_or_else(|| "NULL".to_owned(), code);
    format!(
        "{}: source {}, target {}",
        code(&difference.column),
        side(&difference.source),
        side(&difference.target)
    )
}

fn rules(verification: &Verification) -> String {
    let mut rows = Vec::new();
    for found in &verification.tables {
        rows.extend(found.columns.iter().filter_map(|column| {
            let rule = column.rule.as_deref()?;
            Some(vec![
                code(&found.target.to_string()),
                code(&column.column),
                prose(rule),
                count(column.rule_rows),
                match column.changes_values {
                    true => "match only thanks to the rule: the target holds other values than the source"
                        .to_owned(),
                    false => "hold the source's values".to_owned(),
                },
            ])
        }));
    }
    if rows.is_empty() {
        return "## Rules\n\nNone was needed: every value was compared by plain equality.\n".to_owned();
    }
    format!(
        "## Rules\n\n{}",
        table(
            &["Table", "Column", "Rule", "Rows It Touched", "These Rows"],
            &rows
        )
    )
}

fn checks(verification: &Verification) -> String {
    let rows: Vec<Vec<String>> = verification
        .checks
        .iter()
        .map(|check| {
            vec![
                code(&check.table),
                code(&check.check),
                check.result.as_str().to_owned(),
                prose(&check.basis),
            ]
        })
        .collect();
    if rows.is_empty() {
        return "## Checks\n\nNOT CHECKED: no table was compared.\n".to_owned();
    }
    format!(
        "## Checks\n\n{}",
        table(&["Table", "Check", "Result", "Basis"], &rows)
    )
}

fn own_rules(verification: &Verification) -> String {
    if verification.rules.is_empty() {
        return "## Validation Rules\n\nThe plan has none of its own.\n".to_owned();
    }
    let value = |value: &Option<String>| value.as_deref().map_or_else(|| "none".to_owned(), code);
    let rows: Vec<Vec<String>> = verification
        .rules
        .iter()
        .map(|rule| {
            vec![
                prose(&rule.name),
                rule.result.as_str().to_owned(),
                value(&rule.source),
                value(&rule.target),
                rule.tolerance.to_string(),
                rule.reason.as_deref().map_or_else(|| "none".to_owned(), prose),
            ]
        })
        .collect();
    let headings = ["Rule", "Result", "Source", "Target", "Tolerance", "Remark"];
    format!("## Validation Rules\n\n{}", table(&headings, &rows))
}

fn witness(verification: &Verification) -> String {
    let rows: Vec<Vec<String>> = verification
        .tables
        .iter()
        .map(|found| {
            let list = |lines: &[String]| {
                let lines: Vec<String> = lines.iter().map(|line| prose(line)).collect();
                if lines.is_empty() {
                    "none".to_owned()
                } else {
                    lines.join("; ")
                }
            };
            vec![
                code(&found.target.to_string()),
                count(found.witness.compared),
                list(&found.witness.different),
                list(&found.witness.not_comparable),
            ]
        })
        .collect();
    let mut text = "## Second Witness\n\nAggregates that each database computed by itself.\n\n".to_owned();
    if rows.is_empty() {
        text.push_str("None: no table was compared.\n");
    } else {
        text.push_str(&table(
            &["Table", "Compared", "Different", "Not Comparable"],
            &rows,
        ));
    }
    text
}

fn notes(verification: &Verification) -> String {
    if verification.notes.is_empty() {
        return String::new();
    }
    let lines: String = verification
        .notes
        .iter()
        .map(|note| format!("- {}\n", prose(note)))
        .collect();
    format!("## Notes\n\n{lines}")
}

fn objects(verification: &Verification) -> String {
    let mut text = "## Objects\n\n".to_owned();
    if verification.objects.is_empty() {
        text.push_str("None was looked for.\n");
        return text;
    }
    let (equal, other): (Vec<&ObjectVerdict>, Vec<_>) = verification
        .objects
        .iter()
        .partition(|found| found.verdict == Verdict::Identical);
    if other.is_empty() {
        text.push_str("Every object is as planned.\n");
    } else {
        let rows: Vec<Vec<String>> = other.into_iter().map(object_line).collect();
        text.push_str(&table(&["Kind", "Object", "Verdict", "Planned", "Found"], &rows));
    }
    if !equal.is_empty() {
        text.push_str("\nAs planned:\n\n");
    }
    for kinds in equal.chunk_by(|a, b| a.object.kind == b.object.kind) {
        let names = codes(kinds.iter().map(|found| found.object.to_string()));
        let kind = kinds.first().map_or("object", |found| found.object.kind.as_str());
        let _infallible = writeln!(text, "- {kind}: {names}");
    }
    text
}

fn object_line(found: &ObjectVerdict) -> Vec<String> {
    let side = |text: &str| {
        if text.is_empty() {
            "nothing".to_owned()
        } else {
            code(text)
        }
    };
    vec![
        found.object.kind.to_string(),
        code(&found.object.to_string()),
        marked(found.verdict).to_owned(),
        side(&found.expected),
        side(&found.found),
    ]
}

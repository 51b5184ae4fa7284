//! `data_quality.md`: what the pass over the source's values found, column by column, beside the plan that was made from it.

use std::collections::BTreeMap;

use whimbrel_core::{ColumnProfile, Finding, Plan, TableId, TablePlan, TableProfile, WITHHELD, is_secret};

use super::markdown::{code, prose, table};
use super::partitions::Partitions;
use super::quantity::{count, counted, size};

/// Returns the document in pieces, a table each: shares of NULL, ranges, lengths, duplicates, orphans, and what does not fit the target.
pub fn quality_sections<'a>(
    plan: &'a Plan,
    profiles: &'a BTreeMap<TableId, TableProfile>,
) -> impl Iterator<Item = String> + 'a {
    let title = "# Data Quality\n\nOne full pass over every row, as planning saw it. `whimbrel inspect DATABASE --profile` also tells patterns, \
        different values and growth.\n";
    let mut about: BTreeMap<&TableId, Vec<&Finding>> = BTreeMap::new();
    for finding in &plan.findings {
        about.entry(&finding.subject.owner).or_default().push(finding);
    }
    let partitions = Partitions::of(plan);
    let sections = plan.tables.iter().filter_map(move |planned| {
        if let Some(all) = partitions.all(planned) {
            let name = code(&planned.source.id.to_string());
            let (rows, size) = (counted(all.rows, "row"), size(all.bytes));
            let places = counted(all.partitions, "partition");
            return Some(format!(
                "\n## {name}\n\n{rows}, {size}, in {places}, which follow by themselves.\n"
            ));
        }
        let profile = profiles.get(&planned.source.id)?;
        let findings = about.get(&planned.source.id).map_or(&[][..], Vec::as_slice);
        Some(of_table(planned, profile, findings))
    });
    std::iter::once(title.to_owned()).chain(sections)
}

fn of_table(planned: &TablePlan, profile: &TableProfile, findings: &[&Finding]) -> String {
    let mut text = format!(
        "\n## {}\n\n{}, {}; the largest row has {}.\n",
        code(&planned.source.id.to_string()),
        counted(profile.rows, "row"),
        size(profile.bytes),
        size(profile.row_bytes_max),
    );
    if profile.rows > 0 {
        let headings = [
            "Column",
            "Type",
            "NULL",
            "Smallest",
            "Largest",
            "Longest",
            "In the target",
        ];
        let rows: Vec<Vec<String>> = planned
            .columns
            .iter()
            .map(|column| {
                let found = profile.columns.get(&column.source);
                let mut row = vec![code(&column.source), code(&column.source_native)];
                row.extend(found.map_or_else(
                    || vec![String::new(); 4],
                    |found| figures(&column.source, found, profile.rows),
                ));
                row.push(fate(&column.source, findings));
                row
            })
            .collect();
        text.push('\n');
        text.push_str(&table(&headings, &rows));
    }
    for (what, number, columns) in faults(profile) {
        let [one, many] = what;
        let what = if number == 1 { one } else { many };
        text.push_str(&format!("\n* {} {what} ({})", count(number), prose(&columns)));
    }
    text.push('\n');
    text
}

fn figures(column: &str, found: &ColumnProfile, rows: u64) -> Vec<String> {
    let share = match found.nulls {
        0 => "none".to_owned(),
        nulls => format!(
            "{} ({:.1} %)",
            count(nulls),
            nulls as f64 * 100.0 / rows.max(1) as f64
        ),
    };
    let value = |value: &Option<String>| {
        value
            .as_deref()
            .map_or_else(String::new, |value| code(&whimbrel_core::shorten(value)))
    };
    let longest = match (found.chars_max, found.bytes_max) {
        (0, 0) => String::new(),
        (0, bytes) => size(bytes),
        (chars, _) => counted(chars, "character"),
    };
    let (min, max) = match is_secret(column) {
        true => (WITHHELD.to_owned(), WITHHELD.to_owned()),
        false => (value(&found.min), value(&found.max)),
    };
    vec![share, min, max, longest]
}

/// What the plan says of the column's values.
fn fate(column: &str, findings: &[&Finding]) -> String {
    let codes = findings.iter().filter(|finding| finding.subject.part == column);
    let codes: Vec<String> = codes.map(|finding| code(&finding.code)).collect();
    match codes.is_empty() {
        true => "fits".to_owned(),
        false => codes.join(", "),
    }
}

/// Orphans and duplicates, with their columns.
fn faults(profile: &TableProfile) -> Vec<([&'static str; 2], u64, String)> {
    let orphans = profile.foreign_keys.iter().filter(|key| key.orphans > 0);
    let orphans = orphans.map(|key| {
        (
            ["row refers to nothing", "rows refer to nothing"],
            key.orphans,
            key.columns.join(", "),
        )
    });
    let doubles = profile.uniques.iter().filter(|key| key.duplicates > 0);
    let doubles = doubles.map(|key| {
        (
            ["value occurs more than once", "values occur more than once"],
            key.duplicates,
            key.columns.join(", "),
        )
    });
    orphans.chain(doubles).collect()
}

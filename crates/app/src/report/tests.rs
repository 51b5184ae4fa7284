//! Claims about the reports; the pages in full are snapshots.

mod pages;
mod sample;

use insta::assert_snapshot;
use whimbrel_core::{ColumnProfile, Problem, RollbackReport, RunStatus, TableId, TableProfile, Verdict};

use super::result::RunResult;
use super::*;

const SUCCESS: &str = "Mission accomplished";

#[test]
fn the_plan_reads_as_a_document() {
    assert_snapshot!("plan", plan_markdown(&sample::plan()));
}

#[test]
fn a_plan_of_nothing_has_no_empty_section() {
    let mut plan = sample::plan();
    plan.tables.clear();
    plan.sequences.clear();
    plan.steps.clear();
    plan.findings.clear();
    plan.decisions.clear();
    let text = plan_markdown(&plan);
    let sections: Vec<&str> = text.split("\n## ").skip(1).collect();
    assert_eq!(sections.len(), 11);
    for section in sections {
        let (heading, body) = section.split_once('\n').unwrap();
        assert!(!body.trim().is_empty(), "{heading} is empty");
    }
}

#[test]
fn the_headings_of_the_plan_come_in_their_order() {
    let text = plan_markdown(&sample::plan());
    let headings: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    assert_eq!(
        headings,
        [
            "Migration Overview",
            "Data Inventory",
            "Data Mapping",
            "Validation Rules",
            "Migration Sequence",
            "Rollback Plan",
            "Cutover Schedule",
            "Findings",
            "Decisions",
            "Checklists",
            "Statements",
        ]
    );
}

#[test]
fn every_line_of_a_table_has_as_many_cells_as_its_heading() {
    let verification = sample::verification(Verdict::Different);
    let report = sample::report(RunStatus::NotVerified, Some(verification.clone()));
    for text in [
        plan_markdown(&sample::plan()),
        verification_markdown(&sample::plan(), &verification),
        final_markdown(&sample::plan(), &report, "ann", "typed"),
    ] {
        let mut wanted = 0;
        for line in text.lines() {
            let cells = line.replace("\\|", "").matches('|').count();
            if !line.starts_with('|') {
                wanted = 0;
            } else if wanted == 0 {
                wanted = cells;
            }
            assert!(wanted == 0 || cells == wanted, "{line}");
        }
    }
}

#[test]
fn the_mapping_names_every_column_key_and_index() {
    let plan = sample::plan();
    let mapping = serde_json::to_value(SchemaMapping(&plan)).unwrap();
    assert_snapshot!("mapping", serde_json::to_string_pretty(&mapping).unwrap());
}

#[test]
fn a_difference_is_shown_with_its_row_and_values() {
    let verification = sample::verification(Verdict::Different);
    assert_snapshot!(
        "verification",
        verification_markdown(&sample::plan(), &verification)
    );
}

#[test]
fn a_verified_run_ends_with_the_success_sentence() {
    let report = sample::report(
        RunStatus::Completed,
        Some(sample::verification(Verdict::Identical)),
    );
    assert_snapshot!(
        "final",
        final_markdown(&sample::plan(), &report, "ann", "typed the hash")
    );
}

#[test]
fn no_other_run_ends_with_the_success_sentence() {
    let plan = sample::plan();
    let unverified = sample::report(RunStatus::Completed, None);
    assert!(!final_markdown(&plan, &unverified, "ann", "typed").contains(SUCCESS));
    for verdict in [Verdict::Different, Verdict::NotChecked] {
        let report = sample::report(RunStatus::Completed, Some(sample::verification(verdict)));
        assert!(!final_markdown(&plan, &report, "ann", "typed").contains(SUCCESS));
    }
    for status in [
        RunStatus::NotVerified,
        RunStatus::Failed,
        RunStatus::Interrupted,
        RunStatus::RolledBack,
    ] {
        let report = sample::report(status, Some(sample::verification(Verdict::Identical)));
        assert!(!final_markdown(&plan, &report, "ann", "typed").contains(SUCCESS));
    }
}

#[test]
fn a_failed_run_names_its_problem_and_the_way_on() {
    let mut report = sample::report(RunStatus::RolledBack, None);
    report.phases.truncate(2);
    report.phases[1].status = "failed".to_owned();
    report.rollback = Some(RollbackReport {
        trigger: "foreign_key_violation".to_owned(),
        to: "schema".to_owned(),
        emptied: vec![TableId::new("public", "or\"ders")],
        undone: vec!["002_index_orders_by_customer".to_owned()],
    });
    report.problem = Some(Problem {
        code: "foreign_key_violation".to_owned(),
        message: "insert on `or\"ders` breaks `orders_customer`".to_owned(),
        hint: Some("settle the orphans: whimbrel plan ...".to_owned()),
    });
    let text = final_markdown(&sample::plan(), &report, "", "");
    let tail = text.split("**Phase 4").nth(1).unwrap();
    assert_snapshot!("failed", tail);
    let result = serde_json::to_value(RunResult::new(&sample::plan(), &report)).unwrap();
    assert_eq!(result["status"], "rolled_back");
    assert_eq!(result["validation"]["data_integrity"], "not_checked");
}

#[test]
fn the_result_begins_with_the_agreed_fields() {
    let report = sample::report(
        RunStatus::Completed,
        Some(sample::verification(Verdict::Identical)),
    );
    let result = RunResult::new(&sample::plan(), &report);
    assert_snapshot!("result", serde_json::to_string_pretty(&result).unwrap());
}

#[test]
fn a_completed_run_without_a_verdict_is_no_success() {
    let result = result_json(&sample::plan(), &sample::report(RunStatus::Completed, None));
    assert_eq!(result["status"], "not_verified");
    let different = sample::report(
        RunStatus::Completed,
        Some(sample::verification(Verdict::Different)),
    );
    let result = result_json(&sample::plan(), &different);
    assert_eq!(result["status"], "not_verified");
    assert_eq!(result["validation"]["data_integrity"], "different");
}

#[test]
fn shares_ranges_and_faults_are_told_for_each_table() {
    let plan = sample::plan();
    let planned = &plan.tables[0];
    let mut profile = TableProfile {
        rows: 8,
        bytes: 4096,
        ..TableProfile::default()
    };
    profile.columns.insert(
        planned.columns[0].source.clone(),
        ColumnProfile {
            nulls: 2,
            min: Some("1".to_owned()),
            max: Some("9|9".to_owned()),
            ..ColumnProfile::default()
        },
    );
    let profiles = std::collections::BTreeMap::from([(planned.source.id.clone(), profile)]);
    let text: String = quality_sections(&plan, &profiles).collect();
    assert!(text.contains("2 (25.0 %) | `1` | `9\\|9`"), "{text}");
    assert_eq!(text.matches("\n## ").count(), 1, "{text}");
}

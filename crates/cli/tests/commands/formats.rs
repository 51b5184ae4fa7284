//! The files of a migration as others read them: names, order and spelling of what they hold.

use std::path::PathBuf;

use serde_json::Value;

use crate::desk::Desk;

/// A migration that is done, and its folder.
fn done() -> (Desk, PathBuf) {
    let desk = Desk::set_up();
    let _moved = desk.run("migrate SOURCE TARGET --yes").expect_code(0);
    let mut folders = std::fs::read_dir(desk.files()).unwrap();
    let folder = folders.next().unwrap().unwrap().path();
    (desk, folder)
}

fn text(folder: &std::path::Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The positions of the words, which must follow each other.
fn assert_in_order(text: &str, words: &[&str]) {
    let mut at = 0;
    for word in words {
        let found = text[at..].find(word);
        let found = found.unwrap_or_else(|| panic!("{word:?} does not follow in\n{text}"));
        at += found + word.len();
    }
}

/// `2026-11-28T10:00:00Z`.
fn is_time(text: &str) -> bool {
    let shape: String = text
        .chars()
        .map(|letter| if letter.is_ascii_digit() { '0' } else { letter })
        .collect();
    shape == "0000-00-00T00:00:00Z"
}

#[test]
fn the_checkpoint_begins_with_its_agreed_fields() {
    let (_desk, folder) = done();
    let page = text(&folder, "checkpoint.json");
    assert_in_order(
        &page,
        &[
            "{\n  \"migration_id\": \"mig_",
            "\n  \"current_phase\": 4,",
            "\n  \"tables_completed\": [",
            "\n  \"tables_pending\": []",
            "\n  \"rollback_point\": \"checkpoint_",
            "\n  \"started_at\": \"",
            "\n  \"last_checkpoint\": \"",
            "\n  \"status\": \"completed\"",
        ],
    );
    let checkpoint: Value = serde_json::from_str(&page).unwrap();
    for time in ["started_at", "last_checkpoint"] {
        let time = checkpoint[time].as_str().unwrap();
        assert!(is_time(time), "{time}");
    }
}

#[test]
fn an_event_has_its_agreed_fields_in_their_order_and_an_id_of_its_own() {
    let (_desk, folder) = done();
    let log = text(&folder, "events.ndjson");
    let mut ids = std::collections::BTreeSet::new();
    for line in log.lines() {
        assert_in_order(
            line,
            &[
                "{\"event_id\":\"evt_",
                "\"type\":\"",
                "\"agent\":\"whimbrel\"",
                "\"timestamp\":",
                "\"payload\":{",
                "\"migration_id\":\"mig_",
                "\"seq\":",
                "\"prev_hash\":\"",
            ],
        );
        let event: Value = serde_json::from_str(line).unwrap();
        assert!(event["timestamp"].is_i64(), "whole seconds: {line}");
        assert!(ids.insert(event["event_id"].to_string()), "{line}");
    }
    let end = log.lines().last().unwrap();
    assert_in_order(
        end,
        &[
            "\"type\":\"MIGRATION_COMPLETE\"",
            "\"payload\":{\"version\":\"mig_",
            "\"duration\":",
            ",\"records_affected\":5,\"status\":\"success\"}",
        ],
    );
    let event: Value = serde_json::from_str(end).unwrap();
    assert!(event["payload"]["duration"].is_u64(), "whole seconds: {end}");
}

#[test]
fn the_result_begins_with_its_agreed_fields() {
    let (_desk, folder) = done();
    assert_in_order(
        &text(&folder, "result.json"),
        &[
            "{\n  \"status\": \"success\",\n  \"migration\": {",
            "\"version\": \"mig_",
            "\"type\": \"big_bang\"",
            "\"database\": \"sqlite\"",
            "\n  \"backup\": {",
            "\"created\": false",
            "\"file\"",
            "\"size\"",
            "\n  \"validation\": {",
            "\"pre_migration_records\": 5",
            "\"post_migration_records\": 5",
            "\"data_integrity\": \"verified\"",
            "\n  \"scripts\": {",
            "\"forward\"",
            "\"rollback\"",
            "\n  \"performance\": {",
            "\"duration_seconds\"",
            "\"locks_held\"",
            "\"downtime\"",
        ],
    );
}

#[test]
fn the_reports_have_their_headings_and_fields_in_order() {
    let (_desk, folder) = done();
    assert_in_order(
        &text(&folder, "final_report.md"),
        &[
            "**Mission:** ",
            "**Phase 1: Discovery**",
            "Status:",
            "Source:",
            "Target:",
            "Migration Path:",
            "**Phase 2: Strategy**",
            "Status:",
            "Plan:",
            "Safety:",
            "**Phase 3: Preparation**",
            "Status:",
            "Backups:",
            "Scripts:",
            "**Phase 4: Execution**",
            "Status:",
            "Steps:",
            "Validation:",
            "**Phase 5: Verification & Cleanup**",
            "Status:",
            "Verification:",
            "Documentation:",
            "**Final Verdict:** ✅ Migration complete. Data integrity verified. System operational. Mission accomplished.",
        ],
    );
    assert_in_order(
        &text(&folder, "data-migration.md"),
        &[
            "# Data Migration Plan: ",
            "## Migration Overview",
            "## Data Inventory",
            "| Source System | Tables/Objects | Record Count | Size | Priority |",
            "## Data Mapping",
            "| Source Table | Source Field | Target Table | Target Field | Transform |",
            "## Validation Rules",
            "| Check | Source Query | Target Query | Tolerance |",
            "## Migration Sequence",
            "## Rollback Plan",
            "## Cutover Schedule",
            "| Activity | Owner | Duration | Dependencies |",
        ],
    );
}

#[test]
fn every_table_has_a_log_and_every_step_an_undo() {
    let (_desk, folder) = done();
    for table in ["author", "book"] {
        assert!(text(&folder, &format!("tables/{table}.log")).contains("arrived"));
    }
    let plan: Value = serde_json::from_str(&text(&folder, "migration_plan.json")).unwrap();
    let undos: Vec<Value> = text(&folder, "undo.ndjson")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for step in plan["steps"].as_array().unwrap() {
        let written = undos.iter().find(|undo| undo["before"]["id"] == step["id"]);
        let written = written.unwrap_or_else(|| panic!("{step} has no undo on disk"));
        assert_eq!(written["before"]["undo"], step["undo"]);
    }
    let mapping: Value = serde_json::from_str(&text(&folder, "schema_mapping.json")).unwrap();
    assert_eq!(mapping["tables"].as_array().unwrap().len(), 2);
}

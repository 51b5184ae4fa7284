//! What goes wrong outside: a clear error with a hint, the specified exit code, nothing lost.

use std::time::Duration;

use crate::engines::{Database, Engine, PAIRS};
use crate::shop::Move;
use whimbrel_testkit::binary::{Output, Whimbrel};

fn program(folder: &std::path::Path, arguments: &[&str]) -> Output {
    Whimbrel::new(env!("CARGO_BIN_EXE_whimbrel"), folder)
        .args(arguments.iter().copied())
        .run()
}

fn refused(output: &Output, code: i32, words: &[&str]) {
    assert_eq!(output.code, Some(code), "{output:?}");
    for word in words {
        assert!(
            output.stderr.contains(word),
            "`{word}` is not in: {}",
            output.stderr
        );
    }
    assert!(output.stderr.contains("hint:"), "no hint: {}", output.stderr);
}

#[test]
fn a_wrong_password_an_unknown_host_and_a_missing_file_are_said_with_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    refused(
        &program(folder.path(), &["inspect", "sqlite:missing.db"]),
        1,
        &["missing.db"],
    );
    refused(
        &program(folder.path(), &["plan", "sqlite:missing.db", "sqlite:b.db"]),
        1,
        &["missing.db"],
    );
    assert_eq!(
        std::fs::read_dir(folder.path())
            .unwrap()
            .filter_map(Result::ok)
            .filter(|entry| entry.path().is_file())
            .count(),
        0
    );
    refused(
        &program(folder.path(), &["inspect", "postgres://u@127.0.0.1:1/x"]),
        1,
        &["127.0.0.1"],
    );
    refused(
        &program(folder.path(), &["inspect", "postgres://u@no-such-host.invalid/x"]),
        1,
        &["no-such-host.invalid"],
    );
    let Some(server) = Database::create(Engine::POSTGRES, "login") else {
        return;
    };
    let wrong = server
        .url()
        .replacen(':', "\u{0}", 1)
        .replacen(':', ":wrong-", 1)
        .replacen('\u{0}', ":", 1);
    let output = program(folder.path(), &["inspect", &wrong]);
    refused(&output, 1, &["password"]);
    assert!(!output.stderr.contains("wrong-"));
}

#[test]
fn a_damaged_file_is_refused() {
    let Some(shop) = Move::create(PAIRS[0], "damaged", 2_000) else {
        return;
    };
    let url = shop.source.url();
    let path = url.trim_start_matches("sqlite:");
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    for byte in &mut bytes[middle..middle + 8192] {
        *byte = 0xa5;
    }
    std::fs::write(path, bytes).unwrap();
    let output = shop.program(&["plan", "--accept-suggested"]).run();
    let output = if output.code == Some(0) {
        shop.program(&["run"]).run()
    } else {
        output
    };
    assert_ne!(output.code, Some(0), "{output:?}");
    std::fs::write(path, "this is no database at all, just text that is long enough").unwrap();
    refused(&shop.program(&["plan"]).run(), 1, &["database"]);
}

#[test]
fn a_read_only_target_is_found_before_anything_runs() {
    let Some(shop) = Move::create(PAIRS[2], "read_only", 20) else {
        return;
    };
    let name = shop.target.name();
    shop.target.execute(&format!(
        "alter database \"{name}\" set default_transaction_read_only = on"
    ));
    let output = shop.program(&["migrate", "--yes", "--accept-suggested"]).run();
    assert_ne!(output.code, Some(0), "{output:?}");
    assert!(output.stderr.contains("target_read_only"), "{}", output.stderr);
}

#[test]
fn a_full_target_stops_with_a_hint_and_the_run_goes_on_when_there_is_room() {
    for pair in [PAIRS[0], PAIRS[3]] {
        let Some(shop) = Move::create(pair, "full", 20_000) else {
            continue;
        };
        let hash = shop.plan();
        let small = format!("{}?max_page_count=60", shop.target.url());
        let arguments = [
            "run",
            "--approve",
            &hash,
            "--source",
            &shop.source.url(),
            "--target",
            &small,
        ];
        refused(&program(&shop.folder(), &arguments), 1, &["full"]);
        shop.resume_to_the_end(&hash);
        shop.assert_arrived();
    }
}

#[test]
fn truncate_at_the_source_during_the_copy_waits_for_the_snapshot() {
    let Some(shop) = Move::create(PAIRS[2], "truncate", 30_000) else {
        return;
    };
    let hash = shop.plan();
    let running = shop.program(&["run", "--approve", &hash]).spawn();
    std::thread::sleep(Duration::from_millis(200));
    shop.source.execute("truncate log");
    let output = running.wait();
    assert_eq!(output.code, Some(0), "{output:?}");
    let rows = shop.target.count("select count(*) from log");
    assert!(rows == 30_002 || rows == 0, "a torn state arrived: {rows} rows");
}

#[test]
fn a_connection_that_dies_again_and_again_is_survived() {
    for pair in [PAIRS[1], PAIRS[2], PAIRS[3]] {
        let Some(shop) = Move::create(pair, "cut", 20_000) else {
            continue;
        };
        let hash = shop.plan();
        let running = shop.program(&["run", "--approve", &hash]).spawn();
        for _ in 0..4 {
            std::thread::sleep(Duration::from_millis(120));
            for database in [&shop.source, &shop.target] {
                database.terminate_sessions();
            }
        }
        let output = running.wait();
        assert!(matches!(output.code, Some(0 | 1)), "{pair:?}: {output:?}");
        shop.resume_to_the_end(&hash);
        shop.assert_arrived();
    }
}

#[test]
fn a_bad_value_names_table_key_column_value_and_rule() {
    let Some(target) = Database::create(Engine::POSTGRES, "bad_value") else {
        return;
    };
    let Some(source) = Database::create(Engine::SQLITE, "bad_value") else {
        return;
    };
    source.fill(10);
    let folder = tempfile::tempdir().unwrap();
    let urls = [source.url(), target.url()];
    source.execute("insert into log values ('a' || char(0) || 'b', 3)");
    let plan = program(
        folder.path(),
        &[
            "plan",
            &urls[0],
            &urls[1],
            "--json",
            "--decide",
            "nul_text=reject",
            "--accept-suggested",
        ],
    );
    let plan: serde_json::Value = serde_json::from_str(&plan.expect_code(0).stdout).unwrap();
    let hash = plan["plan_hash"].as_str().unwrap().to_owned();
    let output = program(
        folder.path(),
        &[
            "run",
            "--approve",
            &hash,
            "--source",
            &urls[0],
            "--target",
            &urls[1],
        ],
    );
    refused(&output, 1, &["log", "line", "U+0000"]);
    assert_eq!(target.count("select count(*) from log"), 0);
}

//! Memory is bounded by bytes: large rows do not add up.

use std::time::Duration;

use crate::engines::{Database, PAIRS};
use whimbrel_testkit::binary::{Output, Running, Whimbrel};
use whimbrel_testkit::sqlite::TestFile;

/// The most memory the process has had so far, in KiB, without the pages of its program, which are several times larger before they are
/// optimised and can be dropped at any time; none once it is gone.
fn peak_kib(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let member = |name: &str| -> Option<u64> {
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    Some(member("VmHWM:")?.saturating_sub(member("RssFile:")?))
}

/// Waits for the end; returns what was said, and the most memory that the process had.
fn watched(running: Running) -> (Output, u64) {
    let (process, mut peak) = (running.id(), 0);
    while let Some(now) = peak_kib(process) {
        peak = peak.max(now);
        std::thread::sleep(Duration::from_millis(20));
    }
    (running.wait(), peak)
}

#[test]
fn a_table_of_ten_megabyte_values_stays_within_the_memory_given() {
    const ROWS: i64 = 25;
    const LIMIT_KIB: u64 = 128 * 1024;
    for pair in PAIRS {
        let (Some(source), Some(target)) = (
            Database::create(pair.0, "large_source"),
            Database::create(pair.1, "large_target"),
        ) else {
            continue;
        };
        source.fill_large();
        let folder = tempfile::tempdir().unwrap();
        let running = Whimbrel::new(env!("CARGO_BIN_EXE_whimbrel"), folder.path())
            .args(["migrate".to_owned(), source.url(), target.url()])
            .args(["--yes", "--accept-suggested", "--memory", "128MiB"])
            .spawn();
        let (output, peak) = watched(running);
        output.expect_code(0);
        assert_eq!(target.count("select count(*) from large"), ROWS, "{pair:?}");
        assert!((1..LIMIT_KIB).contains(&peak), "{pair:?}: {peak} KiB");
    }
}

/// Every table is counted by what a filter makes of values that are small beside a batch, or larger than one; several tables at once.
#[test]
fn counting_where_the_rows_of_several_tables_go_stays_within_the_memory_given() {
    // What the program takes whatever it does, comes on top of the 64 MiB.
    const LIMIT_KIB: u64 = 100 * 1024;
    for (name, rows, kib) in [("small", 1_500, 16), ("large", 8, 8 * 1024)] {
        let mut sql = String::new();
        let mut settings = String::new();
        for at in 0..8 {
            sql += &format!(
                "CREATE TABLE t{at} (id INTEGER PRIMARY KEY, body TEXT NOT NULL);
                 WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
                 INSERT INTO t{at} SELECT i, hex(zeroblob({kib} * 512)) FROM n;\n"
            );
            settings += &format!("[[table]]\nfrom = \"t{at}\"\nwhere = \"length(body) > 9 and id > 1\"\n");
        }
        let source = TestFile::create(&format!("counted_{name}"), &sql);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("whimbrel.toml"), settings).unwrap();
        let running = Whimbrel::new(env!("CARGO_BIN_EXE_whimbrel"), folder.path())
            .args(["plan", &source.url(), "sqlite:new.db"])
            .args(["--accept-suggested", "--jobs", "8", "--memory", "64MiB"])
            .spawn();
        let (output, peak) = watched(running);
        output.expect_code(0);
        let mut migrations = std::fs::read_dir(folder.path().join(".whimbrel")).unwrap();
        let migration = migrations.find_map(|entry| {
            let page = entry.unwrap().path().join("data-migration.md");
            std::fs::read_to_string(page).ok()
        });
        let (plan, went) = (migration.unwrap(), rows - 1);
        let said = format!("rows of `t7`: {rows}; {went} to `t7`, 1 nowhere");
        assert!(plan.contains(&said), "{plan}");
        assert!((1..LIMIT_KIB).contains(&peak), "{name}: {peak} KiB");
    }
}

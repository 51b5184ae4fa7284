//! Memory is bounded by bytes: large rows do not add up.

use std::time::Duration;

use crate::engines::{Database, PAIRS};
use whimbrel_testkit::binary::Whimbrel;

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
        let (process, mut peak) = (running.id(), 0);
        while let Some(now) = peak_kib(process) {
            peak = peak.max(now);
            std::thread::sleep(Duration::from_millis(20));
        }
        running.wait().expect_code(0);
        assert_eq!(target.count("select count(*) from large"), ROWS, "{pair:?}");
        assert!((1..LIMIT_KIB).contains(&peak), "{pair:?}: {peak} KiB");
    }
}

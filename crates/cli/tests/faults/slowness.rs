//! The target takes rows far slower than the source gives them: what waits in between is bounded.

use std::time::Duration;

use whimbrel_testkit::proxy::Direction;

use crate::route::{Kind, Route, Side};

/// How much waits at the source.
const ROWS: u32 = 1_500;
const ROW_BYTES: u32 = 100_000;
const LIMIT_KIB: u64 = 110 * 1024;

/// The most memory the process has had so far, in KiB; none once it is gone.
fn peak_kib(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn waits_in_little_memory(kind: Kind) {
    let Some(target) = kind.create("slow_target") else {
        return;
    };
    let source = Kind::Sqlite.create("slow_source").unwrap();
    source.execute(&format!(
        "create table heavy (id integer primary key, body blob);
         insert into heavy with recursive n(i) as (select 1 union all select i + 1 from n where i < {ROWS})
           select i, randomblob({ROW_BYTES}) from n"
    ));
    let route = Route::between(Side::direct(source), Side::through_proxy(target, ""));
    let hash = route.plan();
    let proxy = route.proxy();
    let before = proxy.forwarded(Direction::ToServer);
    let mut running = route
        .program(&["run", "--approve", &hash, "--memory", "64MiB", "--jobs", "2"])
        .spawn();
    let (process, mut peak) = (running.id(), 0);
    // It takes some, and then nothing at all for a while.
    for turn in 1..=5 {
        running.wait_until("rows on their way", || {
            proxy.forwarded(Direction::ToServer) > before + turn * 15_000_000
        });
        proxy.stall();
        std::thread::sleep(Duration::from_millis(600));
        peak = peak.max(peak_kib(process).unwrap_or(0));
        proxy.resume();
    }
    while let Some(now) = peak_kib(process) {
        peak = peak.max(now);
        std::thread::sleep(Duration::from_millis(20));
    }
    running.wait().expect_code(0);
    let all = u64::from(ROWS) * u64::from(ROW_BYTES) / 1024;
    assert!(LIMIT_KIB < all, "what waits must not fit by chance");
    assert!((1..LIMIT_KIB).contains(&peak), "{kind:?}: {peak} KiB");
    let count = route.target.database.query_text("select count(*) from heavy");
    assert_eq!(count, [[Some(ROWS.to_string())]]);
}

#[test]
fn a_slow_target_lets_no_rows_pile_up() {
    waits_in_little_memory(Kind::Postgres);
}

#[test]
fn a_slow_target_lets_no_rows_pile_up_whatever_the_protocol() {
    waits_in_little_memory(Kind::MariaDb);
}

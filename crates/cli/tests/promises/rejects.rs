//! Bad values in the midst of a large table: named, kept in a file, and brought over later, whatever is killed meanwhile.

use serde_json::Value;
use whimbrel_testkit::binary::Output;

use crate::engines::{Database, Engine, UNLIKE};
use crate::shop::Move;

const ROWS: u32 = 20_000;
const BAD: [i64; 3] = [4321, 9321, 14321];

/// A planned move whose source was spoilt after the plan, so that no decision foresaw it.
fn spoilt(pair: (Engine, Engine), name: &str, policy: &str) -> Option<(Move, String)> {
    let source = Database::create(pair.0, &format!("{name}_source"))?;
    let target = Database::create(pair.1, &format!("{name}_target"))?;
    source.fill_odd(ROWS);
    let shop = Move::between(source, target);
    std::fs::write(
        shop.folder().join("whimbrel.toml"),
        format!("[policies]\non_reject = \"{policy}\"\nchunk_size = \"128KiB\"\n"),
    )
    .unwrap();
    let hash = shop.plan();
    shop.source.spoil();
    Some((shop, hash))
}

fn mend(shop: &Move, ids: &[i64]) {
    for id in ids {
        shop.source.execute(&format!(
            "update odd set amount = 1.5, note = 'mended' where id = {id}"
        ));
    }
}

fn file(shop: &Move) -> Vec<Value> {
    let folder = shop.folder().join(".whimbrel/mig_2026_001/rejects");
    let Ok(files) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    files
        .flat_map(|file| {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            let lines: Vec<Value> = text
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            lines
        })
        .collect()
}

fn keys(shop: &Move) -> Vec<i64> {
    let mut keys: Vec<i64> = file(shop)
        .iter()
        .map(|line| line["exact"][0]["value"].as_i64().unwrap())
        .collect();
    keys.sort_unstable();
    keys
}

fn replay(shop: &Move) -> Output {
    shop.program(&["run", "--rejects"]).run()
}

/// By means of its own: every row is there once, with the source's values.
fn assert_equal(shop: &Move) {
    for table in ["wide", "odd", "even"] {
        let sql = format!("select count(*) from {table}");
        assert_eq!(shop.source.count(&sql), shop.target.count(&sql), "{table}");
    }
    for sql in [
        "select count(distinct id) from odd",
        "select sum(cast(amount * 4 as {whole})) from odd where amount < 100000000",
        "select sum({characters}(note)) from odd",
        "select count(*) from odd where note = 'mended'",
    ] {
        assert_eq!(shop.source.count(sql), shop.target.count(sql), "{sql}");
    }
}

#[test]
fn the_first_bad_value_is_named_and_its_table_alone_is_emptied() {
    for pair in UNLIKE {
        let Some((shop, hash)) = spoilt(pair, "stopped", "stop") else {
            continue;
        };
        let output = shop.program(&["run", "--approve", &hash, "--jobs", "1"]).run();
        assert_eq!(output.code, Some(1), "{pair:?}: {output:?}");
        for word in ["odd`", "id=", "column `", "hint:", "whimbrel resume", "on_reject"] {
            assert!(
                output.stderr.contains(word),
                "{pair:?}: `{word}` is not in {}",
                output.stderr
            );
        }
        assert!(output.stderr.contains("21`"), "{}", output.stderr);
        assert_eq!(shop.target.count("select count(*) from odd"), 0, "{pair:?}");
        assert_eq!(shop.target.count("select count(*) from wide"), 299, "{pair:?}");
        mend(&shop, &BAD);
        shop.program(&["resume"]).run().expect_code(0);
        assert_equal(&shop);
    }
}

#[test]
fn rejected_rows_wait_in_a_file_and_arrive_once_they_are_mended() {
    for pair in UNLIKE {
        let Some((shop, hash)) = spoilt(pair, "waiting", "file") else {
            continue;
        };
        let output = shop.run(&hash);
        assert_eq!(output.code, Some(3), "{pair:?}: {output:?}");
        assert!(output.stdout.contains("--rejects"), "{}", output.stdout);
        assert_eq!(shop.target.count("select count(*) from odd"), i64::from(ROWS) - 3);
        assert_eq!(keys(&shop), BAD, "{pair:?}");
        for line in file(&shop) {
            for part in ["key", "column", "value", "rule"] {
                assert!(!line[part].as_str().unwrap().is_empty(), "{line}");
            }
        }
        // Nothing was mended: nothing changes.
        let before = shop.target.count("select count(*) from odd");
        assert_eq!(replay(&shop).code, Some(3), "{pair:?}");
        assert_eq!(shop.target.count("select count(*) from odd"), before);
        assert_eq!(keys(&shop), BAD);
        mend(&shop, &BAD[1..2]);
        assert_eq!(replay(&shop).code, Some(3), "{pair:?}");
        assert_eq!(keys(&shop), [BAD[0], BAD[2]]);
        mend(&shop, &BAD);
        replay(&shop).expect_code(0);
        assert_eq!(keys(&shop), [0_i64; 0]);
        assert_equal(&shop);
        shop.program(&["verify"]).run().expect_code(0);
        shop.program(&["report", "--check-log"]).run().expect_code(0);
        let name = shop.target.name();
        shop.program(&["rollback", "--to", "start", "--yes", "--confirm-target", &name])
            .run()
            .expect_code(0);
    }
}

#[test]
fn a_column_widened_in_the_target_takes_what_was_too_long() {
    let (from, to) = UNLIKE[0];
    let Some(target) = Database::create(to, "widened_target") else {
        return;
    };
    let source = Database::create(from, "widened_source").unwrap();
    source.execute(
        "create table odd (id integer primary key, code varchar(4));
         insert into odd values (1, 'abcd'), (2, 'ab'), (3, null)",
    );
    let shop = Move::between(source, target);
    std::fs::write(
        shop.folder().join("whimbrel.toml"),
        "[policies]\non_reject = \"file\"\n",
    )
    .unwrap();
    let hash = shop.plan();
    shop.source
        .execute("insert into odd values (4, 'abcdefgh'), (5, 'x')");
    assert_eq!(shop.run(&hash).code, Some(3));
    assert_eq!(keys(&shop), [4]);
    shop.target.execute("alter table odd alter code type varchar(8)");
    replay(&shop).expect_code(0);
    assert_eq!(
        shop.target
            .count("select count(*) from odd where code = 'abcdefgh'"),
        1
    );
    shop.program(&["verify"]).run().expect_code(0);
}

#[test]
fn a_rule_changes_values_alike_in_copy_and_comparison_and_counts_them() {
    let (from, to) = UNLIKE[0];
    let Some(target) = Database::create(to, "ruled_target") else {
        return;
    };
    let source = Database::create(from, "ruled_source").unwrap();
    source.execute(
        "create table odd (id integer primary key, name text not null, n integer, twice integer as (n * 2) stored);
         insert into odd (id, name, n) values (1, 'a' || char(0) || 'b', 1), (2, 'plain', 2), (3, char(0), 3)",
    );
    let shop = Move::between(source, target);
    let hash = shop.plan_with(&["--decide", "nul_text=strip"]);
    let output = shop.run(&hash).expect_code(0);
    assert!(
        output.stdout.contains("2 values of public.odd.name"),
        "{}",
        output.stdout
    );
    assert_eq!(shop.target.count("select sum(length(name)) from odd"), 7);
    assert_eq!(shop.target.count("select sum(twice) from odd"), 12);
    let folder = shop.folder().join(".whimbrel/mig_2026_001");
    let found: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("verification_report.json")).unwrap())
            .unwrap();
    let columns = &found["tables"][0]["columns"];
    assert_eq!(
        (&columns[1]["rule_rows"], &columns[1]["changes_values"]),
        (&2.into(), &true.into())
    );
    assert_eq!(columns[3]["computed"], true);
    let result: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("result.json")).unwrap()).unwrap();
    assert_eq!(result["tables"][0]["ruled"][0]["values"], 2);
    // A value of the target is never looked at through the rule, and a computed one is compared.
    shop.target
        .execute("update odd set name = name || ' ' where id = 1");
    assert_eq!(shop.program(&["verify"]).run().code, Some(3));
    shop.target.execute("update odd set name = 'ab' where id = 1");
    shop.program(&["verify"]).run().expect_code(0);
}

#[test]
fn a_replay_that_is_killed_again_and_again_brings_every_row_once() {
    for pair in UNLIKE {
        let Some((shop, hash)) = spoilt(pair, "killed_replay", "file") else {
            continue;
        };
        assert_eq!(shop.run(&hash).code, Some(3), "{pair:?}");
        mend(&shop, &BAD);
        let mut at = 8;
        let mut kills = 0;
        loop {
            let output = shop
                .program(&["run", "--rejects"])
                .env("WHIMBREL_FAULT", format!("{at}:abort"))
                .run();
            if output.code == Some(0) {
                break;
            }
            assert_eq!(output.code, None, "{pair:?} at {at}: {output:?}");
            let there = shop
                .target
                .count("select count(*) from odd where note = 'mended'");
            assert!(there == 0 || there == 3, "{pair:?} at {at}: {there} rows");
            kills += 1;
            at += 6;
        }
        assert!(kills > 8, "only {kills} kills");
        assert_eq!(keys(&shop), [0_i64; 0]);
        assert_equal(&shop);
    }
}

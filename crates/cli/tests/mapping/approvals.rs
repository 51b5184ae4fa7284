//! What was approved is what runs: a mapping, a lookup file or a key of masks that changed after the plan stops the run, and a resume.

use whimbrel_testkit::sqlite;

use crate::bench::{Desk, joined};

const NOTES: &str = "
CREATE TABLE notes (id INTEGER PRIMARY KEY, code TEXT NOT NULL, secret TEXT NOT NULL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
INSERT INTO notes SELECT i, 'x', 'hidden ' || i FROM n;
";

const SETTINGS: &str = "[masking]\nkey = \"${MASK_KEY}\"\n[[lookup]]\nname = \"codes\"\nfile = \"codes.csv\"\n\
    [[table]]\nfrom = \"notes\"\nmask = { secret = \"hash\" }\ncompute = { title = \"lookup('codes', code)\" }\n";

fn planned(desk: &Desk, source: &sqlite::TestFile, target: &sqlite::TestFile) -> String {
    desk.write("codes.csv", "code,title\nx,one\n");
    desk.planned(&source.url(), &target.url()).1
}

#[test]
fn another_mapping_lookup_file_or_key_than_the_approved_one_does_not_run() {
    let source = sqlite::TestFile::create("approved", NOTES);
    for what in [
        "the mapping of the settings",
        "the lookup file",
        "the key of the masks",
    ] {
        let target = sqlite::TestFile::create("approved_target", "");
        let mut desk = Desk::with(SETTINGS).env("MASK_KEY", "one");
        let hash = planned(&desk, &source, &target);
        match what {
            "the lookup file" => desk.write("codes.csv", "code,title\nx,two\n"),
            "the key of the masks" => desk = desk.env("MASK_KEY", "two"),
            _ => desk.write("whimbrel.toml", &format!("{SETTINGS}where = \"id > 10\"\n")),
        }
        let refused = desk.run(&["run", "--approve", &hash]);
        assert!(
            matches!(refused.code, Some(2..=6)),
            "{what}: {:?} {}",
            refused.code,
            refused.stderr
        );
        assert!(refused.stderr.contains(what), "{what}: {}", refused.stderr);
        assert!(refused.stderr.contains("hint: "), "{what}: {}", refused.stderr);
        assert_eq!(
            joined(target.query_text("SELECT count(*) FROM sqlite_schema")),
            ["0"],
            "{what}"
        );
        // As it was, it runs.
        desk = desk.env("MASK_KEY", "one");
        desk.write("codes.csv", "code,title\nx,one\n");
        desk.write("whimbrel.toml", SETTINGS);
        desk.run(&["run", "--approve", &hash]).expect_code(0);
    }
}

#[test]
fn a_resume_keeps_to_the_lookup_file_and_the_key() {
    let source = sqlite::TestFile::create("approved_resume", NOTES);
    let target = sqlite::TestFile::create("approved_resume_target", "");
    let mut desk = Desk::with(SETTINGS).env("MASK_KEY", "one");
    source.execute("UPDATE notes SET code = 'missing' WHERE id = 1500");
    let hash = planned(&desk, &source, &target);
    assert_ne!(desk.run(&["run", "--approve", &hash]).code, Some(0));
    desk.write("codes.csv", "code,title\nx,one\nmissing,two\n");
    let refused = desk.run(&["resume"]);
    assert!(refused.stderr.contains("the lookup file"), "{}", refused.stderr);
    desk.write("codes.csv", "code,title\nx,one\n");
    desk = desk.env("MASK_KEY", "two");
    let refused = desk.run(&["resume"]);
    assert!(
        refused.stderr.contains("the key of the masks"),
        "{}",
        refused.stderr
    );
    source.execute("UPDATE notes SET code = 'x'");
    desk.env("MASK_KEY", "one").run(&["resume"]).expect_code(0);
    assert_eq!(
        joined(target.query_text("SELECT count(*), count(DISTINCT secret), max(title) FROM notes")),
        ["2000|2000|one"]
    );
}

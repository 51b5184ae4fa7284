//! `plan --preview` shows nothing that a mask hides, and `plan --init-config` writes settings that a plan takes at once.

use whimbrel_testkit::sqlite;

use crate::bench::Desk;

const ODD: &str = "
CREATE TABLE \"My Table\" (id INTEGER PRIMARY KEY, \"First Name\" TEXT, \"o'q\"\"x\" TEXT, größe INT, secret TEXT);
CREATE TABLE \"日本\" (名 TEXT PRIMARY KEY);
CREATE TABLE empty (a INT PRIMARY KEY);
INSERT INTO \"My Table\" VALUES (1, 'Ann', 'q', 3, 'top secret'), (2, NULL, NULL, NULL, 'other secret');
";

#[test]
fn the_preview_shows_no_value_that_is_masked() {
    let source = sqlite::TestFile::create("preview", ODD);
    let target = sqlite::TestFile::create("preview_target", "");
    let desk = Desk::with(
        "[[table]]\nfrom = \"My Table\"\nrename = { \"First Name\" = \"n\" }\nmask = { secret = \"redact\" }\ncompute = { loud = \"upper(secret)\" }\n",
    );
    let (from, to) = (source.url(), target.url());
    for form in [&[][..], &["--json"]] {
        let arguments = [&["plan", &from, &to, "--preview", "My Table"], form].concat();
        let shown = desk.run(&arguments).expect_code(0);
        assert!(
            shown.stdout.contains("Ann") && shown.stdout.contains("(masked)"),
            "{}",
            shown.stdout
        );
        for original in ["top secret", "other secret", "TOP SECRET", "OTHER SECRET"] {
            assert!(!shown.stdout.contains(original), "{}", shown.stdout);
        }
    }
    let planned = desk
        .run(&["plan", &source.url(), &target.url(), "--accept-suggested"])
        .expect_code(0);
    assert!(
        planned
            .stdout
            .contains("is computed from `secret`, which is masked"),
        "{}",
        planned.stdout
    );
    desk.run(&["plan", &source.url(), &target.url(), "--preview", "empty"])
        .expect_code(0);
}

#[test]
fn the_first_settings_are_taken_at_once_and_never_written_over() {
    let source = sqlite::TestFile::create("first_settings", ODD);
    let target = sqlite::TestFile::create("first_settings_target", "");
    let desk = Desk::with("");
    let (from, to) = (source.url(), target.url());
    let arguments = ["plan", &from, &to, "--init-config=first.toml"];
    desk.run(&arguments).expect_code(0);
    let refused = desk.run(&arguments);
    assert_ne!(refused.code, Some(0));
    assert!(refused.stderr.contains("first.toml"), "{}", refused.stderr);
    desk.run(&[
        "plan",
        "source",
        "target",
        "--config",
        "first.toml",
        "--accept-suggested",
    ])
    .expect_code(0);
}

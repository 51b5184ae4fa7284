//! Masked copies: keys stay joined, and no original value is found anywhere.

use whimbrel_testkit::{postgres, sqlite};

use crate::bench::{Desk, joined};

const SECRETS: [&str; 6] = [
    "ann.secret@example.org",
    "bo.secret@example.org",
    "NO9386011117947",
    "SE4550000000058398257466",
    "Hidden Street 1",
    "Hidden Lane 22",
];

const PEOPLE: &str = "
CREATE TABLE people (email TEXT PRIMARY KEY, iban TEXT NOT NULL, street TEXT, joined TEXT);
CREATE TABLE visits (id INTEGER PRIMARY KEY, email TEXT NOT NULL REFERENCES people(email), pages INTEGER NOT NULL);
INSERT INTO people VALUES ('ann.secret@example.org','NO9386011117947','Hidden Street 1','2024-01-01'),
    ('bo.secret@example.org','SE4550000000058398257466','Hidden Lane 22',NULL);
INSERT INTO visits VALUES (1,'ann.secret@example.org',3),(2,'ann.secret@example.org',5),(3,'bo.secret@example.org',7);
";

const SETTINGS: &str = "[masking]\nkey = \"${MASK_KEY}\"\n\
    [[table]]\nfrom = \"*\"\nmask = { email = \"hash\", iban = \"keep_last(4)\", street = \"redact\" }\n";

#[test]
fn masked_keys_stay_joined_and_no_original_value_is_left_anywhere() {
    let source = sqlite::TestFile::create("mapping_mask", PEOPLE);
    let Some(target) = postgres::TestDatabase::create("mapping_mask") else {
        return;
    };
    let desk = Desk::with(SETTINGS).env("MASK_KEY", "correct horse");
    desk.moved(&source.url(), target.url());
    assert_eq!(
        joined(target.query_text("SELECT sum(pages), count(DISTINCT v.email) FROM visits v JOIN people p ON p.email = v.email GROUP BY p.email ORDER BY 1")),
        ["7|1", "8|1"]
    );
    assert_eq!(
        joined(target.query_text(
            "SELECT right(iban, 4), left(iban, 1), count(*) FROM people GROUP BY 1, 2 ORDER BY 1"
        )),
        ["7466|*|1", "7947|*|1"]
    );
    let dump = target.dump();
    for secret in SECRETS {
        assert!(!dump.contains(secret), "`{secret}` is in the target");
        for (path, bytes) in desk.files() {
            let found = bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes());
            assert!(!found, "`{secret}` is in {}", path.display());
        }
    }
}

#[test]
fn the_key_of_the_masks_decides_the_hashes_and_must_be_there() {
    let source = sqlite::TestFile::create("mapping_mask_key", PEOPLE);
    let mut hashes = Vec::new();
    for (number, key) in ["one", "one", "two"].into_iter().enumerate() {
        let target = sqlite::TestFile::create(&format!("mapping_mask_key_{number}"), "");
        let desk = Desk::with(SETTINGS).env("MASK_KEY", key);
        desk.moved(&source.url(), &target.url());
        hashes.push(joined(
            target.query_text("SELECT email FROM people ORDER BY joined"),
        ));
    }
    assert_eq!(hashes[0], hashes[1]);
    assert_ne!(hashes[0], hashes[2]);
    let target = sqlite::TestFile::create("mapping_mask_key_none", "");
    let refused = Desk::with(SETTINGS)
        .run(&["plan", &source.url(), &target.url()])
        .expect_code(2);
    assert!(refused.stderr.contains("`MASK_KEY`"), "{}", refused.stderr);
}

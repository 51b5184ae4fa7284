//! The way back: it needs the target, and nothing that the run has read.

use whimbrel_testkit::sqlite::TestFile;

use crate::bench::Desk;

#[test]
fn the_way_back_needs_neither_the_sources_nor_the_settings_nor_the_key_of_masks() {
    for last in ["rollback", "cleanup"] {
        let crm = TestFile::create(
            "back_crm",
            "CREATE TABLE people (id INTEGER PRIMARY KEY, mail TEXT); INSERT INTO people VALUES (1, 'a@b.c');",
        );
        let web = TestFile::create(
            "back_web",
            "CREATE TABLE clicks (id INTEGER PRIMARY KEY, page TEXT); INSERT INTO clicks VALUES (1, '/');",
        );
        let target = TestFile::create(
            "back_target",
            "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT); INSERT INTO notes VALUES (1, 'keep me');",
        );
        let before = target.dump();
        let desk = Desk::with(&format!(
            "[masking]\nkey = \"${{MASK_KEY}}\"\n\
             [[source]]\nname = \"crm\"\nurl = \"{}\"\n[[source]]\nname = \"web\"\nurl = \"{}\"\n\
             [[table]]\nfrom = \"crm.people\"\nmask = {{ mail = \"hash\" }}\n",
            crm.url(),
            web.url()
        ))
        .env("MASK_KEY", "correct horse");
        let id = desk.moved("sources", &target.url());
        drop((crm, web));
        desk.write("whimbrel.toml", "");
        let desk = desk.env("MASK_KEY", "");
        match last {
            "cleanup" => {
                desk.run(&["cleanup", &id, "-y"]).expect_code(0);
                assert!(!target.dump().contains("_whimbrel"), "{}", target.dump());
            }
            _ => {
                desk.run(&["rollback", &id, "--to", "start", "-y"]).expect_code(0);
                assert_eq!(target.dump(), before);
            }
        }
    }
}

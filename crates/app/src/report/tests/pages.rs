//! The pages of the book that are made from the program. `WHIMBREL_UPDATE_PAGES=1 cargo test -p whimbrel-app pages` writes them anew.

use std::fmt::Write as _;
use std::path::Path;

use whimbrel_core::CODES;

const BEGIN: &str = "<!-- codes -->\n";
const END: &str = "<!-- /codes -->\n";

#[test]
fn the_page_of_findings_lists_every_code_and_no_other() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/findings.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = page.split_once(BEGIN).unwrap();
    let (_, tail) = rest.split_once(END).unwrap();
    let wanted = format!("{head}{BEGIN}{}{END}{tail}", codes());
    if std::env::var_os("WHIMBREL_UPDATE_PAGES").is_some() {
        std::fs::write(&path, wanted).unwrap();
        return;
    }
    assert!(
        page == wanted,
        "docs/src/findings.md is stale; the file's head says how to write it anew"
    );
}

fn codes() -> String {
    let mut table = "| Code | What it says |\n|---|---|\n".to_owned();
    for code in CODES {
        writeln!(table, "| `{}` | {} |", code.code, code.doc).unwrap();
    }
    table
}

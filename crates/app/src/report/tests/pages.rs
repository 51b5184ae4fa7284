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

#[test]
fn every_page_of_the_book_is_in_its_summary_and_every_link_leads_somewhere() {
    let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src");
    let summary = std::fs::read_to_string(book.join("SUMMARY.md")).unwrap();
    for entry in std::fs::read_dir(&book).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(
            name == "SUMMARY.md" || summary.contains(&format!("({name})")),
            "{name} is in no summary"
        );
        let text = std::fs::read_to_string(&path).unwrap();
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split([')', '#']).next())
        {
            let leads = link.starts_with("http") || link.is_empty() || book.join(link).exists();
            assert!(leads, "{name} links to {link}");
        }
    }
}

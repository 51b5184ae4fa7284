//! The page on expressions lists the functions that there are.

use std::path::Path;

const BEGIN: &str = "<!-- functions: made by the test `the_page_lists_the_functions_that_there_are` -->\n";

#[test]
fn the_page_lists_the_functions_that_there_are() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/expressions.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, _) = page.split_once(BEGIN).unwrap();
    let wanted = format!("{before}{BEGIN}{}", whimbrel_transform::function_reference());
    if page != wanted {
        std::fs::write(&path, wanted).unwrap();
        panic!("docs/src/expressions.md was stale; it has been written anew");
    }
}

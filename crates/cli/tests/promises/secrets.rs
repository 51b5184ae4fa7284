//! No password in any file, output or error, whatever happens.

use std::path::Path;

use crate::engines::PAIRS;
use crate::shop::Move;

/// Every file below the folder that holds the text.
fn files_with(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().filter_map(Result::ok) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_with(&path, text));
        } else if std::fs::read(&path)
            .unwrap()
            .windows(text.len())
            .any(|window| window == text.as_bytes())
        {
            found.push(path.display().to_string());
        }
    }
    found
}

#[test]
fn the_password_is_nowhere() {
    let Some(shop) = Move::create(PAIRS[2], "secret", 20) else {
        return;
    };
    let url = shop.source.url();
    let password = url
        .split_once("://")
        .unwrap()
        .1
        .split_once('@')
        .unwrap()
        .0
        .split_once(':')
        .unwrap()
        .1
        .to_owned();
    assert!(password.len() > 5);
    let hash = shop.plan();
    let outputs = [
        shop.run(&hash).expect_code(0),
        shop.program(&["verify"]).run(),
        shop.program(&["status"]).run(),
        shop.program(&["report"]).run(),
        shop.program(&["rollback", "--to", "start", "--yes"]).run(),
        shop.program(&["inspect"]).args([url.clone()]).run(),
    ];
    for output in &outputs {
        assert!(!format!("{output:?}").contains(&password));
    }
    assert_eq!(files_with(&shop.folder(), &password), Vec::<String>::new());
}

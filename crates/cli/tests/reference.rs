//! `docs/cli.md` is what the program says about itself. When this fails, look at the difference and run
//! `INSTA_UPDATE=always cargo test -p whimbrel --test reference`.

use std::fmt::Write;
use std::path::Path;

use whimbrel_testkit::binary::Whimbrel;

fn help(arguments: &[&str]) -> String {
    let folder = std::env::temp_dir();
    let output = Whimbrel::new(env!("CARGO_BIN_EXE_whimbrel"), folder)
        .args(arguments.iter().copied())
        .run()
        .expect_code(0);
    assert_eq!(output.stderr, "", "help is data");
    output.stdout
}

/// The commands in the order in which the program lists them.
fn commands(overview: &str) -> Vec<String> {
    let listed = overview.lines().skip_while(|line| *line != "Commands:").skip(1);
    listed
        .take_while(|line| line.starts_with("  "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

fn reference() -> String {
    let overview = help(&["--help"]);
    let mut page = format!("# Commands\n\n```text\n{overview}```\n");
    for command in commands(&overview) {
        let said = help(&[&command, "--help"]);
        write!(page, "\n## {command}\n\n```text\n{said}```\n").expect("a string takes every write");
    }
    page
}

#[test]
fn the_page_of_commands_says_what_the_program_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md");
    let page = reference();
    if std::env::var_os("INSTA_UPDATE").is_some_and(|wanted| wanted == "always") {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/cli.md is stale; make it anew with INSTA_UPDATE=always"
    );
}

#[test]
fn every_command_is_listed_and_tells_its_use() {
    let overview = help(&["--help"]);
    let commands = commands(&overview);
    let expected = [
        "demo", "detect", "inspect", "plan", "migrate", "run", "pause", "resume", "status", "verify",
        "rollback", "report", "cleanup",
    ];
    assert_eq!(commands, expected);
    for command in commands {
        let said = help(&["help", &command]);
        assert!(said.contains(&format!("Usage: whimbrel {command}")), "{said}");
    }
}

//! Claims about `docs/whimbrel.schema.json`: it allows what the settings take, and nothing else.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use whimbrel_core::CODES;

use super::{DEFAULT_FILE, Settings};

fn schema() -> Value {
    serde_json::from_str(&read("whimbrel.schema.json")).unwrap()
}

fn read(page: &str) -> String {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    std::fs::read_to_string(docs.join(page)).unwrap()
}

/// The names in backticks of the message about a key or a word that does not exist: all that could stand there, besides it.
fn expected(text: &str) -> BTreeSet<String> {
    let error = toml::from_str::<Settings>(text).unwrap_err();
    let (_, names) = error.message().split_once("expected").unwrap();
    names.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn keys(schema: &Value, pointer: &str) -> BTreeSet<String> {
    let properties = schema.pointer(&format!("{pointer}/properties"));
    let properties = properties.and_then(Value::as_object).unwrap();
    properties.keys().cloned().collect()
}

#[test]
fn the_schema_has_every_key_and_no_other() {
    let schema = schema();
    for (pointer, text) in [
        ("", "nothing = 1"),
        ("/$defs/database", "[database.a]\nnothing = 1"),
        ("/properties/tables", "[tables]\nnothing = 1"),
        ("/properties/policies", "[policies]\nnothing = 1"),
        ("/properties/rollback", "[rollback]\nnothing = 1"),
        ("/properties/limits", "[limits]\nnothing = 1"),
        ("/$defs/validation", "[[validation]]\nnothing = 1"),
        ("/properties/masking", "[masking]\nnothing = 1"),
        ("/$defs/source", "[[source]]\nnothing = 1"),
        ("/$defs/table", "[[table]]\nnothing = 1"),
        ("/$defs/wave", "[[wave]]\nnothing = 1"),
    ] {
        assert_eq!(keys(&schema, pointer), expected(text), "{text}");
    }
}

#[test]
fn the_schema_has_every_word_and_no_other() {
    let schema = schema();
    for (pointer, text) in [
        (
            "/properties/policies/properties/on_reject",
            "[policies]\non_reject = \"nothing\"",
        ),
        ("/$defs/place", "[rollback]\nuser_interrupt = \"nothing\""),
        (
            "/$defs/validation/properties/when",
            "[[validation]]\nname = \"a\"\nwhen = \"nothing\"",
        ),
    ] {
        let words = schema
            .pointer(&format!("{pointer}/enum"))
            .and_then(Value::as_array)
            .unwrap();
        let words: BTreeSet<String> = words
            .iter()
            .map(|word| word.as_str().unwrap().to_owned())
            .collect();
        assert_eq!(words, expected(text), "{text}");
    }
}

#[test]
fn the_schema_knows_every_finding_code() {
    let codes: Vec<&str> = CODES.iter().map(|code| code.code).collect();
    let pattern = schema()["properties"]["decisions"]["propertyNames"]["pattern"].clone();
    assert_eq!(pattern, format!("^({})(:.*)?$", codes.join("|")));
}

#[test]
fn what_the_documentation_shows_is_read() {
    let page = read("src/configuration.md");
    let (_, rest) = page.split_once("```toml\n").unwrap();
    let (sample, _) = rest.split_once("```").unwrap();
    let settings = Settings::parse(sample, DEFAULT_FILE).unwrap();
    assert_eq!(settings.decisions().len(), 3);
    let sections = sample
        .lines()
        .filter_map(|line| Some(line.strip_prefix('[')?.trim_start_matches('[')));
    let shown: BTreeSet<String> = sections
        .filter_map(|line| line.split([']', '.']).next())
        .map(str::to_owned)
        .collect();
    assert_eq!(shown, keys(&schema(), ""), "every section is shown");
}

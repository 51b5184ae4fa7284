//! What each kind of manifest requires, read from the tables and calls in which dependencies stand and from nothing else. Lines come in lower
//! case and without comments.

use super::Line;

/// A library that a manifest requires.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Required {
    pub(super) line: usize,
    pub(super) name: String,
    /// Parts of it that are chosen, told apart from the library itself.
    pub(super) features: Vec<String>,
    /// False for what only something else needs, or what the user of a library may choose.
    pub(super) is_choice: bool,
}

impl Required {
    fn new(line: usize, name: &str) -> Self {
        Self {
            line,
            name: name.to_owned(),
            features: Vec::new(),
            is_choice: true,
        }
    }
}

pub(super) fn package_json(lines: &[Line]) -> Vec<Required> {
    let choices = ["dependencies", "devdependencies", "optionaldependencies"];
    let mut required = keys_of_json(lines, &choices);
    let offered = keys_of_json(lines, &["peerdependencies"]);
    required.extend(offered.into_iter().map(|each| Required {
        is_choice: false,
        ..each
    }));
    required
}

pub(super) fn deno(lines: &[Line]) -> Vec<Required> {
    keys_of_json(lines, &["imports"])
}

pub(super) fn composer(lines: &[Line]) -> Vec<Required> {
    keys_of_json(lines, &["require", "require-dev"])
}

/// Keys of such tables that are read; no project of people has as many.
const KEYS_MAX: usize = 2_000;

/// Returns the keys of the tables of these names in the outermost object.
fn keys_of_json(lines: &[Line], tables: &[&str]) -> Vec<Required> {
    let mut found = Vec::new();
    let (mut above, mut key, mut text) = (Vec::new(), String::new(), String::new());
    for (at, line) in lines {
        if found.len() >= KEYS_MAX {
            break;
        }
        let mut letters = line.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '"' => {
                    text.clear();
                    while let Some(letter) = letters.next().filter(|letter| *letter != '"') {
                        let is_escape = letter == '\\';
                        text.extend(if is_escape { letters.next() } else { Some(letter) });
                    }
                }
                ':' => {
                    key = std::mem::take(&mut text);
                    if let [_, table] = above.as_slice()
                        && tables.contains(&String::as_str(table))
                    {
                        found.push(Required::new(*at, &key));
                    }
                }
                '{' | '[' => above.push(std::mem::take(&mut key)),
                '}' | ']' => above.truncate(above.len().saturating_sub(1)),
                _ => {}
            }
        }
    }
    found
}

/// A line of TOML: the heading above it, its key, and what of the value stands in it.
struct Setting<'a> {
    line: usize,
    table: &'a str,
    /// Empty in the line of the heading.
    key: &'a str,
    value: &'a str,
}

fn toml(lines: &[Line]) -> Vec<Setting<'_>> {
    let mut settings = Vec::new();
    let (mut table, mut key, mut open) = ("", "", 0);
    for (at, line) in lines {
        let code = without_comment(line).trim();
        let mut value = code;
        if open == 0 {
            if code.starts_with('[') {
                table = code.trim_start_matches('[').trim_end_matches(']').trim();
                (key, value) = ("", "");
            } else if let Some((before, after)) = code.split_once('=') {
                (key, value) = (before.trim(), after.trim());
            }
        }
        open = (open + brackets(value)).max(0);
        settings.push(Setting {
            line: *at,
            table,
            key,
            value,
        });
    }
    settings
}

/// Returns a line up to the first `#` outside of texts.
fn without_comment(line: &str) -> &str {
    let mut quote = None;
    let end = line.find(|letter: char| {
        match quote {
            Some(open) if letter == open => quote = None,
            None if letter == '"' || letter == '\'' => quote = Some(letter),
            Some(_) | None => {}
        }
        quote.is_none() && letter == '#'
    });
    &line[..end.unwrap_or(line.len())]
}

/// Returns how many more brackets a text opens than it closes, texts within it apart.
fn brackets(text: &str) -> i32 {
    let outside = text.split(['"', '\'']).step_by(2);
    let letters = outside.flat_map(str::chars);
    letters
        .map(|letter| match letter {
            '[' | '{' | '(' => 1,
            ']' | '}' | ')' => -1,
            _ => 0,
        })
        .sum()
}

/// Returns the texts between quotes.
fn texts(text: &str) -> impl Iterator<Item = &str> {
    text.split(['"', '\'']).skip(1).step_by(2)
}

pub(super) fn cargo(lines: &[Line]) -> Vec<Required> {
    let mut found: Vec<Required> = Vec::new();
    for setting in toml(lines) {
        let is_table = |name: &str| name.ends_with("dependencies");
        let above = setting.table.rsplit_once('.');
        let name = if is_table(setting.table) && !setting.key.is_empty() {
            setting.key.split('.').next().unwrap_or_default()
        } else if let Some((_, name)) = above.filter(|(above, _)| is_table(above)) {
            name
        } else {
            continue;
        };
        let name = name.trim_matches(['"', '\'']);
        // Features may stand in lines of their own.
        if found.last().is_none_or(|last| last.name != name) {
            found.push(Required::new(setting.line, name));
        }
        let features: Vec<String> = texts(setting.value).map(str::to_owned).collect();
        if !features.is_empty() {
            found.push(Required {
                features,
                ..Required::new(setting.line, name)
            });
        }
    }
    found
}

pub(super) fn pyproject(lines: &[Line]) -> Vec<Required> {
    let settings = toml(lines);
    let found = settings.iter().flat_map(
        |Setting {
             line,
             table,
             key,
             value,
         }| {
            if table.starts_with("tool.poetry") && table.ends_with("dependencies") && !key.is_empty() {
                return vec![package(*line, key)];
            }
            let poetry = table
                .strip_prefix("tool.poetry.dependencies.")
                .filter(|_| key.is_empty());
            if let Some(name) = poetry {
                return vec![package(*line, name)];
            }
            let is_list = match *table {
                "project" => *key == "dependencies" || key.starts_with("optional-dependencies"),
                "project.optional-dependencies" | "dependency-groups" | "tool.pdm.dev-dependencies" => true,
                "tool.uv" => *key == "dev-dependencies",
                _ => table.starts_with("tool.hatch.envs") && key.ends_with("dependencies"),
            };
            let names = texts(value).filter(|_| is_list);
            names.map(|name| package(*line, name)).collect()
        },
    );
    found.collect()
}

pub(super) fn pipfile(lines: &[Line]) -> Vec<Required> {
    let settings = toml(lines).into_iter();
    let packages = settings.filter(|setting| ["packages", "dev-packages"].contains(&setting.table));
    packages
        .map(|setting| package(setting.line, setting.key))
        .collect()
}

pub(super) fn setup_cfg(lines: &[Line]) -> Vec<Required> {
    let mut found = Vec::new();
    let (mut section, mut option) = ("", "");
    for (at, line) in lines {
        let mut value = line.as_str();
        if line.starts_with('[') {
            (section, option, value) = (line.trim(), "", "");
        } else if let Some((key, after)) = line.split_once('=').filter(|_| !line.starts_with([' ', '\t'])) {
            (option, value) = (key.trim(), after);
        }
        let is_list = section == "[options.extras_require]"
            || section == "[options]" && option.ends_with("_require")
            || option == "install_requires";
        let names = value.split(';').next().unwrap_or_default().split(',');
        found.extend(names.filter(|_| is_list).map(|name| package(*at, name)));
    }
    found
}

/// Reads a program: the texts in what is named as requirements.
pub(super) fn setup_py(lines: &[Line]) -> Vec<Required> {
    let mut found = Vec::new();
    let (mut is_list, mut open) = (false, 0);
    for (at, line) in lines {
        let mut value = line.as_str();
        if open <= 0
            && let Some((key, after)) = line.split_once(['=', ':'])
        {
            is_list = ["require", "dependencies", "deps"]
                .iter()
                .any(|word| key.contains(word));
            (value, open) = (after, 0);
        }
        if is_list {
            open += brackets(value);
            found.extend(texts(value).map(|name| package(*at, name)));
        }
    }
    found
}

pub(super) fn requirements(lines: &[Line]) -> Vec<Required> {
    let lines = lines.iter().filter(|(_, line)| !line.starts_with('-'));
    lines.map(|(at, line)| package(*at, line)).collect()
}

/// Returns the package that a requirement of Python begins with: `psycopg[binary]>=3.1`.
fn package(line: usize, text: &str) -> Required {
    let text = text.trim_matches([' ', '\t', '"', '\'']).replace('_', "-");
    let end = text.find(|letter: char| !(letter.is_alphanumeric() || letter == '-' || letter == '.'));
    Required::new(line, &text[..end.unwrap_or(text.len())])
}

pub(super) fn gems(lines: &[Line]) -> Vec<Required> {
    let found = lines.iter().filter_map(|(at, line)| {
        let calls = [
            "add_dependency",
            "add_runtime_dependency",
            "add_development_dependency",
        ];
        let of_list = line
            .trim()
            .strip_prefix("gem")
            .filter(|rest| rest.starts_with([' ', '(']));
        let of_library = || calls.iter().find_map(|call| Some(line.split_once(call)?.1));
        Some(Required::new(*at, texts(of_list.or_else(of_library)?).next()?))
    });
    found.collect()
}

pub(super) fn go(lines: &[Line]) -> Vec<Required> {
    let mut found = Vec::new();
    let mut is_list = false;
    for (at, line) in lines {
        let mut words = line.split_whitespace().peekable();
        let is_alone = words.next_if_eq(&"require").is_some();
        match words.peek() {
            Some(&"(") => is_list = is_alone,
            Some(&")") => is_list = false,
            Some(name) if is_alone || is_list => found.push(Required {
                is_choice: !line.trim_end().ends_with("// indirect"),
                ..Required::new(*at, name)
            }),
            Some(_) | None => {}
        }
    }
    found
}

pub(super) fn maven(lines: &[Line]) -> Vec<Required> {
    let mut found = Vec::new();
    let mut is_excluded = false;
    for (at, line) in lines {
        is_excluded |= line.contains("<exclusion");
        for element in ["<groupid>", "<artifactid>"].iter().filter(|_| !is_excluded) {
            let names = line.split(element).skip(1);
            let names = names.map(|rest| rest.split('<').next().unwrap_or_default().trim());
            found.extend(names.map(|name| Required::new(*at, name)));
        }
        is_excluded &= !line.contains("</exclusions>");
    }
    found
}

pub(super) fn gradle(lines: &[Line]) -> Vec<Required> {
    let others = ["exclude", "description", "//"];
    let lines = lines
        .iter()
        .filter(|(_, line)| !others.iter().any(|word| line.trim_start().starts_with(word)));
    let names = lines.flat_map(|(at, line)| coordinates(line).map(|name| Required::new(*at, name)));
    names.collect()
}

pub(super) fn catalog(lines: &[Line]) -> Vec<Required> {
    let settings = toml(lines);
    let libraries = settings
        .iter()
        .filter(|setting| ["libraries", "plugins"].contains(&setting.table));
    let names = libraries
        .flat_map(|setting| coordinates(setting.value).map(|name| Required::new(setting.line, name)));
    names.collect()
}

/// Returns the texts that may name a library; a sentence is none.
fn coordinates(text: &str) -> impl Iterator<Item = &str> {
    texts(text).filter(|text| !text.contains(char::is_whitespace))
}

pub(super) fn clojure(lines: &[Line]) -> Vec<Required> {
    let names = lines.iter().flat_map(|(at, line)| {
        let outside = line.split('"').step_by(2);
        let words = outside
            .flat_map(|text| text.split(|letter: char| letter.is_whitespace() || "[](){}".contains(letter)));
        words
            .filter(|word| word.contains(['/', '.']))
            .map(|word| Required::new(*at, word))
    });
    names.collect()
}

pub(super) fn mix(lines: &[Line]) -> Vec<Required> {
    let names = lines.iter().flat_map(|(at, line)| {
        let tuples = line.split("{:").skip(1);
        let names = tuples.filter_map(|tuple| Some(tuple.split_once(',')?.0));
        names.map(|name| Required::new(*at, name))
    });
    names.collect()
}

pub(super) fn nuget(lines: &[Line]) -> Vec<Required> {
    let elements = ["<packagereference ", "<packageversion ", "<package "];
    let names = lines.iter().filter_map(|(at, line)| {
        let attributes = elements
            .iter()
            .find_map(|element| Some(line.split_once(element)?.1))?;
        let name = ["include=", "update=", "id="]
            .iter()
            .find_map(|key| Some(attributes.split_once(key)?.1))?;
        Some(Required::new(*at, texts(name).next()?))
    });
    names.collect()
}

//! Values that stand on another line than the name which says that they are secret: a block of YAML, the next line of JSON, the value
//! behind or before a name. A password may look like a URL, so that such a value is taken out before any detector reads the line.

use whimbrel_core::is_secret;

use super::continued::{QUOTES, open_quote};

/// Keys whose value is the name of what stands beside.
const NAMES: [&str; 6] = [
    "name",
    "key",
    "variable",
    "parametername",
    "parameterkey",
    "param-name",
];
/// What every such key holds a part of, however it is written; most lines are passed over so.
const NAME_PARTS: [&str; 5] = ["ame", "AME", "ey", "EY", "ariable"];
/// Keys of what stands beside.
const VALUES: [&str; 6] = [
    "value",
    "default",
    "defaultvalue",
    "parametervalue",
    "values",
    "param-value",
];
/// Lines between a name and its value.
const BETWEEN_MAX: usize = 8;
/// Lines of one text between quotes, and of a value that stands above its name.
const LINES_OF_TEXT_MAX: usize = 64;
/// Values of one line that are looked at for one that goes on in the next.
const VALUES_MAX: usize = 100;
/// Letters of a name.
const NAME_LETTERS_MAX: usize = 120;

/// What the lines before say about the next one.
#[derive(Debug, Clone, Copy)]
enum Awaited {
    Nothing,
    Scalar(Scalar),
    /// The value that belongs to a name, within so many lines.
    Value {
        left: usize,
    },
}

/// A value with more blanks before it than this, or in the next line.
#[derive(Debug, Clone, Copy)]
struct Scalar {
    indent: usize,
    is_block: bool,
    is_next: bool,
    /// There may be several lines that are not deeper: a list, a text between marks.
    has_more: bool,
}

/// Takes the values of secrets out of the lines; their number stays.
pub(super) fn withhold(lines: &mut [String]) {
    let mut awaited = Awaited::Nothing;
    for at in 0..lines.len() {
        if may_be_open(&lines[at]) {
            withhold_text(lines, at);
        }
        if NAME_PARTS.iter().any(|part| lines[at].contains(part)) {
            withhold_before_name(lines, at);
        }
        awaited = match awaited {
            Awaited::Nothing => opened(&lines[at]),
            Awaited::Scalar(scalar) => scalar.withhold(&mut lines[at]),
            Awaited::Value { left } => withhold_behind_name(&mut lines[at], left),
        };
    }
}

/// Tells whether a text may begin in a line that does not end there; most lines are passed over so.
fn may_be_open(line: &str) -> bool {
    let is_odd = |quote: &char| line.contains(*quote) && line.matches(*quote).count() % 2 == 1;
    QUOTES.iter().any(is_odd) || line.contains('\\')
}

/// Takes out a text between quotes that begins behind the name of a secret and goes on in the next lines.
fn withhold_text(lines: &mut [String], at: usize) {
    let line = &lines[at];
    let values = line
        .match_indices(['=', ':'])
        .map(|(sign, _)| line[sign + 1..].trim_start());
    let mut values = values.filter(|value| value.starts_with(QUOTES)).take(VALUES_MAX);
    let opened = values.find_map(|value| {
        let start = line.len() - value.len();
        let quote = open_quote(value).filter(|_| is_secret(&line[..start]))?;
        Some((start, quote))
    });
    let Some((start, quote)) = opened else {
        return;
    };
    lines[at].truncate(start);
    for line in lines[at + 1..].iter_mut().take(LINES_OF_TEXT_MAX) {
        let is_end = line.contains(quote);
        line.clear();
        if is_end {
            break;
        }
    }
}

/// Takes out the value before a name which says that it is secret, in the same line or in those above.
fn withhold_before_name(lines: &mut [String], at: usize) {
    let mut end = lines[at].len();
    for name in secret_names(&lines[at]).into_iter().rev() {
        if name > end {
            continue;
        }
        let line = &mut lines[at];
        let item = start_of_item(&line[..name]);
        let value = keys(&line[..name]).find(|(key, _, start)| is_value(key) && Some(*start) > item);
        if let Some((_, _, start)) = value {
            line.replace_range(start..name, "");
            end = start;
        } else if item.is_none() && !line.trim_start().starts_with("- ") {
            withhold_above(lines, at);
        }
    }
}

/// Takes out the value in the lines above a name that belongs to the same item of a list.
fn withhold_above(lines: &mut [String], name: usize) {
    for at in (name.saturating_sub(LINES_OF_TEXT_MAX)..name).rev() {
        let key = entry(&lines[at]);
        if let Some((_, _, start)) = key.as_ref().filter(|(key, ..)| is_value(key)) {
            let start = *start;
            lines[at].truncate(start);
            return lines[at + 1..name].iter_mut().for_each(String::clear);
        }
        let text = lines[at].trim();
        if key.is_some_and(|(key, ..)| is_name(&key))
            || text.starts_with(['-', '}', ']'])
            || text.ends_with(['{', '['])
        {
            return;
        }
    }
}

/// Returns where in a line the names of secrets start that are values of keys.
fn secret_names(line: &str) -> Vec<usize> {
    let names = keys(line).filter(|(key, value, _)| is_name(key) && is_secret(first_value(value)));
    let mut starts: Vec<usize> = names.map(|(_, _, start)| start).collect();
    starts.dedup();
    starts
}

/// Returns the first of several values in a line, of which more may follow than a name has letters.
fn first_value(text: &str) -> &str {
    let end = text
        .char_indices()
        .nth(NAME_LETTERS_MAX)
        .map_or(text.len(), |(end, _)| end);
    text[..end].split([',', '}', '<']).next().unwrap_or_default()
}

/// Returns the keys of a line, such as those of an object in one line, each with what follows and where that starts.
fn keys(line: &str) -> impl Iterator<Item = (String, &str, usize)> {
    let starts = line.match_indices(['{', ',', '<']).map(|(at, _)| at);
    std::iter::once(0).chain(starts).filter_map(|at| {
        let (key, value, start) = entry(&line[at..])?;
        Some((key, value, at + start))
    })
}

/// Returns where in a line the last item starts; a password may hold the same sign elsewhere.
fn start_of_item(line: &str) -> Option<usize> {
    let mut starts = line.match_indices('{').map(|(at, _)| at);
    starts.rfind(|at| {
        let before = line[..*at].trim_end();
        let item = before.strip_suffix(',').map(str::trim_end);
        before.is_empty()
            || before.ends_with(['[', ':', '=', '-'])
            || item.is_some_and(|item| item.ends_with('}'))
    })
}

/// Reads a line behind a name that says that its value is secret.
fn withhold_behind_name(line: &mut String, left: usize) -> Awaited {
    match (entry(line), opened(line)) {
        (Some((key, _, start)), _) if is_value(&key) => {
            // The value may stand in, or go on in, lines of its own.
            let (value, has_more) = without_start_of_text(line[start..].trim());
            let is_next = !value.contains(char::is_alphanumeric);
            line.truncate(start);
            Awaited::Scalar(Scalar {
                indent: indent_of(line),
                is_block: false,
                is_next,
                has_more,
            })
        }
        (Some((key, ..)), next) if is_name(&key) => next,
        (_, Awaited::Nothing) if left > 0 => Awaited::Value { left: left - 1 },
        (_, next) => next,
    }
}

impl Scalar {
    /// Reads a line that may be a part of the value.
    fn withhold(self, line: &mut String) -> Awaited {
        if line.trim().is_empty() {
            return Awaited::Scalar(self);
        }
        // The items of a list may stand as deep as its key.
        let is_item = line.trim_start().starts_with("- ") && indent_of(line) == self.indent;
        let is_deeper = indent_of(line) > self.indent || !self.is_block && is_item;
        let is_value = is_deeper && self.is_block
            || !self.is_block && (is_deeper || self.is_next) && entry(line).is_none();
        if is_value {
            line.clear();
            return Awaited::Scalar(Self {
                is_next: self.has_more,
                ..self
            });
        }
        match opened(line) {
            // Behind a pair of the list another item may be a value alone.
            Awaited::Nothing if is_deeper => Awaited::Scalar(self),
            next @ (Awaited::Nothing | Awaited::Scalar(_) | Awaited::Value { .. }) => next,
        }
    }
}

fn is_name(key: &str) -> bool {
    NAMES.contains(&key)
}

fn is_value(key: &str) -> bool {
    VALUES.contains(&key)
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Returns what a line says about the next one.
fn opened(line: &str) -> Awaited {
    if let Some((key, value, _)) = entry(line)
        && is_name(&key)
        && is_secret(value)
    {
        return Awaited::Value { left: BETWEEN_MAX };
    }
    let text = line.trim();
    let (text, is_text) = without_start_of_text(text);
    let bare =
        text.trim_end_matches(|letter: char| "|>+-\\([\"'` ".contains(letter) || letter.is_ascii_digit());
    let is_element =
        text.starts_with('<') && text.ends_with('>') && !text.ends_with("/>") && !text.contains("</");
    if !(bare.ends_with([':', '=']) || is_element) || !is_secret(text) {
        return Awaited::Nothing;
    }
    let end = &text[bare.len()..];
    let is_block = bare.ends_with(':') && end.contains(['|', '>']);
    Awaited::Scalar(Scalar {
        indent: indent_of(line),
        is_block,
        is_next: !is_block,
        has_more: is_text || end.contains(['[', '(']) || end.ends_with("\"\"\"") || end.ends_with("'''"),
    })
}

/// Returns a line without the mark at its end that a text begins in the next one, and whether there is one: `<<EOT`, `<![CDATA[`.
fn without_start_of_text(line: &str) -> (&str, bool) {
    if let Some(before) = line.strip_suffix("<![CDATA[") {
        return (before, true);
    }
    match line.rsplit_once("<<") {
        Some((before, word)) if !word.contains(char::is_whitespace) => (before.trim_end(), true),
        _ => (line, false),
    }
}

/// Returns the key of a line in lower case, its value, and where the value starts; none where the line is a value alone, such as a URL.
fn entry(line: &str) -> Option<(String, &str, usize)> {
    let text = line.trim_start_matches(|letter: char| letter.is_whitespace() || "-{[,\"'<".contains(letter));
    let is_part = |letter: char| letter.is_alphanumeric() || "_.-".contains(letter);
    let end = text.find(|letter| !is_part(letter))?;
    let key = text[..end].to_ascii_lowercase();
    let rest = text[end..].trim_start_matches(['"', '\'']);
    let is_quoted = rest.len() < text.len() - end;
    let value = match rest
        .strip_prefix(['=', '>'])
        .or_else(|| rest.trim_start().strip_prefix([':', '=']))
    {
        Some(value) => value,
        // `variable "db_password" {`
        None if key == "variable" => rest,
        None => return None,
    };
    // Behind the colon of a URL no blank follows.
    let is_open = value.is_empty()
        || value.starts_with(|letter: char| letter.is_whitespace() || "\"'[{".contains(letter));
    let is_colon = line[..line.len() - value.len()].ends_with(':');
    (end > 0 && (is_open || is_quoted || !is_colon)).then(|| (key, value, line.len() - value.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_on_another_line_than_its_name_is_taken_out() {
        for text in [
            "password: |\n  mysql://zq\n\n  zq: 1\nhost: x",
            "db:\n  password:\n    mysql://zq\n  host: x",
            "\"password\":\n\"mysql://zq\",\n\"host\": 1",
            "'password' =>\n  'mysql://zq',\n'host' => 1",
            "<password>\nmysql://zq\n</password>\n<host>",
            "- name: DB_PASSWORD\n  value: mysql://zq\n- host: 1",
            "{\"name\": \"DB_PASSWORD\",\n\"value\": \"mysql://zq\"}\nhost: 1",
            "variable \"db_password\" {\n  type = string\n  default = \"mysql://zq\"\n}\nhost = 1",
            "- name: DB_PASSWORD\n  value: >-\n    mysql://zq\n- host: 1",
            "<param-name>db.password</param-name>\n<param-value>mysql://zq</param-value>\n<host>",
            "DB_PASSWORD=\\\nmysql://zq\nhost=1",
            "db_password = <<EOT\nmysql://zq\npostgres://zq\nEOT\nhost = 1",
            "variable \"db_password\" {\ndefault = <<EOT\nmysql://zq\nEOT\nhost = 1",
            "<password><![CDATA[\nmysql://zq\n]]></password>\n<host>x</host>",
            "\"tokens\": [\n\"mysql://zq\",\n\"mysql://zq\"\n],\n\"host\": 1",
            "credentials:\n- mysql:zq\n- postgres:zq\nhost: x",
            "credentials:\n  - name: x\n  - postgres:zq\n  - mysql:zq\nhost: x",
            "- value: mysql://zq\n  name: DB_PASSWORD\n- host: 1",
            "- value: >-\n    mysql://zq\n    sqlite:zq\n  name: DB_PASSWORD\n- host: 1",
            "{\n\"value\": \"mysql://zq\",\n\"type\": 1,\n\"name\": \"DB_PASSWORD\"\n},\nhost: 1",
            "[{ \"value\": \"mysql://z{zq\", \"name\": \"DB_PASSWORD\" }, {\"host\": 1}]",
            "a = [{ value = \"mysql://zq, name = password\", name = \"DB_PASSWORD\" }, { host = 1 }]",
            "<param-value>mysql://zq</param-value>\n<param-name>db.password</param-name>\n<host>",
            "DB_PASSWORD=\"1\nmysql://zq\nA=mysql://zq\"\nhost=1",
            "DB_PASSWORD=\"1: 'x\nit's mysql://zq\nA=mysql://zq\"\nhost=1",
            "const password = `1\nmysql://zq\n`;\nhost = 1",
            "password = \"\"\"\nmysql://zq\nmysql://zq\n\"\"\"\nhost = 1",
        ] {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            let count = lines.len();
            withhold(&mut lines);
            let told = lines.join("\n");
            assert!(!told.contains("zq"), "{text}\n{told}");
            assert!(told.contains("host"), "{text}\n{told}");
            assert_eq!(lines.len(), count);
        }
    }

    #[test]
    fn what_stands_beside_a_secret_stays() {
        for text in [
            "password:\nurl: mysql://db/shop",
            "credentials:\n  url: mysql://db/shop",
            "- name: DB_PASSWORD\n  value: x\n- name: URL\n  value: mysql://db/shop",
            "kind: Secret\nurl: mysql://db/shop",
            "- value: mysql://db/shop\n  name: URL\n- value: x\n  name: DB_PASSWORD",
            "- name: URL\n  value: mysql://db/shop\n- name: DB_PASSWORD\n  value: x",
            "[{\"name\": \"URL\", \"value\": \"mysql://db/shop\"}, {\"name\": \"DB_PASSWORD\", \"value\": \"x\"}]",
            "{\"value\": \"mysql://db/shop\", \"name\": \"URL\"}, {\"value\": \"x\", \"name\": \"DB_PASSWORD\"}",
            "password = \"x\"\nurl = \"mysql://db/shop\"",
        ] {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            withhold(&mut lines);
            assert!(lines.join("\n").contains("mysql://db/shop"), "{lines:?}");
        }
    }
}

//! Values that stand on another line than the name which says that they are secret: a block of YAML, the next line of JSON, the value
//! behind a name. A password may look like a URL, so that such a value is taken out before any detector reads the line.

use whimbrel_core::is_secret;

/// Keys whose value is the name of what stands beside.
const NAMES: [&str; 6] = [
    "name",
    "key",
    "variable",
    "parametername",
    "parameterkey",
    "param-name",
];
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

/// What the lines before say about the next one.
#[derive(Debug, Clone, Copy)]
enum Awaited {
    Nothing,
    /// A value with more blanks before it than this, or in the next line.
    Scalar {
        indent: usize,
        is_block: bool,
        is_next: bool,
        /// There may be several lines that are not deeper: a list, a text between marks.
        has_more: bool,
    },
    /// The value that belongs to a name, within so many lines.
    Value {
        left: usize,
    },
}

/// Takes the values of secrets out of the lines; their number stays.
pub(super) fn withhold(lines: &mut [String]) {
    let mut awaited = Awaited::Nothing;
    for line in lines {
        awaited = match awaited {
            Awaited::Scalar { .. } if line.trim().is_empty() => awaited,
            Awaited::Scalar {
                indent,
                is_block,
                is_next,
                has_more,
            } => {
                // The items of a list may stand as deep as its key.
                let is_item = line.trim_start().starts_with("- ") && indent_of(line) == indent;
                let is_deeper = indent_of(line) > indent || !is_block && is_item;
                let is_value = if is_block {
                    is_deeper
                } else {
                    (is_deeper || is_next) && entry(line).is_none()
                };
                if is_value {
                    line.clear();
                    Awaited::Scalar {
                        indent,
                        is_block,
                        is_next: has_more,
                        has_more,
                    }
                } else {
                    match opened(line) {
                        // Behind a pair of the list another item may be a value alone.
                        Awaited::Nothing if is_deeper => awaited,
                        next @ (Awaited::Nothing | Awaited::Scalar { .. } | Awaited::Value { .. }) => next,
                    }
                }
            }
            Awaited::Value { left } => match (entry(line), opened(line)) {
                (Some((key, _, start)), _) if VALUES.contains(&key.as_str()) => {
                    // The value may stand in, or go on in, lines of its own.
                    let (value, has_more) = without_start_of_text(line[start..].trim());
                    let is_next = !value.contains(char::is_alphanumeric);
                    line.truncate(start);
                    Awaited::Scalar {
                        indent: indent_of(line),
                        is_block: false,
                        is_next,
                        has_more,
                    }
                }
                (Some((key, ..)), next) if NAMES.contains(&key.as_str()) => next,
                (_, Awaited::Nothing) if left > 0 => Awaited::Value { left: left - 1 },
                (_, next) => next,
            },
            Awaited::Nothing => opened(line),
        };
    }
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Returns what a line says about the next one.
fn opened(line: &str) -> Awaited {
    if let Some((key, value, _)) = entry(line)
        && NAMES.contains(&key.as_str())
        && is_secret(value)
    {
        return Awaited::Value { left: BETWEEN_MAX };
    }
    let text = line.trim();
    let (text, is_text) = without_start_of_text(text);
    let bare =
        text.trim_end_matches(|letter: char| "|>+-\\([\"'` ".contains(letter) || letter.is_ascii_digit());
    let is_element = text.starts_with('<') && text.ends_with('>') && !text.contains("</");
    if !(bare.ends_with([':', '=']) || is_element) || !is_secret(text) {
        return Awaited::Nothing;
    }
    let end = &text[bare.len()..];
    let is_block = bare.ends_with(':') && end.contains(['|', '>']);
    Awaited::Scalar {
        indent: indent_of(line),
        is_block,
        is_next: !is_block,
        has_more: is_text || end.contains(['[', '(']) || end.ends_with("\"\"\"") || end.ends_with("'''"),
    }
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
        ] {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            withhold(&mut lines);
            assert!(lines.join("\n").contains("mysql://db/shop"), "{lines:?}");
        }
    }
}

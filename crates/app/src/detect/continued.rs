//! Lines that go on in the next one. They are joined before any detector reads them, so that a password over two lines is seen as the one
//! password that it is; the lines that were taken stay as empty ones, and every other keeps its number.

/// Lines behind a URL in which the rest of it is looked for.
const LINES_OF_URL_MAX: usize = 3;
/// Signs between which a text stands.
pub(super) const QUOTES: [char; 3] = ['"', '\'', '`'];
/// Lines of one text between quotes.
const LINES_OF_TEXT_MAX: usize = 64;

/// Joins what any file may hold: lines that end in a backslash, and URLs whose login ends in a later line.
pub(super) fn join(lines: &mut [String]) {
    let mut at = 0;
    while at < lines.len() {
        let mut end = at;
        while end + 1 < lines.len() && is_escaped(&lines[end]) {
            end += 1;
        }
        for line in &mut lines[at..end] {
            line.pop();
        }
        take(lines, at, end, "");
        if let Some(end) = end_of_url(lines, end).filter(|_| lines[at].contains("//")) {
            take(lines, at, end, "\n");
        }
        at = end + 1;
    }
}

/// Joins what only files of variables hold: values between quotes that end in a later line.
pub(super) fn join_quoted(lines: &mut [String]) {
    for at in 0..lines.len() {
        let line = lines[at].trim_start();
        let value = line.split_once('=').map(|(_, value)| value.trim_start());
        let Some(end) = value.and_then(open_quote).and_then(|quote| {
            let behind = lines[at + 1..].iter().take(LINES_OF_TEXT_MAX);
            behind.enumerate().find(|(_, line)| line.contains(quote))
        }) else {
            continue;
        };
        take(lines, at, at + 1 + end.0, "\n");
    }
}

/// Returns the quote that a value begins with and does not end with.
pub(super) fn open_quote(value: &str) -> Option<char> {
    let quote = value.chars().next().filter(|first| QUOTES.contains(first))?;
    let mut letters = value[1..].chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if quote != '\'' => _ = letters.next(),
            _ if letter == quote => return None,
            _ => {}
        }
    }
    Some(quote)
}

/// Tells whether a line ends in a backslash that is not escaped itself.
fn is_escaped(line: &str) -> bool {
    line.ends_with('\\') && (line.len() - line.trim_end_matches('\\').len()) % 2 == 1
}

/// Takes the lines up to the last one into the first one.
fn take(lines: &mut [String], first: usize, last: usize, between: &str) {
    for at in first + 1..=last {
        let line = std::mem::take(&mut lines[at]);
        lines[first].push_str(between);
        lines[first].push_str(&line);
    }
}

/// Returns the line in which the login of a URL ends that a line ends with; `"postgres://ann:12/34" +` may be followed by `"56@db/shop"`.
fn end_of_url(lines: &[String], at: usize) -> Option<usize> {
    let (_, url) = lines[at].rsplit_once("//")?;
    if url.contains('@') {
        return None;
    }
    let end = url.find(|letter: char| letter.is_whitespace() || QUOTES.contains(&letter));
    let behind = &url[end.unwrap_or(url.len())..];
    // What stands behind the URL only joins it to the next text.
    if !behind.chars().all(|letter| " \t\"'`+.&()".contains(letter)) {
        return None;
    }
    let rest = lines[at + 1..].iter().take(LINES_OF_URL_MAX);
    let mut rest = rest.take_while(|line| is_value_alone(line));
    let end = rest.position(|line| line.contains('@'))?;
    Some(at + 1 + end)
}

/// Tells whether a line is a text, or the rest of one, and begins nothing of its own.
fn is_value_alone(line: &str) -> bool {
    let text = line.trim_start_matches([' ', '\t', '+', '.', '&']);
    let behind_key = match text.chars().next().filter(|first| QUOTES.contains(first)) {
        Some(quote) => text[1..].split_once(quote).map_or("", |(_, behind)| behind),
        None => text.trim_start_matches(|letter: char| letter.is_alphanumeric() || "_.-".contains(letter)),
    };
    let behind_key = behind_key.trim_start();
    let is_key = behind_key.starts_with('=') || behind_key.starts_with(':') && is_colon(behind_key);
    !is_key && !text.is_empty() && !text.starts_with(['#', '-']) && !text.contains("://")
}

/// Tells whether what follows a key is its colon: no blank follows the one between the user and the password of a URL.
fn is_colon(text: &str) -> bool {
    let behind = text[1..].chars().next();
    behind.is_none_or(|letter| letter.is_whitespace() || QUOTES.contains(&letter) || "[{".contains(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(join: fn(&mut [String]), text: &str, expected: &[&str]) {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        join(&mut lines);
        assert_eq!(lines, expected, "{text}");
    }

    #[test]
    fn a_line_that_ends_in_a_backslash_takes_the_next_ones() {
        check(join, "a\\\nb\\\nc\nd", &["abc", "", "", "d"]);
        check(join, "a\\\\\nb", &["a\\\\", "b"]);
        check(join, "a\\", &["a\\"]);
    }

    #[test]
    fn a_url_takes_the_lines_up_to_the_end_of_its_login() {
        check(
            join,
            "x = \"postgres://ann:1/2\" +\n  \"3/4\"\n  \"5=6@db/a\";\ny",
            &[
                "x = \"postgres://ann:1/2\" +\n  \"3/4\"\n  \"5=6@db/a\";",
                "",
                "",
                "y",
            ],
        );
        for text in [
            "a: postgres://db/x\nmail: ann@example.com",
            "a: postgres://db/x\n\"mail\": \"ann@example.com\"",
            "see postgres://db/x for more\nann@example.com",
            "postgres://db/x\nmysql://ann:x@db/y",
            "postgres://db/x\n- ann@example.com",
            "postgres://bob@db/x\nann@example.com",
        ] {
            let (first, second) = text.split_once('\n').unwrap();
            check(join, text, &[first, second]);
        }
    }

    #[test]
    fn a_value_between_quotes_takes_the_lines_up_to_their_end() {
        check(
            join_quoted,
            "A=\"b\nC=d\n\"\nE=f",
            &["A=\"b\nC=d\n\"", "", "", "E=f"],
        );
        check(join_quoted, "A='b\nC=d'", &["A='b\nC=d'", ""]);
        for text in [
            "A=\"b\nC=d",
            "A=\"b\"\nC=\"d\"",
            "A=it's\nB=it's",
            "A=\"\\\"\"\nB=\"c",
        ] {
            let (first, second) = text.split_once('\n').unwrap();
            check(join_quoted, text, &[first, second]);
        }
    }
}

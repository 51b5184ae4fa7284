//! The canonical form of JSON: members sorted bytewise by their key (of equal keys the last one counts), no spaces, numbers as exact
//! decimals, strings minimally escaped. Every member and element is followed by a comma.
//!
//! Most documents are written in one pass over their text; what is unusual (an escape in a string, a repeated key, deep nesting) goes through
//! the parser, whose form is the same.

use crate::canonical_decimal;
use crate::decimal::put_plain_decimal;

/// Documents nested deeper than this go through the parser, which has a limit of its own.
const DEPTH_MAX: usize = 48;

/// Writes canonical JSON, and keeps what it needs for it from document to document.
#[derive(Debug, Default)]
pub(super) struct JsonForm {
    /// The members of the objects that are open: where the key, and where the whole member, begins and ends in what was written.
    members: Vec<Member>,
    sorted: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Member {
    from: usize,
    key_end: usize,
    end: usize,
}

impl JsonForm {
    /// Appends the canonical form; returns false, and appends nothing, when the text is no JSON.
    pub(super) fn put(&mut self, text: &str, out: &mut Vec<u8>) -> bool {
        let before = out.len();
        self.members.clear();
        let mut scan = Scan {
            text: text.as_bytes(),
            at: 0,
        };
        if self.value(&mut scan, out, 0).is_some() && scan.peek().is_none() {
            return true;
        }
        out.truncate(before);
        match serde_json::from_str::<serde_json::Value>(text) {
            Ok(value) => {
                put_parsed(&value, out);
                true
            }
            Err(_) => false,
        }
    }

    /// None when the text is unusual, or no JSON.
    fn value(&mut self, scan: &mut Scan<'_>, out: &mut Vec<u8>, depth: usize) -> Option<()> {
        if depth > DEPTH_MAX {
            return None;
        }
        match scan.peek()? {
            b'{' => self.object(scan, out, depth),
            b'[' => self.array(scan, out, depth),
            b'"' => scan.string(out),
            b't' => scan.word(b"true", out),
            b'f' => scan.word(b"false", out),
            b'n' => scan.word(b"null", out),
            _ => scan.number(out),
        }
    }

    fn array(&mut self, scan: &mut Scan<'_>, out: &mut Vec<u8>, depth: usize) -> Option<()> {
        scan.at += 1;
        out.push(b'[');
        if scan.peek()? != b']' {
            loop {
                self.value(scan, out, depth + 1)?;
                out.push(b',');
                match scan.peek()? {
                    b',' => scan.at += 1,
                    b']' => break,
                    _ => return None,
                }
            }
        }
        scan.at += 1;
        out.push(b']');
        Some(())
    }

    fn object(&mut self, scan: &mut Scan<'_>, out: &mut Vec<u8>, depth: usize) -> Option<()> {
        scan.at += 1;
        out.push(b'{');
        let first = self.members.len();
        if scan.peek()? != b'}' {
            loop {
                let from = out.len();
                (scan.peek()? == b'"').then(|| scan.string(out))??;
                let key_end = out.len();
                (scan.peek()? == b':').then_some(())?;
                scan.at += 1;
                out.push(b':');
                self.value(scan, out, depth + 1)?;
                out.push(b',');
                let end = out.len();
                self.members.push(Member { from, key_end, end });
                match scan.peek()? {
                    b',' => scan.at += 1,
                    b'}' => break,
                    _ => return None,
                }
            }
        }
        scan.at += 1;
        self.sort(first, out)?;
        out.push(b'}');
        Some(())
    }

    /// Brings the members from `first` on in the order of their keys; none when a key is there twice.
    fn sort(&mut self, first: usize, out: &mut [u8]) -> Option<()> {
        // Without the closing quote, so that a key comes before one that goes on.
        let key = |member: &Member| member.from + 1..member.key_end - 1;
        let members = &mut self.members[first..];
        if !members.is_sorted_by(|a, b| out[key(a)] < out[key(b)]) {
            let from = members[0].from;
            members.sort_unstable_by(|a, b| out[key(a)].cmp(&out[key(b)]));
            let twice = |pair: &[Member]| out[key(&pair[0])] == out[key(&pair[1])];
            if members.windows(2).any(twice) {
                return None;
            }
            self.sorted.clear();
            for member in members.iter() {
                self.sorted.extend_from_slice(&out[member.from..member.end]);
            }
            out[from..].copy_from_slice(&self.sorted);
        }
        self.members.truncate(first);
        Some(())
    }
}

/// A place in a text.
struct Scan<'a> {
    text: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    /// Returns the next byte that is no space.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        while let Some(byte) = self.text.get(self.at) {
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }

    fn word(&mut self, word: &[u8], out: &mut Vec<u8>) -> Option<()> {
        self.text[self.at..].starts_with(word).then_some(())?;
        self.at += word.len();
        out.extend_from_slice(word);
        Some(())
    }

    /// A string without escapes, quotes and all.
    fn string(&mut self, out: &mut Vec<u8>) -> Option<()> {
        let rest = &self.text[self.at + 1..];
        let unusual = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
        let length = rest.iter().position(unusual)?;
        (rest[length] == b'"').then_some(())?;
        out.extend_from_slice(&self.text[self.at..self.at + length + 2]);
        self.at += length + 2;
        Some(())
    }

    /// A number as the grammar has it.
    fn number(&mut self, out: &mut Vec<u8>) -> Option<()> {
        let from = self.at;
        self.skip(|byte| byte == b'-', 1);
        match self.text.get(self.at)? {
            b'0' => self.at += 1,
            _ => self.digits()?,
        }
        if self.skip(|byte| byte == b'.', 1) {
            self.digits()?;
        }
        let plain = &self.text[from..self.at];
        if !self.skip(|byte| matches!(byte, b'e' | b'E'), 1) {
            put_plain_decimal(plain, out).then_some(())
        } else {
            self.skip(|byte| matches!(byte, b'+' | b'-'), 1);
            self.digits()?;
            let text = std::str::from_utf8(&self.text[from..self.at]).ok()?;
            out.extend_from_slice(canonical_decimal(text)?.as_bytes());
            Some(())
        }
    }

    fn digits(&mut self) -> Option<()> {
        self.skip(|byte| byte.is_ascii_digit(), usize::MAX).then_some(())
    }

    /// Skips up to `most` such bytes; tells whether there was one.
    fn skip(&mut self, is: impl Fn(u8) -> bool, most: usize) -> bool {
        let rest = &self.text[self.at..];
        let length = rest.iter().take(most).take_while(|byte| is(**byte)).count();
        self.at += length;
        length > 0
    }
}

fn put_parsed(value: &serde_json::Value, out: &mut Vec<u8>) {
    match value {
        serde_json::Value::Number(number) => {
            let digits = number.to_string();
            let canonical = canonical_decimal(&digits).unwrap_or(digits);
            out.extend_from_slice(canonical.as_bytes());
        }
        serde_json::Value::Array(values) => {
            out.push(b'[');
            for value in values {
                put_parsed(value, out);
                out.push(b',');
            }
            out.push(b']');
        }
        serde_json::Value::Object(members) => {
            out.push(b'{');
            // The parser's map is sorted, and the last of equal keys is in it.
            for (key, value) in members {
                out.extend_from_slice(serde_json::Value::from(key.as_str()).to_string().as_bytes());
                out.push(b':');
                put_parsed(value, out);
                out.push(b',');
            }
            out.push(b'}');
        }
        scalar @ (serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::String(_)) => {
            out.extend_from_slice(scalar.to_string().as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn form(text: &str) -> Option<String> {
        let mut out = Vec::new();
        JsonForm::default()
            .put(text, &mut out)
            .then(|| String::from_utf8(out).unwrap())
    }

    fn parsed(text: &str) -> Option<String> {
        let value: serde_json::Value = serde_json::from_str(text).ok()?;
        let mut out = Vec::new();
        put_parsed(&value, &mut out);
        Some(String::from_utf8(out).unwrap())
    }

    #[test]
    fn members_are_sorted_and_the_last_of_equal_keys_counts() {
        assert_eq!(
            form(r#" {"b":1.0,"a":[ ],"aa":{"y":null,"x":true}} "#).as_deref(),
            Some(r#"{"a":[],"aa":{"x":true,"y":null,},"b":1,}"#)
        );
        assert_eq!(
            form(r#"{"a":1,"b":2,"a":3}"#).as_deref(),
            Some(r#"{"a":3,"b":2,}"#)
        );
        assert_eq!(form(r#"{"a!":1,"a":2}"#).as_deref(), Some(r#"{"a":2,"a!":1,}"#));
    }

    #[test]
    fn a_spelling_is_no_difference() {
        assert_eq!(form(r#"["\u0061\/",-0.0,1e2]"#), form(r#"["a/",0,100]"#));
    }

    #[test]
    fn what_is_no_json_has_no_form() {
        for text in [
            "", "{", "[1,]", "{,}", "01", "1.", "+1", "-", "1 2", "tru", "\"a", "{\"a\"}", "nul", "\"\n\"",
            "[1}",
        ] {
            assert_eq!(form(text), None, "{text}");
        }
    }

    /// Texts of JSON, some of them broken.
    fn document() -> impl Strategy<Value = String> {
        let number = prop_oneof![
            "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,8})?([eE][+-]?[0-9]{1,3})?",
            "[0-9.eE+-]{1,6}"
        ];
        let string = prop_oneof!["\"[ -!#-\\[\\]-~é€😀]{0,6}\"", "\"[a\\\\\"u0n]{0,6}\""];
        let leaf = prop_oneof![
            number,
            string,
            Just("true".to_owned()),
            Just("null".to_owned()),
            Just("x".to_owned())
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            let member =
                ("\"[abcé]{0,2}\"", inner.clone()).prop_map(|(key, value)| format!("{key} :{value}"));
            prop_oneof![
                prop::collection::vec(inner, 0..5).prop_map(|all| format!("[{}]", all.join(" , "))),
                prop::collection::vec(member, 0..6).prop_map(|all| format!("{{{}}}", all.join(","))),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn one_pass_gives_what_the_parser_gives(text in document()) {
            prop_assert_eq!(form(&text), parsed(&text));
        }
    }
}

//! How the files of JSON are laid out: indented as far as a person follows, and below that an item a line. The plan of ten thousand
//! tables would be three times as large with a line for every value.

use std::io;

use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

/// So deep the values have lines of their own.
const DEEP: usize = 4;

/// Indents down to a depth and writes the rest in one line.
#[derive(Default)]
pub(super) struct Lines {
    pretty: PrettyFormatter<'static>,
    compact: CompactFormatter,
    depth: usize,
}

impl Lines {
    fn is_deep(&self) -> bool {
        self.depth > DEEP
    }
}

impl Formatter for Lines {
    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth += 1;
        match self.is_deep() {
            true => self.compact.begin_array(writer),
            false => self.pretty.begin_array(writer),
        }
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        let is_deep = self.is_deep();
        self.depth -= 1;
        match is_deep {
            true => self.compact.end_array(writer),
            false => self.pretty.end_array(writer),
        }
    }

    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        match self.is_deep() {
            true => self.compact.begin_array_value(writer, first),
            false => self.pretty.begin_array_value(writer, first),
        }
    }

    fn end_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        match self.is_deep() {
            true => self.compact.end_array_value(writer),
            false => self.pretty.end_array_value(writer),
        }
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth += 1;
        match self.is_deep() {
            true => self.compact.begin_object(writer),
            false => self.pretty.begin_object(writer),
        }
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        let is_deep = self.is_deep();
        self.depth -= 1;
        match is_deep {
            true => self.compact.end_object(writer),
            false => self.pretty.end_object(writer),
        }
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        match self.is_deep() {
            true => self.compact.begin_object_key(writer, first),
            false => self.pretty.begin_object_key(writer, first),
        }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        match self.is_deep() {
            true => self.compact.begin_object_value(writer),
            false => self.pretty.begin_object_value(writer),
        }
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        match self.is_deep() {
            true => self.compact.end_object_value(writer),
            false => self.pretty.end_object_value(writer),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize as _;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_lies_deep_is_one_line_and_the_same_value() {
        let value = json!({"a": [{"b": {"c": [1, {"d": [2, {}]}], "e": []}}, {}], "f": 3});
        let mut text = Vec::new();
        let mut serializer = serde_json::Serializer::with_formatter(&mut text, Lines::default());
        value.serialize(&mut serializer).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
        let wanted = [
            "{",
            "  \"a\": [",
            "    {",
            "      \"b\": {",
            "        \"c\": [1,{\"d\":[2,{}]}],",
            "        \"e\": []",
            "      }",
            "    },",
            "    {}",
            "  ],",
            "  \"f\": 3",
            "}",
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), wanted);
    }
}

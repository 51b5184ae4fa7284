//! Quotes of a CSV file that do not enclose a value: what comes after them would be read as part of it. The reader of CSV takes them in silence.

use whimbrel_core::{Error, Result};

/// Where a byte stands.
enum Place {
    /// At the beginning of a value.
    Beginning,
    /// Within a value without quotes.
    Bare,
    /// Within quotes, which were opened on the line.
    Within(usize),
    /// Behind a quote within quotes: they end here, or a second quote follows and stands for one.
    Behind(usize),
}

/// Refuses a quote that nothing closes, and text behind one that closes.
///
/// # Errors
/// `Invalid` with the line.
pub(crate) fn refuse_open_quotes(name: &str, text: &[u8]) -> Result<()> {
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
    let mut line = 1;
    let mut place = Place::Beginning;
    for byte in text {
        place = match (place, byte) {
            (Place::Beginning, b'"') => Place::Within(line),
            (Place::Within(opened), b'"') => Place::Behind(opened),
            (Place::Within(opened), _) | (Place::Behind(opened), b'"') => Place::Within(opened),
            (Place::Beginning | Place::Bare | Place::Behind(_), b',' | b'\n' | b'\r') => Place::Beginning,
            (Place::Behind(_), _) => {
                return Err(wrong(name, "has text behind a closing quote", line));
            }
            (Place::Beginning | Place::Bare, _) => Place::Bare,
        };
        line += usize::from(*byte == b'\n');
    }
    match place {
        Place::Within(opened) => Err(wrong(name, "has a quote that nothing closes", opened)),
        Place::Beginning | Place::Bare | Place::Behind(_) => Ok(()),
    }
}

fn wrong(name: &str, what: &str, line: usize) -> Error {
    Error::invalid(format!("lookup `{name}` {what}, on line {line}")).with_hint(
        "enclose the whole value in double quotes, and write a quote within it twice: \"5\"\" pipe\"",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_that_encloses_no_value_is_refused_with_its_line() {
        for (text, said) in [
            (
                "k,v\n1,x\n2,\"open\n3,y\n",
                "lookup `a` has a quote that nothing closes, on line 3",
            ),
            (
                "k,v\n1,\"x\ny\"z\n",
                "lookup `a` has text behind a closing quote, on line 3",
            ),
        ] {
            let error = refuse_open_quotes("a", text.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), said);
        }
        for text in [
            "\u{feff}\"k\",v\r\n1,\"a \"\"b\"\", c\"\r\n",
            "k,v\n1,5\" pipe\n2,\"\"\n3,\"two\nlines\"",
        ] {
            refuse_open_quotes("a", text.as_bytes()).unwrap();
        }
    }
}

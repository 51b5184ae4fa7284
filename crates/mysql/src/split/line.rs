//! Keys on a line: the values of a key's first column as numbers, so that a place between two keys can be named without a look at the rows
//! between them. The line need not be even, nor in the column's exact order: what stands at a place the server is asked.

use whimbrel_core::KeyValue;

/// Letters of a text that count, behind what both ends have in common; each is one of 128.
const LETTERS: usize = 4;

/// Bytes that count.
const BYTES: usize = 7;

/// A stretch of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    Integers,
    /// Texts that begin with this.
    Texts(String),
    /// Bytes that begin with these, in hex.
    Bytes(String),
}

impl Line {
    /// Returns the line through two values and where they stand on it; none for values that do not lie on one.
    pub(super) fn through(low: &KeyValue, high: &KeyValue) -> Option<(Self, i128, i128)> {
        let line = match (low, high) {
            (KeyValue::Integer(_), KeyValue::Integer(_)) => Self::Integers,
            (KeyValue::Text(low), KeyValue::Text(high)) => {
                let common = low
                    .chars()
                    .zip(high.chars())
                    .take_while(|(one, other)| one == other);
                Self::Texts(common.map(|(letter, _)| letter).collect())
            }
            (KeyValue::Bytes(low), KeyValue::Bytes(high)) => {
                let common = low
                    .bytes()
                    .zip(high.bytes())
                    .take_while(|(one, other)| one == other);
                // Two digits are a byte.
                Self::Bytes(low[..common.count() / 2 * 2].to_owned())
            }
            _ => return None,
        };
        let (from, to) = (line.place(low)?, line.place(high)?);
        Some((line, from, to))
    }

    fn place(&self, value: &KeyValue) -> Option<i128> {
        match (self, value) {
            (Self::Integers, KeyValue::Integer(number)) => Some(i128::from(*number)),
            (Self::Texts(prefix), KeyValue::Text(text)) => {
                let mut letters = text.strip_prefix(prefix.as_str())?.chars();
                Some((0..LETTERS).fold(0, |place, _| {
                    let letter = letters
                        .next()
                        .map_or(0, |letter| u32::from(letter.to_ascii_lowercase()));
                    place * 128 + i128::from(letter.min(127))
                }))
            }
            (Self::Bytes(prefix), KeyValue::Bytes(hex)) => {
                let rest = hex.strip_prefix(prefix.as_str())?;
                let digits: String = rest
                    .chars()
                    .chain(std::iter::repeat('0'))
                    .take(BYTES * 2)
                    .collect();
                i128::from_str_radix(&digits, 16).ok()
            }
            _ => None,
        }
    }

    /// Returns a value at the place.
    pub(super) fn value(&self, place: i128) -> Option<KeyValue> {
        Some(match self {
            Self::Integers => KeyValue::Integer(i64::try_from(place).ok()?),
            Self::Texts(prefix) => {
                let letter = |at: usize| {
                    let digit = place >> (7 * (LETTERS - 1 - at)) & 127;
                    // What cannot be printed stands before all that can.
                    u8::try_from(digit).ok().map(|code| char::from(code.max(b' ')))
                };
                let letters: Option<String> = (0..LETTERS).map(letter).collect();
                KeyValue::Text(format!("{prefix}{}", letters?.trim_end()))
            }
            Self::Bytes(prefix) => KeyValue::Bytes(format!("{prefix}{place:0width$x}", width = BYTES * 2)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn middle(low: KeyValue, high: KeyValue) -> Option<KeyValue> {
        let (line, from, to) = Line::through(&low, &high)?;
        line.value(from + (to - from) / 2)
    }

    #[test]
    fn the_middle_of_two_keys_lies_between_them() {
        let text = |text: &str| KeyValue::Text(text.to_owned());
        let bytes = |hex: &str| KeyValue::Bytes(hex.to_owned());
        for (low, high, between) in [
            (
                KeyValue::Integer(-10),
                KeyValue::Integer(30),
                KeyValue::Integer(10),
            ),
            (
                KeyValue::Integer(i64::MIN),
                KeyValue::Integer(i64::MAX),
                KeyValue::Integer(-1),
            ),
            (text("user aa"), text("user ac"), text("user ab")),
            (bytes("00"), bytes("ff"), bytes("7f800000000000")),
            (bytes("ab10"), bytes("ab30"), bytes("ab20000000000000")),
        ] {
            assert_eq!(middle(low, high), Some(between));
        }
        assert_eq!(middle(text("a"), KeyValue::Integer(1)), None);
    }
}

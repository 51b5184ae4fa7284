//! Sizes in bytes, as people write them: `512MiB`, `1GiB`, `65536`.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use whimbrel_core::Error;

use crate::refusal;

/// The units, longest first so that `MiB` is not read as `B`.
const UNITS: &[(&str, u64)] = &[
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("b", 1),
];

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct ByteSize(pub u64);

impl FromStr for ByteSize {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let lower = text.trim().to_ascii_lowercase();
        let (digits, factor) = UNITS
            .iter()
            .find_map(|(unit, factor)| Some((lower.strip_suffix(unit)?, *factor)))
            .unwrap_or((&lower, 1));
        let number = digits.trim().parse::<u64>().ok();
        number
            .and_then(|number| number.checked_mul(factor))
            .filter(|bytes| *bytes > 0)
            .map(Self)
            .ok_or_else(|| {
                refusal::usage(format!("the size is `{text}`; must be a number with a unit"))
                    .with_hint("write it as `512MiB` or `1GiB`")
            })
    }
}

impl TryFrom<String> for ByteSize {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = UNITS[..4]
            .iter()
            .rev()
            .zip(["TiB", "GiB", "MiB", "KiB"])
            .find(|((_, factor), _)| self.0.is_multiple_of(*factor));
        match whole {
            Some(((_, factor), unit)) => write!(f, "{}{unit}", self.0 / factor),
            None => write!(f, "{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_and_without_units() {
        for (text, bytes) in [
            ("512MiB", 512 << 20),
            ("1 GiB", 1 << 30),
            ("64mb", 64_000_000),
            ("65536", 65_536),
            ("10B", 10),
        ] {
            assert_eq!(text.parse::<ByteSize>().unwrap().0, bytes, "{text}");
        }
        for text in [
            "",
            "MiB",
            "-1",
            "1.5GiB",
            "0",
            "99999999999999999999",
            "17179869184GiB",
        ] {
            assert!(text.parse::<ByteSize>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_size_is_printed_as_it_can_be_read_again() {
        for text in ["512MiB", "1GiB", "64KiB", "1000"] {
            assert_eq!(text.parse::<ByteSize>().unwrap().to_string(), text);
        }
    }
}

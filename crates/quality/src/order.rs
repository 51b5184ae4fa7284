//! The smallest and the largest of what was seen, and the order of decimals that travel as text.

use std::cmp::Ordering;

/// The smallest and the largest of what was seen.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Range<T> {
    both: Option<(T, T)>,
}

impl<T: Copy + PartialOrd> Range<T> {
    /// Takes a value in.
    pub(crate) fn add(&mut self, value: T) {
        match &mut self.both {
            Some((least, most)) => {
                if value < *least {
                    *least = value;
                }
                if value > *most {
                    *most = value;
                }
            }
            None => self.both = Some((value, value)),
        }
    }

    /// Takes in all that another one has seen.
    pub(crate) fn absorb(&mut self, other: &Self) {
        if let Some((least, most)) = other.both {
            self.add(least);
            self.add(most);
        }
    }

    /// Returns both as text.
    pub(crate) fn texts(&self, show: impl Fn(T) -> String) -> (Option<String>, Option<String>) {
        match self.both {
            Some((least, most)) => (Some(show(least)), Some(show(most))),
            None => (None, None),
        }
    }
}

/// Compares two decimals as numbers; `-Infinity` is below and `Infinity` above all, `NaN` above that.
pub(crate) fn decimals(a: &str, b: &str) -> Ordering {
    rank(a).cmp(&rank(b)).then_with(|| match rank(a) {
        MINUS => magnitude(b).cmp(&magnitude(a)),
        PLUS => magnitude(a).cmp(&magnitude(b)),
        _ => Ordering::Equal,
    })
}

const MINUS: u8 = 1;
const PLUS: u8 = 2;

fn rank(text: &str) -> u8 {
    match text {
        "-Infinity" => 0,
        "Infinity" => 3,
        "NaN" => 4,
        _ if text.starts_with('-') && text.bytes().any(|byte| (b'1'..=b'9').contains(&byte)) => MINUS,
        _ => PLUS,
    }
}

/// The number of whole digits, the whole digits and the fraction, which compare in this order.
fn magnitude(text: &str) -> (usize, &str, &str) {
    let digits = text.trim_start_matches(['-', '+']);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = whole.trim_start_matches('0');
    (whole.len(), whole, fraction.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_compared_as_numbers() {
        let sorted = [
            "-Infinity",
            "-12.5",
            "-2",
            "-0.50",
            "0.00",
            "0.05",
            "0.5",
            "9.99",
            "10",
            "123",
            "Infinity",
            "NaN",
        ];
        for pair in sorted.windows(2) {
            assert_eq!(decimals(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(decimals(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
        assert_eq!(decimals("-0.00", "0"), Ordering::Equal);
        assert_eq!(decimals("1.50", "01.5"), Ordering::Equal);
    }
}

//! The hash of whole numbers that travel as digits, since some are beyond 64 bits. Those that are not have the hash of the same integer, so
//! that keys of both forms stay joined.

use whimbrel_core::canonical_decimal;

use super::MaskKey;
use super::permutation::Permutation;

/// Hides whole numbers of any size; the sign and, beyond 64 bits, the number of digits stay, so that what comes out fits.
#[derive(Clone)]
pub(super) struct Digits {
    key: MaskKey,
    permutation: Permutation,
}

impl Digits {
    pub(super) fn new(key: MaskKey) -> Self {
        let permutation = Permutation::new(&key.0);
        Self { key, permutation }
    }

    /// Returns the number that stands in the place of this one; what is no number has nothing to hide.
    pub(super) fn apply(&self, text: &str) -> String {
        let number = canonical_decimal(text).unwrap_or_else(|| text.to_owned());
        if let Ok(integer) = number.parse::<i64>() {
            return self.permutation.apply(integer).to_string();
        }
        if let Ok(large) = number.parse::<u64>() {
            return self.permutation.apply_large(large).to_string();
        }
        let digits = number.trim_start_matches('-');
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return number;
        }
        let mut hidden = number[..number.len() - digits.len()].to_owned();
        let blocks = (0_u64..).flat_map(|block| {
            let seed = format!("{block}:{number}");
            self.key.hash(b"digits", seed.as_bytes())
        });
        hidden.extend(blocks.take(digits.len()).enumerate().map(|(at, byte)| {
            // The first is never 0, which would make the number shorter.
            let (least, kinds) = if at == 0 { (b'1', 9) } else { (b'0', 10) };
            char::from(least + byte % kinds)
        }));
        hidden
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_of_any_size_are_hidden_and_stay_as_long() {
        let digits = Digits::new(MaskKey::new("k"));
        let permutation = Permutation::new(&MaskKey::new("k").0);
        assert_eq!(digits.apply("17"), permutation.apply(17).to_string());
        assert_eq!(digits.apply("-17"), permutation.apply(-17).to_string());
        for large in ["9223372036854775808", "18446744073709551615"] {
            let hidden: u64 = digits.apply(large).parse().unwrap();
            assert!(
                hidden >> 63 == 1 && hidden.to_string() != large,
                "{large}: {hidden}"
            );
        }
        for huge in ["18446744073709551616", "-99999999999999999999999999999999999999"] {
            let hidden = digits.apply(huge);
            assert_eq!(hidden.len(), huge.len(), "{hidden}");
            assert_eq!(hidden.starts_with('-'), huge.starts_with('-'));
            assert_ne!(hidden, huge);
            assert_eq!(digits.apply(huge), hidden);
        }
    }

    #[test]
    fn no_number_becomes_shorter_and_no_two_become_one() {
        let digits = Digits::new(MaskKey::new("k"));
        let mut seen = std::collections::BTreeSet::new();
        for more in 0..500 {
            let huge = format!("-1844674407370955{}", 2_000_000_000_u64 + more);
            let hidden = digits.apply(&huge);
            assert!(hidden.starts_with('-') && !hidden.starts_with("-0"), "{hidden}");
            assert_eq!(hidden.len(), huge.len(), "{hidden}");
            assert!(seen.insert(hidden), "{huge}");
        }
    }

    #[test]
    fn every_spelling_of_a_number_is_hidden_alike() {
        let digits = Digits::new(MaskKey::new("k"));
        for (one, other) in [
            ("17", "17.00"),
            ("-5", "-05"),
            ("18446744073709551616", "018446744073709551616.0"),
        ] {
            assert_eq!(digits.apply(one), digits.apply(other), "{one}");
        }
        assert_eq!(digits.apply("NaN"), "NaN");
    }
}

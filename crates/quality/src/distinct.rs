//! How many different values there are: exactly while they are few, then by `HyperLogLog`.
//!
//! The estimator is Otmar Ertl's ("New cardinality estimation algorithms for `HyperLogLog` sketches", 2017): unbiased over the whole range, so
//! that no table of corrections is needed.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

/// Up to so many different values the count is exact.
pub const EXACT_MAX: usize = 1024;

/// The standard error of an estimate, relative: 1.04 / sqrt(2^13). Three of four estimates are closer than 1.4 %, 99.7 of 100 closer than 3.5 %.
pub const STANDARD_ERROR: f64 = 0.0115;

const PRECISION: u32 = 13;
const REGISTERS: usize = 1 << PRECISION;
/// The largest rank that a hash can have, beside the one without any bit.
const RANK_MAX: usize = (64 - PRECISION) as usize;

/// Counts different values by their hashes.
#[derive(Debug, Clone)]
pub(crate) enum Sketch {
    /// All hashes, while they are at most this many.
    Few(HashSet<u64, BuildHasherDefault<AsItIs>>, usize),
    /// The registers of the estimate.
    Many(Box<[u8]>),
}

impl Sketch {
    /// Begins without any value; the count is exact up to `exact_max`.
    pub(crate) fn new(exact_max: usize) -> Self {
        Self::Few(HashSet::default(), exact_max)
    }

    /// Adds a value by its hash, all of whose bits must be good.
    pub(crate) fn add(&mut self, hash: u64) {
        match self {
            Self::Few(hashes, exact_max) => {
                if hashes.insert(hash) && hashes.len() > *exact_max {
                    *self = Self::Many(self.registers());
                }
            }
            Self::Many(registers) => note(registers, hash),
        }
    }

    /// Adds all values that another one has seen.
    pub(crate) fn absorb(&mut self, other: &Self) {
        match other {
            Self::Few(hashes, _) => hashes.iter().for_each(|hash| self.add(*hash)),
            Self::Many(theirs) => {
                let mut registers = self.registers();
                for (register, theirs) in registers.iter_mut().zip(theirs) {
                    *register = (*register).max(*theirs);
                }
                *self = Self::Many(registers);
            }
        }
    }

    fn registers(&self) -> Box<[u8]> {
        match self {
            Self::Few(hashes, _) => {
                let mut registers = vec![0; REGISTERS].into_boxed_slice();
                hashes.iter().for_each(|hash| note(&mut registers, *hash));
                registers
            }
            Self::Many(registers) => registers.clone(),
        }
    }

    /// Returns the count, and whether it is exact.
    pub(crate) fn count(&self) -> (u64, bool) {
        match self {
            Self::Few(hashes, _) => (hashes.len() as u64, true),
            Self::Many(registers) => (estimate(registers), false),
        }
    }
}

fn note(registers: &mut [u8], hash: u64) {
    let at = hash >> (64 - PRECISION);
    // The bit below the last keeps the rank within its bounds.
    let rest = (hash << PRECISION) | (1 << (PRECISION - 1));
    let rank = u8::try_from(rest.leading_zeros() + 1).unwrap_or(u8::MAX);
    if let Some(register) = usize::try_from(at).ok().and_then(|at| registers.get_mut(at))
        && *register < rank
    {
        *register = rank;
    }
}

fn estimate(registers: &[u8]) -> u64 {
    let mut ranks = [0.0_f64; RANK_MAX + 2];
    for register in registers {
        if let Some(count) = ranks.get_mut(usize::from(*register)) {
            *count += 1.0;
        }
    }
    let all = REGISTERS as f64;
    let mut sum = all * tau(1.0 - ranks[RANK_MAX + 1] / all);
    for count in ranks[1..=RANK_MAX].iter().rev() {
        sum = 0.5 * (sum + count);
    }
    sum += all * sigma(ranks[0] / all);
    let estimate = all * all / (2.0 * std::f64::consts::LN_2 * sum);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "never negative, and far below 2^64"
    )]
    let whole = estimate.round() as u64;
    whole
}

fn sigma(mut x: f64) -> f64 {
    if x >= 1.0 {
        return f64::INFINITY;
    }
    let (mut power, mut sum) = (1.0, x);
    loop {
        x *= x;
        let before = sum;
        sum += x * power;
        power += power;
        if sum <= before {
            return sum;
        }
    }
}

fn tau(mut x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return 0.0;
    }
    let (mut power, mut sum) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = sum;
        power *= 0.5;
        sum -= (1.0 - x) * (1.0 - x) * power;
        if sum >= before {
            return sum / 3.0;
        }
    }
}

/// Spreads the bits of a number over all 64; different numbers stay different.
pub(crate) fn spread(number: u64) -> u64 {
    let mut bits = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// A hasher for what is a hash already.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(different: u64) -> (u64, bool) {
        let mut sketch = Sketch::new(EXACT_MAX);
        for round in 0..2 {
            for number in 0..different {
                sketch.add(spread(number * 3 + u64::from(round == 9)));
            }
        }
        sketch.count()
    }

    #[test]
    fn few_values_are_counted_exactly() {
        assert_eq!(counted(0), (0, true));
        assert_eq!(counted(1), (1, true));
        assert_eq!(counted(1024), (1024, true));
        assert!(!counted(1025).1);
    }

    #[test]
    fn many_values_are_estimated_within_three_standard_errors() {
        for different in [1_025, 2_000, 8_192, 20_000, 40_000, 100_000, 1_000_000] {
            let (estimate, _) = counted(different);
            let error = (estimate as f64 - different as f64).abs() / different as f64;
            assert!(error < 3.0 * STANDARD_ERROR, "{different}: {estimate}");
        }
    }
}

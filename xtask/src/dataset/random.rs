//! The generator of random numbers, keyed by seed, table and row, so that any row can be made alone.

/// A stream of random numbers (`SplitMix64`).
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    /// Returns the stream that belongs to one row of one table.
    pub(super) fn of(seed: u64, table: u64, row: u64) -> Self {
        Self(mix(mix(mix(seed ^ 0x5851_F42D_4C95_7F2D) ^ table) ^ row))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// Returns a number from 0 to `limit - 1`.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        let wide = u128::from(self.next()) * u128::from(limit.max(1));
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// Returns a number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        low.wrapping_add_unsigned(self.below(high.abs_diff(low) + 1))
    }

    /// Is true that often in a hundred times.
    pub(super) fn percent(&mut self, percent: u8) -> bool {
        self.below(100) < u64::from(percent)
    }

    /// Returns one of the choices.
    pub(super) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        let count = u64::try_from(choices.len()).unwrap_or(1);
        choices[usize::try_from(self.below(count)).unwrap_or(0)]
    }
}

fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn stays_within_its_limits_and_reaches_both() {
        let mut random = Random::of(1, 2, 3);
        let seen: Vec<i64> = (0..1000).map(|_| random.between(-2, 2)).collect();
        assert_eq!(seen.iter().min(), Some(&-2));
        assert_eq!(seen.iter().max(), Some(&2));
    }

    #[test]
    fn differs_by_seed_by_table_and_by_row() {
        let first = Random::of(1, 1, 1).next();
        for other in [Random::of(2, 1, 1), Random::of(1, 2, 1), Random::of(1, 1, 2)] {
            assert_ne!(other.clone().next(), first);
        }
    }
}

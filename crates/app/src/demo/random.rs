//! A small seeded generator (splitmix64), so that the demo's database is the same on every machine. Not for secrets.

/// A seeded generator of numbers, choices and dates.
pub(super) struct Random {
    state: u64,
}

impl Random {
    /// Starts at a seed; equal seeds give equal numbers.
    pub(super) fn seeded(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Returns the next 64 bits.
    pub(super) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Returns a number from 0 up to and without `end`; 0 for an empty range.
    pub(super) fn below(&mut self, end: i64) -> i64 {
        i64::try_from(self.next() >> 1).unwrap_or_default() % end.max(1)
    }

    /// Returns a number from `first` to `last`, both included.
    pub(super) fn between(&mut self, first: i64, last: i64) -> i64 {
        first + self.below(last - first + 1)
    }

    /// Tells true in about `percent` of 100 calls.
    pub(super) fn chance(&mut self, percent: i64) -> bool {
        self.below(100) < percent
    }

    /// Picks one of the words.
    pub(super) fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        let length = i64::try_from(words.len()).unwrap_or(i64::MAX);
        let at = usize::try_from(self.below(length)).unwrap_or_default();
        words.get(at).copied().unwrap_or_default()
    }

    /// Returns bytes.
    pub(super) fn bytes(&mut self, length: i64) -> Vec<u8> {
        (0..length).map(|_| self.next().to_le_bytes()[0]).collect()
    }

    /// Returns a UUID of version 4 as text.
    pub(super) fn uuid(&mut self) -> String {
        let high = (self.next() & 0xFFFF_FFFF_FFFF_0FFF) | 0x4000;
        let low = (self.next() & 0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000;
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xFFFF,
            high & 0xFFFF,
            low >> 48,
            low & 0xFFFF_FFFF_FFFF
        )
    }

    /// Returns a day as `YYYY-MM-DD`, in the years given, both included.
    pub(super) fn day(&mut self, first_year: i64, last_year: i64) -> String {
        let (year, month, day) = (
            self.between(first_year, last_year),
            self.between(1, 12),
            self.between(1, 28),
        );
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// Returns a moment as `YYYY-MM-DD HH:MM:SS`.
    pub(super) fn moment(&mut self, first_year: i64, last_year: i64) -> String {
        let day = self.day(first_year, last_year);
        let seconds = self.below(86_400);
        format!(
            "{day} {:02}:{:02}:{:02}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        )
    }

    /// Returns a price with two decimals, as the loosely typed legacy code stored it: a float.
    pub(super) fn price(&mut self, cents_max: i64) -> f64 {
        self.fraction(cents_max, 100.0)
    }

    /// Returns a positive number of at most `parts_max` parts, of which `parts` make one.
    pub(super) fn fraction(&mut self, parts_max: i64, parts: f64) -> f64 {
        f64::from(u32::try_from(self.between(1, parts_max)).unwrap_or_default()) / parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_give_equal_numbers_and_other_seeds_do_not() {
        let draw = |seed| {
            let mut random = Random::seeded(seed);
            (random.next(), random.uuid(), random.moment(2001, 2003))
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn the_first_number_is_that_of_splitmix64() {
        assert_eq!(Random::seeded(0).next(), 0xE220_A839_7B1D_CDAF);
    }
}

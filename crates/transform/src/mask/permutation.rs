//! A keyed permutation of all integers that keeps each within the limits of the narrowest column it could have come from.
//!
//! It depends on the value and the key alone, not on the column, so a key of 32 bits and its reference of 64 stay joined. Integers
//! change places within bands whose edges are the limits of the integer types of all engines (8, 16, 24, 32 bits, with and
//! without a sign), and the sign stays: what comes out fits where the value fitted. Zero stays zero: it has meanings of its own.

use sha2::{Digest as _, Sha256};

const ROUNDS: usize = 8;

/// Where bands end, as powers of two; the first begins at 1.
const BANDS: [u32; 9] = [7, 8, 15, 16, 23, 24, 31, 32, 63];

/// One Feistel network per band.
#[derive(Clone)]
pub(super) struct Permutation {
    keys: [u64; ROUNDS],
}

impl Permutation {
    /// Makes the permutation of a key.
    pub(super) fn new(key: &[u8; 32]) -> Self {
        let mut keys = [0; ROUNDS];
        for (round, word) in (0_u8..).zip(&mut keys) {
            let hash: [u8; 32] = Sha256::new()
                .chain_update(key)
                .chain_update(b"integer")
                .chain_update([round])
                .finalize()
                .into();
            let mut eight = [0; 8];
            eight.copy_from_slice(&hash[..8]);
            *word = u64::from_le_bytes(eight);
        }
        Self { keys }
    }

    /// Returns the integer that stands in the place of this one.
    pub(super) fn apply(&self, value: i64) -> i64 {
        if value < 0 {
            // The least integers of all types have places as well: -1 is the first here.
            let place = self.place(u64::from_ne_bytes((!value).to_ne_bytes()), 0, 1 << 8);
            return !i64::from_ne_bytes(place.to_ne_bytes());
        }
        match value {
            0 => 0,
            _ => i64::from_ne_bytes(
                self.place(u64::from_ne_bytes(value.to_ne_bytes()), 1, 0)
                    .to_ne_bytes(),
            ),
        }
    }

    /// Returns the number that stands in the place of one beyond the integers with a sign, among these.
    pub(super) fn apply_large(&self, value: u64) -> u64 {
        let mut place = value;
        loop {
            place = self.network(place, 32, 1 << 9);
            if place >> 63 == 1 {
                return place;
            }
        }
    }

    /// Goes round the network, which is wider than the band, until the band is met again: that is a permutation of the band.
    fn place(&self, value: u64, first: u64, side: u64) -> u64 {
        let (band, end) = (0_u64..)
            .zip(BANDS)
            .find(|(_, end)| value >> end == 0)
            .unwrap_or((9, 63));
        let begin = BANDS
            .iter()
            .rev()
            .find(|begin| **begin < end)
            .map_or(first, |begin| 1_u64 << begin);
        let half = end.div_ceil(2);
        let mut place = value;
        loop {
            place = self.network(place, half, side | band);
            if place >= begin && place >> end == 0 {
                return place;
            }
        }
    }

    fn network(&self, value: u64, half: u32, tweak: u64) -> u64 {
        let mask = (1_u64 << half) - 1;
        let (mut left, mut right) = (value >> half, value & mask);
        for key in &self.keys {
            (left, right) = (right, left ^ (mix(right ^ (tweak << 40), *key) & mask));
        }
        (left << half) | right
    }
}

/// Mixes a word with a key; the steps are those of `SplitMix64`, twice.
fn mix(value: u64, key: u64) -> u64 {
    let mut word = value.wrapping_add(key);
    for _ in 0..2 {
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word = (word ^ (word >> 31)) ^ key.rotate_left(23);
    }
    word
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_two_small_integers_become_one_and_all_stay_within_their_limits() {
        let permutation = Permutation::new(&[7; 32]);
        let all: Vec<i64> = (-40_000..40_000).collect();
        let masked: Vec<i64> = all.iter().map(|value| permutation.apply(*value)).collect();
        assert_eq!(masked.iter().collect::<HashSet<_>>().len(), all.len());
        for limits in [-128..128_i64, 0..256, -32_768..32_768] {
            let inside = |(_, was): (&i64, &i64)| limits.contains(was);
            let kept = masked.iter().zip(&all).filter(|pair| inside(*pair));
            assert!(kept.clone().all(|(now, _)| limits.contains(now)));
        }
        let same = masked.iter().zip(&all).filter(|(now, was)| now == was).count();
        assert!(same < 100, "{same} integers stayed as they were");
    }

    #[test]
    fn the_edges_have_places_too() {
        let permutation = Permutation::new(&[7; 32]);
        assert_eq!(permutation.apply(0), 0);
        assert!(permutation.apply(i64::MAX) > 1 << 32);
        assert!(permutation.apply(i64::MIN) < 0);
        assert_ne!(Permutation::new(&[8; 32]).apply(17), permutation.apply(17));
    }

    proptest! {
        #[test]
        fn different_integers_stay_different_and_keep_their_sign(one: i64, two: i64, key: [u8; 32]) {
            let permutation = Permutation::new(&key);
            let (first, second) = (permutation.apply(one), permutation.apply(two));
            prop_assert_eq!(one == two, first == second);
            prop_assert_eq!(one.signum(), first.signum());
            prop_assert_eq!(i32::try_from(one).is_ok(), i32::try_from(first).is_ok());
        }
    }
}

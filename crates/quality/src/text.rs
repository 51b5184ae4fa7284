//! What is counted of texts: lengths, range, patterns and shapes. Values that come again and again are looked into once: a small cache by the
//! value's hash remembers what it was.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64;

use crate::distinct::{AsItIs, Sketch};
use crate::order::decimals;
use crate::pattern::{LOOKED_INTO_BYTES, Pattern, pattern};
use crate::shape::put_shape;

/// Of so many characters the least and the greatest text are kept and shown.
const SHOWN_CHARS: usize = 80;
/// Different shapes that are counted; a column with more has no shape.
const SHAPES_MAX: usize = 256;
/// Shapes that are told.
const SHAPES_TOLD: usize = 5;
/// Longer texts have no shape.
const SHAPED_BYTES_MAX: usize = 64;
/// Entries of the cache, a power of two.
const CACHED: u64 = 1024;
/// No shape.
const SHAPELESS: u16 = u16::MAX;

/// How many texts are of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PatternCount {
    /// The kind, such as `email`.
    pub pattern: String,
    /// How many.
    pub count: u64,
}

/// How many texts have a shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShapeCount {
    /// The shape, such as `AA-999`.
    pub shape: String,
    /// How many.
    pub count: u64,
}

/// How texts are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// By their code points.
    Text,
    /// As the numbers that they spell.
    Number,
}

impl Order {
    /// Returns the text that all equal values have in common: a number without the zeros that say how exact it is.
    fn meant(self, text: &str) -> &str {
        let is_fraction = || text.contains('.') && !text.contains(['e', 'E']);
        match self {
            Self::Text => text,
            Self::Number if is_fraction() => match text.trim_end_matches('0').trim_end_matches('.') {
                "-0" => "0",
                number => number,
            },
            Self::Number => text,
        }
    }
}

/// What is known of a value, by its hash.
#[derive(Debug, Clone, Copy)]
struct Known {
    hash: u64,
    chars: u64,
    pattern: u8,
    shape: u16,
    untrimmed: bool,
}

/// Counts texts.
#[derive(Debug, Clone)]
pub(crate) struct TextGauge {
    order: Order,
    /// False for texts whose form the type fixes; then there is nothing to learn from patterns.
    has_patterns: bool,
    least: Option<String>,
    most: Option<String>,
    pub(crate) chars_min: u64,
    pub(crate) chars_max: u64,
    pub(crate) chars_total: u64,
    pub(crate) untrimmed: u64,
    patterns: [u64; Pattern::ALL.len()],
    shapes: HashMap<u64, u16, BuildHasherDefault<AsItIs>>,
    shape_counts: Vec<(String, u64)>,
    shapes_left_out: u64,
    cache: Box<[Known]>,
    scratch: String,
}

impl TextGauge {
    pub(crate) fn new(order: Order, has_patterns: bool) -> Self {
        let nothing = Known {
            hash: 0,
            chars: 0,
            pattern: 0,
            shape: SHAPELESS,
            untrimmed: false,
        };
        Self {
            order,
            has_patterns,
            least: None,
            most: None,
            chars_min: u64::MAX,
            chars_max: 0,
            chars_total: 0,
            untrimmed: 0,
            patterns: [0; Pattern::ALL.len()],
            shapes: HashMap::default(),
            shape_counts: Vec::new(),
            shapes_left_out: 0,
            cache: vec![nothing; usize::try_from(CACHED).unwrap_or(1)].into_boxed_slice(),
            scratch: String::new(),
        }
    }

    /// Takes a text in and returns its hash.
    pub(crate) fn add(&mut self, text: &str, sketch: &mut Sketch) -> u64 {
        let hash = xxh3_64(self.order.meant(text).as_bytes());
        // The hash 0 means an empty place.
        let at = usize::try_from(hash % CACHED).unwrap_or(0);
        let known = match self.cache.get(at) {
            Some(known) if known.hash == hash && hash != 0 => *known,
            Some(_) | None => {
                sketch.add(hash);
                self.bound(text);
                let known = self.look_into(text, hash);
                if let Some(place) = self.cache.get_mut(at) {
                    *place = known;
                }
                known
            }
        };
        self.chars_min = self.chars_min.min(known.chars);
        self.chars_max = self.chars_max.max(known.chars);
        self.chars_total += known.chars;
        if self.has_patterns {
            self.untrimmed += u64::from(known.untrimmed);
            if let Some(count) = self.patterns.get_mut(usize::from(known.pattern)) {
                *count += 1;
            }
            match self.shape_counts.get_mut(usize::from(known.shape)) {
                Some((_, count)) => *count += 1,
                None => self.shapes_left_out += 1,
            }
        }
        hash
    }

    fn look_into(&mut self, text: &str, hash: u64) -> Known {
        let chars = if text.is_ascii() {
            text.len()
        } else {
            text.chars().count()
        };
        let mut known = Known {
            hash,
            chars: chars as u64,
            pattern: 0,
            shape: SHAPELESS,
            untrimmed: false,
        };
        if !self.has_patterns {
            return known;
        }
        known.pattern = pattern(text) as u8;
        let is_space = |letter: Option<char>| letter.is_some_and(char::is_whitespace);
        known.untrimmed = is_space(text.chars().next()) || is_space(text.chars().next_back());
        if text.len() <= SHAPED_BYTES_MAX && !text.is_empty() {
            known.shape = self.shape(text);
        }
        known
    }

    /// Returns the place of the text's shape.
    fn shape(&mut self, text: &str) -> u16 {
        let mut shape = std::mem::take(&mut self.scratch);
        put_shape(text, &mut shape);
        let place = self.place(&shape);
        self.scratch = shape;
        place
    }

    fn place(&mut self, shape: &str) -> u16 {
        let hash = xxh3_64(shape.as_bytes());
        if let Some(at) = self.shapes.get(&hash) {
            return *at;
        }
        let at = self.shape_counts.len();
        if at >= SHAPES_MAX {
            return SHAPELESS;
        }
        let place = u16::try_from(at).unwrap_or(SHAPELESS);
        self.shapes.insert(hash, place);
        self.shape_counts.push((shape.to_owned(), 0));
        place
    }

    /// Takes in all texts that another one has counted.
    pub(crate) fn absorb(&mut self, other: &Self) {
        for text in other.least.iter().chain(&other.most) {
            self.bound(text);
        }
        self.chars_min = self.chars_min.min(other.chars_min);
        self.chars_max = self.chars_max.max(other.chars_max);
        self.chars_total += other.chars_total;
        self.untrimmed += other.untrimmed;
        for (count, theirs) in self.patterns.iter_mut().zip(other.patterns) {
            *count += theirs;
        }
        for (shape, theirs) in &other.shape_counts {
            let place = usize::from(self.place(shape));
            match self.shape_counts.get_mut(place) {
                Some((_, count)) => *count += theirs,
                None => self.shapes_left_out += theirs,
            }
        }
        self.shapes_left_out += other.shapes_left_out;
    }

    fn bound(&mut self, text: &str) {
        let order = |a: &str, b: &str| match self.order {
            Order::Text => a.cmp(b),
            Order::Number => decimals(a, b),
        };
        let is_less = self
            .least
            .as_deref()
            .is_none_or(|least| order(text, least) == Ordering::Less);
        let is_more = self
            .most
            .as_deref()
            .is_none_or(|most| order(text, most) == Ordering::Greater);
        if is_less {
            self.least = Some(beginning(text));
        }
        if is_more {
            self.most = Some(beginning(text));
        }
    }

    /// Returns the least and the greatest text, long ones cut.
    pub(crate) fn range(&self) -> (Option<String>, Option<String>) {
        let shown = |text: &String| {
            let mut shown: String = text.chars().take(SHOWN_CHARS).collect();
            if shown.len() < text.len() {
                shown.push('…');
            }
            shown
        };
        (self.least.as_ref().map(shown), self.most.as_ref().map(shown))
    }

    /// Returns the patterns found, the most frequent first.
    pub(crate) fn patterns(&self) -> Vec<PatternCount> {
        let all = Pattern::ALL.iter().zip(self.patterns);
        let mut found: Vec<PatternCount> = all
            .filter(|(_, count)| *count > 0)
            .map(|(pattern, count)| PatternCount {
                pattern: pattern.name().to_owned(),
                count,
            })
            .collect();
        found.sort_by_key(|each| std::cmp::Reverse(each.count));
        found
    }

    /// Returns the most frequent shapes, and how many texts have another one or none.
    pub(crate) fn shapes(&self) -> (Vec<ShapeCount>, u64) {
        let mut found: Vec<ShapeCount> = self
            .shape_counts
            .iter()
            .map(|(shape, count)| ShapeCount {
                shape: shape.clone(),
                count: *count,
            })
            .collect();
        found.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.shape.cmp(&b.shape)));
        let told: u64 = found.iter().take(SHAPES_TOLD).map(|each| each.count).sum();
        let all: u64 = found.iter().map(|each| each.count).sum();
        found.truncate(SHAPES_TOLD);
        (found, all - told + self.shapes_left_out)
    }
}

/// So much of a text as decides its place among others for those who see the beginning only.
fn beginning(text: &str) -> String {
    const KEPT_BYTES: usize = LOOKED_INTO_BYTES + 4;
    if text.len() <= KEPT_BYTES {
        return text.to_owned();
    }
    text.chars().take(SHOWN_CHARS + 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distinct::EXACT_MAX;

    #[test]
    fn numbers_that_are_equal_are_one_value_however_exact_they_are() {
        let mut gauge = TextGauge::new(Order::Number, false);
        let mut sketch = Sketch::new(EXACT_MAX);
        for text in [
            "-5", "-5.00", "0.0", "-0.00", "0", "100", "1.10", "1.1", "NaN", "1e10",
        ] {
            gauge.add(text, &mut sketch);
        }
        assert_eq!(sketch.count(), (6, true));
    }

    #[test]
    fn values_that_come_again_are_counted_each_time() {
        let mut gauge = TextGauge::new(Order::Text, true);
        let mut sketch = Sketch::new(EXACT_MAX);
        for _ in 0..3 {
            for text in ["DE-1", "DE-2", " x", "", "straße"] {
                gauge.add(text, &mut sketch);
            }
        }
        assert_eq!(sketch.count(), (5, true));
        assert_eq!((gauge.chars_min, gauge.chars_max, gauge.chars_total), (0, 6, 48));
        assert_eq!(gauge.untrimmed, 3);
        assert_eq!(gauge.range(), (Some(String::new()), Some("straße".to_owned())));
        let patterns: Vec<(String, u64)> = gauge
            .patterns()
            .into_iter()
            .map(|each| (each.pattern, each.count))
            .collect();
        let want = [("code", 6), ("empty", 3), ("word", 3), ("text", 3)];
        assert_eq!(patterns, want.map(|(pattern, count)| (pattern.to_owned(), count)));
        let (shapes, others) = gauge.shapes();
        let shapes: Vec<(String, u64)> = shapes.into_iter().map(|each| (each.shape, each.count)).collect();
        let want = [("AA-9", 6), (" a", 3), ("a+", 3)];
        assert_eq!(shapes, want.map(|(shape, count)| (shape.to_owned(), count)));
        assert_eq!(others, 3);
    }

    #[test]
    fn a_huge_text_is_cut_and_keeps_its_length() {
        let mut gauge = TextGauge::new(Order::Text, true);
        let mut sketch = Sketch::new(EXACT_MAX);
        gauge.add(&"z".repeat(1_000_000), &mut sketch);
        assert_eq!(gauge.chars_max, 1_000_000);
        let (least, most) = gauge.range();
        assert_eq!(least, most);
        assert_eq!(most.unwrap(), format!("{}…", "z".repeat(80)));
    }
}

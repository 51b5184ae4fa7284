//! Which names an engine takes for one, and which texts a collation. Which equality holds where is each engine's to say.

use serde::{Deserialize, Serialize};
use unicode_normalization::char::decompose_canonical;

/// Which different names an engine takes for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameEquality {
    /// None.
    Exact,
    /// Those that differ in the case of ASCII letters.
    AsciiCase,
    /// Those that differ in case, in every alphabet.
    Case,
    /// Those that differ in case or accents.
    CaseAndAccents,
}

impl NameEquality {
    /// Returns the form of a name that is equal for names which the engine takes for one.
    pub fn folded(self, name: &str) -> String {
        match self {
            Self::Exact => name.to_owned(),
            Self::AsciiCase => name.to_ascii_lowercase(),
            Self::Case => name.chars().map(lower).collect(),
            Self::CaseAndAccents => name.chars().map(|letter| lower(base(letter))).collect(),
        }
    }

    /// Tells whether names that differ in the case of ASCII letters are one.
    pub fn ignores_case(self) -> bool {
        match self {
            Self::Exact => false,
            Self::AsciiCase | Self::Case | Self::CaseAndAccents => true,
        }
    }
}

/// The letter in lower case: engines compare letter by letter, so that one never becomes two.
fn lower(letter: char) -> char {
    letter.to_lowercase().next().unwrap_or(letter)
}

/// The letter without its accents. A sharp s counts as an s where accents do not count.
fn base(letter: char) -> char {
    if matches!(letter, 'ß' | 'ẞ' | 'ſ') {
        return 's';
    }
    let mut first = None;
    decompose_canonical(letter, |part| {
        first.get_or_insert(part);
    });
    first.unwrap_or(letter)
}

/// Which different texts a collation calls equal. Ordered fields are independent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TextEquality {
    /// `a` equals `A`.
    pub ignores_case: bool,
    /// `a` equals `ä`.
    pub ignores_accents: bool,
    /// `a` equals `a` with spaces behind it.
    pub ignores_padding: bool,
}

impl TextEquality {
    /// Tells whether only equal texts are equal.
    pub fn is_exact(self) -> bool {
        self == Self::default()
    }

    /// Tells whether whatever `other` calls equal is equal here too.
    pub fn covers(self, other: Self) -> bool {
        (self.ignores_case || !other.ignores_case)
            && (self.ignores_accents || !other.ignores_accents)
            && (self.ignores_padding || !other.ignores_padding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_equality_takes_for_one_what_it_says_and_no_more() {
        use NameEquality::{AsciiCase, Case, CaseAndAccents, Exact};
        for (one, other, finest) in [
            ("cafe", "cafe", Some(Exact)),
            ("Cafe", "cAFE", Some(AsciiCase)),
            ("CAFÉ", "café", Some(Case)),
            ("İ", "i", Some(Case)),
            ("\u{212a}", "k", Some(Case)),
            ("cafe", "café", Some(CaseAndAccents)),
            ("ß", "S", Some(CaseAndAccents)),
            ("ß", "ss", None),
            ("ı", "i", None),
            ("a", "b", None),
        ] {
            let all = [Exact, AsciiCase, Case, CaseAndAccents];
            let found = all
                .into_iter()
                .find(|each| each.folded(one) == each.folded(other));
            assert_eq!(found, finest, "{one} {other}");
        }
    }
}

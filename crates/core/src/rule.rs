//! Value rules: what becomes of a value that cannot arrive as it is. A rule stands in the plan, is applied to what the source gives, to
//! the copy and to the comparison alike, and every row it touches is counted.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What becomes of values that would not arrive. Without a rule their row is rejected.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum ValueRule {
    /// A value that has no form in the column's logical type (a zero date, text in a number's place) arrives as NULL. Applied by the source
    /// while it decodes.
    InvalidToNull,
    /// As [`ValueRule::InvalidToNull`], but such a value arrives as this one, in the text form of the logical type (`1970-01-01`,
    /// `-infinity`).
    InvalidTo {
        /// The value.
        value: String,
    },
    /// NaN and the infinities of numbers arrive as NULL.
    NotFiniteToNull,
    /// Dates and timestamps outside the range (in the units in which they travel, both ends inside) arrive as NULL, the infinities too.
    OutsideToNull {
        /// The smallest that arrives.
        min: i64,
        /// The largest that arrives.
        max: i64,
    },
    /// U+0000 is left out of text.
    StripNul,
    /// U+0000 in text becomes U+2400, its visible sign.
    ReplaceNul,
}

impl ValueRule {
    /// Tells whether the source applies the rule while it decodes, since the value has no form in which it could travel.
    pub fn is_for_invalid(&self) -> bool {
        matches!(self, Self::InvalidToNull | Self::InvalidTo { .. })
    }
}

impl fmt::Display for ValueRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidToNull => f.write_str("values that the type cannot hold become NULL"),
            Self::InvalidTo { value } => write!(f, "values that the type cannot hold become `{value}`"),
            Self::NotFiniteToNull => f.write_str("NaN and the infinities become NULL"),
            Self::OutsideToNull { .. } => f.write_str("values outside the target's range become NULL"),
            Self::StripNul => f.write_str("U+0000 is left out of text"),
            Self::ReplaceNul => f.write_str("U+0000 in text becomes U+2400"),
        }
    }
}

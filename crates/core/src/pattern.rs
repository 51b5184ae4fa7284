//! Patterns over names, with `*` and `?`.

use crate::TableId;

impl TableId {
    /// Tells whether the pattern matches the bare or the qualified name.
    pub fn matches(&self, pattern: &str) -> bool {
        matches_name(pattern, &self.name) || matches_name(pattern, &self.to_string())
    }
}

/// Tells whether the name has a sign in it by which it can match others.
pub fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?'])
}

/// Tells whether the pattern matches the name: `*` is any run of characters, `?` is one character.
pub fn matches_name(pattern: &str, name: &str) -> bool {
    glob(pattern.as_bytes(), name.as_bytes())
}

/// Matches byte by byte; a character of UTF-8 is a leading byte and its followers.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.first(), text.first()) {
        (None, None) => true,
        (Some(b'*'), _) => {
            glob(&pattern[1..], text) || text.split_first().is_some_and(|(_, rest)| glob(pattern, rest))
        }
        (Some(b'?'), Some(_)) => {
            let is_follower = |byte: &&u8| **byte & 0b1100_0000 == 0b1000_0000;
            let length = 1 + text[1..].iter().take_while(is_follower).count();
            glob(&pattern[1..], &text[length..])
        }
        (Some(wanted), Some(have)) if wanted == have => glob(&pattern[1..], &text[1..]),
        (None, Some(_)) | (Some(_), None | Some(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_the_bare_and_the_qualified_name() {
        let id = TableId::new("shop", "orders_é");
        for pattern in ["orders_?", "shop.*", "*", "o*s_*", "shop.orders_é"] {
            assert!(id.matches(pattern), "{pattern}");
        }
        for pattern in ["orders", "?", "shop", "shop.orders_", "*x"] {
            assert!(!id.matches(pattern), "{pattern}");
        }
    }
}

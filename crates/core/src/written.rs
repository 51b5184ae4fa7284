//! Where a person wrote a rule. What a rule says does not depend on it, so that it is neither compared nor kept in a plan.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The lines of a rule in the file that it was read from; empty for a rule that was not, such as one of a plan.
#[derive(Clone, Default)]
pub struct Written {
    file: Arc<str>,
    /// By the keys that lead there; the rule itself has none.
    lines: BTreeMap<Vec<String>, usize>,
}

impl Written {
    /// Keeps the lines of the file.
    pub fn new(file: &str, lines: BTreeMap<Vec<String>, usize>) -> Self {
        Self {
            file: Arc::from(file),
            lines,
        }
    }

    /// Returns file and line of what the keys lead to (an entry of a list by its text), or of the nearest above it that has a line.
    pub fn place(&self, keys: &[&str]) -> Option<String> {
        let mut path: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        loop {
            if let Some(line) = self.lines.get(&path) {
                return Some(format!("{}:{line}", self.file));
            }
            path.pop()?;
        }
    }
}

impl PartialEq for Written {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Written {}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place(&[]).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_line_of_its_own_is_where_the_key_above_it_is() {
        let path = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
        let lines = BTreeMap::from([
            (path(&[]), 3),
            (path(&["rename"]), 5),
            (path(&["rename", "a"]), 6),
        ]);
        let written = Written::new("whimbrel.toml", lines);
        for (keys, line) in [
            (&["rename", "a"][..], 6),
            (&["rename", "b"], 5),
            (&["to"], 3),
            (&[], 3),
        ] {
            assert_eq!(written.place(keys), Some(format!("whimbrel.toml:{line}")));
        }
        assert_eq!(Written::default().place(&["to"]), None);
    }
}

//! What the rules for a table say of a column, and where that is written. The last rule's word holds; within a rule the column's own name
//! goes before patterns.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use whimbrel_core::{Mapping, TableRule, matches_name};

/// What a rule can say of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    Rename,
    Compute,
    Default,
    Mask,
    Types,
}

impl Word {
    /// Every one.
    pub(crate) const ALL: [Self; 5] = [
        Self::Rename,
        Self::Compute,
        Self::Default,
        Self::Mask,
        Self::Types,
    ];

    /// The key under which it stands in a rule.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Rename => "rename",
            Self::Compute => "compute",
            Self::Default => "default",
            Self::Mask => "mask",
            Self::Types => "types",
        }
    }

    /// The columns that the rule names under the key.
    pub(crate) fn names(self, rule: &TableRule) -> Vec<&str> {
        fn names<T>(words: &BTreeMap<String, T>) -> Vec<&str> {
            words.keys().map(String::as_str).collect()
        }
        match self {
            Self::Rename => names(&rule.rename),
            Self::Compute => names(&rule.compute),
            Self::Default => names(&rule.default),
            Self::Mask => names(&rule.mask),
            Self::Types => names(&rule.types),
        }
    }
}

/// The name or pattern of a rule that holds for the column.
fn holding<'n>(names: impl Iterator<Item = &'n str> + Clone, name: &str) -> Option<&'n str> {
    let own = names.clone().find(|own| *own == name);
    own.or_else(|| names.into_iter().find(|pattern| matches_name(pattern, name)))
}

/// The word of the last rule that has one for the column, by name or pattern.
pub(crate) fn last<'r, T>(
    rules: &[&'r TableRule],
    name: &str,
    of: impl Fn(&'r TableRule) -> &'r BTreeMap<String, T>,
) -> Option<&'r T> {
    rules.iter().rev().find_map(|rule| {
        let words = of(rule);
        words.get(holding(words.keys().map(String::as_str), name)?)
    })
}

/// The place of that word in the file.
pub(crate) fn place<R: Borrow<TableRule>>(rules: &[R], name: &str, word: Word) -> Option<String> {
    rules.iter().rev().find_map(|rule| {
        let rule = Borrow::<TableRule>::borrow(rule);
        let found = holding(word.names(rule).into_iter(), name)?;
        rule.written.place(&[word.key(), found])
    })
}

/// The place of the last of the rules, which is the one that names the new table where there is one; `key` is looked for in it.
pub(crate) fn rule_place<R: Borrow<TableRule>>(rules: &[R], key: &str) -> Option<String> {
    let rule = Borrow::<TableRule>::borrow(rules.last()?);
    rule.written.place(&[key])
}

/// The rules of a mapping, each of them once: a rule may be for thousands of tables.
pub(crate) struct SharedRules(HashMap<*const TableRule, Arc<TableRule>>);

impl SharedRules {
    pub(crate) fn new(mapping: &Mapping) -> Self {
        let shared = |rule: &TableRule| (std::ptr::from_ref(rule), Arc::new(rule.clone()));
        Self(mapping.tables.iter().map(shared).collect())
    }

    /// Returns rules of the mapping, in the same order.
    pub(crate) fn of(&self, rules: &[&TableRule]) -> Vec<Arc<TableRule>> {
        let rules = rules
            .iter()
            .filter_map(|rule| self.0.get(&std::ptr::from_ref(*rule)));
        rules.cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use whimbrel_core::Written;

    use super::*;

    fn rule(line: usize, names: &[&str]) -> TableRule {
        let path = |name: &str| vec!["default".to_owned(), name.to_owned()];
        let lines = names.iter().enumerate().map(|(at, name)| (path(name), line + at));
        TableRule {
            default: names
                .iter()
                .map(|name| ((*name).to_owned(), (*name).to_owned()))
                .collect(),
            written: Written::new("f", lines.collect()),
            ..TableRule::default()
        }
    }

    #[test]
    fn the_place_is_that_of_the_word_that_holds() {
        let (first, second) = (rule(1, &["b*", "a"]), rule(11, &["a*", "ab"]));
        let both = [&first, &second];
        for (name, word, line) in [("ab", "ab", 12), ("a", "a*", 11), ("bb", "b*", 1)] {
            assert_eq!(last(&both, name, |rule| &rule.default).unwrap(), word);
            assert_eq!(place(&both, name, Word::Default), Some(format!("f:{line}")));
        }
        assert_eq!(place(&both, "c", Word::Default), None);
        assert_eq!(place(&both, "ab", Word::Mask), None);
    }
}

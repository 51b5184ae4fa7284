//! `[[validation]]`: rules of the user's own. What they mean is `whimbrel_core::validation`.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer};
use toml::Spanned;
use whimbrel_core::validation::timeout_seconds;
use whimbrel_core::{Moment, Tolerance, ValidationRule};

/// Servers count a limit in milliseconds of 31 bits.
const TIMEOUT_SECONDS_MAX: u32 = 2_000_000;

/// A rule as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ValidationSettings {
    /// What it is called.
    name: String,
    /// Which of several sources answers.
    of: Option<String>,
    /// The query of both sides.
    query: Option<String>,
    /// The source's query.
    source: Option<String>,
    /// The target's query.
    target: Option<String>,
    /// How far the values may be apart: a number, or a share such as `1%`.
    #[serde(default = "Tolerance::none", deserialize_with = "tolerance")]
    tolerance: Tolerance,
    /// How many seconds each query may run; 0 for as long as it takes.
    #[serde(default = "timeout_seconds")]
    timeout: u32,
    /// When the source is asked.
    #[serde(default = "after")]
    when: Moment,
}

fn after() -> Moment {
    Moment::After
}

/// A number may be written with or without quotes.
fn tolerance<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Tolerance, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Whole(i64),
        Fraction(f64),
        Text(String),
    }
    let text = match Written::deserialize(deserializer)? {
        Written::Whole(number) => number.to_string(),
        Written::Fraction(number) => number.to_string(),
        Written::Text(text) => text,
    };
    Tolerance::parse(&text).map_err(serde::de::Error::custom)
}

impl ValidationSettings {
    /// Returns the rule as a plan holds it; it was looked over before.
    pub(super) fn rule(&self) -> ValidationRule {
        let side = |own: &Option<String>| own.clone().or_else(|| self.query.clone()).unwrap_or_default();
        ValidationRule {
            name: self.name.clone(),
            of: self.of.clone(),
            source: side(&self.source),
            target: side(&self.target),
            tolerance: self.tolerance.clone(),
            timeout_seconds: self.timeout,
            moment: self.when,
            recorded: None,
        }
    }

    /// Says what is wrong with it, if anything.
    fn fault(&self) -> Option<String> {
        let is_empty = |query: &Option<String>| query.as_ref().is_some_and(|query| query.trim().is_empty());
        let name = &self.name;
        match (&self.query, &self.source, &self.target) {
            _ if self.timeout > TIMEOUT_SECONDS_MAX => Some(format!(
                "the timeout of the validation `{name}` is {}; must be at most {TIMEOUT_SECONDS_MAX} seconds, or 0 for none",
                self.timeout
            )),
            _ if name.trim().is_empty() => Some("a validation has an empty name".to_owned()),
            _ if [&self.query, &self.source, &self.target]
                .into_iter()
                .any(is_empty) =>
            {
                Some(format!("the validation `{name}` has an empty query"))
            }
            (Some(_), None, None) | (None, Some(_), Some(_)) => None,
            _ => Some(format!(
                "the validation `{name}` must have either `query`, or both `source` and `target`"
            )),
        }
    }
}

/// Returns the first thing that is wrong with the rules, and where in the text its rule begins.
pub(super) fn first_fault(rules: &[Spanned<ValidationSettings>]) -> Option<(usize, String)> {
    let mut names = BTreeSet::new();
    rules.iter().find_map(|place| {
        let rule = place.get_ref();
        let is_twice = !names.insert(&rule.name);
        let twice = || is_twice.then(|| format!("two validations are called `{}`", rule.name));
        let fault = rule.fault().or_else(twice)?;
        Some((place.span().start, fault))
    })
}

//! Rules of the user's own that prove a result: one query on each side with one value, compared exactly or within a tolerance.
//! Asking the databases is the connectors', when it is asked the pipeline's.

use std::fmt;
use std::time::Duration;

use num_bigint::BigInt;
use serde::{Deserialize, Serialize};

use crate::decimal::canonical_decimal;
use crate::{Error, Result};

/// A rule of the user's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValidationRule {
    /// What it is called.
    pub name: String,
    /// Which of several sources answers, by its name; none when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// The query that the source answers, in its own SQL.
    pub source: String,
    /// The query that the target answers.
    pub target: String,
    /// How far the two values may be apart.
    pub tolerance: Tolerance,
    /// How many seconds each of the queries may run before its server gives it up; 0 for as long as it takes.
    #[serde(default = "timeout_seconds")]
    pub timeout_seconds: u32,
    /// When the source is asked.
    pub moment: Moment,
    /// What the source answered when the plan was made; only with [`Moment::Before`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<Recorded>,
}

/// How long a query may run where the rule does not say: ten minutes.
pub fn timeout_seconds() -> u32 {
    600
}

impl ValidationRule {
    /// Returns how long each of the queries may run; none for as long as it takes.
    pub fn limit(&self) -> Option<Duration> {
        (self.timeout_seconds > 0).then(|| Duration::from_secs(self.timeout_seconds.into()))
    }
}

/// When the source is asked; the target is always asked when it is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// When the plan is made: its answer stands in the plan, and the source may change or go afterwards.
    Before,
    /// When the target is verified.
    After,
}

/// An answer of the source that stands in the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// The value; none is NULL.
    pub value: Option<String>,
}

/// How far two values may be apart; the amount is a plain decimal that is not negative.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Tolerance {
    /// By so much; zero asks for equality.
    Absolute(String),
    /// By so many hundredths of the source's value.
    Percent(String),
}

impl Tolerance {
    /// Returns the tolerance that asks for equality.
    pub fn none() -> Self {
        Self::Absolute("0".to_owned())
    }

    /// Reads `0.5` or `1%`.
    ///
    /// # Errors
    /// `Invalid` for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        let (amount, is_percent) = match text.trim().strip_suffix('%') {
            Some(amount) => (amount.trim_end(), true),
            None => (text.trim(), false),
        };
        let amount = canonical_decimal(amount)
            .filter(|amount| Number::read(amount).is_some_and(|it| it.digits >= BigInt::ZERO));
        match amount {
            Some(amount) if is_percent => Ok(Self::Percent(amount)),
            Some(amount) => Ok(Self::Absolute(amount)),
            None => Err(Error::invalid(format!(
                "the tolerance is `{text}`; must be a number such as `0.5`, or a share such as `1%`"
            ))),
        }
    }
}

impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absolute(amount) => write!(f, "{amount}"),
            Self::Percent(amount) => write!(f, "{amount}%"),
        }
    }
}

impl From<Tolerance> for String {
    fn from(tolerance: Tolerance) -> Self {
        tolerance.to_string()
    }
}

impl TryFrom<String> for Tolerance {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CheckResult {
    /// It was made, and holds.
    #[serde(rename = "PASS")]
    Pass,
    /// It was made, and does not hold.
    #[serde(rename = "FAIL")]
    Fail,
    /// It was not made.
    #[serde(rename = "NOT CHECKED")]
    NotChecked,
}

impl CheckResult {
    /// Returns the words of reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::NotChecked => "NOT CHECKED",
        }
    }
}

/// What became of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleVerdict {
    /// The rule's name.
    pub name: String,
    /// What it came to.
    pub result: CheckResult,
    /// When the source was asked.
    pub moment: Moment,
    /// The source's value; none is NULL, or nothing was asked.
    pub source: Option<String>,
    /// The target's value, likewise.
    pub target: Option<String>,
    /// How far they may be apart.
    pub tolerance: Tolerance,
    /// Why it failed or was not checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What the verification says about one table, check by check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableCheck {
    /// The target table, as reports name it.
    pub table: String,
    /// The check, such as `record_count_check`.
    pub check: String,
    /// What it came to.
    pub result: CheckResult,
    /// What it stands on, in one line.
    pub basis: String,
}

/// Returns a query of a person's without the semicolon that may end it, so that it can stand in another one. It may end with a comment
/// that only a line break ends.
pub fn bare_query(query: &str) -> &str {
    query.trim().trim_end_matches(';').trim_end()
}

/// Makes the error for a query that is none, or has not one value.
pub fn not_one_value(what: impl fmt::Display) -> Error {
    Error::invalid(format!(
        "the query {what}; must give one column and at most one row"
    ))
    .with_hint("write one SELECT such as `SELECT count(*) FROM orders`")
}

/// Makes the error for a query that was given up. It is not tried again: it would take as long.
pub fn took_too_long(limit: Option<Duration>) -> Error {
    let seconds = limit.map_or(0, |limit| limit.as_secs());
    let s = if seconds == 1 { "" } else { "s" };
    Error::invalid(format!("the query took longer than {seconds} second{s}"))
        .with_code("query_timeout")
        .with_hint("write a query that reads less, or give the rule more seconds: timeout = 3600")
}

/// Compares two values within the tolerance; the reason says why it does not hold.
pub fn compare(
    source: Option<&str>,
    target: Option<&str>,
    tolerance: &Tolerance,
) -> (CheckResult, Option<String>) {
    let (source, target) = match (source, target) {
        (None, None) => return (CheckResult::Pass, None),
        (Some(source), Some(target)) => (source, target),
        (Some(_), None) => return (CheckResult::Fail, Some("the target says NULL".to_owned())),
        (None, Some(_)) => return (CheckResult::Fail, Some("the source says NULL".to_owned())),
    };
    let (Some(a), Some(b)) = (canonical_decimal(source), canonical_decimal(target)) else {
        return if source == target {
            (CheckResult::Pass, None)
        } else {
            (CheckResult::Fail, Some("the texts differ".to_owned()))
        };
    };
    if a == b {
        return (CheckResult::Pass, None);
    }
    if matches!(tolerance, Tolerance::Absolute(amount) | Tolerance::Percent(amount) if amount == "0") {
        return (CheckResult::Fail, Some("the numbers differ".to_owned()));
    }
    match is_within(&a, &b, tolerance) {
        Some(true) => (CheckResult::Pass, None),
        Some(false) => (
            CheckResult::Fail,
            Some("the numbers are further apart than tolerated".to_owned()),
        ),
        None => (
            CheckResult::Fail,
            Some("the numbers differ, and one of them is not finite".to_owned()),
        ),
    }
}

/// None when one of the numbers is not finite: it is near to nothing but itself.
fn is_within(source: &str, target: &str, tolerance: &Tolerance) -> Option<bool> {
    let (source, target) = (Number::read(source)?, Number::read(target)?);
    let (amount, base) = match tolerance {
        Tolerance::Absolute(amount) => (Number::read(amount)?, Number::one()),
        Tolerance::Percent(amount) => (Number::read(amount)?, source.clone()),
    };
    let hundredths = matches!(tolerance, Tolerance::Percent(_));
    let scale = source.scale.max(target.scale);
    let apart = Number {
        digits: magnitude(source.at(scale) - target.at(scale)),
        scale,
    };
    let mut allowed = Number {
        digits: amount.digits * magnitude(base.digits),
        scale: amount.scale + base.scale,
    };
    if hundredths {
        allowed.scale += 2;
    }
    let common = scale.max(allowed.scale);
    Some(apart.at(common) <= allowed.at(common))
}

fn magnitude(number: BigInt) -> BigInt {
    BigInt::from(number.into_parts().1)
}

/// A decimal as digits and the number of those behind the point.
#[derive(Debug, Clone)]
struct Number {
    digits: BigInt,
    scale: u32,
}

impl Number {
    fn one() -> Self {
        Self {
            digits: BigInt::from(1),
            scale: 0,
        }
    }

    /// Reads a canonical decimal; none for what is not finite.
    fn read(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = format!("{whole}{fraction}").parse().ok()?;
        let scale = u32::try_from(fraction.len()).ok()?;
        Some(Self { digits, scale })
    }

    /// Its digits with so many of them behind the point; never fewer than it has.
    fn at(&self, scale: u32) -> BigInt {
        &self.digits * BigInt::from(10).pow(scale.saturating_sub(self.scale))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, target: &str, tolerance: &str) -> CheckResult {
        compare(Some(source), Some(target), &Tolerance::parse(tolerance).unwrap()).0
    }

    #[test]
    fn numbers_are_compared_by_value_and_exactly() {
        use CheckResult::{Fail, Pass};
        for (source, target, tolerance, result) in [
            ("10.50", "10.5", "0", Pass),
            ("1e3", "1000", "0", Pass),
            ("9007199254740993", "9007199254740992", "0", Fail),
            ("100", "101", "1", Pass),
            ("100", "101.0001", "1", Fail),
            ("12345678901234567890", "12345678901234567892", "1", Fail),
            ("200", "202", "1%", Pass),
            ("200", "202.01", "1%", Fail),
            ("-200", "-198", "1%", Pass),
            ("0", "1", "50%", Fail),
            ("0.1", "0.3", "0.2", Pass),
            ("-1", "1", "1", Fail),
            ("NaN", "1", "5", Fail),
            ("NaN", "NaN", "5", Pass),
            ("Infinity", "-Infinity", "100%", Fail),
            ("1e40", "1", "5", Fail),
            (
                "12345678901234567890123456789012345678901234567890.1",
                "12345678901234567890123456789012345678901234567891.1",
                "1",
                Pass,
            ),
            (
                "12345678901234567890123456789012345678901234567890.1",
                "12345678901234567890123456789012345678901234567891.2",
                "1",
                Fail,
            ),
            ("-1e60", "-1.01e60", "1%", Pass),
            (
                "-1e60",
                "-1.0100000000000000000000000000000000000000000001e60",
                "1%",
                Fail,
            ),
            ("1e-60", "2e-60", "1e-60", Pass),
            ("1e-60", "2.1e-60", "1e-60", Fail),
        ] {
            assert_eq!(
                check(source, target, tolerance),
                result,
                "{source} {target} {tolerance}"
            );
        }
    }

    #[test]
    fn texts_and_nulls_are_equal_or_not() {
        assert_eq!(check("a", "a", "5"), CheckResult::Pass);
        assert_eq!(check("a", "b", "5"), CheckResult::Fail);
        assert_eq!(check("1", "one", "5"), CheckResult::Fail);
        let none = Tolerance::none();
        assert_eq!(compare(None, None, &none).0, CheckResult::Pass);
        assert_eq!(compare(None, Some("0"), &none).0, CheckResult::Fail);
        assert_eq!(compare(Some("0"), None, &none).0, CheckResult::Fail);
    }

    #[test]
    fn a_tolerance_is_read_as_it_is_written() {
        for (text, shown) in [("0.50", "0.5"), ("1 %", "1%"), ("0", "0"), ("3", "3")] {
            assert_eq!(Tolerance::parse(text).unwrap().to_string(), shown);
        }
        for wrong in ["", "%", "-1", "much", "NaN", "1e999999"] {
            assert!(Tolerance::parse(wrong).is_err(), "{wrong}");
        }
    }
}

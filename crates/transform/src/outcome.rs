//! What the library says when a batch cannot be computed, in words for the person whose row it is.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library has many errors and values; those that rows cause are these"
)]

use datafusion_common::arrow::error::ArrowError;
use datafusion_common::{DataFusionError, ScalarValue};

/// Returns why a row cannot be computed; `Err` when it is no fault of the row.
pub(crate) fn reason(error: &DataFusionError) -> Result<String, String> {
    match error.find_root() {
        DataFusionError::ArrowError(error, _) => Ok(arrow_reason(error)),
        DataFusionError::Execution(text) => Ok(text.clone()),
        DataFusionError::External(cause) => Ok(gist(&cause.to_string())),
        other => Err(other.strip_backtrace()),
    }
}

/// What a library says, in one line: a pattern that is none is drawn over several, one of which says why.
fn gist(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    match lines.iter().find_map(|line| line.strip_prefix("error: ")) {
        Some(why) => why.to_owned(),
        None => lines.join(" "),
    }
}

fn arrow_reason(error: &ArrowError) -> String {
    match error {
        ArrowError::DivideByZero => "division by zero".to_owned(),
        ArrowError::ArithmeticOverflow(_) => "the number is out of range".to_owned(),
        ArrowError::ComputeError(text)
        | ArrowError::InvalidArgumentError(text)
        | ArrowError::CastError(text) => gist(text),
        ArrowError::ExternalError(cause) => gist(&cause.to_string()),
        other => other.to_string(),
    }
}

/// Returns the integer that a constant holds.
pub(crate) fn whole(value: &ScalarValue) -> Option<i64> {
    match value {
        ScalarValue::Int64(value) => *value,
        _ => None,
    }
}

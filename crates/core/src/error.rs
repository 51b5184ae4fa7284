//! The one error of all rooms: what happened, how the run loop must react ([`ErrorClass`]), and what the user can do.

use std::error::Error as StdError;
use std::fmt;

/// The result of everything that can fail here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// How a failure is treated; retry looks at this and at nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// The same operation on a new connection may succeed: connection lost, deadlock, server restarting, disk full.
    Transient,
    /// Somebody else holds or changed what we need: another run, a raised epoch, rows that are not ours.
    Conflict,
    /// The snapshot's connection is gone; a new snapshot is needed.
    SnapshotLost,
    /// Credentials or privileges are missing.
    Denied,
    /// The engine cannot do what was asked.
    Unsupported,
    /// A value or setting breaks a rule: bad data, constraint violations, wrong input.
    Invalid,
    /// A broken promise of our own code.
    Bug,
}

/// A failure: fact, cause, place and a hint that can be run.
///
/// The text is lower case without a full stop; the cause is in [`StdError::source`] and never pasted into the text.
#[derive(Debug)]
pub struct Error {
    class: ErrorClass,
    code: &'static str,
    /// Where in a file of the user's the mistake is; shown before everything else.
    place: Option<Box<Spot>>,
    message: String,
    hint: Option<Box<str>>,
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

/// A place in a file; behind a pointer, so that errors stay small.
#[derive(Debug)]
struct Spot(String);

impl Error {
    /// Makes an error of the class with the message.
    pub fn new(class: ErrorClass, message: impl Into<String>) -> Self {
        Self {
            class,
            code: "",
            place: None,
            message: message.into(),
            hint: None,
            cause: None,
        }
    }

    /// Makes an [`ErrorClass::Invalid`] error.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Invalid, message)
    }

    /// Makes an [`ErrorClass::Bug`] error: an invariant of ours does not hold.
    pub fn bug(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Bug, message)
    }

    /// Returns the error of a connection that broke off: the fate of what was sent last is unknown, and all may be tried again.
    pub fn connection_lost() -> Self {
        Self::new(ErrorClass::Transient, "the connection to the server was lost").with_code("connection_lost")
    }

    /// Returns the error of a snapshot whose connection is gone, and the snapshot with it.
    pub fn snapshot_lost(cause: Self) -> Self {
        Self::new(ErrorClass::SnapshotLost, "the snapshot's connection is gone")
            .with_code("snapshot_lost")
            .with_hint("`whimbrel resume` goes on under a new snapshot")
            .with_cause(cause)
    }

    /// Adds what the user can do; shown on a line of its own.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into().into_boxed_str());
        self
    }

    /// Adds the error that caused this one.
    #[must_use]
    pub fn with_cause(mut self, cause: impl StdError + Send + Sync + 'static) -> Self {
        self.cause = Some(Box::new(cause));
        self
    }

    /// Marks the error with a short stable code, such as `foreign_key_violation` or `source_changed`.
    #[must_use]
    pub fn with_code(mut self, code: &'static str) -> Self {
        self.code = code;
        self
    }

    /// Puts what was being done before the message: `copy table "a": connection closed`. What stands there already is not said twice.
    #[must_use]
    pub fn during(mut self, what: impl fmt::Display) -> Self {
        let what = format!("{what}: ");
        if !self.message.starts_with(&what) {
            self.message = what + &self.message;
        }
        self
    }

    /// Says where in a file of the user's the mistake is (`whimbrel.toml:12`), if that is known and was not said before: whoever is nearest to
    /// the mistake knows it best.
    #[must_use]
    pub fn at(mut self, place: Option<String>) -> Self {
        self.place = self.place.or_else(|| place.map(|place| Box::new(Spot(place))));
        self
    }

    /// Returns how the run loop treats this failure.
    pub fn class(&self) -> ErrorClass {
        self.class
    }

    /// Returns the stable code, or an empty string.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// Returns what the user can do, when known.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Returns the message followed by the messages of all causes, joined by `: `, each said once: a cause that only repeats the
    /// one before it with a number in front is left out.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut before = self.message.clone();
        let mut cause = self.source();
        while let Some(next) = cause {
            let said = next.to_string();
            if !text.contains(&said) && (before.is_empty() || !said.ends_with(&before)) {
                text.push_str(": ");
                text.push_str(&said);
            }
            before = said;
            cause = next.source();
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(spot) = &self.place {
            write!(f, "{}: ", spot.0)?;
        }
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause
            .as_ref()
            .map(|cause| cause.as_ref() as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_nearest_to_the_mistake_stands_before_everything() {
        let error = Error::invalid("there is none")
            .at(None)
            .at(Some("whimbrel.toml:3".to_owned()))
            .during("mapping")
            .at(Some("whimbrel.toml:1".to_owned()));
        assert_eq!(error.chain(), "whimbrel.toml:3: mapping: there is none");
    }

    #[test]
    fn a_cause_that_repeats_the_one_before_is_said_once() {
        let driver = Error::invalid("file is not a database").with_cause(
            Error::invalid("Error code 26: file is not a database").with_cause(Error::invalid("at byte 0")),
        );
        let error = Error::invalid("open `a.db` failed").with_cause(driver);
        assert_eq!(
            error.chain(),
            "open `a.db` failed: file is not a database: at byte 0"
        );
    }
}

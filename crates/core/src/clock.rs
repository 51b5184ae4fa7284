//! The clock that everything takes, so that tests can hold it.

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Returns the time of day in UTC.
    fn now(&self) -> chrono::DateTime<chrono::Utc>;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> chrono::DateTime<chrono::Utc> {
        chrono::Utc::now()
    }
}

//! Fault points: a name before and after every side effect, so that tests can fail the k-th operation, for every k.
//!
//! In a release build a point is nothing. In a debug build it counts, and the armed one fails or aborts the process.

use crate::Result;

/// What the armed point does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Returns a transient error.
    Error,
    /// Ends the process at once, as `kill -9` would.
    Abort,
}

/// Counts a point before or after the side effect `name` and fails when it is the armed one.
///
/// # Errors
/// `Transient` at the armed point with [`Fault::Error`].
#[inline]
pub fn point(name: &'static str) -> Result<()> {
    #[cfg(debug_assertions)]
    return armed::pass(name);
    #[cfg(not(debug_assertions))]
    {
        let _unused = name;
        Ok(())
    }
}

/// Arms the `at`-th point from now (1 is the next one); 0 only counts.
#[cfg(debug_assertions)]
pub fn arm(at: u64, fault: Fault) {
    armed::arm(at, fault);
}

/// Returns how many points were passed since the process began.
#[cfg(debug_assertions)]
pub fn passed() -> u64 {
    armed::passed()
}

#[cfg(debug_assertions)]
mod armed {
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    use super::Fault;
    use crate::{Error, ErrorClass, Result};

    static PASSED: AtomicU64 = AtomicU64::new(0);
    static ARMED_AT: AtomicU64 = AtomicU64::new(0);
    static ABORTS: AtomicBool = AtomicBool::new(false);

    pub(super) fn arm(at: u64, fault: Fault) {
        ABORTS.store(fault == Fault::Abort, Ordering::SeqCst);
        let from = PASSED.load(Ordering::SeqCst);
        ARMED_AT.store(if at == 0 { 0 } else { from + at }, Ordering::SeqCst);
    }

    pub(super) fn passed() -> u64 {
        PASSED.load(Ordering::SeqCst)
    }

    pub(super) fn pass(name: &'static str) -> Result<()> {
        let number = PASSED.fetch_add(1, Ordering::SeqCst) + 1;
        if number != ARMED_AT.load(Ordering::SeqCst) {
            return Ok(());
        }
        if ABORTS.load(Ordering::SeqCst) {
            std::process::abort();
        }
        Err(Error::new(
            ErrorClass::Transient,
            format!("fault injected at `{name}`, point {number}"),
        )
        .with_code("fault_injected"))
    }
}

//! Arms the fault points from the environment, in debug builds only: `WHIMBREL_FAULT=3:error`, `3:abort` or `count`.

/// Writes the number of passed fault points when the program ends, if somebody counts.
#[derive(Debug, Default)]
pub(crate) struct Count {
    #[cfg(debug_assertions)]
    file: Option<std::path::PathBuf>,
}

/// Arms what the environment says; nothing in a release build.
#[cfg(not(debug_assertions))]
pub(crate) fn arm() -> Count {
    Count::default()
}

/// Arms what the environment says; nothing in a release build.
#[cfg(debug_assertions)]
pub(crate) fn arm() -> Count {
    use whimbrel_core::fault::{Fault, arm};

    let variable = |name| std::env::var_os(name).and_then(|value| value.into_string().ok());
    let Some(wanted) = variable("WHIMBREL_FAULT") else {
        return Count::default();
    };
    if let Some((at, kind)) = wanted.split_once(':')
        && let Ok(at) = at.parse()
    {
        let fault = if kind == "abort" {
            Fault::Abort
        } else {
            Fault::Error
        };
        arm(at, fault);
    }
    Count {
        file: variable("WHIMBREL_FAULT_COUNT").map(Into::into),
    }
}

#[cfg(debug_assertions)]
impl Drop for Count {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            // Only a test reads it, and it notices a missing file.
            let _written = std::fs::write(file, whimbrel_core::fault::passed().to_string());
        }
    }
}

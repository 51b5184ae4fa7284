//! Plain files beside a database: removing them and making names durable. The database file itself is never opened here, see
//! [`crate::gate`]; a file that no connection has open may be.

use std::path::Path;

use whimbrel_core::{Error, ErrorClass, Result};

/// Removes a file if it is there.
pub(crate) fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => Err(Error::new(
            ErrorClass::Denied,
            format!("remove `{}` failed", path.display()),
        )
        .with_cause(cause)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Renames a file.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<()> {
    std::fs::rename(from, to).map_err(|cause| {
        Error::new(ErrorClass::Denied, format!("create `{}` failed", to.display())).with_cause(cause)
    })
}

/// Makes the content of a file durable that no connection has open.
pub(crate) fn sync(path: &Path) -> Result<()> {
    std::fs::File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(|cause| unsynced(path, cause))
}

/// Makes a new or vanished name durable: syncs the folder that the path is in.
pub(crate) fn sync_folder(path: &Path) -> Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    sync(folder)
}

fn unsynced(path: &Path, cause: std::io::Error) -> Error {
    Error::new(ErrorClass::Transient, format!("sync `{}` failed", path.display())).with_cause(cause)
}

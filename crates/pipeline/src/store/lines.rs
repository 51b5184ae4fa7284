//! Files of one JSON object a line that only grow. A torn last line is what a crash leaves; it was never acted upon and is cut off.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use whimbrel_core::Result;

use super::{io, sync_dir};

/// The complete lines of a file, without line ends; none of the bytes after the last line end.
pub(super) struct Lines {
    pub(super) complete: Vec<Vec<u8>>,
    /// Bytes of the complete lines with their line ends.
    pub(super) bytes: u64,
    /// True when something follows the last line end.
    pub(super) torn: bool,
}

/// Reads the lines of a file; no lines when there is no file.
pub(super) fn read(path: &Path) -> Result<Lines> {
    let content = match fs::read(path) {
        Ok(content) => content,
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(io("read", path, error)),
    };
    let end = content
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    let complete = match end {
        0 => Vec::new(),
        _ => content[..end - 1]
            .split(|byte| *byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect(),
    };
    Ok(Lines {
        complete,
        bytes: end as u64,
        torn: end < content.len(),
    })
}

/// Opens the file for appending after its last complete line.
pub(super) fn open(path: &Path, lines: &Lines) -> Result<File> {
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(|error| io("open", path, error))?;
    if lines.torn {
        file.set_len(lines.bytes)
            .map_err(|error| io("shorten", path, error))?;
    }
    if let Some(parent) = path.parent() {
        sync_dir(parent)?;
    }
    Ok(file)
}

/// Appends lines and syncs them. When they could not be written whole, all of them are cut off again.
pub(super) fn append(file: &mut File, path: &Path, lines: &[Vec<u8>]) -> Result<()> {
    write(file, path, lines, File::sync_data)
}

/// Appends lines that a later sync makes lasting. When they could not be written whole, all of them are cut off again.
pub(super) fn append_unsynced(file: &mut File, path: &Path, lines: &[Vec<u8>]) -> Result<()> {
    write(file, path, lines, |_| Ok(()))
}

fn write(
    file: &mut File,
    path: &Path,
    lines: &[Vec<u8>],
    finish: impl FnOnce(&File) -> std::io::Result<()>,
) -> Result<()> {
    let before = file.metadata().map_err(|error| io("read", path, error))?.len();
    let mut whole = lines.join(&b'\n');
    whole.push(b'\n');
    let written = file.write_all(&whole).and_then(|()| finish(file));
    if let Err(error) = written {
        file.set_len(before).map_err(|error| io("shorten", path, error))?;
        return Err(io("write", path, error));
    }
    Ok(())
}

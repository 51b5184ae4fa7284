//! The project folder as the detectors see it: its files, never through a link, and a bounded part of each. What they mean is the
//! detectors'.

use std::cell::{Cell, RefCell};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use whimbrel_core::{Error, Result};

use super::evidence::printable;
use crate::refusal;

/// Folders below the given one.
const DEPTH_MAX: usize = 8;
/// Files and folders that are listed.
const ENTRIES_MAX: usize = 50_000;
/// Bytes of one file that are read.
const FILE_BYTES_MAX: u64 = 512 << 10;
/// Bytes of all files together that are read.
const BYTES_MAX: u64 = 128 << 20;
/// Notes that are told one by one.
const NOTES_MAX: usize = 20;
/// Folders that hold what others wrote or what was built.
const PASSED_OVER: [&str; 17] = [
    "node_modules",
    "bower_components",
    "target",
    "vendor",
    "dist",
    "venv",
    "site-packages",
    "__pycache__",
    ".git",
    ".hg",
    ".svn",
    ".venv",
    ".tox",
    ".next",
    ".gradle",
    ".terraform",
    ".whimbrel",
];
/// Folders in which a file says little about the project itself.
const ASIDE: [&str; 12] = [
    "test",
    "tests",
    "__tests__",
    "spec",
    "testdata",
    "fixtures",
    "example",
    "examples",
    "sample",
    "samples",
    "doc",
    "docs",
];

/// A file of the project.
#[derive(Debug)]
pub(super) struct File {
    /// Its path below the folder, with slashes.
    pub(super) path: String,
    /// Its name in lower case.
    pub(super) name: String,
    /// Its size in bytes.
    pub(super) size: u64,
    /// True among tests, examples or documents.
    pub(super) aside: bool,
    place: PathBuf,
}

impl File {
    /// Returns the name of the folder it is in, in lower case; empty at the top.
    pub(super) fn folder(&self) -> String {
        let mut parts = self.path.rsplit('/');
        parts.nth(1).unwrap_or_default().to_ascii_lowercase()
    }

    /// Returns what follows the last dot of its name.
    pub(super) fn extension(&self) -> &str {
        self.name.rsplit_once('.').map_or("", |(_, extension)| extension)
    }

    /// Tells whether one of the folders above it has the name.
    pub(super) fn is_below(&self, folder: &str) -> bool {
        let above = self.path.rsplit_once('/').map_or("", |(above, _)| above);
        above.split('/').any(|part| part.eq_ignore_ascii_case(folder))
    }
}

/// A project folder.
#[derive(Debug)]
pub(super) struct Project {
    files: Vec<File>,
    programs: Option<String>,
    notes: RefCell<Vec<String>>,
    links: usize,
    bytes_left: Cell<u64>,
}

impl Project {
    /// Lists the files of the folder; `programs` is the list of folders with programs, as the environment has it.
    ///
    /// # Errors
    /// A usage error when it does not exist or is no folder.
    pub(super) fn open(folder: &Path, programs: Option<&str>) -> Result<Self> {
        let name = printable(&folder.display().to_string());
        let state = fs::metadata(folder).map_err(|cause| {
            refusal::usage(format!("the folder `{name}` cannot be looked at"))
                .with_hint("name the folder of a project: whimbrel detect PATH")
                .with_cause(cause)
        })?;
        if !state.is_dir() {
            return Err(refusal::usage(format!("`{name}` is a file; must be a folder"))
                .with_hint("name the folder that the file is in: whimbrel detect PATH"));
        }
        fs::read_dir(folder).map_err(|cause| unreadable(&name, cause))?;
        let mut project = Self {
            files: Vec::new(),
            programs: programs.map(str::to_owned),
            notes: RefCell::default(),
            links: 0,
            bytes_left: Cell::new(BYTES_MAX),
        };
        project.walk(folder);
        project.files.sort_by(|a, b| {
            let depth = |file: &File| file.path.matches('/').count();
            (depth(a), &a.path).cmp(&(depth(b), &b.path))
        });
        Ok(project)
    }

    /// Returns the files, those nearest to the folder first.
    pub(super) fn files(&self) -> &[File] {
        &self.files
    }

    /// Returns the files with one of the names, given in lower case.
    pub(super) fn named(&self, names: &[&str]) -> impl Iterator<Item = &File> {
        self.files
            .iter()
            .filter(move |file| names.contains(&file.name.as_str()))
    }

    /// Returns the list of folders with programs.
    pub(super) fn programs(&self) -> Option<&str> {
        self.programs.as_deref()
    }

    /// Returns the lines of the first part of a file; none when it cannot be read, which is noted.
    pub(super) fn lines(&self, file: &File) -> Vec<String> {
        let bytes = self.head(file, FILE_BYTES_MAX);
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_start_matches('\u{feff}');
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        if bytes.len() as u64 == FILE_BYTES_MAX {
            // The last line may be cut within a URL.
            lines.pop();
        }
        lines
    }

    /// Returns at most that many bytes from the start of a file; none when it cannot be read, which is noted.
    pub(super) fn head(&self, file: &File, bytes_max: u64) -> Vec<u8> {
        let bytes_max = bytes_max.min(self.bytes_left.get());
        let mut bytes = Vec::new();
        let read = open(&file.place).and_then(|opened| opened.take(bytes_max).read_to_end(&mut bytes));
        match read {
            Ok(count) => self
                .bytes_left
                .set(self.bytes_left.get().saturating_sub(count as u64)),
            Err(cause) => self.note(format!("`{}` cannot be read: {cause}", file.path)),
        }
        bytes
    }

    /// Returns what could not be looked at.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = self.notes.borrow().clone();
        notes.dedup();
        if notes.len() > NOTES_MAX {
            let more = notes.len() - NOTES_MAX;
            notes.truncate(NOTES_MAX);
            notes.push(format!("{more} more like these"));
        }
        match self.links {
            0 => {}
            1 => notes.push("1 symbolic link was not followed".to_owned()),
            many => notes.push(format!("{many} symbolic links were not followed")),
        }
        if self.bytes_left.get() == 0 {
            notes.push(format!(
                "only the first {} MiB of all files were read",
                BYTES_MAX >> 20
            ));
        }
        notes
    }

    fn note(&self, text: String) {
        let text = printable(&text);
        let mut notes = self.notes.borrow_mut();
        if !notes.contains(&text) {
            notes.push(text);
        }
    }

    /// Lists level by level, so that a bound leaves out what is deepest.
    fn walk(&mut self, folder: &Path) {
        let mut level = vec![(folder.to_owned(), String::new())];
        let mut entries = 0;
        for _ in 0..=DEPTH_MAX {
            let mut below = Vec::new();
            for (place, path) in level {
                match fs::read_dir(&place) {
                    Ok(listing) => {
                        for entry in listing.flatten() {
                            entries += 1;
                            if entries > ENTRIES_MAX {
                                self.note(format!(
                                    "only the first {ENTRIES_MAX} files and folders were looked at"
                                ));
                                return;
                            }
                            self.enter(&entry, &path, &mut below);
                        }
                    }
                    Err(cause) => self.note(format!("`{path}` cannot be read: {cause}")),
                }
            }
            level = below;
        }
        if !level.is_empty() {
            self.note(format!(
                "folders more than {DEPTH_MAX} levels down were not looked at"
            ));
        }
    }

    fn enter(&mut self, entry: &fs::DirEntry, above: &str, below: &mut Vec<(PathBuf, String)>) {
        let (name, place) = (entry.file_name().to_string_lossy().into_owned(), entry.path());
        let path = if above.is_empty() {
            name.clone()
        } else {
            format!("{above}/{name}")
        };
        // Neither of the two follows a link.
        let (Ok(kind), Ok(state)) = (entry.file_type(), entry.metadata()) else {
            return self.note(format!("`{path}` cannot be looked at"));
        };
        let name = name.to_ascii_lowercase();
        if kind.is_symlink() {
            self.links += 1;
        } else if kind.is_dir() && !PASSED_OVER.contains(&name.as_str()) {
            below.push((place, path));
        } else if kind.is_file() {
            let above = path.rsplit_once('/').map_or("", |(above, _)| above);
            let aside = above
                .split('/')
                .any(|part| ASIDE.contains(&part.to_ascii_lowercase().as_str()));
            self.files.push(File {
                path,
                name,
                size: state.len(),
                aside,
                place,
            });
        }
    }
}

/// Opens what is still a file of its own, in case a link took its place since the folder was listed.
fn open(place: &Path) -> std::io::Result<fs::File> {
    if fs::symlink_metadata(place)?.is_file() {
        fs::File::open(place)
    } else {
        Err(std::io::Error::other("it is no longer a file"))
    }
}

fn unreadable(name: &str, cause: std::io::Error) -> Error {
    refusal::usage(format!("the folder `{name}` cannot be read"))
        .with_hint("choose a folder that you may read")
        .with_cause(cause)
}

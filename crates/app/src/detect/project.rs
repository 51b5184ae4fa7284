//! The project folder as the detectors see it: its files, never through a link, and a bounded part of each. What they mean is the
//! detectors'.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use whimbrel_core::{Error, Result, is_secret};

use super::continued::join;
use super::evidence::{Evidence, printable};
use super::masked::{HIDDEN, urls};
use super::withheld::withhold;
use crate::refusal;

/// Folders below the given one.
const DEPTH_MAX: usize = 8;
/// Files and folders that are listed.
const ENTRIES_MAX: usize = 100_000;
/// Those of them below one folder of the first level, so that no heap of files takes the place of its neighbours.
const ENTRIES_OF_FOLDER_MAX: usize = 25_000;
/// Files with one extension, or folders, that are listed in one folder.
const ENTRIES_OF_A_KIND_MAX: usize = 1_000;
/// Names that are read to choose from.
const NAMES_MAX: usize = 2_000_000;
/// Bytes of one file that are read.
const FILE_BYTES_MAX: u64 = 256 << 10;
/// Bytes of all files together that one detector reads.
const BYTES_MAX: u64 = 64 << 20;
/// Files that one detector opens.
const OPENED_MAX: usize = 10_000;
/// Pieces of evidence of one file that one detector takes.
const PIECES_MAX: usize = 300;
/// Notes that are told one by one.
const NOTES_MAX: usize = 20;
/// Folders that hold what others wrote or what was built.
const PASSED_OVER: [&str; 45] = [
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
    ".nox",
    ".eggs",
    ".nuxt",
    ".output",
    ".svelte-kit",
    ".angular",
    ".nx",
    ".turbo",
    ".parcel-cache",
    ".cache",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".yarn",
    ".pnpm-store",
    ".bundle",
    ".dart_tool",
    ".serverless",
    ".aws-sam",
    "cdk.out",
    ".vs",
    ".vscode",
    ".build",
    ".stack-work",
    ".devenv",
    ".dvc",
    "deriveddata",
    "xcbuilddata",
];
/// Ends of the names of patterns, of which a settings file is made, and of copies.
const PATTERN_ENDS: [&str; 12] = [
    "example", "sample", "dist", "template", "tmpl", "tpl", "j2", "erb", "default", "bak", "orig", "old",
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
    /// Its name in lower case, without the end that says that it is a pattern: `database.yml` of `database.yml.example`.
    pub(super) name: String,
    /// Its size in bytes.
    pub(super) size: u64,
    /// True among tests, examples or documents, and of a pattern.
    pub(super) aside: bool,
    place: PathBuf,
}

impl File {
    /// Returns its path below the folder in lower case, with the name that it is known by.
    pub(super) fn known_path(&self) -> String {
        match self.path.rsplit_once('/') {
            Some((above, _)) => format!("{}/{}", above.to_ascii_lowercase(), self.name),
            None => self.name.clone(),
        }
    }

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
    notes: RefCell<BTreeSet<String>>,
    links: usize,
    bytes_left: Cell<u64>,
    files_left: Cell<usize>,
}

impl Project {
    /// Lists the files of the folder; `programs` is the list of folders with programs, as the environment has it.
    ///
    /// # Errors
    /// A usage error when it does not exist or is no folder.
    pub(super) fn open(folder: &Path, programs: Option<&str>) -> Result<Self> {
        let name = told(folder);
        let state = fs::metadata(folder).map_err(|cause| {
            let (what, hint) = if name.contains(':') {
                let what = format!("`{name}` is an address; must be a folder");
                (what, "name the folder of a project: whimbrel detect PATH; at a database looks whimbrel inspect URL")
            } else {
                let what = format!("the folder `{name}` cannot be looked at");
                (what, "name the folder of a project: whimbrel detect PATH")
            };
            refusal::usage(what).with_hint(hint).with_cause(cause)
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
            files_left: Cell::new(OPENED_MAX),
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

    /// Lets the next detector read as much as the one before, whatever that one has read.
    pub(super) fn refill(&self) {
        self.bytes_left.set(BYTES_MAX);
        self.files_left.set(OPENED_MAX);
    }

    /// Returns the lines of the first part of a file, without values that are secret by a name on another line, and those joined that go
    /// on in the next one; none when it cannot be read, which is noted.
    pub(super) fn lines(&self, file: &File) -> Vec<String> {
        let bytes = self.head(file, FILE_BYTES_MAX);
        let mut text = text(&bytes);
        if text.contains('\r') {
            text = text.replace("\r\n", "\n").replace('\r', "\n");
        }
        let text = text.trim_end_matches('\n').split('\n');
        let mut lines: Vec<String> = text.map(str::to_owned).collect();
        if !bytes.is_empty() && file.size > bytes.len() as u64 {
            // The last line may be cut within a URL.
            lines.pop();
            self.note(format!(
                "`{}` is long; only its first {} KiB were read",
                file.path,
                bytes.len() >> 10
            ));
        }
        join(&mut lines);
        withhold(&mut lines);
        lines
    }

    /// Returns what the lines of a file say one by one, until they have said so much that the rest cannot matter, which is noted.
    pub(super) fn pieces<L>(
        &self,
        file: &File,
        lines: impl Iterator<Item = (usize, L)>,
        mut read: impl FnMut(L) -> Vec<Evidence>,
    ) -> Vec<Evidence> {
        let mut pieces = Vec::new();
        for (at, line) in lines {
            pieces.extend(read(line).into_iter().map(|each| each.on(at)));
            if pieces.len() >= PIECES_MAX {
                self.note(format!(
                    "`{}` says so much that only its first {} lines were looked at",
                    file.path,
                    at + 1
                ));
                break;
            }
        }
        pieces
    }

    /// Returns the text at the start of a file, from at most that many bytes; none when it cannot be read, which is noted.
    pub(super) fn start(&self, file: &File, bytes_max: u64) -> String {
        text(&self.head(file, bytes_max))
    }

    /// Returns at most that many bytes from the start of a file; none when it cannot be read, which is noted.
    pub(super) fn head(&self, file: &File, bytes_max: u64) -> Vec<u8> {
        let bytes_max = bytes_max.min(self.bytes_left.get());
        let mut bytes = Vec::new();
        if bytes_max == 0 || self.files_left.get() == 0 {
            self.note(format!(
                "of all files of one kind only the first {OPENED_MAX}, or {} MiB, were read",
                BYTES_MAX >> 20
            ));
            return bytes;
        }
        self.files_left.set(self.files_left.get() - 1);
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
        let mut notes: Vec<String> = self.notes.borrow().iter().cloned().collect();
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
        notes
    }

    fn note(&self, text: String) {
        self.notes.borrow_mut().insert(printable(&text));
    }

    /// Lists level by level, so that a bound leaves out what is deepest.
    fn walk(&mut self, folder: &Path) {
        let mut level = vec![(folder.to_owned(), String::new())];
        let mut listed: BTreeMap<String, usize> = BTreeMap::new();
        let (mut entries, mut names) = (0, 0);
        for _ in 0..=DEPTH_MAX {
            let mut below = Vec::new();
            for (place, path) in level {
                let top = path.split('/').next().unwrap_or_default();
                let of_top = listed.entry(top.to_owned()).or_default();
                for entry in self.chosen(&place, &path, &mut names) {
                    if entries >= ENTRIES_MAX {
                        return self.note(format!(
                            "only the first {ENTRIES_MAX} files and folders were looked at"
                        ));
                    }
                    if *of_top >= ENTRIES_OF_FOLDER_MAX && !top.is_empty() {
                        self.note(format!(
                            "only the first {ENTRIES_OF_FOLDER_MAX} files and folders of `{top}` were looked at"
                        ));
                        break;
                    }
                    entries += 1;
                    *of_top += 1;
                    self.enter(&entry, &path, &mut below);
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

    /// Returns what is in a folder, by name: of a heap of files of one kind the first ones, so that the one that tells is among them.
    fn chosen(&self, place: &Path, path: &str, names: &mut usize) -> Vec<fs::DirEntry> {
        let listing = match fs::read_dir(place) {
            Ok(listing) => listing,
            Err(cause) => {
                self.note(format!("`{path}` cannot be read: {cause}"));
                return Vec::new();
            }
        };
        let mut found: Vec<fs::DirEntry> = listing.flatten().take(NAMES_MAX.saturating_sub(*names)).collect();
        *names += found.len();
        found.sort_by_cached_key(fs::DirEntry::file_name);
        let mut kinds: BTreeMap<(bool, String), usize> = BTreeMap::new();
        let count = found.len();
        found.retain(|entry| {
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let name = entry.file_name().to_string_lossy().to_ascii_lowercase();
            // Numbered parts are of one kind.
            let kind = name.rsplit_once('.').map_or("", |(_, end)| end);
            let is_kind = !is_folder && kind.chars().all(char::is_alphabetic);
            let kind = if is_kind { kind.to_owned() } else { String::new() };
            let of_kind = kinds.entry((is_folder, kind)).or_default();
            *of_kind += 1;
            *of_kind <= ENTRIES_OF_A_KIND_MAX
        });
        if found.len() < count {
            self.note(format!(
                "only the first {ENTRIES_OF_A_KIND_MAX} files of each kind in `{}` were looked at",
                if path.is_empty() { "." } else { path }
            ));
        }
        found
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
            let (name, is_pattern) = without_pattern(&name);
            let aside = is_pattern
                || above
                    .split('/')
                    .any(|part| ASIDE.contains(&part.to_ascii_lowercase().as_str()));
            self.files.push(File {
                name: name.to_owned(),
                path,
                size: state.len(),
                aside,
                place,
            });
        }
    }
}

/// Returns the text that bytes stand for: UTF-8, or UTF-16 as editors of Windows write it.
fn text(bytes: &[u8]) -> String {
    let units = |of: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| of([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    let text = match bytes {
        [0xff, 0xfe, ..] => units(u16::from_le_bytes),
        [0xfe, 0xff, ..] => units(u16::from_be_bytes),
        [1..=0x7f, 0, 1..=0x7f, 0, ..] => units(u16::from_le_bytes),
        [0, 1..=0x7f, 0, 1..=0x7f, ..] => units(u16::from_be_bytes),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    };
    text.trim_start_matches('\u{feff}').to_owned()
}

/// Returns a name without the end that says that it is a pattern, and whether there was one.
fn without_pattern(name: &str) -> (&str, bool) {
    match name.rsplit_once('.') {
        Some((before, end)) if !before.is_empty() && PATTERN_ENDS.contains(&end) => (before, true),
        _ => (name, false),
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

/// Returns the name of the given folder as it may be told: who gives the address of a database by mistake gives its password too.
fn told(folder: &Path) -> String {
    let name = printable(&folder.display().to_string());
    if let Some(url) = urls(&name).into_iter().next() {
        return url.shown;
    }
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "+-.".contains(letter);
    match name.split_once(':') {
        Some((scheme, rest)) if rest.starts_with("//") && scheme.chars().all(is_part) => {
            format!("{scheme}://{HIDDEN}")
        }
        Some((_, rest)) if rest.contains('@') => format!("{HIDDEN}:{HIDDEN}"),
        _ if name.contains('=') && is_secret(&name) => HIDDEN.to_owned(),
        _ => name,
    }
}

fn unreadable(name: &str, cause: std::io::Error) -> Error {
    refusal::usage(format!("the folder `{name}` cannot be read"))
        .with_hint("choose a folder that you may read")
        .with_cause(cause)
}

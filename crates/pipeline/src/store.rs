//! The files of one migration: `.whimbrel/<id>/`. Every file is small and written so that a crash at any moment leaves either the
//! old or the new content; what the target holds is the ledger's business, these files are hints and the way back.

mod checkpoint;
mod events;
mod layout;
mod lines;
mod progress;
mod rejects;
mod snapshot;
mod undo;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{BufReader, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Serializer;
use whimbrel_core::{Error, ErrorClass, MigrationId, Plan, Result, fault, hash_of, hex};

use crate::failure::PLAN_CHANGED;

pub(crate) use checkpoint::save as save_checkpoint;
pub use checkpoint::{Checkpoint, MigrationStatus};
pub use events::{EventLog, LogCheck, LogProblem, check_log};
use layout::Lines;
pub use progress::{PauseState, ProgressRecord};
pub use rejects::RejectLine;
pub(crate) use rejects::reject_file;
pub(crate) use snapshot::SnapshotRecord;
pub(crate) use undo::UndoLog;

pub(crate) const PLAN: &str = "migration_plan.json";
pub(crate) const APPROVAL: &str = "approval.json";
pub(crate) const CHECKPOINT: &str = "checkpoint.json";
pub(crate) const SNAPSHOT: &str = "snapshot.json";
pub(crate) const AS_BUILT: &str = "as_built.json";
pub(crate) const WIDENED: &str = "widened.json";
pub(crate) const VERIFICATION: &str = "verification_report.json";

const LOCK: &str = "lock";
const LOOK: Duration = Duration::from_millis(10);
const LOOKS_MAX: u32 = 10;

/// Who confirmed which plan, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The plan's hash as it was confirmed.
    pub hash: String,
    /// Who did it.
    pub by: String,
    /// How: `typed`, `flag`, `wizard` ...
    pub how: String,
    /// When, RFC 3339.
    pub at: String,
}

/// The directory of one migration.
#[derive(Debug, Clone)]
pub struct MigrationDir {
    id: MigrationId,
    path: PathBuf,
}

/// The right to change a migration; held by one process at a time, given back on drop (and by the system when the process dies).
#[derive(Debug)]
#[must_use = "the lock is given back when this is dropped"]
pub struct DirLock {
    _file: File,
}

impl MigrationDir {
    /// Makes the directory of a new migration.
    ///
    /// # Errors
    /// `Conflict` when it is there already.
    pub fn create(base: &Path, id: &MigrationId) -> Result<Self> {
        let dir = Self::at(base, id)?;
        fs::create_dir_all(base).map_err(|error| io("create", base, error))?;
        fault::point("dir.create.before")?;
        fs::create_dir(&dir.path).map_err(|error| {
            if error.kind() == ErrorKind::AlreadyExists {
                Error::new(ErrorClass::Conflict, format!("migration `{id}` exists already"))
            } else {
                io("create", &dir.path, error)
            }
        })?;
        sync_dir(base)?;
        fault::point("dir.create.after")?;
        Ok(dir)
    }

    /// Opens the directory of a migration.
    ///
    /// # Errors
    /// `Invalid` when there is none.
    pub fn open(base: &Path, id: &MigrationId) -> Result<Self> {
        let dir = Self::at(base, id)?;
        if dir.path.is_dir() {
            return Ok(dir);
        }
        let known = Self::list(base)?;
        let known: Vec<String> = known.iter().map(|id| format!("`{id}`")).collect();
        let hint = match known.as_slice() {
            [] => format!(
                "no migration is in `{}`; make one with `whimbrel plan SOURCE TARGET`",
                base.display()
            ),
            _ => format!("known are {}", known.join(", ")),
        };
        Err(Error::invalid(format!("migration `{id}` does not exist")).with_hint(hint))
    }

    /// Returns the migrations of a base directory, by id; empty when there is no such directory.
    ///
    /// # Errors
    /// `Denied` and others as the file system says.
    pub fn list(base: &Path) -> Result<Vec<MigrationId>> {
        let entries = match fs::read_dir(base) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io("read", base, error)),
        };
        let mut ids = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| io("read", base, error))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with("mig_") && entry.path().is_dir() {
                ids.push(MigrationId(name));
            }
        }
        ids.sort();
        Ok(ids)
    }

    /// Returns the first free id of the year, such as `mig_2026_001`.
    ///
    /// # Errors
    /// As [`MigrationDir::list`].
    pub fn next_id(base: &Path, year: i32) -> Result<MigrationId> {
        let prefix = format!("mig_{year}_");
        let last = Self::list(base)?
            .iter()
            .filter_map(|id| id.0.strip_prefix(&prefix)?.parse::<u32>().ok())
            .max();
        Ok(MigrationId(format!("{prefix}{:03}", last.unwrap_or(0) + 1)))
    }

    /// Returns where the files are.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the migration.
    pub fn id(&self) -> &MigrationId {
        &self.id
    }

    /// Takes the right to change this migration.
    ///
    /// # Errors
    /// `Conflict` when another process has it.
    pub fn lock(&self) -> Result<DirLock> {
        let path = self.path.join(LOCK);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| io("open", &path, error))?;
        let mut looks = 0;
        loop {
            match file.try_lock() {
                Ok(()) => {
                    // A process that was killed leaves behind what it said.
                    self.forget_progress();
                    return Ok(DirLock { _file: file });
                }
                // Whoever only looks has it for a moment.
                Err(TryLockError::WouldBlock) if looks < LOOKS_MAX => {
                    looks += 1;
                    std::thread::sleep(LOOK);
                }
                Err(TryLockError::WouldBlock) => return Err(self.held()),
                Err(TryLockError::Error(error)) => return Err(io("lock", &path, error)),
            }
        }
    }

    /// Tells whether a process has the right to change this migration; the system takes it from one that has died.
    pub fn is_locked(&self) -> bool {
        let Ok(file) = File::open(self.path.join(LOCK)) else {
            return false;
        };
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }

    fn held(&self) -> Error {
        let message = format!("another process is working on migration `{}`", self.id);
        Error::new(ErrorClass::Conflict, message)
            .with_code("migration_locked")
            .with_hint(format!(
                "look with `whimbrel status {}`; wait for it, or stop it",
                self.id
            ))
    }

    /// Writes the plan.
    ///
    /// # Errors
    /// As the file system says.
    pub fn save_plan(&self, plan: &Plan) -> Result<()> {
        self.save(PLAN, plan)
    }

    /// Reads the plan, and checks that nobody edited it.
    ///
    /// # Errors
    /// `Invalid` with code `plan_changed` when its hash is not the one it carries, or its format is another.
    pub fn load_plan(&self) -> Result<Plan> {
        let plan: Plan = self.load(PLAN)?.ok_or_else(|| {
            Error::invalid(format!("migration `{}` has no `{PLAN}`", self.id))
                .with_code(PLAN_CHANGED)
                .with_hint("bring the file back from a copy, or plan again: `whimbrel plan SOURCE TARGET`")
        })?;
        check_plan(&plan)?;
        Ok(plan)
    }

    /// Records who confirmed the plan.
    ///
    /// # Errors
    /// As the file system says.
    pub fn save_approval(&self, approval: &Approval) -> Result<()> {
        self.save(APPROVAL, approval)
    }

    /// Reads who confirmed the plan; none when nobody did.
    ///
    /// # Errors
    /// `Invalid` when the file is damaged.
    pub fn load_approval(&self) -> Result<Option<Approval>> {
        self.load(APPROVAL)
    }

    /// Reads where the migration stands; none before its first run.
    ///
    /// # Errors
    /// `Invalid` when the file and the one before it are both damaged.
    pub fn checkpoint(&self) -> Result<Option<Checkpoint>> {
        checkpoint::load(self)
    }

    /// Opens the audit log for appending.
    ///
    /// # Errors
    /// As the file system says.
    pub fn events(&self) -> Result<EventLog> {
        EventLog::open(self)
    }

    /// Writes a file whole or not at all: into a temporary file that is synced and renamed, then the directory is synced.
    ///
    /// # Errors
    /// `Transient` when the disk is full, else as the file system says; the old content stays.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<()> {
        self.write_with(name, |file| file.write_all(content))
    }

    /// As [`MigrationDir::write`], of what the function writes piece by piece: a large file need not be held.
    ///
    /// # Errors
    /// As [`MigrationDir::write`].
    pub fn write_with(
        &self,
        name: &str,
        content: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
    ) -> Result<()> {
        let path = self.path.join(name);
        fault::point("file.write.before")?;
        let temporary = self.write_temporary(&path, content)?;
        fault::point("file.rename.before")?;
        fs::rename(&temporary, &path).map_err(|error| io("rename", &temporary, error))?;
        sync_dir(&self.path)?;
        fault::point("file.write.after")
    }

    /// Writes a value as JSON that a person can read: long lists have an item a line.
    ///
    /// # Errors
    /// As [`MigrationDir::write`].
    pub fn write_json(&self, name: &str, value: &impl Serialize) -> Result<()> {
        self.write_with(name, |file| {
            value.serialize(&mut Serializer::with_formatter(&mut *file, Lines::default()))?;
            file.write_all(b"\n")
        })
    }

    /// Writes the content beside `path`, synced; the caller renames it.
    fn write_temporary(
        &self,
        path: &Path,
        content: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
    ) -> Result<PathBuf> {
        if let Some(parent) = path.parent().filter(|parent| *parent != self.path) {
            fs::create_dir_all(parent).map_err(|error| io("create", parent, error))?;
            sync_dir(&self.path)?;
        }
        let mut name = path.file_name().unwrap_or_default().to_os_string();
        name.push(".tmp");
        let temporary = path.with_file_name(name);
        let file = File::create(&temporary).map_err(|error| io("create", &temporary, error))?;
        let mut file = BufWriter::new(file);
        content(&mut file)
            .and_then(|()| file.flush())
            .and_then(|()| file.get_ref().sync_all())
            .map_err(|error| io("write", &temporary, error))?;
        Ok(temporary)
    }

    /// Writes a value as JSON.
    pub(crate) fn save(&self, name: &str, value: &impl Serialize) -> Result<()> {
        self.write_json(name, value)
    }

    /// Reads a value from JSON; none when there is no such file.
    pub(crate) fn load<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let path = self.path.join(name);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io("read", &path, error)),
        };
        // A large file is not held beside what it says.
        serde_json::from_reader(BufReader::new(file))
            .map(Some)
            .map_err(|error| {
                if let Some(kind) = error.io_error_kind() {
                    return io("read", &path, kind.into());
                }
                Error::invalid(format!("`{}` is damaged", path.display()))
                    .with_cause(error)
                    .with_hint(
                        "bring the file back from a copy, or plan again: `whimbrel plan SOURCE TARGET`",
                    )
            })
    }

    /// Removes a file; one that is not there is removed already.
    pub fn remove(&self, name: &str) -> Result<()> {
        let path = self.path.join(name);
        fault::point("file.remove.before")?;
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(io("remove", &path, error)),
        }
        fault::point("file.remove.after")
    }

    fn at(base: &Path, id: &MigrationId) -> Result<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if id.0.is_empty() || !id.0.chars().all(plain) {
            return Err(Error::invalid(format!(
                "migration id is `{id}`; must be like `mig_2026_001`"
            )));
        }
        Ok(Self {
            id: id.clone(),
            path: base.join(&id.0),
        })
    }
}

/// Checks that the plan is one of ours and unedited.
pub(crate) fn check_plan(plan: &Plan) -> Result<()> {
    if plan.format != Plan::FORMAT {
        return Err(Error::invalid(format!(
            "the plan's format is `{}`; must be `{}`",
            plan.format,
            Plan::FORMAT
        ))
        .with_code(PLAN_CHANGED)
        .with_hint("plan again with this version: `whimbrel plan SOURCE TARGET`"));
    }
    if plan.compute_hash() != plan.hash {
        return Err(Error::invalid(format!(
            "the plan of `{}` was edited: its hash is no longer the one it carries",
            plan.migration_id
        ))
        .with_code(PLAN_CHANGED)
        .with_hint(
            "plan again with `whimbrel plan SOURCE TARGET`; change settings and decisions, not the plan file",
        ));
    }
    Ok(())
}

/// The longest name of a file before its ending; file systems take 255 bytes.
const FILE_NAME_BYTES_MAX: usize = 200;

/// Returns a file-safe form of a name: other characters than letters, digits, `_`, `-` and inner dots as `%XX`, and a hash at the end of what is
/// too long.
pub(crate) fn file_safe(name: &str) -> String {
    let mut safe = String::with_capacity(name.len());
    for (at, byte) in name.bytes().enumerate() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-') || (byte == b'.' && at > 0) {
            safe.push(char::from(byte));
        } else {
            safe.push_str(&format!("%{byte:02X}"));
        }
    }
    if safe.len() > FILE_NAME_BYTES_MAX {
        let hash = hash_of(&name);
        safe.truncate(FILE_NAME_BYTES_MAX - hash.len());
        safe.push_str(&hash);
    }
    safe
}

pub(crate) fn sync_dir(path: &Path) -> Result<()> {
    File::open(path)
        .and_then(|dir| dir.sync_all())
        .map_err(|error| io("sync", path, error))
}

pub(crate) fn io(what: &str, path: &Path, error: std::io::Error) -> Error {
    let path = path.display();
    let is_any = |kinds: &[ErrorKind]| kinds.contains(&error.kind());
    let (class, hint) = if is_any(&[ErrorKind::StorageFull, ErrorKind::QuotaExceeded]) {
        (
            ErrorClass::Transient,
            Some(
                "free some space, then run the same again, or `whimbrel resume` where a run had begun"
                    .to_owned(),
            ),
        )
    } else if is_any(&[ErrorKind::PermissionDenied, ErrorKind::ReadOnlyFilesystem]) {
        (
            ErrorClass::Denied,
            Some(format!("let this user write `{path}`, or choose another `--dir`")),
        )
    } else if is_any(&[ErrorKind::NotFound, ErrorKind::NotADirectory]) {
        (ErrorClass::Invalid, Some("choose another `--dir`".to_owned()))
    } else {
        (ErrorClass::Invalid, None)
    };
    let made = Error::new(class, format!("cannot {what} `{path}`")).with_cause(error);
    match hint {
        Some(hint) => made.with_hint(hint),
        None => made,
    }
}

/// SHA-256 in hex.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    hex(&sha2::Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dir() -> (tempfile::TempDir, MigrationDir) {
        let base = tempfile::tempdir().unwrap();
        let id = MigrationDir::next_id(base.path(), 2026).unwrap();
        let dir = MigrationDir::create(base.path(), &id).unwrap();
        (base, dir)
    }

    #[test]
    fn ids_count_up_within_a_year() {
        let (base, dir) = dir();
        assert_eq!(dir.id().0, "mig_2026_001");
        assert_eq!(
            MigrationDir::next_id(base.path(), 2026).unwrap().0,
            "mig_2026_002"
        );
        assert_eq!(
            MigrationDir::next_id(base.path(), 2027).unwrap().0,
            "mig_2027_001"
        );
    }

    #[test]
    fn two_holders_of_one_migration_conflict() {
        let (_base, dir) = dir();
        let held = dir.lock().unwrap();
        let refused = dir.lock().unwrap_err();
        assert_eq!(refused.class(), ErrorClass::Conflict);
        assert!(refused.hint().is_some());
        drop(held);
        drop(dir.lock().unwrap());
    }

    #[test]
    fn an_id_cannot_leave_the_base_directory() {
        let base = tempfile::tempdir().unwrap();
        for id in ["../x", "", "a/b", "."] {
            assert!(
                MigrationDir::create(base.path(), &MigrationId(id.to_owned())).is_err(),
                "{id}"
            );
        }
    }

    #[test]
    fn table_names_cannot_leave_their_folder() {
        assert_eq!(file_safe("../a/b"), "%2E.%2Fa%2Fb");
        let long = |end: &str| file_safe(&format!("{}{end}", "日".repeat(63)));
        assert_eq!(long("a").len(), FILE_NAME_BYTES_MAX);
        assert_ne!(long("a"), long("b"));
        assert_eq!(file_safe("public.users"), "public.users");
    }
}

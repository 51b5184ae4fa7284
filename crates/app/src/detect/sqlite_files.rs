//! Database files: known by their first bytes, whatever their name promises.

use super::evidence::{Engine, Evidence, Weight};
use super::found::Found;
use super::project::Project;

const HEADER: &[u8] = b"SQLite format 3\0";
pub(super) const EXTENSIONS: [&str; 6] = ["db", "db3", "sqlite", "sqlite3", "s3db", "sl3"];

/// Returns the files that hold, or seem to hold, a database.
pub(super) fn find(project: &Project, found: &mut Found) {
    let files = project.files().iter();
    let files = files.filter(|file| EXTENSIONS.contains(&file.extension()));
    found.add(files.filter_map(|file| {
        let head = project.head(file, HEADER.len() as u64);
        let (weight, what) = if head == HEADER {
            (Weight::Strong, "the file begins as a SQLite database")
        } else if file.size == 0 {
            (
                Weight::Medium,
                "the file is named as a SQLite database and is empty",
            )
        } else if file.extension().starts_with("sqlite") {
            (
                Weight::Weak,
                "the file is named as a SQLite database, and does not begin as one",
            )
        } else {
            return None;
        };
        let mut evidence = Evidence::new(file, weight, what).of(Engine::Sqlite);
        evidence.address = (head == HEADER).then(|| file.path.clone());
        Some(evidence)
    }));
}

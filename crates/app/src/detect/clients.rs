//! Client programs on the PATH. They are looked for and never run; what they weigh is `verdict.rs`.

use std::path::Path;

use super::evidence::{Engine, Evidence, Weight};
use super::found::Found;
use super::project::Project;

/// The name of the detector.
pub(super) const CLIENTS: &str = "clients";
const PROGRAMS: [(&str, Engine); 6] = [
    ("psql", Engine::Postgresql),
    ("mysql", Engine::Mysql),
    ("mariadb", Engine::Mysql),
    ("sqlite3", Engine::Sqlite),
    ("mongosh", Engine::Mongodb),
    ("mongo", Engine::Mongodb),
];

/// Returns the programs that are there.
pub(super) fn find(project: &Project, found: &mut Found) {
    let Some(programs) = project.programs() else {
        return;
    };
    let folders: Vec<&Path> = programs
        .split(':')
        .map(Path::new)
        .filter(|folder| folder.is_absolute())
        .collect();
    let programs = PROGRAMS.iter();
    let programs = programs.filter(|(name, _)| folders.iter().any(|folder| folder.join(name).is_file()));
    found.add(programs.map(|(name, engine)| {
        Evidence::outside(Weight::Weak, format!("`{name}` is on the PATH")).of(*engine)
    }));
}

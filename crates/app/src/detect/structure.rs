//! The structure of a database written as SQL: `schema.sql` and its like. Their dialect is told by `words.rs`.

use super::evidence::{Engine, Evidence, Weight};
use super::found::Found;
use super::project::{File, Project};
use super::sqlite_files;
use super::words::{has_code, is_foreign, spoken};

/// Files of SQL that are looked into.
const FILES_MAX: usize = 500;
const STEMS: [&str; 9] = [
    "schema",
    "structure",
    "database",
    "dump",
    "backup",
    "init",
    "setup",
    "ddl",
    "create_tables",
];

/// Returns the files that hold a structure.
pub(super) fn find(project: &Project, found: &mut Found) {
    let files = project.files().iter().filter(|file| file.name.contains('.'));
    let mut others = 0;
    let files = files.filter(|file| {
        others += usize::from(file.extension() == "sql");
        file.extension() != "sql" || others <= FILES_MAX
    });
    found.add(files.filter_map(|file| of_file(project, file)));
}

fn of_file(project: &Project, file: &File) -> Option<Evidence> {
    let (stem, extension) = file.name.split_once('.')?;
    let first = stem.split(['-', '_']).next().unwrap_or_default();
    let is_structure = STEMS.contains(&stem) || STEMS.contains(&first);
    let parts = || stem.split(['-', '_']).skip(1).chain(extension.split('.'));
    if !is_structure && file.extension() == "sql" {
        return of_other(project, file);
    }
    if !is_structure || !(extension == "sql" || extension.ends_with(".sql") || engine_of(extension).is_some())
    {
        return None;
    }
    // A database is no structure, and counts once.
    if sqlite_files::EXTENSIONS.contains(&file.extension()) {
        return None;
    }
    if let Some(engine) = parts().find_map(engine_of) {
        let what = format!("the file is named as a structure of {}", engine.name());
        return Some(Evidence::new(file, Weight::Strong, what).of(engine));
    }
    let lines = project.lines(file);
    let spoken = spoken(&lines);
    // `db/mysql/schema.sql`
    if spoken.as_ref().is_none_or(|spoken| spoken.is_faint)
        && let Some(engine) = engine_of(&file.folder())
    {
        let what = format!("the structure is in a folder named after {}", engine.name());
        return Some(Evidence::new(file, Weight::Medium, what).of(engine));
    }
    if let Some(spoken) = spoken {
        let what = format!("`{}` is a word of {}", spoken.word, spoken.engine.name());
        return Some(
            Evidence::new(file, spoken.weight(Weight::Strong), what)
                .on(spoken.line)
                .of(spoken.engine),
        );
    }
    if !["schema", "structure"].contains(&stem) {
        return None;
    }
    if !has_code(&lines) || is_foreign(&lines) {
        return None;
    }
    let what = "SQL without a word that only one dialect has; PostgreSQL is nearest to the standard";
    Some(Evidence::new(file, Weight::Weak, what).of(Engine::Postgresql))
}

/// Reads a file of SQL with any name, such as `migrations/001_users.sql`.
fn of_other(project: &Project, file: &File) -> Option<Evidence> {
    let spoken = spoken(&project.lines(file))?;
    let what = format!("`{}` is a word of {}", spoken.word, spoken.engine.name());
    let evidence = Evidence::new(file, spoken.weight(Weight::Medium), what).on(spoken.line);
    Some(evidence.of(spoken.engine))
}

fn engine_of(part: &str) -> Option<Engine> {
    Engine::of_word(part)
}

//! Migrations that are programs: those of Alembic, Entity Framework, Ecto, Laravel, Doctrine and Flyway, told by what they refer to. Those
//! in JavaScript are `knex.rs`, those of Django and Rails stand with their settings.

use super::evidence::{Evidence, Weight};
use super::found::Found;
use super::numbered::{FLYWAY, is_flyway};
use super::project::{File, Project};

const FOLDERS: [&str; 4] = ["migrations", "migration", "versions", "migrate"];
/// The language, what a migration refers to, and its tool.
const AUTHORS: [(&str, &str, &str); 8] = [
    ("py", "from alembic import op", "alembic"),
    ("cs", ": Migration", "entity-framework"),
    ("exs", "use Ecto.Migration", "ecto"),
    ("php", "Database\\Migrations\\Migration", "laravel"),
    ("php", "Doctrine\\Migrations", "doctrine"),
    ("php", "Phinx\\Migration", "phinx"),
    ("sql", "-- atlas:", "atlas"),
    ("go", "goose.AddMigration", "goose"),
];

/// Returns the migrations.
pub(super) fn find(project: &Project, found: &mut Found) {
    let files = project.files().iter();
    found.add(files.filter_map(|file| of_file(project, file)));
}

fn of_file(project: &Project, file: &File) -> Option<Evidence> {
    let extension = file.extension();
    if ["java", "kt", "groovy"].contains(&extension) && is_flyway(&file.name) {
        return Some(Evidence::new(file, Weight::Strong, "a migration of flyway").by(FLYWAY));
    }
    let is_candidate = AUTHORS.iter().any(|(language, ..)| *language == extension)
        && match extension {
            // A program in Go has no folder for them, but goose reads the number from the name.
            "go" => file.name.starts_with(|first: char| first.is_ascii_digit()),
            _ => FOLDERS.contains(&file.folder().as_str()),
        };
    let lines = is_candidate.then(|| project.lines(file))?;
    AUTHORS
        .iter()
        .filter(|(language, ..)| *language == extension)
        .find_map(|(_, word, tool)| {
            let at = lines.iter().position(|line| line.contains(word))?;
            let what = format!("a migration of {tool}");
            Some(Evidence::new(file, Weight::Strong, what).on(at).by(tool))
        })
}

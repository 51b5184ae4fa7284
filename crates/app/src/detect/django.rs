//! Django: the engines in its settings, and its migrations.

use super::clues::of_urls;
use super::evidence::{Engine, Evidence, OF_A_LINE_MAX, Weight};
use super::found::Found;
use super::project::{File, Project};

const DJANGO: &str = "django";

/// Returns what speaks for Django and its database.
pub(super) fn find(project: &Project, found: &mut Found) {
    for file in project.files().iter().filter(|file| file.extension() == "py") {
        if file.name.contains("settings") || file.is_below("settings") {
            found.add(of_settings(project, file));
        } else if file.folder() == "migrations" {
            found.add(of_migration(project, file));
        } else if file.name == "manage.py" {
            let line = position(project, file, "django");
            found.add(line.map(|at| {
                Evidence::new(file, Weight::Medium, "the tool of Django")
                    .on(at)
                    .by(DJANGO)
            }));
        }
    }
}

fn of_settings(project: &Project, file: &File) -> Vec<Evidence> {
    let lines = project.lines(file);
    project.pieces(file, lines.iter().enumerate(), |line| {
        let code = line.trim_start();
        if code.starts_with('#') {
            return Vec::new();
        }
        let mut pieces = of_urls(file, "the URL", line);
        let engines = backends(code).filter_map(Engine::of_word).take(OF_A_LINE_MAX);
        pieces.extend(engines.map(|engine| {
            let what = format!("the engine is one of {}", engine.name());
            Evidence::new(file, Weight::Strong, what).of(engine).by(DJANGO)
        }));
        pieces
    })
}

/// Returns the last parts of the engines that a line names.
fn backends(code: &str) -> impl Iterator<Item = &str> {
    let texts = code.split(['"', '\'']).skip(1).step_by(2);
    let is_setting = code.contains("ENGINE");
    texts.filter_map(move |text| match text.rsplit_once(".backends.") {
        Some((_, backend)) => Some(backend.split('.').next().unwrap_or(backend)),
        None => (is_setting && text != "ENGINE").then_some(text),
    })
}

fn of_migration(project: &Project, file: &File) -> Option<Evidence> {
    let is_numbered = file
        .name
        .split('_')
        .next()?
        .chars()
        .all(|letter| letter.is_ascii_digit());
    let at = is_numbered.then(|| position(project, file, "django"))??;
    Some(
        Evidence::new(file, Weight::Strong, "a migration of Django")
            .on(at)
            .by(DJANGO),
    )
}

fn position(project: &Project, file: &File, word: &str) -> Option<usize> {
    project.lines(file).iter().position(|line| line.contains(word))
}

//! Prisma: its schema, and the provider of the datasource in it.

use super::clues::of_urls;
use super::evidence::{Engine, Evidence, Weight};
use super::found::Found;
use super::project::{File, Project};

/// The tool's name.
pub(super) const PRISMA: &str = "prisma";

/// Returns what speaks for Prisma.
pub(super) fn find(project: &Project, found: &mut Found) {
    for file in project.files() {
        if file.extension() == "prisma" {
            found.add(of_schema(project, file));
        } else if file.name == "migration_lock.toml" {
            found.add(of_lock(project, file));
        } else if file.name.starts_with("prisma.config.") {
            found.add([Evidence::new(file, Weight::Strong, "settings of Prisma").by(PRISMA)]);
        }
    }
}

fn of_schema(project: &Project, file: &File) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    if file.name == "schema.prisma" {
        evidence.push(Evidence::new(file, Weight::Strong, "a schema of Prisma").by(PRISMA));
    }
    let mut in_datasource = false;
    let lines = project.lines(file);
    evidence.extend(project.pieces(file, lines.iter().enumerate(), |line| {
        let mut pieces = Vec::new();
        let code = line.split("//").next().unwrap_or_default().trim();
        if code.starts_with("datasource ") {
            in_datasource = true;
            pieces.push(Evidence::new(file, Weight::Strong, "a datasource of Prisma").by(PRISMA));
        }
        if in_datasource {
            pieces.extend(provider(file, code));
            pieces.extend(of_urls(file, "the URL of the datasource", line));
        }
        in_datasource &= !code.ends_with('}');
        pieces
    }));
    evidence
}

fn of_lock(project: &Project, file: &File) -> Vec<Evidence> {
    let lines = project.lines(file);
    project.pieces(file, lines.iter().enumerate(), |line| {
        let provider = provider(file, line.trim());
        provider.into_iter().map(|each| each.by(PRISMA)).collect()
    })
}

fn provider(file: &File, code: &str) -> Option<Evidence> {
    let (_, value) = code.split_once("provider")?;
    let value = value.trim_start().strip_prefix('=')?;
    let engine = Engine::of_word(value.split('"').nth(1)?)?;
    let what = format!("the provider is `{}`", engine.name());
    Some(Evidence::new(file, Weight::Strong, what).of(engine))
}

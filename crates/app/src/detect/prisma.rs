//! Prisma: its schema, and the provider of the datasource in it.

use super::evidence::{Engine, Evidence, Weight};
use super::masked::urls;
use super::project::{File, Project};

/// The tool's name.
pub(super) const PRISMA: &str = "prisma";

/// Returns what speaks for Prisma.
pub(super) fn find(project: &Project) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    for file in project.files() {
        if file.extension() == "prisma" {
            evidence.extend(of_schema(project, file));
        } else if file.name == "migration_lock.toml" {
            evidence.extend(of_lock(project, file));
        } else if file.name.starts_with("prisma.config.") {
            evidence.push(Evidence::new(file, Weight::Strong, "settings of Prisma").by(PRISMA));
        }
    }
    evidence
}

fn of_schema(project: &Project, file: &File) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    if file.name == "schema.prisma" {
        evidence.push(Evidence::new(file, Weight::Strong, "a schema of Prisma").by(PRISMA));
    }
    let mut in_datasource = false;
    for (at, line) in project.lines(file).iter().enumerate() {
        let code = line.split("//").next().unwrap_or_default().trim();
        if code.starts_with("datasource ") {
            in_datasource = true;
            evidence.push(
                Evidence::new(file, Weight::Strong, "a datasource of Prisma")
                    .on(at)
                    .by(PRISMA),
            );
        }
        if in_datasource {
            evidence.extend(provider(file, code, at));
            for url in urls(line) {
                evidence
                    .push(Evidence::of_url(file, Weight::Strong, "the URL of the datasource", &url).on(at));
            }
        }
        in_datasource &= !code.ends_with('}');
    }
    evidence
}

fn of_lock(project: &Project, file: &File) -> Vec<Evidence> {
    let lines = project.lines(file);
    let providers = lines.iter().enumerate();
    let providers = providers.filter_map(|(at, line)| provider(file, line.trim(), at));
    providers.map(|evidence| evidence.by(PRISMA)).collect()
}

fn provider(file: &File, code: &str, at: usize) -> Option<Evidence> {
    let (_, value) = code.split_once("provider")?;
    let value = value.trim_start().strip_prefix('=')?;
    let engine = Engine::of_word(value.split('"').nth(1)?)?;
    let what = format!("the provider is `{}`", engine.name());
    Some(Evidence::new(file, Weight::Strong, what).on(at).of(engine))
}

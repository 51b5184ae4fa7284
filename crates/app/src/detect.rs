//! Which databases and migration tools a project folder uses, with the evidence. Files are only looked at, no database is opened and
//! no password leaves this room. What is looked for is the list in `detectors.rs`; how it is weighed is `verdict.rs`.

mod clients;
mod clues;
mod continued;
mod detectors;
mod django;
mod evidence;
mod found;
mod knex;
mod liquibase;
mod manifests;
mod masked;
mod numbered;
mod prisma;
mod programs;
mod project;
mod rails;
mod scripts;
mod services;
mod settings;
mod sqlite_files;
mod structure;
mod suggestion;
mod variables;
mod verdict;
mod withheld;
mod words;

use std::path::Path;

use serde::Serialize;
use whimbrel_core::Result;

pub use detectors::{DETECTORS, Detector};
pub use evidence::{Engine, Evidence, Weight};
pub use verdict::Standing;

use found::Found;
use project::Project;

use crate::settings::Environment;

/// What a project folder uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Detection {
    /// The folder, as it was named.
    pub path: String,
    /// The one word: `postgresql`, `mysql`, `sqlite`, `mongodb`, `prisma`, `knex`, or `unknown`.
    pub database_type: &'static str,
    /// The weight of the evidence that decided; none when it is unknown.
    pub weight: Option<Weight>,
    /// The engine of the same family that it is, when the word does not say it.
    pub flavour: Option<&'static str>,
    /// All databases found, the most likely first.
    pub databases: Vec<Standing>,
    /// All migration tools found, likewise.
    pub tools: Vec<Standing>,
    /// What was found, the weightiest first.
    pub evidence: Vec<Evidence>,
    /// How many more pieces of evidence of the same kinds there are.
    pub more_evidence: usize,
    /// What could not be looked at.
    pub notes: Vec<String>,
    /// The command to run next; none when no engine here can read the database.
    pub next: Option<String>,
}

impl Detection {
    /// Tells whether nothing was found that decides.
    pub fn is_unknown(&self) -> bool {
        self.database_type == verdict::UNKNOWN
    }
}

/// Looks through a folder.
///
/// # Errors
/// A usage error when the folder does not exist or is no folder.
pub fn detect(folder: &Path, environment: &Environment) -> Result<Detection> {
    let project = Project::open(folder, environment.get("PATH").map(String::as_str))?;
    let mut found = Found::default();
    for detector in DETECTORS {
        detector.look(&project, &mut found);
    }
    let Found {
        mut evidence, more, ..
    } = found;
    verdict::prefer_settings(&mut evidence);
    evidence.sort_by_key(|each| std::cmp::Reverse(each.weight));
    let told = evidence::told_once(evidence.clone());
    let verdict = verdict::of(&told);
    let next = suggestion::next(&verdict, &evidence, folder);
    let count = more + told.len();
    let evidence = evidence::of_each_kind(told);
    Ok(Detection {
        path: evidence::printable(&folder.display().to_string()),
        database_type: verdict.word,
        weight: verdict.weight,
        flavour: verdict.flavour,
        databases: verdict.databases,
        tools: verdict.tools,
        more_evidence: count - evidence.len(),
        evidence,
        notes: project.notes(),
        next,
    })
}

#[cfg(test)]
mod tests;

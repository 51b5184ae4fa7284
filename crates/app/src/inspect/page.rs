//! The page about a database: one HTML file that needs nothing else, for a browser or for paper. What it says stands in the inventory; how a
//! part looks is the part's own file. All text goes through [`shown::Shown`] and maud, which escapes it.

mod diagram;
mod layout;
mod overview;
mod shown;
mod spark;
mod table;
mod tables;

use std::path::{Path, PathBuf};

use maud::{DOCTYPE, Markup, PreEscaped, html};
use whimbrel_core::{Error, ErrorClass, Result};

use self::shown::Shown;
use super::Inventory;
use crate::refusal;

const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");
/// What a browser may load for the page: nothing but what stands in it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// Where a page goes; looked at before the database is, so that a wrong place is said at once.
#[derive(Debug, Clone)]
pub struct PageFile {
    path: PathBuf,
}

impl PageFile {
    /// Names a file that is not there yet, or that may be replaced.
    ///
    /// # Errors
    /// A usage error when its folder is missing, when it is a folder itself, or when it is there and must not be replaced.
    pub fn new(path: &Path, may_replace: bool) -> Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
            return Err(
                refusal::usage(format!("folder `{}` does not exist", folder.display()))
                    .with_hint(format!("mkdir -p '{}'", folder.display())),
            );
        }
        if path.is_dir() {
            return Err(
                refusal::usage(format!("`{}` is a folder; must be a file", path.display())).with_hint(
                    format!("name a file in it, such as `{}/page.html`", path.display()),
                ),
            );
        }
        if path.exists() && !may_replace {
            return Err(
                refusal::usage(format!("file `{}` exists already", path.display()))
                    .with_hint("add --yes to replace it, or name another file"),
            );
        }
        Ok(Self {
            path: path.to_owned(),
        })
    }

    /// Writes the page about the inventory, whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, inventory: &Inventory) -> Result<()> {
        let failed = |error: std::io::Error| {
            Error::new(
                ErrorClass::Denied,
                format!("cannot write `{}`", self.path.display()),
            )
            .with_cause(error)
            .with_hint("name a file in a folder that you may write to")
        };
        let mut beside = self.path.clone().into_os_string();
        beside.push(".part");
        let beside = PathBuf::from(beside);
        let written =
            std::fs::write(&beside, page(inventory)).and_then(|()| std::fs::rename(&beside, &self.path));
        written.map_err(|error| {
            let _gone = std::fs::remove_file(&beside);
            failed(error)
        })
    }
}

/// Returns the whole page.
fn page(inventory: &Inventory) -> String {
    document(inventory).into_string()
}

fn document(inventory: &Inventory) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="referrer" content="no-referrer";
                title { "Database " (Shown(&inventory.database)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#tables" { "Skip to the tables" }
                (overview::heading(inventory))
                main {
                    (overview::overview(inventory))
                    (overview::remarks(inventory))
                    (diagram::diagram(inventory))
                    (tables::list(inventory))
                    section aria-labelledby="columns-title" {
                        h2 #columns-title { "Tables in detail" }
                        @for (at, each) in inventory.tables.iter().enumerate() {
                            (table::table(inventory, at, each))
                        }
                    }
                }
                footer {
                    p {
                        "Counts of rows, NULLs, lengths and patterns are exact. Numbers of different values marked ≈ are estimates with a \
                         standard error of " (format!("{:.2} %", whimbrel_quality::STANDARD_ERROR * 100.0)) "."
                    }
                    p { "Made by Whimbrel at " (Shown(&inventory.inspected_at)) "." }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

#[cfg(test)]
mod tests;

//! What a mapping makes of a few rows, and a first settings file for a source. Neither writes a plan.

use std::path::Path;

use whimbrel_core::{Catalog, Mapping, Result, Source as _, SourceRule};
use whimbrel_transform::Preview;

use crate::analyze::Pair;
use crate::mapping;
use crate::refusal;
use crate::setup::Setup;

/// How many rows are shown.
const ROWS: usize = 10;

/// Returns some rows of the table before and after the mapping of the settings.
///
/// # Errors
/// When a database cannot be read, a usage error for a table that is not there.
pub async fn preview(setup: &Setup, source: &str, target: &str, table: &str) -> Result<Vec<Preview>> {
    let mut pair = Pair::read(setup, source, target)?;
    let mapping = setup.settings.mapping()?;
    let through = mapping::through(setup, &mut pair.source, &mapping, &pair.target.url.scheme).await?;
    through
        .preview(table, ROWS)
        .await
        .map_err(|error| error.with_code(refusal::USAGE))
}

/// Writes settings to the file that name both databases and every table of the source, ready to be changed, and returns the text.
///
/// # Errors
/// When the source cannot be read, a usage error when the file is there already.
pub async fn init_config(setup: &Setup, source: &str, target: &str, file: &Path) -> Result<String> {
    let mut pair = Pair::read(setup, source, target)?;
    let mapping = Mapping {
        sources: setup.settings.mapping()?.sources,
        ..Mapping::default()
    };
    let text = match pair.source.members.is_empty() {
        true => {
            let opened = setup.open_source(&mut pair.source).await?;
            let own = block("database.source", None, &pair.source.written());
            settings(&own, &pair.target.written(), &opened.catalog().await?)
        }
        false => {
            let scheme = pair.target.url.scheme.clone();
            let through = mapping::through(setup, &mut pair.source, &mapping, &scheme).await?;
            let members = pair.source.members.iter().zip(&mapping.sources);
            let own: String = members
                .map(|(member, rule)| block("[source]", Some(rule), &member.address.written()))
                .collect();
            settings(&own, &pair.target.written(), &through.catalog().await?)
        }
    };
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(file);
    written
        .and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()))
        .map_err(|cause| {
            refusal::usage(format!(
                "the settings file `{}` cannot be written",
                file.display()
            ))
            .with_cause(cause)
            .with_hint("name another file: --init-config=FILE")
        })?;
    Ok(text)
}

/// What JSON escapes, TOML reads; it wants one character more.
fn quoted(text: &str) -> String {
    let escaped = serde_json::Value::from(text).to_string();
    escaped.replace('\u{7f}', "\\u007F")
}

fn block(heading: &str, rule: Option<&SourceRule>, url: &str) -> String {
    let mut text = format!("[{heading}]\n");
    if let Some(rule) = rule {
        text.push_str(&format!("name = {}\n", quoted(&rule.name)));
        if let Some(namespace) = &rule.namespace {
            text.push_str(&format!("namespace = {}\n", quoted(namespace)));
        }
    }
    text.push_str(&format!("url = {}\n\n", quoted(url)));
    text
}

fn settings(sources: &str, target: &str, catalog: &Catalog) -> String {
    let mut text = format!(
        "# A password belongs into the environment: url = \"...://USER:${{PASSWORD}}@HOST/DATABASE\"\n{sources}{}\
         # One block for each table; take the # away from the lines that you need.\n",
        block("database.target", None, target)
    );
    for table in &catalog.tables {
        text.push_str(&format!(
            "\n[[table]]\nfrom = {}\n",
            quoted(&table.id.to_string())
        ));
        text.push_str(&format!("# to = {}\n", quoted(&table.id.name)));
        text.push_str("# where = \"...\"\n# exclude = []\n");
        let columns = table
            .columns
            .iter()
            .map(|column| format!("{} = {}", quoted(&column.name), quoted(&column.name)));
        text.push_str(&format!(
            "# rename = {{ {} }}\n",
            columns.collect::<Vec<_>>().join(", ")
        ));
        text.push_str("# compute = { new_column = \"...\" }\n# mask = { column = \"hash\" }\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use whimbrel_core::{Column, Table, TableId};

    use super::*;
    use crate::settings::Settings;

    #[test]
    fn the_first_settings_are_settings_whatever_the_names() {
        let mut table = Table::empty(TableId::bare("odd \"name\"\n"));
        table.columns = vec![Column::new("a'b", "int"), Column::new("#c", "int")];
        let catalog = Catalog {
            tables: vec![table],
            ..Catalog::default()
        };
        let own = block("database.source", None, "sqlite:a.db");
        let text = settings(&own, "sqlite:b.db", &catalog);
        let read = Settings::parse(&text, "whimbrel.toml").unwrap();
        assert_eq!(read.mapping().unwrap().tables[0].from, ["odd \"name\"\n"]);
    }
}

//! On which line of the settings each key stands, so that what only a database shows to be wrong is named by its place, too.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use whimbrel_core::Written;

use super::Settings;

/// The file, and where its lines begin.
struct Lines<'a> {
    file: &'a str,
    starts: Vec<usize>,
}

impl Lines<'_> {
    fn number(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at)
    }

    /// The lines of all that stands in a table which begins at the place.
    fn of(&self, at: usize, table: &DeTable<'_>) -> Written {
        let mut lines = BTreeMap::from([(Vec::new(), self.number(at))]);
        self.add(&mut Vec::new(), table, &mut lines);
        Written::new(self.file, lines)
    }

    fn add(&self, path: &mut Vec<String>, table: &DeTable<'_>, lines: &mut BTreeMap<Vec<String>, usize>) {
        for (key, value) in table {
            path.push(key.get_ref().to_string());
            lines.insert(path.clone(), self.number(key.span().start));
            match value.get_ref() {
                DeValue::Table(inner) => self.add(path, inner, lines),
                DeValue::Array(entries) => {
                    for entry in entries {
                        let DeValue::String(text) = entry.get_ref() else {
                            continue;
                        };
                        let mut place = path.clone();
                        place.push(text.to_string());
                        lines
                            .entry(place)
                            .or_insert_with(|| self.number(entry.span().start));
                    }
                }
                DeValue::String(_)
                | DeValue::Integer(_)
                | DeValue::Float(_)
                | DeValue::Boolean(_)
                | DeValue::Datetime(_) => {}
            }
            path.pop();
        }
    }

    /// The lines of each block of a section that may be there several times.
    fn of_each(&self, root: &DeTable<'_>, section: &str) -> Vec<Written> {
        let blocks = root.iter().find(|(key, _)| key.get_ref() == section);
        let Some(DeValue::Array(blocks)) = blocks.map(|(_, value)| value.get_ref()) else {
            return Vec::new();
        };
        let written = |block: &Spanned<DeValue<'_>>| {
            let DeValue::Table(table) = block.get_ref() else {
                return Written::default();
            };
            self.of(block.span().start, table)
        };
        blocks.iter().map(written).collect()
    }
}

/// Notes in the settings where each of the rules was written.
pub(super) fn note(settings: &mut Settings, text: &str, file: &str) {
    // The text was read as these settings before, so that this cannot fail.
    let Ok(root) = DeTable::parse(text) else { return };
    let root = root.get_ref();
    let breaks = text.match_indices('\n').map(|(at, _)| at + 1);
    let lines = Lines {
        file,
        starts: std::iter::once(0).chain(breaks).collect(),
    };
    settings.written = lines.of(0, root);
    for (rule, written) in settings.table.iter_mut().zip(lines.of_each(root, "table")) {
        rule.written = written;
    }
    for (rule, written) in settings.lookup.iter_mut().zip(lines.of_each(root, "lookup")) {
        rule.written = written;
    }
    for (rule, written) in settings.wave.iter_mut().zip(lines.of_each(root, "wave")) {
        rule.written = written;
    }
    for (rule, written) in settings.source.iter_mut().zip(lines.of_each(root, "source")) {
        rule.written = written;
    }
}

//! Foreign keys that a merge makes impossible: several rows of the merged table may have what was a key of each. How many references mean one
//! row, any of several, or none is counted before anything runs, and what to write so that they mean one again.

use std::collections::BTreeSet;
use std::sync::Arc;

use whimbrel_core::{Finding, ForeignKey, Result, Table, TableId};

use super::MappedSource;
use super::compose::Composed;
use super::keyed::{self, References};
use super::keys::own_reference;
use super::part::Part;

/// A foreign key that is not kept.
pub(crate) struct Unkept {
    /// The mapped table that has it.
    pub(crate) table: TableId,
    /// The key as it would be.
    pub(crate) key: ForeignKey,
    /// What is said of it without counts.
    pub(crate) finding: Finding,
}

impl MappedSource {
    /// Says which foreign keys a merge makes impossible, and what the rows that have them refer to now.
    ///
    /// # Errors
    /// The databases'.
    pub async fn unkept(&self, tables: &[&Table]) -> Result<Vec<Finding>> {
        let composed = self.composed().await?;
        let moves = |id: &TableId| tables.iter().any(|table| &table.id == id);
        let mut findings = Vec::new();
        for unkept in composed.unkept.iter().filter(|unkept| moves(&unkept.table)) {
            findings.push(match moves(&unkept.key.references) {
                true => self.counted(&composed, unkept).await?,
                false => unkept.finding.clone(),
            });
        }
        Ok(findings)
    }

    async fn counted(&self, composed: &Arc<Composed>, unkept: &Unkept) -> Result<Finding> {
        let Some(table) = composed.catalog.table(&unkept.table) else {
            return Ok(unkept.finding.clone());
        };
        let read = [unkept.table.clone(), unkept.key.references.clone()];
        let snapshot = self.open(composed, &read, 1).await?;
        let found = keyed::references(&snapshot, table, &unkept.key).await?;
        Ok(found.map_or_else(|| unkept.finding.clone(), |found| unkept.told(composed, &found)))
    }
}

impl Unkept {
    fn told(&self, composed: &Composed, found: &References) -> Finding {
        let mut finding = self.finding.clone();
        finding.message += &format!(
            "; rows of `{}` that refer by it: {} to one row, {} to any of several, {} to none",
            self.table, found.one, found.several, found.none
        );
        finding.evidence.extend(found.examples.iter().cloned());
        finding
            .evidence
            .push(format!("hint: {}", self.hint(composed, found)));
        finding
    }

    /// What to write so that each reference means one row.
    fn hint(&self, composed: &Composed, found: &References) -> String {
        let ForeignKey {
            references, referred, ..
        } = &self.key;
        let list = |names: &[String]| {
            let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
            quoted.join(", ")
        };
        if found.repeated == 0 {
            return format!(
                "no value of ({}) occurs twice in `{references}`: write key = [{}] in its first rule, and the foreign key stays",
                referred.join(", "),
                list(referred)
            );
        }
        let parts = composed.tables.get(&self.table).into_iter().flatten();
        let from: Vec<String> = parts.map(|part| part.called.to_string()).collect();
        let parents = composed.tables.get(references).into_iter().flatten();
        let named = parents.clone().find_map(|part| part.source_column.as_ref());
        let Some(named) = named else {
            return format!(
                "write source_column = \"origin\" in every rule that leads to `{references}`, so that its rows can be told apart"
            );
        };
        let own = parents.filter(|parent| self.is_meant(composed, parent));
        let own: BTreeSet<&String> = own.map(|part| &part.source_name).collect();
        let name = own.first().map_or("NAME", |name| name.as_str());
        format!(
            "to say of each row which one it means, by ({named}, {}): [[table]] from = [{}] with compute = {{ {}_{named} = \"'{name}'\" }}",
            referred.join(", "),
            list(&from),
            self.key.columns.join("_")
        )
    }

    /// Tells whether the rows of the part are those that the key's own database refers to.
    fn is_meant(&self, composed: &Composed, parent: &Part) -> bool {
        let mut parts = composed.tables.get(&self.table).into_iter().flatten();
        parts.any(|child| {
            child.database == parent.database
                && own_reference(child, &self.key.columns) == Some(&parent.table.id)
        })
    }
}

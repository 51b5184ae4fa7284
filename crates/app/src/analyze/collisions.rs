//! Values of keys that differ, and that a collation of the target would call one: where a person may choose that the target goes on ignoring
//! case, accents or padding, they are counted before the choice. What follows from it is the planner's.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use whimbrel_core::{
    Column, Dialect, Error, LogicalType, ReadColumn, Result, Table, TableId, TextEquality, UniqueProfile,
};
use whimbrel_transform::repeated;

use super::Analysis;
use crate::connectors::connector;

/// What the texts of a table's database and those of the target mean.
struct Tongues<'a> {
    analysis: &'a Analysis,
    target: Arc<dyn Dialect>,
}

/// A unique key with texts that the target may compare more loosely.
struct Loose {
    name: String,
    columns: Vec<ReadColumn>,
    equalities: Vec<TextEquality>,
}

/// Counts them in every unique key of the tables, `jobs` tables at once; returns what was found by table.
///
/// # Errors
/// The source's.
pub(super) async fn count(
    jobs: usize,
    analysis: &Analysis,
    tables: &[&Table],
) -> Result<BTreeMap<TableId, Vec<UniqueProfile>>> {
    let target = connector(&analysis.pair.target.url.scheme)?.dialect_of(&analysis.target_catalog);
    // Between equal engines every column keeps its collation.
    if analysis.source_catalog.engine == analysis.target_catalog.engine {
        return Ok(BTreeMap::new());
    }
    let tongues = Tongues { analysis, target };
    let mut loose = Vec::new();
    // One row meets no other.
    let rows = |table: &Table| {
        analysis
            .profiles
            .get(&table.id)
            .map_or(u64::MAX, |profile| profile.rows)
    };
    for table in tables
        .iter()
        .filter(|table| table.unmovable.is_none() && rows(table) > 1)
    {
        let keys = tongues.loose(table)?;
        if !keys.is_empty() {
            loose.push(((*table).clone(), keys));
        }
    }
    if loose.is_empty() {
        return Ok(BTreeMap::new());
    }
    let ids: Vec<TableId> = loose.iter().map(|(table, _)| table.id.clone()).collect();
    let snapshot = analysis.source.snapshot(&ids, jobs.max(1)).await?;
    let at_once = jobs.clamp(1, loose.len());
    let counted = loose.into_iter().map(|(table, keys)| {
        let snapshot = Arc::clone(&snapshot);
        async move {
            let mut found = Vec::new();
            for key in keys {
                let columns = key.columns.iter().map(|column| column.name.clone()).collect();
                let (duplicates, examples) =
                    repeated(&*snapshot, &table, key.columns, &key.equalities, at_once).await?;
                found.push(UniqueProfile {
                    name: key.name,
                    columns,
                    equalities: key.equalities,
                    duplicates,
                    examples,
                });
            }
            found.retain(|found| found.duplicates > 0);
            Ok::<_, Error>((table.id, found))
        }
    });
    stream::iter(counted)
        .buffer_unordered(at_once)
        .try_collect()
        .await
}

impl Tongues<'_> {
    fn loose(&self, table: &Table) -> Result<Vec<Loose>> {
        let (engine, dialect) = self.source(table)?;
        let mut loose = Vec::new();
        for (name, columns) in unique_keys(table) {
            let equality = |column: &&Column| self.equality(&engine, &*dialect, (table, column));
            let equalities: Vec<TextEquality> = columns.iter().map(equality).collect();
            if equalities.iter().all(|equality| equality.is_exact()) {
                continue;
            }
            let read = |column: &&Column| ReadColumn {
                name: column.name.clone(),
                native: column.native.clone(),
                logical: self.form(&*dialect, table, column),
                rule: None,
            };
            loose.push(Loose {
                name,
                columns: columns.iter().map(read).collect(),
                equalities,
            });
        }
        Ok(loose)
    }

    /// The engine of the table's database, and its language.
    fn source(&self, table: &Table) -> Result<(String, Arc<dyn Dialect>)> {
        let mapped = self.analysis.mapped.as_ref();
        if let Some(member) = mapped.and_then(|mapped| mapped.member(table.origin.as_deref()?)) {
            return Ok((member.engine.clone(), Arc::clone(&member.dialect)));
        }
        let catalog = &self.analysis.source_catalog;
        let engine = connector(&self.analysis.pair.source.url.scheme)?;
        Ok((catalog.engine.clone(), engine.dialect_of(catalog)))
    }

    fn form(&self, dialect: &dyn Dialect, table: &Table, column: &Column) -> LogicalType {
        let profile = self.analysis.profiles.get(&table.id);
        let profile = profile.and_then(|profile| profile.columns.get(&column.name));
        let own = || dialect.logical(column, &self.analysis.source_catalog, profile).to;
        column.derived.clone().unwrap_or_else(own)
    }

    /// What the target would ignore in the column, if it went on ignoring what the source does.
    fn equality(
        &self,
        engine: &str,
        dialect: &dyn Dialect,
        (table, column): (&Table, &Column),
    ) -> TextEquality {
        let own = dialect.equality(column);
        // What keeps its type keeps its collation.
        let is_kept = self.target.adopt(engine, column).is_some();
        let is_text = matches!(self.form(dialect, table, column), LogicalType::Text { .. });
        if own.is_exact() || is_kept || !is_text {
            return TextEquality::default();
        }
        let same = self.target.collation(own);
        let same = same.filter(|same| !same.name.is_empty());
        let equality = same.map_or_else(TextEquality::default, |same| same.equality);
        // Blanks behind a text are the same everywhere: the source has found what only they would tell apart.
        let padding = TextEquality {
            ignores_padding: own.ignores_padding,
            ..TextEquality::default()
        };
        match padding.covers(equality) {
            true => TextEquality::default(),
            false => equality,
        }
    }
}

/// What the table holds unique: the name, and the columns.
fn unique_keys(table: &Table) -> Vec<(String, Vec<&Column>)> {
    let described = table.unique_keys().filter_map(|(name, columns)| {
        let columns: Option<Vec<&Column>> = columns.iter().map(|name| table.column(name)).collect();
        Some((name, columns?))
    });
    described.collect()
}

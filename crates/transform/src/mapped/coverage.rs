//! Where the rows of filtered and split tables go: how many to each table, how many nowhere, and how many to several. Filters are a person's
//! words, and NULL passes none of them; the plan says what they come to, before anything runs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use whimbrel_core::{
    Batch, Finding, KeyRange, ObjectId, ObjectKind, ReadRequest, Result, Severity, Table, TableId,
    TableProfile,
};

use super::Database;
use super::compose::Composed;
use super::part::Part;
use super::reading::Reading;
use super::turns::Turns;
use crate::Filter;

/// A table of a database, and what the mapping makes of its rows.
pub(crate) struct Origin<'a> {
    database: &'a Database,
    /// A table that is made of it.
    mapped: &'a Table,
    /// What each table that is made of it takes, with that table's name in the target.
    parts: Vec<(&'a TableId, &'a Arc<Part>)>,
    /// The largest row of those that were profiled.
    row_bytes_max: u64,
}

/// How many rows go where.
#[derive(Debug, Default, PartialEq, Eq)]
struct Coverage {
    rows: u64,
    /// Per part.
    taken: Vec<u64>,
    nowhere: u64,
    several: u64,
    /// Rows on which a filter fails, or that it cannot look at.
    failed: u64,
    /// Why, of the first of them.
    why: Option<String>,
}

/// Counts the rows of every table, several at once; one pass over the columns that its filters look at.
///
/// # Errors
/// The databases'.
pub(crate) async fn coverage(origins: Vec<Origin<'_>>, turns: &Turns) -> Result<Vec<Finding>> {
    stream::iter(origins)
        .map(|origin| async move {
            let _turn = turns.turn(origin.row_bytes_max).await;
            Ok(origin.finding(&origin.count(turns).await?))
        })
        .buffered(turns.limits.jobs.max(1))
        .try_collect()
        .await
}

/// Returns the tables that a filter parts.
pub(crate) fn origins<'a>(
    databases: &'a [Database],
    composed: &'a Composed,
    tables: &[&'a Table],
    profiles: &BTreeMap<TableId, TableProfile>,
) -> Vec<Origin<'a>> {
    let mut origins: BTreeMap<(usize, &TableId), Origin<'a>> = BTreeMap::new();
    for &table in tables {
        let called = composed.renames.tables.get(&table.id).unwrap_or(&table.id);
        for part in composed.tables.get(&table.id).into_iter().flatten() {
            let of = (part.database, &part.table.id);
            let origin = origins.entry(of).or_insert_with(|| Origin {
                database: &databases[part.database],
                mapped: table,
                parts: Vec::new(),
                row_bytes_max: 0,
            });
            let row = profiles.get(&table.id).map_or(0, |profile| profile.row_bytes_max);
            origin.row_bytes_max = origin.row_bytes_max.max(row);
            origin.parts.push((called, part));
        }
    }
    let is_parted = |origin: &Origin<'_>| origin.parts.iter().any(|(_, part)| part.filter.is_some());
    origins.into_values().filter(is_parted).collect()
}

impl Origin<'_> {
    async fn count(&self, turns: &Turns) -> Result<Coverage> {
        let (_, first) = self.parts[0];
        let source = &self.database.source;
        let snapshot = source.snapshot(std::slice::from_ref(&first.table.id), 1).await?;
        let filters = self.parts.iter().filter_map(|(_, part)| part.filter.as_ref());
        let reads: Vec<usize> = filters.flat_map(Filter::reads).copied().collect();
        let request = ReadRequest {
            table: self.mapped.clone(),
            columns: Vec::new(),
            range: KeyRange::All,
            batch_bytes: turns.limits.batch_bytes(),
            packed: false,
        };
        let reading = Reading::with_inputs(first, request, reads)?;
        let mut coverage = Coverage {
            taken: vec![0; self.parts.len()],
            ..Coverage::default()
        };
        let mut batches = snapshot.read(reading.request().clone());
        while let Some(batch) = batches.try_next().await? {
            self.add(&mut coverage, &reading, &batch)?;
        }
        Ok(coverage)
    }

    fn add(&self, coverage: &mut Coverage, reading: &Reading, batch: &Batch) -> Result<()> {
        let inputs = reading.inputs_of(&batch.records)?;
        let mut taken = vec![0_usize; inputs.num_rows()];
        // A row on which a filter fails is rejected, and counted there.
        let mut failed = vec![false; inputs.num_rows()];
        for ((_, part), rows) in self.parts.iter().zip(&mut coverage.taken) {
            let Some(filter) = &part.filter else {
                *rows += inputs.num_rows() as u64;
                taken.iter_mut().for_each(|taken| *taken += 1);
                continue;
            };
            let kept = filter.evaluate(&inputs)?;
            kept.failed.iter().for_each(|(row, _)| failed[*row] = true);
            if let Some((_, why)) = kept.failed.first() {
                let told = part.untold().iter().all(Option::is_none);
                let why = if told {
                    why.as_str()
                } else {
                    "a row's value does not fit"
                };
                coverage.why.get_or_insert_with(|| why.to_owned());
            }
            *rows += kept.rows.true_count() as u64;
            for (taken, passes) in taken.iter_mut().zip(kept.rows.values()) {
                *taken += usize::from(passes);
            }
        }
        let unread = batch.rejects.len() as u64;
        if let Some(reject) = batch.rejects.first() {
            coverage.why.get_or_insert_with(|| reject.rule.clone());
        }
        coverage.failed += unread + failed.iter().filter(|failed| **failed).count() as u64;
        coverage.rows += inputs.num_rows() as u64 + unread;
        for (taken, failed) in taken.into_iter().zip(failed) {
            coverage.nowhere += u64::from(taken == 0 && !failed);
            coverage.several += u64::from(taken > 1);
        }
        Ok(())
    }

    /// Tells whether all parts take the same columns.
    fn gives_alike(&self) -> bool {
        let names = |part: &Part| -> BTreeSet<String> {
            part.columns.iter().map(|column| column.name.clone()).collect()
        };
        let (_, first) = self.parts[0];
        self.parts.iter().all(|(_, part)| names(part) == names(first))
    }

    fn finding(&self, counted: &Coverage) -> Finding {
        let (_, first) = self.parts[0];
        let went = self.parts.iter().zip(&counted.taken);
        let went: Vec<String> = went.map(|((to, _), rows)| format!("{rows} to `{to}`")).collect();
        let mut message = format!(
            "rows of `{}`: {}; {}",
            first.called,
            counted.rows,
            went.join(", ")
        );
        if counted.nowhere > 0 {
            message += &format!(", {} nowhere", counted.nowhere);
        }
        if counted.several > 0 {
            message += &format!(", {} to more than one table", counted.several);
        }
        // Who filters for one table means to leave rows behind; who splits seldom does. Where columns are split, too, rows are meant to go to
        // several.
        let is_split = self.parts.len() > 1;
        let is_odd = is_split && (counted.nowhere > 0 || counted.several > 0 && self.gives_alike());
        let is_failing = counted.failed > 0;
        if is_failing {
            message += &format!(", {} on which a filter fails", counted.failed);
        }
        let severity = match is_odd || is_failing {
            true => Severity::Warning,
            false => Severity::Info,
        };
        let subject = ObjectId::whole(ObjectKind::Table, first.called.clone());
        let mut finding = Finding::new("mapping", severity, subject, message);
        let filters = self.parts.iter().filter(|(_, part)| part.filter.is_some());
        finding
            .evidence
            .extend(filters.map(|(to, part)| format!("`{to}` takes rows where {}", part.filter_text)));
        if is_failing {
            let hint = "hint: mend the filter, so that it says of every row whether it goes there";
            finding.evidence.extend(counted.why.clone());
            finding.evidence.push(hint.to_owned());
        }
        finding
    }
}

//! One table's verdict: its rows, its columns, the second witness and its orphans.

use std::sync::Arc;
use std::time::Instant;

use whimbrel_core::{
    ColumnVerdict, DifferenceKind, Digest, Fidelity, ForeignKey, Reject, Result, RowDifference, Snapshot,
    TableAggregate, TableVerdict, ValueDifference, Verdict, Witness,
};

use super::expected::{Expected, TableExpected};
use super::read::readable;
use super::rows::{self, Rows};
use super::{Scene, not_checked, witness};
use crate::columns::target_columns;
use crate::found::Found;
use crate::planned::Planned;
use crate::quantity::counted;
use crate::retry::retry;
use crate::store::reject_file;

/// A table under examination.
pub(super) struct Check<'a> {
    pub(super) scene: &'a Arc<Scene>,
    pub(super) plan: &'a Planned,
    pub(super) expected: &'a Expected,
    /// What the target said about the table when it was read back; none when it is to be asked.
    pub(super) said: Option<&'a TableAggregate>,
}

impl Check<'_> {
    /// Returns the verdict. `found` is what the target's table holds; none when it cannot be read by its structure.
    pub(super) async fn verdict(&self, found: Option<&Result<Found>>) -> Result<TableVerdict> {
        let started = Instant::now();
        if let Err(why) = readable(&self.scene.catalog, self.plan) {
            return Ok(self.unreadable(why));
        }
        let expected = match self.expected.tables.get(&self.plan.target.id) {
            Some(Ok(expected)) => expected,
            Some(Err(why)) => return Ok(not_checked(self.plan, why.clone())),
            None => return Ok(not_checked(self.plan, "nothing is known about it".to_owned())),
        };
        let found = match found {
            Some(Ok(found)) => found,
            Some(Err(error)) => return Ok(not_checked(self.plan, error.chain())),
            None => return Ok(not_checked(self.plan, "it was not read".to_owned())),
        };
        let mut verdict = self.compare(expected, found).await;
        verdict.witness = self.witness(expected).await?;
        verdict.orphans = self.orphans().await?;
        conclude(&mut verdict);
        verdict.seconds = started.elapsed().as_secs_f64();
        Ok(verdict)
    }

    /// A table that has lost its form is different, whatever its rows.
    fn unreadable(&self, why: String) -> TableVerdict {
        let table = self.scene.catalog.table(&self.plan.target.id);
        let column = |name: &String| ColumnVerdict {
            column: name.clone(),
            verdict: match table.and_then(|table| table.column(name)) {
                Some(_) => Verdict::NotChecked,
                None => Verdict::Different,
            },
            rule: None,
            rule_rows: 0,
            changes_values: false,
            computed: false,
        };
        TableVerdict {
            verdict: Verdict::Different,
            columns: self
                .plan
                .columns
                .iter()
                .map(|plan| column(&plan.target))
                .collect(),
            ..not_checked(self.plan, why)
        }
    }

    async fn compare(&self, expected: &TableExpected, found: &Found) -> TableVerdict {
        let mut verdict = TableVerdict {
            verdict: Verdict::Identical,
            reason: None,
            source_rows: expected.digest.rows + expected.rejected,
            target_rows: found.digest.rows + found.rejected,
            rejected: expected.rejected,
            columns: self.columns(expected, found),
            ..not_checked(self.plan, String::new())
        };
        let mut reasons = Vec::new();
        if expected.rejected > 0 {
            let file = reject_file(&self.plan.target.id);
            let rows = match expected.rejected {
                1 => "1 row was rejected".to_owned(),
                many => format!("{many} rows were rejected"),
            };
            reasons.push(format!("{rows}, see `{file}`"));
        }
        if found.rejected > 0 {
            reasons.push(format!(
                "{} with a value that does not fit its type",
                counted(found.rejected, "row")
            ));
            verdict.differences.extend(found.rejects.iter().map(misfit));
            verdict.differences_total += found.rejected;
        }
        if !found.digest.same_rows(&expected.digest) {
            reasons.push(
                self.list_rows(&mut verdict, &expected.digest, &found.digest)
                    .await,
            );
        }
        if !reasons.is_empty() {
            verdict.verdict = Verdict::Different;
            verdict.reason = Some(reasons.join("; "));
        }
        verdict
    }

    /// Finds the rows that differ and returns what is to be said about them. The verdict stands without them.
    async fn list_rows(&self, verdict: &mut TableVerdict, expected: &Digest, found: &Digest) -> String {
        let counts = format!(
            "the source has {}, the target {}",
            counted(expected.rows, "row"),
            found.rows
        );
        let rows = Rows {
            scene: self.scene,
            plan: self.plan,
            expected,
        };
        match rows::differences(&rows, expected.rows.max(found.rows)).await {
            Ok(listed) => {
                let at_least = if listed.complete { "" } else { "at least " };
                let moved = match listed.as_of_now {
                    true => " (compared with the source as of now: it has moved on)",
                    false => "",
                };
                let total = listed.total;
                verdict.differences_total += total;
                verdict.differences.extend(listed.rows);
                let columns: Vec<String> = verdict
                    .columns
                    .iter()
                    .filter(|column| column.verdict == Verdict::Different)
                    .map(|column| format!("`{}`", column.column))
                    .collect();
                let columns = match expected.rows == found.rows && !columns.is_empty() {
                    true => format!(" in column {}", columns.join(", ")),
                    false => String::new(),
                };
                let differ = match total {
                    1 => "1 row differs".to_owned(),
                    many => format!("{many} rows differ"),
                };
                format!("{at_least}{differ}{columns}{moved}; {counts}")
            }
            Err(error) => format!("{counts}; the rows could not be listed: {}", error.chain()),
        }
    }

    fn columns(&self, expected: &TableExpected, found: &Found) -> Vec<ColumnVerdict> {
        let ruled = &expected.ruled;
        let expected = &expected.digest;
        let sum = |digest: &Digest, at: usize| digest.columns.get(at).copied().unwrap_or_default();
        let same_rows = found.digest.same_rows(expected);
        let column = |(at, column): (usize, &whimbrel_core::ColumnPlan)| {
            let misfits = found.rejects.iter().any(|reject| reject.column == column.target);
            let same = (same_rows || sum(expected, at) == sum(&found.digest, at)) && !misfits;
            let rule = match &column.fidelity {
                Fidelity::Exact => None,
                Fidelity::Widened(rule) | Fidelity::Lossy(rule) | Fidelity::Unsupported(rule) => {
                    Some(rule.clone())
                }
            };
            let (rule, rule_rows) = match &column.rule {
                Some(rule) => (Some(rule.to_string()), ruled.get(at).copied().unwrap_or_default()),
                None if rule.is_some() => (rule, found.digest.rows),
                None => (None, 0),
            };
            ColumnVerdict {
                column: column.target.clone(),
                verdict: if same {
                    Verdict::Identical
                } else {
                    Verdict::Different
                },
                rule_rows,
                rule,
                changes_values: column.rule.is_some(),
                computed: column.computed,
            }
        };
        self.plan.columns.iter().enumerate().map(column).collect()
    }

    async fn witness(&self, expected: &TableExpected) -> Result<Witness> {
        let Some(table) = self.scene.catalog.table(&self.plan.target.id) else {
            return Ok(Witness::default());
        };
        // What it said while others were written is asked again when it does not agree.
        let early = self.said.map(|said| witness::compare(self.plan, expected, said));
        if let Some(agreeing) = early.filter(|witness| witness.different.is_empty()) {
            return Ok(agreeing);
        }
        let columns = target_columns(self.plan);
        let target: &dyn Snapshot = self.scene.target.as_ref();
        let says = retry(&self.scene.ctx, "count a table", || {
            target.aggregate(table, &columns)
        })
        .await?;
        Ok(witness::compare(self.plan, expected, &says))
    }

    /// Counts orphans of the keys that the plan wants to hold, where the engine does not vouch for them.
    async fn orphans(&self) -> Result<u64> {
        let ctx = &self.scene.ctx;
        let guaranteed = ctx.target.guarantees_foreign_keys();
        let is_held = |key: &ForeignKey| guaranteed && self.is_validated(key);
        let mut table = self.plan.target.clone();
        table.foreign_keys.retain(|key| {
            key.validated && self.scene.catalog.table(&key.references).is_some() && !is_held(key)
        });
        if table.foreign_keys.is_empty() {
            return Ok(0);
        }
        let counts = retry(ctx, "count orphans", || self.scene.target.orphans(&table)).await?;
        Ok(counts.iter().sum())
    }

    /// Tells whether the target has validated the key itself.
    fn is_validated(&self, key: &ForeignKey) -> bool {
        let is_same = |there: &ForeignKey| {
            there.validated
                && there.columns == key.columns
                && there.references == key.references
                && there.referred == key.referred
        };
        let table = self.scene.catalog.table(&self.plan.target.id);
        table.is_some_and(|table| table.foreign_keys.iter().any(is_same))
    }
}

fn misfit(reject: &Reject) -> RowDifference {
    RowDifference {
        kind: DifferenceKind::Differing,
        key: reject.key.clone(),
        values: vec![ValueDifference {
            column: reject.column.clone(),
            source: None,
            target: Some(format!("{} ({})", reject.value, reject.why())),
        }],
        as_of_now: false,
    }
}

/// Lets the witness and the orphans speak.
fn conclude(verdict: &mut TableVerdict) {
    let mut reasons: Vec<String> = verdict.reason.take().into_iter().collect();
    if let Some(first) = verdict.witness.different.first() {
        reasons.push(format!("the databases' own aggregates differ: {first}"));
    }
    if verdict.orphans > 0 {
        reasons.push(match verdict.orphans {
            1 => "1 row refers to a row that does not exist".to_owned(),
            many => format!("{many} rows refer to a row that does not exist"),
        });
    }
    if !reasons.is_empty() {
        verdict.verdict = Verdict::Different;
        verdict.reason = Some(reasons.join("; "));
    }
}

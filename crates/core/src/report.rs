//! What a run and a verification found, as data. Rendering it for people is left to those who show it.

use serde::{Deserialize, Serialize};

use crate::{CheckResult, ObjectId, RuleVerdict, TableCheck, TableId};

/// The verdict about a table, a column or an object, from the best to the worst; only `Identical` is a success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Compared, and equal under the plan's rules.
    Identical,
    /// Not compared, for the reason given.
    NotChecked,
    /// Compared, and not equal.
    Different,
}

impl Verdict {
    /// Returns the verdict that the result of a check means.
    fn of(result: CheckResult) -> Self {
        match result {
            CheckResult::Pass => Self::Identical,
            CheckResult::Fail => Self::Different,
            CheckResult::NotChecked => Self::NotChecked,
        }
    }
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verification {
    /// When it ended, RFC 3339.
    pub verified_at: String,
    /// The source position that the target was compared with.
    pub position: String,
    /// Per table, in the plan's order.
    pub tables: Vec<TableVerdict>,
    /// Structure and sequences: every object of the plan that was looked for, equal ones too.
    pub objects: Vec<ObjectVerdict>,
    /// The same by checks that have a name and pass or fail.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<TableCheck>,
    /// What became of the rules of the user's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleVerdict>,
    /// What a person should know and no verdict depends on, such as tables of others in the target.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Seconds it took.
    pub seconds: f64,
}

impl Verification {
    /// Returns the worst verdict of all; `NotChecked` when there is nothing.
    pub fn verdict(&self) -> Verdict {
        let tables = self.tables.iter().map(|table| table.verdict);
        tables
            .chain(self.objects.iter().map(|object| object.verdict))
            .chain(self.rules.iter().map(|rule| Verdict::of(rule.result)))
            .max()
            .unwrap_or(Verdict::NotChecked)
    }
}

/// What was found about a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableVerdict {
    /// Source table.
    pub source: TableId,
    /// Target table.
    pub target: TableId,
    /// The worst of its rows, columns and witness.
    pub verdict: Verdict,
    /// Why it was not checked, or what differs in one line.
    pub reason: Option<String>,
    /// Rows at the source under the snapshot.
    pub source_rows: u64,
    /// Rows in the target.
    pub target_rows: u64,
    /// Rows rejected on the way.
    pub rejected: u64,
    /// Per copied column.
    pub columns: Vec<ColumnVerdict>,
    /// Rows that differ, the first hundred.
    pub differences: Vec<RowDifference>,
    /// How many rows differ in all.
    pub differences_total: u64,
    /// What the databases themselves say.
    pub witness: Witness,
    /// Orphans found in the target's foreign keys beyond those the plan accepts.
    pub orphans: u64,
    /// Seconds it took.
    pub seconds: f64,
}

/// What was found about a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnVerdict {
    /// Target column.
    pub column: String,
    /// Whether all its values are equal.
    pub verdict: Verdict,
    /// The rule under which values were compared, when it is not plain equality.
    pub rule: Option<String>,
    /// Rows that the rule touched.
    pub rule_rows: u64,
    /// True when the rule is a value rule of the plan: `rule_rows` values are others than the source's, and match only thanks to it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub changes_values: bool,
    /// True when the target computes the values: they are compared, not copied.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub computed: bool,
}

/// What the databases' own aggregates say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witness {
    /// Number of aggregates compared.
    pub compared: u64,
    /// Those that differ, as `column aggregate: source says a, target says b`.
    pub different: Vec<String>,
    /// What could not be compared, and why.
    pub not_comparable: Vec<String>,
}

/// How a row differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceKind {
    /// At the source only.
    Missing,
    /// In the target only.
    Extra,
    /// In both, with other values.
    Differing,
}

/// A row that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowDifference {
    /// How.
    pub kind: DifferenceKind,
    /// The key as text, such as `id=17`; the whole row, shortened, without a key.
    pub key: String,
    /// The values that differ.
    pub values: Vec<ValueDifference>,
    /// True when the source row was read later than the snapshot.
    pub as_of_now: bool,
}

/// A value that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueDifference {
    /// Target column.
    pub column: String,
    /// The source's value, shortened; none is NULL.
    pub source: Option<String>,
    /// The target's value.
    pub target: Option<String>,
}

/// What was found about an object of the schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectVerdict {
    /// The object.
    pub object: ObjectId,
    /// Whether it is as planned.
    pub verdict: Verdict,
    /// What was planned, or recorded when it was made.
    pub expected: String,
    /// What is there; empty when nothing is.
    pub found: String,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Done, and every row verified: exit code 0.
    Completed,
    /// Done, but differences, rejects or unchecked tables: exit code 3.
    NotVerified,
    /// Failed with a safe state, to be resumed: exit code 1.
    Failed,
    /// Stopped at a checkpoint by the user: exit code 130.
    Interrupted,
    /// Failed and rolled back to `schema` or `start`: exit code 5.
    RolledBack,
}

/// What a run did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    /// How it ended.
    pub status: RunStatus,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// When it ended, RFC 3339.
    pub ended_at: String,
    /// Seconds.
    pub seconds: f64,
    /// Per phase, in order.
    pub phases: Vec<PhaseReport>,
    /// Per table, in the plan's order.
    pub tables: Vec<TableReport>,
    /// What was rolled back, when anything was.
    pub rollback: Option<RollbackReport>,
    /// Why it ended early.
    pub problem: Option<Problem>,
    /// What the verification found, when it got there.
    pub verification: Option<Verification>,
}

/// What a phase did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhaseReport {
    /// Its name: `analyze`, `plan`, `schema`, `data`, `verify`.
    pub phase: String,
    /// `done`, `failed`, `interrupted` or `skipped`.
    pub status: String,
    /// Seconds.
    pub seconds: f64,
    /// One line of facts, such as `24 tables, 200,000 rows`.
    pub summary: String,
}

/// What was copied of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableReport {
    /// Target table.
    pub table: TableId,
    /// Rows that arrived.
    pub rows: u64,
    /// Bytes of the batches.
    pub bytes: u64,
    /// Rows rejected.
    pub rejected: u64,
    /// Chunks finished.
    pub chunks: u64,
    /// Seconds spent by its chunks, those of this run.
    pub seconds: f64,
    /// What the plan's value rules changed, by column; empty when none has a rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ruled: Vec<RuledColumn>,
}

/// What a value rule changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuledColumn {
    /// Target column.
    pub column: String,
    /// The rule in words.
    pub rule: String,
    /// How many values it changed.
    pub values: u64,
}

/// What was rolled back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RollbackReport {
    /// What set it off: `foreign_key_violation`, `data_integrity_error`, `connection_lost_during_write`, `user_interrupt` or `requested`.
    pub trigger: String,
    /// Where it went: `start`, `schema`, `chunk` or `table:NAME`.
    pub to: String,
    /// Tables that were emptied.
    pub emptied: Vec<TableId>,
    /// Steps that were undone.
    pub undone: Vec<String>,
}

/// Why something ended early.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The error's stable code, or its class.
    pub code: String,
    /// The message with its causes.
    pub message: String,
    /// What the user can do.
    pub hint: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_weighs_more_than_what_was_not_looked_at() {
        let rule = |result| RuleVerdict {
            name: "sum".to_owned(),
            result,
            moment: crate::Moment::After,
            source: None,
            target: None,
            tolerance: crate::Tolerance::none(),
            reason: None,
        };
        let of = |results: &[CheckResult]| Verification {
            verified_at: String::new(),
            position: String::new(),
            tables: Vec::new(),
            objects: Vec::new(),
            checks: Vec::new(),
            rules: results.iter().copied().map(rule).collect(),
            notes: Vec::new(),
            seconds: 0.0,
        };
        use CheckResult::{Fail, NotChecked, Pass};
        assert_eq!(of(&[Pass, Fail, NotChecked]).verdict(), Verdict::Different);
        assert_eq!(of(&[NotChecked, Pass]).verdict(), Verdict::NotChecked);
        assert_eq!(of(&[Pass]).verdict(), Verdict::Identical);
        assert_eq!(of(&[]).verdict(), Verdict::NotChecked);
    }
}

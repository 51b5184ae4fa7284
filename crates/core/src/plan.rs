//! The plan: everything that will happen, as data that a person confirms by its hash.

use std::collections::BTreeMap;

use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Serialize, Serializer};

use crate::fingerprint::Each;
use crate::{
    Decision, Fidelity, Finding, Fingerprint, LEAVE_OUT, LogicalType, Mapping, MigrationId, ObjectId,
    ObjectKind, Settled, Severity, Step, Table, TableId, ValidationRule, ValueRule, any_secret, hash_of,
};

/// Everything that will happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Version of this format; another one is refused.
    pub format: u32,
    /// The migration.
    pub migration_id: MigrationId,
    /// SHA-256 in hex over structure, statements, mappings, policies and decisions, see [`Plan::compute_hash`].
    pub hash: String,
    /// When it was made, RFC 3339.
    pub created_at: String,
    /// Where the data comes from.
    pub source: Endpoint,
    /// Where the data goes.
    pub target: Endpoint,
    /// How the rows are reshaped on the way.
    #[serde(default, skip_serializing_if = "Mapping::is_empty")]
    pub mapping: Mapping,
    /// Tables in dependency order: a table stands after those it refers to, cycles apart.
    pub tables: Vec<TablePlan>,
    /// Sequences whose position moves after the data.
    pub sequences: Vec<SequencePlan>,
    /// All statements, in the order in which they run.
    pub steps: Vec<Step>,
    /// All findings, settled and open.
    pub findings: Vec<Finding>,
    /// What was settled, and how.
    pub decisions: Vec<Decision>,
    /// Policies.
    pub policies: Policies,
    /// Estimates from counts and sizes.
    pub estimate: Estimate,
}

/// One side of a migration, without any secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// The connector's name.
    pub engine: String,
    /// Server version at planning time.
    pub version: String,
    /// URL without password.
    pub url: String,
    /// The name given in the settings (`prod-db`), when it came from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The database's (or file's) bare name; typed to confirm destructive work.
    pub database: String,
    /// Fingerprint of the whole catalog at planning time.
    pub catalog: Fingerprint,
    /// Fingerprint of the catalog without [`Plan::target_objects`] (target), or equal to `catalog` (source).
    pub rest: Fingerprint,
}

/// One table's way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TablePlan {
    /// The table as the source's catalog describes it.
    pub source: Table,
    /// The table as it will be.
    pub target: Table,
    /// Columns that are compared, in order; all but the computed ones are copied.
    pub columns: Vec<ColumnPlan>,
    /// Target columns that identify a row in reports of differences; empty without a key.
    pub key: Vec<String>,
    /// Depth in the dependency order; 0 refers to nothing.
    pub level: u32,
    /// True when a table of this name is moved aside first.
    pub replaces: bool,
    /// Exact number of rows in the profile; not in the hash.
    pub rows: u64,
    /// Bytes in the profile; not in the hash.
    pub bytes: u64,
    /// Largest row in the profile; not in the hash.
    pub row_bytes_max: u64,
}

/// One column's way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnPlan {
    /// Source column.
    pub source: String,
    /// Its native type.
    pub source_native: String,
    /// Target column.
    pub target: String,
    /// Its native type.
    pub target_native: String,
    /// How values travel.
    pub logical: LogicalType,
    /// How faithful that is.
    pub fidelity: Fidelity,
    /// What becomes of values that would not arrive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<ValueRule>,
    /// True when the target computes the values: they are read and compared on both sides, and not written.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub computed: bool,
}

impl ColumnPlan {
    /// Tells whether its name on either side says that its values are secret ([`crate::is_secret`]).
    pub fn is_secret(&self) -> bool {
        any_secret([&self.source, &self.target])
    }
}

/// A sequence whose position moves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SequencePlan {
    /// As the source names it.
    pub source: TableId,
    /// As the target names it.
    pub target: TableId,
    /// The target column that it fills, when there is one.
    pub owned_by: Option<(TableId, String)>,
    /// INCREMENT BY, to know what "ahead of the data" means.
    pub increment: i64,
    /// True when a mapping makes the values of its column, so that the source's position says nothing about them: the sequence goes on behind
    /// the largest that arrived.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub behind_values: bool,
}

/// Policies of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policies {
    /// What a rejected row does.
    pub on_reject: OnReject,
    /// Wanted size of a chunk.
    pub chunk_bytes: u64,
    /// True when every row is verified after the copy.
    pub verify: bool,
    /// Where each automatic trigger rolls back to, when it differs from the default: trigger to `start`, `schema` or `chunk`.
    #[serde(default)]
    pub rollback: BTreeMap<String, String>,
    /// Rules of the user's own that prove the result.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub validation: Vec<ValidationRule>,
}

/// What a rejected row does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnReject {
    /// The first reject stops the table.
    Stop,
    /// The row goes to the reject file, counted; the run cannot end with exit code 0.
    File,
}

/// What the run will be like; never part of the hash.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Number of tables.
    pub tables: u64,
    /// Rows in all.
    pub rows: u64,
    /// Bytes in all.
    pub bytes: u64,
    /// Seconds for the whole run.
    pub seconds: u64,
}

impl Plan {
    /// The format that this version writes and reads.
    pub const FORMAT: u32 = 1;

    /// Returns the SHA-256 in hex of what a person confirms: everything but the hash itself, times, counts, sizes, estimates, evidence and
    /// the sentences about findings, which hold counts.
    pub fn compute_hash(&self) -> String {
        hash_of(&Confirmed(self))
    }

    /// Returns the findings that need a decision and have none.
    pub fn open_decisions(&self) -> Vec<&Finding> {
        let settled = self.settled();
        self.findings
            .iter()
            .filter(|finding| finding.severity == Severity::Decision && settled.of(finding).is_none())
            .collect()
    }

    /// Returns the findings that forbid the run.
    pub fn blockers(&self) -> Vec<&Finding> {
        self.findings
            .iter()
            .filter(|finding| finding.severity == Severity::Blocker)
            .collect()
    }

    /// Looks up how a finding was settled; whoever asks for many takes [`Plan::settled`].
    pub fn decision_for(&self, finding: &Finding) -> Option<&Decision> {
        self.settled().of(finding)
    }

    /// Returns the decisions, to look up how findings were settled.
    pub fn settled(&self) -> Settled<'_> {
        Settled::new(&self.decisions)
    }

    /// Looks up a table by its name in the target.
    pub fn table(&self, target: &TableId) -> Option<&TablePlan> {
        self.tables.iter().find(|table| &table.target.id == target)
    }

    /// Returns the target's objects that the plan makes, replaces, or changes by replacing another, each whole: what [`Endpoint::rest`] leaves out.
    pub fn target_objects(&self) -> Vec<ObjectId> {
        let as_table = |id: &TableId| ObjectId::whole(ObjectKind::Table, id.clone());
        let steps = self.steps.iter().map(|step| &step.subject);
        let mut objects: Vec<ObjectId> = Vec::new();
        for subject in steps.filter(|subject| subject.part.is_empty()) {
            objects.push(subject.clone());
            // What hangs on a view or a sequence (a grant, say) names it as its table.
            objects.push(as_table(&subject.owner));
        }
        objects.extend(self.tables.iter().map(|table| as_table(&table.target.id)));
        // A view or key that pointed to a replaced table points to where that was moved.
        let dependents = self
            .findings
            .iter()
            .filter(|finding| finding.code == "target_dependents");
        for subject in dependents.map(|finding| &finding.subject) {
            objects.push(if subject.kind == ObjectKind::ForeignKey {
                as_table(&subject.owner)
            } else {
                subject.clone()
            });
        }
        objects.sort();
        objects.dedup();
        objects
    }

    /// Returns the findings by which something of the source stays behind: left out by decision, or not moved at all.
    pub fn left_behind(&self) -> Vec<&Finding> {
        let settled = self.settled();
        let is_left_out = |finding: &&Finding| {
            let decided = settled.of(finding).map(|decision| decision.choice.as_str());
            decided == Some(LEAVE_OUT) || finding.code == "not_moved"
        };
        self.findings.iter().filter(is_left_out).collect()
    }

    /// Tells whether something of the target's is moved or replaced.
    pub fn is_destructive(&self) -> bool {
        self.steps.iter().any(|step| step.destructive)
    }
}

/// What of a plan a person confirms: the fields of [`Plan`] in their order, without what the hash leaves out. Tables and findings are taken
/// one by one, because the copy of a large plan would be as large.
struct Confirmed<'a>(&'a Plan);

impl Serialize for Confirmed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Plan {
            format,
            migration_id,
            hash: _,
            created_at: _,
            source,
            target,
            mapping,
            tables,
            sequences,
            steps,
            findings,
            decisions,
            policies,
            estimate: _,
        } = self.0;
        let mut bare = serializer.serialize_struct("Plan", 14)?;
        bare.serialize_field("format", format)?;
        bare.serialize_field("migration_id", migration_id)?;
        bare.serialize_field("hash", "")?;
        bare.serialize_field("created_at", "")?;
        bare.serialize_field("source", source)?;
        bare.serialize_field("target", target)?;
        if !mapping.is_empty() {
            bare.serialize_field("mapping", mapping)?;
        }
        bare.serialize_field("tables", &Each(tables, without_counts))?;
        bare.serialize_field("sequences", sequences)?;
        bare.serialize_field("steps", steps)?;
        bare.serialize_field("findings", &Each(findings, without_sentences))?;
        bare.serialize_field("decisions", decisions)?;
        bare.serialize_field("policies", policies)?;
        bare.serialize_field("estimate", &Estimate::default())?;
        bare.end()
    }
}

fn without_counts(table: &TablePlan) -> TablePlan {
    let mut bare = table.clone();
    (bare.rows, bare.bytes, bare.row_bytes_max) = (0, 0, 0);
    for side in [&mut bare.source, &mut bare.target] {
        (side.rows_estimate, side.bytes) = (None, None);
    }
    bare
}

fn without_sentences(finding: &Finding) -> Finding {
    let mut bare = finding.clone();
    bare.evidence.clear();
    bare.message.clear();
    for choice in &mut bare.choices {
        choice.meaning.clear();
    }
    bare
}

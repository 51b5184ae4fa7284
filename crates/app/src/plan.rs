//! Planning: from an analysis and the wishes to a plan in its directory, again after each decision. Nothing is changed in
//! either database. What the plan says is decided by the planner; running it is `run.rs`.

mod answers;
mod validation;

use std::collections::BTreeSet;
use std::path::Path;

use serde::Serialize;
use serde_json::json;
use whimbrel_core::{
    Decision, ErrorClass, Finding, MigrationId, ObjectId, Plan, Result, Severity, Step, TableId,
};
use whimbrel_pipeline::MigrationDir;
use whimbrel_planner::{PlanInput, Side, Wishes};

use self::answers::{fitted, put};
use crate::analyze::{Analysis, AnalysisWatch, Pair, analyze};
use crate::connectors::connector;
use crate::mapping::{Mapped, Tongue};
use crate::migration::{Migration, has_begun};
use crate::next::{Next, in_folder};
use crate::refusal;
use crate::report;
use crate::setup::Setup;

/// A request to plan a migration.
#[derive(Debug, Clone)]
pub struct PlanRequest {
    /// The source: a URL, or a name from the settings.
    pub source: String,
    /// The target.
    pub target: String,
    /// What is settled already; goes before the settings.
    pub decisions: Vec<Decision>,
    /// True to take the suggested choice of every finding that nobody settled.
    pub accept_suggested: bool,
    /// True to keep what was decided in an earlier plan of the same two databases that never began, as far as it still fits.
    pub keep_decisions: bool,
}

/// A plan that can still be changed: the analysis is kept, so that planning again takes no time.
pub struct Draft {
    setup: Setup,
    analysis: Analysis,
    /// What the request and the settings say.
    wishes: Wishes,
    /// What was decided since, and in the earlier plan.
    answers: Vec<Decision>,
    dir: MigrationDir,
    plan: Plan,
}

/// What a plan comes to, for those who show it.
#[derive(Debug, Clone, Serialize)]
pub struct PlanSummary {
    /// The migration.
    pub migration_id: String,
    /// What has to be approved.
    pub plan_hash: String,
    /// The migration's folder, with the whole plan.
    pub dir: String,
    /// Where the data comes from.
    pub source: String,
    /// Where the data goes.
    pub target: String,
    /// Number of tables.
    pub tables: u64,
    /// Exact number of rows.
    pub rows: u64,
    /// Size of the data in bytes.
    pub size_bytes: u64,
    /// Seconds that the run will take, estimated.
    pub estimate_seconds: u64,
    /// True when something that is in the target already is moved or replaced.
    pub destructive: bool,
    /// The target's bare name, which confirms destructive work.
    pub confirm_target: String,
    /// Every finding that needs a decision.
    pub decisions: Vec<DecisionState>,
    /// How many of them nobody settled.
    pub open_decisions: usize,
    /// Every other finding that has choices: it goes by the suggested one until somebody settles it.
    pub changeable: Vec<DecisionState>,
    /// How many findings forbid the run.
    pub blockers: usize,
    /// All other findings.
    pub findings: Vec<Finding>,
    /// What to do next.
    pub next_command: String,
}

/// A finding that has choices, and what was decided.
#[derive(Debug, Clone, Serialize)]
pub struct DecisionState {
    /// The name by which it is settled: `CODE:SUBJECT`.
    pub key: String,
    /// The finding, with its evidence and choices.
    #[serde(flatten)]
    pub finding: Finding,
    /// How it was settled; none while it is open.
    pub decision: Option<Decision>,
}

/// Analyzes both databases and makes the first plan, written to its directory.
///
/// A plan for the same two databases that never began is replaced, so that planning again with more decisions keeps its id.
///
/// # Errors
/// When a database cannot be read, or a decision of the request fits nothing.
pub async fn draft(setup: &Setup, request: &PlanRequest, watch: &dyn AnalysisWatch) -> Result<Draft> {
    let pair = Pair::read(setup, &request.source, &request.target)?;
    let wishes = wishes(setup, request)?;
    let analysis = analyze(
        setup,
        pair,
        &wishes.mapping,
        |seen| chosen(setup, seen, &wishes),
        watch,
    )
    .await?;
    let wishes = validation::recorded(&*analysis.source, &*analysis.target.as_source(), wishes).await?;
    if !wishes.decisions.is_empty() {
        // A decision that fits nothing is refused before there is a directory.
        make(setup, &analysis, &wishes, &unnamed())?;
    }
    let earlier = earlier(setup, &analysis.pair)?;
    let answers = match &earlier {
        Some((_, plan)) if request.keep_decisions => plan.decisions.clone(),
        Some(_) | None => Vec::new(),
    };
    let dir = match earlier {
        Some((dir, _)) => dir,
        None => new_directory(setup)?,
    };
    let plan = fitted(&wishes, &answers, None, |wishes| {
        make(setup, &analysis, wishes, dir.id())
    })?;
    let draft = Draft {
        setup: setup.clone(),
        analysis,
        wishes,
        answers,
        dir,
        plan,
    };
    draft.save()?;
    Ok(draft)
}

impl Draft {
    /// Returns the plan as it stands.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Returns the two databases, with the passwords that were asked for.
    pub fn pair(&self) -> &Pair {
        &self.analysis.pair
    }

    /// Returns the steps that make or change the object, or the table that it belongs to.
    pub fn steps_about(&self, subject: &ObjectId) -> Vec<&Step> {
        let is_about = |step: &&Step| step.subject.owner == subject.owner;
        self.plan.steps.iter().filter(is_about).collect()
    }

    /// Returns the whole plan for people, Markdown.
    pub fn page(&self) -> String {
        in_folder(&self.setup.base, &report::plan_markdown(&self.plan))
    }

    /// Tells whether the target holds nothing yet.
    pub fn is_target_empty(&self) -> bool {
        let catalog = &self.analysis.target_catalog;
        catalog.tables.is_empty()
            && catalog.views.is_empty()
            && catalog.sequences.is_empty()
            && catalog.types.is_empty()
    }

    /// Fails when something forbids the run.
    ///
    /// # Errors
    /// Coded [`refusal::BLOCKED`], with the first blocker.
    pub fn refuse_blockers(&self) -> Result<()> {
        crate::approval::refuse_blockers(&self.setup, &self.plan)
    }

    /// Returns what the plan comes to.
    pub fn summary(&self) -> PlanSummary {
        summary(&self.setup, &self.plan, self.dir.path())
    }

    /// Settles a finding, plans again and writes the plan. An earlier decision whose question is not asked any more is dropped.
    ///
    /// # Errors
    /// When the decision fits no finding; the plan stays as it was.
    pub fn decide(&mut self, decision: Decision) -> Result<()> {
        let is_another =
            |other: &Decision| (&other.code, &other.subject) != (&decision.code, &decision.subject);
        let mut wishes = self.wishes.clone();
        wishes.decisions.retain(is_another);
        let mut answers = self.answers.clone();
        answers.retain(is_another);
        // It must fit, unlike those before it, which may have raised its question.
        let plan = self.make(&wishes, &answers, Some(&decision))?;
        answers.push(decision);
        self.wishes = wishes;
        self.answers = answers;
        self.keep(plan)
    }

    /// Takes the suggested choice of every finding that is open, plans again and writes the plan.
    ///
    /// # Errors
    /// When the plan cannot be written.
    pub fn accept_suggested(&mut self) -> Result<()> {
        self.wishes.accept_suggested = true;
        let plan = self.make(&self.wishes, &self.answers, None)?;
        self.keep(plan)
    }

    /// Takes the suggested choice of every open finding of the code, plans again and writes the plan.
    ///
    /// # Errors
    /// When the plan cannot be written.
    pub fn accept_suggested_of(&mut self, code: &str) -> Result<()> {
        let open = self.plan.open_decisions();
        let suggested: Vec<Decision> = open
            .into_iter()
            .filter(|finding| finding.code == code)
            .filter_map(|finding| {
                Some(Decision {
                    code: code.to_owned(),
                    subject: finding.subject.to_string(),
                    choice: finding.suggested.clone()?,
                    text: None,
                    by: "suggested".to_owned(),
                })
            })
            .collect();
        for decision in suggested {
            put(&mut self.answers, decision);
        }
        let plan = self.make(&self.wishes, &self.answers, None)?;
        self.keep(plan)
    }

    /// Returns the migration, closing the connections of the analysis.
    pub(crate) fn into_migration(self) -> Migration {
        Migration {
            dir: self.dir,
            plan: self.plan,
            pair: self.analysis.pair,
        }
    }

    fn make(&self, wishes: &Wishes, answers: &[Decision], latest: Option<&Decision>) -> Result<Plan> {
        fitted(wishes, answers, latest, |wishes| {
            make(&self.setup, &self.analysis, wishes, self.dir.id())
        })
    }

    fn keep(&mut self, plan: Plan) -> Result<()> {
        self.plan = plan;
        self.save()
    }

    /// Writes the plan in its three forms.
    fn save(&self) -> Result<()> {
        let _lock = self.dir.lock()?;
        self.dir
            .write_json("schema_mapping.json", &report::SchemaMapping(&self.plan))?;
        self.dir.write_with("data-migration.md", |file| {
            report::plan_sections(&self.plan)
                .try_for_each(|section| file.write_all(in_folder(&self.setup.base, &section).as_bytes()))
        })?;
        for file in report::query_files(&self.plan) {
            self.dir.write_with(&file.name, |out| {
                file.sections()
                    .try_for_each(|text| out.write_all(text.as_bytes()))
            })?;
        }
        self.dir.write_with("data_quality.md", |file| {
            report::quality_sections(&self.plan, &self.analysis.profiles)
                .try_for_each(|section| file.write_all(section.as_bytes()))
        })?;
        self.dir.save_plan(&self.plan)?;
        let log = self.dir.events()?.with_clock(self.setup.clock.clone());
        let decided: Vec<String> = self
            .plan
            .decisions
            .iter()
            .map(|each| format!("{}:{}={} by {}", each.code, each.subject, each.choice, each.by))
            .collect();
        log.append(
            "PLAN_WRITTEN",
            json!({ "plan_hash": self.plan.hash, "open_decisions": self.plan.open_decisions().len(), "decisions": decided }),
        )
    }
}

/// Returns what a plan comes to.
fn summary(setup: &Setup, plan: &Plan, folder: &Path) -> PlanSummary {
    let (deciding, findings): (Vec<&Finding>, Vec<&Finding>) = plan
        .findings
        .iter()
        .partition(|finding| finding.severity == Severity::Decision);
    let settled = plan.settled();
    let state = |finding: &&Finding| DecisionState {
        key: finding.key(),
        finding: (*finding).clone(),
        decision: settled.of(finding).cloned(),
    };
    let has_choices = |finding: &&&Finding| !finding.choices.is_empty();
    PlanSummary {
        migration_id: plan.migration_id.to_string(),
        plan_hash: plan.hash.clone(),
        dir: folder.display().to_string(),
        source: plan.source.url.clone(),
        target: plan.target.url.clone(),
        tables: plan.estimate.tables,
        rows: plan.estimate.rows,
        size_bytes: plan.estimate.bytes,
        estimate_seconds: plan.estimate.seconds,
        destructive: plan.is_destructive(),
        confirm_target: plan.target.database.clone(),
        decisions: deciding.iter().map(state).collect(),
        changeable: findings.iter().filter(has_choices).map(state).collect(),
        open_decisions: plan.open_decisions().len(),
        blockers: plan.blockers().len(),
        findings: findings.into_iter().cloned().collect(),
        next_command: Next::of_plan(plan).command(setup, plan),
    }
}

fn wishes(setup: &Setup, request: &PlanRequest) -> Result<Wishes> {
    let mut decisions = setup.settings.decisions();
    for decision in &request.decisions {
        put(&mut decisions, decision.clone());
    }
    Ok(Wishes {
        tables: setup.settings.tables.include.clone(),
        exclude: setup.settings.tables.exclude.clone(),
        decisions,
        accept_suggested: request.accept_suggested,
        policies: setup.settings.policies(),
        memory_bytes: setup.memory_bytes,
        mapping: setup.settings.mapping()?,
        ..Wishes::default()
    })
}

/// Returns the tables that the filters let through, whatever is decided about them.
fn chosen(setup: &Setup, analysis: &Analysis, wishes: &Wishes) -> Result<BTreeSet<TableId>> {
    asked(setup, analysis, wishes, &unnamed(), |input| {
        Ok(whimbrel_planner::chosen(input))
    })
}

/// The id of a plan that is never written.
fn unnamed() -> MigrationId {
    MigrationId(String::new())
}

fn make(setup: &Setup, analysis: &Analysis, wishes: &Wishes, id: &MigrationId) -> Result<Plan> {
    asked(setup, analysis, wishes, id, whimbrel_planner::plan)
}

/// Asks the planner something about the analysis.
fn asked<T>(
    setup: &Setup,
    analysis: &Analysis,
    wishes: &Wishes,
    id: &MigrationId,
    question: impl FnOnce(&PlanInput<'_>) -> Result<T>,
) -> Result<T> {
    let target = connector(&analysis.pair.target.url.scheme)?;
    let tongue = Tongue::of(
        &analysis.pair.source,
        &analysis.source_catalog,
        analysis.mapped.as_ref(),
    )?;
    let target_dialect = target.dialect_of(&analysis.target_catalog);
    let target_capabilities = target.capabilities_of(&analysis.target_catalog);
    let mapped = analysis.mapped.as_ref();
    let wishes = &Wishes {
        mapping: mapped.map_or_else(Default::default, |mapped| mapped.mapping.clone()),
        renames: mapped.map_or_else(Default::default, |mapped| mapped.renames.clone()),
        ..wishes.clone()
    };
    let input = PlanInput {
        migration: id.clone(),
        created_at: setup.timestamp(),
        source: Side {
            catalog: &analysis.source_catalog,
            dialect: &*tongue.dialect,
            capabilities: &tongue.capabilities,
            url: analysis.pair.source.url.stored(),
            name: analysis.pair.source.name.clone(),
            database: analysis.source_catalog.database.clone(),
        },
        origins: mapped.map_or_else(Vec::new, Mapped::origins),
        target: Side {
            catalog: &analysis.target_catalog,
            dialect: &*target_dialect,
            capabilities: &target_capabilities,
            url: analysis.pair.target.url.stored(),
            name: analysis.pair.target.name.clone(),
            database: analysis.target_catalog.database.clone(),
        },
        profiles: &analysis.profiles,
        preflight: analysis.preflight.clone(),
        wishes,
    };
    // The planner refuses nothing but decisions that fit no question.
    question(&input).map_err(|error| error.with_code(refusal::USAGE))
}

/// Returns the plan for the same two databases that never began, with its directory.
fn earlier(setup: &Setup, pair: &Pair) -> Result<Option<(MigrationDir, Plan)>> {
    let (source, target) = (pair.source.url.stored(), pair.target.url.stored());
    for id in MigrationDir::list(&setup.base)?.into_iter().rev() {
        let dir = MigrationDir::open(&setup.base, &id)?;
        let Ok(plan) = dir.load_plan() else { continue };
        if plan.source.url == source && plan.target.url == target && !has_begun(&dir)? {
            return Ok(Some((dir, plan)));
        }
    }
    Ok(None)
}

fn new_directory(setup: &Setup) -> Result<MigrationDir> {
    let year = setup.clock.now().date_naive();
    let year = chrono::Datelike::year(&year);
    loop {
        let id = MigrationDir::next_id(&setup.base, year)?;
        match MigrationDir::create(&setup.base, &id) {
            // Somebody who plans at the same moment took it.
            Err(taken) if taken.class() == ErrorClass::Conflict => {}
            made => return made,
        }
    }
}

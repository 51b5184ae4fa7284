//! A small migration over the fake engine: three tables (one refers to another, one has no key), an index, a foreign key, a view, a sequence.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use whimbrel_core::{
    Column, ColumnPlan, Deferral, Endpoint, Estimate, Fidelity, ForeignKey, Index, IndexPart, Key,
    LogicalType, MigrationId, ObjectId, ObjectKind, OnReject, Plan, Policies, Sequence, SequencePlan,
    SequencePosition, Statement, Step, StepPhase, SystemClock, Table, TableId, TablePlan, View,
};
use whimbrel_pipeline::{Approval, Limits, MigrationDir, RunContext, Silent};

use super::database::{Database, Row, Value};
use super::source::FakeSource;
use super::target::FakeTarget;

/// A migration with both databases and its directory.
pub(crate) struct Migration {
    pub(crate) base: TempDir,
    pub(crate) source: Arc<Database>,
    pub(crate) target: Arc<Database>,
    pub(crate) plan: Plan,
    pub(crate) stop: CancellationToken,
}

pub(crate) fn id(name: &str) -> TableId {
    TableId::bare(name)
}

pub(crate) fn row(key: i64, name: &str, parent: Option<i64>) -> Row {
    vec![
        Value::Int(key),
        Value::Text(name.to_owned()),
        parent.map_or(Value::Null, Value::Int),
    ]
}

impl Migration {
    pub(crate) fn new() -> Self {
        Self::with(|_, _| {})
    }

    /// Makes a migration after `adjust` has changed the source and the target.
    pub(crate) fn with(adjust: impl FnOnce(&Database, &Database)) -> Self {
        Self::planned(adjust, |_| {})
    }

    /// As [`Migration::with`], with changed policies.
    pub(crate) fn planned(
        adjust: impl FnOnce(&Database, &Database),
        policies: impl FnOnce(&mut Policies),
    ) -> Self {
        Self::decided(adjust, |plan| policies(&mut plan.policies))
    }

    /// As [`Migration::with`], with a changed plan.
    pub(crate) fn decided(adjust: impl FnOnce(&Database, &Database), change: impl FnOnce(&mut Plan)) -> Self {
        let (source, target) = (Database::new(), Database::new());
        for (table, rows) in tables() {
            source.add_table(table, rows);
        }
        let position = SequencePosition {
            last_value: 40,
            is_called: true,
        };
        source.change(|state| state.catalog.sequences.push(sequence(Some(position))));
        adjust(&source, &target);
        let mut plan = plan(&source, &target);
        change(&mut plan);
        plan.hash = plan.compute_hash();
        // Memory is as good as a disk here, and syncing to it costs nothing.
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() {
            tempfile::tempdir_in(memory)
        } else {
            tempfile::tempdir()
        }
        .unwrap();
        let dir = MigrationDir::create(base.path(), &plan.migration_id).unwrap();
        dir.save_plan(&plan).unwrap();
        let (by, how, at) = ("tester".to_owned(), "flag".to_owned(), String::new());
        dir.save_approval(&Approval {
            hash: plan.hash.clone(),
            by,
            how,
            at,
        })
        .unwrap();
        Self {
            base,
            source,
            target,
            plan,
            stop: CancellationToken::new(),
        }
    }

    pub(crate) fn dir(&self) -> MigrationDir {
        MigrationDir::open(self.base.path(), &self.plan.migration_id).unwrap()
    }

    /// What a new process would run with.
    pub(crate) fn context(&self) -> RunContext {
        RunContext {
            plan: Arc::new(self.plan.clone()),
            source: Arc::new(FakeSource(self.source.clone())),
            target: Arc::new(FakeTarget(self.target.clone())),
            dir: self.dir(),
            limits: Limits {
                jobs: 2,
                writers: 2,
                memory_bytes: 1 << 20,
                retries: 3,
                retry_base: Duration::from_millis(1),
            },
            observer: Arc::new(Silent),
            stop: self.stop.clone(),
            gate: whimbrel_pipeline::Gate::default(),
            clock: Arc::new(SystemClock),
        }
    }

    pub(crate) fn rows(&self, table: &str) -> Vec<Row> {
        let mut rows = self
            .target
            .state()
            .rows
            .get(&id(table))
            .cloned()
            .unwrap_or_default();
        rows.sort();
        rows
    }

    pub(crate) fn source_rows(&self, table: &str) -> Vec<Row> {
        let mut rows = self.source.state().rows[&id(table)].clone();
        rows.sort();
        rows
    }
}

fn sequence(position: Option<SequencePosition>) -> Sequence {
    Sequence {
        id: id("numbers"),
        native: "int".to_owned(),
        start: 1,
        increment: 1,
        min: 1,
        max: i64::MAX,
        cache: 1,
        cycle: false,
        owned_by: None,
        implicit: false,
        position,
        comment: None,
    }
}

fn tables() -> Vec<(Table, Vec<Row>)> {
    let column = |name: &str, native: &str| Column::new(name, native);
    let mut users = Table::empty(id("users"));
    users.columns = vec![
        column("id", "int"),
        column("name", "text"),
        column("parent", "int"),
    ];
    users.primary_key = Some(key("users_pk"));
    let mut orders = Table {
        id: id("orders"),
        ..users.clone()
    };
    orders.primary_key = Some(key("orders_pk"));
    let mut notes = Table {
        id: id("notes"),
        primary_key: None,
        ..users.clone()
    };
    notes.columns.truncate(2);
    let rows = |count: i64, name: &str, parent: Option<i64>| -> Vec<Row> {
        (1..=count)
            .map(|key| {
                row(
                    key,
                    &format!("{name} {key}"),
                    parent.map(|parent| parent + key % 3),
                )
            })
            .collect()
    };
    let note_rows = vec![
        vec![Value::Int(1), Value::Text("twice".to_owned())],
        vec![Value::Int(1), Value::Text("twice".to_owned())],
        vec![Value::Null, Value::Null],
    ];
    vec![
        (users, rows(7, "user", None)),
        (orders, rows(5, "order", Some(1))),
        (notes, note_rows),
    ]
}

fn key(name: &str) -> Key {
    Key {
        name: name.to_owned(),
        columns: vec!["id".to_owned()],
        deferral: Deferral::Never,
        nulls_equal: false,
        definition: None,
    }
}

fn foreign_key() -> ForeignKey {
    ForeignKey {
        name: "orders_parent".to_owned(),
        columns: vec!["parent".to_owned()],
        references: id("users"),
        referred: vec!["id".to_owned()],
        on_update: "NO ACTION".to_owned(),
        on_delete: "NO ACTION".to_owned(),
        match_full: false,
        deferral: Deferral::Never,
        validated: true,
        definition: None,
    }
}

fn index() -> Index {
    Index {
        name: "users_name".to_owned(),
        unique: false,
        parts: vec![IndexPart {
            column: Some("name".to_owned()),
            expression: None,
            descending: false,
            nulls_first: None,
            collation: None,
            operator_class: None,
            prefix: None,
        }],
        include: Vec::new(),
        predicate: None,
        method: "btree".to_owned(),
        nulls_equal: false,
        definition: None,
        comment: None,
        options: Vec::new(),
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

fn engine(operation: &str, arguments: &[String]) -> Vec<Statement> {
    vec![Statement::Engine {
        operation: operation.to_owned(),
        arguments: arguments.to_vec(),
    }]
}

fn step(
    id: &str,
    phase: StepPhase,
    subject: ObjectId,
    statements: Vec<Statement>,
    undo: Vec<Statement>,
) -> Step {
    Step {
        id: id.to_owned(),
        phase,
        title: id.replace('_', " "),
        tables: vec![subject.owner.clone()],
        subject,
        statements,
        undo,
        destructive: false,
    }
}

fn steps(tables: &[TablePlan]) -> Vec<Step> {
    let mut steps: Vec<Step> = tables.iter().flat_map(table_steps).collect();
    steps.push(step(
        "sequence_numbers",
        StepPhase::Schema,
        ObjectId::whole(ObjectKind::Sequence, id("numbers")),
        engine("create_sequence", &[json(&sequence(None))]),
        engine("drop_sequence", &[json(&id("numbers"))]),
    ));
    steps.extend(steps_after_data());
    steps
}

fn table_steps(table: &TablePlan) -> Vec<Step> {
    let target = &table.target;
    let subject = ObjectId::whole(ObjectKind::Table, target.id.clone());
    let name = json(&target.id);
    let bare = Table {
        indexes: Vec::new(),
        foreign_keys: Vec::new(),
        ..target.clone()
    };
    let make = step(
        &format!("table_{}", target.id),
        StepPhase::Schema,
        subject.clone(),
        engine("create_table", &[json(&bare)]),
        engine("drop_table", std::slice::from_ref(&name)),
    );
    if !table.replaces {
        return vec![make];
    }
    let mut aside = step(
        &format!("aside_{}", target.id),
        StepPhase::Schema,
        subject,
        engine("move_aside", std::slice::from_ref(&name)),
        engine("move_back", std::slice::from_ref(&name)),
    );
    aside.destructive = true;
    vec![aside, make]
}

fn steps_after_data() -> Vec<Step> {
    let (users, orders) = (json(&id("users")), json(&id("orders")));
    let index = step(
        "index_users",
        StepPhase::AfterData,
        ObjectId::part(ObjectKind::Index, id("users"), "users_name"),
        engine("create_index", &[users.clone(), json(&index())]),
        engine("drop_index", &[users, "users_name".to_owned()]),
    );
    let mut foreign = step(
        "foreign_key_orders",
        StepPhase::AfterData,
        ObjectId::part(ObjectKind::ForeignKey, id("orders"), "orders_parent"),
        engine("add_foreign_key", &[orders.clone(), json(&foreign_key())]),
        engine("drop_foreign_key", &[orders, "orders_parent".to_owned()]),
    );
    foreign.tables = vec![id("users"), id("orders")];
    let view = View {
        id: id("names"),
        columns: vec!["name".to_owned()],
        query: "select name from users".to_owned(),
        definition: None,
        reads: vec![id("users")],
        options: Vec::new(),
        comment: None,
    };
    let mut names = step(
        "view_names",
        StepPhase::AfterData,
        ObjectId::whole(ObjectKind::View, view.id.clone()),
        engine("create_view", &[json(&view)]),
        engine("drop_view", &[json(&view.id)]),
    );
    names.tables = vec![id("users")];
    vec![index, foreign, names]
}

fn table_plan(source: &Table, rows: u64, level: u32, replaces: bool) -> TablePlan {
    let mut target = source.clone();
    if source.id == id("users") {
        target.indexes.push(index());
    }
    if source.id == id("orders") {
        target.foreign_keys.push(foreign_key());
    }
    let column = |column: &Column| ColumnPlan {
        source: column.name.clone(),
        source_native: column.native.clone(),
        target: column.name.clone(),
        target_native: column.native.clone(),
        logical: if column.native == "int" {
            LogicalType::Integer { bits: 64 }
        } else {
            LogicalType::text()
        },
        fidelity: Fidelity::Exact,
        computed: false,
        rule: None,
    };
    TablePlan {
        columns: source.columns.iter().map(column).collect(),
        key: source
            .primary_key
            .as_ref()
            .map(|key| key.columns.clone())
            .unwrap_or_default(),
        source: source.clone(),
        target,
        level,
        replaces,
        rows,
        bytes: rows * 1000,
        row_bytes_max: 100,
    }
}

fn plan(source: &Database, target: &Database) -> Plan {
    let (from, to) = (source.state().catalog.clone(), target.state().catalog.clone());
    let order = [("users", 0), ("notes", 0), ("orders", 1)];
    let tables: Vec<TablePlan> = order
        .iter()
        .map(|(name, level)| {
            table_plan(
                from.table(&id(name)).unwrap(),
                source.state().rows[&id(name)].len() as u64,
                *level,
                to.table(&id(name)).is_some(),
            )
        })
        .collect();
    let endpoint = |catalog: &whimbrel_core::Catalog| Endpoint {
        engine: "fake".to_owned(),
        version: String::new(),
        url: "fake:".to_owned(),
        name: None,
        database: "fake".to_owned(),
        catalog: catalog.fingerprint(),
        rest: catalog.fingerprint(),
    };
    let mut plan = Plan {
        format: Plan::FORMAT,
        migration_id: MigrationId("mig_2026_001".to_owned()),
        hash: String::new(),
        created_at: String::new(),
        source: endpoint(&from),
        target: endpoint(&to),
        mapping: whimbrel_core::Mapping::default(),
        steps: steps(&tables),
        tables,
        sequences: vec![SequencePlan {
            source: id("numbers"),
            target: id("numbers"),
            owned_by: None,
            increment: 1,
            behind_values: false,
        }],
        findings: Vec::new(),
        decisions: Vec::new(),
        policies: Policies {
            on_reject: OnReject::Stop,
            chunk_bytes: 2,
            verify: true,
            rollback: Default::default(),
            validation: Vec::new(),
        },
        estimate: Estimate::default(),
    };
    plan.target.rest = to.without(&plan.target_objects()).fingerprint();
    plan
}

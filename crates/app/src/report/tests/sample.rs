//! A small plan, run and verification made by hand, with names that try to break out of their cells.

use whimbrel_core::{
    Column, ColumnPlan, ColumnVerdict, Decision, DifferenceKind, Endpoint, Estimate, Fidelity, Finding,
    Fingerprint, ForeignKey, Generated, Index, IndexPart, Key, LogicalType, MigrationId, ObjectId,
    ObjectKind, ObjectVerdict, OnReject, PhaseReport, Plan, Policies, RowDifference, RunReport, RunStatus,
    SequencePlan, Severity, Statement, Step, StepPhase, Table, TableId, TablePlan, TableReport, TableVerdict,
    ValueDifference, Verdict, Verification, Witness,
};

pub(super) fn plan() -> Plan {
    Plan {
        format: Plan::FORMAT,
        migration_id: MigrationId("mig_2026_001".to_owned()),
        hash: "ab12".repeat(16),
        created_at: "2026-11-28T10:00:00Z".to_owned(),
        source: endpoint("sqlite", "3.50.4", "legacy.db", None),
        target: endpoint("postgres", "15.8", "shop", Some("new-shop")),
        mapping: whimbrel_core::Mapping::default(),
        tables: vec![customers(), orders()],
        sequences: vec![SequencePlan {
            source: TableId::bare("customers_id_seq"),
            target: TableId::new("public", "customers_id_seq"),
            owned_by: Some((TableId::new("public", "customers"), "id".to_owned())),
            increment: 1,
            behind_values: false,
        }],
        steps: steps(),
        findings: findings(),
        decisions: vec![Decision {
            code: "orphans".to_owned(),
            subject: findings()[0].subject.to_string(),
            choice: "not_valid".to_owned(),
            text: None,
            by: "suggested".to_owned(),
        }],
        policies: Policies {
            on_reject: OnReject::Stop,
            chunk_bytes: 32_000_000,
            verify: true,
            rollback: [("data_integrity_error".to_owned(), "start".to_owned())].into(),
            validation: Vec::new(),
        },
        estimate: Estimate {
            tables: 2,
            rows: 1_234_567,
            bytes: 1_449_000_000,
            seconds: 185,
        },
    }
}

fn endpoint(engine: &str, version: &str, database: &str, name: Option<&str>) -> Endpoint {
    Endpoint {
        engine: engine.to_owned(),
        version: version.to_owned(),
        url: format!("{engine}:{database}"),
        name: name.map(str::to_owned),
        database: database.to_owned(),
        catalog: Fingerprint("c0ffee".to_owned()),
        rest: Fingerprint("c0ffee".to_owned()),
    }
}

fn table_plan(source: Table, target: Table, columns: Vec<ColumnPlan>, level: u32, rows: u64) -> TablePlan {
    TablePlan {
        source,
        target,
        columns,
        key: vec!["id".to_owned()],
        level,
        replaces: false,
        rows,
        bytes: rows * 1_000,
        row_bytes_max: 4_000,
    }
}

fn column(name: &str, from: &str, to: &str, logical: LogicalType, fidelity: Fidelity) -> ColumnPlan {
    ColumnPlan {
        source: name.to_owned(),
        source_native: from.to_owned(),
        target: name.to_owned(),
        target_native: to.to_owned(),
        logical,
        fidelity,
        computed: false,
        rule: None,
    }
}

fn key(columns: &[&str]) -> Key {
    Key {
        name: String::new(),
        columns: columns.iter().map(|&name| name.to_owned()).collect(),
        deferral: whimbrel_core::Deferral::Never,
        nulls_equal: false,
        definition: None,
    }
}

fn customers() -> TablePlan {
    let side = |id: TableId, native: &str| {
        let mut table = Table::empty(id);
        table.columns = vec![Column::new("id", native), Column::new("full|name`s\n", "text")];
        table.primary_key = Some(key(&["id"]));
        table
    };
    table_plan(
        side(TableId::bare("customers"), "INTEGER"),
        side(TableId::new("public", "customers"), "bigint"),
        vec![
            column(
                "id",
                "INTEGER",
                "bigint",
                LogicalType::Integer { bits: 64 },
                Fidelity::Exact,
            ),
            column("full|name`s\n", "", "text", LogicalType::text(), Fidelity::Exact),
        ],
        0,
        1_234_000,
    )
}

fn orders() -> TablePlan {
    let decimal = LogicalType::Decimal {
        precision: Some(10),
        scale: Some(2),
    };
    let integer = || LogicalType::Integer { bits: 64 };
    let why = "floats become <exact> decimals".to_owned();
    table_plan(
        orders_table(TableId::bare("or\"ders"), TableId::bare("customers")),
        orders_table(
            TableId::new("public", "or\"ders"),
            TableId::new("public", "customers"),
        ),
        vec![
            column("id", "INTEGER", "bigint", integer(), Fidelity::Exact),
            column("customer_id", "INTEGER", "bigint", integer(), Fidelity::Exact),
            column(
                "price",
                "DECIMAL(10,2)",
                "numeric",
                decimal,
                Fidelity::Widened(why),
            ),
        ],
        1,
        567,
    )
}

fn orders_table(id: TableId, customers: TableId) -> Table {
    let mut table = Table::empty(id);
    let mut total = Column::new("total", "numeric");
    total.generated = Some(Generated {
        expression: "price * 2".to_owned(),
        stored: true,
    });
    table.columns = vec![
        Column::new("id", "bigint"),
        Column::new("customer_id", "bigint"),
        total,
    ];
    table.primary_key = Some(key(&["id"]));
    table.foreign_keys = vec![ForeignKey {
        name: "orders_customer".to_owned(),
        columns: vec!["customer_id".to_owned()],
        references: customers,
        referred: vec!["id".to_owned()],
        on_update: "NO ACTION".to_owned(),
        on_delete: "CASCADE".to_owned(),
        match_full: false,
        deferral: whimbrel_core::Deferral::Never,
        validated: true,
        definition: None,
    }];
    table.indexes = vec![orders_by_customer()];
    table
}

fn orders_by_customer() -> Index {
    Index {
        name: "orders_by_customer".to_owned(),
        unique: false,
        parts: vec![IndexPart {
            column: Some("customer_id".to_owned()),
            expression: None,
            descending: true,
            nulls_first: None,
            collation: None,
            operator_class: None,
            prefix: None,
        }],
        include: Vec::new(),
        predicate: Some("customer_id > 0".to_owned()),
        method: "btree".to_owned(),
        nulls_equal: false,
        definition: None,
        comment: None,
        options: Vec::new(),
    }
}

fn steps() -> Vec<Step> {
    let step = |id: &str, phase, subject: ObjectId, title: &str, sql: &str, undo: &str, destructive| Step {
        id: id.to_owned(),
        phase,
        subject,
        title: title.to_owned(),
        statements: vec![Statement::Sql(sql.to_owned())],
        undo: vec![Statement::Sql(undo.to_owned())],
        tables: Vec::new(),
        destructive,
    };
    let whole = |name| ObjectId::whole(ObjectKind::Table, TableId::new("public", name));
    vec![
        step(
            "001_table_customers",
            StepPhase::Schema,
            whole("customers"),
            "create table customers",
            "CREATE TABLE \"public\".\"customers\" (\"id\" bigint);",
            "DROP TABLE \"public\".\"customers\"",
            false,
        ),
        step(
            "002_index_orders_by_customer",
            StepPhase::AfterData,
            ObjectId {
                kind: ObjectKind::Index,
                owner: TableId::new("public", "or\"ders"),
                part: "orders_by_customer".to_owned(),
            },
            "create index orders_by_customer",
            "CREATE INDEX orders_by_customer ON \"public\".\"or\"\"ders\" (customer_id)",
            "DROP INDEX \"public\".\"orders_by_customer\"",
            true,
        ),
    ]
}

fn findings() -> Vec<Finding> {
    let orders = || ObjectId::whole(ObjectKind::Table, TableId::bare("or\"ders"));
    vec![
        Finding::new(
            "orphans",
            Severity::Decision,
            orders(),
            "12 rows of `or\"ders` point to customers that do not exist",
        )
        .with_evidence("id=17 | customer_id=9000013")
        .with_choice("not_valid", "the key is made NOT VALID")
        .suggest("not_valid"),
        Finding::new(
            "mixed_classes",
            Severity::Decision,
            orders(),
            "values of several classes",
        )
        .with_choice("text", "all become text")
        .with_choice("reject", "text goes to the reject file")
        .suggest("text"),
        Finding::new(
            "not_moved",
            Severity::Warning,
            orders(),
            "trigger `t` is not moved",
        ),
    ]
}

pub(super) fn verification(verdict: Verdict) -> Verification {
    let different = verdict == Verdict::Different;
    Verification {
        verified_at: "2026-11-28T10:03:05Z".to_owned(),
        notes: Vec::new(),
        checks: Vec::new(),
        rules: Vec::new(),
        position: "data_version 7".to_owned(),
        tables: vec![
            table_verdict("customers", Verdict::Identical, 1_234_000, Vec::new()),
            table_verdict(
                "or\"ders",
                verdict,
                567,
                if different { differences() } else { Vec::new() },
            ),
        ],
        objects: vec![
            ObjectVerdict {
                object: ObjectId::whole(ObjectKind::Table, TableId::new("public", "customers")),
                verdict: Verdict::Identical,
                expected: "as planned".to_owned(),
                found: "as planned".to_owned(),
            },
            ObjectVerdict {
                object: ObjectId {
                    kind: ObjectKind::Index,
                    owner: TableId::new("public", "or\"ders"),
                    part: "orders_by_customer".to_owned(),
                },
                verdict,
                expected: "btree (customer_id)".to_owned(),
                found: if different {
                    String::new()
                } else {
                    "btree (customer_id)".to_owned()
                },
            },
        ],
        seconds: 61.0,
    }
}

fn table_verdict(name: &str, verdict: Verdict, rows: u64, differences: Vec<RowDifference>) -> TableVerdict {
    let different = verdict == Verdict::Different;
    TableVerdict {
        source: TableId::bare(name),
        target: TableId::new("public", name),
        verdict,
        reason: different.then(|| "2 rows | differ".to_owned()),
        source_rows: rows,
        target_rows: rows - u64::from(different),
        rejected: 0,
        columns: vec![ColumnVerdict {
            changes_values: false,
            computed: false,
            column: "full|name`s\n".to_owned(),
            verdict,
            rule: Some("trailing blanks of `char(n)` do not count".to_owned()),
            rule_rows: 3,
        }],
        differences_total: if different { 102 } else { 0 },
        differences,
        witness: Witness {
            compared: 9,
            different: if different {
                vec!["price sum: source says 1, target says 2".to_owned()]
            } else {
                Vec::new()
            },
            not_comparable: vec!["`name` min: other collation".to_owned()],
        },
        orphans: 0,
        seconds: 1.5,
    }
}

fn differences() -> Vec<RowDifference> {
    vec![
        RowDifference {
            kind: DifferenceKind::Differing,
            key: "id=17".to_owned(),
            values: vec![ValueDifference {
                column: "price".to_owned(),
                source: Some("1.50".to_owned()),
                target: None,
            }],
            as_of_now: true,
        },
        RowDifference {
            kind: DifferenceKind::Missing,
            key: "id=18 | <b>".to_owned(),
            values: Vec::new(),
            as_of_now: false,
        },
    ]
}

pub(super) fn report(status: RunStatus, verification: Option<Verification>) -> RunReport {
    let phase = |phase: &str, seconds: f64, summary: &str| PhaseReport {
        phase: phase.to_owned(),
        status: "done".to_owned(),
        seconds,
        summary: summary.to_owned(),
    };
    let table = |name, rows, seconds| TableReport {
        ruled: Vec::new(),
        table: TableId::new("public", name),
        rows,
        bytes: rows * 100,
        rejected: 0,
        chunks: 4,
        seconds,
    };
    RunReport {
        status,
        started_at: "2026-11-28T10:00:00Z".to_owned(),
        ended_at: "2026-11-28T10:03:05Z".to_owned(),
        seconds: 185.0,
        phases: vec![
            phase("schema", 4.0, "2 steps"),
            phase("data", 120.0, "2 tables, 1,234,567 rows"),
            phase("verify", 61.0, "2 tables"),
        ],
        tables: vec![table("customers", 1_234_000, 119.0), table("or\"ders", 567, 0.5)],
        rollback: None,
        problem: None,
        verification,
    }
}

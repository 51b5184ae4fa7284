//! A migration between two toy engines as data, and short ways to what was planned.

use std::collections::BTreeMap;

use whimbrel_core::{
    Capabilities, Catalog, Check, Column, ColumnProfile, Decision, Deferral, Finding, ForeignKey,
    ForeignKeyProfile, Identity, Index, IndexPart, Key, MigrationId, NameEquality, Namespace, Plan, Result,
    Sequence, Severity, Statement, Table, TableId, TableProfile, View,
};
use whimbrel_planner::{PlanInput, Side, Wishes, plan};

use crate::toy::Toy;

/// A migration to plan.
pub(crate) struct Setup {
    from: Toy,
    to: Toy,
    pub(crate) source: Catalog,
    pub(crate) target: Catalog,
    pub(crate) profiles: BTreeMap<TableId, TableProfile>,
    pub(crate) preflight: Vec<Finding>,
    pub(crate) wishes: Wishes,
    /// The target keeps the names of tables in lower case.
    pub(crate) lowers: bool,
}

impl Setup {
    pub(crate) fn new(from: Toy, to: Toy, tables: Vec<Table>) -> Self {
        let catalog = |toy: Toy| Catalog {
            engine: toy.name().to_owned(),
            version: "1".to_owned(),
            database: "shop".to_owned(),
            namespaces: toy
                .capabilities()
                .default_namespace
                .map(namespace)
                .into_iter()
                .collect(),
            ..Catalog::default()
        };
        let mut source = catalog(from);
        source.tables = tables;
        source.tables.sort_by(|a, b| a.id.cmp(&b.id));
        Self {
            from,
            to,
            source,
            target: catalog(to),
            profiles: BTreeMap::new(),
            preflight: Vec::new(),
            wishes: Wishes::default(),
            lowers: false,
        }
    }

    /// Settles a question: `code:subject=choice` or `code=choice`, with `text=...` for a text.
    pub(crate) fn decide(mut self, decision: &str) -> Self {
        let (key, choice) = decision.split_once('=').expect("a choice");
        let (code, subject) = key.split_once(':').unwrap_or((key, ""));
        let (choice, text) = match choice.split_once('=') {
            Some((choice, text)) => (choice, Some(text.to_owned())),
            None => (choice, None),
        };
        self.wishes.decisions.push(Decision {
            code: code.to_owned(),
            subject: subject.to_owned(),
            choice: choice.to_owned(),
            text,
            by: "person".to_owned(),
        });
        self
    }

    pub(crate) fn wish(mut self, change: impl FnOnce(&mut Wishes)) -> Self {
        change(&mut self.wishes);
        self
    }

    pub(crate) fn source(mut self, change: impl FnOnce(&mut Catalog)) -> Self {
        change(&mut self.source);
        self
    }

    pub(crate) fn target(mut self, change: impl FnOnce(&mut Catalog)) -> Self {
        change(&mut self.target);
        self
    }

    pub(crate) fn profile(mut self, table: &str, change: impl FnOnce(&mut TableProfile)) -> Self {
        change(self.profiles.entry(id(table)).or_default());
        self
    }

    pub(crate) fn column_profile(
        self,
        table: &str,
        column: &str,
        change: impl FnOnce(&mut ColumnProfile),
    ) -> Self {
        self.profile(table, |profile| {
            change(profile.columns.entry(column.to_owned()).or_default());
        })
    }

    pub(crate) fn try_plan(&self) -> Result<Plan> {
        let mut capabilities: (Capabilities, Capabilities) =
            (self.from.capabilities(), self.to.capabilities());
        if self.lowers {
            capabilities.1.names = NameEquality::Case;
        }
        capabilities.1.table_names_in_lower_case = self.lowers;
        plan(&PlanInput {
            migration: MigrationId("mig_2026_001".to_owned()),
            created_at: "2026-01-01T00:00:00Z".to_owned(),
            source: side(&self.source, &self.from, &capabilities.0),
            origins: Vec::new(),
            target: side(&self.target, &self.to, &capabilities.1),
            profiles: &self.profiles,
            preflight: self.preflight.clone(),
            wishes: &self.wishes,
        })
    }

    pub(crate) fn plan(&self) -> Plan {
        self.try_plan().expect("a plan")
    }
}

fn side<'a>(catalog: &'a Catalog, toy: &'a Toy, capabilities: &'a Capabilities) -> Side<'a> {
    Side {
        catalog,
        dialect: toy,
        capabilities,
        url: format!("{}://shop", toy.name()),
        name: None,
        database: "shop".to_owned(),
    }
}

/// `name` or `namespace.name`.
pub(crate) fn id(name: &str) -> TableId {
    match name.split_once('.') {
        Some((namespace, name)) => TableId::new(namespace, name),
        None => TableId::bare(name),
    }
}

/// A table from `column type, column type not null, ...`; a column marked `pk` makes the primary key.
pub(crate) fn table(name: &str, columns: &str) -> Table {
    let mut table = Table::empty(id(name));
    let mut primary = Vec::new();
    for column in columns.split(", ").filter(|column| !column.is_empty()) {
        let mut words = column.split(' ');
        let name = words.next().expect("a name");
        let rest: Vec<&str> = words.collect();
        let native = rest
            .iter()
            .take_while(|word| !matches!(**word, "pk" | "not" | "null"));
        let native: Vec<&str> = native.copied().collect();
        let mut made = Column::new(name, native.join(" "));
        made.nullable = !rest.contains(&"not");
        if rest.contains(&"pk") {
            primary.push(name.to_owned());
        }
        table.columns.push(made);
    }
    table.primary_key = (!primary.is_empty()).then(|| key("", &primary));
    table
}

pub(crate) fn namespace(name: &str) -> Namespace {
    Namespace {
        name: name.to_owned(),
        comment: None,
    }
}

pub(crate) fn key(name: &str, columns: &[impl ToString]) -> Key {
    Key {
        name: name.to_owned(),
        columns: columns.iter().map(ToString::to_string).collect(),
        deferral: Deferral::Never,
        nulls_equal: false,
        definition: None,
    }
}

pub(crate) fn check(name: &str, expression: &str) -> Check {
    Check {
        name: name.to_owned(),
        expression: expression.to_owned(),
        validated: true,
        definition: None,
    }
}

pub(crate) fn foreign_key(name: &str, column: &str, references: &str, referred: &str) -> ForeignKey {
    ForeignKey {
        name: name.to_owned(),
        columns: vec![column.to_owned()],
        references: id(references),
        referred: vec![referred.to_owned()],
        on_update: "NO ACTION".to_owned(),
        on_delete: "CASCADE".to_owned(),
        match_full: false,
        deferral: Deferral::Never,
        validated: true,
        definition: None,
    }
}

pub(crate) fn orphans(column: &str, orphans: u64) -> ForeignKeyProfile {
    ForeignKeyProfile {
        columns: vec![column.to_owned()],
        orphans,
        examples: vec!["7".to_owned()],
        inexact: 0,
    }
}

pub(crate) fn index(name: &str, column: &str) -> Index {
    Index {
        name: name.to_owned(),
        unique: false,
        parts: vec![IndexPart {
            column: Some(column.to_owned()),
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

pub(crate) fn view(name: &str, query: &str, reads: &[&str]) -> View {
    View {
        id: id(name),
        columns: vec!["id".to_owned()],
        query: query.to_owned(),
        definition: None,
        reads: reads.iter().map(|name| id(name)).collect(),
        options: Vec::new(),
        comment: None,
    }
}

pub(crate) fn sequence(name: &str, owner: Option<(&str, &str)>) -> Sequence {
    Sequence {
        id: id(name),
        native: "bigint".to_owned(),
        start: 1,
        increment: 1,
        min: 1,
        max: i64::MAX,
        cache: 1,
        cycle: false,
        owned_by: owner.map(|(table, column)| (id(table), column.to_owned())),
        implicit: false,
        position: None,
        comment: None,
    }
}

pub(crate) fn identity(table: &mut Table, column: &str, sequence: Option<&str>) {
    let found = table
        .columns
        .iter_mut()
        .find(|have| have.name == column)
        .expect("the column");
    found.nullable = false;
    found.identity = Some(Identity {
        always: false,
        never_reused: true,
        sequence: sequence.map(id),
    });
}

/// `severity code:subject` of each finding, for one code.
pub(crate) fn findings(plan: &Plan, code: &str) -> Vec<String> {
    plan.findings
        .iter()
        .filter(|finding| finding.code == code)
        .map(|finding| format!("{} {}", finding.severity, finding.subject))
        .collect()
}

/// What is suggested for the question `code:subject`.
pub(crate) fn suggestion(plan: &Plan, key: &str) -> Option<String> {
    let found = plan.findings.iter().find(|finding| finding.key() == key);
    let found = found.unwrap_or_else(|| panic!("no `{key}` in {:#?}", plan.findings));
    found.suggested.clone()
}

/// The single finding of a code.
pub(crate) fn finding<'p>(plan: &'p Plan, code: &str) -> &'p Finding {
    let mut found = plan.findings.iter().filter(|finding| finding.code == code);
    let finding = found
        .next()
        .unwrap_or_else(|| panic!("no `{code}` in {:#?}", plan.findings));
    assert!(found.next().is_none(), "more than one `{code}`");
    finding
}

/// `severity: choices (suggested)` of a question.
pub(crate) fn question(plan: &Plan, code: &str) -> String {
    assert_eq!(finding(plan, code).severity, Severity::Decision);
    offer(plan, code)
}

/// `choices (suggested)` of a finding that may be decided.
pub(crate) fn offer(plan: &Plan, code: &str) -> String {
    let finding = finding(plan, code);
    let choices: Vec<&str> = finding
        .choices
        .iter()
        .map(|choice| choice.name.as_str())
        .collect();
    format!(
        "{}: {} ({})",
        finding.subject,
        choices.join(" | "),
        finding.suggested.as_deref().unwrap_or("none suggested")
    )
}

/// Each step as `id: statement`.
pub(crate) fn steps(plan: &Plan) -> Vec<String> {
    plan.steps
        .iter()
        .map(|step| {
            let sql: Vec<String> = step
                .statements
                .iter()
                .map(|statement| match statement {
                    Statement::Sql(sql) => sql.clone(),
                    Statement::Engine { operation, .. } => operation.clone(),
                })
                .collect();
            format!("{}: {}", step.id, sql.join("; "))
        })
        .collect()
}

/// The statement that makes the table.
pub(crate) fn creation(plan: &Plan, table: &str) -> String {
    let ending = format!("create table {table}");
    let step = plan.steps.iter().find(|step| step.title == ending);
    match step.map(|step| &step.statements[0]) {
        Some(Statement::Sql(sql)) => sql.clone(),
        other => panic!("no table `{table}`: {other:?}"),
    }
}

/// Titles of all steps.
pub(crate) fn titles(plan: &Plan) -> Vec<&str> {
    plan.steps.iter().map(|step| step.title.as_str()).collect()
}

/// A plan as a person would read it.
pub(crate) fn text(plan: &Plan) -> String {
    let mut lines = vec!["tables".to_owned()];
    for table in &plan.tables {
        lines.push(format!(
            "  {} -> {} level {} key ({})",
            table.source.id,
            table.target.id,
            table.level,
            table.key.join(", ")
        ));
        for column in &table.columns {
            lines.push(format!(
                "    {} {} -> {} {} as {}",
                column.source, column.source_native, column.target, column.target_native, column.logical
            ));
        }
    }
    lines.push("steps".to_owned());
    lines.extend(steps(plan).into_iter().map(|step| format!("  {step}")));
    lines.push("sequences".to_owned());
    lines.extend(plan.sequences.iter().map(|sequence| {
        format!(
            "  {} -> {} {:?}",
            sequence.source, sequence.target, sequence.owned_by
        )
    }));
    lines.push("findings".to_owned());
    lines.extend(
        plan.findings
            .iter()
            .map(|finding| format!("  {} {}: {}", finding.severity, finding.code, finding.message)),
    );
    lines.join("\n")
}

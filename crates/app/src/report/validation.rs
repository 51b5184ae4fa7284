//! The plan's validation rules: queries that a person can run on both sides with any client.

use std::collections::BTreeMap;
use std::sync::Arc;

use whimbrel_core::{
    ColumnPlan, Dialect, Finding, ForeignKey, LogicalType, Plan, Recorded, Settled, TableId, TablePlan,
    Tolerance, ValidationRule,
};

use super::markdown::{code, prose, table};
use super::origin::Asked;
use crate::connectors::connector_named;

/// How each side of a table spells names, and what of the source can be asked.
struct Sides<'p> {
    source: Names,
    target: Names,
    asked: Result<Asked<'p>, String>,
}

/// A side's own quotes; those of the standard where the build does not have its engine.
struct Names(Option<Arc<dyn Dialect>>);

impl Names {
    fn of(engine: &str) -> Self {
        Self(connector_named(engine).ok().map(|engine| engine.dialect()))
    }

    fn quote(&self, name: &str) -> String {
        match &self.0 {
            Some(dialect) => dialect.quote(name),
            None => format!("\"{}\"", name.replace('"', "\"\"")),
        }
    }

    fn table(&self, id: &TableId) -> String {
        match &id.namespace {
            Some(namespace) => format!("{}.{}", self.quote(namespace), self.quote(&id.name)),
            None => self.quote(&id.name),
        }
    }
}

/// Returns the section with the checks of every table.
pub(super) fn rules(plan: &Plan) -> String {
    let id = &plan.migration_id;
    let verify = code(&format!("whimbrel verify {id}"));
    let mut rows = vec![vec![
        "every row and every column of every table, and every object".to_owned(),
        verify.clone(),
        verify,
        "none, but for rules that the report names and counts".to_owned(),
    ]];
    rows.extend(plan.policies.validation.iter().map(own));
    let orphaned = Orphaned::of(plan);
    for planned in &plan.tables {
        let asked = Asked::of(plan, planned);
        let sides = Sides {
            source: Names::of(asked.as_ref().map_or("", |asked| asked.engine)),
            target: Names::of(&plan.target.engine),
            asked,
        };
        rows.push(row_count(&sides, planned));
        rows.extend(nulls(&sides, planned));
        rows.extend(sums(&sides, planned));
        rows.extend(
            planned
                .target
                .foreign_keys
                .iter()
                .map(|key| orphans(&orphaned, &sides, planned, key)),
        );
    }
    format!(
        "## Validation Rules\n\n{}\nThe first line is what `whimbrel run` does by itself; the queries are for a check by other means. \
         Run those of the source before anything writes to it again.\n",
        table(&["Check", "Source Query", "Target Query", "Tolerance"], &rows)
    )
}

/// A rule of the user's own.
fn own(rule: &ValidationRule) -> Vec<String> {
    let source = match &rule.recorded {
        None => code(&rule.source),
        Some(Recorded { value: None }) => {
            format!("{}; it said NULL when this plan was made", code(&rule.source))
        }
        Some(Recorded { value: Some(value) }) => {
            format!(
                "{}; it said {} when this plan was made",
                code(&rule.source),
                code(value)
            )
        }
    };
    let tolerance = match rule.tolerance == Tolerance::none() {
        true => "none".to_owned(),
        false => rule.tolerance.to_string(),
    };
    vec![prose(&rule.name), source, code(&rule.target), tolerance]
}

impl<'p> Sides<'p> {
    /// The source's query, with the name of its database among several.
    fn source(&self, query: impl FnOnce(&Asked<'p>) -> String) -> String {
        match &self.asked {
            Ok(asked) => {
                let place = asked.database.map(|database| format!(", in {}", code(database)));
                format!("{}{}", code(&query(asked)), place.unwrap_or_default())
            }
            Err(why) => format!("none: {}", prose(why)),
        }
    }

    /// The columns that arrive as they are, with the source's names: neither the mapping nor a value rule makes others of their values.
    fn unchanged(&self, planned: &'p TablePlan) -> Vec<(&'p ColumnPlan, &'p str)> {
        let columns = planned.columns.iter().filter(|column| column.rule.is_none());
        let own = |column: &'p ColumnPlan| Some((column, self.asked.as_ref().ok()?.column(column)?));
        columns.filter_map(own).collect()
    }
}

fn row_count(sides: &Sides<'_>, planned: &TablePlan) -> Vec<String> {
    let sql = |names: &Names, id: &TableId| format!("SELECT count(*) FROM {}", names.table(id));
    vec![
        format!("rows of {}", code(&planned.target.id.to_string())),
        sides.source(|asked| sql(&sides.source, asked.table) + &asked.condition()),
        code(&sql(&sides.target, &planned.target.id)),
        "none, but for rejected rows".to_owned(),
    ]
}

fn nulls<'p>(sides: &Sides<'p>, planned: &'p TablePlan) -> Option<Vec<String>> {
    let asked = PerColumn {
        what: "NULLs",
        columns: sides.unchanged(planned),
        expression: |name| format!("count(*) - count({name})"),
        tolerance: "none",
    };
    per_column(sides, planned, &asked)
}

fn sums<'p>(sides: &Sides<'p>, planned: &'p TablePlan) -> Option<Vec<String>> {
    let mut columns = sides.unchanged(planned);
    columns.retain(|(column, _)| is_number(column));
    let asked = PerColumn {
        what: "sums",
        columns,
        expression: |name| format!("sum({name})"),
        tolerance: "none where the engine adds exactly; the last digits where it adds in floating point",
    };
    per_column(sides, planned, &asked)
}

/// A column of exact numbers: by its logical type, or by its declaration where values travel whatever they are.
fn is_number(column: &ColumnPlan) -> bool {
    let declared = column.source_native.to_ascii_uppercase();
    let says_number = ["INT", "DEC", "NUMERIC"]
        .iter()
        .any(|word| declared.contains(word));
    column.logical.is_exact_number() || (column.logical == LogicalType::Any && says_number)
}

/// What is asked of columns.
struct PerColumn<'a> {
    what: &'static str,
    /// The columns, with the source's names.
    columns: Vec<(&'a ColumnPlan, &'a str)>,
    /// The expression over a quoted column.
    expression: fn(&str) -> String,
    tolerance: &'static str,
}

/// One query over all the columns, each result named after its target column.
fn per_column(sides: &Sides<'_>, planned: &TablePlan, asked: &PerColumn<'_>) -> Option<Vec<String>> {
    if asked.columns.is_empty() {
        return None;
    }
    let query = |names: &Names, id: &TableId, name: fn(&(&ColumnPlan, &str)) -> String| {
        let results: Vec<String> = asked
            .columns
            .iter()
            .map(|column| {
                let value = (asked.expression)(&names.quote(&name(column)));
                format!("{value} AS {}", names.quote(&column.0.target))
            })
            .collect();
        format!("SELECT {} FROM {}", results.join(", "), names.table(id))
    };
    let target = query(&sides.target, &planned.target.id, |(column, _)| {
        column.target.clone()
    });
    Some(vec![
        format!("{} of {}", asked.what, code(&planned.target.id.to_string())),
        sides.source(|source| {
            query(&sides.source, source.table, |(_, own)| (*own).to_owned()) + &source.condition()
        }),
        code(&target),
        asked.tolerance.to_owned(),
    ])
}

fn orphans(orphaned: &Orphaned<'_>, sides: &Sides<'_>, planned: &TablePlan, key: &ForeignKey) -> Vec<String> {
    let source = match source_of(planned, key) {
        None => "none: the source declares no such key".to_owned(),
        Some(_) if !planned.source.parts.is_empty() => {
            "none: `whimbrel run` looks for them in the rows after the mapping".to_owned()
        }
        Some(key) => code(&orphan_query(&sides.source, &planned.source.id, key)),
    };
    vec![
        format!(
            "orphans of {} in {}",
            code(&key.columns.join(", ")),
            code(&planned.target.id.to_string())
        ),
        source,
        code(&orphan_query(&sides.target, &planned.target.id, key)),
        orphaned.tolerated(planned),
    ]
}

/// The source's declaration of a key, found by its mapped columns.
fn source_of<'a>(planned: &'a TablePlan, key: &ForeignKey) -> Option<&'a ForeignKey> {
    let mapped = |name: &String| {
        let column = planned.columns.iter().find(|column| &column.target == name);
        column.map_or(name, |column| &column.source).clone()
    };
    let columns: Vec<String> = key.columns.iter().map(mapped).collect();
    planned
        .source
        .foreign_keys
        .iter()
        .find(|declared| declared.columns == columns)
}

fn orphan_query(names: &Names, table: &TableId, key: &ForeignKey) -> String {
    let present: Vec<String> = key
        .columns
        .iter()
        .map(|column| format!("c.{} IS NOT NULL", names.quote(column)))
        .collect();
    let equal: Vec<String> = key
        .columns
        .iter()
        .zip(&key.referred)
        .map(|(column, referred)| format!("p.{} = c.{}", names.quote(referred), names.quote(column)))
        .collect();
    format!(
        "SELECT count(*) FROM {} AS c WHERE {} AND NOT EXISTS (SELECT 1 FROM {} AS p WHERE {})",
        names.table(table),
        present.join(" AND "),
        names.table(&key.references),
        equal.join(" AND ")
    )
}

/// What was found and settled about orphans, by table.
struct Orphaned<'a> {
    findings: BTreeMap<&'a TableId, &'a Finding>,
    settled: Settled<'a>,
}

impl<'a> Orphaned<'a> {
    fn of(plan: &'a Plan) -> Self {
        let mut findings = BTreeMap::new();
        for finding in plan.findings.iter().filter(|finding| finding.code == "orphans") {
            findings.entry(&finding.subject.owner).or_insert(finding);
        }
        Self {
            findings,
            settled: plan.settled(),
        }
    }

    fn tolerated(&self, planned: &TablePlan) -> String {
        let of_table = |id| self.findings.get(id);
        let finding = of_table(&planned.source.id).or_else(|| of_table(&planned.target.id));
        match finding.map(|finding| (finding, self.settled.of(finding))) {
            None => "0 on both sides".to_owned(),
            Some((finding, None)) => format!("not settled yet: {}", prose(&finding.message)),
            Some((finding, Some(decision))) => {
                format!(
                    "settled as {}: {}",
                    code(&decision.choice),
                    prose(&finding.message)
                )
            }
        }
    }
}

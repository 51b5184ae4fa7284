//! The plan's validation rules: queries that a person can run on both sides with any client.

use whimbrel_core::{ColumnPlan, ForeignKey, LogicalType, Plan, TableId, TablePlan};

use super::markdown::{code, prose, table};

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
    for planned in &plan.tables {
        rows.push(row_count(planned));
        rows.extend(nulls(planned));
        rows.extend(sums(planned));
        rows.extend(
            planned
                .target
                .foreign_keys
                .iter()
                .map(|key| orphans(plan, planned, key)),
        );
    }
    format!(
        "## Validation Rules\n\n{}\nThe first line is what `whimbrel run` does by itself; the queries are for a check by other means. \
         Run those of the source before anything writes to it again.\n",
        table(&["Check", "Source Query", "Target Query", "Tolerance"], &rows)
    )
}

fn row_count(planned: &TablePlan) -> Vec<String> {
    let sql = |id| code(&format!("SELECT count(*) FROM {}", quote_table(id)));
    vec![
        format!("rows of {}", code(&planned.target.id.to_string())),
        sql(&planned.source.id),
        sql(&planned.target.id),
        "none, but for rejected rows".to_owned(),
    ]
}

fn nulls(planned: &TablePlan) -> Option<Vec<String>> {
    let columns: Vec<&ColumnPlan> = planned.columns.iter().collect();
    let count = |name: &str| format!("count(*) - count({})", quote(name));
    per_column(planned, &columns, "NULLs", count, "none")
}

fn sums(planned: &TablePlan) -> Option<Vec<String>> {
    let columns: Vec<&ColumnPlan> = planned
        .columns
        .iter()
        .filter(|column| is_number(column))
        .collect();
    let sum = |name: &str| format!("sum({})", quote(name));
    let tolerance = "none where the engine adds exactly; the last digits where it adds in floating point";
    per_column(planned, &columns, "sums", sum, tolerance)
}

/// A column of exact numbers: by its logical type, or by its declaration where values travel whatever they are.
fn is_number(column: &ColumnPlan) -> bool {
    let declared = column.source_native.to_ascii_uppercase();
    let says_number = ["INT", "DEC", "NUMERIC"]
        .iter()
        .any(|word| declared.contains(word));
    column.logical.is_exact_number() || (column.logical == LogicalType::Any && says_number)
}

/// One query over all the columns, each result named after its target column.
fn per_column(
    planned: &TablePlan,
    columns: &[&ColumnPlan],
    what: &str,
    expression: impl Fn(&str) -> String,
    tolerance: &str,
) -> Option<Vec<String>> {
    if columns.is_empty() {
        return None;
    }
    let query = |id: &TableId, name: fn(&ColumnPlan) -> &str| {
        let results: Vec<String> = columns
            .iter()
            .map(|column| format!("{} AS {}", expression(name(column)), quote(&column.target)))
            .collect();
        code(&format!("SELECT {} FROM {}", results.join(", "), quote_table(id)))
    };
    Some(vec![
        format!("{what} of {}", code(&planned.target.id.to_string())),
        query(&planned.source.id, |column| &column.source),
        query(&planned.target.id, |column| &column.target),
        tolerance.to_owned(),
    ])
}

fn orphans(plan: &Plan, planned: &TablePlan, key: &ForeignKey) -> Vec<String> {
    let source = source_of(planned, key).map_or_else(
        || "none: the source declares no such key".to_owned(),
        |key| code(&orphan_query(&planned.source.id, key)),
    );
    vec![
        format!(
            "orphans of {} in {}",
            code(&key.columns.join(", ")),
            code(&planned.target.id.to_string())
        ),
        source,
        code(&orphan_query(&planned.target.id, key)),
        tolerated(plan, planned),
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

fn orphan_query(table: &TableId, key: &ForeignKey) -> String {
    let present: Vec<String> = key
        .columns
        .iter()
        .map(|column| format!("c.{} IS NOT NULL", quote(column)))
        .collect();
    let equal: Vec<String> = key
        .columns
        .iter()
        .zip(&key.referred)
        .map(|(column, referred)| format!("p.{} = c.{}", quote(referred), quote(column)))
        .collect();
    format!(
        "SELECT count(*) FROM {} AS c WHERE {} AND NOT EXISTS (SELECT 1 FROM {} AS p WHERE {})",
        quote_table(table),
        present.join(" AND "),
        quote_table(&key.references),
        equal.join(" AND ")
    )
}

fn tolerated(plan: &Plan, planned: &TablePlan) -> String {
    let of_table = |owner: &TableId| owner == &planned.source.id || owner == &planned.target.id;
    let finding = plan
        .findings
        .iter()
        .find(|finding| finding.code == "orphans" && of_table(&finding.subject.owner));
    match finding.map(|finding| (finding, plan.decision_for(finding))) {
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

fn quote_table(id: &TableId) -> String {
    match &id.namespace {
        Some(namespace) => format!("{}.{}", quote(namespace), quote(&id.name)),
        None => quote(&id.name),
    }
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

//! `verification_queries_source.sql` and `verification_queries_target.sql`: what a person can ask both databases with any client. Each
//! query of one file has its twin in the other, with the same names of results; what an engine calls its functions is its dialect's.

use std::fmt::Write as _;
use std::sync::Arc;

use whimbrel_core::{
    ColumnCheck, ColumnPlan, Dialect, Endpoint, LogicalType, Plan, TableId, TablePlan, TableRule,
};

use crate::connectors::connector_named;

/// Columns that one query asks about: engines limit how many results a query has.
const COLUMNS_MAX: usize = 100;

/// One side's words.
struct Side<'a> {
    dialect: Arc<dyn Dialect>,
    name: &'static str,
    other: &'static str,
    table: fn(&TablePlan) -> &TableId,
    column: fn(&ColumnPlan) -> &str,
    endpoint: &'a Endpoint,
}

/// Whose queries a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuerySide {
    /// The source's.
    Source,
    /// The target's.
    Target,
}

/// The files of queries.
pub const QUERY_FILES: [(&str, QuerySide); 2] = [
    ("verification_queries_source.sql", QuerySide::Source),
    ("verification_queries_target.sql", QuerySide::Target),
];

/// Returns the queries of one side, table after table.
pub fn verification_queries(plan: &Plan, side: QuerySide) -> Box<dyn Iterator<Item = String> + '_> {
    let dialect = |endpoint: &Endpoint| Some(connector_named(&endpoint.engine).ok()?.dialect());
    let (Some(source), Some(target)) = (dialect(&plan.source), dialect(&plan.target)) else {
        return Box::new(std::iter::once(
            "-- This program does not have the engines of the plan.\n".to_owned(),
        ));
    };
    let source = Side {
        dialect: source,
        name: "source",
        other: "target",
        table: |planned| &planned.source.id,
        column: |column| &column.source,
        endpoint: &plan.source,
    };
    let target = Side {
        dialect: target,
        name: "target",
        other: "source",
        table: |planned| &planned.target.id,
        column: |column| &column.target,
        endpoint: &plan.target,
    };
    let (side, twin) = match side {
        QuerySide::Source => (source, target),
        QuerySide::Target => (target, source),
    };
    let head = std::iter::once(head(plan, &side));
    Box::new(
        head.chain(
            plan.tables
                .iter()
                .map(move |planned| match reshaped(plan, planned) {
                    Some(why) => format!(
                        "\n-- {}\n-- not asked: {}\n",
                        one_line(&planned.target.id.to_string()),
                        one_line(&why)
                    ),
                    None => table(planned, &side, &twin),
                }),
        ),
    )
}

/// Says why the rows of the target are not those of one table of the source, so that no query of the source's gives the same numbers.
fn reshaped(plan: &Plan, planned: &TablePlan) -> Option<String> {
    let mapping = &plan.mapping;
    if !mapping.sources.is_empty() {
        return Some("its rows come from one of several databases".to_owned());
    }
    let id = &planned.source.id;
    let about = |rule: &&TableRule| rule.from.iter().any(|pattern| id.matches(pattern));
    let rules: Vec<&TableRule> = mapping.tables.iter().filter(about).collect();
    let is_target = |rule: &&TableRule| rule.to.as_ref().is_some_and(|to| planned.target.id.matches(to));
    let parts: Vec<&TableRule> = mapping.tables.iter().filter(is_target).collect();
    let own_name = rules.iter().any(|rule| rule.to.is_some());
    if parts.len() > 1 || parts.iter().any(|rule| rule.from.len() > 1) {
        return Some("the mapping puts its rows together from several tables".to_owned());
    }
    if !parts.is_empty() && !own_name {
        return Some("the mapping splits the source's table".to_owned());
    }
    let parents = planned
        .source
        .partition_of
        .iter()
        .map(|partition| &partition.parent);
    let parents: Vec<&TableId> = parents.chain(&planned.source.inherits).collect();
    let above = mapping.tables.iter().filter(|rule| {
        let mut patterns = rule.from.iter();
        patterns.any(|pattern| parents.iter().any(|parent| parent.matches(pattern)))
    });
    let filters: Vec<&str> = rules
        .into_iter()
        .chain(above)
        .filter_map(|rule| rule.filter.as_deref())
        .collect();
    match filters.is_empty() {
        true => None,
        false => Some(format!(
            "the mapping chooses its rows, by expressions that may mean something else to the source: {}",
            filters.join(" AND ")
        )),
    }
}

fn head(plan: &Plan, side: &Side<'_>) -> String {
    format!(
        "-- Verification queries for the {} of {}, {}.\n\
         -- Each has its twin in verification_queries_{}.sql; the two must give the same numbers.\n\
         -- Sums of hashes are numbers, which no limit on the length of texts cuts off. Run those of the source before\n\
         -- anything writes to it again. `whimbrel verify` compares every value of every row; this is a check by other means.\n",
        side.name,
        one_line(&plan.migration_id.to_string()),
        one_line(&side.endpoint.url),
        side.other,
    )
}

/// Text within a comment must not end it.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

fn table(planned: &TablePlan, side: &Side<'_>, twin: &Side<'_>) -> String {
    let name = planned.target.id.to_string();
    let from = side.dialect.table((side.table)(planned));
    let mut text = format!("\n-- {}\n", one_line(&name));
    let is_made = |column: &ColumnPlan| {
        let source = planned.source.column(&column.source);
        source.is_some_and(|source| source.derived.is_some())
    };
    let mut asked: Vec<&ColumnPlan> = Vec::new();
    for column in &planned.columns {
        let why = match &column.rule {
            Some(_) => "a value rule makes other values of some",
            None if is_made(column) => "the mapping makes its values",
            None => {
                asked.push(column);
                continue;
            }
        };
        let column = one_line(&column.target);
        let _infallible = writeln!(text, "-- not asked: {column}, as {why}");
    }
    let add_both = [side, twin]
        .iter()
        .all(|side| side.dialect.column_check(ColumnCheck::Sum, "x").is_some());
    let added_up = if add_both { added_up } else { added_up_in_parts };
    let checks = |of: fn(&ColumnPlan) -> Vec<(&'static str, ColumnCheck)>| {
        let each = asked
            .iter()
            .flat_map(|column| of(column).into_iter().map(move |check| (*column, check)));
        let both = each.filter_map(|(column, (label, check))| {
            // What only one side computes cannot be compared.
            twin.dialect.column_check(check, "x")?;
            let value = side
                .dialect
                .column_check(check, &side.dialect.quote((side.column)(column)))?;
            let result = side.dialect.quote(&format!("{label}_{}", column.target));
            Some(format!("{value} AS {result}"))
        });
        both.collect::<Vec<String>>()
    };
    let counts = checks(counted);
    let _infallible = writeln!(
        text,
        "SELECT {} AS table_name, count(*) AS total_records FROM {from};",
        side.dialect.literal(&name)
    );
    for results in [counts, checks(added_up)]
        .iter()
        .flat_map(|results| results.chunks(COLUMNS_MAX))
    {
        let _infallible = writeln!(text, "SELECT\n  {}\nFROM {from};", results.join(",\n  "));
    }
    text
}

/// What is counted of a column: its NULLs, and its different values where all engines call the same values equal.
fn counted(column: &ColumnPlan) -> Vec<(&'static str, ColumnCheck)> {
    let distinct = match column.logical {
        LogicalType::Integer { .. }
        | LogicalType::Decimal { .. }
        | LogicalType::Boolean
        | LogicalType::Date
        | LogicalType::Timestamp { .. }
        | LogicalType::Uuid => Some(ColumnCheck::Distinct),
        LogicalType::Text { padded: false, .. } => Some(ColumnCheck::DistinctTexts),
        LogicalType::Float { .. }
        | LogicalType::Text { padded: true, .. }
        | LogicalType::Bytes
        | LogicalType::Bits { .. }
        | LogicalType::Time
        | LogicalType::TimeZoned
        | LogicalType::Interval
        | LogicalType::Json
        | LogicalType::Enum { .. }
        | LogicalType::Set { .. }
        | LogicalType::Any
        | LogicalType::Wire { .. } => None,
    };
    let distinct = distinct.map(|check| ("unique", check));
    distinct
        .into_iter()
        .chain([("null", ColumnCheck::Nulls)])
        .collect()
}

/// What is added up of a column where one side cannot add exactly: integers in two halves, and no decimals.
fn added_up_in_parts(column: &ColumnPlan) -> Vec<(&'static str, ColumnCheck)> {
    if !matches!(column.logical, LogicalType::Integer { .. }) {
        return added_up(column);
    }
    vec![
        ("sum_high", ColumnCheck::SumHigh),
        ("sum_low", ColumnCheck::SumLow),
    ]
}

/// What is added up of a column.
fn added_up(column: &ColumnPlan) -> Vec<(&'static str, ColumnCheck)> {
    match column.logical {
        LogicalType::Integer { .. } | LogicalType::Decimal { .. } => vec![("sum", ColumnCheck::Sum)],
        LogicalType::Text { padded: false, .. } => {
            vec![
                ("characters", ColumnCheck::Characters),
                ("hashes", ColumnCheck::Hashes),
            ]
        }
        LogicalType::Boolean
        | LogicalType::Float { .. }
        | LogicalType::Text { padded: true, .. }
        | LogicalType::Bytes
        | LogicalType::Bits { .. }
        | LogicalType::Date
        | LogicalType::Time
        | LogicalType::TimeZoned
        | LogicalType::Timestamp { .. }
        | LogicalType::Interval
        | LogicalType::Uuid
        | LogicalType::Json
        | LogicalType::Enum { .. }
        | LogicalType::Set { .. }
        | LogicalType::Any
        | LogicalType::Wire { .. } => Vec::new(),
    }
}

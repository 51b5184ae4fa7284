//! `verification_queries_source.sql` and `verification_queries_target.sql`: what a person can ask both databases with any client. Each
//! query of one file has its twin in the other, with the same names of results; what an engine calls its functions is its dialect's.

use std::fmt::Write as _;
use std::sync::Arc;

use whimbrel_core::{ColumnCheck, ColumnPlan, Dialect, LogicalType, Plan, TablePlan};

use super::origin::Asked;
use crate::connectors::connector_named;

/// Columns that one query asks about: engines limit how many results a query has.
const COLUMNS_MAX: usize = 100;

/// One side's words for a table.
struct Side<'p> {
    dialect: Arc<dyn Dialect>,
    /// What stands behind FROM.
    from: String,
    columns: Vec<&'p str>,
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
    let head = std::iter::once(head(plan, side));
    Box::new(head.chain(plan.tables.iter().map(move |planned| {
        let name = planned.target.id.to_string();
        let asked = Asked::all(plan, planned);
        let place = match asked.as_deref() {
            Ok([only]) if side == QuerySide::Source => only.database,
            _ => None,
        };
        let place = place.map_or_else(String::new, |database| format!(", in {database}"));
        let queries = asked.and_then(|asked| match (asked.as_slice(), side) {
            ([only], _) => table(plan, planned, only, side),
            (several, QuerySide::Source) => merged(planned, several),
            (several, QuerySide::Target) => merged_there(plan, planned, several),
        });
        let queries = queries.unwrap_or_else(|why| format!("-- not asked: {}\n", one_line(&why)));
        format!("\n-- {}\n{queries}", one_line(&format!("{name}{place}")))
    })))
}

/// What is said of a table that is put together from several: only its rows can be counted.
const MERGED: &str =
    "-- not asked: values of columns, as the mapping puts them together from several tables\n";

/// The source's side of such a table: one query a database.
fn merged(planned: &TablePlan, parts: &[Asked<'_>]) -> Result<String, String> {
    let mut text = MERGED.to_owned();
    for database in databases(parts) {
        let own: Vec<&Asked<'_>> = parts.iter().filter(|part| part.database == database).collect();
        let Some(first) = own.first() else { continue };
        let dialect = dialect(first.engine)?;
        let count = |part: &&Asked<'_>| {
            format!(
                "(SELECT count(*) FROM {}{})",
                dialect.table(part.table),
                part.condition()
            )
        };
        let counts: Vec<String> = own.iter().map(count).collect();
        let result = match database {
            None => "total_records".to_owned(),
            Some(name) => {
                let _infallible = writeln!(text, "-- in {}", one_line(name));
                dialect.quote(&format!("records_of_{name}"))
            }
        };
        let _infallible = writeln!(
            text,
            "SELECT {} AS table_name, {} AS {result};",
            dialect.literal(&planned.target.id.to_string()),
            counts.join(" + ")
        );
    }
    Ok(text)
}

/// The target's side of such a table.
fn merged_there(plan: &Plan, planned: &TablePlan, parts: &[Asked<'_>]) -> Result<String, String> {
    let mut text = MERGED.to_owned();
    let databases = databases(parts).into_iter().flatten();
    let names: Vec<String> = databases
        .map(|name| format!("records_of_{}", one_line(name)))
        .collect();
    if !names.is_empty() {
        let _infallible = writeln!(text, "-- total_records must be {}", names.join(" + "));
    }
    let dialect = dialect(&plan.target.engine)?;
    Ok(text + &total(planned, &*dialect, &dialect.table(&planned.target.id)))
}

/// The databases of the parts, each once, in their order.
fn databases<'p>(parts: &[Asked<'p>]) -> Vec<Option<&'p str>> {
    let mut found: Vec<Option<&str>> = Vec::new();
    for part in parts {
        if !found.contains(&part.database) {
            found.push(part.database);
        }
    }
    found
}

fn total(planned: &TablePlan, dialect: &dyn Dialect, from: &str) -> String {
    let name = dialect.literal(&planned.target.id.to_string());
    format!("SELECT {name} AS table_name, count(*) AS total_records FROM {from};\n")
}

fn head(plan: &Plan, side: QuerySide) -> String {
    let (name, endpoint, other) = match side {
        QuerySide::Source => ("source", &plan.source, "target"),
        QuerySide::Target => ("target", &plan.target, "source"),
    };
    format!(
        "-- Verification queries for the {name} of {}, {}.\n\
         -- Each has its twin in verification_queries_{other}.sql; the two must give the same numbers.\n\
         -- Sums of hashes are numbers, which no limit on the length of texts cuts off. Run those of the source before\n\
         -- anything writes to it again. `whimbrel verify` compares every value of every row; this is a check by other means.\n",
        one_line(&plan.migration_id.to_string()),
        one_line(&endpoint.url),
    )
}

fn dialect(engine: &str) -> Result<Arc<dyn Dialect>, String> {
    let connector = connector_named(engine);
    let connector = connector.map_err(|_| format!("this program does not have the engine {engine}"))?;
    Ok(connector.dialect())
}

/// Text within a comment must not end it.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

fn table<'p>(
    plan: &'p Plan,
    planned: &'p TablePlan,
    source: &Asked<'p>,
    of: QuerySide,
) -> Result<String, String> {
    let mut text = String::new();
    let mut asked: Vec<&ColumnPlan> = Vec::new();
    let mut own: Vec<&str> = Vec::new();
    for column in &planned.columns {
        let why = match (&column.rule, source.column(column)) {
            (Some(_), _) => "a value rule makes other values of some",
            (None, None) => "the mapping makes its values",
            (None, Some(name)) => {
                asked.push(column);
                own.push(name);
                continue;
            }
        };
        let column = one_line(&column.target);
        let _infallible = writeln!(text, "-- not asked: {column}, as {why}");
    }
    let (here, there) = (dialect(source.engine)?, dialect(&plan.target.engine)?);
    let source = Side {
        from: here.table(source.table) + &source.condition(),
        dialect: here,
        columns: own,
    };
    let target = Side {
        from: there.table(&planned.target.id),
        dialect: there,
        columns: asked.iter().map(|column| column.target.as_str()).collect(),
    };
    let both = match of {
        QuerySide::Source => [&source, &target],
        QuerySide::Target => [&target, &source],
    };
    text.push_str(&queries(planned, &asked, both));
    Ok(text)
}

/// The queries of the first of two sides.
fn queries(planned: &TablePlan, asked: &[&ColumnPlan], [side, twin]: [&Side<'_>; 2]) -> String {
    let from = &side.from;
    let mut text = String::new();
    let add_both = [side, twin]
        .iter()
        .all(|side| side.dialect.column_check(ColumnCheck::Sum, "x").is_some());
    let added_up = if add_both { added_up } else { added_up_in_parts };
    let checks = |of: fn(&ColumnPlan) -> Vec<(&'static str, ColumnCheck)>| {
        let each = asked
            .iter()
            .zip(&side.columns)
            .flat_map(|(column, own)| of(column).into_iter().map(move |check| (*column, *own, check)));
        let both = each.filter_map(|(column, own, (label, check))| {
            // What only one side computes cannot be compared.
            twin.dialect.column_check(check, "x")?;
            let value = side.dialect.column_check(check, &side.dialect.quote(own))?;
            let result = side.dialect.quote(&format!("{label}_{}", column.target));
            Some(format!("{value} AS {result}"))
        });
        both.collect::<Vec<String>>()
    };
    let counts = checks(counted);
    text.push_str(&total(planned, &*side.dialect, from));
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

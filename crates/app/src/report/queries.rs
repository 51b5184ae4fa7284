//! `verification_queries_source.sql` (one for each of several) and `verification_queries_target.sql`: what a person can ask both databases with
//! any client. Each query of one file has its twin in the other, with the same names of results; what an engine calls its functions is its dialect's.

use std::fmt::Write as _;
use std::sync::Arc;

use whimbrel_core::{
    Catalog, Column, ColumnCheck, ColumnPlan, Dialect, LogicalType, Plan, SourceRule, TablePlan,
};

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

/// A column to ask about.
struct Question<'p> {
    column: &'p ColumnPlan,
    /// What its values are for the queries of both sides.
    kind: LogicalType,
}

/// What the values are that both sides can be asked about: what travels in a form of the engine's own is what its declaration says, and
/// numbers that one side keeps as text are none.
fn compared_as(column: &ColumnPlan, here: &dyn Dialect, there: &dyn Dialect) -> LogicalType {
    let declared = |dialect: &dyn Dialect, native: &str| {
        let column = Column::new("", native);
        dialect.logical(&column, &Catalog::default(), None).to
    };
    let sides = [
        declared(here, &column.source_native),
        declared(there, &column.target_native),
    ];
    let is_text = |kind: &LogicalType| matches!(kind, LogicalType::Text { .. });
    let (is_own_form, is_decimal) = (
        matches!(column.logical, LogicalType::Wire { .. }),
        matches!(column.logical, LogicalType::Decimal { .. }),
    );
    if is_own_form {
        sides[1].clone()
    } else if is_decimal && sides.iter().any(is_text) {
        LogicalType::Any
    } else {
        column.logical.clone()
    }
}

/// Whose queries a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose<'p> {
    /// The source's, or those of one of several.
    Source(Option<&'p SourceRule>),
    /// The target's.
    Target,
}

/// A file of queries that one client can run.
pub struct QueryFile<'p> {
    /// The file's name.
    pub name: String,
    plan: &'p Plan,
    whose: Whose<'p>,
}

/// Returns the files of queries: one for each database.
pub fn query_files(plan: &Plan) -> Vec<QueryFile<'_>> {
    let mut files = Vec::new();
    for source in &plan.mapping.sources {
        let mut name = format!("verification_queries_source_{}.sql", in_file_name(&source.name));
        while files.iter().any(|file: &QueryFile<'_>| file.name == name) {
            name.insert(name.len() - ".sql".len(), '_');
        }
        let whose = Whose::Source(Some(source));
        files.push(QueryFile { name, plan, whose });
    }
    let mut add = |name: &str, whose| {
        let name = name.to_owned();
        files.push(QueryFile { name, plan, whose });
    };
    if plan.mapping.sources.is_empty() {
        add("verification_queries_source.sql", Whose::Source(None));
    }
    add("verification_queries_target.sql", Whose::Target);
    files
}

/// The name with letters that every file system takes.
fn in_file_name(name: &str) -> String {
    let taken = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    name.chars()
        .map(|letter| if taken(letter) { letter } else { '_' })
        .collect()
}

impl QueryFile<'_> {
    /// Returns the queries, table after table.
    pub fn sections(&self) -> impl Iterator<Item = String> {
        let tables = self.plan.tables.iter().filter(|planned| self.has(planned));
        std::iter::once(self.head()).chain(tables.map(|planned| self.section(planned)))
    }

    /// Tells whether rows of the table come from this database, or are there in the end.
    fn has(&self, planned: &TablePlan) -> bool {
        let Whose::Source(Some(source)) = self.whose else {
            return true;
        };
        let mut parts = planned.source.parts.iter();
        parts.any(|part| part.database.as_ref() == Some(&source.name))
    }

    fn head(&self) -> String {
        let plan = self.plan;
        let (name, url, twin) = match self.whose {
            Whose::Source(None) => ("source".to_owned(), Some(&plan.source.url), "target"),
            Whose::Source(Some(source)) => (format!("source {}", source.name), source.url.as_ref(), "target"),
            Whose::Target if plan.mapping.sources.is_empty() => {
                ("target".to_owned(), Some(&plan.target.url), "source")
            }
            Whose::Target => ("target".to_owned(), Some(&plan.target.url), "source_NAME"),
        };
        let url = url.map_or_else(String::new, |url| format!(", {url}"));
        format!(
            "-- Verification queries for the {} of {}{}.\n\
             -- Each has its twin in verification_queries_{twin}.sql; the two must give the same numbers.\n\
             -- Sums of hashes are numbers, which no limit on the length of texts cuts off. Run those of the source before\n\
             -- anything writes to it again. `whimbrel verify` compares every value of every row; this is a check by other means.\n",
            one_line(&name),
            one_line(&plan.migration_id.to_string()),
            one_line(&url),
        )
    }

    fn section(&self, planned: &TablePlan) -> String {
        let asked = Asked::all(self.plan, planned);
        let place = match (asked.as_deref(), self.whose) {
            (Ok([only]), Whose::Target) => only.database,
            _ => None,
        };
        let place = place.map_or_else(String::new, |database| format!(", from {database}"));
        let queries = asked.and_then(|asked| match (asked.as_slice(), self.whose) {
            ([only], _) => table(self.plan, planned, only, self.whose),
            (several, Whose::Source(source)) => merged(planned, several, source),
            (several, Whose::Target) => merged_there(self.plan, planned, several),
        });
        let queries = queries.unwrap_or_else(|why| format!("-- not asked: {}\n", one_line(&why)));
        let heading = format!("{}{place}", planned.target.id);
        format!("\n-- {}\n{queries}", one_line(&heading))
    }
}

/// What is said of a table that is put together from several: only its rows can be counted.
const MERGED: &str =
    "-- not asked: values of columns, as the mapping puts them together from several tables\n";

/// The source's side of such a table: the rows of the parts in one database.
fn merged(planned: &TablePlan, parts: &[Asked<'_>], source: Option<&SourceRule>) -> Result<String, String> {
    let database = source.map(|source| source.name.as_str());
    let own: Vec<&Asked<'_>> = parts.iter().filter(|part| part.database == database).collect();
    let Some(first) = own.first() else {
        return Ok(MERGED.to_owned());
    };
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
        Some(name) => dialect.quote(&format!("records_of_{name}")),
    };
    Ok(format!(
        "{MERGED}SELECT {} AS table_name, {} AS {result};\n",
        dialect.literal(&planned.target.id.to_string()),
        counts.join(" + ")
    ))
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
    of: Whose<'_>,
) -> Result<String, String> {
    let mut text = String::new();
    let (here, there) = (dialect(source.engine)?, dialect(&plan.target.engine)?);
    let mut asked: Vec<Question<'_>> = Vec::new();
    let mut own: Vec<&str> = Vec::new();
    for column in &planned.columns {
        let why = match (&column.rule, source.column(column)) {
            (Some(_), _) => "a value rule makes other values of some",
            (None, None) => "the mapping makes its values",
            (None, Some(name)) => {
                let kind = compared_as(column, &*here, &*there);
                asked.push(Question { column, kind });
                own.push(name);
                continue;
            }
        };
        let column = one_line(&column.target);
        let _infallible = writeln!(text, "-- not asked: {column}, as {why}");
    }
    let source = Side {
        from: here.table(source.table) + &source.condition(),
        dialect: here,
        columns: own,
    };
    let target = Side {
        from: there.table(&planned.target.id),
        dialect: there,
        columns: asked
            .iter()
            .map(|question| question.column.target.as_str())
            .collect(),
    };
    let both = match of {
        Whose::Source(_) => [&source, &target],
        Whose::Target => [&target, &source],
    };
    text.push_str(&queries(planned, &asked, both));
    Ok(text)
}

/// The queries of the first of two sides.
fn queries(planned: &TablePlan, asked: &[Question<'_>], [side, twin]: [&Side<'_>; 2]) -> String {
    let from = &side.from;
    let mut text = String::new();
    let add_both = [side, twin]
        .iter()
        .all(|side| side.dialect.column_check(ColumnCheck::Sum, "x").is_some());
    let added_up = if add_both { added_up } else { added_up_in_parts };
    let checks = |of: fn(&LogicalType) -> Vec<(&'static str, ColumnCheck)>| {
        let each = asked.iter().zip(&side.columns).flat_map(|(question, own)| {
            let checks = of(&question.kind).into_iter();
            checks.map(move |check| (question.column, *own, check))
        });
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
fn counted(kind: &LogicalType) -> Vec<(&'static str, ColumnCheck)> {
    let distinct = match kind {
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
fn added_up_in_parts(kind: &LogicalType) -> Vec<(&'static str, ColumnCheck)> {
    if !matches!(kind, LogicalType::Integer { .. }) {
        return added_up(kind);
    }
    vec![
        ("sum_high", ColumnCheck::SumHigh),
        ("sum_low", ColumnCheck::SumLow),
    ]
}

/// What is added up of a column.
fn added_up(kind: &LogicalType) -> Vec<(&'static str, ColumnCheck)> {
    match kind {
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

//! Profiles a table: what one full pass finds in every column, computed by the server inside one consistent transaction. Shapes are
//! counted under the names in [`shape`], which the dialect reads.

use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;
use whimbrel_core::{Column, ColumnProfile, Depth, LATE_UUIDS, Result, Table, TableProfile};

use crate::catalog::rows::{Line, lines};
use crate::codec::form;
use crate::columns::{ServerColumn, columns_of, columns_of_all};
use crate::error::classify;
use crate::native::Kind;
use crate::quote::{quoted, table_name};
use crate::{emptiness, foreign_keys};

/// Names of the shapes that are counted.
pub(crate) mod shape {
    /// Dates that are all zeros.
    pub(crate) const ZERO_DATES: &str = "zero_dates";
    /// Other dates that are no day of the calendar.
    pub(crate) const INVALID_DATES: &str = "invalid_dates";
    /// Times outside of the day: below 00:00 or above 24:00.
    pub(crate) const BEYOND_DAY: &str = "beyond_day";
    /// Years 0000.
    pub(crate) const ZERO_YEARS: &str = "zero_years";
    /// Values of an enum that are none of its labels.
    pub(crate) const ENUM_EMPTY: &str = "enum_empty";
    /// Texts whose bytes are UTF-8 that was taken for another character set and encoded once more.
    pub(crate) const DOUBLE_ENCODED: &str = "double_encoded";
    /// Texts with spaces at their end, in columns that must be unique or refer to others.
    pub(crate) const TRAILING_SPACE: &str = "trailing_space";
    /// Texts that are canonical UUIDs in lower case.
    pub(crate) const UUID: &str = "uuid";
    /// Texts that should be JSON and are not.
    pub(crate) const JSON_INVALID: &str = "json_invalid";
    /// Documents that hold `\u0000`.
    pub(crate) const JSON_NUL: &str = "json_nul";
    /// Documents with half of a surrogate pair.
    pub(crate) const JSON_SURROGATE: &str = "json_surrogate";
    /// The largest spatial reference system.
    pub(crate) const SRID_MAX: &str = "srid_max";
}

/// The server allows 4,096 result columns.
const EXPRESSIONS_MAX: usize = 500;

/// What is measured of a column.
fn asked(depth: Depth, table: &Table, column: &ServerColumn) -> Vec<Measure> {
    match depth {
        Depth::Profile => measures(table, column),
        Depth::Survey => needed(column),
    }
}

pub(crate) async fn profile(conn: &mut Conn, table: &Table) -> Result<TableProfile> {
    begin(conn).await?;
    let found = async {
        let columns = columns_of(conn, &table.id).await?;
        in_transaction(conn, table, &columns, Depth::Profile).await
    };
    let found = found.await;
    conn.query_drop("ROLLBACK").await.map_err(classify)?;
    found
}

/// As [`profile`] for each of the tables, all in one state; one that holds no row is asked about together with others.
pub(crate) async fn profiles(conn: &mut Conn, tables: &[Table], depth: Depth) -> Result<Vec<TableProfile>> {
    begin(conn).await?;
    let found = all_in_transaction(conn, tables, depth).await;
    conn.query_drop("ROLLBACK").await.map_err(classify)?;
    found
}

async fn begin(conn: &mut Conn) -> Result<()> {
    let sql = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";
    conn.query_drop(sql).await.map_err(classify)
}

async fn all_in_transaction(conn: &mut Conn, tables: &[Table], depth: Depth) -> Result<Vec<TableProfile>> {
    let columns = columns_of_all(conn, tables).await?;
    let empty = emptiness::of(conn, tables.iter().map(|table| &table.id)).await?;
    let mut profiles = Vec::with_capacity(tables.len());
    for ((table, columns), is_empty) in tables.iter().zip(columns).zip(empty) {
        profiles.push(match is_empty {
            true => of_nothing(table, &columns, depth),
            false => in_transaction(conn, table, &columns, depth)
                .await
                .map_err(|error| error.during(format_args!("profile table `{}`", table.id)))?,
        });
    }
    Ok(profiles)
}

async fn in_transaction(
    conn: &mut Conn,
    table: &Table,
    columns: &[ServerColumn],
    depth: Depth,
) -> Result<TableProfile> {
    let sizes = columns.iter().filter_map(|column| match depth {
        Depth::Profile => Some(size(column)),
        Depth::Survey => long_size(column),
    });
    let sizes: Vec<String> = sizes.map(|size| format!("COALESCE({size}, 0)")).collect();
    let row_bytes = match sizes.is_empty() {
        true => "0".to_owned(),
        false => sizes.join(" + "),
    };
    let mut expressions = vec![
        "COUNT(*)".to_owned(),
        match depth {
            Depth::Profile => format!("SUM({row_bytes})"),
            Depth::Survey => "0".to_owned(),
        },
        format!("MAX({row_bytes})"),
    ];
    let measures: Vec<Vec<Measure>> = columns.iter().map(|column| asked(depth, table, column)).collect();
    expressions.extend(
        measures
            .iter()
            .flatten()
            .map(|measure| measure.expression.clone()),
    );
    let values = texts(conn, table, &expressions).await?;
    let mut profile = gathered(columns, &measures, values);
    profile.foreign_keys = foreign_keys::profile(conn, table).await?;
    Ok(profile)
}

/// What would be found in the table without rows.
fn of_nothing(table: &Table, columns: &[ServerColumn], depth: Depth) -> TableProfile {
    let measures: Vec<Vec<Measure>> = columns.iter().map(|column| asked(depth, table, column)).collect();
    let mut profile = gathered(columns, &measures, Vec::new());
    profile.foreign_keys = foreign_keys::profile_of_nothing(table);
    profile
}

/// What the values say, in the order of the measures behind three counts.
fn gathered(
    columns: &[ServerColumn],
    measures: &[Vec<Measure>],
    values: Vec<Option<String>>,
) -> TableProfile {
    let mut values = values.into_iter();
    let mut next = || values.next().flatten();
    let mut profile = TableProfile {
        rows: count(next().as_ref()),
        bytes: count(next().as_ref()),
        row_bytes_max: count(next().as_ref()),
        ..TableProfile::default()
    };
    for (column, measures) in columns.iter().zip(measures) {
        let mut result = ColumnProfile::default();
        for measure in measures {
            measure.put.put(&mut result, next());
        }
        let is_date = matches!(column.kind, Kind::Date | Kind::Datetime(_) | Kind::Timestamp(_));
        if is_date {
            result.out_of_range = [shape::ZERO_DATES, shape::INVALID_DATES]
                .iter()
                .filter_map(|name| result.shapes.get(*name))
                .sum();
        }
        profile.columns.insert(column.name.clone(), result);
    }
    profile
}

/// Returns the text of each expression over the table, in order.
pub(crate) async fn texts(
    conn: &mut Conn,
    table: &Table,
    expressions: &[String],
) -> Result<Vec<Option<String>>> {
    let mut found = Vec::with_capacity(expressions.len());
    for group in expressions.chunks(EXPRESSIONS_MAX) {
        let sql = format!("SELECT {} FROM {}", group.join(", "), table_name(&table.id));
        let rows = lines(conn, &sql).await?;
        let value = |line: &Line, at| {
            line.at(at)
                .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
        };
        found.extend((0..group.len()).map(|at| rows.first().and_then(|line| value(line, at))));
    }
    Ok(found)
}

/// Reads a count; none and what is no count are 0.
pub(crate) fn count(text: Option<&String>) -> u64 {
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Where the value of an aggregate goes.
enum Put {
    Field(fn(&mut ColumnProfile, Option<String>)),
    Shape(&'static str),
}

impl Put {
    fn put(&self, to: &mut ColumnProfile, text: Option<String>) {
        match self {
            Self::Field(put) => put(to, text),
            Self::Shape(name) => {
                to.shapes.insert((*name).to_owned(), count(text.as_ref()));
            }
        }
    }
}

/// One aggregate of a column.
struct Measure {
    expression: String,
    put: Put,
}

fn field(expression: String, put: fn(&mut ColumnProfile, Option<String>)) -> Measure {
    Measure {
        expression,
        put: Put::Field(put),
    }
}

/// Counts the rows that fulfil a condition.
fn shaped(condition: &str, name: &'static str) -> Measure {
    Measure {
        expression: format!("SUM({condition})"),
        put: Put::Shape(name),
    }
}

fn measures(table: &Table, column: &ServerColumn) -> Vec<Measure> {
    let name = quoted(&column.name);
    let mut list = vec![
        field(format!("COUNT(*) - COUNT({name})"), |to, text| {
            to.nulls = count(text.as_ref());
        }),
        field(format!("MAX({})", size(column)), |to, text| {
            to.bytes_max = count(text.as_ref());
        }),
    ];
    match &column.kind {
        Kind::Integer { .. } | Kind::Decimal { .. } => list.extend(range(&format!("({name} + 0)"))),
        Kind::Float { .. } => {
            // Addition shows all digits of a short float, which is printed with six.
            list.extend(range(&format!("({name} + 0e0)")));
            list.push(field(
                format!("SUM({name} = 0 AND CAST({name} AS CHAR) = '-0')"),
                |to, text| to.odd_floats = count(text.as_ref()),
            ));
        }
        Kind::Year => {
            list.extend(range(&format!("({name} + 0)")));
            list.push(shaped(&format!("{name} + 0 = 0"), shape::ZERO_YEARS));
        }
        Kind::Time(_) => list.extend(times(&name)),
        Kind::Date | Kind::Datetime(_) | Kind::Timestamp(_) => list.extend(dates(&name)),
        Kind::Char(_) | Kind::Varchar(_) | Kind::Text(_) | Kind::Enum(_) | Kind::Set(_) => {
            list.extend(text_measures(table, column));
        }
        Kind::Json => list.extend(document(&format!("CAST({name} AS CHAR)"))),
        Kind::Spatial(_) => list.push(Measure {
            expression: format!("MAX(ST_SRID({name}))"),
            put: Put::Shape(shape::SRID_MAX),
        }),
        Kind::Bit(_)
        | Kind::Binary(_)
        | Kind::Varbinary(_)
        | Kind::Blob(_)
        | Kind::Uuid
        | Kind::Inet4
        | Kind::Inet6
        | Kind::Vector(_)
        | Kind::Other(_) => {}
    }
    list
}

/// The aggregates without which a column would be read in another form than the one that its values have.
fn needed(column: &ServerColumn) -> Vec<Measure> {
    let name = quoted(&column.name);
    match &column.kind {
        Kind::Time(_) => times(&name),
        Kind::Integer {
            bits: 8,
            width: Some(1),
            ..
        }
        | Kind::Integer {
            bits: 64,
            unsigned: true,
            ..
        } => Vec::from(range(&format!("({name} + 0)"))),
        Kind::Enum(_) => vec![shaped(&format!("{name} + 0 = 0"), shape::ENUM_EMPTY)],
        Kind::Integer { .. }
        | Kind::Decimal { .. }
        | Kind::Float { .. }
        | Kind::Year
        | Kind::Date
        | Kind::Datetime(_)
        | Kind::Timestamp(_)
        | Kind::Char(_)
        | Kind::Varchar(_)
        | Kind::Text(_)
        | Kind::Set(_)
        | Kind::Json
        | Kind::Spatial(_)
        | Kind::Bit(_)
        | Kind::Binary(_)
        | Kind::Varbinary(_)
        | Kind::Blob(_)
        | Kind::Uuid
        | Kind::Inet4
        | Kind::Inet6
        | Kind::Vector(_)
        | Kind::Other(_) => Vec::new(),
    }
}

fn times(name: &str) -> Vec<Measure> {
    let mut list = Vec::from(range(name));
    let beyond = format!("{name} < '00:00:00' OR {name} > '24:00:00'");
    list.push(shaped(&beyond, shape::BEYOND_DAY));
    list
}

/// The smallest and the largest value.
fn range(value: &str) -> [Measure; 2] {
    [
        field(format!("MIN({value})"), |to, text| to.min = text),
        field(format!("MAX({value})"), |to, text| to.max = text),
    ]
}

/// Dates that are no days are counted apart and are neither smallest nor largest.
fn dates(name: &str) -> Vec<Measure> {
    let zero = is_zero_date(name);
    let invalid = is_no_day(name);
    let mut list = Vec::from(range(&format!("CASE WHEN NOT ({invalid}) THEN {name} END")));
    list.push(shaped(&zero, shape::ZERO_DATES));
    list.push(shaped(
        &format!("{invalid} AND NOT ({zero})"),
        shape::INVALID_DATES,
    ));
    list
}

fn is_zero_date(name: &str) -> String {
    format!("(YEAR({name}) = 0 AND MONTH({name}) = 0 AND DAYOFMONTH({name}) = 0)")
}

/// The condition that a date is no day of the proleptic Gregorian calendar, which has a leap year 0.
pub(crate) fn is_no_day(name: &str) -> String {
    format!(
        "(MONTH({name}) = 0 OR DAYOFMONTH({name}) = 0 OR DAYOFMONTH({name}) > CASE MONTH({name})
            WHEN 2 THEN 28 + (YEAR({name}) % 4 = 0 AND (YEAR({name}) % 100 <> 0 OR YEAR({name}) % 400 = 0))
            WHEN 4 THEN 30 WHEN 6 THEN 30 WHEN 9 THEN 30 WHEN 11 THEN 30 ELSE 31 END)"
    )
}

fn text_measures(table: &Table, column: &ServerColumn) -> Vec<Measure> {
    let name = quoted(&column.name);
    let mut list = vec![
        field(format!("MAX(CHAR_LENGTH({name}))"), |to, text| {
            to.chars_max = count(text.as_ref());
        }),
        field(format!("SUM({})", is_invalid(column)), |to, text| {
            to.invalid_text = count(text.as_ref());
        }),
    ];
    if matches!(column.kind, Kind::Enum(_)) {
        list.push(shaped(&format!("{name} + 0 = 0"), shape::ENUM_EMPTY));
    }
    if matches!(column.kind, Kind::Enum(_) | Kind::Set(_)) {
        return list;
    }
    list.push(field(
        format!("SUM(INSTR({}, x'00') > 0)", utf8_bytes(column)),
        |to, text| to.nul_text = count(text.as_ref()),
    ));
    if let Some(condition) = is_double_encoded(column) {
        list.push(shaped(&condition, shape::DOUBLE_ENCODED));
    }
    if is_linked(table, &column.name) {
        list.push(shaped(&format!("{name} LIKE '% '"), shape::TRAILING_SPACE));
    }
    if matches!(column.kind, Kind::Char(36..) | Kind::Varchar(36..)) {
        let condition = format!(
            "(CONVERT({name} USING utf8mb4) COLLATE utf8mb4_bin) REGEXP '^[0-9a-f]{{8}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{12}}$'"
        );
        list.push(shaped(&condition, shape::UUID));
        let late = format!(
            "(CONVERT({name} USING utf8mb4) COLLATE utf8mb4_bin) REGEXP '^.{{14}}[89a-f].{{4}}(0[1-9a-f]|[1-7][0-9a-f]|80)'"
        );
        list.push(shaped(&late, LATE_UUIDS));
    }
    let is_json = |column: &Column| column.options.iter().any(|option| option == "json");
    if table.column(&column.name).is_some_and(is_json) {
        list.push(shaped(&format!("NOT JSON_VALID({name})"), shape::JSON_INVALID));
        list.extend(document(&name));
        list.push(shaped(&has_half_pair(&name), shape::JSON_SURROGATE));
    }
    list
}

/// Tells whether the column is part of a unique key, or refers to another table.
fn is_linked(table: &Table, name: &str) -> bool {
    let is = |other: &String| other == name;
    table
        .primary_key
        .iter()
        .chain(&table.uniques)
        .any(|key| key.columns.iter().any(is))
        || table.foreign_keys.iter().any(|key| key.columns.iter().any(is))
        || table.indexes.iter().any(|index| {
            index.unique
                && index
                    .parts
                    .iter()
                    .any(|part| part.column.as_ref().is_some_and(is))
        })
}

/// What is counted in a document: an escaped backslash before `u0000` is none of its letters.
fn document(text: &str) -> [Measure; 1] {
    let plain = format!("REPLACE(CAST({text} AS BINARY), x'5c5c', x'')");
    [shaped(
        &format!("INSTR({plain}, x'5c7530303030') > 0"),
        shape::JSON_NUL,
    )]
}

fn has_half_pair(name: &str) -> String {
    let plain = format!("REPLACE({name}, '\\\\\\\\', '')");
    let pair = "\\\\\\\\u[dD][89abAB][0-9a-fA-F]{2}\\\\\\\\u[dD][c-fC-F][0-9a-fA-F]{2}";
    format!(
        "INSTR(LOWER({name}), '\\\\ud') > 0 AND REGEXP_REPLACE({plain}, '{pair}', '') REGEXP '\\\\\\\\u[dD][89a-fA-F]'"
    )
}

/// The bytes of a text as they travel to other engines.
fn utf8_bytes(column: &ServerColumn) -> String {
    let name = quoted(&column.name);
    if column.is_stored_as_utf8() {
        format!("CAST({name} AS BINARY)")
    } else {
        format!("CAST(CONVERT({name} USING utf8mb4) AS BINARY)")
    }
}

/// The condition that bytes are what the server takes for UTF-8.
fn is_utf8(bytes: &str) -> String {
    format!("(CAST(CONVERT({bytes} USING utf8mb4) AS BINARY) <=> {bytes})")
}

/// The condition that a text cannot arrive, as the reader decides it.
fn is_invalid(column: &ServerColumn) -> String {
    let name = quoted(&column.name);
    let stored = format!("CAST({name} AS BINARY)");
    if let [_, failed] = form::reading(column, &whimbrel_core::LogicalType::text())
        .expressions
        .as_slice()
    {
        return format!("({failed}) IS NOT NULL");
    }
    let is_ascii = column.charset.as_deref() == Some("ascii");
    let too_wide = match is_ascii {
        true => format!(" OR CHAR_LENGTH(CONVERT({stored} USING utf8mb4)) <> LENGTH({name})"),
        false => String::new(),
    };
    format!("{name} IS NOT NULL AND (NOT {}{too_wide})", is_utf8(&stored))
}

/// The condition that a text is UTF-8 twice over; only where the mistake can have been made.
fn is_double_encoded(column: &ServerColumn) -> Option<String> {
    let name = quoted(&column.name);
    if column.charset.as_deref() == Some("latin1") {
        let stored = format!("CAST({name} AS BINARY)");
        return Some(format!(
            "LENGTH({name}) <> LENGTH(CONVERT({name} USING utf8mb4)) AND {}",
            is_utf8(&stored)
        ));
    }
    let narrow = format!("CONVERT({name} USING latin1)");
    let bytes = format!("CAST({narrow} AS BINARY)");
    column.is_stored_as_utf8().then(|| {
        format!(
            "LENGTH({name}) <> CHAR_LENGTH({name})
             AND CAST(CONVERT({narrow} USING utf8mb4) AS BINARY) = CAST({name} AS BINARY) AND {}",
            is_utf8(&bytes)
        )
    })
}

/// The bytes of a value that can be many; the others make no row large.
fn long_size(column: &ServerColumn) -> Option<String> {
    let is_long = matches!(
        &column.kind,
        Kind::Text(_) | Kind::Blob(_) | Kind::Json | Kind::Spatial(_) | Kind::Vector(_) | Kind::Other(_)
    );
    is_long.then(|| format!("LENGTH({})", quoted(&column.name)))
}

/// The bytes that a value takes on the way.
fn size(column: &ServerColumn) -> String {
    let name = quoted(&column.name);
    let fixed = |bytes: u32| format!("CASE WHEN {name} IS NOT NULL THEN {bytes} END");
    match &column.kind {
        Kind::Integer { .. } | Kind::Float { .. } => fixed(8),
        Kind::Bit(_) | Kind::Time(_) | Kind::Datetime(_) | Kind::Timestamp(_) => fixed(8),
        Kind::Date => fixed(4),
        Kind::Year => fixed(2),
        Kind::Uuid | Kind::Inet4 | Kind::Inet6 => fixed(16),
        Kind::Decimal { .. } => format!("LENGTH({name})"),
        Kind::Char(_) | Kind::Varchar(_) | Kind::Text(_) | Kind::Enum(_) | Kind::Set(_)
            if !column.is_stored_as_utf8() =>
        {
            format!("LENGTH(CONVERT({name} USING utf8mb4))")
        }
        Kind::Json => format!("LENGTH(CAST({name} AS CHAR))"),
        Kind::Char(_)
        | Kind::Varchar(_)
        | Kind::Text(_)
        | Kind::Enum(_)
        | Kind::Set(_)
        | Kind::Binary(_)
        | Kind::Varbinary(_)
        | Kind::Blob(_)
        | Kind::Spatial(_)
        | Kind::Vector(_)
        | Kind::Other(_) => format!("LENGTH({name})"),
    }
}

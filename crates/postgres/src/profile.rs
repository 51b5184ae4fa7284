//! The profile: what one pass over a table finds in every column, computed by the server.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "only types with measures of their own are listed"
)]

use tokio_postgres::Client;
use whimbrel_core::{
    ColumnProfile, Depth, ForeignKey, ForeignKeyProfile, LATE_UUIDS, Result, Table, TableProfile,
};

use crate::columns::{ServerColumn, columns_of, columns_of_all};
use crate::error::from_driver;
use crate::extent::are_empty;
use crate::foreign_keys;
use crate::native::Kind;
use crate::passes::{count, texts};
use crate::quote::{quoted, rows_of};

/// The first microsecond that is not one of 64 bits since 1970.
const BEYOND_MICROS: &str = "'294247-01-10 04:00:54.775807'";

/// A stored value of so many bytes has a text of so many at most: the server packs at best a hundred bytes into one.
const PACKED_BYTES: u32 = 500;
const UNPACKED_TEXT: u32 = 50_000;

/// Expressions and tables of one statement about several tables.
const TOGETHER_EXPRESSIONS: usize = 2_000;
const TOGETHER_TABLES: usize = 50;

pub(crate) async fn profile(client: &Client, table: &Table) -> Result<TableProfile> {
    let questions = Questions::about(columns_of(client, &table.id).await?, Depth::Profile);
    let found = texts(client, &rows_of(table), &questions.expressions).await?;
    let mut profile = questions.answered(found);
    profile.foreign_keys = orphans(client, table).await?;
    Ok(profile)
}

/// As [`profile`] for each of the tables, many of them with one statement; a table without a page is not asked at all.
pub(crate) async fn profiles(client: &Client, tables: &[Table], depth: Depth) -> Result<Vec<TableProfile>> {
    let columns = columns_of_all(client, tables).await?;
    let questions: Vec<Questions> = columns
        .into_iter()
        .map(|columns| Questions::about(columns, depth))
        .collect();
    let empty = are_empty(client, tables).await?;
    let mut found: Vec<Vec<Option<String>>> = vec![Vec::new(); tables.len()];
    let filled: Vec<usize> = (0..tables.len()).filter(|at| !empty[*at]).collect();
    for group in together(&filled, &questions) {
        let part = |at: &usize| {
            let Questions { expressions, .. } = &questions[*at];
            let list: Vec<String> = expressions.iter().map(|text| format!("({text})::text")).collect();
            format!(
                "SELECT {at}, ARRAY[{}] FROM {}",
                list.join(", "),
                rows_of(&tables[*at])
            )
        };
        let parts: Vec<String> = group.iter().map(part).collect();
        let sql = parts.join(" UNION ALL ");
        for row in client.query(&sql, &[]).await.map_err(from_driver)? {
            let at = usize::try_from(row.get::<_, i32>(0)).unwrap_or_default();
            found[at] = row.get(1);
        }
    }
    let mut profiles = Vec::with_capacity(tables.len());
    for (((table, questions), found), is_empty) in tables.iter().zip(&questions).zip(found).zip(empty) {
        let mut profile = questions.answered(found);
        profile.foreign_keys = match is_empty {
            true => table
                .foreign_keys
                .iter()
                .map(|key| orphaned(key, 0, Vec::new()))
                .collect(),
            false => orphans(client, table).await?,
        };
        profiles.push(profile);
    }
    Ok(profiles)
}

/// Puts tables together that one statement asks about.
fn together(tables: &[usize], questions: &[Questions]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut room = 0;
    for at in tables {
        let expressions = questions[*at].expressions.len();
        match groups.last_mut() {
            Some(group) if expressions <= room && group.len() < TOGETHER_TABLES => {
                group.push(*at);
                room -= expressions;
            }
            _ => {
                groups.push(vec![*at]);
                room = TOGETHER_EXPRESSIONS.saturating_sub(expressions);
            }
        }
    }
    groups
}

/// What is asked about a table.
struct Questions {
    columns: Vec<(String, Vec<Measure>)>,
    expressions: Vec<String>,
}

impl Questions {
    fn about(columns: Vec<ServerColumn>, depth: Depth) -> Self {
        let sizes = columns.iter().map(|column| match depth {
            Depth::Profile => size(column),
            Depth::Survey => size_at_most(column),
        });
        let row_bytes: Vec<String> = sizes.map(|size| format!("coalesce({size}, 0)")).collect();
        let row_bytes = if row_bytes.is_empty() {
            "0".to_owned()
        } else {
            row_bytes.join(" + ")
        };
        let bytes = match depth {
            Depth::Profile => format!("coalesce(sum(({row_bytes})::int8), 0)"),
            Depth::Survey => "0".to_owned(),
        };
        let mut expressions = vec![
            "count(*)".to_owned(),
            bytes,
            format!("coalesce(max({row_bytes}), 0)"),
        ];
        let columns: Vec<(String, Vec<Measure>)> = columns
            .into_iter()
            .map(|column| {
                let measures = match depth {
                    Depth::Profile => measures(&column),
                    Depth::Survey => needed(&column),
                };
                (column.name, measures)
            })
            .collect();
        let measures = columns.iter().flat_map(|(_, measures)| measures);
        expressions.extend(measures.map(|measure| measure.expression.clone()));
        Self { columns, expressions }
    }

    /// What the answers say, in the order of the expressions; all of them are none for a table that holds nothing.
    fn answered(&self, found: Vec<Option<String>>) -> TableProfile {
        let mut values = found.into_iter();
        let mut next = || values.next().flatten();
        let mut profile = TableProfile {
            rows: count(next().as_ref()),
            bytes: count(next().as_ref()),
            row_bytes_max: count(next().as_ref()),
            ..TableProfile::default()
        };
        for (name, measures) in &self.columns {
            let mut result = ColumnProfile::default();
            for measure in measures {
                (measure.put)(&mut result, next());
            }
            profile.columns.insert(name.clone(), result);
        }
        profile
    }
}

/// One aggregate of a column, and where its value goes.
struct Measure {
    expression: String,
    put: fn(&mut ColumnProfile, Option<String>),
}

fn measures(column: &ServerColumn) -> Vec<Measure> {
    let name = quoted(&column.name);
    let measure =
        |expression: String, put: fn(&mut ColumnProfile, Option<String>)| Measure { expression, put };
    let mut list = vec![
        measure(format!("count(*) - count({name})"), |to, text| {
            to.nulls = count(text.as_ref());
        }),
        measure(format!("max({})", size(column)), |to, text| {
            to.bytes_max = count(text.as_ref());
        }),
    ];
    let is_ordered = column.kind.is_integer()
        || column.kind.is_float()
        || matches!(
            column.kind,
            Kind::Numeric(_)
                | Kind::Date
                | Kind::Time(_)
                | Kind::TimeTz(_)
                | Kind::Timestamp { .. }
                | Kind::Interval { .. }
        );
    if is_ordered {
        list.push(measure(format!("min({name})"), |to, text| to.min = text));
        list.push(measure(format!("max({name})"), |to, text| to.max = text));
    }
    if column.kind.is_text() {
        list.push(measure(format!("max(char_length({name}))"), |to, text| {
            to.chars_max = count(text.as_ref());
        }));
    }
    match column.kind {
        Kind::Timestamp { .. } => list.push(beyond_micros(&name)),
        Kind::Float4 | Kind::Float8 => list.push(measure(
            format!("count(*) FILTER (WHERE {name} = 'NaN' OR ({name} = 0 AND format('%s', {name}) = '-0'))"),
            |to, text| to.odd_floats = count(text.as_ref()),
        )),
        Kind::Numeric(_) => {
            list.push(measure(format!("max(scale({name}))"), |to, text| {
                to.shapes
                    .insert("decimal_places_max".to_owned(), count(text.as_ref()));
            }));
            list.push(not_finite(&name));
        }
        Kind::Uuid => list.push(late_uuids(&name)),
        _ => {}
    }
    list
}

/// The aggregates without which a column may be read in a form that some of its values do not have.
fn needed(column: &ServerColumn) -> Vec<Measure> {
    match column.kind {
        Kind::Timestamp { .. } => vec![beyond_micros(&quoted(&column.name))],
        Kind::Numeric(Some((_, 0))) => vec![not_finite(&quoted(&column.name))],
        _ => Vec::new(),
    }
}

fn beyond_micros(name: &str) -> Measure {
    Measure {
        expression: format!("count(*) FILTER (WHERE {name} >= {BEYOND_MICROS} AND isfinite({name}))"),
        put: |to, text| to.out_of_range = count(text.as_ref()),
    }
}

/// As [`whimbrel_core::is_late_uuid`].
fn late_uuids(name: &str) -> Measure {
    let byte = |at: u8| format!("get_byte(uuid_send({name}), {at})");
    Measure {
        expression: format!(
            "count(*) FILTER (WHERE {} >= 128 AND {} BETWEEN 1 AND 128)",
            byte(6),
            byte(8)
        ),
        put: |to, text| {
            to.shapes.insert(LATE_UUIDS.to_owned(), count(text.as_ref()));
        },
    }
}

/// What is not finite has no scale; not every version knows the words for all of it.
fn not_finite(name: &str) -> Measure {
    Measure {
        expression: format!("count({name}) - count(scale({name}))"),
        put: |to, text| {
            to.shapes.insert("not_finite".to_owned(), count(text.as_ref()));
        },
    }
}

/// Bytes that a value takes on the way at most, found without unpacking a short one.
fn size_at_most(column: &ServerColumn) -> String {
    let name = quoted(&column.name);
    match column.kind {
        Kind::Text | Kind::Bytea => format!("octet_length({name})"),
        Kind::Varchar(Some(chars)) | Kind::Bpchar(Some(chars)) => (u64::from(chars) * 4).to_string(),
        Kind::Varchar(None) | Kind::Bpchar(None) => format!("octet_length({name})"),
        Kind::Json | Kind::Jsonb | Kind::Other | Kind::Numeric(None) | Kind::Varbit(_) => format!(
            "CASE WHEN pg_column_size({name}) > {PACKED_BYTES} THEN octet_length(format('%s', {name})) ELSE {UNPACKED_TEXT} END"
        ),
        Kind::Bit(bits) => u64::from(bits).to_string(),
        Kind::Enum => "64".to_owned(),
        _ => "32".to_owned(),
    }
}

/// The bytes that a value takes on the way.
fn size(column: &ServerColumn) -> String {
    let name = quoted(&column.name);
    let fixed = |bytes: u32| format!("CASE WHEN {name} IS NOT NULL THEN {bytes} END");
    match column.kind {
        Kind::Bool => fixed(1),
        Kind::Int2 => fixed(2),
        Kind::Int4 | Kind::Float4 | Kind::Date => fixed(4),
        Kind::Int8 | Kind::Float8 | Kind::Time(_) | Kind::Timestamp { .. } | Kind::Money => fixed(8),
        Kind::TimeTz(_) => fixed(12),
        Kind::Interval { .. } | Kind::Uuid => fixed(16),
        Kind::Text | Kind::Varchar(_) | Kind::Bpchar(_) | Kind::Bytea => format!("octet_length({name})"),
        // A compressed value is larger on the way than it is stored.
        Kind::Numeric(_)
        | Kind::Bit(_)
        | Kind::Varbit(_)
        | Kind::Json
        | Kind::Jsonb
        | Kind::Enum
        | Kind::Other => {
            format!("CASE WHEN {name} IS DISTINCT FROM NULL THEN octet_length(format('%s', {name})) END")
        }
    }
}

/// Only keys that are not validated can have orphans.
async fn orphans(client: &Client, table: &Table) -> Result<Vec<ForeignKeyProfile>> {
    let open: Vec<&ForeignKey> = table.foreign_keys.iter().filter(|key| !key.validated).collect();
    let mut counts = foreign_keys::orphans(client, table, &open).await?.into_iter();
    let mut profiles = Vec::with_capacity(table.foreign_keys.len());
    for key in &table.foreign_keys {
        let orphans = if key.validated {
            0
        } else {
            counts.next().unwrap_or(0)
        };
        let examples = if orphans > 0 {
            foreign_keys::examples(client, table, key).await?
        } else {
            Vec::new()
        };
        profiles.push(orphaned(key, orphans, examples));
    }
    Ok(profiles)
}

fn orphaned(key: &ForeignKey, orphans: u64, examples: Vec<String>) -> ForeignKeyProfile {
    ForeignKeyProfile {
        columns: key.columns.clone(),
        orphans,
        examples,
        inexact: 0,
    }
}

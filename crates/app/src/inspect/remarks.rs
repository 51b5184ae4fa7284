//! What stands out in a table's data, in sentences for people. Each follows from numbers that stand in the detail, too.

use serde::Serialize;
use whimbrel_core::Table;
use whimbrel_quality::{ColumnQuality, PatternCount};

use super::detail::{ColumnDetail, TableDetail};
use super::suspicion::SuspectedDetail;
use crate::report::{count, counted};

/// A pattern of so many of a hundred texts is what a column is meant to hold; the others stand out.
const MEANT_PERCENT: u64 = 90;
/// Patterns that say what a text must look like.
const STRICT: [&str; 9] = [
    "email",
    "uuid",
    "iso_date",
    "iso_timestamp",
    "url",
    "ip",
    "phone",
    "integer",
    "decimal",
];
/// Fewer values say nothing about what a column is like.
const VALUES_MIN: u64 = 10;
/// A table of more months than this with a peak is worth a line of its own elsewhere; here only breaks are told.
const SHOWN: usize = 5;

/// How grave a remark is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// The data breaks a rule that is declared.
    Broken,
    /// The data is probably not what was meant.
    Doubtful,
    /// Good to know.
    Note,
}

/// So many columns are each named for the same thing.
const ALIKE_MAX: usize = 12;

/// Something that stands out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// How grave it is.
    pub weight: Weight,
    /// The column that it is about; none for the table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// One sentence.
    pub message: String,
}

/// Returns what stands out, the gravest first.
pub(super) fn remarks(table: &Table, detail: &TableDetail) -> Vec<Remark> {
    let mut found = of_keys(detail);
    found.extend(of_suspicions(table, detail));
    found.extend(of_rows(table, detail));
    let mut said: Vec<(Weight, String, Vec<&str>)> = Vec::new();
    for column in &detail.columns {
        let Some(quality) = &column.quality else { continue };
        for (weight, message) in of_column(column, quality) {
            match said.iter_mut().find(|(_, other, _)| *other == message) {
                Some((_, _, columns)) => columns.push(&column.name),
                None => said.push((weight, message, vec![&column.name])),
            }
        }
    }
    found.extend(said.into_iter().flat_map(of_columns));
    found.sort_by_key(|remark| remark.weight);
    found
}

/// What is true of many columns of a wide table is said once.
fn of_columns((weight, message, columns): (Weight, String, Vec<&str>)) -> Vec<Remark> {
    if columns.len() <= ALIKE_MAX {
        let one = |column: &&str| Remark {
            weight,
            column: Some((*column).to_owned()),
            message: message.clone(),
        };
        return columns.iter().map(one).collect();
    }
    let more = (columns.len() - SHOWN) as u64;
    let named = columns[..SHOWN].join(", ");
    vec![about_table(
        weight,
        format!("each of {named} and {} more columns {message}", count(more)),
    )]
}

fn about_table(weight: Weight, message: String) -> Remark {
    Remark {
        weight,
        column: None,
        message,
    }
}

fn of_keys(detail: &TableDetail) -> Vec<Remark> {
    let mut found = Vec::new();
    for key in detail.keys.iter().filter(|key| key.duplicates > 0) {
        found.push(about_table(
            Weight::Broken,
            format!(
                "{} of the key ({}) {} there more than once",
                counted(key.duplicates, "value"),
                key.columns.join(", "),
                is_are(key.duplicates)
            ),
        ));
    }
    for reference in &detail.references {
        let orphans = reference.orphans.unwrap_or(0);
        if orphans > 0 {
            found.push(about_table(
                Weight::Broken,
                format!(
                    "{} with ({}) {} to no row of {}",
                    counted(orphans, "row"),
                    reference.columns.join(", "),
                    if orphans == 1 { "refers" } else { "refer" },
                    reference.table
                ),
            ));
        }
    }
    found
}

fn of_suspicions(table: &Table, detail: &TableDetail) -> Vec<Remark> {
    let remark = |suspected: &SuspectedDetail| {
        let weight = match suspected.orphans {
            0 => Weight::Note,
            _ => Weight::Doubtful,
        };
        about_table(weight, suspected.told(&table.id))
    };
    detail.suspected.iter().map(remark).collect()
}

fn of_rows(table: &Table, detail: &TableDetail) -> Vec<Remark> {
    let mut found = Vec::new();
    if detail.misfits > 0 {
        let fit = if detail.misfits == 1 {
            "does not fit the type of its own column"
        } else {
            "do not fit the type of their own columns"
        };
        let example = detail
            .misfit_examples
            .first()
            .map(|example| format!(", such as {example}"));
        found.push(about_table(
            Weight::Broken,
            format!(
                "{} {fit}{}",
                counted(detail.misfits, "value"),
                example.unwrap_or_default()
            ),
        ));
    }
    if detail.keys.is_empty() && !table.columns.is_empty() {
        let candidates = candidates(detail);
        let hint = match candidates.as_slice() {
            [] => String::new(),
            names => format!("; {} could be one by its values", names.join(", ")),
        };
        found.push(about_table(
            Weight::Doubtful,
            format!("no primary or unique key{hint}"),
        ));
    }
    if let Some(repeated) = detail
        .repeated_rows
        .filter(|repeated| repeated.exact && repeated.count > 0)
    {
        found.push(about_table(
            Weight::Doubtful,
            format!(
                "{} {} another one in every column",
                counted(repeated.count, "row"),
                if repeated.count == 1 { "repeats" } else { "repeat" }
            ),
        ));
    }
    let unused = detail.usage.as_ref().map(|usage| usage.unused_indexes.as_slice());
    if let Some(names) = unused.filter(|names| !names.is_empty()) {
        found.push(about_table(
            Weight::Note,
            format!(
                "no query used {} since the engine began to count",
                names.join(", ")
            ),
        ));
    }
    found
}

/// Columns whose values are all there and all different.
fn candidates(detail: &TableDetail) -> Vec<String> {
    let is_candidate = |column: &&ColumnDetail| {
        column.quality.as_ref().is_some_and(|quality| {
            let all = quality.values;
            quality.nulls == 0
                && quality.misfits == 0
                && all > 1
                && quality.distinct.exact
                && quality.distinct.count == all
        })
    };
    let names = detail.columns.iter().filter(is_candidate).take(SHOWN);
    names.map(|column| column.name.clone()).collect()
}

fn of_column(column: &ColumnDetail, quality: &ColumnQuality) -> Vec<(Weight, String)> {
    let mut found = Vec::new();
    let rows = quality.values + quality.nulls;
    if rows == 0 {
        return found;
    }
    if quality.values == 0 {
        if quality.misfits == 0 {
            found.push((Weight::Doubtful, "holds nothing but NULL".to_owned()));
        }
        return found;
    }
    if rows >= VALUES_MIN
        && quality.nulls == 0
        && quality.misfits == 0
        && quality.distinct.exact
        && quality.distinct.count == 1
    {
        found.push((Weight::Note, "has the same value in every row".to_owned()));
    }
    let of = |pattern: &str| {
        let mut all = quality.patterns.iter();
        all.find(|each| each.pattern == pattern)
            .map_or(0, |each| each.count)
    };
    let nothing = of("empty") + of("blank");
    if nothing > 0 && column.nullable && quality.nulls > 0 {
        found.push((
            Weight::Doubtful,
            format!(
                "says nothing in two ways: {} NULL, {} empty or blank",
                count(quality.nulls),
                count(nothing)
            ),
        ));
    }
    let untrimmed = quality.untrimmed - of("blank").min(quality.untrimmed);
    if untrimmed > 0 {
        found.push((
            Weight::Doubtful,
            format!(
                "{} {} or {} with white space",
                counted(untrimmed, "text"),
                if untrimmed == 1 { "begins" } else { "begin" },
                if untrimmed == 1 { "ends" } else { "end" },
            ),
        ));
    }
    found.extend(
        odd_ones(&quality.patterns, quality.values - nothing).map(|message| (Weight::Doubtful, message)),
    );
    found
}

/// Texts that are not what nearly all others are.
fn odd_ones(patterns: &[PatternCount], texts: u64) -> Option<String> {
    let meant = patterns.first()?;
    let is_meant = STRICT.contains(&meant.pattern.as_str())
        && texts >= VALUES_MIN
        && meant.count < texts
        && meant.count * 100 >= texts * MEANT_PERCENT;
    is_meant.then(|| {
        format!(
            "{} of {} texts {} not what the others are ({})",
            count(texts - meant.count),
            count(texts),
            is_are(texts - meant.count),
            meant.pattern.replace('_', " ")
        )
    })
}

fn is_are(number: u64) -> &'static str {
    if number == 1 { "is" } else { "are" }
}

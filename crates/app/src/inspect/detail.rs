//! What is known of a table beyond its size: columns with the quality of their values, keys, references, usage. Data for the faces; put together
//! from the catalog, the profile and the quality without looking at anything again.

use std::collections::BTreeMap;

use serde::Serialize;
use whimbrel_core::{Families, ForeignKey, Table, TableId, TableProfile, TableUsage, is_secret};
use whimbrel_quality::{ColumnQuality, Growth, RepeatedRows, TableQuality};

use super::remarks::{Remark, remarks};
use super::suspicion::SuspectedDetail;

/// What a table is and how good its values are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TableDetail {
    /// The columns in their order.
    pub columns: Vec<ColumnDetail>,
    /// The primary key and the unique keys.
    pub keys: Vec<KeyDetail>,
    /// The foreign keys.
    pub references: Vec<ReferenceDetail>,
    /// Columns that refer to a table without a foreign key, as it seems.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub suspected: Vec<SuspectedDetail>,
    /// Rows with a value that does not fit the type of its own column.
    pub misfits: u64,
    /// Some of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub misfit_examples: Vec<String>,
    /// Rows that are there more than once, for a table without a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeated_rows: Option<RepeatedRows>,
    /// Rows per month; none when no column says when a row was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub growth: Option<Growth>,
    /// How it is used; none when that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<TableUsage>,
    /// What stands out, the gravest first.
    pub remarks: Vec<Remark>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnDetail {
    /// Its name.
    pub name: String,
    /// Its declared type; empty when none is.
    #[serde(rename = "type")]
    pub native: String,
    /// True when NULL is allowed.
    pub nullable: bool,
    /// True for a part of the primary key.
    pub primary: bool,
    /// True when it alone is a unique key.
    pub unique: bool,
    /// The table that it alone refers to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refers_to: Option<String>,
    /// True when its name says that its values are secret: the smallest and the largest are not told.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub withheld: bool,
    /// What one pass over its values found; none when the table was not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<ColumnQuality>,
}

/// A primary or unique key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyDetail {
    /// Its name; empty when the engine gives none.
    pub name: String,
    /// True for the primary key.
    pub primary: bool,
    /// Its columns.
    pub columns: Vec<String>,
    /// Groups of rows that share a value although they must not.
    pub duplicates: u64,
    /// Some of the values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<String>,
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReferenceDetail {
    /// Its name; empty when the engine gives none.
    pub name: String,
    /// The referring columns.
    pub columns: Vec<String>,
    /// The referred table.
    pub table: String,
    /// The referred columns.
    pub referred: Vec<String>,
    /// Rows whose referred row does not exist; none when nobody looked.
    pub orphans: Option<u64>,
    /// Some of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<String>,
}

/// What was found out about a table.
pub(super) struct Known<'a> {
    pub(super) profile: Option<&'a TableProfile>,
    pub(super) quality: Option<TableQuality>,
    pub(super) suspected: Vec<SuspectedDetail>,
    pub(super) usage: Option<TableUsage>,
}

/// Puts together what is known of a table.
pub(super) fn detail(table: &Table, known: Known<'_>) -> TableDetail {
    let Known {
        profile,
        quality,
        suspected,
        usage,
    } = known;
    let mut detail = TableDetail {
        columns: Vec::new(),
        keys: keys(table, profile),
        references: references(table, profile),
        suspected,
        misfits: 0,
        misfit_examples: Vec::new(),
        repeated_rows: None,
        growth: None,
        usage,
        remarks: Vec::new(),
    };
    let mut qualities = Vec::new();
    if let Some(quality) = quality {
        qualities = quality.columns;
        detail.misfits = quality.misfits;
        detail.misfit_examples = quality.misfit_examples;
        detail.repeated_rows = quality.repeated_rows;
        detail.growth = quality.growth;
    }
    let mut qualities = qualities.into_iter().peekable();
    for column in &table.columns {
        let mut quality = qualities.next_if(|quality| quality.name == column.name);
        let withheld = is_secret(&column.name);
        if let Some(quality) = quality.as_mut().filter(|_| withheld) {
            (quality.min, quality.max) = (None, None);
        }
        let alone = |columns: &[String]| columns == std::slice::from_ref(&column.name);
        let reference = detail.references.iter().find(|each| alone(&each.columns));
        detail.columns.push(ColumnDetail {
            name: column.name.clone(),
            native: column.native.clone(),
            nullable: column.nullable,
            primary: detail
                .keys
                .iter()
                .any(|key| key.primary && key.columns.contains(&column.name)),
            unique: detail.keys.iter().any(|key| alone(&key.columns)),
            refers_to: reference.map(|reference| reference.table.clone()),
            withheld,
            quality,
        });
    }
    detail.remarks = remarks(table, &detail);
    detail
}

fn keys(table: &Table, profile: Option<&TableProfile>) -> Vec<KeyDetail> {
    let primary = table.primary_key.iter().map(|key| (key, true));
    let declared = primary.chain(table.uniques.iter().map(|key| (key, false)));
    let mut keys: Vec<KeyDetail> = declared
        .map(|(key, primary)| KeyDetail {
            name: key.name.clone(),
            primary,
            columns: key.columns.clone(),
            duplicates: 0,
            examples: Vec::new(),
        })
        .collect();
    let plain = table
        .indexes
        .iter()
        .filter(|index| index.unique && index.predicate.is_none());
    keys.extend(plain.filter_map(|index| {
        let columns = index.parts.iter().map(|part| part.column.clone());
        Some(KeyDetail {
            name: index.name.clone(),
            primary: false,
            columns: columns.collect::<Option<Vec<String>>>()?,
            duplicates: 0,
            examples: Vec::new(),
        })
    }));
    for found in profile.iter().flat_map(|profile| &profile.uniques) {
        let same = |key: &&mut KeyDetail| {
            key.columns == found.columns && (found.name.is_empty() || key.name == found.name)
        };
        if let Some(key) = keys.iter_mut().find(same) {
            key.duplicates = found.duplicates;
            key.examples = found.examples.clone();
        }
    }
    keys
}

fn references(table: &Table, profile: Option<&TableProfile>) -> Vec<ReferenceDetail> {
    let looked = |key: &ForeignKey| {
        let mut found = profile?.foreign_keys.iter();
        found.find(|found| found.columns == key.columns)
    };
    let of_key = |key: &ForeignKey| {
        let found = looked(key);
        ReferenceDetail {
            name: key.name.clone(),
            columns: key.columns.clone(),
            table: key.references.to_string(),
            referred: key.referred.clone(),
            orphans: found.map(|found| found.orphans),
            examples: found.map_or_else(Vec::new, |found| found.examples.clone()),
        }
    };
    table.foreign_keys.iter().map(of_key).collect()
}

/// Returns the usage of a table, for a partitioned one that of its partitions; an engine without namespaces names tables alone.
pub(super) fn usage_of(
    usage: &BTreeMap<TableId, TableUsage>,
    table: &Table,
    families: &Families<'_>,
) -> Option<TableUsage> {
    let of = |id: &TableId| usage.get(id).or_else(|| usage.get(&TableId::bare(&id.name)));
    let mut sum = of(&table.id).cloned();
    for leaf in families.leaves(&table.id) {
        if let Some(theirs) = of(&leaf.id) {
            sum.get_or_insert_default().add(theirs);
        }
    }
    sum
}

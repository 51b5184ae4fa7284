//! What no single database can say about keys of a mapped table: which values occur twice among its parts, and which rows refer to a row that
//! the mapping leaves behind. Keys are held as hashes, a share of them at a time.

use std::collections::HashSet;
use std::mem::discriminant;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{ArrayRef, RecordBatch, StringArray};
use datafusion_common::arrow::util::display::{ArrayFormatter, FormatOptions};
use futures::TryStreamExt;
use whimbrel_core::{
    BATCH_BYTES, Error, ForeignKey, ForeignKeyProfile, KeyRange, LogicalType, ReadColumn, ReadRequest,
    Result, RowHasher, Snapshot, Table, TextEquality, UniqueProfile, arrow_type, named, shorten,
};

use super::compose::Composed;
use super::part::{Part, PartColumn};
use super::snapshot::MappedSnapshot;
use crate::equal_texts::{perhaps_equal, surely_equal};

/// Most keys that are held at once: about 150 MB.
const HELD_MAX: usize = 4_000_000;

/// Values that are shown for a finding.
const EXAMPLES_MAX: usize = 5;

/// The keys whose hashes end in `end`, in their last `bits` bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Share {
    bits: u32,
    end: u128,
}

impl Share {
    const ALL: Self = Self { bits: 0, end: 0 };

    fn has(self, hash: u128) -> bool {
        hash & ((1 << self.bits) - 1) == self.end
    }

    fn halves(self) -> (Self, Self) {
        let bits = self.bits + 1;
        let other = self.end | 1 << self.bits;
        (Self { bits, ..self }, Self { bits, end: other })
    }
}

/// The keys of one share that were met so far. It halves its share when there are too many, and leaves the other half for later.
struct Held<'a> {
    share: Share,
    keys: HashSet<u128>,
    later: &'a mut Vec<Share>,
    most: usize,
}

impl<'a> Held<'a> {
    fn of(share: Share, later: &'a mut Vec<Share>, most: usize) -> Self {
        Self {
            share,
            keys: HashSet::new(),
            later,
            most,
        }
    }

    /// Takes a key of the share; false when it was there.
    fn take(&mut self, hash: u128) -> bool {
        let is_new = self.keys.insert(hash);
        while self.keys.len() > self.most {
            let (keep, later) = self.share.halves();
            self.later.push(later);
            self.share = keep;
            self.keys.retain(|hash| keep.has(*hash));
        }
        is_new
    }
}

/// Name and columns of what the mapped table will hold unique though no database does so far.
pub(crate) fn shared_keys(composed: &Composed, table: &Table) -> Vec<(String, Vec<String>)> {
    table
        .unique_keys()
        .filter(|(_, columns)| !is_vouched_for(composed, table, columns))
        .collect()
}

/// Returns those of the keys that have values which occur more than once.
pub(crate) async fn duplicates(
    snapshot: &MappedSnapshot,
    table: &Table,
    keys: Vec<(String, Vec<String>)>,
) -> Result<Vec<UniqueProfile>> {
    let mut found = Vec::new();
    for (name, columns) in keys {
        let (duplicates, examples) = twice(snapshot, table, &columns, HELD_MAX).await?;
        if duplicates > 0 {
            found.push(UniqueProfile {
                name,
                columns,
                equalities: Vec::new(),
                duplicates,
                examples,
            });
        }
    }
    Ok(found)
}

/// Tells whether one database holds the key unique, over the values as they are.
fn is_vouched_for(composed: &Composed, table: &Table, columns: &[String]) -> bool {
    let parts = composed.tables.get(&table.id).map(Vec::as_slice);
    let Some([part]) = parts else { return false };
    let keys = part.table.primary_key.iter().chain(&part.table.uniques);
    let keys = keys.map(|key| key.columns.iter().collect::<Vec<_>>());
    let indexes = part.table.indexes.iter().filter(|index| index.unique);
    let indexes = indexes.map(|index| {
        index
            .parts
            .iter()
            .filter_map(|part| part.column.as_ref())
            .collect()
    });
    part.keeps_values(columns)
        && keys.chain(indexes).any(|key: Vec<&String>| {
            key.len() == columns.len() && columns.iter().all(|name| key.contains(&name))
        })
}

/// The number of values that more than one row has, with some of them.
async fn twice(
    snapshot: &MappedSnapshot,
    table: &Table,
    columns: &[String],
    most: usize,
) -> Result<(u64, Vec<String>)> {
    let equalities = equalities(&snapshot.composed, table, columns);
    let request = request(table, asked(&snapshot.composed, table, columns)?);
    let equal = Equal {
        columns: &equalities,
        fold: surely_equal,
    };
    repeated_in(snapshot, &request, equal, most).await
}

/// Returns the number of values that more than one row has when texts are compared as a collation does that ignores so much in each column
/// that is read, with some of them. Which letters such a collation calls equal is told by Unicode, not by the collation itself. Of as many
/// counts as go on `at_once`, each holds its part of the keys that are held at most.
///
/// # Errors
/// The database's.
pub async fn repeated(
    snapshot: &dyn Snapshot,
    table: &Table,
    columns: Vec<ReadColumn>,
    equalities: &[TextEquality],
    at_once: usize,
) -> Result<(u64, Vec<String>)> {
    let equal = Equal {
        columns: equalities,
        fold: perhaps_equal,
    };
    repeated_in(
        snapshot,
        &request(table, columns),
        equal,
        HELD_MAX / at_once.max(1),
    )
    .await
}

async fn repeated_in(
    snapshot: &dyn Snapshot,
    request: &ReadRequest,
    equal: Equal<'_>,
    most: usize,
) -> Result<(u64, Vec<String>)> {
    let (mut count, mut examples) = (0, Vec::new());
    let mut shares = vec![Share::ALL];
    while let Some(share) = shares.pop() {
        let mut repeated = HashSet::new();
        let mut held = Held::of(share, &mut shares, most);
        each_key(snapshot, request, equal, |key| {
            if held.share.has(key.hash) && !held.take(key.hash) && repeated.insert(key.hash) {
                note(&mut examples, key)?;
            }
            Ok(())
        })
        .await?;
        let share = held.share;
        count += repeated.into_iter().filter(|hash| share.has(*hash)).count() as u64;
    }
    Ok((count, examples))
}

/// Tells whether rows that a foreign key refers to may be missing though their own database has them: a filter leaves them behind, they are in
/// another part, or their texts are equal only by a collation, and the hashes of these differ.
pub(crate) fn may_miss(composed: &Composed, table: &Table, key: &ForeignKey) -> bool {
    let is_whole = |parts: &[Arc<Part>]| matches!(parts, [part] if part.filter.is_none());
    let parts = |id| composed.tables.get(id).map(Vec::as_slice).unwrap_or_default();
    let own = parts(&table.id);
    let is_masked_text = |name: &String| {
        let mut columns = own.iter().filter_map(|part| Some((part, part.column(name)?)));
        columns.any(|(part, column)| {
            column.mask().is_some() && matches!(column.form(part), LogicalType::Text { .. })
        })
    };
    !is_whole(parts(&key.references)) || !is_whole(own) || key.columns.iter().any(is_masked_text)
}

/// Counts the rows of a mapped table that refer to no row of another; none when their values cannot be compared.
pub(crate) async fn orphans(
    snapshot: &MappedSnapshot,
    table: &Table,
    key: &ForeignKey,
) -> Result<Option<ForeignKeyProfile>> {
    let Some(link) = link(snapshot, table, key)? else {
        return Ok(None);
    };
    let mut profile = ForeignKeyProfile {
        columns: key.columns.clone(),
        orphans: 0,
        inexact: 0,
        examples: Vec::new(),
    };
    let mut shares = vec![Share::ALL];
    while let Some(share) = shares.pop() {
        let mut held = Held::of(share, &mut shares, HELD_MAX);
        each_key(snapshot, &link.theirs, link.equal(), |key| {
            if held.share.has(key.hash) {
                held.take(key.hash);
            }
            Ok(())
        })
        .await?;
        each_key(snapshot, &link.mine, link.equal(), |key| {
            if held.share.has(key.hash) && !held.keys.contains(&key.hash) {
                profile.orphans += 1;
                note(&mut profile.examples, key)?;
            }
            Ok(())
        })
        .await?;
    }
    Ok(Some(profile))
}

/// What the rows of a mapped table refer to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct References {
    /// Rows that refer to exactly one row.
    pub(crate) one: u64,
    /// Rows that refer to any of several.
    pub(crate) several: u64,
    /// Rows that refer to none.
    pub(crate) none: u64,
    /// Values that more than one row has that may be referred to.
    pub(crate) repeated: u64,
    /// Some that mean several.
    pub(crate) examples: Vec<String>,
}

/// Counts what the rows of a mapped table refer to by columns that are no key of the other; none when their values cannot be compared.
pub(crate) async fn references(
    snapshot: &MappedSnapshot,
    table: &Table,
    key: &ForeignKey,
) -> Result<Option<References>> {
    let Some(link) = link(snapshot, table, key)? else {
        return Ok(None);
    };
    let mut found = References::default();
    let mut shares = vec![Share::ALL];
    while let Some(share) = shares.pop() {
        let mut repeated = HashSet::new();
        let mut held = Held::of(share, &mut shares, HELD_MAX);
        each_key(snapshot, &link.theirs, link.equal(), |key| {
            if held.share.has(key.hash) && !held.take(key.hash) {
                repeated.insert(key.hash);
            }
            Ok(())
        })
        .await?;
        each_key(snapshot, &link.mine, link.equal(), |key| {
            if !held.share.has(key.hash) {
                return Ok(());
            }
            if repeated.contains(&key.hash) {
                found.several += 1;
                return note(&mut found.examples, key);
            }
            match held.keys.contains(&key.hash) {
                true => found.one += 1,
                false => found.none += 1,
            }
            Ok(())
        })
        .await?;
        let share = held.share;
        found.repeated += repeated.into_iter().filter(|hash| share.has(*hash)).count() as u64;
    }
    Ok(Some(found))
}

/// What to read at both ends of a key.
struct Link {
    theirs: ReadRequest,
    mine: ReadRequest,
    equalities: Vec<TextEquality>,
}

impl Link {
    /// What the parent's key calls equal is found.
    fn equal(&self) -> Equal<'_> {
        Equal {
            columns: &self.equalities,
            fold: surely_equal,
        }
    }
}

/// Returns how the ends of a key are compared; none when the parent does not move, or their values do not travel alike.
fn link(snapshot: &MappedSnapshot, table: &Table, key: &ForeignKey) -> Result<Option<Link>> {
    let composed = &snapshot.composed;
    let Some(parent) = composed.catalog.table(&key.references) else {
        return Ok(None);
    };
    let mine = asked(composed, table, &key.columns)?;
    let theirs = asked(composed, parent, &key.referred)?;
    let is_alike = |one: &LogicalType, other: &LogicalType| {
        discriminant(one) == discriminant(other) && arrow_type(one) == arrow_type(other)
    };
    let mut both = mine.iter().zip(&theirs);
    if !both.all(|(one, other)| is_alike(&one.logical, &other.logical)) {
        return Ok(None);
    }
    Ok(Some(Link {
        theirs: request(parent, theirs),
        mine: request(table, mine),
        equalities: equalities(composed, parent, &key.referred),
    }))
}

/// All rows of a table, by some of its columns.
fn request(table: &Table, columns: Vec<ReadColumn>) -> ReadRequest {
    ReadRequest {
        table: table.clone(),
        columns,
        range: KeyRange::All,
        batch_bytes: BATCH_BYTES,
        packed: false,
    }
}

/// A key without NULL.
struct KeyOf<'a> {
    hash: u128,
    row: usize,
    records: &'a RecordBatch,
}

fn note(examples: &mut Vec<String>, key: KeyOf<'_>) -> Result<()> {
    if examples.len() == EXAMPLES_MAX {
        return Ok(());
    }
    let options = FormatOptions::default();
    let mut values = Vec::new();
    let schema = key.records.schema();
    for (column, field) in key.records.columns().iter().zip(schema.fields()) {
        let formatter = ArrayFormatter::try_new(column, &options)
            .map_err(|error| Error::bug("a column cannot be shown as text").with_cause(error))?;
        values.push(named(field.name(), formatter.value(key.row)));
    }
    let example = shorten(&values.join(" | "));
    if !examples.contains(&example) {
        examples.push(example);
    }
    Ok(())
}

/// The columns in the form in which the mapped table gives them.
fn asked(composed: &Composed, table: &Table, columns: &[String]) -> Result<Vec<ReadColumn>> {
    let parts = composed
        .tables
        .get(&table.id)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let form = |name: &String| {
        let derived = table.column(name).and_then(|column| column.derived.clone());
        let own = |part: &Arc<Part>| {
            let column = part
                .columns
                .iter()
                .find(|column: &&PartColumn| &column.name == name);
            column.map(|column| column.form(part))
        };
        derived.or_else(|| parts.iter().find_map(own)).ok_or_else(|| {
            Error::bug(format!(
                "a key of `{}` names `{name}`, which it has not",
                table.id
            ))
        })
    };
    let column = |name: &String| {
        Ok(ReadColumn {
            name: name.clone(),
            native: String::new(),
            logical: form(name)?,
            rule: None,
        })
    };
    columns.iter().map(column).collect()
}

/// Which different texts the target will call equal in the columns, as it keeps their collations.
fn equalities(composed: &Composed, table: &Table, columns: &[String]) -> Vec<TextEquality> {
    let parts = composed.tables.get(&table.id);
    let first = parts.and_then(|parts| parts.first());
    let member = first.and_then(|part| composed.members.get(part.database));
    let member = member.filter(|_| composed.keeps_collations);
    let equality = |name: &String| {
        let column = table.column(name)?;
        Some(member?.dialect.equality(column))
    };
    columns
        .iter()
        .map(|name| equality(name).unwrap_or_default())
        .collect()
}

/// Which texts count as equal.
#[derive(Clone, Copy)]
struct Equal<'a> {
    /// What is ignored in each column of the key.
    columns: &'a [TextEquality],
    /// Gives equal texts one form.
    fold: fn(&str, TextEquality) -> String,
}

/// The keys with one text for those that are equal.
fn folded(records: &RecordBatch, equal: Equal<'_>) -> Result<RecordBatch> {
    let column = |(array, equality): (&ArrayRef, &TextEquality)| -> ArrayRef {
        match array.as_string_opt::<i32>().filter(|_| !equality.is_exact()) {
            Some(texts) => {
                let folded = texts
                    .iter()
                    .map(|text| text.map(|text| (equal.fold)(text, *equality)));
                Arc::new(folded.collect::<StringArray>())
            }
            None => Arc::clone(array),
        }
    };
    let columns = records.columns().iter().zip(equal.columns).map(column).collect();
    RecordBatch::try_new(records.schema(), columns)
        .map_err(|error| Error::bug("folded keys do not make a batch").with_cause(error))
}

/// Looks at the key of each row.
async fn each_key(
    snapshot: &dyn Snapshot,
    request: &ReadRequest,
    equal: Equal<'_>,
    mut each: impl FnMut(KeyOf<'_>) -> Result<()>,
) -> Result<()> {
    let columns = request.columns.iter();
    let types = columns.map(|column| column.logical.clone()).collect();
    let mut hasher = RowHasher::new(types, Vec::new());
    let mut batches = snapshot.read(request.clone());
    while let Some(batch) = batches.try_next().await? {
        let records = &batch.records;
        let is_null = |row: usize| records.columns().iter().any(|column| column.is_null(row));
        let mut hashes = Vec::with_capacity(batch.rows());
        hasher.hash(&folded(records, equal)?, &[], |found| {
            if !is_null(found.row) {
                hashes.push((found.row, found.hash));
            }
        })?;
        for (row, hash) in hashes {
            each(KeyOf { hash, row, records })?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_held_in_exactly_one_share() {
        let hashes: Vec<u128> = (0..1000_u128)
            .map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15))
            .collect();
        let (mut shares, mut seen) = (vec![Share::ALL], Vec::new());
        while let Some(share) = shares.pop() {
            let mut held = Held::of(share, &mut shares, 64);
            for hash in &hashes {
                if held.share.has(*hash) {
                    held.take(*hash);
                }
            }
            assert!(held.keys.len() <= 64);
            seen.extend(held.keys);
        }
        seen.sort_unstable();
        let mut wanted = hashes;
        wanted.sort_unstable();
        assert_eq!(seen, wanted);
    }
}

//! What the parts of a merged table have in common besides their columns: keys, indexes, checks, foreign keys, defaults and numbering. What
//! not all of them have stays behind, and is named.

use std::collections::BTreeMap;

use whimbrel_core::{
    Check, Column, ExpressionContext, ForeignKey, Identity, Index, Key, ObjectKind, Sequence, Table, TableId,
};

use super::keys::{Gone, label};
use super::numbering::sequence_of;
use super::part::Part;
use super::sources::Described;

/// One of the tables that become one.
pub(crate) struct Strand<'a> {
    /// How its rows are read, by the merged table's names.
    pub(crate) part: &'a Part,
    /// The table by its names among all databases.
    pub(crate) called: &'a Table,
    /// Its database.
    pub(crate) described: &'a Described<'a>,
    /// What becomes of each table.
    pub(crate) origins: &'a BTreeMap<TableId, Vec<&'a TableId>>,
}

/// What is alike in all parts, and what is not.
#[derive(Default)]
pub(crate) struct Shared {
    /// The numbers that the merged table gives on, and the sequences of the parts that they come after: database, by place, and name.
    pub(crate) numbered: Option<(Sequence, Vec<(usize, TableId)>)>,
    /// What stays behind.
    pub(crate) gone: Vec<Gone>,
}

impl Strand<'_> {
    /// What the merged table calls one of its columns; the same name when it does not come along.
    fn name(&self, own: &str) -> String {
        let mut columns = self.part.columns.iter();
        let found = columns.find(|column| column.comes_from(self.part, own));
        found.map_or_else(|| own.to_owned(), |column| column.name.clone())
    }

    fn names(&self, own: &[String]) -> Vec<String> {
        own.iter().map(|name| self.name(name)).collect()
    }

    fn has_key(&self, columns: &[String]) -> bool {
        let keys = self.called.primary_key.iter().chain(&self.called.uniques);
        let keys = keys.map(|key| self.names(&key.columns));
        let indexes = self
            .called
            .indexes
            .iter()
            .filter(|index| index.unique && is_plain(index));
        let indexes = indexes.map(|index| {
            self.index(index)
                .parts
                .into_iter()
                .filter_map(|part| part.column)
                .collect()
        });
        keys.chain(indexes).any(|key: Vec<String>| {
            key.len() == columns.len() && columns.iter().all(|name| key.contains(name))
        })
    }

    fn index(&self, index: &Index) -> Index {
        let mut index = index.clone();
        index.definition = None;
        for part in &mut index.parts {
            part.column = part.column.as_ref().map(|name| self.name(name));
        }
        index.include = self.names(&index.include);
        index
    }

    fn has_index(&self, wanted: &Index) -> bool {
        let mut indexes = self.called.indexes.iter();
        indexes.any(|own| is_alike(&self.index(own), wanted))
    }

    /// The tables of the target that a foreign key leads to, and its columns.
    fn way(&self, key: &ForeignKey) -> (Vec<String>, Option<&[&TableId]>) {
        let to = self.origins.get(&key.references).map(Vec::as_slice);
        (self.names(&key.columns), to)
    }

    /// A text of the database's in the words that all engines share, else as it is.
    fn neutral(&self, text: &str) -> String {
        let columns = self.part.inputs.iter();
        let context = ExpressionContext {
            columns: columns
                .map(|input| (input.name.clone(), input.logical.clone()))
                .collect(),
            ..ExpressionContext::default()
        };
        let read = self.described.dialect.parse(text, &context);
        let said = read.map_or_else(|_| text.to_owned(), |expression| expression.to_string());
        let said = said.trim();
        let inner = said.strip_prefix('(').and_then(|said| said.strip_suffix(')'));
        inner
            .filter(|inner| !inner.contains(['(', ')']))
            .unwrap_or(said)
            .to_owned()
    }

    fn checks(&self) -> Vec<String> {
        let checks = self.called.checks.iter();
        checks.map(|check| self.neutral(&check.expression)).collect()
    }

    fn own(&self, name: &str) -> Option<&Column> {
        self.part.column(name).map(|column| &column.column)
    }

    /// The sequence that numbers the column.
    fn sequence(&self, name: &str) -> Option<&Sequence> {
        let column = self.own(name)?;
        let own = &column.name;
        if column.identity.is_none() && column.default.is_none() {
            return None;
        }
        self.part
            .column(name)
            .filter(|column| column.comes_from(self.part, own))?;
        let mut sequences = self.described.catalog.sequences.iter();
        sequences.find(|sequence| {
            let owner = sequence.owned_by.as_ref();
            owner.is_some_and(|(table, column)| table == &self.part.table.id && column == own)
        })
    }
}

/// Gives the merged table, which has its columns, what all its parts have.
pub(crate) fn share(table: &mut Table, strands: &[Strand<'_>]) -> Shared {
    let mut shared = Shared::default();
    let Some((first, others)) = strands.split_first() else {
        return shared;
    };
    keys(table, first, others, &mut shared);
    indexes(table, first, others, &mut shared);
    checks(table, first, others, &mut shared);
    foreign_keys(table, first, others, &mut shared);
    for at in 0..table.columns.len() {
        default(&mut table.columns[at], strands, &mut shared);
        generated(&table.columns[at].name, strands, &mut shared);
        number(table, at, strands, &mut shared);
    }
    shared
}

const NOT_IN_ALL: &str = "not all of the merged tables have it";

fn keys(table: &mut Table, first: &Strand<'_>, others: &[Strand<'_>], shared: &mut Shared) {
    let renamed = |key: &Key| Key {
        columns: first.names(&key.columns),
        definition: None,
        ..key.clone()
    };
    table.primary_key = first.called.primary_key.as_ref().map(renamed);
    for key in first.called.uniques.iter().map(renamed) {
        match others.iter().all(|other| other.has_key(&key.columns)) {
            true => table.uniques.push(key),
            false => shared.leave(ObjectKind::Unique, &key.name, &key.columns),
        }
    }
    for other in others {
        for key in &other.called.uniques {
            let columns = other.names(&key.columns);
            if !first.has_key(&columns) {
                shared.leave(ObjectKind::Unique, &key.name, &columns);
            }
        }
    }
}

fn is_plain(index: &Index) -> bool {
    index.predicate.is_none() && index.parts.iter().all(|part| part.column.is_some())
}

/// A plain index that is not unique asks nothing of any row: it stays also when only one part has it.
fn indexes(table: &mut Table, first: &Strand<'_>, others: &[Strand<'_>], shared: &mut Shared) {
    let columns = |index: &Index| -> Vec<String> {
        let parts = index.parts.iter();
        parts.filter_map(|part| part.column.clone()).collect()
    };
    for index in &first.called.indexes {
        let made = first.index(index);
        let is_shared = match (index.unique, is_plain(index)) {
            (false, true) => true,
            (true, true) => others.iter().all(|other| other.has_key(&columns(&made))),
            (_, false) => others.iter().all(|other| other.has_index(&made)),
        };
        match is_shared {
            true => table.indexes.push(made),
            false => shared.leave(ObjectKind::Index, &index.name, &[]),
        }
    }
    for other in others {
        for index in &other.called.indexes {
            let made = other.index(index);
            let is_there = table.indexes.iter().any(|own| is_alike(own, &made))
                || index.unique && first.has_key(&columns(&made));
            match (is_there, is_plain(index) && !index.unique) {
                (true, _) => {}
                (false, true) => table.indexes.push(made),
                (false, false) => shared.leave(ObjectKind::Index, &index.name, &[]),
            }
        }
    }
}

fn is_alike(one: &Index, other: &Index) -> bool {
    (&one.parts, &one.predicate, one.unique) == (&other.parts, &other.predicate, other.unique)
}

fn checks(table: &mut Table, first: &Strand<'_>, others: &[Strand<'_>], shared: &mut Shared) {
    let theirs: Vec<Vec<String>> = others.iter().map(Strand::checks).collect();
    let mut kept = Vec::new();
    for check in &first.called.checks {
        let said = first.neutral(&check.expression);
        if theirs.iter().all(|checks| checks.contains(&said)) {
            kept.push(said);
            table.checks.push(Check {
                definition: None,
                ..check.clone()
            });
        } else {
            shared.leave(
                ObjectKind::Check,
                &check.name,
                std::slice::from_ref(&check.expression),
            );
        }
    }
    for other in others {
        for check in &other.called.checks {
            if !kept.contains(&other.neutral(&check.expression)) {
                shared.leave(
                    ObjectKind::Check,
                    &check.name,
                    std::slice::from_ref(&check.expression),
                );
            }
        }
    }
}

fn foreign_keys(table: &mut Table, first: &Strand<'_>, others: &[Strand<'_>], shared: &mut Shared) {
    let has = |strand: &Strand<'_>, way: &(Vec<String>, Option<&[&TableId]>)| {
        let mut keys = strand.called.foreign_keys.iter();
        keys.any(|key| strand.way(key) == *way)
    };
    for key in &first.called.foreign_keys {
        let way = first.way(key);
        match others.iter().all(|other| has(other, &way)) {
            true => table.foreign_keys.push(ForeignKey {
                columns: way.0,
                definition: None,
                ..key.clone()
            }),
            false => shared.leave(ObjectKind::ForeignKey, &key.name, &way.0),
        }
    }
    for other in others {
        for key in &other.called.foreign_keys {
            let way = other.way(key);
            if !has(first, &way) {
                shared.leave(ObjectKind::ForeignKey, &key.name, &way.0);
            }
        }
    }
}

fn default(column: &mut Column, strands: &[Strand<'_>], shared: &mut Shared) {
    let is_own = |strand: &&Strand<'_>| strand.sequence(&column.name).is_none();
    let said = strands.iter().filter(is_own).map(|strand| {
        let default = strand.own(&column.name)?.default.as_ref()?;
        Some((default.clone(), strand.neutral(default)))
    });
    let said: Vec<Option<(String, String)>> = said.collect();
    let Some(Some((text, first))) = said.first() else {
        if let Some((text, _)) = said.iter().flatten().next() {
            shared.leave_of(&column.name, &format!("default {text}"));
        }
        return;
    };
    let is_alike = |each: &Option<(String, String)>| each.as_ref().is_some_and(|(_, other)| other == first);
    match said.len() == strands.len() && said.iter().all(is_alike) {
        true => column.default = Some(text.clone()),
        false => shared.leave_of(&column.name, &format!("default {text}")),
    }
}

/// What one part computes by itself is copied: the other parts may hold anything in its place.
fn generated(name: &str, strands: &[Strand<'_>], shared: &mut Shared) {
    let mut own = strands.iter().filter_map(|strand| strand.own(name));
    if let Some(generated) = own.find_map(|column| column.generated.as_ref()) {
        shared.gone.push(Gone {
            kind: ObjectKind::Column,
            name: name.to_owned(),
            what: Some(format!("expression {}", generated.expression)),
            why: "the values of merged tables are copied".to_owned(),
        });
    }
}

/// A column that numbers itself in every part goes on doing so, behind the greatest number of all.
fn number(table: &mut Table, at: usize, strands: &[Strand<'_>], shared: &mut Shared) {
    let name = table.columns[at].name.clone();
    let numbered = |strand: &Strand<'_>| {
        let is_numbered = strand.own(&name).is_some_and(|column| column.identity.is_some());
        is_numbered || strand.sequence(&name).is_some()
    };
    let count = strands.iter().filter(|strand| numbered(strand)).count();
    if count == 0 {
        return;
    }
    if count < strands.len() || shared.numbered.is_some() {
        shared.leave_of(&name, "numbering");
        return;
    }
    let id = sequence_of(&table.id, &name);
    let own = |strand: &Strand<'_>| strand.own(&name).and_then(|column| column.identity.clone());
    let sequences: Vec<&Sequence> = strands
        .iter()
        .filter_map(|strand| strand.sequence(&name))
        .collect();
    table.columns[at].identity = Some(Identity {
        always: strands
            .iter()
            .all(|strand| own(strand).is_some_and(|own| own.always)),
        never_reused: strands
            .iter()
            .any(|strand| own(strand).is_none_or(|own| own.never_reused)),
        sequence: sequences.first().map(|_| id.clone()),
    });
    let Some(first) = sequences.first() else { return };
    let sequence = Sequence {
        id,
        owned_by: Some((table.id.clone(), name.clone())),
        implicit: true,
        position: None,
        increment: 1,
        ..(*first).clone()
    };
    let behind = strands.iter().filter_map(|strand| {
        let sequence = strand.sequence(&name)?;
        Some((strand.part.database, sequence.id.clone()))
    });
    shared.numbered = Some((sequence, behind.collect()));
}

impl Shared {
    fn leave(&mut self, kind: ObjectKind, name: &str, columns: &[String]) {
        self.gone.push(Gone {
            kind,
            name: label(name, columns),
            what: None,
            why: NOT_IN_ALL.to_owned(),
        });
    }

    fn leave_of(&mut self, column: &str, what: &str) {
        self.gone.push(Gone {
            kind: ObjectKind::Column,
            name: column.to_owned(),
            what: Some(what.to_owned()),
            why: NOT_IN_ALL.to_owned(),
        });
    }
}

//! Fingerprints: whether a catalog is still the one that was planned for.

use std::collections::HashSet;
use std::io::{self, BufWriter, Write};

use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::{Catalog, ObjectId, ObjectKind, Sequence, Table, TableId, hex};

/// SHA-256 in hex of a catalog's structure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint(pub String);

/// Returns the SHA-256 in hex of the value's JSON form (field order as declared).
pub fn hash_of(value: &impl Serialize) -> String {
    let mut digest = BufWriter::new(Hashing(Sha256::new()));
    // A value that cannot be written, such as a map with keys that are no text, is none of ours.
    let written = serde_json::to_writer(&mut digest, value).is_ok();
    match digest.into_inner() {
        Ok(Hashing(digest)) if written => hex(&digest.finalize()),
        Ok(_) | Err(_) => hex(&Sha256::digest([])),
    }
}

/// Takes the text as it is written: that of a large plan need not be held.
struct Hashing(Sha256);

impl Write for Hashing {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.update(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A list whose items are written as the function makes them, one at a time.
pub(crate) struct Each<'a, T, U>(pub(crate) &'a [T], pub(crate) fn(&T) -> U);

impl<T, U: Serialize> Serialize for Each<'_, T, U> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(self.1))
    }
}

/// The structure of a catalog: the fields of [`Catalog`] in their order, without counts, sizes, positions, versions and offers.
struct Structure<'a>(&'a Catalog);

impl Serialize for Structure<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Catalog {
            engine,
            version: _,
            database,
            encoding,
            collation,
            settings,
            namespaces,
            types,
            sequences,
            tables,
            views,
            others,
            offers: _,
        } = self.0;
        let mut bare = serializer.serialize_struct("Catalog", 12)?;
        bare.serialize_field("engine", engine)?;
        bare.serialize_field("version", "")?;
        bare.serialize_field("database", database)?;
        bare.serialize_field("encoding", encoding)?;
        bare.serialize_field("collation", collation)?;
        if !settings.is_empty() {
            bare.serialize_field("settings", settings)?;
        }
        bare.serialize_field("namespaces", namespaces)?;
        bare.serialize_field("types", types)?;
        bare.serialize_field("sequences", &Each(sequences, without_position))?;
        bare.serialize_field("tables", &Each(tables, without_size))?;
        bare.serialize_field("views", views)?;
        bare.serialize_field("others", others)?;
        bare.end()
    }
}

fn without_position(sequence: &Sequence) -> Sequence {
    Sequence {
        position: None,
        ..sequence.clone()
    }
}

fn without_size(table: &Table) -> Table {
    Table {
        rows_estimate: None,
        bytes: None,
        ..table.clone()
    }
}

impl Catalog {
    /// Returns the fingerprint of the structure: no counts, sizes, sequence positions or versions.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint(hash_of(&Structure(self)))
    }

    /// Returns the catalog without the named objects and without everything that hangs on them:
    /// a table takes its columns, keys, indexes and triggers with it; a namespace only its own entry.
    #[must_use]
    pub fn without(&self, objects: &[ObjectId]) -> Self {
        let named: HashSet<(ObjectKind, &TableId)> = objects
            .iter()
            .filter(|object| object.part.is_empty())
            .map(|object| (object.kind, &object.owner))
            .collect();
        let gone = |kind: ObjectKind, id: &TableId| named.contains(&(kind, id));
        let mut rest = self.clone();
        rest.namespaces
            .retain(|namespace| !gone(ObjectKind::Namespace, &TableId::bare(&namespace.name)));
        rest.types
            .retain(|user_type| !gone(ObjectKind::Type, &user_type.id));
        rest.tables.retain(|table| !gone(ObjectKind::Table, &table.id));
        rest.views.retain(|view| !gone(ObjectKind::View, &view.id));
        rest.sequences.retain(|sequence| {
            let owner_gone = sequence
                .owned_by
                .as_ref()
                .is_some_and(|(table, _)| gone(ObjectKind::Table, table));
            !owner_gone && !gone(ObjectKind::Sequence, &sequence.id)
        });
        rest.others.retain(|other| {
            let owner_gone = other
                .table
                .as_ref()
                .is_some_and(|table| gone(ObjectKind::Table, table));
            !owner_gone && !gone(ObjectKind::Other, &other.id)
        });
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Column, SequencePosition};

    #[test]
    fn a_structure_is_hashed_as_the_catalog_without_what_changes_by_itself() {
        let mut catalog = Catalog {
            engine: "any".to_owned(),
            settings: [("a".to_owned(), "b".to_owned())].into(),
            tables: vec![Table::empty(TableId::bare("t"))],
            ..Catalog::default()
        };
        catalog.tables[0].columns.push(Column::new("c", "int"));
        let plain = catalog.fingerprint();
        assert_eq!(plain.0, hash_of(&catalog));
        catalog.version = "2".to_owned();
        catalog.offers.push("role app".to_owned());
        (catalog.tables[0].rows_estimate, catalog.tables[0].bytes) = (Some(1), Some(2));
        assert_eq!(catalog.fingerprint(), plain);
        catalog.settings.clear();
        let unset = catalog.fingerprint();
        assert_ne!(unset, plain);
        let mut bare = catalog.clone();
        bare.version.clear();
        bare.offers.clear();
        (bare.tables[0].rows_estimate, bare.tables[0].bytes) = (None, None);
        assert_eq!(unset.0, hash_of(&bare));
    }

    #[test]
    fn where_a_sequence_stands_is_not_in_the_fingerprint_but_its_step_is() {
        let sequence = |increment: i64, last_value: i64| Sequence {
            id: TableId::bare("s"),
            native: String::new(),
            start: 1,
            increment,
            min: 1,
            max: 9,
            cache: 1,
            cycle: false,
            owned_by: None,
            implicit: false,
            position: Some(SequencePosition {
                last_value,
                is_called: true,
            }),
            comment: None,
        };
        let print = |sequence: Sequence| {
            let sequences = vec![sequence];
            let catalog = Catalog {
                sequences,
                ..Catalog::default()
            };
            catalog.fingerprint()
        };
        assert_eq!(print(sequence(1, 1)), print(sequence(1, 2)));
        assert_ne!(print(sequence(1, 1)), print(sequence(2, 1)));
    }
}

//! Fingerprints: whether a catalog is still the one that was planned for.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{Catalog, ObjectId, ObjectKind, TableId};

/// SHA-256 in hex of a catalog's structure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint(pub String);

/// Returns the SHA-256 in hex of the value's JSON form (field order as declared).
pub fn hash_of(value: &impl Serialize) -> String {
    let json = serde_json::to_vec(value).unwrap_or_default();
    hex(&Sha256::digest(&json))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Catalog {
    /// Returns the fingerprint of the structure: no counts, sizes, sequence positions or versions.
    pub fn fingerprint(&self) -> Fingerprint {
        let mut bare = self.clone();
        bare.version.clear();
        bare.offers.clear();
        for table in &mut bare.tables {
            (table.rows_estimate, table.bytes) = (None, None);
        }
        for sequence in &mut bare.sequences {
            sequence.position = None;
        }
        Fingerprint(hash_of(&bare))
    }

    /// Returns the catalog without the named objects and without everything that hangs on them:
    /// a table takes its columns, keys, indexes and triggers with it; a namespace only its own entry.
    #[must_use]
    pub fn without(&self, objects: &[ObjectId]) -> Self {
        let gone = |kind: ObjectKind, id: &TableId| {
            objects
                .iter()
                .any(|object| object.kind == kind && object.part.is_empty() && &object.owner == id)
        };
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

//! Whether an object is in a catalog.

use whimbrel_core::{Catalog, ObjectId, ObjectKind, Table};

/// Tells whether the object is there. What a catalog does not list one by one (comments, other objects) counts as there.
pub(crate) fn is_there(catalog: &Catalog, object: &ObjectId) -> bool {
    let id = &object.owner;
    if !object.part.is_empty() {
        return catalog
            .table(id)
            .is_some_and(|table| has_part(table, object.kind, &object.part));
    }
    match object.kind {
        ObjectKind::Namespace => catalog
            .namespaces
            .iter()
            .any(|namespace| namespace.name == id.name),
        ObjectKind::Type => catalog.user_type(id).is_some(),
        ObjectKind::Sequence => catalog.sequence(id).is_some(),
        // A view stands behind those that it is made of, not in the order of names.
        ObjectKind::View => catalog.views.iter().any(|view| view.id == *id),
        ObjectKind::Table => catalog.table(id).is_some(),
        ObjectKind::Column
        | ObjectKind::PrimaryKey
        | ObjectKind::Unique
        | ObjectKind::Check
        | ObjectKind::ForeignKey
        | ObjectKind::Exclusion
        | ObjectKind::Index
        | ObjectKind::Comment
        | ObjectKind::Other => true,
    }
}

/// Looks for the name among all parts of its kind; keys and indexes are looked for together, for engines draw the line differently.
fn has_part(table: &Table, kind: ObjectKind, name: &str) -> bool {
    let keys = || table.primary_key.iter().chain(&table.uniques);
    match kind {
        ObjectKind::Column => table.column(name).is_some(),
        ObjectKind::PrimaryKey | ObjectKind::Unique | ObjectKind::Index => {
            keys().any(|key| key.name == name || key.name.is_empty())
                || table.indexes.iter().any(|index| index.name == name)
        }
        ObjectKind::Check => table
            .checks
            .iter()
            .any(|check| check.name == name || check.name.is_empty()),
        ObjectKind::ForeignKey => table
            .foreign_keys
            .iter()
            .any(|key| key.name == name || key.name.is_empty()),
        ObjectKind::Exclusion => table.exclusions.iter().any(|exclusion| exclusion.name == name),
        ObjectKind::Namespace
        | ObjectKind::Type
        | ObjectKind::Sequence
        | ObjectKind::Table
        | ObjectKind::View
        | ObjectKind::Comment
        | ObjectKind::Other => true,
    }
}

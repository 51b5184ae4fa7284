//! Chooses the user-defined types that the chosen tables need and puts them in an order in which they can be made.

use std::collections::{BTreeMap, BTreeSet};

use whimbrel_core::{Table, TableId, UserType, UserTypeKind, sort_by_dependency};

use crate::needs::mentions;
use crate::scope::Scope;

/// Returns the types to move: all when nothing is filtered, else those that chosen tables reach. Each stands after those it is made of.
pub(crate) fn used<'a>(scope: &Scope<'a>, tables: &[&'a Table]) -> Vec<&'a UserType> {
    let types = &scope.source.catalog.types;
    let made_of: BTreeMap<TableId, BTreeSet<TableId>> = types
        .iter()
        .map(|user_type| {
            let parts = parts(user_type);
            let on = types
                .iter()
                .filter(|other| {
                    other.id != user_type.id && parts.iter().any(|part| mentions(part, &other.id.name))
                })
                .map(|other| other.id.clone())
                .collect();
            (user_type.id.clone(), on)
        })
        .collect();
    let wishes = scope.input.wishes;
    let everything = wishes.tables.is_empty() && wishes.exclude.is_empty();
    let reached = match everything {
        true => BTreeSet::new(),
        false => reached(types, tables, &made_of),
    };
    sort_by_dependency(&made_of)
        .into_iter()
        .filter(|(id, _)| everything || reached.contains(id))
        .filter_map(|(id, _)| scope.source.catalog.user_type(&id))
        .collect()
}

fn reached(
    types: &[UserType],
    tables: &[&Table],
    made_of: &BTreeMap<TableId, BTreeSet<TableId>>,
) -> BTreeSet<TableId> {
    let columns = || tables.iter().flat_map(|table| &table.columns);
    let mut open: Vec<TableId> = types
        .iter()
        .filter(|user_type| {
            columns().any(|column| {
                column.user_type.as_ref() == Some(&user_type.id)
                    || mentions(&column.native, &user_type.id.name)
            })
        })
        .map(|user_type| user_type.id.clone())
        .collect();
    let mut reached = BTreeSet::new();
    while let Some(id) = open.pop() {
        if reached.insert(id.clone()) {
            open.extend(made_of.get(&id).into_iter().flatten().cloned());
        }
    }
    reached
}

/// The native types that a type is made of.
fn parts(user_type: &UserType) -> Vec<&str> {
    match &user_type.kind {
        UserTypeKind::Enum { .. } => Vec::new(),
        UserTypeKind::Domain { base, .. } => vec![base],
        UserTypeKind::Composite { attributes } => {
            attributes.iter().map(|(_, native)| native.as_str()).collect()
        }
        UserTypeKind::Range { subtype, .. } => vec![subtype],
    }
}

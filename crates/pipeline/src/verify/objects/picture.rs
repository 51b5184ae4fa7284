//! A catalog as a list of objects, each with a text for people and one that tells every difference.

use std::collections::BTreeMap;

use serde::Serialize;
use whimbrel_core::{
    Catalog, Check, Column, ForeignKey, Index, Key, ObjectId, ObjectKind, Sequence, Table, TableId,
};

/// What an object looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    /// For people.
    pub(super) shown: String,
    /// Everything about it.
    pub(super) exact: String,
}

type Picture = BTreeMap<ObjectId, Shape>;

/// Returns the table with its parts: those of ten thousand tables are compared one table at a time.
pub(super) fn picture_of(table: &Table) -> Picture {
    let mut picture = Picture::new();
    put_table(&mut picture, table);
    picture
}

/// Returns the objects of a catalog besides its tables.
pub(super) fn picture(catalog: &Catalog) -> Picture {
    let mut picture = Picture::new();
    for namespace in &catalog.namespaces {
        let id = ObjectId::whole(ObjectKind::Namespace, TableId::bare(&namespace.name));
        put(&mut picture, id, namespace.name.clone(), namespace);
    }
    for user_type in &catalog.types {
        let id = ObjectId::whole(ObjectKind::Type, user_type.id.clone());
        let text = serde_json::to_string(&user_type.kind).unwrap_or_default();
        put(&mut picture, id, text, user_type);
    }
    for sequence in &catalog.sequences {
        let id = ObjectId::whole(ObjectKind::Sequence, sequence.id.clone());
        put(&mut picture, id, sequence_text(sequence), sequence);
    }
    for view in &catalog.views {
        let id = ObjectId::whole(ObjectKind::View, view.id.clone());
        put(
            &mut picture,
            id,
            view.definition.clone().unwrap_or_else(|| view.query.clone()),
            view,
        );
    }
    for other in &catalog.others {
        let name = format!("{} {}", other.kind, other.id.name);
        let owner = other.table.clone().unwrap_or_else(|| other.id.clone());
        let text = other.definition.clone().unwrap_or_else(|| other.kind.clone());
        put(
            &mut picture,
            ObjectId::part(ObjectKind::Other, owner, name),
            text,
            other,
        );
    }
    picture
}

/// Objects that share a name are told apart by a number.
fn put(picture: &mut Picture, mut id: ObjectId, shown: String, whole: &impl Serialize) {
    let exact = serde_json::to_string(whole).unwrap_or_default();
    let name = id.part.clone();
    let mut number = 1;
    while picture.contains_key(&id) {
        number += 1;
        id.part = format!("{name} #{number}");
    }
    picture.insert(id, Shape { shown, exact });
}

fn put_table(picture: &mut Picture, table: &Table) {
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    let bare = Table {
        comment: table.comment.clone(),
        options: table.options.clone(),
        unmovable: table.unmovable.clone(),
        ..Table::empty(table.id.clone())
    };
    let mut shown = format!("columns {}", names.join(", "));
    for more in table.options.iter().chain(&table.comment) {
        shown = format!("{shown}; {more}");
    }
    put(
        picture,
        ObjectId::whole(ObjectKind::Table, table.id.clone()),
        shown,
        &(&bare, &names),
    );
    let part = |kind, name: &str| ObjectId::part(kind, table.id.clone(), name);
    for column in &table.columns {
        put(
            picture,
            part(ObjectKind::Column, &column.name),
            column_text(column),
            column,
        );
    }
    for index in &table.indexes {
        put(
            picture,
            part(ObjectKind::Index, &index.name),
            index_text(index),
            index,
        );
    }
    put_constraints(picture, table);
}

fn put_constraints(picture: &mut Picture, table: &Table) {
    let part = |kind, name: &str| ObjectId::part(kind, table.id.clone(), name);
    if let Some(key) = &table.primary_key {
        put(picture, part(ObjectKind::PrimaryKey, ""), key_text(key), key);
    }
    for key in &table.uniques {
        put(
            picture,
            part(ObjectKind::Unique, &key_name(key)),
            key_text(key),
            key,
        );
    }
    for check in &table.checks {
        put(
            picture,
            part(ObjectKind::Check, &check_name(check)),
            check_text(check),
            check,
        );
    }
    for key in &table.foreign_keys {
        put(
            picture,
            part(ObjectKind::ForeignKey, &foreign_key_name(key)),
            foreign_key_text(key),
            key,
        );
    }
    for exclusion in &table.exclusions {
        put(
            picture,
            part(ObjectKind::Exclusion, &exclusion.name),
            exclusion.definition.clone(),
            exclusion,
        );
    }
}

/// A constraint's name, or its columns when it has none.
pub(super) fn key_name(key: &Key) -> String {
    named(&key.name, &key.columns)
}

pub(super) fn foreign_key_name(key: &ForeignKey) -> String {
    named(&key.name, &key.columns)
}

pub(super) fn check_name(check: &Check) -> String {
    if check.name.is_empty() {
        format!("({})", check.expression)
    } else {
        check.name.clone()
    }
}

fn named(name: &str, columns: &[String]) -> String {
    if name.is_empty() {
        format!("({})", columns.join(", "))
    } else {
        name.to_owned()
    }
}

pub(super) fn column_text(column: &Column) -> String {
    let mut text = column.native.clone();
    let mut add = |more: &str| {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(more);
    };
    if !column.nullable {
        add("not null");
    }
    if let Some(default) = &column.default {
        add(&format!("default {default}"));
    }
    if column.identity.is_some() {
        add("identity");
    }
    if let Some(generated) = &column.generated {
        add(&format!("generated as ({})", generated.expression));
    }
    if let Some(collation) = &column.collation {
        add(&format!("collate {collation}"));
    }
    if let Some(comment) = &column.comment {
        add(&format!("comment {comment}"));
    }
    text
}

fn key_text(key: &Key) -> String {
    key.definition
        .clone()
        .unwrap_or_else(|| format!("({})", key.columns.join(", ")))
}

fn check_text(check: &Check) -> String {
    check
        .definition
        .clone()
        .unwrap_or_else(|| check.expression.clone())
}

pub(super) fn foreign_key_text(key: &ForeignKey) -> String {
    key.definition.clone().unwrap_or_else(|| {
        format!(
            "({}) references {} ({}) on update {} on delete {}",
            key.columns.join(", "),
            key.references,
            key.referred.join(", "),
            key.on_update.to_lowercase(),
            key.on_delete.to_lowercase(),
        )
    })
}

pub(super) fn index_text(index: &Index) -> String {
    index.definition.clone().unwrap_or_else(|| {
        let part = |part: &whimbrel_core::IndexPart| {
            let what = part
                .column
                .clone()
                .or_else(|| part.expression.clone())
                .unwrap_or_default();
            if part.descending {
                format!("{what} desc")
            } else {
                what
            }
        };
        let parts: Vec<String> = index.parts.iter().map(part).collect();
        let unique = if index.unique { "unique " } else { "" };
        let only = index
            .predicate
            .as_ref()
            .map(|predicate| format!(" where {predicate}"))
            .unwrap_or_default();
        format!("{unique}({}){only}", parts.join(", "))
    })
}

fn sequence_text(sequence: &Sequence) -> String {
    let position = match sequence.position {
        Some(position) if position.is_called => format!("stands at {}", position.last_value),
        Some(position) => format!("begins at {}", position.last_value),
        None => "position unknown".to_owned(),
    };
    format!("{position}, increment {}", sequence.increment)
}

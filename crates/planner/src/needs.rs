//! Finds what a native definition needs and the target will not have: functions and the like that the catalog lists but nobody moves, and
//! what belongs to an extension that the target lacks. Only between equal engines; across engines the dialects refuse what they do not know.

use whimbrel_core::{Finding, OtherObject, Severity, Table, TableId, Untranslated};

use crate::notes::Notes;
use crate::scope::{Scope, column_subject};

/// Refuses a native definition that names an object which is not moved and not in the target.
///
/// # Errors
/// [`Untranslated`] names the object.
pub(crate) fn check(scope: &Scope<'_>, definition: &str) -> Result<(), Untranslated> {
    if !scope.equal {
        return Ok(());
    }
    let missing = scope
        .source
        .catalog
        .others
        .iter()
        .filter(|other| other.table.is_none() && !is_there(scope, other))
        .find(|other| is_named(definition, other));
    if let Some(other) = missing {
        return Err(Untranslated::new(format!(
            "{} `{}` is not moved, and the target does not have it",
            other.kind, other.id
        )));
    }
    let extensions = missing_extensions(scope);
    if extensions.is_empty() {
        return Ok(());
    }
    match stranger(scope, definition) {
        None => Ok(()),
        Some(name) => Err(Untranslated::new(format!(
            "`{name}` seems to belong to an extension that the target does not have ({})",
            extensions.join(", ")
        ))),
    }
}

/// Blocks columns whose type comes with an extension that the target does not have: no table can be made with them.
pub(crate) fn check_types(scope: &Scope<'_>, table: &Table, notes: &mut Notes<'_>) {
    for column in &table.columns {
        let Err(why) = check(scope, &column.native) else {
            continue;
        };
        let subject = column_subject(&table.id, &column.name);
        let message = format!(
            "the type `{}` of `{subject}` cannot be made: {why}",
            column.native
        );
        notes.add(Finding::new(
            "type_unsupported",
            Severity::Blocker,
            subject,
            message,
        ));
    }
}

fn is_there(scope: &Scope<'_>, other: &OtherObject) -> bool {
    let others = &scope.target.catalog.others;
    others
        .iter()
        .any(|there| (&there.kind, &there.id) == (&other.kind, &other.id))
}

/// A routine is named when it is called; anything else only by its qualified name, since a bare word says too little.
fn is_named(definition: &str, other: &OtherObject) -> bool {
    let routine = ["function", "aggregate", "procedure"]
        .iter()
        .any(|kind| other.kind.contains(kind));
    // The catalog may carry the arguments in the name, so that overloads differ.
    let bare = other.id.name.split('(').next().unwrap_or_default();
    if routine {
        return words(definition, bare).any(|end| definition[end..].trim_start_matches('"').starts_with('('));
    }
    other.id.namespace.as_ref().is_some_and(|namespace| {
        let qualified = TableId::new(namespace.clone(), bare).to_string();
        mentions(&definition.replace('"', ""), &qualified)
    })
}

/// Extensions that the source has and the target does not.
fn missing_extensions<'a>(scope: &Scope<'a>) -> Vec<&'a str> {
    scope
        .source
        .catalog
        .others
        .iter()
        .filter(|other| other.kind == "extension" && !is_there(scope, other))
        .map(|other| other.id.name.as_str())
        .collect()
}

/// A qualified name in one of the source's namespaces that its catalog does not know: the engine lists what comes with an extension as one object.
fn stranger(scope: &Scope<'_>, definition: &str) -> Option<String> {
    let catalog = scope.source.catalog;
    let text = definition.replace('"', "");
    let known = |id: &TableId| {
        catalog.table(id).is_some()
            || catalog.user_type(id).is_some()
            || catalog.views.iter().any(|view| &view.id == id)
            || catalog.sequences.iter().any(|sequence| &sequence.id == id)
            || catalog.others.iter().any(|other| {
                other.id.namespace == id.namespace && other.id.name.split('(').next() == Some(&id.name)
            })
    };
    // A table of the namespace's name makes `a.b` a column.
    let is_table = |name: &str| catalog.tables.iter().any(|table| table.id.name == name);
    for namespace in catalog
        .namespaces
        .iter()
        .filter(|namespace| !is_table(&namespace.name))
    {
        for end in words(&text, &namespace.name) {
            let Some(rest) = text[end..].strip_prefix('.') else {
                continue;
            };
            let name: String = rest.chars().take_while(|c| is_word(*c)).collect();
            let id = TableId::new(&namespace.name, name);
            if !id.name.is_empty() && !known(&id) {
                return Some(id.to_string());
            }
        }
    }
    None
}

/// Tells whether the text mentions the name as a word of its own.
pub(crate) fn mentions(text: &str, name: &str) -> bool {
    words(text, name).next().is_some()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// The ends of the places where the name stands as a word of its own.
fn words<'t>(text: &'t str, name: &'t str) -> impl Iterator<Item = usize> + 't {
    text.match_indices(name)
        .filter(move |_| !name.is_empty())
        .filter(move |(start, found)| {
            let before = text[..*start].chars().next_back();
            let after = text[start + found.len()..].chars().next();
            !before.is_some_and(is_word) && !after.is_some_and(is_word)
        })
        .map(|(start, found)| start + found.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_mentioned_only_as_a_whole_word() {
        assert!(mentions(
            "nextval('public.orders_id_seq'::regclass)",
            "orders_id_seq"
        ));
        assert!(mentions("nextval('\"Odd Seq\"')", "Odd Seq"));
        assert!(!mentions("nextval('old_orders_id_seq')", "orders_id_seq"));
        assert!(!mentions("anything", ""));
    }
}

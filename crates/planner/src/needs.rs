//! Finds what a native definition needs and the target will not have: functions and the like that the catalog lists but nobody moves.
//! Only between equal engines; across engines the dialects refuse what they do not know.

use whimbrel_core::{OtherObject, TableId, Untranslated};

use crate::scope::Scope;

/// Refuses a native definition that names an object which is not moved and not in the target.
///
/// # Errors
/// [`Untranslated`] names the object.
pub(crate) fn check(scope: &Scope<'_>, definition: &str) -> Result<(), Untranslated> {
    if !scope.equal {
        return Ok(());
    }
    let is_there = |other: &OtherObject| {
        scope
            .target
            .catalog
            .others
            .iter()
            .any(|there| (&there.kind, &there.id) == (&other.kind, &other.id))
    };
    let missing = scope
        .source
        .catalog
        .others
        .iter()
        .filter(|other| other.table.is_none())
        .find(|other| is_named(definition, other) && !is_there(other));
    match missing {
        None => Ok(()),
        Some(other) => Err(Untranslated::new(format!(
            "{} `{}` is not moved, and the target does not have it",
            other.kind, other.id
        ))),
    }
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
        definition.replace('"', "").contains(&qualified)
    })
}

/// Tells whether the text mentions the name as a word of its own.
pub(crate) fn mentions(text: &str, name: &str) -> bool {
    words(text, name).next().is_some()
}

/// The ends of the places where the name stands as a word of its own.
fn words<'t>(text: &'t str, name: &'t str) -> impl Iterator<Item = usize> + 't {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
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

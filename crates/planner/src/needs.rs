//! Finds what a native definition needs and the target will not have: functions and the like that the catalog lists but nobody moves, and
//! what belongs to an extension that the target lacks. Only between equal engines; across engines the dialects refuse what they do not know.

use std::collections::BTreeSet;
use std::iter::Peekable;
use std::str::Chars;

use whimbrel_core::{Finding, MakingStage, OtherObject, Severity, Table, TableId, Untranslated};

use crate::lookup::QualifiedName;
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
    let names = names(definition);
    let others = &scope.source.catalog.others;
    let missing = named(scope, &names)
        .into_iter()
        .flatten()
        .map(|at| &others[at])
        .find(|other| !is_there(scope, other) && !will_be_made(scope, other));
    if let Some(other) = missing {
        return Err(Untranslated::new(format!(
            "{} `{}` is not moved, and the target does not have it",
            other.kind, other.id
        )));
    }
    let extensions = scope
        .lookup
        .missing_extensions
        .get_or_init(|| missing_extensions(scope));
    if extensions.is_empty() {
        return Ok(());
    }
    match stranger(scope, &names) {
        None => Ok(()),
        Some(name) => Err(Untranslated::new(format!(
            "`{name}` seems to belong to an extension, which must be created in the target first (it lacks {})",
            extensions.join(", ")
        ))),
    }
}

/// The source's objects that a definition names, by place in its list: all of one name together.
pub(crate) fn called(scope: &Scope<'_>, definition: &str) -> Vec<Vec<usize>> {
    named(scope, &names(definition))
}

fn named(scope: &Scope<'_>, names: &[Name]) -> Vec<Vec<usize>> {
    let others = &scope.source.catalog.others;
    let spelled: BTreeSet<&[usize]> = names
        .iter()
        .map(|name| scope.lookup.spelled(&(name.qualifier.clone(), name.part.clone())))
        .collect();
    let is_object = |at: &usize| {
        let other = &others[*at];
        other.table.is_none() && !says_something(other) && is_named(names, other)
    };
    let objects = |of_name: &[usize]| of_name.iter().copied().filter(is_object).collect::<Vec<usize>>();
    spelled
        .into_iter()
        .map(objects)
        .filter(|all| !all.is_empty())
        .collect()
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

/// Tells whether the entry says something about an object of the same name (a grant, its owner) and is none that others name.
pub(crate) fn says_something(other: &OtherObject) -> bool {
    let making = other.making.as_ref();
    making.is_some_and(|making| making.stage == MakingStage::Last)
}

/// Tells whether the plan makes the object: nobody has to be asked, and the target offers what it and what it stands on need.
fn will_be_made(scope: &Scope<'_>, other: &OtherObject) -> bool {
    let mut open = vec![other];
    let mut seen: BTreeSet<&TableId> = BTreeSet::new();
    while let Some(next) = open.pop() {
        let Some(making) = &next.making else { return false };
        let offers = &scope.target.catalog.offers;
        if making.asks.is_some() || making.needs.iter().any(|need| !offers.contains(need)) {
            return false;
        }
        seen.insert(&next.id);
        let below = making.after.iter().flat_map(|id| scope.lookup.source_others(id));
        open.extend(
            below.copied().filter(|below| {
                !says_something(below) && !seen.contains(&below.id) && !is_there(scope, below)
            }),
        );
    }
    true
}

/// The qualified names in a definition.
pub(crate) fn qualified_names(definition: &str) -> Vec<QualifiedName> {
    let names = names(definition).into_iter();
    names
        .filter(|name| name.qualifier.is_some())
        .map(|name| (name.qualifier, name.part))
        .collect()
}

/// Tells whether the text names something that one of several databases, or an extension of it, has of its own: the target does not know it.
pub(crate) fn names_own(scope: &Scope<'_>, origin: Option<&str>, text: &str) -> bool {
    let own = scope.own_namespaces(origin);
    let names = qualified_names(text);
    let mut spaces = names.iter().filter_map(|(space, _)| space.as_ref());
    spaces.any(|space| own.contains(space))
}

pub(crate) fn is_there(scope: &Scope<'_>, other: &OtherObject) -> bool {
    let there = scope.lookup.target_others(&other.id);
    there.iter().any(|there| there.kind == other.kind)
}

/// Tells whether one of the names is the object's. Where there are namespaces, definitions qualify every name that is not the engine's own.
fn is_named(names: &[Name], other: &OtherObject) -> bool {
    // The catalog may carry the arguments in the name, so that overloads differ.
    let bare = other.id.name.split('(').next().unwrap_or_default();
    let routine = ["function", "aggregate", "procedure"]
        .iter()
        .any(|kind| other.kind.contains(kind));
    names.iter().any(|name| {
        let is_it = name.part == bare && name.qualifier == other.id.namespace;
        is_it
            && if routine {
                name.called
            } else {
                name.qualifier.is_some()
            }
    })
}

/// Extensions that the source has and the target does not.
fn missing_extensions<'a>(scope: &Scope<'a>) -> Vec<&'a str> {
    scope
        .source
        .catalog
        .others
        .iter()
        .filter(|other| other.kind == "extension" && !is_there(scope, other) && !will_be_made(scope, other))
        .map(|other| other.id.name.as_str())
        .collect()
}

/// A qualified name in one of the source's namespaces that its catalog does not know: the engine lists what comes with an extension as one object.
fn stranger(scope: &Scope<'_>, names: &[Name]) -> Option<TableId> {
    let catalog = scope.source.catalog;
    let known = |id: &TableId| {
        catalog.table(id).is_some()
            || catalog.user_type(id).is_some()
            || scope.lookup.is_source_view(id)
            || catalog.sequence(id).is_some()
            || !scope
                .lookup
                .spelled(&(id.namespace.clone(), id.name.clone()))
                .is_empty()
    };
    // A table of the namespace's name makes `a.b` a column.
    let is_namespace = |name: &String| {
        catalog.namespaces.iter().any(|namespace| &namespace.name == name)
            && !catalog.tables.iter().any(|table| &table.id.name == name)
    };
    names
        .iter()
        .filter_map(|name| {
            let qualifier = name
                .qualifier
                .as_ref()
                .filter(|qualifier| is_namespace(qualifier))?;
            Some(TableId::new(qualifier.clone(), name.part.clone()))
        })
        .find(|id| !known(id))
}

/// A name in a definition.
#[derive(Debug, PartialEq)]
struct Name {
    qualifier: Option<String>,
    part: String,
    /// True when a parenthesis follows.
    called: bool,
}

/// Reads the names in a definition, quoted or not. What stands in a text literal is no name.
fn names(definition: &str) -> Vec<Name> {
    let mut names: Vec<Name> = Vec::new();
    let mut letters = definition.chars().peekable();
    // True after a full stop that follows a name.
    let mut qualified = false;
    while let Some(letter) = letters.next() {
        let part = match letter {
            '\'' => {
                letters.by_ref().take_while(|c| *c != '\'').for_each(drop);
                qualified = false;
                continue;
            }
            '"' => quoted(&mut letters),
            c if is_word(c) => {
                let mut part = c.to_string();
                while let Some(c) = letters.next_if(|c| is_word(*c)) {
                    part.push(c);
                }
                part
            }
            _ => {
                qualified = false;
                continue;
            }
        };
        let qualifier = names.last().filter(|_| qualified).map(|name| name.part.clone());
        names.push(Name {
            qualifier,
            part,
            called: letters.peek() == Some(&'('),
        });
        qualified = letters.next_if_eq(&'.').is_some();
    }
    names
}

/// The rest of a quoted name; a doubled quote stands for one.
fn quoted(letters: &mut Peekable<Chars<'_>>) -> String {
    let mut part = String::new();
    while let Some(letter) = letters.next() {
        if letter == '"' && letters.next_if_eq(&'"').is_none() {
            break;
        }
        part.push(letter);
    }
    part
}

/// Tells whether the text mentions the name as a word of its own.
pub(crate) fn mentions(text: &str, name: &str) -> bool {
    words(text, name).next().is_some()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// Tells whether the text begins with the end of a quoted body, such as `$function$`.
fn ends_a_body(text: &str) -> bool {
    let tag = text.strip_prefix('$').and_then(|rest| rest.split_once('$'));
    tag.is_some_and(|(tag, _)| tag.chars().all(|c| c.is_alphanumeric() || c == '_'))
}

/// The ends of the places where the name stands as a word of its own.
fn words<'t>(text: &'t str, name: &'t str) -> impl Iterator<Item = usize> + 't {
    text.match_indices(name)
        .filter(move |_| !name.is_empty())
        .filter(move |(start, found)| {
            let before = text[..*start].chars().next_back();
            let rest = &text[start + found.len()..];
            let goes_on = rest.chars().next().is_some_and(is_word) && !ends_a_body(rest);
            !before.is_some_and(is_word) && !goes_on
        })
        .map(|(start, found)| start + found.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_at_the_end_of_a_body_is_mentioned() {
        assert!(mentions("AS $function$SELECT 1 FROM helper$function$", "helper"));
        assert!(mentions("AS $$SELECT 1 FROM helper$$", "helper"));
        assert!(!mentions("SELECT 1 FROM helper$old", "helper"));
    }

    #[test]
    fn names_are_read_with_their_qualifiers_and_not_out_of_texts() {
        let found: Vec<String> = names(r#"o.* from public.tax(1) + "Odd ""x".y = 'a.b' || o.id::"s t".mood"#)
            .into_iter()
            .filter_map(|name| Some(format!("{}|{}|{}", name.qualifier?, name.part, name.called)))
            .collect();
        assert_eq!(
            found,
            [
                "public|tax|true",
                "Odd \"x|y|false",
                "o|id|false",
                "s t|mood|false"
            ]
        );
    }

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

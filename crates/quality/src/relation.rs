//! Which columns look like references that nobody declared: by their names and types alone. What their values say of it is asked elsewhere.

use whimbrel_core::{Families, Table};

/// Words of a column's name that say "the key of" and not of what.
const KEY_WORDS: [&str; 12] = [
    "id", "fk", "key", "no", "nr", "num", "number", "code", "ref", "uuid", "guid", "oid",
];
/// Words of a column beside a reference that say to which of several tables it leads.
const KIND_WORDS: [&str; 4] = ["type", "kind", "class", "model"];
/// Words before the name of what a table holds.
const TABLE_WORDS: [&str; 4] = ["tbl", "tb", "t", "table"];

/// A column that looks like a reference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Suspect<'a> {
    /// The table that would refer.
    pub table: &'a Table,
    /// Its column.
    pub column: &'a str,
    /// The table that would be referred to.
    pub referred_table: &'a Table,
    /// Its key.
    pub referred: &'a str,
}

/// Finds the columns without a declared foreign key whose name is that of a table (`user_id`, `userId`, `id_user`, `user` for `users`), or
/// ends in it (`billing_address_id`), and that are `alike` the table's key of one column. A column that tells with another one what it leads to
/// (`owner_type`, `owner_id`) is none, nor is one that could lead to two tables.
pub fn suspects<'a>(
    tables: &[&'a Table],
    alike: impl Fn((&Table, &str), (&Table, &str)) -> bool,
) -> Vec<Suspect<'a>> {
    let families = Families::of(tables.iter().copied());
    let all: Vec<Named<'a>> = tables
        .iter()
        .filter(|table| table.partition_of.is_none())
        .map(|table| Named {
            table,
            words: singular(words(&table.id.name)),
        })
        .collect();
    let mut found = Vec::new();
    for from in &all {
        for column in &from.table.columns {
            let to = referred(from, &column.name, &all);
            let Some((referred_table, referred)) = to.and_then(|to| Some((to.table, key(to.table)?))) else {
                continue;
            };
            let is_heir = families
                .heirs(&referred_table.id)
                .iter()
                .any(|heir| heir.id == from.table.id);
            let is_own_key = referred_table.id == from.table.id && referred == column.name;
            if !is_heir && !is_own_key && alike((from.table, &column.name), (referred_table, referred)) {
                found.push(Suspect {
                    table: from.table,
                    column: &column.name,
                    referred_table,
                    referred,
                });
            }
        }
    }
    found
}

/// A table with the words of its name.
struct Named<'a> {
    table: &'a Table,
    words: Vec<String>,
}

/// Returns the table that a column's name speaks of, if it is one.
fn referred<'n, 'a>(from: &Named<'a>, column: &str, all: &'n [Named<'a>]) -> Option<&'n Named<'a>> {
    let declared = &from.table.foreign_keys;
    if declared
        .iter()
        .any(|key| key.columns.iter().any(|name| name == column))
    {
        return None;
    }
    let (subject, has_key_word) = subject(column);
    if subject.is_empty() || tells_its_kind(from.table, &subject) {
        return None;
    }
    let wanted = singular(subject.clone());
    let fitting = |length: usize| -> Vec<&Named<'a>> {
        let end = &wanted[wanted.len() - length..];
        all.iter().filter(|to| is_called(to, end, &from.words)).collect()
    };
    // What stands before the table's name is the part that it plays, which only a key has.
    let shortest = if has_key_word { 1 } else { wanted.len() };
    let found = (shortest..=wanted.len())
        .rev()
        .map(fitting)
        .find(|found| !found.is_empty())?;
    let beside: Vec<&Named<'a>> = found
        .iter()
        .copied()
        .filter(|to| to.table.id.namespace == from.table.id.namespace)
        .collect();
    match (beside.as_slice(), found.as_slice()) {
        ([only], _) | ([], [only]) => Some(only),
        _ => None,
    }
}

/// Tells whether the words are the name of a table, but for a word that many tables begin with.
fn is_called(table: &Named<'_>, words: &[String], beside: &[String]) -> bool {
    let Some(first) = table.words.first() else {
        return false;
    };
    let is_common =
        TABLE_WORDS.contains(&first.as_str()) || beside.len() > 1 && beside.first() == Some(first);
    table.words == words || is_common && table.words[1..] == *words
}

/// Returns the words of a column's name without those that say "key", and whether there were such.
fn subject(column: &str) -> (Vec<String>, bool) {
    let mut all = words(column);
    // `userid` is one word.
    if let [only] = all.as_slice()
        && let Some(start) = only.strip_suffix("id").filter(|start| start.len() > 2)
    {
        all = vec![start.to_owned(), "id".to_owned()];
    }
    let count = all.len();
    all.retain(|word| !KEY_WORDS.contains(&word.as_str()));
    let has_key_word = all.len() < count;
    (all, has_key_word)
}

/// Tells whether another column says to which table this one leads.
fn tells_its_kind(table: &Table, subject: &[String]) -> bool {
    table.columns.iter().any(|column| {
        let words = words(&column.name);
        words
            .split_last()
            .is_some_and(|(last, start)| KIND_WORDS.contains(&last.as_str()) && start == subject)
    })
}

/// Returns the one column of the table's key.
fn key(table: &Table) -> Option<&str> {
    let primary = table.primary_key.as_ref().map(|key| key.columns.as_slice());
    let uniques = table.uniques.iter().map(|key| key.columns.as_slice());
    let mut keys = primary.into_iter().chain(uniques);
    keys.find_map(|columns| match columns {
        [only] => Some(only.as_str()),
        _ => None,
    })
}

/// Splits a name at what is no letter or digit, and where a capital follows a small letter.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut was_small = false;
    for letter in name.chars() {
        let is_part = letter.is_alphanumeric();
        if (!is_part || was_small && letter.is_uppercase()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if is_part {
            word.extend(letter.to_lowercase());
        }
        was_small = letter.is_lowercase() || letter.is_numeric();
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Makes the last word one of a single thing: `companies` and `company`, `boxes` and `box` become alike.
fn singular(mut words: Vec<String>) -> Vec<String> {
    let Some(last) = words.last_mut() else {
        return words;
    };
    if last == "people" {
        "person".clone_into(last);
    } else if let Some(start) = last.strip_suffix("ies").filter(|start| start.len() > 1) {
        *last = format!("{start}y");
    } else if let Some(start) = ["sses", "xes", "ches", "shes"]
        .iter()
        .find(|end| last.ends_with(*end))
        .and_then(|_| last.strip_suffix("es"))
    {
        *last = start.to_owned();
    } else if !last.ends_with("ss")
        && let Some(start) = last.strip_suffix('s').filter(|start| start.len() > 1)
    {
        *last = start.to_owned();
    }
    words
}

#[cfg(test)]
mod tests {
    use whimbrel_core::{Column, Deferral, ForeignKey, Key, TableId};

    use super::*;

    const NONE: [&str; 0] = [];

    fn table(name: &str, key: &[&str], columns: &[&str]) -> Table {
        let mut table = Table::empty(TableId::bare(name));
        let all = key
            .iter()
            .chain(columns.iter().filter(|column| !key.contains(column)));
        table.columns = all.map(|column| Column::new(*column, "int")).collect();
        table.primary_key = (!key.is_empty()).then(|| Key {
            name: String::new(),
            columns: key.iter().map(|column| (*column).to_owned()).collect(),
            deferral: Deferral::Never,
            nulls_equal: false,
            definition: None,
        });
        table
    }

    fn found(tables: &[Table]) -> Vec<String> {
        let tables: Vec<&Table> = tables.iter().collect();
        let told = |suspect: Suspect<'_>| {
            let (from, to) = (&suspect.table.id, &suspect.referred_table.id);
            format!("{from}.{} -> {to}.{}", suspect.column, suspect.referred)
        };
        suspects(&tables, |_, _| true).into_iter().map(told).collect()
    }

    #[test]
    fn a_column_called_as_a_table_looks_like_a_reference_however_it_is_spelled() {
        for (column, name) in [
            ("user_id", "users"),
            ("userId", "user"),
            ("UserID", "Users"),
            ("userid", "users"),
            ("id_user", "users"),
            ("user", "users"),
            ("fk_user", "tbl_users"),
            ("created_by_user_id", "users"),
            ("user_no", "users"),
            ("company_id", "companies"),
            ("box_id", "boxes"),
            ("address_id", "addresses"),
            ("status_id", "status"),
            ("orderItemId", "order_items"),
            ("person_id", "people"),
        ] {
            let tables = [table("log", &["id"], &[column]), table(name, &["id"], &["name"])];
            assert_eq!(found(&tables), [format!("log.{column} -> {name}.id")], "{column}");
        }
        let prefixed = [
            table("wp_posts", &["id"], &["user_id"]),
            table("wp_users", &["id"], &[]),
        ];
        assert_eq!(found(&prefixed), ["wp_posts.user_id -> wp_users.id"]);
        let within = [table("category", &["id"], &["category_id"])];
        assert_eq!(found(&within), ["category.category_id -> category.id"]);
    }

    #[test]
    fn what_says_its_kind_beside_or_leads_to_nothing_is_no_reference() {
        let users = || table("users", &["id"], &[]);
        for columns in [
            &["user_id", "user_type"][..],
            &["userId", "userType"],
            &["username"],
            &["paid", "grid", "id_card"],
            &["billing_user"],
        ] {
            assert_eq!(
                found(&[table("log", &["id"], columns), users()]),
                NONE,
                "{columns:?}"
            );
        }
        // Its own key, a key of two columns, a declared one, and two tables of the name.
        assert_eq!(found(&[table("users", &["user_id"], &[])]), NONE);
        assert_eq!(
            found(&[
                table("order_items", &["order_item_id"], &[]),
                table("items", &["id"], &[])
            ]),
            NONE
        );
        let of_two = table("users", &["a", "b"], &[]);
        assert_eq!(found(&[table("log", &["id"], &["user_id"]), of_two]), NONE);
        let mut declared = table("log", &["id"], &["user_id"]);
        declared.foreign_keys.push(ForeignKey {
            name: String::new(),
            columns: vec!["user_id".to_owned()],
            references: TableId::bare("users"),
            referred: vec!["id".to_owned()],
            on_update: "NO ACTION".to_owned(),
            on_delete: "NO ACTION".to_owned(),
            match_full: false,
            deferral: Deferral::Never,
            validated: true,
            definition: None,
        });
        assert_eq!(found(&[declared, users()]), NONE);
        let both = [
            table("log", &["id"], &["user_id"]),
            users(),
            table("user", &["id"], &[]),
        ];
        assert_eq!(found(&both), NONE);
    }
}

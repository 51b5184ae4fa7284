//! Counts orphans as the engine itself would: by a join where that is sure to mean the same as the engine's own foreign key check, or where
//! that check refuses the parent's key; else by that check, which reads whole rows where a join reads the index of a key.

use rusqlite::{Connection, OptionalExtension, Row};
use whimbrel_core::{ForeignKey, Result, Table, named};

use crate::declared::{Affinity, affinity};
use crate::definition::read_table;
use crate::error::During;
use crate::sql::quote;

/// How many orphans are shown.
const EXAMPLES_MAX: usize = 5;

/// The orphans of one foreign key.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Orphans {
    /// How many there are.
    pub(crate) count: u64,
    /// Some of them.
    pub(crate) examples: Vec<String>,
}

/// Returns the orphans of each of the table's foreign keys, in order.
pub(crate) fn orphans(connection: &Connection, table: &Table) -> Result<Vec<Orphans>> {
    if table.foreign_keys.is_empty() {
        return Ok(Vec::new());
    }
    let what = || format!("look for orphans in `{}`", table.id);
    let is_alike = |key| compares_alike(connection, table, key);
    let alike: Vec<bool> = table
        .foreign_keys
        .iter()
        .map(is_alike)
        .collect::<rusqlite::Result<_>>()
        .during(what)?;
    let checked = match alike.iter().all(|alike| *alike) {
        true => vec![None; alike.len()],
        false => checked(connection, table).during(what)?,
    };
    let mut found = Vec::new();
    for (key, (alike, checked)) in table.foreign_keys.iter().zip(alike.into_iter().zip(checked)) {
        let count = match checked.filter(|_| !alike) {
            Some(count) => count,
            None => joined(connection, table, key).during(what)?,
        };
        let examples = if count == 0 {
            Vec::new()
        } else {
            examples(connection, table, key).unwrap_or_default()
        };
        found.push(Orphans { count, examples });
    }
    Ok(found)
}

/// What the engine's own check counts of each foreign key; none of one that the engine does not have, or whose parent it does not accept.
fn checked(connection: &Connection, table: &Table) -> rusqlite::Result<Vec<Option<u64>>> {
    let numbers = numbers(connection, table)?;
    let Ok(counts) = count_by_check(connection, &table.id.name) else {
        return Ok(vec![None; numbers.len()]);
    };
    let count = |number: Option<i64>| {
        let of_number = counts.iter().find(|(of, _)| Some(*of) == number);
        number.map(|_| of_number.map_or(0, |(_, count)| *count))
    };
    Ok(numbers.into_iter().map(count).collect())
}

fn count_by_check(connection: &Connection, table: &str) -> rusqlite::Result<Vec<(i64, u64)>> {
    let mut statement =
        connection.prepare("SELECT fkid, count(*) FROM pragma_foreign_key_check(?) GROUP BY fkid")?;
    statement
        .query_map([table], |row| {
            Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))
        })?
        .collect()
}

/// Tells whether `=` compares the columns as a reference does, which gives the child's value the parent's affinity and goes by the parent's
/// collation (<https://www.sqlite.org/foreignkeys.html>, section 2): when both have the same affinity, nothing is left to be given.
fn compares_alike(connection: &Connection, table: &Table, key: &ForeignKey) -> rusqlite::Result<bool> {
    let mut statement =
        connection.prepare("SELECT type FROM pragma_table_xinfo(?) WHERE name = ? COLLATE NOCASE")?;
    let mut affinity_of = |table: &str, column: &String| {
        let declared = statement.query_row([table, column], |row| row.get::<_, String>(0));
        // In a strict table, `ANY` is a name for no affinity.
        let declared = declared
            .optional()?
            .filter(|native| !native.eq_ignore_ascii_case("ANY"));
        Ok::<_, rusqlite::Error>(declared.map(|native| affinity(&native)))
    };
    for (column, referred) in key.columns.iter().zip(&key.referred) {
        let own = affinity_of(&table.id.name, column)?;
        if own.is_none() || own != affinity_of(&key.references.name, referred)? {
            return Ok(false);
        }
    }
    Ok(key.columns.len() == key.referred.len())
}

/// The engine's number of each foreign key; none for one that it does not have.
fn numbers(connection: &Connection, table: &Table) -> rusqlite::Result<Vec<Option<i64>>> {
    let mut statement = connection
        .prepare("SELECT id, \"table\", \"from\" FROM pragma_foreign_key_list(?) ORDER BY id, seq")?;
    let rows: Vec<(i64, String, String)> = statement
        .query_map([&table.id.name], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let mut listed: Vec<(i64, String, Vec<String>)> = Vec::new();
    for (id, parent, from) in rows {
        match listed.last_mut().filter(|last| last.0 == id) {
            Some(last) => last.2.push(from),
            None => listed.push((id, parent, vec![from])),
        }
    }
    let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
    Ok(table
        .foreign_keys
        .iter()
        .map(|key| {
            let at = listed.iter().position(|(_, parent, columns)| {
                same(parent, &key.references.name)
                    && columns.len() == key.columns.len()
                    && columns.iter().zip(&key.columns).all(|(a, b)| same(a, b))
            });
            at.map(|at| listed.remove(at).0)
        })
        .collect())
}

fn exists(connection: &Connection, table: &str) -> rusqlite::Result<bool> {
    connection.query_row(
        "SELECT count(*) > 0 FROM pragma_table_xinfo(?, 'main')",
        [table],
        |row| row.get(0),
    )
}

/// The condition that a row `c` of the table is an orphan.
fn condition(connection: &Connection, key: &ForeignKey) -> rusqlite::Result<String> {
    let mut terms: Vec<String> = key
        .columns
        .iter()
        .map(|column| format!("c.{} IS NOT NULL", quote(column)))
        .collect();
    if exists(connection, &key.references.name)? && key.columns.len() == key.referred.len() {
        let pairs: Vec<String> = key
            .referred
            .iter()
            .zip(&key.columns)
            .map(|(referred, column)| format!("p.{} = c.{}", quote(referred), quote(column)))
            .collect();
        terms.push(format!(
            "NOT EXISTS (SELECT 1 FROM {} p WHERE {})",
            quote(&key.references.name),
            pairs.join(" AND ")
        ));
    }
    Ok(terms.join(" AND "))
}

fn joined(connection: &Connection, table: &Table, key: &ForeignKey) -> rusqlite::Result<u64> {
    let sql = format!(
        "SELECT count(*) FROM {} c WHERE {}",
        quote(&table.id.name),
        condition(connection, key)?
    );
    connection.query_row(&sql, [], |row| row.get::<_, i64>(0).map(i64::unsigned_abs))
}

/// Counts the rows whose row is there only because the collation of the key calls different texts equal. Keys without texts are not looked at,
/// and neither are those whose texts are equal only when their bytes are.
pub(crate) fn inexact(connection: &Connection, table: &Table, key: &ForeignKey) -> Result<u64> {
    let what = || format!("look for inexact references in `{}`", table.id);
    let is_text = |name: &String| {
        let column = table.column(name);
        column.is_some_and(|column| affinity(&column.native) == Affinity::Text)
    };
    let can_be = key.columns.iter().any(is_text) && key.columns.len() == key.referred.len();
    if !can_be
        || !exists(connection, &key.references.name).during(what)?
        || compares_bytes(connection, key).during(what)?
    {
        return Ok(0);
    }
    let pairs = |how: &str| {
        let pairs = key.referred.iter().zip(&key.columns);
        let pairs: Vec<String> = pairs
            .map(|(referred, column)| format!("p.{} = c.{}{how}", quote(referred), quote(column)))
            .collect();
        pairs.join(" AND ")
    };
    let parent = quote(&key.references.name);
    // The comparison by the key's own collation stays in both, since it is the one that has an index.
    let sql = format!(
        "SELECT count(*) FROM {} c WHERE EXISTS (SELECT 1 FROM {parent} p WHERE {alike}) \
         AND NOT EXISTS (SELECT 1 FROM {parent} p WHERE {alike} AND {})",
        quote(&table.id.name),
        pairs(" COLLATE BINARY"),
        alike = pairs(""),
    );
    connection
        .query_row(&sql, [], |row| row.get::<_, i64>(0).map(i64::unsigned_abs))
        .during(what)
}

/// Tells whether the referred columns have the collation that compares bytes: theirs is the one that a reference goes by. False where their
/// definition is not understood.
fn compares_bytes(connection: &Connection, key: &ForeignKey) -> rusqlite::Result<bool> {
    let definition: Option<Option<String>> = connection
        .query_row(
            "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ? COLLATE NOCASE",
            [&key.references.name],
            |row| row.get(0),
        )
        .optional()?;
    let Some(text) = definition.flatten().as_deref().and_then(read_table) else {
        return Ok(false);
    };
    let is_binary = |name: &String| {
        let mut columns = text.columns.iter();
        columns
            .find(|column| column.name.eq_ignore_ascii_case(name))
            .is_some_and(|column| {
                let collation = column.collation.as_deref();
                collation.is_none_or(|collation| collation.eq_ignore_ascii_case("BINARY"))
            })
    };
    Ok(key.referred.iter().all(is_binary))
}

fn examples(connection: &Connection, table: &Table, key: &ForeignKey) -> rusqlite::Result<Vec<String>> {
    let identity: Vec<String> = table
        .primary_key
        .as_ref()
        .map(|key| key.columns.clone())
        .unwrap_or_default();
    let shown: Vec<&String> = identity
        .iter()
        .chain(key.columns.iter().filter(|column| !identity.contains(column)))
        .collect();
    let columns: Vec<String> = shown
        .iter()
        .map(|column| format!("c.{}", quote(column)))
        .collect();
    let sql = format!(
        "SELECT {} FROM {} c WHERE {} LIMIT {EXAMPLES_MAX}",
        columns.join(", "),
        quote(&table.id.name),
        condition(connection, key)?
    );
    let mut statement = connection.prepare(&sql)?;
    let text = |row: &Row<'_>| {
        let parts = shown
            .iter()
            .enumerate()
            .map(|(at, name)| Ok(named(name, crate::codec::shown(row.get_ref(at)?))))
            .collect::<rusqlite::Result<Vec<_>>>()?;
        Ok(parts.join(", "))
    };
    statement.query_map([], text)?.collect()
}

#[cfg(test)]
mod tests {
    use whimbrel_core::{Column, Deferral, TableId};

    use super::*;

    fn key() -> ForeignKey {
        ForeignKey {
            name: String::new(),
            columns: vec!["n".to_owned()],
            references: TableId::bare("a"),
            referred: vec!["n".to_owned()],
            on_update: String::new(),
            on_delete: String::new(),
            match_full: false,
            deferral: Deferral::Never,
            validated: true,
            definition: None,
        }
    }

    #[test]
    fn a_reference_that_only_the_collation_makes_is_counted() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "PRAGMA foreign_keys = OFF; CREATE TABLE a (n TEXT COLLATE NOCASE UNIQUE); CREATE TABLE b (n TEXT REFERENCES a (n));
                 INSERT INTO a VALUES ('Ab'), ('c'); INSERT INTO b VALUES ('aB'), ('c'), ('none'), (NULL);",
            )
            .unwrap();
        let mut table = Table::empty(TableId::bare("b"));
        table.columns.push(Column::new("n", "TEXT"));
        let key = key();
        assert_eq!(inexact(&connection, &table, &key).unwrap(), 1);
        assert!(!compares_bytes(&connection, &key).unwrap());
        table.columns[0].native = "INTEGER".to_owned();
        assert_eq!(inexact(&connection, &table, &key).unwrap(), 0);
    }

    #[test]
    fn only_a_key_that_compares_bytes_is_known_to_be_exact() {
        let connection = Connection::open_in_memory().unwrap();
        for (definition, want) in [
            ("(n TEXT UNIQUE, m TEXT)", true),
            ("(n TEXT COLLATE binary UNIQUE, m TEXT COLLATE NOCASE)", true),
            ("(n TEXT COLLATE RTRIM UNIQUE)", false),
            ("(\"N\" TEXT UNIQUE COLLATE NOCASE)", false),
        ] {
            connection
                .execute_batch(&format!("DROP TABLE IF EXISTS a; CREATE TABLE A {definition}"))
                .unwrap();
            assert_eq!(compares_bytes(&connection, &key()).unwrap(), want, "{definition}");
        }
    }
    #[test]
    fn whatever_is_compared_orphans_are_those_of_the_engine() {
        let types = [
            "INTEGER",
            "REAL",
            "NUMERIC",
            "TEXT",
            "TEXT COLLATE NOCASE",
            "BLOB",
            "",
        ];
        let values = "VALUES (1), ('1'), (1.0), ('1.0'), (x'31'), ('a'), ('A'), ('a '), (2), (9007199254740993), (9007199254740992.0), (NULL)";
        for parent in types {
            for child in types {
                let connection = Connection::open_in_memory().unwrap();
                connection
                    .execute_batch(&format!(
                        "PRAGMA foreign_keys = OFF; CREATE TABLE a (n {parent} UNIQUE); CREATE TABLE b (n {child} REFERENCES a (n));
                         INSERT OR IGNORE INTO a VALUES (1), ('1'), ('A'), (9007199254740993); INSERT INTO b {values};"
                    ))
                    .unwrap();
                let mut table = Table::empty(TableId::bare("b"));
                table.foreign_keys.push(key());
                let of_engine = count_by_check(&connection, "b").unwrap();
                let of_engine = of_engine.first().map_or(0, |(_, count)| *count);
                assert_eq!(
                    orphans(&connection, &table).unwrap()[0].count,
                    of_engine,
                    "{parent}, {child}"
                );
            }
        }
    }
}

//! Compares what arrived with what was sent: rows, values that are not null, and sums, by a query per table and engine.

use std::collections::BTreeMap;
use std::fmt;

use super::pair::Engine;
use super::place::Place;

/// How many differences are told.
const TOLD_MAX: usize = 3;
/// How PostgreSQL and SQLite call the type of truth values, which MariaDB keeps as numbers.
const TRUTH: &str = "boolean";

/// What is added up of a column besides counting its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Aspect {
    Rows,
    Values,
    Sum,
    Bytes,
    Exact,
}

/// What a table and its columns add up to.
type Figures = BTreeMap<(String, String, Aspect), String>;

/// What a database holds.
#[derive(Debug, Clone)]
pub(super) struct Profile {
    figures: Figures,
    pub(super) rows: u64,
    pub(super) indexes: u64,
    pub(super) foreign_keys: u64,
}

/// How a target compares with its source.
#[derive(Debug, Clone)]
pub(super) struct Contents {
    pub(super) differences: Vec<String>,
    pub(super) indexes: u64,
    pub(super) foreign_keys: u64,
}

impl fmt::Display for Contents {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            indexes,
            foreign_keys,
            ..
        } = self;
        match self.differences.first() {
            None => write!(formatter, "same")?,
            Some(first) => write!(formatter, "differs: {first}")?,
        }
        write!(formatter, "; {indexes} indexes, {foreign_keys} foreign keys")
    }
}

impl Profile {
    /// Adds up the tables of a database; all of them, or those of another.
    pub(super) fn of(place: &Place, like: Option<&Self>) -> Result<Self, String> {
        let mut tables: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
        for line in place.query(columns_query(place.engine))?.lines() {
            let [table, column, kind] = words(line)?;
            if like.is_none_or(|like| like.figures.contains_key(&rows_key(&table.to_lowercase()))) {
                let column = (column.to_owned(), kind.to_lowercase());
                tables.entry(table.to_owned()).or_default().push(column);
            }
        }
        let mut figures = Figures::new();
        let mut rows = 0;
        for (table, columns) in &tables {
            rows += add_up(place, table, columns, &mut figures)?;
        }
        let names: Vec<String> = tables.keys().map(|table| format!("'{table}'")).collect();
        let names = if names.is_empty() {
            "''".to_owned()
        } else {
            names.join(", ")
        };
        let keys = place.query(&keys_query(place.engine, &names))?;
        let [indexes, foreign_keys] = words(keys.trim())?;
        Ok(Self {
            figures,
            rows,
            indexes: indexes.parse().unwrap_or(0),
            foreign_keys: foreign_keys.parse().unwrap_or(0),
        })
    }

    /// Returns how a target compares with this source.
    pub(super) fn compare(&self, target: &Self) -> Contents {
        let mut differences = Vec::new();
        for ((table, column, aspect), wanted) in &self.figures {
            let key = (table.clone(), column.clone(), *aspect);
            match target.figures.get(&key) {
                Some(found) if found == wanted => {}
                Some(found) => {
                    differences.push(format!("{table} {column} {aspect:?}: {found}, not {wanted}"));
                }
                // The engines' types decide what is added up; rows and values always are.
                None if matches!(aspect, Aspect::Rows | Aspect::Values) => {
                    differences.push(format!("{table} {column} is missing"));
                }
                None => {}
            }
            if differences.len() == TOLD_MAX {
                break;
            }
        }
        Contents {
            differences,
            indexes: target.indexes,
            foreign_keys: target.foreign_keys,
        }
    }
}

fn rows_key(table: &str) -> (String, String, Aspect) {
    (table.to_owned(), String::new(), Aspect::Rows)
}

/// Splits a line of a client's output.
fn words<const N: usize>(line: &str) -> Result<[&str; N], String> {
    let words: Vec<&str> = line.split('\t').collect();
    words
        .try_into()
        .map_err(|_| format!("the client answered `{line}`"))
}

/// Returns what can be added up of a type, in all engines to the same text.
fn aspect(kind: &str) -> Option<Aspect> {
    if kind.contains("int") || kind == TRUTH {
        return Some(Aspect::Sum);
    }
    if kind == "numeric" || kind.starts_with("decimal") {
        return Some(Aspect::Exact);
    }
    let bytes = ["char", "text", "blob", "bytea", "clob"];
    bytes
        .iter()
        .any(|word| kind.contains(word))
        .then_some(Aspect::Bytes)
}

fn columns_query(engine: Engine) -> &'static str {
    match engine {
        Engine::Postgres => {
            "SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns c
             JOIN information_schema.tables t USING (table_schema, table_name)
             WHERE t.table_schema = 'public' AND t.table_type = 'BASE TABLE'
             ORDER BY 1, c.ordinal_position;"
        }
        Engine::MariaDb => {
            "SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns c
             JOIN information_schema.tables t USING (table_schema, table_name)
             WHERE t.table_schema = database() AND t.table_type = 'BASE TABLE'
             ORDER BY 1, c.ordinal_position;"
        }
        Engine::Sqlite => {
            "SELECT m.name, p.name, p.type FROM sqlite_master m, pragma_table_info(m.name) p
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY m.name, p.cid;"
        }
    }
}

fn keys_query(engine: Engine, names: &str) -> String {
    match engine {
        Engine::Postgres => format!(
            "SELECT (SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
               WHERE c.relnamespace = 'public'::regnamespace AND c.relname IN ({names})),
             (SELECT count(*) FROM pg_constraint f JOIN pg_class c ON c.oid = f.conrelid
               WHERE f.contype = 'f' AND f.convalidated
               AND c.relnamespace = 'public'::regnamespace AND c.relname IN ({names}));"
        ),
        Engine::MariaDb => format!(
            "SELECT (SELECT count(DISTINCT table_name, index_name) FROM information_schema.statistics
               WHERE table_schema = database() AND table_name IN ({names})),
             (SELECT count(*) FROM information_schema.referential_constraints
               WHERE constraint_schema = database() AND table_name IN ({names}));"
        ),
        Engine::Sqlite => format!(
            "SELECT (SELECT count(*) FROM sqlite_master m, pragma_index_list(m.name)
               WHERE m.type = 'table' AND m.name IN ({names})),
             (SELECT count(*) FROM sqlite_master m, pragma_foreign_key_list(m.name) f
               WHERE m.type = 'table' AND m.name IN ({names}) AND f.seq = 0);"
        ),
    }
}

/// Adds up one table and returns its number of rows.
fn add_up(
    place: &Place,
    table: &str,
    columns: &[(String, String)],
    figures: &mut Figures,
) -> Result<u64, String> {
    let quote = |name: &str| match place.engine {
        Engine::MariaDb => format!("`{name}`"),
        Engine::Postgres | Engine::Sqlite => format!("\"{name}\""),
    };
    let mut asked = vec![(String::new(), Aspect::Rows)];
    let mut terms = vec!["count(*)".to_owned()];
    for (name, kind) in columns {
        let mut column = quote(name);
        if kind == TRUTH && place.engine == Engine::Postgres {
            column.push_str("::int");
        }
        asked.push((name.to_lowercase(), Aspect::Values));
        terms.push(format!("count({column})"));
        let aspect = aspect(kind);
        if let Some(term) = aspect.and_then(|aspect| term(place.engine, aspect, &column)) {
            asked.push((name.to_lowercase(), aspect.unwrap_or(Aspect::Values)));
            terms.push(format!("coalesce({term}, 0)"));
        }
    }
    let answer = place.query(&format!("SELECT {} FROM {};", terms.join(", "), quote(table)))?;
    let answer: Vec<&str> = answer.trim().split('\t').collect();
    if answer.len() != asked.len() {
        return Err(format!(
            "the client answered {} figures of `{table}`",
            answer.len()
        ));
    }
    let rows = answer.first().and_then(|rows| rows.parse().ok()).unwrap_or(0);
    let table = table.to_lowercase();
    for ((column, aspect), figure) in asked.into_iter().zip(answer) {
        figures.insert((table.clone(), column, aspect), figure.to_owned());
    }
    Ok(rows)
}

fn term(engine: Engine, aspect: Aspect, column: &str) -> Option<String> {
    let term = match (aspect, engine) {
        (Aspect::Rows | Aspect::Values, _) => return None,
        // Its sums of numbers with a point are approximate.
        (Aspect::Exact, Engine::Sqlite) => return None,
        // The remainders keep the sum of great numbers within what every engine can hold.
        (Aspect::Sum, _) => format!("sum({column} % 1000003)"),
        (Aspect::Exact, Engine::Postgres | Engine::MariaDb) => format!("sum({column})"),
        (Aspect::Bytes, Engine::Sqlite) => format!("sum(length(CAST({column} AS blob)))"),
        (Aspect::Bytes, Engine::MariaDb | Engine::Postgres) => format!("sum(octet_length({column}))"),
    };
    Some(term)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(figures: &[(&str, Aspect, &str)]) -> Profile {
        let figure = |(column, aspect, value): &(&str, Aspect, &str)| {
            (
                ("t".to_owned(), (*column).to_owned(), *aspect),
                (*value).to_owned(),
            )
        };
        Profile {
            figures: figures.iter().map(figure).collect(),
            rows: 0,
            indexes: 0,
            foreign_keys: 0,
        }
    }

    #[test]
    fn a_missing_row_column_and_another_sum_are_differences() {
        let source = profile(&[
            ("", Aspect::Rows, "2"),
            ("a", Aspect::Values, "2"),
            ("a", Aspect::Sum, "7"),
        ]);
        assert!(source.compare(&source).differences.is_empty());
        for other in [
            profile(&[
                ("", Aspect::Rows, "1"),
                ("a", Aspect::Values, "2"),
                ("a", Aspect::Sum, "7"),
            ]),
            profile(&[("", Aspect::Rows, "2")]),
            profile(&[
                ("", Aspect::Rows, "2"),
                ("a", Aspect::Values, "2"),
                ("a", Aspect::Sum, "8"),
            ]),
        ] {
            assert_eq!(source.compare(&other).differences.len(), 1, "{other:?}");
        }
    }

    #[test]
    fn figures_that_one_engine_cannot_have_are_left_out() {
        let source = profile(&[
            ("", Aspect::Rows, "2"),
            ("a", Aspect::Values, "2"),
            ("a", Aspect::Exact, "7.10"),
        ]);
        let target = profile(&[
            ("", Aspect::Rows, "2"),
            ("a", Aspect::Values, "2"),
            ("a", Aspect::Bytes, "9"),
        ]);
        assert!(source.compare(&target).differences.is_empty());
    }
}

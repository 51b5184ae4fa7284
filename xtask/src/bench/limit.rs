//! The limit: what the engines themselves take to give out all rows and to take them in, with indexes and foreign keys, and nothing
//! else. Servers write and read files of their own; each takes in its own engine's copy of the data set.

use std::fs;
use std::path::Path;

use super::measure::{Measured, Script, Stopwatch};
use super::pair::Engine;
use super::place::Place;

/// How many tables get a client of their own.
const BIG_TABLES: usize = 9;

/// One measurement of the limit.
#[derive(Debug)]
pub(super) struct Limit<'a> {
    pub(super) source: &'a Place,
    /// The target engine's own copy of the source's contents.
    pub(super) sample: &'a Place,
    pub(super) target: &'a Place,
    /// An empty folder of ours.
    pub(super) folder: &'a Path,
    /// A folder, in memory if there is room, that the servers write to and read from.
    pub(super) exchange: &'a Path,
}

/// How the statements of a MariaDB table come apart.
#[derive(Debug, Default, PartialEq, Eq)]
struct Parts {
    table: String,
    indexes: Vec<String>,
    foreign_keys: Vec<String>,
}

impl Limit<'_> {
    /// Measures the way out and the way in, one after the other.
    pub(super) fn measure(&self, stopwatch: &Stopwatch) -> Result<Measured, String> {
        let out = stopwatch.run(&self.out(self.source)?, self.folder, &[0])?;
        if self.sample.engine != self.source.engine {
            clear(self.exchange);
            if self.sample.engine != Engine::Sqlite {
                stopwatch.run(&self.out(self.sample)?, self.folder, &[0])?;
            }
        }
        let script = match self.sample.engine {
            Engine::Postgres => self.load_postgres()?,
            Engine::MariaDb => self.load_mariadb()?,
            Engine::Sqlite => self.load_sqlite()?,
        };
        let into = stopwatch.run(&script, self.folder, &[0]);
        clear(self.exchange);
        Ok(out.then(into?))
    }

    /// Returns the script in which the engine gives out all rows, two tables at a time.
    fn out(&self, source: &Place) -> Result<Script, String> {
        let exchange = self.exchange.display();
        let statement = |table: &str| match source.engine {
            Engine::Postgres => format!("COPY \"{table}\" TO '{exchange}/{table}' (FORMAT binary);\n"),
            Engine::MariaDb | Engine::Sqlite => {
                format!("SELECT * INTO OUTFILE '{exchange}/{table}' FROM `{table}`;\n")
            }
        };
        let text = if source.engine == Engine::Sqlite {
            self.write("read.sql", &read_everything(source)?)?;
            format!(
                "exec sqlite3 -batch -bail '{}' < read.sql > /dev/null",
                source.name
            )
        } else {
            let statements: Vec<String> = tables(source)?.iter().map(|table| statement(table)).collect();
            self.two_at_a_time("out", &client(source), &statements)?
        };
        Ok(source.environment(Script::new(text)))
    }

    /// Writes the statements into files, those of the biggest tables into files of their own, and returns the command
    /// that runs the files, two at a time. A client for each small table would take longer than the table.
    fn two_at_a_time(&self, name: &str, client: &str, statements: &[String]) -> Result<String, String> {
        let (big, small) = statements.split_at(BIG_TABLES.min(statements.len()));
        let small = small.concat();
        let files: Vec<&str> = big.iter().map(String::as_str).chain([small.as_str()]).collect();
        for (at, text) in files.iter().enumerate() {
            self.write(&format!("{name}-{at}.sql"), text)?;
        }
        let last = files.len() - 1;
        Ok(format!(
            "seq 0 {last} | xargs -P 2 -I {{}} sh -c '{client} < {name}-{{}}.sql'"
        ))
    }

    fn load_postgres(&self) -> Result<Script, String> {
        let (sample, target) = (&self.sample.name, &self.target.name);
        let exchange = self.exchange.display();
        let statements: Vec<String> = tables(self.sample)?
            .iter()
            .map(|table| format!("COPY \"{table}\" FROM '{exchange}/{table}' (FORMAT binary);\n"))
            .collect();
        let load = self.two_at_a_time("load", &client(self.target), &statements)?;
        let text = format!(
            "set -e\npg_restore --section=pre-data -d {target} schema\n{load}\n\
             pg_restore -j 2 --section=post-data -d {target} schema\n"
        );
        self.prepare(&format!(
            "exec pg_dump -Fc --schema-only --no-owner -f schema -d {sample}"
        ))?;
        Ok(self.target.environment(Script::new(text)))
    }

    /// Runs a script that is not measured.
    fn prepare(&self, text: &str) -> Result<(), String> {
        let script = self.target.environment(Script::new(text));
        let unmeasured = Stopwatch {
            clock: super::process::Clock::new(),
            servers: Vec::new(),
            patience: std::time::Duration::from_secs(60),
        };
        unmeasured.run(&script, self.folder, &[0]).map(drop)
    }

    fn load_mariadb(&self) -> Result<Script, String> {
        let exchange = self.exchange.display();
        let quick = "SET SESSION foreign_key_checks = 0, unique_checks = 0;\n";
        let (mut create, mut last) = (quick.to_owned(), quick.to_owned());
        let mut statements = Vec::new();
        for name in tables(self.sample)? {
            let answer = self.sample.query(&format!("SHOW CREATE TABLE `{name}`;"))?;
            let ddl = answer.split_once('\t').map_or("", |(_, ddl)| ddl);
            let parts = Parts::of(ddl.trim_end());
            create.push_str(&format!("{};\n", parts.table));
            statements.push(format!(
                "{quick}LOAD DATA INFILE '{exchange}/{name}' INTO TABLE `{name}` CHARACTER SET binary;\n{}",
                alter(&name, &parts.indexes)
            ));
            last.push_str(&alter(&name, &parts.foreign_keys));
        }
        self.write("create.sql", &create)?;
        self.write("last.sql", &last)?;
        let client = client(self.target);
        let load = self.two_at_a_time("load", &client, &statements)?;
        let text = format!("set -e\n{client} < create.sql\n{load}\n{client} < last.sql\n");
        Ok(self.target.environment(Script::new(text)))
    }

    fn load_sqlite(&self) -> Result<Script, String> {
        let sample = self.sample;
        let mut sql = format!(
            "PRAGMA journal_mode = OFF;\nPRAGMA synchronous = OFF;\nPRAGMA cache_size = -262144;\n\
             ATTACH '{}' AS sample;\nBEGIN;\n",
            sample.name
        );
        let made = "SELECT sql || ';' FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite!_%' ESCAPE '!'";
        sql.push_str(&sample.query(&format!("{made} AND type = 'table';"))?);
        for table in tables(sample)? {
            // Named columns: with a star, SQLite would copy the tables' records as they are.
            let columns = columns(sample, &table)?.join(", ");
            sql.push_str(&format!(
                "INSERT INTO main.\"{table}\" ({columns}) SELECT {columns} FROM sample.\"{table}\";\n"
            ));
        }
        sql.push_str(&sample.query(&format!("{made} AND type = 'index';"))?);
        sql.push_str("COMMIT;\n");
        self.write("write.sql", &sql)?;
        let target = &self.target.name;
        Ok(Script::new(format!(
            "set -e\nsqlite3 -batch -bail '{target}' < write.sql\nsync '{target}'\n"
        )))
    }

    fn write(&self, name: &str, text: &str) -> Result<(), String> {
        fs::write(self.folder.join(name), text).map_err(|error| format!("cannot write `{name}`: {error}"))
    }
}

impl Parts {
    /// Takes the secondary indexes and the foreign keys out of a table's statement.
    fn of(ddl: &str) -> Self {
        let mut parts = Self::default();
        let mut kept = Vec::new();
        let numbered = ddl.lines().find(|line| line.contains(" AUTO_INCREMENT"));
        let numbered = numbered.and_then(|line| line.trim().split(' ').next());
        for line in ddl.lines() {
            let text = line.trim().trim_end_matches(',');
            let is_index = ["KEY ", "UNIQUE KEY ", "FULLTEXT KEY ", "SPATIAL KEY "]
                .iter()
                .any(|start| text.starts_with(start));
            // A numbered column needs its key from the beginning.
            let numbers = numbered.is_some_and(|column| text.contains(&format!("({column}")));
            if is_index && !numbers {
                parts.indexes.push(format!("ADD {text}"));
            } else if text.starts_with("CONSTRAINT ") && text.contains(" FOREIGN KEY ") {
                parts.foreign_keys.push(format!("ADD {text}"));
            } else {
                kept.push(text);
            }
        }
        let inner = kept.len().saturating_sub(1);
        let columns = kept.get(1..inner).unwrap_or_default().join(",\n");
        let first = kept.first().copied().unwrap_or_default();
        let last = kept.last().copied().unwrap_or_default();
        parts.table = format!("{first}\n{columns}\n{last}");
        parts
    }
}

fn alter(table: &str, parts: &[String]) -> String {
    if parts.is_empty() {
        return String::new();
    }
    format!("ALTER TABLE `{table}` {};\n", parts.join(", "))
}

/// Returns the command that runs the statements on its standard input in a database of a server.
fn client(place: &Place) -> String {
    match place.engine {
        Engine::Postgres => format!("psql -X -q -v ON_ERROR_STOP=1 -d {}", place.name),
        Engine::MariaDb | Engine::Sqlite => format!("mariadb {} {}", place.mariadb_options(), place.name),
    }
}

/// Returns the tables, the biggest first.
fn tables(place: &Place) -> Result<Vec<String>, String> {
    let question = match place.engine {
        Engine::Postgres => {
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
             ORDER BY pg_table_size(oid) DESC;"
        }
        Engine::MariaDb => {
            "SELECT table_name FROM information_schema.tables
             WHERE table_schema = database() AND table_type = 'BASE TABLE' ORDER BY data_length DESC;"
        }
        Engine::Sqlite => {
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!';"
        }
    };
    Ok(place.query(question)?.lines().map(str::to_owned).collect())
}

fn columns(place: &Place, table: &str) -> Result<Vec<String>, String> {
    let found = place.query(&format!(
        "SELECT '\"' || name || '\"' FROM pragma_table_info('{table}');"
    ))?;
    Ok(found.lines().map(str::to_owned).collect())
}

/// Returns statements that touch every value of a file.
fn read_everything(place: &Place) -> Result<String, String> {
    let mut sql = String::new();
    for table in tables(place)? {
        let values: Vec<String> = columns(place, &table)?
            .iter()
            .map(|column| format!("max({column})"))
            .collect();
        sql.push_str(&format!("SELECT {} FROM \"{table}\";\n", values.join(", ")));
    }
    Ok(sql)
}

/// Removes what the servers wrote.
fn clear(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        fs::remove_file(entry.path()).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_and_foreign_keys_come_apart_from_their_table() {
        let parts = Parts::of(
            "CREATE TABLE `t` (\n  `id` bigint(20) NOT NULL AUTO_INCREMENT,\n  `a` int(11),\n  PRIMARY KEY (`id`),\n  \
             UNIQUE KEY `u` (`a`),\n  KEY `k` (`a`,`id`),\n  CONSTRAINT `f` FOREIGN KEY (`a`) REFERENCES `p` (`id`)\n\
             ) ENGINE=InnoDB",
        );
        assert_eq!(
            parts,
            Parts {
                table: "CREATE TABLE `t` (\n`id` bigint(20) NOT NULL AUTO_INCREMENT,\n`a` int(11),\nPRIMARY KEY (`id`)\n) ENGINE=InnoDB"
                    .to_owned(),
                indexes: vec!["ADD UNIQUE KEY `u` (`a`)".to_owned(), "ADD KEY `k` (`a`,`id`)".to_owned()],
                foreign_keys: vec!["ADD CONSTRAINT `f` FOREIGN KEY (`a`) REFERENCES `p` (`id`)".to_owned()],
            }
        );
    }
}

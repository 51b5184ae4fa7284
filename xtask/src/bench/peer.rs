//! The other programs that move databases: where they are found, how they are tuned, and the script that runs each.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::measure::Script;
use super::pair::{Engine, Pair};
use super::place::{Place, USER};

/// Names the program of sling where it is not on the path.
const SLING: &str = "WHIMBREL_BENCH_SLING";

/// One migration for a peer to do.
#[derive(Debug)]
pub(super) struct Job<'a> {
    pub(super) source: &'a Place,
    pub(super) target: &'a Place,
    /// An empty folder on the disk.
    pub(super) folder: &'a Path,
}

/// Another program that moves databases.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) name: &'static str,
    /// The programs that it needs.
    pub(super) programs: &'static [&'static str],
    /// What installs it.
    pub(super) install: &'static str,
    /// How it is run, for the report.
    pub(super) tuning: &'static str,
    pub(super) serves: fn(Pair) -> bool,
    pub(super) script: fn(&Job) -> io::Result<Script>,
}

/// Every peer, in the order of the report.
pub(super) const PEERS: &[Peer] = &[
    Peer {
        name: "pgloader",
        programs: &["pgloader"],
        install: "apt-get install pgloader",
        tuning: "`workers = 4, concurrency = 1, batch rows = 10000, batch size = 20MB, prefetch rows = 1000`, two indexes at \
                 a time, `maintenance_work_mem` 512 MB, `synchronous_commit` off; with indexes and foreign keys",
        serves: |pair| pair.target == Engine::Postgres && pair.source != Engine::Postgres,
        script: pgloader,
    },
    Peer {
        name: "pgcopydb",
        programs: &["pgcopydb"],
        install: "apt-get install pgcopydb",
        tuning: "`clone --table-jobs 2 --index-jobs 2`",
        serves: |pair| pair == between(Engine::Postgres),
        script: pgcopydb,
    },
    Peer {
        name: "pg_dump",
        programs: &["pg_dump", "pg_restore"],
        install: "apt-get install postgresql-client",
        tuning: "`pg_dump -Fd -Z 0 -j 2`, then `pg_restore -j 2`",
        serves: |pair| pair == between(Engine::Postgres),
        script: pg_dump,
    },
    Peer {
        name: "mydumper",
        programs: &["mydumper", "myloader"],
        install: "apt-get install mydumper",
        tuning: "`mydumper -t 2 --rows 100000`, then `myloader -t 2`",
        serves: |pair| pair == between(Engine::MariaDb),
        script: mydumper,
    },
    Peer {
        name: "mariadb-dump",
        programs: &["mariadb-dump", "mariadb"],
        install: "apt-get install mariadb-client",
        tuning: "`mariadb-dump --single-transaction --quick --hex-blob | mariadb`",
        serves: |pair| pair == between(Engine::MariaDb),
        script: mariadb_dump,
    },
    Peer {
        name: "sqlite-dump",
        programs: &["sqlite3"],
        install: "apt-get install sqlite3",
        tuning: "`sqlite3 SOURCE .dump | sqlite3 TARGET`",
        serves: |pair| pair == between(Engine::Sqlite),
        script: sqlite_dump,
    },
    Peer {
        name: "sling",
        programs: &["sling"],
        install: "pip install sling (and WHIMBREL_BENCH_SLING=PATH when it is not on the path)",
        tuning: "`mode: full-refresh`, `SLING_THREADS=2`; bare tables, without keys, indexes and foreign keys",
        serves: |_| true,
        script: sling,
    },
];

fn between(engine: Engine) -> Pair {
    Pair {
        source: engine,
        target: engine,
    }
}

impl Peer {
    /// Returns the first line that the program says about its version, or nothing when it is missing.
    pub(super) fn version(&self) -> Option<String> {
        let found: Option<Vec<PathBuf>> = self.programs.iter().map(|program| find(program)).collect();
        let program = found?.into_iter().next()?;
        let flag = if self.name == "sqlite-dump" {
            "-version"
        } else {
            "--version"
        };
        let output = Command::new(program)
            .arg(flag)
            .stdin(Stdio::null())
            .output()
            .ok()?;
        // A program that is only the shell of another which it has yet to fetch is of no use.
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        let line = text
            .lines()
            .find(|line| line.chars().any(|letter| letter.is_ascii_digit()));
        output
            .status
            .success()
            .then(|| line.unwrap_or_default().trim().to_owned())
    }
}

/// Returns where a program is.
fn find(program: &str) -> Option<PathBuf> {
    if program == "sling"
        && let Some(given) = std::env::var_os(SLING)
    {
        return Some(given.into());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// Writes a file that only we may read, since it holds a password.
fn write(job: &Job, name: &str, text: &str) -> io::Result<()> {
    fs::write(job.folder.join(name), text)
}

/// Returns the options of mydumper and myloader, which cannot be told otherwise where the server is.
fn mydumper_login(place: &Place) -> String {
    let Place { port, password, .. } = place;
    format!("--host 127.0.0.1 --port {port} --user {USER} --password {password}")
}

fn pgloader(job: &Job) -> io::Result<Script> {
    let source = match job.source.engine {
        Engine::MariaDb => job.source.url().replacen("mariadb:", "mysql:", 1),
        Engine::Sqlite | Engine::Postgres => format!("sqlite://{}", job.source.name),
    };
    let target = job.target.url().replacen("postgres:", "postgresql:", 1);
    let (with, after) = match job.source.engine {
        Engine::MariaDb => (
            "include drop, create tables, create indexes, reset sequences, foreign keys, ",
            format!("\nALTER SCHEMA '{}' RENAME TO 'public'", job.source.name),
        ),
        Engine::Sqlite | Engine::Postgres => (
            "include drop, create tables, create indexes, reset sequences, ",
            String::new(),
        ),
    };
    let commands = format!(
        "LOAD DATABASE FROM {source}\nINTO {target}\n\
         WITH {with}workers = 4, concurrency = 1, max parallel create index = 2, batch rows = 10000, \
         batch size = 20MB, prefetch rows = 1000\n\
         SET maintenance_work_mem to '512MB', work_mem to '64MB', synchronous_commit to 'off'{after};\n"
    );
    write(job, "commands.load", &commands)?;
    Ok(Script::new(
        "exec pgloader --on-error-stop --root-dir . commands.load",
    ))
}

fn pgcopydb(job: &Job) -> io::Result<Script> {
    let text = "exec pgcopydb clone --source \"$SOURCE\" --target \"$TARGET\" --dir copy --table-jobs 2 --index-jobs 2 \
                --no-owner --no-acl";
    Ok(Script::new(text)
        .with("SOURCE", job.source.url())
        .with("TARGET", job.target.url()))
}

fn pg_dump(job: &Job) -> io::Result<Script> {
    let text = format!(
        "set -e\npg_dump -Fd -Z 0 -j 2 -f dump -d {}\npg_restore -j 2 --no-owner -d {} dump\n",
        job.source.name, job.target.name
    );
    Ok(job.target.environment(Script::new(text)))
}

fn mydumper(job: &Job) -> io::Result<Script> {
    let (source, target) = (job.source, job.target);
    Ok(Script::new(format!(
        "set -e\nmydumper -t 2 --rows 100000 -B {} -o dump {}\nmyloader -t 2 -s {} -B {} -d dump {}\n",
        source.name,
        mydumper_login(source),
        source.name,
        target.name,
        mydumper_login(target)
    )))
}

fn mariadb_dump(job: &Job) -> io::Result<Script> {
    let text = format!(
        "{{ mariadb-dump {} --single-transaction --quick --hex-blob {} || echo 'the dump failed' >&2; }} | mariadb {} {}",
        job.source.mariadb_options(),
        job.source.name,
        job.target.mariadb_options(),
        job.target.name
    );
    Ok(job.target.environment(Script::new(text)))
}

fn sqlite_dump(job: &Job) -> io::Result<Script> {
    let text = "sqlite3 \"$SOURCE\" .dump | sqlite3 \"$TARGET\"";
    Ok(Script::new(text)
        .with("SOURCE", &job.source.name)
        .with("TARGET", &job.target.name))
}

fn sling(job: &Job) -> io::Result<Script> {
    let schema = |place: &Place| match place.engine {
        Engine::Postgres => "public".to_owned(),
        Engine::MariaDb => place.name.clone(),
        Engine::Sqlite => "main".to_owned(),
    };
    let source = schema(job.source);
    let url = |place: &Place| match place.engine {
        Engine::Postgres => format!("{}?sslmode=disable", place.url()),
        Engine::MariaDb => place.url(),
        Engine::Sqlite => format!("sqlite://{}", place.name),
    };
    let mut replication = format!(
        "source: BENCH_SOURCE\ntarget: BENCH_TARGET\ndefaults:\n  mode: full-refresh\n  object: '{}.{{stream_table}}'\n\
         streams:\n",
        schema(job.target),
    );
    for (table, bytes) in tables(job.source)? {
        replication.push_str(&format!("  '{source}.{table}':\n"));
        if !bytes.is_empty() {
            replication.push_str("    columns:\n");
        }
        for column in bytes {
            replication.push_str(&format!("      {column}: binary\n"));
        }
    }
    write(job, "replication.yaml", &replication)?;
    let program = find("sling").unwrap_or_else(|| "sling".into());
    Ok(Script::new("exec \"$SLING\" run -r replication.yaml")
        .with("SLING", program.to_string_lossy())
        .with("SLING_THREADS", "2")
        .with("SLING_DISABLE_TELEMETRY", "true")
        .with("SLING_HOME_DIR", job.folder.join("sling").to_string_lossy())
        .with("BENCH_SOURCE", url(job.source))
        .with("BENCH_TARGET", url(job.target)))
}

/// Returns the tables and their columns of bytes, which sling takes for text unless it is told.
fn tables(place: &Place) -> io::Result<BTreeMap<String, Vec<String>>> {
    let question = match place.engine {
        Engine::Postgres => {
            "SELECT table_name, column_name, data_type = 'bytea' FROM information_schema.columns
             WHERE table_schema = 'public';"
        }
        Engine::MariaDb => {
            "SELECT table_name, column_name, data_type LIKE '%blob' FROM information_schema.columns
             WHERE table_schema = database();"
        }
        Engine::Sqlite => {
            "SELECT m.name, p.name, p.type = 'blob' FROM sqlite_master m, pragma_table_info(m.name) p
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite!_%' ESCAPE '!';"
        }
    };
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in place.query(question).map_err(io::Error::other)?.lines() {
        let mut words = line.split('\t');
        let (Some(table), Some(column), Some(is_bytes)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        let columns = found.entry(table.to_owned()).or_default();
        if matches!(is_bytes, "t" | "1") {
            columns.push(column.to_owned());
        }
    }
    Ok(found)
}

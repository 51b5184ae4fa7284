//! What the programs of a project say themselves: calls that open a database of one kind, and URLs. It is read last and only where it
//! is nearest to the folder, since a program may speak of databases that it does not use.

use super::clues::{code, of_places, of_setting};
use super::evidence::{Engine, Evidence, Weight};
use super::found::Found;
use super::project::{File, Project};

use Engine::{Mongodb, Mysql, Postgresql, Sqlite};

/// Languages of programs.
const LANGUAGES: [&str; 28] = [
    "ps1", "js", "cjs", "mjs", "ts", "cts", "mts", "tsx", "py", "php", "inc", "go", "rb", "rs", "java", "kt",
    "scala", "groovy", "gradle", "kts", "cs", "fs", "ex", "sh", "bash", "pl", "service", "ipynb",
];
/// Names of files with commands in them.
const COMMANDS: [&str; 6] = [
    "makefile",
    "justfile",
    "taskfile.yml",
    "procfile",
    "pom.xml",
    "rakefile",
];
/// Files that are looked into.
const FILES_MAX: usize = 3_000;
/// What a program writes to open a database of one kind, and whose library that is when it is a migration tool's.
const CALLS: [(&str, Engine, Option<&str>); 34] = [
    ("mysqli_connect(", Mysql, None),
    ("new mysqli(", Mysql, None),
    ("new PDO('mysql:", Mysql, None),
    ("new PDO(\"mysql:", Mysql, None),
    ("sql.Open(\"mysql\"", Mysql, None),
    ("mysql.createConnection(", Mysql, None),
    ("mysql.createPool(", Mysql, None),
    ("mysql.connector.connect(", Mysql, None),
    ("pymysql.connect(", Mysql, None),
    ("MySQLdb.connect(", Mysql, None),
    ("dbi:mysql:", Mysql, None),
    ("drizzle-orm/mysql-core", Mysql, Some("drizzle")),
    ("drizzle-orm/mysql2", Mysql, Some("drizzle")),
    ("pg_connect(", Postgresql, None),
    ("new PDO('pgsql:", Postgresql, None),
    ("new PDO(\"pgsql:", Postgresql, None),
    ("sql.Open(\"postgres\"", Postgresql, None),
    ("sql.Open(\"pgx\"", Postgresql, None),
    ("pgxpool.New(", Postgresql, None),
    ("pgx.Connect(", Postgresql, None),
    ("psycopg2.connect(", Postgresql, None),
    ("psycopg.connect(", Postgresql, None),
    ("asyncpg.create_pool(", Postgresql, None),
    ("dbi:Pg:", Postgresql, None),
    ("drizzle-orm/pg-core", Postgresql, Some("drizzle")),
    ("drizzle-orm/node-postgres", Postgresql, Some("drizzle")),
    ("sqlite3.connect(", Sqlite, None),
    ("sql.Open(\"sqlite3\"", Sqlite, None),
    ("new SQLite3(", Sqlite, None),
    ("dbi:SQLite:", Sqlite, None),
    ("drizzle-orm/sqlite-core", Sqlite, Some("drizzle")),
    ("mongoose.connect(", Mongodb, None),
    ("new MongoClient(", Mongodb, None),
    ("MongoClient(", Mongodb, None),
];
/// What a line holds that can say anything at all, in lower case.
const SIGNS: [&str; 8] = [
    "sql",
    "postgres",
    "mongo",
    "pg",
    "maria",
    "tcp(",
    "host=",
    "data source=",
];

/// Returns what the programs say.
pub(super) fn find(project: &Project, found: &mut Found) {
    let files = project.files().iter().filter(|file| is_program(file));
    for file in files.take(FILES_MAX) {
        found.add(of_file(project, file));
    }
}

fn is_program(file: &File) -> bool {
    LANGUAGES.contains(&file.extension()) || COMMANDS.contains(&file.name.as_str())
}

fn of_file(project: &Project, file: &File) -> Vec<Evidence> {
    let lines = project.lines(file);
    project.pieces(file, code(&lines), |line| {
        let lower = line.to_ascii_lowercase();
        let says_anything = SIGNS.iter().any(|sign| lower.contains(sign));
        if says_anything {
            of_line(file, line)
        } else {
            Vec::new()
        }
    })
}

fn of_line(file: &File, line: &str) -> Vec<Evidence> {
    // A URL in a program is as likely an example.
    let mut evidence = of_places(file, Weight::Weak, line);
    if let Some((call, engine, tool)) = CALLS.iter().find(|(call, ..)| line.contains(call)) {
        let call = call.trim_end_matches('(');
        let mut found = Evidence::new(file, Weight::Medium, format!("the program says `{call}`")).of(*engine);
        found.tool = *tool;
        evidence.push(found);
    }
    if evidence.is_empty() && line.contains(['\'', '"']) {
        evidence.extend(of_setting(file, Weight::Weak, line, true));
    }
    evidence
}

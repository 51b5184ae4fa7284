//! Fills a PostgreSQL database through `psql`.

use super::dialect::Dialect;
use super::encode::Format;
use super::load;
use super::schema::{Kind, Recipe};
use super::tables::TABLES;
use super::target::Server;
use crate::cargo::Failure;

const DIALECT: Dialect = Dialect::Postgres;
const COUNT_TABLES: &str = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
AND c.relkind IN ('r', 'p', 'v', 'm', 'f');";
const SETTINGS: &str = "SET synchronous_commit = off; SET maintenance_work_mem = '256MB';
SET max_parallel_maintenance_workers = 0;";

/// Returns how many tables and their like there are.
pub(super) fn tables(server: &Server) -> Result<String, Failure> {
    load::output(server.psql(), COUNT_TABLES)
}

/// Makes the tables, fills them, then builds keys and indexes.
pub(super) fn fill(server: &Server, recipe: &Recipe) -> Result<(), Failure> {
    let run = |script: &str| load::output(server.psql(), script).map(drop);
    run(&TABLES
        .iter()
        .map(|table| DIALECT.create(table))
        .collect::<String>())?;
    load::each_table(recipe, |name| {
        let table = &TABLES[name as usize];
        let quoted = DIALECT.quote(table.name);
        let mut psql = server.psql();
        // A table that is emptied in the same transaction needs no visibility checks later.
        psql.args(["-1", "-c", SETTINGS, "-c", &format!("TRUNCATE {quoted}")]);
        psql.args(["-c", &format!("COPY {quoted} FROM STDIN (FREEZE)")]);
        load::stream(psql, |out| load::rows(recipe, name, Format::Copy, out))?;
        run(&format!("{SETTINGS}\n{}", DIALECT.index(table)))
    })?;
    let mut last = SETTINGS.to_owned();
    for table in &TABLES {
        last.push_str(&DIALECT.foreign_keys(table));
        if table.columns.iter().any(|column| column.kind == Kind::Identity) {
            let name = table.name;
            last.push_str(&format!(
                "SELECT setval(pg_get_serial_sequence('{name}', 'id'), max(id)) FROM \"{name}\";\n"
            ));
        }
    }
    last.push_str("VACUUM (ANALYZE);\n");
    run(&last)
}

//! Fills a MariaDB or MySQL database through MariaDB's client.

use super::dialect::Dialect;
use super::encode::Format;
use super::load;
use super::schema::{Kind, Recipe, Table};
use super::tables::TABLES;
use super::target::Server;
use crate::cargo::Failure;

const DIALECT: Dialect = Dialect::MariaDb;
const COUNT_TABLES: &str = "SELECT count(*) FROM information_schema.tables WHERE table_schema = DATABASE();";
/// The rows are known to be sound, and tables refer to each other in a circle.
const SETTINGS: &str = "SET SESSION foreign_key_checks = 0, unique_checks = 0;\n";

/// Returns how many tables and views there are.
pub(super) fn tables(server: &Server) -> Result<String, Failure> {
    load::output(server.mariadb(), COUNT_TABLES)
}

/// Makes the tables, fills them in the order of their primary keys, then builds the other indexes.
pub(super) fn fill(server: &Server, recipe: &Recipe) -> Result<(), Failure> {
    let run = |script: &str| load::output(server.mariadb(), &format!("{SETTINGS}{script}")).map(drop);
    if load::output(server.mariadb(), "SELECT @@local_infile;")? == "0" {
        run("SET GLOBAL local_infile = 1;")?;
    }
    run(&TABLES
        .iter()
        .map(|table| DIALECT.create(table))
        .collect::<String>())?;
    load::each_table(recipe, |name| {
        let table = &TABLES[name as usize];
        let mut client = server.mariadb();
        client.args(["--execute", &format!("{SETTINGS}{}", load_statement(table))]);
        load::stream(client, |out| load::rows(recipe, name, Format::LoadData, out))?;
        run(&DIALECT.index(table))
    })?;
    // Tables that refer to each other wait for each other's locks, so this is done one by one.
    run(&TABLES
        .iter()
        .map(|table| DIALECT.foreign_keys(table))
        .collect::<String>())?;
    let names: Vec<String> = TABLES.iter().map(|table| DIALECT.quote(table.name)).collect();
    run(&format!("ANALYZE TABLE {};", names.join(", ")))
}

/// Returns the statement that reads rows from the client's standard input. They are declared binary, since some
/// columns are, and MySQL does not take JSON that is.
fn load_statement(table: &Table) -> String {
    let mut columns = Vec::new();
    let mut converted = Vec::new();
    for column in table.columns {
        let name = DIALECT.quote(column.name);
        if column.kind == Kind::Json {
            columns.push(format!("@{}", column.name));
            converted.push(format!("{name} = CONVERT(@{} USING utf8mb4)", column.name));
        } else {
            columns.push(name);
        }
    }
    let set = match converted.as_slice() {
        [] => String::new(),
        _ => format!(" SET {}", converted.join(", ")),
    };
    format!(
        "LOAD DATA LOCAL INFILE '/dev/stdin' INTO TABLE {} CHARACTER SET binary ({}){set}",
        DIALECT.quote(table.name),
        columns.join(", ")
    )
}

//! There and back: what every engine holds comes home as it left, through every other engine.

use crate::pair::{Database, Engine, move_into};

/// Values that every engine can hold in some form. Each statement is understood by all of them, apart from the words in braces.
const GALLERY: &str = "
create table plain (id {integer} primary key, b {bool}, i {integer}, l {bigint}, d decimal(20,5), f {double}, t {text}, v varchar(30), x {blob}, day {date}, at {timestamp});
insert into plain values (1, {true}, -2147483648, 9223372036854775807, 123456789012345.12345, 0.1, 'it''s 😀', '  pad', {bytes}, '2024-02-29', '2024-02-29 23:59:59.123456');
insert into plain values (2, {false}, 2147483647, -9223372036854775807, -0.00001, 1e300, '', 'NULL', {empty}, '1970-01-01', '1970-01-01 00:00:00');
insert into plain values (3, null, null, null, null, null, null, null, null, null, null);
create table parent (a varchar(20) not null, b {integer} not null, primary key (a, b));
insert into parent values ('x', 1), ('y', 1), ('z', 2);
create table child (id {integer} primary key, a varchar(20), b {integer}, foreign key (a, b) references parent (a, b));
insert into child values (1, 'x', 1), (2, null, null), (3, 'z', 2);
create table keyless (a {integer}, t {text});
insert into keyless values (1, 'same'), (1, 'same'), (null, null);
";

/// Reads of the gallery that look the same in every form: a file keeps truth as a number, and the digits of a decimal as text.
fn reads(engine: Engine) -> [String; 4] {
    let (truth, decimal) = match engine {
        Engine::Postgres => (
            "case b::text when 'true' then '1' when 'false' then '0' else b::text end",
            "d",
        ),
        Engine::Sqlite => ("b", "d + 0"),
        Engine::MariaDb | Engine::MySql => ("b", "d"),
    };
    [
        format!("select id, {truth}, i, l, {decimal}, t, v, x from plain order by id"),
        "select a, b from parent order by a, b".to_owned(),
        "select id, a, b from child order by id".to_owned(),
        "select a, t from keyless order by a, t".to_owned(),
    ]
}

fn gallery(engine: Engine) -> String {
    let words: [(&str, &str); 12] = match engine {
        Engine::Sqlite => [
            ("{integer}", "integer"),
            ("{bool}", "boolean"),
            ("{bigint}", "integer"),
            ("{double}", "real"),
            ("{text}", "text"),
            ("{blob}", "blob"),
            ("{date}", "date"),
            ("{timestamp}", "timestamp"),
            ("{true}", "1"),
            ("{false}", "0"),
            ("{bytes}", "x'00ff5c27'"),
            ("{empty}", "x''"),
        ],
        Engine::Postgres => [
            ("{integer}", "integer"),
            ("{bool}", "boolean"),
            ("{bigint}", "bigint"),
            ("{double}", "double precision"),
            ("{text}", "text"),
            ("{blob}", "bytea"),
            ("{date}", "date"),
            ("{timestamp}", "timestamp"),
            ("{true}", "true"),
            ("{false}", "false"),
            ("{bytes}", "'\\x00ff5c27'"),
            ("{empty}", "''"),
        ],
        Engine::MariaDb | Engine::MySql => [
            ("{integer}", "int"),
            ("{bool}", "boolean"),
            ("{bigint}", "bigint"),
            ("{double}", "double"),
            ("{text}", "text"),
            ("{blob}", "blob"),
            ("{date}", "date"),
            ("{timestamp}", "datetime(6)"),
            ("{true}", "1"),
            ("{false}", "0"),
            ("{bytes}", "x'00ff5c27'"),
            ("{empty}", "x''"),
        ],
    };
    words.iter().fold(GALLERY.to_owned(), |sql, (word, spelled)| {
        sql.replace(word, spelled)
    })
}

/// The whole gallery as the engine shows it.
fn content(database: &Database, engine: Engine) -> Vec<String> {
    reads(engine)
        .iter()
        .flat_map(|read| database.rows(read))
        .collect()
}

fn comes_home(home: Engine, away: Engine) {
    let Some(source) = Database::create(home, "gallery") else {
        return;
    };
    source.execute(&gallery(home));
    let Some(there) = move_into(&source, away, &[]) else {
        return;
    };
    let Some(back) = move_into(&there.target, home, &[]) else {
        return;
    };
    assert_eq!(
        content(&back.target, home),
        content(&source, home),
        "{home:?} through {away:?}"
    );
}

fn comes_home_from_everywhere(home: Engine) {
    for away in Engine::ALL {
        comes_home(home, away);
    }
}

#[test]
fn a_sqlite_gallery_comes_home() {
    comes_home_from_everywhere(Engine::Sqlite);
}

#[test]
fn a_postgres_gallery_comes_home() {
    comes_home_from_everywhere(Engine::Postgres);
}

#[test]
fn a_mariadb_gallery_comes_home() {
    comes_home_from_everywhere(Engine::MariaDb);
}

#[test]
fn a_mysql_gallery_comes_home() {
    comes_home_from_everywhere(Engine::MySql);
}

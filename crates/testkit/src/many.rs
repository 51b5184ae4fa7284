//! Databases of many small tables: what grows with the number of tables shows there, and nowhere else.

use std::fmt::Write as _;

/// Returns the statements that make so many tables of eight columns, numbered by the server, with two indexes and a key to the table
/// before, each with so many rows.
#[must_use]
pub fn postgres(tables: usize, rows: usize) -> String {
    let made = |sql: &mut String, name: &str, before: Option<&str>| {
        let _infallible = write!(
            sql,
            "create table {name}(id bigserial primary key, parent_id bigint, name varchar(80) not null, note text,
               amount numeric(12,2), at timestamp(6), ok boolean, code char(4));
             create index {name}_name on {name}(name);
             create unique index {name}_code on {name}(code, at);"
        );
        if let Some(before) = before {
            let _infallible = write!(
                sql,
                "alter table {name} add constraint {name}_fk foreign key (parent_id) references {before}(id);"
            );
        }
    };
    all(tables, rows, made)
}

/// As [`postgres`], for MariaDB and MySQL.
#[must_use]
pub fn mysql(tables: usize, rows: usize) -> String {
    let made = |sql: &mut String, name: &str, before: Option<&str>| {
        let key = before.map_or_else(String::new, |before| {
            format!(", constraint {name}_fk foreign key (parent_id) references {before}(id)")
        });
        let _infallible = write!(
            sql,
            "create table {name}(id bigint auto_increment primary key, parent_id bigint, name varchar(80) not null, note text,
               amount decimal(12,2), at datetime(6), ok boolean, code char(4),
               key {name}_name (name), unique key {name}_code (code, at){key});"
        );
    };
    all(tables, rows, made)
}

/// As [`postgres`], for SQLite.
#[must_use]
pub fn sqlite(tables: usize, rows: usize) -> String {
    let made = |sql: &mut String, name: &str, before: Option<&str>| {
        let key = before.map_or_else(String::new, |before| {
            format!(", constraint {name}_fk foreign key (parent_id) references {before}(id)")
        });
        let _infallible = write!(
            sql,
            "create table {name}(id integer primary key, parent_id bigint, name varchar(80) not null, note text,
               amount decimal(12,2), at datetime, ok boolean, code char(4){key});
             create index {name}_name on {name}(name);
             create unique index {name}_code on {name}(code, at);"
        );
    };
    format!("begin;{}commit;", all(tables, rows, made))
}

fn all(tables: usize, rows: usize, made: impl Fn(&mut String, &str, Option<&str>)) -> String {
    let mut sql = String::new();
    let name = |number: usize| format!("t{number:05}");
    for number in 0..tables {
        let before = number.checked_sub(1).map(name);
        made(&mut sql, &name(number), before.as_deref());
    }
    for number in 0..tables {
        for row in 0..rows {
            let _infallible = write!(
                sql,
                "insert into {}(id, name, amount, code) values ({row}, 'n{row}', {row}.25, 'c{row}');",
                name(number)
            );
        }
    }
    sql
}

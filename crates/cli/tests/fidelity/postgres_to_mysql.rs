//! PostgreSQL into MySQL and MariaDB.

use crate::pair::{Database, Engine, move_into};

const SOURCE: &str = r#"
create type mood as enum ('sad', 'it''s ok', 'Happy');
create domain positive as integer check (value > 0);
create table flags (id integer primary key, yes boolean not null default true); insert into flags values (1, true), (2, false);
create table words (id integer primary key, t text, v varchar(20) default 'it''s', c char(5), long text);
insert into words values (1, 'emoji 😀 tab	nl
bs\', '', 'ab', repeat('ä', 100000)), (2, null, 'NULL', '', '\N');
create table cased (name text primary key, other text unique); insert into cased values ('a', 'x'), ('A', 'X'), ('á', 'x '), ('a ', 'é');
create table moments (id integer primary key, z timestamptz, l timestamp(3), d date, t time, span interval, tz timetz);
insert into moments values (1, '2100-01-01 00:00:00.123456+02', '9999-12-31 23:59:59.999', '0001-01-01', '24:00:00', '1 year 2 mons 3 days 04:05:06.7', '12:00:00+05:30'),
  (2, '1969-12-31 23:59:59.999999+00', null, '9999-12-31', '00:00:00.000001', '-00:00:01', null);
create table beyond (id integer primary key, ts timestamp, d date, f double precision);
insert into beyond values (1, 'infinity', '-infinity', 'NaN'), (2, '0044-03-15 BC', '0044-03-15 BC', 'Infinity'), (3, '2020-01-01', '2020-01-01', 1.5), (4, '20000-01-01', '20000-01-01', '-Infinity');
create table numbers (id integer primary key, free numeric, fixed numeric(30,10), huge numeric(40,0), r real, d double precision, m money);
insert into numbers values (1, 1.10, 12345678901234567890.0123456789, 1234567890123456789012345678901234567890, 1.1, 5e-324, 1.50), (2, 99999999999999999999.5, -1, 0, 3.4028235e38, 1.7976931348623157e308, -2);
create table lists (id integer primary key, a integer[], t text[], r int4range, j jsonb, j2 json); insert into lists values (1, '{1,NULL,3}', '{"a,b","c\"d"}', '[1,10)', '{"b": 1.5, "a": [1, null]}', '{"k": "v"}'), (2, null, '{}', 'empty', '"text"', null);
create table things (id uuid primary key, b bytea, addr inet, net cidr, bits bit(9), m mood default 'sad', p positive);
insert into things values ('00112233-4455-6677-8899-aabbccddeeff', '\x00ff5c0a0927', '10.0.0.1/8', '10.0.0.0/8', B'101010101', 'it''s ok', 5), ('ffffffff-ffff-ffff-ffff-ffffffffffff', '', null, null, null, 'Happy', null);
create table numbered (id bigint generated always as identity primary key, v integer); insert into numbered (v) select i from generate_series(1, 10) as i; select setval(pg_get_serial_sequence('numbered', 'id'), 500, true);
create table zeroed (id serial primary key, v integer); insert into zeroed values (0, 1), (7, 2); 
create table cycle_a (id integer primary key, b integer); create table cycle_b (id integer primary key, a integer references cycle_a deferrable initially deferred);
alter table cycle_a add constraint a_to_b foreign key (b) references cycle_b (id); insert into cycle_a values (1, null); insert into cycle_b values (1, 1); update cycle_a set b = 1;
create table composite (a text, b integer, c uuid, primary key (a, b)); insert into composite values ('x', 1, null), ('X', 1, null);
create table refers (id integer primary key, a text, b integer, foreign key (a, b) references composite (a, b) on delete cascade); insert into refers values (1, 'X', 1);
create index composite_c on composite (c desc); create index words_low on words (lower(v)); create index numbers_some on numbers (r) where r > 0;
create table checked (id integer primary key, v integer, w integer generated always as (v * 2) stored, constraint v_small check (v between 1 and 100)); insert into checked (id, v) values (1, 50);
create table "Odd ""Name`" ("select" integer primary key, "a b" integer, "Ä" text); insert into "Odd ""Name`" values (1, 2, 'x');
create table "😀 box" (id integer primary key, "mood 😀" text, "end " integer); insert into "😀 box" values (1, '😀', 2);
create schema other; create table other.flags (id integer primary key); insert into other.flags values (9);
create table twice (a integer, b text); insert into twice values (1, 'x'), (1, 'x'), (null, null);
create view shown as select id, v + 1 as next, case when v > 10 then 'many' else 'few' end as how from checked;
comment on table flags is 'it''s a comment';
"#;

const CASES: &[(&str, &[&str])] = &[
    (
        "select count(*) from information_schema.columns where table_schema = database() and table_name like 'x\\_\\_ box\\_%' \
         and (column_name like 'x\\_mood \\_\\_%' or column_name like 'x\\_end \\_%')",
        &["2"],
    ),
    ("select id, yes from flags order by id", &["1|1", "2|0"]),
    (
        "select column_type from information_schema.columns where table_schema = database() and table_name = 'flags' and column_name = 'yes'",
        &["tinyint(1)"],
    ),
    (
        "select t, v, rtrim(c), char_length(`long`), crc32(`long`) from words order by id",
        &[
            "emoji 😀 tab\tnl\nbs\\||ab|100000|197379803",
            "∅|NULL||2|3333647408",
        ],
    ),
    (
        "select concat('<', name, '>'), concat('<', other, '>') from cased order by binary name",
        &["<A>|<X>", "<a>|<x>", "<a >|<é>", "<á>|<x >"],
    ),
    (
        "select z, l, d, t from moments order by id",
        &[
            "2099-12-31 22:00:00.123456|9999-12-31 23:59:59.999000|0001-01-01|24:00:00.000000",
            "1969-12-31 23:59:59.999999|∅|9999-12-31|00:00:00.000001",
        ],
    ),
    (
        "select ts, d, f from beyond order by id",
        &[
            "∅|∅|NaN",
            "∅|∅|Infinity",
            "2020-01-01 00:00:00.000000|2020-01-01|1.5",
            "∅|∅|-Infinity",
        ],
    ),
    (
        "select fixed, d from numbers order by id",
        &[
            "12345678901234567890.0123456789|5e-324",
            "-1.0000000000|1.7976931348623157e308",
        ],
    ),
    (
        "select huge, free from numbers order by id",
        &[
            "1234567890123456789012345678901234567890|1.10",
            "0|99999999999999999999.50",
        ],
    ),
    (
        "select b from things where b = x'00ff5c0a0927' order by id",
        &["0x00ff5c0a0927"],
    ),
    (
        "select addr, net, m, p from things where m <> 'Happy'",
        &["10.0.0.1/8|10.0.0.0/8|it's ok|5"],
    ),
    ("select v from numbered where id = 10", &["10"]),
    ("insert into numbered (v) values (1); ", &[]),
    ("select max(id) from numbered", &["501"]),
    ("select id, v from zeroed order by id", &["0|1", "7|2"]),
    (
        "select count(*) from information_schema.referential_constraints where constraint_schema = database()",
        &["3"],
    ),
    ("select a, b from composite order by binary a", &["X|1", "x|1"]),
    ("select id, a, b from refers", &["1|X|1"]),
    ("select id, v, w from checked", &["1|50|100"]),
    ("select `select`, `a b`, `Ä` from `Odd \"Name```", &["1|2|x"]),
    ("select id from other_flags", &["9"]),
    ("select a, b from twice order by a", &["∅|∅", "1|x", "1|x"]),
    ("select id, next, how from shown", &["1|51|many"]),
    (
        "select table_comment from information_schema.tables where table_schema = database() and table_name = 'flags'",
        &["it's a comment"],
    ),
];

fn check(engine: Engine) {
    let Some(source) = Database::create(Engine::Postgres, "postgres_fidelity") else {
        return;
    };
    source.execute(SOURCE);
    let Some(moved) = move_into(&source, engine, &[]) else {
        return;
    };
    moved.check(CASES);
    moved.check_findings(&[("out_of_range", "beyond.ts"), ("out_of_range", "beyond.f")]);
}

#[test]
fn postgres_arrives_in_mariadb() {
    check(Engine::MariaDb);
}

#[test]
fn postgres_arrives_in_mysql() {
    check(Engine::MySql);
}

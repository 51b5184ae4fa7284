//! MySQL and MariaDB into PostgreSQL.

use crate::pair::{Database, Engine, Moved, move_into};

const SOURCE: &str = r#"
set sql_mode = 'ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO'; set time_zone = '+00:00';
create table zero (id int primary key, d date, t datetime, must date not null default '0000-00-00');
insert into zero values (1, '0000-00-00', '2020-00-15 00:00:00', '0000-00-00'), (2, '2023-02-31', '2024-02-29 01:02:03', '2020-01-01');
create table moments (id int primary key, dt datetime(6), ts timestamp(6) null, dt0 datetime);
insert into moments values (1, '2024-02-29 23:59:59.999999', '2038-01-19 03:14:07.999999', '1000-01-01 00:00:00'), (2, null, '1970-01-01 00:00:01.000001', '9999-12-31 23:59:59');
create table spans (id int primary key, far time, near time(6));
insert into spans values (1, '838:59:59', '12:34:56.123456'), (2, '-838:59:59', '00:00:00'), (3, '-00:00:01', '23:59:59');
create table years (id int primary key, y year); insert into years values (1, 0), (2, 1901), (3, 2155);
create table flags (id int primary key, yes tinyint(1), no tinyint(1)); insert into flags values (1, 0, 2), (2, 1, -1), (3, null, null);
create table big (id bigint unsigned not null auto_increment primary key, small bigint unsigned, large bigint unsigned, i int unsigned, s smallint unsigned, t tinyint unsigned) auto_increment = 5000;
insert into big values (0, 7, 18446744073709551615, 4294967295, 65535, 255), (1, 9223372036854775807, 0, 0, 0, 0);
create table big_child (id int primary key, big_id bigint unsigned, constraint big_child_fk foreign key (big_id) references big (id)); insert into big_child values (1, 0), (2, null);
create table numbers (id int primary key, d decimal(65,30), f float, g double);
insert into numbers values (1, 12345678901234567890123456789012345.123456789012345678901234567890, 1.1, 1e308), (2, -0.000000000000000000000000000001, 16777216, 5e-324), (3, 1.10, 3.4028234e38, 0.1);
create table bits (id int primary key, one bit(1), eight bit(8), all64 bit(64));
insert into bits values (1, b'1', b'10000001', b'1111111111111111111111111111111111111111111111111111111111111111'), (2, b'0', 0, 1), (3, null, null, null);
create table labels (id int primary key, e enum('z', 'a', 'with,comma', 'it''s', 'back\\slash', '"quoted"') not null default 'a', s set('red', 'green', 'blue'));
insert into labels values (1, 'z', 'blue,red'), (2, 'with,comma', ''), (3, 'it''s', null), (4, 'back\\slash', 'green'), (5, '"quoted"', 'red,green,blue');
set sql_mode = ''; create table blank (id int primary key, e enum('x', 'y')); insert into blank values (1, 'x'), (2, 'nonsense');
create table documents (id int primary key, j json); insert into documents values (1, '{"b": 1, "a": [1, 2.5, null, "x"]}'), (2, null), (3, '12345678901');
create table words (id int primary key, c char(10), l1 varchar(50) character set latin1, g varchar(20) character set gbk, u text character set utf8mb4, a varchar(5));
insert into words values (1, 'ab   ', 'Grüße €', '中文', '😀 \t \n \\ ''', ''), (2, null, '', '', '', '  x  ');
create table bytes (id int primary key, b binary(16), v varbinary(20), l longblob);
insert into bytes values (1, x'00112233445566778899AABBCCDDEEFF', x'00FF5C0A09', repeat(x'FF0A', 40000)), (2, 'ab', '', '');
create table stamped (id int primary key, v int, at timestamp not null default current_timestamp on update current_timestamp); insert into stamped (id, v, at) values (1, 1, '2020-01-01 00:00:00');
create table prefixed (id int primary key, long_text text, short varchar(100), unique key u (short(5)), key p (long_text(10)), fulltext key f (long_text)); insert into prefixed values (1, 'hello world', 'abcdefg'), (2, null, 'abcdX');
create table computed (id int primary key, a int, b int generated always as (a * 2) stored, c int generated always as (a + 1) virtual); insert into computed (id, a) values (1, 5), (2, null);
create table checked (id int primary key, v int, constraint v_positive check (v > 0)); insert into checked values (1, 1);
create table defaults (id int primary key, a int default 0, b varchar(10) default '', c varchar(10) default 'NULL', d decimal(5,2) default 1.50, e varchar(20) default 'a''b"c\\d', n int default null, t datetime default current_timestamp) comment = 'it''s a comment';
insert into defaults (id, t) values (1, '2020-01-01 00:00:00');
create table parts (id int not null, y int not null, primary key (id, y)) partition by range (y) (partition p0 values less than (2000), partition p1 values less than maxvalue); insert into parts values (1, 1999), (2, 2024);
create table `od"d ``name` (`select` int primary key, `a b` int, `ümlaut` int, key `same` (`a b`)); insert into `od"d ``name` values (1, 2, 3);
create table same_a (id int primary key, v int, key same (v)); create table same_b (id int primary key, v int, key same (v));
create table twice (a int, b varchar(5)); insert into twice values (1, 'x'), (1, 'x'), (null, null);
create table nothing (id int auto_increment primary key, x int) auto_increment = 777;
create table folded (id int primary key, name varchar(20), unique key n (name)); insert into folded values (1, 'A'), (2, 'ö'), (3, 'b ');
create table place (id int primary key, p point); insert into place values (1, st_geomfromtext('POINT(1.5 -2.5)')), (2, null);
create view shown as select id, case when v > 0 then 'yes' else 'no' end as positive from checked;
"#;

const CASES: &[(&str, &[&str])] = &[
    (
        "select id, d, t, must from zero order by id",
        &["1|∅|∅|∅", "2|∅|2024-02-29 01:02:03|2020-01-01"],
    ),
    (
        "select dt, ts at time zone 'UTC', dt0 from moments order by id",
        &[
            "2024-02-29 23:59:59.999999|2038-01-19 03:14:07.999999|1000-01-01 00:00:00",
            "∅|1970-01-01 00:00:01.000001|9999-12-31 23:59:59",
        ],
    ),
    (
        "select pg_typeof(dt), pg_typeof(ts) from moments where id = 1",
        &["timestamp without time zone|timestamp with time zone"],
    ),
    (
        "select far, near, pg_typeof(far), pg_typeof(near) from spans order by id",
        &[
            "838:59:59|12:34:56.123456|interval|time without time zone",
            "-838:59:59|00:00:00|interval|time without time zone",
            "-00:00:01|23:59:59|interval|time without time zone",
        ],
    ),
    (
        "select y, pg_typeof(y) from years order by id",
        &["0|smallint", "1901|smallint", "2155|smallint"],
    ),
    (
        "select yes, no, pg_typeof(yes), pg_typeof(no) from flags order by id",
        &[
            "f|2|boolean|smallint",
            "t|-1|boolean|smallint",
            "∅|∅|boolean|smallint",
        ],
    ),
    (
        "select id, small, large, i, s, t from big order by id",
        &[
            "0|7|18446744073709551615|4294967295|65535|255",
            "1|9223372036854775807|0|0|0|0",
        ],
    ),
    (
        "select pg_typeof(id), pg_typeof(small), pg_typeof(large), pg_typeof(i), pg_typeof(s), pg_typeof(t) from big where id = 0",
        &["bigint|bigint|numeric|bigint|integer|smallint"],
    ),
    (
        "select pg_typeof(big_id), count(*) from big_child group by 1",
        &["bigint|2"],
    ),
    ("insert into big (small) values (1) returning id", &["5000"]),
    (
        "select d, f, g from numbers order by id",
        &[
            "12345678901234567890123456789012345.123456789012345678901234567890|1.1|1e+308",
            "-0.000000000000000000000000000001|1.6777216e+07|5e-324",
            "1.100000000000000000000000000000|3.4028235e+38|0.1",
        ],
    ),
    (
        "select one, eight, all64, pg_typeof(one), pg_typeof(eight) from bits order by id",
        &[
            "t|10000001|1111111111111111111111111111111111111111111111111111111111111111|boolean|bit",
            "f|00000000|0000000000000000000000000000000000000000000000000000000000000001|boolean|bit",
            "∅|∅|∅|boolean|bit",
        ],
    ),
    (
        "select e, s from labels order by id",
        &[
            "z|{red,blue}",
            "with,comma|{}",
            "it's|∅",
            "back\\slash|{green}",
            "\"quoted\"|{red,green,blue}",
        ],
    ),
    ("select e from labels order by e limit 2", &["z", "with,comma"]),
    ("select e from blank order by id", &["x", ""]),
    (
        "select j::jsonb from documents order by id",
        &["{\"a\": [1, 2.5, null, \"x\"], \"b\": 1}", "∅", "12345678901"],
    ),
    (
        "select c, l1, g, u, '<' || a || '>' from words order by id",
        &["ab|Grüße €|中文|😀 \t \n \\ '|<>", "∅||||<  x  >"],
    ),
    (
        "select b, v, length(l), md5(l) from bytes order by id",
        &[
            "\\x00112233445566778899aabbccddeeff|\\x00ff5c0a09|80000|3cb9f3d58ef34ee50528e9ea600780e7",
            "\\x61620000000000000000000000000000|\\x|0|d41d8cd98f00b204e9800998ecf8427e",
        ],
    ),
    ("update stamped set v = 2 returning at > '2024-01-01'", &["t"]),
    ("select a, b, c from computed order by id", &["5|10|6", "∅|∅|∅"]),
    (
        "select conname from pg_constraint where conrelid = 'checked'::regclass and contype = 'c'",
        &["v_positive"],
    ),
    (
        "insert into defaults (id) values (2) returning a, '<' || b || '>', c, d, e, n, t > '2024-01-01'",
        &["0|<>|NULL|1.50|a'b\"c\\d|∅|t"],
    ),
    (
        "select obj_description('defaults'::regclass)",
        &["it's a comment"],
    ),
    ("select id, y from parts order by id", &["1|1999", "2|2024"]),
    (
        "select \"select\", \"a b\", \"ümlaut\" from \"od\"\"d `name\"",
        &["1|2|3"],
    ),
    (
        "select count(*) from pg_indexes where tablename in ('same_a', 'same_b', 'od\"d `name')",
        &["6"],
    ),
    ("select a, b from twice order by a", &["1|x", "1|x", "∅|∅"]),
    ("insert into nothing (x) values (1) returning id", &["777"]),
    (
        "select id, '<' || name || '>' from folded order by id",
        &["1|<A>", "2|<ö>", "3|<b >"],
    ),
    ("select id, positive from shown", &["1|yes"]),
    (
        "select encode(substring(p from length(p) - 15), 'hex') from place order by id",
        &["000000000000f83f00000000000004c0", "∅"],
    ),
];

fn check(engine: Engine) {
    let Some(source) = Database::create(engine, "mysql_fidelity") else {
        return;
    };
    source.execute(SOURCE);
    let Some(moved) = move_into(&source, Engine::Postgres, &[]) else {
        return;
    };
    moved.check(CASES);
    unique_prefix_holds(&moved);
    moved.check_findings(&[
        ("invalid_date", "zero.d"),
        ("invalid_date", "zero.must"),
        ("on_update", "stamped.at"),
        ("assumption", "flags.yes"),
        ("collation", "folded.name"),
        ("partitions", "parts"),
    ]);
}

/// `unique (short(5))` goes on refusing texts that begin alike.
fn unique_prefix_holds(moved: &Moved) {
    let definitions = moved.target.rows("select indexdef from pg_indexes where tablename = 'prefixed' and indexdef like '%UNIQUE%' and indexdef like '%short%'");
    assert_eq!(definitions.len(), 1, "{definitions:?}");
    assert!(definitions[0].contains('5'), "{definitions:?}");
}

#[test]
fn mariadb_arrives_in_postgres() {
    check(Engine::MariaDb);
}

#[test]
fn mysql_arrives_in_postgres() {
    check(Engine::MySql);
}

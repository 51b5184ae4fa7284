//! The engines that the promises are tried on, as data: adding one is an entry here and its SQL text of the shop.

use std::fmt;

use whimbrel_testkit::mysql::{self, Flavour};
use whimbrel_testkit::postgres::TestDatabase;
use whimbrel_testkit::sqlite::TestFile;

/// An engine that a promise is tried on.
#[derive(Clone, Copy)]
pub(crate) struct Engine(&'static Entry);

/// What the promises need of an engine.
struct Entry {
    name: &'static str,
    /// Makes an empty private database; none, said aloud, where there is no server.
    create: fn(&str) -> Option<Box<dyn Private>>,
    /// The shop; `{rows}` stands for the number of rows.
    shop: &'static str,
    /// A table `large` of 25 values of ten megabytes.
    large: &'static str,
    /// Tables `wide` (some megabytes), `odd` (`{rows}` rows, its key `id`) and `even` (which refers to it).
    odd: &'static str,
    /// Makes the rows 4321, 9321 and 14321 of `odd` such that no other engine can hold them.
    spoil: &'static str,
    /// True when a database is a file.
    is_file: bool,
    /// The function that counts the characters of a text.
    characters: &'static str,
    /// The type that a number is cast to when it is whole.
    whole: &'static str,
    /// Further arguments of `plan` for a target of the kind, which settle what has no suggestion.
    settles: &'static [&'static str],
}

impl Engine {
    pub(crate) const SQLITE: Self = Self(&Entry {
        name: "sqlite",
        create: |name| Some(Box::new(TestFile::create(name, ""))),
        shop: include_str!("shop/sqlite.sql"),
        large: "create table large (id integer primary key, body blob);
            insert into large with recursive n(i) as (select 1 union all select i + 1 from n where i < 25)
              select i, randomblob(10000000) from n",
        odd: "create table odd (id integer primary key, amount real, note text);
            create table even (id integer primary key, of bigint not null references odd (id));
            create table wide (id integer primary key, body text);
            insert into odd with recursive n(i) as (select 1 union all select i + 1 from n where i < {rows})
              select i, i / 4.0, 'näme ' || i from n;
            insert into even select id, id from odd where id % 10 = 1;
            insert into wide select id, hex(zeroblob(5000)) from odd where id < 300",
        spoil: "update odd set note = 'a' || char(0) || 'b' where id in (4321, 14321);
            update odd set amount = 'many' where id = 9321",
        is_file: true,
        characters: "length",
        whole: "bigint",
        settles: &[],
    });
    pub(crate) const POSTGRES: Self = Self(&Entry {
        name: "postgres",
        create: |name| Some(Box::new(TestDatabase::create(name)?)),
        shop: include_str!("shop/postgres.sql"),
        large: "create table large (id bigint primary key, body bytea);
            alter table large alter body set storage external;
            insert into large select i, decode(repeat(md5(i::text), 625000), 'hex') from generate_series(1, 25) as i",
        odd: "create table odd (id bigint primary key, amount double precision, note text);
            create table even (id bigint primary key, of bigint not null references odd (id));
            create table wide (id bigint primary key, body text);
            insert into odd select i, i / 4.0, 'näme ' || i from generate_series(1, {rows}) as i;
            insert into even select id, id from odd where id % 10 = 1;
            insert into wide select id, repeat('0', 10000) from odd where id < 300",
        spoil: "update odd set amount = 'NaN' where id in (4321, 9321, 14321)",
        is_file: false,
        characters: "length",
        whole: "bigint",
        settles: &[],
    });

    pub(crate) const MARIADB: Self = Self(&Entry {
        name: "mariadb",
        create: |name| Some(Box::new(mysql::TestDatabase::create(Flavour::MariaDb, name)?)),
        // It has no index over some of the rows.
        settles: &["--decide", "feature_left_out=leave_out"],
        ..SHARED
    });
    pub(crate) const MYSQL: Self = Self(&Entry {
        name: "mysql",
        create: |name| Some(Box::new(mysql::TestDatabase::create(Flavour::MySql, name)?)),
        ..SHARED
    });

    /// Tells whether a database is a file.
    pub(crate) fn is_file(self) -> bool {
        self.0.is_file
    }

    /// Tells whether it is one of the two that speak MySQL's language.
    pub(crate) fn is_mysql(self) -> bool {
        self == Self::MARIADB || self == Self::MYSQL
    }

    /// Further arguments of `plan` for such a target.
    pub(crate) fn settles(self) -> &'static [&'static str] {
        self.0.settles
    }
}

/// What MySQL and MariaDB have in common.
const SHARED: Entry = Entry {
    name: "",
    create: |_| None,
    shop: include_str!("shop/mysql.sql"),
    large: "create table large (id bigint primary key, body longblob);
        insert into large with recursive n (i) as (select 1 union all select i + 1 from n where i < 25)
          select i, repeat(unhex(sha2(i, 256)), 312500) from n",
    odd: "create table odd (id bigint primary key, amount double, note varchar(60));
        create table even (id bigint primary key, of bigint not null, constraint even_odd foreign key (of) references odd (id));
        create table wide (id bigint primary key, body text);
        insert into odd select a.i + 200 * b.i + 1, (a.i + 200 * b.i + 1) / 4.0, concat('näme ', a.i + 200 * b.i + 1) from
          (with recursive n (i) as (select 0 union all select i + 1 from n where i < 199) select i from n) a,
          (with recursive n (i) as (select 0 union all select i + 1 from n where i < 199) select i from n) b
          where a.i + 200 * b.i + 1 <= {rows};
        insert into even select id, id from odd where id % 10 = 1;
        insert into wide select id, repeat('0', 10000) from odd where id < 300",
    spoil: "update odd set note = concat('a', char(0), 'b') where id in (4321, 9321, 14321)",
    is_file: false,
    characters: "char_length",
    whole: "signed",
    settles: &[],
};

/// The pairs of engines that the promises are tried on, source first.
pub(crate) const PAIRS: [(Engine, Engine); 7] = [
    (Engine::SQLITE, Engine::SQLITE),
    (Engine::SQLITE, Engine::POSTGRES),
    (Engine::POSTGRES, Engine::POSTGRES),
    (Engine::POSTGRES, Engine::SQLITE),
    (Engine::MARIADB, Engine::POSTGRES),
    (Engine::POSTGRES, Engine::MYSQL),
    (Engine::MARIADB, Engine::MARIADB),
];

/// Pairs of different engines that a reject is tried on.
pub(crate) const UNLIKE: [(Engine, Engine); 3] = [PAIRS[1], PAIRS[3], PAIRS[4]];

impl PartialEq for Engine {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

/// A private database of any engine; gone when it is dropped.
pub(crate) trait Private {
    fn url(&self) -> String;
    fn execute(&self, sql: &str);
    fn query_text(&self, sql: &str) -> Vec<Vec<Option<String>>>;
    /// Everything in it, as text that is equal only for equal content.
    fn dump(&self) -> String;
    /// The name that confirms destructive work.
    fn name(&self) -> String;
    /// Ends the sessions of others, as an administrator would; a file has none.
    fn terminate_sessions(&self) {}
}

impl Private for TestFile {
    fn url(&self) -> String {
        self.url()
    }

    fn execute(&self, sql: &str) {
        self.execute(sql);
    }

    fn query_text(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        self.query_text(sql)
    }

    fn dump(&self) -> String {
        self.dump()
    }

    fn name(&self) -> String {
        self.path().file_name().unwrap().to_string_lossy().into_owned()
    }
}

impl Private for TestDatabase {
    fn url(&self) -> String {
        self.url().to_owned()
    }

    fn execute(&self, sql: &str) {
        self.execute(sql);
    }

    fn query_text(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        self.query_text(sql)
    }

    fn dump(&self) -> String {
        self.dump()
    }

    fn name(&self) -> String {
        self.name().to_owned()
    }

    fn terminate_sessions(&self) {
        let _ended = self.terminate_sessions();
    }
}

impl Private for mysql::TestDatabase {
    fn url(&self) -> String {
        self.url().to_owned()
    }

    fn execute(&self, sql: &str) {
        self.execute(sql);
    }

    fn query_text(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        self.query_text(sql)
    }

    fn dump(&self) -> String {
        self.dump()
    }

    fn name(&self) -> String {
        self.name().to_owned()
    }

    fn terminate_sessions(&self) {
        let _ended = self.terminate_sessions();
    }
}

/// A private database and the engine that it is of.
pub(crate) struct Database {
    engine: Engine,
    inner: Box<dyn Private>,
}

impl Database {
    /// Creates an empty database; none, said aloud, where there is no server.
    pub(crate) fn create(engine: Engine, name: &str) -> Option<Self> {
        let inner = (engine.0.create)(name)?;
        Some(Self { engine, inner })
    }

    /// Makes the shop: a cycle, a self reference, a composite key, a keyless table with duplicates, text of every kind, NULLs, indexes, a
    /// view.
    pub(crate) fn fill(&self, rows: u32) {
        self.execute(&self.engine.0.shop.replace("{rows}", &rows.to_string()));
    }

    /// Makes a table of 25 values of ten megabytes.
    pub(crate) fn fill_large(&self) {
        self.execute(self.engine.0.large);
    }

    /// Makes a table of so many rows, one that refers to it, and one that is copied before them.
    pub(crate) fn fill_odd(&self, rows: u32) {
        self.execute(&self.engine.0.odd.replace("{rows}", &rows.to_string()));
    }

    /// Makes the rows 4321, 9321 and 14321 such that no other engine can hold them.
    pub(crate) fn spoil(&self) {
        self.execute(self.engine.0.spoil);
    }

    pub(crate) fn engine(&self) -> Engine {
        self.engine
    }

    pub(crate) fn url(&self) -> String {
        self.inner.url()
    }

    pub(crate) fn execute(&self, sql: &str) {
        self.inner.execute(sql);
    }

    pub(crate) fn dump(&self) -> String {
        self.inner.dump()
    }

    pub(crate) fn name(&self) -> String {
        self.inner.name()
    }

    pub(crate) fn terminate_sessions(&self) {
        self.inner.terminate_sessions();
    }

    /// One number from a query; `{characters}` stands for the function that counts those of a text, `{whole}` for the type of whole numbers.
    pub(crate) fn count(&self, sql: &str) -> i64 {
        let sql = sql
            .replace("{characters}", self.engine.0.characters)
            .replace("{whole}", self.engine.0.whole);
        self.inner.query_text(&sql)[0][0]
            .as_ref()
            .unwrap()
            .parse()
            .unwrap()
    }
}

//! The engines that the promises are tried on, as data: adding one is an entry here and its SQL text of the shop.

use std::fmt;

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
    });

    /// Tells whether a database is a file.
    pub(crate) fn is_file(self) -> bool {
        self.0.is_file
    }
}

/// Every pair of engines, source first.
pub(crate) const PAIRS: [(Engine, Engine); 4] = [
    (Engine::SQLITE, Engine::SQLITE),
    (Engine::SQLITE, Engine::POSTGRES),
    (Engine::POSTGRES, Engine::POSTGRES),
    (Engine::POSTGRES, Engine::SQLITE),
];

/// Every pair of different engines that a reject is tried on.
pub(crate) const UNLIKE: [(Engine, Engine); 2] = [PAIRS[1], PAIRS[3]];

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

    /// One number from a query.
    pub(crate) fn count(&self, sql: &str) -> i64 {
        self.inner.query_text(sql)[0][0]
            .as_ref()
            .unwrap()
            .parse()
            .unwrap()
    }
}

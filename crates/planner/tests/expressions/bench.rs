//! One table of edge values on every engine, and the question what an expression is worth there.

use std::collections::BTreeMap;
use std::sync::Arc;

use whimbrel_core::{Catalog, Connector, Dialect, ExpressionContext, LogicalType, TableId};
use whimbrel_mysql::MysqlConnector;
use whimbrel_postgres::PostgresConnector;
use whimbrel_sqlite::SqliteConnector;
use whimbrel_testkit::{mysql, postgres, sqlite};

/// Values in the order of the rows, in a form that does not depend on the engine.
pub(crate) type Values = Vec<Option<String>>;

/// An engine with the table.
pub(crate) struct Engine {
    pub(crate) name: &'static str,
    pub(crate) dialect: Arc<dyn Dialect>,
    place: Place,
}

enum Place {
    MySql(mysql::TestDatabase),
    Postgres(postgres::TestDatabase),
    Sqlite(sqlite::TestFile),
}

const MYSQL_TABLE: &str = "CREATE TABLE edge (id int PRIMARY KEY, i int, j bigint, b tinyint(1), p decimal(10,2), r double, \
     t varchar(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, day date, at datetime(6), ti time)";
const POSTGRES_TABLE: &str = "CREATE TABLE edge (id int PRIMARY KEY, i int, j bigint, b boolean, p numeric(10,2), r double precision, \
     t text, day date, at timestamp, ti time)";
const SQLITE_TABLE: &str = "CREATE TABLE edge (id INTEGER PRIMARY KEY, i INTEGER, j INTEGER, b BOOLEAN, p TEXT, r REAL, \
     t TEXT, day DATE, at TIMESTAMP, ti TIME)";

/// Values that engines treat in different ways: zero, negative, NULL, empty, with spaces, quotes, wildcards and letters beyond ASCII.
const ROWS: &[[&str; 10]] = &[
    [
        "1",
        "0",
        "1",
        "1",
        "0.00",
        "0.0",
        "",
        "2020-02-29",
        "2020-02-29 00:00:00",
        "00:00:00",
    ],
    [
        "2",
        "7",
        "2",
        "0",
        "1.50",
        "1.5",
        "Abc",
        "1999-12-31",
        "1999-12-31 23:59:59.999999",
        "23:59:59",
    ],
    [
        "3",
        "-7",
        "3",
        "1",
        "-2.25",
        "-0.25",
        "  it's 100%_ ",
        "2000-01-01",
        "2000-01-01 12:30:00.5",
        "12:30:00",
    ],
    [
        "4", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL",
    ],
    [
        "5",
        "100000",
        "-3",
        "0",
        "99999999.99",
        "1024.0",
        "aBcabcABC",
        "2024-06-30",
        "2024-06-30 06:07:08",
        "06:07:08",
    ],
    [
        "6",
        "1",
        "0",
        "1",
        "2.50",
        "2.5",
        "ÄÖü ñ 日本",
        "1970-01-01",
        "1970-01-01 00:00:00",
        "00:00:01",
    ],
    [
        "7",
        "5",
        "5",
        "0",
        "-0.05",
        "-1.5",
        "xx''\\yxx",
        "2023-12-25",
        "2023-12-25 10:00:00",
        "10:00:00",
    ],
];

impl Engine {
    /// Returns the engines that the machine has; at least SQLite.
    pub(crate) fn all() -> Vec<Self> {
        let mut engines = vec![Self::sqlite()];
        engines.extend(postgres::TestDatabase::create("expressions").map(Self::postgres));
        for flavour in mysql::Flavour::ALL {
            engines.extend(
                mysql::TestDatabase::create(flavour, "expressions")
                    .map(|database| Self::mysql(flavour, database)),
            );
        }
        for engine in &engines {
            engine.fill();
        }
        engines
    }

    fn sqlite() -> Self {
        Self {
            name: "sqlite",
            dialect: SqliteConnector.dialect(),
            place: Place::Sqlite(sqlite::TestFile::create("expressions", "")),
        }
    }

    fn postgres(database: postgres::TestDatabase) -> Self {
        Self {
            name: "postgres",
            dialect: PostgresConnector.dialect(),
            place: Place::Postgres(database),
        }
    }

    fn mysql(flavour: mysql::Flavour, database: mysql::TestDatabase) -> Self {
        let version = database.query_text("SELECT version()")[0][0].clone().unwrap();
        let catalog = Catalog {
            engine: flavour.scheme().to_owned(),
            version,
            ..Catalog::default()
        };
        let flavour_of = match flavour {
            mysql::Flavour::MariaDb => whimbrel_mysql::Flavour::MariaDb,
            mysql::Flavour::MySql => whimbrel_mysql::Flavour::MySql,
        };
        Self {
            name: flavour.scheme(),
            dialect: MysqlConnector { flavour: flavour_of }.dialect_of(&catalog),
            place: Place::MySql(database),
        }
    }

    pub(crate) fn is_mysql(&self) -> bool {
        matches!(self.place, Place::MySql(_))
    }

    fn fill(&self) {
        self.execute(match self.place {
            Place::MySql(_) => MYSQL_TABLE,
            Place::Postgres(_) => POSTGRES_TABLE,
            Place::Sqlite(_) => SQLITE_TABLE,
        });
        for row in ROWS {
            let values: Vec<String> = row
                .iter()
                .enumerate()
                .map(|(at, text)| self.value(at, text))
                .collect();
            self.execute(&format!("INSERT INTO edge VALUES ({})", values.join(", ")));
        }
    }

    fn value(&self, at: usize, text: &str) -> String {
        match (at, &self.place) {
            _ if text == "NULL" => text.to_owned(),
            (3, Place::Postgres(_)) => (text == "1").to_string(),
            (0..=3 | 5, _) => text.to_owned(),
            _ => self.dialect.literal(text),
        }
    }

    /// Runs a statement.
    pub(crate) fn execute(&self, sql: &str) {
        match &self.place {
            Place::MySql(database) => database.execute(sql),
            Place::Postgres(database) => database.execute(sql),
            Place::Sqlite(file) => file.execute(sql),
        }
    }

    fn try_query(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>, String> {
        match &self.place {
            Place::MySql(database) => mysql::try_query(database.url(), sql),
            Place::Postgres(database) => postgres::try_query(database.url(), sql),
            Place::Sqlite(file) => sqlite_rows(file, sql),
        }
    }

    /// Returns the value of the expression for every row.
    pub(crate) fn values(&self, expression: &str) -> Result<Values, String> {
        let cast = match self.place {
            Place::MySql(_) => format!("({expression})"),
            Place::Postgres(_) => format!("CAST(({expression}) AS text)"),
            Place::Sqlite(_) => format!("CAST(({expression}) AS TEXT)"),
        };
        self.column(&format!("SELECT {cast} FROM edge ORDER BY id"))
    }

    /// Returns the last column of a query.
    pub(crate) fn column(&self, query: &str) -> Result<Values, String> {
        let rows = self.try_query(query)?;
        Ok(rows
            .into_iter()
            .map(|mut row| row.pop().flatten().map(|text| plain(&text)))
            .collect())
    }

    /// Returns all values of a query.
    pub(crate) fn rows(&self, query: &str) -> Result<Vec<Values>, String> {
        let plain = |value: Option<String>| value.map(|text| plain(&text));
        let rows = self.try_query(query)?;
        Ok(rows
            .into_iter()
            .map(|row| row.into_iter().map(plain).collect())
            .collect())
    }

    /// Runs a statement that may be refused.
    pub(crate) fn try_execute(&self, sql: &str) -> Result<(), String> {
        match &self.place {
            Place::MySql(_) | Place::Postgres(_) => self.try_query(sql).map(|_| ()),
            Place::Sqlite(file) => {
                std::panic::catch_unwind(|| file.execute(sql)).map_err(|_| "the engine refuses it".to_owned())
            }
        }
    }

    /// Returns how the server prints a view's query, or the query itself where the engine keeps it as it was written.
    pub(crate) fn printed_query(&self, query: &str) -> String {
        if matches!(self.place, Place::Sqlite(_)) {
            return query.to_owned();
        }
        self.execute("DROP VIEW IF EXISTS printed");
        self.execute(&format!("CREATE VIEW printed AS {query}"));
        if matches!(self.place, Place::Postgres(_)) {
            let rows = self
                .try_query("SELECT pg_get_viewdef('printed'::regclass)")
                .unwrap();
            return rows[0][0].clone().unwrap().trim_end_matches(';').to_owned();
        }
        self.printed_view()
    }

    fn printed_view(&self) -> String {
        let rows = self.try_query("SHOW CREATE VIEW printed").unwrap();
        let text = rows[0][1].clone().unwrap();
        let from = text.find(" AS ").unwrap();
        text[from + 4..].to_owned()
    }

    /// Returns how the server prints the expression as the second column of a view.
    pub(crate) fn printed(&self, expression: &str) -> String {
        self.execute("DROP VIEW IF EXISTS printed");
        self.execute(&format!(
            "CREATE VIEW printed AS SELECT id, {expression} AS v FROM edge"
        ));
        self.printed_view()
    }

    /// Returns what expressions of this engine may name on the way to another one.
    pub(crate) fn context(&self, target: &Self) -> ExpressionContext {
        let decimal = LogicalType::Decimal {
            precision: Some(10),
            scale: Some(2),
        };
        let columns = [
            ("id", LogicalType::Integer { bits: 32 }),
            ("i", LogicalType::Integer { bits: 32 }),
            ("j", LogicalType::Integer { bits: 64 }),
            ("b", LogicalType::Boolean),
            ("p", decimal),
            ("r", LogicalType::Float { bits: 64 }),
            ("t", LogicalType::text()),
            ("day", LogicalType::Date),
            ("at", LogicalType::Timestamp { zoned: false }),
            ("ti", LogicalType::Time),
        ];
        let collations = self
            .is_mysql()
            .then(|| ("t".to_owned(), "utf8mb4_bin".to_owned()));
        ExpressionContext {
            columns: BTreeMap::from(columns.map(|(name, logical)| (name.to_owned(), logical))),
            tables: BTreeMap::from([(TableId::bare("edge"), TableId::bare("edge"))]),
            collations: collations.into_iter().collect(),
            kin: target.dialect.is_kin(self.name),
            ..ExpressionContext::default()
        }
    }
}

/// The test kit's own way to ask ends the test where the engine refuses.
fn sqlite_rows(file: &sqlite::TestFile, sql: &str) -> Result<Vec<Vec<Option<String>>>, String> {
    std::panic::catch_unwind(|| file.query_text(sql)).map_err(|_| "the engine refuses it".to_owned())
}

/// Numbers without trailing zeros, truth values as numbers.
fn plain(text: &str) -> String {
    match text {
        "true" | "t" => return "1".to_owned(),
        "false" | "f" => return "0".to_owned(),
        _ => {}
    }
    if let Some(number) = whimbrel_core::canonical_decimal(text) {
        // More digits than that are a float's, which each engine prints in its own way.
        return match number.len() > 17 {
            true => number.parse::<f64>().unwrap().to_string(),
            false => number,
        };
    }
    let fraction = text
        .rsplit_once('.')
        .filter(|(_, digits)| digits.bytes().all(|byte| byte.is_ascii_digit()));
    match fraction {
        Some((whole, digits)) if text.contains(':') => match digits.trim_end_matches('0') {
            "" => whole.to_owned(),
            rest => format!("{whole}.{rest}"),
        },
        _ => text.to_owned(),
    }
}

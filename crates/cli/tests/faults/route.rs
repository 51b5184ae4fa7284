//! A move whose ways to both databases can be broken, and the commands that make it.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use tempfile::TempDir;
use whimbrel_testkit::binary::{Output, Running, Whimbrel};
use whimbrel_testkit::mysql::{self, Flavour};
use whimbrel_testkit::postgres;
use whimbrel_testkit::proxy::Proxy;
use whimbrel_testkit::sqlite::TestFile;

use crate::engines::Private;

/// The kinds of databases that differ here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
    MariaDb,
}

impl Kind {
    /// Creates an empty database; none, said aloud, where there is no server.
    pub(crate) fn create(self, name: &str) -> Option<Box<dyn Private>> {
        Some(match self {
            Self::Sqlite => Box::new(TestFile::create(name, "")),
            Self::Postgres => Box::new(postgres::TestDatabase::create(name)?),
            Self::MariaDb => Box::new(mysql::TestDatabase::create(Flavour::MariaDb, name)?),
        })
    }

    fn shop(self) -> &'static str {
        match self {
            Self::Sqlite => include_str!("../promises/shop/sqlite.sql"),
            Self::Postgres => include_str!("../promises/shop/postgres.sql"),
            Self::MariaDb => include_str!("../promises/shop/mysql.sql"),
        }
    }
}

/// A database and the way to it.
pub(crate) struct Side {
    pub(crate) database: Box<dyn Private>,
    /// Stands in the way when the way is to be broken.
    pub(crate) proxy: Option<Proxy>,
    /// The end of the URL.
    pub(crate) parameters: String,
}

impl Side {
    pub(crate) fn direct(database: Box<dyn Private>) -> Self {
        Self {
            database,
            proxy: None,
            parameters: String::new(),
        }
    }

    /// Puts a proxy in the way; the parameters go to the end of the URL.
    pub(crate) fn through_proxy(database: Box<dyn Private>, parameters: &str) -> Self {
        let port = address(&database.url())
            .rsplit_once(':')
            .unwrap()
            .1
            .parse()
            .unwrap();
        let server = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Self {
            proxy: Some(Proxy::start(server).unwrap()),
            database,
            parameters: parameters.to_owned(),
        }
    }

    pub(crate) fn proxy(&self) -> &Proxy {
        self.proxy.as_ref().unwrap()
    }

    pub(crate) fn url(&self) -> String {
        let url = self.database.url();
        let Some(proxy) = &self.proxy else {
            return format!("{url}{}", self.parameters);
        };
        let through = url.replacen(address(&url), &proxy.address().to_string(), 1);
        format!("{through}{}", self.parameters)
    }
}

/// Host and port in a URL.
fn address(url: &str) -> &str {
    let after_login = url.rsplit_once('@').unwrap().1;
    after_login.split('/').next().unwrap()
}

/// A move between two databases, with a folder of its own.
pub(crate) struct Route {
    pub(crate) source: Side,
    pub(crate) target: Side,
    /// Further arguments of `plan`.
    pub(crate) decisions: &'static [&'static str],
    folder: TempDir,
}

impl Route {
    /// The proxy of the side that has one; the source's when both have.
    pub(crate) fn proxy(&self) -> &Proxy {
        self.source.proxy.as_ref().or(self.target.proxy.as_ref()).unwrap()
    }

    pub(crate) fn between(source: Side, target: Side) -> Self {
        Self {
            source,
            target,
            decisions: &[],
            folder: TempDir::new().unwrap(),
        }
    }

    /// Creates both databases with a proxy before the one that is no file, and fills the source.
    pub(crate) fn create(kinds: (Kind, Kind), name: &str, rows: u32, parameters: &str) -> Option<Self> {
        let side = |kind: Kind, end: &str| {
            let database = kind.create(&format!("{name}_{end}"))?;
            Some(match kind {
                Kind::Sqlite => Side::direct(database),
                Kind::Postgres | Kind::MariaDb => Side::through_proxy(database, parameters),
            })
        };
        let mut route = Self::between(side(kinds.0, "source")?, side(kinds.1, "target")?);
        fill(kinds.0, route.source.database.as_ref(), rows);
        if kinds.1 == Kind::MariaDb {
            route.decisions = &["--decide", "feature_left_out=leave_out"];
        }
        Some(route)
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Prepares a command that takes both URLs.
    pub(crate) fn program(&self, arguments: &[&str]) -> Whimbrel {
        let program =
            Whimbrel::new(env!("CARGO_BIN_EXE_whimbrel"), self.folder.path()).args(arguments.iter().copied());
        let urls = [self.source.url(), self.target.url()];
        match arguments[0] {
            "plan" => program.args(urls),
            "status" | "report" => program,
            _ => {
                let [source, target] = urls;
                program.args(["--source".to_owned(), source, "--target".to_owned(), target])
            }
        }
    }

    /// Plans with every suggested choice and returns the plan's hash.
    pub(crate) fn plan(&self) -> String {
        let mut arguments = vec!["plan", "--accept-suggested", "--json"];
        arguments.extend(self.decisions);
        let output = self.program(&arguments).run().expect_code(0);
        let plan: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
        plan["plan_hash"].as_str().unwrap().to_owned()
    }

    /// Lets failures be seen at once.
    pub(crate) fn without_retries(&self) {
        std::fs::write(
            self.folder.path().join("whimbrel.toml"),
            "[limits]\nretries = 0\n",
        )
        .unwrap();
    }

    pub(crate) fn start(&self, hash: &str) -> Running {
        self.program(&["run", "--approve", hash]).spawn()
    }

    pub(crate) fn run(&self, hash: &str) -> Output {
        self.start(hash).wait()
    }

    /// Goes on until it is done, after a first end that may have been early.
    pub(crate) fn finish(&self, hash: &str, first: Output) {
        let mut last = first;
        for _ in 0..10 {
            if last.code == Some(0) {
                return self.assert_arrived();
            }
            assert!(matches!(last.code, Some(1 | 130) | None), "{last:?}");
            last = self.run(hash);
        }
        panic!("never done: {last:?}");
    }

    /// Lets both databases be compared, and counts on its own.
    pub(crate) fn assert_arrived(&self) {
        self.program(&["verify"]).run().expect_code(0);
        for table in ["team", "staff", "visit", "log", "vacant"] {
            let sql = format!("select count(*) from {table}");
            let counts = [&self.source, &self.target].map(|side| side.database.query_text(&sql));
            assert_eq!(counts[0], counts[1], "{table}");
        }
    }
}

/// Makes the shop of the promises.
pub(crate) fn fill(kind: Kind, database: &dyn Private, rows: u32) {
    database.execute(&kind.shop().replace("{rows}", &rows.to_string()));
}

/// Says aloud that a test cannot do its work here.
pub(crate) fn skip(why: &str) {
    // Not `eprintln!`: the test harness would keep that to itself.
    let mut out = std::io::stderr();
    writeln!(out, "SKIPPED: {why}").unwrap();
}

//! Opens sessions: the URL and the environment become settings once, and every session is pinned to UTC, UTF-8 and modes of its own
//! before anything else runs on it. Which certificates are accepted is `tls.rs`; option files are `connect/option_file.rs`; that a
//! session still lives is `connect/liveness.rs`; what becomes of work that nobody waits for is `connect/abandon.rs`.

mod abandon;
mod liveness;
mod option_file;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Opts, OptsBuilder, PoolOpts, SslOpts};
use whimbrel_core::{ConnectOptions, DatabaseUrl, Error, Place, Result, Secret, Way};

pub(crate) use self::liveness::Lookout;
use self::option_file::Client;
use crate::error::{Failure, classify, from_connect};
use crate::flavour::{Flavour, Version};
use crate::handshake::HANDSHAKE;
use crate::place::CLIENT;
use crate::tls::{self, Mode, TlsFiles};

/// How long opening a connection may take when the URL does not say.
const CONNECT_SECONDS: u64 = 10;

/// How long a connection may be dead before it is noticed, when the URL does not say (`stall_timeout`).
const PATIENCE_SECONDS: u64 = 60;

/// How long a connection that says nothing is looked after.
const KEEPALIVE: Duration = Duration::from_secs(20);

/// The largest value a server can send is 1 GiB.
const PACKET_MAX: usize = 1 << 30;

/// The modes of a session that reads: zero and invalid dates may be compared with.
const READER_MODES: &str = "NO_ENGINE_SUBSTITUTION,ALLOW_INVALID_DATES";

/// The modes of a session that writes: nothing is changed to fit, and 0 is 0.
pub(crate) const WRITER_MODES: &str =
    "STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_VALUE_ON_ZERO";

/// Settings of every session.
const PINNED: &str = "time_zone = '+00:00', autocommit = 1, sql_auto_is_null = 0, sql_big_selects = 1, \
    sql_safe_updates = 0, sql_select_limit = DEFAULT, sql_quote_show_create = 1, wait_timeout = 604800, \
    net_read_timeout = 3600, net_write_timeout = 3600, group_concat_max_len = 1073741824";

/// Settings that only one flavour has.
const PINNED_MYSQL: &str = "max_execution_time = 0";
const PINNED_MARIADB: &str = "max_statement_time = 0, idle_transaction_timeout = 0, \
    idle_readonly_transaction_timeout = 0, idle_write_transaction_timeout = 0";

/// What the server says about itself, by the names it uses.
const SETTINGS: &str = "SHOW VARIABLES WHERE Variable_name IN ('version', 'version_comment', 'lower_case_table_names', \
    'character_set_database', 'collation_database', 'log_bin', 'max_allowed_packet', 'server_uuid', 'server_uid', 'local_infile', \
    'read_only', 'super_read_only', 'gtid_mode', 'hostname', 'port', 'datadir', 'default_storage_engine', 'innodb_strict_mode', \
    'sql_require_primary_key', 'innodb_page_size', 'innodb_default_row_format', 'innodb_large_prefix', 'explicit_defaults_for_timestamp', \
    'binlog_format', 'log_bin_trust_function_creators', 'event_scheduler', 'wsrep_on')";

/// A server, and how to open sessions on one of its databases.
#[derive(Clone)]
pub(crate) struct Server {
    /// Its flavour and version.
    pub(crate) version: Version,
    /// The database.
    pub(crate) database: String,
    /// What `SHOW VARIABLES` says of the settings that matter, by name; a setting that the server does not have is absent.
    pub(crate) settings: BTreeMap<String, String>,
    /// Names the server in messages, without a secret.
    pub(crate) place: Place,
    opts: Opts,
    timeout: Duration,
    /// How long a session may be dead before it is noticed; none when nobody looks.
    patience: Option<Duration>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The options hold the password.
        f.debug_struct("Server")
            .field("version", &self.version)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// Connects once, so that a wrong address or password is said at once, and asks the server what it is.
    pub(crate) async fn open(url: &DatabaseUrl, options: &ConnectOptions) -> Result<Self> {
        let login = Login::read(url, &options.environment)?;
        let timeout = seconds(url, &["connect_timeout", "connect-timeout"], CONNECT_SECONDS)?;
        let patience = seconds(url, &["stall_timeout", "stall-timeout"], PATIENCE_SECONDS)?;
        let (opts, conn) = Box::pin(login.connect(url, timeout)).await?;
        let asked = tokio::time::timeout(timeout, Box::pin(introduction(conn))).await;
        let late = || from_connect(Failure::Late(timeout), &login.place());
        let (settings, database) = asked.unwrap_or_else(|_| Err(late()))?;
        Ok(Self {
            version: Version::parse(settings.get("version").map_or("", String::as_str)),
            database: database.unwrap_or(login.database.clone()),
            settings,
            place: login.place(),
            opts,
            timeout,
            patience: Some(patience).filter(|patience| !patience.is_zero() && login.socket.is_none()),
        })
    }

    /// Returns what looks after a session while we wait for its answers.
    pub(crate) fn lookout(&self, session: u32) -> Lookout {
        let setting = |name| self.settings.get(name).map_or("", String::as_str);
        let address = format!("{}:{}", setting("hostname"), setting("port"));
        Lookout::new(self.opts.clone(), self.patience, address, session)
    }

    /// Opens a session that only reads.
    pub(crate) async fn reader(&self) -> Result<Conn> {
        let mut conn = self.session(READER_MODES, 30).await?;
        conn.query_drop("SET SESSION TRANSACTION READ ONLY")
            .await
            .map_err(classify)?;
        Ok(conn)
    }

    /// Does the work on a session of its own that only reads. A connection that dies meanwhile is noticed.
    pub(crate) async fn read_with<T>(&self, work: impl AsyncFnOnce(&mut Conn) -> Result<T>) -> Result<T> {
        let mut conn = self.reader().await?;
        let lookout = self.lookout(conn.id());
        let whole = async {
            let done = work(&mut conn).await;
            drop(conn.disconnect().await);
            done
        };
        lookout.during(Box::pin(whole)).await
    }

    /// Opens a session that may write.
    pub(crate) async fn writer(&self) -> Result<Conn> {
        self.session(WRITER_MODES, 600).await
    }

    /// Opens a session that changes nothing but may lock.
    pub(crate) async fn control(&self) -> Result<Conn> {
        self.session(READER_MODES, 30).await
    }

    /// Returns a setting of the server as a number.
    pub(crate) fn number(&self, setting: &str) -> Option<u64> {
        self.settings.get(setting)?.parse().ok()
    }

    /// Tells whether a setting of the server is on.
    pub(crate) fn is_on(&self, setting: &str) -> bool {
        self.settings
            .get(setting)
            .is_some_and(|value| value.eq_ignore_ascii_case("on") || value == "1")
    }

    /// Tells whether names of tables that differ only in case are one name.
    pub(crate) fn folds_table_names(&self) -> bool {
        self.number("lower_case_table_names")
            .is_some_and(|value| value != 0)
    }

    /// Returns how sessions are opened, and how long that may take.
    pub(crate) fn way_in(&self) -> (&Opts, Duration) {
        (&self.opts, self.timeout)
    }

    /// Returns the statements that make a session one that only reads.
    pub(crate) fn reader_pins(&self) -> Vec<String> {
        let mut pins = self.pins(READER_MODES, 30).to_vec();
        pins.push("SET SESSION TRANSACTION READ ONLY".to_owned());
        pins
    }

    async fn session(&self, modes: &str, lock_seconds: u32) -> Result<Conn> {
        let mut conn = open(self.opts.clone(), self.timeout)
            .await
            .map_err(|error| from_connect(error, &self.place))?;
        let lookout = self.lookout(conn.id());
        for sql in self.pins(modes, lock_seconds) {
            lookout
                .during(async { conn.query_drop(sql).await.map_err(classify) })
                .await?;
        }
        Ok(conn)
    }

    /// The statements that pin a session to settings of our own.
    fn pins(&self, modes: &str, lock_seconds: u32) -> [String; 3] {
        let own = match self.version.flavour {
            Flavour::MySql if self.version.is_mysql(8, 0, 0) => {
                format!("{PINNED_MYSQL}, information_schema_stats_expiry = 0")
            }
            Flavour::MySql => PINNED_MYSQL.to_owned(),
            Flavour::MariaDb => PINNED_MARIADB.to_owned(),
        };
        [
            "SET NAMES utf8mb4".to_owned(),
            format!("SET sql_mode = '{modes}', lock_wait_timeout = {lock_seconds}, {PINNED}, {own}"),
            // Whether rows that are read become visible to others is the transaction's business, not the server's default.
            "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ".to_owned(),
        ]
    }
}

/// Who logs in where.
struct Login {
    user: String,
    password: Option<Secret>,
    host: String,
    port: u16,
    /// The path of a socket, which wins over host and port.
    socket: Option<String>,
    database: String,
}

impl Login {
    fn read(url: &DatabaseUrl, environment: &BTreeMap<String, String>) -> Result<Self> {
        let client = Client::read(environment.get("HOME").map(String::as_str));
        let user = url
            .user
            .clone()
            .or(client.user)
            .or_else(|| environment.get("USER").cloned())
            .or_else(|| environment.get("LOGNAME").cloned())
            .ok_or_else(|| {
                Error::invalid("the URL names no user")
                    .with_hint(format!("write it as `{}://USER@HOST/DATABASE`", url.scheme))
            })?;
        if url.database.is_empty() {
            return Err(Error::invalid("the URL names no database")
                .with_hint(format!("write it as `{}://USER@HOST/DATABASE`", url.scheme)));
        }
        let password = url
            .password
            .clone()
            .or_else(|| environment.get("MYSQL_PWD").map(Secret::new))
            .or(client.password);
        let named = url.host.clone().or(client.host);
        let port = url.port.or(client.port);
        let socket = parameter(url, &["socket"])
            .map(str::to_owned)
            .or_else(|| named.clone().filter(|host| host.starts_with('/')))
            .or_else(|| client.socket.filter(|_| url.host.is_none()))
            .or_else(|| default_socket().filter(|_| named.is_none() && port.is_none()));
        Ok(Self {
            user,
            password,
            host: named.unwrap_or_else(|| "localhost".to_owned()),
            port: port.unwrap_or(HANDSHAKE.port),
            socket,
            database: url.database.clone(),
        })
    }

    fn place(&self) -> Place {
        let way = match &self.socket {
            Some(socket) => Way::Socket(socket.clone()),
            None => Way::Host(self.host.clone(), self.port),
        };
        Place {
            login: whimbrel_core::Login::new(&self.user, self.password.is_some()),
            way,
            database: self.database.clone(),
            client: &CLIENT,
        }
    }

    fn opts(&self, ssl: Option<SslOpts>) -> Opts {
        OptsBuilder::default()
            .user(Some(&self.user))
            .pass(self.password.as_ref().map(Secret::reveal))
            .db_name(Some(&self.database))
            .ip_or_hostname(&self.host)
            .tcp_port(self.port)
            .socket(self.socket.clone())
            .prefer_socket(false)
            .tcp_keepalive(Some(KEEPALIVE))
            .tcp_nodelay(true)
            .max_allowed_packet(Some(PACKET_MAX))
            .wait_timeout(Some(604_800))
            .stmt_cache_size(16_usize)
            .pool_opts(PoolOpts::default())
            .connect_attribute("program_name", "whimbrel")
            .ssl_opts(ssl)
            .into()
    }

    /// Opens the first connection, and says with which options the others are opened.
    async fn connect(&self, url: &DatabaseUrl, timeout: Duration) -> Result<(Opts, Conn)> {
        let files = TlsFiles {
            authorities: parameter(url, &["ssl-ca", "ssl_ca", "sslrootcert"]).map(str::to_owned),
            certificate: parameter(url, &["ssl-cert", "ssl_cert", "sslcert"]).map(str::to_owned),
            key: parameter(url, &["ssl-key", "ssl_key", "sslkey"]).map(str::to_owned),
        };
        let word = parameter(url, &["ssl-mode", "ssl_mode", "sslmode"]);
        let mode = match word {
            Some(word) => Mode::parse(word)?,
            None if files.authorities.is_some() => Mode::VerifyCa,
            None => Mode::Preferred,
        };
        let encrypted = match mode {
            // What goes through a socket leaves the machine for nobody to see.
            _ if self.socket.is_some() => None,
            Mode::Disabled => None,
            Mode::Preferred | Mode::Required | Mode::VerifyCa | Mode::VerifyIdentity => {
                Some(self.opts(Some(tls::options(mode, &files)?)))
            }
        };
        let Some(encrypted) = encrypted else {
            return self.first(self.opts(None), timeout).await;
        };
        match open(encrypted.clone(), timeout).await {
            Ok(conn) => Ok((encrypted, conn)),
            Err(Failure::Driver(error)) if mode == Mode::Preferred && tls::is_missing(&error) => {
                self.first(self.opts(None), timeout).await
            }
            Err(error) => Err(from_connect(error, &self.place())),
        }
    }

    async fn first(&self, opts: Opts, timeout: Duration) -> Result<(Opts, Conn)> {
        let conn = open(opts.clone(), timeout)
            .await
            .map_err(|error| from_connect(error, &self.place()))?;
        Ok((opts, conn))
    }
}

/// What the server says about itself, and the name of the database that the session is in.
async fn introduction(mut conn: Conn) -> Result<(BTreeMap<String, String>, Option<String>)> {
    let rows: Vec<(String, String)> = conn.query(SETTINGS).await.map_err(classify)?;
    let settings = rows
        .into_iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .collect();
    let database: Option<Option<String>> = conn.query_first("SELECT DATABASE()").await.map_err(classify)?;
    drop(conn.disconnect().await);
    Ok((settings, database.flatten()))
}

async fn open(opts: Opts, timeout: Duration) -> Result<Conn, Failure> {
    match tokio::time::timeout(timeout, Conn::new(opts)).await {
        Ok(Ok(conn)) => Ok(conn),
        Ok(Err(error)) => Err(Failure::Driver(error)),
        Err(_) => Err(Failure::Late(timeout)),
    }
}

fn parameter<'a>(url: &'a DatabaseUrl, names: &[&str]) -> Option<&'a str> {
    names
        .iter()
        .find_map(|name| url.parameters.get(*name))
        .map(String::as_str)
}

fn seconds(url: &DatabaseUrl, names: &[&str], usual: u64) -> Result<Duration> {
    let Some(text) = parameter(url, names) else {
        return Ok(Duration::from_secs(usual));
    };
    text.parse().map(Duration::from_secs).map_err(|_| {
        let name = names.first().copied().unwrap_or_default();
        Error::invalid(format!("{name} is `{text}`; must be a number of seconds"))
    })
}

fn default_socket() -> Option<String> {
    [
        "/run/mysqld/mysqld.sock",
        "/var/lib/mysql/mysql.sock",
        "/tmp/mysql.sock",
    ]
    .into_iter()
    .find(|path| Path::new(path).exists())
    .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(url: &str, environment: &[(&str, &str)]) -> Result<Login> {
        let environment = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Login::read(&DatabaseUrl::parse(url).unwrap(), &environment)
    }

    #[test]
    fn a_password_comes_from_the_url_or_the_environment() {
        let given = login("mysql://ann:one@db/shop", &[("MYSQL_PWD", "two")]).unwrap();
        assert_eq!(given.password.unwrap().reveal(), "one");
        let given = login("mysql://ann@db/shop", &[("MYSQL_PWD", "two")]).unwrap();
        assert_eq!(given.password.unwrap().reveal(), "two");
        assert_eq!(given.port, 3306);
    }

    #[test]
    fn a_host_that_is_a_path_is_a_socket() {
        let given = login("mysql://ann@%2Frun%2Fx.sock/shop", &[]).unwrap();
        assert_eq!(given.socket.as_deref(), Some("/run/x.sock"));
        let given = login("mysql://ann@db/shop?socket=/run/y.sock", &[]).unwrap();
        assert_eq!(given.socket.as_deref(), Some("/run/y.sock"));
    }

    #[test]
    fn a_url_without_a_database_is_refused() {
        let Err(error) = login("mysql://ann@db/", &[]) else {
            panic!("there is no database")
        };
        assert!(error.to_string().contains("names no database"));
    }

    #[test]
    fn no_secret_shows_in_what_is_printed() {
        let given = login("mysql://ann:canary@db/shop", &[]).unwrap();
        let server = Server {
            version: Version::parse("8.0.1"),
            database: "shop".to_owned(),
            settings: BTreeMap::new(),
            place: given.place(),
            opts: given.opts(None),
            timeout: KEEPALIVE,
            patience: None,
        };
        assert!(!format!("{server:?}").contains("canary"));
    }
}

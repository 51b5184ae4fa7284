//! Opens sessions: the URL and the environment become settings once, and every session is pinned to UTC, UTF-8 and
//! locale-independent output before anything else runs on it. Sockets are `connect/address.rs`; that a session still lives is
//! `connect/liveness.rs`, which looks at its messages in `connect/wire.rs`, as `connect/pieces.rs` reads them; what becomes of work that nobody waits for is
//! `connect/abandon.rs`.

mod abandon;
mod address;
mod liveness;
mod pieces;
mod wire;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Client, Connection, NoTls};
use whimbrel_core::{DatabaseUrl, Error, Place, Result, Secret, Way};

use self::abandon::Abandon;
use self::address::{Address, Stream};
use self::liveness::Who;
pub(crate) use self::pieces::next_row;
use self::wire::{Encrypting, Talk, Watched};
use crate::error::{from_connect, from_driver, late};
use crate::handshake::HANDSHAKE;
use crate::place::CLIENT;
use crate::tls::{self, TlsFiles, Trust};

/// Settings of every session; `{role}` is added for readers and writers.
const PINNED: &str = "SET client_encoding = 'UTF8'; SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; \
    SET intervalstyle = 'postgres'; SET extra_float_digits = 3; SET bytea_output = 'hex'; \
    SET xmloption = 'content'; SET search_path = ''; SET row_security = off; \
    SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; \
    SET standard_conforming_strings = on; SET client_min_messages = warning; SET jit = off;";

/// Lets the server look every second whether we are still there while it works or waits for a lock, as far as it can: since version 14,
/// where the system tells of a closed connection (manual, 20.3.3). Without it, a process that was killed holds up others.
const LOOKS: &str = "SELECT set_config(name, '1s', false) FROM pg_settings \
    WHERE name = 'client_connection_check_interval' AND version() ~* 'linux|darwin|bsd|illumos'";

/// How long opening a connection may take when the URL does not say (`connect_timeout`).
const CONNECT_SECONDS: u64 = 10;

/// How long a connection may be dead before it is noticed, when the URL does not say (`stall_timeout`).
const PATIENCE_SECONDS: u64 = 60;

/// The code of errors that lie in the request itself.
const USAGE: &str = "usage";

/// What a session may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Read only, without any time limit of its own.
    Reader,
    /// May write.
    Writer,
}

/// Where and how to connect.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Names the server in messages, without a secret.
    pub(crate) place: Place,
    config: tokio_postgres::Config,
    mode: Mode,
    files: TlsFiles,
    address: Address,
    connect_timeout: Duration,
    /// How long a session may be dead before it is noticed; none when nobody looks.
    patience: Option<Duration>,
}

/// The words of `sslmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// An open session. Dropping it closes the connection at once; the server then rolls back what was open.
#[derive(Debug)]
pub(crate) struct Session {
    /// Dropped before the rest, which says goodbye.
    abandon: Option<Abandon>,
    pub(crate) client: Client,
    talk: Arc<Talk>,
    driver: JoinSet<()>,
}

impl std::ops::Deref for Session {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Settings {
    /// Reads the URL and the settings of the environment.
    pub(crate) fn new(url: &DatabaseUrl, environment: &BTreeMap<String, String>) -> Result<Self> {
        let home = environment.get("HOME").map(PathBuf::from);
        let user = url
            .user
            .clone()
            .or_else(|| {
                environment
                    .get("USER")
                    .or_else(|| environment.get("LOGNAME"))
                    .cloned()
            })
            .ok_or_else(|| {
                Error::invalid("the URL names no user")
                    .with_code(USAGE)
                    .with_hint("write it as `postgres://USER@HOST/DATABASE`")
            })?;
        let database = if url.database.is_empty() {
            user.clone()
        } else {
            url.database.clone()
        };
        let host = url.host.clone().unwrap_or_else(default_host);
        let port = url
            .port
            .or_else(|| url.parameters.get("port")?.parse().ok())
            .unwrap_or(HANDSHAKE.port);
        let mut config = tokio_postgres::Config::new();
        config
            .user(&user)
            .dbname(&database)
            .host(&host)
            .port(port)
            .application_name(parameter(url, "application_name").unwrap_or("whimbrel"));
        let login = Login {
            host: &host,
            port,
            database: &database,
            user: &user,
        };
        if let Some(password) = password(url, environment, home.as_deref(), &login) {
            config.password(password.reveal());
        }
        if let Some(options) = parameter(url, "options") {
            config.options(options);
        }
        let patience = match seconds(url, "stall_timeout", PATIENCE_SECONDS)? {
            0 => None,
            seconds => Some(Duration::from_secs(seconds)),
        };
        let mode = Mode::parse(parameter(url, "sslmode").unwrap_or("prefer"))?;
        let address = Address::new(&host, port, patience);
        Ok(Self {
            place: Place {
                login: whimbrel_core::Login::new(&user, config.get_password().is_some()),
                way: Way::Host(host, port),
                database,
                client: &CLIENT,
            },
            config,
            mode,
            files: tls_files(url, home.as_deref()),
            address,
            connect_timeout: Duration::from_secs(seconds(url, "connect_timeout", CONNECT_SECONDS)?),
            patience,
        })
    }

    /// Opens a session.
    pub(crate) async fn open(&self, role: Role) -> Result<Session> {
        let mut session = Box::pin(self.connect()).await?;
        session.abandon = Some(Abandon::new(
            self.clone(),
            session.client.cancel_token(),
            Arc::clone(&session.talk),
        ));
        let read_only = match role {
            Role::Reader => "SET default_transaction_read_only = on; SET lock_timeout = '30s';",
            Role::Writer => "SET lock_timeout = '10min';",
        };
        let sql = format!("{PINNED} {read_only} {}; {LOOKS}", liveness::WHO);
        let pinned = tokio::time::timeout(self.connect_timeout, session.simple_query(&sql)).await;
        let answers = pinned
            .map_err(|_| late(&self.place, self.connect_timeout))?
            .map_err(from_driver)?;
        if let Some(who) = Who::read(&answers)
            && self.address.is_remote()
        {
            session.watch(self.clone(), who);
        }
        Ok(session)
    }

    async fn connect(&self) -> Result<Session> {
        let connected = tokio::time::timeout(self.connect_timeout, self.in_mode()).await;
        connected.unwrap_or_else(|_| Err(late(&self.place, self.connect_timeout)))
    }

    async fn in_mode(&self) -> Result<Session> {
        let trust = match self.mode {
            Mode::VerifyFull => Trust::Host,
            Mode::VerifyCa => Trust::Authority,
            Mode::Require if self.files.roots.is_some() => Trust::Authority,
            Mode::Disable | Mode::Allow | Mode::Prefer | Mode::Require => Trust::Anything,
        };
        if !self.address.is_remote() {
            return self.plain().await;
        }
        match self.mode {
            Mode::Disable => self.plain().await,
            Mode::Require | Mode::VerifyCa | Mode::VerifyFull => {
                self.encrypted(SslMode::Require, trust).await
            }
            Mode::Allow => match self.plain().await {
                Err(error) if error.code() == "authentication" => {
                    self.encrypted(SslMode::Require, trust).await.map_err(|_| error)
                }
                other => other,
            },
            Mode::Prefer => match self.encrypted(SslMode::Prefer, trust).await {
                Err(error) if error.code() == "authentication" => self.plain().await.map_err(|_| error),
                other => other,
            },
        }
    }

    async fn plain(&self) -> Result<Session> {
        self.over(SslMode::Disable, Arc::default(), NoTls).await
    }

    async fn encrypted(&self, mode: SslMode, trust: Trust) -> Result<Session> {
        let mut connectors = tls::connector(trust, &self.files)?;
        let connector =
            MakeTlsConnect::<Watched<Stream>>::make_tls_connect(&mut connectors, self.address.name())
                .map_err(|cause| Error::bug("TLS cannot be set up").with_cause(cause))?;
        let talk = Arc::default();
        let connector = Encrypting {
            connector,
            talk: Arc::clone(&talk),
        };
        self.over(mode, talk, connector).await
    }

    async fn over<T>(&self, mode: SslMode, talk: Arc<Talk>, connector: T) -> Result<Session>
    where
        T: TlsConnect<Watched<Stream>>,
        T::Stream: Send + 'static,
    {
        let mut config = self.config.clone();
        config.ssl_mode(mode);
        let stream = self
            .address
            .reach()
            .await
            .map_err(|cause| crate::error::unreachable(&self.place, cause))?;
        let watched = Watched::new(stream, Arc::clone(&talk));
        let connected = config.connect_raw(watched, connector).await;
        let (client, connection) = connected.map_err(|error| from_connect(error, &self.place))?;
        talk.begin();
        Ok(Session::drive(client, connection, talk))
    }
}

impl Session {
    fn drive<T>(client: Client, connection: Connection<Watched<Stream>, T>, talk: Arc<Talk>) -> Self
    where
        T: tokio_postgres::tls::TlsStream + Unpin + Send + 'static,
    {
        let mut driver = JoinSet::new();
        // The connection's own error reaches whoever waits for an answer.
        driver.spawn(async move { drop(connection.await) });
        Self {
            abandon: None,
            client,
            talk,
            driver,
        }
    }

    /// Ends the connection when it is found dead; whoever waits for an answer is then told that it was lost.
    fn watch(&mut self, settings: Settings, who: Who) {
        let talk = Arc::clone(&self.talk);
        let connection = std::mem::take(&mut self.driver);
        self.driver.spawn(async move {
            let mut connection = connection;
            tokio::select! {
                _ended = connection.join_next() => {}
                () = liveness::until_dead(settings, talk, who) => {}
            }
        });
    }
}

impl Mode {
    fn parse(word: &str) -> Result<Self> {
        Ok(match word {
            "disable" => Self::Disable,
            "allow" => Self::Allow,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            other => {
                return Err(Error::invalid(format!(
                    "sslmode is `{other}`; must be `disable`, `allow`, `prefer`, `require`, `verify-ca` or `verify-full`"
                ))
                .with_code(USAGE));
            }
        })
    }
}

fn parameter<'a>(url: &'a DatabaseUrl, name: &str) -> Option<&'a str> {
    url.parameters.get(name).map(String::as_str)
}

fn seconds(url: &DatabaseUrl, name: &str, usual: u64) -> Result<u64> {
    let Some(text) = parameter(url, name) else {
        return Ok(usual);
    };
    text.parse().map_err(|_| {
        Error::invalid(format!("{name} is `{text}`; must be a number of seconds")).with_code(USAGE)
    })
}

fn default_host() -> String {
    let sockets = ["/var/run/postgresql", "/tmp"];
    let socket = format!(".s.PGSQL.{}", HANDSHAKE.port);
    let found = sockets
        .iter()
        .find(|folder| Path::new(folder).join(&socket).exists());
    (*found.unwrap_or(&"localhost")).to_owned()
}

fn tls_files(url: &DatabaseUrl, home: Option<&Path>) -> TlsFiles {
    let standard = home
        .map(|home| home.join(".postgresql/root.crt"))
        .filter(|file| file.exists());
    let roots = parameter(url, "sslrootcert")
        .map(str::to_owned)
        .or_else(|| standard.map(|file| file.to_string_lossy().into_owned()));
    let client = parameter(url, "sslcert")
        .zip(parameter(url, "sslkey"))
        .map(|(certificate, key)| (certificate.to_owned(), key.to_owned()));
    TlsFiles { roots, client }
}

struct Login<'a> {
    host: &'a str,
    port: u16,
    database: &'a str,
    user: &'a str,
}

/// The password, from the first place that has one: URL, `PGPASSWORD`, the password file.
fn password(
    url: &DatabaseUrl,
    environment: &BTreeMap<String, String>,
    home: Option<&Path>,
    login: &Login<'_>,
) -> Option<Secret> {
    if let Some(password) = &url.password {
        return Some(password.clone());
    }
    if let Some(password) = environment.get("PGPASSWORD") {
        return Some(Secret::new(password));
    }
    let file = environment
        .get("PGPASSFILE")
        .map(PathBuf::from)
        .or_else(|| home.map(|home| home.join(".pgpass")))?;
    let text = std::fs::read_to_string(&file)
        .ok()
        .filter(|_| is_private(&file))?;
    text.lines()
        .find_map(|line| password_in_line(line, login))
        .map(Secret::new)
}

/// As libpq does, a password file that others may read is not used.
fn is_private(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(file).is_ok_and(|meta| meta.permissions().mode() & 0o077 == 0)
}

fn password_in_line(line: &str, login: &Login<'_>) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    let mut fields = vec![String::new()];
    let mut escaped = false;
    for c in line.chars() {
        let number = fields.len();
        let last = fields.last_mut()?;
        match c {
            _ if escaped => {
                last.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            ':' if number < 5 => fields.push(String::new()),
            _ => last.push(c),
        }
    }
    let [host, port, database, user, password] = fields.as_slice() else {
        return None;
    };
    // A socket in the standard folder is called `localhost` in the file.
    let hosts = [
        login.host,
        if login.host.starts_with('/') {
            "localhost"
        } else {
            login.host
        },
    ];
    let fits = |have: &str, want: &str| have == "*" || have == want;
    let found = hosts.iter().any(|name| fits(host, name))
        && fits(port, &login.port.to_string())
        && fits(database, login.database)
        && fits(user, login.user);
    found.then(|| password.clone())
}

/// Idle sessions of one kind, kept for the next who needs one.
#[derive(Debug)]
pub(crate) struct Idle {
    sessions: Mutex<Vec<Session>>,
}

impl Idle {
    /// Makes an empty pool.
    pub(crate) fn new() -> Self {
        Self {
            sessions: Mutex::new(Vec::new()),
        }
    }

    /// Takes a session that still lives.
    pub(crate) fn take(&self) -> Option<Session> {
        let mut sessions = self
            .sessions
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        while let Some(session) = sessions.pop() {
            if !session.is_closed() {
                return Some(session);
            }
        }
        None
    }

    /// Takes a reader's session that still lives, or opens one.
    pub(crate) async fn take_or_open(&self, settings: &Settings) -> Result<Session> {
        match self.take() {
            Some(session) => Ok(session),
            None => settings.open(Role::Reader).await,
        }
    }

    /// Gives back a session that is between statements (and transactions, as its users agree).
    pub(crate) fn put(&self, session: Session) {
        self.sessions
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .push(session);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGIN: Login<'_> = Login {
        host: "db",
        port: 5432,
        database: "shop",
        user: "ann",
    };

    #[test]
    fn a_password_file_is_read_as_libpq_does() {
        for (line, want) in [
            ("db:5432:shop:ann:secret", Some("secret")),
            ("*:*:*:*:a:b", Some("a:b")),
            ("db:5432:shop:ann:a\\:b\\\\", Some("a:b\\")),
            ("db:5433:shop:ann:secret", None),
            ("#db:5432:shop:ann:secret", None),
            ("db:5432:shop:ann", None),
        ] {
            assert_eq!(password_in_line(line, &LOGIN).as_deref(), want, "{line}");
        }
    }

    #[test]
    fn an_unknown_sslmode_is_refused() {
        let url = DatabaseUrl::parse("postgres://ann@db/shop?sslmode=verify").unwrap();
        let error = Settings::new(&url, &BTreeMap::new()).unwrap_err();
        assert!(error.to_string().contains("verify-full"), "{error}");
        assert_eq!(error.code(), USAGE);
    }

    #[test]
    fn no_secret_is_in_the_name_of_the_place() {
        let url = DatabaseUrl::parse("postgres://ann:s3cret@db:5/shop").unwrap();
        let settings = Settings::new(&url, &BTreeMap::new()).unwrap();
        assert_eq!(settings.place.to_string(), "`ann@db:5/shop`");
        assert!(!format!("{settings:?}").contains("s3cret"));
    }
}

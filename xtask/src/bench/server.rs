//! Starts servers as a usual machine has them, tuned for two cores and enough memory and durable, in folders of ours; they end with us.

use std::fs;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::pair::Engine;
use super::place::{Place, USER};
use crate::cargo::Failure;
use crate::install::{self, Install};
use crate::private_mysql;
use crate::private_server::{free_port, is_root, random, run};

/// How long a server may take to answer.
const START_SECONDS: u64 = 60;

/// What a PostgreSQL server is told; what is not here is as it comes.
pub(super) const POSTGRES_SETTINGS: &[(&str, &str)] = &[
    ("shared_buffers", "1GB"),
    ("effective_cache_size", "8GB"),
    ("work_mem", "32MB"),
    ("maintenance_work_mem", "256MB"),
    ("max_wal_size", "8GB"),
    ("checkpoint_timeout", "15min"),
    ("random_page_cost", "1.1"),
    ("max_connections", "100"),
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    ("wal_level", "replica"),
];

/// What a MariaDB server is told; what is not here is as it comes.
pub(super) const MARIADB_SETTINGS: &[(&str, &str)] = &[
    ("innodb-buffer-pool-size", "1G"),
    ("innodb-log-file-size", "1G"),
    ("innodb-flush-log-at-trx-commit", "1"),
    ("innodb-doublewrite", "1"),
    ("innodb-io-capacity", "2000"),
    ("max-allowed-packet", "256M"),
    ("max-connections", "100"),
    ("local-infile", "1"),
    ("character-set-server", "utf8mb4"),
    ("skip-name-resolve", "1"),
];

/// Makes the cluster; `$1` programs, `$2` folder, the password on standard input.
const SET_UP_POSTGRES: &str = r#"set -eu
umask 077
mkdir "$2"
cat > "$2/password"
"$1/initdb" -D "$2/data" -U bench --pwfile="$2/password" -A scram-sha-256 -E UTF8 --locale=C --no-sync
rm "$2/password"
"#;

/// Makes the data; `$1` folder, `$2` what installs; the users' statements on standard input.
const SET_UP_MARIADB: &str = r#"set -eu
umask 077
mkdir "$1"
cat > "$1/init.sql"
"$2" --no-defaults --auth-root-authentication-method=normal --skip-test-db --datadir="$1/data"
"#;

/// Starts the server, waits until standard input closes, which the kernel does even for an owner that was killed, then
/// cleans up; `$1` folder, `$2` the signal that ends it.
const WATCH: &str = r#"trap '' INT TERM HUP QUIT
folder=$1; signal=$2; shift 2
"$@" > "$folder/log" 2>&1 < /dev/null &
server=$!
echo "$server" > "$folder/pid"
cat > /dev/null
kill -"$signal" "$server"
wait "$server"
rm -rf "$folder"
"#;

/// A running server; dropping it, or the death of this process, stops and removes it.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) engine: Engine,
    pub(super) port: u16,
    pub(super) password: String,
    /// Its first process.
    pub(super) process: u32,
    /// Where its programs are.
    pub(super) programs: PathBuf,
    watchdog: Child,
}

impl Server {
    /// Makes an empty server in a new folder below the given one.
    pub(super) fn start(engine: Engine, parent: &Path) -> Result<Self, Failure> {
        let folder = parent.join(engine.id());
        let password = format!("{:016x}{:016x}", random(), random());
        let failed = |error: io::Error| Failure::new(format!("cannot start {engine}: {error}"));
        let port = free_port().map_err(failed)?;
        let (programs, server) = match engine {
            Engine::Postgres => set_up_postgres(&folder, &password, port)?,
            Engine::MariaDb => set_up_mariadb(&folder, &password, port)?,
            Engine::Sqlite => return Err(Failure::new("this engine has no server")),
        };
        let signal = if engine == Engine::Postgres {
            "QUIT"
        } else {
            "KILL"
        };
        let mut command = as_user(engine, "sh".as_ref());
        command.args(["-c", WATCH, "sh"]).arg(&folder).arg(signal);
        command.arg(server.get_program()).args(server.get_args());
        // Neither Ctrl-C nor a reader of our output may wait for or end the watchdog.
        command
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut started = Self {
            engine,
            port,
            password,
            process: 0,
            programs,
            watchdog: command.spawn().map_err(failed)?,
        };
        started.wait_until_ready(&folder)?;
        Ok(started)
    }

    /// Returns a database of this server.
    pub(super) fn place(&self, name: &str) -> Place {
        Place {
            engine: self.engine,
            port: self.port,
            password: self.password.clone(),
            name: name.to_owned(),
        }
    }

    fn wait_until_ready(&mut self, folder: &Path) -> Result<(), Failure> {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(START_SECONDS) {
            if self.place("").answers() {
                let id = fs::read_to_string(folder.join("pid")).unwrap_or_default();
                self.process = id.trim().parse().unwrap_or(0);
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
        let last: Vec<&str> = log.lines().rev().take(5).collect();
        let engine = self.engine;
        Err(Failure::new(format!(
            "{engine} did not start: {}",
            last.join("\n")
        )))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The watchdog owns the clean-up; closing its standard input asks for it.
        drop(self.watchdog.stdin.take());
        if let Err(error) = self.watchdog.wait() {
            writeln!(io::stderr(), "cannot wait for {}: {error}", self.engine).ok();
        }
    }
}

fn set_up_postgres(folder: &Path, password: &str, port: u16) -> Result<(PathBuf, Command), Failure> {
    let programs = install::programs(Install::Never).map_err(missing("postgresql"))?;
    let mut command = as_user(Engine::Postgres, "sh".as_ref());
    command.args(["-c", SET_UP_POSTGRES, "sh"]);
    command.arg(&programs.folder).arg(folder);
    run(command, &format!("{password}\n"), "initdb").map_err(|error| Failure::new(error.to_string()))?;
    let mut server = Command::new(programs.folder.join("postgres"));
    server.arg("-D").arg(folder.join("data"));
    server.args(["-p", &port.to_string(), "-k", ""]);
    server.args(["-c", "listen_addresses=127.0.0.1"]);
    for (name, value) in POSTGRES_SETTINGS {
        server.arg("-c").arg(format!("{name}={value}"));
    }
    Ok((programs.folder, server))
}

fn set_up_mariadb(folder: &Path, password: &str, port: u16) -> Result<(PathBuf, Command), Failure> {
    let programs = install::mariadb(Install::Never).map_err(missing("mariadb-server"))?;
    let private_mysql::Programs::MariaDb { server, install } = programs else {
        return Err(Failure::new("no MariaDB server was found"));
    };
    let users = format!(
        "CREATE USER IF NOT EXISTS {USER}@'%' IDENTIFIED BY '{password}';\n\
         GRANT ALL PRIVILEGES ON *.* TO {USER}@'%' WITH GRANT OPTION;\n"
    );
    let mut command = as_user(Engine::MariaDb, "sh".as_ref());
    command.args(["-c", SET_UP_MARIADB, "sh"]);
    command.arg(folder).arg(install);
    run(command, &users, "making an empty MariaDB server")
        .map_err(|error| Failure::new(error.to_string()))?;
    let programs = server.parent().unwrap_or(Path::new("/")).to_owned();
    let mut command = Command::new(server);
    command.arg("--no-defaults");
    for (name, file) in [
        ("datadir", "data"),
        ("pid-file", "server-pid"),
        ("init-file", "init.sql"),
        ("tmpdir", ""),
    ] {
        command.arg(format!("--{name}={}", folder.join(file).display()));
    }
    command.args([format!("--port={port}"), "--bind-address=127.0.0.1".to_owned()]);
    // Relative to the data: a socket's path must be short, and the folder's may be long.
    command.arg("--socket=socket");
    for (name, value) in MARIADB_SETTINGS {
        command.arg(format!("--{name}={value}"));
    }
    Ok((programs, command))
}

fn missing(package: &'static str) -> impl Fn(String) -> Failure {
    move |why| Failure::new(format!("{why}\nhint: apt-get install {package}"))
}

/// Servers refuse to run as root, so root hands over to the packages' own users.
fn as_user(engine: Engine, program: &Path) -> Command {
    let user = match engine {
        Engine::Postgres => "postgres",
        Engine::MariaDb | Engine::Sqlite => "mysql",
    };
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", user, "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir("/");
    command
}

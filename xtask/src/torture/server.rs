//! A server that can be killed as a power loss would and started again with what it had written; it ends with us.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::cargo::Failure;
use crate::install::{self, Install};
use crate::private_mysql;
use crate::private_server::{free_port, is_root, random, run};

/// How long a server may take to answer, recovery included.
const START_SECONDS: u64 = 120;

const USER: &str = "torture";

/// What can be killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Postgres,
    MariaDb,
}

/// What a PostgreSQL server is told. The processes are killed, not the machine: what was handed to the system is safe.
const POSTGRES: &[&str] = &[
    "fsync=off",
    "full_page_writes=off",
    "max_connections=100",
    "listen_addresses=127.0.0.1",
];

/// What a MariaDB server is told: a commit is handed to the system before it is answered.
const MARIADB: &[&str] = &[
    "--bind-address=127.0.0.1",
    "--local-infile=1",
    "--innodb-flush-log-at-trx-commit=2",
    "--innodb-flush-method=nosync",
    "--innodb-buffer-pool-size=256M",
    "--max-allowed-packet=256M",
    "--character-set-server=utf8mb4",
    "--skip-name-resolve",
    "--socket=socket",
];

const SET_UP_POSTGRES: &str = r#"set -eu
cat > "$2/password"
"$1/initdb" -D "$2/data" -U torture --pwfile="$2/password" -A scram-sha-256 -E UTF8 --locale=C --no-sync
rm "$2/password"
"#;

const SET_UP_MARIADB: &str = r#"set -eu
cat > "$1/init.sql"
"$2" --no-defaults --auth-root-authentication-method=normal --skip-test-db --datadir="$1/data"
"#;

/// Starts the server and waits until standard input closes, which the kernel does even for an owner that was killed.
const WATCH: &str = r#"trap '' INT TERM HUP QUIT
folder=$1; shift
"$@" >> "$folder/log" 2>&1 < /dev/null &
server=$!
echo "$server" > "$folder/pid"
cat > /dev/null
for process in $(cat "/proc/$server/task/$server/children" 2>/dev/null); do kill -9 "$process"; done
kill -9 "$server"
wait "$server"
"#;

/// A server with a folder of its own.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) kind: Kind,
    folder: PathBuf,
    port: u16,
    pub(super) password: String,
    command: Vec<String>,
    keeper: Option<Child>,
}

impl Server {
    /// Makes an empty server in a new folder and starts it.
    pub(super) fn start(kind: Kind, parent: &Path, name: &str) -> Result<Self, Failure> {
        let folder = parent.join(name);
        let failed = |error: io::Error| Failure::new(format!("cannot make a server: {error}"));
        fs::create_dir(&folder).map_err(failed)?;
        // Its user is not ours.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).map_err(failed)?;
        let port = free_port().map_err(failed)?;
        let password = format!("{:016x}", random());
        let command = match kind {
            Kind::Postgres => set_up_postgres(&folder, &password, port),
            Kind::MariaDb => set_up_mariadb(&folder, &password, port),
        };
        let mut server = Self {
            kind,
            folder,
            port,
            password,
            command: command?,
            keeper: None,
        };
        server.boot()?;
        Ok(server)
    }

    /// Starts the server process and waits until it answers.
    pub(super) fn boot(&mut self) -> Result<(), Failure> {
        let mut command = as_user(self.kind);
        command
            .args(["sh", "-c", WATCH, "sh"])
            .arg(&self.folder)
            .args(&self.command);
        command
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let keeper = command
            .spawn()
            .map_err(|error| Failure::new(format!("cannot start a server: {error}")))?;
        self.keeper = Some(keeper);
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(START_SECONDS) {
            if self.ask("SELECT 1;").is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let last: Vec<&str> = log.lines().rev().take(8).collect();
        Err(Failure::new(format!(
            "a server did not start: {}",
            last.join("\n")
        )))
    }

    /// Ends every process of the server at once.
    pub(super) fn kill(&mut self) {
        let id = fs::read_to_string(self.folder.join("pid")).unwrap_or_default();
        let id = id.trim().to_owned();
        // Stopped first, so that it makes no new ones.
        signal("STOP", &id);
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        for child in children.split_whitespace() {
            signal("KILL", child);
        }
        signal("KILL", &id);
        self.release();
    }

    fn release(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            keeper.wait().ok();
        }
    }

    /// Returns a database's URL with the given text in the place of the password.
    pub(super) fn url(&self, database: &str, password: &str) -> String {
        let scheme = match self.kind {
            Kind::Postgres => "postgres",
            Kind::MariaDb => "mariadb",
        };
        format!("{scheme}://{USER}:{password}@127.0.0.1:{}/{database}", self.port)
    }

    /// Makes an empty database.
    pub(super) fn create(&self, database: &str) -> Result<(), Failure> {
        let sql = match self.kind {
            Kind::Postgres => format!("CREATE DATABASE {database} TEMPLATE template0;"),
            Kind::MariaDb => format!("CREATE DATABASE {database} CHARACTER SET utf8mb4;"),
        };
        self.ask(&sql).map_err(Failure::new)
    }

    /// Drops a database.
    pub(super) fn discard(&self, database: &str) -> Result<(), Failure> {
        let sql = match self.kind {
            Kind::Postgres => format!("DROP DATABASE {database} WITH (FORCE);"),
            Kind::MariaDb => format!("DROP DATABASE {database};"),
        };
        self.ask(&sql).map_err(Failure::new)
    }

    fn ask(&self, sql: &str) -> Result<(), String> {
        let port = self.port.to_string();
        let mut command = match self.kind {
            Kind::Postgres => {
                let mut command = Command::new("psql");
                command.args([
                    "-X",
                    "-q",
                    "-h",
                    "127.0.0.1",
                    "-U",
                    USER,
                    "-d",
                    "postgres",
                    "-p",
                    &port,
                ]);
                command.args(["-v", "ON_ERROR_STOP=1"]);
                command
                    .env("PGPASSWORD", &self.password)
                    .env("PGCONNECT_TIMEOUT", "5");
                command
            }
            Kind::MariaDb => {
                let mut command = Command::new("mariadb");
                command.args([
                    "--no-defaults",
                    "--protocol=tcp",
                    "--host=127.0.0.1",
                    "--connect-timeout=5",
                ]);
                command.args(["--user", USER, "--port", &port, "mysql"]);
                command.env("MYSQL_PWD", &self.password);
                command
            }
        };
        command.arg(match self.kind {
            Kind::Postgres => "-c",
            Kind::MariaDb => "-e",
        });
        let output = command
            .arg(sql)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| error.to_string())?;
        match output.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.release();
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            writeln!(io::stderr(), "cannot remove {}: {error}", self.folder.display()).ok();
        }
    }
}

/// Sends a signal to one process; one that is gone is no trouble.
pub(super) fn signal(name: &str, process: &str) {
    Command::new("kill")
        .arg(format!("-{name}"))
        .arg(process)
        .stderr(Stdio::null())
        .status()
        .ok();
}

fn set_up_postgres(folder: &Path, password: &str, port: u16) -> Result<Vec<String>, Failure> {
    let programs = install::programs(Install::Never).map_err(Failure::new)?;
    let mut command = as_user(Kind::Postgres);
    command
        .args(["sh", "-c", SET_UP_POSTGRES, "sh"])
        .arg(&programs.folder)
        .arg(folder);
    run(command, &format!("{password}\n"), "initdb").map_err(|error| Failure::new(error.to_string()))?;
    let mut words = vec![
        programs.folder.join("postgres").to_string_lossy().into_owned(),
        "-D".to_owned(),
        folder.join("data").to_string_lossy().into_owned(),
        format!("-p{port}"),
        "-k".to_owned(),
        String::new(),
    ];
    words.extend(
        POSTGRES
            .iter()
            .flat_map(|setting| ["-c".to_owned(), (*setting).to_owned()]),
    );
    Ok(words)
}

fn set_up_mariadb(folder: &Path, password: &str, port: u16) -> Result<Vec<String>, Failure> {
    let programs = install::mariadb(Install::Never).map_err(Failure::new)?;
    let private_mysql::Programs::MariaDb { server, install } = programs else {
        return Err(Failure::new("no MariaDB server was found"));
    };
    let users = format!(
        "CREATE USER IF NOT EXISTS {USER}@'%' IDENTIFIED BY '{password}';\n\
         GRANT ALL PRIVILEGES ON *.* TO {USER}@'%' WITH GRANT OPTION;\n"
    );
    let mut command = as_user(Kind::MariaDb);
    command
        .args(["sh", "-c", SET_UP_MARIADB, "sh"])
        .arg(folder)
        .arg(install);
    run(command, &users, "making an empty server").map_err(|error| Failure::new(error.to_string()))?;
    let mut words = vec![
        server.to_string_lossy().into_owned(),
        "--no-defaults".to_owned(),
        format!("--port={port}"),
    ];
    for (name, file) in [
        ("datadir", "data"),
        ("pid-file", "server-pid"),
        ("init-file", "init.sql"),
        // A server that starts clears the folder of temporary tables; that must not be another server's.
        ("tmpdir", ""),
    ] {
        words.push(format!("--{name}={}", folder.join(file).display()));
    }
    words.extend(MARIADB.iter().map(|option| (*option).to_owned()));
    Ok(words)
}

/// Servers refuse to run as root, so root hands over to the packages' own users.
fn as_user(kind: Kind) -> Command {
    let user = match kind {
        Kind::Postgres => "postgres",
        Kind::MariaDb => "mysql",
    };
    let mut command = match is_root() {
        true => Command::new("runuser"),
        false => Command::new("env"),
    };
    if is_root() {
        command.args(["-u", user, "--"]);
    }
    command.current_dir("/");
    command
}

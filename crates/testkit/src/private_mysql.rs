//! Runs a throwaway MariaDB or MySQL server in a temporary folder and makes sure that it never outlives its owner.
//! Only the standard library is used: `xtask` includes this very file. Databases and SQL belong to `mysql.rs`.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::private_server::{free_port, is_root, random, run};

/// How long a server may take to answer.
const START_SECONDS: u64 = 120;
/// A port that looked free can be taken before the server binds it.
const START_ATTEMPTS: u32 = 4;

/// What the server is told besides its port and folder: speed over safety, its data is thrown away. A binary log gives MariaDB's
/// snapshots a position.
const OPTIONS: &[&str] = &[
    "--bind-address=127.0.0.1",
    "--local-infile=1",
    "--max-connections=300",
    "--max-allowed-packet=64M",
    "--innodb-buffer-pool-size=128M",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-flush-method=nosync",
    "--innodb-doublewrite=0",
    "--sync-binlog=0",
    "--server-id=1",
    "--log-bin=binlog",
    "--character-set-server=utf8mb4",
    "--skip-name-resolve",
    "--event-scheduler=OFF",
];

/// Makes the folder and the data in it; `$1` folder, `$2` what makes the data; the users' statements on standard input.
const SET_UP: &str = r#"set -eu
umask 077
mkdir "$1"
cat > "$1/init.sql"
shift
exec "$@"
"#;

/// Starts the server, waits until standard input closes, which the kernel does even for an owner that was killed, then cleans up.
const WATCH: &str = r#"trap '' INT TERM HUP QUIT
folder=$1; shift
"$@" > "$folder/log" 2>&1 < /dev/null &
server=$!
cat > /dev/null
kill -9 "$server"
wait "$server"
rm -rf "$folder"
"#;

/// Where a server's programs are.
#[derive(Debug, Clone)]
pub(crate) enum Programs {
    /// MariaDB, installed on this machine.
    MariaDb {
        /// The server.
        server: PathBuf,
        /// What makes an empty data folder.
        install: PathBuf,
    },
    /// MySQL in a root of its own (`/` when it is installed on this machine).
    MySql {
        /// The folder that is `/` for the server.
        root: PathBuf,
    },
}

impl Programs {
    /// Returns the MariaDB server of this machine.
    pub(crate) fn find_mariadb() -> Option<Self> {
        Some(Self::MariaDb {
            server: find("mariadbd")?,
            install: find("mariadb-install-db")?,
        })
    }

    /// Returns the MySQL server in a root that `cargo xtask mysql` made.
    pub(crate) fn find_mysql(root: &Path) -> Option<Self> {
        let found = root.join("usr/sbin/mysqld").is_file() && is_root();
        found.then(|| Self::MySql {
            root: root.to_owned(),
        })
    }

    fn scheme(&self) -> &'static str {
        match self {
            Self::MariaDb { .. } => "mariadb",
            Self::MySql { .. } => "mysql",
        }
    }

    /// The same path as this machine sees it.
    fn outside(&self, inside: &Path) -> PathBuf {
        match self {
            Self::MariaDb { .. } => inside.to_owned(),
            Self::MySql { root } => root.join(inside.strip_prefix("/").unwrap_or(inside)),
        }
    }

    /// A command as the server's own user, which root becomes, in the server's own root.
    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = match self {
            Self::MariaDb { .. } if !is_root() => Command::new(program),
            Self::MariaDb { .. } => {
                let mut command = Command::new("runuser");
                command.args(["-u", "mysql", "--"]).arg(program);
                command
            }
            Self::MySql { root } => {
                let mut command = Command::new("chroot");
                command.arg("--userspec=mysql:mysql").arg(root).arg(program);
                command
            }
        };
        command.current_dir("/");
        command
    }
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/sbin", "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(usual)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// A running server that belongs to this value; dropping it, or the death of this process, stops and removes it.
#[derive(Debug)]
pub(crate) struct PrivateServer {
    url: String,
    watchdog: Child,
}

impl PrivateServer {
    /// Makes an empty server and starts it on a free port of the loopback address.
    pub(crate) fn start(programs: &Programs) -> io::Result<Self> {
        let inside =
            PathBuf::from("/tmp").join(format!("whimbrel-my-{}-{:016x}", std::process::id(), random()));
        let password = format!("{:016x}{:016x}", random(), random());
        set_up(programs, &inside, &password)?;
        let mut attempt = 1;
        loop {
            let port = free_port()?;
            match boot(programs, &inside, port) {
                Err(_) if attempt < START_ATTEMPTS => attempt += 1,
                Err(error) => return Err(error),
                Ok(watchdog) => {
                    let address = format!("whimbrel:{password}@127.0.0.1:{port}");
                    return Ok(Self {
                        url: format!("{}://{address}/mysql", programs.scheme()),
                        watchdog,
                    });
                }
            }
        }
    }

    /// Returns the address of the server's own database, password included.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for PrivateServer {
    fn drop(&mut self) {
        // The watchdog owns the clean-up; closing its standard input asks for it.
        drop(self.watchdog.stdin.take());
        if let Err(error) = self.watchdog.wait() {
            writeln!(io::stderr(), "cannot wait for a server: {error}").ok();
        }
    }
}

fn set_up(programs: &Programs, folder: &Path, password: &str) -> io::Result<()> {
    let mut command = programs.command("sh");
    command.args(["-c", SET_UP, "sh"]).arg(folder);
    let data = format!("--datadir={}", folder.join("data").display());
    match programs {
        Programs::MariaDb { install, .. } => {
            command
                .arg(install)
                .args([
                    "--no-defaults",
                    "--auth-root-authentication-method=normal",
                    "--skip-test-db",
                ])
                .arg(data);
        }
        Programs::MySql { .. } => {
            command.args(["/usr/sbin/mysqld", "--no-defaults", "--initialize-insecure"]);
            command.arg(data);
        }
    }
    let users = format!(
        "CREATE USER IF NOT EXISTS whimbrel@'%' IDENTIFIED BY '{password}';\n\
         GRANT ALL PRIVILEGES ON *.* TO whimbrel@'%' WITH GRANT OPTION;\n"
    );
    run(command, &users, "making an empty server")
}

fn boot(programs: &Programs, folder: &Path, port: u16) -> io::Result<Child> {
    let server = match programs {
        Programs::MariaDb { server, .. } => server.clone(),
        Programs::MySql { .. } => PathBuf::from("/usr/sbin/mysqld"),
    };
    let mut command = programs.command("sh");
    command.args(["-c", WATCH, "sh"]).arg(folder).arg(server);
    command.arg("--no-defaults");
    command.arg(format!("--datadir={}", folder.join("data").display()));
    // A server that starts clears the folder of temporary tables; that must not be another server's.
    command.arg(format!("--tmpdir={}", folder.display()));
    command.arg(format!("--socket={}", folder.join("socket").display()));
    command.arg(format!("--pid-file={}", folder.join("pid").display()));
    command.arg(format!("--init-file={}", folder.join("init.sql").display()));
    command.arg(format!("--port={port}")).args(OPTIONS);
    match programs {
        Programs::MariaDb { .. } => command.arg("--plugin-maturity=unknown"),
        Programs::MySql { .. } => command.arg("--mysqlx=OFF"),
    };
    // Neither Ctrl-C nor a reader of our output may wait for or end the watchdog.
    command
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut watchdog = command.spawn()?;
    if wait_for_greeting(port) {
        return Ok(watchdog);
    }
    let log = std::fs::read_to_string(programs.outside(&folder.join("log"))).unwrap_or_default();
    let last: Vec<&str> = log.lines().rev().take(5).collect();
    drop(watchdog.stdin.take());
    watchdog.wait()?;
    Err(io::Error::other(format!(
        "the server did not start: {}",
        last.join("\n")
    )))
}

/// A server that is ready greets with a packet; an open port alone says little.
fn wait_for_greeting(port: u16) -> bool {
    let begun = Instant::now();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let pause = Duration::from_millis(100);
    while begun.elapsed() < Duration::from_secs(START_SECONDS) {
        if let Ok(mut stream) = TcpStream::connect_timeout(&address, pause) {
            let greeted = stream
                .set_read_timeout(Some(Duration::from_secs(5)))
                .and_then(|()| stream.read_exact(&mut [0; 5]));
            if greeted.is_ok() {
                return true;
            }
        }
        std::thread::sleep(pause);
    }
    false
}

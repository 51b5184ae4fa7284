//! Runs a throwaway PostgreSQL server in a temporary folder and makes sure that it never outlives its owner.
//! Only the standard library is used: `xtask` includes this very file, so that there is one way to start a server.
//! Databases and SQL belong to `postgres.rs`.

use std::collections::hash_map::RandomState;
use std::ffi::OsString;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The oldest major version that is supported.
pub(crate) const OLDEST_MAJOR: u32 = 14;
/// A folder that lacks one of these, such as one of hand-made links, is passed over.
const NEEDED: [&str; 4] = ["initdb", "pg_ctl", "pg_dump", "postgres"];
/// A port that looked free can be taken before the server binds it.
const START_ATTEMPTS: u32 = 4;

/// What the server is told besides its port and folder: speed over safety, its data is thrown away.
const CONFIGURATION: &str = "listen_addresses = '127.0.0.1'
max_connections = 200
max_prepared_transactions = 0
fsync = off
full_page_writes = off
";

/// Creates the cluster; `$1` programs, `$2` folder, password and configuration on standard input.
const SET_UP: &str = r#"set -eu
umask 077
mkdir "$2"
IFS= read -r password
printf '%s\n' "$password" > "$2/password"
locale=C
case "$(locale -a 2>/dev/null || true)" in *C.UTF-8* | *C.utf8*) locale=C.UTF-8 ;; esac
"$1/initdb" -D "$2/data" -U postgres --pwfile="$2/password" -A scram-sha-256 -E UTF8 --locale="$locale" --no-sync
rm "$2/password"
printf "unix_socket_directories = '%s'\n" "$2" >> "$2/data/postgresql.conf"
cat >> "$2/data/postgresql.conf"
"#;

/// Waits until its standard input closes, which the kernel does even for an owner that was killed, then cleans up.
const WATCH: &str = r#"trap '' INT TERM HUP QUIT
cat > /dev/null
"$1/pg_ctl" stop -D "$2/data" -m immediate -w -t 20
rm -rf "$2"
"#;

/// The folder that holds `initdb`, `pg_ctl` and their companions, and the major version found there.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    pub(crate) folder: PathBuf,
    pub(crate) major: u32,
}

impl Programs {
    /// Returns the newest server on this machine that is not older than [`OLDEST_MAJOR`].
    pub(crate) fn find() -> Option<Self> {
        let mut folders: Vec<PathBuf> = std::env::var_os("PATH")
            .map(|path| std::env::split_paths(&path).collect())
            .unwrap_or_default();
        for parent in [
            "/usr/lib/postgresql",
            "/usr/local/opt",
            "/opt/homebrew/opt",
            "/usr",
        ] {
            let Ok(entries) = std::fs::read_dir(parent) else {
                continue;
            };
            folders.extend(entries.flatten().map(|entry| entry.path().join("bin")));
        }
        folders
            .into_iter()
            .filter(|folder| NEEDED.iter().all(|program| folder.join(program).is_file()))
            .filter_map(|folder| {
                Some(Self {
                    major: major_version(&folder)?,
                    folder,
                })
            })
            .filter(|programs| programs.major >= OLDEST_MAJOR)
            .max_by_key(|programs| programs.major)
    }
}

fn major_version(folder: &Path) -> Option<u32> {
    let output = Command::new(folder.join("postgres"))
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .ok()?;
    parse_major(&String::from_utf8_lossy(&output.stdout))
}

/// Reads the `15` of `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)`.
fn parse_major(text: &str) -> Option<u32> {
    let version = text.split_whitespace().nth(2)?;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// A running server that belongs to this value; dropping it, or the death of this process, stops and removes it.
#[derive(Debug)]
pub(crate) struct PrivateServer {
    url: String,
    pub(crate) programs: Programs,
    pub(crate) folder: PathBuf,
    pub(crate) port: u16,
    watchdog: Child,
}

impl PrivateServer {
    /// Creates a cluster and starts it on a free port of the loopback address.
    pub(crate) fn start(programs: &Programs) -> io::Result<Self> {
        let folder = temporary_parent().join(format!("whimbrel-pg-{}-{:016x}", std::process::id(), random()));
        let password = format!("{:016x}{:016x}", random(), random());
        let watchdog = watch(programs, &folder)?;
        let mut server = Self {
            url: String::new(),
            programs: programs.clone(),
            folder,
            port: 0,
            watchdog,
        };
        run(
            shell(SET_UP, &server.programs, &server.folder),
            &format!("{password}\n{CONFIGURATION}"),
            "initdb",
        )?;
        let mut attempt = 1;
        loop {
            server.port = free_port()?;
            match server.boot() {
                Err(_) if attempt < START_ATTEMPTS => attempt += 1,
                outcome => break outcome?,
            }
        }
        server.url = format!(
            "postgres://postgres:{password}@127.0.0.1:{}/postgres",
            server.port
        );
        Ok(server)
    }

    /// Returns the address of the server's `postgres` database, password included.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Starts the server process of a cluster that is down.
    pub(crate) fn boot(&self) -> io::Result<()> {
        let mut command = self.pg_ctl("start");
        command.arg("-l").arg(self.folder.join("log")).args(["-t", "60"]);
        command.arg("-o").arg(format!("-p {}", self.port));
        run(command, "", "pg_ctl start").map_err(|error| {
            let log = Command::new("tail")
                .arg("-n")
                .arg("5")
                .arg(self.folder.join("log"))
                .output();
            let log = log
                .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
                .unwrap_or_default();
            io::Error::other(format!("{error}\n{log}"))
        })
    }

    /// Returns `pg_ctl VERB` for this cluster, waiting for the outcome.
    pub(crate) fn pg_ctl(&self, verb: &str) -> Command {
        let mut command = as_server_user(self.programs.folder.join("pg_ctl"));
        command
            .arg(verb)
            .arg("-w")
            .arg("-D")
            .arg(self.folder.join("data"));
        command
    }
}

impl Drop for PrivateServer {
    fn drop(&mut self) {
        // The watchdog owns the clean-up; closing its standard input asks for it.
        drop(self.watchdog.stdin.take());
        if let Err(error) = self.watchdog.wait() {
            writeln!(
                io::stderr(),
                "cannot wait for the server in {}: {error}",
                self.folder.display()
            )
            .ok();
        }
    }
}

fn watch(programs: &Programs, folder: &Path) -> io::Result<Child> {
    let mut command = shell(WATCH, programs, folder);
    // Neither Ctrl-C nor a reader of our output may wait for or end the watchdog.
    command
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn()
}

fn shell(script: &str, programs: &Programs, folder: &Path) -> Command {
    let mut command = as_server_user("sh".into());
    command
        .arg("-c")
        .arg(script)
        .arg("sh")
        .arg(&programs.folder)
        .arg(folder);
    command
}

/// PostgreSQL refuses to run as root, so root hands over to the package's own user.
fn as_server_user(program: PathBuf) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir("/");
    for (name, _) in std::env::vars_os().filter(|(name, _)| names_server_setting(name)) {
        command.env_remove(name);
    }
    command
}

fn names_server_setting(name: &OsString) -> bool {
    name.to_str().is_some_and(|name| name.starts_with("PG"))
}

/// Tells whether this process runs as root.
pub(crate) fn is_root() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// The server's user has to reach the folder, which a root-only `TMPDIR` would prevent; the path also has to
/// stay short enough for a socket.
fn temporary_parent() -> PathBuf {
    let wanted = std::env::temp_dir();
    if is_root() || wanted.as_os_str().len() > 40 {
        PathBuf::from("/tmp")
    } else {
        wanted
    }
}

pub(crate) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Returns a number that differs between calls and processes.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Runs a command to its end with `input`, and turns a failure into an error that carries what it said.
pub(crate) fn run(mut command: Command, input: &str, what: &str) -> io::Result<()> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(io::Error::other(format!(
        "{what} failed: {}",
        String::from_utf8_lossy(&said).trim()
    )))
}

//! `cargo xtask test`: runs `cargo test` with servers at hand that are gone afterwards. Finding or installing their programs is
//! `install.rs`, running them is `private_server.rs` and `private_mysql.rs`.

use std::process::{Command, Stdio};

use crate::cargo::{self, Failure, cargo};
use crate::install::{self, Install};
use crate::private_mysql;
use crate::private_server::PrivateServer;

/// The variables that tell the tests where their servers are.
const POSTGRES: &str = "WHIMBREL_TEST_POSTGRES";
const MARIADB: &str = "WHIMBREL_TEST_MARIADB";
const MYSQL: &str = "WHIMBREL_TEST_MYSQL";
/// A folder in memory, on Linux.
const IN_MEMORY: &str = "/dev/shm";
/// Arguments of `cargo test` that choose packages.
const PACKAGE_CHOICES: [&str; 5] = ["-p", "--package", "--workspace", "--all", "--manifest-path"];

/// Runs the tests and passes on cargo's exit code.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let (install, for_cargo) = parse(arguments)?;
    require_c_compiler()?;
    let mut command = cargo(&["test"]);
    if !chooses_package(for_cargo) {
        command.arg("--workspace");
    }
    command.args(for_cargo);

    let servers = Servers::start(install, &mut command);
    if std::env::var_os("TMPDIR").is_none() && has_room(IN_MEMORY) {
        // The tests wait for the disk thousands of times; what they prove does not depend on one.
        command.env("TMPDIR", IN_MEMORY);
    }
    let outcome = cargo::run(command, "cargo test");
    drop(servers);
    outcome
}

fn parse(arguments: &[String]) -> Result<(Install, &[String]), Failure> {
    let split = arguments
        .iter()
        .position(|argument| argument == "--")
        .unwrap_or(arguments.len());
    let for_cargo = arguments.get(split + 1..).unwrap_or_default();
    let mut install = Install::WhenMissing;
    for argument in &arguments[..split] {
        if argument != "--no-install" {
            return Err(Failure::usage(format!(
                "cannot understand `{argument}`; arguments for cargo test come after `--`"
            )));
        }
        install = Install::Never;
    }
    Ok((install, for_cargo))
}

/// Tells whether the folder has four gigabytes of room, as `df` sees it.
pub(crate) fn has_room(folder: &str) -> bool {
    const NEEDED_KIB: u64 = 4 << 20;
    let Ok(output) = Command::new("df")
        .args(["-Pk", folder])
        .stderr(Stdio::null())
        .output()
    else {
        return false;
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let free = text
        .lines()
        .nth(1)
        .and_then(|line| line.split_whitespace().nth(3));
    free.and_then(|free| free.parse::<u64>().ok())
        .is_some_and(|free| free >= NEEDED_KIB)
}

fn chooses_package(for_cargo: &[String]) -> bool {
    for_cargo
        .iter()
        .take_while(|argument| *argument != "--")
        .any(|argument| {
            let name = argument.split('=').next().unwrap_or(argument);
            PACKAGE_CHOICES.contains(&name) || (name.starts_with("-p") && !name.starts_with("--"))
        })
}

fn require_c_compiler() -> Result<(), Failure> {
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let mut command = Command::new(compiler);
    command
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let found = command.status().is_ok();
    if found {
        return Ok(());
    }
    Err(Failure::new(
        "no C compiler found; the bundled SQLite needs one\nhint: apt-get install gcc libc6-dev (or set CC)",
    ))
}

/// The servers that the tests use, as far as we started them; they end with this value.
#[derive(Debug)]
struct Servers {
    _postgres: Option<PrivateServer>,
    _others: Vec<private_mysql::PrivateServer>,
}

impl Servers {
    fn start(install: Install, command: &mut Command) -> Self {
        let postgres = is_missing(POSTGRES, command)
            .then(|| start_postgres(install))
            .flatten();
        if let Some(server) = &postgres {
            command.env(POSTGRES, server.url());
        }
        let mut others = Vec::new();
        for (variable, name, programs) in [
            (MARIADB, "MariaDB", mariadb as fn(Install) -> _),
            (MYSQL, "MySQL", mysql),
        ] {
            let server = is_missing(variable, command)
                .then(|| start_other(name, programs(install)))
                .flatten();
            if let Some(server) = server {
                command.env(variable, server.url());
                others.push(server);
            }
        }
        Self {
            _postgres: postgres,
            _others: others,
        }
    }
}

/// Tells whether a server has to be started, since the variable names none.
fn is_missing(variable: &str, command: &mut Command) -> bool {
    if std::env::var_os(variable).is_some_and(|url| !url.is_empty()) {
        println!("using the server of {variable}");
        return false;
    }
    command.env_remove(variable);
    true
}

fn start_postgres(install: Install) -> Option<PrivateServer> {
    let started = install::programs(install)
        .and_then(|programs| PrivateServer::start(&programs).map_err(|error| error.to_string()));
    announce("PostgreSQL", started)
}

fn mariadb(install: Install) -> Result<private_mysql::Programs, String> {
    install::mariadb(install)
}

fn mysql(_install: Install) -> Result<private_mysql::Programs, String> {
    private_mysql::Programs::find_mysql(&crate::mysql::folder())
        .ok_or_else(|| "no MySQL server was found (`cargo xtask mysql` prepares one)".to_owned())
}

fn start_other(
    name: &str,
    programs: Result<private_mysql::Programs, String>,
) -> Option<private_mysql::PrivateServer> {
    let started = programs
        .and_then(|found| private_mysql::PrivateServer::start(&found).map_err(|error| error.to_string()));
    announce(name, started)
}

fn announce<T>(name: &str, started: Result<T, String>) -> Option<T> {
    match started {
        Ok(server) => {
            println!("{name} for the tests is running");
            Some(server)
        }
        Err(why) => {
            eprintln!("SKIPPED: every test that needs a {name} server will be skipped: {why}");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_package_choice_replaces_the_workspace() {
        for line in [
            "-p whimbrel",
            "-pwhimbrel",
            "--package=whimbrel",
            "--workspace --lib",
            "--lib --all",
        ] {
            assert!(chooses_package(&words(line)), "{line}");
        }
        for line in ["", "some_name", "--lib", "some_name -- -p", "--profile dev"] {
            assert!(!chooses_package(&words(line)), "{line}");
        }
    }

    #[test]
    fn arguments_after_the_dashes_go_to_cargo() {
        let line = words("--no-install -- -p whimbrel -- --nocapture");
        let (install, for_cargo) = parse(&line).unwrap();
        assert!(matches!(install, Install::Never));
        assert_eq!(for_cargo, words("-p whimbrel -- --nocapture"));
    }

    #[test]
    fn an_argument_before_the_dashes_is_refused() {
        assert_eq!(parse(&words("some_name")).unwrap_err().code, 2);
    }
}

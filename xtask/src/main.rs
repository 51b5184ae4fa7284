//! The project's own commands: `cargo xtask help` lists them. This file is the map and the dispatch; each command
//! has a file of its own. Only the standard library is used, so that the first run is quick.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a task runner talks to the person who started it"
)]

mod bench;
mod cargo;
mod check;
mod dataset;
mod install;
mod mysql;
#[path = "../../crates/testkit/src/private_mysql.rs"]
mod private_mysql;
#[path = "../../crates/testkit/src/private_server.rs"]
mod private_server;
mod test;
mod tidy;
mod torture;

use std::process::ExitCode;

const HELP: &str = "\
Usage: cargo xtask COMMAND

Commands:
  check                     everything that has to hold before a change is merged:
                            format, clippy, tidy, test, doc and cargo-deny
  bench [OPTIONS]           measure beside other programs and write docs/src/benchmarks.md; `--help` lists the options
  dataset URL [--scale 1] [--seed 1]
                            fill an empty database (sqlite:PATH, postgres://..., mariadb://...) with 24 tables;
                            scale 1 is 5.2 million rows
  test [--no-install] [-- ARGS]
                            cargo test with servers of its own; ARGS go to cargo test.
                            WHIMBREL_TEST_POSTGRES=postgres://..., WHIMBREL_TEST_MARIADB=mariadb://... and
                            WHIMBREL_TEST_MYSQL=mysql://... use those servers instead. A missing PostgreSQL or
                            MariaDB is installed with apt-get unless --no-install is given
  mysql                     prepare a private MySQL server for the tests (needs root and debootstrap)
  torture [--moments 200] [--scale 0.05] [--seed 1] [--pair postgres-postgres] [--data FOLDER]
                            kill the program and the servers at random moments of migrations, go on each time, compare
  tidy                      the house rules, one line per violation
  help                      this page
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", &[][..]),
    };
    let outcome = match command {
        "check" if rest.is_empty() => check::run(),
        "bench" => bench::run(rest),
        "dataset" => dataset::run(rest),
        "test" => test::run(rest),
        "mysql" if rest.is_empty() => mysql::run(),
        "torture" => torture::run(rest),
        "tidy" if rest.is_empty() => tidy::run(),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        _ => Err(cargo::Failure::usage(format!(
            "cannot understand `{}`; see `cargo xtask help`",
            arguments.join(" ")
        ))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(failure.code)
        }
    }
}

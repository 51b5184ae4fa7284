//! Says on what the measurements were made: the machine, the versions of all programs, the settings of the servers, the day.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::pair::Engine;
use super::peer::PEERS;
use super::server::{MARIADB_SETTINGS, POSTGRES_SETTINGS};
use crate::cargo;

/// Returns the machine, the day and the project's revision, as lines of a list.
pub(super) fn lines(whimbrel: &str, engines: &[(Engine, String)]) -> String {
    let mut lines = format!(
        "* {}, on {}: {}, {} cores, {} GiB of memory, Linux {}\n* {whimbrel}{}\n",
        said("date", &["-u", "+%Y-%m-%d"]),
        said("uname", &["-m"]),
        processor(),
        std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        memory_gibibytes(),
        first_line("/proc/sys/kernel/osrelease"),
        revision(),
    );
    for (engine, version) in engines {
        lines.push_str(&format!("* {engine} {version}{}\n", settings(*engine)));
    }
    for peer in PEERS {
        match peer.version() {
            Some(version) => lines.push_str(&format!("* {}: {version}; {}\n", peer.name, peer.tuning)),
            None => lines.push_str(&format!("* {}: missing (`{}`)\n", peer.name, peer.install)),
        }
    }
    lines
}

fn settings(engine: Engine) -> String {
    let settings = match engine {
        Engine::Postgres => POSTGRES_SETTINGS,
        Engine::MariaDb => MARIADB_SETTINGS,
        Engine::Sqlite => return String::new(),
    };
    let settings: Vec<String> = settings
        .iter()
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    format!(": `{}`", settings.join(", "))
}

fn revision() -> String {
    let mut command = Command::new("git");
    command
        .args(["rev-parse", "--short", "HEAD"])
        .current_dir(cargo::root());
    match output(command) {
        text if text.is_empty() => text,
        text => format!(" ({text})"),
    }
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .and_then(|rest| rest.split_once(": "))
        .map(|(_, name)| name.to_owned());
    name.unwrap_or_else(|| "unknown processor".to_owned())
}

fn memory_gibibytes() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kibibytes = total.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or(0) >> 20
}

fn first_line(file: impl AsRef<Path>) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().next().unwrap_or_default().to_owned()
}

fn said(program: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command.args(arguments);
    output(command)
}

fn output(mut command: Command) -> String {
    let output = command.output();
    output
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .unwrap_or_default()
}

//! `cargo xtask check`: everything that has to hold before a change is merged, cheapest first.

use crate::cargo::{self, Failure, cargo};
use crate::{test, tidy};

/// Runs every check and stops at the first that fails.
pub(crate) fn run() -> Result<(), Failure> {
    step("format");
    cargo::run(cargo(&["fmt", "--all", "--check"]), "cargo fmt --all --check")?;
    step("clippy");
    cargo::run(
        cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
        "cargo clippy",
    )?;
    step("tidy");
    tidy::run()?;
    step("test");
    test::run(&[])?;
    step("doc");
    cargo::run(documentation(), "cargo doc")?;
    step("supply chain");
    supply_chain()
}

fn step(name: &str) {
    println!("== {name}");
}

fn documentation() -> std::process::Command {
    let mut command = cargo(&["doc", "--no-deps", "--workspace"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    command
}

fn supply_chain() -> Result<(), Failure> {
    let installed = cargo(&["deny", "--version"])
        .output()
        .is_ok_and(|output| output.status.success());
    if !installed {
        println!("SKIPPED: cargo-deny is not installed (cargo install --locked cargo-deny)");
        return Ok(());
    }
    cargo::run(cargo(&["deny", "check"]), "cargo deny check")
}

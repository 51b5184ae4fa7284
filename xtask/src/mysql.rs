//! `cargo xtask mysql`: prepares a private MySQL server in a root of its own, since Debian's stable release carries only MariaDB.
//! The tests start it; running it is `private_mysql.rs`.

use std::path::PathBuf;
use std::process::Command;

use crate::cargo::{self, Failure, root};
use crate::install::apt_install;
use crate::private_mysql::Programs;
use crate::private_server::is_root;

/// The release of Debian that carries the package `mysql-server`.
const RELEASE: &str = "sid";

/// Returns where the server's root is.
pub(crate) fn folder() -> PathBuf {
    root().join("target/mysql")
}

/// Makes the root with the server in it, unless it is there.
pub(crate) fn run() -> Result<(), Failure> {
    let folder = folder();
    if Programs::find_mysql(&folder).is_some() {
        println!("the MySQL server is in {}", folder.display());
        return Ok(());
    }
    if !is_root() {
        return Err(Failure::new(
            "a root of its own needs root (run `sudo cargo xtask mysql`), or set WHIMBREL_TEST_MYSQL=mysql://... to a server",
        ));
    }
    apt_install("debootstrap").map_err(Failure::new)?;
    let made = folder.with_extension("new");
    // An earlier attempt may have been interrupted half-way.
    if made.exists() {
        std::fs::remove_dir_all(&made).map_err(|error| Failure::new(error.to_string()))?;
    }
    println!(
        "making a root with MySQL from Debian {RELEASE} in {}",
        folder.display()
    );
    let mut command = Command::new("debootstrap");
    command
        .args(["--variant=minbase", "--include=mysql-server", RELEASE])
        .arg(&made)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null());
    cargo::run(command, "debootstrap")?;
    std::fs::rename(&made, &folder).map_err(|error| Failure::new(error.to_string()))?;
    match Programs::find_mysql(&folder) {
        Some(_) => Ok(()),
        None => Err(Failure::new(
            "debootstrap succeeded, but there is no MySQL server",
        )),
    }
}

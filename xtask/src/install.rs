//! Finds the programs of the servers that tests need, and installs them on Debian and Ubuntu when they are missing.

use std::process::{Command, Stdio};

use crate::private_mysql;
use crate::private_server::{OLDEST_MAJOR, Programs, is_root};

/// Whether missing programs may be installed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Install {
    WhenMissing,
    Never,
}

/// The package's own set-up would start a cluster that nobody asked for, so that is switched off first.
const NO_MAIN_CLUSTER: &str = r#"set -e
file=/etc/postgresql-common/createcluster.conf
mkdir -p /etc/postgresql-common
touch "$file"
if grep -q '^[# ]*create_main_cluster' "$file"; then
  sed -i 's/^[# ]*create_main_cluster.*/create_main_cluster = false/' "$file"
else
  echo 'create_main_cluster = false' >> "$file"
fi
"#;

/// Returns the server's programs, or why there are none.
pub(crate) fn programs(install: Install) -> Result<Programs, String> {
    if let Some(programs) = Programs::find() {
        return Ok(programs);
    }
    let missing = format!("no PostgreSQL server of version {OLDEST_MAJOR} or later was found");
    match install {
        Install::Never => return Err(missing),
        Install::WhenMissing => install_with_apt().map_err(|why| format!("{missing}, and {why}"))?,
    }
    Programs::find().ok_or_else(|| format!("{missing}, even after installing the package `postgresql`"))
}

/// Returns MariaDB's programs, or why there are none.
pub(crate) fn mariadb(install: Install) -> Result<private_mysql::Programs, String> {
    if let Some(programs) = private_mysql::Programs::find_mariadb() {
        return Ok(programs);
    }
    let missing = "no MariaDB server was found";
    match install {
        Install::Never => return Err(missing.to_owned()),
        Install::WhenMissing => install_mariadb().map_err(|why| format!("{missing}, and {why}"))?,
    }
    private_mysql::Programs::find_mariadb()
        .ok_or_else(|| format!("{missing}, even after installing the package `mariadb-server`"))
}

fn install_mariadb() -> Result<(), String> {
    require_apt("mariadb-server")?;
    println!("installing MariaDB for the tests (package mariadb-server)");
    // The package starts a server only where a service manager runs; on a machine of one's own it may, as for anybody who installs it.
    apt_install("mariadb-server")
}

fn require_apt(package: &str) -> Result<(), String> {
    if !succeeds(Command::new("apt-get").arg("--version")) {
        return Err("there is no apt-get to install one with".to_owned());
    }
    if !is_root() && !succeeds(Command::new("sudo").args(["-n", "true"])) {
        return Err(format!(
            "installing it needs root (run `sudo apt-get install {package}`)"
        ));
    }
    Ok(())
}

fn install_with_apt() -> Result<(), String> {
    require_apt("postgresql")?;
    println!("installing PostgreSQL for the tests (packages postgresql-common and postgresql)");
    apt_install("postgresql-common")?;
    if !succeeds(as_root("sh").args(["-c", NO_MAIN_CLUSTER])) {
        return Err("its configuration could not be written".to_owned());
    }
    apt_install("postgresql")
}

/// Installs one package; the package lists are fetched only when it cannot be installed without.
pub(crate) fn apt_install(package: &str) -> Result<(), String> {
    let install = || {
        let mut command = as_root("apt-get");
        succeeds(command.args(["install", "-y", "-q", "--no-install-recommends", package]))
    };
    if install() || (succeeds(as_root("apt-get").args(["update", "-q"])) && install()) {
        return Ok(());
    }
    Err(format!("`apt-get install {package}` failed"))
}

fn as_root(program: &str) -> Command {
    let mut command = if is_root() {
        Command::new("env")
    } else {
        Command::new("sudo")
    };
    if !is_root() {
        command.args(["-n", "env"]);
    }
    command.args(["DEBIAN_FRONTEND=noninteractive", program]);
    command
}

/// Runs a command, showing on standard error only what it says there.
fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

//! Groups of options that several commands share, as clap reads them. What a command does is in its own file.

use std::path::PathBuf;

use clap::Args;
use whimbrel_app::Databases;
use whimbrel_app::settings::{ByteSize, parse_decision};
use whimbrel_core::Decision;

/// Options that every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// Folder that holds the migrations
    #[arg(long, global = true, value_name = "FOLDER", default_value = whimbrel_app::BASE)]
    pub(crate) dir: PathBuf,
    /// Settings file [default: whimbrel.toml, when it is there]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Readers and writers at once [default: number of cores, and one]
    #[arg(long, global = true, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) jobs: Option<u16>,
    /// Memory for queues and buffers, such as 64MiB or 1GiB [default: 512MiB]
    #[arg(long, global = true, value_name = "SIZE")]
    pub(crate) memory: Option<ByteSize>,
    /// Print one JSON document instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say nothing but results, warnings and errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Answer plain questions with yes
    #[arg(short, long, global = true)]
    pub(crate) yes: bool,
}

/// Which migration a command is about.
#[derive(Debug, Clone, Args)]
pub(crate) struct Which {
    /// The migration, such as `mig_2026_001`; may be left out when there is one
    #[arg(value_name = "ID")]
    pub(crate) id: Option<String>,
}

/// Where the databases of an existing migration are.
#[derive(Debug, Clone, Args)]
pub(crate) struct Where {
    /// The source, when the plan alone does not lead to it: a URL, or a name from the settings
    #[arg(long, value_name = "DATABASE")]
    source: Option<String>,
    /// The target, likewise
    #[arg(long, value_name = "DATABASE")]
    target: Option<String>,
}

impl Where {
    /// Returns the databases as the use cases take them.
    pub(crate) fn databases(&self) -> Databases {
        Databases {
            source: self.source.clone(),
            target: self.target.clone(),
        }
    }
}

/// The two databases of a new migration, and what is settled about it.
#[derive(Debug, Clone, Args)]
pub(crate) struct What {
    /// Where the data comes from: a URL, or a name from the settings
    pub(crate) source: String,
    /// Where the data goes
    pub(crate) target: String,
    /// Settle a finding; may be given often. `CODE[:SUBJECT]=text=...` gives a text of your own
    #[arg(long, value_name = "CODE[:SUBJECT]=CHOICE", value_parser = parse_decision)]
    pub(crate) decide: Vec<Decision>,
    /// Take, and record, the suggested choice of every finding that is not settled
    #[arg(long)]
    pub(crate) accept_suggested: bool,
}

/// The word that confirms what cannot be taken back lightly.
#[derive(Debug, Clone, Args)]
pub(crate) struct Confirmation {
    /// The target's name, typed out: confirms that something in it is moved aside, dropped or thrown away
    #[arg(long, value_name = "NAME")]
    pub(crate) confirm_target: Option<String>,
}

//! What `cargo xtask bench` is asked to do.

use std::path::PathBuf;

use super::pair::{BARS, LIMIT, Pair};
use super::peer::PEERS;
use crate::cargo::{self, Failure};
use crate::dataset::Scale;

pub(super) const WHIMBREL: &str = "whimbrel";
pub(super) const VERIFIED: &str = "verified";
pub(super) const LOW_MEMORY: &str = "low-memory";

pub(super) const HELP: &str = "\
Usage: cargo xtask bench [OPTIONS]

Measures Whimbrel beside other programs and the engines' own limit, in turns, on servers of its own, and writes the
tables into docs/src/benchmarks.md.

  --pair PAIR[,PAIR]    mariadb-postgres, sqlite-postgres, postgres-postgres, mariadb-mariadb, postgres-mariadb,
                        sqlite-sqlite, postgres-sqlite, mariadb-sqlite; all unless given
  --tools TOOL[,TOOL]   whimbrel, verified, low-memory, pgloader, pgcopydb, pg_dump, mydumper, mariadb-dump,
                        sqlite-dump, sling, limit; all but low-memory unless given
  --quick               only Whimbrel, what it is measured by on each pair, and the limit
  --low-memory          also `whimbrel run --memory 64MiB`
  --runs N              how often each is run, in turns; the medians count [1]
  --scale N             size of the data set; 1 is 5.2 million rows [1]
  --seed N              seed of the data set [1]
  --growth [N,N,...]    instead: time per row of Whimbrel at several scales [0.1,1,4]
  --shapes              instead: a table of a million small rows beside one of ten thousand big ones
  --data FOLDER         where servers and files are put [target/bench]
  --whimbrel PATH       this program instead of building one
  --patience SECONDS    when a run is given up [1800]
  --no-write            only print
";

/// What is measured.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Subject {
    Peers,
    /// At which scales.
    Growth(Vec<String>),
    Shapes,
}

/// What the command was asked for.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) pairs: Vec<Pair>,
    /// The contenders' names; all when none is given.
    pub(super) tools: Vec<String>,
    pub(super) quick: bool,
    pub(super) low_memory: bool,
    pub(super) runs: usize,
    pub(super) scale: String,
    pub(super) seed: u64,
    pub(super) subject: Subject,
    pub(super) data: PathBuf,
    pub(super) whimbrel: Option<PathBuf>,
    pub(super) patience_seconds: u64,
    pub(super) write: bool,
}

impl Options {
    /// Reads the arguments; nothing when help was asked for.
    pub(super) fn parse(arguments: &[String]) -> Result<Option<Self>, Failure> {
        let mut options = Self {
            pairs: Vec::new(),
            tools: Vec::new(),
            quick: false,
            low_memory: false,
            runs: 1,
            scale: "1".to_owned(),
            seed: 1,
            subject: Subject::Peers,
            data: cargo::root().join("target").join("bench"),
            whimbrel: None,
            patience_seconds: 1800,
            write: true,
        };
        let mut rest = arguments.iter().peekable();
        while let Some(argument) = rest.next() {
            let mut value = || {
                rest.next()
                    .ok_or_else(|| Failure::usage(format!("`{argument}` needs a value")))
            };
            match argument.as_str() {
                "--pair" => options.pairs.extend(pairs(value()?)?),
                "--tools" => options.tools.extend(tools(value()?)?),
                "--quick" => options.quick = true,
                "--low-memory" => options.low_memory = true,
                "--runs" => options.runs = number(argument, value()?)?,
                "--scale" => options.scale = scale(value()?)?,
                "--seed" => options.seed = number(argument, value()?)?,
                "--growth" => {
                    let given = rest.next_if(|next| !next.starts_with('-'));
                    let scales = given.map_or("0.1,1,4", String::as_str).split(',');
                    options.subject = Subject::Growth(scales.map(scale).collect::<Result<_, _>>()?);
                }
                "--shapes" => options.subject = Subject::Shapes,
                "--data" => options.data = std::path::absolute(value()?).unwrap_or_default(),
                "--whimbrel" => options.whimbrel = Some(std::path::absolute(value()?).unwrap_or_default()),
                "--patience" => options.patience_seconds = number(argument, value()?)?,
                "--no-write" => options.write = false,
                "--help" | "-h" => return Ok(None),
                _ => {
                    return Err(Failure::usage(format!(
                        "cannot understand `{argument}`; see `cargo xtask bench --help`"
                    )));
                }
            }
        }
        if options.pairs.is_empty() {
            options.pairs = BARS.iter().map(|bar| bar.pair).collect();
        }
        Ok(Some(options))
    }

    /// Tells whether a contender is wanted on a pair.
    pub(super) fn wants(&self, pair: Pair, tool: &str) -> bool {
        if !self.tools.is_empty() {
            return self.tools.iter().any(|name| name == tool) || (self.low_memory && tool == LOW_MEMORY);
        }
        match tool {
            WHIMBREL | VERIFIED => true,
            LOW_MEMORY => self.low_memory,
            _ => !self.quick || tool == LIMIT || pair.bar().against == tool,
        }
    }
}

fn pairs(text: &str) -> Result<Vec<Pair>, Failure> {
    let one = |name: &str| {
        Pair::parse(name).ok_or_else(|| Failure::usage(format!("`{name}` is no pair that is measured")))
    };
    text.split(',').map(one).collect()
}

fn tools(text: &str) -> Result<Vec<String>, Failure> {
    let known = |name: &str| {
        [WHIMBREL, VERIFIED, LOW_MEMORY, LIMIT].contains(&name) || PEERS.iter().any(|peer| peer.name == name)
    };
    let one = |name: &str| {
        known(name)
            .then(|| name.to_owned())
            .ok_or_else(|| Failure::usage(format!("`{name}` is no tool that is measured")))
    };
    text.split(',').map(one).collect()
}

fn scale(text: impl AsRef<str>) -> Result<String, Failure> {
    let text = text.as_ref();
    match Scale::parse(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err(Failure::usage(format!("`{text}` is no scale"))),
    }
}

fn number<T: std::str::FromStr>(name: &str, text: &str) -> Result<T, Failure> {
    text.parse()
        .map_err(|_| Failure::usage(format!("`{name}` must be a whole number")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Option<Options>, Failure> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Options::parse(&words)
    }

    #[test]
    fn quick_leaves_the_limit_and_the_contender_that_counts() {
        let options = parse("--quick --pair postgres-postgres").unwrap().unwrap();
        let pair = options.pairs[0];
        let wanted = [
            "whimbrel",
            "verified",
            "pgcopydb",
            "pg_dump",
            "sling",
            "limit",
            "low-memory",
        ];
        assert_eq!(
            wanted.map(|tool| options.wants(pair, tool)),
            [true, true, true, false, false, true, false]
        );
    }

    #[test]
    fn scales_follow_growth_when_they_are_given() {
        let scales = |line| parse(line).unwrap().unwrap().subject;
        assert_eq!(
            scales("--growth 0.1,2"),
            Subject::Growth(vec!["0.1".into(), "2".into()])
        );
        assert_eq!(
            scales("--growth --runs 2"),
            Subject::Growth(vec!["0.1".into(), "1".into(), "4".into()])
        );
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for line in [
            "--pair sqlite-mariadb",
            "--tools rsync",
            "--scale x",
            "--fast",
            "--runs",
        ] {
            assert_eq!(parse(line).unwrap_err().code, 2, "{line}");
        }
    }
}

//! `cargo xtask bench`: measures Whimbrel beside its peers and beside the limit of the engines, on servers of its own,
//! and writes the tables into the book. This file is the order of things; each part has a file of its own.

mod contents;
mod growth;
mod lab;
mod limit;
mod machine;
mod measure;
mod options;
mod pair;
mod peer;
mod place;
mod process;
mod report;
mod server;
mod whimbrel;

use std::fmt::Write;

use lab::{Contender, Lab};
use options::{HELP, Options, Subject};
use pair::{Engine, Pair};
use peer::PEERS;
use report::{Line, Table};
use whimbrel::Settings;

use crate::cargo::Failure;

/// The value of `--memory` for the measured ceiling.
const LOW_MEMORY: &str = "64MiB";

/// Reads the arguments, measures, prints the tables and writes them.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let Some(options) = Options::parse(arguments)? else {
        print!("{HELP}");
        return Ok(());
    };
    let mut lab = Lab::open(&options)?;
    let (mark, tables) = match &options.subject {
        Subject::Peers => ("bench", peers(&mut lab, &options)?),
        Subject::Growth(scales) => ("bench growth", growth::scales(&mut lab, &options, scales)?),
        Subject::Shapes => ("bench shapes", growth::shapes(&mut lab, &options)?),
    };
    let text = format!("{}\n{tables}", head(&mut lab, &options)?);
    println!("\n{text}");
    if options.write {
        report::write(mark, &text)?;
    }
    Ok(())
}

/// Says what was measured, on what, with which versions and settings.
fn head(lab: &mut Lab, options: &Options) -> Result<String, Failure> {
    let mut engines = Vec::new();
    for engine in Engine::ALL {
        let is_used = |pair: &Pair| pair.source == engine || pair.target == engine;
        if options.pairs.iter().any(is_used) {
            engines.push((engine, lab.place(engine, "version")?.version()));
        }
    }
    let size = match options.subject {
        Subject::Peers => format!("* scale {}, seed {}; ", options.scale, options.seed),
        Subject::Growth(_) => format!("* seed {}; ", options.seed),
        Subject::Shapes => "* ".to_owned(),
    };
    let runs = format!("{} run(s) each, in turns\n", options.runs);
    Ok(size + &runs + &machine::lines(&lab.whimbrel.version(), &engines))
}

/// Measures every pair and returns the tables.
fn peers(lab: &mut Lab, options: &Options) -> Result<String, Failure> {
    let mut text = String::new();
    for pair in &options.pairs {
        // Made before the first contender, so that nobody waits for it in the midst of a pair.
        if let Err(why) = lab.data_set(pair.source, &options.scale) {
            eprintln!("{pair}: no data set: {why}");
            writeln!(text, "### {pair}\n\nno data set: {why}\n").ok();
            continue;
        }
        let mut table = contenders(options, *pair);
        warm_up(lab, *pair, &table, &options.scale);
        for run in 1..=options.runs {
            for (contender, line) in &mut table {
                if line.missing.is_some() {
                    continue;
                }
                let outcome = lab.measure(*pair, *contender, &options.scale);
                tell(*pair, contender.name(), run, &outcome);
                line.runs.push(outcome);
            }
        }
        let lines = table.into_iter().map(|(_, line)| line).collect();
        let table = Table { pair: *pair, lines }.markdown();
        println!("\n{table}");
        text.push_str(&table);
        text.push('\n');
    }
    Ok(text)
}

/// Lets the first contender run once without being counted: the memory that a new server touches for the first time, and the files that it
/// makes for its log, would be its own burden alone.
fn warm_up(lab: &mut Lab, pair: Pair, table: &[(Contender, Line)], scale: &str) {
    let first = table.iter().find(|(_, line)| line.missing.is_none());
    if let Some((contender, _)) = first {
        let outcome = lab.measure(pair, *contender, scale);
        tell(pair, contender.name(), 0, &outcome);
    }
}

/// Returns who takes part on a pair; those that are missing are listed, too.
fn contenders(options: &Options, pair: Pair) -> Vec<(Contender, Line)> {
    let settings = [(false, None), (true, None), (true, Some(LOW_MEMORY))];
    let whimbrel = settings.map(|(verify, memory)| Contender::Whimbrel(Settings { verify, memory }));
    let peers = PEERS.iter().filter(|peer| (peer.serves)(pair));
    whimbrel
        .into_iter()
        .chain(peers.map(Contender::Peer))
        .chain([Contender::Limit])
        .filter(|contender| options.wants(pair, contender.name()))
        .map(|contender| {
            let missing = match contender {
                Contender::Peer(peer) if peer.version().is_none() => Some(peer.install),
                Contender::Peer(_) | Contender::Whimbrel(_) | Contender::Limit => None,
            };
            let line = Line {
                name: contender.name(),
                runs: Vec::new(),
                missing,
            };
            (contender, line)
        })
        .collect()
}

fn tell(pair: Pair, name: &str, run: usize, outcome: &Result<lab::Finding, String>) {
    match outcome {
        Ok(finding) => println!(
            "{pair}, {name}, run {run}: {:.2} s wall, {:.2} s CPU of its own, {:.2} s of the servers, {} MiB; {}",
            finding.measured.wall_seconds,
            finding.measured.tool_cpu_seconds,
            finding.measured.server_cpu_seconds,
            finding.measured.peak_bytes >> 20,
            finding.contents
        ),
        Err(why) => eprintln!("{pair}, {name}, run {run}: failed: {why}"),
    }
}

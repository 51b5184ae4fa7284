//! Measures how Whimbrel's time grows with the rows, and how it depends on their size.

use std::fmt::Write;

use super::lab::{Contender, Finding, Lab, Sample};
use super::options::Options;
use super::pair::{Engine, Pair, SHAPES_RATIO_MAX};
use super::report;
use super::whimbrel::Settings;
use crate::cargo::Failure;

const MODES: [(&str, bool); 2] = [("not verified", false), ("every row verified", true)];

/// Two tables of equal bytes, each in a database of its own: their rows and the bytes of one. The small ones are as big as a row of
/// the data set is on average.
const SHAPES: [(&str, u32, u32); 2] = [("small", 1_000_000, 300), ("big", 10_000, 30_000)];

/// Measures every pair at every scale and returns the table.
pub(super) fn scales(lab: &mut Lab, options: &Options, scales: &[String]) -> Result<String, Failure> {
    let mut text = String::from(
        "| pair | verification | scale | rows | wall s | µs per row | times the first |\n|---|---|---:|---:|---:|---:|---:|\n",
    );
    let mut pairs: Vec<Growth> = options.pairs.iter().map(|pair| Growth::of(*pair)).collect();
    for scale in scales {
        for growth in &mut pairs {
            growth.measure(lab, options, scale)?;
        }
        for engine in Engine::ALL {
            lab.forget(engine, scale)?;
        }
    }
    text.extend(pairs.into_iter().flat_map(|growth| growth.rows));
    Ok(text)
}

/// What is known of one pair so far.
#[derive(Debug)]
struct Growth {
    pair: Pair,
    /// The microseconds per row at the first scale, in each mode.
    first: [Option<f64>; MODES.len()],
    rows: Vec<String>,
}

impl Growth {
    fn of(pair: Pair) -> Self {
        Self {
            pair,
            first: [None; MODES.len()],
            rows: Vec::new(),
        }
    }

    fn measure(&mut self, lab: &mut Lab, options: &Options, scale: &str) -> Result<(), Failure> {
        let pair = self.pair;
        let sample = lab.data_set(pair.source, scale)?;
        let rows = sample.profile.rows;
        for ((mode, verify), first) in MODES.iter().zip(&mut self.first) {
            let cells = match best(lab, options, pair, *verify, &sample) {
                Ok(finding) => {
                    let wall = finding.measured.wall_seconds;
                    let per_row = wall * 1e6 / u32::try_from(rows).map_or(f64::INFINITY, f64::from);
                    let times = per_row / *first.get_or_insert(per_row);
                    format!("{wall:.2} | {per_row:.2} | {times:.2}")
                }
                Err(why) => format!("failed: {} |  | ", why.replace(['|', '\n'], " ")),
            };
            println!("{pair}, {mode}, scale {scale}: {cells}");
            self.rows
                .push(format!("| {pair} | {mode} | {scale} | {rows} | {cells} |\n"));
        }
        Ok(())
    }
}

/// Returns the quickest run of those that were asked for.
fn best(
    lab: &mut Lab,
    options: &Options,
    pair: Pair,
    verify: bool,
    sample: &Sample,
) -> Result<Finding, String> {
    let contender = Contender::Whimbrel(Settings { verify, memory: None });
    let mut best: Option<Finding> = None;
    for _ in 0..options.runs.max(1) {
        let finding = lab.move_into(pair.target, contender, sample)?;
        if let Some(difference) = finding.contents.differences.first() {
            return Err(format!("the contents differ: {difference}"));
        }
        if best
            .as_ref()
            .is_none_or(|best| finding.measured.wall_seconds < best.measured.wall_seconds)
        {
            best = Some(finding);
        }
    }
    best.ok_or_else(|| "it was not run".to_owned())
}

/// Measures both shapes on every pair and returns the table.
pub(super) fn shapes(lab: &mut Lab, options: &Options) -> Result<String, Failure> {
    let mut text = String::from(
        "| pair | verification | a million small rows, s | ten thousand big rows, s | the longer by the shorter |\n\
         |---|---|---:|---:|---:|\n",
    );
    for pair in &options.pairs {
        let sources = fill_shapes(lab, pair.source, "")?;
        let mut row = |mode: &str, walls: Result<Vec<f64>, String>| {
            let cells = match walls.as_deref() {
                Ok([small, big]) => {
                    let ratio = (small / big).max(big / small);
                    let ratio = report::judged(format!("{ratio:.2}"), ratio, SHAPES_RATIO_MAX);
                    format!("{small:.2} | {big:.2} | {ratio}")
                }
                Ok(_) => String::from(" |  | "),
                Err(why) => format!("failed: {} |  | ", why.replace(['|', '\n'], " ")),
            };
            writeln!(text, "| {pair} | {mode} | {cells} |").ok();
            println!("{pair}, {mode}: {cells}");
        };
        for (mode, verify) in MODES {
            let walls = sources.iter().map(|source| {
                let finding = best(lab, options, *pair, verify, source)?;
                Ok(finding.measured.wall_seconds)
            });
            row(mode, walls.collect());
        }
        let copies = fill_shapes(lab, pair.target, "_copy")?;
        let walls = sources.iter().zip(&copies).map(|(source, copy)| {
            let finding = lab.limit(source, copy)?;
            Ok(finding.measured.wall_seconds)
        });
        row("the limit of the engines", walls.collect());
        for sample in sources.into_iter().chain(copies) {
            sample.place.drop().map_err(Failure::new)?;
        }
    }
    Ok(text)
}

/// Makes a database of each shape.
fn fill_shapes(lab: &mut Lab, engine: Engine, suffix: &str) -> Result<Vec<Sample>, Failure> {
    let shape = |(name, rows, bytes): (&str, u32, u32)| {
        let place = lab.place(engine, &format!("{name}{suffix}"))?;
        place.empty().map_err(Failure::new)?;
        place
            .query(&statements(engine, rows, bytes))
            .map_err(Failure::new)?;
        Lab::sample(place)
    };
    SHAPES.into_iter().map(shape).collect()
}

/// Returns the statements that make a table of so many rows of so many bytes, which no two rows share.
fn statements(engine: Engine, rows: u32, bytes: u32) -> String {
    let times = bytes / 32 + 1;
    match engine {
        Engine::Postgres => format!(
            "CREATE TABLE shape (id bigint PRIMARY KEY, body text NOT NULL);
             INSERT INTO shape SELECT n, left(
               (SELECT string_agg(md5(n::text || '.' || part::text), '') FROM generate_series(1, {times}) part), {bytes})
             FROM generate_series(1, {rows}) n;
             VACUUM ANALYZE shape;"
        ),
        Engine::MariaDb => format!(
            "CREATE TABLE shape (id bigint PRIMARY KEY, body longtext NOT NULL) CHARACTER SET utf8mb4;
             SET SESSION group_concat_max_len = 1048576;
             INSERT INTO shape SELECT n.seq, left(
               (SELECT group_concat(md5(concat(n.seq, '.', part.seq)) SEPARATOR '') FROM seq_1_to_{times} part), {bytes})
             FROM seq_1_to_{rows} n;
             ANALYZE TABLE shape;"
        ),
        Engine::Sqlite => format!(
            "CREATE TABLE shape (id integer PRIMARY KEY, body text NOT NULL);
             INSERT INTO shape WITH RECURSIVE numbers (n) AS
               (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {rows})
             SELECT n, substr(hex(randomblob({bytes})), 1, {bytes}) FROM numbers;"
        ),
    }
}

//! Turns what was measured into tables, and puts them into the page between its marks.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use super::lab::Finding;
use super::measure::Measured;
use super::options::{LOW_MEMORY, VERIFIED, WHIMBREL};
use super::pair::{LOW_MEMORY_MAX_MIB, MEMORY_MAX_MIB, Pair};
use crate::cargo::{self, Failure};

/// What came of one contender on one pair.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) name: &'static str,
    pub(super) runs: Vec<Result<Finding, String>>,
    /// What would install it, when it is missing.
    pub(super) missing: Option<&'static str>,
}

/// All lines of one pair.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) pair: Pair,
    pub(super) lines: Vec<Line>,
}

impl Line {
    /// Returns the median of each figure over the runs that ended well.
    pub(super) fn median(&self) -> Option<Measured> {
        let good: Vec<Measured> = self
            .runs
            .iter()
            .flatten()
            .map(|finding| finding.measured)
            .collect();
        let middle = |figure: fn(&Measured) -> f64| {
            let mut figures: Vec<f64> = good.iter().map(figure).collect();
            figures.sort_by(f64::total_cmp);
            let upper = figures.get(figures.len() / 2)?;
            let lower = figures.get(figures.len().checked_sub(1)? / 2)?;
            Some(lower.midpoint(*upper))
        };
        Some(Measured {
            wall_seconds: middle(|measured| measured.wall_seconds)?,
            tool_cpu_seconds: middle(|measured| measured.tool_cpu_seconds)?,
            server_cpu_seconds: middle(|measured| measured.server_cpu_seconds)?,
            peak_bytes: good.iter().map(|measured| measured.peak_bytes).max()?,
        })
    }

    /// Says whether the contents were the same after every run; a failure and its last lines otherwise.
    fn outcome(&self) -> String {
        if let Some(install) = self.missing {
            return format!("missing: `{install}`");
        }
        let failure = self.runs.iter().find_map(|run| run.as_ref().err());
        if let Some(why) = failure {
            return format!("failed: {}", cell(why));
        }
        let different = self
            .runs
            .iter()
            .flatten()
            .find(|run| !run.contents.differences.is_empty());
        let shown = different.or_else(|| self.runs.iter().flatten().next());
        shown.map_or_else(String::new, |finding| cell(&finding.contents.to_string()))
    }
}

/// Makes one line of a text that may hold several, fit for a table.
fn cell(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text: String = words.join(" ").replace('|', "\\|");
    text.chars().take(300).collect()
}

impl Table {
    /// Returns the table as the page has it.
    pub(super) fn markdown(&self) -> String {
        let bar = self.pair.bar();
        let mut text = format!(
            "### {}\n\n|  | wall s | times {} | tool's CPU s | servers' CPU s | tool's share | peak MiB | contents |\n\
             |---|---:|---:|---:|---:|---:|---:|---|\n",
            self.pair, bar.against
        );
        let measure = self
            .lines
            .iter()
            .find(|line| line.name == bar.against)
            .and_then(Line::median);
        for line in &self.lines {
            let Some(median) = line.median() else {
                writeln!(
                    text,
                    "| {} |  |  |  |  |  |  | {} |",
                    title(line.name),
                    line.outcome()
                )
                .ok();
                continue;
            };
            writeln!(
                text,
                "| {} | {:.2} | {} | {:.2} | {:.2} | {} | {} | {} |",
                title(line.name),
                median.wall_seconds,
                self.ratio(line.name, median, measure),
                median.tool_cpu_seconds,
                median.server_cpu_seconds,
                self.share(line.name, median),
                memory(line.name, median),
                line.outcome()
            )
            .ok();
        }
        text
    }

    fn ratio(&self, name: &str, median: Measured, measure: Option<Measured>) -> String {
        let Some(measure) = measure else {
            return String::new();
        };
        let ratio = median.wall_seconds / measure.wall_seconds;
        match name {
            WHIMBREL => judged(format!("{ratio:.2}"), ratio, self.pair.bar().plain),
            VERIFIED => judged(format!("{ratio:.2}"), ratio, self.pair.bar().verified),
            _ => format!("{ratio:.2}"),
        }
    }

    fn share(&self, name: &str, median: Measured) -> String {
        let all = median.tool_cpu_seconds + median.server_cpu_seconds;
        if all <= 0.0 {
            return String::new();
        }
        let share = median.tool_cpu_seconds / all;
        let text = format!("{:.0} %", share * 100.0);
        match self.pair.cpu_share_max() {
            Some(most) if name == WHIMBREL => {
                let verdict = verdict(share, most);
                format!("{text} (at most {:.0} %: {verdict})", most * 100.0)
            }
            _ => text,
        }
    }
}

fn title(name: &str) -> &str {
    match name {
        WHIMBREL => "**Whimbrel**, not verified",
        VERIFIED => "**Whimbrel**, every row verified",
        LOW_MEMORY => "**Whimbrel** `--memory 64MiB`, verified",
        name => name,
    }
}

fn memory(name: &str, median: Measured) -> String {
    let mebibytes = mebibytes(median.peak_bytes);
    let text = format!("{mebibytes:.0}");
    match name {
        WHIMBREL | VERIFIED => judged(text, mebibytes, MEMORY_MAX_MIB),
        LOW_MEMORY => judged(text, mebibytes, LOW_MEMORY_MAX_MIB),
        _ => text,
    }
}

/// Returns the number of mebibytes; thousandths do not matter.
fn mebibytes(bytes: u64) -> f64 {
    u32::try_from(bytes >> 10).map_or(f64::INFINITY, f64::from) / 1024.0
}

/// Says what was wanted and whether it holds.
pub(super) fn judged(text: String, found: f64, most: f64) -> String {
    format!("{text} (at most {most}: {})", verdict(found, most))
}

fn verdict(found: f64, most: f64) -> &'static str {
    if found <= most { "holds" } else { "**missed**" }
}

/// Returns the page that the tables are written to.
pub(super) fn page() -> PathBuf {
    cargo::root().join("docs").join("src").join("benchmarks.md")
}

/// Puts a text between the marks of its name in the page; the rest of the page stays.
pub(super) fn write(mark: &str, text: &str) -> Result<(), Failure> {
    let page = page();
    let failed = |error: std::io::Error| Failure::new(format!("cannot write {}: {error}", page.display()));
    let old = fs::read_to_string(&page).map_err(failed)?;
    let new = between_marks(&old, mark, text).ok_or_else(|| {
        Failure::new(format!(
            "{} has no lines `<!-- {mark} -->` and `<!-- /{mark} -->`",
            page.display()
        ))
    })?;
    fs::write(&page, new).map_err(failed)?;
    println!("written: {}", page.display());
    Ok(())
}

fn between_marks(page: &str, mark: &str, text: &str) -> Option<String> {
    let (before, rest) = page.split_once(&format!("<!-- {mark} -->\n"))?;
    let end = format!("<!-- /{mark} -->\n");
    let (_, after) = rest.split_once(&end)?;
    Some(format!(
        "{before}<!-- {mark} -->\n\n{}\n\n{end}{after}",
        text.trim()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::contents::Contents;

    fn line(name: &'static str, walls: &[f64]) -> Line {
        let run = |wall: &f64| {
            Ok(Finding {
                measured: Measured {
                    wall_seconds: *wall,
                    tool_cpu_seconds: 1.0,
                    server_cpu_seconds: 3.0,
                    peak_bytes: 200 << 20,
                },
                contents: Contents {
                    differences: Vec::new(),
                    indexes: 5,
                    foreign_keys: 2,
                },
            })
        };
        Line {
            name,
            runs: walls.iter().map(run).collect(),
            missing: None,
        }
    }

    #[test]
    fn the_median_is_judged_by_the_pairs_own_bar() {
        let pair = Pair::parse("mariadb-postgres").unwrap();
        let lines = vec![
            line(WHIMBREL, &[9.0, 4.0, 4.2]),
            line(VERIFIED, &[6.5]),
            line("pgloader", &[10.0]),
        ];
        let text = Table { pair, lines }.markdown();
        assert!(text.contains("| 4.20 | 0.42 (at most 0.45: holds) |"), "{text}");
        assert!(
            text.contains("| 6.50 | 0.65 (at most 0.6: **missed**) |"),
            "{text}"
        );
        assert!(text.contains("25 % (at most 35 %: holds)"), "{text}");
        assert!(text.contains("200 (at most 300: holds)"), "{text}");
        assert!(text.contains("same; 5 indexes, 2 foreign keys"), "{text}");
    }

    #[test]
    fn a_failure_is_told_in_the_table() {
        let pair = Pair::parse("sqlite-sqlite").unwrap();
        let mut failed = line(WHIMBREL, &[]);
        failed
            .runs
            .push(Err("it ended with code 1\nerror: a | b".to_owned()));
        let text = Table {
            pair,
            lines: vec![failed],
        }
        .markdown();
        assert!(
            text.contains("failed: it ended with code 1 error: a \\| b"),
            "{text}"
        );
    }

    #[test]
    fn the_words_around_the_tables_stay() {
        let page = "# A\n<!-- x -->\nold\n<!-- /x -->\nB\n";
        let new = between_marks(page, "x", "new\n").unwrap();
        assert_eq!(new, "# A\n<!-- x -->\n\nnew\n\n<!-- /x -->\nB\n");
        assert_eq!(between_marks(&new, "x", "new").unwrap(), new);
        assert_eq!(between_marks(page, "y", "new"), None);
    }
}

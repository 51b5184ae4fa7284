//! `cargo xtask dataset`: fills an empty database with the same 24 tables and rows in every engine. The tables are
//! `dataset/tables.rs`, the rows `dataset/rows.rs`, the spelling `dataset/dialect.rs`; each engine has a file that
//! feeds its own client.

mod dialect;
mod encode;
mod load;
mod mariadb;
mod postgres;
mod random;
mod rows;
mod schema;
mod sqlite;
mod tables;
mod target;
mod words;

use std::time::Instant;

pub(crate) use target::Target;

use crate::cargo::Failure;

/// The most that can be asked for: numbers of rows stay within what the codes and types hold.
const SCALE_MAX: u64 = 1000;

/// How many rows there are, in thousandths of the headline set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scale {
    thousandths: u64,
}

impl Scale {
    /// Parses `1`, `0.05` and their like.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || rest.len() > 3 || !is_number(whole) || !is_number(rest) {
            return None;
        }
        let whole: u64 = whole.parse().ok().filter(|whole| *whole <= SCALE_MAX)?;
        let rest: u64 = format!("{rest:0<3}").parse().ok()?;
        let thousandths = whole * 1000 + rest;
        (1..=SCALE_MAX * 1000)
            .contains(&thousandths)
            .then_some(Self { thousandths })
    }
}

/// Reads the arguments, fills the database and tells how long it took.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let mut target = None;
    let mut scale = Scale { thousandths: 1000 };
    let mut seed = 1;
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let wrong = || Failure::usage(format!("cannot understand `{argument}`; see `cargo xtask help`"));
        match argument.as_str() {
            "--scale" => {
                scale = rest.next().and_then(|text| Scale::parse(text)).ok_or_else(|| {
                    Failure::usage(
                        "`--scale` must be a number from 0.001 to 1000 with at most three decimals",
                    )
                })?;
            }
            "--seed" => {
                seed = rest
                    .next()
                    .and_then(|text| text.parse().ok())
                    .ok_or_else(|| Failure::usage("`--seed` must be a whole number"))?;
            }
            url if target.is_none() && !url.starts_with('-') => target = Some(Target::parse(url)?),
            _ => return Err(wrong()),
        }
    }
    let target = target.ok_or_else(|| Failure::usage("`dataset` needs the URL of an empty database"))?;
    let start = Instant::now();
    let rows = fill(&target, scale, seed)?;
    println!("{rows} rows in {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// Fills the empty database and returns the number of rows. The same scale and seed give the same rows in every
/// engine.
pub(crate) fn fill(target: &Target, scale: Scale, seed: u64) -> Result<u64, Failure> {
    let recipe = &tables::recipe(seed, scale.thousandths);
    let found = match target {
        Target::Postgres(server) => postgres::tables(server)?,
        Target::MariaDb(server) => mariadb::tables(server)?,
        Target::Sqlite(path) => sqlite::tables(path)?,
    };
    if found != "0" {
        return Err(Failure::new(format!(
            "the database holds {found} tables and views; must be empty\nhint: create a new one"
        )));
    }
    match target {
        Target::Postgres(server) => postgres::fill(server, recipe)?,
        Target::MariaDb(server) => mariadb::fill(server, recipe)?,
        Target::Sqlite(path) => sqlite::fill(path, recipe)?,
    }
    Ok(recipe.counts.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::Scale;

    #[test]
    fn a_scale_is_a_number_of_thousandths() {
        for (text, thousandths) in [
            ("1", 1000),
            ("0.05", 50),
            ("0.001", 1),
            ("2.5", 2500),
            ("1000", 1_000_000),
        ] {
            assert_eq!(Scale::parse(text), Some(Scale { thousandths }), "{text}");
        }
        for text in [
            "0", "0.0", "", ".5", "-1", "1e3", "0.0001", "1001", "1000.001", "one",
        ] {
            assert_eq!(Scale::parse(text), None, "{text}");
        }
    }
}

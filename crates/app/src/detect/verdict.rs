//! Weighs the evidence: the one word, and everything that was found in order. What the evidence is, the detectors say.

use std::collections::BTreeSet;

use serde::Serialize;

use super::clients::CLIENTS;
use super::evidence::{Engine, Evidence, Weight};
use super::knex::KNEX;
use super::prisma::PRISMA;

/// The word when nothing decides.
pub(super) const UNKNOWN: &str = "unknown";
/// The tools that the one word may name, in order; a project that has one sees its database through it.
const DECIDING_TOOLS: [&str; 2] = [PRISMA, KNEX];
/// The detector of what the project expressly says.
const VARIABLES: &str = "variables";
/// The detector of database files.
const SQLITE_FILES: &str = "sqlite-files";
const WEIGHTS: [Weight; 3] = [Weight::Strong, Weight::Medium, Weight::Weak];

/// How sure it is that a project uses a database or a tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// The database or the tool.
    pub name: &'static str,
    /// The weight of its weightiest evidence.
    pub weight: Weight,
    /// How many detectors found it.
    pub detectors: usize,
}

/// What the evidence comes to.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) word: &'static str,
    pub(super) weight: Option<Weight>,
    pub(super) flavour: Option<&'static str>,
    /// The most likely database, whatever the word is.
    pub(super) engine: Option<Engine>,
    pub(super) databases: Vec<Standing>,
    pub(super) tools: Vec<Standing>,
}

/// Weighs the evidence. One strong piece outweighs any number of lighter ones; among equals the number of detectors decides.
pub(super) fn of(evidence: &[Evidence]) -> Verdict {
    let engines = ranked(evidence, |each| each.database);
    let families = ranked(evidence, |each| each.database.map(Engine::family));
    let tools = ranked(evidence, |each| each.tool);
    let likeliest = likeliest(&families, evidence);
    let of_engine = likeliest.map(|(engine, weight)| (engine.name(), weight));
    let of_tool = tools
        .iter()
        .filter_map(|tool| {
            let at = DECIDING_TOOLS.iter().position(|name| *name == tool.0)?;
            Some((std::cmp::Reverse(tool.1.weightiest()), at, tool.0))
        })
        .min()
        .map(|(weight, _, name)| (name, weight.0));
    let decided = match (of_tool, of_engine) {
        (Some(tool), Some(engine)) if engine.1 > tool.1 => Some(engine),
        (Some(tool), _) => Some(tool),
        (None, engine) => engine,
    };
    let engine = likeliest.map(|(family, _)| likeliest_of(family, &engines));
    let (word, weight) = decided.unzip();
    Verdict {
        word: word.unwrap_or(UNKNOWN),
        weight,
        flavour: engine
            .filter(|engine| engine.family() != *engine)
            .map(Engine::name),
        engine,
        databases: standings(&engines, |engine| engine.name()),
        tools: standings(&tools, |tool| *tool),
    }
}

/// Makes database files lighter where the variables of the project expressly name only another database: such a file is left over from a
/// first try.
pub(super) fn prefer_settings(evidence: &mut [Evidence]) {
    let named: BTreeSet<Engine> = evidence
        .iter()
        .filter(|each| each.detector == VARIABLES && each.weight == Weight::Strong)
        .filter_map(|each| each.database)
        .collect();
    if named.is_empty() || named.contains(&Engine::Sqlite) {
        return;
    }
    for each in evidence.iter_mut().filter(|each| each.detector == SQLITE_FILES) {
        each.weight = each.weight.min(Weight::Medium);
    }
}

/// How many detectors found something, by weight from the strongest on; the programs on the path are counted apart.
#[derive(Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Score {
    detectors: [usize; 3],
    programs: usize,
}

impl Score {
    fn weightiest(&self) -> Weight {
        let at = self.detectors.iter().position(|count| *count > 0);
        at.map_or(Weight::Weak, |at| WEIGHTS[at])
    }
}

/// Returns what the evidence speaks for with its score, the most likely first.
fn ranked<K: Ord + Copy>(evidence: &[Evidence], of: impl Fn(&Evidence) -> Option<K>) -> Vec<(K, Score)> {
    let keys: BTreeSet<K> = evidence.iter().filter_map(&of).collect();
    let score = |key: K| {
        let detectors = WEIGHTS.map(|weight| {
            let found = evidence
                .iter()
                .filter(|each| of(each) == Some(key) && each.weight == weight && each.detector != CLIENTS);
            found.map(|each| each.detector).collect::<BTreeSet<_>>().len()
        });
        let programs = evidence
            .iter()
            .filter(|each| of(each) == Some(key) && each.detector == CLIENTS)
            .count();
        Score { detectors, programs }
    };
    let mut ranked: Vec<(K, Score)> = keys.into_iter().map(|key| (key, score(key))).collect();
    ranked.sort_by(|a, b| (&b.1, a.0).cmp(&(&a.1, b.0)));
    ranked
}

/// Returns the most likely database with its weight. Programs on the path decide only when there is nothing else and only one
/// database that they are for.
fn likeliest(families: &[(Engine, Score)], evidence: &[Evidence]) -> Option<(Engine, Weight)> {
    let (engine, score) = families.first()?;
    let is_found = score.detectors.iter().any(|count| *count > 0);
    let is_nothing_else = evidence.iter().all(|each| each.detector == CLIENTS);
    (is_found || (is_nothing_else && families.len() == 1)).then(|| (*engine, score.weightiest()))
}

/// Returns the member of a family that the project means: the one that is named expressly.
fn likeliest_of(family: Engine, engines: &[(Engine, Score)]) -> Engine {
    let members = engines.iter().filter(|(engine, _)| engine.family() == family);
    let named = members.clone().find(|(engine, _)| *engine != family);
    match (named, members.clone().find(|(engine, _)| *engine == family)) {
        // Drivers and clients of the family serve its members too, so that a member only has to weigh as much.
        (Some((engine, score)), Some((_, of_family))) if score.weightiest() >= of_family.weightiest() => {
            *engine
        }
        (Some((engine, _)), None) => *engine,
        (Some(_) | None, _) => family,
    }
}

fn standings<K>(ranked: &[(K, Score)], name: impl Fn(&K) -> &'static str) -> Vec<Standing> {
    ranked
        .iter()
        .map(|(key, score)| Standing {
            name: name(key),
            weight: score.weightiest(),
            detectors: score.detectors.iter().sum::<usize>() + usize::from(score.programs > 0),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(
        detector: &'static str,
        weight: Weight,
        database: Option<Engine>,
        tool: Option<&'static str>,
    ) -> Evidence {
        let mut evidence = Evidence::outside(weight, "x");
        (evidence.detector, evidence.database, evidence.tool) = (detector, database, tool);
        evidence
    }

    fn check(evidence: &[Evidence], word: &str, weight: Option<Weight>) {
        let verdict = of(evidence);
        assert_eq!((verdict.word, verdict.weight), (word, weight));
    }

    #[test]
    fn one_strong_piece_outweighs_many_light_ones() {
        use Engine::{Mysql, Postgresql, Sqlite};
        use Weight::{Medium, Strong, Weak};
        let sqlite = piece("a", Strong, Some(Sqlite), None);
        let postgres = ["b", "c", "d"].map(|name| piece(name, Medium, Some(Postgresql), None));
        check(
            &[std::slice::from_ref(&sqlite), postgres.as_slice()].concat(),
            "sqlite",
            Some(Strong),
        );
        check(&postgres, "postgresql", Some(Medium));
        check(
            &[
                sqlite.clone(),
                piece("b", Strong, Some(Mysql), None),
                piece("c", Weak, Some(Mysql), None),
            ],
            "mysql",
            Some(Strong),
        );
        check(&[], UNKNOWN, None);
    }

    #[test]
    fn a_tool_goes_before_its_database_and_only_when_it_weighs_as_much() {
        use Weight::{Medium, Strong};
        let database = piece("a", Strong, Some(Engine::Mysql), None);
        let prisma = |weight| piece("prisma", weight, None, Some(PRISMA));
        let knex = |weight| piece("knex", weight, None, Some(KNEX));
        check(
            &[database.clone(), prisma(Strong), knex(Strong)],
            PRISMA,
            Some(Strong),
        );
        check(
            &[database.clone(), prisma(Medium), knex(Strong)],
            KNEX,
            Some(Strong),
        );
        check(&[database.clone(), prisma(Medium)], "mysql", Some(Strong));
        check(
            &[piece("rails", Strong, None, Some("rails")), knex(Medium)],
            KNEX,
            Some(Medium),
        );
    }

    #[test]
    fn programs_decide_only_alone_and_only_for_one_database() {
        let client = |engine| piece(CLIENTS, Weight::Weak, Some(engine), None);
        check(&[client(Engine::Sqlite)], "sqlite", Some(Weight::Weak));
        check(&[client(Engine::Sqlite), client(Engine::Mysql)], UNKNOWN, None);
        let weak = piece("structure", Weight::Weak, Some(Engine::Mysql), None);
        check(
            &[client(Engine::Postgresql), client(Engine::Postgresql), weak],
            "mysql",
            Some(Weight::Weak),
        );
        let tool = piece("flyway", Weight::Strong, None, Some("flyway"));
        check(&[client(Engine::Postgresql), tool], UNKNOWN, None);
    }

    #[test]
    fn the_member_of_a_family_is_named_beside_the_word() {
        let pieces = [
            piece("compose", Weight::Strong, Some(Engine::Mariadb), None),
            piece("manifests", Weight::Medium, Some(Engine::Mysql), None),
        ];
        let verdict = of(&pieces);
        assert_eq!((verdict.word, verdict.flavour), ("mysql", Some("mariadb")));
        assert_eq!(of(&pieces[1..]).flavour, None);
    }
}

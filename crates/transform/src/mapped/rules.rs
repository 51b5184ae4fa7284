//! Which rules of a mapping meet which tables: what is split, what is merged, what keeps its name.

use std::collections::BTreeMap;

use whimbrel_core::{Error, Mapping, Result, Table, TableId, TableRule, is_pattern, matches_name};

use super::contradictions::Rulebook;
use super::families::{self, Families, Kin, Way, refuse_for_partition_alone};
use crate::similar::nearest;

/// A table that the mapping makes, before its columns are looked at.
pub(crate) struct Assigned<'m> {
    /// What the mapped catalog calls it.
    pub(crate) id: TableId,
    /// What the target calls it, when that is another name.
    pub(crate) to: Option<TableId>,
    /// The tables that its rows come from.
    pub(crate) parts: Vec<AssignedPart<'m>>,
}

/// One table that rows come from, and the rules for it.
pub(crate) struct AssignedPart<'m> {
    /// Which table, by place.
    pub(crate) base: usize,
    /// The place of the rule that names the new table; parts stand in the order of their rules.
    place: usize,
    /// True for a partitioned table whose rows are read with those of its partitions, and arrive in a plain one.
    pub(crate) is_undivided: bool,
    /// The rules, those without a `to` first.
    pub(crate) rules: Vec<&'m TableRule>,
}

impl Assigned<'_> {
    /// Tells whether the rows come from several tables.
    pub(crate) fn is_merged(&self) -> bool {
        self.parts.len() > 1
    }
}

/// Distributes the rules over the tables; `place` is where the target keeps tables unless told otherwise.
///
/// # Errors
/// `Invalid` for a rule that meets no table, or more than one where it names its own.
pub(crate) fn assign<'m>(
    mapping: &'m Mapping,
    bases: &[Table],
    place: Option<&str>,
) -> Result<Vec<Assigned<'m>>> {
    let (general, mut ways) = distributed(mapping, bases, place)?;
    let kin = Kin::of(bases);
    families::fold(&kin, &mut ways);
    let mut merged: BTreeMap<TableId, usize> = BTreeMap::new();
    for (to, ..) in ways.iter().flatten() {
        *merged.entry(to.clone()).or_default() += 1;
    }
    let families = Families {
        kin: &kin,
        general: &general,
        ways: &ways,
    };
    let is_merged = |to: &TableId| merged[to] > 1;
    let undivided = families.undivided(is_merged);
    let read_with_the_whole = families.read_with_the_whole(&undivided, is_merged)?;
    let mut assigned: Vec<Assigned<'m>> = Vec::new();
    let mut made: BTreeMap<TableId, usize> = BTreeMap::new();
    for (base, table) in bases.iter().enumerate() {
        if read_with_the_whole[base] {
            continue;
        }
        let inherited = families.inherited(base);
        let part = |place: usize, rule: Option<&'m TableRule>| AssignedPart {
            base,
            place,
            is_undivided: undivided[base],
            rules: (inherited.iter().chain(&general[base]).copied())
                .chain(rule)
                .collect(),
        };
        let only = |to, part| Assigned {
            id: table.id.clone(),
            to,
            parts: vec![part],
        };
        match ways[base].as_slice() {
            [] => assigned.push(only(None, part(0, None))),
            [(to, place, rule)] if merged[to] == 1 => {
                let to = Some(to.clone()).filter(|to| to != &table.id);
                assigned.push(only(to, part(*place, Some(*rule))));
            }
            many => {
                for (to, place, rule) in many {
                    let at = *made.entry(to.clone()).or_insert_with(|| {
                        assigned.push(Assigned {
                            id: to.clone(),
                            to: None,
                            parts: Vec::new(),
                        });
                        assigned.len() - 1
                    });
                    assigned[at].parts.push(part(*place, Some(*rule)));
                }
            }
        }
    }
    for table in &mut assigned {
        table.parts.sort_by_key(|part| part.place);
    }
    refuse_doubles(&assigned)?;
    assigned.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(assigned)
}

/// The rules of each table: those that say how it is, and those that say what it becomes.
#[expect(clippy::type_complexity, reason = "two lists, one entry a table")]
fn distributed<'m>(
    mapping: &'m Mapping,
    bases: &[Table],
    place: Option<&str>,
) -> Result<(Vec<Vec<&'m TableRule>>, Vec<Vec<Way<'m>>>)> {
    let mut general: Vec<Vec<&TableRule>> = bases.iter().map(|_| Vec::new()).collect();
    let mut ways: Vec<Vec<Way<'_>>> = bases.iter().map(|_| Vec::new()).collect();
    let mut rulebook = Rulebook::default();
    for (number, rule) in mapping.tables.iter().enumerate() {
        let met = met(rule, bases)?;
        refuse_one_name_in_two_places(rule, &met, bases, place)
            .map_err(|error| error.at(rule.written.place(&["to"])))?;
        for at in met {
            let to = rule.to.as_ref().map(|to| named(to, &bases[at].id));
            rulebook.add((at, &bases[at]), rule, to.clone())?;
            match to {
                None => general[at].push(rule),
                Some(to) => ways[at].push((to, number, rule)),
            }
        }
    }
    for (at, table) in bases.iter().enumerate() {
        let own = ways[at].iter().map(|(.., rule)| rule);
        for rule in general[at].iter().chain(own) {
            refuse_for_partition_alone(rule, table)
                .map_err(|error| error.at(rule.written.place(&["from"])))?;
        }
    }
    Ok((general, ways))
}

/// The tables that a rule is about, by place.
fn met(rule: &TableRule, bases: &[Table]) -> Result<Vec<usize>> {
    if rule.from.is_empty() {
        return Err(Error::invalid("a rule of the mapping has no `from`")
            .with_code("mapping")
            .with_hint("name the source table: from = \"TABLE\"")
            .at(rule.written.place(&[])));
    }
    let mut met = Vec::new();
    for pattern in &rule.from {
        let found: Vec<usize> = (0..bases.len())
            .filter(|at| bases[*at].id.matches(pattern))
            .collect();
        if found.is_empty() {
            let names = bases.iter().map(|table| table.id.to_string());
            return Err(
                Error::invalid(format!("the mapping names table `{pattern}`; there is none"))
                    .with_code("mapping")
                    .with_hint(hint_for(pattern, names))
                    .at(rule.written.place(&["from", pattern])),
            );
        }
        let is_one = found.len() == 1 || rule.to.is_none() || is_pattern(pattern);
        if !is_one {
            return Err(Error::invalid(format!(
                "the mapping names table `{pattern}`; there are {}",
                found.len()
            ))
            .with_code("mapping")
            .with_hint(format!("write `{}`", bases[found[0]].id))
            .at(rule.written.place(&["from", pattern])));
        }
        met.extend(found);
    }
    met.sort_unstable();
    met.dedup();
    Ok(met)
}

/// A bare `to` stays beside each table, so that tables of two namespaces would not become the one that the rule seems to make.
fn refuse_one_name_in_two_places(
    rule: &TableRule,
    met: &[usize],
    bases: &[Table],
    place: Option<&str>,
) -> Result<()> {
    let Some(to) = rule.to.as_deref().filter(|to| !to.contains('.')) else {
        return Ok(());
    };
    let mut tables = met.iter().map(|at| &bases[*at].id);
    let Some(first) = tables.next() else { return Ok(()) };
    let Some(other) = tables.find(|id| id.namespace != first.namespace) else {
        return Ok(());
    };
    Err(Error::invalid(format!(
        "the mapping calls `{first}` and `{other}` `{to}`, which would be two tables: each in its own namespace"
    ))
    .with_code("mapping")
    .with_hint(format!(
        "to merge them, name the place: to = \"{}.{to}\"; else write a rule for each",
        place.or(first.namespace.as_deref()).unwrap_or("NAMESPACE")
    )))
}

/// Says which name was probably meant, or which there are.
pub(crate) fn hint_for(name: &str, known: impl Iterator<Item = String>) -> String {
    const LISTED: usize = 8;
    let known: Vec<String> = known.collect();
    let bare = |known: &String| known.rsplit('.').next().unwrap_or_default().to_owned();
    let names: Vec<String> = known.iter().cloned().chain(known.iter().map(bare)).collect();
    if let Some(pattern) = pattern_of(name, &names) {
        return format!("did you mean `{pattern}`? {PATTERNS}");
    }
    match nearest(name, names.iter().map(String::as_str)) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if known.len() <= LISTED => format!("there are {}", known.join(", ")),
        None => format!("there are {}, ...", known[..LISTED].join(", ")),
    }
}

/// What a pattern is made of.
const PATTERNS: &str = "a pattern has `*` for any characters and `?` for one";

/// The pattern that was meant by one of another language (SQL's `LIKE`, regular expressions); none when that meets nothing.
fn pattern_of(name: &str, known: &[String]) -> Option<String> {
    let pattern = name.trim_start_matches('^').trim_end_matches('$');
    let pattern = pattern.replace('%', "*").replace(".*", "*").replace("**", "*");
    let is_met = |known: &String| matches_name(&pattern, known);
    (pattern != name && known.iter().any(is_met)).then_some(pattern)
}

/// Reads `name` or `namespace.name`; a bare name stays beside the source table.
fn named(to: &str, beside: &TableId) -> TableId {
    match to.split_once('.') {
        Some((namespace, name)) => TableId::new(namespace, name),
        None => TableId {
            namespace: beside.namespace.clone(),
            name: to.to_owned(),
        },
    }
}

fn refuse_doubles(assigned: &[Assigned<'_>]) -> Result<()> {
    let place = |table: &Assigned<'_>| {
        let mut named = table.parts.iter().flat_map(|part| &part.rules);
        let named = named.find(|rule| rule.to.is_some())?;
        named.written.place(&["to"])
    };
    let mut seen = BTreeMap::new();
    for table in assigned {
        let name = table.to.as_ref().unwrap_or(&table.id);
        if let Some(other) = seen.insert(name, table) {
            return Err(
                Error::invalid(format!("two tables of the mapping are called `{name}`"))
                    .with_code("mapping")
                    .with_hint(
                        "give one of them another `to`, or give both rules the same `to` to merge them",
                    )
                    .at(place(table).or_else(|| place(other))),
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use whimbrel_core::{MaskRule, PartitionOf};

    use super::*;

    fn tables(names: &[&str]) -> Vec<Table> {
        names
            .iter()
            .map(|name| Table::empty(TableId::bare(*name)))
            .collect()
    }

    #[test]
    fn a_rule_that_changes_rows_of_a_partition_alone_is_refused() {
        let mut bases = tables(&["orders", "orders_2024"]);
        bases[1].partition_of = Some(PartitionOf {
            parent: TableId::bare("orders"),
            bound: String::new(),
        });
        let masking = |from: &str| TableRule {
            mask: BTreeMap::from([("name".to_owned(), MaskRule::Redact)]),
            ..rule(&[from], None)
        };
        assert!(assigned(vec![rule(&["orders_2024"], Some("late"))], &bases).is_ok());
        for whole in ["orders", "orders*", "*"] {
            assert!(assigned(vec![masking(whole)], &bases).is_ok(), "{whole}");
        }
        for part in ["orders_2024", "orders_*"] {
            let refused = assigned(vec![masking(part)], &bases).unwrap_err();
            assert!(refused.to_string().contains("whose partition it is"), "{refused}");
        }
    }

    fn rule(from: &[&str], to: Option<&str>) -> TableRule {
        TableRule {
            from: from.iter().map(|name| (*name).to_owned()).collect(),
            to: to.map(str::to_owned),
            ..TableRule::default()
        }
    }

    /// Name, name in the target, parts.
    type Found = (String, Option<String>, Vec<usize>);

    fn assigned(rules: Vec<TableRule>, bases: &[Table]) -> Result<Vec<Found>> {
        let mapping = Mapping {
            tables: rules,
            ..Mapping::default()
        };
        let found = assign(&mapping, bases, None)?;
        Ok(found
            .iter()
            .map(|table| {
                let parts = table.parts.iter().map(|part| part.base).collect();
                (
                    table.id.to_string(),
                    table.to.as_ref().map(TableId::to_string),
                    parts,
                )
            })
            .collect())
    }

    #[test]
    fn one_rule_renames_two_from_one_table_split_and_two_to_one_table_merge() {
        let bases = tables(&["clients", "customers", "orders"]);
        let rules = vec![
            rule(&["clients", "customers"], Some("people")),
            rule(&["orders"], Some("old_orders")),
            rule(&["orders"], Some("new_orders")),
        ];
        assert_eq!(
            assigned(rules, &bases).unwrap(),
            [
                ("new_orders".to_owned(), None, vec![2]),
                ("old_orders".to_owned(), None, vec![2]),
                ("people".to_owned(), None, vec![0, 1]),
            ]
        );
        let renamed = assigned(vec![rule(&["orders"], Some("bills"))], &bases).unwrap();
        assert_eq!(
            renamed[2],
            ("orders".to_owned(), Some("bills".to_owned()), vec![2])
        );
    }

    #[test]
    fn a_rule_that_meets_no_table_or_takes_a_name_twice_is_refused() {
        let bases = tables(&["clients", "orders"]);
        let error = assigned(vec![rule(&["order"], None)], &bases).unwrap_err();
        assert!(error.to_string().contains("`order`"), "{error}");
        let error = assigned(vec![rule(&["orders"], Some("clients"))], &bases).unwrap_err();
        assert!(error.to_string().contains("`clients`"), "{error}");
    }
}

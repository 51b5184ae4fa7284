//! Names of a mapping that the target's engine, or the record of what arrived, keeps for itself: refused before anything else, because the target
//! would refuse them in the middle of the run, and only whoever gave a name can give another. Which names they are is the dialect's.

use whimbrel_core::{Error, ObjectKind, Result, TableRule};

use super::compose::Tools;

/// Refuses names that no table, column or namespace of the target can have.
///
/// # Errors
/// `Invalid` with the code `mapping`.
pub(crate) fn refuse(tools: &Tools<'_>) -> Result<()> {
    let mapping = tools.mapping;
    for (at, rule) in mapping.tables.iter().enumerate() {
        let from = rule.from.join("`, `");
        let place = format!("[[table]] {} of whimbrel.toml, from `{from}`", at + 1);
        if let Some(to) = rule.to.as_deref().filter(|to| !is_possible(tools, to)) {
            return Err(kept(
                format!("the mapping calls `{from}` `{to}`"),
                format!("give it another name: `to` in {place}"),
            )
            .at(rule.written.place(&["to"])));
        }
        let is_kept = |(_, column): &([&str; 2], &str)| tools.target.reserves(ObjectKind::Column, column);
        if let Some((keys, column)) = given_columns(rule).find(is_kept) {
            return Err(kept(
                format!("the mapping calls a column of `{from}` `{column}`"),
                format!("give it another name: {place}"),
            )
            .at(rule.written.place(&keys)));
        }
    }
    for (from, to) in &mapping.namespaces {
        if !is_possible_namespace(tools, to) {
            return Err(kept(
                format!("the mapping calls namespace `{from}` `{to}`"),
                "give it another name: [namespaces] of whimbrel.toml".to_owned(),
            )
            .at(mapping.written.place(&["namespaces", from])));
        }
    }
    for source in &mapping.sources {
        let namespace = source.namespace();
        if !is_possible_namespace(tools, namespace) {
            return Err(kept(
                format!(
                    "the tables of source `{}` come into namespace `{namespace}`",
                    source.name
                ),
                format!(
                    "say another: namespace = \"...\" in the [[source]] `{}` of whimbrel.toml",
                    source.name
                ),
            )
            .at(source.written.place(&["namespace"])));
        }
    }
    Ok(())
}

fn kept(fact: String, hint: String) -> Error {
    Error::invalid(format!("{fact}, a name that the target keeps for itself"))
        .with_code("mapping")
        .with_hint(hint)
}

/// The names that a rule gives to columns, with the keys that lead to each.
fn given_columns(rule: &TableRule) -> impl Iterator<Item = ([&str; 2], &str)> {
    let renamed = rule
        .rename
        .iter()
        .map(|(from, to)| (["rename", from.as_str()], to));
    let computed = rule.compute.keys().map(|name| (["compute", name.as_str()], name));
    let of_source = rule
        .source_column
        .iter()
        .map(|name| (["source_column", ""], name));
    let all = renamed.chain(computed).chain(of_source);
    all.map(|(keys, name)| (keys, name.as_str()))
}

/// Tells whether a table can have the name, as `name` or `namespace.name`.
fn is_possible(tools: &Tools<'_>, to: &str) -> bool {
    let reserves = |kind, name: &str| tools.target.reserves(kind, name);
    match to.split_once('.') {
        None => !reserves(ObjectKind::Table, to),
        Some((namespace, name)) => {
            // Whoever writes the engine's own namespace means that one, also where others would become a prefix.
            !reserves(ObjectKind::Namespace, namespace)
                && !reserves(ObjectKind::Table, name)
                && (tools.has_namespaces || !reserves(ObjectKind::Table, &format!("{namespace}_{name}")))
        }
    }
}

/// Tells whether tables can have the namespace, or the prefix that it becomes.
fn is_possible_namespace(tools: &Tools<'_>, namespace: &str) -> bool {
    match tools.has_namespaces {
        true => !tools.target.reserves(ObjectKind::Namespace, namespace),
        false => !tools
            .target
            .reserves(ObjectKind::Table, &format!("{namespace}_x")),
    }
}

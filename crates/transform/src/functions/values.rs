//! Functions of values of any type.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a function names the kinds that it takes"
)]

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array as _, ArrayRef, StringArray};
use datafusion_functions::core;
use whimbrel_core::shorten;

use super::{Call, Function, library, literal, own};
use crate::cast::{as_text, convert};
use crate::kernel::Work;
use crate::kinds::common;
use crate::lookup::LookupColumn;
use crate::node::{Kind, Node};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "greatest",
        group: "Values",
        usage: "greatest(value, …)",
        says: "the greatest of the values; NULL only when all are",
        counts: (1, 64),
        bind: |call| extreme(core::greatest(), call),
    },
    Function {
        name: "least",
        group: "Values",
        usage: "least(value, …)",
        says: "the least of the values; NULL only when all are",
        counts: (1, 64),
        bind: |call| extreme(core::least(), call),
    },
    Function {
        name: "lookup",
        group: "Values",
        usage: "lookup('table', key, …[, default])",
        says: "the value that a lookup table has for the key, as text, with as many values as its key has columns; `'table.column'` takes another column than the first one behind the key. Without a default a key that is missing fails the row; a key of NULL gives NULL",
        counts: (2, 33),
        bind: lookup,
    },
];

fn extreme(function: Arc<datafusion_expr::ScalarUDF>, call: Call<'_>) -> Result<Node, String> {
    let kind = common(&call.arguments)?;
    if matches!(kind, Kind::Interval | Kind::Null | Kind::Boolean | Kind::Uuid) {
        return Err(format!("{kind} has no order"));
    }
    let nullable = call.arguments.iter().all(|node| node.nullable);
    let arguments = call.arguments.into_iter().map(|node| convert(node, &kind));
    let arguments = arguments.collect::<Result<Vec<_>, String>>()?;
    let node = library(function, &arguments, kind)?;
    Ok(Node { nullable, ..node })
}

fn lookup(call: Call<'_>) -> Result<Node, String> {
    let wanted = literal(&call.arguments[0])?;
    let Some(table) = call.lookups.find(&wanted) else {
        let known: Vec<&str> = call.lookups.names().collect();
        return Err(match known[..] {
            [] => format!("table `{wanted}` is not declared; no lookup is"),
            _ => format!("table `{wanted}` is not declared; known are {}", known.join(", ")),
        });
    };
    let width = table.keys().len();
    let given = call.arguments.len() - 1;
    if given != width && given != width + 1 {
        let keys = table.keys().names().join(", ");
        return Err(format!(
            "table `{wanted}` is looked up by {width} columns, and {given} values are given; write `lookup('{wanted}', {keys})`, or with a default behind them"
        ));
    }
    let mut arguments = Vec::with_capacity(given);
    for (at, argument) in call.arguments.into_iter().skip(1).enumerate() {
        if at < width {
            table.keys().refuse_other_kind(&wanted, at, &argument)?;
        }
        arguments.push(as_text(argument)?);
    }
    let (keys, default) = arguments.split_at(width);
    let default = default.first();
    let longest = table.chars_max();
    let chars_max = match default {
        None => longest,
        Some(default) => match default.kind {
            Kind::Text { chars_max } => longest.zip(chars_max).map(|(one, two)| one.max(two)),
            _ => longest,
        },
    };
    let nullable = keys.iter().chain(default).any(|node| node.nullable);
    let fails = default.is_none();
    let name = format!("lookup {wanted}");
    let parts: Vec<&Node> = arguments.iter().collect();
    let node = own(
        &name,
        &parts,
        Kind::Text { chars_max },
        looking(wanted, table, width),
    );
    Ok(Node {
        nullable,
        fallible: node.fallible || fails,
        ..node
    })
}

/// Finds each row's value; the columns behind the keys hold what stands for those that are not found.
fn looking(wanted: String, table: Arc<LookupColumn>, width: usize) -> Work {
    Arc::new(move |columns| {
        let columns: Vec<&StringArray> = columns.iter().map(AsArray::as_string::<i32>).collect();
        let (keys, defaults) = columns.split_at(width);
        let rows = keys[0].len();
        let mut values = StringBuilder::with_capacity(rows, rows * 8);
        let mut spelled = String::new();
        for row in 0..rows {
            if keys.iter().any(|key| key.is_null(row)) {
                values.append_null();
                continue;
            }
            let parts = keys.iter().map(|key| key.value(row));
            match (table.get(parts.clone(), &mut spelled), defaults) {
                (Some(value), _) => values.append_value(value),
                (None, [defaults, ..]) => {
                    values.append_option((!defaults.is_null(row)).then(|| defaults.value(row)));
                }
                (None, []) => {
                    let key: Vec<String> = parts.map(|part| format!("`{}`", shorten(part))).collect();
                    return Err(format!("lookup `{wanted}` has no value for {}", key.join(", ")));
                }
            }
        }
        Ok(Arc::new(values.finish()) as ArrayRef)
    })
}

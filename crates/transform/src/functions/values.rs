//! Functions of values of any type.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a function names the kinds that it takes"
)]

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array as _, ArrayRef};
use datafusion_functions::core;
use whimbrel_core::shorten;

use super::{Call, Function, library, literal, own};
use crate::cast::{as_text, convert};
use crate::kernel::Work;
use crate::kinds::common;
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
        usage: "lookup('table', key[, default])",
        says: "the value that a lookup table has for the key, as text; `'table.column'` takes another column than the second. Without a default a key that is missing fails the row; a key of NULL gives NULL",
        counts: (2, 3),
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
    let mut arguments = call.arguments.into_iter().skip(1).map(as_text);
    let key = arguments.next().ok_or_else(|| "takes a key".to_owned())??;
    let default = arguments.next().transpose()?;
    let longest = table.chars_max();
    let chars_max = match &default {
        None => longest,
        Some(default) => match default.kind {
            Kind::Text { chars_max } => longest.zip(chars_max).map(|(one, two)| one.max(two)),
            _ => longest,
        },
    };
    let nullable = key.nullable || default.as_ref().is_some_and(|default| default.nullable);
    let fails = default.is_none();
    let name = format!("lookup {wanted}");
    let work: Work = Arc::new(move |columns| {
        let keys = columns[0].as_string::<i32>();
        let defaults = columns.get(1).map(AsArray::as_string::<i32>);
        let mut values = StringBuilder::with_capacity(keys.len(), keys.len() * 8);
        for (row, key) in keys.iter().enumerate() {
            let found = key.map(|key| (key, table.get(key)));
            match (found, defaults) {
                (None, _) => values.append_null(),
                (Some((_, Some(value))), _) => values.append_value(value),
                (Some((_, None)), Some(defaults)) if defaults.is_null(row) => values.append_null(),
                (Some((_, None)), Some(defaults)) => values.append_value(defaults.value(row)),
                (Some((key, None)), None) => {
                    return Err(format!("lookup `{wanted}` has no value for `{}`", shorten(key)));
                }
            }
        }
        Ok(Arc::new(values.finish()) as ArrayRef)
    });
    let parts: Vec<&Node> = std::iter::once(&key).chain(&default).collect();
    let node = own(&name, &parts, Kind::Text { chars_max }, work);
    Ok(Node {
        nullable,
        fallible: node.fallible || fails,
        ..node
    })
}

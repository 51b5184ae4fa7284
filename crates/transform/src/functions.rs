//! The functions: one entry each with its name, what it takes and what it says to users. The page on expressions is made from
//! this list. What is done with text, numbers and moments is in the files beside this one.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a function names the kinds that it takes"
)]

pub(crate) mod moments;
mod numbers;
mod texts;
mod values;

use std::sync::Arc;

use arrow_schema::Field;
use datafusion_common::ScalarValue;
use datafusion_common::config::ConfigOptions;
use datafusion_expr::type_coercion::functions::fields_with_udf;
use datafusion_expr::{ReturnFieldArgs, ScalarUDF};
use datafusion_physical_expr::ScalarFunctionExpr;
use datafusion_physical_expr::expressions::Literal;

use crate::cast::{convert, in_library};
use crate::kernel::{Kernel, Tree, Work};
use crate::lookup::Lookups;
use crate::node::{Kind, Node};
use crate::outcome::reason;

/// A call with arguments that are ready to be computed with.
pub(crate) struct Call<'a> {
    pub(crate) arguments: Vec<Node>,
    pub(crate) lookups: &'a Lookups,
}

type Bind = fn(Call<'_>) -> Result<Node, String>;

/// A function as users see it, and how a call of it is bound.
pub(crate) struct Function {
    name: &'static str,
    group: &'static str,
    usage: &'static str,
    says: &'static str,
    counts: (usize, usize),
    bind: Bind,
}

impl Function {
    /// Binds a call.
    pub(crate) fn bind(&self, call: Call<'_>) -> Result<Node, String> {
        let (least, most) = self.counts;
        let count = call.arguments.len();
        if !(least..=most).contains(&count) {
            return Err(format!(
                "`{}` has {count} arguments; write `{}`",
                self.name, self.usage
            ));
        }
        (self.bind)(call).map_err(|why| format!("`{}`: {why}", self.name))
    }
}

/// Functions that are bound before their arguments: the binder computes only what is needed.
const LAZY: &[(&str, &str, &str)] = &[
    (
        "coalesce",
        "coalesce(value, …)",
        "the first value that is not NULL; those behind it are not computed",
    ),
    ("ifnull", "ifnull(value, other)", "`other` where `value` is NULL"),
    ("nvl", "nvl(value, other)", "as `ifnull`"),
    (
        "nullif",
        "nullif(value, other)",
        "NULL where both are equal, else `value`",
    ),
    (
        "if",
        "if(condition, value, other)",
        "`value` where the condition is true, else `other`; only that one is computed",
    ),
    ("mod", "mod(number, number)", "the rest of a division, as `%`"),
    ("iif", "iif(condition, value, other)", "as `if`"),
];

/// Names of other engines for functions of ours.
const ALIASES: &[(&str, &str)] = &[
    ("ceiling", "ceil"),
    ("char_length", "length"),
    ("character_length", "length"),
    ("datepart", "date_part"),
    ("datetrunc", "date_trunc"),
    ("extract", "date_part"),
    ("instr", "strpos"),
    ("lcase", "lower"),
    ("pow", "power"),
    ("sign", "signum"),
    ("substring", "substr"),
    ("trim", "btrim"),
    ("truncate", "trunc"),
    ("ucase", "upper"),
];

fn all() -> impl Iterator<Item = &'static Function> {
    texts::FUNCTIONS
        .iter()
        .chain(numbers::FUNCTIONS)
        .chain(moments::FUNCTIONS)
        .chain(values::FUNCTIONS)
}

/// Finds a function by its name in lower case, or by another engine's name for it.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    let alias = ALIASES.iter().find(|(alias, _)| *alias == name);
    let name = alias.map_or(name, |(_, name)| name);
    all().find(|function| function.name == name)
}

/// The names of all functions.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let aliases = ALIASES.iter().map(|(alias, _)| *alias);
    let lazy = LAZY.iter().map(|(name, ..)| *name);
    all().map(|function| function.name).chain(aliases).chain(lazy)
}

/// Says why a function that users know from engines cannot be had here.
pub(crate) fn refusal(name: &str) -> Option<&'static str> {
    match name {
        "count" | "sum" | "avg" | "min" | "max" | "array_agg" | "string_agg" | "group_concat" | "stddev"
        | "variance" | "median" | "bool_and" | "bool_or" | "json_agg" => Some(
            "needs all rows; an expression sees one (`greatest` and `least` compare the values of a row)",
        ),
        "row_number" | "rank" | "dense_rank" | "lag" | "lead" | "first_value" | "last_value" | "ntile" => {
            Some("needs other rows; an expression sees one")
        }
        "now" | "current_timestamp" | "current_date" | "current_time" | "localtimestamp" | "localtime"
        | "curdate" | "sysdate" | "getdate" | "today" | "clock_timestamp" | "utc_timestamp"
        | "unix_timestamp" => Some(
            "depends on the clock, so a row that is computed twice would differ; write the moment as a literal",
        ),
        "random" | "rand" | "uuid" | "gen_random_uuid" | "newid" | "uuid_generate_v4" => Some(
            "is different each time, so a row that is computed twice would differ; derive the value from the row, \
             such as with `sha256`",
        ),
        "current_user" | "session_user" | "user" | "current_database" | "database" | "version"
        | "current_schema" => Some("depends on the server; an expression sees one row and nothing else"),
        _ => None,
    }
}

/// Returns the list of functions as it stands in the documentation: Markdown tables by group.
pub fn reference() -> String {
    let mut text = String::new();
    let mut group = "";
    for function in all() {
        if function.group != group {
            group = function.group;
            text.push_str(&format!("\n### {group}\n\n| Function | Result |\n|---|---|\n"));
        }
        text.push_str(&format!("| `{}` | {} |\n", function.usage, function.says));
    }
    text.push_str("\n### Choices\n\n| Function | Result |\n|---|---|\n");
    for (_, usage, says) in LAZY {
        text.push_str(&format!("| `{usage}` | {says} |\n"));
    }
    text.push_str("\n### Other names\n\n| Name | Is |\n|---|---|\n");
    for (alias, name) in ALIASES {
        text.push_str(&format!("| `{alias}` | `{name}` |\n"));
    }
    text
}

/// A call of one of our own functions.
fn own(name: &str, arguments: &[&Node], kind: Kind, work: Work) -> Node {
    let trees = arguments.iter().map(|argument| argument.tree.clone()).collect();
    Node::of(Kernel::tree(name, trees, kind.arrow(), work), kind, arguments)
}

/// A call of a function of the library, whose result is brought to the kind.
fn library(function: Arc<ScalarUDF>, arguments: &[Node], kind: Kind) -> Result<Node, String> {
    let fields: Vec<_> = arguments
        .iter()
        .map(|argument| Arc::new(Field::new("argument", argument.kind.arrow(), true)))
        .collect();
    let said = |error: datafusion_common::DataFusionError| error.strip_backtrace();
    let wanted = fields_with_udf(&fields, function.as_ref()).map_err(said)?;
    let trees: Vec<Tree> = arguments
        .iter()
        .zip(&wanted)
        .map(|(argument, field)| fitted(argument, field.data_type()))
        .collect::<Result<_, String>>()?;
    let scalars: Vec<Option<&ScalarValue>> = trees
        .iter()
        .map(|tree| tree.downcast_ref::<Literal>().map(Literal::value))
        .collect();
    let returns = function
        .return_field_from_args(ReturnFieldArgs {
            arg_fields: &wanted,
            scalar_arguments: &scalars,
        })
        .map_err(said)?;
    let same = *returns.data_type() == kind.arrow();
    let name = function.name().to_owned();
    let options = Arc::new(ConfigOptions::default());
    let call: Tree = Arc::new(ScalarFunctionExpr::new(&name, function, trees, returns, options));
    let tree = if same { call } else { in_library(call, &kind) };
    let parts: Vec<&Node> = arguments.iter().collect();
    Ok(Node::of(tree, kind, &parts))
}

/// An argument in the type that the library takes; constants are converted at once.
fn fitted(argument: &Node, data_type: &arrow_schema::DataType) -> Result<Tree, String> {
    if argument.kind.arrow() == *data_type {
        return Ok(argument.tree.clone());
    }
    if let Some(value) = argument.scalar() {
        let value = value
            .cast_to(data_type)
            .map_err(|error| reason(&error).unwrap_or_else(|said| said))?;
        return Ok(Arc::new(Literal::new(value)));
    }
    Ok(Arc::new(datafusion_physical_expr::expressions::CastExpr::new(
        argument.tree.clone(),
        data_type.clone(),
        None,
    )))
}

/// An argument as text; numbers and moments are no text by themselves.
fn text(node: Node) -> Result<Node, String> {
    match node.kind {
        Kind::Text { .. } | Kind::Json | Kind::Null => convert(node, &Kind::TEXT),
        _ => Err(format!("takes text, not {}; write `CAST(… AS text)`", node.kind)),
    }
}

/// An argument as an integer.
fn integer(node: Node) -> Result<Node, String> {
    match node.kind {
        Kind::Integer { .. } | Kind::Null => convert(node, &Kind::INTEGER),
        _ => Err(format!("takes an integer, not {}", node.kind)),
    }
}

/// An argument that must be a literal text.
fn literal(node: &Node) -> Result<String, String> {
    node.literal
        .clone()
        .ok_or_else(|| "takes a literal text in quotes here".to_owned())
}

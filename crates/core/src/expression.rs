//! What dialects share when they translate expressions: the kinds of values, and the shapes of queries that have a neutral form.

mod kind;
mod shape;

pub use kind::{Kind, arguments, kind, of_logical, of_type};
pub use shape::{check_call, check_grouping, check_query, check_select, check_table, has_aggregate, no};

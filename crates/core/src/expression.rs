//! What dialects share when they translate expressions: the walk, the kinds of values and their agreement, names, brackets, and the
//! shapes of queries that have a neutral form. Words are the dialects' own.

mod agree;
mod bracket;
mod kind;
mod names;
mod node;
mod respell;
mod shape;
mod walk;
mod words;

pub use agree::{fit, literal_as};
pub use bracket::bracket;
pub use kind::{Kind, arguments, kind, of_logical, of_type};
pub use names::{MadeNames, TargetNames, columns_of, made_names};
pub use node::{
    call, case, cast, count_of, digits, function_name, is_literal, is_now, is_number_literal, nested, not,
    number_literal, plain_name, take, text_literal, text_of, truth_literal, truth_of, without_brackets, word,
};
pub use respell::{NewNames, Tongue, respell};
pub use shape::{check_call, check_grouping, check_query, check_select, check_table, has_aggregate, no};
pub use walk::{Translate, parser, print, read_expression, read_query, walk};
pub use words::{
    at_time_zone, has_part, is_common, is_plain, known_or_null, limit_before_offset, limit_of_fetch, list,
};

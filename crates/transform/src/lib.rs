//! Expressions over the rows of a table: one dialect of SQL for every engine, checked against the columns when it is
//! compiled ([`Expression`], [`Filter`]), evaluated on whole batches; tables of values for `lookup` ([`Lookups`]) and masks
//! for copies into test environments ([`Mask`]). It reads no database and, but for the tables of values, no file.

mod column;
mod equal_texts;
mod expression;
mod lookup;
mod mask;
mod quotes;

mod bind;
mod parse;
mod similar;

mod functions;
mod node;
mod outcome;

mod calendar;
mod carry;
mod cast;
mod kernel;
mod kinds;
mod number;

mod mapped;

pub use column::InputColumn;
pub use expression::{Evaluated, Expression, Filter, Kept};
pub use functions::reference as function_reference;
pub use lookup::Lookups;
pub use mapped::{Database, MappedSource, Member, Preview, PreviewRow, read_entries, repeated};
pub use mask::{Mask, MaskKey, MaskKind};
pub use similar::nearest;

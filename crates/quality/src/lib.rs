//! The quality of the values: what one pass over the batches of a [`whimbrel_core::Snapshot`] finds in every column, the same for every
//! engine. Distinct values, ranges, lengths, patterns, growth, repeated rows; and which columns look like references. No SQL, no connection, no runtime; what the engine itself
//! counts (orphans, duplicates of keys, access) is the connectors', and how it is shown is `app`'s.

mod distinct;
mod growth;
mod order;

mod pattern;
mod shape;
mod text;

mod column;
mod relation;
mod table;

pub use column::{ColumnQuality, Distinct, Lengths, Unit};
pub use distinct::{EXACT_MAX, STANDARD_ERROR};
pub use growth::{Growth, MonthCount, creation_column};
pub use relation::{Suspect, suspects};
pub use table::{RepeatedRows, TableGauge, TableQuality, measure, measure_and_survey};
pub use text::{PatternCount, ShapeCount};

//! Decides what a migration will do: two catalogs, the profile and wishes in; a plan with its findings out.
//!
//! Pure and synchronous: no I/O, no clock, the same answer for the same question. Nothing in here knows an engine by name; what engines can
//! and cannot do is asked of their [`Dialect`](whimbrel_core::Dialect) and [`Capabilities`](whimbrel_core::Capabilities).
//!
//! [`plan`] reads as the table of contents; the modules below stand in the order in which it uses them.

mod input;
mod notes;
mod plan;
mod scope;

mod existing;
mod names;
mod select;

mod identity;
mod key_types;
mod mapping;
mod values;

mod expressions;
mod needs;

mod constraints;
mod draft;
mod foreign_keys;
mod indexes;
mod keys;
mod tables;
mod user_types;
mod views;

mod changes;
mod estimate;
mod order;
mod sequences;

pub use input::{PlanInput, Side, Wishes};
pub use plan::plan;
pub use select::is_wanted;

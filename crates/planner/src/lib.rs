//! Decides what a migration will do: two catalogs, the profile and wishes in; a plan with its findings out.
//!
//! Pure and synchronous: no I/O, no clock, the same answer for the same question. Nothing in here knows an engine by name; what engines can
//! and cannot do is asked of their [`Dialect`](whimbrel_core::Dialect) and [`Capabilities`](whimbrel_core::Capabilities). Everything that is
//! noticed becomes a finding; what only a person can settle becomes a question, and the plan goes on as if the suggestion were taken.
//!
//! [`plan`] reads as the table of contents; the modules stand here in the order in which it uses them.

// What goes in, where findings are collected, and the stages in their order.
mod input;
mod lookup;
mod notes;
mod plan;
mod scope;

// Which objects move, what they are called, and what is in the target already.
mod clashes;
mod existing;
mod flattening;
mod names;
mod needs;
mod respelling;
mod select;
mod staying;
mod user_types;

// Each column's way.
mod candidates;
mod collations;
mod enums;
mod identity;
mod key_types;
mod kin;
mod mapping;
mod stamps;
mod values;
mod ways;

// The target's tables and views.
mod clauses;
mod computed;
mod constraints;
mod draft;
mod expressions;
mod foreign_keys;
mod index_parts;
mod indexes;
mod keys;
mod making;
mod partitions;
mod tables;
mod views;

// The rest of the plan.
mod changes;
mod estimate;
mod order;
mod sequences;

pub use input::{Origin, PlanInput, Side, Wishes};
pub use plan::{chosen, plan};
pub use select::is_wanted;

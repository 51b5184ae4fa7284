//! What the planner decides, told by toy engines: `spacious` has namespaces, user types and late constraints, `flat` has none of them,
//! `folding` and its kin `creasing` fold names and texts.

mod clauses;
mod columns;
mod constraints;
mod decisions;
mod existing;
mod indexes;
mod making;
mod names;
mod order;
mod partitions;
mod selection;
mod setup;
mod texts;
mod toy;
mod values;
mod whole_plan;

//! What the planner decides, told by two toy engines: `spacious` has namespaces, user types and late constraints, `flat` has none of them.

mod columns;
mod constraints;
mod decisions;
mod existing;
mod names;
mod order;
mod selection;
mod setup;
mod toy;
mod whole_plan;

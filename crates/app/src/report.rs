//! What a plan, a verification and a run look like to people (Markdown) and to scripts (JSON). Pure functions over
//! the data of `core`; reading and writing the files is left to the use cases.

mod endpoint;
mod mapping;
mod markdown;
mod origin;
mod outcome;
mod partitions;
mod plan;
mod quality;
mod quantity;
mod queries;
mod result;
mod schedule;
mod settled;
mod statements;
mod taken_back;
mod validation;
mod verification;
mod way_back;

pub use mapping::SchemaMapping;
pub use outcome::final_markdown;
pub use plan::{plan_markdown, plan_sections};
pub use quality::quality_sections;
pub(crate) use quantity::counted;
pub use quantity::{count, duration, size, size_compact};
pub use queries::{QueryFile, query_files};
pub use result::{RunResult, result_json};
pub use taken_back::taken_back;
pub use verification::verification_markdown;

#[cfg(test)]
mod tests;

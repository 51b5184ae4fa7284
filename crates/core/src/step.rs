//! Steps: one change of the target as data. Planning makes steps, running is dumb, and a dry run is the same code.

use serde::{Deserialize, Serialize};

use crate::{ObjectId, TableId};

/// One change of the target's structure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Unique within the plan, stable for equal plans, such as `017_index_orders_by_user`.
    pub id: String,
    /// When it runs.
    pub phase: StepPhase,
    /// The object it makes or changes.
    pub subject: ObjectId,
    /// One line for people, such as `create table orders`.
    pub title: String,
    /// What to run, in order.
    pub statements: Vec<Statement>,
    /// What takes it back, in order. Never empty, never with CASCADE.
    pub undo: Vec<Statement>,
    /// The target tables it depends on: emptying one of them undoes the step first, when its phase is `AfterData`.
    pub tables: Vec<TableId>,
    /// True when it moves or replaces something that was there before.
    pub destructive: bool,
}

/// When a step runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepPhase {
    /// Before the data.
    Schema,
    /// After the data.
    AfterData,
}

/// Something that the target can run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statement {
    /// One SQL statement.
    Sql(String),
    /// An operation of the connector's own that is not SQL, such as copying a database file.
    Engine {
        /// Name of the operation.
        operation: String,
        /// Its arguments.
        arguments: Vec<String>,
    },
}

/// Whether a step is done or taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Run `statements`.
    Do,
    /// Run `undo`.
    Undo,
}

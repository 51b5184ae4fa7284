//! A table of the plan, named by its place: a copy of each of ten thousand would be another plan.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;

use whimbrel_core::{Plan, TableId, TablePlan};

/// A table of the plan.
#[derive(Clone)]
pub(crate) struct Planned {
    plan: Arc<Plan>,
    at: usize,
}

impl Planned {
    /// Names the table at the place, which the plan has.
    pub(crate) fn at(plan: &Arc<Plan>, at: usize) -> Self {
        Self {
            plan: Arc::clone(plan),
            at,
        }
    }

    /// Returns the places of the tables by their names in the target.
    pub(crate) fn places(plan: &Plan) -> HashMap<&TableId, usize> {
        let tables = plan.tables.iter().enumerate();
        tables.map(|(at, table)| (&table.target.id, at)).collect()
    }

    /// Names all tables, in the plan's order.
    pub(crate) fn all(plan: &Arc<Plan>) -> impl Iterator<Item = Self> {
        (0..plan.tables.len()).map(|at| Self::at(plan, at))
    }
}

impl Deref for Planned {
    type Target = TablePlan;

    fn deref(&self) -> &TablePlan {
        &self.plan.tables[self.at]
    }
}

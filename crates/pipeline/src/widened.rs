//! Columns of the target that a person widened so that rejected rows fit: taken as they are now when the rows are replayed, and from then on
//! expected like that. `widened.json` holds them.

use std::collections::BTreeMap;

use serde_json::json;
use whimbrel_core::{Catalog, Plan, Result, TablePlan, WriteColumn};

use crate::columns::write_columns;
use crate::context::RunContext;
use crate::running::Run;
use crate::store::{MigrationDir, WIDENED};

/// The native types that columns of the target have instead of the planned ones, by table and column.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub(crate) struct Widened(BTreeMap<String, BTreeMap<String, String>>);

/// Reads what was accepted before.
pub(crate) fn widened(dir: &MigrationDir) -> Result<Widened> {
    Ok(dir.load(WIDENED)?.unwrap_or_default())
}

/// Accepts the types that the columns of these tables have now.
pub(crate) fn accept(run: &Run, tables: &[&TablePlan], catalog: &Catalog) -> Result<Widened> {
    let dir = &run.ctx.dir;
    let mut widened = widened(dir)?;
    let before = widened.clone();
    for plan in tables {
        let Some(table) = catalog.table(&plan.target.id) else {
            continue;
        };
        let names = widened.0.entry(plan.target.id.to_string()).or_default();
        for column in &plan.columns {
            let Some(now) = table.column(&column.target) else {
                continue;
            };
            if now.native == column.target_native {
                names.remove(&column.target);
            } else {
                names.insert(column.target.clone(), now.native.clone());
            }
        }
    }
    widened.0.retain(|_, columns| !columns.is_empty());
    if widened == before {
        return Ok(widened);
    }
    for (table, columns) in &widened.0 {
        for (column, native) in columns {
            run.ctx.notice(format!(
                "column `{column}` of `{table}` is `{native}` now; it stays so"
            ));
        }
    }
    run.journal.event("COLUMNS_WIDENED", json!(widened))?;
    dir.save(WIDENED, &widened)?;
    Ok(widened)
}

impl Widened {
    /// The table's columns as they are written now.
    pub(crate) fn write_columns(&self, plan: &TablePlan) -> Vec<WriteColumn> {
        let mut columns = write_columns(plan);
        if let Some(natives) = self.0.get(&plan.target.id.to_string()) {
            for column in &mut columns {
                if let Some(native) = natives.get(&column.name) {
                    column.native.clone_from(native);
                }
            }
        }
        columns
    }

    /// The catalog with the accepted types.
    pub(crate) fn into_catalog(&self, mut catalog: Catalog) -> Catalog {
        for table in &mut catalog.tables {
            if let Some(natives) = self.0.get(&table.id.to_string()) {
                for column in &mut table.columns {
                    if let Some(native) = natives.get(&column.name) {
                        column.native.clone_from(native);
                    }
                }
            }
        }
        catalog
    }

    /// The plan with the accepted types.
    pub(crate) fn into_plan(&self, ctx: &RunContext) -> Plan {
        let mut plan = ctx.plan.clone();
        for table in &mut plan.tables {
            if let Some(natives) = self.0.get(&table.target.id.to_string()) {
                for column in &mut table.target.columns {
                    if let Some(native) = natives.get(&column.name) {
                        column.native.clone_from(native);
                    }
                }
            }
        }
        plan
    }
}

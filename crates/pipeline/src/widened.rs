//! Columns of the target that a person widened so that rejected rows fit: taken as they are now when the rows are replayed, and from then on
//! expected like that, with the limits of the planned type gone. `widened.json` holds them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use whimbrel_core::{Catalog, LogicalType, Plan, Result, TableId};

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

/// Returns the context with the plan as it holds for the columns that were widened.
pub(crate) fn as_widened(ctx: &RunContext) -> Result<RunContext> {
    let mut ctx = ctx.clone();
    let widened = widened(&ctx.dir)?;
    if !widened.0.is_empty() {
        widened.change(Arc::make_mut(&mut ctx.plan));
    }
    Ok(ctx)
}

/// Accepts the types that the columns of these tables have now; `plan` is as it was confirmed.
pub(crate) fn accept(run: &Run, plan: &Plan, tables: &[TableId], catalog: &Catalog) -> Result<()> {
    let dir = &run.ctx.dir;
    let mut widened = widened(dir)?;
    let before = widened.clone();
    for plan in tables.iter().filter_map(|id| plan.table(id)) {
        let Some(table) = catalog.table(&plan.target.id) else {
            continue;
        };
        let names = widened.0.entry(plan.target.id.to_string()).or_default();
        for column in &plan.columns {
            match table.column(&column.target) {
                Some(now) if now.native != column.target_native => {
                    names.insert(column.target.clone(), now.native.clone());
                }
                Some(_) | None => drop(names.remove(&column.target)),
            }
        }
    }
    widened.0.retain(|_, columns| !columns.is_empty());
    if widened == before {
        return Ok(());
    }
    for (table, columns) in &widened.0 {
        for (column, native) in columns {
            run.ctx.notice(format!(
                "column `{column}` of `{table}` is `{native}` now, and is expected like that from here on"
            ));
        }
    }
    run.journal.event("COLUMNS_WIDENED", json!(widened))?;
    dir.save(WIDENED, &widened)
}

impl Widened {
    fn change(&self, plan: &mut Plan) {
        for table in &mut plan.tables {
            let Some(natives) = self.0.get(&table.target.id.to_string()) else {
                continue;
            };
            for column in &mut table.target.columns {
                if let Some(native) = natives.get(&column.name) {
                    column.native.clone_from(native);
                }
            }
            for column in &mut table.columns {
                if let Some(native) = natives.get(&column.target) {
                    column.target_native.clone_from(native);
                    column.logical = unlimited(&column.logical);
                }
            }
        }
    }

    /// The catalog with the accepted types.
    pub(crate) fn applied_to(&self, mut catalog: Catalog) -> Catalog {
        for table in &mut catalog.tables {
            let Some(natives) = self.0.get(&table.id.to_string()) else {
                continue;
            };
            for column in &mut table.columns {
                if let Some(native) = natives.get(&column.name) {
                    column.native.clone_from(native);
                }
            }
        }
        catalog
    }
}

/// The type without its limits. Values keep their canonical form, so that digests taken before still hold.
fn unlimited(logical: &LogicalType) -> LogicalType {
    match logical {
        LogicalType::Text { padded, .. } => LogicalType::Text {
            chars_max: None,
            padded: *padded,
        },
        LogicalType::Integer { .. } => LogicalType::Integer { bits: 64 },
        LogicalType::Decimal { scale, .. } => LogicalType::Decimal {
            precision: None,
            scale: *scale,
        },
        LogicalType::Bits { .. } => LogicalType::Bits {
            length: None,
            varying: true,
        },
        LogicalType::Boolean
        | LogicalType::Float { .. }
        | LogicalType::Bytes
        | LogicalType::Date
        | LogicalType::Time
        | LogicalType::TimeZoned
        | LogicalType::Timestamp { .. }
        | LogicalType::Interval
        | LogicalType::Uuid
        | LogicalType::Json
        | LogicalType::Enum { .. }
        | LogicalType::Set { .. }
        | LogicalType::Any
        | LogicalType::Wire { .. } => logical.clone(),
    }
}

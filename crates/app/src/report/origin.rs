//! Where a table's rows come from: the database's own table, or those that a mapping makes it of; in words, and for queries that a person
//! asks the source.

use std::collections::BTreeSet;

use whimbrel_core::{ColumnPlan, PartCondition, PartValue, Plan, TableId, TablePart, TablePlan};

use super::endpoint;
use super::markdown::{code, codes, prose};

/// A table that can be asked for the same numbers as the target's.
pub(super) struct Asked<'p> {
    /// Its database's engine.
    pub(super) engine: &'p str,
    /// Its database's name among several.
    pub(super) database: Option<&'p str>,
    /// The table, as its database calls it.
    pub(super) table: &'p TableId,
    /// Which of its rows, in the engine's SQL; all when none.
    condition: Option<&'p str>,
    planned: &'p TablePlan,
    part: Option<&'p TablePart>,
}

impl<'p> Asked<'p> {
    /// Finds the one table to ask.
    ///
    /// # Errors
    /// Why no query of a source gives the numbers of the target's table.
    pub(super) fn of(plan: &'p Plan, planned: &'p TablePlan) -> Result<Self, String> {
        let mut all = Self::all(plan, planned)?;
        match all.len() {
            1 => Ok(all.remove(0)),
            _ => Err("the mapping puts its rows together from several tables".to_owned()),
        }
    }

    /// Finds the tables whose rows together are the target's.
    ///
    /// # Errors
    /// Why no query of a source names these rows.
    pub(super) fn all(plan: &'p Plan, planned: &'p TablePlan) -> Result<Vec<Self>, String> {
        let asked = |part: Option<&'p TablePart>| {
            Ok(Self {
                engine: part.map_or(&plan.source.engine, |part| &part.engine),
                database: part.and_then(|part| part.database.as_deref()),
                table: part.map_or(&planned.source.id, |part| &part.table),
                condition: part.map(condition).transpose()?.flatten(),
                planned,
                part,
            })
        };
        match planned.source.parts.as_slice() {
            [] => Ok(vec![asked(None)?]),
            parts => parts.iter().map(Some).map(asked).collect(),
        }
    }

    /// What stands in a query behind the name of the table.
    pub(super) fn condition(&self) -> String {
        let condition = self.condition;
        condition.map_or_else(String::new, |sql| format!(" WHERE {sql}"))
    }

    /// The table's column; none when the mapping makes its values.
    pub(super) fn column(&self, column: &'p ColumnPlan) -> Option<&'p str> {
        match self.part {
            Some(part) => match part.columns.get(&column.source)? {
                PartValue::Column { name, .. } => Some(name),
                PartValue::Computed(_) => None,
            },
            None => {
                let source = self.planned.source.column(&column.source);
                let is_made = source.is_some_and(|source| source.derived.is_some());
                (!is_made).then_some(&column.source)
            }
        }
    }
}

fn condition(part: &TablePart) -> Result<Option<&str>, String> {
    let Some(filter) = &part.filter else {
        return Ok(None);
    };
    match &filter.said {
        PartCondition::Sql(sql) => Ok(Some(sql)),
        PartCondition::Unsure(why) => Err(format!(
            "the mapping chooses its rows by {}, and {why}",
            filter.text
        )),
    }
}

/// The databases that the rows come from.
pub(super) fn systems(plan: &Plan, planned: &TablePlan) -> String {
    let parts = planned.source.parts.iter();
    let named: BTreeSet<String> = parts
        .filter_map(|part| Some(format!("{} {}", part.engine, part.database.as_ref()?)))
        .collect();
    match named.is_empty() {
        true => prose(&format!(
            "{} {}",
            plan.source.engine,
            endpoint::name(&plan.source)
        )),
        false => prose(&named.into_iter().collect::<Vec<_>>().join(", ")),
    }
}

/// The tables that the rows come from.
pub(super) fn tables(planned: &TablePlan) -> String {
    match planned.source.parts.as_slice() {
        [] => code(&planned.source.id.to_string()),
        parts => codes(parts.iter().map(name)),
    }
}

/// The name of a part's table, with that of its database where there are several.
pub(super) fn name(part: &TablePart) -> String {
    match &part.database {
        Some(database) => format!("{database}.{}", part.table),
        None => part.table.to_string(),
    }
}

//! One table that rows come from: which columns it gives, and how each value is made.

use std::sync::Arc;

use whimbrel_core::{
    Catalog, Column, Fidelity, LogicalType, Lossy, MaskRule, PartValue, Result, Table, TableId, TablePart,
    TableRule, WITHHELD, is_secret, matches_name,
};

use super::castable::word;
use super::columns::Builder;
use super::compose::{Base, Tools};
use super::computed::Computed;
use super::fill::Question;
use super::keys::{Gone, mentions};
use super::sources::Described;
use super::{condition, slips};
use crate::{Filter, InputColumn};

/// A table that rows come from.
#[derive(Clone)]
pub(crate) struct Part {
    /// Which database, by place.
    pub(crate) database: usize,
    /// The table as its own catalog describes it.
    pub(crate) table: Table,
    /// Its name among all databases.
    pub(crate) called: TableId,
    /// True when other tables' rows come beside its own.
    pub(crate) is_merged: bool,
    /// Its columns, as expressions see them.
    pub(crate) inputs: Vec<InputColumn>,
    /// Which rows.
    pub(crate) filter: Option<Filter>,
    /// Which rows, as a person wrote it.
    pub(crate) filter_text: String,
    /// The columns that it gives.
    pub(crate) columns: Vec<PartColumn>,
    /// The primary key that the rules want.
    pub(crate) key: Option<Vec<String>>,
    /// The column that names the source.
    pub(crate) source_column: Option<String>,
    /// What it holds: the name of the database, or of the table where there is only one database.
    pub(crate) source_name: String,
    /// The rules for it, the one that names the new table last.
    pub(crate) rules: Vec<Arc<TableRule>>,
}

/// A column that a part gives.
#[derive(Clone)]
pub(crate) struct PartColumn {
    /// Its name in the mapped catalog.
    pub(crate) name: String,
    /// Its name in the target, when the mapping says.
    pub(crate) renamed: Option<String>,
    /// How its values are made.
    pub(crate) value: Value,
    /// The type in the target that the mapping wants.
    pub(crate) wanted: Option<String>,
    /// The column as the mapped catalog describes it.
    pub(crate) column: Column,
    /// What of the source's column stays behind.
    pub(crate) gone: Vec<Gone>,
}

/// How a column's values are made.
#[derive(Clone)]
pub(crate) enum Value {
    /// As the source has them.
    Column {
        /// Which of the table's columns.
        at: usize,
        /// The form in which they are read, when it is not the one that is asked for; both travel alike.
        own_form: Option<LogicalType>,
    },
    /// Computed.
    Computed(Box<Computed>),
}

impl Value {
    /// What the part's database has to be asked before the values can be made.
    pub(crate) fn question(&self) -> Option<&Question> {
        match self {
            Self::Column { .. } => None,
            Self::Computed(computed) => computed.fill.as_ref()?.question.as_ref(),
        }
    }
}

/// The column in an expression.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// What tells the rows of a table from those of others that become one with it.
fn source_name(described: &Described<'_>, table: &TableId) -> String {
    let database = described.database;
    if !database.name.is_empty() {
        return database.name.clone();
    }
    let home = database.connector.capabilities().default_namespace;
    match table.namespace.as_deref() == home {
        true => table.name.clone(),
        false => table.to_string(),
    }
}

/// What stands for a value that a mask hides.
const MASKED: &str = "(masked)";

impl Part {
    /// Makes the part of a table by the rules for it; `called` is the table by its names among all databases.
    ///
    /// # Errors
    /// `Invalid` for a rule that names a column that is not there, and for expressions that do not compile.
    pub(crate) fn build(
        base: Base<'_>,
        called: &Table,
        rules: &[&TableRule],
        tools: &Tools<'_>,
    ) -> Result<Self> {
        let Base {
            database,
            described,
            table,
        } = base;
        let inputs: Vec<InputColumn> = table
            .columns
            .iter()
            .map(|column| InputColumn {
                name: column.name.clone(),
                logical: form(&base, column, rules),
                nullable: column.nullable,
            })
            .collect();
        slips::refuse_in_table(called, rules)?;
        let builder = Builder {
            table: called,
            own: &table.id,
            inputs: &inputs,
            rules,
            tools,
            described,
        };
        let filter = builder.filter()?;
        let source_name = source_name(described, &table.id);
        Ok(Self {
            database,
            columns: builder.columns(&source_name)?,
            source_name,
            table: table.clone(),
            called: called.id.clone(),
            is_merged: false,
            filter_text: builder.filter_text(),
            filter,
            rules: Vec::new(),
            key: rules
                .iter()
                .rev()
                .find(|rule| !rule.key.is_empty())
                .map(|rule| rule.key.clone()),
            source_column: rules.iter().rev().find_map(|rule| rule.source_column.clone()),
            inputs,
        })
    }

    /// The part's table, read with its partitions when it is undivided or the mapped one is.
    pub(crate) fn as_read(&self, mapped: &Table) -> Table {
        Table {
            flattened: self.table.flattened || mapped.flattened,
            ..self.table.clone()
        }
    }

    /// Tells whether the columns hold what the source has in those of the same names.
    pub(crate) fn has_as_they_are(&self, columns: &[String]) -> bool {
        columns
            .iter()
            .all(|name| self.column(name).is_some_and(PartColumn::is_same))
    }

    /// Tells whether the values of the columns mean what they mean in the source, whatever their types.
    pub(crate) fn keeps_values(&self, columns: &[String]) -> bool {
        columns
            .iter()
            .all(|name| self.column(name).is_some_and(PartColumn::keeps_values))
    }

    pub(crate) fn column(&self, name: &str) -> Option<&PartColumn> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Per input, whether its values are not to be told: a mask hides them, or its database computes them from such.
    pub(crate) fn hidden(&self) -> Vec<bool> {
        let mut hidden = self.masked_inputs();
        let shown = |at: usize, columns: &[PartColumn]| {
            let mut given = columns.iter();
            given.any(|column| matches!(&column.value, Value::Column { at: own, .. } if *own == at))
        };
        let names = |expression: &str, hidden: &[bool]| {
            let mut masked = hidden.iter().enumerate().filter(|(_, hidden)| **hidden);
            masked.any(|(at, _)| {
                let is_generated = self.table.columns[at].generated.is_some();
                (is_generated || !shown(at, &self.columns)) && mentions(expression, &self.inputs[at].name)
            })
        };
        // A generated column may be computed from another one.
        loop {
            let generated = self.table.columns.iter().enumerate();
            let found = generated.filter(|(at, _)| !hidden[*at]).find_map(|(at, column)| {
                let generated = column.generated.as_ref()?;
                names(&generated.expression, &hidden).then_some(at)
            });
            match found {
                Some(at) => hidden[at] = true,
                None => return hidden,
            }
        }
    }

    /// Per input, whether a mask stands before what any column makes of it.
    fn masked_inputs(&self) -> Vec<bool> {
        let mut hidden = vec![false; self.inputs.len()];
        for column in &self.columns {
            if let Value::Computed(computed) = &column.value
                && computed.mask.is_some()
            {
                computed
                    .expression
                    .reads()
                    .iter()
                    .for_each(|at| hidden[*at] = true);
            }
        }
        hidden
    }

    /// What the plan says of the part.
    pub(crate) fn told(&self, described: &Described<'_>) -> TablePart {
        let value = |column: &PartColumn| {
            let of = match &column.value {
                Value::Column { at, .. } => Some(*at),
                Value::Computed(computed) => computed.of,
            };
            if let Some(said) = &column.column.derivation {
                return Some(PartValue::Computed(said.clone()));
            }
            let own = &self.table.columns[of?];
            Some(PartValue::Column {
                name: own.name.clone(),
                native: own.native.clone(),
            })
        };
        let columns = self.columns.iter();
        TablePart {
            database: Some(described.database.name.clone()).filter(|name| !name.is_empty()),
            engine: described.catalog.engine.clone(),
            table: self.table.id.clone(),
            filter: condition::of(self, &*described.dialect),
            columns: columns
                .filter_map(|column| Some((column.name.clone(), value(column)?)))
                .collect(),
        }
    }

    /// The columns of the source's whose values become of another kind, with the kinds in words.
    pub(crate) fn turned(&self) -> impl Iterator<Item = (String, String)> {
        self.inputs.iter().filter_map(|input| {
            let made = self.column(&input.name)?.form(self);
            let is_number =
                |form: &LogicalType| form.is_exact_number() || matches!(form, LogicalType::Float { .. });
            let is_alike = std::mem::discriminant(&made) == std::mem::discriminant(&input.logical)
                || is_number(&made) && is_number(&input.logical);
            let is_known = !matches!(input.logical, LogicalType::Any | LogicalType::Wire { .. });
            (is_known && !is_alike).then(|| (input.name.clone(), format!("{} becomes {made}", input.logical)))
        })
    }

    /// Per input, what is told in place of its values: a mask hides them, or the name of the column says that they are secret.
    pub(crate) fn untold(&self) -> Vec<Option<&'static str>> {
        let instead = |(input, hidden): (&InputColumn, bool)| match hidden {
            true => Some(MASKED),
            false => is_secret(&input.name).then_some(WITHHELD),
        };
        self.inputs.iter().zip(self.hidden()).map(instead).collect()
    }

    /// Per column, what is told in place of the values that it gives: those that come from an input that is not told, without a mask.
    pub(crate) fn untold_after(&self) -> Vec<Option<&'static str>> {
        let untold = self.untold();
        let instead = |column: &PartColumn| match &column.value {
            Value::Computed(computed) if computed.masked.is_some() => None,
            Value::Computed(computed) => {
                let mut reads = computed.expression.reads().iter();
                reads.find_map(|at| untold[*at])
            }
            Value::Column { at, .. } => untold[*at].filter(|instead| *instead == WITHHELD),
        };
        let after = |column: &PartColumn| {
            let own = column.mask().is_none() && is_secret(column.target_name());
            instead(column).or(own.then_some(WITHHELD))
        };
        self.columns.iter().map(after).collect()
    }

    /// The form that the values of a column have in the source, where they are its own.
    pub(crate) fn source_form(&self, column: &PartColumn) -> Option<&LogicalType> {
        let at = match &column.value {
            Value::Column { at, .. } => Some(*at),
            Value::Computed(computed) => computed.of,
        };
        at.map(|at| &self.inputs[at].logical)
    }

    /// The form in which the part gives the column.
    pub(crate) fn form(&self, name: &str) -> Option<LogicalType> {
        self.column(name).map(|column| column.form(self))
    }
}

impl PartColumn {
    /// Tells whether the values are those of the part's column, masked or not.
    pub(crate) fn comes_from(&self, part: &Part, name: &str) -> bool {
        let of = match &self.value {
            Value::Column { at, .. } => Some(*at),
            Value::Computed(computed) => computed.of,
        };
        of.is_some_and(|at| part.inputs[at].name == name)
    }

    /// Tells whether the source's values stay as they are.
    pub(crate) fn is_same(&self) -> bool {
        matches!(self.value, Value::Column { .. })
    }

    /// Tells whether every value is NULL, as of a column that other parts have.
    pub(crate) fn is_missing(&self) -> bool {
        match &self.value {
            Value::Column { .. } => false,
            Value::Computed(computed) => {
                computed.expression.reads().is_empty() && computed.expression.nullable()
            }
        }
    }

    /// Tells whether the values mean what they mean in the source, whatever their type.
    pub(crate) fn keeps_values(&self) -> bool {
        match &self.value {
            Value::Column { .. } => true,
            Value::Computed(computed) => computed.keeps_values,
        }
    }

    /// The form in which the values can be read.
    pub(crate) fn form(&self, part: &Part) -> LogicalType {
        match &self.value {
            Value::Column { at, .. } => part.inputs[*at].logical.clone(),
            Value::Computed(computed) => computed.form().clone(),
        }
    }

    /// The mask that hides the values.
    pub(crate) fn mask(&self) -> Option<&MaskRule> {
        match &self.value {
            Value::Computed(computed) => computed.masked.as_ref(),
            Value::Column { .. } => None,
        }
    }

    /// Says what the type that a person wants may do to the values; none when nothing.
    pub(crate) fn may_lose(&self) -> Option<Lossy> {
        let Value::Computed(computed) = &self.value else {
            return None;
        };
        Some(Lossy {
            why: computed.exact.as_ref()?.why()?.to_owned(),
            form: word(computed.form())?,
        })
    }

    /// What the column is called in the end.
    pub(crate) fn target_name(&self) -> &str {
        self.renamed.as_deref().unwrap_or(&self.name)
    }
}

/// The form in which a column's values are read. Of numbers that a row is known by, the whole ones that other engines number with are enough,
/// whatever else the type could hold; of a number that is widened for want of a scale, the one with a scale is read where a mapping gives new
/// values, since only that one says what is equal.
fn form(base: &Base<'_>, column: &Column, rules: &[&TableRule]) -> LogicalType {
    let described = base.described;
    let mapped = described.dialect.logical(column, described.catalog, None);
    let other = |wanted: fn(&LogicalType) -> bool| {
        let mut others = mapped.alternatives.iter().map(|other| &other.to);
        others.find(|other| wanted(other)).cloned()
    };
    let LogicalType::Decimal { scale, .. } = &mapped.to else {
        return mapped.to;
    };
    let is_number = || is_given_by(described.catalog, base.table, column, LINKS_MAX);
    let is_widened = || mapped.fidelity != Fidelity::Exact && is_hidden_or_filled(column, rules);
    let form = match scale {
        Some(0) if is_number() => other(|other| matches!(other, LogicalType::Integer { .. })),
        None if is_widened() => other(|other| matches!(other, LogicalType::Decimal { scale: Some(_), .. })),
        Some(_) | None => None,
    };
    form.unwrap_or(mapped.to)
}

fn is_hidden_or_filled(column: &Column, rules: &[&TableRule]) -> bool {
    rules.iter().any(|rule| {
        let mut patterns = rule.mask.keys().chain(rule.default.keys());
        patterns.any(|pattern| matches_name(pattern, &column.name))
    })
}

/// How many foreign keys are followed from a column to the one that numbers rows.
const LINKS_MAX: usize = 8;

/// Tells whether the engine itself gives the column's numbers, or those of the column that a foreign key leads to.
fn is_given_by(catalog: &Catalog, table: &Table, column: &Column, links: usize) -> bool {
    if column.identity.is_some() {
        return true;
    }
    let mut keys = table.foreign_keys.iter().filter(|_| links > 0);
    keys.any(|key| {
        let ends = key.columns.iter().zip(&key.referred);
        let mut referred = ends
            .filter(|(own, _)| **own == column.name)
            .map(|(_, other)| other);
        let Some(parent) = catalog.table(&key.references) else {
            return false;
        };
        referred.any(|name| {
            let other = parent.column(name);
            other.is_some_and(|other| is_given_by(catalog, parent, other, links - 1))
        })
    })
}

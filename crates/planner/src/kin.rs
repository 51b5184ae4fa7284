//! Columns that a related engine (another flavour of the same server) takes in their own type and form, so that nothing is translated. All
//! columns that foreign keys link are taken, or none of them.

use std::collections::BTreeMap;

use whimbrel_core::{Column, LogicalType, Table, TableId};

use crate::key_types;
use crate::needs;
use crate::scope::Scope;
use crate::select::Selection;

/// The native types in which columns arrive as they are, by source table and column.
#[derive(Default)]
pub(crate) struct Kin(BTreeMap<(TableId, String), String>);

impl Kin {
    /// Asks the target's dialect about every chosen column. Equal engines need not ask.
    pub(crate) fn find(scope: &Scope<'_>, selection: &Selection<'_>) -> Self {
        let mut kin = Self::default();
        if scope.equal {
            return kin;
        }
        for table in &selection.tables {
            let engine = scope.engine(table.origin.as_deref());
            for column in table.columns.iter().filter(|column| column.derived.is_none()) {
                let adopted = match engine == scope.target.catalog.engine {
                    // A type of the user's own goes by its meaning: it may have another name there.
                    true => Some(column.native.clone())
                        .filter(|_| column.user_type.is_none() && !names_own(scope, table, column)),
                    false => scope.target.dialect.adopt(engine, column),
                };
                let fitting = adopted.filter(|native| fits(scope, table, column, native));
                if let Some(native) = fitting {
                    kin.0.insert((table.id.clone(), column.name.clone()), native);
                }
            }
        }
        if kin.0.is_empty() {
            return kin;
        }
        for component in key_types::components(scope, selection, |_, _| true) {
            if !component.iter().all(|place| kin.0.contains_key(place)) {
                for place in &component {
                    kin.0.remove(place);
                }
            }
        }
        kin
    }

    pub(crate) fn native(&self, table: &TableId, column: &str) -> Option<&String> {
        self.0.get(&(table.clone(), column.to_owned()))
    }
}

/// Tells whether the type or the collation is one of the database's own, or of an extension.
fn names_own(scope: &Scope<'_>, table: &Table, column: &Column) -> bool {
    let mut words = column.collation.iter().chain([&column.native]);
    words.any(|word| needs::names_own(scope, table.origin.as_deref(), word))
}

/// Tells whether the target keeps every value that the profile saw; a column with others is asked about like any other.
fn fits(scope: &Scope<'_>, table: &Table, column: &Column, native: &str) -> bool {
    let wire = LogicalType::Wire {
        native: native.to_owned(),
        printed: false,
    };
    let profile = scope.column_profile(&table.id, &column.name);
    profile.is_none_or(|profile| scope.target.dialect.misfit(native, &wire, profile).is_none())
}

//! What the profile found in the values that a form may not carry: invalid text, U+0000, values out of range, rows too large.

use whimbrel_core::{Feature, LogicalType, OnReject};

use crate::notes::Notes;
use crate::scope::{Scope, Spot, table_subject};
use crate::select::Selection;

/// Values of a column that not every form carries.
pub(crate) struct Trouble {
    /// The code under which it is asked about.
    pub(crate) code: &'static str,
    what: &'static str,
    rows: u64,
    carried_by: fn(&LogicalType) -> bool,
}

impl Trouble {
    /// Tells whether the form carries such values.
    pub(crate) fn is_carried_by(&self, logical: &LogicalType) -> bool {
        (self.carried_by)(logical)
    }

    /// The fact, for evidence.
    pub(crate) fn fact(&self) -> String {
        format!("rows with {}: {}", self.what, self.rows)
    }

    /// What happens to the rows in a form that does not carry them.
    pub(crate) fn consequence(&self, scope: &Scope<'_>) -> String {
        match scope.input.wishes.policies.on_reject {
            OnReject::Stop => format!("the first row with {} stops the table", self.what),
            OnReject::File => format!("rows with {} go to the reject file: {}", self.what, self.rows),
        }
    }
}

/// Returns the troubles that the column's values bring.
pub(crate) fn troubles(spot: &Spot<'_, '_>) -> Vec<Trouble> {
    let Some(profile) = spot.profile() else {
        return Vec::new();
    };
    let nul_text = match spot.scope.target.dialect.holds_nul_text() {
        true => 0,
        false => profile.nul_text,
    };
    let odd_floats = match spot.scope.target.dialect.has(Feature::EveryFloat) {
        true => 0,
        false => profile.odd_floats,
    };
    let mut troubles = vec![
        Trouble {
            code: "invalid_text",
            what: "text that is not valid in its encoding",
            rows: profile.invalid_text,
            carried_by: is_raw,
        },
        Trouble {
            code: "nul_text",
            what: "text that holds U+0000",
            rows: nul_text,
            carried_by: is_raw,
        },
        Trouble {
            code: "out_of_range",
            what: "a float that is NaN or negative zero, which the target cannot hold",
            rows: odd_floats,
            carried_by: |logical| is_raw(logical) || matches!(logical, LogicalType::Text { .. }),
        },
        Trouble {
            code: "out_of_range",
            what: "values beyond the range in which the type travels",
            rows: profile.out_of_range,
            carried_by: |logical| is_raw(logical) || matches!(logical, LogicalType::Text { .. }),
        },
    ];
    troubles.retain(|trouble| trouble.rows > 0);
    troubles
}

fn is_raw(logical: &LogicalType) -> bool {
    matches!(
        logical,
        LogicalType::Bytes | LogicalType::Any | LogicalType::Wire { .. }
    )
}

/// Says which tables have rows too large for the memory budget.
pub(crate) fn report_row_sizes(scope: &Scope<'_>, selection: &Selection<'_>, notes: &mut Notes<'_>) {
    let budget = scope.input.wishes.memory_bytes;
    for table in &selection.tables {
        let largest = scope
            .profile(&table.id)
            .map_or(0, |profile| profile.row_bytes_max);
        let subject = table_subject(&table.id);
        if largest > budget {
            notes.block(
                "row_too_large",
                subject,
                format!(
                    "the largest row of `{}` has {largest} bytes; the memory budget is {budget}",
                    table.id
                ),
            );
        } else if largest > budget / 8 {
            notes.info(
                "row_too_large",
                subject,
                format!(
                    "rows of `{}` have up to {largest} bytes, over an eighth of the memory budget: they run alone",
                    table.id
                ),
            );
        }
    }
}

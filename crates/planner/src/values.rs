//! Asks about values that the chosen form cannot carry, as the profile counted them: invalid text, U+0000, values out of range.

use whimbrel_core::{ColumnProfile, Finding, LogicalType, Mapped, OnReject, Severity};

use crate::mapping::{Offer, Way, native};
use crate::notes::Notes;
use crate::scope::{Scope, Spot, table_subject};
use crate::select::Selection;

/// The choice to send rows that do not fit to the rejects.
const REJECT: &str = "reject";

/// A kind of value that gets into trouble.
struct Trouble {
    code: &'static str,
    what: &'static str,
    rows: u64,
    /// Tells whether a form carries such values.
    carried_by: fn(&LogicalType) -> bool,
}

/// Asks for each kind of trouble that the column's chosen form has, and changes the form when another one is chosen.
pub(crate) fn settle(
    spot: &Spot<'_, '_>,
    mapped: &Mapped<LogicalType>,
    way: &mut Way,
    notes: &mut Notes<'_>,
) {
    let Some(profile) = spot.profile() else {
        return;
    };
    for trouble in troubles(spot.scope, profile) {
        if trouble.rows > 0 && !(trouble.carried_by)(&way.logical) {
            ask(spot, mapped, &trouble, way, notes);
        }
    }
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

fn troubles(scope: &Scope<'_>, profile: &ColumnProfile) -> Vec<Trouble> {
    let raw = |logical: &LogicalType| {
        matches!(
            logical,
            LogicalType::Bytes | LogicalType::Any | LogicalType::Wire { .. }
        )
    };
    let mut troubles = vec![
        Trouble {
            code: "invalid_text",
            what: "text that is not valid in its encoding",
            rows: profile.invalid_text,
            carried_by: raw,
        },
        Trouble {
            code: "out_of_range",
            what: "values beyond the range in which the type travels",
            rows: profile.out_of_range,
            carried_by: |logical| {
                matches!(
                    logical,
                    LogicalType::Text { .. }
                        | LogicalType::Bytes
                        | LogicalType::Any
                        | LogicalType::Wire { .. }
                )
            },
        },
    ];
    if !scope.target.dialect.holds_nul_text() {
        troubles.push(Trouble {
            code: "nul_text",
            what: "text with U+0000, which the target cannot hold",
            rows: profile.nul_text,
            carried_by: raw,
        });
    }
    troubles
}

fn ask(
    spot: &Spot<'_, '_>,
    mapped: &Mapped<LogicalType>,
    trouble: &Trouble,
    way: &mut Way,
    notes: &mut Notes<'_>,
) {
    let subject = spot.subject();
    let ways_out: Vec<_> = mapped
        .alternatives
        .iter()
        .filter(|other| (trouble.carried_by)(&other.to))
        .collect();
    let meaning = match spot.scope.input.wishes.policies.on_reject {
        OnReject::Stop => "the first such row stops the table",
        OnReject::File => "such rows go to the reject file, counted",
    };
    let mut finding = Finding::new(
        trouble.code,
        Severity::Decision,
        subject.clone(),
        format!("{} rows of `{subject}` hold {}", trouble.rows, trouble.what),
    )
    .with_choice(REJECT, meaning);
    for other in &ways_out {
        finding = finding.with_choice(&other.choice, other.meaning.clone());
    }
    let suggested = ways_out.first().map_or(REJECT, |other| other.choice.as_str());
    let answer = notes.ask(finding.suggest(suggested));
    if let Some(other) = ways_out.iter().find(|other| answer.is(&other.choice)) {
        let offer = Offer {
            logical: other.to.clone(),
            fidelity: other.fidelity.clone(),
        };
        (way.native, way.fidelity) = native(spot.scope, &offer, &way.usage);
        way.logical = offer.logical.clone();
        way.offers = vec![offer];
    }
}

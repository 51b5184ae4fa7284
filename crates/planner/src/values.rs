//! What the profile found in the values that a form may not carry: invalid dates and text, U+0000, values out of range, rows too large; and
//! which rules would let such rows arrive.

use std::mem::discriminant;

use whimbrel_core::{
    ColumnProfile, ColumnUse, Feature, LogicalType, OWN_VALUE, OnReject, ValueRule, format_date,
    format_timestamp, parse_date, parse_timestamp,
};

use crate::notes::Notes;
use crate::scope::{Scope, Spot, table_subject};
use crate::select::Selection;

/// Values of a column that not every form carries.
pub(crate) struct Trouble {
    /// The code under which it is asked about.
    pub(crate) code: &'static str,
    /// What the rows hold, or why they do not fit when they were not counted.
    what: String,
    /// How many rows hold such a value, when that was counted.
    rows: Option<u64>,
    carried_by: fn(&LogicalType) -> bool,
    /// The rules that would let the rows arrive.
    pub(crate) remedies: Vec<Remedy>,
    /// True when a rule is better than another form for the whole column.
    pub(crate) prefers_rule: bool,
}

/// A rule that lets rows arrive which would be rejected without.
#[derive(Clone)]
pub(crate) struct Remedy {
    pub(crate) choice: &'static str,
    pub(crate) meaning: &'static str,
    pub(crate) rule: ValueRule,
    /// True when following it loses nothing that anybody could use.
    pub(crate) suggested: bool,
}

impl Trouble {
    /// Tells whether the form carries such values.
    pub(crate) fn is_carried_by(&self, logical: &LogicalType) -> bool {
        (self.carried_by)(logical)
    }

    /// Tells whether the rule lets the rows arrive.
    pub(crate) fn is_solved_by(&self, rule: &ValueRule) -> bool {
        let kind = discriminant(rule);
        self.remedies
            .iter()
            .any(|remedy| discriminant(&remedy.rule) == kind)
    }

    /// The fact, for evidence.
    pub(crate) fn fact(&self) -> String {
        match self.rows {
            Some(rows) => format!("rows with {}: {rows}", self.what),
            None => self.what.clone(),
        }
    }

    /// What happens to the rows in a form that does not carry them.
    pub(crate) fn consequence(&self, scope: &Scope<'_>) -> String {
        match (scope.input.wishes.policies.on_reject, self.rows) {
            (OnReject::Stop, Some(_)) => format!("the first row with {} stops the table", self.what),
            (OnReject::File, Some(rows)) => format!("rows with {} go to the reject file: {rows}", self.what),
            (OnReject::Stop, None) => "the first such row stops the table".to_owned(),
            (OnReject::File, None) => "such rows go to the reject file".to_owned(),
        }
    }
}

/// Returns the troubles that the column's values bring, whatever holds them in the target.
pub(crate) fn troubles(spot: &Spot<'_, '_>) -> Vec<Trouble> {
    let Some(profile) = spot.profile() else {
        return Vec::new();
    };
    let dialect = spot.scope.target.dialect;
    let counted = |have: bool, rows: u64| if have { 0 } else { rows };
    let invalid_dates = invalid_dates(spot, profile);
    let mut troubles = vec![
        Trouble {
            prefers_rule: true,
            remedies: date_remedies(spot),
            ..trouble(
                "invalid_date",
                "dates that are no day of the calendar",
                invalid_dates,
            )
        },
        Trouble {
            carried_by: is_raw,
            remedies: null_remedy(spot, false),
            ..trouble(
                "invalid_text",
                "text that is not valid in its encoding",
                profile.invalid_text,
            )
        },
        Trouble {
            carried_by: is_raw,
            remedies: nul_remedies(spot),
            ..trouble(
                "nul_text",
                "text that holds U+0000",
                counted(dialect.holds_nul_text(), profile.nul_text),
            )
        },
        trouble(
            "out_of_range",
            "a float that is NaN or negative zero, which the target cannot hold",
            counted(dialect.has(Feature::EveryFloat), profile.odd_floats),
        ),
        Trouble {
            remedies: null_remedy(spot, false),
            ..trouble(
                "out_of_range",
                "values beyond the range in which the type travels",
                counted(invalid_dates > 0, profile.out_of_range),
            )
        },
    ];
    troubles.retain(|trouble| trouble.rows != Some(0));
    troubles
}

/// Tells whether U+0000 is all that is strange about a text, and the target holds it.
pub(crate) fn is_nul_held(spot: &Spot<'_, '_>) -> bool {
    let is_text = matches!(spot.mapped().to, LogicalType::Text { .. });
    let strange = |profile: &ColumnProfile| profile.nul_text > 0 && profile.invalid_text == 0;
    is_text && spot.scope.target.dialect.holds_nul_text() && spot.profile().is_some_and(strange)
}

/// Returns the troubles with one form in one native type.
pub(crate) fn troubles_in(spot: &Spot<'_, '_>, logical: &LogicalType, native: &str) -> Vec<Trouble> {
    let mut troubles = troubles(spot);
    troubles.retain(|trouble| !trouble.is_carried_by(logical));
    let dialect = spot.scope.target.dialect;
    let misfit = spot
        .profile()
        .and_then(|profile| dialect.misfit(native, logical, profile));
    if let Some((why, rules)) = misfit {
        // The target knows better than the plain count of odd floats.
        troubles.retain(|trouble| {
            !(matches!(logical, LogicalType::Float { .. }) && trouble.code == "out_of_range")
        });
        troubles.push(Trouble {
            rows: None,
            carried_by: |_| false,
            remedies: rules.into_iter().filter_map(|rule| offered(spot, rule)).collect(),
            ..trouble("out_of_range", &why, 1)
        });
    }
    troubles
}

fn trouble(code: &'static str, what: &str, rows: u64) -> Trouble {
    Trouble {
        code,
        what: what.to_owned(),
        rows: Some(rows),
        carried_by: |logical| is_raw(logical) || matches!(logical, LogicalType::Text { .. }),
        remedies: Vec::new(),
        prefers_rule: false,
    }
}

fn is_raw(logical: &LogicalType) -> bool {
    matches!(
        logical,
        LogicalType::Bytes | LogicalType::Any | LogicalType::Wire { .. }
    )
}

fn is_date(logical: &LogicalType) -> bool {
    matches!(logical, LogicalType::Date | LogicalType::Timestamp { .. })
}

/// Rows whose date is none, as the connector counted them under one of its names.
fn invalid_dates(spot: &Spot<'_, '_>, profile: &ColumnProfile) -> u64 {
    let shape = |name: &str| profile.shapes.get(name).copied().unwrap_or(0);
    let counted = shape("zero_dates") + shape("invalid_dates");
    match is_date(&spot.mapped().to) {
        true => counted.max(profile.out_of_range),
        false => counted,
    }
}

/// NULL in place of the value; no choice for a column of the primary key, and no suggestion for one of another key.
fn null_remedy(spot: &Spot<'_, '_>, loses_nothing: bool) -> Vec<Remedy> {
    let remedy = Remedy {
        choice: "null",
        meaning: "such values become NULL, counted",
        rule: ValueRule::InvalidToNull,
        suggested: loses_nothing && (spot.column.nullable || !spot.is_in_unique_key()),
    };
    match spot.is_in_primary_key() {
        true => Vec::new(),
        false => vec![remedy],
    }
}

fn date_remedies(spot: &Spot<'_, '_>) -> Vec<Remedy> {
    let mut remedies = null_remedy(spot, true);
    remedies.push(Remedy {
        choice: OWN_VALUE,
        meaning: "such values become the one you give, as in `fixed=1970-01-01`, counted",
        rule: ValueRule::InvalidTo { value: String::new() },
        suggested: false,
    });
    if holds_infinity(spot) {
        remedies.push(Remedy {
            choice: "infinity",
            meaning: "such values become `-infinity`, before every other date, counted",
            rule: ValueRule::InvalidTo {
                value: "-infinity".to_owned(),
            },
            suggested: false,
        });
    }
    remedies
}

/// Tells whether the target's type has a date before all others.
fn holds_infinity(spot: &Spot<'_, '_>) -> bool {
    let logical = spot.mapped().to;
    let dialect = spot.scope.target.dialect;
    let native = dialect.native(&logical, &ColumnUse::default());
    let infinite = ColumnProfile {
        min: Some("-infinity".to_owned()),
        max: Some("infinity".to_owned()),
        ..ColumnProfile::default()
    };
    is_date(&logical) && dialect.misfit(&native.to, &logical, &infinite).is_none()
}

fn nul_remedies(spot: &Spot<'_, '_>) -> Vec<Remedy> {
    let replace = Remedy {
        choice: "replace",
        meaning: "U+0000 becomes U+2400, its visible sign, counted",
        rule: ValueRule::ReplaceNul,
        suggested: !spot.is_in_unique_key(),
    };
    let strip = Remedy {
        choice: "strip",
        meaning: "U+0000 is left out, counted",
        rule: ValueRule::StripNul,
        suggested: false,
    };
    vec![replace, strip]
}

/// A rule that the target's dialect offers.
fn offered(spot: &Spot<'_, '_>, rule: ValueRule) -> Option<Remedy> {
    let (choice, meaning) = match &rule {
        ValueRule::InvalidToNull | ValueRule::NotFiniteToNull | ValueRule::OutsideToNull { .. } => {
            ("null", "such values become NULL, counted")
        }
        ValueRule::InvalidTo { value } if value.ends_with("infinity") => {
            ("infinity", "such values become infinite, counted")
        }
        ValueRule::InvalidTo { .. } => (OWN_VALUE, "such values become the one you give, counted"),
        ValueRule::StripNul => ("strip", "U+0000 is left out, counted"),
        ValueRule::ReplaceNul => ("replace", "U+0000 becomes U+2400, its visible sign, counted"),
    };
    let makes_null = choice == "null";
    let remedy = Remedy {
        choice,
        meaning,
        rule,
        suggested: !spot.is_in_unique_key(),
    };
    (!makes_null || !spot.is_in_primary_key()).then_some(remedy)
}

/// Tells whether the rule makes NULL of values.
pub(crate) fn makes_null(rule: &ValueRule) -> bool {
    match rule {
        ValueRule::InvalidToNull | ValueRule::NotFiniteToNull | ValueRule::OutsideToNull { .. } => true,
        ValueRule::InvalidTo { .. } | ValueRule::StripNul | ValueRule::ReplaceNul => false,
    }
}

/// Spells a value of the person's own as the form has it; none when it is no value of the form.
pub(crate) fn spelled(logical: &LogicalType, value: &str) -> Option<String> {
    if logical == &LogicalType::Date {
        return parse_date(value).map(format_date);
    }
    let LogicalType::Timestamp { zoned } = logical else {
        return Some(value.to_owned());
    };
    let zone = if *zoned { "+00:00" } else { "" };
    let spellings = [
        value.to_owned(),
        format!("{value}{zone}"),
        format!("{value} 00:00:00{zone}"),
    ];
    let parsed = spellings
        .iter()
        .find_map(|spelling| parse_timestamp(spelling, *zoned));
    parsed.map(|micros| format_timestamp(micros, *zoned))
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

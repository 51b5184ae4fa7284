//! What results look like as text. Pure functions; printing is `ui.rs`.

mod demo;
mod detection;
mod inventory;
mod outcome;
mod plan;
mod preview;
mod progress;
mod verification;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

pub(crate) use demo::{legacy, where_to_look};
pub(crate) use detection::detection;
pub(crate) use inventory::inventory;
pub(crate) use outcome::{
    cleaned_up, going_on, log_verdict, paused, rolled_back, run_outcome, status, statuses,
};
pub(crate) use plan::{deeper, findings, headline, plan_and_next, plan_summary, question, settled};
pub(crate) use preview::preview;
pub(crate) use progress::{in_work, outlook, rows_of_phase};
pub(crate) use verification::{differences, verification};
pub(crate) use whimbrel_app::report::{count, duration, size};

/// Returns an empty table without borders; the columns of the given numbers are for figures.
fn table(headings: &[&str], figures: &[usize]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(headings);
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if figures.contains(&at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Returns the table's lines without spaces at their ends.
fn lines(table: &Table) -> String {
    table.trim_fmt()
}

/// Returns the noun with its number: `1 table`, `24 tables`, `2 policies`.
fn counted(number: usize, noun: &str) -> String {
    let number_text = count(number as u64);
    match noun.strip_suffix('y') {
        _ if number == 1 => format!("{number_text} {noun}"),
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{number_text} {stem}ies"),
        Some(_) | None => format!("{number_text} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_noun_follows_its_number() {
        assert_eq!(counted(1, "policy"), "1 policy");
        assert_eq!(counted(2, "policy"), "2 policies");
        assert_eq!(counted(1234, "unique key"), "1,234 unique keys");
        assert_eq!(counted(0, "table"), "0 tables");
    }
}

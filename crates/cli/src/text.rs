//! What results look like as text. Pure functions; printing is `ui.rs`.

mod demo;
mod inventory;
mod outcome;
mod plan;
mod verification;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

pub(crate) use demo::{legacy, where_to_look};
pub(crate) use inventory::inventory;
pub(crate) use outcome::{cleaned_up, log_verdict, rolled_back, run_outcome, status, statuses};
pub(crate) use plan::{deeper, findings, headline, plan_and_next, plan_summary, question, settled};
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

/// Returns the noun with its number: `1 table`, `24 tables`.
fn counted(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number as u64))
}

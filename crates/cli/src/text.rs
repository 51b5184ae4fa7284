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

/// Letters of a line, on a terminal that tells nothing else.
const WIDTH: usize = 80;

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

/// Returns `1 row` or `5,200,000 rows`.
fn counted_rows(rows: u64) -> String {
    counted(usize::try_from(rows).unwrap_or(usize::MAX), "row")
}

/// Breaks a text into lines that begin alike.
fn wrapped(begin: &str, text: &str) -> String {
    let mut lines = String::new();
    let mut line = begin.to_owned();
    let mut is_empty = true;
    for word in text.split(' ') {
        if !is_empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push_str(line.trim_end());
            lines.push('\n');
            line = " ".repeat(begin.chars().count());
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    lines.push_str(line.trim_end());
    lines.push('\n');
    lines
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

    #[test]
    fn no_line_is_longer_than_the_terminal_and_no_word_is_lost() {
        let text = "one two three four five six seven eight nine ten ".repeat(6);
        let lines = wrapped("  ! ", text.trim());
        assert!(
            lines
                .lines()
                .all(|line| line.chars().count() <= WIDTH && line.len() > 4)
        );
        assert_eq!(lines.replace('!', "").split_whitespace().count(), 60);
    }
}

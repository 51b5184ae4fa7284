//! Some rows before and after a mapping.

use whimbrel_app::Preview;

use super::{lines, table};

/// Returns the rows of each source table: what they are, and below what they become.
pub(crate) fn preview(previews: &[Preview]) -> String {
    let mut text = String::new();
    for one in previews {
        let before = one.rows.iter().map(|row| shown(&row.before)).collect();
        text.push_str(&format!(
            "{}, before\n{}\n",
            one.source,
            grid(&one.before_columns, before)
        ));
        let after = one.rows.iter().map(|row| match (&row.after, &row.refused) {
            (Some(after), _) => shown(after),
            (None, Some(why)) => said(one.after_columns.len(), why),
            (None, None) => said(one.after_columns.len(), "(stays behind)"),
        });
        text.push_str(&format!("after\n{}\n", grid(&one.after_columns, after.collect())));
    }
    text
}

fn grid(columns: &[String], rows: Vec<Vec<String>>) -> String {
    let headings: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut made = table(&headings, &[]);
    made.add_rows(rows);
    lines(&made)
}

fn shown(row: &[Option<String>]) -> Vec<String> {
    let value = |value: &Option<String>| {
        value
            .as_deref()
            .map_or_else(|| "NULL".to_owned(), whimbrel_core::shorten)
    };
    row.iter().map(value).collect()
}

/// A row that has no values, with the reason in its first column.
fn said(columns: usize, why: &str) -> Vec<String> {
    let mut row = vec![String::new(); columns.max(1)];
    why.clone_into(&mut row[0]);
    row
}

//! Some rows before and after a mapping, folded to the width of the terminal.

use console::measure_text_width;
use whimbrel_app::Preview;

use super::{WIDTH, lines, table};

/// Blanks between two columns.
const GAP: usize = 2;

/// Returns the rows of each source table: what they are, and below what they become.
pub(crate) fn preview(previews: &[Preview]) -> String {
    let size = console::Term::stdout().size_checked();
    let width = size.map_or(WIDTH, |(_, columns)| usize::from(columns));
    folded(previews, width)
}

fn folded(previews: &[Preview], width: usize) -> String {
    let mut text = String::new();
    for one in previews {
        let before = one.rows.iter().map(|row| shown(&row.before)).collect();
        text.push_str(&format!(
            "{}, before\n{}\n",
            one.source,
            grid(&one.before_columns, before, width)
        ));
        let mut after = Vec::new();
        let mut absent = String::new();
        for (at, row) in one.rows.iter().enumerate() {
            match (&row.after, &row.refused) {
                (Some(values), _) => after.push(shown(values)),
                (None, Some(why)) => absent.push_str(&format!("row {} is rejected: {why}\n", at + 1)),
                (None, None) => absent.push_str(&format!("row {} stays behind\n", at + 1)),
            }
        }
        text.push_str(&format!(
            "{}, after\n{}\n{absent}\n",
            one.target,
            grid(&one.after_columns, after, width)
        ));
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// A grid as wide as is allowed; further columns stand in grids below it, each beginning with the first column.
fn grid(columns: &[String], rows: Vec<Vec<String>>, width: usize) -> String {
    let wide = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.get(at));
        let widest = cells
            .chain(columns.get(at))
            .map(|text| measure_text_width(text))
            .max();
        widest.unwrap_or(0) + GAP
    };
    let mut blocks: Vec<Vec<usize>> = vec![Vec::new()];
    let mut taken = 0;
    for at in 0..columns.len() {
        if taken + wide(at) > width + GAP && blocks.last().is_some_and(|block| block.len() > 1) {
            blocks.push(vec![0]);
            taken = wide(0);
        }
        taken += wide(at);
        if let Some(block) = blocks.last_mut() {
            block.push(at);
        }
    }
    let block = |places: &Vec<usize>| {
        let headings: Vec<&str> = places.iter().map(|at| columns[*at].as_str()).collect();
        let mut made = table(&headings, &[]);
        made.add_rows(rows.iter().map(|row| {
            let cells = places.iter().map(|at| row.get(*at).cloned().unwrap_or_default());
            cells.collect::<Vec<String>>()
        }));
        lines(&made)
    };
    blocks.iter().map(block).collect::<Vec<_>>().join("\n\n")
}

fn shown(row: &[Option<String>]) -> Vec<String> {
    let value = |value: &Option<String>| {
        value
            .as_deref()
            .map_or_else(|| "NULL".to_owned(), whimbrel_core::shorten)
    };
    row.iter().map(value).collect()
}

#[cfg(test)]
mod tests {
    use whimbrel_app::PreviewRow;

    use super::*;

    #[test]
    fn columns_that_do_not_fit_stand_below_with_the_first_one_before_them() {
        let names = |prefix: &str| {
            (0..9)
                .map(|at| format!("{prefix}_column_{at}"))
                .collect::<Vec<_>>()
        };
        let values = |text: &str| vec![Some(text.to_owned()); 9];
        let row = |after: Option<Vec<Option<String>>>, refused: Option<&str>| PreviewRow {
            before: values("één"),
            after,
            refused: refused.map(str::to_owned),
        };
        let text = folded(
            &[Preview {
                source: "crm.orders".to_owned(),
                target: "main.orders".to_owned(),
                before_columns: names("old"),
                after_columns: names("new"),
                rows: vec![
                    row(Some(values("x")), None),
                    row(None, None),
                    row(None, Some("`n`: division by zero")),
                ],
            }],
            80,
        );
        assert!(text.lines().all(|line| measure_text_width(line) <= 80), "{text}");
        assert!(
            (0..9).all(|at| text.contains(&format!("new_column_{at}"))),
            "{text}"
        );
        assert_eq!(text.matches("old_column_0").count(), 2, "{text}");
        assert!(
            text.contains("row 2 stays behind\nrow 3 is rejected: `n`: division by zero\n"),
            "{text}"
        );
        assert!(text.contains("main.orders, after"), "{text}");
    }
}

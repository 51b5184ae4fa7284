//! What the quality of the values looks like on a terminal of 80 columns: per table what stands out, then two lines for each column.

use std::fmt::Write as _;

use whimbrel_app::{ColumnDetail, ColumnQuality, Inventory, TableDetail, TableInventory, UsageNote};
use whimbrel_core::{TableUsage, shorten};

use crate::text::{count, counted, counted_rows, wrapped};

/// Letters of a column's name and of its type.
const NAME: usize = 20;
const TYPE: usize = 17;
/// Letters of the smallest and of the largest value.
const VALUE: usize = 24;
/// Patterns and shapes of a column.
const TOLD: usize = 3;

/// Returns the part about quality.
pub(super) fn quality(inventory: &Inventory) -> String {
    let mut text =
        "\nquality   exact, but for numbers of different values marked ~ (standard error 1.15 %)\n"
            .to_owned();
    let usage = match &inventory.usage {
        None => String::new(),
        Some(UsageNote::NotKnown { why }) => format!("usage     not known: {why}\n"),
        Some(UsageNote::Counted { place, since }) => {
            let since = since
                .as_deref()
                .map_or_else(String::new, |since| format!(", since {since}"));
            format!("usage     from {place}{since}\n")
        }
    };
    text.push_str(&usage);
    for table in &inventory.tables {
        if let Some(detail) = &table.detail {
            text.push_str(&of_table(table, detail));
        }
    }
    text
}

fn of_table(table: &TableInventory, detail: &TableDetail) -> String {
    let mut text = format!("\n{}", table.table);
    match table.rows {
        Some(rows) => text.push_str(&format!("  {}{}\n", counted_rows(rows), spread(table))),
        None => text.push_str("  not read\n"),
    }
    for remark in &detail.remarks {
        let column = remark
            .column
            .as_deref()
            .map_or_else(String::new, |column| format!("{column} "));
        text.push_str(&wrapped("  ! ", &format!("{column}{}", remark.message)));
    }
    if let Some(growth) = &detail.growth {
        let (first, last) = (growth.months.first(), growth.months.last());
        let most = growth.months.iter().max_by_key(|month| month.rows);
        if let (Some(first), Some(last), Some(most)) = (first, last, most) {
            let rows: u64 = growth.months.iter().map(|month| month.rows).sum();
            let line = format!(
                "growth by {}: {} a month from {} to {}, most {} in {}",
                growth.column,
                match rows / growth.months.len().max(1) as u64 {
                    0 => "less than 1 row".to_owned(),
                    mean => counted_rows(mean),
                },
                first.month,
                last.month,
                count(most.rows),
                most.month
            );
            text.push_str(&wrapped("  ", &line));
        }
    }
    if let Some(usage) = &detail.usage {
        text.push_str(&wrapped("  ", &format!("usage: {}", of_usage(usage))));
    }
    for column in &detail.columns {
        text.push_str(&of_column(column));
    }
    text
}

/// Where the rows of a partitioned table are.
fn spread(table: &TableInventory) -> String {
    table.partitions.map_or_else(String::new, |partitions| {
        format!(" in {}", counted(partitions, "partition"))
    })
}

fn of_usage(usage: &TableUsage) -> String {
    let figures = [
        ("read whole", usage.full_scans),
        ("by index", usage.index_scans),
        ("rows read", usage.rows_read),
        ("inserted", usage.rows_inserted),
        ("updated", usage.rows_updated),
        ("deleted", usage.rows_deleted),
        ("changed", usage.rows_changed),
    ];
    let told: Vec<String> = figures
        .into_iter()
        .filter_map(|(what, number)| Some(format!("{what} {}", count(number?))))
        .collect();
    told.join(", ")
}

fn of_column(column: &ColumnDetail) -> String {
    let mark = match (column.primary, column.refers_to.is_some(), column.unique) {
        (true, _, _) => "PK",
        (false, true, _) => "FK",
        (false, false, true) => "UQ",
        (false, false, false) => "",
    };
    let mut line = format!(
        "  {:<NAME$} {mark:<2} {:<TYPE$}",
        cut(&column.name, NAME),
        cut(&column.native, TYPE)
    );
    let Some(quality) = &column.quality else {
        return format!("{}\n", line.trim_end());
    };
    let rows = quality.values + quality.nulls + quality.misfits;
    if rows == 0 {
        return format!("{}\n", line.trim_end());
    }
    let about = if quality.distinct.exact { "" } else { "~" };
    let different = format!("{about}{}", count(quality.distinct.count));
    let _infallible = write!(
        line,
        " {:>7} null {different:>13} different",
        percent(quality.nulls, rows)
    );
    line.push('\n');
    let said = said_of(column, quality);
    if !said.is_empty() {
        line.push_str(&wrapped("      ", &said.join("; ")));
    }
    line
}

/// What there is to say of a column's values, shortest first.
fn said_of(column: &ColumnDetail, quality: &ColumnQuality) -> Vec<String> {
    let mut said = Vec::new();
    if quality.misfits > 0 {
        said.push(format!("{} of another kind", count(quality.misfits)));
    }
    if column.withheld {
        said.push("range withheld".to_owned());
    } else if let (Some(min), Some(max)) = (&quality.min, &quality.max) {
        let (min, max) = (cut(&shorten(min), VALUE), cut(&shorten(max), VALUE));
        said.push(if min == max {
            min
        } else {
            format!("{min} .. {max}")
        });
    }
    if let Some(lengths) = &quality.lengths {
        let unit = match lengths.unit {
            whimbrel_app::LengthUnit::Characters => "character",
            whimbrel_app::LengthUnit::Bytes => "byte",
        };
        said.push(if lengths.min == lengths.max {
            counted(usize::try_from(lengths.min).unwrap_or(usize::MAX), unit)
        } else {
            format!(
                "{}-{} {unit}s, {:.1} on average",
                count(lengths.min),
                count(lengths.max),
                lengths.mean
            )
        });
    }
    let patterns = quality.patterns.iter().take(TOLD).map(|found| {
        format!(
            "{} {}",
            found.pattern.replace('_', " "),
            percent(found.count, quality.values)
        )
    });
    said.extend(patterns);
    let shapes = quality
        .shapes
        .iter()
        .take(TOLD)
        .map(|found| shorten(&found.shape));
    let shapes: Vec<String> = shapes.filter(|shape| shape.len() > 1).collect();
    if !shapes.is_empty() {
        said.push(format!("like {}", shapes.join("  ")));
    }
    said
}

fn cut(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.to_owned();
    }
    let mut shown: String = text.chars().take(letters - 1).collect();
    shown.push('…');
    shown
}

/// A share that is 0 or 100 only when it is exactly that.
fn percent(part: u64, whole: u64) -> String {
    let share = part as f64 * 100.0 / whole.max(1) as f64;
    match share {
        _ if part == 0 => "0 %".to_owned(),
        _ if part == whole => "100 %".to_owned(),
        ..0.1 => "<0.1 %".to_owned(),
        ..10.0 => format!("{share:.1} %"),
        99.5.. => ">99 %".to_owned(),
        _ => format!("{share:.0} %"),
    }
}

//! Growth: how many rows came in which month, by the column that says when a row was made.

use serde::Serialize;
use whimbrel_core::{Civil, DAY_MICROS, LogicalType, Table, civil_from_days};

const FIRST_YEAR: i64 = 1900;
const YEARS: i64 = 300;
/// Names of columns that say when a row was made, the surest first; a longer name may end in one of them.
const NAMES: [&str; 17] = [
    "created_at",
    "createdat",
    "created_on",
    "created",
    "creation_date",
    "creation_time",
    "date_created",
    "create_time",
    "create_date",
    "inserted_at",
    "inserted",
    "registered_at",
    "recorded_at",
    "occurred_at",
    "placed_at",
    "logged_at",
    "date_added",
];

/// Rows per month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Growth {
    /// The column that says when a row was made.
    pub column: String,
    /// Rows per month, from the first to the last; months between them without a row are there too.
    pub months: Vec<MonthCount>,
    /// Rows without a date, or with one before 1900 or after 2199.
    pub undated: u64,
}

/// The rows of a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MonthCount {
    /// `YYYY-MM`.
    pub month: String,
    /// How many rows.
    pub rows: u64,
}

/// Returns the column of the table that says when a row was made, by its name.
pub fn creation_column(table: &Table, logical: impl Fn(&str) -> Option<LogicalType>) -> Option<String> {
    let is_dated = |name: &str| {
        matches!(
            logical(name),
            Some(LogicalType::Date | LogicalType::Timestamp { .. } | LogicalType::Text { .. })
        )
    };
    let rank = |name: &str| {
        let name = name.to_lowercase();
        let whole = NAMES.iter().position(|known| name == *known);
        whole.or_else(|| {
            let ends = NAMES
                .iter()
                .position(|known| name.ends_with(&format!("_{known}")));
            ends.map(|at| at + NAMES.len())
        })
    };
    let ranked = table.columns.iter().filter_map(|column| {
        let rank = rank(&column.name)?;
        is_dated(&column.name).then_some((rank, &column.name))
    });
    ranked.min().map(|(_, name)| name.clone())
}

/// Counts rows by month.
#[derive(Debug, Clone)]
pub(crate) struct Months {
    counts: Vec<u64>,
    undated: u64,
}

impl Months {
    pub(crate) fn new() -> Self {
        Self {
            counts: vec![0; usize::try_from(YEARS * 12).unwrap_or(0)],
            undated: 0,
        }
    }

    pub(crate) fn add_days(&mut self, days: i64) {
        let Civil { year, month, .. } = civil_from_days(days);
        self.add(year, month);
    }

    pub(crate) fn add_micros(&mut self, micros: i64) {
        self.add_days(micros.div_euclid(DAY_MICROS));
    }

    /// Takes in a text that begins as an ISO date does.
    pub(crate) fn add_text(&mut self, text: &str) {
        let number = |at: std::ops::Range<usize>| text.get(at).and_then(|digits| digits.parse::<u16>().ok());
        let bytes = text.as_bytes();
        let is_date = bytes.get(4) == Some(&b'-') && matches!(bytes.get(7), None | Some(b'-'));
        match (is_date, number(0..4), number(5..7)) {
            (true, Some(year), Some(month @ 1..=12)) => {
                self.add(i64::from(year), u8::try_from(month).unwrap_or(1));
            }
            _ => self.undated += 1,
        }
    }

    pub(crate) fn add_undated(&mut self, rows: u64) {
        self.undated += rows;
    }

    /// Takes in all rows that another one has counted.
    pub(crate) fn absorb(&mut self, other: &Self) {
        for (count, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *count += theirs;
        }
        self.undated += other.undated;
    }

    fn add(&mut self, year: i64, month: u8) {
        let at = usize::try_from((year - FIRST_YEAR) * 12 + i64::from(month) - 1);
        match at.ok().and_then(|at| self.counts.get_mut(at)) {
            Some(count) => *count += 1,
            None => self.undated += 1,
        }
    }

    /// Returns the growth; none when no row has a date.
    pub(crate) fn finish(&self, column: &str) -> Option<Growth> {
        let first = self.counts.iter().position(|count| *count > 0)?;
        let last = self.counts.iter().rposition(|count| *count > 0)?;
        let months = (first..=last).zip(self.counts.get(first..=last)?);
        Some(Growth {
            column: column.to_owned(),
            months: months
                .map(|(at, rows)| MonthCount {
                    month: format!("{:04}-{:02}", 1900 + at / 12, at % 12 + 1),
                    rows: *rows,
                })
                .collect(),
            undated: self.undated,
        })
    }
}

#[cfg(test)]
mod tests {
    use whimbrel_core::{Column, TableId};

    use super::*;

    #[test]
    fn months_between_are_counted_as_empty_and_nothing_is_lost() {
        let mut months = Months::new();
        months.add_text("2023-11-30T10:00:00");
        months.add_text("2024-01");
        months.add_text("2024-01-31");
        months.add_text("tomorrow");
        months.add_text("2024-13-01");
        months.add_days(-800_000);
        months.add_micros(1_706_745_599_999_999);
        let growth = months.finish("made").unwrap();
        let counts: Vec<(&str, u64)> = growth
            .months
            .iter()
            .map(|month| (month.month.as_str(), month.rows))
            .collect();
        assert_eq!(counts, [("2023-11", 1), ("2023-12", 0), ("2024-01", 3)]);
        assert_eq!(growth.undated, 3);
        assert_eq!(Months::new().finish("made"), None);
    }

    #[test]
    fn the_creation_column_is_the_one_with_the_surest_name_and_a_date() {
        let mut table = Table::empty(TableId::bare("orders"));
        for name in ["id", "updated_at", "order_created_at", "created_on", "created_at"] {
            table.columns.push(Column::new(name, ""));
        }
        let all = |_: &str| Some(LogicalType::Date);
        let but = |name: &str| (name != "created_at").then_some(LogicalType::Date);
        assert_eq!(creation_column(&table, all).as_deref(), Some("created_at"));
        assert_eq!(creation_column(&table, but).as_deref(), Some("created_on"));
        let number = |_: &str| Some(LogicalType::Integer { bits: 64 });
        assert_eq!(creation_column(&table, number), None);
    }
}

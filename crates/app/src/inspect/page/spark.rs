//! The growth of a table as a row of small columns, one per month or, over many years, per quarter or year.

use maud::{Markup, html};
use whimbrel_quality::Growth;

use super::shown::Shown;
use crate::report::{count, counted};

const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 48.0;
/// More columns would be thinner than a pixel on a telephone.
const COLUMNS_MAX: usize = 72;

/// Draws the growth.
pub(super) fn growth(growth: &Growth, id: &str) -> Markup {
    let (group, word) = match growth.months.len() {
        0..=COLUMNS_MAX => (1, "month"),
        73..=216 => (3, "quarter"),
        _ => (12, "year"),
    };
    let sums: Vec<(&str, u64)> = growth
        .months
        .chunks(group)
        .map(|months| {
            let first = months.first().map_or("", |month| month.month.as_str());
            (first, months.iter().map(|month| month.rows).sum())
        })
        .collect();
    let most = sums.iter().map(|(_, rows)| *rows).max().unwrap_or(0).max(1);
    let dated: u64 = sums.iter().map(|(_, rows)| *rows).sum();
    let step = WIDTH / sums.len().max(1) as f64;
    let first = growth.months.first().map_or("", |month| month.month.as_str());
    let last = growth.months.last().map_or("", |month| month.month.as_str());
    let mean = dated as f64 / growth.months.len().max(1) as f64;
    html! {
        figure.growth {
            figcaption {
                "Growth by " code { (Shown(&growth.column)) } ": "
                @if mean < 1.0 { "less than 1 row" } @else { "about " (counted(whole(mean), "row")) }
                " a month, at most "
                (count(most)) " in one " (word)
                @if growth.undated > 0 { "; " (counted(growth.undated, "row")) " without a date" }
            }
            svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" preserveAspectRatio="none" aria-labelledby={ (id) "-growth" } {
                title id={ (id) "-growth" } {
                    "Rows per " (word) " from " (first) " to " (last) ", at most " (count(most))
                }
                @for (at, (when, rows)) in sums.iter().enumerate() {
                    @let height = *rows as f64 / most as f64 * (HEIGHT - 1.0);
                    @let x = at as f64 * step;
                    rect x=(format!("{x:.2}")) y=(format!("{:.2}", HEIGHT - height)) width=(format!("{:.2}", (step * 0.82).max(0.6))) height=(format!("{height:.2}")) {
                        title { (when) ": " (count(*rows)) }
                    }
                }
            }
            p.axis { span { (first) } span { (last) } }
        }
    }
}

fn whole(number: f64) -> u64 {
    format!("{number:.0}").parse().unwrap_or(0)
}

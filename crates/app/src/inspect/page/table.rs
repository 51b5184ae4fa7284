//! One table: its columns with what their values are like, its keys and references, how it grows and how it is used.

use maud::{Markup, html};
use whimbrel_core::TableUsage;
use whimbrel_quality::{ColumnQuality, Unit};

use super::super::{ColumnDetail, Inventory, TableDetail, TableInventory};
use super::overview::class;
use super::shown::{Shown, Wrapped, anchor, bar, percent};
use super::spark;
use super::tables::badges;
use crate::report::{count, counted, size};

/// With so many tables all of them are open.
const OPEN_MAX: usize = 8;
/// Patterns and shapes that are shown of a column.
const CHIPS: usize = 3;

/// Returns the part about the table.
pub(super) fn table(inventory: &Inventory, at: usize, table: &TableInventory) -> Markup {
    html! {
        details.table id=(anchor(at)) open[inventory.tables.len() <= OPEN_MAX] {
            summary {
                h3 { (Wrapped(&table.table)) }
                span.small {
                    @match table.rows { Some(rows) => (counted(rows, "row")), None => "not read" }
                    ", " (size(table.size_bytes)) ", " (counted(table.columns as u64, "column"))
                }
                " " (badges(table))
            }
            @if let Some(why) = &table.unmovable { p.small { "It cannot be moved: " (Shown(why)) "." } }
            @if let Some(detail) = &table.detail {
                (stands_out(detail))
                (columns(detail, table.rows.unwrap_or(0)))
                (keys(inventory, detail))
                @if let Some(growth) = &detail.growth { (spark::growth(growth, &anchor(at))) }
                (usage(inventory, detail.usage.as_ref()))
            }
        }
    }
}

fn stands_out(detail: &TableDetail) -> Markup {
    html! {
        @if !detail.remarks.is_empty() {
            ul.remarks {
                @for remark in &detail.remarks {
                    li class=(class(remark.weight)) {
                        @if let Some(column) = &remark.column { code { (Shown(column)) } " " }
                        (Shown(&remark.message))
                    }
                }
            }
        }
    }
}

fn columns(detail: &TableDetail, rows: u64) -> Markup {
    let is_read = |column: &ColumnDetail| match &column.quality {
        Some(quality) => quality.values + quality.nulls + quality.misfits > 0,
        None => false,
    };
    let has_values = detail.columns.iter().any(is_read);
    html! {
        div.scroll {
            table.columns {
                thead {
                    tr {
                        th scope="col" { "Column" }
                        th scope="col" { "Type" }
                        @if has_values {
                            th scope="col" { "NULL" }
                            th scope="col" { "Different" }
                            th scope="col" { "Smallest … largest" }
                            th scope="col" { "Length" }
                            th scope="col" { "Patterns" }
                        }
                    }
                }
                tbody {
                    @for column in &detail.columns {
                        tr {
                            th scope="row" { (name(column)) }
                            td.type data-label="type" {
                                code { @if column.native.is_empty() { "none" } @else { (Shown(&column.native)) } }
                                @if !column.nullable { " " span.small { "not null" } }
                            }
                            @if has_values {
                                @match &column.quality {
                                    Some(quality) => (values(column, quality, rows)),
                                    None => { td colspan="5" { "not read" } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn name(column: &ColumnDetail) -> Markup {
    html! {
        (Wrapped(&column.name))
        @if column.primary { " " span.key title="part of the primary key" { "PK" } }
        @else if column.unique { " " span.key title="unique" { "UQ" } }
        @if let Some(table) = &column.refers_to { " " span.key title={ "refers to " (Shown(table)) } { "FK" } }
    }
}

fn values(column: &ColumnDetail, quality: &ColumnQuality, rows: u64) -> Markup {
    let all = quality.values + quality.nulls + quality.misfits;
    html! {
        td.nulls data-label="NULL" { (bar(quality.nulls, all, "null")) span.number { (percent(quality.nulls, all)) } }
        td.number data-label="different" {
            @if !quality.distinct.exact { "≈ " }
            (count(quality.distinct.count))
            @if rows > 0 && quality.distinct.exact && quality.distinct.count == rows { " " span.small { "all" } }
        }
        td.range data-label="range" {
            @if column.withheld { span.small { "withheld" } }
            @else if let (Some(min), Some(max)) = (&quality.min, &quality.max) {
                (value(min))
                @if min != max { " … " (value(max)) }
            }
        }
        td data-label="length" {
            @if let Some(lengths) = &quality.lengths {
                (count(lengths.min))
                @if lengths.min != lengths.max { "–" (count(lengths.max)) span.small { " ⌀ " (format!("{:.1}", lengths.mean)) } }
                @if lengths.unit == Unit::Bytes { span.small { " bytes" } }
            }
        }
        td data-label="patterns" {
            @if quality.misfits > 0 { span.badge.broken { (count(quality.misfits)) " of another kind" } " " }
            @for found in quality.patterns.iter().take(CHIPS) {
                span.chip { (found.pattern.replace('_', " ")) " " (percent(found.count, quality.values)) } " "
            }
            @for found in quality.shapes.iter().take(CHIPS).filter(|_| is_telling(quality)) {
                code.shape title={ (count(found.count)) " texts have this shape" } { (Shown(&found.shape)) } " "
            }
        }
    }
}

/// A value, or what nobody would see of it.
fn value(text: &str) -> Markup {
    html! {
        @if text.is_empty() { span.small { "empty" } }
        @else if text.chars().all(|letter| letter == ' ') { span.small { "blank" } }
        @else { bdi { (Shown(text)) } }
    }
}

/// Shapes of which no three tell about most texts say nothing about the column.
fn is_telling(quality: &ColumnQuality) -> bool {
    let told: u64 = quality.shapes.iter().take(CHIPS).map(|shape| shape.count).sum();
    told * 2 >= quality.values
}

fn keys(inventory: &Inventory, detail: &TableDetail) -> Markup {
    let link = |name: &str| inventory.tables.iter().position(|table| table.table == name);
    html! {
        @if !detail.keys.is_empty() || !detail.references.is_empty() || !detail.suspected.is_empty() {
            ul.keys {
                @for key in &detail.keys {
                    li {
                        @if key.primary { "Primary key" } @else { "Unique" }
                        " " code { (Shown(&key.columns.join(", "))) }
                        @if key.duplicates > 0 {
                            " " strong.broken { (counted(key.duplicates, "value")) " more than once" }
                            (examples(&key.examples))
                        }
                    }
                }
                @for key in &detail.references {
                    li {
                        "Refers by " code { (Shown(&key.columns.join(", "))) } " to "
                        @match link(&key.table) {
                            Some(at) => { a href={ "#" (anchor(at)) } { (Shown(&key.table)) } }
                            None => (Shown(&key.table)),
                        }
                        " " code { (Shown(&key.referred.join(", "))) }
                        @match key.orphans {
                            None | Some(0) => {}
                            Some(orphans) => { " " strong.broken { (counted(orphans, "orphan")) } (examples(&key.examples)) }
                        }
                    }
                }
                @for key in &detail.suspected {
                    li {
                        "Seems to refer by " code { (Shown(&key.column)) } " to "
                        @match link(&key.table) {
                            Some(at) => { a href={ "#" (anchor(at)) } { (Shown(&key.table)) } }
                            None => (Shown(&key.table)),
                        }
                        " " code { (Shown(&key.referred)) } ", which no key declares"
                        @if key.orphans > 0 { " " strong.broken { (counted(key.orphans, "orphan")) } }
                    }
                }
            }
        }
    }
}

fn examples(examples: &[String]) -> Markup {
    html! {
        @if !examples.is_empty() {
            span.small {
                " such as "
                @for (at, example) in examples.iter().take(CHIPS).enumerate() {
                    @if at > 0 { "; " }
                    (Shown(example))
                }
            }
        }
    }
}

fn usage(inventory: &Inventory, usage: Option<&TableUsage>) -> Markup {
    let is_counted = matches!(inventory.usage, Some(super::super::UsageNote::Counted { .. }));
    let Some(usage) = usage else {
        return html! {
            @if is_counted { p.small { "Usage: nothing was counted for this table." } }
            @else { p.small { "Usage: not known." } }
        };
    };
    let figures = [
        ("read whole", usage.full_scans, "times"),
        ("by index", usage.index_scans, "times"),
        ("rows read", usage.rows_read, ""),
        ("inserted", usage.rows_inserted, ""),
        ("updated", usage.rows_updated, ""),
        ("deleted", usage.rows_deleted, ""),
        ("changed", usage.rows_changed, ""),
        ("blocks from disk", usage.blocks_read, ""),
        ("blocks from memory", usage.blocks_hit, ""),
    ];
    html! {
        dl.usage {
            @for (what, number, unit) in figures {
                @if let Some(number) = number { div { dt { (what) } dd { (count(number)) " " (unit) } } }
            }
        }
    }
}

//! The top of the page: what the database is, how much it holds, and what stands out in it.

use maud::{Markup, html};
use whimbrel_core::engine_told;

use super::super::{Inventory, Remark, TableInventory, UsageNote, Weight};
use super::shown::{Shown, Wrapped, anchor, bar};
use crate::report::{count, counted, size};

/// Tables in the chart of the largest.
const LARGEST: usize = 10;
/// Remarks of one weight that are shown before the rest is folded away.
const REMARKS_OPEN: usize = 30;

/// Returns the heading with the ways to the parts of the page.
pub(super) fn heading(inventory: &Inventory) -> Markup {
    html! {
        header {
            p.kind { "Database inventory" }
            h1 { (Shown(&inventory.database)) }
            p.place {
                (Shown(&engine_told(&inventory.engine, &inventory.version)))
                @if !inventory.encoding.is_empty() { ", " (Shown(&inventory.encoding)) }
                " · "
                code { (Shown(&inventory.url)) }
            }
            nav aria-label="Parts of this page" {
                a href="#overview" { "Overview" }
                a href="#remarks" { "What stands out" }
                a href="#diagram" { "Diagram" }
                a href="#tables" { "Tables" }
                a href="#columns-title" { "Columns" }
            }
        }
    }
}

/// Returns the figures and the largest tables.
pub(super) fn overview(inventory: &Inventory) -> Markup {
    let columns: usize = inventory.tables.iter().map(|table| table.columns).sum();
    let keys: usize = inventory.tables.iter().map(|table| table.foreign_keys).sum();
    let tiles = [
        ("tables", count(inventory.tables.len() as u64)),
        ("rows", count(inventory.rows)),
        ("of data", size(inventory.size_bytes)),
        ("columns", count(columns as u64)),
        ("foreign keys", count(keys as u64)),
    ];
    html! {
        section #overview aria-labelledby="overview-title" {
            h2 #overview-title { "Overview" }
            ul.tiles {
                @for (what, number) in tiles {
                    li { strong { (number) } " " span { (what) } }
                }
            }
            (largest(inventory))
            @if !inventory.objects.is_empty() {
                p.small {
                    "Objects: "
                    @for (at, object) in inventory.objects.iter().enumerate() {
                        @if at > 0 { ", " }
                        (Shown(&object.kind)) " " (count(object.count as u64))
                    }
                }
            }
            (usage(inventory))
        }
    }
}

fn usage(inventory: &Inventory) -> Markup {
    html! {
        @match &inventory.usage {
            None => {}
            Some(UsageNote::NotKnown { why }) => {
                p.small { "How the tables are used is not known: " (Shown(why)) "." }
            }
            Some(UsageNote::Counted { place, since }) => {
                p.small {
                    "How the tables are used comes from " code { (Shown(place)) }
                    @match since {
                        Some(since) => { ", counted since " (Shown(since)) "." }
                        None => { "; since when it counts is not known." }
                    }
                }
            }
        }
    }
}

fn largest(inventory: &Inventory) -> Markup {
    let mut tables: Vec<(usize, &TableInventory)> = inventory.tables.iter().enumerate().collect();
    // What is in a partition is in the whole.
    tables.retain(|(_, table)| table.size_bytes > 0 && table.partition_of.is_none());
    tables.sort_by_key(|(_, table)| std::cmp::Reverse(table.size_bytes));
    let most = tables.first().map_or(0, |(_, table)| table.size_bytes);
    let rest = tables.len().saturating_sub(LARGEST);
    html! {
        @if !tables.is_empty() {
            h3 { "The largest tables" }
            ol.largest {
                @for (at, table) in tables.iter().take(LARGEST) {
                    li {
                        a href={ "#" (anchor(*at)) } { (Wrapped(&table.table)) }
                        (bar(table.size_bytes, most, "size"))
                        span.number {
                            (size(table.size_bytes))
                            @if let Some(rows) = table.rows { ", " (counted(rows, "row")) }
                        }
                    }
                }
            }
            @if rest > 0 {
                p.small { "and " (counted(rest as u64, "smaller table")) }
            }
        }
    }
}

/// Returns what stands out: first what could hinder a move, then what the values say.
pub(super) fn remarks(inventory: &Inventory) -> Markup {
    let all = |weight: Weight| -> Vec<(usize, &TableInventory, &Remark)> {
        let tables = inventory.tables.iter().enumerate();
        let remarks = tables.flat_map(|(at, table)| {
            let detail = table.detail.iter();
            detail.flat_map(move |detail| detail.remarks.iter().map(move |remark| (at, table, remark)))
        });
        remarks.filter(|(_, _, remark)| remark.weight == weight).collect()
    };
    let groups = [
        (Weight::Broken, "Rules that the data breaks"),
        (Weight::Doubtful, "Probably not what was meant"),
        (Weight::Note, "Good to know"),
    ];
    let groups = groups.map(|(weight, title)| (weight, title, all(weight)));
    let is_calm = inventory.findings.is_empty() && groups.iter().all(|(_, _, remarks)| remarks.is_empty());
    html! {
        section #remarks aria-labelledby="remarks-title" {
            h2 #remarks-title { "What stands out" }
            @if is_calm { p { "Nothing: keys, references and values are in order." } }
            @if !inventory.findings.is_empty() {
                h3 { "The database " span.badge { (inventory.findings.len()) } }
                ul.remarks {
                    @for finding in &inventory.findings {
                        li {
                            strong { (finding.severity.to_string()) } " "
                            code { (Shown(&finding.subject.to_string())) } " "
                            (Shown(&finding.message))
                            @for fact in finding.evidence.iter().take(3) { br; span.small { (Shown(fact)) } }
                        }
                    }
                }
            }
            @for (weight, title, remarks) in &groups {
                @if !remarks.is_empty() {
                    h3 { (title) " " span class={ "badge " (class(*weight)) } { (remarks.len()) } }
                    ul.remarks { @for each in remarks.iter().take(REMARKS_OPEN) { (line(each)) } }
                    @if remarks.len() > REMARKS_OPEN {
                        details {
                            summary { (counted((remarks.len() - REMARKS_OPEN) as u64, "more remark")) }
                            ul.remarks { @for each in remarks.iter().skip(REMARKS_OPEN) { (line(each)) } }
                        }
                    }
                }
            }
        }
    }
}

fn line((at, table, remark): &(usize, &TableInventory, &Remark)) -> Markup {
    html! {
        li {
            a href={ "#" (anchor(*at)) } {
                (Shown(&table.table))
                @if let Some(column) = &remark.column { "." (Shown(column)) }
            }
            " " (Shown(&remark.message))
        }
    }
}

/// Returns the class by which a weight has its colour.
pub(super) fn class(weight: Weight) -> &'static str {
    match weight {
        Weight::Broken => "broken",
        Weight::Doubtful => "doubtful",
        Weight::Note => "note",
    }
}

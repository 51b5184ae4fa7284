//! The list of all tables. It is sorted by the style alone: each row carries its place in every order, and the choice above says which one
//! the style follows. A small script filters; without it the list is whole.

use maud::{Markup, html};

use super::super::{Inventory, TableInventory, Weight};
use super::overview::class;
use super::shown::{Shown, Wrapped, anchor, bar, percent};
use crate::report::{count, counted, size};

/// Returns the list.
pub(super) fn list(inventory: &Inventory) -> Markup {
    let tables = &inventory.tables;
    let by_rows = places(tables, |table| std::cmp::Reverse(table.rows.unwrap_or(0)));
    let by_size = places(tables, |table| std::cmp::Reverse(table.size_bytes));
    let by_remarks = places(tables, |table| std::cmp::Reverse(weighed(table)));
    let orders = [
        ("name", "name"),
        ("rows", "rows"),
        ("size", "size"),
        ("remarks", "what stands out"),
    ];
    html! {
        section #tables aria-labelledby="tables-title" {
            h2 #tables-title { "Tables " span.badge { (count(tables.len() as u64)) } }
            @if tables.is_empty() { p { "The database holds no table." } }
            @else {
                div.tools {
                    fieldset.sort {
                        legend { "Sort by" }
                        @for (order, label) in orders {
                            label {
                                input type="radio" name="sort" id={ "sort-" (order) } checked[order == "size"];
                                span { (label) }
                            }
                        }
                    }
                    label.filter hidden { "Filter " input #filter type="search" placeholder="part of a name"; }
                }
                div.list role="table" aria-label="Tables" {
                    div role="rowgroup" {
                        div.row.head role="row" {
                            @for heading in ["Table", "Rows", "Size", "Columns", "References", "NULLs", "Stands out"] {
                                span role="columnheader" { (heading) }
                            }
                        }
                    }
                    div.body role="rowgroup" {
                        @for (at, table) in tables.iter().enumerate() {
                            @let order = format!("--by-name:{at};--by-rows:{};--by-size:{};--by-remarks:{}", by_rows[at], by_size[at], by_remarks[at]);
                            (row(at, table, &order))
                        }
                    }
                }
            }
        }
    }
}

fn row(at: usize, table: &TableInventory, order: &str) -> Markup {
    let (nulls, cells) = nulls(table);
    html! {
        div.row role="row" style=(order) data-name=(Shown(&table.table.to_lowercase())) {
            span role="cell" { a href={ "#" (anchor(at)) } { (Wrapped(&table.table)) } (family(table)) }
            span.number role="cell" data-label="rows" {
                @match table.rows { Some(rows) => (count(rows)), None => "not read" }
            }
            span.number role="cell" data-label="size" { (size(table.size_bytes)) }
            span.number role="cell" data-label="columns" { (table.columns) }
            span.number role="cell" data-label="references" { (table.foreign_keys) }
            span role="cell" data-label="NULLs" {
                @if cells > 0 { (bar(nulls, cells, "null")) " " span.number { (percent(nulls, cells)) } }
            }
            span role="cell" data-label="stands out" { (badges(table)) }
        }
    }
}

/// Returns what the table is a part of, and what its rows are in.
fn family(table: &TableInventory) -> Markup {
    html! {
        @if let Some(partitions) = table.partitions {
            " " span.small { "in " (counted(partitions as u64, "partition")) }
        }
        @if let Some(whole) = &table.partition_of {
            " " span.small { "partition of " (Wrapped(whole)) }
        }
        @if let Some(rows) = table.inherited_rows {
            " " span.small { "and " (counted(rows, "inherited row")) }
        }
    }
}

/// Returns how many remarks a table has, one badge for each weight.
pub(super) fn badges(table: &TableInventory) -> Markup {
    let weights = [
        (Weight::Broken, "broken"),
        (Weight::Doubtful, "doubtful"),
        (Weight::Note, "to know"),
    ];
    html! {
        @for (weight, word) in weights {
            @let number = of_weight(table, weight);
            @if number > 0 { span class={ "badge " (class(weight)) } { (number) " " (word) } " " }
        }
    }
}

fn of_weight(table: &TableInventory, weight: Weight) -> usize {
    let remarks = table.detail.iter().flat_map(|detail| &detail.remarks);
    remarks.filter(|remark| remark.weight == weight).count()
}

fn weighed(table: &TableInventory) -> [usize; 3] {
    [Weight::Broken, Weight::Doubtful, Weight::Note].map(|weight| of_weight(table, weight))
}

/// How many NULLs there are among all values of the table.
fn nulls(table: &TableInventory) -> (u64, u64) {
    let columns = table.detail.iter().flat_map(|detail| &detail.columns);
    let qualities = columns.filter_map(|column| column.quality.as_ref());
    qualities.fold((0, 0), |(nulls, cells), quality| {
        (nulls + quality.nulls, cells + quality.nulls + quality.values)
    })
}

/// Returns the place of each table in an order.
fn places<K: Ord>(tables: &[TableInventory], key: impl Fn(&TableInventory) -> K) -> Vec<usize> {
    let mut order: Vec<usize> = (0..tables.len()).collect();
    order.sort_by_key(|at| key(&tables[*at]));
    let mut places = vec![0; tables.len()];
    for (place, at) in order.into_iter().enumerate() {
        places[at] = place;
    }
    places
}

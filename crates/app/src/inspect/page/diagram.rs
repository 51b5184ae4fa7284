//! The entity-relationship diagram as one drawing: a box per table, a line per foreign key. Where the boxes stand is `layout`'s.

use maud::{Markup, html};

use super::super::{ColumnDetail, Inventory, TableDetail, TableInventory};
use super::layout::{Layout, Size, place};
use super::shown::{Shown, anchor};
use crate::report::{count, counted};

const WIDTH: f64 = 208.0;
const HEAD: f64 = 26.0;
const LINE: f64 = 17.0;
const MARGIN: f64 = 16.0;
/// With more tables only the columns of keys are drawn.
const ALL_COLUMNS_MAX: usize = 30;
/// Lines of a box.
const LINES_MAX: usize = 14;
/// Letters of a line.
const LETTERS: usize = 24;
/// A table that so many refer to gets pale lines: they say less than the others, and would hide them.
const HUB: usize = 8;

/// A box: which columns it shows.
struct Entity<'a> {
    table: &'a TableInventory,
    lines: Vec<&'a ColumnDetail>,
    hidden: usize,
}

/// A line from the box that refers to the one it refers to.
struct Relation<'a> {
    from: usize,
    to: usize,
    column: &'a str,
    orphans: u64,
    is_suspected: bool,
}

/// Returns the diagram.
pub(super) fn diagram(inventory: &Inventory) -> Markup {
    let entities: Vec<Entity<'_>> = inventory
        .tables
        .iter()
        .map(|table| entity(inventory, table))
        .collect();
    let relations = relations(inventory);
    html! {
        section #diagram aria-labelledby="diagram-title" {
            h2 #diagram-title { "Diagram" }
            @if entities.is_empty() { p { "There is no table to draw." } }
            @else {
                fieldset.zoom {
                    legend { "Size" }
                    @for (zoom, label) in [("fit", "whole"), ("half", "half"), ("full", "full"), ("double", "double")] {
                        label { input type="radio" name="zoom" id={ "zoom-" (zoom) } checked[zoom == usual(entities.len())]; span { (label) } }
                    }
                }
                (drawing(&entities, &relations))
                p.small {
                    "A line leads from a foreign key to the table that it refers to; a dashed one has orphans. "
                    @if relations.iter().any(|each| each.is_suspected) { "A dotted one is only suspected: no key declares it. " }
                    @if entities.len() > ALL_COLUMNS_MAX { "Only the columns of keys are drawn. " }
                    "The lists below say the same in words."
                }
            }
        }
    }
}

fn usual(tables: usize) -> &'static str {
    if tables <= 8 { "fit" } else { "full" }
}

fn entity<'a>(inventory: &Inventory, table: &'a TableInventory) -> Entity<'a> {
    let all: Vec<&ColumnDetail> = table.detail.iter().flat_map(|detail| &detail.columns).collect();
    let is_key = |column: &ColumnDetail| {
        let detail = table.detail.as_ref();
        column.primary || detail.is_some_and(|detail| refers(detail, &column.name))
    };
    let draws_all = inventory.tables.len() <= ALL_COLUMNS_MAX;
    let (mut lines, others): (Vec<_>, Vec<_>) = all.iter().copied().partition(|column| is_key(column));
    if draws_all {
        lines.extend(others);
    }
    lines.truncate(LINES_MAX);
    Entity {
        table,
        hidden: all.len() - lines.len(),
        lines,
    }
}

fn refers(detail: &TableDetail, column: &str) -> bool {
    let mut references = detail.references.iter();
    references.any(|reference| reference.columns.iter().any(|name| name == column))
        || detail
            .suspected
            .iter()
            .any(|suspected| suspected.column == column)
}

fn relations(inventory: &Inventory) -> Vec<Relation<'_>> {
    let mut found = Vec::new();
    let place = |name: &String| inventory.tables.iter().position(|table| table.table == *name);
    for (from, table) in inventory.tables.iter().enumerate() {
        let Some(detail) = &table.detail else { continue };
        let declared = detail.references.iter().filter_map(|reference| {
            Some(Relation {
                from,
                to: place(&reference.table)?,
                column: reference.columns.first().map_or("", String::as_str),
                orphans: reference.orphans.unwrap_or(0),
                is_suspected: false,
            })
        });
        let suspected = detail.suspected.iter().filter_map(|reference| {
            Some(Relation {
                from,
                to: place(&reference.table)?,
                column: &reference.column,
                orphans: reference.orphans,
                is_suspected: true,
            })
        });
        found.extend(declared.chain(suspected));
    }
    found
}

fn drawing(entities: &[Entity<'_>], relations: &[Relation<'_>]) -> Markup {
    let sizes: Vec<Size> = entities.iter().map(size).collect();
    let edges: Vec<(usize, usize)> = relations.iter().map(|each| (each.from, each.to)).collect();
    let layout = place(&sizes, &edges);
    let (width, height) = (layout.width + 2.0 * MARGIN, layout.height + 2.0 * MARGIN);
    let mut referred = vec![0; entities.len()];
    for relation in relations {
        referred[relation.to] += 1;
    }
    html! {
        div.canvas tabindex="0" role="region" aria-label="Diagram, can be scrolled" {
            svg.er role="img" aria-labelledby="er-title er-desc" viewBox=(format!("{} {} {width:.0} {height:.0}", -MARGIN, -MARGIN))
                style=(format!("--width:{width:.0}px")) {
                title #er-title { "Entity-relationship diagram" }
                desc #er-desc { (counted(entities.len() as u64, "table")) " and " (counted(relations.iter().filter(|each| !each.is_suspected).count() as u64, "foreign key")) }
                @if let Some(top) = layout.alone_from.filter(|top| *top > 0.0) {
                    text.alone x="0" y=(format!("{:.0}", top + 18.0)) { "Tables without relations" }
                }
                g.relations {
                    @for relation in relations { (line(relation, entities, &layout, referred[relation.to] > HUB)) }
                }
                @for (at, entity) in entities.iter().enumerate() { (drawn(at, entity, layout.at[at])) }
            }
        }
    }
}

fn size(entity: &Entity<'_>) -> Size {
    let lines = entity.lines.len() + usize::from(entity.hidden > 0);
    Size {
        width: WIDTH,
        height: HEAD + lines as f64 * LINE + 6.0,
    }
}

fn drawn(at: usize, entity: &Entity<'_>, (x, y): (f64, f64)) -> Markup {
    let size = size(entity);
    let end = WIDTH - 8.0;
    // The name leaves room for it.
    let rows = entity.table.rows.map(compact).unwrap_or_default();
    html! {
        a href={ "#" (anchor(at)) } {
            // What does not fit is cut off by the inner drawing's own edge.
            svg.entity x=(format!("{x:.0}")) y=(format!("{y:.0}")) width=(WIDTH) height=(format!("{:.0}", size.height)) {
                title {
                    (Shown(&entity.table.table))
                    @if let Some(rows) = entity.table.rows { ", " (counted(rows, "row")) }
                }
                rect.box x="0.5" y="0.5" width=(WIDTH - 1.0) height=(format!("{:.1}", size.height - 1.0)) rx="5" {}
                path.head d=(format!("M.5 {HEAD}V5.5a5 5 0 0 1 5-5H{:.1}a5 5 0 0 1 5 5V{HEAD}Z", WIDTH - 5.5)) {}
                text.name x="8" y="17.5" { (Shown(&short(&entity.table.table, LETTERS - rows.len()))) }
                @for (line, column) in entity.lines.iter().enumerate() {
                    @let y = format!("{:.1}", HEAD + line as f64 * LINE + 14.0);
                    text.mark x="8" y=(y) { @if column.primary { "PK" } @else if column.refers_to.is_some() { "FK" } @else if column.unique { "UQ" } }
                    text x="30" y=(y) { (Shown(&short(&column.name, LETTERS))) }
                }
                @if entity.hidden > 0 {
                    text.more x="30" y=(format!("{:.1}", HEAD + entity.lines.len() as f64 * LINE + 14.0)) { "+ " (counted(entity.hidden as u64, "column")) }
                }
                text.rows x=(end) y="17.5" text-anchor="end" { (rows) }
            }
        }
    }
}

/// A name in so many letters. Names that begin alike differ at their ends, so that the middle is left out.
fn short(text: &str, letters: usize) -> String {
    let count = text.chars().count();
    if count <= letters {
        return text.to_owned();
    }
    let end = letters / 3;
    let first = text.chars().take(letters - end - 1);
    first.chain(['…']).chain(text.chars().skip(count - end)).collect()
}

/// A count in a few letters.
fn compact(rows: u64) -> String {
    match rows {
        0..10_000 => count(rows),
        10_000..1_000_000 => format!("{}k", rows / 1_000),
        _ => format!("{:.1}M", rows as f64 / 1_000_000.0),
    }
}

fn line(relation: &Relation<'_>, entities: &[Entity<'_>], layout: &Layout, is_pale: bool) -> Markup {
    let (from, to) = (layout.at[relation.from], layout.at[relation.to]);
    let lines = &entities[relation.from].lines;
    let place = lines.iter().position(|column| column.name == relation.column);
    let start = from.1 + place.map_or(HEAD / 2.0, |line| HEAD + line as f64 * LINE + 10.0);
    let goal = to.1 + HEAD / 2.0;
    let path = curve((from.0, start), (to.0, goal), relation.from == relation.to);
    let class = match (relation.orphans > 0, relation.is_suspected, is_pale) {
        (true, true, _) => "orphans suspected",
        (true, false, _) => "orphans",
        (false, true, true) => "suspected pale",
        (false, true, false) => "suspected",
        (false, false, true) => "pale",
        (false, false, false) => "",
    };
    html! {
        path class=(class) d=(path) {
            title {
                (Shown(&entities[relation.from].table.table)) "." (Shown(relation.column))
                @if relation.is_suspected { " seems to refer to " } @else { " refers to " }
                (Shown(&entities[relation.to].table.table))
                @if relation.orphans > 0 { ", " (counted(relation.orphans, "orphan")) }
            }
        }
    }
}

/// A line that leaves and arrives sideways, with a fork at its start, where many come from, and a bar at its end.
fn curve((x, y): (f64, f64), (to_x, to_y): (f64, f64), is_loop: bool) -> String {
    let (right, to_right) = (x + WIDTH, to_x + WIDTH);
    // From which side it leaves, on which it arrives: -1 is left.
    let (start, goal, out, back) = if is_loop {
        (right, to_right, 1.0, 1.0)
    } else if to_right < x {
        (x, to_right, -1.0, 1.0)
    } else if right < to_x {
        (right, to_x, 1.0, -1.0)
    } else {
        (right, to_right, 1.0, 1.0)
    };
    let reach = ((goal - start).abs() * 0.5).clamp(36.0, 160.0);
    let (a, b) = (start + out * reach, goal + back * reach);
    let fork = start + out * 9.0;
    let bar = goal + back * 6.0;
    format!(
        "M{start:.0} {y:.0}L{fork:.0} {y:.0}M{start:.0} {:.0}L{fork:.0} {y:.0}L{start:.0} {:.0}M{fork:.0} {y:.0}C{a:.0} {y:.0} {b:.0} {to_y:.0} {goal:.0} {to_y:.0}\
         M{bar:.0} {:.0}V{:.0}",
        y - 5.0,
        y + 5.0,
        to_y - 5.0,
        to_y + 5.0
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_begin_alike_stay_different() {
        assert_eq!(short("customer", 24), "customer");
        let names = ["legacy_staging_table_192", "legacy_staging_table_196"].map(|name| short(name, 22));
        assert_eq!(names, ["legacy_staging…ble_192", "legacy_staging…ble_196"]);
    }
}

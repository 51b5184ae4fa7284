//! What the inventory of a database looks like.

mod quality;

use whimbrel_app::{Inventory, TableInventory};
use whimbrel_core::{SEVERAL, engine_told};

use super::plan::findings;
use super::{count, counted, counted_rows, lines, size, table};

/// Returns the tables with their counts and sizes, the other objects, and the findings; with the quality of the values when it was asked for.
pub(crate) fn inventory(inventory: &Inventory, with_quality: bool) -> String {
    let mut text = overview(inventory);
    if with_quality {
        text.push_str(&quality::quality(inventory));
    }
    text
}

fn overview(inventory: &Inventory) -> String {
    let has_families = inventory.tables.iter().any(|each| !family(each).is_empty());
    let mut headings = vec![
        "table",
        "rows",
        "size",
        "columns",
        "indexes",
        "foreign keys",
        "primary key",
    ];
    headings.extend(has_families.then_some("family"));
    let mut rows = table(&headings, &[1, 2, 3, 4, 5]);
    for each in &inventory.tables {
        let mut cells = vec![
            each.table.clone(),
            each.rows.map_or_else(|| "-".to_owned(), count),
            size(each.size_bytes),
            each.columns.to_string(),
            each.indexes.to_string(),
            each.foreign_keys.to_string(),
            match &each.unmovable {
                Some(why) => format!("cannot be moved: {why}"),
                None => each.primary_key.join(", "),
            },
        ];
        cells.extend(has_families.then(|| family(each)));
        rows.add_row(cells);
    }
    let objects: Vec<String> = inventory
        .objects
        .iter()
        .map(|object| counted(object.count, &object.kind))
        .collect();
    format!(
        "{}holds     {}, {}, {}\nobjects   {}\n\n{}\n{}",
        database(inventory),
        counted(inventory.tables.len(), "table"),
        counted_rows(inventory.rows),
        size(inventory.size_bytes),
        if objects.is_empty() {
            "none".to_owned()
        } else {
            objects.join(", ")
        },
        lines(&rows),
        findings(&inventory.findings),
    )
}

/// Which database it is.
fn database(inventory: &Inventory) -> String {
    let engine = engine_told(&inventory.engine, &inventory.version);
    match inventory.engine.as_str() {
        SEVERAL => format!("sources   {}\nengines   {engine}\n", inventory.database),
        _ => format!(
            "database  {} ({})\nengine    {engine}, {}\n",
            inventory.database, inventory.url, inventory.encoding
        ),
    }
}

/// What a table is a part of, and what its rows are in; empty for a table that stands alone.
fn family(table: &TableInventory) -> String {
    let inherited = |rows: u64| {
        let rows = count(rows);
        format!("a query shows {rows} more, of tables that inherit")
    };
    let words = [
        table
            .partitions
            .map(|parts| format!("in {}", counted(parts, "partition"))),
        table
            .partition_of
            .as_ref()
            .map(|whole| format!("partition of {whole}")),
        table.inherited_rows.map(inherited),
    ];
    words.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

//! What the inventory of a database looks like.

mod quality;

use whimbrel_app::Inventory;

use super::plan::findings;
use super::{count, counted, lines, size, table};

/// Returns the tables with their counts and sizes, the other objects, and the findings; with the quality of the values when it was asked for.
pub(crate) fn inventory(inventory: &Inventory, with_quality: bool) -> String {
    let mut text = overview(inventory);
    if with_quality {
        text.push_str(&quality::quality(inventory));
    }
    text
}

fn overview(inventory: &Inventory) -> String {
    let mut rows = table(
        &[
            "table",
            "rows",
            "size",
            "columns",
            "indexes",
            "foreign keys",
            "primary key",
        ],
        &[1, 2, 3, 4, 5],
    );
    for each in &inventory.tables {
        rows.add_row([
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
        ]);
    }
    let objects: Vec<String> = inventory
        .objects
        .iter()
        .map(|object| counted(object.count, &object.kind))
        .collect();
    format!(
        "database  {} ({})\nengine    {} {}, {}\nholds     {}, {} rows, {}\nobjects   {}\n\n{}\n{}",
        inventory.database,
        inventory.url,
        inventory.engine,
        inventory.version,
        inventory.encoding,
        counted(inventory.tables.len(), "table"),
        count(inventory.rows),
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

//! What the page promises: nothing from the database can leave its place, and nothing is loaded from elsewhere.

use proptest::prelude::*;
use whimbrel_core::{Column, Deferral, ForeignKey, Key, LogicalType, Table, TableId};
use whimbrel_quality::{ColumnQuality, Distinct, Lengths, PatternCount, ShapeCount, TableQuality, Unit};

use super::*;
use crate::inspect::detail::{Known, detail};
use crate::inspect::{ObjectCount, SuspectedDetail, TableDetail, TableInventory, UsageNote};

/// What the values are like, each of which is the text.
fn quality(text: &str) -> TableQuality {
    let column = ColumnQuality {
        name: text.to_owned(),
        read_as: LogicalType::text(),
        values: 7,
        misfits: 0,
        nulls: 3,
        distinct: Distinct {
            count: 2_000,
            exact: false,
        },
        min: Some(text.to_owned()),
        max: Some(format!("{text}z")),
        lengths: Some(Lengths {
            unit: Unit::Characters,
            min: 1,
            mean: 2.5,
            max: 4,
        }),
        untrimmed: 1,
        patterns: vec![PatternCount {
            pattern: "word".to_owned(),
            count: 6,
        }],
        shapes: vec![ShapeCount {
            shape: text.to_owned(),
            count: 5,
        }],
        other_shapes: 0,
    };
    TableQuality {
        rows: 10,
        misfits: 1,
        misfit_examples: vec![text.to_owned()],
        columns: vec![column],
        repeated_rows: None,
        growth: None,
    }
}

/// What is known of the table, in whose place the text stands everywhere.
fn detail_of(table: &Table, name: &str) -> TableDetail {
    detail(
        table,
        Known {
            profile: None,
            quality: Some(quality(name)),
            suspected: vec![SuspectedDetail {
                column: name.to_owned(),
                table: table.id.to_string(),
                referred: name.to_owned(),
                orphans: 1,
                of: 2,
                all: true,
            }],
            usage: None,
        },
    )
}

fn inventory(name: &str) -> Inventory {
    let mut table = Table::empty(TableId::bare(name));
    table.columns.push(Column::new(name, name));
    table.primary_key = Some(Key {
        name: name.to_owned(),
        columns: vec![name.to_owned()],
        deferral: Deferral::Never,
        nulls_equal: false,
        definition: None,
    });
    table.foreign_keys.push(ForeignKey {
        name: name.to_owned(),
        columns: vec![name.to_owned()],
        references: TableId::bare(name),
        referred: vec![name.to_owned()],
        on_update: "NO ACTION".to_owned(),
        on_delete: "NO ACTION".to_owned(),
        match_full: false,
        deferral: Deferral::Never,
        validated: true,
        definition: None,
    });
    let whole = TableInventory {
        table: table.id.to_string(),
        rows: Some(1),
        size_bytes: 1,
        partitions: Some(1),
        partition_of: None,
        inherited_rows: Some(1),
        columns: 1,
        indexes: 0,
        foreign_keys: 1,
        primary_key: vec![name.to_owned()],
        unmovable: Some(name.to_owned()),
        detail: Some(detail_of(&table, name)),
    };
    let part = TableInventory {
        partitions: None,
        partition_of: Some(name.to_owned()),
        inherited_rows: None,
        detail: None,
        ..whole.clone()
    };
    Inventory {
        engine: name.to_owned(),
        version: name.to_owned(),
        url: name.to_owned(),
        database: name.to_owned(),
        encoding: name.to_owned(),
        rows: 1,
        size_bytes: 1,
        tables: vec![whole, part],
        objects: vec![ObjectCount {
            kind: name.to_owned(),
            count: 1,
        }],
        findings: Vec::new(),
        usage: Some(UsageNote::NotKnown { why: name.to_owned() }),
        inspected_at: name.to_owned(),
    }
}

/// The tags of a page, each with its attributes' names, without any text.
fn skeleton(page: &str) -> Vec<String> {
    let mut tags = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let mut quoted = false;
        let end = rest.find(|letter: char| {
            quoted ^= letter == '"';
            letter == '>' && !quoted
        });
        let (tag, behind) = rest.split_at(end.unwrap_or(rest.len()));
        let bare: Vec<&str> = tag.split('"').step_by(2).collect();
        tags.push(bare.join("\"\""));
        rest = behind;
    }
    tags
}

proptest! {
    #[test]
    fn no_name_changes_what_the_page_is_made_of(
        name in "([a-z]|<script>|</script>|</title>|</style>|\"|'|>|<|&|--|\\]\\]>|\u{0}|\u{7}|\u{202e}|\u{200f}|\u{2028}|ü|漢){1,12}"
    ) {
        let plain = skeleton(&page(&inventory("plain")));
        let odd = page(&inventory(&name));
        prop_assert_eq!(skeleton(&odd), plain);
        let is_odd = odd.chars().any(|letter| letter.is_control() && letter != '\n');
        prop_assert!(!is_odd);
        let is_unseen = odd.contains(['\u{202e}', '\u{200f}', '\u{2028}']);
        prop_assert!(!is_unseen);
    }
}

#[test]
fn the_page_loads_nothing_from_elsewhere() {
    let page = page(&inventory("shop"));
    for loading in [
        "src=", "http:", "https:", "@import", "url(", "<link", "<iframe", "<img",
    ] {
        assert!(!page.contains(loading), "{loading}");
    }
    assert!(page.contains("<svg"));
}

#[test]
fn a_page_says_what_the_inventory_says() {
    let page = page(&inventory("shop"))
        .replace(STYLE, "")
        .replace(SCRIPT, "")
        .replace("><", ">\n<");
    insta::assert_snapshot!(page);
}

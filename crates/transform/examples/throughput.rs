//! Shows how many rows a second five simple expressions take on one core: `cargo run --release -p whimbrel-transform --example throughput`.
#![expect(clippy::print_stdout, reason = "figures are what it is for")]

use std::hint::black_box;
use std::time::Instant;

use arrow_array::RecordBatch;
use whimbrel_core::{ColumnBuilder, Error, LogicalType, Result, arrow_schema};
use whimbrel_transform::{Expression, InputColumn, Lookups};

const ROWS: i64 = 65_536;
const BATCHES: u32 = 64;

const EXPRESSIONS: [&str; 5] = [
    "lower(trim(name))",
    "name || ' ' || email",
    "price * quantity",
    "extract(month from created)",
    "case when quantity > 5 then 'many' else 'few' end",
];

fn main() -> Result<()> {
    let columns = columns();
    let records = records(&columns)?;
    let rows = f64::from(BATCHES) * f64::from(u32::try_from(ROWS).unwrap_or(0));
    let mut total = 0.0;
    for text in EXPRESSIONS {
        let expression = Expression::compile(text, &columns, &Lookups::default())?;
        let begun = Instant::now();
        for _ in 0..BATCHES {
            let evaluated = expression.evaluate(&records)?;
            assert!(evaluated.failed.is_empty(), "no row of these fails");
            black_box(evaluated.array);
        }
        let seconds = begun.elapsed().as_secs_f64();
        total += seconds;
        println!("{:6.1} M rows/s  {text}", rows / seconds / 1e6);
    }
    println!("{:6.1} M rows/s  all five", rows / total / 1e6);
    Ok(())
}

fn columns() -> Vec<InputColumn> {
    let price = LogicalType::Decimal {
        precision: Some(10),
        scale: Some(2),
    };
    let types = [
        ("name", LogicalType::text()),
        ("price", price),
        ("quantity", LogicalType::Integer { bits: 32 }),
        ("email", LogicalType::text()),
        ("created", LogicalType::Timestamp { zoned: false }),
    ];
    types
        .map(|(name, logical)| InputColumn {
            name: name.to_owned(),
            logical,
            nullable: true,
        })
        .into()
}

fn records(columns: &[InputColumn]) -> Result<RecordBatch> {
    let mut builders: Vec<ColumnBuilder> = columns
        .iter()
        .map(|column| ColumnBuilder::new(&column.logical))
        .collect();
    for row in 0..ROWS {
        builders[0].push_bytes(format!("Customer {}", row % 5000).as_bytes());
        builders[1].push_bytes(format!("{}.{:02}", row % 900, row % 100).as_bytes());
        builders[2].push_i64(row % 11);
        match row % 4 {
            0 => builders[3].push_null(),
            _ => builders[3].push_bytes(format!("c{row}@example.org").as_bytes()),
        }
        builders[4].push_i64(1_700_000_000_000_000 + row * 3_600_000_000);
    }
    let arrow = |error| Error::bug("the batch cannot be made").with_cause(error);
    let arrays = builders
        .iter_mut()
        .map(ColumnBuilder::take)
        .collect::<std::result::Result<_, _>>();
    let schema = arrow_schema(
        columns
            .iter()
            .map(|column| (column.name.as_str(), &column.logical)),
    );
    RecordBatch::try_new(schema, arrays.map_err(arrow)?).map_err(arrow)
}

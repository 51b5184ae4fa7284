//! Arrays, composite values, ranges and pairs as JSON, for engines that have none of them.

use whimbrel_core::{KeyRange, LogicalType, ReadColumn};
use whimbrel_testkit::postgres::TestDatabase;

use crate::harness::{read, source, table};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_without_a_form_of_their_own_elsewhere_are_read_as_json() {
    let Some(database) = TestDatabase::create("as_json") else {
        return;
    };
    database.execute(
        "CREATE TYPE pair AS (a integer, b text); CREATE TABLE t (id integer, list integer[], pairs pair[], span int4range);
         INSERT INTO t VALUES (1, '{1,NULL,3}', ARRAY[ROW(1, 'x\"')]::pair[], '[1,5)'), (2, NULL, '{}', 'empty')",
    );
    let source = source(database.url()).await;
    let catalog = source.catalog().await.unwrap();
    let table = table(&catalog, "t");
    let columns: Vec<ReadColumn> = table.columns[1..]
        .iter()
        .map(|column| ReadColumn {
            name: column.name.clone(),
            native: column.native.clone(),
            logical: LogicalType::Json,
            rule: None,
        })
        .collect();
    let snapshot = source.snapshot(std::slice::from_ref(&table.id), 1).await.unwrap();
    let batches = read(&*snapshot, &table, &columns, KeyRange::All).await;
    let shown = format!("{:?}", batches[0].records);
    for value in [
        r"[1,null,3]",
        r#"[{\"a\":1,\"b\":\"x\\\"\"}]"#,
        r#"\"[1,5)\""#,
        r#"\"empty\""#,
        "[]",
    ] {
        assert!(shown.contains(value), "{value} is not in {shown}");
    }
}

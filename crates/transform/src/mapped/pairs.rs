//! Keys and values out of a table of a source, for `lookup`.

use datafusion_common::arrow::util::display::{ArrayFormatter, FormatOptions};
use futures::TryStreamExt;
use whimbrel_core::{BATCH_BYTES, Error, KeyRange, ReadColumn, ReadRequest, Result};

use super::rules::hint_for;
use super::sources::{Database, Described};

/// Returns the values of two columns of a table, as text; rows where one is NULL are left out.
///
/// # Errors
/// `Invalid` when there is no such table or column, and as the database says.
pub async fn read_pairs(
    databases: &[Database],
    table: &str,
    key: &str,
    value: &str,
) -> Result<Vec<(String, String)>> {
    for database in databases {
        let catalog = database.source.catalog().await?;
        let described = Described::new(database, &catalog);
        let Some(found) = catalog
            .tables
            .iter()
            .find(|own| described.called(&own.id).matches(table))
        else {
            continue;
        };
        let mut columns = Vec::new();
        for name in [key, value] {
            let column = found.column(name).ok_or_else(|| {
                let known = found.columns.iter().map(|column| column.name.clone());
                Error::invalid(format!("table `{table}` has no column `{name}`"))
                    .with_hint(hint_for(name, known))
            })?;
            columns.push(ReadColumn {
                name: column.name.clone(),
                native: column.native.clone(),
                logical: described.dialect.logical(column, &catalog, None).to,
                rule: None,
            });
        }
        let snapshot = database
            .source
            .snapshot(std::slice::from_ref(&found.id), 1)
            .await?;
        let mut batches = snapshot.read(ReadRequest {
            table: found.clone(),
            columns,
            range: KeyRange::All,
            batch_bytes: BATCH_BYTES,
            packed: false,
        });
        let mut pairs = Vec::new();
        while let Some(batch) = batches.try_next().await? {
            let options = FormatOptions::default();
            let format = |at: usize| {
                ArrayFormatter::try_new(batch.records.column(at), &options)
                    .map_err(|error| Error::bug("a column cannot be shown as text").with_cause(error))
            };
            let (keys, values) = (format(0)?, format(1)?);
            for row in 0..batch.rows() {
                let is_null = |at: usize| batch.records.column(at).is_null(row);
                if !is_null(0) && !is_null(1) {
                    pairs.push((keys.value(row).to_string(), values.value(row).to_string()));
                }
            }
        }
        return Ok(pairs);
    }
    Err(Error::invalid(format!("there is no table `{table}`")))
}

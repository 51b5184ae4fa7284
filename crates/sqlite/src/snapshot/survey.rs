//! One pass over a table that says what its values are and hands over its rows: the engine knows no types of columns that its values keep
//! to, so that every value has to be looked at before a column can be read as what it is.

use std::sync::Arc;

use futures::stream::BoxStream;
use rusqlite::Connection;
use whimbrel_core::{
    Column, Depth, KeyRange, ReadColumn, ReadRequest, Result, Survey, SurveyRequest, Surveyed, Table,
    ValueRule,
};

use super::read::{made_by, read};
use super::{Reader, Readers};
use crate::dialect::mapping::logical;
use crate::gate::blocking;
use crate::profile::{Pass, first_rows, look_at_keys};

/// Begins the pass on a free reader.
pub(super) async fn survey(readers: &Arc<Readers>, request: SurveyRequest) -> Result<Survey> {
    let reader = readers.take().await?;
    let (reader, request, columns) = blocking(move || {
        let columns = suggested(reader.connection()?, &request.table)?;
        Ok((reader, request, columns))
    })
    .await?;
    Ok(Survey {
        columns: columns.clone(),
        pass: pass(reader, request, columns),
    })
}

/// The form of each column, as far as the first rows tell it.
fn suggested(connection: &Connection, table: &Table) -> Result<Vec<ReadColumn>> {
    let first = first_rows(connection, table)?;
    let column = |column: &Column| ReadColumn {
        name: column.name.clone(),
        native: column.native.clone(),
        logical: logical(column, first.columns.get(&column.name)).to,
        rule: None,
    };
    Ok(table.columns.iter().map(column).collect())
}

fn pass(
    reader: Reader,
    request: SurveyRequest,
    columns: Vec<ReadColumn>,
) -> BoxStream<'static, Result<Surveyed>> {
    let SurveyRequest {
        table,
        batch_bytes,
        row_bytes_max,
    } = request;
    let lenient = columns.into_iter().map(|column| ReadColumn {
        rule: Some(ValueRule::InvalidToNull),
        ..column
    });
    let request = ReadRequest {
        columns: lenient.collect(),
        range: KeyRange::All,
        batch_bytes,
        packed: false,
        table,
    };
    made_by(reader, move |connection, outlet| {
        let table = &request.table;
        let mut pass = Pass::over(table, Depth::Survey);
        let mut largest = 0;
        let is_heard = read(connection, &request, outlet, |row| {
            largest = pass.see(row)?.max(largest);
            Ok(largest <= row_bytes_max)
        })?;
        if is_heard {
            let mut profile = pass.finish();
            look_at_keys(connection, table, &mut profile)?;
            outlet.end_with(Ok(Surveyed::Profile(profile)));
        }
        Ok(())
    })
}

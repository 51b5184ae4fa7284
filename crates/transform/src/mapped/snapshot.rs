//! One state of every database behind a mapping, read as one.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use whimbrel_core::{
    BATCH_BYTES, Batch, Chunk, ColumnAggregate, Error, ErrorClass, KeyRange, Position, ReadColumn,
    ReadRequest, Result, SequencePosition, Snapshot, Table, TableAggregate, TableId, canonical_decimal,
};

use super::compose::Composed;
use super::division::divide;
use super::part::{Part, Value};
use super::reading::Reading;

/// The states that were opened together. Each database's is consistent in itself; they are not of one moment.
pub(crate) struct MappedSnapshot {
    pub(crate) names: Vec<String>,
    pub(crate) snapshots: Vec<Arc<dyn Snapshot>>,
    /// Names the rows of the tables that lookups were read from; none without such lookups.
    pub(crate) lookups: Option<String>,
    pub(crate) composed: Arc<Composed>,
}

impl MappedSnapshot {
    fn parts(&self, table: &TableId) -> Result<&[Arc<Part>]> {
        let parts = self.composed.tables.get(table).map(Vec::as_slice);
        parts.ok_or_else(|| Error::invalid(format!("there is no table `{table}`")))
    }

    fn of(&self, part: &Part) -> &Arc<dyn Snapshot> {
        &self.snapshots[part.database]
    }

    fn read_part(&self, part: &Arc<Part>, request: ReadRequest) -> Result<BoxStream<'static, Result<Batch>>> {
        let reading = Reading::new(part, request)?;
        let rows = self.of(part).read(reading.request().clone());
        if reading.is_plain() {
            return Ok(reading.as_given(rows));
        }
        Ok(rows
            .map(move |batch| batch.and_then(|batch| reading.mapped(batch)))
            .boxed())
    }

    fn read_all(&self, request: &ReadRequest) -> Result<BoxStream<'static, Result<Batch>>> {
        let parts = self.parts(&request.table.id)?;
        let ask = |part: &Arc<Part>, range: KeyRange| {
            let request = ReadRequest {
                range,
                ..request.clone()
            };
            self.read_part(part, request)
        };
        match (&request.range, parts) {
            (KeyRange::Part { part, range }, parts) => {
                let found = parts.get(*part as usize);
                let found = found
                    .ok_or_else(|| Error::bug(format!("table `{}` has no part {part}", request.table.id)))?;
                ask(found, (**range).clone())
            }
            (KeyRange::Exactly { columns, .. }, [only]) if !only.has_as_they_are(columns) => Err(Error::new(
                ErrorClass::Unsupported,
                format!(
                    "rows of `{}` cannot be found by their key, which the mapping changes",
                    request.table.id
                ),
            )),
            (range, [only]) => ask(only, range.clone()),
            (KeyRange::All, parts) => {
                let streams: Result<Vec<_>> = parts.iter().map(|part| ask(part, KeyRange::All)).collect();
                Ok(stream::iter(streams?).flatten().boxed())
            }
            (KeyRange::Keys(_) | KeyRange::Rows { .. } | KeyRange::Exactly { .. }, _) => Err(Error::new(
                ErrorClass::Unsupported,
                format!(
                    "rows of the merged table `{}` cannot be found by their keys",
                    request.table.id
                ),
            )),
        }
    }

    /// Counts the rows that a filter lets through, by reading what it looks at.
    async fn count(&self, table: &Table, part: &Arc<Part>) -> Result<u64> {
        let request = ReadRequest {
            table: table.clone(),
            columns: Vec::new(),
            range: KeyRange::All,
            batch_bytes: BATCH_BYTES,
            packed: false,
        };
        let rows = self.read_part(part, request)?;
        rows.try_fold(0, |count, batch| async move {
            Ok(count + batch.rows() as u64 + batch.rejects.len() as u64)
        })
        .await
    }

    async fn aggregate_part(
        &self,
        table: &Table,
        part: &Arc<Part>,
        columns: &[ReadColumn],
    ) -> Result<TableAggregate> {
        let base = part.as_read(table);
        if part.filter.is_some() {
            return Ok(TableAggregate {
                rows: self.count(table, part).await?,
                columns: BTreeMap::new(),
            });
        }
        let mut asked = Vec::new();
        let mut names = Vec::new();
        for column in columns {
            if let Some(Value::Column { at, own_form }) =
                part.column(&column.name).map(|column| &column.value)
            {
                let own = &part.table.columns[*at];
                asked.push(ReadColumn {
                    name: own.name.clone(),
                    native: own.native.clone(),
                    logical: own_form.clone().unwrap_or_else(|| column.logical.clone()),
                    rule: column.rule.clone(),
                });
                names.push((own.name.clone(), column.name.clone()));
            }
        }
        let mut found = self.of(part).aggregate(&base, &asked).await?;
        let columns = names
            .into_iter()
            .filter_map(|(own, name)| Some((name, found.columns.remove(&own)?)))
            .collect();
        Ok(TableAggregate {
            rows: found.rows,
            columns,
        })
    }
}

#[async_trait]
impl Snapshot for MappedSnapshot {
    fn position(&self) -> Position {
        let each = self.names.iter().zip(&self.snapshots);
        let mut each: Vec<String> = match self.snapshots.as_slice() {
            [only] => vec![only.position().0],
            _ => each
                .map(|(name, snapshot)| format!("{name}={}", snapshot.position().0))
                .collect(),
        };
        // Lookups were read before: the same position of a database does not say that they are the same.
        each.extend(self.lookups.iter().map(|state| format!("lookups {state}")));
        Position(each.join("; "))
    }

    async fn are_empty(&self, tables: &[&Table]) -> Result<Vec<bool>> {
        let mut empty = vec![true; tables.len()];
        for (database, snapshot) in self.snapshots.iter().enumerate() {
            let mut asked = Vec::new();
            let mut places = Vec::new();
            for (place, table) in tables.iter().enumerate() {
                let own = self
                    .parts(&table.id)?
                    .iter()
                    .filter(|part| part.database == database);
                for part in own {
                    asked.push(part.as_read(table));
                    places.push(place);
                }
            }
            let found = snapshot.are_empty(&asked.iter().collect::<Vec<_>>()).await?;
            for (place, found) in places.into_iter().zip(found) {
                empty[place] &= found;
            }
        }
        Ok(empty)
    }

    async fn split(&self, table: &Table, chunk_bytes: u64) -> Result<Vec<Chunk>> {
        let parts = self.parts(&table.id)?;
        let mut chunks = Vec::new();
        for (number, part) in parts.iter().enumerate() {
            for range in divide(self.of(part), part, table, chunk_bytes).await? {
                let range = match parts {
                    [_] => range,
                    _ => KeyRange::Part {
                        part: u32::try_from(number).unwrap_or(u32::MAX),
                        range: Box::new(range),
                    },
                };
                chunks.push(Chunk {
                    table: table.id.clone(),
                    index: u32::try_from(chunks.len()).unwrap_or(u32::MAX),
                    range,
                });
            }
        }
        Ok(chunks)
    }

    fn read(&self, request: ReadRequest) -> BoxStream<'static, Result<Batch>> {
        match self.read_all(&request) {
            Ok(rows) => rows,
            Err(error) => stream::once(async { Err(error) }).boxed(),
        }
    }

    async fn aggregate(&self, table: &Table, columns: &[ReadColumn]) -> Result<TableAggregate> {
        let parts = self.parts(&table.id)?;
        let mut all = Vec::with_capacity(parts.len());
        for part in parts {
            all.push(self.aggregate_part(table, part, columns).await?);
        }
        Ok(match all.pop() {
            Some(only) if all.is_empty() => only,
            Some(last) => {
                all.push(last);
                together(&all, columns)
            }
            None => TableAggregate::default(),
        })
    }

    async fn sequence_positions(&self, sequences: &[TableId]) -> Result<Vec<Option<SequencePosition>>> {
        let mut positions = vec![None; sequences.len()];
        for (database, snapshot) in self.snapshots.iter().enumerate() {
            let mut own = Vec::new();
            let mut places = Vec::new();
            for (place, sequence) in sequences.iter().enumerate() {
                let behind = self.composed.sequences.get(sequence).into_iter().flatten();
                for (_, id) in behind.filter(|(at, _)| *at == database) {
                    own.push(id.clone());
                    places.push(place);
                }
            }
            if own.is_empty() {
                continue;
            }
            let found = snapshot.sequence_positions(&own).await?;
            for (place, position) in places.into_iter().zip(found) {
                positions[place] = later(positions[place], position);
            }
        }
        Ok(positions)
    }

    async fn orphans(&self, table: &Table) -> Result<Vec<u64>> {
        let parts = self.parts(&table.id)?;
        let mut orphans = vec![0; table.foreign_keys.len()];
        let [part] = parts else { return Ok(orphans) };
        let own = self.of(part).orphans(&part.as_read(table)).await?;
        for (count, key) in orphans.iter_mut().zip(&table.foreign_keys) {
            let at = part
                .table
                .foreign_keys
                .iter()
                .position(|own| own.name == key.name && own.columns == key.columns);
            *count = at.and_then(|at| own.get(at)).copied().unwrap_or(0);
        }
        Ok(orphans)
    }
}

/// The position of which the next number is the greater.
fn later(one: Option<SequencePosition>, other: Option<SequencePosition>) -> Option<SequencePosition> {
    let next = |position: &SequencePosition| {
        (
            i128::from(position.last_value) + i128::from(position.is_called),
            position.is_called,
        )
    };
    one.into_iter().chain(other).max_by_key(next)
}

/// What the parts' databases say, put together; a column that one of them says nothing about is left out.
fn together(parts: &[TableAggregate], columns: &[ReadColumn]) -> TableAggregate {
    let column = |name: &String| {
        let found: Option<Vec<&ColumnAggregate>> = parts.iter().map(|part| part.columns.get(name)).collect();
        let found = found?;
        Some(ColumnAggregate {
            nulls: found.iter().map(|each| each.nulls).sum(),
            bytes: found.iter().map(|each| each.bytes).sum(),
            trues: found.iter().map(|each| each.trues).sum(),
            // The extremes of parts have no order here, and their sums more digits than a number of ours.
            sum: found
                .iter()
                .map(|each| each.sum.as_ref()?.parse::<i128>().ok())
                .sum::<Option<i128>>()
                .and_then(|sum| canonical_decimal(&sum.to_string())),
            min: None,
            max: None,
        })
    };
    TableAggregate {
        rows: parts.iter().map(|part| part.rows).sum(),
        columns: columns
            .iter()
            .filter_map(|asked| Some((asked.name.clone(), column(&asked.name)?)))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use whimbrel_core::{Catalog, Renames};

    #[test]
    fn other_rows_of_a_lookup_are_another_position() {
        let with = |lookups: Option<&str>| MappedSnapshot {
            names: Vec::new(),
            snapshots: Vec::new(),
            lookups: lookups.map(str::to_owned),
            composed: Arc::new(Composed {
                catalog: Catalog::default(),
                renames: Renames::default(),
                findings: Vec::new(),
                unkept: Vec::new(),
                tables: BTreeMap::new(),
                sequences: BTreeMap::new(),
                members: Vec::new(),
                keeps_collations: false,
            }),
        };
        assert_eq!(with(None).position().0, "");
        assert_ne!(with(Some("one")).position(), with(Some("two")).position());
    }
}

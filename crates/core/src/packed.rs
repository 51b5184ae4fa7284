//! Packed rows: whole rows as bytes that two databases of one kind exchange as they are, without a column being looked at.
//!
//! A packed row is the number of its columns (u16), then per column the length of its value (i32, -1 for NULL) and the value's bytes, all
//! big-endian: the bytes of [`LogicalType::Wire`](crate::LogicalType::Wire) values in the order of the request.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{BinaryArray, RecordBatch};
use arrow_buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, Schema};

use crate::{Batch, Error, Result};

/// What the schema of a packed batch says under `whimbrel`.
const PACKED: &str = "packed";

/// Gathers packed rows into a batch.
#[derive(Debug)]
pub struct PackedBuilder {
    ends: Vec<i32>,
    bytes: Vec<u8>,
}

impl Default for PackedBuilder {
    fn default() -> Self {
        Self {
            ends: vec![0],
            bytes: Vec::new(),
        }
    }
}

impl PackedBuilder {
    /// Adds a row. The caller keeps the batch below 2 GiB: it closes at its size.
    #[inline]
    pub fn push(&mut self, row: &[u8]) {
        self.bytes.extend_from_slice(row);
        self.ends
            .push(i32::try_from(self.bytes.len()).unwrap_or(i32::MAX));
    }

    /// Returns the number of rows gathered.
    pub fn rows(&self) -> usize {
        self.ends.len() - 1
    }

    /// Returns the bytes gathered.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Returns the rows as a batch and leaves nothing behind, with room for as much again.
    ///
    /// # Errors
    /// `Bug` when the batch grew beyond 2 GiB.
    pub fn take(&mut self) -> Result<Batch> {
        let (rows, bytes) = (self.ends.len(), self.bytes.len());
        let mut next = Vec::with_capacity(rows);
        next.push(0);
        let ends = std::mem::replace(&mut self.ends, next);
        let values = std::mem::replace(&mut self.bytes, Vec::with_capacity(bytes));
        let failed = |cause| Error::bug("packed rows do not form a batch").with_cause(cause);
        let offsets = OffsetBuffer::new(ScalarBuffer::from(ends));
        let rows = BinaryArray::try_new(offsets, Buffer::from_vec(values), None).map_err(failed)?;
        let field = Field::new(PACKED, DataType::Binary, false);
        let meta = HashMap::from([("whimbrel".to_owned(), PACKED.to_owned())]);
        let schema = Arc::new(Schema::new_with_metadata(vec![field], meta));
        Ok(Batch {
            records: RecordBatch::try_new(schema, vec![Arc::new(rows)]).map_err(failed)?,
            rejects: Vec::new(),
            ruled: Vec::new(),
        })
    }
}

/// Returns the rows of a packed batch; none when the batch has columns.
pub fn packed_rows(records: &RecordBatch) -> Option<&BinaryArray> {
    let schema = records.schema_ref();
    let says = schema.metadata().get("whimbrel")?;
    (says == PACKED).then(|| records.column(0).as_binary())
}

/// Returns the values of a packed row in the order of its columns; NULL is none.
///
/// # Errors
/// Each value may be a `Bug`: the row is cut off; nothing comes after that.
pub fn packed_values(row: &[u8]) -> impl Iterator<Item = Result<Option<&[u8]>>> {
    let mut rest = row.get(2..).unwrap_or_default();
    let count = row
        .first_chunk::<2>()
        .map_or(0, |count| u16::from_be_bytes(*count));
    let mut left = count;
    std::iter::from_fn(move || {
        left = left.checked_sub(1)?;
        let value = next_value(&mut rest);
        if value.is_none() {
            left = 0;
        }
        Some(value.ok_or_else(|| Error::bug("a packed row is cut off")))
    })
}

#[inline]
fn next_value<'a>(rest: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    *rest = after;
    let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
        return Some(None);
    };
    let (value, after) = after.split_at_checked(length)?;
    *rest = after;
    Some(Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &[u8] = &[0, 3, 0, 0, 0, 2, b'a', b'b', 255, 255, 255, 255, 0, 0, 0, 0];

    #[test]
    fn a_row_comes_apart_into_its_values() {
        let values: Result<Vec<_>> = packed_values(ROW).collect();
        assert_eq!(values.unwrap(), [Some(b"ab".as_slice()), None, Some(b"")]);
    }

    #[test]
    fn a_row_that_is_cut_off_is_an_error() {
        let values: Result<Vec<_>> = packed_values(&ROW[..10]).collect();
        assert!(values.is_err());
    }

    #[test]
    fn a_batch_gives_its_rows_back() {
        let mut builder = PackedBuilder::default();
        builder.push(ROW);
        builder.push(&ROW[..2]);
        assert_eq!((builder.rows(), builder.bytes()), (2, ROW.len() + 2));
        let batch = builder.take().unwrap();
        let rows = packed_rows(&batch.records).unwrap();
        assert_eq!((rows.value(0), rows.value(1)), (ROW, &ROW[..2]));
        assert_eq!(builder.rows(), 0);
    }
}

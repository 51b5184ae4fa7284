//! A node of the tree that computes whole columns with a function of ours, and the loops that such functions are made of.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, PrimitiveArray, RecordBatch, StringArray};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Schema};
use datafusion_common::{DataFusionError, ScalarValue};
use datafusion_expr::ColumnarValue;
use datafusion_physical_expr::PhysicalExpr;

/// A tree of the library.
pub(crate) type Tree = Arc<dyn PhysicalExpr>;

/// Computes a column from columns of equal length; the text says why a row cannot be computed.
pub(crate) type Work = Arc<dyn Fn(&[ArrayRef]) -> Result<ArrayRef, String> + Send + Sync>;

/// A function of ours in a tree of the library.
#[derive(Clone)]
pub(crate) struct Kernel {
    name: String,
    arguments: Vec<Tree>,
    output: DataType,
    work: Work,
}

impl Kernel {
    /// Makes the node. Two nodes of one name and equal arguments must compute the same.
    pub(crate) fn tree(name: impl Into<String>, arguments: Vec<Tree>, output: DataType, work: Work) -> Tree {
        Arc::new(Self {
            name: name.into(),
            arguments,
            output,
            work,
        })
    }
}

impl PhysicalExpr for Kernel {
    fn data_type(&self, _schema: &Schema) -> datafusion_common::Result<DataType> {
        Ok(self.output.clone())
    }

    fn nullable(&self, _schema: &Schema) -> datafusion_common::Result<bool> {
        Ok(true)
    }

    fn evaluate(&self, batch: &RecordBatch) -> datafusion_common::Result<ColumnarValue> {
        let values = self
            .arguments
            .iter()
            .map(|argument| argument.evaluate(batch))
            .collect::<datafusion_common::Result<Vec<_>>>()?;
        let constant = !values.is_empty()
            && values
                .iter()
                .all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { batch.num_rows() };
        let arrays = values
            .into_iter()
            .map(|value| value.into_array(rows))
            .collect::<datafusion_common::Result<Vec<_>>>()?;
        let array = (self.work)(&arrays).map_err(DataFusionError::Execution)?;
        Ok(match constant {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?),
            false => ColumnarValue::Array(array),
        })
    }

    fn children(&self) -> Vec<&Tree> {
        self.arguments.iter().collect()
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Tree>) -> datafusion_common::Result<Tree> {
        Ok(Arc::new(Self {
            arguments: children,
            ..(*self).clone()
        }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.name)?;
        for (number, argument) in self.arguments.iter().enumerate() {
            let comma = if number == 0 { "" } else { ", " };
            write!(f, "{comma}{argument}")?;
        }
        f.write_str(")")
    }
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl PartialEq for Kernel {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && self.output == other.output
            && Arc::ptr_eq(&self.work, &other.work)
            && self.arguments.len() == other.arguments.len()
            && self
                .arguments
                .iter()
                .zip(&other.arguments)
                .all(|(one, two)| one.eq(two))
    }
}

impl Eq for Kernel {}

impl Hash for Kernel {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        self.arguments.hash(state);
    }
}

/// Says what becomes of a value that a function refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnRefusal {
    /// The row fails.
    Fail,
    /// The result is NULL.
    Null,
}

/// Computes numbers (also dates and moments) row by row; NULL stays NULL.
pub(crate) fn numbers<T: ArrowPrimitiveType>(
    rows: &dyn Array,
    refusal: OnRefusal,
    value: impl Fn(usize) -> Result<T::Native, String>,
) -> Result<PrimitiveArray<T>, String> {
    let mut values: Vec<T::Native> = Vec::with_capacity(rows.len());
    let mut refused = Vec::new();
    for row in 0..rows.len() {
        if rows.is_null(row) {
            values.push(T::Native::default());
            continue;
        }
        match value(row) {
            Ok(value) => values.push(value),
            Err(why) if refusal == OnRefusal::Fail => return Err(why),
            Err(_) => {
                values.push(T::Native::default());
                refused.push(row);
            }
        }
    }
    Ok(PrimitiveArray::new(values.into(), without(rows, &refused)))
}

/// Writes texts row by row; NULL stays NULL.
pub(crate) fn texts(
    rows: &dyn Array,
    refusal: OnRefusal,
    write: impl Fn(usize, &mut String) -> Result<(), String>,
) -> Result<StringArray, String> {
    let mut texts = StringBuilder::with_capacity(rows.len(), rows.len() * 16);
    let mut text = String::new();
    for row in 0..rows.len() {
        if rows.is_null(row) {
            texts.append_null();
            continue;
        }
        text.clear();
        match write(row, &mut text) {
            Ok(()) => texts.append_value(&text),
            Err(why) if refusal == OnRefusal::Fail => return Err(why),
            Err(_) => texts.append_null(),
        }
    }
    Ok(texts.finish())
}

/// The rows that hold a value, less the refused ones (ascending).
pub(crate) fn without(rows: &dyn Array, refused: &[usize]) -> Option<NullBuffer> {
    if refused.is_empty() {
        return rows.nulls().cloned();
    }
    let mut valid: Vec<bool> = (0..rows.len()).map(|row| rows.is_valid(row)).collect();
    for row in refused {
        valid[*row] = false;
    }
    Some(NullBuffer::from(valid))
}

/// The rows in which all columns hold a value.
pub(crate) fn all_valid(columns: &[ArrayRef]) -> Option<NullBuffer> {
    columns.iter().fold(None, |valid, column| {
        NullBuffer::union(valid.as_ref(), column.nulls())
    })
}

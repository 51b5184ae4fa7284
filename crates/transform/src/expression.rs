//! Expressions and filters as others see them: compiled once against columns, evaluated batch by batch. What the parts of an
//! expression mean is the binder's.

use std::fmt;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, Schema, SchemaRef};
use datafusion_common::arrow::array::new_null_array;
use datafusion_common::arrow::compute::concat;
use whimbrel_core::{Error, LogicalType, Result, arrow_type, shorten};

use crate::bind::bind;
use crate::carry::carried;
use crate::column::InputColumn;
use crate::kernel::Tree;
use crate::lookup::Lookups;
use crate::node::Kind;
use crate::outcome::reason;

/// A compiled expression.
#[derive(Clone)]
pub struct Expression {
    text: String,
    tree: Tree,
    logical: LogicalType,
    nullable: bool,
    reads: Vec<usize>,
    schema: SchemaRef,
}

/// What an expression made of a batch.
#[derive(Debug, Clone)]
pub struct Evaluated {
    /// One value per row in the form that carries the expression's logical type; NULL where the row failed.
    pub array: ArrayRef,
    /// The rows that failed, ascending, each with the reason.
    pub failed: Vec<(usize, String)>,
}

impl Expression {
    /// Compiles the text against the columns.
    ///
    /// # Errors
    /// `Invalid` with the place and mostly a hint: what cannot be read, unknown columns and functions, types that do not fit, and whatever
    /// does not depend on the row alone (aggregates, subqueries, clocks, random numbers).
    pub fn compile(text: &str, columns: &[InputColumn], lookups: &Lookups) -> Result<Self> {
        let bound = with_room(|| bind(text, columns, lookups))?;
        let nullable = bound.node.nullable;
        let (node, logical) = carried(bound.node);
        let fields: Vec<Field> = bound
            .reads
            .iter()
            .map(|column| {
                Field::new(
                    &columns[*column].name,
                    arrow_type(&columns[*column].logical),
                    true,
                )
            })
            .collect();
        Ok(Self {
            text: text.to_owned(),
            tree: node.tree,
            logical,
            nullable,
            reads: bound.reads,
            schema: Arc::new(Schema::new(fields)),
        })
    }

    /// Returns the text that was compiled.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the logical type of the values.
    pub fn logical(&self) -> &LogicalType {
        &self.logical
    }

    /// Tells whether a value can be NULL.
    pub fn nullable(&self) -> bool {
        self.nullable
    }

    /// Returns the positions of the columns that it reads, among those it was compiled against.
    pub fn reads(&self) -> &[usize] {
        &self.reads
    }

    /// Evaluates over rows whose columns are those it was compiled against, in their order. A row that cannot be computed is named
    /// with its reason; all others have their value.
    ///
    /// # Errors
    /// `Bug` when the columns are not those, or when the fault lies with no row.
    pub fn evaluate(&self, records: &RecordBatch) -> Result<Evaluated> {
        let mut columns = Vec::with_capacity(self.reads.len());
        for (read, field) in self.reads.iter().zip(self.schema.fields()) {
            let column = records.columns().get(*read);
            let column = column.filter(|column| column.data_type() == field.data_type());
            let column = column.ok_or_else(|| {
                Error::bug(format!(
                    "column `{}` of expression `{}` is not in the batch",
                    field.name(),
                    shorten(&self.text)
                ))
            })?;
            columns.push(Arc::clone(column));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(records.num_rows()));
        let rows = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map_err(|error| Error::bug("the columns of a batch do not fit together").with_cause(error))?;
        self.evaluate_columns(&rows)
    }

    fn evaluate_columns(&self, rows: &RecordBatch) -> Result<Evaluated> {
        let mut found = Evaluation {
            expression: self,
            parts: Vec::new(),
            failed: Vec::new(),
        };
        found.evaluate(rows, 0)?;
        let array = match &found.parts[..] {
            [] => new_null_array(&arrow_type(&self.logical), 0),
            [whole] => Arc::clone(whole),
            parts => {
                let parts: Vec<_> = parts.iter().map(AsRef::as_ref).collect();
                concat(&parts)
                    .map_err(|error| Error::bug("parts of a column do not fit together").with_cause(error))?
            }
        };
        Ok(Evaluated {
            array,
            failed: found.failed,
        })
    }
}

/// Compiles on a stack of its own: the parser and the binder call themselves for every level of an expression, and the stack of
/// the caller may be small.
fn with_room<T: Send>(compile: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    const STACK_BYTES: usize = 64 << 20;
    std::thread::scope(|scope| {
        let compiling = std::thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, compile);
        let compiling = compiling
            .map_err(|error| Error::bug("no thread to compile an expression on").with_cause(error))?;
        compiling
            .join()
            .unwrap_or_else(|_| Err(Error::bug("the compiler of expressions broke")))
    })
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expression")
            .field("text", &self.text)
            .field("logical", &self.logical)
            .finish_non_exhaustive()
    }
}

/// Evaluates a batch as a whole, and halves it only when that fails.
struct Evaluation<'a> {
    expression: &'a Expression,
    parts: Vec<ArrayRef>,
    failed: Vec<(usize, String)>,
}

impl Evaluation<'_> {
    fn evaluate(&mut self, rows: &RecordBatch, first: usize) -> Result<()> {
        let count = rows.num_rows();
        if count == 0 {
            return Ok(());
        }
        let computed = self.expression.tree.evaluate(rows);
        match computed.and_then(|values| values.into_array(count)) {
            Ok(array) => self.keep(array),
            Err(_) if count > 1 => {
                let half = count / 2;
                self.evaluate(&rows.slice(0, half), first)?;
                self.evaluate(&rows.slice(half, count - half), first + half)
            }
            Err(error) => {
                let reason = reason(&error).map_err(|said| {
                    Error::bug(format!(
                        "expression `{}` cannot be computed: {said}",
                        self.expression.text
                    ))
                })?;
                self.failed.push((first, reason));
                self.keep(new_null_array(&arrow_type(&self.expression.logical), 1))
            }
        }
    }

    fn keep(&mut self, array: ArrayRef) -> Result<()> {
        let wanted = arrow_type(&self.expression.logical);
        if *array.data_type() != wanted {
            return Err(Error::bug(format!(
                "expression `{}` made {}; {wanted} was expected",
                self.expression.text,
                array.data_type()
            )));
        }
        self.parts.push(array);
        Ok(())
    }
}

/// A compiled condition: a row is kept when it is true, not when it is false or NULL.
#[derive(Debug, Clone)]
pub struct Filter(Expression);

/// What a filter made of a batch.
#[derive(Debug, Clone)]
pub struct Kept {
    /// One value per row, never NULL: true for the rows that stay; false where the row failed.
    pub rows: BooleanArray,
    /// The rows that failed, ascending, each with the reason.
    pub failed: Vec<(usize, String)>,
}

impl Filter {
    /// Compiles the text against the columns.
    ///
    /// # Errors
    /// As [`Expression::compile`]; `Invalid` also when the expression is no condition.
    pub fn compile(text: &str, columns: &[InputColumn], lookups: &Lookups) -> Result<Self> {
        let expression = Expression::compile(text, columns, lookups)?;
        if *expression.logical() == LogicalType::Boolean {
            return Ok(Self(expression));
        }
        let kind = Kind::of(expression.logical());
        Err(
            Error::invalid(format!("filter `{}` is {kind}; must be boolean", shorten(text)))
                .with_code("expression_invalid")
                .with_hint("compare it with something, such as `country = 'NO'` or `deleted_at IS NULL`"),
        )
    }

    /// Returns the text that was compiled.
    pub fn text(&self) -> &str {
        self.0.text()
    }

    /// Returns the positions of the columns that it reads, among those it was compiled against.
    pub fn reads(&self) -> &[usize] {
        self.0.reads()
    }

    /// Evaluates over rows whose columns are those it was compiled against, in their order.
    ///
    /// # Errors
    /// As [`Expression::evaluate`].
    pub fn evaluate(&self, records: &RecordBatch) -> Result<Kept> {
        let Evaluated { array, failed } = self.0.evaluate(records)?;
        let truth = array.as_boolean();
        let rows = match truth.nulls() {
            Some(nulls) => BooleanArray::new(truth.values() & nulls.inner(), None),
            None => truth.clone(),
        };
        Ok(Kept { rows, failed })
    }
}

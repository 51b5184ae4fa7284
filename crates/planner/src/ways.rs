//! The ways of the columns: in which form the values travel, and into which native type. How they are chosen is `mapping`'s.

use std::collections::BTreeMap;

use whimbrel_core::{ColumnUse, Fidelity, LogicalType, TableId, UserType, ValueRule};

use crate::scope::Scope;

/// One column's way.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    /// Name in the target.
    pub(crate) target: String,
    pub(crate) native: String,
    pub(crate) logical: LogicalType,
    pub(crate) fidelity: Fidelity,
    /// True for a column that stays behind.
    pub(crate) left_out: bool,
    /// What else the source offers, for columns that must agree with others.
    pub(crate) offers: Vec<Offer>,
    pub(crate) usage: ColumnUse,
    /// What becomes of values that would not arrive.
    pub(crate) rule: Option<ValueRule>,
    /// The type of the column's own that the plan makes for it.
    pub(crate) own_type: Option<UserType>,
    /// The logical type of a column that keeps a related engine's own form; none for all others.
    pub(crate) meaning: Option<LogicalType>,
}

impl Way {
    /// What expressions take the column's values for.
    pub(crate) fn meaning(&self) -> &LogicalType {
        self.meaning.as_ref().unwrap_or(&self.logical)
    }

    /// Tells whether the column keeps its type and all that hangs on it in a related engine.
    pub(crate) fn is_adopted(&self) -> bool {
        self.meaning.is_some()
    }
}

/// A form in which the source can give a column's values.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    pub(crate) logical: LogicalType,
    pub(crate) fidelity: Fidelity,
}

/// The ways of all columns, by source table and column.
#[derive(Default)]
pub(crate) struct Ways(pub(crate) BTreeMap<TableId, BTreeMap<String, Way>>);

impl Ways {
    pub(crate) fn of(&self, table: &TableId, column: &str) -> Option<&Way> {
        self.0.get(table)?.get(column)
    }

    /// The way of a column that does not stay behind.
    pub(crate) fn moved(&self, table: &TableId, column: &str) -> Option<&Way> {
        self.of(table, column).filter(|way| !way.left_out)
    }
}

/// The native type for a form, and how faithful the whole way is.
pub(crate) fn native(scope: &Scope<'_>, offer: &Offer, usage: &ColumnUse) -> (String, Fidelity) {
    let native = scope.target.dialect.native(&offer.logical, usage);
    (native.to, combine(&offer.fidelity, &native.fidelity))
}

/// The fidelity of one mapping after another: the worse of both; equally bad ones keep both reasons.
pub(crate) fn combine(first: &Fidelity, second: &Fidelity) -> Fidelity {
    let joined = |a: &str, b: &str| match (a.is_empty(), b.is_empty(), a == b) {
        (_, true, _) | (_, _, true) => a.to_owned(),
        (true, false, false) => b.to_owned(),
        (false, false, false) => format!("{a}; {b}"),
    };
    match (first, second) {
        (Fidelity::Unsupported(a), Fidelity::Unsupported(b)) => Fidelity::Unsupported(joined(a, b)),
        (Fidelity::Unsupported(why), _) | (_, Fidelity::Unsupported(why)) => {
            Fidelity::Unsupported(why.clone())
        }
        (Fidelity::Lossy(a), Fidelity::Lossy(b)) => Fidelity::Lossy(joined(a, b)),
        (Fidelity::Lossy(why), _) | (_, Fidelity::Lossy(why)) => Fidelity::Lossy(why.clone()),
        (Fidelity::Widened(a), Fidelity::Widened(b)) => Fidelity::Widened(joined(a, b)),
        (Fidelity::Widened(why), Fidelity::Exact) | (Fidelity::Exact, Fidelity::Widened(why)) => {
            Fidelity::Widened(why.clone())
        }
        (Fidelity::Exact, Fidelity::Exact) => Fidelity::Exact,
    }
}

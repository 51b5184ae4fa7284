//! The second witness: what each database computes itself. Only what both say is compared; the rest is listed.

use whimbrel_core::{ColumnAggregate, TableAggregate, TablePlan, Witness};

use super::expected::TableExpected;
use crate::columns::{Side, withhold};
use crate::quantity::counted;

/// Compares what the databases say about a table.
pub(super) fn compare(plan: &TablePlan, expected: &TableExpected, target: &TableAggregate) -> Witness {
    let mut witness = Witness::default();
    if expected.replayed > 0 {
        witness.not_comparable.push(format!(
            "{} that had been rejected came later than the source's aggregates",
            counted(expected.replayed, "row")
        ));
        return witness;
    }
    let rejected = expected.rejected;
    let Some(source) = &expected.aggregate else {
        witness
            .not_comparable
            .push("what the source said in its snapshot was not kept".to_owned());
        return witness;
    };
    if rejected > 0 {
        witness.not_comparable.push(match rejected {
            1 => "1 rejected row is in the source's aggregates only".to_owned(),
            many => format!("{many} rejected rows are in the source's aggregates only"),
        });
        return witness;
    }
    let mut target = target.clone();
    withhold(plan, Side::Target, &mut target);
    both(&mut witness, "rows", Some(source.rows), Some(target.rows));
    for column in &plan.columns {
        let name = &column.target;
        if column.rule.is_some() {
            witness
                .not_comparable
                .push(format!("`{name}`: its rule changes values"));
            continue;
        }
        match (source.columns.get(&column.source), target.columns.get(name)) {
            (Some(source), Some(target)) => compare_column(&mut witness, name, source, target),
            (None, _) => witness
                .not_comparable
                .push(format!("`{name}`: the source says nothing")),
            (_, None) => witness
                .not_comparable
                .push(format!("`{name}`: the target says nothing")),
        }
    }
    witness
}

fn compare_column(witness: &mut Witness, name: &str, source: &ColumnAggregate, target: &ColumnAggregate) {
    both(
        witness,
        &format!("`{name}` nulls"),
        Some(source.nulls),
        Some(target.nulls),
    );
    both(
        witness,
        &format!("`{name}` sum"),
        source.sum.as_ref(),
        target.sum.as_ref(),
    );
    both(
        witness,
        &format!("`{name}` min"),
        source.min.as_ref(),
        target.min.as_ref(),
    );
    both(
        witness,
        &format!("`{name}` max"),
        source.max.as_ref(),
        target.max.as_ref(),
    );
    both(witness, &format!("`{name}` bytes"), source.bytes, target.bytes);
    both(witness, &format!("`{name}` trues"), source.trues, target.trues);
    let says_more = |aggregate: &ColumnAggregate| {
        let bare = ColumnAggregate {
            nulls: aggregate.nulls,
            ..ColumnAggregate::default()
        };
        *aggregate != bare
    };
    if says_more(source) != says_more(target) {
        witness
            .not_comparable
            .push(format!("`{name}`: only one side aggregates its values"));
    }
}

fn both<T: PartialEq + std::fmt::Display>(
    witness: &mut Witness,
    what: &str,
    source: Option<T>,
    target: Option<T>,
) {
    let (Some(source), Some(target)) = (source, target) else {
        return;
    };
    witness.compared += 1;
    if source != target {
        witness
            .different
            .push(format!("{what}: source says {source}, target says {target}"));
    }
}

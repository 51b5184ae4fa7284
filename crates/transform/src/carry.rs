//! Between the form in which values travel in batches and the form in which they are computed with.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, StringArray};
use whimbrel_core::LogicalType;

use crate::kernel::{Kernel, OnRefusal};
use crate::node::{Kind, Node};
use crate::number::{self, Excess};

/// Makes the values ready to be computed with; the text says why they cannot be.
pub(crate) fn working(node: Node) -> Result<Node, String> {
    let Some(logical) = &node.carried else {
        return Ok(node);
    };
    let loaded = match (&node.kind, logical) {
        (Kind::Opaque(LogicalType::Any), _) => {
            return Err(
                "a column of values of any type can only be passed on as it is, or tested for NULL"
                    .to_owned(),
            );
        }
        (Kind::Opaque(logical), _) => {
            return Err(format!(
                "a column of type {logical} can only be passed on as it is, or tested for NULL"
            ));
        }
        (Kind::Decimal { precision, scale, .. }, _) => {
            let (precision, scale) = (*precision, *scale);
            let tree = Kernel::tree(
                "digits",
                vec![node.tree.clone()],
                node.kind.arrow(),
                Arc::new(move |columns| {
                    let how = (Excess::Refuse, OnRefusal::Fail);
                    number::read_column(columns[0].as_string(), precision, scale, how)
                }),
            );
            Node::of(tree, node.kind.clone(), &[&node]).fallible()
        }
        (_, LogicalType::Text { padded: true, .. }) => {
            let tree = Kernel::tree(
                "unpadded",
                vec![node.tree.clone()],
                node.kind.arrow(),
                Arc::new(|columns| {
                    let texts = columns[0].as_string::<i32>();
                    let unpadded = texts
                        .iter()
                        .map(|text| text.map(|text| text.trim_end_matches(' ')));
                    Ok(Arc::new(unpadded.collect::<StringArray>()))
                }),
            );
            Node::of(tree, node.kind.clone(), &[&node])
        }
        _ => Node {
            carried: None,
            ..node
        },
    };
    Ok(loaded)
}

/// Makes the values ready to travel; returns them and their logical type.
pub(crate) fn carried(node: Node) -> (Node, LogicalType) {
    if let Some(logical) = &node.carried {
        let logical = logical.clone();
        return (node, logical);
    }
    let logical = node.kind.logical();
    let stored = match node.kind {
        Kind::Decimal { unbounded, .. } => {
            let tree = Kernel::tree(
                "as_digits",
                vec![node.tree.clone()],
                whimbrel_core::arrow_type(&logical),
                Arc::new(move |columns| number::write_column(&columns[0], unbounded)),
            );
            Node::of(tree, node.kind.clone(), &[&node])
        }
        Kind::Null => {
            let tree = Kernel::tree(
                "nulls",
                vec![node.tree.clone()],
                whimbrel_core::arrow_type(&logical),
                Arc::new(|columns| Ok(Arc::new(StringArray::new_null(columns[0].len())))),
            );
            Node::of(tree, Kind::TEXT, &[&node])
        }
        Kind::Boolean
        | Kind::Integer { .. }
        | Kind::Float { .. }
        | Kind::Text { .. }
        | Kind::Bytes
        | Kind::Date
        | Kind::Time
        | Kind::Timestamp { .. }
        | Kind::Interval
        | Kind::Uuid
        | Kind::Json
        | Kind::Opaque(_) => node,
    };
    (stored, logical)
}

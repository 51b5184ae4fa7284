//! What a domain behind a column means for values that a mapping changes. What a domain means in another engine is the planner's.

use whimbrel_core::{Column, TableId, UserType, UserTypeKind};

use super::sources::Described;

/// How many domains may stand over each other.
const DEPTH_MAX: usize = 32;

/// Tells whether the column takes NULL, which a domain of its own may forbid.
pub(crate) fn takes_null(described: &Described<'_>, column: &Column) -> bool {
    let forbids = |own: &&UserType| matches!(&own.kind, UserTypeKind::Domain { not_null: true, .. });
    column.nullable && !chain(described, column).iter().any(forbids)
}

/// The column as it is below the conditions of its domains, and the domain that it had; none when there are no conditions, which values that
/// are not the source's may not meet.
pub(crate) fn without_conditions(described: &Described<'_>, column: &Column) -> Option<(Column, TableId)> {
    let chain = chain(described, column);
    let conditional = chain.iter().rposition(|own| match &own.kind {
        UserTypeKind::Domain { checks, .. } => !checks.is_empty(),
        UserTypeKind::Enum { .. } | UserTypeKind::Composite { .. } | UserTypeKind::Range { .. } => false,
    })?;
    let mut made = column.clone();
    for own in &chain[..=conditional] {
        if let UserTypeKind::Domain {
            base,
            not_null,
            default,
            collation,
            ..
        } = &own.kind
        {
            made.native.clone_from(base);
            made.user_type = named(described, base).map(|behind| described.called(&behind.id));
            made.nullable &= !not_null;
            made.default = made.default.or_else(|| default.clone());
            made.collation = made.collation.or_else(|| collation.clone());
        }
    }
    Some((made, chain[0].id.clone()))
}

/// The column as it is below its domains.
pub(crate) fn below(described: &Described<'_>, column: &Column) -> Column {
    let mut made = column.clone();
    for own in chain(described, column) {
        if let UserTypeKind::Domain { base, .. } = &own.kind {
            made.native.clone_from(base);
            made.user_type = named(described, base).map(|behind| described.called(&behind.id));
        }
    }
    made
}

/// The domains behind a column, the nearest first; none behind an array of them.
fn chain<'a>(described: &Described<'a>, column: &Column) -> Vec<&'a UserType> {
    let mut types = described.catalog.types.iter();
    let mut next = types
        .find(|own| column.user_type.as_ref() == Some(&described.called(&own.id)))
        .filter(|_| !column.native.ends_with("[]"));
    let mut found = Vec::new();
    while let Some(own) = next.filter(|_| found.len() < DEPTH_MAX) {
        let UserTypeKind::Domain { base, .. } = &own.kind else {
            break;
        };
        found.push(own);
        next = named(described, base);
    }
    found
}

/// The type that goes by the native name.
fn named<'a>(described: &Described<'a>, native: &str) -> Option<&'a UserType> {
    let mut types = described.catalog.types.iter();
    types.find(|own| described.dialect.type_name(&own.id) == native)
}

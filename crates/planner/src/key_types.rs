//! Gives all columns that foreign keys link one type, so that the keys can be made: the widest number, else a form that every one of them offers.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::discriminant;

use whimbrel_core::{ForeignKey, LogicalType, Table, TableId};

use crate::notes::Notes;
use crate::scope::{Scope, column_subject};
use crate::select::Selection;
use crate::ways::{Offer, Ways, native};

/// A column of a source table.
type Place = (TableId, String);

/// Makes the types of linked columns agree where they can; a key whose columns cannot agree is settled with the key.
pub(crate) fn unify(scope: &Scope<'_>, selection: &Selection<'_>, ways: &mut Ways, notes: &mut Notes<'_>) {
    let moves = |table: &TableId, column: &str| ways.moved(table, column).is_some();
    for component in components(scope, selection, moves) {
        let Some(wanted) = common(&component, ways) else {
            agree_on_uuids(scope, &component, ways, notes);
            continue;
        };
        for place in &component {
            adopt(scope, place, &wanted, ways, notes);
        }
    }
}

/// Tells whether two forms can stand on both ends of a foreign key.
pub(crate) fn comparable(one: &LogicalType, other: &LogicalType) -> bool {
    let is_text =
        |logical: &LogicalType| matches!(logical, LogicalType::Text { .. } | LogicalType::Enum { .. });
    discriminant(one) == discriminant(other) || (is_text(one) && is_text(other))
}

/// Tells whether the columns, in any order, are a primary or unique key, or a unique index over all rows.
pub(crate) fn is_key(table: &Table, columns: &[String]) -> bool {
    let wanted: BTreeSet<&String> = columns.iter().collect();
    let mut keys = table.unique_keys();
    keys.any(|(_, columns)| columns.iter().collect::<BTreeSet<_>>() == wanted)
}

/// The sets of columns that foreign keys link, among those that move.
pub(crate) fn components(
    scope: &Scope<'_>,
    selection: &Selection<'_>,
    moves: impl Fn(&TableId, &str) -> bool,
) -> Vec<BTreeSet<Place>> {
    let mut links: BTreeMap<Place, BTreeSet<Place>> = BTreeMap::new();
    for table in &selection.tables {
        for key in table.foreign_keys.iter().filter(|key| can_be_made(scope, key)) {
            for (column, referred) in key.columns.iter().zip(&key.referred) {
                let ends = (
                    (table.id.clone(), column.clone()),
                    (key.references.clone(), referred.clone()),
                );
                let chosen = selection.has_table(&key.references);
                if chosen && moves(&ends.0.0, column) && moves(&ends.1.0, referred) {
                    links.entry(ends.0.clone()).or_default().insert(ends.1.clone());
                    links.entry(ends.1).or_default().insert(ends.0);
                }
            }
        }
    }
    let mut components = Vec::new();
    while let Some(first) = links.keys().next().cloned() {
        let mut component = BTreeSet::new();
        let mut open = vec![first];
        while let Some(place) = open.pop() {
            open.extend(links.remove(&place).into_iter().flatten());
            component.insert(place);
        }
        components.push(component);
    }
    components
}

/// A key that points to no key is left out, and must not change any type.
fn can_be_made(scope: &Scope<'_>, key: &ForeignKey) -> bool {
    let referred = scope.source.catalog.table(&key.references);
    referred.is_some_and(|table| scope.inline() || is_key(table, &key.referred))
}

/// The form that all columns can have; none when they agree already or cannot.
fn common(component: &BTreeSet<Place>, ways: &Ways) -> Option<LogicalType> {
    let members: Vec<_> = component
        .iter()
        .filter_map(|(table, column)| ways.of(table, column))
        .collect();
    let first = members.first()?;
    if members.iter().all(|way| comparable(&way.logical, &first.logical)) {
        return widest_number(members.iter().map(|way| &way.logical));
    }
    // Preferred is what most columns have already; ties go to the first.
    let votes = |logical: &LogicalType| {
        members
            .iter()
            .filter(|way| comparable(&way.logical, logical))
            .count()
    };
    let offered = members
        .iter()
        .flat_map(|way| &way.offers)
        .map(|offer| &offer.logical);
    let possible = offered.filter(|logical| {
        members
            .iter()
            .all(|way| way.offers.iter().any(|offer| comparable(&offer.logical, logical)))
    });
    let best = possible.rev().max_by_key(|logical| votes(logical))?;
    let chosen = members
        .iter()
        .filter_map(|way| way.offers.iter().find(|offer| comparable(&offer.logical, best)))
        .map(|offer| &offer.logical);
    widest_number(chosen).or_else(|| Some(best.clone()))
}

/// Gives linked UUIDs one type, where values or a person have chosen another one for some of them: no two types for UUIDs compare alike.
fn agree_on_uuids(scope: &Scope<'_>, component: &BTreeSet<Place>, ways: &mut Ways, notes: &mut Notes<'_>) {
    let members = || {
        component
            .iter()
            .filter_map(|(table, column)| ways.of(table, column))
    };
    if members().any(|way| way.logical != LogicalType::Uuid) {
        return;
    }
    let dialect = scope.target.dialect;
    let chosen = members().find(|way| way.native != dialect.native(&way.logical, &way.usage).to);
    let Some((chosen, fidelity)) = chosen.map(|way| (way.native.clone(), way.fidelity.clone())) else {
        return;
    };
    for (table, column) in component {
        let of_table = ways.0.get_mut(table);
        let Some(way) = of_table.and_then(|of_table| of_table.get_mut(column)) else {
            continue;
        };
        if way.native != chosen {
            note_unified((table, column), &way.native, &chosen, notes);
            (way.native, way.fidelity) = (chosen.clone(), fidelity.clone());
        }
    }
}

fn note_unified((table, column): (&TableId, &str), was: &str, native: &str, notes: &mut Notes<'_>) {
    notes.info(
        "key_type_unified",
        column_subject(table, column),
        format!(
            "`{table}.{column}` becomes `{native}` instead of `{was}`, like the columns that its foreign keys link"
        ),
    );
}

/// The form that holds the numbers of all these forms; none when they are not numbers of one kind.
fn widest_number<'l>(types: impl Iterator<Item = &'l LogicalType> + Clone) -> Option<LogicalType> {
    widest_integer(types.clone()).or_else(|| widest_decimal(types))
}

fn widest_decimal<'l>(types: impl Iterator<Item = &'l LogicalType>) -> Option<LogicalType> {
    // Digits before the point, and after it.
    let mut digits = Some((0, 0));
    let mut is_any = false;
    for logical in types {
        let LogicalType::Decimal { precision, scale } = logical else {
            return None;
        };
        is_any = true;
        let scale = scale.unwrap_or(0);
        let before = precision
            .and_then(|precision| i32::try_from(precision).ok())
            .map(|all| all - scale);
        digits = digits
            .zip(before)
            .map(|((widest, longest), before)| (before.max(widest), scale.max(longest)));
    }
    let all = digits.and_then(|(before, after)| u32::try_from(before + after).ok());
    is_any.then_some(LogicalType::Decimal {
        precision: all,
        scale: all.and(digits).map(|(_, after)| after),
    })
}

fn widest_integer<'l>(types: impl Iterator<Item = &'l LogicalType>) -> Option<LogicalType> {
    let bits = |logical: &LogicalType| {
        if let LogicalType::Integer { bits } = logical {
            Some(*bits)
        } else {
            None
        }
    };
    let widths: Option<Vec<u8>> = types.map(bits).collect();
    let widest = widths?.into_iter().max()?;
    Some(LogicalType::Integer { bits: widest })
}

/// Gives a column the wanted form. A number of any width travels alike, so only the target's type widens.
fn adopt(
    scope: &Scope<'_>,
    (table, column): &Place,
    wanted: &LogicalType,
    ways: &mut Ways,
    notes: &mut Notes<'_>,
) {
    let of_table = ways.0.get_mut(table);
    let Some(way) = of_table.and_then(|of_table| of_table.get_mut(column)) else {
        return;
    };
    let Some(offer) = way.offers.iter().find(|offer| comparable(&offer.logical, wanted)) else {
        return;
    };
    let logical = if matches!(wanted, LogicalType::Integer { .. } | LogicalType::Decimal { .. }) {
        wanted.clone()
    } else if comparable(&way.logical, wanted) {
        way.logical.clone()
    } else {
        offer.logical.clone()
    };
    if logical == way.logical {
        return;
    }
    let offer = Offer {
        logical,
        fidelity: offer.fidelity.clone(),
    };
    let (native, fidelity) = native(scope, &offer, &way.usage);
    note_unified((table, column), &way.native, &native, notes);
    (way.native, way.logical, way.fidelity) = (native, offer.logical, fidelity);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(precision: Option<u32>, scale: Option<i32>) -> LogicalType {
        LogicalType::Decimal { precision, scale }
    }

    #[test]
    fn the_widest_decimal_holds_the_digits_of_all_on_both_sides_of_the_point() {
        let (long, fine, free) = (
            decimal(Some(20), Some(0)),
            decimal(Some(6), Some(4)),
            decimal(None, None),
        );
        for (types, widest) in [
            (vec![&long, &fine], Some(decimal(Some(24), Some(4)))),
            (vec![&fine, &fine], Some(fine.clone())),
            (vec![&long, &free, &fine], Some(free.clone())),
            (vec![&long, &LogicalType::Boolean], None),
            (vec![], None),
        ] {
            assert_eq!(widest_decimal(types.clone().into_iter()), widest, "{types:?}");
        }
    }
}

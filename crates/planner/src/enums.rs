//! Enums of a source as types of their own in a target that has such types: one for each source type, for each set of linked columns, or
//! for each column. Elsewhere the dialect says what holds the labels.

use std::collections::{BTreeMap, BTreeSet};

use whimbrel_core::{LogicalType, NameLimit, TableId, UserType, UserTypeKind};

use crate::key_types;
use crate::kin::Kin;
use crate::names::Names;
use crate::scope::{Scope, Spot};
use crate::select::Selection;
use crate::ways::Ways;

/// The types that columns may become, by source table and column.
#[derive(Default)]
pub(crate) struct EnumTypes(BTreeMap<(TableId, String), UserType>);

/// A column of a source table.
type Place = (TableId, String);

impl EnumTypes {
    /// Names a type for every enum that can become one.
    pub(crate) fn name(scope: &Scope<'_>, selection: &Selection<'_>, kin: &Kin, names: &mut Names) -> Self {
        let mut types = Self::default();
        if scope.equal || !scope.target.capabilities.user_types {
            return types;
        }
        let labelled = labelled(scope, selection, kin);
        let linked = linked(scope, selection, &labelled);
        let mut made: BTreeMap<Origin, UserType> = BTreeMap::new();
        for (place, (source, labels)) in &labelled {
            let origin = match (linked.get(place), source) {
                (Some(None), _) => continue,
                (Some(Some(first)), None) => Origin::Column(first.clone()),
                (_, Some(source)) => Origin::Type(source.clone()),
                (None, None) => Origin::Column(place.clone()),
            };
            let user_type = made.entry(origin).or_insert_with_key(|origin| UserType {
                id: names.enum_type(scope, &origin.table(place), &origin.wanted(names)),
                kind: UserTypeKind::Enum {
                    labels: labels.clone(),
                },
                comment: None,
            });
            types.0.insert(place.clone(), user_type.clone());
        }
        types
    }

    pub(crate) fn of(&self, table: &TableId, column: &str) -> Option<&UserType> {
        self.0.get(&(table.clone(), column.to_owned()))
    }

    /// Linked columns must be of one type: where one of them is held as text, all are.
    pub(crate) fn agree(scope: &Scope<'_>, selection: &Selection<'_>, ways: &mut Ways) {
        let moves = |table: &TableId, column: &str| ways.moved(table, column).is_some();
        for component in key_types::components(scope, selection, moves) {
            let own: BTreeSet<Option<TableId>> = component
                .iter()
                .filter_map(|(table, column)| ways.of(table, column))
                .map(|way| way.own_type.as_ref().map(|own| own.id.clone()))
                .collect();
            if own.len() < 2 {
                continue;
            }
            for (table, column) in &component {
                let of_table = ways.0.get_mut(table);
                let way = of_table.and_then(|of_table| of_table.get_mut(column));
                if let Some(way) = way.filter(|way| way.own_type.is_some()) {
                    let held = scope.target.dialect.native(&way.logical, &way.usage);
                    (way.native, way.fidelity, way.own_type) = (held.to, held.fidelity, None);
                }
            }
        }
    }
}

/// What a type comes from.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Origin {
    Type(TableId),
    Column(Place),
}

impl Origin {
    fn wanted(&self, names: &Names) -> String {
        match self {
            Self::Type(id) => id.name.clone(),
            Self::Column((table, column)) => {
                format!("{}_{}", names.table(table).name, names.column(table, column))
            }
        }
    }

    /// The source table beside which the type lives.
    fn table(&self, place: &Place) -> TableId {
        match self {
            Self::Type(_) => place.0.clone(),
            Self::Column((table, _)) => table.clone(),
        }
    }
}

/// Columns with labels that a type of the target can have, with the source's own type where it has one.
fn labelled(
    scope: &Scope<'_>,
    selection: &Selection<'_>,
    kin: &Kin,
) -> BTreeMap<Place, (Option<TableId>, Vec<String>)> {
    let mut labelled = BTreeMap::new();
    for table in &selection.tables {
        for column in &table.columns {
            let spot = Spot { scope, table, column };
            let LogicalType::Enum { labels, .. } = spot.mapped().to else {
                continue;
            };
            if kin.native(&table.id, &column.name).is_none() && can_be_labels(scope, &labels) {
                labelled.insert(spot.place(), (column.user_type.clone(), labels));
            }
        }
    }
    labelled
}

/// Labels are names to the engines that have types of the user's own: short, and each once.
fn can_be_labels(scope: &Scope<'_>, labels: &[String]) -> bool {
    let fits = |label: &String| match scope.target.capabilities.name_limit {
        None => true,
        Some(NameLimit::Bytes(max)) => label.len() <= max,
        Some(NameLimit::Chars(max)) => label.chars().count() <= max,
    };
    let unique: BTreeSet<&String> = labels.iter().collect();
    !labels.is_empty() && unique.len() == labels.len() && labels.iter().all(fits)
}

/// For each linked column the one that its set is named after; none for a set that does not agree.
fn linked(
    scope: &Scope<'_>,
    selection: &Selection<'_>,
    labelled: &BTreeMap<Place, (Option<TableId>, Vec<String>)>,
) -> BTreeMap<Place, Option<Place>> {
    let mut linked = BTreeMap::new();
    for component in key_types::components(scope, selection, |_, _| true) {
        let mut kinds = component.iter().map(|place| labelled.get(place));
        let first = kinds.next().flatten();
        let agrees = first.is_some() && kinds.all(|kind| kind == first);
        let name = component.first().filter(|_| agrees).cloned();
        linked.extend(component.into_iter().map(|place| (place, name.clone())));
    }
    linked
}

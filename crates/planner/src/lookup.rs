//! Where things of both catalogs stand, by name: made once, so that a question about one object does not walk through all of them. What
//! the answers mean is for those who ask.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use whimbrel_core::{Families, NameEquality, OtherObject, Table, TableId};

use crate::PlanInput;

/// A name with its namespace, without arguments.
pub(crate) type QualifiedName = (Option<String>, String);

/// An object of the target's that has a planned name.
#[derive(Clone, Copy)]
pub(crate) enum There<'a> {
    Table(&'a Table),
    View,
    Sequence,
    Type,
}

/// The name as definitions spell it: the catalog may carry the arguments in it, so that overloads differ.
pub(crate) fn bare_name(id: &TableId) -> QualifiedName {
    let bare = id.name.split('(').next().unwrap_or_default();
    (id.namespace.clone(), bare.to_owned())
}

/// The objects of both catalogs by name.
pub(crate) struct Lookup<'a> {
    /// Which names the target takes for one.
    names: NameEquality,
    /// Tables, views, sequences and types of the target, by the names that it compares.
    there: HashMap<TableId, There<'a>>,
    /// Places in the source's list of other objects, by the names that definitions spell.
    by_bare_name: HashMap<QualifiedName, Vec<usize>>,
    source_others: HashMap<&'a TableId, Vec<&'a OtherObject>>,
    target_others: HashMap<&'a TableId, Vec<&'a OtherObject>>,
    source_views: HashSet<&'a TableId>,
    /// Which tables of the source are parts of which others.
    pub(crate) source_families: Families<'a>,
    /// The same for the target's.
    pub(crate) target_families: Families<'a>,
    /// Extensions that the target lacks, once somebody asked.
    pub(crate) missing_extensions: OnceCell<Vec<&'a str>>,
}

impl<'a> Lookup<'a> {
    pub(crate) fn new(input: &'a PlanInput<'a>) -> Self {
        let (source, target) = (input.source.catalog, input.target.catalog);
        let mut by_bare_name: HashMap<QualifiedName, Vec<usize>> = HashMap::new();
        for (at, other) in source.others.iter().enumerate() {
            by_bare_name.entry(bare_name(&other.id)).or_default().push(at);
        }
        let mut lookup = Self {
            names: input.target.capabilities.names,
            there: HashMap::new(),
            by_bare_name,
            source_others: by_id(&source.others),
            target_others: by_id(&target.others),
            source_views: source.views.iter().map(|view| &view.id).collect(),
            source_families: Families::of(&source.tables),
            target_families: Families::of(&target.tables),
            missing_extensions: OnceCell::new(),
        };
        let tables = target.tables.iter().map(|table| (&table.id, There::Table(table)));
        let views = target.views.iter().map(|view| (&view.id, There::View));
        let sequences = target.sequences.iter().filter(|sequence| !sequence.implicit);
        let sequences = sequences.map(|sequence| (&sequence.id, There::Sequence));
        let types = target.types.iter().map(|user_type| (&user_type.id, There::Type));
        for (id, there) in tables.chain(views).chain(sequences).chain(types) {
            let name = lookup.as_compared(id);
            lookup.there.entry(name).or_insert(there);
        }
        lookup
    }

    /// The object of the target's that has the name: a table before a view, a sequence and a type.
    pub(crate) fn there(&self, target: &TableId) -> Option<There<'a>> {
        self.there.get(&self.as_compared(target)).copied()
    }

    /// The target's table of that name.
    pub(crate) fn target_table(&self, target: &TableId) -> Option<&'a Table> {
        match self.there(target) {
            Some(There::Table(table)) => Some(table),
            Some(There::View | There::Sequence | There::Type) | None => None,
        }
    }

    /// Tells whether the source has a view of that name.
    pub(crate) fn is_source_view(&self, id: &TableId) -> bool {
        self.source_views.contains(id)
    }

    /// The source's other objects of that name.
    pub(crate) fn source_others(&self, id: &TableId) -> &[&'a OtherObject] {
        self.source_others.get(id).map_or(&[], Vec::as_slice)
    }

    /// The target's other objects of that name.
    pub(crate) fn target_others(&self, id: &TableId) -> &[&'a OtherObject] {
        self.target_others.get(id).map_or(&[], Vec::as_slice)
    }

    /// Places of the source's other objects that definitions spell so, in the order of its catalog.
    pub(crate) fn spelled(&self, name: &QualifiedName) -> &[usize] {
        self.by_bare_name.get(name).map_or(&[], Vec::as_slice)
    }

    fn as_compared(&self, id: &TableId) -> TableId {
        TableId {
            namespace: id.namespace.clone(),
            name: self.names.folded(&id.name),
        }
    }
}

fn by_id(others: &[OtherObject]) -> HashMap<&TableId, Vec<&OtherObject>> {
    let mut found: HashMap<&TableId, Vec<&OtherObject>> = HashMap::new();
    for other in others {
        found.entry(&other.id).or_default().push(other);
    }
    found
}

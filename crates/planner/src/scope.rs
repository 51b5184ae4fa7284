//! What every part of the planner looks at: both sides, whether they are of one engine, and short ways to the profile.

use whimbrel_core::{
    Column, ColumnProfile, Dialect, Feature, LogicalType, Mapped, ObjectId, ObjectKind, Table, TableId,
    TableProfile,
};

use crate::lookup::Lookup;
use crate::{Origin, PlanInput, Side};

/// Both sides of the migration.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) input: &'a PlanInput<'a>,
    /// The objects of both by name.
    pub(crate) lookup: &'a Lookup<'a>,
    pub(crate) source: &'a Side<'a>,
    pub(crate) target: &'a Side<'a>,
    /// True when both sides are of one engine, so that definitions travel as they are printed.
    pub(crate) equal: bool,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(input: &'a PlanInput<'a>, lookup: &'a Lookup<'a>) -> Self {
        Self {
            input,
            lookup,
            source: &input.source,
            target: &input.target,
            equal: input.source.catalog.engine == input.target.catalog.engine && input.origins.is_empty(),
        }
    }

    /// Tells whether texts travel as they are printed: between equal engines where nothing is called otherwise.
    pub(crate) fn is_verbatim(&self) -> bool {
        let renames = &self.input.wishes.renames;
        self.equal && renames.tables.is_empty() && renames.columns.is_empty()
    }

    /// Tells whether the source has a table or a view of the name, after the mapping.
    pub(crate) fn is_relation(&self, id: &TableId) -> bool {
        self.source.catalog.table(id).is_some() || self.lookup.is_source_view(id)
    }

    /// Tells whether the mapping splits or merges the table of the name, and makes none that has it.
    pub(crate) fn is_dissolved(&self, id: &TableId) -> bool {
        self.input.wishes.renames.dissolved.contains(id) && !self.is_relation(id)
    }

    /// The language of the database that a table comes from.
    pub(crate) fn dialect_of(&self, table: &Table) -> &'a dyn Dialect {
        self.dialect_from(table.origin.as_deref())
    }

    /// The language of the database with the name, where the source is several.
    pub(crate) fn dialect_from(&self, origin: Option<&str>) -> &'a dyn Dialect {
        self.origin(origin)
            .map_or(self.source.dialect, |origin| origin.dialect)
    }

    /// Tells whether the database that a table comes from knows the target's words: it is of the same engine, or of a flavour of it.
    pub(crate) fn is_kin(&self, origin: Option<&str>) -> bool {
        let engine = self.engine(origin);
        engine == self.target.catalog.engine || self.target.dialect.is_kin(engine)
    }

    /// The engine of the database that a table comes from.
    pub(crate) fn engine(&self, origin: Option<&str>) -> &'a str {
        self.origin(origin)
            .map_or(&self.source.catalog.engine, |origin| &origin.engine)
    }

    /// Tells whether the database that a table comes from is of the target's own engine.
    pub(crate) fn is_same_engine(&self, origin: Option<&str>) -> bool {
        self.engine(origin) == self.target.catalog.engine
    }

    /// The namespaces that one of several databases has of its own.
    pub(crate) fn own_namespaces(&self, origin: Option<&str>) -> &'a [String] {
        self.origin(origin).map_or(&[], |origin| &origin.namespaces)
    }

    fn origin(&self, name: Option<&str>) -> Option<&'a Origin<'a>> {
        let name = name?;
        self.input.origins.iter().find(|origin| origin.name == name)
    }

    pub(crate) fn profile(&self, table: &TableId) -> Option<&'a TableProfile> {
        self.input.profiles.get(table)
    }

    pub(crate) fn column_profile(&self, table: &TableId, column: &str) -> Option<&'a ColumnProfile> {
        self.profile(table)?.columns.get(column)
    }

    /// Tells whether a feature of the source's arrives: when the target has it, and between equal engines unless it is one that came with a
    /// later version than the target's.
    pub(crate) fn keeps(&self, feature: Feature) -> bool {
        self.target.dialect.has(feature) || self.equal && !self.source.dialect.has(feature)
    }

    /// True when keys and checks stand inside CREATE TABLE, where they are not checked against rows that are loaded later.
    pub(crate) fn inline(&self) -> bool {
        self.target.capabilities.constraints_inline
    }

    /// True when the target can hold a foreign key that existing rows break and that says so.
    pub(crate) fn allows_unvalidated(&self) -> bool {
        !self.inline()
    }
}

/// One source column, and where it is looked at from.
#[derive(Clone, Copy)]
pub(crate) struct Spot<'s, 'a> {
    pub(crate) scope: &'s Scope<'a>,
    pub(crate) table: &'s Table,
    pub(crate) column: &'s Column,
}

impl<'a> Spot<'_, 'a> {
    pub(crate) fn subject(&self) -> ObjectId {
        column_subject(&self.table.id, &self.column.name)
    }

    /// The key under which maps hold the column.
    pub(crate) fn place(&self) -> (TableId, String) {
        (self.table.id.clone(), self.column.name.clone())
    }

    pub(crate) fn profile(&self) -> Option<&'a ColumnProfile> {
        self.scope.column_profile(&self.table.id, &self.column.name)
    }

    /// The form in which the source would give the values to another engine.
    pub(crate) fn mapped(&self) -> Mapped<LogicalType> {
        self.mapped_with(self.profile())
    }

    /// The same without a look at the values.
    pub(crate) fn mapped_blindly(&self) -> Mapped<LogicalType> {
        self.mapped_with(None)
    }

    fn mapped_with(&self, profile: Option<&ColumnProfile>) -> Mapped<LogicalType> {
        match &self.column.derived {
            Some(logical) => Mapped::exact(logical.clone()),
            None => {
                let dialect = self.scope.dialect_of(self.table);
                dialect.logical(self.column, self.scope.source.catalog, profile)
            }
        }
    }

    pub(crate) fn is_in_primary_key(&self) -> bool {
        let key = self.table.primary_key.as_ref();
        key.is_some_and(|key| key.columns.contains(&self.column.name))
    }

    /// Tells whether the column is part of a primary or unique key or of a unique index.
    pub(crate) fn is_in_unique_key(&self) -> bool {
        let name = &self.column.name;
        let mut keys = self.table.primary_key.iter().chain(&self.table.uniques);
        let unique = self.table.indexes.iter().filter(|index| index.unique);
        keys.any(|key| key.columns.contains(name))
            || unique
                .flat_map(|index| &index.parts)
                .any(|part| part.column.as_ref() == Some(name))
    }

    /// Tells whether the column refers to another by a foreign key.
    pub(crate) fn refers(&self) -> bool {
        let mut keys = self.table.foreign_keys.iter();
        keys.any(|key| key.columns.contains(&self.column.name))
    }

    pub(crate) fn is_sole_primary_key(&self) -> bool {
        let key = self.table.primary_key.as_ref();
        key.is_some_and(|key| key.columns.len() == 1 && key.columns[0] == self.column.name)
    }
}

/// Names a table as the subject of a finding.
pub(crate) fn table_subject(table: &TableId) -> ObjectId {
    ObjectId::whole(ObjectKind::Table, table.clone())
}

/// Names a column as the subject of a finding.
pub(crate) fn column_subject(table: &TableId, column: &str) -> ObjectId {
    ObjectId::part(ObjectKind::Column, table.clone(), column)
}

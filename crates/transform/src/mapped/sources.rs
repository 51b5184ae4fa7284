//! Several databases read as one: every table, type and sequence gets a name that is unique among them.

use std::sync::Arc;

use whimbrel_core::{
    Catalog, Column, Connector, Dialect, ForeignKey, Namespace, ObjectId, ObjectKind, OtherObject, SEVERAL,
    Sequence, Source, Table, TableId, UserType, UserTypeKind,
};

/// A database that is read through a mapping.
#[derive(Clone)]
pub struct Database {
    /// What rules and findings call it; empty when it is the only one.
    pub name: String,
    /// The namespace of its tables in the mapped catalog; none when it is the only one.
    pub namespace: Option<String>,
    /// Its engine.
    pub connector: Arc<dyn Connector>,
    /// The database itself.
    pub source: Arc<dyn Source>,
}

/// What is said of a database when a plan is made.
#[derive(Clone)]
pub struct Member {
    /// What rules and findings call it; empty when it is the only one.
    pub name: String,
    /// Its engine.
    pub engine: String,
    /// The namespaces that it has of its own.
    pub namespaces: Vec<String>,
    /// Its language.
    pub dialect: Arc<dyn Dialect>,
}

/// A database with what it holds now.
pub(crate) struct Described<'a> {
    pub(crate) database: &'a Database,
    pub(crate) catalog: &'a Catalog,
    pub(crate) dialect: Arc<dyn Dialect>,
}

impl<'a> Described<'a> {
    pub(crate) fn new(database: &'a Database, catalog: &'a Catalog) -> Self {
        Self {
            database,
            catalog,
            dialect: database.connector.dialect_of(catalog),
        }
    }

    /// The name of one of its objects among those of all databases.
    pub(crate) fn called(&self, id: &TableId) -> TableId {
        let Some(namespace) = &self.database.namespace else {
            return id.clone();
        };
        let default = self
            .database
            .connector
            .capabilities_of(self.catalog)
            .default_namespace;
        match id.namespace.as_deref() {
            Some(own) if Some(own) != default => TableId::new(format!("{namespace}_{own}"), &id.name),
            Some(_) | None => TableId::new(namespace, &id.name),
        }
    }

    /// What a finding about it is about, among all databases: what is said of the database itself is said of the source.
    pub(crate) fn subject(&self, subject: ObjectId) -> ObjectId {
        let is_whole = subject.kind == ObjectKind::Other && subject.owner.namespace.is_none();
        let owner = match is_whole && self.database.namespace.is_some() {
            true => TableId::bare(self.database.name.clone()),
            false => self.called(&subject.owner),
        };
        ObjectId { owner, ..subject }
    }

    /// One of its tables, with all names as they are among those of all databases.
    pub(crate) fn table(&self, table: &Table) -> Table {
        if self.database.namespace.is_none() {
            return table.clone();
        }
        let foreign_key = |key: &ForeignKey| ForeignKey {
            references: self.called(&key.references),
            definition: None,
            ..key.clone()
        };
        Table {
            id: self.called(&table.id),
            columns: table.columns.iter().map(|column| self.column(column)).collect(),
            foreign_keys: table.foreign_keys.iter().map(foreign_key).collect(),
            inherits: table.inherits.iter().map(|id| self.called(id)).collect(),
            partition_of: table.partition_of.clone().map(|mut part| {
                part.parent = self.called(&part.parent);
                part
            }),
            definition: None,
            origin: Some(self.database.name.clone()),
            ..table.clone()
        }
    }

    fn column(&self, column: &Column) -> Column {
        let mut column = column.clone();
        column.user_type = column.user_type.map(|id| self.called(&id));
        if let Some(identity) = &mut column.identity {
            identity.sequence = identity.sequence.take().map(|id| self.called(&id));
        }
        column
    }

    pub(crate) fn user_type(&self, user_type: &UserType) -> UserType {
        let mut made = UserType {
            id: self.called(&user_type.id),
            ..user_type.clone()
        };
        // A domain over another one finds it by its name among all databases.
        if let UserTypeKind::Domain { base, .. } = &mut made.kind {
            let mut types = self.catalog.types.iter();
            let behind = types.find(|other| self.dialect.type_name(&other.id) == *base);
            if let Some(behind) = behind {
                *base = self.dialect.type_name(&self.called(&behind.id));
            }
        }
        made
    }

    /// What is said of the database when a plan is made.
    pub(crate) fn member(&self) -> Member {
        let namespaces = self.catalog.namespaces.iter();
        Member {
            name: self.database.name.clone(),
            engine: self.catalog.engine.clone(),
            namespaces: namespaces.map(|space| space.name.clone()).collect(),
            dialect: Arc::clone(&self.dialect),
        }
    }

    pub(crate) fn sequence(&self, sequence: &Sequence) -> Sequence {
        Sequence {
            id: self.called(&sequence.id),
            owned_by: sequence
                .owned_by
                .as_ref()
                .map(|(table, column)| (self.called(table), column.clone())),
            ..sequence.clone()
        }
    }
}

/// The catalog without its tables.
pub(crate) fn shell(databases: &[Described<'_>]) -> Catalog {
    if let [only] = databases
        && only.database.namespace.is_none()
    {
        return Catalog {
            tables: Vec::new(),
            ..only.catalog.clone()
        };
    }
    let mut shell = Catalog {
        engine: SEVERAL.to_owned(),
        ..Catalog::default()
    };
    let mut versions = Vec::new();
    let mut names = Vec::new();
    for described in databases {
        let catalog = described.catalog;
        versions.push(format!("{} {}", catalog.engine, catalog.version));
        names.push(described.database.name.clone());
        shell
            .types
            .extend(catalog.types.iter().map(|each| described.user_type(each)));
        shell
            .sequences
            .extend(catalog.sequences.iter().map(|each| described.sequence(each)));
        let spaces = catalog.tables.iter().map(|table| described.called(&table.id));
        let spaces = spaces
            .filter_map(|id| id.namespace)
            .map(|name| Namespace { name, comment: None });
        for space in spaces {
            if !shell.namespaces.contains(&space) {
                shell.namespaces.push(space);
            }
        }
        for view in &catalog.views {
            shell.others.push(OtherObject {
                kind: "view".to_owned(),
                id: described.called(&view.id),
                table: None,
                definition: Some(view.query.clone()),
                making: None,
            });
        }
        shell
            .others
            .extend(catalog.others.iter().map(|other| OtherObject {
                id: described.called(&other.id),
                table: other.table.as_ref().map(|table| described.called(table)),
                making: None,
                ..other.clone()
            }));
    }
    shell.version = versions.join(", ");
    shell.database = names.join(", ");
    shell.types.sort_by(|a, b| a.id.cmp(&b.id));
    shell.sequences.sort_by(|a, b| a.id.cmp(&b.id));
    shell.namespaces.sort_by(|a, b| a.name.cmp(&b.name));
    shell.others.sort();
    shell
}

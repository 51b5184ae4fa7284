//! Texts of the source's own (views, checks, triggers, functions) between equal engines: word for word, with the names that the target has.

use std::collections::BTreeMap;

use whimbrel_core::expression::{NewNames, Tongue, respell};
use whimbrel_core::{Making, OtherObject, TableId, Untranslated, UserType, UserTypeKind};

use crate::lookup;
use crate::names::{Names, home};
use crate::needs;
use crate::scope::Scope;
use crate::select::Selection;

/// What the texts' names become.
#[derive(Default)]
pub(crate) struct Respelling {
    names: NewNames,
    /// True when no text changes.
    is_idle: bool,
}

impl Respelling {
    /// Gathers all names that a text may hold.
    pub(crate) fn new(scope: &Scope<'_>, selection: &Selection<'_>, names: &Names) -> Self {
        if !scope.equal {
            return Self {
                is_idle: true,
                ..Self::default()
            };
        }
        let mut respelling = NewNames {
            namespaces: namespaces(scope),
            folds_case: scope.source.capabilities.part_names.ignores_case()
                || scope.source.capabilities.names.ignores_case(),
            ..NewNames::default()
        };
        for other in &scope.source.catalog.others {
            if needs::says_something(other) || other.table.is_some() {
                continue;
            }
            let (namespace, name) = lookup::bare_name(&other.id);
            let bare = TableId { namespace, name };
            respelling.objects.insert(bare.clone(), place(scope, &bare));
            if other.kind.ends_with("view") {
                respelling.columns.insert(bare, BTreeMap::new());
            }
        }
        for user_type in &selection.types {
            let id = user_type.id.clone();
            respelling.objects.insert(id, names.user_type(&user_type.id));
        }
        for sequence in &selection.sequences {
            let id = sequence.id.clone();
            respelling.objects.insert(id, names.sequence(&sequence.id));
        }
        for view in &selection.views {
            respelling.objects.insert(view.id.clone(), names.view(&view.id));
            let columns = view.columns.iter();
            let columns = columns.map(|name| (name.clone(), Some(name.clone())));
            respelling.columns.insert(view.id.clone(), columns.collect());
        }
        for table in &selection.tables {
            respelling
                .objects
                .insert(table.id.clone(), names.table(&table.id));
            let gone = scope.input.wishes.renames.gone.get(&table.id);
            let gone = gone.into_iter().flatten().map(|name| (name.clone(), None));
            let columns = table.columns.iter().map(|column| &column.name);
            let columns = columns.map(|name| (name.clone(), Some(names.column(&table.id, name))));
            respelling
                .columns
                .insert(table.id.clone(), gone.chain(columns).collect());
        }
        Self {
            is_idle: respelling.is_empty(),
            names: respelling,
        }
    }

    /// Gives a text its new names; `on` is the table that it hangs on.
    ///
    /// # Errors
    /// [`Untranslated`] names what stays behind, or what is not clear.
    pub(crate) fn text(
        &self,
        scope: &Scope<'_>,
        text: &str,
        on: Option<&TableId>,
    ) -> Result<String, Untranslated> {
        let on: Vec<TableId> = on.cloned().into_iter().collect();
        self.with(scope, text, &on)
    }

    fn with(&self, scope: &Scope<'_>, text: &str, on: &[TableId]) -> Result<String, Untranslated> {
        match self.is_idle {
            true => Ok(text.to_owned()),
            false => {
                let dialect = scope.source.dialect;
                let tongue = Tongue {
                    grammar: dialect.grammar(),
                    quote: &|name| dialect.quote(name),
                };
                respell(text, &self.names, on, tongue)
            }
        }
    }

    /// The name of any object in the target.
    pub(crate) fn id(&self, scope: &Scope<'_>, id: &TableId) -> TableId {
        if self.is_idle {
            return id.clone();
        }
        if let Some(to) = self.names.objects.get(id) {
            return to.clone();
        }
        let home = place(scope, id);
        // The catalog may carry the arguments in the name.
        let name = self.with(scope, &home.name, &[]);
        TableId {
            name: name.ok().filter(|_| id.name.contains('(')).unwrap_or(home.name),
            namespace: home.namespace,
        }
    }

    /// The name of an object, which may be in no namespace and speak of one, or of two types.
    fn id_of(&self, scope: &Scope<'_>, object: &OtherObject) -> TableId {
        let id = &object.id;
        if id.namespace.is_some() {
            return self.id(scope, id);
        }
        let (subject, rest) = match id.name.split_once(" to ") {
            Some((subject, _)) => id.name.split_at(subject.len()),
            None => (id.name.as_str(), ""),
        };
        let name = match (object.kind.as_str(), self.names.namespaces.get(subject)) {
            ("grant on namespace" | "owner", Some(to)) => format!("{to}{rest}"),
            ("cast", _) => self
                .with(scope, &id.name, &[])
                .unwrap_or_else(|_| id.name.clone()),
            _ => return self.id(scope, id),
        };
        TableId::bare(name)
    }

    /// An object with all names in it as the target has them.
    ///
    /// # Errors
    /// As [`Respelling::text`].
    pub(crate) fn object(
        &self,
        scope: &Scope<'_>,
        object: &OtherObject,
    ) -> Result<OtherObject, Untranslated> {
        let Some(making) = object.making.as_ref().filter(|_| !self.is_idle) else {
            return Ok(object.clone());
        };
        let on: Vec<TableId> = match &object.table {
            Some(table) => vec![table.clone()],
            None => tables_of(scope, object),
        };
        let all = |texts: &[String]| {
            let texts = texts.iter().map(|text| self.with(scope, text, &on));
            texts.collect::<Result<Vec<String>, Untranslated>>()
        };
        Ok(OtherObject {
            id: self.id_of(scope, object),
            table: object.table.as_ref().map(|table| self.id(scope, table)),
            making: Some(Making {
                statements: all(&making.statements)?,
                undo: all(&making.undo)?,
                after: making.after.iter().map(|id| self.id(scope, id)).collect(),
                ..making.clone()
            }),
            ..object.clone()
        })
    }

    /// A type with all names in it as the target has them.
    ///
    /// # Errors
    /// As [`Respelling::text`].
    pub(crate) fn user_type(
        &self,
        scope: &Scope<'_>,
        user_type: &UserType,
    ) -> Result<UserType, Untranslated> {
        let mut made = user_type.clone();
        let renew = |text: &mut String| -> Result<(), Untranslated> {
            *text = self.with(scope, text, &[])?;
            Ok(())
        };
        match &mut made.kind {
            UserTypeKind::Enum { .. } => {}
            UserTypeKind::Domain {
                base,
                default,
                checks,
                ..
            } => {
                renew(base)?;
                default.iter_mut().try_for_each(renew)?;
                for check in checks {
                    renew(&mut check.expression)?;
                    check.definition.iter_mut().try_for_each(renew)?;
                }
            }
            UserTypeKind::Composite { attributes } => {
                attributes.iter_mut().try_for_each(|(_, native)| renew(native))?;
            }
            UserTypeKind::Range { subtype, options } => {
                renew(subtype)?;
                renew(options)?;
            }
        }
        Ok(made)
    }
}

/// Where an object goes; what is in no namespace among others that are (an extension, a publication) stays in none.
fn place(scope: &Scope<'_>, id: &TableId) -> TableId {
    match id.namespace.is_none() && scope.source.capabilities.namespaces {
        true => id.clone(),
        false => home(scope, id),
    }
}

fn namespaces(scope: &Scope<'_>) -> BTreeMap<String, String> {
    let renames = &scope.input.wishes.renames.namespaces;
    let own = scope.source.catalog.namespaces.iter();
    own.map(|namespace| &namespace.name)
        .chain(renames.keys())
        .map(|name| (name.clone(), renames.get(name).unwrap_or(name).clone()))
        .collect()
}

/// The tables whose triggers call a function: its text speaks of their rows.
fn tables_of(scope: &Scope<'_>, function: &OtherObject) -> Vec<TableId> {
    let callers = scope.source.catalog.others.iter().filter(|other| {
        let making = other.making.as_ref();
        making.is_some_and(|making| making.after.contains(&function.id))
    });
    let mut tables: Vec<TableId> = callers.filter_map(|other| other.table.clone()).collect();
    tables.sort();
    tables.dedup();
    tables
}

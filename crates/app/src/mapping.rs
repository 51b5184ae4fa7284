//! The source of a migration seen through its mapping: which databases it is, the lookups and the key that expressions and masks need, and
//! what the planner must know of them. What a mapping does to rows is the transform crate's.

use std::sync::Arc;

use whimbrel_core::{Capabilities, Catalog, Dialect, LookupRule, Mapping, Renames, Result, Source};
use whimbrel_planner::Origin;
use whimbrel_transform::{Database, Lookups, MappedSource, MaskKey, Member, read_entries};

use crate::address::Address;
use crate::connectors::connector;
use crate::refusal;
use crate::setup::Setup;

/// A source that was opened.
pub(crate) struct Opened {
    /// What is read: the database itself, or the mapping before it.
    pub(crate) source: Arc<dyn Source>,
    /// The mapping, when there is one.
    pub(crate) through: Option<Arc<MappedSource>>,
}

/// Opens the database or databases of the address, and puts the mapping before them.
///
/// # Errors
/// The connectors', and usage errors for lookups that cannot be read.
pub(crate) async fn open(
    setup: &Setup,
    address: &mut Address,
    mapping: &Mapping,
    target: &str,
) -> Result<Opened> {
    if mapping.is_empty() {
        return Ok(Opened {
            source: setup.open_source(address).await?,
            through: None,
        });
    }
    let through = through(setup, address, mapping, target).await?;
    Ok(Opened {
        source: Arc::<MappedSource>::clone(&through),
        through: Some(through),
    })
}

/// Opens the database or databases of the address behind the mapping, also an empty one.
///
/// # Errors
/// As [`open`].
pub(crate) async fn through(
    setup: &Setup,
    address: &mut Address,
    mapping: &Mapping,
    target: &str,
) -> Result<Arc<MappedSource>> {
    let mut databases = Vec::new();
    if address.members.is_empty() {
        databases.push(Database {
            name: String::new(),
            namespace: None,
            connector: connector(&address.url.scheme)?,
            source: setup.open_source(address).await?,
        });
    }
    for (member, rule) in address.members.iter_mut().zip(&mapping.sources) {
        let source = setup.open_source(&mut member.address).await;
        databases.push(Database {
            name: member.name.clone(),
            namespace: Some(rule.namespace().to_owned()),
            connector: connector(&member.address.url.scheme)?,
            source: source.map_err(|error| error.during(format_args!("source `{}`", member.name)))?,
        });
    }
    let lookups = lookups(&mapping.lookups, &databases).await?;
    let key = mask_key(setup, mapping)?;
    let target = connector(target)?;
    let limits = setup.read_limits();
    let mapped = MappedSource::new(databases, mapping.clone(), (lookups, key), target, limits);
    Ok(Arc::new(mapped))
}

/// Returns the addresses of a plan's sources, as the settings have them now.
///
/// # Errors
/// A usage error when the settings name others.
pub(crate) fn several(setup: &Setup, mapping: &Mapping) -> Result<Address> {
    let address = Address::several(&setup.settings, &setup.environment)?;
    let now = address
        .members
        .iter()
        .map(|member| (&member.name, Some(member.address.url.stored())));
    let planned = mapping
        .sources
        .iter()
        .map(|source| (&source.name, source.url.clone()));
    match now.eq(planned) {
        true => Ok(address),
        false => Err(refusal::usage(
            "the sources of the settings are not those that the plan was approved for",
        )
        .with_hint("name them again as [[source]] blocks, or plan again: whimbrel plan sources TARGET")),
    }
}

/// What the planner must know of a mapping.
pub(crate) struct Mapped {
    /// The mapping as the plan keeps it: with the URLs of the sources, and the digests of lookup files.
    pub(crate) mapping: Mapping,
    /// What it calls things in the target.
    pub(crate) renames: Renames,
    /// The databases, where there are several: name, engine, language.
    members: Vec<Member>,
    /// The databases, seen through it.
    pub(crate) through: Arc<MappedSource>,
}

impl Mapped {
    /// Describes the mapping for the source's catalog as it was read last.
    ///
    /// # Errors
    /// As [`MappedSource::renames`].
    pub(crate) async fn describe(
        address: &Address,
        through: Arc<MappedSource>,
        mapping: &Mapping,
    ) -> Result<Self> {
        let mut mapping = mapping.clone();
        for (rule, member) in mapping.sources.iter_mut().zip(&address.members) {
            rule.url = Some(member.address.url.stored());
        }
        for lookup in &mut mapping.lookups {
            lookup.digest = through.lookup_digest(&lookup.name).map(str::to_owned);
        }
        mapping.mask_mark = mapping.mask_key.as_ref().map(|_| through.mask_mark());
        Ok(Self {
            mapping,
            renames: through.renames().await?,
            members: match address.members.is_empty() {
                true => Vec::new(),
                false => through.members().await?,
            },
            through,
        })
    }

    /// One of several databases, by its name.
    pub(crate) fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// The databases behind the source, when it is several.
    pub(crate) fn origins(&self) -> Vec<Origin<'_>> {
        self.members
            .iter()
            .map(|member| Origin {
                name: member.name.clone(),
                engine: member.engine.clone(),
                namespaces: member.namespaces.clone(),
                dialect: &*member.dialect,
            })
            .collect()
    }
}

/// What the source speaks and can do.
pub(crate) struct Tongue {
    pub(crate) dialect: Arc<dyn Dialect>,
    pub(crate) capabilities: Capabilities,
}

impl Tongue {
    /// Of one database its own; several have namespaces for their tables, and for the rest what the first one has.
    ///
    /// # Errors
    /// As [`connector`].
    pub(crate) fn of(address: &Address, catalog: &Catalog, mapped: Option<&Mapped>) -> Result<Self> {
        let first = address.members.first().map_or(address, |member| &member.address);
        let engine = connector(&first.url.scheme)?;
        let Some(member) = mapped.and_then(|mapped| mapped.members.first()) else {
            return Ok(Self {
                dialect: engine.dialect_of(catalog),
                capabilities: engine.capabilities_of(catalog),
            });
        };
        Ok(Self {
            dialect: Arc::clone(&member.dialect),
            capabilities: Capabilities {
                namespaces: true,
                default_namespace: None,
                ..engine.capabilities()
            },
        })
    }
}

/// Reads the tables of values.
async fn lookups(rules: &[LookupRule], databases: &[Database]) -> Result<Lookups> {
    let mut lookups = Lookups::default();
    for rule in rules {
        let has_columns = !rule.key.is_empty() && !rule.value.is_empty();
        let added = match (&rule.file, &rule.table) {
            (Some(file), None) => lookups.add_file(rule, file.as_ref()),
            (None, Some(_)) if has_columns => read_entries(&mut lookups, databases, rule).await,
            _ => {
                return Err(refusal::usage(format!("lookup `{}` does not say where its values are", rule.name))
                    .with_hint("give it either file = \"FILE.csv\", or table = \"TABLE\", key = \"COLUMN\" and value = \"COLUMN\"")
                    .at(rule.written.place(&[])));
            }
        };
        added.map_err(|error| {
            error
                .with_code(refusal::USAGE)
                .during(format_args!("lookup `{}`", rule.name))
                .at(rule.written.place(&[]))
        })?;
    }
    Ok(lookups)
}

/// The key of the masks; without one the hashes are the same everywhere.
fn mask_key(setup: &Setup, mapping: &Mapping) -> Result<MaskKey> {
    let Some(name) = &mapping.mask_key else {
        return Ok(MaskKey::new(""));
    };
    match setup.environment.get(name) {
        Some(secret) if !secret.is_empty() => {
            let key = MaskKey::new(secret);
            match &mapping.mask_mark {
                Some(planned) if planned != &key.mark() => Err(refusal::usage(format!(
                    "the key of the masks in `{name}` is not the one that the plan was approved for"
                ))
                .with_hint(format!(
                    "set the one that it was planned with: export {name}=..., or plan again: whimbrel plan SOURCE TARGET"
                ))),
                Some(_) | None => Ok(key),
            }
        }
        _ => Err(refusal::usage(format!(
            "the environment variable `{name}`, the key of the masks, is not set"
        ))
        .with_hint(format!("set it first: export {name}=..."))),
    }
}

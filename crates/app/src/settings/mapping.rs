//! The parts of `whimbrel.toml` that reshape data on the way: several sources, rules for tables, lookups, waves, masking.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use whimbrel_core::{Mapping, Result, SourceRule, Written};

use super::Settings;
use crate::refusal;

/// One of several databases that are read as one source.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceSettings {
    /// What rules and reports call it.
    pub name: String,
    /// Its URL, or the name of a `[database.NAME]`.
    pub url: String,
    /// The namespace that its tables get; its name when absent.
    pub namespace: Option<String>,
    /// Where it was written.
    #[serde(skip)]
    pub written: Written,
}

impl fmt::Debug for SourceSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may hold a password.
        f.debug_struct("SourceSettings")
            .field("name", &self.name)
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

/// How masks hide values.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MaskingSettings {
    /// The key of `hash` masks: `${NAME}` of a variable of the environment, never the key itself.
    pub key: Option<String>,
}

impl Settings {
    /// Returns how rows are reshaped on the way.
    ///
    /// # Errors
    /// A usage error for two sources of one name, and for a key that is not a variable of the environment.
    pub fn mapping(&self) -> Result<Mapping> {
        let mut seen = BTreeMap::new();
        for source in &self.source {
            let space = source.namespace.as_ref().unwrap_or(&source.name);
            if seen.insert(space, ()).is_some() || source.name.is_empty() {
                return Err(refusal::usage(format!(
                    "two sources have the namespace `{space}`; each must have its own"
                ))
                .with_hint("give each [[source]] another name or namespace")
                .at(source.written.place(&["namespace"])));
            }
        }
        let sources = self.source.iter().map(|source| SourceRule {
            name: source.name.clone(),
            namespace: source.namespace.clone(),
            url: None,
            written: source.written.clone(),
        });
        Ok(Mapping {
            sources: sources.collect(),
            namespaces: self.namespaces.clone(),
            tables: self.table.clone(),
            lookups: self.lookup.clone(),
            waves: self.wave.clone(),
            mask_mark: None,
            mask_key: (self.masking.key.as_deref().map(variable).transpose())
                .map_err(|error| error.at(self.written.place(&["masking", "key"])))?,
            written: self.written.clone(),
        })
    }
}

/// Reads the name out of `${NAME}`.
fn variable(text: &str) -> Result<String> {
    let name = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    name.map(str::to_owned).ok_or_else(|| {
        refusal::usage("`masking.key` is not a variable of the environment; must be `${NAME}`")
            .with_hint("a key in a file is no secret: export MASK_KEY=... and write key = \"${MASK_KEY}\"")
    })
}

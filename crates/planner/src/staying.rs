//! Functions and the like that will not be there when a definition calls them: they stay behind with what the mapping or the choice of tables
//! leaves behind, or are made only after the tables, because they read some. Known before the first definition is looked at, between equal engines.

use std::collections::{BTreeMap, BTreeSet};

use whimbrel_core::{MakingStage, OtherObject, TableId, Untranslated};

use crate::needs;
use crate::respelling::Respelling;
use crate::scope::Scope;
use crate::select::Selection;

/// What will not be there, and why.
#[derive(Default)]
pub(crate) struct Staying {
    /// By place in the source's list of other objects.
    behind: BTreeMap<usize, String>,
    late: BTreeMap<usize, String>,
}

impl Staying {
    /// Finds what stays behind, and what stands on that, and so on.
    pub(crate) fn find(scope: &Scope<'_>, selection: &Selection<'_>, respelling: &Respelling) -> Self {
        let mut found = Self::default();
        if !scope.equal {
            return found;
        }
        let others = &scope.source.catalog.others;
        let mut gone: BTreeSet<&TableId> = BTreeSet::new();
        loop {
            let before = gone.len();
            for (at, other) in others.iter().enumerate() {
                if gone.contains(&other.id) || other.table.is_some() || needs::says_something(other) {
                    continue;
                }
                if let Some(why) = hindrance(scope, selection, respelling, other, &gone) {
                    gone.insert(&other.id);
                    found.behind.insert(at, why);
                }
            }
            if gone.len() == before {
                break;
            }
        }
        for (at, other) in others.iter().enumerate() {
            let making = other.making.as_ref();
            let Some(making) = making.filter(|making| making.stage == MakingStage::AmongViews) else {
                continue;
            };
            let needed = making.after.iter().find(|id| scope.is_relation(id));
            let needed = needed.map_or_else(String::new, |id| format!(", as it needs `{id}`"));
            found.late.insert(at, needed);
        }
        found
    }

    /// Refuses a definition that calls what will not be there; `on_table` when it is made with a table. Of several of one name, one that is there
    /// is enough.
    ///
    /// # Errors
    /// [`Untranslated`] names the object and says why.
    pub(crate) fn check(
        &self,
        scope: &Scope<'_>,
        definition: &str,
        on_table: bool,
    ) -> Result<(), Untranslated> {
        if self.behind.is_empty() && (self.late.is_empty() || !on_table) {
            return Ok(());
        }
        for called in needs::called(scope, definition) {
            let why: Option<Vec<String>> = called.iter().map(|at| self.why(scope, *at, on_table)).collect();
            if let Some(why) = why.and_then(|why| why.into_iter().next()) {
                return Err(Untranslated::new(why));
            }
        }
        Ok(())
    }

    fn why(&self, scope: &Scope<'_>, at: usize, on_table: bool) -> Option<String> {
        let other = &scope.source.catalog.others[at];
        if needs::is_there(scope, other) {
            return None;
        }
        let name = format!("{} `{}`", other.kind, other.id);
        if let Some(why) = self.behind.get(&at) {
            return Some(format!("{name} stays behind: {why}"));
        }
        let needed = self.late.get(&at).filter(|_| on_table)?;
        Some(format!("{name} is made only after the tables{needed}"))
    }
}

fn hindrance(
    scope: &Scope<'_>,
    selection: &Selection<'_>,
    respelling: &Respelling,
    other: &OtherObject,
    gone: &BTreeSet<&TableId>,
) -> Option<String> {
    let making = other.making.as_ref()?;
    if let Some(id) = making.after.iter().find(|id| scope.is_dissolved(id)) {
        return Some(format!("it needs `{id}`, which the mapping splits or merges"));
    }
    let moves = |id: &TableId| selection.has_table(id) || selection.has_view(id);
    let missing = making
        .after
        .iter()
        .find(|id| gone.contains(id) || scope.is_relation(id) && !moves(id));
    if let Some(missing) = missing {
        return Some(format!("it needs `{missing}`, which does not move"));
    }
    respelling.object(scope, other).err().map(|why| why.what)
}

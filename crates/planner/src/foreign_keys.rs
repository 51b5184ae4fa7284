//! Foreign keys in the target: only those that can be made there, with what the profile says about orphans.

use std::collections::BTreeMap;

use whimbrel_core::{
    Deferral, Feature, Finding, ForeignKey, ForeignKeyProfile, LEAVE_OUT, ObjectId, ObjectKind, STOP,
    Severity, Table, TableId,
};

use crate::clauses;
use crate::draft::{Draft, TableDraft};
use crate::key_types::{comparable, is_key};
use crate::keys::part_name;
use crate::names::{Part, home};
use crate::notes::{Answer, Notes};

/// The choice to make a key that old rows may break.
const NOT_VALIDATED: &str = "not_validated";

/// Gives the target tables their foreign keys.
pub(crate) fn build(draft: &mut Draft<'_>, tables: &mut [TableDraft<'_>], notes: &mut Notes<'_>) {
    let places: BTreeMap<TableId, usize> = tables
        .iter()
        .map(|table| table.target.id.clone())
        .zip(0..)
        .collect();
    for at in 0..tables.len() {
        let source = tables[at].source;
        for number in 0..source.foreign_keys.len() {
            let made = Maker {
                tables,
                places: &places,
                table: &tables[at],
                key: &source.foreign_keys[number],
                profile: orphans_of(draft, source, number),
            }
            .make(draft, notes);
            tables[at].target.foreign_keys.extend(made);
        }
    }
}

/// What the profile found about the key; by columns, in case the connector leaves some out.
fn orphans_of<'a>(draft: &Draft<'a>, table: &Table, number: usize) -> Option<&'a ForeignKeyProfile> {
    let profiles = &draft.scope.profile(&table.id)?.foreign_keys;
    let columns = &table.foreign_keys[number].columns;
    profiles
        .get(number)
        .filter(|profile| &profile.columns == columns)
        .or_else(|| profiles.iter().find(|profile| &profile.columns == columns))
}

/// One foreign key on its way.
struct Maker<'m, 'a> {
    tables: &'m [TableDraft<'a>],
    /// Where each target table stands among them.
    places: &'m BTreeMap<TableId, usize>,
    table: &'m TableDraft<'a>,
    key: &'m ForeignKey,
    profile: Option<&'m ForeignKeyProfile>,
}

/// Where a key points to in the target.
struct End {
    table: TableId,
    columns: Vec<String>,
}

/// What a key is in the target.
struct Shape {
    columns: Vec<String>,
    end: End,
    validated: bool,
}

impl Maker<'_, '_> {
    fn make(&self, draft: &mut Draft<'_>, notes: &mut Notes<'_>) -> Option<ForeignKey> {
        if !self.is_sayable(draft, notes) {
            return None;
        }
        let end = self.end(draft, notes)?;
        let columns = draft.target_columns(&self.table.source.id, &self.key.columns);
        let Some(columns) = columns else {
            self.warn("one of its columns stays behind", notes);
            return None;
        };
        if !self.ends_agree(draft, notes) || !self.end_is_unique(draft, &end, notes) {
            return None;
        }
        let validated = self.validated(draft, notes)?;
        let shape = Shape {
            columns,
            end,
            validated,
        };
        Some(self.spelled(draft, shape, notes))
    }

    fn subject(&self) -> ObjectId {
        let part = part_name(&self.key.name, &self.key.columns);
        ObjectId::part(ObjectKind::ForeignKey, self.table.source.id.clone(), part)
    }

    /// Tells whether the target can say what the key asks for beyond equal values.
    fn is_sayable(&self, draft: &Draft<'_>, notes: &mut Notes<'_>) -> bool {
        let (source, own) = (self.table.source, self.key.definition.as_deref());
        if clauses::loses_periods(draft, source, own) {
            self.ask_to_leave_out(
                "it asks that periods cover each other, not for equal values",
                notes,
            );
            return false;
        }
        !clauses::stays_unenforced(draft, source, (&self.subject(), own), notes)
    }

    /// The referred table and columns in the target: one of the plan's, or one that is there and stays.
    fn end(&self, draft: &Draft<'_>, notes: &mut Notes<'_>) -> Option<End> {
        let (scope, referred) = (&draft.scope, &self.key.references);
        if draft.selection.has_table(referred) {
            let Some(columns) = draft.target_columns(referred, &self.key.referred) else {
                self.warn("a column that it refers to stays behind", notes);
                return None;
            };
            return Some(End {
                table: draft.names.table(referred),
                columns,
            });
        }
        if scope.source.catalog.table(referred).is_none() {
            return self.dangling(draft, notes);
        }
        let there = home(scope, referred);
        let found = scope
            .lookup
            .target_table(&there)
            .filter(|table| !draft.existing.replaces(&table.id))
            .filter(|table| {
                self.key
                    .referred
                    .iter()
                    .all(|column| table.column(column).is_some())
            });
        if found.is_none() {
            self.warn(&format!("`{referred}` does not move"), notes);
        }
        found.map(|table| End {
            table: table.id.clone(),
            columns: self.key.referred.clone(),
        })
    }

    /// A key to a table that does not exist: an engine that lets it stand at the source lets it stand at an equal target.
    fn dangling(&self, draft: &Draft<'_>, notes: &mut Notes<'_>) -> Option<End> {
        if draft.scope.equal && draft.scope.inline() {
            return Some(End {
                table: self.key.references.clone(),
                columns: self.key.referred.clone(),
            });
        }
        let why = format!("there is no table `{}`", self.key.references);
        self.ask_to_leave_out(&why, notes);
        None
    }

    /// Tells whether the columns on both ends can be compared in the target; loosely typed engines compare anything.
    fn ends_agree(&self, draft: &Draft<'_>, notes: &mut Notes<'_>) -> bool {
        if draft.scope.equal || draft.scope.inline() {
            return true;
        }
        let differing = self
            .key
            .columns
            .iter()
            .zip(&self.key.referred)
            .find(|(column, referred)| {
                let here = draft.ways.of(&self.table.source.id, column);
                let there = draft.ways.of(&self.key.references, referred);
                here.zip(there)
                    .is_some_and(|(here, there)| !comparable(&here.logical, &there.logical))
            });
        if let Some((column, referred)) = differing {
            let why = format!(
                "`{column}` and `{}.{referred}` have types that cannot be compared",
                self.key.references
            );
            self.ask_to_leave_out(&why, notes);
        }
        differing.is_none()
    }

    /// Tells whether the referred columns are a key in the target. What the source itself lets stand stays at an equal target.
    fn end_is_unique(&self, draft: &Draft<'_>, end: &End, notes: &mut Notes<'_>) -> bool {
        let referred = self.places.get(&end.table).and_then(|at| self.tables.get(*at));
        let Some(referred) = referred else {
            return true;
        };
        let unique = is_key(&referred.target, &end.columns);
        let as_before =
            draft.scope.equal && draft.scope.inline() && !is_key(referred.source, &self.key.referred);
        if unique || as_before {
            return true;
        }
        let why = format!(
            "`{}` has no key on {}",
            self.key.references,
            self.key.referred.join(", ")
        );
        self.ask_to_leave_out(&why, notes);
        false
    }

    /// Whether the key is checked against old rows; none when it is left out.
    fn validated(&self, draft: &Draft<'_>, notes: &mut Notes<'_>) -> Option<bool> {
        // What refers only by the source's notion of equality refers to nothing where texts are compared exactly.
        let is_finer = draft
            .collations
            .are_finer(&self.table.source.id, &self.key.columns)
            || draft
                .collations
                .are_finer(&self.key.references, &self.key.referred);
        let orphans = self.profile.map_or(0, |profile| {
            profile.orphans + if is_finer { profile.inexact } else { 0 }
        });
        let was = self.key.validated;
        if orphans == 0 {
            return Some(was || (!draft.scope.equal && draft.scope.inline()));
        }
        let message = format!(
            "rows of `{}` whose row of `{}` does not exist: {orphans}",
            self.table.source.id, self.key.references
        );
        let mut finding = Finding::new("orphans", Severity::Warning, self.subject(), message);
        finding.evidence.extend(
            self.profile
                .into_iter()
                .flat_map(|profile| profile.examples.clone()),
        );
        if !draft.scope.allows_unvalidated() {
            // The key is made all the same, but nobody may expect that every row fulfils it.
            finding.message.push_str("; they arrive like that");
            notes.add(finding);
            return Some(false);
        }
        if !was {
            finding.message.push_str("; the key stays unvalidated");
            notes.add(finding);
            return Some(false);
        }
        finding.severity = Severity::Decision;
        let answer = notes.ask(
            finding
                .with_choice(
                    NOT_VALIDATED,
                    "all rows arrive; the key is made for new rows, without a check of the old ones",
                )
                .with_choice(LEAVE_OUT, "all rows arrive; the key stays behind")
                .with_choice(STOP, "the migration waits until the rows are mended")
                .suggest(NOT_VALIDATED),
        );
        (!answer.is(LEAVE_OUT)).then_some(false)
    }

    fn spelled(&self, draft: &mut Draft<'_>, shape: Shape, notes: &mut Notes<'_>) -> ForeignKey {
        let Shape {
            columns,
            end,
            validated,
        } = shape;
        let subject = self.subject();
        let match_full = self.match_full(draft, notes);
        let on_delete = self.action(draft, &self.key.on_delete, "DELETE", notes);
        let on_update = self.action(draft, &self.key.on_update, "UPDATE", notes);
        let deferral = self.deferral(draft, notes);
        let wanted = match (self.key.name.is_empty(), draft.scope.inline()) {
            (false, _) => self.key.name.clone(),
            (true, true) => String::new(),
            (true, false) => format!("{}_{}_fkey", self.table.target.id.name, columns.join("_")),
        };
        let part = Part {
            subject: &subject,
            table: &self.table.target.id,
            wanted: &wanted,
            beside: &self.beside(draft, &columns),
        };
        let name = draft.names.constraint(&draft.scope, &part, notes);
        let own = self.key.definition.as_deref();
        let own = own.filter(|_| validated == self.key.validated);
        let definition = clauses::words(draft, self.table.source, own);
        ForeignKey {
            name,
            columns,
            references: end.table,
            referred: end.columns,
            match_full,
            on_delete,
            on_update,
            deferral,
            validated,
            definition,
        }
    }

    /// The names of the table's other parts that the key cannot have: those of checks, and of indexes beside the one that it makes.
    fn beside(&self, draft: &Draft<'_>, columns: &[String]) -> Vec<String> {
        let (capabilities, target) = (&draft.scope.target.capabilities, &self.table.target);
        if draft.scope.equal {
            return Vec::new();
        }
        let begins = |of: &[String]| of.starts_with(columns);
        let keys = target.primary_key.iter().chain(&target.uniques);
        let keys = keys.map(|key| (&key.name, key.columns.clone()));
        let indexes = target.indexes.iter().map(|index| {
            let parts = index.parts.iter().map_while(|part| part.column.clone());
            (&index.name, parts.collect())
        });
        let all: Vec<(&String, Vec<String>)> = keys.chain(indexes).collect();
        let makes_one =
            capabilities.foreign_keys_make_indexes && !all.iter().any(|(_, columns)| begins(columns));
        let others = all.into_iter().filter(|_| makes_one).map(|(name, _)| name);
        let checks = target.checks.iter().filter(|_| capabilities.checks_share_names);
        others.chain(checks.map(|check| &check.name)).cloned().collect()
    }

    /// What happens to referring rows; a person says what takes the place of SET DEFAULT where there is no such thing.
    fn action(&self, draft: &Draft<'_>, action: &str, event: &str, notes: &mut Notes<'_>) -> String {
        const NO_ACTION: &str = "no_action";
        const SET_NULL: &str = "set_null";
        if action != "SET DEFAULT" || draft.scope.keeps(Feature::SetDefault) {
            return action.to_owned();
        }
        let subject = self.subject();
        let message = format!("the target cannot do ON {event} SET DEFAULT, as `{subject}` does");
        let finding = Finding::new("feature_left_out", Severity::Decision, subject, message)
            .with_choice(
                NO_ACTION,
                format!("{event} of a row that others refer to is refused"),
            )
            .with_choice(SET_NULL, "referring columns become NULL")
            .suggest(NO_ACTION);
        match notes.ask(finding).is(SET_NULL) {
            true => "SET NULL".to_owned(),
            false => "NO ACTION".to_owned(),
        }
    }

    fn match_full(&self, draft: &Draft<'_>, notes: &mut Notes<'_>) -> bool {
        let kept = draft.scope.keeps(Feature::MatchFull);
        // With one column MATCH FULL says nothing.
        if self.key.match_full && !kept && self.key.columns.len() > 1 {
            notes.warn(
                "feature_left_out",
                self.subject(),
                format!(
                    "`{}` loses MATCH FULL: partly NULL references are not checked",
                    self.subject()
                ),
            );
        }
        self.key.match_full && kept
    }

    fn deferral(&self, draft: &Draft<'_>, notes: &mut Notes<'_>) -> Deferral {
        let kept = draft.scope.keeps(Feature::DeferrableForeignKeys);
        if self.key.deferral == Deferral::Never || kept {
            return self.key.deferral;
        }
        notes.warn(
            "feature_left_out",
            self.subject(),
            format!(
                "`{}` is checked at each statement in the target, not at commit",
                self.subject()
            ),
        );
        Deferral::Never
    }

    fn warn(&self, why: &str, notes: &mut Notes<'_>) {
        let message = format!("the foreign key `{}` stays behind: {why}", self.subject());
        notes.warn("feature_left_out", self.subject(), message);
    }

    fn ask_to_leave_out(&self, why: &str, notes: &mut Notes<'_>) -> Answer {
        notes.ask(
            Finding::new(
                "feature_left_out",
                Severity::Decision,
                self.subject(),
                format!(
                    "the foreign key `{}` cannot be made in the target: {why}",
                    self.subject()
                ),
            )
            .with_choice(LEAVE_OUT, "all rows arrive; the key stays behind")
            .suggest(LEAVE_OUT),
        )
    }
}

//! Primary, unique and exclusion keys in the target, and what the profile says about the rows that break them.

use whimbrel_core::{
    Deferral, Exclusion, Feature, Finding, Key, LEAVE_OUT, ObjectId, ObjectKind, PartValue, STOP, Severity,
    Table, TablePart, UniqueProfile,
};

use crate::clauses;
use crate::draft::{Draft, TableDraft};
use crate::expressions::{Stuck, respelled};
use crate::index_parts::key_fits;
use crate::names::Part;
use crate::notes::Notes;
use crate::scope::column_subject;

/// Gives the target table its keys.
pub(crate) fn build(draft: &mut Draft<'_>, table: &mut TableDraft<'_>, notes: &mut Notes<'_>) {
    let source = table.source;
    if let Some(key) = &source.primary_key {
        let kind = match demoted(draft, table, key, notes) {
            true => ObjectKind::Unique,
            false => ObjectKind::PrimaryKey,
        };
        match made(draft, table, key, kind, notes) {
            Some(made) if kind == ObjectKind::PrimaryKey => {
                require_values(draft, table, &made, notes);
                table.target.primary_key = Some(made);
            }
            Some(made) => table.target.uniques.push(made),
            None => {}
        }
    }
    for key in &source.uniques {
        let made = made(draft, table, key, ObjectKind::Unique, notes);
        table.target.uniques.extend(made);
    }
    for exclusion in &source.exclusions {
        let made = exclusion_made(draft, table, exclusion, notes);
        table.target.exclusions.extend(made);
    }
}

/// The part of a finding's subject that names a constraint: its name, else its columns.
pub(crate) fn part_name(name: &str, columns: &[String]) -> String {
    match name.is_empty() {
        true => columns.join("_"),
        false => name.to_owned(),
    }
}

/// Asks whether a key that some rows break is left out. Returns true when it stays.
pub(crate) fn survives_duplicates(
    draft: &Draft<'_>,
    table: &Table,
    subject: &ObjectId,
    columns: &[String],
    notes: &mut Notes<'_>,
) -> bool {
    let Some(found) = duplicates(draft, table, &subject.part, columns) else {
        return true;
    };
    let how = match found.equalities.is_empty() {
        true => "that occur more than once",
        false => "that are one under the target's collation",
    };
    let mut finding = Finding::new(
        "duplicates",
        Severity::Decision,
        subject.clone(),
        format!(
            "values of `{}` ({}) {how}, though the {} needs them unique: {}",
            table.id,
            columns.join(", "),
            subject.kind,
            found.duplicates
        ),
    )
    .with_choice(
        LEAVE_OUT,
        format!("all rows arrive; the {} stays behind", subject.kind),
    )
    .with_choice(STOP, "the migration waits until the rows are mended")
    .suggest(LEAVE_OUT);
    finding.evidence.extend(found.examples.iter().cloned());
    finding.evidence.extend(apart(table, subject));
    !notes.ask(finding).is(LEAVE_OUT)
}

/// What to write so that rows of several tables that became one are told apart.
fn apart(table: &Table, subject: &ObjectId) -> Option<String> {
    let key = table.primary_key.as_ref()?;
    let is_made = |name: &String| {
        let mut parts = table.parts.iter();
        parts.any(|part| matches!(part.columns.get(name), Some(PartValue::Computed(_))))
    };
    if table.parts.len() < 2 || subject.kind != ObjectKind::PrimaryKey {
        return None;
    }
    let called = |part: &TablePart| match &part.database {
        Some(database) => format!("`{database}.{}`", part.table.name),
        None => format!("`{}`", part.table),
    };
    let from: Vec<String> = table.parts.iter().map(called).collect();
    let from = from.join(", ");
    Some(match key.columns.iter().any(is_made) {
        true => format!("hint: name a key that tells the rows of {from} apart: key = [\"COLUMN\", ...]"),
        false => format!(
            "hint: to keep all rows under a key, write source_column = \"origin\" in every rule that leads from {from} to `{}`: it becomes \
             the first column of the key",
            table.id
        ),
    })
}

fn duplicates<'a>(
    draft: &Draft<'a>,
    table: &Table,
    name: &str,
    columns: &[String],
) -> Option<&'a UniqueProfile> {
    let profile = draft.scope.profile(&table.id)?;
    profile
        .uniques
        .iter()
        .filter(|unique| unique.duplicates > 0 && draft.collations.cover(&table.id, unique))
        .filter(|unique| match unique.name.is_empty() {
            true => unique.columns == columns,
            false => unique.name == name || (unique.columns == columns && !columns.is_empty()),
        })
        .max_by_key(|unique| unique.duplicates)
}

/// A primary key whose columns hold NULL can only be a unique key where primary keys do not allow NULL.
fn demoted(draft: &Draft<'_>, table: &TableDraft<'_>, key: &Key, notes: &mut Notes<'_>) -> bool {
    let (scope, source) = (&draft.scope, table.source);
    let nulls = |column: &&String| {
        scope
            .column_profile(&source.id, column)
            .is_some_and(|profile| profile.nulls > 0)
    };
    let holding: Vec<&String> = key.columns.iter().filter(nulls).collect();
    let Some(first) = holding.first() else {
        return false;
    };
    // No database holds NULL where it says that there is none: a mapping made the key.
    let is_made = source.column(first).is_some_and(|column| !column.nullable);
    if is_made {
        refuse_null(draft, source, first, notes);
    }
    if is_made || scope.equal || scope.inline() {
        return false;
    }
    let rows: u64 = holding
        .iter()
        .filter_map(|column| scope.column_profile(&source.id, column))
        .map(|profile| profile.nulls)
        .sum();
    notes
        .ask(
            Finding::new(
                "null_in_key",
                Severity::Decision,
                column_subject(&source.id, first),
                format!("rows of `{}` with NULL in the primary key: {rows}", source.id),
            )
            .with_choice("unique", "all rows arrive; the key becomes a plain unique key")
            .with_choice(STOP, "the migration waits until the rows are mended")
            .suggest("unique"),
        )
        .is("unique")
}

/// A key that a mapping chose, or that rows of another table come under, takes no NULL.
fn refuse_null(draft: &Draft<'_>, source: &Table, column: &str, notes: &mut Notes<'_>) {
    let profile = draft.scope.column_profile(&source.id, column);
    let rows = profile.map_or(0, |profile| profile.nulls);
    let message = format!(
        "the mapping makes `{column}` a part of the key of `{}`, and it is NULL in {rows} rows",
        source.id
    );
    let hint = "give these rows a value (`default`), leave them out (`where`), or name another key: key = [\"COLUMN\"]";
    let subject = column_subject(&source.id, column);
    notes.add(Finding::new("null_in_key", Severity::Blocker, subject, message).with_evidence(hint));
}

/// Columns of a primary key are NOT NULL in the target also where the source did not ask for it.
fn require_values(draft: &Draft<'_>, table: &mut TableDraft<'_>, key: &Key, notes: &mut Notes<'_>) {
    if draft.scope.equal || draft.scope.inline() {
        return;
    }
    let source = table.source;
    for column in &mut table.target.columns {
        if column.nullable && key.columns.contains(&column.name) {
            column.nullable = false;
            notes.info(
                "assumption",
                column_subject(&source.id, &column.name),
                format!(
                    "`{}.{}` becomes NOT NULL as part of the primary key; no row holds NULL",
                    source.id, column.name
                ),
            );
        }
    }
}

fn made(
    draft: &mut Draft<'_>,
    table: &TableDraft<'_>,
    key: &Key,
    kind: ObjectKind,
    notes: &mut Notes<'_>,
) -> Option<Key> {
    let source = table.source;
    let subject = ObjectId::part(kind, source.id.clone(), part_name(&key.name, &key.columns));
    let Some(columns) = draft.target_columns(&source.id, &key.columns) else {
        notes.warn(
            "feature_left_out",
            subject,
            format!(
                "the {kind} of `{}` stays behind: one of its columns does",
                source.id
            ),
        );
        return None;
    };
    if !survives_duplicates(draft, source, &subject, &key.columns, notes)
        || !key_fits(draft, source, &subject, &columns, notes)
    {
        return None;
    }
    let wanted = match (key.name.is_empty(), kind) {
        (false, _) => key.name.clone(),
        (true, _) if draft.scope.inline() => String::new(),
        (true, ObjectKind::PrimaryKey) => format!("{}_pkey", table.target.id.name),
        (true, _) => format!("{}_{}_key", table.target.id.name, columns.join("_")),
    };
    let part = Part {
        subject: &subject,
        table: &table.target.id,
        wanted: &wanted,
        beside: &[],
    };
    let name = draft.names.constraint(&draft.scope, &part, notes);
    let definition = clauses::words(draft, source, key.definition.as_deref());
    if clauses::loses_periods(draft, source, key.definition.as_deref()) {
        let message = format!(
            "the {kind} `{subject}` holds less in the target: it keeps equal periods apart, and takes others that overlap"
        );
        notes.warn("feature_left_out", subject.clone(), message);
    }
    let includes = |text: &String| text.contains(") INCLUDE (");
    if key.definition.as_ref().is_some_and(includes) && definition.is_none() {
        let message = format!("the {kind} `{subject}` loses covering columns");
        notes.warn("feature_left_out", subject.clone(), message);
    }
    Some(Key {
        deferral: deferral(draft, &subject, key.deferral, notes),
        nulls_equal: nulls_equal(draft, &subject, key.nulls_equal, notes),
        definition,
        name,
        columns,
    })
}

fn deferral(draft: &Draft<'_>, subject: &ObjectId, have: Deferral, notes: &mut Notes<'_>) -> Deferral {
    if have == Deferral::Never || draft.scope.keeps(Feature::DeferrableKeys) {
        return have;
    }
    notes.warn(
        "feature_left_out",
        subject.clone(),
        format!("`{subject}` is checked at each statement in the target, not at commit"),
    );
    Deferral::Never
}

/// Whether NULL equals NULL in a key of the target.
pub(crate) fn nulls_equal(draft: &Draft<'_>, subject: &ObjectId, have: bool, notes: &mut Notes<'_>) -> bool {
    let kept = draft.scope.keeps(Feature::NullsEqual);
    if have && !kept {
        notes.warn(
            "feature_left_out",
            subject.clone(),
            format!("`{subject}` lets several rows hold NULL in the target"),
        );
    }
    have && kept
}

fn exclusion_made(
    draft: &mut Draft<'_>,
    table: &TableDraft<'_>,
    exclusion: &Exclusion,
    notes: &mut Notes<'_>,
) -> Option<Exclusion> {
    let source = table.source;
    let subject = ObjectId::part(ObjectKind::Exclusion, source.id.clone(), exclusion.name.clone());
    if !draft.scope.equal {
        notes.ask(
            Finding::new(
                "feature_left_out",
                Severity::Decision,
                subject.clone(),
                format!("the exclusion constraint `{subject}` has no counterpart in the target"),
            )
            .with_evidence(exclusion.definition.clone())
            .with_choice(LEAVE_OUT, "all rows arrive; the target does not enforce it")
            .suggest(LEAVE_OUT),
        );
        return None;
    }
    let definition = match respelled(draft, &exclusion.definition, Some(&source.id)) {
        Ok(definition) => definition,
        Err(why) => {
            let stuck = Stuck {
                subject: subject.clone(),
                what: "exclusion constraint",
                expression: &exclusion.definition,
                why,
                without: "all rows arrive; the target does not enforce it",
            };
            stuck.ask(notes).own_text()?.to_owned()
        }
    };
    let part = Part {
        subject: &subject,
        table: &table.target.id,
        wanted: &exclusion.name,
        beside: &[],
    };
    Some(Exclusion {
        name: draft.names.constraint(&draft.scope, &part, notes),
        definition,
    })
}

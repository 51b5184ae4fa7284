//! The structure: every object of the plan is there as planned, and every object is still as it was built.

mod picture;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use whimbrel_core::{
    Catalog, Column, ObjectId, ObjectKind, ObjectVerdict, Plan, Step, Table, TableId, TablePlan, Verdict,
};

use self::picture::{Shape, picture, picture_of};
use crate::context::RunContext;
use crate::planned::Planned;
use crate::presence::is_there;
use crate::store::AS_BUILT;
use crate::widened::widened;

/// Returns the catalog restricted to what the plan makes and what hangs on it.
pub(crate) fn planned_part(plan: &Plan, catalog: &Catalog) -> Catalog {
    let subjects = plan.steps.iter().map(|step| &step.subject);
    let whole: HashSet<(ObjectKind, &TableId)> = subjects
        .filter(|subject| subject.part.is_empty())
        .map(|subject| (subject.kind, &subject.owner))
        .collect();
    let made = |kind: ObjectKind, id: &TableId| whole.contains(&(kind, id));
    let tables = Planned::places(plan);
    let table = |id: &TableId| tables.contains_key(id);
    let sequences: HashSet<&TableId> = plan.sequences.iter().map(|planned| &planned.target).collect();
    let mut part = catalog.clone();
    part.namespaces
        .retain(|namespace| made(ObjectKind::Namespace, &TableId::bare(&namespace.name)));
    part.types
        .retain(|user_type| made(ObjectKind::Type, &user_type.id));
    part.tables.retain(|found| table(&found.id));
    part.views.retain(|view| made(ObjectKind::View, &view.id));
    part.sequences.retain(|sequence| {
        let planned = sequences.contains(&sequence.id);
        let owned = sequence.owned_by.as_ref().is_some_and(|(owner, _)| table(owner));
        planned || owned || made(ObjectKind::Sequence, &sequence.id)
    });
    part.others
        .retain(|other| other.table.as_ref().is_some_and(table) || made(ObjectKind::Other, &other.id));
    part
}

/// Compares the target's catalog with the plan, and with the picture that was taken when it was built.
pub(super) fn check(ctx: &RunContext, catalog: &Catalog) -> Vec<ObjectVerdict> {
    let mut verdicts: BTreeMap<ObjectId, ObjectVerdict> = BTreeMap::new();
    let now = planned_part(&ctx.plan, catalog);
    let widened = widened(&ctx.dir).unwrap_or_default();
    match ctx.dir.load::<Catalog>(AS_BUILT) {
        Ok(Some(built)) => compare_catalogs(&mut verdicts, &widened.applied_to(built), &now),
        Ok(None) => {
            compare_catalogs(&mut verdicts, &now, &now);
            note_no_picture(&mut verdicts, String::new());
        }
        Err(error) => note_no_picture(&mut verdicts, error.chain()),
    }
    for lack in lacks(&ctx.plan, catalog) {
        verdicts.insert(lack.object.clone(), lack);
    }
    verdicts.into_values().collect()
}

/// Without the picture only what the plan names could be looked for.
fn note_no_picture(verdicts: &mut BTreeMap<ObjectId, ObjectVerdict>, found: String) {
    let object = ObjectId::whole(ObjectKind::Other, TableId::bare(AS_BUILT));
    let verdict = ObjectVerdict {
        object: object.clone(),
        verdict: Verdict::NotChecked,
        expected: "the picture of the target as it was built".to_owned(),
        found,
    };
    verdicts.insert(object, verdict);
}

fn compare_catalogs(verdicts: &mut BTreeMap<ObjectId, ObjectVerdict>, built: &Catalog, now: &Catalog) {
    compare(verdicts, &picture(built), &picture(now));
    let tables = built.tables.iter().chain(&now.tables);
    let tables: BTreeSet<&TableId> = tables.map(|table| &table.id).collect();
    for id in tables {
        let parts = |catalog: &Catalog| catalog.table(id).map(picture_of).unwrap_or_default();
        compare(verdicts, &parts(built), &parts(now));
    }
}

fn compare(
    verdicts: &mut BTreeMap<ObjectId, ObjectVerdict>,
    built: &BTreeMap<ObjectId, Shape>,
    now: &BTreeMap<ObjectId, Shape>,
) {
    let objects: BTreeSet<&ObjectId> = built.keys().chain(now.keys()).collect();
    for object in objects {
        let (was, is) = (built.get(object), now.get(object));
        let same = was.map(|shape| &shape.exact) == is.map(|shape| &shape.exact);
        let shown = |shape: Option<&Shape>| shape.map(|shape| shape.shown.clone()).unwrap_or_default();
        let (mut expected, mut found) = (shown(was), shown(is));
        if !same && expected == found {
            // The difference is in what is not shown.
            let exact = |shape: Option<&Shape>| shape.map(|shape| shape.exact.clone()).unwrap_or_default();
            (expected, found) = (exact(was), exact(is));
        }
        let verdict = if same {
            Verdict::Identical
        } else {
            Verdict::Different
        };
        verdicts.insert(
            object.clone(),
            ObjectVerdict {
                object: object.clone(),
                verdict,
                expected,
                found,
            },
        );
    }
}

/// What the plan wants and the catalog does not have, or has in another form.
fn lacks(plan: &Plan, catalog: &Catalog) -> Vec<ObjectVerdict> {
    let mut lacks = Vec::new();
    for table in &plan.tables {
        match catalog.table(&table.target.id) {
            None => lacks.push(lack(
                ObjectId::whole(ObjectKind::Table, table.target.id.clone()),
                "a table",
                "",
            )),
            Some(found) => table_lacks(&mut lacks, table, found),
        }
    }
    // What was moved aside has left its name, which is not always spelled as that of the table in its place.
    let makes = |step: &&Step| step.subject.part.is_empty() && !step.destructive;
    for step in plan.steps.iter().filter(makes) {
        if !is_there(catalog, &step.subject) {
            lacks.push(lack(step.subject.clone(), step.subject.kind.as_str(), ""));
        }
    }
    for sequence in &plan.sequences {
        let object = ObjectId::whole(ObjectKind::Sequence, sequence.target.clone());
        if !is_there(catalog, &object) {
            lacks.push(lack(object, "a sequence", ""));
        }
    }
    lacks
}

fn lack(object: ObjectId, expected: impl Into<String>, found: impl Into<String>) -> ObjectVerdict {
    ObjectVerdict {
        object,
        verdict: Verdict::Different,
        expected: expected.into(),
        found: found.into(),
    }
}

fn table_lacks(lacks: &mut Vec<ObjectVerdict>, plan: &TablePlan, found: &Table) {
    let want = &plan.target;
    let part = |kind, name: &str| ObjectId::part(kind, want.id.clone(), name);
    for column in &want.columns {
        let object = part(ObjectKind::Column, &column.name);
        match found.column(&column.name) {
            None => lacks.push(lack(object, picture::column_text(column), "")),
            Some(is) if !is_as_wanted(want, column, is) => {
                lacks.push(lack(
                    object,
                    picture::column_text(column),
                    picture::column_text(is),
                ));
            }
            Some(_) => {}
        }
    }
    let columns =
        |key: &Option<whimbrel_core::Key>| key.as_ref().map(|key| key.columns.clone()).unwrap_or_default();
    if columns(&want.primary_key) != columns(&found.primary_key) {
        let text = |key: &Option<whimbrel_core::Key>| columns(key).join(", ");
        let object = part(ObjectKind::PrimaryKey, "");
        lacks.push(lack(object, text(&want.primary_key), text(&found.primary_key)));
    }
    for key in &want.uniques {
        if !found.uniques.iter().any(|have| have.columns == key.columns) {
            lacks.push(lack(
                part(ObjectKind::Unique, &picture::key_name(key)),
                key.columns.join(", "),
                "",
            ));
        }
    }
    for (at, check) in want.checks.iter().enumerate() {
        let there = found.checks.iter().any(|have| have.name == check.name);
        if !(there || check.name.is_empty() && found.checks.len() > at) {
            lacks.push(lack(
                part(ObjectKind::Check, &picture::check_name(check)),
                check.expression.clone(),
                "",
            ));
        }
    }
    for key in &want.foreign_keys {
        let same = |have: &&whimbrel_core::ForeignKey| {
            (&have.columns, &have.references, &have.referred)
                == (&key.columns, &key.references, &key.referred)
        };
        if found.foreign_keys.iter().find(same).is_none() {
            lacks.push(lack(
                part(ObjectKind::ForeignKey, &picture::foreign_key_name(key)),
                picture::foreign_key_text(key),
                "",
            ));
        }
    }
    for index in &want.indexes {
        // Some engines do not tell a unique index from a unique key.
        let is_key = index.unique && found.uniques.iter().any(|have| have.name == index.name);
        if !is_key && !found.indexes.iter().any(|have| have.name == index.name) {
            lacks.push(lack(
                part(ObjectKind::Index, &index.name),
                picture::index_text(index),
                "",
            ));
        }
    }
}

/// Compares a planned column with the one that is there, as far as engines print what they were told.
fn is_as_wanted(table: &Table, want: &Column, is: &Column) -> bool {
    // A key column may be NOT NULL without having been told so.
    let in_key = table
        .primary_key
        .as_ref()
        .is_some_and(|key| key.columns.contains(&want.name));
    let default_there = want.default.is_none() || is.default.is_some() || is.identity.is_some();
    want.native == is.native
        && (in_key || want.nullable == is.nullable)
        && default_there
        && (want.identity.is_none() || is.identity.is_some())
        && want.generated.is_some() == is.generated.is_some()
}

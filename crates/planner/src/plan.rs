//! Makes the plan: the stages in their order, and at the end the fingerprints and the hash.

use std::collections::BTreeSet;

use whimbrel_core::{Endpoint, Plan, Result, TableId, TablePlan};

use crate::draft::{Draft, TableDraft};
use crate::estimate::estimate;
use crate::lookup::Lookup;
use crate::notes::Notes;
use crate::respelling::Respelling;
use crate::scope::{Scope, table_subject};
use crate::staying::Staying;
use crate::{
    PlanInput, Side, changes, collations, existing, flattening, identity, mapping, names, order, select,
    sequences, tables, values, views,
};

/// Decides what a migration will do.
///
/// The plan is made as if every open question were answered as suggested; it may run once [`Plan::open_decisions`] and [`Plan::blockers`] are empty.
///
/// # Errors
/// `Invalid` for a decision that names an unknown code, subject or choice; everything else is a finding.
pub fn plan(input: &PlanInput<'_>) -> Result<Plan> {
    let lookup = Lookup::new(input);
    let scope = Scope::new(input, &lookup);
    let mut notes = Notes::new(&input.wishes.decisions);
    notes.take(&input.preflight, |subject| {
        select::is_filtered_out(&scope, &subject.owner)
    });

    let selection = select::select(&scope, &mut notes);
    let mut names = names::name(&scope, &selection, &mut notes);
    let existing = existing::meet(&scope, &selection, &mut names, &mut notes);
    let numbering = identity::number(&scope, &selection, &mut names, &mut notes);
    let respelling = Respelling::new(&scope, &selection, &names);
    let staying = Staying::find(&scope, &selection, &respelling);
    let ways = mapping::map(
        &scope,
        &selection,
        (&mut names, &respelling),
        &numbering,
        &mut notes,
    );
    let collations = collations::settle(&scope, &selection, &ways, &mut notes);
    values::report_row_sizes(&scope, &selection, &mut notes);

    let mut draft = Draft {
        scope,
        selection,
        names,
        respelling,
        staying,
        existing,
        numbering,
        ways,
        collations,
    };
    let tables = tables::build(&mut draft, &mut notes);
    let tables = order::sort(tables, &mut notes);
    let views = views::build(&draft, &mut notes);
    let sequences = sequences::plan(&draft, &mut notes);
    let drafts: Vec<&TableDraft<'_>> = tables.iter().map(|(table, _)| table).collect();
    let steps = changes::steps(&draft, &drafts, &views, &mut notes);
    let tables: Vec<TablePlan> = tables
        .iter()
        .map(|(table, level)| table_plan(&draft, table, *level, &mut notes))
        .collect();

    let (findings, decisions) = notes.finish(input.wishes.accept_suggested)?;
    let mut plan = Plan {
        format: Plan::FORMAT,
        migration_id: input.migration.clone(),
        hash: String::new(),
        created_at: input.created_at.clone(),
        source: endpoint(&input.source),
        target: endpoint(&input.target),
        mapping: input.wishes.mapping.clone(),
        estimate: estimate(&tables, steps.len(), input.wishes.policies.verify),
        tables,
        sequences,
        steps,
        findings,
        decisions,
        policies: input.wishes.policies.clone(),
    };
    plan.target.rest = input.target.catalog.without(&plan.target_objects()).fingerprint();
    plan.hash = plan.compute_hash();
    Ok(plan)
}

/// Returns the source's tables that move by the wishes, whatever is decided about them.
pub fn chosen(input: &PlanInput<'_>) -> BTreeSet<TableId> {
    let lookup = Lookup::new(input);
    let scope = Scope::new(input, &lookup);
    let selection = select::select(&scope, &mut Notes::new(&[]));
    selection.tables.iter().map(|table| table.id.clone()).collect()
}

fn endpoint(side: &Side<'_>) -> Endpoint {
    let catalog = side.catalog.fingerprint();
    Endpoint {
        engine: side.catalog.engine.clone(),
        version: side.catalog.version.clone(),
        url: side.url.clone(),
        name: side.name.clone(),
        database: side.database.clone(),
        rest: catalog.clone(),
        catalog,
    }
}

fn table_plan(draft: &Draft<'_>, table: &TableDraft<'_>, level: u32, notes: &mut Notes<'_>) -> TablePlan {
    let copied = |column: &String| {
        let mut copied = table.columns.iter().filter(|plan| !plan.computed);
        copied.any(|plan| &plan.target == column)
    };
    let key = table
        .target
        .identity_key()
        .map(|key| key.columns.clone())
        .filter(|columns| columns.iter().all(copied))
        .unwrap_or_default();
    // What is copied of a table that is divided as the source's is, are its partitions.
    let is_copied = table.target.partitioned_by.is_none();
    if key.is_empty() && is_copied {
        notes.info(
            "no_key",
            table_subject(&table.source.id),
            format!(
                "`{}` has no key: it is copied as one chunk and compared as a multiset",
                table.source.id
            ),
        );
    }
    let profile = draft.scope.profile(&table.source.id);
    TablePlan {
        source: flattening::as_read(&draft.scope, table.source),
        target: table.target.clone(),
        columns: table.columns.clone(),
        key,
        level,
        replaces: draft.existing.replaces(&table.target.id),
        rows: profile.map_or(table.source.rows_estimate.unwrap_or(0), |profile| profile.rows),
        bytes: profile.map_or(table.source.bytes.unwrap_or(0), |profile| profile.bytes),
        row_bytes_max: profile.map_or(0, |profile| profile.row_bytes_max),
    }
}

//! Decides each column's way: the form in which its values travel and the native type that holds them. Equal engines keep their types,
//! related ones what both have; for all else the two dialects are asked. What one column could become is `candidates`'.

use std::collections::BTreeSet;

use whimbrel_core::{
    ACCEPT, ColumnUse, Fidelity, Finding, LogicalType, Lossy, Mapped, NativeColumn, STOP, Severity, Table,
    TableId,
};

use crate::candidates::Place;
use crate::enums::EnumTypes;
use crate::identity::Numbering;
use crate::key_types;
use crate::kin::Kin;
use crate::names::Names;
use crate::needs;
use crate::notes::Notes;
use crate::respelling::Respelling;
use crate::scope::{Scope, Spot, column_subject};
use crate::select::Selection;
use crate::ways::{Way, Ways, combine};

/// Decides for every column of the chosen tables.
pub(crate) fn map(
    scope: &Scope<'_>,
    selection: &Selection<'_>,
    (names, respelling): (&mut Names, &Respelling),
    numbering: &Numbering,
    notes: &mut Notes<'_>,
) -> Ways {
    let mut ways = Ways::default();
    let referred = referred(scope);
    let kin = Kin::find(scope, selection);
    let enums = EnumTypes::name(scope, selection, &kin, names);
    for table in &selection.tables {
        needs::check_types(scope, table, notes);
        let of_table = table
            .columns
            .iter()
            .map(|column| {
                let spot = Spot { scope, table, column };
                let target = names.column(&table.id, &column.name);
                let usage = usage(&spot, numbering, &referred);
                let way = match adopted(&spot, &kin, respelling) {
                    Some(native) => {
                        let mut way = kept(&spot, usage, target, &native);
                        report_loss(&spot, &mut way, notes);
                        way
                    }
                    None => Place {
                        spot,
                        usage,
                        own_type: enums.of(&table.id, &column.name),
                    }
                    .settled(target, notes),
                };
                report_failures(&spot, notes);
                (column.name.clone(), way)
            })
            .collect();
        ways.0.insert(table.id.clone(), of_table);
    }
    if scope.equal {
        for table in &selection.tables {
            print_beside(scope, table, &mut ways);
        }
    } else {
        key_types::unify(scope, selection, &mut ways, notes);
        EnumTypes::agree(scope, selection, &mut ways);
        for table in &selection.tables {
            fit_row(scope, table, &mut ways, notes);
        }
    }
    ways
}

/// The type that the mapping wants, or that the column keeps.
fn adopted(spot: &Spot<'_, '_>, kin: &Kin, respelling: &Respelling) -> Option<String> {
    let Spot { scope, table, column } = spot;
    let wanted = scope.input.wishes.renames.types.get(&table.id);
    let wanted = wanted.and_then(|types| types.get(&column.name));
    let is_own = scope.engine(table.origin.as_deref()) == scope.target.catalog.engine;
    let own = respelling.text(scope, &column.native, Some(&table.id));
    let own = own.unwrap_or_else(|_| column.native.clone());
    let kept = match &column.derived {
        // What a mapping made of the values still fits the type they had.
        Some(_) => {
            let keeps = is_own && !column.native.is_empty() && (scope.equal || column.user_type.is_none());
            keeps.then_some(&own)
        }
        None if scope.equal => Some(&own),
        None => kin.native(&table.id, &column.name),
    };
    let wanted = wanted.map(|native| {
        let new = respelling.text(scope, native, None);
        new.unwrap_or_else(|_| native.clone())
    });
    wanted.or_else(|| kept.cloned())
}

/// Tells of rows on which the mapping fails: its expression cannot be computed, or gives what the column does not hold. The run names each.
fn report_failures(spot: &Spot<'_, '_>, notes: &mut Notes<'_>) {
    let Some(profile) = spot.profile().filter(|profile| profile.refused > 0) else {
        return;
    };
    // What a wanted type does to values is a finding of its own.
    if scope_lossy(spot).is_some() {
        return;
    }
    let subject = spot.subject();
    let message = format!(
        "rows on which the mapping of `{subject}` fails: {}",
        profile.refused
    );
    let hint = "hint: mend the expression, so that it gives every row a value that the column holds, or leave such rows out: where = \"...\"";
    let finding = Finding::new("mapping", Severity::Warning, subject, message);
    let evidence = profile.refused_example.iter().cloned().chain([hint.to_owned()]);
    notes.add(evidence.fold(finding, Finding::with_evidence));
}

/// Says what the type that a person wants does to the values: none becomes another one, so rows may be refused.
fn report_loss(spot: &Spot<'_, '_>, way: &mut Way, notes: &mut Notes<'_>) {
    const REJECT: &str = "reject";
    let lossy = scope_lossy(spot);
    let Some(Lossy { form, why }) = lossy else { return };
    way.fidelity = Fidelity::Lossy(format!("{why}; a value that would change is rejected"));
    let subject = spot.subject();
    let Some(profile) = spot.profile().filter(|profile| profile.refused > 0) else {
        let message =
            format!("`{subject}` is read as `{form}`: {why}; every value that is there now stays the same");
        return notes.add(Finding::new("type_lossy", Severity::Info, subject, message));
    };
    let message = format!(
        "rows of which `{subject}` would be another value as `{form}`: {}; {why}",
        profile.refused
    );
    let finding = Finding::new("type_lossy", Severity::Decision, subject, message);
    let hint = format!(
        "hint: to change the values, say so: compute = {{ {name} = 'CAST(\"{name}\" AS {form})' }}; or take a wider type",
        name = spot.column.name
    );
    let evidence = profile.refused_example.iter().cloned().chain([hint]);
    let finding = evidence.fold(finding, Finding::with_evidence);
    notes.ask(
        finding
            .with_choice(
                REJECT,
                "such rows are rejected, or stop their table where `on_reject` says so",
            )
            .with_choice(
                STOP,
                "the migration waits until the values are mended, or the mapping says what becomes of them",
            ),
    );
}

fn scope_lossy<'a>(spot: &Spot<'_, 'a>) -> Option<&'a Lossy> {
    let lossy = &spot.scope.input.wishes.renames.lossy;
    lossy.get(&spot.table.id)?.get(&spot.column.name)
}

/// The columns that foreign keys refer to.
type Referred<'a> = BTreeSet<(&'a TableId, &'a str)>;

fn referred<'a>(scope: &Scope<'a>) -> Referred<'a> {
    let tables = &scope.source.catalog.tables;
    let keys = tables.iter().flat_map(|table| &table.foreign_keys);
    keys.flat_map(|key| {
        key.referred
            .iter()
            .map(|column| (&key.references, column.as_str()))
    })
    .collect()
}

/// What a column's type depends on besides its values.
fn usage(spot: &Spot<'_, '_>, numbering: &Numbering, referred: &Referred<'_>) -> ColumnUse {
    let (table, name) = (spot.table, &spot.column.name);
    let keys = table.primary_key.iter().chain(&table.uniques);
    let in_key = keys.flat_map(|key| &key.columns).any(|part| part == name);
    let in_index = table
        .indexes
        .iter()
        .filter(|index| matches!(index.method.as_str(), "" | "btree" | "hash" | "brin"))
        .flat_map(|index| &index.parts)
        .any(|part| part.column.as_ref() == Some(name) && part.prefix.is_none());
    let referred = referred.contains(&(&table.id, name.as_str()));
    ColumnUse {
        indexed: in_key || in_index || spot.refers() || referred,
        key_columns: key_columns(table, name),
        identity: numbering.of(&table.id, name).is_some(),
        sole_primary_key: spot.is_sole_primary_key(),
        length_seen: length_seen(spot),
    }
}

/// The most columns of a key, an index or a foreign key that the column is part of.
fn key_columns(table: &Table, name: &String) -> u32 {
    let keys = table
        .primary_key
        .iter()
        .chain(&table.uniques)
        .map(|key| &key.columns);
    let foreign = table.foreign_keys.iter().map(|key| &key.columns);
    let in_keys = keys.chain(foreign).filter(|columns| columns.contains(name));
    let in_indexes = table.indexes.iter().map(|index| &index.parts);
    let in_indexes = in_indexes.filter(|parts| parts.iter().any(|part| part.column.as_ref() == Some(name)));
    let counts = in_keys.map(Vec::len).chain(in_indexes.map(Vec::len));
    counts
        .max()
        .and_then(|most| u32::try_from(most).ok())
        .unwrap_or(0)
}

/// Characters of the longest text, or bytes of the longest value of another kind.
fn length_seen(spot: &Spot<'_, '_>) -> Option<u64> {
    let profile = spot.profile()?;
    let is_bytes = profile.chars_max == 0 || matches!(spot.mapped().to, LogicalType::Bytes);
    Some(if is_bytes {
        profile.bytes_max
    } else {
        profile.chars_max
    })
}

/// A column that keeps its type and travels in the engine's own form.
fn kept(spot: &Spot<'_, '_>, usage: ColumnUse, target: String, native: &str) -> Way {
    let meaning = match spot.scope.is_verbatim() && spot.column.derived.is_none() {
        true => None,
        false => Some(spot.mapped().to),
    };
    let own_form = || spot.scope.dialect_of(spot.table).wire(spot.column);
    Way {
        target,
        native: native.to_owned(),
        logical: spot.column.derived.clone().unwrap_or_else(own_form),
        fidelity: Fidelity::Exact,
        left_out: false,
        offers: Vec::new(),
        usage,
        rule: None,
        own_type: None,
        meaning,
    }
}

/// Lets the columns that keep their type travel as text where another column, whose values are computed, cannot be written beside them.
fn print_beside(scope: &Scope<'_>, table: &Table, ways: &mut Ways) {
    let dialect = scope.dialect_of(table);
    let Some(of_table) = ways.0.get_mut(&table.id) else {
        return;
    };
    let is_wire = |way: &Way| matches!(way.logical, LogicalType::Wire { .. });
    let is_beside = |way: &Way| is_wire(way) || dialect.is_beside_wire(&way.logical, &way.native);
    if of_table.values().all(is_beside) {
        return;
    }
    for column in &table.columns {
        if let Some(way) = of_table.get_mut(&column.name).filter(|way| is_wire(way)) {
            way.logical = dialect.printed(column);
        }
    }
}

/// Gives columns other types where the engine's limits of a row or a key would be broken by all of them together.
fn fit_row(scope: &Scope<'_>, table: &Table, ways: &mut Ways, notes: &mut Notes<'_>) {
    let Some(of_table) = ways.0.get_mut(&table.id) else {
        return;
    };
    let names: Vec<&String> = table
        .columns
        .iter()
        .map(|column| &column.name)
        .filter(|name| of_table.get(*name).is_some_and(|way| !way.left_out))
        .collect();
    let natives: Vec<NativeColumn<'_>> = names
        .iter()
        .filter_map(|name| of_table.get(*name))
        .map(|way| NativeColumn {
            logical: &way.logical,
            native: &way.native,
            usage: way.usage,
        })
        .collect();
    for (at, fitted) in scope.target.dialect.fit_row(&natives) {
        let Some(name) = names.get(at) else { continue };
        report_fitted(table, name, &fitted, notes);
        if let Some(way) = of_table.get_mut(*name) {
            way.fidelity = combine(&way.fidelity, &fitted.fidelity);
            way.native = fitted.to;
        }
    }
}

fn report_fitted(table: &Table, column: &str, fitted: &Mapped<String>, notes: &mut Notes<'_>) {
    let subject = column_subject(&table.id, column);
    let becomes = format!("`{subject}` becomes `{}`, so that the row fits", fitted.to);
    let (code, severity, message) = match &fitted.fidelity {
        Fidelity::Exact => ("type_widened", Severity::Info, becomes),
        Fidelity::Widened(why) => ("type_widened", Severity::Warning, format!("{becomes}: {why}")),
        Fidelity::Lossy(why) => ("type_lossy", Severity::Decision, format!("{becomes}: {why}")),
        Fidelity::Unsupported(why) => ("row_too_large", Severity::Blocker, format!("{becomes}: {why}")),
    };
    let finding = Finding::new(code, severity, subject, message);
    match severity {
        Severity::Decision => {
            notes.ask(
                finding
                    .with_choice(ACCEPT, format!("`{}`", fitted.to))
                    .with_choice(STOP, "the migration waits until the table is narrower")
                    .suggest(ACCEPT),
            );
        }
        Severity::Info | Severity::Warning | Severity::Blocker => notes.add(finding),
    }
}

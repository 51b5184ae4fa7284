//! Checks in the target: the table's own, and across engines those that stand for an enum's labels and a domain's conditions.

use whimbrel_core::{
    Check, Column, ExpressionContext, Feature, Finding, LEAVE_OUT, LogicalType, ObjectId, ObjectKind, STOP,
    Severity, Table, TableId, UserTypeKind,
};

use crate::clauses;
use crate::draft::{Draft, TableDraft};
use crate::expressions::{Stuck, table_context, translate};
use crate::names::Part;
use crate::notes::Notes;
use crate::scope::{Scope, column_subject};

/// How deep domains over domains are followed.
const DOMAIN_DEPTH_MAX: usize = 16;
/// The choice to make a check that every row must fulfil of one that rows from before may break.
const VALIDATE: &str = "validate";

/// A domain that a column's values must fulfil.
pub(crate) struct Domain {
    id: TableId,
    pub(crate) not_null: bool,
    pub(crate) default: Option<String>,
    checks: Vec<Check>,
}

/// Gives the target table its checks.
pub(crate) fn build(draft: &mut Draft<'_>, table: &mut TableDraft<'_>, notes: &mut Notes<'_>) {
    let source = table.source;
    for (number, check) in source.checks.iter().enumerate() {
        let part = match check.name.is_empty() {
            true => format!("check_{}", number + 1),
            false => check.name.clone(),
        };
        let subject = ObjectId::part(ObjectKind::Check, source.id.clone(), part);
        if is_left_out(draft, table, (&subject, check), notes) {
            continue;
        }
        let context = table_context(draft, source, None);
        let made = made(draft, table, (&subject, check), &context, notes);
        table.target.checks.extend(made);
    }
    if draft.scope.equal {
        return;
    }
    for column in &source.columns {
        add_labels(draft, table, column, notes);
        for domain in domains(&draft.scope, column) {
            add_domain(draft, table, column, &domain, notes);
        }
    }
}

/// Tells whether a check stays behind: the target has none, or would enforce what nothing enforces, or its type for documents checks what the check does.
fn is_left_out(
    draft: &Draft<'_>,
    table: &TableDraft<'_>,
    (subject, check): (&ObjectId, &Check),
    notes: &mut Notes<'_>,
) -> bool {
    if !draft.scope.keeps(Feature::Checks) {
        notes.add(
            Finding::new(
                "feature_left_out",
                Severity::Warning,
                subject.clone(),
                format!("the check `{subject}` stays behind: the target has none"),
            )
            .with_evidence(check.expression.clone()),
        );
        return true;
    }
    let own = check.definition.as_deref();
    if clauses::stays_unenforced(draft, table.source, (subject, own), notes) {
        return true;
    }
    let documents = table.source.columns.iter().filter(|column| {
        let way = draft.ways.moved(&table.source.id, &column.name);
        way.is_some_and(|way| way.logical == LogicalType::Json)
    });
    let is_needless = documents
        .into_iter()
        .any(|column| is_check_of_document(&check.expression, &column.name));
    if is_needless {
        let message =
            format!("the check `{subject}` stays behind: the target's type holds valid documents only");
        notes.info("feature_left_out", subject.clone(), message);
    }
    is_needless
}

/// Tells whether the condition says no more than that the column holds a JSON document.
fn is_check_of_document(expression: &str, column: &str) -> bool {
    let bare: String = expression
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '(' | ')' | '`' | '"'))
        .collect();
    let column: String = column
        .chars()
        .filter(|c| !matches!(c, '(' | ')' | '`' | '"' | ' '))
        .collect();
    bare.to_lowercase() == format!("json_valid{}", column.to_lowercase())
}

/// The domains behind a column, the nearest first; none between equal engines, where domains move as they are, and none behind an array.
pub(crate) fn domains(scope: &Scope<'_>, column: &Column) -> Vec<Domain> {
    let mut found = Vec::new();
    if scope.equal {
        return found;
    }
    let mut native = column.native.clone();
    // Of several databases the type has another name here than in its own.
    if let Some(id) = &column.user_type
        && native.replace('"', "").rsplit('.').next() == Some(id.name.as_str())
    {
        native = id.to_string();
    }
    while found.len() < DOMAIN_DEPTH_MAX {
        let bare = native.replace('"', "");
        let domain = scope.source.catalog.types.iter().find_map(|user_type| {
            let is_it = user_type.id.to_string() == bare || user_type.id.name == bare;
            match &user_type.kind {
                UserTypeKind::Domain {
                    base,
                    not_null,
                    default,
                    checks,
                    ..
                } if is_it => Some((&user_type.id, base, *not_null, default, checks)),
                UserTypeKind::Domain { .. }
                | UserTypeKind::Enum { .. }
                | UserTypeKind::Composite { .. }
                | UserTypeKind::Range { .. } => None,
            }
        });
        let Some((id, base, not_null, default, checks)) = domain else {
            break;
        };
        found.push(Domain {
            id: id.clone(),
            not_null,
            default: default.clone(),
            checks: checks.clone(),
        });
        native.clone_from(base);
    }
    found
}

/// An enum travels as its label; a check keeps others out.
fn add_labels(draft: &mut Draft<'_>, table: &mut TableDraft<'_>, column: &Column, notes: &mut Notes<'_>) {
    let Some(way) = draft.ways.moved(&table.source.id, &column.name) else {
        return;
    };
    let LogicalType::Enum { labels, .. } = &way.logical else {
        return;
    };
    let dialect = draft.scope.target.dialect;
    // A type that is read back as labels keeps others out by itself.
    let held = dialect.logical(
        &Column::new(&way.target, &way.native),
        draft.scope.target.catalog,
        None,
    );
    if way.own_type.is_some() || matches!(held.to, LogicalType::Enum { .. }) {
        return;
    }
    if !dialect.has(Feature::Checks) {
        notes.info(
            "feature_left_out",
            column_subject(&table.source.id, &column.name),
            format!("`{}` takes any text: the target has no checks", way.target),
        );
        return;
    }
    let literals: Vec<String> = labels.iter().map(|label| dialect.literal(label)).collect();
    let expression = format!("{} IN ({})", dialect.quote(&way.target), literals.join(", "));
    let wanted = format!("{}_{}_check", table.target.id.name, way.target);
    let subject = ObjectId::part(ObjectKind::Check, table.source.id.clone(), wanted.clone());
    let part = Part {
        subject: &subject,
        table: &table.target.id,
        wanted: &wanted,
        beside: &keys_beside(draft, &table.target),
    };
    table.target.checks.push(Check {
        name: draft.names.constraint(&draft.scope, &part, notes),
        expression,
        validated: true,
        definition: None,
    });
}

/// The names of unique keys that a check of the table cannot have. Between equal engines names that stood beside each other can stay so.
fn keys_beside(draft: &Draft<'_>, target: &Table) -> Vec<String> {
    let is_asked = !draft.scope.equal && draft.scope.target.capabilities.checks_share_names;
    let names = target.uniques.iter().map(|key| key.name.clone());
    names.filter(|_| is_asked).collect()
}

fn add_domain(
    draft: &mut Draft<'_>,
    table: &mut TableDraft<'_>,
    column: &Column,
    domain: &Domain,
    notes: &mut Notes<'_>,
) {
    let source = table.source;
    let Some(way) = draft.ways.moved(&source.id, &column.name) else {
        return;
    };
    let (logical, target) = (way.logical.clone(), way.target.clone());
    for (number, check) in domain.checks.iter().enumerate() {
        let mut context = table_context(draft, source, None);
        // A domain's condition calls the column `VALUE`.
        for value in ["VALUE", "value"] {
            context.columns.insert(value.to_owned(), logical.clone());
            context.renames.insert(value.to_owned(), target.clone());
        }
        let part = match check.name.is_empty() {
            true => format!("{}_{}_check_{}", column.name, domain.id.name, number + 1),
            false => format!("{}_{}", column.name, check.name),
        };
        let subject = ObjectId::part(ObjectKind::Check, source.id.clone(), part.clone());
        let named = Check {
            name: part,
            ..check.clone()
        };
        let made = made(draft, table, (&subject, &named), &context, notes);
        table.target.checks.extend(made);
    }
}

fn made(
    draft: &mut Draft<'_>,
    table: &TableDraft<'_>,
    (subject, check): (&ObjectId, &Check),
    context: &ExpressionContext,
    notes: &mut Notes<'_>,
) -> Option<Check> {
    let (expression, own) = match translate(draft, &check.expression, context) {
        Ok(expression) => (expression, false),
        Err(why) => {
            let stuck = Stuck {
                subject: subject.clone(),
                what: "check",
                expression: &check.expression,
                why,
                without: "all rows arrive; the target does not enforce it",
            };
            (stuck.ask(notes).own_text()?.to_owned(), true)
        }
    };
    let definition = clauses::words(draft, table.source, check.definition.as_deref().filter(|_| !own));
    let validated = match definition.is_some() && !draft.scope.inline() {
        // Its own words say what it asks of old rows.
        true => check.validated,
        false => validated(&draft.scope, (subject, check), notes)?,
    };
    let definition = definition.or_else(|| alone(draft, table, (subject, check), &expression, notes));
    let wanted = match (check.name.is_empty(), draft.scope.inline()) {
        (false, _) => check.name.clone(),
        (true, true) => String::new(),
        (true, false) => format!("{}_{}", table.target.id.name, subject.part),
    };
    let part = Part {
        subject,
        table: &table.target.id,
        wanted: &wanted,
        beside: &keys_beside(draft, &table.target),
    };
    Some(Check {
        name: draft.names.constraint(&draft.scope, &part, notes),
        validated,
        definition,
        expression,
    })
}

/// The words of a check that tables which inherit do not have, where the target can say so.
fn alone(
    draft: &Draft<'_>,
    table: &TableDraft<'_>,
    (subject, check): (&ObjectId, &Check),
    expression: &str,
    notes: &mut Notes<'_>,
) -> Option<String> {
    const ALONE: &str = " NO INHERIT";
    let own = check.definition.as_ref()?;
    if draft.scope.equal || !own.ends_with(ALONE) {
        return None;
    }
    if draft.scope.is_same_engine(table.source.origin.as_deref()) {
        return Some(format!("CHECK ({expression}){ALONE}"));
    }
    let message = format!("the check `{subject}` loses{ALONE}");
    notes.info("feature_left_out", subject.clone(), message);
    None
}

/// Tells whether the target's check holds for every row; none when it stays behind.
fn validated(
    scope: &Scope<'_>,
    (subject, check): (&ObjectId, &Check),
    notes: &mut Notes<'_>,
) -> Option<bool> {
    if check.validated {
        return Some(true);
    }
    if scope.inline() {
        // Where it stands inside CREATE TABLE nothing looks at the rows that are loaded.
        if !scope.equal {
            let message = format!("the check `{subject}` does not know that old rows may break it");
            notes.info("feature_left_out", subject.clone(), message);
        }
        return Some(true);
    }
    if scope.target.dialect.has(Feature::UnvalidatedChecks) {
        return Some(false);
    }
    let message =
        format!("rows from before may break the check `{subject}`; the target has no check that lets them");
    let answer = notes.ask(
        Finding::new("feature_left_out", Severity::Decision, subject.clone(), message)
            .with_evidence(check.expression.clone())
            .with_choice(
                LEAVE_OUT,
                "all rows arrive; the check stays behind, and the target refuses no new row that breaks it",
            )
            .with_choice(
                VALIDATE,
                "the check is made once the rows are there; the migration fails if one of them breaks it",
            )
            .with_choice(STOP, "the migration waits until the source's check is validated")
            .suggest(LEAVE_OUT),
    );
    answer.is(VALIDATE).then_some(true)
}

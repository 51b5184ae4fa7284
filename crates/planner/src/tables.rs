//! Makes the target tables: columns with their defaults and generation, then keys, checks, foreign keys and indexes, then what does not arrive.

use whimbrel_core::{
    Check, Column, ColumnPlan, Feature, Finding, Generated, LEAVE_OUT, LogicalType, OWN_TEXT, ObjectId,
    ObjectKind, STOP, Sequence, Severity, Table, TableId, Untranslated, signed_range,
};

use crate::constraints::{self, domains};
use crate::draft::{Draft, TableDraft};
use crate::expressions::{Stuck, means_the_same, table_context, translate};
use crate::notes::Notes;
use crate::scope::{column_subject, table_subject};
use crate::stamps::Stamp;
use crate::values::makes_null;
use crate::ways::Way;
use crate::{foreign_keys, indexes, keys, partitions, stamps};

/// Makes the target tables, in the order of the source's catalog.
pub(crate) fn build<'a>(draft: &mut Draft<'a>, notes: &mut Notes<'_>) -> Vec<TableDraft<'a>> {
    let sources = draft.selection.tables.clone();
    let mut tables: Vec<TableDraft<'a>> = sources
        .into_iter()
        .map(|source| {
            let mut table = with_columns(draft, source, notes);
            keys::build(draft, &mut table, notes);
            constraints::build(draft, &mut table, notes);
            indexes::build(draft, &mut table, notes);
            table
        })
        .collect();
    // Foreign keys last: they need to know which keys the tables they refer to really get.
    foreign_keys::build(draft, &mut tables, notes);
    for table in &mut tables {
        partitions::keep(draft, table);
        keep_definition(draft, table, notes);
    }
    tables
}

fn with_columns<'a>(draft: &mut Draft<'a>, source: &'a Table, notes: &mut Notes<'_>) -> TableDraft<'a> {
    let mut target = Table::empty(draft.names.table(&source.id));
    let (mut copied, mut sequences, mut stamps) = (Vec::new(), Vec::new(), Vec::new());
    for column in &source.columns {
        let Some(way) = draft.ways.moved(&source.id, &column.name).cloned() else {
            continue;
        };
        let generated = match generated(draft, source, column, &way, notes) {
            Generation::LeftOut => {
                leave_out(draft, &source.id, &column.name);
                continue;
            }
            Generation::Plain => None,
            Generation::By(generated) => Some(generated),
        };
        copied.push(ColumnPlan {
            computed: generated.is_some(),
            ..column_plan(column, &way)
        });
        let mut made = target_column(draft, source, column, generated, notes);
        match stamps::settle(draft, source, column, notes) {
            Stamp::Nothing => {}
            Stamp::Kept(words) => made.on_update = Some(words),
            Stamp::Trigger => stamps.push(made.name.clone()),
        }
        sequences.extend(implicit_sequence(draft, source, column, &target.id));
        target.columns.push(made);
    }
    target.options = options(draft, source);
    if draft.scope.keeps(Feature::Comments) {
        target.comment.clone_from(&source.comment);
    }
    report_left_out(draft, source, notes);
    if target.columns.is_empty() && !source.columns.is_empty() {
        notes.block(
            "unmovable_table",
            table_subject(&source.id),
            format!(
                "no column of `{}` is left; leave the table out by the table filter",
                source.id
            ),
        );
    }
    TableDraft {
        source,
        target,
        columns: copied,
        sequences,
        stamps,
    }
}

/// What becomes of a column's generation.
enum Generation {
    /// An ordinary column.
    Plain,
    By(Generated),
    LeftOut,
}

fn generated(
    draft: &Draft<'_>,
    table: &Table,
    column: &Column,
    way: &Way,
    notes: &mut Notes<'_>,
) -> Generation {
    let Some(source) = &column.generated else {
        return Generation::Plain;
    };
    let subject = column_subject(&table.id, &column.name);
    let stored = source.stored || !draft.scope.keeps(Feature::VirtualColumns);
    if stored != source.stored {
        notes.info(
            "feature_left_out",
            subject.clone(),
            format!("the generated column `{subject}` is stored in the target"),
        );
    }
    let context = table_context(draft, table, Some(way.meaning().clone()));
    let in_key = table
        .primary_key
        .as_ref()
        .is_some_and(|key| key.columns.contains(&column.name));
    let translated = match translate(draft, &source.expression, &context) {
        Ok(_) if in_key && !draft.scope.equal => Err(Untranslated::new("it is part of the primary key")),
        other => other,
    };
    let why = match translated {
        Ok(expression) if means_the_same(draft, &source.expression, &context) => {
            return Generation::By(Generated { expression, stored });
        }
        Ok(expression) => return compute_or_keep(&subject, Generated { expression, stored }, notes),
        Err(why) => why,
    };
    let stuck = Stuck {
        subject,
        what: "generation",
        expression: &source.expression,
        why,
        without: "",
    };
    let answer = notes.ask(
        stuck
            .question()
            .with_choice("plain", "an ordinary column that holds the values of today")
            .with_choice(
                LEAVE_OUT,
                "the column stays behind; its values are computed from others",
            )
            .with_choice(OWN_TEXT, "the generation in the target's words")
            .suggest("plain"),
    );
    match answer.own_text() {
        Some(text) => Generation::By(Generated {
            expression: text.to_owned(),
            stored,
        }),
        None if answer.is(LEAVE_OUT) => Generation::LeftOut,
        None => Generation::Plain,
    }
}

/// Asks whether the target shall compute values that may differ from the source's.
fn compute_or_keep(subject: &ObjectId, generated: Generated, notes: &mut Notes<'_>) -> Generation {
    let question = Finding::new(
        "expression_changed",
        Severity::Decision,
        subject.clone(),
        format!(
            "the target may compute other values for the generated column `{subject}` than the source does"
        ),
    );
    let answer = notes.ask(
        question
            .with_evidence(&generated.expression)
            .with_choice("plain", "an ordinary column that holds the values of today")
            .with_choice(
                "generated",
                "computed by the target; rows in which it computes another value are found when the copy is verified",
            )
            .with_choice(
                LEAVE_OUT,
                "the column stays behind; its values are computed from others",
            )
            .suggest("plain"),
    );
    if answer.is("generated") {
        Generation::By(generated)
    } else if answer.is(LEAVE_OUT) {
        Generation::LeftOut
    } else {
        Generation::Plain
    }
}

fn leave_out(draft: &mut Draft<'_>, table: &TableId, column: &str) {
    let of_table = draft.ways.0.get_mut(table);
    if let Some(way) = of_table.and_then(|of_table| of_table.get_mut(column)) {
        way.left_out = true;
    }
}

fn column_plan(column: &Column, way: &Way) -> ColumnPlan {
    ColumnPlan {
        source: column.name.clone(),
        source_native: column.native.clone(),
        target: way.target.clone(),
        target_native: way.native.clone(),
        logical: way.logical.clone(),
        fidelity: way.fidelity.clone(),
        computed: false,
        rule: way.rule.clone(),
    }
}

fn target_column(
    draft: &Draft<'_>,
    table: &Table,
    column: &Column,
    generated: Option<Generated>,
    notes: &mut Notes<'_>,
) -> Column {
    let scope = &draft.scope;
    let (native, target) = draft.ways.of(&table.id, &column.name).map_or_else(
        || (column.native.clone(), column.name.clone()),
        |way| (way.native.clone(), way.target.clone()),
    );
    let numbered = draft.numbering.of(&table.id, &column.name);
    let way = draft.ways.of(&table.id, &column.name);
    let own_type = way.and_then(|way| way.own_type.as_ref());
    let mut made = Column::new(target, native);
    made.user_type = match scope.equal {
        true => column.user_type.as_ref().map(|id| draft.names.user_type(id)),
        false => own_type.map(|own| own.id.clone()),
    };
    if scope.equal || way.is_some_and(Way::is_adopted) {
        made.options.clone_from(&column.options);
    }
    made.nullable = nullable(draft, table, column, notes);
    made.identity = numbered.map(|numbered| numbered.identity(scope, column));
    if generated.is_none() && (scope.equal || numbered.is_none()) {
        made.default = default(draft, table, column, notes);
    }
    made.generated = generated;
    made.comment = column.comment.clone().filter(|_| scope.keeps(Feature::Comments));
    made.collation = collation(draft, table, column, notes);
    made
}

fn nullable(draft: &Draft<'_>, table: &Table, column: &Column, notes: &mut Notes<'_>) -> bool {
    let not_null = domains(&draft.scope, column).iter().any(|domain| domain.not_null);
    let nullable = column.nullable && !not_null;
    let in_key = table
        .primary_key
        .as_ref()
        .is_some_and(|key| key.columns.contains(&column.name));
    let profile = draft.scope.column_profile(&table.id, &column.name);
    let nulls = profile.map_or(0, |profile| profile.nulls);
    let subject = column_subject(&table.id, &column.name);
    let way = draft.ways.of(&table.id, &column.name);
    let becomes_null = way.and_then(|way| way.rule.as_ref()).is_some_and(makes_null);
    if !nullable && !in_key && becomes_null {
        let message = format!("`{subject}` allows NULL in the target, since some of its values become NULL");
        notes.warn("null_in_not_null", subject, message);
        return true;
    }
    if nullable || in_key || nulls == 0 {
        return nullable;
    }
    notes
        .ask(
            Finding::new(
                "null_in_not_null",
                Severity::Decision,
                subject.clone(),
                format!("rows of `{subject}` with NULL, though the column will be NOT NULL: {nulls}"),
            )
            .with_choice("nullable", "the column allows NULL in the target")
            .with_choice(STOP, "the migration waits until the rows are mended")
            .suggest("nullable"),
        )
        .is("nullable")
}

fn default(draft: &Draft<'_>, table: &Table, column: &Column, notes: &mut Notes<'_>) -> Option<String> {
    let place = (table.id.clone(), column.name.clone());
    if let Some(settled) = draft.numbering.defaults.get(&place) {
        return settled.clone();
    }
    let inherited = || {
        domains(&draft.scope, column)
            .into_iter()
            .find_map(|domain| domain.default)
    };
    let expression = column.default.clone().or_else(inherited)?;
    let logical = draft
        .ways
        .of(&table.id, &column.name)
        .map(|way| way.meaning().clone());
    let context = table_context(draft, table, logical);
    match translate(draft, &expression, &context) {
        Ok(translated) => Some(translated),
        Err(why) => Stuck {
            subject: column_subject(&table.id, &column.name),
            what: "default",
            expression: &expression,
            why,
            without: "the values arrive; new rows must bring their own",
        }
        .ask(notes)
        .own_text()
        .map(str::to_owned),
    }
}

/// A related engine keeps the collation as it is called; elsewhere it is chosen by what it calls equal, and its order stays behind.
fn collation(draft: &Draft<'_>, table: &Table, column: &Column, notes: &mut Notes<'_>) -> Option<String> {
    let adopted = draft
        .ways
        .of(&table.id, &column.name)
        .is_some_and(Way::is_adopted);
    if draft.scope.equal || adopted {
        let own = column.collation.as_ref()?;
        // A collation of the database's own may lie in a namespace that has another name in the target.
        let respelled = draft.respelling.text(&draft.scope, own, None);
        return Some(respelled.unwrap_or_else(|_| own.clone()));
    }
    let chosen = draft.collations.of(&table.id, &column.name).cloned();
    // What an inexact one calls equal was asked or said already.
    let is_exact = draft.scope.dialect_of(table).equality(column).is_exact();
    if let Some(collation) = column.collation.as_ref().filter(|_| is_exact) {
        let subject = column_subject(&table.id, &column.name);
        let message = format!("the order of collation `{collation}` of `{subject}` stays behind");
        notes.info("collation", subject, message);
    }
    chosen
}

/// The sequence that CREATE TABLE makes together with an identity column.
fn implicit_sequence(
    draft: &Draft<'_>,
    table: &Table,
    column: &Column,
    target: &TableId,
) -> Option<Sequence> {
    let numbered = draft.numbering.of(&table.id, &column.name)?;
    let way = draft.ways.of(&table.id, &column.name)?;
    let source = draft.scope.source.catalog.sequence(&numbered.source_sequence);
    let owned_by = Some((target.clone(), way.target.clone()));
    if draft.scope.equal {
        return source
            .filter(|sequence| sequence.implicit)
            .map(|sequence| Sequence {
                id: numbered.target_sequence.clone(),
                owned_by,
                ..sequence.clone()
            });
    }
    numbered.identity(&draft.scope, column).sequence?;
    let max = largest(&way.logical);
    Some(Sequence {
        id: numbered.target_sequence.clone(),
        native: way.native.clone(),
        start: source.map_or(1, |sequence| sequence.start).min(max),
        increment: source.map_or(1, |sequence| sequence.increment),
        min: source.map_or(1, |sequence| sequence.min),
        max: source.map_or(max, |sequence| sequence.max.min(max)),
        cache: 1,
        cycle: source.is_some_and(|sequence| sequence.cycle),
        owned_by,
        implicit: true,
        position: None,
        comment: None,
    })
}

/// The largest number that an integer column holds.
fn largest(logical: &LogicalType) -> i64 {
    if let LogicalType::Integer { bits } = logical {
        *signed_range(*bits).end()
    } else {
        i64::MAX
    }
}

/// The table's options that go with it: all between equal engines, and between flavours of one server those that name no collation, since each
/// of its columns has its own.
fn options(draft: &Draft<'_>, table: &Table) -> Vec<String> {
    let scope = &draft.scope;
    let is_kin = scope.is_kin(table.origin.as_deref());
    let goes = |option: &&String| scope.equal || (is_kin && !option.starts_with("collation="));
    table.options.iter().filter(goes).cloned().collect()
}

/// Says what of a table has no place in the target.
fn report_left_out(draft: &Draft<'_>, table: &Table, notes: &mut Notes<'_>) {
    let kept = options(draft, table);
    let lost: Vec<&str> = table
        .options
        .iter()
        .filter(|option| !kept.contains(option))
        .map(String::as_str)
        .collect();
    if !lost.is_empty() {
        notes.info(
            "feature_left_out",
            table_subject(&table.id),
            format!("options of `{}` stay behind: {}", table.id, lost.join(", ")),
        );
    }
    if !draft.scope.equal && !kept.is_empty() {
        notes.info(
            "feature_left_out",
            table_subject(&table.id),
            format!(
                "the target takes what it knows of the options of `{}`: {}",
                table.id,
                kept.join(", ")
            ),
        );
    }
    for column in &table.columns {
        let adopted = draft
            .ways
            .of(&table.id, &column.name)
            .is_some_and(Way::is_adopted);
        let is_document = draft
            .ways
            .of(&table.id, &column.name)
            .is_some_and(|way| way.logical == LogicalType::Json);
        // That it holds documents is what the type says now.
        let lost: Vec<&str> = column
            .options
            .iter()
            .filter(|option| !is_document || *option != "json")
            .map(String::as_str)
            .collect();
        if !draft.scope.equal && !adopted && !lost.is_empty() {
            let subject = column_subject(&table.id, &column.name);
            let message = format!("`{subject}` loses {}", lost.join(", "));
            notes.info("feature_left_out", subject, message);
        }
    }
    let mut comments = table
        .columns
        .iter()
        .filter_map(|column| column.comment.as_ref())
        .chain(&table.comment)
        .chain(table.indexes.iter().filter_map(|index| index.comment.as_ref()));
    if comments.next().is_some() && !draft.scope.keeps(Feature::Comments) {
        notes.warn(
            "feature_left_out",
            ObjectId::whole(ObjectKind::Comment, table.id.clone()),
            format!(
                "comments on `{}` and its parts stay behind: the target has none",
                table.id
            ),
        );
    }
}

/// A native definition stays only when nothing that it says changed. Indexes have their own, and whether old rows were checked it does not say.
fn keep_definition(draft: &Draft<'_>, table: &mut TableDraft<'_>, notes: &mut Notes<'_>) {
    let bare = |table: &Table| {
        let mut bare = Table {
            definition: None,
            indexes: Vec::new(),
            parts: Vec::new(),
            rows_estimate: None,
            bytes: None,
            ..table.clone()
        };
        for key in &mut bare.foreign_keys {
            key.validated = true;
        }
        bare
    };
    let (mut source, mut target) = (bare(table.source), bare(&table.target));
    // Where the engine gives a primary key or a check no name of its own, the one in the plan means nothing.
    if let (Some(from), Some(key)) = (&source.primary_key, &mut target.primary_key)
        && from.name.is_empty()
    {
        key.name.clear();
    }
    for check in &mut target.checks {
        let is_nameless = |from: &Check| from.name.is_empty() && from.expression == check.expression;
        if source.checks.iter().any(is_nameless) {
            check.name.clear();
        }
    }
    for checks in [&mut source.checks, &mut target.checks] {
        checks.sort_by(|a, b| (&a.name, &a.expression).cmp(&(&b.name, &b.expression)));
    }
    if draft.scope.equal && source == target {
        table.target.definition.clone_from(&table.source.definition);
        table.target.checks.clone_from(&table.source.checks);
    } else if let Some(definition) = renamed_definition(draft, table, (&source, &target)) {
        table.target.definition = Some(definition);
    } else if table.source.settles_conflicts() {
        notes.warn(
            "feature_left_out",
            table_subject(&table.source.id),
            format!(
                "ON CONFLICT clauses of `{}` stay behind: a row that breaks a key is an error",
                table.source.id
            ),
        );
    }
}

/// The native definition with other names, when names are all that changes.
fn renamed_definition(
    draft: &Draft<'_>,
    table: &TableDraft<'_>,
    (source, target): (&Table, &Table),
) -> Option<String> {
    let definition = table.source.definition.as_deref().filter(|_| draft.scope.equal)?;
    let text = |text: &str| draft.respelling.text(&draft.scope, text, Some(&source.id)).ok();
    let column = |name: &String| draft.names.column(&source.id, name);
    let mut renamed = source.clone();
    renamed.id = target.id.clone();
    for own in &mut renamed.columns {
        own.name = column(&own.name);
        if let Some(identity) = &mut own.identity {
            let sequence = identity.sequence.as_ref();
            identity.sequence = sequence.map(|id| draft.names.sequence(id));
        }
        if let Some(default) = &mut own.default {
            *default = text(default)?;
        }
        if let Some(generated) = &mut own.generated {
            generated.expression = text(&generated.expression)?;
        }
    }
    for key in renamed.primary_key.iter_mut().chain(&mut renamed.uniques) {
        key.columns = key.columns.iter().map(column).collect();
        key.definition = key.definition.as_deref().and_then(text);
    }
    for key in &mut renamed.foreign_keys {
        key.definition = key.definition.as_deref().and_then(text);
        key.columns = key.columns.iter().map(column).collect();
        let referred = key.referred.iter();
        let referred = referred.map(|name| draft.names.column(&key.references, name));
        key.referred = referred.collect();
        key.references = draft.names.table(&key.references);
    }
    for check in &mut renamed.checks {
        check.expression = text(&check.expression)?;
        check.definition = check.definition.as_deref().and_then(text);
    }
    renamed
        .checks
        .sort_by(|a, b| (&a.name, &a.expression).cmp(&(&b.name, &b.expression)));
    // Where a column is called as a type is, its name cannot be told from the type.
    let renames = draft.names.renamed_columns(&source.id);
    let is_type = |name: &String| {
        source.columns.iter().any(|column| {
            let mut words = column.native.split(|c: char| !c.is_alphanumeric() && c != '_');
            words.any(|word| word.eq_ignore_ascii_case(name))
        })
    };
    match &renamed == target && !renames.keys().any(is_type) {
        true => text(definition),
        false => None,
    }
}

//! Changes as steps: statements with their undo. Definitions that the server printed are used as they are.

pub(super) mod further;

use whimbrel_core::{
    Change, Check, Column, Deferral, Error, ErrorClass, ForeignKey, Identity, Index, IndexPart, Key,
    MakingStage, Namespace, ObjectId, ObjectKind, OtherObject, Result, Sequence, Statement, Step, StepPhase,
    Table, TableId, UserType, UserTypeKind, View, hash_of,
};

use crate::catalog::{INHERITED, NOT_NULL_NAME};
use crate::column_option;
use crate::large_objects;
use crate::quote::{literal, quoted, table_name};

/// The engine's operation that drops a namespace unless something is still in it.
pub(crate) const DROP_NAMESPACE_IF_EMPTY: &str = "drop_namespace_if_empty";

/// Identifiers have at most this many bytes.
const NAME_BYTES_MAX: usize = 63;

pub(super) fn steps(change: &Change) -> Result<Step> {
    Ok(match change {
        Change::CreateNamespace(namespace) => create_namespace(namespace),
        Change::CreateType(user_type) => create_type(user_type),
        Change::CreateSequence(sequence) => create_sequence(sequence),
        Change::CreateTable { table, .. } if large_objects::is_store(&table.id) => take_large_objects(table),
        Change::CreateTable { table, sequences, .. } => create_table(table, sequences),
        Change::OwnSequence {
            sequence,
            table,
            column,
        } => own_sequence(sequence, table, column),
        Change::AddPrimaryKey { table, key } => {
            let definition = primary_definition(key);
            add_constraint(table, ObjectKind::PrimaryKey, &key.name, &definition, &[])?
        }
        Change::AddUnique { table, key } => {
            add_constraint(table, ObjectKind::Unique, &key.name, &unique_definition(key), &[])?
        }
        Change::AddCheck { table, check } => add_constraint(
            table,
            ObjectKind::Check,
            &check.name,
            &check_definition(check),
            &[],
        )?,
        Change::AddExclusion {
            table,
            name,
            definition,
        } => add_constraint(table, ObjectKind::Exclusion, name, definition, &[])?,
        Change::CreateIndex { table, index } => create_index(table, index),
        Change::AddForeignKey { table, key } => {
            let references = std::slice::from_ref(&key.references);
            add_constraint(
                table,
                ObjectKind::ForeignKey,
                &key.name,
                &foreign_key_definition(key),
                references,
            )?
        }
        Change::CreateView(view) => create_view(view),
        Change::MoveAside { table, .. } if large_objects::is_store(&table.id) => {
            return Err(Error::new(
                ErrorClass::Unsupported,
                "the target's large objects cannot be moved aside",
            ));
        }
        Change::MoveAside { table, migration } => move_aside(table, migration),
        Change::CreateOther(object) => create_other(object)?,
        Change::CreateCollation(collation) => further::create_collation(collation),
        Change::StampOnUpdate { table, column } => further::stamp_on_update(table, column),
    })
}

/// Everything of a step but its number.
struct Draft {
    phase: StepPhase,
    subject: ObjectId,
    title: String,
    statements: Vec<String>,
    undo: Vec<String>,
    tables: Vec<TableId>,
}

impl Draft {
    fn step(self) -> Step {
        let sql = |statements: Vec<String>| statements.into_iter().map(Statement::Sql).collect();
        Step {
            id: String::new(),
            phase: self.phase,
            subject: self.subject,
            title: self.title,
            statements: sql(self.statements),
            undo: sql(self.undo),
            tables: self.tables,
            destructive: false,
        }
    }
}

fn comment_on(what: &str, name: &str, comment: Option<&String>) -> Option<String> {
    comment.map(|comment| format!("COMMENT ON {what} {name} IS {}", literal(comment)))
}

fn create_namespace(namespace: &Namespace) -> Step {
    let name = quoted(&namespace.name);
    let mut statements = vec![format!("CREATE SCHEMA {name}")];
    statements.extend(comment_on("SCHEMA", &name, namespace.comment.as_ref()));
    Draft {
        phase: StepPhase::Schema,
        subject: ObjectId::whole(ObjectKind::Namespace, TableId::bare(&namespace.name)),
        title: format!("create namespace {}", namespace.name),
        statements,
        undo: vec![format!("DROP SCHEMA {name}")],
        tables: Vec::new(),
    }
    .step()
}

fn create_type(user_type: &UserType) -> Step {
    let name = table_name(&user_type.id);
    let (word, mut statements) = match &user_type.kind {
        UserTypeKind::Enum { labels } => {
            let labels: Vec<String> = labels.iter().map(|label| literal(label)).collect();
            (
                "TYPE",
                vec![format!("CREATE TYPE {name} AS ENUM ({})", labels.join(", "))],
            )
        }
        UserTypeKind::Domain { .. } => ("DOMAIN", create_domain(&name, &user_type.kind)),
        UserTypeKind::Composite { attributes } => {
            let attributes: Vec<String> = attributes
                .iter()
                .map(|(attribute, native)| format!("{} {native}", quoted(attribute)))
                .collect();
            (
                "TYPE",
                vec![format!("CREATE TYPE {name} AS ({})", attributes.join(", "))],
            )
        }
        UserTypeKind::Range { subtype, options } => {
            let options = if options.is_empty() {
                String::new()
            } else {
                format!(", {options}")
            };
            (
                "TYPE",
                vec![format!(
                    "CREATE TYPE {name} AS RANGE (subtype = {subtype}{options})"
                )],
            )
        }
    };
    statements.extend(comment_on(word, &name, user_type.comment.as_ref()));
    Draft {
        phase: StepPhase::Schema,
        subject: ObjectId::whole(ObjectKind::Type, user_type.id.clone()),
        title: format!("create type {}", user_type.id),
        statements,
        undo: vec![format!("DROP {word} {name}")],
        tables: Vec::new(),
    }
    .step()
}

fn create_domain(name: &str, kind: &UserTypeKind) -> Vec<String> {
    let UserTypeKind::Domain {
        base,
        not_null,
        default,
        checks,
        collation,
    } = kind
    else {
        return Vec::new();
    };
    let mut create = format!("CREATE DOMAIN {name} AS {base}");
    if let Some(collation) = collation {
        create.push_str(&format!(" COLLATE {collation}"));
    }
    if let Some(default) = default {
        create.push_str(&format!(" DEFAULT {default}"));
    }
    if *not_null {
        create.push_str(" NOT NULL");
    }
    let (validated, open): (Vec<&Check>, Vec<&Check>) = checks.iter().partition(|check| check.validated);
    for check in validated {
        create.push_str(&format!(" {}", named(&check.name, &check_definition(check))));
    }
    let mut statements = vec![create];
    for check in open {
        let definition = named(&check.name, &check_definition(check));
        statements.push(format!("ALTER DOMAIN {name} ADD {definition}"));
    }
    statements
}

fn sequence_options(sequence: &Sequence) -> String {
    format!(
        "START WITH {} INCREMENT BY {} MINVALUE {} MAXVALUE {} CACHE {}{}",
        sequence.start,
        sequence.increment,
        sequence.min,
        sequence.max,
        sequence.cache,
        if sequence.cycle { " CYCLE" } else { "" },
    )
}

fn create_sequence(sequence: &Sequence) -> Step {
    let name = table_name(&sequence.id);
    let native = if sequence.native.is_empty() {
        "bigint"
    } else {
        &sequence.native
    };
    let mut statements = vec![format!(
        "CREATE SEQUENCE {name} AS {native} {}",
        sequence_options(sequence)
    )];
    statements.extend(comment_on("SEQUENCE", &name, sequence.comment.as_ref()));
    Draft {
        phase: StepPhase::Schema,
        subject: ObjectId::whole(ObjectKind::Sequence, sequence.id.clone()),
        title: format!("create sequence {}", sequence.id),
        statements,
        undo: vec![format!("DROP SEQUENCE {name}")],
        tables: Vec::new(),
    }
    .step()
}

fn own_sequence(sequence: &TableId, table: &TableId, column: &str) -> Step {
    let name = table_name(sequence);
    Draft {
        phase: StepPhase::Schema,
        subject: ObjectId::whole(ObjectKind::Sequence, sequence.clone()),
        title: format!("let {table}.{column} own sequence {sequence}"),
        statements: vec![format!(
            "ALTER SEQUENCE {name} OWNED BY {}.{}",
            table_name(table),
            quoted(column)
        )],
        undo: vec![format!("ALTER SEQUENCE {name} OWNED BY NONE")],
        tables: vec![table.clone()],
    }
    .step()
}

/// An object that has no type of its own is made as its catalog entry says.
fn create_other(object: &OtherObject) -> Result<Step> {
    let Some(making) = &object.making else {
        return Err(Error::new(
            ErrorClass::Unsupported,
            format!("nothing says how the {} `{}` is made", object.kind, object.id),
        ));
    };
    let phase = match making.stage {
        MakingStage::First | MakingStage::BeforeTables => StepPhase::Schema,
        MakingStage::AmongViews | MakingStage::Last => StepPhase::AfterData,
    };
    Ok(Draft {
        phase,
        subject: ObjectId::whole(ObjectKind::Other, object.id.clone()),
        title: format!("make {} {}", object.kind, object.id),
        statements: making.statements.clone(),
        undo: making.undo.clone(),
        tables: object.table.iter().cloned().collect(),
    }
    .step())
}

/// The server has the table already.
fn take_large_objects(table: &Table) -> Step {
    Draft {
        phase: StepPhase::Schema,
        subject: ObjectId::whole(ObjectKind::Table, table.id.clone()),
        title: "take large objects".to_owned(),
        statements: vec![large_objects::guard()],
        undo: vec![large_objects::FORGET.to_owned()],
        tables: vec![table.id.clone()],
    }
    .step()
}

fn create_table(table: &Table, sequences: &[Sequence]) -> Step {
    let name = table_name(&table.id);
    let mut parts: Vec<String> = table
        .columns
        .iter()
        .filter(|column| !is_inherited(table, column))
        .map(|column| column_definition(column, sequences))
        .collect();
    if let Some(key) = &table.primary_key {
        parts.push(named(&key.name, &primary_definition(key)));
    }
    parts.extend(
        table
            .checks
            .iter()
            .filter(|check| check.validated)
            .map(|check| named(&check.name, &check_definition(check))),
    );
    let unlogged = if table.has_option("unlogged") {
        "UNLOGGED "
    } else {
        ""
    };
    let mut statements = vec![format!(
        "CREATE {unlogged}TABLE {name} (\n  {}\n){}{}",
        parts.join(",\n  "),
        descent(table),
        storage_options(table)
    )];
    statements.extend(inherited_columns(table, &name));
    statements.extend(later_options(table, &name));
    statements.extend(comment_on("TABLE", &name, table.comment.as_ref()));
    for column in &table.columns {
        let column_name = format!("{name}.{}", quoted(&column.name));
        statements.extend(comment_on("COLUMN", &column_name, column.comment.as_ref()));
    }
    for sequence in sequences {
        statements.extend(comment_on(
            "SEQUENCE",
            &table_name(&sequence.id),
            sequence.comment.as_ref(),
        ));
    }
    Draft {
        phase: StepPhase::Schema,
        subject: ObjectId::whole(ObjectKind::Table, table.id.clone()),
        title: format!("create table {}", table.id),
        statements,
        undo: vec![format!("DROP TABLE {name}")],
        tables: vec![table.id.clone()],
    }
    .step()
}

/// Where the table's rows are kept or come from: its partitions, or its parents.
fn descent(table: &Table) -> String {
    if let Some(key) = &table.partitioned_by {
        return format!(" PARTITION BY {key}");
    }
    if table.inherits.is_empty() {
        return String::new();
    }
    let parents: Vec<String> = table.inherits.iter().map(table_name).collect();
    format!(" INHERITS ({})", parents.join(", "))
}

/// Tells whether a parent brings the column along; a table that goes on without its parents has all its columns itself.
fn is_inherited(table: &Table, column: &Column) -> bool {
    !table.inherits.is_empty() && column.options.iter().any(|option| option == INHERITED)
}

/// What a column of a parent's is in this table alone; and a partition takes its place when it is whole.
fn inherited_columns(table: &Table, name: &str) -> Vec<String> {
    let mut statements = Vec::new();
    for column in table.columns.iter().filter(|column| is_inherited(table, column)) {
        let alter = format!("ALTER TABLE ONLY {name} ALTER COLUMN {}", quoted(&column.name));
        if column.generated.is_none() {
            statements.push(match &column.default {
                Some(default) => format!("{alter} SET DEFAULT {default}"),
                None => format!("{alter} DROP DEFAULT"),
            });
        }
        if column.options.iter().any(|option| option == "not_null_here") {
            statements.push(format!("{alter} SET NOT NULL"));
        }
    }
    if let Some(partition) = &table.partition_of {
        statements.push(format!(
            "ALTER TABLE ONLY {} ATTACH PARTITION {name} {}",
            table_name(&partition.parent),
            partition.bound
        ));
    }
    statements
}

fn column_definition(column: &Column, sequences: &[Sequence]) -> String {
    let mut text = format!("{} {}", quoted(&column.name), column.native);
    if let Some(collation) = &column.collation {
        text.push_str(&format!(" COLLATE {collation}"));
    }
    // Some versions want no expression where the parent has it; all take the parent's.
    let is_computed_above = column.options.iter().any(|option| option == "computed_above");
    if let Some(generated) = column.generated.as_ref().filter(|_| !is_computed_above) {
        let stored = if generated.stored { "STORED" } else { "VIRTUAL" };
        text.push_str(&format!(
            " GENERATED ALWAYS AS ({}) {stored}",
            generated.expression
        ));
    } else if let Some(identity) = &column.identity {
        text.push_str(&identity_definition(identity, sequences));
    } else if let Some(default) = &column.default {
        text.push_str(&format!(" DEFAULT {default}"));
    }
    if !column.nullable {
        let mut options = column.options.iter();
        if let Some(name) = options.find_map(|option| option.strip_prefix(NOT_NULL_NAME)) {
            text.push_str(&format!(" CONSTRAINT {}", quoted(name)));
        }
        text.push_str(" NOT NULL");
    }
    text
}

fn identity_definition(identity: &Identity, sequences: &[Sequence]) -> String {
    let when = if identity.always { "ALWAYS" } else { "BY DEFAULT" };
    let sequence = identity
        .sequence
        .as_ref()
        .and_then(|id| sequences.iter().find(|sequence| &sequence.id == id));
    match sequence {
        Some(sequence) => format!(
            " GENERATED {when} AS IDENTITY (SEQUENCE NAME {} {})",
            table_name(&sequence.id),
            sequence_options(sequence)
        ),
        None => format!(" GENERATED {when} AS IDENTITY"),
    }
}

/// Words of other engines and those that have a statement of their own are not among these.
fn storage_options(table: &Table) -> String {
    let method = table
        .options
        .iter()
        .find_map(|option| option.strip_prefix("access_method="));
    let method = method
        .map(|method| format!(" USING {}", quoted(method)))
        .unwrap_or_default();
    let own = ["access_method=", "replica_identity="];
    let with: Vec<String> = table
        .options
        .iter()
        .filter(|option| {
            column_option::split(option).is_none() && !own.iter().any(|word| option.starts_with(word))
        })
        .filter_map(|option| option.split_once('='))
        .map(|(name, value)| format!("{name} = {}", literal(value)))
        .collect();
    let with = if with.is_empty() {
        String::new()
    } else {
        format!(" WITH ({})", with.join(", "))
    };
    format!("{method}{with}")
}

fn later_options(table: &Table, name: &str) -> Vec<String> {
    let mut statements = Vec::new();
    for option in &table.options {
        if let Some(identity) = option.strip_prefix("replica_identity=") {
            statements.push(format!(
                "ALTER TABLE {name} REPLICA IDENTITY {}",
                identity.to_uppercase()
            ));
        }
        let Some((word, column, value)) = column_option::split(option) else {
            continue;
        };
        let change = match word {
            "storage" => format!("SET STORAGE {value}"),
            "compression" => format!("SET COMPRESSION {value}"),
            "statistics" => format!("SET STATISTICS {value}"),
            "attribute" => format!("SET ({value})"),
            _ => continue,
        };
        statements.push(format!(
            "ALTER TABLE {name} ALTER COLUMN {} {change}",
            quoted(column)
        ));
    }
    statements
}

fn named(name: &str, definition: &str) -> String {
    if name.is_empty() {
        definition.to_owned()
    } else {
        format!("CONSTRAINT {} {definition}", quoted(name))
    }
}

fn columns(names: &[String]) -> String {
    names
        .iter()
        .map(|name| quoted(name))
        .collect::<Vec<_>>()
        .join(", ")
}

fn deferral(deferral: Deferral) -> &'static str {
    match deferral {
        Deferral::Never => "",
        Deferral::Immediate => " DEFERRABLE",
        Deferral::Deferred => " DEFERRABLE INITIALLY DEFERRED",
    }
}

fn key_definition(word: &str, key: &Key) -> String {
    format!("{word} ({}){}", columns(&key.columns), deferral(key.deferral))
}

fn primary_definition(key: &Key) -> String {
    key.definition
        .clone()
        .unwrap_or_else(|| key_definition("PRIMARY KEY", key))
}

/// Tells whether the table's primary key can wait for the rows. Within a family it belongs to the whole of it.
pub(super) fn adds_primary_key(table: &Table) -> bool {
    let is_alone =
        table.partitioned_by.is_none() && table.partition_of.is_none() && table.inherits.is_empty();
    let has_name = table.primary_key.as_ref().is_some_and(|key| !key.name.is_empty());
    is_alone && has_name && !large_objects::is_store(&table.id)
}

fn unique_definition(key: &Key) -> String {
    let word = if key.nulls_equal {
        "UNIQUE NULLS NOT DISTINCT"
    } else {
        "UNIQUE"
    };
    key.definition
        .clone()
        .unwrap_or_else(|| key_definition(word, key))
}

fn check_definition(check: &Check) -> String {
    check.definition.clone().unwrap_or_else(|| {
        let open = if check.validated { "" } else { " NOT VALID" };
        format!("CHECK ({}){open}", check.expression)
    })
}

fn foreign_key_definition(key: &ForeignKey) -> String {
    key.definition.clone().unwrap_or_else(|| {
        let action = |event: &str, action: &str| match action {
            "NO ACTION" | "" => String::new(),
            action => format!(" ON {event} {action}"),
        };
        format!(
            "FOREIGN KEY ({}) REFERENCES {} ({}){}{}{}{}{}",
            columns(&key.columns),
            table_name(&key.references),
            columns(&key.referred),
            if key.match_full { " MATCH FULL" } else { "" },
            action("UPDATE", &key.on_update),
            action("DELETE", &key.on_delete),
            deferral(key.deferral),
            if key.validated { "" } else { " NOT VALID" },
        )
    })
}

fn add_constraint(
    table: &TableId,
    kind: ObjectKind,
    name: &str,
    definition: &str,
    further: &[TableId],
) -> Result<Step> {
    if name.is_empty() {
        return Err(Error::bug(format!(
            "a {kind} of `{table}` has no name, so it could not be undone"
        )));
    }
    let target = table_name(table);
    Ok(Draft {
        phase: StepPhase::AfterData,
        subject: ObjectId::part(kind, table.clone(), name),
        title: format!("add {kind} {name} to {table}"),
        statements: vec![format!("ALTER TABLE {target} ADD {}", named(name, definition))],
        // A key of a partition goes with that of the partitioned table.
        undo: vec![format!(
            "ALTER TABLE {target} DROP CONSTRAINT IF EXISTS {}",
            quoted(name)
        )],
        tables: std::iter::once(table).chain(further).cloned().collect(),
    }
    .step())
}

fn create_index(table: &TableId, index: &Index) -> Step {
    let id = TableId {
        namespace: table.namespace.clone(),
        name: index.name.clone(),
    };
    let name = table_name(&id);
    let mut statements = vec![
        index
            .definition
            .clone()
            .unwrap_or_else(|| index_definition(table, index)),
    ];
    statements.extend(comment_on("INDEX", &name, index.comment.as_ref()));
    Draft {
        phase: StepPhase::AfterData,
        subject: ObjectId::part(ObjectKind::Index, table.clone(), &index.name),
        title: format!("create index {} on {table}", index.name),
        statements,
        undo: vec![format!("DROP INDEX IF EXISTS {name}")],
        tables: vec![table.clone()],
    }
    .step()
}

fn index_definition(table: &TableId, index: &Index) -> String {
    let (method, parts) = match index.method.as_str() {
        "" => ("btree", index.parts.iter().map(index_part).collect()),
        further::WORDS => ("gin", further::words(index)),
        method => (method, index.parts.iter().map(index_part).collect::<Vec<_>>()),
    };
    let mut text = format!(
        "CREATE {}INDEX {} ON {} USING {method} ({})",
        if index.unique { "UNIQUE " } else { "" },
        quoted(&index.name),
        table_name(table),
        parts.join(", "),
    );
    if !index.include.is_empty() {
        text.push_str(&format!(" INCLUDE ({})", columns(&index.include)));
    }
    if index.nulls_equal {
        text.push_str(" NULLS NOT DISTINCT");
    }
    if let Some(predicate) = &index.predicate {
        text.push_str(&format!(" WHERE {predicate}"));
    }
    text
}

fn index_part(part: &IndexPart) -> String {
    let mut text = match (&part.column, &part.expression) {
        (Some(column), _) => quoted(column),
        (None, expression) => format!("({})", expression.as_deref().unwrap_or("NULL")),
    };
    if let Some(collation) = &part.collation {
        text.push_str(&format!(" COLLATE {collation}"));
    }
    if let Some(class) = &part.operator_class {
        text.push_str(&format!(" {class}"));
    }
    if part.descending {
        text.push_str(" DESC");
    }
    match part.nulls_first {
        Some(true) => text.push_str(" NULLS FIRST"),
        Some(false) => text.push_str(" NULLS LAST"),
        None => {}
    }
    text
}

/// A view holds no data, so emptying a table leaves it alone.
fn create_view(view: &View) -> Step {
    let name = table_name(&view.id);
    let options = if view.options.is_empty() {
        String::new()
    } else {
        format!(" WITH ({})", view.options.join(", "))
    };
    let names = if view.columns.is_empty() {
        String::new()
    } else {
        format!(" ({})", columns(&view.columns))
    };
    let mut statements = vec![format!("CREATE VIEW {name}{names}{options} AS\n{}", view.query)];
    statements.extend(comment_on("VIEW", &name, view.comment.as_ref()));
    Draft {
        phase: StepPhase::AfterData,
        subject: ObjectId::whole(ObjectKind::View, view.id.clone()),
        title: format!("create view {}", view.id),
        statements,
        undo: vec![format!("DROP VIEW {name}")],
        tables: Vec::new(),
    }
    .step()
}

/// What the names of the namespaces that hold moved-aside tables of a migration begin with.
fn aside_prefix(migration: &str) -> String {
    const ROOM: usize = 24;
    let whole = format!("_whimbrel_old_{migration}.");
    if whole.len() + ROOM <= NAME_BYTES_MAX {
        whole
    } else {
        format!("_whimbrel_old_{}.", &hash_of(&migration)[..16])
    }
}

/// The namespace takes the table with its indexes and owned sequences; one per namespace, so that equal names do not meet.
fn aside(migration: &str, namespace: &str) -> String {
    let prefix = aside_prefix(migration);
    if prefix.len() + namespace.len() <= NAME_BYTES_MAX {
        format!("{prefix}{namespace}")
    } else {
        format!("{prefix}{}", &hash_of(&namespace)[..16])
    }
}

/// Tells whether a namespace holds what a migration moved aside.
pub(crate) fn is_aside(namespace: &str, migration: &str) -> bool {
    namespace.starts_with(&aside_prefix(migration))
}

/// Returns where a step moved its table to; none for a step that moved nothing.
pub(crate) fn aside_of(step: &Step) -> Option<TableId> {
    let namespace = step.undo.iter().find_map(|statement| match statement {
        Statement::Engine { operation, arguments } if operation == DROP_NAMESPACE_IF_EMPTY => {
            arguments.first()
        }
        Statement::Engine { .. } | Statement::Sql(_) => None,
    })?;
    Some(TableId::new(namespace, &step.subject.owner.name))
}

fn move_aside(table: &Table, migration: &str) -> Step {
    let home = table.id.namespace.as_deref().unwrap_or("public");
    let aside = aside(migration, home);
    let away = TableId::new(&aside, &table.id.name);
    let sql = Statement::Sql;
    Step {
        id: String::new(),
        phase: StepPhase::Schema,
        subject: ObjectId::whole(ObjectKind::Table, table.id.clone()),
        title: format!("move table {} aside", table.id),
        statements: vec![
            sql(format!("CREATE SCHEMA IF NOT EXISTS {}", quoted(&aside))),
            sql(format!(
                "ALTER TABLE {} SET SCHEMA {}",
                table_name(&table.id),
                quoted(&aside)
            )),
        ],
        undo: vec![
            sql(format!(
                "ALTER TABLE {} SET SCHEMA {}",
                table_name(&away),
                quoted(home)
            )),
            Statement::Engine {
                operation: DROP_NAMESPACE_IF_EMPTY.to_owned(),
                arguments: vec![aside],
            },
        ],
        tables: vec![table.id.clone()],
        destructive: true,
    }
}

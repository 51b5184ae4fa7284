//! Changes as steps: one statement each, since DDL is not part of transactions, and its undo. Tables in `ddl/table.rs`, what stands between
//! their parentheses in `ddl/column.rs` and `ddl/definition.rs`, keys and indexes in `ddl/index.rs`; everything else here.

mod column;
mod definition;
mod index;
mod table;

use whimbrel_core::{
    Change, Check, Error, ErrorClass, ForeignKey, MakingStage, ObjectId, ObjectKind, OtherObject, Result,
    Sequence, Statement, Step, StepPhase, Table, TableId, View, hash_of,
};

pub(super) use table::keys_within;

use super::{MysqlDialect, OWN_PREFIX};
use crate::quote::{quoted, table_name};

/// Identifiers have at most this many characters.
const NAME_CHARS_MAX: usize = 64;

/// How much of a hash tells names apart.
const HASH_CHARS: usize = 8;

pub(super) fn steps(dialect: &MysqlDialect, change: &Change) -> Result<Vec<Step>> {
    let step = match change {
        Change::CreateTable { table, .. } => table::create(dialect, table)?,
        Change::AddPrimaryKey { .. } => return refuse("primary keys that come later"),
        Change::AddUnique { table, key } => index::add_unique(table, key)?,
        Change::AddCheck { table, check } => add_check(dialect, table, check)?,
        Change::CreateIndex { table, index } => index::create(dialect, table, index)?,
        Change::AddForeignKey { table, key } => add_foreign_key(table, key)?,
        Change::CreateView(view) => create_view(view),
        Change::CreateSequence(sequence) => create_sequence(dialect, sequence)?,
        Change::CreateOther(other) => create_other(other)?,
        Change::MoveAside { table, migration } => move_aside(table, migration),
        Change::CreateNamespace(_) => return refuse("namespaces"),
        Change::CreateType(_) => return refuse("types of the user's own"),
        Change::OwnSequence { .. } => return refuse("sequences that a column owns"),
        Change::AddExclusion {
            table,
            name,
            definition,
        } if dialect.is_mariadb() && definition.contains("WITHOUT OVERLAPS") => {
            index::add_exclusion(table, name, definition)
        }
        Change::AddExclusion { .. } => return refuse("such exclusion constraints"),
        Change::CreateCollation(_) => return refuse("collations of the user's own"),
        Change::StampOnUpdate { .. } => return refuse("such triggers; a column follows an update by itself"),
    };
    Ok(vec![step])
}

fn refuse<T>(what: &str) -> Result<T> {
    Err(Error::new(
        ErrorClass::Unsupported,
        format!("this engine has no {what}"),
    ))
}

/// A part of a table that has no name could not be undone.
fn has_name(kind: ObjectKind, table: &TableId, name: &str) -> Result<()> {
    match name.is_empty() {
        false => Ok(()),
        true => Err(Error::bug(format!(
            "a {kind} of `{table}` has no name, so it could not be undone"
        ))),
    }
}

/// A step of one statement. When it runs and what it depends on is the planner's to say.
fn step(subject: ObjectId, title: String, statement: String, undo: String) -> Step {
    let (phase, tables) = match subject.kind {
        ObjectKind::Table => (StepPhase::Schema, vec![subject.owner.clone()]),
        ObjectKind::Sequence => (StepPhase::Schema, Vec::new()),
        ObjectKind::View | ObjectKind::Other => (StepPhase::AfterData, Vec::new()),
        ObjectKind::Namespace
        | ObjectKind::Type
        | ObjectKind::Column
        | ObjectKind::PrimaryKey
        | ObjectKind::Unique
        | ObjectKind::Check
        | ObjectKind::ForeignKey
        | ObjectKind::Exclusion
        | ObjectKind::Index
        | ObjectKind::Comment => (StepPhase::AfterData, vec![subject.owner.clone()]),
    };
    Step {
        id: String::new(),
        phase,
        subject,
        title,
        statements: vec![Statement::Sql(statement)],
        undo: vec![Statement::Sql(undo)],
        tables,
        destructive: false,
    }
}

fn columns(names: &[String]) -> String {
    names
        .iter()
        .map(|name| quoted(name))
        .collect::<Vec<_>>()
        .join(", ")
}

fn named(name: &str, definition: &str) -> String {
    match name.is_empty() {
        true => definition.to_owned(),
        false => format!("CONSTRAINT {} {definition}", quoted(name)),
    }
}

fn check_definition(check: &Check) -> String {
    check
        .definition
        .clone()
        .unwrap_or_else(|| format!("CHECK ({})", check.expression))
}

fn add_check(dialect: &MysqlDialect, table: &TableId, check: &Check) -> Result<Step> {
    has_name(ObjectKind::Check, table, &check.name)?;
    let (target, name) = (table_name(table), &check.name);
    let word = if dialect.is_mariadb() {
        "CONSTRAINT"
    } else {
        "CHECK"
    };
    Ok(step(
        ObjectId::part(ObjectKind::Check, table.clone(), name),
        format!("add check {name} to {table}"),
        format!(
            "ALTER TABLE {target} ADD {}",
            named(name, &check_definition(check))
        ),
        format!("ALTER TABLE {target} DROP {word} {}", quoted(name)),
    ))
}

fn foreign_key_definition(key: &ForeignKey) -> String {
    let action = |event: &str, action: &str| match action {
        "NO ACTION" | "" => String::new(),
        action => format!(" ON {event} {action}"),
    };
    format!(
        "FOREIGN KEY ({}) REFERENCES {} ({}){}{}",
        columns(&key.columns),
        table_name(&key.references),
        columns(&key.referred),
        action("DELETE", &key.on_delete),
        action("UPDATE", &key.on_update),
    )
}

fn add_foreign_key(table: &TableId, key: &ForeignKey) -> Result<Step> {
    has_name(ObjectKind::ForeignKey, table, &key.name)?;
    let is_default = |action: &str| action.eq_ignore_ascii_case("SET DEFAULT");
    if key.definition.is_none() && (is_default(&key.on_delete) || is_default(&key.on_update)) {
        // It is read and then treated as NO ACTION.
        return refuse("foreign keys with SET DEFAULT");
    }
    let (target, name) = (table_name(table), &key.name);
    let definition = key
        .definition
        .clone()
        .unwrap_or_else(|| foreign_key_definition(key));
    let mut step = step(
        ObjectId::part(ObjectKind::ForeignKey, table.clone(), name),
        format!("add foreign key {name} to {table}"),
        format!("ALTER TABLE {target} ADD {}", named(name, &definition)),
        format!("ALTER TABLE {target} DROP FOREIGN KEY {}", quoted(name)),
    );
    if !key.validated {
        let without_check = |statement: &str| Statement::Sql(statement.to_owned());
        step.statements
            .insert(0, without_check("SET SESSION foreign_key_checks = 0"));
        step.statements
            .push(without_check("SET SESSION foreign_key_checks = 1"));
    }
    if key.references != *table {
        step.tables.push(key.references.clone());
    }
    Ok(step)
}

fn create_view(view: &View) -> Step {
    let name = table_name(&view.id);
    let statement = view.definition.clone().unwrap_or_else(|| {
        let names = match view.columns.is_empty() {
            true => String::new(),
            false => format!(" ({})", columns(&view.columns)),
        };
        format!("CREATE VIEW {name}{names} AS {}", view.query)
    });
    step(
        ObjectId::whole(ObjectKind::View, view.id.clone()),
        format!("create view {}", view.id),
        statement,
        format!("DROP VIEW {name}"),
    )
}

fn create_sequence(dialect: &MysqlDialect, sequence: &Sequence) -> Result<Step> {
    if !dialect.is_mariadb() {
        return refuse("sequences");
    }
    let name = table_name(&sequence.id);
    // The ends of the 64-bit range are kept for the sequence itself.
    let (min, max) = (sequence.min.max(i64::MIN + 1), sequence.max.min(i64::MAX - 1));
    let cache = match sequence.cache {
        ..=1 => "NOCACHE".to_owned(),
        cache => format!("CACHE {cache}"),
    };
    Ok(step(
        ObjectId::whole(ObjectKind::Sequence, sequence.id.clone()),
        format!("create sequence {}", sequence.id),
        format!(
            "CREATE SEQUENCE {name} START WITH {} MINVALUE {min} MAXVALUE {max} INCREMENT BY {} {cache} {} ENGINE=InnoDB",
            sequence.start,
            sequence.increment,
            if sequence.cycle { "CYCLE" } else { "NOCYCLE" },
        ),
        format!("DROP SEQUENCE {name}"),
    ))
}

fn create_other(other: &OtherObject) -> Result<Step> {
    let Some(making) = &other.making else {
        return refuse(&format!("way to make the {} `{}`", other.kind, other.id));
    };
    let sql = |statements: &[String]| statements.iter().cloned().map(Statement::Sql).collect();
    Ok(Step {
        id: String::new(),
        phase: match making.stage {
            MakingStage::First | MakingStage::BeforeTables => StepPhase::Schema,
            MakingStage::AmongViews | MakingStage::Last => StepPhase::AfterData,
        },
        subject: ObjectId::whole(ObjectKind::Other, other.id.clone()),
        title: format!("create {} {}", other.kind, other.id),
        statements: sql(&making.statements),
        undo: sql(&making.undo),
        tables: other.table.iter().cloned().collect(),
        destructive: false,
    })
}

/// What the names of the tables that a migration moved aside begin with.
fn aside_prefix(migration: &str) -> String {
    format!("{OWN_PREFIX}_old_{}_", &hash_of(&migration)[..HASH_CHARS])
}

/// The name that a table bears while it is out of the way: another hash keeps long names apart.
fn aside(migration: &str, table: &str) -> String {
    let start = format!("{}{}_", aside_prefix(migration), &hash_of(&table)[..HASH_CHARS]);
    let room = NAME_CHARS_MAX - start.len();
    let end: String = table.chars().take(room).collect();
    format!("{start}{}", end.trim_end())
}

/// Indexes, triggers and the foreign keys of others follow a renamed table, and follow it back.
fn move_aside(table: &Table, migration: &str) -> Step {
    let home = table_name(&table.id);
    let away = quoted(&aside(migration, &table.id.name));
    Step {
        phase: StepPhase::Schema,
        destructive: true,
        ..step(
            ObjectId::whole(ObjectKind::Table, table.id.clone()),
            format!("move table {} aside", table.id),
            format!("RENAME TABLE {home} TO {away}"),
            format!("RENAME TABLE {away} TO {home}"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_moved_aside_has_a_hidden_name_that_fits() {
        for name in ["t", &"long ".repeat(12), "日本語の表"] {
            let away = aside("mig_2026_001", name);
            assert!(away.chars().count() <= NAME_CHARS_MAX, "{away}");
            assert!(away.starts_with(OWN_PREFIX) && !away.ends_with(' '), "{away}");
            assert_ne!(away, aside("mig_2026_002", name));
        }
        assert_ne!(
            aside("m", &format!("{}a", "x".repeat(63))),
            aside("m", &format!("{}b", "x".repeat(63)))
        );
    }
}

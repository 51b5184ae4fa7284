//! Changes of the structure as statements, each with its undo. Between equal engines the definition runs as the engine keeps it.

use whimbrel_core::{
    Change, Check, Column, Deferral, Error, ErrorClass, ForeignKey, Index, IndexPart, Key, ObjectId,
    ObjectKind, Result, Statement, Step, StepPhase, Table, TableId, View,
};

use crate::aside;
use crate::sql::{quote, quote_all};

/// Types that a strict table takes.
const STRICT_TYPES: [&str; 6] = ["INT", "INTEGER", "REAL", "TEXT", "BLOB", "ANY"];

/// Returns the steps that make the change.
pub(super) fn steps(change: &Change) -> Result<Vec<Step>> {
    let refuse = |what: &str| {
        Err(Error::new(
            ErrorClass::Unsupported,
            format!("this engine has no {what}"),
        ))
    };
    match change {
        Change::CreateTable {
            table, as_declared, ..
        } => create_table(table, *as_declared),
        Change::CreateIndex { table, index } => create_index(table, index),
        Change::CreateView(view) => Ok(vec![create_view(view)]),
        Change::MoveAside { table, migration } => Ok(vec![move_aside(table, migration)]),
        Change::CreateNamespace(_) => refuse("namespaces"),
        Change::CreateType(_) => refuse("types of the user's own"),
        Change::CreateSequence(_) | Change::OwnSequence { .. } => refuse("sequences"),
        Change::AddPrimaryKey { .. }
        | Change::AddUnique { .. }
        | Change::AddCheck { .. }
        | Change::AddForeignKey { .. } => refuse("constraints outside CREATE TABLE"),
        Change::AddExclusion { .. } => refuse("exclusion constraints"),
        Change::CreateCollation(_) => refuse("collations of the user's own"),
        Change::CreateOther(_) => refuse("such objects"),
        Change::StampOnUpdate { table, column } => Ok(vec![stamp_on_update(table, column)]),
    }
}

fn step(subject: ObjectId, title: String, run: Statement, undo: Statement) -> Step {
    Step {
        id: String::new(),
        phase: StepPhase::Schema,
        subject,
        title,
        statements: vec![run],
        undo: vec![undo],
        tables: Vec::new(),
        destructive: false,
    }
}

fn create_table(table: &Table, as_declared: bool) -> Result<Vec<Step>> {
    if let Some(exclusion) = table.exclusions.first() {
        return Err(Error::new(
            ErrorClass::Unsupported,
            format!(
                "this engine has no exclusion constraint such as `{}`",
                exclusion.name
            ),
        ));
    }
    let sql = table
        .definition
        .clone()
        .unwrap_or_else(|| table_sql(table, as_declared));
    let name = &table.id.name;
    Ok(vec![step(
        ObjectId::whole(ObjectKind::Table, table.id.clone()),
        format!("create table {name}"),
        Statement::Sql(sql),
        Statement::Sql(format!("DROP TABLE {}", quote(name))),
    )])
}

fn table_sql(table: &Table, as_declared: bool) -> String {
    let number = sole_integer_key(table);
    let mut lines: Vec<String> = table
        .columns
        .iter()
        .map(|column| column_sql(column, table, number == Some(column.name.as_str())))
        .collect();
    if let Some(key) = table.primary_key.as_ref().filter(|_| number.is_none()) {
        lines.push(key_sql("PRIMARY KEY", key));
    }
    lines.extend(table.uniques.iter().map(|key| key_sql("UNIQUE", key)));
    lines.extend(table.checks.iter().map(check_sql));
    lines.extend(table.foreign_keys.iter().map(foreign_key_sql));
    let is_strict_type = |column: &Column| {
        STRICT_TYPES
            .iter()
            .any(|native| column.native.eq_ignore_ascii_case(native))
    };
    // Values of a table that was not strict may have any type; types that the plan chose hold all of theirs.
    let strict = table.columns.iter().all(is_strict_type) && (!as_declared || table.has_option("strict"));
    let mut options = Vec::new();
    if strict {
        options.push("STRICT");
    }
    if table.has_option("without_rowid") {
        options.push("WITHOUT ROWID");
    }
    let options = if options.is_empty() {
        String::new()
    } else {
        format!(" {}", options.join(", "))
    };
    format!(
        "CREATE TABLE {} (\n  {}\n){options}",
        quote(&table.id.name),
        lines.join(",\n  ")
    )
}

/// The column that will be the row number: the only one of the key, of type INTEGER.
fn sole_integer_key(table: &Table) -> Option<&str> {
    let [name] = table.primary_key.as_ref()?.columns.as_slice() else {
        return None;
    };
    let column = table.column(name)?;
    (column.native.eq_ignore_ascii_case("INTEGER") && !table.has_option("without_rowid"))
        .then_some(column.name.as_str())
}

fn column_sql(column: &Column, table: &Table, is_number: bool) -> String {
    let mut sql = quote(&column.name);
    if !column.native.is_empty() {
        sql.push(' ');
        sql.push_str(&column.native);
    }
    if is_number {
        let name = table.primary_key.as_ref().map_or("", |key| key.name.as_str());
        sql.push_str(&format!(" {}PRIMARY KEY", constraint(name)));
        if column
            .identity
            .as_ref()
            .is_some_and(|identity| identity.never_reused)
        {
            sql.push_str(" AUTOINCREMENT");
        }
    }
    if !column.nullable {
        sql.push_str(" NOT NULL");
    }
    if let Some(default) = &column.default {
        sql.push_str(&format!(" DEFAULT {}", default_sql(default)));
    }
    if let Some(collation) = &column.collation {
        sql.push_str(&format!(" COLLATE {}", quote(collation)));
    }
    if let Some(generated) = &column.generated {
        let kind = if generated.stored { "STORED" } else { "VIRTUAL" };
        sql.push_str(&format!(" GENERATED ALWAYS AS ({}) {kind}", generated.expression));
    }
    sql
}

/// Plain literals stand alone, everything else in brackets, as the engine wants it.
fn default_sql(default: &str) -> String {
    let tokens = crate::sql::tokens(default).unwrap_or_default();
    let is_plain = match tokens.as_slice() {
        [only] => {
            matches!(
                only.kind,
                crate::sql::TokenKind::Text | crate::sql::TokenKind::Literal
            ) || [
                "NULL",
                "TRUE",
                "FALSE",
                "CURRENT_TIMESTAMP",
                "CURRENT_DATE",
                "CURRENT_TIME",
            ]
            .iter()
            .any(|word| only.is(word))
        }
        [sign, number] => {
            (sign.is_mark('-') || sign.is_mark('+')) && number.kind == crate::sql::TokenKind::Literal
        }
        _ => false,
    };
    if is_plain {
        default.to_owned()
    } else {
        format!("({default})")
    }
}

fn constraint(name: &str) -> String {
    if name.is_empty() {
        String::new()
    } else {
        format!("CONSTRAINT {} ", quote(name))
    }
}

fn key_sql(kind: &str, key: &Key) -> String {
    format!("{}{kind} ({})", constraint(&key.name), quote_all(&key.columns))
}

fn check_sql(check: &Check) -> String {
    format!("{}CHECK ({})", constraint(&check.name), check.expression)
}

fn foreign_key_sql(key: &ForeignKey) -> String {
    let mut sql = format!(
        "{}FOREIGN KEY ({}) REFERENCES {} ({})",
        constraint(&key.name),
        quote_all(&key.columns),
        quote(&key.references.name),
        quote_all(&key.referred)
    );
    for (when, action) in [("UPDATE", &key.on_update), ("DELETE", &key.on_delete)] {
        if !action.is_empty() && action != "NO ACTION" {
            sql.push_str(&format!(" ON {when} {action}"));
        }
    }
    sql.push_str(match key.deferral {
        Deferral::Never => "",
        Deferral::Immediate => " DEFERRABLE INITIALLY IMMEDIATE",
        Deferral::Deferred => " DEFERRABLE INITIALLY DEFERRED",
    });
    sql
}

fn create_index(table: &TableId, index: &Index) -> Result<Vec<Step>> {
    let refuse = |what: &str| {
        Err(Error::new(
            ErrorClass::Unsupported,
            format!("index `{}` cannot have {what} here", index.name),
        ))
    };
    if index.definition.is_none() {
        if !index.include.is_empty() {
            return refuse("covering columns");
        }
        if index.parts.iter().any(|part| part.operator_class.is_some()) {
            return refuse("an operator class");
        }
    }
    let sql = index
        .definition
        .clone()
        .unwrap_or_else(|| index_sql(table, index));
    Ok(vec![step(
        ObjectId::part(ObjectKind::Index, table.clone(), &index.name),
        format!("create index {} on {}", index.name, table.name),
        Statement::Sql(sql),
        Statement::Sql(format!("DROP INDEX {}", quote(&index.name))),
    )])
}

fn index_sql(table: &TableId, index: &Index) -> String {
    let parts: Vec<String> = index.parts.iter().map(part_sql).collect();
    let unique = if index.unique { "UNIQUE " } else { "" };
    let predicate = match &index.predicate {
        Some(predicate) => format!(" WHERE {predicate}"),
        None => String::new(),
    };
    format!(
        "CREATE {unique}INDEX {} ON {} ({}){predicate}",
        quote(&index.name),
        quote(&table.name),
        parts.join(", ")
    )
}

fn part_sql(part: &IndexPart) -> String {
    let mut sql = match (&part.column, &part.expression) {
        (Some(column), _) => quote(column),
        (None, expression) => format!("({})", expression.as_deref().unwrap_or_default()),
    };
    if let Some(collation) = &part.collation {
        sql.push_str(&format!(" COLLATE {}", quote(collation)));
    }
    if part.descending {
        sql.push_str(" DESC");
    }
    sql
}

fn create_view(view: &View) -> Step {
    let name = quote(&view.id.name);
    let sql = view.definition.clone().unwrap_or_else(|| {
        let columns = if view.columns.is_empty() {
            String::new()
        } else {
            format!(" ({})", quote_all(&view.columns))
        };
        format!("CREATE VIEW {name}{columns} AS {}", view.query)
    });
    step(
        ObjectId::whole(ObjectKind::View, view.id.clone()),
        format!("create view {}", view.id.name),
        Statement::Sql(sql),
        Statement::Sql(format!("DROP VIEW {name}")),
    )
}

/// A trigger after the update, since none before it can change a value; its own update leaves the column changed, which ends it. A time
/// that was written with its zone keeps it.
fn stamp_on_update(table: &TableId, column: &str) -> Step {
    let name = format!("{}_{column}_stamp", table.name);
    let (trigger, on, quoted) = (quote(&name), quote(&table.name), quote(column));
    let sql = format!(
        "CREATE TRIGGER {trigger} AFTER UPDATE ON {on} FOR EACH ROW WHEN NEW.{quoted} IS OLD.{quoted}\nBEGIN\n  \
         UPDATE {on} SET {quoted} = strftime('%Y-%m-%d %H:%M:%f', 'now') || \
         CASE WHEN OLD.{quoted} LIKE '%+00:00' THEN '+00:00' ELSE '' END WHERE _rowid_ = NEW._rowid_;\nEND"
    );
    step(
        ObjectId::part(ObjectKind::Other, table.clone(), &name),
        format!("let updates of {} set {column}", table.name),
        Statement::Sql(sql),
        Statement::Sql(format!("DROP TRIGGER {trigger}")),
    )
}

/// The table goes into a copy of the file; the undo takes it from there. See [`crate::aside`].
fn move_aside(table: &Table, migration: &str) -> Step {
    let name = &table.id.name;
    let engine = |operation: &str| Statement::Engine {
        operation: operation.to_owned(),
        arguments: vec![migration.to_owned(), name.clone()],
    };
    Step {
        statements: vec![
            engine(aside::COPY_FILE),
            Statement::Sql(format!("DROP TABLE {}", quote(name))),
        ],
        undo: vec![engine(aside::PUT_BACK)],
        destructive: true,
        ..step(
            ObjectId::whole(ObjectKind::Table, table.id.clone()),
            format!("move table {name} aside"),
            Statement::Sql(String::new()),
            Statement::Sql(String::new()),
        )
    }
}

//! The target: a file that is written through one connection. Steps record themselves in the ledger within their own transaction.

use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Connection, params};
use whimbrel_core::{
    Direction, Error, ErrorClass, Finding, Ledger, ObjectKind, Result, RunKey, SequencePosition, Snapshot,
    Source, Statement, Step, TableId, Target, WriteRequest, Writer, fault,
};

use crate::aside;
use crate::catalog::{OWN_PREFIX, numberings, pragma_number};
use crate::check;
use crate::error::During;
use crate::files;
use crate::gate::{DatabaseFile, blocking};
use crate::ledger::{SqliteLedger, add_step, exists, has_step, hold_epoch, remove_chunks, remove_step};
use crate::pen::{Hand, Pen, Points};
use crate::snapshot::SqliteSnapshot;
use crate::source::SqliteSource;
use crate::sql::quote;
use crate::writer::SqliteWriter;

/// How often a table is copied again because somebody wrote in between.
const COPIES_MAX: u32 = 20;
/// Steps in one transaction.
const STEPS_TOGETHER: usize = 64;
/// Rows of an index that ANALYZE looks at.
const ANALYZED_ROWS: u32 = 1000;

/// A file to write into.
pub(crate) struct SqliteTarget {
    file: DatabaseFile,
    pen: Pen,
    ledger: SqliteLedger,
}

impl SqliteTarget {
    /// Names the file; nothing is opened.
    pub(crate) fn new(file: DatabaseFile) -> Self {
        let pen = Pen::new(file.clone());
        Self {
            file,
            ledger: SqliteLedger::new(pen.clone()),
            pen,
        }
    }
}

#[async_trait]
impl Target for SqliteTarget {
    fn as_source(&self) -> Arc<dyn Source> {
        Arc::new(SqliteSource::of_target(self.file.clone()))
    }

    /// In the rollback journal's mode a reader's lock keeps the writer from committing, and the writer's keeps readers out. Only a new file
    /// can be read without locks.
    fn reads_while_writing(&self) -> bool {
        self.pen.is_new()
    }

    async fn snapshot_while_writing(&self, _tables: &[TableId]) -> Result<Arc<dyn Snapshot>> {
        self.pen
            .write(|hand| Ok(Arc::new(SqliteSnapshot::of_whole_tables(hand.file)?) as Arc<dyn Snapshot>))
            .await
    }

    async fn is_as_we_left_it(&self) -> Result<bool> {
        self.pen.write(|hand| Ok(!hand.was_changed_by_others()?)).await
    }

    async fn check(&self, bytes: u64) -> Result<Vec<Finding>> {
        let file = self.file.clone();
        blocking(move || check::target(&file, bytes)).await
    }

    async fn execute(&self, run: &RunKey, step: &Step, direction: Direction) -> Result<()> {
        let (run, step) = (run.clone(), step.clone());
        self.pen
            .write(move |hand| match direction {
                Direction::Do => run_step(hand, &run, &step),
                Direction::Undo => undo_step(hand, &run, &step),
            })
            .await
    }

    async fn steps_together(&self) -> Result<usize> {
        Ok(STEPS_TOGETHER)
    }

    async fn execute_together(&self, run: &RunKey, steps: &[&Step], direction: Direction) -> Result<()> {
        let run = run.clone();
        let steps: Vec<Step> = steps.iter().copied().cloned().collect();
        let together = direction == Direction::Do && !steps.iter().any(|step| step.destructive);
        self.pen
            .write(move |hand| match direction {
                Direction::Do if together => run_steps(hand, &run, &steps),
                Direction::Do => steps.iter().try_for_each(|step| run_step(hand, &run, step)),
                Direction::Undo => undo_steps(hand, &run, &steps),
            })
            .await
    }

    fn ledger(&self) -> &dyn Ledger {
        &self.ledger
    }

    async fn writer(&self, request: WriteRequest) -> Result<Box<dyn Writer>> {
        let turn = self.pen.turn().await?;
        Ok(Box::new(SqliteWriter::open(turn, request).await?))
    }

    async fn empty(&self, run: &RunKey, tables: &[TableId]) -> Result<()> {
        let (run, tables) = (run.clone(), tables.to_vec());
        self.pen.write(move |hand| empty(hand, &run, &tables)).await
    }

    async fn set_sequences(&self, run: &RunKey, positions: &[(TableId, SequencePosition)]) -> Result<()> {
        let (run, positions) = (run.clone(), positions.to_vec());
        self.pen
            .write(move |hand| set_sequences(hand, &run, &positions))
            .await
    }

    async fn discard(&self, run: &RunKey, steps: &[Step]) -> Result<Vec<String>> {
        let moved = steps.iter().any(|step| step.destructive);
        let run = run.clone();
        self.pen
            .write(move |hand| {
                if !moved || !aside::remove_copy(hand.file, &run.migration.0)? {
                    return Ok(Vec::new());
                }
                let path = aside::copy_path(hand.file, &run.migration.0);
                Ok(vec![format!("the copy `{}`", path.display())])
            })
            .await
    }

    async fn settle(&self, tables: &[TableId]) -> Result<()> {
        let tables = tables.to_vec();
        self.pen.write(move |hand| settle(hand, &tables)).await
    }
}

const STEP: Points = Points {
    begin: "sqlite.step.begin",
    before: "sqlite.step.commit.before",
    after: "sqlite.step.commit.after",
};

fn run_step(hand: &mut Hand<'_>, run: &RunKey, step: &Step) -> Result<()> {
    for _ in 0..COPIES_MAX {
        let version = prepare(hand, run, step)?;
        let file = hand.file;
        let done = hand.transact("run a step", &STEP, |tx| {
            hold_epoch(tx, run)?;
            if has_step(tx, run, &step.id)? {
                return Ok(true);
            }
            if version.is_some_and(|version| pragma_number(tx, "data_version").ok() != Some(version)) {
                return Ok(false);
            }
            perform(file, tx, run, step)?;
            Ok(true)
        })?;
        if done {
            return Ok(());
        }
    }
    Err(Error::new(
        ErrorClass::Transient,
        format!("{}: others write without a pause", step.title),
    )
    .with_code("locked")
    .with_hint("stop what writes to the target, then run the same again"))
}

/// Runs steps that move nothing aside in one transaction.
fn run_steps(hand: &mut Hand<'_>, run: &RunKey, steps: &[Step]) -> Result<()> {
    let file = hand.file;
    hand.transact("run steps", &STEP, |tx| {
        hold_epoch(tx, run)?;
        for step in steps {
            if !has_step(tx, run, &step.id)? {
                perform(file, tx, run, step)?;
            }
        }
        Ok(())
    })
}

/// Runs the statements of a step, and records it.
fn perform(file: &DatabaseFile, connection: &Connection, run: &RunKey, step: &Step) -> Result<()> {
    let make = || {
        for statement in &step.statements {
            if let Statement::Sql(sql) = statement {
                connection.execute(sql, []).during(|| step.title.clone())?;
            }
        }
        Ok(())
    };
    if matches!(step.subject.kind, ObjectKind::Index | ObjectKind::Unique) {
        file.sort(connection, make)?;
    } else {
        make()?;
    }
    add_step(connection, run, &step.id)
}

/// Does what cannot be part of a transaction: the copy of the file. Returns the data version that the copy holds.
fn prepare(hand: &mut Hand<'_>, run: &RunKey, step: &Step) -> Result<Option<i64>> {
    let mut version = None;
    for statement in &step.statements {
        let Statement::Engine { operation, arguments } = statement else {
            continue;
        };
        let [migration, table] = arguments.as_slice() else {
            return Err(unknown(operation));
        };
        if operation != aside::COPY_FILE {
            return Err(unknown(operation));
        }
        let file = hand.file.clone();
        let connection = hand.connection()?;
        hold_epoch(connection, run)?;
        if !has_step(connection, run, &step.id)? {
            version = Some(aside::bring_up_to_date(connection, &file, migration, table)?);
        }
    }
    Ok(version)
}

fn unknown(operation: &str) -> Error {
    Error::bug(format!("the operation `{operation}` is not known here"))
}

/// Takes back steps in one transaction, where all of them are nothing but SQL.
fn undo_steps(hand: &mut Hand<'_>, run: &RunKey, steps: &[Step]) -> Result<()> {
    let is_sql = |statement: &Statement| matches!(statement, Statement::Sql(_));
    let plain = steps.iter().all(|step| step.undo.iter().all(is_sql));
    if !plain || !hand.file.exists() || !exists(hand.connection()?)? {
        return steps.iter().try_for_each(|step| undo_step(hand, run, step));
    }
    hand.transact("take back steps", &STEP, |tx| {
        hold_epoch(tx, run)?;
        for step in steps {
            take_back(tx, run, step)?;
        }
        Ok(())
    })
}

/// Runs the undo of a step that is recorded, and forgets the step.
fn take_back(connection: &Connection, run: &RunKey, step: &Step) -> Result<()> {
    if !has_step(connection, run, &step.id)? {
        return Ok(());
    }
    for statement in &step.undo {
        undo_statement(connection, step, statement)?;
    }
    remove_step(connection, run, &step.id)
}

fn undo_step(hand: &mut Hand<'_>, run: &RunKey, step: &Step) -> Result<()> {
    if !hand.file.exists() {
        hand.close();
        return Ok(());
    }
    let connection = hand.connection()?;
    if !exists(connection)? || !has_step(connection, run, &step.id)? {
        return Ok(());
    }
    let copy = step.undo.iter().find_map(|statement| match statement {
        Statement::Engine { operation, arguments } if operation == aside::PUT_BACK => {
            arguments.first().cloned()
        }
        Statement::Engine { .. } | Statement::Sql(_) => None,
    });
    if let Some(migration) = &copy {
        let path = aside::copy_path(hand.file, migration);
        // Rows of before may break a check that was added without looking at them.
        let connection = hand.connection()?;
        aside::attach(connection, &path)?;
        connection
            .execute_batch("PRAGMA ignore_check_constraints = 1")
            .during(|| step.title.clone())?;
    }
    let undone = hand.transact("take back a step", &STEP, |tx| {
        hold_epoch(tx, run)?;
        take_back(tx, run, step)
    });
    if copy.is_some() {
        let connection = hand.connection()?;
        connection
            .execute_batch("PRAGMA ignore_check_constraints = 0")
            .during(|| step.title.clone())?;
        aside::detach(connection)?;
    }
    undone
}

fn undo_statement(connection: &Connection, step: &Step, statement: &Statement) -> Result<()> {
    match statement {
        Statement::Sql(sql) => {
            connection
                .execute(sql, [])
                .during(|| format!("take back: {}", step.title))?;
            Ok(())
        }
        Statement::Engine { operation, arguments } => match (operation.as_str(), arguments.as_slice()) {
            (aside::PUT_BACK, [_, table]) => aside::put_back(connection, table),
            _ => Err(unknown(operation)),
        },
    }
}

fn empty(hand: &mut Hand<'_>, run: &RunKey, tables: &[TableId]) -> Result<()> {
    const EMPTY: Points = Points {
        begin: "sqlite.empty.begin",
        before: "sqlite.empty.commit.before",
        after: "sqlite.empty.commit.after",
    };
    hand.transact("empty tables", &EMPTY, |tx| {
        hold_epoch(tx, run)?;
        let has_counters = has_counters(tx)?;
        for table in tables {
            let what = || format!("empty `{table}`");
            tx.execute(&format!("DELETE FROM {}", quote(&table.name)), [])
                .during(what)?;
            if has_counters {
                tx.execute("DELETE FROM sqlite_sequence WHERE name = ?", [&table.name])
                    .during(what)?;
            }
            remove_chunks(tx, run, table)?;
        }
        Ok(())
    })
}

/// Tells whether the file has the engine's table of AUTOINCREMENT counters.
fn has_counters(connection: &Connection) -> Result<bool> {
    connection
        .query_row(
            "SELECT count(*) > 0 FROM sqlite_schema WHERE name = 'sqlite_sequence'",
            [],
            |row| row.get(0),
        )
        .during(|| "look for counters")
}

fn set_sequences(hand: &mut Hand<'_>, run: &RunKey, positions: &[(TableId, SequencePosition)]) -> Result<()> {
    const SET: Points = Points {
        begin: "sqlite.sequence.begin",
        before: "sqlite.sequence.commit.before",
        after: "sqlite.sequence.commit.after",
    };
    let ids: Vec<TableId> = positions.iter().map(|(id, _)| id.clone()).collect();
    hand.transact("set the sequences", &SET, |tx| {
        hold_epoch(tx, run)?;
        for ((id, position), found) in positions.iter().zip(numberings(tx, &ids)?) {
            let Some(numbering) = found else {
                return Err(Error::invalid(format!("the target has no sequence `{id}`"))
                    .with_code("sequence_missing"));
            };
            // Without AUTOINCREMENT the next number is one more than the largest there is; nothing is kept.
            if numbering.autoincrement {
                set_counter(tx, &numbering.table, *position).during(|| format!("set `{id}`"))?;
            }
        }
        Ok(())
    })
}

fn set_counter(connection: &Connection, table: &TableId, position: SequencePosition) -> rusqlite::Result<()> {
    let last = if position.is_called {
        position.last_value
    } else {
        position.last_value.saturating_sub(1)
    };
    connection.execute("DELETE FROM sqlite_sequence WHERE name = ?", [&table.name])?;
    let sql = "INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)";
    connection.execute(sql, params![table.name, last])?;
    Ok(())
}

/// The last commit syncs the whole file, so everything written before it is durable, too.
fn settle(hand: &mut Hand<'_>, tables: &[TableId]) -> Result<()> {
    const SETTLE: Points = Points {
        begin: "sqlite.settle.begin",
        before: "sqlite.settle.commit.before",
        after: "sqlite.settle.commit.after",
    };
    analyze(hand.connection()?, tables)?;
    hand.connection()?
        .execute_batch("PRAGMA synchronous = extra")
        .during(|| "settle")?;
    hand.transact("settle", &SETTLE, |tx| {
        if exists(tx)? {
            tx.execute("UPDATE _whimbrel_runs SET settled = 1", [])
                .during(|| "settle")?;
        }
        Ok(())
    })?;
    files::sync_folder(hand.file.path())?;
    hand.call_new(false);
    hand.connection()?
        .execute_batch("PRAGMA synchronous = full; PRAGMA shrink_memory")
        .during(|| "settle")?;
    fault::point("sqlite.settle.after")
}

/// Takes the ledger's tables out of the statistics.
fn forget_own_statistics(connection: &Connection) -> rusqlite::Result<()> {
    let tables = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND name GLOB 'sqlite_stat[0-9]'";
    let tables: Vec<String> = connection
        .prepare(tables)?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for table in tables {
        let sql = format!("DELETE FROM {table} WHERE tbl GLOB '{OWN_PREFIX}*'");
        connection.execute(&sql, [])?;
    }
    Ok(())
}

/// Statistics are made only where they leave nothing behind: in a file of our own, or where there are some already.
fn analyze(connection: &Connection, tables: &[TableId]) -> Result<()> {
    let what = || "make statistics";
    let has_some: bool = connection
        .query_row(
            "SELECT count(*) > 0 FROM sqlite_schema WHERE name = 'sqlite_stat1'",
            [],
            |row| row.get(0),
        )
        .during(what)?;
    let is_ours: bool = exists(connection)?
        && connection
            .query_row(
                "SELECT count(*) > 0 FROM _whimbrel_runs WHERE created_file = 1",
                [],
                |row| row.get(0),
            )
            .during(what)?;
    if !has_some && !is_ours {
        return Ok(());
    }
    connection
        .query_row(
            &format!("PRAGMA analysis_limit = {ANALYZED_ROWS}"),
            [],
            |_| Ok(()),
        )
        .during(what)?;
    fault::point("sqlite.analyze.before")?;
    if is_ours {
        // The engine reads all statistics again behind every ANALYZE, so one for all takes a fraction of one for each.
        let all = "ANALYZE main";
        connection.execute_batch(all).during(what)?;
        forget_own_statistics(connection).during(what)?;
    } else {
        for table in tables {
            connection
                .execute_batch(&format!("ANALYZE main.{}", quote(&table.name)))
                .during(what)?;
        }
    }
    fault::point("sqlite.analyze.after")
}

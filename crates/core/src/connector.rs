//! The connector contracts: what an engine must do to be a source and a target.
//!
//! The docs of the methods are binding; the conformance suite is their test.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;

use crate::{
    Batch, Catalog, Chunk, ChunkResult, DatabaseUrl, Depth, Dialect, Direction, Error, ErrorClass, Finding,
    Handshake, KeyRange, Ledger, LogicalType, NameEquality, Position, Reject, Result, RunKey,
    SequencePosition, Step, Table, TableAggregate, TableId, TableProfile, Usage, ValueRule,
};

/// What an engine can do, as data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// How many writers may write at once.
    pub writers: usize,
    /// True when DDL is part of transactions, so that a step and its ledger row commit together.
    pub transactional_ddl: bool,
    /// True when keys, checks and foreign keys stand inside CREATE TABLE and cannot be added later.
    pub constraints_inline: bool,
    /// True when tables live in namespaces.
    pub namespaces: bool,
    /// The namespace that takes the tables of an engine without namespaces, such as `public`.
    pub default_namespace: Option<&'static str>,
    /// True when the engine has enums, domains and sequences as objects.
    pub user_types: bool,
    /// How long an identifier may be; none without a limit.
    pub name_limit: Option<NameLimit>,
    /// Which names of tables, views and other objects with a name of their own are one name.
    pub names: NameEquality,
    /// True when tables and views are kept under names in lower case, however these are written.
    pub table_names_in_lower_case: bool,
    /// Which names of a table's parts (columns, keys, indexes, checks) are one name.
    pub part_names: NameEquality,
    /// Which names of foreign keys are one name.
    pub foreign_key_names: NameEquality,
    /// What the engine calls the only namespace that it has, such as `main`; none where there are namespaces, or where nobody knows yet.
    pub home: Option<String>,
    /// True when the names of foreign keys and checks are unique per namespace (or database) and not only per table.
    pub constraint_names_per_namespace: bool,
    /// True when index names are unique per namespace and share their space with tables; false when per table.
    pub index_names_per_namespace: bool,
    /// True when a check cannot have the name of a key of its table.
    pub checks_share_names: bool,
    /// True when a foreign key makes an index of its name, unless there is one that begins with its columns.
    pub foreign_keys_make_indexes: bool,
}

/// The limit of a name's length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameLimit {
    /// So many bytes in UTF-8.
    Bytes(usize),
    /// So many characters.
    Chars(usize),
}

/// Settings of a connection that are no part of the URL.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// Parallel readers or writers that will be asked for at most.
    pub jobs: usize,
    /// The memory of the whole run. What a driver keeps for itself takes a small part of it.
    pub memory_bytes: u64,
    /// The environment's settings that an engine may read, such as `PGPASSFILE` or `HOME`, by name.
    pub environment: std::collections::BTreeMap<String, String>,
}

/// An engine. One value per engine, in one visible list.
#[async_trait]
pub trait Connector: Send + Sync {
    /// Returns the engine's name in one lower-case word.
    fn name(&self) -> &'static str;

    /// Returns one line that describes the engine and the supported versions.
    fn doc(&self) -> &'static str;

    /// Returns the URL schemes that select this engine.
    fn schemes(&self) -> &'static [&'static str];

    /// Tells whether a database is a file or folder, named by its path alone.
    fn is_file(&self) -> bool {
        false
    }

    /// Returns how the engine's servers are known at an address; none for files.
    fn handshake(&self) -> Option<Handshake> {
        None
    }

    /// Returns an example URL for messages.
    fn example_url(&self) -> &'static str;

    /// Returns variables of the process's environment that keep the driver's memory small; a driver reads them once, when it is first used.
    fn memory_settings(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Returns what the engine can do.
    fn capabilities(&self) -> Capabilities;

    /// Returns the engine's dialect.
    fn dialect(&self) -> Arc<dyn Dialect>;

    /// Returns what the database behind the catalog can do: its version, flavour and settings may say less than the engine's newest.
    fn capabilities_of(&self, _catalog: &Catalog) -> Capabilities {
        self.capabilities()
    }

    /// Returns the dialect of the database behind the catalog.
    fn dialect_of(&self, _catalog: &Catalog) -> Arc<dyn Dialect> {
        self.dialect()
    }

    /// Opens the database for reading only. Nothing is created, also no file.
    async fn source(&self, url: &DatabaseUrl, options: &ConnectOptions) -> Result<Arc<dyn Source>>;

    /// Opens the database for writing. Nothing is changed by opening it; a database file that does not exist is created by the first change.
    async fn target(&self, url: &DatabaseUrl, options: &ConnectOptions) -> Result<Arc<dyn Target>>;
}

/// A database to read from. Every session is read-only, pinned to UTC and to locale-independent output.
#[async_trait]
pub trait Source: Send + Sync {
    /// Returns what could hinder reading: privileges, row-level security, encoding, damage. Collects; fails only when nothing can be said.
    async fn check(&self) -> Result<Vec<Finding>>;

    /// Tells whether [`Source::check`] may find that a single table cannot be read. Where it never does, tables can be read while it looks.
    fn check_may_bar_tables(&self) -> bool {
        true
    }

    /// Returns the whole catalog. Lists are sorted by name. Our own ledger and moved-aside objects are left out.
    async fn catalog(&self) -> Result<Catalog>;

    /// Returns what the database itself says it is: equal for two URLs that lead to the same one (another name of the host, another
    /// link to the file), different for two databases. None when it does not exist yet, or cannot say.
    async fn identity(&self) -> Result<Option<String>> {
        Ok(None)
    }

    /// Returns what one full pass over the table finds. May run for several tables at once.
    async fn profile(&self, table: &Table) -> Result<TableProfile>;

    /// As [`Source::profile`] for each of the tables, in order, or less where the depth says so. Asked for many small tables at once, so that
    /// what comes with every question (a connection, what the engine reads before it answers the first) is done once. The first failure is
    /// the answer for all.
    async fn profiles(&self, tables: &[Table], _depth: Depth) -> Result<Vec<TableProfile>> {
        let mut found = Vec::with_capacity(tables.len());
        for table in tables {
            found.push(
                self.profile(table)
                    .await
                    .map_err(|error| error.during(format_args!("profile table `{}`", table.id)))?,
            );
        }
        Ok(found)
    }

    /// Tells whether a survey ([`Depth::Survey`]) looks at every value by itself, outside of the server, so that [`Snapshot::survey`] finds the
    /// same while the rows are read.
    fn surveys_while_reading(&self) -> bool {
        false
    }

    /// Returns how the database's tables are used, as far as the engine counts it. Fails only when the connection does: what this user may
    /// not see is not known.
    async fn usage(&self) -> Result<Usage> {
        Ok(Usage::NotKnown {
            why: "the engine does not count how tables are used".to_owned(),
        })
    }

    /// Returns the one value of a query that a person wrote, as text; none for NULL and for no row. The session cannot write, is used for
    /// nothing else afterwards, and takes one statement: anything but a query with one column and at most one row is `Invalid`. A query that
    /// runs longer than the limit is ended at the server ([`crate::validation::took_too_long`]).
    async fn scalar(&self, _query: &str, _limit: Option<Duration>) -> Result<Option<String>> {
        Err(Error::new(
            ErrorClass::Unsupported,
            "this engine does not answer queries",
        ))
    }

    /// Parses a query for [`Source::scalar`] without running it: what it refuses, that would refuse, too. The error's code is
    /// `missing_object` when the query names something that is not there.
    async fn parses(&self, _query: &str) -> Result<()> {
        Ok(())
    }

    /// Returns the database that a rule means, of several that are read as one; none when this source is that database. Fails when the name is
    /// none of theirs, and when there are several and no name.
    fn member(&self, name: Option<&str>) -> Result<Option<Arc<dyn Source>>> {
        match name {
            None => Ok(None),
            Some(name) => Err(Error::invalid(format!("there is one source, and no `{name}`"))
                .with_hint("leave `of` out: it is for several `[[source]]` databases")),
        }
    }

    /// Returns a value that travels as [`LogicalType::Any`] or [`LogicalType::Wire`] as a person would write it, for lists of rows that
    /// differ; none when this engine cannot say, then its bytes are shown. Pure: no connection is used.
    fn show(&self, _column: &ReadColumn, _value: &[u8]) -> Option<String> {
        None
    }

    /// Names the packing of [`crate::PackedBuilder`] rows that this database gives and, as a target, takes; rows pass packed between two
    /// databases of the same one. None when it has none.
    fn packing(&self) -> Option<&'static str> {
        None
    }

    /// Returns what could hinder a state of so many tables ([`Source::snapshot`]), such as limits of the server's.
    async fn check_snapshot(&self, _tables: &[TableId]) -> Result<Vec<Finding>> {
        Ok(Vec::new())
    }

    /// Opens one consistent state of the tables for up to `readers` readers at once. All readers see the same state until the value is
    /// dropped; the tables are locked against TRUNCATE, DROP and rewrites where the engine would let them show through. The caller
    /// compares the catalog with the plan after this returns.
    async fn snapshot(&self, tables: &[TableId], readers: usize) -> Result<Arc<dyn Snapshot>>;
}

/// One consistent state of a source.
#[async_trait]
pub trait Snapshot: Send + Sync {
    /// Returns the position of the state in the source's change log, or what identifies it.
    fn position(&self) -> Position;

    /// Tells of each table, in order, whether it surely holds no row in this state; false where the engine would have to ask table by table.
    /// What a state knows to be empty it reads and adds up without another question.
    async fn are_empty(&self, tables: &[&Table]) -> Result<Vec<bool>> {
        Ok(vec![false; tables.len()])
    }

    /// Splits a table into chunks of about `chunk_bytes`. The chunks cover each row once, come in key order, and there is at least one.
    async fn split(&self, table: &Table, chunk_bytes: u64) -> Result<Vec<Chunk>>;

    /// Reads rows. A batch closes at `request.batch_bytes` or [`crate::BATCH_ROWS`]; a larger row is a batch of its own. The reader holds at most
    /// one batch that was not asked for. A row with a value that does not fit its logical type is left out and stands in the batch's
    /// rejects. The order of rows is the key's, or none. `SnapshotLost` when the state is gone.
    fn read(&self, request: ReadRequest) -> BoxStream<'static, Result<Batch>>;

    /// Reads a whole table and surveys it in the same pass, where the source [surveys while reading](Source::surveys_while_reading). The
    /// columns travel as the first rows suggest, the rows as [`Snapshot::read`] gives them with [`ValueRule::InvalidToNull`] for every column.
    /// No batch comes behind a row of more than `row_bytes_max`. When there was one, or when the profile says that a column is read in another
    /// form, the pass counts for its profile alone, and the rows are read again.
    async fn survey(&self, _request: SurveyRequest) -> Result<Survey> {
        Err(Error::bug(
            "an engine was asked to survey a table while reading it",
        ))
    }

    /// Returns what the database itself says about the table in this state, see [`crate::ColumnAggregate`]; without columns only the count,
    /// in the engine's cheapest exact way. One pass over the table, however many columns.
    async fn aggregate(&self, table: &Table, columns: &[ReadColumn]) -> Result<TableAggregate>;

    /// Returns where the named sequences stand, in the same order; read as close to the state as the engine allows (sequences are not transactional).
    async fn sequence_positions(&self, sequences: &[TableId]) -> Result<Vec<Option<SequencePosition>>>;

    /// Returns the number of orphans of each foreign key that the table declares, in order; NULLs as the key's MATCH says.
    async fn orphans(&self, table: &Table) -> Result<Vec<u64>>;
}

/// What to read.
#[derive(Debug, Clone)]
pub struct ReadRequest {
    /// The table as its catalog describes it.
    pub table: Table,
    /// Columns in the order wanted.
    pub columns: Vec<ReadColumn>,
    /// Which rows.
    pub range: KeyRange,
    /// Size at which a batch closes.
    pub batch_bytes: usize,
    /// True when the caller takes packed batches ([`crate::PackedBuilder`]). The reader may pack a batch when every column is asked for as
    /// [`LogicalType::Wire`] without a rule, and its bytes mean the same in every database whose [`Source::packing`] is the same.
    pub packed: bool,
}

/// What to read and survey.
#[derive(Debug, Clone)]
pub struct SurveyRequest {
    /// The table as its catalog describes it.
    pub table: Table,
    /// Size at which a batch closes.
    pub batch_bytes: usize,
    /// Size of a row, as [`TableProfile::row_bytes_max`] counts it, that is too large to be read beside others.
    pub row_bytes_max: u64,
}

/// A pass over a whole table that also surveys it.
pub struct Survey {
    /// The form in which each column travels, without a rule.
    pub columns: Vec<ReadColumn>,
    /// The batches, and what the pass found at their end.
    pub pass: BoxStream<'static, Result<Surveyed>>,
}

/// What comes of a survey.
#[derive(Debug)]
pub enum Surveyed {
    /// Rows.
    Batch(Batch),
    /// What the pass found, as [`Depth::Survey`] says; the last that comes.
    Profile(TableProfile),
}

impl From<Batch> for Surveyed {
    fn from(batch: Batch) -> Self {
        Self::Batch(batch)
    }
}

/// A column to read, and the form in which its values shall travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadColumn {
    /// Name in the table that is read.
    pub name: String,
    /// Native type of that column.
    pub native: String,
    /// The form in which the values travel. The planner asks only for what [`Dialect::logical`] or [`Dialect::wire`] offered.
    pub logical: LogicalType,
    /// What becomes of values that would not arrive. The source applies those that [`ValueRule::is_for_invalid`]; the rest is applied to its
    /// batches.
    pub rule: Option<ValueRule>,
}

/// A database to write into.
#[async_trait]
pub trait Target: Send + Sync {
    /// Returns the same database for reading: the target is verified through the same contract as the source.
    fn as_source(&self) -> Arc<dyn Source>;

    /// Tells whether a foreign key that the catalog calls validated cannot have orphans, however the rows came: the engine looked at all of
    /// them and lets no other in. Then a verification need not look for orphans again.
    fn guarantees_foreign_keys(&self) -> bool {
        false
    }

    /// Tells whether the database can be read while a writer or a step is at work on other tables. When false, whoever reads holds up who
    /// writes, or the other way round, until one of them fails: reading waits until nothing is written.
    fn reads_while_writing(&self) -> bool {
        true
    }

    /// Returns a state of the tables for one reader, to read them back while others are written; asked for only where
    /// [`Target::reads_while_writing`] says so, and only for tables that are whole: nobody writes them, or builds anything for them, as long
    /// as the state is in use. Of other tables it may know nothing.
    ///
    /// # Errors
    /// As [`Source::snapshot`].
    async fn snapshot_while_writing(&self, tables: &[TableId]) -> Result<Arc<dyn Snapshot>> {
        self.as_source().snapshot(tables, 1).await
    }

    /// Tells whether what was read through [`Target::snapshot_while_writing`] still holds, as far as the engine can tell: false when somebody
    /// else changed anything in the database since the ledger was opened, or may have. Then all of it is read again.
    ///
    /// # Errors
    /// When the database cannot be asked.
    async fn is_as_we_left_it(&self) -> Result<bool> {
        Ok(true)
    }

    /// Returns what could hinder writing: privileges, read-only mode, encoding, free space for `bytes` more.
    async fn check(&self, bytes: u64) -> Result<Vec<Finding>>;

    /// Runs a step's statements (or its undo) and records it in the ledger in the same transaction where DDL is transactional.
    /// Repeating a step that is recorded, or undoing one that is not, changes nothing. May be called for several steps at once when
    /// they touch different objects, such as two indexes; each then has a session of its own.
    async fn execute(&self, run: &RunKey, step: &Step, direction: Direction) -> Result<()>;

    /// Tells how many steps [`Target::execute_together`] may be given at once; one where each is as dear together as alone.
    async fn steps_together(&self) -> Result<usize> {
        Ok(1)
    }

    /// As [`Target::execute`] for each of the steps, in order, so that what comes with every step (a transaction, its ledger row) is done
    /// once: for steps that take no time by themselves and move nothing aside. Where DDL is transactional all of them commit as one. An error
    /// names no step, and some or none are done; the caller then does them one by one, as after a crash.
    async fn execute_together(&self, run: &RunKey, steps: &[&Step], direction: Direction) -> Result<()> {
        for step in steps {
            self.execute(run, step, direction).await?;
        }
        Ok(())
    }

    /// Returns the ledger.
    fn ledger(&self) -> &dyn Ledger;

    /// Opens a transaction that writes one chunk. Waits while [`Capabilities::writers`] others are open.
    async fn writer(&self, request: WriteRequest) -> Result<Box<dyn Writer>>;

    /// Deletes all rows of the tables, in order, and their ledger rows (the splits too). The rows of a table go together with its ledger
    /// rows; after an error some of the tables may be empty. Repeating it changes nothing.
    async fn empty(&self, run: &RunKey, tables: &[TableId]) -> Result<()>;

    /// Returns the number of a column that is furthest in the direction of the increment; none where there is none, and where the engine keeps its
    /// numbers behind the values by itself.
    async fn furthest_number(&self, _table: &TableId, _column: &str, _increment: i64) -> Result<Option<i64>> {
        Ok(None)
    }

    /// Sets where sequences stand, named as in the target's catalog. After an error some of them may be set; repeating it changes nothing.
    async fn set_sequences(&self, run: &RunKey, positions: &[(TableId, SequencePosition)]) -> Result<()>;

    /// Drops for good what the given steps moved aside, and returns one line for each thing dropped. Called by `cleanup` alone, with the
    /// destructive steps that are recorded; repeating it changes nothing.
    async fn discard(&self, _run: &RunKey, steps: &[Step]) -> Result<Vec<String>> {
        match steps.first() {
            None => Ok(Vec::new()),
            Some(step) => Err(Error::new(
                ErrorClass::Unsupported,
                format!("this target cannot drop what `{}` moved aside", step.title),
            )),
        }
    }

    /// Gathers the planner statistics of a table that has all its rows and indexes, while others are still written; [`Target::settle`] need
    /// not do it again. Repeating it is harmless. A target where that would hold up others leaves it to `settle`, as by default.
    async fn gather_statistics(&self, _table: &TableId) -> Result<()> {
        Ok(())
    }

    /// Makes everything durable and refreshes the planner statistics of the tables. Called once after the data phase.
    async fn settle(&self, tables: &[TableId]) -> Result<()>;
}

/// Where and how to write a chunk.
#[derive(Debug, Clone)]
pub struct WriteRequest {
    /// The run that writes.
    pub run: RunKey,
    /// The table as planned.
    pub table: Table,
    /// Columns in the order of the batches.
    pub columns: Vec<WriteColumn>,
    /// The chunk, as stored in the ledger.
    pub chunk: Chunk,
    /// True when rows of the chunk's range are deleted first in the same transaction. Only for ranges of integer keys or row numbers that the target keeps.
    pub replace: bool,
    /// The position of the snapshot that the rows come from.
    pub position: Position,
}

/// A column to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteColumn {
    /// Name in the target table.
    pub name: String,
    /// Native type in the target table.
    pub native: String,
    /// The form in which the values travel.
    pub logical: LogicalType,
}

/// An open transaction that writes one chunk. Dropping it aborts the transaction.
#[async_trait]
pub trait Writer: Send {
    /// Writes the batch's rows and returns those that the target's types cannot hold; these, and only these, were not written.
    /// An error leaves the transaction aborted. The rows of a packed batch (only given to a target with a packing) are not looked at: one that
    /// the target refuses is an `Invalid` error, and the caller writes the chunk anew from a batch with columns, which names the row.
    async fn write(&mut self, batch: &Batch) -> Result<Vec<Reject>>;

    /// Commits the rows together with the ledger row: by compare-and-set on the unfinished chunk, holding the run's epoch.
    /// A `Conflict` when the epoch is not ours any more.
    async fn commit(self: Box<Self>, result: ChunkResult) -> Result<Committed>;
}

/// What a commit did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// Committed now.
    Done,
    /// Somebody had finished the chunk before; our rows were rolled back.
    AlreadyDone,
    /// The answer to COMMIT was lost; the ledger decides.
    Unknown,
}

//! A desk to try the commands at: a small source file, an empty place for the target, and a folder to work in.

use std::path::PathBuf;

use tempfile::TempDir;
use whimbrel_testkit::binary::{Output, Whimbrel};
use whimbrel_testkit::sqlite::TestFile;

/// A library with its books: a key of each kind, an index, a view, and NULLs.
const BOOKS: &str = "create table author (id integer primary key autoincrement, name text not null unique);
    create table book (id integer primary key, author_id integer references author (id), title text, price real);
    create index book_title on book (title);
    create view shelf as select a.name, count(*) as books from author a join book b on b.author_id = a.id group by a.name;
    insert into author (name) values ('Čapek'), ('Lem');
    insert into book values (1, 1, 'R.U.R.', 1.5), (2, 2, 'Solaris', null), (3, null, '😀', -0.0);";

/// A source, a place for the target, and a folder where the program runs.
pub(crate) struct Desk {
    pub(crate) source: TestFile,
    folder: TempDir,
}

impl Desk {
    /// Sets the desk up; there is no target yet.
    pub(crate) fn set_up() -> Self {
        Self {
            source: TestFile::create("books", BOOKS),
            folder: TempDir::new().expect("a temporary folder can be created"),
        }
    }

    /// Where the target comes.
    pub(crate) fn target(&self) -> PathBuf {
        self.folder.path().join("new.db")
    }

    /// Where the migrations are.
    pub(crate) fn files(&self) -> PathBuf {
        self.folder.path().join(".whimbrel")
    }

    /// The folder where the program runs.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Runs the program; `SOURCE` and `TARGET` stand for the databases.
    pub(crate) fn run(&self, line: &str) -> Output {
        self.program(line).run()
    }

    /// Prepares the program, as [`Desk::run`].
    pub(crate) fn program(&self, line: &str) -> Whimbrel {
        let words = line.split_whitespace().map(|word| match word {
            "SOURCE" => self.source.url(),
            "TARGET" => "sqlite:new.db".to_owned(),
            _ => word.to_owned(),
        });
        Whimbrel::new(env!("CARGO_BIN_EXE_whimbrel"), self.folder.path()).args(words)
    }

    /// Runs SQL in the target.
    pub(crate) fn in_target(&self, sql: &str) {
        let connection = rusqlite::Connection::open(self.target()).expect("the target can be opened");
        connection
            .execute_batch(sql)
            .unwrap_or_else(|error| panic!("{error} in {sql}"));
    }

    /// Plans and returns the plan's summary.
    pub(crate) fn plan(&self) -> serde_json::Value {
        document(&self.run("plan SOURCE TARGET --json").expect_code(0))
    }
}

/// Reads the one document that `--json` prints.
pub(crate) fn document(output: &Output) -> serde_json::Value {
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error} in {output:?}"))
}

/// Returns the command that a hint gives, from `whimbrel` on.
pub(crate) fn hinted(output: &Output) -> String {
    let mut hints = output.stderr.lines().filter(|line| line.starts_with("hint:"));
    let line = hints
        .next_back()
        .unwrap_or_else(|| panic!("no hint in {}", output.stderr));
    let at = line
        .rfind("whimbrel ")
        .unwrap_or_else(|| panic!("no command in {line}"));
    line[at + "whimbrel ".len()..].to_owned()
}

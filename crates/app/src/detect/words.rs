//! Which dialect of SQL a text is written in, told by words that only one of them has. Comments and texts within the SQL say
//! nothing, the first lines of dumps apart.

use super::evidence::{Engine, Weight};

/// A dialect that was recognised: by which word, in which line from 0.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Spoken {
    pub(super) engine: Engine,
    pub(super) word: &'static str,
    pub(super) line: usize,
    /// True when so few words speak for it that the text may as well be written in another dialect.
    pub(super) is_faint: bool,
}

impl Spoken {
    /// Returns the weight of what weighs as much as given when it is not faint.
    pub(super) fn weight(&self, weight: Weight) -> Weight {
        if self.is_faint { Weight::Weak } else { weight }
    }
}

/// What a dump says about itself.
const SIGNATURES: [(&str, Engine); 5] = [
    ("-- postgresql database dump", Engine::Postgresql),
    ("-- mysql dump", Engine::Mysql),
    ("-- mariadb dump", Engine::Mariadb),
    ("/*m!", Engine::Mariadb),
    ("/*!40", Engine::Mysql),
];
const SIGNATURE_SAYS: u32 = 8;
/// What the words of one engine come to when the rest of the text cannot matter.
const PLENTY: u32 = 200;
/// What words have to come to that decide.
const DECIDING: u32 = 3;
/// What a word says that other servers certainly do not know.
const CERTAIN: u32 = 4;
/// Words, and how much each says. A blank before or after one stands for the end of a word.
const WORDS: &[(&str, Engine, u32)] = &[
    (" serial ", Engine::Postgresql, 2),
    (" bigserial ", Engine::Postgresql, 3),
    ("::", Engine::Postgresql, 2),
    (" jsonb ", Engine::Postgresql, 3),
    (" bytea ", Engine::Postgresql, 3),
    (" timestamptz ", Engine::Postgresql, 3),
    (" with time zone ", Engine::Postgresql, 2),
    (" without time zone ", Engine::Postgresql, 3),
    (" character varying ", Engine::Postgresql, 1),
    (" from stdin", Engine::Postgresql, 3),
    (" create extension ", Engine::Postgresql, 4),
    (" nextval ", Engine::Postgresql, 3),
    (" plpgsql ", Engine::Postgresql, 4),
    (" alter table only ", Engine::Postgresql, 4),
    (" owner to ", Engine::Postgresql, 3),
    (" as identity ", Engine::Postgresql, 2),
    (" gen_random_uuid ", Engine::Postgresql, 3),
    (" uuid_generate_v4 ", Engine::Postgresql, 3),
    (" using gin ", Engine::Postgresql, 3),
    (" using gist ", Engine::Postgresql, 3),
    (" search_path ", Engine::Postgresql, 3),
    (" text[]", Engine::Postgresql, 3),
    (" integer[]", Engine::Postgresql, 3),
    (" create type ", Engine::Postgresql, 2),
    ("engine=innodb", Engine::Mysql, 4),
    ("engine = innodb", Engine::Mysql, 4),
    ("engine=myisam", Engine::Mysql, 4),
    ("engine=aria", Engine::Mariadb, 4),
    ("`", Engine::Mysql, 1),
    (" auto_increment ", Engine::Mysql, 4),
    (" unsigned ", Engine::Mysql, 2),
    (" tinyint ", Engine::Mysql, 1),
    (" mediumtext ", Engine::Mysql, 3),
    (" longtext ", Engine::Mysql, 3),
    (" charset=", Engine::Mysql, 3),
    (" charset utf8mb4", Engine::Mysql, 3),
    (" character set utf8", Engine::Mysql, 3),
    (" utf8mb4", Engine::Mysql, 2),
    (" on update current_timestamp ", Engine::Mysql, 3),
    (" lock tables ", Engine::Mysql, 2),
    (" delimiter ", Engine::Mysql, 2),
    (" autoincrement ", Engine::Sqlite, 4),
    (" pragma ", Engine::Sqlite, 4),
    (" without rowid ", Engine::Sqlite, 4),
    (" sqlite_sequence ", Engine::Sqlite, 4),
    (" using fts5 ", Engine::Sqlite, 4),
    (" datetime('", Engine::Sqlite, 2),
    (" integer primary key ", Engine::Sqlite, 1),
];

/// Words of dialects of other servers, in lower case.
const FOREIGN: [&str; 10] = [
    " varchar2 ",
    " nvarchar2 ",
    " number(",
    " identity(1",
    " identity (1",
    "[dbo]",
    " uniqueidentifier ",
    " datetime2 ",
    " getdate(",
    " newid(",
];
/// The same, of words that SQLite and MySQL take, too.
const RATHER_FOREIGN: &str = " nvarchar ";

/// Tells whether a text is written in the dialect of another server.
pub(super) fn is_foreign(lines: &[String]) -> bool {
    has_foreign(lines, true)
}

fn has_foreign(lines: &[String], with_rather: bool) -> bool {
    let mut reader = Reader::default();
    lines.iter().any(|line| {
        let Some(code) = reader.code(&line.to_ascii_lowercase()) else {
            return false;
        };
        code.trim() == "go"
            || FOREIGN.iter().any(|word| holds(&code, word))
            || with_rather && holds(&code, RATHER_FOREIGN)
    })
}

/// Tells whether a text says anything beside comments.
pub(super) fn has_code(lines: &[String]) -> bool {
    let mut reader = Reader::default();
    let mut code = lines.iter().filter_map(|line| reader.code(line));
    code.any(|code| !code.trim().is_empty())
}

/// Returns the dialect that most words speak for; none when there are no such words, or as many for another.
pub(super) fn spoken(lines: &[String]) -> Option<Spoken> {
    let (scores, lines) = scores(lines);
    // A dump says itself what it is; beside words that only other servers have, all the rest says little.
    let says_most = scores.iter().map(|score| score.best_says).max()?;
    if says_most < SIGNATURE_SAYS && has_foreign(lines, says_most < CERTAIN) {
        return None;
    }
    let total = |family: Engine| -> u32 {
        let members = scores.iter().filter(|score| score.best.engine.family() == family);
        members.map(|score| score.total).sum()
    };
    let most = scores
        .iter()
        .map(|score| total(score.best.engine.family()))
        .max()?;
    let mut families: Vec<Engine> = scores.iter().map(|score| score.best.engine.family()).collect();
    families.retain(|family| total(*family) == most);
    families.sort_unstable();
    families.dedup();
    let &[family] = families.as_slice() else {
        return None;
    };
    let members = scores
        .into_iter()
        .filter(|score| score.best.engine.family() == family);
    // A member of a family is named expressly or not at all.
    let chosen = members.max_by_key(|score| (score.best.engine != family, score.best_says));
    chosen.map(|score| Spoken {
        is_faint: most < DECIDING,
        ..score.best
    })
}

/// Counts the words of all engines, up to the line in which there are plenty of one; returns the lines that were read, too.
fn scores(lines: &[String]) -> (Vec<Score>, &[String]) {
    let mut scores: Vec<Score> = Vec::new();
    let mut reader = Reader::default();
    for (line, text) in lines.iter().enumerate() {
        let mut count = |word: &(&'static str, Engine), says: u32| {
            let spoken = Spoken {
                engine: word.1,
                word: word.0.trim(),
                line,
                is_faint: false,
            };
            count(&mut scores, spoken, says);
        };
        let lower = text.trim_start().to_ascii_lowercase();
        if let Some(signature) = SIGNATURES.iter().find(|(start, _)| lower.starts_with(start)) {
            count(signature, SIGNATURE_SAYS);
        } else if let Some(code) = reader.code(&lower) {
            for (word, engine, says) in WORDS.iter().filter(|(word, ..)| holds(&code, word)) {
                count(&(*word, *engine), *says);
            }
        }
        if scores.iter().any(|score| score.total >= PLENTY) {
            return (scores, &lines[..=line]);
        }
    }
    (scores, lines)
}

/// What the words of one engine come to.
struct Score {
    total: u32,
    best: Spoken,
    best_says: u32,
}

fn count(scores: &mut Vec<Score>, spoken: Spoken, says: u32) {
    match scores.iter_mut().find(|score| score.best.engine == spoken.engine) {
        Some(score) => {
            score.total = score.total.saturating_add(says);
            if says > score.best_says {
                (score.best, score.best_says) = (spoken, says);
            }
        }
        None => scores.push(Score {
            total: says,
            best: spoken,
            best_says: says,
        }),
    }
}

/// Tells whether a line holds the word, where blanks of the word stand for what is no letter.
pub(super) fn holds(code: &str, word: &str) -> bool {
    let bare = word.trim();
    let is_letter =
        |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    code.contains(bare)
        && code.match_indices(bare).any(|(at, found)| {
            let before = code[..at].chars().next_back();
            let after = code[at + found.len()..].chars().next();
            !(word.starts_with(' ') && is_letter(before) || word.ends_with(' ') && is_letter(after))
        })
}

/// Leaves out comments, texts and rows of data, line after line.
#[derive(Debug, Default)]
struct Reader {
    in_comment: bool,
    in_text: bool,
    in_rows: bool,
}

impl Reader {
    /// Returns what of the line is code.
    fn code(&mut self, line: &str) -> Option<String> {
        if self.in_rows {
            self.in_rows = line.trim_end() != "\\.";
            return None;
        }
        let mut code = String::with_capacity(line.len());
        let mut letters = line.chars().peekable();
        while let Some(letter) = letters.next() {
            let next = letters.peek().copied();
            if self.in_comment {
                if letter == '*' && next == Some('/') {
                    letters.next();
                    self.in_comment = false;
                }
            } else if self.in_text {
                if letter == '\\' {
                    letters.next();
                } else if letter == '\'' {
                    self.in_text = false;
                    code.push(letter);
                }
            } else if letter == '-' && next == Some('-') {
                break;
            } else if letter == '/' && next == Some('*') {
                letters.next();
                self.in_comment = true;
            } else {
                self.in_text = letter == '\'';
                code.push(letter);
            }
        }
        // A text that is not closed on its line says that the reader, not the file, is wrong: dialects differ in backslashes.
        self.in_text = false;
        self.in_rows = code.trim_end().ends_with("from stdin;") && code.contains("copy ");
        Some(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<Engine> {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        spoken(&lines).map(|spoken| spoken.engine)
    }

    #[test]
    fn each_dialect_is_known_by_its_words() {
        for (text, engine) in [
            (
                "create table a (id serial primary key);",
                Some(Engine::Postgresql),
            ),
            (
                "CREATE TABLE a (b JSONB DEFAULT '{}'::jsonb);",
                Some(Engine::Postgresql),
            ),
            (
                "COPY a (id) FROM stdin;\n1\tENGINE=InnoDB\n\\.\n",
                Some(Engine::Postgresql),
            ),
            ("create table `a` (id int auto_increment);", Some(Engine::Mysql)),
            ("create table a (id int) ENGINE=InnoDB;", Some(Engine::Mysql)),
            (
                "-- MariaDB dump 10.19\ncreate table `a` (id int) ENGINE=InnoDB;",
                Some(Engine::Mariadb),
            ),
            (
                "create table a (id integer primary key autoincrement);",
                Some(Engine::Sqlite),
            ),
            ("PRAGMA foreign_keys = ON;", Some(Engine::Sqlite)),
            ("create table a (id int, b varchar(5));", None),
            ("", None),
        ] {
            assert_eq!(of(text), engine, "{text}");
        }
    }

    #[test]
    fn words_of_other_servers_go_first_and_few_words_are_faint() {
        for text in [
            "create table a (b tinyint, c uniqueidentifier);",
            "create table a (b tinyint, c datetime2 default getdate());",
            "create table a (b varchar2(5), c timestamp with time zone);",
            "create table a (b tinyint unsigned, c nvarchar(5));",
            "create type a from int;\nGO\n",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
        let chinook = "create table a (id integer primary key autoincrement, b nvarchar(5));";
        assert_eq!(of(chinook), Some(Engine::Sqlite));
        for (text, is_faint) in [
            ("create table a (id integer primary key);", true),
            ("create table a (b jsonb);", false),
        ] {
            let spoken = spoken(&[text.to_owned()]).unwrap();
            assert_eq!(spoken.is_faint, is_faint, "{text}");
        }
    }

    #[test]
    fn comments_texts_and_parts_of_words_say_nothing() {
        for text in [
            "-- not ENGINE=InnoDB",
            "/* serial\n jsonb */ create table a (b int);",
            "insert into a values ('PRAGMA', 'jsonb');",
            "create table serials (a_serial int, pragmatic int);",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn words_of_two_dialects_in_balance_decide_nothing() {
        assert_eq!(
            of("create table a (b bigserial);\ncreate table c (d longtext);"),
            None
        );
    }
}

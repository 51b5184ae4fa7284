//! Which tables the words of a text can mean: brackets, clauses, and the tables and aliases that each query reads.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "most signs of a text mean nothing here"
)]

use std::collections::{BTreeMap, BTreeSet};

use sqlparser::tokenizer::Token;

use super::NewNames;
use super::piece::Piece;
use crate::TableId;

/// Words that end the list of tables, or of what is selected.
const OTHER_CLAUSES: [&str; 13] = [
    "WHERE",
    "GROUP",
    "ORDER",
    "HAVING",
    "LIMIT",
    "OFFSET",
    "FETCH",
    "WINDOW",
    "SET",
    "VALUES",
    "RETURNING",
    "UNION",
    "EXCEPT",
];

/// Words behind a table that are no alias.
const NO_ALIAS: [&str; 31] = [
    "ON",
    "JOIN",
    "LEFT",
    "RIGHT",
    "FULL",
    "CROSS",
    "INNER",
    "NATURAL",
    "WHERE",
    "GROUP",
    "ORDER",
    "HAVING",
    "LIMIT",
    "OFFSET",
    "UNION",
    "INTERSECT",
    "EXCEPT",
    "WINDOW",
    "FOR",
    "TABLESAMPLE",
    "USING",
    "FETCH",
    "SET",
    "VALUES",
    "SELECT",
    "DEFAULT",
    "RETURNING",
    "STRAIGHT_JOIN",
    "INDEXED",
    "NOT",
    "DO",
];

/// Words before a table.
const BEFORE_TABLE: [&str; 9] = [
    "VIEW",
    "FROM",
    "JOIN",
    "INTO",
    "UPDATE",
    "TABLE",
    "REFERENCES",
    "ONLY",
    "STRAIGHT_JOIN",
];

/// The part of a query that a word stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clause {
    Select,
    From,
    Into,
    Other,
}

/// A bracket, or a statement.
#[derive(Debug)]
pub(super) struct Frame {
    parent: Option<usize>,
    is_query: bool,
    /// True for brackets in a list of tables: what they read is read by the query around them.
    joins: bool,
    /// True for the bracket behind EXISTS.
    pub(super) exists: bool,
    clause: Clause,
    /// The table whose columns are listed in the bracket.
    pub(super) columns_of: Option<TableId>,
    pub(super) relations: BTreeSet<TableId>,
    /// What each table is called, and whether that is its own name.
    pub(super) aliases: BTreeMap<String, (TableId, bool)>,
}

/// A name with its parts.
#[derive(Debug)]
pub(super) struct Chain {
    /// Places of the words.
    pub(super) parts: Vec<usize>,
    /// True when it ends in `.*`.
    pub(super) has_star: bool,
    pub(super) frame: usize,
    pub(super) clause: Clause,
    /// The table that it is, where a table is named.
    pub(super) relation: Option<TableId>,
}

/// The whole text in its frames.
pub(super) struct Read {
    pub(super) frames: Vec<Frame>,
    pub(super) chains: Vec<Chain>,
    /// Stars that stand for all columns, with their frames.
    pub(super) stars: Vec<(usize, usize)>,
}

impl Read {
    /// The frames around one, the nearest first; those of a list of tables count as their query.
    pub(super) fn around(&self, frame: usize) -> impl Iterator<Item = &Frame> {
        let up = std::iter::successors(Some(frame), |at| self.frames[*at].parent);
        up.map(|at| &self.frames[at])
    }

    /// Tells whether a frame belongs to the first statement of the text.
    pub(super) fn is_in_first(&self, frame: usize) -> bool {
        std::iter::successors(Some(frame), |at| self.frames[*at].parent).last() == Some(0)
    }
}

/// Reads the frames of a text.
pub(super) fn read(pieces: &[Piece], names: &NewNames) -> Read {
    let mut reader = Reader {
        pieces,
        names,
        ctes: ctes(pieces),
        current: 0,
        is_header: true,
        read: Read {
            frames: vec![frame(None, Clause::Other)],
            chains: Vec::new(),
            stars: Vec::new(),
        },
    };
    let mut at = 0;
    while at < pieces.len() {
        at = reader.step(at);
    }
    reader.read
}

fn frame(parent: Option<usize>, clause: Clause) -> Frame {
    Frame {
        parent,
        is_query: false,
        joins: false,
        exists: false,
        clause,
        columns_of: None,
        relations: BTreeSet::new(),
        aliases: BTreeMap::new(),
    }
}

/// The names of WITH queries.
fn ctes(pieces: &[Piece]) -> BTreeSet<String> {
    let is_query = |at: usize| {
        let word = pieces.get(at).and_then(Piece::keyword);
        word.is_some_and(|word| {
            matches!(
                word.as_str(),
                "SELECT" | "WITH" | "VALUES" | "INSERT" | "UPDATE" | "DELETE"
            )
        })
    };
    let named = pieces.windows(2).enumerate().filter_map(|(at, pair)| {
        let is_as = pair[1].keyword().as_deref() == Some("AS");
        let bracket =
            (at + 2..at + 5).find(|at| pieces.get(*at).is_some_and(|piece| piece.is(&Token::LParen)))?;
        let word = pair[0].word().filter(|_| is_as && is_query(bracket + 1))?;
        Some(word.value.clone())
    });
    named.collect()
}

struct Reader<'p> {
    pieces: &'p [Piece],
    names: &'p NewNames,
    ctes: BTreeSet<String>,
    current: usize,
    /// True until the first query: what comes before says what an object hangs on.
    is_header: bool,
    read: Read,
}

impl Reader<'_> {
    fn is(&self, at: usize, token: &Token) -> bool {
        self.pieces.get(at).is_some_and(|piece| piece.is(token))
    }

    fn keyword(&self, at: Option<usize>) -> Option<String> {
        self.pieces.get(at?)?.keyword()
    }

    fn before(&self, at: usize) -> Option<String> {
        self.keyword(at.checked_sub(1))
    }

    fn clause(&self) -> Clause {
        self.read.frames[self.current].clause
    }

    /// Reads what stands at the place, and returns the next one.
    fn step(&mut self, at: usize) -> usize {
        match &self.pieces[at].token {
            Token::LParen => self.open(at),
            Token::RParen => {
                self.current = self.read.frames[self.current].parent.unwrap_or(self.current);
            }
            Token::SemiColon => self.statement(),
            Token::Mul if self.is_all_columns(at) => self.read.stars.push((at, self.current)),
            Token::Word(_) => return self.word(at),
            _ => {}
        }
        at + 1
    }

    fn statement(&mut self) {
        self.read.frames.push(frame(None, Clause::Other));
        self.current = self.read.frames.len() - 1;
    }

    fn open(&mut self, at: usize) {
        let before = self.before(at);
        let follows_sign = |token: &Token| at > 0 && self.is(at - 1, token);
        let joins = self.clause() == Clause::From
            && (matches!(before.as_deref(), Some("FROM" | "JOIN" | "LATERAL"))
                || follows_sign(&Token::Comma)
                || follows_sign(&Token::LParen));
        let listed = self
            .read
            .chains
            .last()
            .filter(|chain| chain.parts.last() == at.checked_sub(1).as_ref());
        let listed = listed.and_then(|chain| chain.relation.clone());
        let mut new = frame(
            Some(self.current),
            if joins { Clause::From } else { Clause::Other },
        );
        new.joins = joins;
        new.exists = before.as_deref() == Some("EXISTS");
        new.columns_of = listed;
        self.read.frames.push(new);
        self.current = self.read.frames.len() - 1;
    }

    /// Tells whether a star stands for all columns, and is no product.
    fn is_all_columns(&self, at: usize) -> bool {
        let opens = matches!(self.before(at).as_deref(), Some("SELECT" | "DISTINCT" | "ALL"))
            || at > 0 && self.is(at - 1, &Token::Comma);
        self.clause() == Clause::Select && opens
    }

    fn word(&mut self, at: usize) -> usize {
        if let Some(word) = self.pieces[at].keyword()
            && !self.is(at + 1, &Token::Period)
            && self.takes(at, &word)
        {
            return at + 1;
        }
        let mut parts = vec![at];
        let mut next = at + 1;
        let mut has_star = false;
        while self.is(next, &Token::Period) {
            match self.pieces.get(next + 1).map(|piece| &piece.token) {
                Some(Token::Word(_)) => parts.push(next + 1),
                Some(Token::Mul) => has_star = true,
                _ => break,
            }
            next += 2;
        }
        let relation = self.relation(&parts);
        if let Some(id) = &relation {
            self.register(id.clone(), next);
        }
        self.read.chains.push(Chain {
            parts,
            has_star,
            frame: self.current,
            clause: self.clause(),
            relation,
        });
        next
    }

    /// Tells whether the word is one of those that divide a query.
    fn takes(&mut self, at: usize, word: &str) -> bool {
        let before = self.before(at);
        let frame = &mut self.read.frames[self.current];
        match word {
            "SELECT" => {
                frame.is_query = true;
                frame.joins = false;
                frame.clause = Clause::Select;
                self.is_header = false;
            }
            "FROM" if before.as_deref() == Some("DISTINCT") => {}
            "FROM" if frame.is_query || frame.parent.is_none() => frame.clause = Clause::From,
            "JOIN" => frame.clause = Clause::From,
            "INTO" => frame.clause = Clause::Into,
            "BEGIN" => {
                self.is_header = false;
                self.statement();
            }
            "INTERSECT" => frame.clause = Clause::Other,
            _ if OTHER_CLAUSES.contains(&word) => frame.clause = Clause::Other,
            _ => {
                return BEFORE_TABLE.contains(&word)
                    || matches!(word, "AS" | "ON" | "DISTINCT" | "ALL" | "FROM");
            }
        }
        true
    }

    /// The table that a name is, where a table is named.
    fn relation(&self, parts: &[usize]) -> Option<TableId> {
        let first = parts[0];
        let before = self.before(first);
        let names_table = before.as_deref().is_some_and(|word| BEFORE_TABLE.contains(&word));
        let in_list = self.clause() == Clause::From
            && first > 0
            && (self.is(first - 1, &Token::Comma) || self.is(first - 1, &Token::LParen));
        let in_header = self.is_header && matches!(before.as_deref(), Some("ON" | "TO"));
        if !names_table && !in_list && !in_header {
            return None;
        }
        let word = |at: usize| self.pieces[at].word().map(|word| word.value.as_str());
        match parts {
            [only] => {
                let name = word(*only).filter(|name| !self.ctes.contains(*name))?;
                self.names.relation(name).cloned()
            }
            [namespace, name, ..] => {
                let (id, _) = self.names.object(word(*namespace)?, word(*name)?)?;
                self.names.columns.contains_key(id).then(|| id.clone())
            }
            [] => None,
        }
    }

    /// Notes that the query around reads the table, and what it calls it.
    fn register(&mut self, id: TableId, next: usize) {
        let mut owner = self.current;
        while self.read.frames[owner].joins {
            owner = self.read.frames[owner].parent.unwrap_or(0);
        }
        let behind = match self.keyword(Some(next)).as_deref() {
            Some("AS") => next + 1,
            _ => next,
        };
        let alias = self.pieces.get(behind).and_then(Piece::word).filter(|word| {
            let capitals = word.value.to_ascii_uppercase();
            word.quote_style.is_some() || !NO_ALIAS.contains(&capitals.as_str())
        });
        let alias = alias.filter(|_| matches!(self.clause(), Clause::From) || behind > next);
        let (called, is_own) = match alias {
            Some(word) => (word.value.clone(), false),
            None => (id.name.clone(), true),
        };
        let frame = &mut self.read.frames[owner];
        frame.relations.insert(id.clone());
        frame.aliases.insert(called, (id, is_own));
    }
}

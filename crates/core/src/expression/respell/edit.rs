//! Finds what each name of a text means, and writes the new one in its place.

use std::ops::Range;

use sqlparser::ast::DollarQuotedString;
use sqlparser::keywords::ALL_KEYWORDS;
use sqlparser::tokenizer::Token;

use super::frame::{Chain, Clause, Read, read};
use super::piece::{Piece, pieces};
use super::{NewNames, Tongue};
use crate::{TableId, Untranslated};

/// Words before the name of something that is neither a table nor a column.
const BEFORE_NAME: [&str; 18] = [
    "AS",
    "CONSTRAINT",
    "INDEX",
    "TRIGGER",
    "POLICY",
    "RULE",
    "FUNCTION",
    "PROCEDURE",
    "COLLATE",
    "ROLE",
    "LANGUAGE",
    "TYPE",
    "STATISTICS",
    "VIEW",
    "SCHEMA",
    "EXTENSION",
    "SEQUENCE",
    "TO",
];

/// Gives the text its new names. A body (the text of a function) has variables of its own, and is refused where they could be meant.
pub(super) fn edited(
    text: &str,
    names: &NewNames,
    on: &[TableId],
    tongue: Tongue<'_>,
    is_body: bool,
) -> Result<String, Untranslated> {
    let pieces = pieces(text, tongue.grammar)?;
    let read = read(&pieces, names);
    let mut editor = Editor {
        text,
        pieces: &pieces,
        read: &read,
        names,
        on,
        tongue,
        is_body,
        edits: Vec::new(),
    };
    for (star, frame) in &read.stars {
        editor.star(*star, *frame)?;
    }
    for chain in &read.chains {
        editor.chain(chain)?;
    }
    for piece in &pieces {
        editor.literal(piece)?;
    }
    editor.lone_namespaces();
    Ok(editor.written())
}

/// What a column's name means.
enum Meaning {
    /// Nothing that is known.
    Unknown,
    Kept,
    Renamed(String),
}

struct Editor<'e> {
    text: &'e str,
    pieces: &'e [Piece],
    read: &'e Read,
    names: &'e NewNames,
    on: &'e [TableId],
    tongue: Tongue<'e>,
    is_body: bool,
    edits: Vec<(Range<usize>, String)>,
}

impl Editor<'_> {
    fn written(mut self) -> String {
        self.edits.sort_by_key(|(at, _)| at.start);
        self.edits.dedup_by_key(|(at, _)| at.start);
        let mut written = String::with_capacity(self.text.len());
        let mut done = 0;
        for (at, new) in self.edits {
            written.push_str(&self.text[done..at.start]);
            written.push_str(&new);
            done = at.end;
        }
        written.push_str(&self.text[done..]);
        written
    }

    fn value(&self, at: usize) -> &str {
        self.pieces[at].word().map_or("", |word| word.value.as_str())
    }

    fn is(&self, at: Option<usize>, token: &Token) -> bool {
        at.and_then(|at| self.pieces.get(at))
            .is_some_and(|piece| piece.is(token))
    }

    fn replace(&mut self, at: usize, new: &str) {
        if self.value(at) != new {
            let new = self.spelled(new);
            self.edits.push((self.pieces[at].at.clone(), new));
        }
    }

    /// A name as the engine would print it: in quotes where it needs them.
    fn spelled(&self, name: &str) -> String {
        let mut letters = name.chars();
        let is_plain = letters
            .next()
            .is_some_and(|first| first.is_ascii_lowercase() || first == '_')
            && letters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        let is_word = ALL_KEYWORDS
            .binary_search(&name.to_ascii_uppercase().as_str())
            .is_ok();
        match is_plain && !is_word {
            true => name.to_owned(),
            false => (self.tongue.quote)(name),
        }
    }

    /// Namespaces that no name of an object or column follows: `OPERATOR(app.===)`, `IN SCHEMA app`.
    fn lone_namespaces(&mut self) {
        for at in 0..self.pieces.len() {
            let is_sign = |piece: &Piece| piece.word().is_none() && !piece.is(&Token::Mul);
            let before = at.checked_sub(1).and_then(|at| self.pieces.get(at));
            let is_first = before.is_none_or(|piece| !piece.is(&Token::Period));
            let is_before_sign = is_first
                && self.is(Some(at + 1), &Token::Period)
                && self.pieces.get(at + 2).is_some_and(is_sign);
            let is_named = before.and_then(Piece::keyword).as_deref() == Some("SCHEMA");
            if (is_before_sign || is_named)
                && let Some(new) = self.names.namespaces.get(self.value(at))
            {
                self.replace(at, new);
            }
        }
    }

    fn chain(&mut self, chain: &Chain) -> Result<(), Untranslated> {
        let first = chain.parts[0];
        if let Some(id) = &chain.relation {
            self.whole(chain, &id.clone())?;
            return Ok(());
        }
        let [_, second, ..] = chain.parts.as_slice() else {
            return match chain.has_star {
                true => self.all_of(chain),
                false => self.bare(chain),
            };
        };
        if let Some((table, is_own)) = self.alias(chain.frame, self.value(first)) {
            if is_own && let Some(to) = self.names.objects.get(&table) {
                self.replace(first, &to.name.clone());
            }
            let meaning = self.of_table(&table, self.value(*second))?;
            return self.column(chain, *second, meaning);
        }
        let found = self.names.object(self.value(first), self.value(*second));
        if let Some((id, _)) = found {
            return self.whole(chain, &id.clone());
        }
        if let Some(to) = self.names.namespaces.get(self.value(first)) {
            self.replace(first, &to.clone());
            return Ok(());
        }
        match self.is_body && self.names.touches_column(self.value(*second)) {
            true => Err(unclear(&self.text[self.span(chain)])),
            false => Ok(()),
        }
    }

    fn span(&self, chain: &Chain) -> Range<usize> {
        let last = chain.parts[chain.parts.len() - 1];
        self.pieces[chain.parts[0]].at.start..self.pieces[last].at.end
    }

    /// A name of an object, perhaps with a column behind it.
    fn whole(&mut self, chain: &Chain, id: &TableId) -> Result<(), Untranslated> {
        let Some(to) = self.names.objects.get(id).cloned() else {
            return Ok(());
        };
        match (chain.parts.as_slice(), &to.namespace) {
            ([only], Some(namespace)) if &to != id => {
                let new = format!("{}.{}", self.spelled(namespace), self.spelled(&to.name));
                self.edits.push((self.pieces[*only].at.clone(), new));
            }
            ([only], _) => self.replace(*only, &to.name),
            ([namespace, name, rest @ ..], _) => {
                if let Some(to) = &to.namespace {
                    self.replace(*namespace, to);
                }
                self.replace(*name, &to.name);
                if let [column, ..] = rest {
                    let meaning = self.of_table(id, self.value(*column))?;
                    return self.column(chain, *column, meaning);
                }
            }
            ([], _) => {}
        }
        Ok(())
    }

    /// A single word.
    fn bare(&mut self, chain: &Chain) -> Result<(), Untranslated> {
        let at = chain.parts[0];
        let before = at.checked_sub(1);
        let word = before.and_then(|at| self.pieces[at].keyword());
        let names_other = word.is_some_and(|word| {
            BEFORE_NAME.contains(&word.as_str()) || word == "FROM" && chain.clause == Clause::From
        });
        let is_type = self.is(before, &Token::DoubleColon);
        if self.is(Some(at + 1), &Token::LParen) && !names_other {
            return match self.is_beginning(chain) {
                true => {
                    let meaning = self.of_bare(chain.frame, self.value(at))?;
                    self.column(chain, at, meaning)
                }
                false => self.call(at),
            };
        }
        if names_other || is_type || chain.clause == Clause::Into {
            return self.refuse_in_body(at);
        }
        let meaning = self.of_bare(chain.frame, self.value(at))?;
        match meaning {
            Meaning::Unknown => self.refuse_in_body(at),
            known @ (Meaning::Kept | Meaning::Renamed(_)) => self.column(chain, at, known),
        }
    }

    /// Tells whether the name is a column of an index that takes the first characters only, such as `body(10)`.
    fn is_beginning(&self, chain: &Chain) -> bool {
        let at = chain.parts[0];
        let is_number = |at: usize| {
            matches!(
                self.pieces.get(at).map(|piece| &piece.token),
                Some(Token::Number(..))
            )
        };
        let is_listed = self.read.frames[chain.frame].columns_of.is_some();
        let is_quoted = self.pieces[at]
            .word()
            .is_some_and(|word| word.quote_style.is_some());
        (is_listed || is_quoted) && is_number(at + 2) && self.is(Some(at + 3), &Token::RParen)
    }

    /// A function without its namespace is found by the path of whoever calls it, which does not know the new one.
    fn call(&mut self, at: usize) -> Result<(), Untranslated> {
        match self.names.changed(self.value(at)) {
            Some((from, to)) if self.is_body && !self.names.columns.contains_key(from) => {
                let namespace = to.namespace.iter().map(|name| format!("{}.", self.spelled(name)));
                let new = format!("{}{}", namespace.collect::<String>(), self.spelled(&to.name));
                self.edits.push((self.pieces[at].at.clone(), new));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A word that may be an object's name where variables have names, too.
    fn refuse_in_body(&self, at: usize) -> Result<(), Untranslated> {
        let name = self.value(at);
        match self.is_body && self.names.changed(name).is_some() {
            true => Err(unclear(name)),
            false => Ok(()),
        }
    }

    fn column(&mut self, chain: &Chain, at: usize, meaning: Meaning) -> Result<(), Untranslated> {
        let Meaning::Renamed(to) = meaning else {
            return Ok(());
        };
        let old = self.value(at).to_owned();
        self.replace(at, &to);
        if chain.clause == Clause::Select && self.is_whole_item(chain) {
            let end = self.pieces[at].at.end;
            self.edits.push((end..end, format!(" AS {}", self.spelled(&old))));
        }
        Ok(())
    }

    /// Tells whether the name is all of what is selected, so that others know it by this name.
    fn is_whole_item(&self, chain: &Chain) -> bool {
        let before = chain.parts[0].checked_sub(1);
        let word = before.and_then(|at| self.pieces[at].keyword());
        let opens = self.is(before, &Token::Comma)
            || word.is_some_and(|word| matches!(word.as_str(), "SELECT" | "DISTINCT" | "ALL"));
        let next = self.pieces.get(chain.parts[chain.parts.len() - 1] + 1);
        let closes = next.is_none_or(|piece| {
            let word = piece.keyword();
            let ends = word.is_some_and(|word| {
                matches!(
                    word.as_str(),
                    "FROM"
                        | "INTO"
                        | "WHERE"
                        | "UNION"
                        | "EXCEPT"
                        | "INTERSECT"
                        | "ORDER"
                        | "GROUP"
                        | "LIMIT"
                )
            });
            ends || [Token::Comma, Token::RParen, Token::SemiColon].contains(&piece.token)
        });
        opens && closes
    }

    /// The table that an alias stands for, and whether it is the table's own name.
    fn alias(&self, frame: usize, name: &str) -> Option<(TableId, bool)> {
        let found = self.read.around(frame).find_map(|frame| {
            let mut aliases = frame.aliases.iter();
            aliases.find(|(alias, _)| self.names.is_same(alias, name))
        });
        if let Some((_, known)) = found {
            return Some(known.clone());
        }
        let is_row = ["new", "old", "excluded"]
            .iter()
            .any(|row| name.eq_ignore_ascii_case(row));
        let [only] = self.on else { return None };
        if is_row {
            return Some((only.clone(), false));
        }
        self.names.is_same(&only.name, name).then(|| (only.clone(), true))
    }

    fn of_table(&self, table: &TableId, name: &str) -> Result<Meaning, Untranslated> {
        match self.names.column(table, name) {
            None => Ok(Meaning::Unknown),
            Some((from, Some(to))) if from == to => Ok(Meaning::Kept),
            Some((_, Some(to))) => Ok(Meaning::Renamed(to.clone())),
            Some((from, None)) => Err(Untranslated::new(format!(
                "column `{from}` of `{table}` stays behind"
            ))),
        }
    }

    /// What a bare column means: that of the nearest query that reads a table with such a column.
    fn of_bare(&self, frame: usize, name: &str) -> Result<Meaning, Untranslated> {
        if let Some(table) = &self.read.frames[frame].columns_of {
            return self.of_table(table, name);
        }
        for around in self.read.around(frame) {
            let having: Vec<&TableId> = around
                .relations
                .iter()
                .filter(|table| self.names.column(table, name).is_some())
                .collect();
            if !having.is_empty() {
                return self.agreed(&having, name);
            }
        }
        if !self.read.is_in_first(frame) || self.is_body {
            return Ok(Meaning::Unknown);
        }
        let having: Vec<&TableId> = self.on.iter().collect();
        self.agreed(&having, name)
    }

    /// The one meaning that a name has in all the tables.
    fn agreed(&self, tables: &[&TableId], name: &str) -> Result<Meaning, Untranslated> {
        let mut agreed = Meaning::Unknown;
        for (number, table) in tables.iter().enumerate() {
            let meaning = self.of_table(table, name)?;
            let differs = match (&agreed, &meaning) {
                (Meaning::Renamed(one), Meaning::Renamed(other)) => one != other,
                (Meaning::Kept, Meaning::Kept) | (Meaning::Unknown, Meaning::Unknown) => false,
                _ => number > 0,
            };
            if differs {
                return Err(Untranslated::new(format!(
                    "column `{name}` has different names in the tables that are read"
                )));
            }
            agreed = meaning;
        }
        Ok(agreed)
    }

    /// All columns of a table by its alias, `c.*`.
    fn all_of(&mut self, chain: &Chain) -> Result<(), Untranslated> {
        let first = chain.parts[0];
        let Some((table, is_own)) = self.alias(chain.frame, self.value(first)) else {
            return Ok(());
        };
        if is_own && let Some(to) = self.names.objects.get(&table) {
            self.replace(first, &to.name.clone());
        }
        match self.keeps_columns(&table) {
            true => Ok(()),
            false => Err(all_columns(&table)),
        }
    }

    fn star(&self, _at: usize, frame: usize) -> Result<(), Untranslated> {
        let frame = &self.read.frames[frame];
        let changed = frame.relations.iter().find(|table| !self.keeps_columns(table));
        match changed {
            Some(table) if !frame.exists => Err(all_columns(table)),
            Some(_) | None => Ok(()),
        }
    }

    fn keeps_columns(&self, table: &TableId) -> bool {
        let columns = self.names.columns.get(table).into_iter().flatten();
        columns.into_iter().all(|(from, to)| to.as_ref() == Some(from))
    }

    /// Names within literals: those that stand for an object, and the text of a function.
    fn literal(&mut self, piece: &Piece) -> Result<(), Untranslated> {
        if let Token::SingleQuotedString(value) = &piece.token {
            let value = value.replace("''", "'");
            if self.stands_for_object(piece) {
                let new = edited(&value, self.names, &[], self.tongue, false)?;
                let new = format!("'{}'", new.replace('\'', "''"));
                self.edits.push((piece.at.clone(), new));
            } else if self.is_body {
                self.refuse_mention(&value)?;
            }
        } else if let Token::DollarQuotedString(DollarQuotedString { value, tag }) = &piece.token {
            let tag = tag.as_deref().unwrap_or_default();
            if self.is_sql() {
                let new = edited(value, self.names, self.on, self.tongue, true)?;
                self.edits
                    .push((piece.at.clone(), format!("${tag}${new}${tag}$")));
            } else {
                self.refuse_mention(value)?;
            }
        }
        Ok(())
    }

    /// Tells whether `::regclass` or the like follows, or a function that takes the name of an object stands before.
    fn stands_for_object(&self, piece: &Piece) -> bool {
        let Some(at) = self.pieces.iter().position(|other| other.at == piece.at) else {
            return false;
        };
        let word = |at: Option<usize>| at.and_then(|at| self.pieces.get(at)?.keyword());
        if self.is(Some(at + 1), &Token::DoubleColon) {
            return word(Some(at + 2)).is_some_and(|word| word.starts_with("REG"));
        }
        let takes_name = |word: String| {
            matches!(word.as_str(), "NEXTVAL" | "CURRVAL" | "SETVAL") || word.starts_with("TO_REG")
        };
        self.is(at.checked_sub(1), &Token::LParen) && word(at.checked_sub(2)).is_some_and(takes_name)
    }

    /// Tells whether the text of a function is SQL, or a language around it.
    fn is_sql(&self) -> bool {
        let mut pairs = self.pieces.windows(2);
        let language = pairs.find(|pair| pair[0].keyword().as_deref() == Some("LANGUAGE"));
        language.is_some_and(|pair| {
            let name = pair[1].word().map(|word| word.value.to_ascii_lowercase());
            name.is_some_and(|name| matches!(name.as_str(), "sql" | "plpgsql"))
        })
    }

    /// A text that nobody can read as SQL may be part of a statement.
    fn refuse_mention(&self, text: &str) -> Result<(), Untranslated> {
        let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
        let mut words = words.filter(|word| !word.is_empty());
        let named = words.find(|word| {
            let is_object = self.names.changed(word).is_some();
            is_object || self.names.namespaces.get(*word).is_some_and(|to| to != word)
        });
        named.map_or(Ok(()), |word| Err(unclear(word)))
    }
}

fn unclear(name: &str) -> Untranslated {
    Untranslated::new(format!(
        "it is not clear what `{name}` means in it, which has another name in the target"
    ))
}

fn all_columns(table: &TableId) -> Untranslated {
    Untranslated::new(format!("it takes all columns (`*`) of `{table}`, which change"))
}

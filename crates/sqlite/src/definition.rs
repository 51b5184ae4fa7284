//! Reads what only the text of a definition says: names of constraints, checks, generation expressions, collations,
//! deferral, AUTOINCREMENT; index parts; a view's query. All else comes from the engine's own tables.

use whimbrel_core::Deferral;

use crate::sql::{Token, TokenKind, after_closing, split_at_commas, text_of, tokens};

/// What the text of a CREATE TABLE says beyond the engine's tables.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct TableText {
    /// Per column, in order.
    pub(crate) columns: Vec<ColumnText>,
    /// Checks of columns and of the table, in order: name (or empty) and condition.
    pub(crate) checks: Vec<(String, String)>,
    /// Unique constraints: name (or empty) and columns.
    pub(crate) uniques: Vec<(String, Vec<String>)>,
    /// Foreign keys in the order of declaration: name (or empty) and deferral.
    pub(crate) foreign_keys: Vec<(String, Deferral)>,
    /// Name of the primary key, or empty.
    pub(crate) primary_key: String,
    /// True when AUTOINCREMENT stands there.
    pub(crate) autoincrement: bool,
}

/// What the text says about a column.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ColumnText {
    /// Its name.
    pub(crate) name: String,
    /// Its collation.
    pub(crate) collation: Option<String>,
    /// Its generation expression.
    pub(crate) generated: Option<String>,
}

/// Reads a CREATE TABLE; none when the text is not understood.
pub(crate) fn read_table(sql: &str) -> Option<TableText> {
    let all = tokens(sql)?;
    let open = all.iter().position(|token| token.is_mark('('))?;
    let end = after_closing(&all, open)?;
    let mut text = TableText::default();
    for item in split_at_commas(&all[open + 1..end - 1]) {
        let mut reader = Reader {
            sql,
            tokens: item,
            at: 0,
            name: String::new(),
            column: None,
        };
        if !starts_table_constraint(item) {
            reader.column(&mut text)?;
        }
        reader.constraints(&mut text)?;
    }
    Some(text)
}

fn starts_table_constraint(item: &[Token<'_>]) -> bool {
    item.first().is_some_and(|token| {
        ["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"]
            .iter()
            .any(|word| token.is(word))
    })
}

/// Words that begin a column constraint, so that they end a column's type.
const CONSTRAINT_WORDS: [&str; 12] = [
    "CONSTRAINT",
    "PRIMARY",
    "NOT",
    "NULL",
    "UNIQUE",
    "CHECK",
    "DEFAULT",
    "COLLATE",
    "REFERENCES",
    "GENERATED",
    "AS",
    "FOREIGN",
];

/// Reads one item of the list: a column with its constraints, or table constraints (the commas between those are optional).
struct Reader<'a, 'b> {
    sql: &'a str,
    tokens: &'b [Token<'a>],
    at: usize,
    name: String,
    column: Option<usize>,
}

impl Reader<'_, '_> {
    fn column(&mut self, text: &mut TableText) -> Option<()> {
        let name = self.tokens.first()?.as_name()?;
        self.at = 1;
        while let Some(token) = self.tokens.get(self.at) {
            if CONSTRAINT_WORDS.iter().any(|word| token.is(word)) {
                break;
            }
            self.at = self.after(self.at)?;
        }
        self.column = Some(text.columns.len());
        text.columns.push(ColumnText {
            name,
            ..ColumnText::default()
        });
        Some(())
    }

    /// The position after the token, or after the whole bracket that it opens.
    fn after(&self, at: usize) -> Option<usize> {
        if self.tokens.get(at)?.is_mark('(') {
            after_closing(self.tokens, at)
        } else {
            Some(at + 1)
        }
    }

    fn constraints(&mut self, text: &mut TableText) -> Option<()> {
        while let Some(token) = self.tokens.get(self.at) {
            let word = token.text.to_ascii_uppercase();
            let word = if token.kind == TokenKind::Word {
                word.as_str()
            } else {
                ""
            };
            match word {
                "CONSTRAINT" => {
                    self.name = self.tokens.get(self.at + 1)?.as_name()?;
                    self.at += 2;
                    continue;
                }
                "CHECK" => {
                    let inside = self.bracket(self.at + 1)?;
                    text.checks.push((std::mem::take(&mut self.name), inside));
                }
                "PRIMARY" => text.primary_key = std::mem::take(&mut self.name),
                "AUTOINCREMENT" => text.autoincrement = true,
                "UNIQUE" => self.unique(text)?,
                "REFERENCES" => {
                    let deferral = self.deferral();
                    text.foreign_keys.push((std::mem::take(&mut self.name), deferral));
                }
                "COLLATE" => {
                    let collation = self.tokens.get(self.at + 1)?.as_name()?;
                    self.at += 1;
                    if let Some(column) = self.column.and_then(|at| text.columns.get_mut(at)) {
                        column.collation = Some(collation);
                    }
                }
                "AS" => {
                    let inside = self.bracket(self.at + 1)?;
                    if let Some(column) = self.column.and_then(|at| text.columns.get_mut(at)) {
                        column.generated = Some(inside);
                    }
                }
                // A name before NOT NULL, DEFAULT and the like names nothing that a catalog keeps.
                "NOT" | "NULL" | "DEFAULT" => self.name.clear(),
                _ => {}
            }
            self.at = self.after(self.at)?;
        }
        Some(())
    }

    fn unique(&mut self, text: &mut TableText) -> Option<()> {
        let columns = match self.column {
            Some(column) => vec![text.columns.get(column)?.name.clone()],
            None => {
                let open = self.at + 1;
                let end = after_closing(self.tokens, open)?;
                split_at_commas(&self.tokens[open + 1..end - 1])
                    .into_iter()
                    .map(|part| part.first().and_then(Token::as_name))
                    .collect::<Option<_>>()?
            }
        };
        text.uniques.push((std::mem::take(&mut self.name), columns));
        Some(())
    }

    /// The text inside the bracket that opens at `open`.
    fn bracket(&self, open: usize) -> Option<String> {
        self.tokens.get(open).filter(|token| token.is_mark('('))?;
        let end = after_closing(self.tokens, open)?;
        Some(text_of(self.sql, &self.tokens[open + 1..end - 1]).to_owned())
    }

    /// The deferral of the foreign key whose REFERENCES stands here: it ends where the next constraint begins.
    fn deferral(&self) -> Deferral {
        let clause: Vec<&Token<'_>> = self.tokens[self.at + 1..]
            .iter()
            .take_while(|token| {
                ![
                    "CONSTRAINT",
                    "PRIMARY",
                    "UNIQUE",
                    "CHECK",
                    "FOREIGN",
                    "REFERENCES",
                    "COLLATE",
                ]
                .iter()
                .any(|word| token.is(word))
            })
            .collect();
        let Some(at) = clause.iter().position(|token| token.is("DEFERRABLE")) else {
            return Deferral::Never;
        };
        if at > 0 && clause[at - 1].is("NOT") {
            return Deferral::Never;
        }
        if clause[at..].iter().any(|token| token.is("DEFERRED")) {
            Deferral::Deferred
        } else {
            Deferral::Immediate
        }
    }
}

/// What the text of a CREATE INDEX says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct IndexText {
    /// The parts as written, without direction and outer collation.
    pub(crate) parts: Vec<String>,
    /// The condition of a partial index.
    pub(crate) predicate: Option<String>,
}

/// Reads a CREATE INDEX; none when the text is not understood.
pub(crate) fn read_index(sql: &str) -> Option<IndexText> {
    let all = tokens(sql)?;
    let on = all.iter().position(|token| token.is("ON"))?;
    let open = on + all[on..].iter().position(|token| token.is_mark('('))?;
    let end = after_closing(&all, open)?;
    let parts = split_at_commas(&all[open + 1..end - 1])
        .into_iter()
        .map(|part| text_of(sql, without_order(part)).to_owned())
        .collect();
    let predicate = match all.get(end) {
        None => None,
        Some(token) if token.is("WHERE") => Some(text_of(sql, &all[end + 1..]).to_owned()),
        Some(token) if token.is_mark(';') => None,
        Some(_) => return None,
    };
    Some(IndexText { parts, predicate })
}

fn without_order<'a, 'b>(mut part: &'a [Token<'b>]) -> &'a [Token<'b>] {
    loop {
        part = match part {
            [rest @ .., last] if !rest.is_empty() && (last.is("ASC") || last.is("DESC")) => rest,
            [rest @ .., collate, _] if !rest.is_empty() && collate.is("COLLATE") => rest,
            _ => return part,
        };
    }
}

/// Returns the query of a CREATE VIEW; none when the text is not understood.
pub(crate) fn read_view(sql: &str) -> Option<String> {
    let all = tokens(sql)?;
    let at = all.iter().position(|token| token.is("AS"))?;
    let mut query = &all[at + 1..];
    while let [rest @ .., last] = query
        && last.is_mark(';')
    {
        query = rest;
    }
    (!query.is_empty()).then(|| text_of(sql, query).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_with_everything_is_read() {
        let text = read_table(
            r#"CREATE TABLE "t ( x" (  -- the (key
                id INTEGER CONSTRAINT "my pk" PRIMARY KEY AUTOINCREMENT,
                [a b] VARCHAR(10, 2) NOT NULL DEFAULT ('check (1)') COLLATE nocase CONSTRAINT c1 CHECK (length("a b") > 1),
                g INT GENERATED ALWAYS AS (id * 2) STORED,
                p INT REFERENCES p(id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED UNIQUE,
                autoincrement TEXT DEFAULT "AUTOINCREMENT",
                CONSTRAINT u UNIQUE (p, `a b` DESC)
                CONSTRAINT f FOREIGN KEY (g) REFERENCES q NOT DEFERRABLE,
                CHECK (id /* ) */ > 0))"#,
        )
        .unwrap();
        assert_eq!(text.primary_key, "my pk");
        assert!(text.autoincrement);
        assert_eq!(
            text.checks,
            [
                ("c1".into(), "length(\"a b\") > 1".into()),
                (String::new(), "id /* ) */ > 0".into())
            ]
        );
        assert_eq!(
            text.uniques,
            [
                (String::new(), vec!["p".into()]),
                ("u".into(), vec!["p".into(), "a b".into()])
            ]
        );
        assert_eq!(
            text.foreign_keys,
            [(String::new(), Deferral::Deferred), ("f".into(), Deferral::Never)]
        );
        assert_eq!(text.columns[1].collation.as_deref(), Some("nocase"));
        assert_eq!(text.columns[2].generated.as_deref(), Some("id * 2"));
        assert_eq!(text.columns.len(), 5);
    }

    #[test]
    fn the_word_autoincrement_in_quotes_says_nothing() {
        let text =
            read_table("CREATE TABLE t (\"AUTOINCREMENT\" INTEGER PRIMARY KEY, b DEFAULT 'AUTOINCREMENT')");
        assert!(!text.unwrap().autoincrement);
    }

    #[test]
    fn an_index_is_read_with_expressions_and_predicate() {
        let text =
            read_index("CREATE UNIQUE INDEX i ON t (lower(a) COLLATE nocase DESC, b, c ASC) WHERE a > 'x)'");
        assert_eq!(
            text,
            Some(IndexText {
                parts: vec!["lower(a)".into(), "b".into(), "c".into()],
                predicate: Some("a > 'x)'".into())
            })
        );
    }

    #[test]
    fn a_view_gives_its_query() {
        assert_eq!(
            read_view("CREATE VIEW v (a, b) AS SELECT 1 AS a, 2; ").as_deref(),
            Some("SELECT 1 AS a, 2")
        );
    }
}

//! Findings: what was noticed, with evidence and choices; decisions: what a person settled.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ObjectId;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Something changes its form or is left out in a way that loses no data.
    Warning,
    /// A person must choose; nothing runs before.
    Decision,
    /// The migration cannot run like this.
    Blocker,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Decision => "decision",
            Self::Blocker => "blocker",
        })
    }
}

/// Something noticed about a source, a target or their pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// One of [`CODES`].
    pub code: String,
    /// How much it weighs.
    pub severity: Severity,
    /// What it is about.
    pub subject: ObjectId,
    /// One sentence: what is the case.
    pub message: String,
    /// Facts: counts, values, definitions.
    pub evidence: Vec<String>,
    /// What can be chosen. A `Decision` must be settled; anything else that has choices goes by the suggested one until somebody settles it.
    pub choices: Vec<Choice>,
    /// The choice we recommend, by name; none when only a person can know.
    pub suggested: Option<String>,
}

impl Finding {
    /// Makes a finding without evidence and choices.
    pub fn new(code: &str, severity: Severity, subject: ObjectId, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            severity,
            subject,
            message: message.into(),
            evidence: Vec::new(),
            choices: Vec::new(),
            suggested: None,
        }
    }

    /// Adds a fact.
    #[must_use]
    pub fn with_evidence(mut self, fact: impl Into<String>) -> Self {
        self.evidence.push(fact.into());
        self
    }

    /// Adds a choice; the first one added with `suggested` is recommended.
    #[must_use]
    pub fn with_choice(mut self, name: &str, meaning: impl Into<String>) -> Self {
        self.choices.push(Choice {
            name: name.to_owned(),
            meaning: meaning.into(),
        });
        self
    }

    /// Tells whether a choice wants a text of the person's own. `text` as the name of a type does not.
    pub fn takes_text(&self, choice: &str) -> bool {
        choice == OWN_VALUE || (choice == OWN_TEXT && self.code == UNTRANSLATED)
    }

    /// Recommends a choice.
    #[must_use]
    pub fn suggest(mut self, name: &str) -> Self {
        self.suggested = Some(name.to_owned());
        self
    }

    /// Returns `CODE:SUBJECT`, the name by which a decision is given.
    pub fn key(&self) -> String {
        format!("{}:{}", self.code, self.subject)
    }
}

/// The choice that turns a question into a blocker.
pub const STOP: &str = "stop";
/// The choice that takes what is offered, where there is nothing else to choose.
pub const ACCEPT: &str = "accept";
/// The choice that leaves an object out, of whatever kind.
pub const LEAVE_OUT: &str = "leave_out";
/// The choice that takes a text of the person's own (`text=...`).
pub const OWN_TEXT: &str = "text";
/// The choice that takes a value of the person's own (`fixed=...`).
pub const OWN_VALUE: &str = "fixed";
/// The code of the questions that can be answered with a text.
pub const UNTRANSLATED: &str = "expression_untranslated";

/// One way to settle a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The word that selects it; `text` takes a text of one's own as `text=...`.
    pub name: String,
    /// What it means for the data.
    pub meaning: String,
}

/// A settled finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The finding's code.
    pub code: String,
    /// The finding's subject as text; empty settles every finding of the code.
    pub subject: String,
    /// The choice's name.
    pub choice: String,
    /// A text of one's own, for a choice that takes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Who settled it: `person`, `settings`, `suggested`.
    pub by: String,
}

/// A finding code and its meaning.
#[derive(Debug, Clone, Copy)]
pub struct Code {
    /// The code.
    pub code: &'static str,
    /// One line: what it says.
    pub doc: &'static str,
}

/// Every finding code there is. A connector or the planner uses no other.
pub const CODES: &[Code] = &[
    Code {
        code: "connection",
        doc: "the database cannot be reached or does not let us in",
    },
    Code {
        code: "privilege",
        doc: "a privilege that the work needs is missing",
    },
    Code {
        code: "row_security",
        doc: "row-level security would hide rows from this login",
    },
    Code {
        code: "encoding",
        doc: "the database's text encoding loses or changes text",
    },
    Code {
        code: "free_space",
        doc: "the target may not have room for the data",
    },
    Code {
        code: "target_not_empty",
        doc: "the target holds objects of its own",
    },
    Code {
        code: "target_table_exists",
        doc: "a target table is there already",
    },
    Code {
        code: "target_dependents",
        doc: "something of the target's hangs on a table that is to be replaced",
    },
    Code {
        code: "target_read_only",
        doc: "the target cannot be written",
    },
    Code {
        code: "version",
        doc: "the server's version is older than what is supported",
    },
    Code {
        code: "corrupt",
        doc: "the database's own integrity check found damage",
    },
    Code {
        code: "unmovable_table",
        doc: "a table of a kind that cannot be moved yet",
    },
    Code {
        code: "not_moved",
        doc: "an object that is listed but not moved",
    },
    Code {
        code: "type_widened",
        doc: "values arrive exactly in a wider or other form",
    },
    Code {
        code: "type_lossy",
        doc: "the target's type cannot keep the whole meaning",
    },
    Code {
        code: "type_unsupported",
        doc: "no type of the target can hold the column",
    },
    Code {
        code: "mixed_classes",
        doc: "a column holds values of several storage classes",
    },
    Code {
        code: "invalid_text",
        doc: "text that is not valid in its encoding",
    },
    Code {
        code: "nul_text",
        doc: "text with U+0000, which the target cannot hold",
    },
    Code {
        code: "out_of_range",
        doc: "values beyond the range of the target's type",
    },
    Code {
        code: "row_too_large",
        doc: "a row does not fit into the memory budget or the target's limit",
    },
    Code {
        code: "orphans",
        doc: "rows whose foreign key points to nothing",
    },
    Code {
        code: "duplicates",
        doc: "rows that break a key of the target",
    },
    Code {
        code: "null_in_key",
        doc: "NULL in a column of the primary key",
    },
    Code {
        code: "null_in_not_null",
        doc: "NULL in a column that will be NOT NULL",
    },
    Code {
        code: "no_key",
        doc: "a table without a key: copied as one chunk and compared as a multiset",
    },
    Code {
        code: UNTRANSLATED,
        doc: "an expression that could not be translated",
    },
    Code {
        code: "expression_changed",
        doc: "an expression that was translated with a different meaning at the edges",
    },
    Code {
        code: "feature_left_out",
        doc: "a property of an object that the target does not have",
    },
    Code {
        code: "collation",
        doc: "order or equality of text differs",
    },
    Code {
        code: "name_changed",
        doc: "a name had to change: too long or taken, or the target keeps the names of tables in lower case",
    },
    Code {
        code: "name_collision",
        doc: "two names become one in the target",
    },
    Code {
        code: "key_type_unified",
        doc: "a column's type follows the keys it is linked with",
    },
    Code {
        code: "sequence_behind",
        doc: "a sequence stands behind the data",
    },
    Code {
        code: "foreign_key_cycle",
        doc: "tables that refer to each other",
    },
    Code {
        code: "snapshot",
        doc: "the source cannot give one consistent state to all readers",
    },
    Code {
        code: "assumption",
        doc: "a narrower type rests on the values; every row is checked",
    },
    Code {
        code: "invalid_date",
        doc: "dates that are no day of the calendar, such as `0000-00-00`",
    },
    Code {
        code: "on_update",
        doc: "a column that every update sets to the time, which the target does with a trigger or not at all",
    },
    Code {
        code: "partitions",
        doc: "a partitioned table that becomes a plain one",
    },
    Code {
        code: "inheritance",
        doc: "a table that shows the rows of others",
    },
    Code {
        code: "privileges",
        doc: "owners and privileges of objects, which name roles of the server",
    },
    Code {
        code: "definer",
        doc: "objects that run with the rights of a user who may not exist in the target",
    },
    Code {
        code: "no_snapshot",
        doc: "tables outside any snapshot: others may write to them while they are read",
    },
    Code {
        code: "unused_decision",
        doc: "a decision of the settings that nothing asks for",
    },
    Code {
        code: "password_in_argument",
        doc: "a password in an argument can be seen in the process list",
    },
    Code {
        code: "mapping",
        doc: "what the mapping of the settings does, or leaves open: which rows move, masks without a key",
    },
];

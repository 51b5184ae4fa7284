//! `whimbrel.toml` and the environment, read once at the edge. Which database a name means is `address.rs`.

mod lines;
mod mapping;
#[cfg(test)]
mod schema;
mod sections;
mod size;
mod validation;

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU16;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;
use whimbrel_core::{
    CODES, Decision, Error, LookupRule, OnReject, Policies, Result, TableRule, WaveRule, Written,
};
use whimbrel_transform::nearest;

pub use self::mapping::{MaskingSettings, SourceSettings};
pub use self::size::ByteSize;
use self::validation::ValidationSettings;
use crate::refusal;

/// The file that is read when it is there and no other was named.
pub const DEFAULT_FILE: &str = "whimbrel.toml";
/// What to do about a mistake in the file.
const MEND: &str = "mend that line; docs/whimbrel.schema.json describes every key";
/// What to do about a text that stands where it begins, without quotes.
const UNQUOTED: &str = "a text stands in double quotes: name = \"text\"; one that is the value of an expression also in single ones: default = { COLUMN = \"'text'\" }";
/// Wanted size of a chunk when the settings do not say.
const CHUNK_BYTES: u64 = 32 << 20;

/// The environment's variables, by name.
pub type Environment = BTreeMap<String, String>;

/// Reads the environment; variables that are not Unicode are left out.
pub fn environment() -> Environment {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// What `whimbrel.toml` says. Everything may be absent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `[database.NAME]`.
    pub database: BTreeMap<String, DatabaseSettings>,
    /// `[tables]`.
    pub tables: TableSettings,
    /// `[policies]`.
    pub policies: PolicySettings,
    /// `[decisions]`, as written: `"CODE[:subject]" = "choice"`.
    decisions: BTreeMap<Spanned<String>, String>,
    /// `[rollback]`.
    pub rollback: RollbackSettings,
    /// `[limits]`.
    pub limits: LimitSettings,
    /// `[[validation]]`: rules that prove the result.
    validation: Vec<Spanned<ValidationSettings>>,
    /// `[[source]]`: several databases that are read as one.
    pub source: Vec<SourceSettings>,
    /// `[[table]]`: what becomes of tables on the way.
    pub table: Vec<TableRule>,
    /// `[[lookup]]`: tables of values for expressions.
    pub lookup: Vec<LookupRule>,
    /// `[[wave]]`: the order in which tables are copied.
    pub wave: Vec<WaveRule>,
    /// `[namespaces]`: what the source's namespaces are called in the target.
    pub namespaces: BTreeMap<String, String>,
    /// `[masking]`.
    pub masking: MaskingSettings,
    /// Where each section and key was written.
    #[serde(skip)]
    written: Written,
}

/// A database by name.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSettings {
    /// Its URL; `${NAME}` stands for a variable of the environment.
    pub url: String,
    /// What it is for, such as `production`.
    pub environment: Option<String>,
}

impl fmt::Debug for DatabaseSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may hold a password.
        f.debug_struct("DatabaseSettings")
            .field("environment", &self.environment)
            .finish_non_exhaustive()
    }
}

/// Which tables are moved.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TableSettings {
    /// Only these, by pattern; all when empty.
    pub include: Vec<String>,
    /// Not these, by pattern.
    pub exclude: Vec<String>,
}

/// Policies as far as they differ from the defaults.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicySettings {
    /// What a rejected row does: `stop` or `file`.
    pub on_reject: Option<OnReject>,
    /// Wanted size of a chunk.
    pub chunk_size: Option<ByteSize>,
    /// False switches verification off; such a run never ends with exit code 0.
    pub verify: Option<bool>,
}

/// Where each automatic trigger rolls back to.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RollbackSettings {
    foreign_key_violation: Option<RollbackPlace>,
    data_integrity_error: Option<RollbackPlace>,
    connection_lost_during_write: Option<RollbackPlace>,
    user_interrupt: Option<RollbackPlace>,
}

/// A place to roll back to by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RollbackPlace {
    Start,
    Schema,
    Chunk,
}

/// Limits of a run; the command line goes before them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitSettings {
    /// Readers and writers at once.
    pub jobs: Option<NonZeroU16>,
    /// Memory for queues and buffers.
    pub memory: Option<ByteSize>,
    /// How often a transient failure is retried.
    pub retries: Option<u32>,
}

impl Settings {
    /// Reads the named file, or [`DEFAULT_FILE`] where it exists, or nothing.
    ///
    /// # Errors
    /// A usage error that names the line and the key.
    pub fn read(named: Option<&Path>) -> Result<Self> {
        let path = named.unwrap_or_else(|| Path::new(DEFAULT_FILE));
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, &path.display().to_string()),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound && named.is_none() => {
                Ok(Self::default())
            }
            Err(cause) => {
                let hint = format!("look for the file: ls -l '{}'", path.display());
                let refused = refusal::usage(format!("settings `{}` cannot be read", path.display()));
                Err(refused.with_cause(cause).with_hint(hint))
            }
        }
    }

    /// Reads settings from the text of the file called `name`.
    ///
    /// # Errors
    /// As [`Settings::read`]. The message never repeats a quoted value, since that may be a password.
    pub fn parse(text: &str, name: &str) -> Result<Self> {
        let mut settings: Self = toml::from_str(text).map_err(|error| unread(text, name, &error))?;
        lines::note(&mut settings, text, name);
        for key in settings.decisions.keys() {
            let code = key.get_ref().split(':').next().unwrap_or_default();
            if !CODES.iter().any(|known| known.code == code) {
                let place = place(text, key.span().start, name);
                return Err(unknown_code(code).during(place));
            }
        }
        match validation::first_fault(&settings.validation) {
            Some((at, fault)) => {
                Err(refusal::usage(format!("{}: {fault}", place(text, at, name))).with_hint(MEND))
            }
            None => Ok(settings),
        }
    }

    /// Returns the decisions of the `[decisions]` table.
    pub fn decisions(&self) -> Vec<Decision> {
        self.decisions
            .iter()
            .map(|(key, choice)| decision(key.get_ref(), choice, "settings"))
            .collect()
    }

    /// Returns the policies of a run, defaults filled in.
    pub fn policies(&self) -> Policies {
        Policies {
            on_reject: self.policies.on_reject.unwrap_or(OnReject::Stop),
            chunk_bytes: self.policies.chunk_size.map_or(CHUNK_BYTES, |size| size.0),
            verify: self.policies.verify.unwrap_or(true),
            rollback: self.rollback.places(),
            validation: (self.validation.iter().map(|rule| rule.get_ref().rule())).collect(),
        }
    }
}

impl RollbackSettings {
    fn places(&self) -> BTreeMap<String, String> {
        let named = [
            ("foreign_key_violation", self.foreign_key_violation),
            ("data_integrity_error", self.data_integrity_error),
            ("connection_lost_during_write", self.connection_lost_during_write),
            ("user_interrupt", self.user_interrupt),
        ];
        let word = |place| match place {
            RollbackPlace::Start => "start",
            RollbackPlace::Schema => "schema",
            RollbackPlace::Chunk => "chunk",
        };
        named
            .into_iter()
            .filter_map(|(trigger, place)| Some((trigger.to_owned(), word(place?).to_owned())))
            .collect()
    }
}

/// Reads a decision written as `CODE[:subject]=choice`, or `CODE[:subject]=text=...` for a text of one's own.
///
/// # Errors
/// A usage error when it has another form or the code does not exist.
pub fn parse_decision(text: &str) -> Result<Decision> {
    let Some((key, choice)) = text.split_once('=') else {
        return Err(refusal::usage(format!(
            "the decision is `{text}`; must be `CODE[:subject]=choice`"
        ))
        .with_hint("the plan lists the codes, subjects and choices: whimbrel plan SOURCE TARGET"));
    };
    let code = key.split(':').next().unwrap_or_default();
    if !CODES.iter().any(|known| known.code == code) {
        return Err(unknown_code(code));
    }
    Ok(decision(key, choice, "person"))
}

fn decision(key: &str, choice: &str, by: &str) -> Decision {
    let (code, subject) = key.split_once(':').unwrap_or((key, ""));
    let (choice, text) = match choice.split_once('=') {
        Some((name, text)) => (name, Some(text.to_owned())),
        None => (choice, None),
    };
    Decision {
        code: code.trim().to_owned(),
        subject: subject.trim().to_owned(),
        choice: choice.trim().to_owned(),
        text,
        by: by.to_owned(),
    }
}

fn unknown_code(code: &str) -> Error {
    let known: Vec<&str> = CODES.iter().map(|known| known.code).collect();
    refusal::usage(format!("there is no finding code `{code}`"))
        .with_hint(format!("the codes are {}", known.join(", ")))
}

/// What is wrong with a text that is not read as settings.
fn unread(text: &str, name: &str, error: &toml::de::Error) -> Error {
    if let Some(wrong) = sections::first_wrong(text) {
        let refused = refusal::usage(format!("{}: {}", place(text, wrong.at, name), wrong.what));
        return refused.with_hint(wrong.hint.unwrap_or_else(|| MEND.to_owned()));
    }
    let at = error.span().map_or(0, |span| span.start);
    let place = place(text, at, name);
    if is_unquoted(text, at) {
        return refusal::usage(format!("{place}: the value is a text without quotes")).with_hint(UNQUOTED);
    }
    let message = error.message().lines().next().unwrap_or_default();
    let hint = meant(message).map_or_else(|| MEND.to_owned(), |key| format!("did you mean `{key}`?"));
    refusal::usage(format!("{place}: {}", in_words(message))).with_hint(hint)
}

/// What an unknown name was probably meant to be: the message has it first, and then those that are known, each in grave accents.
fn meant(message: &str) -> Option<&str> {
    let listed = message.strip_prefix("unknown ")?;
    let mut names = listed.split('`').skip(1).step_by(2);
    nearest(names.next()?, names)
}

/// Tells whether a word stands at the place where a value should: behind the last `=` before it.
fn is_unquoted(text: &str, at: usize) -> bool {
    let start = text
        .get(..at)
        .and_then(|before| before.rfind('\n'))
        .map_or(0, |line| line + 1);
    let line = text
        .get(start..)
        .unwrap_or_default()
        .lines()
        .next()
        .unwrap_or_default();
    let column = line.get(..at.saturating_sub(start)).unwrap_or(line);
    let behind = match column.rfind('=') {
        Some(equals) => line.get(equals + 1..),
        None => line.split_once('=').map(|(_, behind)| behind),
    };
    let value = behind.unwrap_or_default().trim_start();
    let end = value.find([',', '}', ']', '#']).unwrap_or(value.len());
    let word = value.get(..end).unwrap_or_default().trim_end();
    word.starts_with(|first: char| first.is_alphabetic())
        && !matches!(word, "true" | "false" | "inf" | "nan")
        && !word.contains(['"', '\''])
}

/// Returns the file, the line and the key of a place in the text.
fn place(text: &str, at: usize, name: &str) -> String {
    let before = text.get(..at).unwrap_or(text);
    let number = before.matches('\n').count() + 1;
    let line = text.lines().nth(number - 1).unwrap_or_default();
    let key = match line.split_once('=') {
        Some((key, _)) => key.trim(),
        None => line.trim(),
    };
    let is_key = !key.is_empty() && !key.contains("//");
    let key = if is_key {
        format!(", `{key}`")
    } else {
        String::new()
    };
    format!("{name}:{number}{key}")
}

/// Returns the parser's message without values, and without the names of our own types.
fn in_words(message: &str) -> String {
    match message.starts_with("data did not match any variant") {
        true => "the value has the wrong type".to_owned(),
        false => without_values(message),
    }
}

/// Blanks what stands in double quotes: a wrong value is quoted in the parser's message.
fn without_values(message: &str) -> String {
    let parts = message.split('"').enumerate();
    parts
        .map(|(at, part)| if at % 2 == 0 { part } else { "\"...\"" })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = r#"
[database.prod-db]
url = "postgres://app:${PASSWORD}@db/shop"
environment = "production"
[tables]
include = ["public.*"]
exclude = ["audit_*"]
[policies]
on_reject = "file"
chunk_size = "4MiB"
verify = false
[decisions]
"type_lossy:orders.price" = "numeric"
no_key = "accept"
"expression_untranslated:v" = "text=SELECT 1"
[rollback]
foreign_key_violation = "start"
[limits]
jobs = 3
memory = "128MiB"
retries = 2
"#;

    #[test]
    fn an_unknown_key_is_told_with_the_one_that_was_meant() {
        for (text, hint) in [
            ("[policies]\nverfy = false", "did you mean `verify`?"),
            (
                "[[table]]\nfrom = \"t\"\nrenam = { a = \"b\" }",
                "did you mean `rename`?",
            ),
            ("[policies]\non_reject = \"fil\"", "did you mean `file`?"),
            ("[policies]\nnothing_like_it = 1", MEND),
            ("[policies]\nverify = \"unknown `verify`, `verfy`\"", MEND),
        ] {
            let error = Settings::parse(text, DEFAULT_FILE).unwrap_err();
            assert_eq!(error.hint(), Some(hint), "{text}: {error}");
        }
    }

    #[test]
    fn every_setting_is_read() {
        let settings = Settings::parse(FULL, DEFAULT_FILE).unwrap();
        let policies = settings.policies();
        assert_eq!(
            (policies.on_reject, policies.chunk_bytes, policies.verify),
            (OnReject::File, 4 << 20, false)
        );
        assert_eq!(policies.rollback["foreign_key_violation"], "start");
        assert_eq!(settings.limits.memory, Some(ByteSize(128 << 20)));
        let decisions = settings.decisions();
        let text = decisions
            .iter()
            .find(|each| each.code == "expression_untranslated")
            .unwrap();
        assert_eq!(
            (text.choice.as_str(), text.text.as_deref(), text.by.as_str()),
            ("text", Some("SELECT 1"), "settings")
        );
        assert!(
            decisions
                .iter()
                .any(|each| each.code == "no_key" && each.subject.is_empty())
        );
    }

    #[test]
    fn a_mistake_is_named_by_line_and_key() {
        for (text, place) in [
            ("[policies]\non_rejct = 1\n", "whimbrel.toml:2, `on_rejct`"),
            (
                "[policies]\non_reject = \"skip\"\n",
                "whimbrel.toml:2, `on_reject`",
            ),
            ("[limits]\n\nmemory = \"lots\"\n", "whimbrel.toml:3, `memory`"),
            (
                "[rollback]\nuser_interrupt = \"end\"\n",
                "whimbrel.toml:2, `user_interrupt`",
            ),
            ("[decisions]\nnokey = \"x\"\n", "whimbrel.toml:2, `nokey`"),
            ("[tables\n", "whimbrel.toml:1"),
            (
                "[[table]]\nfrom = \"a\"\ndefault = { name = n/a }\n",
                "whimbrel.toml:3, `default`: the value is a text without quotes",
            ),
            (
                "[policies]\non_reject = stop\n",
                "whimbrel.toml:2, `on_reject`: the value is a text without quotes",
            ),
            ("[[tables]]\n", "whimbrel.toml:1, `[[tables]]`: "),
            (
                "[[table]]\nfrom = 3\n",
                "whimbrel.toml:2, `from`: the value has the wrong type",
            ),
            (
                "\n[[validation]]\nname = \"a\"\nsource = \"select 1\"\n",
                "whimbrel.toml:2, `[[validation]]`: the validation `a` must have",
            ),
            (
                "[[validation]]\nname = \"a\"\nquery = \"x\"\n[[validation]]\nname = \"a\"\nquery = \"y\"\n",
                "whimbrel.toml:4, `[[validation]]`: two validations are called `a`",
            ),
        ] {
            let error = Settings::parse(text, DEFAULT_FILE).unwrap_err();
            assert_eq!(error.code(), refusal::USAGE);
            assert!(error.to_string().starts_with(place), "{error} for {text}");
        }
    }

    #[test]
    fn a_mistake_never_repeats_a_value() {
        for text in [
            "database.prod = \"postgres://app:canary@db/shop\"\n",
            "[database]\nprod = \"postgres://app:canary@db/shop\"\n",
            "[database.prod]\nurl = \"postgres://app:canary@db/shop\nx = 1\n",
            "[database.prod]\nurl = [\"postgres://app:canary@db/shop\"]\n",
            "[database.prod]\nurl = postgres://app:canary@db/shop\n",
            "[databases.prod]\nurl = \"postgres://app:canary@db/shop\"\n",
        ] {
            let error = Settings::parse(text, DEFAULT_FILE).unwrap_err();
            assert!(!format!("{error:?} {error}").contains("canary"), "{error:?}");
        }
    }

    #[test]
    fn a_rule_knows_the_lines_of_its_keys() {
        let text = "[[source]]\nname = \"a\"\nurl = \"b\"\n\n[[table]]\nfrom = \"t\"\n\n[[table]] # again\nfrom = [\"t\",\n  \"u\"]\n\
                    rename = { a = \"b\" }\n[table.compute]\nx = \"1\"\n\n[namespaces]\npublic = \"app\"\n";
        let settings = Settings::parse(text, "dir/own.toml").unwrap();
        let mapping = settings.mapping().unwrap();
        let place = |rule: usize, keys: &[&str]| mapping.tables[rule].written.place(keys).unwrap();
        assert_eq!(place(0, &[]), "dir/own.toml:5");
        assert_eq!(place(0, &["from", "t"]), "dir/own.toml:6");
        assert_eq!(place(1, &[]), "dir/own.toml:8");
        assert_eq!(place(1, &["from", "u"]), "dir/own.toml:10");
        assert_eq!(place(1, &["rename", "a"]), "dir/own.toml:11");
        assert_eq!(place(1, &["compute", "x"]), "dir/own.toml:13");
        assert_eq!(
            mapping.sources[0].written.place(&["name"]).unwrap(),
            "dir/own.toml:2"
        );
        assert_eq!(
            mapping.written.place(&["namespaces", "public"]).unwrap(),
            "dir/own.toml:16"
        );
        // Where a rule stands is no part of what it says.
        let moved = Settings::parse(&format!("\n\n{text}"), DEFAULT_FILE).unwrap();
        assert_eq!(moved.mapping().unwrap(), mapping);
    }

    #[test]
    fn a_decision_is_read_from_an_argument() {
        let decision = parse_decision("type_lossy:public.orders.price=numeric").unwrap();
        assert_eq!(decision.subject, "public.orders.price");
        let own = parse_decision("expression_untranslated:v=text=a = b").unwrap();
        assert_eq!(own.text.as_deref(), Some("a = b"));
        for wrong in ["no_key", "nothing:a=b"] {
            assert_eq!(
                parse_decision(wrong).unwrap_err().code(),
                refusal::USAGE,
                "{wrong}"
            );
        }
    }
}

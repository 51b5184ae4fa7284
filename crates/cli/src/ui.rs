//! The only place that prints. Standard output is data (text, or one JSON document), standard error is for people.

use std::borrow::Cow;
use std::io::{ErrorKind, IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use console::Style;
use serde::Serialize;
use serde_json::json;
use whimbrel_app::Face;
use whimbrel_core::{Error, Problem, Secret};

/// Colours for standard error and standard output.
#[derive(Debug, Clone)]
struct Styles {
    error: Style,
    warning: Style,
    hint: Style,
}

/// The terminal, or the pipes, in front of the program.
#[derive(Debug)]
pub(crate) struct Ui {
    json: bool,
    quiet: bool,
    interactive: bool,
    styles: Styles,
    warned: Mutex<Vec<String>>,
    /// True when standard output took what was printed, or was closed by a reader who had seen enough.
    heard: AtomicBool,
    /// True once the one document is out; an error after it is for people only.
    documented: AtomicBool,
}

impl Ui {
    /// Looks at what is in front.
    pub(crate) fn new(json: bool, quiet: bool) -> Self {
        let styles = Styles {
            error: Style::new().for_stderr().red().bold(),
            warning: Style::new().for_stderr().yellow().bold(),
            hint: Style::new().for_stderr().cyan().bold(),
        };
        Self {
            json,
            quiet,
            interactive: std::io::stdin().is_terminal() && std::io::stderr().is_terminal(),
            styles,
            warned: Mutex::default(),
            heard: AtomicBool::new(true),
            documented: AtomicBool::new(false),
        }
    }

    /// Tells whether a person can be asked.
    pub(crate) fn is_interactive(&self) -> bool {
        self.interactive && !self.json
    }

    /// Tells whether progress is shown as bars.
    pub(crate) fn shows_bars(&self) -> bool {
        !self.quiet && std::io::stderr().is_terminal()
    }

    /// Prints what the command was asked for: the document with `--json`, else the text.
    pub(crate) fn result(&self, document: &impl Serialize, text: impl FnOnce() -> String) {
        if self.json {
            let json = serde_json::to_string_pretty(document)
                .unwrap_or_else(|error| json!({ "error": error.to_string() }).to_string());
            self.documented.store(true, Ordering::Relaxed);
            self.print(&json);
        } else {
            self.print(&harmless(text().trim_end_matches('\n')));
        }
    }

    /// Tells whether everything that was printed as data arrived.
    pub(crate) fn is_heard(&self) -> bool {
        self.heard.load(Ordering::Relaxed)
    }

    /// A closed pipe is the reader's way to say that it has seen enough; a full disk is not.
    fn print(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        match writeln!(out, "{text}").and_then(|()| out.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                self.heard.store(false, Ordering::Relaxed);
                self.warning(&format!("standard output cannot be written: {error}"));
            }
            Ok(()) | Err(_) => {}
        }
    }

    /// Says something to the person.
    pub(crate) fn say(&self, text: impl AsRef<str>) {
        if !self.quiet {
            say(&harmless(text.as_ref()));
        }
    }

    /// Shows a warning.
    pub(crate) fn warning(&self, message: &str) {
        say(&format!(
            "{} {}",
            self.styles.warning.apply_to("warning:"),
            harmless(message)
        ));
    }

    /// Shows a failure that is no error of the program, such as a difference; `--quiet` does not hide it.
    pub(crate) fn finding(&self, text: &str) {
        say(&harmless(text));
    }

    /// Shows an error with its causes and its hint; with `--json` also as the document, unless there is one already.
    pub(crate) fn error(&self, error: &Error) {
        say(&format!(
            "{} {}",
            self.styles.error.apply_to("error:"),
            harmless(&error.chain())
        ));
        if let Some(hint) = error.hint() {
            self.hint(hint);
        }
        if self.json && !self.documented.load(Ordering::Relaxed) {
            let code = if error.code().is_empty() {
                json!(error.class())
            } else {
                json!(error.code())
            };
            let document = json!({
                "status": "error",
                "error": { "code": code, "message": error.chain(), "hint": error.hint() },
            });
            self.result(&document, String::new);
        }
    }

    /// Shows why a run ended early, and what to do.
    pub(crate) fn problem(&self, problem: &Problem, next: &str) {
        say(&format!(
            "{} {}",
            self.styles.error.apply_to("error:"),
            harmless(&problem.message)
        ));
        match &problem.hint {
            Some(hint) => self.hint(hint),
            None => self.hint(&format!("go on with: {next}")),
        }
    }

    /// Shows what can be done next.
    pub(crate) fn hint(&self, hint: &str) {
        say(&format!(
            "{} {}",
            self.styles.hint.apply_to("hint:"),
            harmless(hint)
        ));
    }
}

impl Face for Ui {
    fn ask_password(&self, database: &str) -> Option<Secret> {
        if !self.is_interactive() {
            return None;
        }
        let question = dialoguer::Password::new().with_prompt(format!("password for {database}"));
        question.interact().ok().map(Secret::new)
    }

    fn warn(&self, code: &str, message: &str) {
        let mut warned = self
            .warned
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if !warned.iter().any(|said| said == message) {
            self.warning(&format!("{message} [{code}]"));
            warned.push(message.to_owned());
        }
    }
}

/// Returns the text with nothing in it that a terminal would act on but ends of lines and tabs: names of tables and columns come from
/// databases, where they may hold anything.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    let acts = |c: char| {
        c.is_control() && c != '\n' && c != '\t'
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if acts(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

fn say(text: &str) {
    let _closed = writeln!(std::io::stderr().lock(), "{text}");
}

//! The conversation, on a terminal that `script` makes.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::desk::Desk;

/// After this long, words that did not come will not come.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that talks to a terminal.
struct Conversation {
    script: Child,
    heard: Arc<Mutex<String>>,
    from: usize,
}

impl Conversation {
    /// Starts the program on a terminal; none, said aloud, where no terminal can be made.
    #[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
    fn begin(desk: &Desk, arguments: &str) -> Option<Self> {
        let line = format!("{} {arguments}", env!("CARGO_BIN_EXE_whimbrel"));
        let script = Command::new("script")
            .args(["-qec", &line, "/dev/null"])
            .current_dir(desk.folder())
            .env("TERM", "xterm")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let Ok(mut script) = script else {
            eprintln!("SKIPPED: there is no `script` to make a terminal with");
            return None;
        };
        let mut pipe = script.stdout.take().expect("standard output is piped");
        let heard = Arc::new(Mutex::new(String::new()));
        let shared = Arc::clone(&heard);
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = pipe.read(&mut piece) {
                let text = String::from_utf8_lossy(&piece[..length]).into_owned();
                shared.lock().expect("nobody panics with it").push_str(&text);
            }
        });
        Some(Self {
            script,
            heard,
            from: 0,
        })
    }

    /// Waits for words, then types keys.
    fn answer(&mut self, words: &str, keys: &str) {
        let end = Instant::now() + PATIENCE;
        loop {
            let heard = self.heard.lock().expect("nobody panics with it").clone();
            if let Some(at) = heard[self.from..].find(words) {
                self.from += at + words.len();
                break;
            }
            assert!(Instant::now() < end, "{words:?} was not said in:\n{heard}");
            std::thread::sleep(Duration::from_millis(10));
        }
        let stdin = self.script.stdin.as_mut().expect("standard input is piped");
        stdin.write_all(keys.as_bytes()).expect("the terminal listens");
    }

    /// Waits for the end and returns the exit code and everything that was said.
    fn end(mut self) -> (Option<i32>, String) {
        let code = self.script.wait().expect("the program ends").code();
        (code, self.heard.lock().expect("nobody panics with it").clone())
    }
}

/// A conversation that a failed test leaves behind would keep its terminal for ever.
impl Drop for Conversation {
    fn drop(&mut self) {
        let _ended = self.script.kill();
    }
}

#[test]
fn the_wizard_shows_what_is_there_asks_and_runs() {
    let desk = Desk::set_up();
    let source = desk.source.url();
    let Some(mut wizard) = Conversation::begin(&desk, &format!("migrate {source} sqlite:new.db")) else {
        return;
    };
    wizard.answer("what now?", "\r");
    let (code, said) = wizard.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("2 tables, about 5 rows"), "{said}");
    assert!(said.contains("every row and column identical"), "{said}");
}

#[test]
fn leaving_the_wizard_changes_nothing_and_tells_how_to_go_on() {
    let desk = Desk::set_up();
    let source = desk.source.url();
    let Some(mut wizard) = Conversation::begin(&desk, &format!("migrate {source} sqlite:new.db")) else {
        return;
    };
    wizard.answer("what now?", "\u{1b}[B\u{1b}[B\r");
    let (code, said) = wizard.end();
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("nothing was changed"), "{said}");
    assert!(!desk.target().exists());
}

#[test]
fn the_wizard_walks_through_decisions_and_has_the_target_named() {
    let desk = Desk::set_up();
    desk.in_target("create table book (own text); insert into book values ('mine')");
    let source = desk.source.url();
    let line = format!("migrate {source} sqlite:new.db --decide target_table_exists=replace");
    let Some(mut wizard) = Conversation::begin(&desk, &line) else {
        return;
    };
    wizard.answer("what now?", "\r");
    wizard.answer("type new.db", "old.db\r");
    let (code, said) = wizard.end();
    assert_eq!(code, Some(4), "{said}");
}

#[test]
fn what_was_decided_is_kept_when_somebody_leaves_and_comes_back() {
    let desk = Desk::set_up();
    desk.in_target("create table book (own text); create table author (own text)");
    let line = format!("migrate {} sqlite:new.db", desk.source.url());
    let Some(mut wizard) = Conversation::begin(&desk, &line) else {
        return;
    };
    wizard.answer("target_table_exists:author (2 left)", "\r");
    wizard.answer("target_table_exists:book (1 left)", "\u{1b}[A\r");
    let (code, said) = wizard.end();
    assert_eq!(code, Some(4), "{said}");
    let again = Conversation::begin(&desk, &line);
    let mut wizard = again.expect("there was a terminal before");
    wizard.answer("1 decision made", "");
    wizard.answer("target_table_exists:book (1 left)", "\r");
    wizard.answer("what now?", "\u{1b}[A\r");
    let (code, said) = wizard.end();
    assert_eq!(code, Some(4), "{said}");
}

#[test]
fn the_wizard_goes_back_to_the_decision_before() {
    let desk = Desk::set_up();
    desk.in_target("create table book (own text); create table author (own text)");
    let line = format!("migrate {} sqlite:new.db", desk.source.url());
    let Some(mut wizard) = Conversation::begin(&desk, &line) else {
        return;
    };
    wizard.answer("target_table_exists:author (2 left)", "\r");
    // The last but one line of the menu.
    wizard.answer("target_table_exists:book (1 left)", "\u{1b}[A\u{1b}[A\r");
    wizard.answer("target_table_exists:author (revised)", "\u{1b}[B\r");
    wizard.answer("target_table_exists:book (1 left)", "\r");
    let (code, said) = wizard.end();
    assert_eq!(code, Some(1), "`stop` was chosen: {said}");
    assert!(said.contains("target_table_exists"), "{said}");
}

#[test]
fn a_question_that_an_answer_raised_can_be_answered() {
    let desk = Desk::set_up();
    desk.in_target(
        "create table author (own integer primary key); create view mine as select own from author;
         create table fan (id integer primary key, of_author integer references author (own))",
    );
    let line = format!("migrate {} sqlite:new.db", desk.source.url());
    let Some(mut wizard) = Conversation::begin(&desk, &line) else {
        return;
    };
    wizard.answer("target_table_exists:author (1 left)", "\r");
    wizard.answer("target_dependents:fan (2 left)", "\r");
    wizard.answer("target_dependents:mine (1 left)", "\r");
    wizard.answer("what now?", "\r");
    wizard.answer("type new.db", "new.db\r");
    let (code, said) = wizard.end();
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn ctrl_c_at_a_question_leaves_everything_as_it_was() {
    let desk = Desk::set_up();
    let source = desk.source.url();
    let Some(mut wizard) = Conversation::begin(&desk, &format!("migrate {source} sqlite:new.db")) else {
        return;
    };
    wizard.answer("run it", "\u{3}");
    let (code, said) = wizard.end();
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("nothing was changed"), "{said}");
    assert!(said.contains("\u{1b}[?25h"), "the cursor is back: {said:?}");
    assert!(!desk.target().exists());
}

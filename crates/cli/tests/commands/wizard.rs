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

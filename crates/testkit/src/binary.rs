//! Runs the program under test the way a person or a script does, and kills it the way fate does.
//! Which program it is, the caller says: `env!("CARGO_BIN_EXE_whimbrel")` is known only to the tests of its package.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// After this long a program hangs, and is killed.
pub const TIMEOUT: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(5);

/// What a program left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The exit code; `None` when a signal ended the program.
    pub code: Option<i32>,
    /// All of standard output.
    pub stdout: String,
    /// All of standard error.
    pub stderr: String,
}

impl Output {
    /// Returns this output when the exit code is `code`, and panics with everything that was said otherwise.
    pub fn expect_code(self, code: i32) -> Self {
        let Self { stdout, stderr, .. } = &self;
        assert_eq!(
            self.code,
            Some(code),
            "exit code\n-- stdout\n{stdout}\n-- stderr\n{stderr}"
        );
        self
    }
}

/// A call of the program under test that is yet to be made.
#[derive(Debug)]
pub struct Whimbrel {
    command: Command,
    stdin: Vec<u8>,
    timeout: Duration,
}

impl Whimbrel {
    /// Prepares a call of the program at `exe` in the folder `dir`, without the caller's own database settings.
    pub fn new(exe: impl Into<PathBuf>, dir: impl Into<PathBuf>) -> Self {
        let mut command = Command::new(exe.into());
        command.current_dir(dir.into());
        for (name, _) in std::env::vars_os() {
            if name
                .to_str()
                .is_some_and(|name| name.starts_with("PG") || name.starts_with("WHIMBREL"))
            {
                command.env_remove(&name);
            }
        }
        Self {
            command,
            stdin: Vec::new(),
            timeout: TIMEOUT,
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<I: IntoIterator<Item = A>, A: Into<OsString>>(mut self, arguments: I) -> Self {
        self.command.args(arguments.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.command.env(name, value.into());
        self
    }

    /// Gives the program something to read; without it, standard input is at its end.
    #[must_use]
    pub fn stdin(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.stdin = text.into();
        self
    }

    /// Replaces the time after which the program is killed and the test fails.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Runs the program to its end.
    #[must_use]
    pub fn run(self) -> Output {
        self.spawn().wait()
    }

    /// Starts the program and returns while it runs.
    #[must_use]
    pub fn spawn(mut self) -> Running {
        self.command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let program = self.command.get_program().to_owned();
        let mut child = self
            .command
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", program.display()));
        let mut stdin = child.stdin.take().expect("standard input is piped");
        let text = self.stdin;
        let feeder = std::thread::spawn(move || {
            // A program that ends without reading everything is not at fault.
            stdin.write_all(&text).ok();
        });
        let stdout = Listener::start(child.stdout.take().expect("standard output is piped"));
        let stderr = Listener::start(child.stderr.take().expect("standard error is piped"));
        Running {
            child,
            feeder: Some(feeder),
            stdout,
            stderr,
            deadline: Instant::now() + self.timeout,
        }
    }
}

/// A program under test that runs; it is killed when this value is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    feeder: Option<JoinHandle<()>>,
    stdout: Listener,
    stderr: Listener,
    deadline: Instant,
}

impl Running {
    /// Returns the process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends the program with SIGKILL, which it cannot notice, and waits until it is gone.
    pub fn kill_9(mut self) -> Output {
        self.child
            .kill()
            .unwrap_or_else(|error| panic!("cannot kill the program: {error}"));
        self.wait()
    }

    /// Sends SIGINT, as Ctrl-C does.
    pub fn interrupt(&self) {
        self.signal("INT");
    }

    /// Sends the signal of that name, such as `STOP` and `CONT`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.id().to_string())
            .status();
        assert!(
            sent.is_ok_and(|status| status.success()),
            "cannot send {name} to process {}",
            self.id()
        );
    }

    /// Waits until standard error holds `text`; panics when the program ends or hangs without having said it.
    pub fn wait_for_stderr(&mut self, text: &str) {
        self.wait_for(|program| program.stderr.text().contains(text), text);
    }

    /// Waits until standard output holds `text`; panics when the program ends or hangs without having said it.
    pub fn wait_for_stdout(&mut self, text: &str) {
        self.wait_for(|program| program.stdout.text().contains(text), text);
    }

    /// Waits until `happened` is true, for an event that only the test can see, such as a row in a database.
    pub fn wait_until(&mut self, what: &str, mut happened: impl FnMut() -> bool) {
        self.wait_for(|_| happened(), what);
    }

    /// Waits for the end of the program, which has to come before the timeout.
    #[must_use]
    pub fn wait(mut self) -> Output {
        let status = self.wait_for_exit();
        self.feeder.take().map(JoinHandle::join);
        Output {
            code: status.code(),
            stdout: self.stdout.finish(),
            stderr: self.stderr.finish(),
        }
    }

    fn wait_for_exit(&mut self) -> ExitStatus {
        loop {
            if let Some(status) = self.exit_status() {
                return status;
            }
            self.fail_when_late("the end of the program");
            std::thread::sleep(POLL);
        }
    }

    fn wait_for(&mut self, mut happened: impl FnMut(&Self) -> bool, what: &str) {
        loop {
            let ended = self.exit_status();
            if happened(self) {
                return;
            }
            if let Some(status) = ended {
                // The last words may still be in the pipe.
                self.stdout.join();
                self.stderr.join();
                assert!(
                    happened(self),
                    "the program ended ({status}) before {what:?}\n{}",
                    self.said()
                );
                return;
            }
            self.fail_when_late(what);
            std::thread::sleep(POLL);
        }
    }

    fn exit_status(&mut self) -> Option<ExitStatus> {
        self.child
            .try_wait()
            .unwrap_or_else(|error| panic!("cannot ask for the program's state: {error}"))
    }

    fn fail_when_late(&mut self, what: &str) {
        if Instant::now() >= self.deadline {
            self.child.kill().ok();
            panic!("killed after waiting too long for {what:?}\n{}", self.said());
        }
    }

    fn said(&self) -> String {
        format!(
            "-- stdout\n{}\n-- stderr\n{}",
            self.stdout.text(),
            self.stderr.text()
        )
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only for a program that is gone already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Collects what a pipe says, so that the program never blocks on a full one.
#[derive(Debug)]
struct Listener {
    heard: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Listener {
    fn start(mut pipe: impl Read + Send + 'static) -> Self {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&heard);
        let reader = std::thread::spawn(move || {
            let mut piece = [0; 8192];
            while let Ok(length @ 1..) = pipe.read(&mut piece) {
                shared
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .extend_from_slice(&piece[..length]);
            }
        });
        Self {
            heard,
            reader: Some(reader),
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.heard.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    fn join(&mut self) {
        self.reader.take().map(JoinHandle::join);
    }

    fn finish(&mut self) -> String {
        self.join();
        self.text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Whimbrel {
        Whimbrel::new("/bin/sh", std::env::temp_dir()).args(["-c", script])
    }

    #[test]
    fn code_and_both_outputs_are_told_apart() {
        let output = shell("cat; echo err >&2; exit 4").stdin("in").run();
        let expected = Output {
            code: Some(4),
            stdout: "in".to_owned(),
            stderr: "err\n".to_owned(),
        };
        assert_eq!(output.expect_code(4), expected);
    }

    #[test]
    fn settings_of_the_caller_do_not_reach_the_program() {
        let output = shell("env | grep -c '^PG\\|^WHIMBREL'").run();
        assert_eq!(output.stdout, "0\n");
        assert_eq!(shell("echo $PGUSER").env("PGUSER", "me").run().stdout, "me\n");
    }

    #[test]
    fn a_killed_program_has_no_code() {
        let mut running = shell("echo ready; exec sleep 100").spawn();
        running.wait_for_stdout("ready");
        let output = running.kill_9();
        assert_eq!((output.code, output.stdout.as_str()), (None, "ready\n"));
    }

    // Not INT: a shell cannot trap it when the tests were started in the background of a script.
    #[test]
    fn a_signal_can_be_handled() {
        let mut running = shell("trap 'exit 130' TERM; echo ready >&2; while :; do sleep 0.01; done").spawn();
        running.wait_for_stderr("ready");
        running.signal("TERM");
        assert_eq!(running.wait().code, Some(130));
    }

    #[test]
    #[should_panic(expected = "killed after waiting too long")]
    fn a_program_that_hangs_is_killed() {
        let _output = shell("exec sleep 100").timeout(Duration::from_millis(50)).run();
    }

    #[test]
    #[should_panic(expected = "the program ended")]
    fn words_that_never_come_fail_the_test() {
        shell("echo other").spawn().wait_for_stdout("ready");
    }
}

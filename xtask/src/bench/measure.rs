//! Runs one tool and measures it: wall time, its own and the servers' CPU, the memory of its processes.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::process::{self, Clock};

/// How often the memory is looked at.
const PAUSE: Duration = Duration::from_millis(20);
/// How much of a failed tool's output is shown.
const TAIL_LINES: usize = 6;
const TAIL_BYTES: u64 = 4000;

/// Runs the script `$1` with its output in `$2`, tells how it ended, and stays, so that what its descendants took can be read.
const KEEPER: &str = r#"sh -c "$1" > "$2" 2>&1 < /dev/null
echo "$?"
read -r _ || true
"#;

/// What a shell is given to run.
#[derive(Debug, Clone, Default)]
pub(super) struct Script {
    pub(super) text: String,
    pub(super) variables: Vec<(String, String)>,
}

impl Script {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            variables: Vec::new(),
        }
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }
}

/// What a run took.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Measured {
    pub(super) wall_seconds: f64,
    pub(super) tool_cpu_seconds: f64,
    pub(super) server_cpu_seconds: f64,
    pub(super) peak_bytes: u64,
}

impl Measured {
    /// Returns both, one after the other.
    pub(super) fn then(self, next: Self) -> Self {
        Self {
            wall_seconds: self.wall_seconds + next.wall_seconds,
            tool_cpu_seconds: self.tool_cpu_seconds + next.tool_cpu_seconds,
            server_cpu_seconds: self.server_cpu_seconds + next.server_cpu_seconds,
            peak_bytes: self.peak_bytes.max(next.peak_bytes),
        }
    }
}

/// Where and how a tool is run.
#[derive(Debug)]
pub(super) struct Stopwatch {
    pub(super) clock: Clock,
    /// The servers' first processes.
    pub(super) servers: Vec<u32>,
    /// After which a tool is given up.
    pub(super) patience: Duration,
}

impl Stopwatch {
    /// Runs the script to its end; any exit code not among the good ones is a failure that carries the last lines.
    pub(super) fn run(&self, script: &Script, folder: &Path, good: &[i32]) -> Result<Measured, String> {
        let log = folder.join("output");
        let servers_before = self.clock.of_trees(&self.servers);
        let begun = Instant::now();
        let mut keeper = start(script, folder, &log).map_err(|error| format!("cannot start it: {error}"))?;
        let ended = self.watch(&mut keeper, begun);
        let mut measured = Measured {
            wall_seconds: begun.elapsed().as_secs_f64(),
            tool_cpu_seconds: self.clock.of_ended_children(keeper.id()),
            server_cpu_seconds: self.clock.of_trees(&self.servers) - servers_before,
            peak_bytes: 0,
        };
        drop(keeper.stdin.take());
        keeper.wait().map_err(|error| error.to_string())?;
        let (code, peak_bytes) = ended.map_err(|why| format!("{why}\n{}", tail(&log)))?;
        measured.peak_bytes = peak_bytes;
        if good.contains(&code) {
            return Ok(measured);
        }
        Err(format!("it ended with code {code}\n{}", tail(&log)))
    }

    /// Looks at the memory until the keeper tells the exit code.
    fn watch(&self, keeper: &mut Child, begun: Instant) -> Result<(i32, u64), String> {
        let output = keeper.stdout.take().ok_or("its output is closed")?;
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            let mut line = String::new();
            BufReader::new(output).read_line(&mut line).ok();
            tell.send(line).ok();
        });
        let mut peak = 0;
        loop {
            match told.recv_timeout(PAUSE) {
                Ok(line) => {
                    let code = line.trim().parse().map_err(|_| "it was killed".to_owned())?;
                    return Ok((code, peak));
                }
                Err(RecvTimeoutError::Disconnected) => return Err("it was killed".to_owned()),
                Err(RecvTimeoutError::Timeout) => {
                    let memory = process::memory_below(keeper.id());
                    peak = peak.max(memory.now).max(memory.greatest);
                }
            }
            if begun.elapsed() > self.patience {
                stop(keeper.id());
                return Err(format!("it took over {} s", self.patience.as_secs()));
            }
        }
    }
}

fn start(script: &Script, folder: &Path, log: &Path) -> std::io::Result<Child> {
    let mut command = Command::new("sh");
    command.args(["-c", KEEPER, "sh", &script.text]).arg(log);
    command
        .envs(script.variables.iter().map(|(name, value)| (name, value)))
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command.spawn()
}

/// Ends the descendants of a process that we started.
fn stop(root: u32) {
    let ids = process::tree(root).into_iter().skip(1).map(|id| id.to_string());
    Command::new("kill").arg("-9").args(ids).status().ok();
}

/// Returns the last lines of a file.
fn tail(log: &Path) -> String {
    let mut bytes = Vec::new();
    let read = fs::File::open(log).and_then(|mut file| {
        let length = file.metadata()?.len();
        std::io::Seek::seek(
            &mut file,
            std::io::SeekFrom::Start(length.saturating_sub(TAIL_BYTES)),
        )?;
        file.read_to_end(&mut bytes)
    });
    if read.is_err() {
        return String::new();
    }
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines.len().saturating_sub(TAIL_LINES);
    lines[last..].join("\n")
}

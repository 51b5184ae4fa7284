//! `events.ndjson`: the audit log. One appender; each line carries the hash of the line before it, and the head hash stands in the
//! checkpoint, so that a changed, missing or reordered line is found.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use whimbrel_core::{Clock, Error, Event, MigrationId, Result, SystemClock, fault};

use super::{MigrationDir, io, lines, sha256};

const NAME: &str = "events.ndjson";

/// The audit log, open for appending.
pub struct EventLog {
    migration: MigrationId,
    path: PathBuf,
    clock: Arc<dyn Clock>,
    end: Mutex<End>,
}

struct End {
    file: File,
    seq: u64,
    head: String,
    /// How many events have an id that begins so.
    ids: BTreeMap<String, u64>,
    is_synced: bool,
}

impl std::fmt::Debug for EventLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventLog")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl EventLog {
    pub(super) fn open(dir: &MigrationDir) -> Result<Self> {
        let path = dir.path().join(NAME);
        let lines = lines::read(&path)?;
        let mut ids = BTreeMap::new();
        for event in lines.complete.iter().filter_map(|line| event(line)) {
            *ids.entry(first_id(&event.kind, event.timestamp)).or_default() += 1;
        }
        let end = End {
            file: lines::open(&path, &lines)?,
            seq: lines.complete.len() as u64,
            head: lines.complete.last().map(|line| sha256(line)).unwrap_or_default(),
            ids,
            is_synced: true,
        };
        Ok(Self {
            migration: dir.id().clone(),
            path,
            clock: Arc::new(SystemClock),
            end: Mutex::new(end),
        })
    }

    /// Takes the time from this clock instead of the machine's.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Appends an event and syncs it to disk.
    ///
    /// # Errors
    /// As the file system says; then the log is as it was.
    pub fn append(&self, kind: &str, payload: impl Serialize) -> Result<()> {
        let mut end = self.end();
        self.write(&mut end, kind, payload, lines::append)?;
        end.is_synced = true;
        Ok(())
    }

    /// Appends an event that is lasting only after the next one that is synced, or after [`EventLog::sync`].
    pub(crate) fn append_unsynced(&self, kind: &str, payload: impl Serialize) -> Result<()> {
        let mut end = self.end();
        self.write(&mut end, kind, payload, lines::append_unsynced)?;
        end.is_synced = false;
        Ok(())
    }

    /// Makes every event lasting.
    pub(crate) fn sync(&self) -> Result<()> {
        let mut end = self.end();
        if !end.is_synced {
            end.file
                .sync_data()
                .map_err(|error| io("write", &self.path, error))?;
            end.is_synced = true;
        }
        Ok(())
    }

    fn end(&self) -> MutexGuard<'_, End> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(
        &self,
        end: &mut End,
        kind: &str,
        payload: impl Serialize,
        append: fn(&mut File, &Path, &[Vec<u8>]) -> Result<()>,
    ) -> Result<()> {
        let timestamp = self.clock.now().timestamp();
        let first = first_id(kind, timestamp);
        let event_id = match end.ids.get(&first) {
            None => first.clone(),
            Some(taken) => format!("{first}_{}", taken + 1),
        };
        let event = Event {
            event_id,
            kind: kind.to_owned(),
            agent: "whimbrel".to_owned(),
            timestamp,
            payload,
            migration_id: self.migration.clone(),
            seq: end.seq + 1,
            prev_hash: if end.seq == 0 {
                sha256(b"")
            } else {
                end.head.clone()
            },
        };
        let line = serde_json::to_vec(&event)
            .map_err(|error| Error::bug("cannot write an event").with_cause(error))?;
        fault::point("event.append.before")?;
        let head = sha256(&line);
        append(&mut end.file, &self.path, &[line])?;
        end.seq += 1;
        end.head = head;
        *end.ids.entry(first).or_default() += 1;
        fault::point("event.append.after")
    }

    /// Returns the number of lines and the hash of the last one.
    pub fn head(&self) -> (u64, String) {
        let end = self.end();
        (end.seq, end.head.clone())
    }
}

/// `evt_<timestamp>_<topic>`; the topic is the kind's first word. The second event of an id gets `_2`.
fn first_id(kind: &str, timestamp: i64) -> String {
    let topic = kind.split('_').next().unwrap_or(kind).to_lowercase();
    format!("evt_{timestamp}_{topic}")
}

fn event(line: &[u8]) -> Option<Event> {
    serde_json::from_slice(line).ok()
}

/// What is wrong with a line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogProblem {
    /// Number of the line in the file, from 1.
    pub line: u64,
    /// What was done to it, such as `line 3 was changed`.
    pub what: String,
}

/// What a check of the audit log found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogCheck {
    /// Number of complete lines.
    pub lines: u64,
    /// Hash of the last line.
    pub head: String,
    /// True when the last line is torn, which a crash leaves and which is no problem.
    pub torn: bool,
    /// What is wrong; empty when the log is as it was written.
    pub problems: Vec<LogProblem>,
}

/// Checks the chain of the audit log and compares it with the checkpoint.
///
/// # Errors
/// As the file system says. A log that was tampered with is no error but a finding.
pub fn check_log(dir: &MigrationDir) -> Result<LogCheck> {
    let lines = lines::read(&dir.path().join(NAME))?;
    let hashes: Vec<String> = lines.complete.iter().map(|line| sha256(line)).collect();
    let events: Vec<Option<Event>> = lines.complete.iter().map(|line| event(line)).collect();
    let mut problems = sequence_problems(&events);
    if problems.is_empty() {
        problems = chain_problems(&events, &hashes);
    }
    if problems.is_empty()
        && let Ok(Some(checkpoint)) = dir.checkpoint()
    {
        problems.extend(head_problem(checkpoint.events, &checkpoint.events_head, &hashes));
    }
    Ok(LogCheck {
        lines: hashes.len() as u64,
        head: hashes.last().cloned().unwrap_or_default(),
        torn: lines.torn,
        problems,
    })
}

fn problem(line: usize, what: impl Into<String>) -> LogProblem {
    LogProblem {
        line: line as u64,
        what: what.into(),
    }
}

/// Lines that are no events, that are missing, doubled or out of order, by their numbers.
fn sequence_problems(events: &[Option<Event>]) -> Vec<LogProblem> {
    let mut problems = Vec::new();
    let mut places: BTreeMap<u64, usize> = BTreeMap::new();
    let mut highest = 0;
    for (at, event) in events.iter().enumerate() {
        let line = at + 1;
        let Some(event) = event else {
            problems.push(problem(line, format!("line {line} was changed: it is no event")));
            highest += 1;
            continue;
        };
        if let Some(first) = places.insert(event.seq, line) {
            problems.push(problem(line, format!("line {line} repeats line {first}")));
        } else if event.seq < highest {
            problems.push(problem(
                line,
                format!(
                    "line {line} was reordered: it is number {}, after number {highest}",
                    event.seq
                ),
            ));
        }
        highest = highest.max(event.seq);
    }
    // An unreadable line has a number that nothing else can name.
    let unreadable = events.iter().filter(|event| event.is_none()).count();
    let absent: Vec<u64> = (1..=highest).filter(|seq| !places.contains_key(seq)).collect();
    for seq in absent.iter().skip(unreadable) {
        let line = places.range(seq..).next().map_or(events.len(), |(_, line)| *line);
        problems.push(problem(
            line,
            format!("number {seq} is missing before line {line}"),
        ));
    }
    problems
}

/// Lines whose hash is not the one that the next line carries.
fn chain_problems(events: &[Option<Event>], hashes: &[String]) -> Vec<LogProblem> {
    let mut problems = Vec::new();
    let empty = sha256(b"");
    for (at, event) in events.iter().enumerate() {
        let before = if at == 0 { &empty } else { &hashes[at - 1] };
        if event.as_ref().is_some_and(|event| &event.prev_hash != before) {
            let line = at.max(1);
            problems.push(problem(
                line,
                format!("line {line} was changed: its hash is not the one that the next line carries"),
            ));
        }
    }
    problems
}

/// What the checkpoint says about the log's end.
fn head_problem(events: u64, head: &str, hashes: &[String]) -> Option<LogProblem> {
    let at = usize::try_from(events).ok()?;
    if at == 0 {
        return None;
    }
    let Some(hash) = hashes.get(at - 1) else {
        let first = hashes.len() + 1;
        return Some(problem(
            first,
            format!("lines {first} to {at} are missing: the checkpoint knows of {at} lines"),
        ));
    };
    (hash != head).then(|| {
        problem(
            at,
            format!("line {at} was changed: its hash is not the one in the checkpoint"),
        )
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use std::collections::BTreeSet;

    use super::*;

    fn log(lines: usize) -> (tempfile::TempDir, MigrationDir) {
        let base = tempfile::tempdir().unwrap();
        let dir = MigrationDir::create(base.path(), &MigrationId("mig_2026_001".to_owned())).unwrap();
        let events = dir.events().unwrap();
        for number in 0..lines {
            events
                .append("TABLE_COMPLETE", json!({ "rows": number }))
                .unwrap();
        }
        (base, dir)
    }

    fn edit(dir: &MigrationDir, edit: impl Fn(&mut Vec<String>)) -> LogCheck {
        let path = dir.path().join(NAME);
        let mut lines: Vec<String> = fs::read_to_string(&path)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect();
        edit(&mut lines);
        fs::write(&path, lines.join("\n") + "\n").unwrap();
        check_log(dir).unwrap()
    }

    #[test]
    fn an_untouched_log_has_no_problems() {
        let (_base, dir) = log(5);
        let check = check_log(&dir).unwrap();
        assert_eq!((check.lines, check.problems), (5, vec![]));
    }

    #[test]
    fn ids_are_unique_also_across_processes() {
        let (_base, dir) = log(3);
        dir.events().unwrap().append("TABLE_COMPLETE", json!({})).unwrap();
        let lines = lines::read(&dir.path().join(NAME)).unwrap();
        let ids: BTreeSet<String> = lines
            .complete
            .iter()
            .map(|line| event(line).unwrap().event_id)
            .collect();
        assert_eq!(ids.len(), 4);
    }

    #[test]
    fn lines_that_are_synced_later_are_in_the_chain_all_the_same() {
        let (_base, dir) = log(2);
        let events = dir.events().unwrap();
        for number in 0..3 {
            events
                .append_unsynced("TABLE_COMPLETE", json!({ "rows": number }))
                .unwrap();
        }
        events.sync().unwrap();
        events.append("CHECKPOINT", json!({})).unwrap();
        let check = check_log(&dir).unwrap();
        assert_eq!((check.lines, &check.head), (6, &events.head().1));
        assert_eq!(check.problems, vec![]);
        let changed = edit(&dir, |lines| {
            lines[3] = lines[3].replace("\"rows\":1", "\"rows\":9");
        });
        assert_eq!(changed.problems[0].line, 4);
    }

    #[test]
    fn a_changed_line_is_named() {
        let (_base, dir) = log(5);
        let check = edit(&dir, |lines| {
            lines[2] = lines[2].replace("\"rows\":2", "\"rows\":9");
        });
        assert_eq!(check.problems.len(), 1);
        assert_eq!(check.problems[0].line, 3);
        assert!(check.problems[0].what.contains("was changed"));
    }

    #[test]
    fn a_missing_line_is_named() {
        let (_base, dir) = log(5);
        let check = edit(&dir, |lines| drop(lines.remove(1)));
        assert_eq!(check.problems[0].what, "number 2 is missing before line 2");
    }

    #[test]
    fn reordered_lines_are_named() {
        let (_base, dir) = log(5);
        let check = edit(&dir, |lines| lines.swap(1, 3));
        assert!(
            check
                .problems
                .iter()
                .any(|problem| problem.what.contains("reordered")),
            "{:?}",
            check.problems
        );
    }

    #[test]
    fn a_line_that_is_no_event_is_named() {
        let (_base, dir) = log(4);
        let check = edit(&dir, |lines| lines[1] = "nonsense".to_owned());
        assert_eq!(check.problems.len(), 1);
        assert_eq!(check.problems[0].line, 2);
    }

    #[test]
    fn a_torn_last_line_is_tolerated_and_cut_off() {
        let (_base, dir) = log(2);
        let path = dir.path().join(NAME);
        let mut torn = fs::read(&path).unwrap();
        torn.extend_from_slice(b"{\"event_id\":\"evt_1");
        fs::write(&path, torn).unwrap();
        let check = check_log(&dir).unwrap();
        assert!(check.torn && check.problems.is_empty());
        dir.events().unwrap().append("CHECKPOINT", json!({})).unwrap();
        let check = check_log(&dir).unwrap();
        assert_eq!((check.lines, check.torn, check.problems), (3, false, vec![]));
    }
}

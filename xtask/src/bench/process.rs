//! Looks at processes through `/proc`: who descends from whom, what CPU they took, what memory they hold.

use std::fs;
use std::process::Command;

/// The processor time of processes, in seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    ticks_per_second: f64,
}

impl Clock {
    pub(super) fn new() -> Self {
        let asked = Command::new("getconf").arg("CLK_TCK").output().ok();
        let ticks = asked.and_then(|output| String::from_utf8_lossy(&output.stdout).trim().parse().ok());
        Self {
            ticks_per_second: ticks.unwrap_or(100.0),
        }
    }

    /// Returns what the processes, their living descendants and those that they have waited for took.
    pub(super) fn of_trees(self, roots: &[u32]) -> f64 {
        let own = roots
            .iter()
            .flat_map(|root| tree(*root))
            .map(|process| times(process, &["utime", "stime", "cutime", "cstime"]));
        own.sum::<f64>() / self.ticks_per_second
    }

    /// Returns what the descendants took that the process has waited for.
    pub(super) fn of_ended_children(self, process: u32) -> f64 {
        times(process, &["cutime", "cstime"]) / self.ticks_per_second
    }
}

fn times(process: u32, wanted: &[&str]) -> f64 {
    let Ok(text) = fs::read_to_string(format!("/proc/{process}/stat")) else {
        return 0.0;
    };
    wanted.iter().map(|name| field(&text, name)).sum()
}

/// Reads one of the four times. The program's name comes in parentheses and may hold anything.
fn field(stat: &str, name: &str) -> f64 {
    let after_state = match name {
        "utime" => 11,
        "stime" => 12,
        "cutime" => 13,
        _ => 14,
    };
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let text = rest.split_whitespace().nth(after_state);
    text.and_then(|text| text.parse().ok()).unwrap_or(0.0)
}

/// Returns the process and all its living descendants.
pub(super) fn tree(root: u32) -> Vec<u32> {
    let mut found = vec![root];
    let mut at = 0;
    while let Some(process) = found.get(at) {
        let threads = fs::read_dir(format!("/proc/{process}/task"));
        for thread in threads.into_iter().flatten().flatten() {
            let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            found.extend(
                children
                    .split_whitespace()
                    .filter_map(|id| id.parse::<u32>().ok()),
            );
        }
        at += 1;
    }
    found
}

/// What processes hold in memory, in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Memory {
    /// All together, now.
    pub(super) now: u64,
    /// The most that one of them ever held.
    pub(super) greatest: u64,
}

/// Returns what the descendants of the process hold, without itself.
pub(super) fn memory_below(root: u32) -> Memory {
    let mut memory = Memory::default();
    for process in tree(root).into_iter().skip(1) {
        let Ok(status) = fs::read_to_string(format!("/proc/{process}/status")) else {
            continue;
        };
        memory.now += kibibytes(&status, "VmRSS:") * 1024;
        memory.greatest = memory.greatest.max(kibibytes(&status, "VmHWM:") * 1024);
    }
    memory
}

fn kibibytes(status: &str, name: &str) -> u64 {
    status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_a_name_with_parentheses() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194304 100 200 0 0 11 12 13 14 20 0 1 0 5 6 7";
        assert_eq!(
            ["utime", "stime", "cutime", "cstime"].map(|name| field(stat, name)),
            [11.0, 12.0, 13.0, 14.0]
        );
    }

    #[test]
    fn memory_is_read_in_kibibytes() {
        let status = "Name:\tx\nVmHWM:\t  2048 kB\nVmRSS:\t   512 kB\n";
        assert_eq!(kibibytes(status, "VmHWM:"), 2048);
        assert_eq!(kibibytes(status, "VmSwap:"), 0);
    }
}

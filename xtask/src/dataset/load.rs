//! Feeds the engines' own clients: starts them, streams rows into them, and lets several tables be filled at once.

use std::io::{self, BufWriter, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::thread;

use super::encode::{Encoder, Format};
use super::rows::Rows;
use super::schema::{Name, Recipe};
use super::tables::TABLES;
use crate::cargo::Failure;

/// How many tables are worked on at once.
const WORKERS: usize = 2;
/// What is gathered before it is given to a client.
const PIECE_BYTES: usize = 256 * 1024;

/// Runs a client to its end and returns what it printed.
pub(super) fn output(mut command: Command, script: &str) -> Result<String, Failure> {
    let mut child = start(&mut command, Stdio::piped())?;
    let wrote = match child.stdin.take() {
        Some(mut input) => input.write_all(script.as_bytes()),
        None => Ok(()),
    };
    let output = child
        .wait_with_output()
        .map_err(|error| failed(&command, &error))?;
    if !output.status.success() {
        return Err(Failure::new(format!("`{}` failed", name(&command))));
    }
    wrote.map_err(|error| failed(&command, &error))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Streams what `feed` writes into a client and waits for its end.
pub(super) fn stream(
    mut command: Command,
    feed: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Failure> {
    let mut child = start(&mut command, Stdio::null())?;
    let wrote = match child.stdin.take() {
        Some(input) => {
            let mut input = BufWriter::with_capacity(PIECE_BYTES, input);
            feed(&mut input).and_then(|()| input.flush())
        }
        None => Ok(()),
    };
    // A client that failed has said why; that its pipe broke says nothing more.
    let status = child.wait().map_err(|error| failed(&command, &error))?;
    if !status.success() {
        return Err(Failure::new(format!("`{}` failed", name(&command))));
    }
    wrote.map_err(|error| failed(&command, &error))
}

/// Writes all rows of a table in the format.
pub(super) fn rows(recipe: &Recipe, table: Name, format: Format, out: &mut dyn Write) -> io::Result<()> {
    let mut rows = Rows::new(recipe, table);
    let mut encoder = Encoder::new(format);
    for index in 0..recipe.count(table) {
        encoder.begin_row();
        rows.make(index, &mut encoder);
        encoder.end_row();
        if encoder.out.len() >= PIECE_BYTES {
            out.write_all(&encoder.out)?;
            encoder.out.clear();
        }
    }
    out.write_all(&encoder.out)
}

/// Does the work for every table, the biggest first, some at once; stops at the first failure.
pub(super) fn each_table(
    recipe: &Recipe,
    work: impl Fn(Name) -> Result<(), Failure> + Sync,
) -> Result<(), Failure> {
    let mut waiting = Name::ALL.to_vec();
    waiting.sort_by_key(|name| recipe.count(*name) * TABLES[*name as usize].weight());
    let waiting = Mutex::new(waiting);
    let next = || waiting.lock().ok().and_then(|mut waiting| waiting.pop());
    let worker = || {
        while let Some(name) = next() {
            if let Err(failure) = work(name) {
                if let Ok(mut waiting) = waiting.lock() {
                    waiting.clear();
                }
                return Err(failure);
            }
        }
        Ok(())
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..WORKERS).map(|_| scope.spawn(worker)).collect();
        threads.into_iter().try_for_each(|thread| {
            thread
                .join()
                .unwrap_or_else(|_| Err(Failure::new("a worker panicked")))
        })
    })
}

fn start(command: &mut Command, output: Stdio) -> Result<Child, Failure> {
    command
        .stdin(Stdio::piped())
        .stdout(output)
        .spawn()
        .map_err(|error| failed(command, &error))
}

fn failed(command: &Command, error: &io::Error) -> Failure {
    Failure::new(format!(
        "cannot run `{0}`: {error}\nhint: install the package that has `{0}`",
        name(command)
    ))
}

fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

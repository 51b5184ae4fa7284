//! The commands as scripts and people use them: what they print, what they write, and the exit codes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod confirming;
mod desk;
mod detect;
mod flow;
mod formats;
mod layouts;
mod neighbours;
mod quality;
mod requirements;
mod settings;
mod timeouts;
mod usage;
mod validation;
mod wizard;

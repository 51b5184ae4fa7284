//! The commands as scripts and people use them: what they print, what they write, and the exit codes.

mod confirming;
mod desk;
mod flow;
mod formats;
mod usage;
mod wizard;

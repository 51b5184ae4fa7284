//! Expressions over the rows of a table: one dialect of SQL for every engine, checked against the columns when it is
//! compiled, evaluated on whole batches.
#![allow(dead_code)]
mod kernel;
mod node;

//! placeholder

pub mod demo;
pub mod report;

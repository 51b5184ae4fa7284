//! Types both ways.

//! Says what could hinder reading or writing.

//! Encodes Arrow columns as rows of LOAD DATA and as parameters.

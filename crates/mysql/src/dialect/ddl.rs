//! Statements for changes of structure, each with its undo.

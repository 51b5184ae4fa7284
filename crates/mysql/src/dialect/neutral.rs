//! Parses the engine's expressions into the neutral form.

//! Spells neutral expressions for the engine.

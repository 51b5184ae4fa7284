//! What a plan, a verification and a run look like to people and to scripts.

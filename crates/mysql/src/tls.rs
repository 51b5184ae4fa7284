//! TLS as the engine's own ssl-mode words ask for it.

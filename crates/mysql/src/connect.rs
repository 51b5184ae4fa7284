//! Opens sessions: the login, the pinned settings, and what the server says it is.

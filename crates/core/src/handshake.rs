//! How the servers of an engine are known by the first bytes of a conversation. Listening is the caller's.

/// What a server and a client of an engine say first.
#[derive(Debug, Clone, Copy)]
pub struct Handshake {
    /// The port at which a server listens unless told otherwise.
    pub port: u16,
    /// The client's first bytes, which ask for nothing that leaves a trace; empty where the server speaks first.
    pub opening: &'static [u8],
    /// Returns the scheme of the URL for the server that says this first, or answers the opening with it; none when that is no server which
    /// this engine's connector could talk to.
    pub recognize: fn(&[u8]) -> Option<&'static str>,
}

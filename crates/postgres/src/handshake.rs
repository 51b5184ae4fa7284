//! How a PostgreSQL server is known by the first byte that it says.

use whimbrel_core::Handshake;

/// A client asks for TLS first (`SSLRequest`); the answer is one letter, which says whether the server speaks it.
pub(crate) const HANDSHAKE: Handshake = Handshake {
    port: 5432,
    opening: &[0, 0, 0, 8, 4, 210, 22, 47],
    recognize: |answer| matches!(answer, b"S" | b"N").then_some("postgres"),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_letter_is_an_answer_and_a_greeting_that_begins_with_it_is_none() {
        for (said, scheme) in [
            (&b"S"[..], Some("postgres")),
            (b"N", Some("postgres")),
            (b"", None),
            (b"N\0\0\0\n8.4.0\0", None),
            (b"SSH-2.0-OpenSSH_9.6", None),
        ] {
            assert_eq!((HANDSHAKE.recognize)(said), scheme, "{said:?}");
        }
    }
}

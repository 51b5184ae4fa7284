//! What a server answers, as far as it is not rows: done, refused, or the end of a result.

use mysql_async::{DriverError, Error, ServerError};

/// The first byte of an answer: it is done, it is refused, or a result ends.
pub(super) const DONE: u8 = 0x00;
pub(super) const REFUSED: u8 = 0xFF;
pub(super) const END: u8 = 0xFE;

/// A longer packet that begins like an end is a row.
const END_BYTES_MAX: usize = 8;

/// Tells whether the packet ends a list of columns or rows.
#[inline]
pub(super) fn is_end(packet: &[u8]) -> bool {
    packet.first() == Some(&END) && packet.len() <= END_BYTES_MAX
}

/// Reads a refusal. Before a login the server does not say its state.
pub(super) fn refused(packet: &[u8]) -> ServerError {
    let (code, rest) = packet
        .get(1..)
        .and_then(<[u8]>::split_first_chunk::<2>)
        .map_or((0, &[][..]), |(code, rest)| (u16::from_le_bytes(*code), rest));
    let (state, message) = match rest {
        [b'#', a, b, c, d, e, message @ ..] => (vec![*a, *b, *c, *d, *e], message),
        message => (b"HY000".to_vec(), message),
    };
    ServerError {
        code,
        message: String::from_utf8_lossy(message).into_owned(),
        state: String::from_utf8_lossy(&state).into_owned(),
    }
}

/// Makes the error that the server said what nobody expects of it.
pub(super) fn unexpected(packet: &[u8]) -> Error {
    let payload = packet[..packet.len().min(64)].to_vec();
    DriverError::UnexpectedPacket { payload }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_read_with_and_without_its_state() {
        let said = refused(b"\xff\x15\x04#28000Access denied");
        assert_eq!(
            (said.code, said.state.as_str(), said.message.as_str()),
            (1045, "28000", "Access denied")
        );
        let early = refused(b"\xff\x10\x04Too many connections");
        assert_eq!((early.code, early.state.as_str()), (1040, "HY000"));
        assert_eq!(early.message, "Too many connections");
    }
}

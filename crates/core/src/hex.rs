//! Bytes as hex digits, and a UUID among them.

/// Returns the bytes as hex digits in lower case, two for each.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    bytes.iter().for_each(|byte| push(*byte, &mut text));
    text
}

/// Returns the canonical text of a UUID's sixteen bytes (RFC 9562, section 4).
pub fn format_uuid(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len() + 4);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        push(*byte, &mut text);
    }
    text
}

fn push(byte: u8, text: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for four in [byte >> 4, byte & 15] {
        text.push(char::from(DIGITS[usize::from(four)]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_two_digits() {
        assert_eq!(hex(b"\x00\x0f\xa0\xffA"), "000fa0ff41");
        assert_eq!(hex(b""), "");
        let text = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
        let bytes = *b"\x6b\xa7\xb8\x10\x9d\xad\x11\xd1\x80\xb4\x00\xc0\x4f\xd4\x30\xc8";
        assert_eq!(format_uuid(&bytes), text);
    }
}

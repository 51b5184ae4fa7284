//! Bytes as hex digits, and a UUID among them.

/// Returns the bytes as hex digits in lower case, two for each.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |four: u8| char::from_digit(four.into(), 16).unwrap_or_default();
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

/// Returns the canonical text of a UUID's sixteen bytes (RFC 9562, section 4).
pub fn format_uuid(bytes: &[u8]) -> String {
    let mut text = hex(bytes);
    for at in [20, 16, 12, 8] {
        text.insert(at.min(text.len()), '-');
    }
    text
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

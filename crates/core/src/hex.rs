//! Bytes as hex digits and back, and a UUID among them.

/// Returns the bytes as hex digits in lower case, two for each.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    push_hex(bytes, &mut text);
    text
}

/// Appends the bytes as hex digits in lower case.
pub fn push_hex(bytes: &[u8], text: &mut String) {
    bytes.iter().for_each(|byte| push(*byte, text));
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

/// Returns the bytes that hex digits of either case stand for, two for each; none for anything else.
pub fn unhex(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits
        .chunks_exact(2)
        .map(|pair| Some(four(pair[0])? << 4 | four(pair[1])?))
        .collect()
}

/// Reads the canonical text of a UUID, in letters of either case.
pub fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let dashes = text.bytes().enumerate().filter(|(_, byte)| *byte == b'-');
    let is_canonical = text.len() == 36 && dashes.map(|(at, _)| at).eq([8, 13, 18, 23]);
    is_canonical.then(|| uuid_of_digits(text)).flatten()
}

/// Reads 32 hex digits as a UUID, wherever hyphens stand between them.
pub fn uuid_of_digits(text: &str) -> Option<[u8; 16]> {
    let mut digits = text.bytes().filter(|byte| *byte != b'-');
    let mut value = [0; 16];
    for byte in &mut value {
        *byte = four(digits.next()?)? << 4 | four(digits.next()?)?;
    }
    digits.next().is_none().then_some(value)
}

fn four(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
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

    #[test]
    fn only_pairs_of_digits_are_bytes() {
        assert_eq!(unhex("000fA0ff41").as_deref(), Some(&b"\x00\x0f\xa0\xffA"[..]));
        assert_eq!(unhex("").as_deref(), Some(&b""[..]));
        for text in ["0", "+1", "0x", "zz", "00 0", "\u{e4}"] {
            assert_eq!(unhex(text), None, "{text}");
        }
    }

    #[test]
    fn a_uuid_has_its_dashes_in_place_and_digits_alone_have_them_anywhere() {
        let text = "00112233-4455-6677-8899-aabbccddeeff";
        let bytes = parse_uuid(text).unwrap();
        assert_eq!(format_uuid(&bytes), text);
        assert_eq!(parse_uuid(&text.to_uppercase()), Some(bytes));
        for odd in [
            "0011223344556677-8899-aabb-ccddeeff",
            "00112233445566778899aabbccddeeff",
            "001122-334455-6677-8899-aabbccddeeff",
        ] {
            assert_eq!(parse_uuid(odd), None, "{odd}");
            assert_eq!(uuid_of_digits(odd), Some(bytes), "{odd}");
        }
        for none in [
            "00112233-4455-6677-8899-aabbccddeefg",
            "00112233-4455-6677-8899-aabbccddeef",
            "00112233-4455-6677-8899-aabbccddeeff0",
            "00112233-4455-6677-8899-aabbccddee+1",
            "",
        ] {
            assert_eq!(parse_uuid(none), None, "{none}");
            assert_eq!(uuid_of_digits(none), None, "{none}");
        }
    }
}

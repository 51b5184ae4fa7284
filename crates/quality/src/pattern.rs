//! Patterns: what kind of thing a text is. A text has one pattern, the first that fits.

/// What kind of thing a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pattern {
    Empty,
    Blank,
    Uuid,
    IsoDate,
    IsoTimestamp,
    Time,
    Integer,
    Decimal,
    Email,
    Url,
    Ip,
    Phone,
    Truth,
    Json,
    Code,
    Word,
    Text,
    LongText,
}

impl Pattern {
    pub(crate) const ALL: [Self; 18] = [
        Self::Empty,
        Self::Blank,
        Self::Uuid,
        Self::IsoDate,
        Self::IsoTimestamp,
        Self::Time,
        Self::Integer,
        Self::Decimal,
        Self::Email,
        Self::Url,
        Self::Ip,
        Self::Phone,
        Self::Truth,
        Self::Json,
        Self::Code,
        Self::Word,
        Self::Text,
        Self::LongText,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Blank => "blank",
            Self::Uuid => "uuid",
            Self::IsoDate => "iso_date",
            Self::IsoTimestamp => "iso_timestamp",
            Self::Time => "time",
            Self::Integer => "integer",
            Self::Decimal => "decimal",
            Self::Email => "email",
            Self::Url => "url",
            Self::Ip => "ip",
            Self::Phone => "phone",
            Self::Truth => "truth",
            Self::Json => "json",
            Self::Code => "code",
            Self::Word => "word",
            Self::Text => "text",
            Self::LongText => "long_text",
        }
    }
}

/// Longer texts are not looked into.
pub(crate) const LOOKED_INTO_BYTES: usize = 320;

/// Tells the pattern of a text.
pub(crate) fn pattern(text: &str) -> Pattern {
    let bytes = text.as_bytes();
    let Some(first) = bytes.first() else {
        return Pattern::Empty;
    };
    if bytes.len() > LOOKED_INTO_BYTES {
        return match first {
            b'{' | b'[' if is_json(bytes) => Pattern::Json,
            _ => Pattern::LongText,
        };
    }
    let found = match first {
        b'0'..=b'9' | b'+' | b'-' | b'.' | b'(' => of_digits(bytes),
        b'{' | b'[' if is_json(bytes) => Some(Pattern::Json),
        _ if first.is_ascii_whitespace() && text.trim().is_empty() => Some(Pattern::Blank),
        _ => None,
    };
    found.unwrap_or_else(|| of_letters(text, bytes))
}

/// What begins as a number does.
fn of_digits(bytes: &[u8]) -> Option<Pattern> {
    let mut digits = 0;
    let mut others = 0;
    for byte in bytes {
        match byte {
            b'0'..=b'9' => digits += 1,
            _ => others += 1,
        }
    }
    if digits == 0 {
        return None;
    }
    if others == 0 {
        return Some(Pattern::Integer);
    }
    if is_date(bytes) {
        return Some(match bytes.get(10) {
            None => Pattern::IsoDate,
            Some(b'T' | b' ') if is_time(bytes.get(11..).unwrap_or_default()) => Pattern::IsoTimestamp,
            Some(_) => return None,
        });
    }
    if let Some(number) = number(bytes) {
        return Some(number);
    }
    if is_time(bytes) {
        return Some(Pattern::Time);
    }
    if is_ip(bytes) {
        return Some(Pattern::Ip);
    }
    is_phone(bytes, digits).then_some(Pattern::Phone)
}

fn of_letters(text: &str, bytes: &[u8]) -> Pattern {
    if bytes.len() == 36 && is_uuid(bytes) {
        return Pattern::Uuid;
    }
    if let Some(at) = bytes.iter().position(|byte| *byte == b'@')
        && is_email(bytes, at)
    {
        return Pattern::Email;
    }
    if let Some(scheme) = text.find("://")
        && scheme > 1
        && bytes.len() > scheme + 3
        && bytes[..scheme].iter().all(u8::is_ascii_alphanumeric)
        && !bytes.iter().any(u8::is_ascii_whitespace)
    {
        return Pattern::Url;
    }
    let is = |word: &&str| text.eq_ignore_ascii_case(word);
    if bytes.len() <= 5 && ["true", "false", "yes", "no", "y", "n", "t", "f"].iter().any(is) {
        return Pattern::Truth;
    }
    let (mut lower, mut digits, mut upper) = (false, false, false);
    for byte in bytes {
        match byte {
            b'a'..=b'z' | 0x80.. => lower = true,
            b'A'..=b'Z' => upper = true,
            b'0'..=b'9' => digits = true,
            b'-' | b'_' | b'.' | b'/' | b'#' | b':' => {}
            _ => return Pattern::Text,
        }
    }
    match (digits, upper, lower) {
        (true, _, _) | (false, true, false) => Pattern::Code,
        (false, _, true) => Pattern::Word,
        (false, false, false) => Pattern::Text,
    }
}

fn is_date(bytes: &[u8]) -> bool {
    let shape = bytes.get(..10).is_some_and(|date| {
        date.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
    });
    let two = |at: usize| (bytes[at] - b'0') * 10 + (bytes[at + 1] - b'0');
    shape && (1..=12).contains(&two(5)) && (1..=31).contains(&two(8))
}

/// `HH:MM[:SS[.ffffff]]` with an offset or without.
fn is_time(bytes: &[u8]) -> bool {
    let Some([h1, h2, b':', m1, m2, rest @ ..]) = bytes.get(..) else {
        return false;
    };
    let digits = [h1, h2, m1, m2].iter().all(|byte| byte.is_ascii_digit());
    let known = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b':' | b'.' | b'+' | b'-' | b'Z');
    let begins = rest
        .first()
        .is_none_or(|byte| matches!(byte, b':' | b'+' | b'-' | b'Z'));
    digits && (*h1, *h2) <= (b'2', b'9') && *m1 <= b'5' && begins && rest.iter().all(known)
}

fn number(bytes: &[u8]) -> Option<Pattern> {
    let digits = match bytes {
        [b'-' | b'+', digits @ ..] => digits,
        digits => digits,
    };
    let mut points = 0;
    for byte in digits {
        match byte {
            b'0'..=b'9' => {}
            b'.' => points += 1,
            _ => return None,
        }
    }
    match points {
        // A plus and many digits is how telephone numbers are written.
        0 if bytes.first() == Some(&b'+') && digits.len() >= 7 => None,
        0 => Some(Pattern::Integer),
        1 => Some(Pattern::Decimal),
        _ => None,
    }
}

fn is_ip(bytes: &[u8]) -> bool {
    let mut parts = 0;
    for part in bytes.split(|byte| *byte == b'.') {
        // Whatever is longer would not fit the number, either.
        if part.is_empty() || part.len() > 3 {
            return false;
        }
        let value = part.iter().try_fold(0_u16, |sum, byte| {
            byte.is_ascii_digit().then(|| sum * 10 + u16::from(byte - b'0'))
        });
        if value.is_none_or(|value| value > 255) {
            return false;
        }
        parts += 1;
    }
    parts == 4
}

/// Telephone numbers begin with a plus, a bracket or a zero, or have ten digits and more in three groups or more: order numbers do not.
fn is_phone(bytes: &[u8], digits: usize) -> bool {
    let known = |byte: &u8| {
        byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b' ' | b'(' | b')' | b'.' | b'/' | b'x')
    };
    let begins = matches!(bytes.first(), Some(b'+' | b'(' | b'0'));
    let groups = || bytes.iter().filter(|byte| !byte.is_ascii_digit()).count() > 1;
    (7..=15).contains(&digits) && bytes.iter().all(known) && (begins || (digits >= 10 && groups()))
}

fn is_uuid(bytes: &[u8]) -> bool {
    bytes.iter().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}

fn is_email(bytes: &[u8], at: usize) -> bool {
    let (name, host) = (&bytes[..at], &bytes[at + 1..]);
    let plain = |byte: &u8| !byte.is_ascii_whitespace() && !matches!(byte, b'@' | b'<' | b'>' | b',' | b';');
    let point = host.iter().rposition(|byte| *byte == b'.');
    !name.is_empty()
        && name.iter().all(plain)
        && host.iter().all(plain)
        && point.is_some_and(|point| point > 0 && host.len() > point + 2)
}

/// Only the brackets are looked at: whether every document is valid is the engine's to say.
fn is_json(bytes: &[u8]) -> bool {
    let last = bytes.iter().rposition(|byte| !byte.is_ascii_whitespace());
    match (bytes.first(), last.and_then(|at| bytes.get(at))) {
        (Some(b'{'), Some(b'}')) => true,
        (Some(b'['), Some(b']')) => {
            bytes.len() == 2
                || bytes
                    .iter()
                    .any(|byte| matches!(byte, b',' | b'"' | b'0'..=b'9' | b'{'))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]

        #[test]
        fn any_text_has_a_pattern(digits in "[-+0-9.:/ TZx()@a]{0,40}", any in any::<String>()) {
            for text in [&digits, &any] {
                let _pattern = pattern(text);
            }
        }
    }

    #[test]
    fn every_text_has_the_pattern_a_person_would_name() {
        for (text, want) in [
            ("", "empty"),
            (" \t ", "blank"),
            ("ann@example.com", "email"),
            ("1ann@example.co.uk", "email"),
            ("ann@example", "text"),
            ("ann @example.com", "text"),
            ("6f9619ff-8b86-d011-b42d-00cf4fc964ff", "uuid"),
            ("af9619ff-8b86-d011-b42d-00cf4fc964ff", "uuid"),
            ("2024-02-29", "iso_date"),
            ("2024-13-29", "code"),
            ("2024-02-29T12:30:00Z", "iso_timestamp"),
            ("2024-02-29 12:30:00.123+01:00", "iso_timestamp"),
            ("12:30", "time"),
            ("42", "integer"),
            ("-42", "integer"),
            ("3.14", "decimal"),
            ("65535999.5", "decimal"),
            ("1844674407370955161700000.25", "decimal"),
            ("https://example.com/a?b=c", "url"),
            ("http://", "word"),
            ("192.168.0.1", "ip"),
            ("999.168.0.1", "code"),
            ("+49 30 1234567", "phone"),
            ("+4915112345678", "phone"),
            ("(030) 1234-567", "phone"),
            ("Yes", "truth"),
            ("{\"a\": 1}", "json"),
            ("[1, 2]", "json"),
            ("AB-1234", "code"),
            ("EUR", "code"),
            ("Zürich", "word"),
            ("two words", "text"),
            ("---", "text"),
        ] {
            assert_eq!(pattern(text).name(), want, "{text}");
        }
        assert_eq!(pattern(&"a".repeat(400)).name(), "long_text");
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_odd(text in ".{0,60}") {
            let found = pattern(&text);
            proptest::prop_assert!(Pattern::ALL.contains(&found));
        }

        #[test]
        fn no_text_of_digits_and_marks_is_too_odd(text in "[0-9+()Tx:@./ -]{0,40}") {
            proptest::prop_assert!(Pattern::ALL.contains(&pattern(&text)));
        }
    }
}

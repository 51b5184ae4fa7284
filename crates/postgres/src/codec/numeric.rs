//! The binary form of `numeric`: digits both ways, exactly, without floats or anything in between, with scale, NaN and
//! infinities.

const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const POSITIVE_INFINITY: u16 = 0xD000;
const NEGATIVE_INFINITY: u16 = 0xF000;
const GROUP: usize = 4;

/// The server's limits.
const WHOLE_DIGITS_MAX: usize = 131_072;
const FRACTION_DIGITS_MAX: usize = 16_383;

/// Appends the digits of a binary numeric to `out`, all of its fraction digits included; false when it is malformed.
pub(crate) fn append_text(bytes: &[u8], out: &mut Vec<u8>) -> bool {
    let Some((head, digits)) = bytes.split_at_checked(8) else {
        return false;
    };
    let word = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
    let weight = i32::from(i16::from_be_bytes([head[2], head[3]]));
    match word(4) {
        NAN => out.extend_from_slice(b"NaN"),
        POSITIVE_INFINITY => out.extend_from_slice(b"Infinity"),
        NEGATIVE_INFINITY => out.extend_from_slice(b"-Infinity"),
        sign => {
            if digits.len() != 2 * usize::from(word(0)) {
                return false;
            }
            if sign == NEGATIVE {
                out.push(b'-');
            }
            append_digits(digits, weight, usize::from(word(6)), out);
        }
    }
    true
}

fn append_digits(digits: &[u8], weight: i32, scale: usize, out: &mut Vec<u8>) {
    let (digits, _) = digits.as_chunks::<2>();
    let mut groups = digits.iter().map(|pair| u16::from_be_bytes(*pair));
    if weight < 0 {
        out.push(b'0');
    }
    for at in 0..=weight {
        let digits = four(groups.next().unwrap_or(0));
        let skipped = match at {
            0 => digits
                .iter()
                .take(GROUP - 1)
                .take_while(|digit| **digit == b'0')
                .count(),
            _ => 0,
        };
        out.extend_from_slice(&digits[skipped..]);
    }
    if scale == 0 {
        return;
    }
    out.push(b'.');
    let end = out.len() + scale;
    // Groups between the point and the first one, and behind the last one, are zeros that are not sent.
    let before = usize::try_from(-1 - weight).unwrap_or(0).saturating_mul(GROUP);
    out.resize(out.len() + before.min(scale), b'0');
    while out.len() < end {
        match groups.next() {
            Some(group) => out.extend_from_slice(&four(group)),
            None => out.resize(end, b'0'),
        }
    }
    out.truncate(end);
}

/// The four digits of a group.
#[inline]
fn four(group: u16) -> [u8; GROUP] {
    let digit = |value: u16| b'0' + u8::try_from(value % 10).unwrap_or(0);
    [
        digit(group / 1000),
        digit(group / 100),
        digit(group / 10),
        digit(group),
    ]
}

/// Why digits cannot become a numeric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The text is no plain decimal.
    Malformed,
    /// It has digits beyond the declared scale that are not zero.
    Scale,
    /// It has more digits before the point than the declared precision leaves room for.
    Precision,
    /// An infinity cannot stand where precision is declared.
    Infinite,
}

/// Appends the binary form of plain decimal digits to `out`, checked against the declared precision and scale.
pub(crate) fn append_binary(
    text: &str,
    declared: Option<(u32, i32)>,
    out: &mut Vec<u8>,
) -> Result<(), Refused> {
    let special = match text {
        "NaN" => Some(NAN),
        "Infinity" => Some(POSITIVE_INFINITY),
        "-Infinity" => Some(NEGATIVE_INFINITY),
        _ => None,
    };
    if let Some(sign) = special {
        if declared.is_some() && sign != NAN {
            return Err(Refused::Infinite);
        }
        put(out, &[0, 0, sign, 0]);
        return Ok(());
    }
    if !whimbrel_core::is_decimal(text) {
        return Err(Refused::Malformed);
    }
    let digits = text.trim_start_matches(['-', '+']);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = whole.trim_start_matches('0');
    check(whole, fraction, declared)?;
    let scale = u16::try_from(fraction.len()).map_err(|_| Refused::Scale)?;
    let head = out.len();
    out.extend_from_slice(&[0; 8]);
    let weight = append_groups(whole.as_bytes(), fraction.as_bytes(), out);
    let count = (out.len() - head - 8) / 2;
    let zero = count == 0;
    let sign = if text.starts_with('-') && !zero {
        NEGATIVE
    } else {
        0
    };
    let Ok(count) = u16::try_from(count) else {
        out.truncate(head);
        return Err(Refused::Precision);
    };
    let weight = if zero { 0 } else { weight };
    for (at, word) in [
        count.to_be_bytes(),
        weight.to_be_bytes(),
        sign.to_be_bytes(),
        scale.to_be_bytes(),
    ]
    .iter()
    .enumerate()
    {
        out[head + 2 * at..head + 2 * at + 2].copy_from_slice(word);
    }
    Ok(())
}

fn check(whole: &str, fraction: &str, declared: Option<(u32, i32)>) -> Result<(), Refused> {
    let Some((precision, scale)) = declared else {
        if whole.len() > WHOLE_DIGITS_MAX {
            return Err(Refused::Precision);
        }
        return if fraction.len() > FRACTION_DIGITS_MAX {
            Err(Refused::Scale)
        } else {
            Ok(())
        };
    };
    let is_zero = |digits: &str| digits.bytes().all(|digit| digit == b'0');
    let fits_scale = match usize::try_from(scale) {
        Ok(scale) => fraction.get(scale..).is_none_or(is_zero),
        // A negative scale asks for that many zeros before the point.
        Err(_) => {
            let zeros = usize::try_from(scale.unsigned_abs()).unwrap_or(usize::MAX);
            let tail = whole.len().saturating_sub(zeros);
            is_zero(fraction) && is_zero(&whole[tail..])
        }
    };
    if !fits_scale || fraction.len() > FRACTION_DIGITS_MAX {
        return Err(Refused::Scale);
    }
    let room = i64::from(precision) - i64::from(scale);
    let whole_digits = i64::try_from(whole.len()).unwrap_or(i64::MAX);
    // With more scale than precision the first digits behind the point must be zeros.
    let leading = usize::try_from(-room).unwrap_or(0).min(fraction.len());
    if whole_digits > room.max(0) || !is_zero(&fraction[..leading]) {
        return Err(Refused::Precision);
    }
    Ok(())
}

/// Appends the groups of four decimal digits without zero groups at either end, and returns the weight of the first one.
fn append_groups(whole: &[u8], fraction: &[u8], out: &mut Vec<u8>) -> i16 {
    let begin = out.len();
    let lead = whole.len() % GROUP;
    let (first, others) = whole.split_at(lead);
    let groups_before = whole.len().div_ceil(GROUP);
    let mut skipped = 0;
    let mut push = |digits: &[u8]| {
        let value = digits
            .iter()
            .fold(0, |value, digit| value * 10 + u16::from(digit - b'0'));
        if out.len() == begin && value == 0 {
            skipped += 1;
            return;
        }
        out.extend_from_slice(&value.to_be_bytes());
    };
    if lead > 0 {
        push(first);
    }
    others.chunks(GROUP).for_each(&mut push);
    let (fours, rest) = fraction.as_chunks::<GROUP>();
    fours.iter().for_each(|digits| push(digits));
    if !rest.is_empty() {
        let mut digits = [b'0'; GROUP];
        digits[..rest.len()].copy_from_slice(rest);
        push(&digits);
    }
    while out.len() > begin && out.ends_with(&[0, 0]) {
        out.truncate(out.len() - 2);
    }
    let weight = i64::try_from(groups_before).unwrap_or(0) - 1 - skipped;
    i16::try_from(weight).unwrap_or(i16::MAX)
}

fn put(out: &mut Vec<u8>, words: &[u16]) {
    for word in words {
        out.extend_from_slice(&word.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn through(text: &str) -> String {
        let mut binary = Vec::new();
        append_binary(text, None, &mut binary).unwrap();
        let mut back = Vec::new();
        assert!(append_text(&binary, &mut back), "{text}");
        String::from_utf8(back).unwrap()
    }

    #[test]
    fn digits_come_back_with_their_scale() {
        for text in [
            "0",
            "0.00",
            "1",
            "-1",
            "10000",
            "1234567890123456789012345678901234567890",
            "0.0001",
            "0.00001",
            "0.000000001000",
            "-12.340",
            "1e0",
            "99999999.99999999",
            "NaN",
            "Infinity",
            "-Infinity",
            "100000000",
        ] {
            if text.contains('e') {
                assert_eq!(
                    append_binary(text, None, &mut Vec::new()),
                    Err(Refused::Malformed)
                );
            } else {
                assert_eq!(through(text), text);
            }
        }
    }

    #[test]
    fn a_declared_size_is_never_rounded_into() {
        for (text, declared, want) in [
            ("12.340", (4, 2), Ok(())),
            ("12.345", (4, 2), Err(Refused::Scale)),
            ("123.4", (4, 2), Err(Refused::Precision)),
            ("0.00123", (2, 5), Err(Refused::Precision)),
            ("0.00012", (2, 5), Ok(())),
            ("1200", (3, -2), Ok(())),
            ("1250", (3, -2), Err(Refused::Scale)),
            ("123400", (3, -2), Err(Refused::Precision)),
            ("NaN", (4, 2), Ok(())),
            ("Infinity", (4, 2), Err(Refused::Infinite)),
            ("0", (2, 2), Ok(())),
            ("000012.3", (4, 2), Ok(())),
        ] {
            let (precision, scale) = declared;
            assert_eq!(
                append_binary(text, Some((precision, scale)), &mut Vec::new()),
                want,
                "{text} {declared:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_decimal_comes_back(whole in "0|[1-9][0-9]{0,40}", fraction in "[0-9]{0,40}", negative: bool) {
            let point = if fraction.is_empty() { "" } else { "." };
            let zero = whole == "0" && fraction.bytes().all(|digit| digit == b'0');
            let sign = if negative && !zero { "-" } else { "" };
            let text = format!("{sign}{whole}{point}{fraction}");
            prop_assert_eq!(through(&text), text);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            append_text(&bytes, &mut Vec::new());
        }
    }
}

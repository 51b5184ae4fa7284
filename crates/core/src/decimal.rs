//! Exact decimals as text: which texts are decimals, and the one canonical text per value.

/// Tells whether the text is a plain decimal: sign, digits, point, digits; no exponent, no spaces; or `NaN`, `Infinity`, `-Infinity`.
pub fn is_decimal(text: &str) -> bool {
    if matches!(text, "NaN" | "Infinity" | "-Infinity") {
        return true;
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    !(whole.is_empty() && fraction.is_empty()) && all_digits(whole) && all_digits(fraction)
}

/// Returns the canonical text of a decimal, also of one with an exponent: no leading zeros, no trailing fraction zeros, no exponent, `-0` as `0`.
/// None when the text is no decimal, or its exponent is beyond 100,000.
pub fn canonical_decimal(text: &str) -> Option<String> {
    if matches!(text, "NaN" | "Infinity" | "-Infinity") {
        return Some(text.to_owned());
    }
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (
            mantissa,
            exponent.parse::<i64>().ok().filter(|e| e.abs() <= 100_000)?,
        ),
        None => (text, 0),
    };
    if !is_decimal(mantissa) {
        return None;
    }
    let negative = mantissa.starts_with('-');
    let digits = mantissa.trim_start_matches(['-', '+']);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    let point = i64::try_from(whole.len()).ok()? + exponent;
    let (whole, fraction) = place_point(&all, point);
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    if whole.is_empty() && fraction.is_empty() {
        return Some("0".to_owned());
    }
    let sign = if negative { "-" } else { "" };
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}"))
}

/// Appends the canonical text of a plain decimal (no exponent); returns false, and appends nothing, when the text is none.
pub(crate) fn put_plain_decimal(text: &[u8], out: &mut Vec<u8>) -> bool {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let point = digits.iter().position(|byte| !byte.is_ascii_digit());
    let (whole, fraction) = digits.split_at(point.unwrap_or(digits.len()));
    let fraction = match fraction {
        [b'.', fraction @ ..] if fraction.iter().all(u8::is_ascii_digit) => fraction,
        [] => fraction,
        _ => return false,
    };
    if whole.is_empty() && fraction.is_empty() {
        return false;
    }
    let leading = whole.iter().take_while(|digit| **digit == b'0').count();
    let trailing = fraction.iter().rev().take_while(|digit| **digit == b'0').count();
    let (whole, fraction) = (&whole[leading..], &fraction[..fraction.len() - trailing]);
    if negative && !(whole.is_empty() && fraction.is_empty()) {
        out.push(b'-');
    }
    if whole.is_empty() {
        out.push(b'0');
    }
    out.extend_from_slice(whole);
    if !fraction.is_empty() {
        out.push(b'.');
        out.extend_from_slice(fraction);
    }
    true
}

/// Splits the digits at the point, filling with zeros where it lies outside.
fn place_point(digits: &str, point: i64) -> (String, String) {
    let Ok(at) = usize::try_from(point) else {
        let zeros = usize::try_from(point.unsigned_abs()).unwrap_or(0);
        return (String::new(), format!("{}{digits}", "0".repeat(zeros)));
    };
    if at >= digits.len() {
        return (
            format!("{digits}{}", "0".repeat(at - digits.len())),
            String::new(),
        );
    }
    (digits[..at].to_owned(), digits[at..].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_have_one_text() {
        for (text, want) in [
            ("1.10", "1.1"),
            ("-0.00", "0"),
            ("007", "7"),
            ("1e3", "1000"),
            ("12.5E-4", "0.00125"),
            ("-.5", "-0.5"),
            ("1.5e1", "15"),
            ("NaN", "NaN"),
        ] {
            assert_eq!(canonical_decimal(text).as_deref(), Some(want), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_plain_decimal_has_the_same_form_at_once(text in "[-+]?[0-9]{0,5}[.]?[0-9.]{0,5}[ eN]?") {
            let mut out = Vec::new();
            let plain = put_plain_decimal(text.as_bytes(), &mut out);
            let slow = canonical_decimal(&text).filter(|_| !text.contains(['e', 'N']));
            proptest::prop_assert_eq!(plain.then_some(out), slow.map(String::into_bytes));
        }
    }

    #[test]
    fn what_is_no_decimal_is_refused() {
        for text in ["", "-", ".", "1,5", " 1", "0x10", "1e", "inf", "１"] {
            assert_eq!(canonical_decimal(text), None, "{text}");
        }
    }
}

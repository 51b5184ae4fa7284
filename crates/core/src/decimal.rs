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

    #[test]
    fn what_is_no_decimal_is_refused() {
        for text in ["", "-", ".", "1,5", " 1", "0x10", "1e", "inf", "１"] {
            assert_eq!(canonical_decimal(text), None, "{text}");
        }
    }
}

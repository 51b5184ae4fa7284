//! The one kind that holds all values that meet each other: in comparisons, choices and arithmetic.

use datafusion_common::ScalarValue;

use crate::node::{DIGITS_MAX, Kind, Node};

/// The kind that holds the values of all; literals in quotes take the kind of the others.
pub(crate) fn common(nodes: &[Node]) -> Result<Kind, String> {
    let mut kind = Kind::Null;
    let (literals, others): (Vec<_>, Vec<_>) = nodes.iter().partition(|node| node.literal.is_some());
    for node in others {
        kind = wider(&kind, node)?;
    }
    for node in literals {
        if matches!(kind, Kind::Null | Kind::Text { .. } | Kind::Json) {
            kind = wider(&kind, node)?;
        }
    }
    Ok(kind)
}

fn wider(kind: &Kind, node: &Node) -> Result<Kind, String> {
    let other = &node.kind;
    if kind == other || *other == Kind::Null {
        return Ok(kind.clone());
    }
    if *kind == Kind::Null {
        return Ok(other.clone());
    }
    Ok(match (kind, other) {
        (Kind::Integer { bits }, Kind::Integer { bits: more }) => Kind::Integer {
            bits: *bits.max(more),
        },
        (Kind::Float { .. }, number) | (number, Kind::Float { .. }) if number.is_number() => Kind::FLOAT,
        (Kind::Text { chars_max: one }, Kind::Text { chars_max: two }) => Kind::Text {
            chars_max: one.zip(*two).map(|(one, two)| one.max(two)),
        },
        (text, more) if text.is_text() && more.is_text() => Kind::TEXT,
        (Kind::Date, Kind::Timestamp { zoned: false }) | (Kind::Timestamp { zoned: false }, Kind::Date) => {
            Kind::Timestamp { zoned: false }
        }
        _ => match (kind.as_decimal(), digits(node)) {
            (Some(one), Some(two)) => {
                let scale = one.1.max(two.1);
                let whole = (one.0 - one.1).max(two.0 - two.1);
                decimal(
                    (u32::from(whole) + u32::from(scale), u32::from(scale)),
                    one.2 || two.2,
                )?
            }
            _ => return Err(mismatch(kind, other)),
        },
    })
}

/// Says that two kinds do not go together.
pub(crate) fn mismatch(one: &Kind, other: &Kind) -> String {
    let zones = [one, other]
        .iter()
        .all(|kind| matches!(kind, Kind::Timestamp { .. } | Kind::Date));
    let hint = match zones {
        true => "; write `CAST(… AS timestamptz)`, which takes a reading of the clock as UTC",
        false => "; write `CAST(… AS …)` on one side",
    };
    format!("{one} and {other} do not go together{hint}")
}

/// The digits of the decimal that holds a number; an integer that is a constant needs no more than its own.
pub(crate) fn digits(node: &Node) -> Option<(u8, u8, bool)> {
    if let (Kind::Integer { .. }, Some(ScalarValue::Int64(Some(value)))) = (&node.kind, node.scalar()) {
        let length = value.unsigned_abs().checked_ilog10().unwrap_or(0) + 1;
        return Some((u8::try_from(length).unwrap_or(19), 0, false));
    }
    node.kind.as_decimal()
}

/// A decimal of so many digits; whole digits may be lost beyond 76 (which then fails the row), places never.
pub(crate) fn decimal((precision, scale): (u32, u32), unbounded: bool) -> Result<Kind, String> {
    let precision = precision.min(u32::from(DIGITS_MAX));
    match (u8::try_from(precision), u8::try_from(scale)) {
        (Ok(precision), Ok(scale)) if scale <= DIGITS_MAX => Ok(Kind::Decimal {
            precision: precision.max(scale),
            scale,
            unbounded,
        }),
        _ => Err(format!(
            "the result would have {scale} digits after the point; at most {DIGITS_MAX} can be kept: CAST one side to \
             a decimal with fewer"
        )),
    }
}

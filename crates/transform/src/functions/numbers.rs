//! Functions of numbers. Decimals stay decimals; what a float cannot hold fails the row.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a function names the kinds that it takes"
)]

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array as _, ArrayRef};

use super::{Call, Function, own};
use crate::cast::convert;
use crate::kernel::{OnRefusal, numbers};
use crate::node::{Kind, Node};
use crate::number::{self, Rounding, Scaled};
use crate::outcome::whole;

const fn of(
    name: &'static str,
    counts: (usize, usize),
    usage: &'static str,
    says: &'static str,
    bind: super::Bind,
) -> Function {
    Function {
        name,
        group: "Numbers",
        usage,
        says,
        counts,
        bind,
    }
}

pub(super) const FUNCTIONS: &[Function] = &[
    of("abs", (1, 1), "abs(number)", "without its sign", abs),
    of("signum", (1, 1), "sign(number)", "-1, 0 or 1", signum),
    of(
        "round",
        (1, 2),
        "round(number[, digits])",
        "to the nearest with so many digits after the point, half away from zero",
        |call| rounded(call, Rounding::Nearest),
    ),
    of(
        "trunc",
        (1, 2),
        "trunc(number[, digits])",
        "without the digits behind",
        |call| rounded(call, Rounding::TowardsZero),
    ),
    of(
        "ceil",
        (1, 1),
        "ceil(number)",
        "the next whole number upwards",
        |call| rounded(call, Rounding::Up),
    ),
    of(
        "floor",
        (1, 1),
        "floor(number)",
        "the next whole number downwards",
        |call| rounded(call, Rounding::Down),
    ),
    of("power", (2, 2), "power(number, exponent)", "as a float", power),
    of(
        "sqrt",
        (1, 1),
        "sqrt(number)",
        "the square root as a float",
        |call| float(call, "sqrt", f64::sqrt),
    ),
    of(
        "exp",
        (1, 1),
        "exp(number)",
        "e to the power, as a float",
        |call| float(call, "exp", f64::exp),
    ),
    of(
        "ln",
        (1, 1),
        "ln(number)",
        "the natural logarithm as a float",
        |call| float(call, "ln", f64::ln),
    ),
    of(
        "log10",
        (1, 1),
        "log10(number)",
        "the logarithm to the base of 10, as a float",
        |call| float(call, "log10", f64::log10),
    ),
];

fn first(mut call: Call<'_>) -> Result<Node, String> {
    let node = call.arguments.swap_remove(0);
    match node.kind {
        _ if node.kind.is_number() => Ok(node),
        Kind::Null => convert(node, &Kind::INTEGER),
        _ => Err(format!("takes a number, not {}", node.kind)),
    }
}

fn abs(call: Call<'_>) -> Result<Node, String> {
    let node = first(call)?;
    let kind = node.kind.clone();
    Ok(match kind {
        Kind::Integer { .. } => integers("abs", &node, i64::checked_abs),
        Kind::Float { .. } => floats("abs", node, f64::abs)?,
        _ => decimals("abs", &node, kind, |value, _| Some(value.wrapping_abs())),
    })
}

fn signum(call: Call<'_>) -> Result<Node, String> {
    let node = first(call)?;
    Ok(match node.kind {
        Kind::Integer { .. } => integers("signum", &node, |value| Some(value.signum())),
        Kind::Float { .. } => floats(
            "signum",
            node,
            |value| if value == 0.0 { 0.0 } else { value.signum() },
        )?,
        _ => {
            let work = |columns: &[ArrayRef]| {
                let scaled = number::scaled(&columns[0]);
                let signs = numbers::<Int64Type>(&columns[0], OnRefusal::Fail, |row| {
                    let value = scaled(row).long();
                    Ok(i64::from(value > arrow_buffer::i256::ZERO)
                        - i64::from(value < arrow_buffer::i256::ZERO))
                });
                Ok(Arc::new(signs?) as ArrayRef)
            };
            own("signum", &[&node], Kind::Integer { bits: 16 }, Arc::new(work))
        }
    })
}

fn rounded(mut call: Call<'_>, how: Rounding) -> Result<Node, String> {
    let places = match call.arguments.get(1) {
        None => 0,
        Some(places) => places
            .scalar()
            .and_then(whole)
            .filter(|places| (-76..=76).contains(places))
            .ok_or_else(|| "takes a literal number of digits".to_owned())?,
    };
    call.arguments.truncate(1);
    let node = first(call)?;
    let name = format!("round {how:?} {places}");
    Ok(match node.kind.clone() {
        Kind::Integer { .. } if places >= 0 => node,
        Kind::Integer { .. } => integers(&name, &node, move |value| {
            let rounded = number::round(arrow_buffer::i256::from_i128(i128::from(value)), 0, places, how)?;
            i64::try_from(rounded.to_i128()?).ok()
        }),
        Kind::Float { .. } => floats(&name, node, move |value| round_float(value, places, how))?,
        Kind::Decimal {
            precision,
            scale,
            unbounded,
        } => {
            let kept = u8::try_from(places.max(0)).unwrap_or(u8::MAX).min(scale);
            let precision = (precision - scale + kept + 1).min(crate::node::DIGITS_MAX);
            let kind = Kind::Decimal {
                precision,
                scale: kept,
                unbounded,
            };
            decimals(&name, &node, kind, move |value, scale| {
                number::rescale(number::round(value, scale, places, how)?, scale, kept)
            })
        }
        _ => return Err("takes a number".to_owned()),
    })
}

/// Numbers so great that they have no digits after the point stay as they are.
fn round_float(value: f64, places: i64, how: Rounding) -> f64 {
    let whole: fn(f64) -> f64 = match how {
        Rounding::Nearest => f64::round,
        Rounding::Up => f64::ceil,
        Rounding::Down => f64::floor,
        Rounding::TowardsZero => f64::trunc,
    };
    let power = 10_f64.powi(i32::try_from(places).unwrap_or(0));
    let scaled = value * power;
    if !scaled.is_finite() || power == 0.0 {
        return value;
    }
    whole(scaled) / power
}

fn integers(name: &str, node: &Node, compute: impl Fn(i64) -> Option<i64> + Send + Sync + 'static) -> Node {
    let work = move |columns: &[ArrayRef]| {
        let values = columns[0].as_primitive::<Int64Type>();
        let made = numbers::<Int64Type>(values, OnRefusal::Fail, |row| {
            compute(values.value(row)).ok_or_else(|| "the number is out of range".to_owned())
        });
        Ok(Arc::new(made?) as ArrayRef)
    };
    own(name, &[node], Kind::INTEGER, Arc::new(work)).fallible()
}

fn decimals(
    name: &str,
    node: &Node,
    kind: Kind,
    compute: impl Fn(arrow_buffer::i256, u8) -> Option<arrow_buffer::i256> + Send + Sync + 'static,
) -> Node {
    let (precision, scale) = kind
        .as_decimal()
        .map_or((76, 0), |(precision, scale, _)| (precision, scale));
    let work = move |columns: &[ArrayRef]| {
        let (_, had) = number::digits_of(columns[0].data_type());
        let scaled = number::scaled(&columns[0]);
        number::make(&columns[0], precision, scale, OnRefusal::Fail, |row| {
            let value = compute(scaled(row).long(), had);
            value
                .map(Scaled::Long)
                .ok_or_else(|| "the number is out of range".to_owned())
        })
    };
    own(name, &[node], kind, Arc::new(work)).fallible()
}

fn float(call: Call<'_>, name: &str, compute: fn(f64) -> f64) -> Result<Node, String> {
    floats(name, first(call)?, compute)
}

/// A function of floats; finite numbers must not become anything else.
fn floats(
    name: &str,
    node: Node,
    compute: impl Fn(f64) -> f64 + Send + Sync + 'static,
) -> Result<Node, String> {
    let node = convert(node, &Kind::FLOAT)?;
    let work = move |columns: &[ArrayRef]| {
        let values = columns[0].as_primitive::<Float64Type>();
        let made = numbers::<Float64Type>(values, OnRefusal::Fail, |row| {
            let value = values.value(row);
            checked(value.is_finite(), compute(value))
        });
        Ok(Arc::new(made?) as ArrayRef)
    };
    Ok(own(name, &[&node], Kind::FLOAT, Arc::new(work)).fallible())
}

fn checked(finite: bool, result: f64) -> Result<f64, String> {
    match finite && !result.is_finite() {
        true => Err("the number has no such value, or one that is out of range".to_owned()),
        false => Ok(result),
    }
}

fn power(mut call: Call<'_>) -> Result<Node, String> {
    let exponent = call.arguments.swap_remove(1);
    let base = convert(first(call)?, &Kind::FLOAT)?;
    let exponent = convert(exponent, &Kind::FLOAT)?;
    let work = |columns: &[ArrayRef]| {
        let (bases, exponents) = (
            columns[0].as_primitive::<Float64Type>(),
            columns[1].as_primitive::<Float64Type>(),
        );
        let both = arrow_array::BooleanArray::new(
            arrow_buffer::BooleanBuffer::new_unset(bases.len()),
            crate::kernel::all_valid(columns),
        );
        let made = numbers::<Float64Type>(&both, OnRefusal::Fail, |row| {
            let (base, exponent) = (bases.value(row), exponents.value(row));
            checked(base.is_finite() && exponent.is_finite(), base.powf(exponent))
        });
        Ok(Arc::new(made?) as ArrayRef)
    };
    Ok(own("power", &[&base, &exponent], Kind::FLOAT, Arc::new(work)).fallible())
}

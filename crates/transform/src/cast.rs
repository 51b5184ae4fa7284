//! From one kind to another: conversions that lose nothing happen by themselves, all others are written as CAST. A value that
//! has no place in the new kind fails its row, or is NULL with `TRY_CAST`.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a cast names the kinds that it takes"
)]

use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, FixedSizeBinaryBuilder};
use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Date32Type, Float32Type, Float64Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{Array as _, ArrayRef, BooleanArray, PrimitiveArray};
use arrow_buffer::i256;
use datafusion_common::ScalarValue;
use datafusion_common::arrow::compute::CastOptions;
use datafusion_physical_expr::expressions::CastExpr;
use whimbrel_core::{
    format_date, format_interval, format_time, format_timestamp, format_uuid, parse_date, parse_time,
    parse_timestamp, shorten, signed_range, uuid_of_digits,
};

use crate::calendar::{self, DAY};
use crate::kernel::{Kernel, OnRefusal, Tree, Work, numbers, texts, without};
use crate::node::{Kind, Node, folded};
use crate::number::{self, Excess, Scaled};

/// Converts without loss, as operators and functions do by themselves.
pub(crate) fn convert(node: Node, to: &Kind) -> Result<Node, String> {
    if node.kind == *to {
        return Ok(node);
    }
    if node.kind == Kind::Null {
        let null = ScalarValue::try_new_null(&to.arrow()).map_err(|error| error.strip_backtrace())?;
        return Ok(Node::constant(null, to.clone()));
    }
    if node.literal.is_some() && !to.is_text() {
        let shown = node.literal.clone().unwrap_or_default();
        let bound = folded(cast(node, to, OnRefusal::Fail)?);
        return match bound.fallible && bound.constant {
            true => Err(format!("`{}` is not a valid {to}", shorten(&shown))),
            false => Ok(bound),
        };
    }
    let lossless = match (&node.kind, to) {
        (Kind::Integer { .. }, Kind::Integer { .. })
        | (Kind::Text { .. } | Kind::Json, Kind::Text { .. }) => {
            return Ok(Node {
                kind: to.clone(),
                ..node
            });
        }
        (Kind::Integer { .. } | Kind::Decimal { .. }, Kind::Decimal { .. } | Kind::Float { .. })
        | (Kind::Float { .. }, Kind::Float { bits: 64 }) => true,
        (Kind::Date, Kind::Timestamp { zoned: false }) => return cast(node, to, OnRefusal::Fail),
        _ => false,
    };
    if !lossless {
        return Err(format!(
            "{} cannot be used as {to}; write `CAST(… AS …)` when that is meant",
            node.kind
        ));
    }
    let wider = matches!((&node.kind, to), (Kind::Decimal { .. }, Kind::Decimal { .. }));
    let fallible = node.fallible || wider;
    let nullable = node.nullable;
    let tree = in_library(Arc::clone(&node.tree), to);
    Ok(Node {
        fallible,
        nullable,
        ..Node::of(tree, to.clone(), &[&node])
    })
}

/// A cast of the library, which fails on values that do not fit.
pub(crate) fn in_library(tree: Tree, to: &Kind) -> Tree {
    let options = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    Arc::new(CastExpr::new(tree, to.arrow(), Some(options)))
}

/// Any value as text, written as CAST writes it.
pub(crate) fn as_text(node: Node) -> Result<Node, String> {
    match node.kind {
        Kind::Text { .. } => Ok(node),
        Kind::Json | Kind::Null => convert(node, &Kind::TEXT),
        _ => cast(node, &Kind::TEXT, OnRefusal::Fail),
    }
}

/// Converts as CAST does.
pub(crate) fn cast(node: Node, to: &Kind, refusal: OnRefusal) -> Result<Node, String> {
    if node.kind == Kind::Null {
        return convert(node, to);
    }
    let work = match work(&node.kind, to, refusal) {
        Some(work) => work,
        None if node.kind == *to => return Ok(node),
        None => return Err(format!("{} cannot be cast to {to}", node.kind)),
    };
    // The name tells casts apart that are not the same.
    let name = format!("cast {:?} to {to:?} {refusal:?}", node.kind);
    let tree = Kernel::tree(name, vec![Arc::clone(&node.tree)], to.arrow(), work);
    let cast = Node::of(tree, to.clone(), &[&node]);
    let total = matches!(to, Kind::Text { chars_max: None }) && node.kind != Kind::Bytes;
    Ok(match refusal {
        _ if total => cast,
        OnRefusal::Fail => cast.fallible(),
        OnRefusal::Null => cast.nullable(),
    })
}

fn work(from: &Kind, to: &Kind, refusal: OnRefusal) -> Option<Work> {
    let (from, to) = (from.clone(), to.clone());
    Some(match &to {
        Kind::Text { chars_max } => {
            let (chars_max, write) = (*chars_max, writer(&from)?);
            Arc::new(move |columns| {
                let write = write(&columns[0]);
                let limited = |row: usize, out: &mut String| {
                    write(row, out)?;
                    within(chars_max, out)
                };
                Ok(Arc::new(texts(&columns[0], refusal, limited)?))
            })
        }
        Kind::Boolean => to_boolean(&from, refusal)?,
        Kind::Integer { bits } => to_integer(&from, *bits, refusal)?,
        Kind::Float { bits } => to_float(&from, *bits, refusal)?,
        Kind::Decimal { precision, scale, .. } => to_decimal(&from, (*precision, *scale), refusal)?,
        Kind::Date => to_date(&from, refusal)?,
        Kind::Time => to_time(&from, refusal)?,
        Kind::Timestamp { zoned } => to_timestamp(&from, *zoned, refusal)?,
        Kind::Uuid if from.is_text() => Arc::new(move |columns| {
            let texts = columns[0].as_string::<i32>();
            let mut uuids = FixedSizeBinaryBuilder::with_capacity(texts.len(), 16);
            for text in texts {
                match (text, text.and_then(parse_uuid)) {
                    (_, Some(uuid)) => uuids.append_value(uuid).map_err(|error| error.to_string())?,
                    (Some(text), None) if refusal == OnRefusal::Fail => {
                        return Err(format!("`{}` is not a UUID", shorten(text)));
                    }
                    _ => uuids.append_null(),
                }
            }
            Ok(Arc::new(uuids.finish()))
        }),
        Kind::Bytes if from.is_text() => Arc::new(|columns| {
            let mut bytes = BinaryBuilder::new();
            for text in columns[0].as_string::<i32>() {
                bytes.append_option(text);
            }
            Ok(Arc::new(bytes.finish()))
        }),
        Kind::Json if from.is_text() => Arc::new(move |columns| {
            let rows = columns[0].as_string::<i32>();
            let checked = texts(rows, refusal, |row, out| {
                let text = rows.value(row);
                let parsed = serde_json::from_str::<serde_json::Value>(text);
                parsed.map_err(|_| format!("`{}` is not JSON", shorten(text)))?;
                out.push_str(text);
                Ok(())
            });
            Ok(Arc::new(checked?))
        }),
        Kind::Interval if from.is_text() => Arc::new(move |columns| {
            let texts = columns[0].as_string::<i32>();
            let mut intervals = FixedSizeBinaryBuilder::with_capacity(texts.len(), 16);
            for text in texts {
                match text.map(calendar::interval_of) {
                    Some(Ok(interval)) => intervals
                        .append_value(interval)
                        .map_err(|error| error.to_string())?,
                    Some(Err(why)) if refusal == OnRefusal::Fail => return Err(why),
                    _ => intervals.append_null(),
                }
            }
            Ok(Arc::new(intervals.finish()))
        }),
        _ if from == to => Arc::new(|columns| Ok(Arc::clone(&columns[0]))),
        Kind::Uuid | Kind::Bytes | Kind::Json | Kind::Interval | Kind::Null | Kind::Opaque(_) => return None,
    })
}

fn within(chars_max: Option<u32>, text: &str) -> Result<(), String> {
    let limit = chars_max.and_then(|chars| usize::try_from(chars).ok());
    match limit.filter(|limit| text.len() > *limit && text.chars().count() > *limit) {
        Some(limit) => Err(format!("`{}` has more than {limit} characters", shorten(text))),
        None => Ok(()),
    }
}

type Write<'a> = Box<dyn Fn(usize, &mut String) -> Result<(), String> + 'a>;
type Writer = fn(&ArrayRef) -> Write<'_>;

/// How values of the kind are written as text.
fn writer(from: &Kind) -> Option<Writer> {
    Some(match from {
        Kind::Text { .. } | Kind::Json => |column| {
            let texts = column.as_string::<i32>();
            put(move |row, out| out.push_str(texts.value(row)))
        },
        Kind::Boolean => |column| {
            let truths = column.as_boolean();
            put(move |row, out| out.push_str(if truths.value(row) { "true" } else { "false" }))
        },
        Kind::Integer { .. } => |column| {
            let values = column.as_primitive::<Int64Type>();
            put(move |row, out| out.push_str(itoa::Buffer::new().format(values.value(row))))
        },
        Kind::Float { bits: 32 } => |column| {
            let values = column.as_primitive::<Float32Type>();
            put(move |row, out| {
                let value = values.value(row);
                write_float(f64::from(value), &value.to_string(), &format!("{value:e}"), out);
            })
        },
        Kind::Float { .. } => |column| {
            let values = column.as_primitive::<Float64Type>();
            put(move |row, out| {
                let value = values.value(row);
                write_float(value, &value.to_string(), &format!("{value:e}"), out);
            })
        },
        Kind::Decimal { unbounded: true, .. } => |column| write_decimal(column, true),
        Kind::Decimal { .. } => |column| write_decimal(column, false),
        Kind::Date => |column| {
            let days = column.as_primitive::<Date32Type>();
            put(move |row, out| out.push_str(&format_date(days.value(row))))
        },
        Kind::Time => |column| {
            let micros = column.as_primitive::<Time64MicrosecondType>();
            put(move |row, out| out.push_str(&format_time(micros.value(row))))
        },
        Kind::Timestamp { zoned: true } => |column| write_timestamp(column, true),
        Kind::Timestamp { zoned: false } => |column| write_timestamp(column, false),
        Kind::Uuid => |column| {
            let uuids = column.as_fixed_size_binary();
            put(move |row, out| out.push_str(&format_uuid(uuids.value(row))))
        },
        Kind::Interval => |column| {
            let intervals = column.as_fixed_size_binary();
            put(move |row, out| {
                let interval = intervals.value(row).try_into().unwrap_or_default();
                out.push_str(&format_interval(interval));
            })
        },
        Kind::Bytes => |column| {
            let bytes = column.as_binary::<i32>();
            Box::new(move |row, out: &mut String| {
                let text = str::from_utf8(bytes.value(row))
                    .map_err(|_| "the bytes are not text in UTF-8".to_owned())?;
                out.push_str(text);
                Ok(())
            })
        },
        Kind::Null | Kind::Opaque(_) => return None,
    })
}

fn put<'a>(write: impl Fn(usize, &mut String) + 'a) -> Write<'a> {
    Box::new(move |row, out| {
        write(row, out);
        Ok(())
    })
}

fn write_decimal(column: &ArrayRef, trimmed: bool) -> Write<'_> {
    let (_, scale) = number::digits_of(column.data_type());
    let scaled = number::scaled(column);
    put(move |row, out| {
        number::write(scaled(row).long(), scale, out);
        if trimmed && out.contains('.') {
            let end = out.trim_end_matches('0').trim_end_matches('.').len();
            out.truncate(end);
        }
    })
}

fn write_timestamp(column: &ArrayRef, zoned: bool) -> Write<'_> {
    let micros = column.as_primitive::<TimestampMicrosecondType>();
    put(move |row, out| out.push_str(&format_timestamp(micros.value(row), zoned)))
}

/// The fewest digits that read back as the same number; with an exponent where that is shorter.
fn write_float(value: f64, plain: &str, exponent: &str, out: &mut String) {
    match value {
        _ if value.is_nan() => out.push_str("NaN"),
        _ if value.is_infinite() => out.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" }),
        _ if value == 0.0 || (1e-5..1e16).contains(&value.abs()) => out.push_str(plain),
        _ => out.push_str(exponent),
    }
}

/// Reads a UUID, which may be in braces.
fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    uuid_of_digits(text.trim_start_matches('{').trim_end_matches('}'))
}

fn to_boolean(from: &Kind, refusal: OnRefusal) -> Option<Work> {
    Some(match from {
        Kind::Boolean => Arc::new(|columns| Ok(Arc::clone(&columns[0]))),
        Kind::Integer { .. } => Arc::new(|columns| {
            let values = columns[0].as_primitive::<Int64Type>();
            Ok(Arc::new(BooleanArray::from_unary(values, |value| value != 0)))
        }),
        Kind::Text { .. } | Kind::Json => Arc::new(move |columns| {
            let texts = columns[0].as_string::<i32>();
            let mut refused = Vec::new();
            let mut values = Vec::with_capacity(texts.len());
            for (row, text) in texts.iter().enumerate() {
                match text.map(parse_boolean) {
                    Some(None) if refusal == OnRefusal::Fail => {
                        return Err(format!("`{}` is not a truth value", shorten(texts.value(row))));
                    }
                    Some(None) => {
                        refused.push(row);
                        values.push(false);
                    }
                    Some(Some(value)) => values.push(value),
                    None => values.push(false),
                }
            }
            Ok(Arc::new(BooleanArray::new(
                values.into(),
                without(texts, &refused),
            )))
        }),
        _ => return None,
    })
}

fn parse_boolean(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "on" | "1" => Some(true),
        "false" | "f" | "no" | "n" | "off" | "0" => Some(false),
        _ => None,
    }
}

fn to_integer(from: &Kind, bits: u8, refusal: OnRefusal) -> Option<Work> {
    let fits = move |value: Option<i64>, shown: &dyn Fn() -> String| {
        value
            .filter(|value| signed_range(bits).contains(value))
            .ok_or_else(|| format!("`{}` is out of range for an integer of {bits} bits", shown()))
    };
    Some(match from {
        Kind::Integer { .. } => Arc::new(move |columns| {
            let values = columns[0].as_primitive::<Int64Type>();
            let made = numbers::<Int64Type>(values, refusal, |row| {
                fits(Some(values.value(row)), &|| values.value(row).to_string())
            });
            Ok(Arc::new(made?))
        }),
        Kind::Boolean => Arc::new(move |columns| {
            let truths = columns[0].as_boolean();
            let made = numbers::<Int64Type>(truths, refusal, |row| Ok(i64::from(truths.value(row))));
            Ok(Arc::new(made?))
        }),
        Kind::Float { .. } => Arc::new(move |columns| {
            let values = doubles(&columns[0]);
            let made = numbers::<Int64Type>(&values, refusal, |row| {
                let value = values.value(row);
                fits(whole_number(value), &|| value.to_string())
            });
            Ok(Arc::new(made?))
        }),
        Kind::Decimal { scale, .. } => {
            let scale = *scale;
            Arc::new(move |columns| {
                let scaled = number::scaled(&columns[0]);
                let made = numbers::<Int64Type>(&columns[0], refusal, |row| {
                    let value = scaled(row).long();
                    let whole = number::rescale(value, scale, 0).and_then(i256::to_i128);
                    fits(whole.and_then(|whole| i64::try_from(whole).ok()), &|| {
                        let mut shown = String::new();
                        number::write(value, scale, &mut shown);
                        shown
                    })
                });
                Ok(Arc::new(made?))
            })
        }
        Kind::Text { .. } | Kind::Json => Arc::new(move |columns| {
            let texts = columns[0].as_string::<i32>();
            let made = numbers::<Int64Type>(texts, refusal, |row| {
                let text = texts.value(row);
                let value: i64 = text
                    .trim()
                    .parse()
                    .map_err(|_| format!("`{}` is not an integer", shorten(text)))?;
                fits(Some(value), &|| value.to_string())
            });
            Ok(Arc::new(made?))
        }),
        _ => return None,
    })
}

/// The nearest integer, half away from zero.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the limits are those of 64 bits, both exact as floats"
)]
fn whole_number(value: f64) -> Option<i64> {
    let rounded = value.round();
    (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0)
        .contains(&rounded)
        .then_some(rounded as i64)
}

/// Floats of either width in 64 bits.
pub(crate) fn doubles(column: &ArrayRef) -> PrimitiveArray<Float64Type> {
    match column.as_primitive_opt::<Float32Type>() {
        Some(singles) => singles.unary(f64::from),
        None => column.as_primitive::<Float64Type>().clone(),
    }
}

fn to_float(from: &Kind, bits: u8, refusal: OnRefusal) -> Option<Work> {
    let narrow = bits == 32;
    let read: fn(&ArrayRef, OnRefusal) -> Result<PrimitiveArray<Float64Type>, String> = match from {
        Kind::Float { .. } => |column, _| Ok(doubles(column)),
        Kind::Integer { .. } => |column, _| {
            let values = column.as_primitive::<Int64Type>();
            #[expect(clippy::cast_precision_loss, reason = "a float is asked for")]
            Ok(values.unary(|value| value as f64))
        },
        Kind::Decimal { .. } => |column, refusal| {
            let (_, scale) = number::digits_of(column.data_type());
            let scaled = number::scaled(column);
            numbers(column, refusal, |row| {
                let mut digits = String::new();
                number::write(scaled(row).long(), scale, &mut digits);
                digits.parse().map_err(|_| format!("`{digits}` is not a number"))
            })
        },
        Kind::Text { .. } | Kind::Json => |column, refusal| {
            let texts = column.as_string::<i32>();
            numbers(texts, refusal, |row| {
                let text = texts.value(row);
                let value = text.trim().parse();
                value.map_err(|_| format!("`{}` is not a number", shorten(text)))
            })
        },
        _ => return None,
    };
    Some(Arc::new(move |columns| {
        let values = read(&columns[0], refusal)?;
        if !narrow {
            return Ok(Arc::new(values));
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the nearest float of 32 bits is asked for"
        )]
        let narrowed = numbers::<Float32Type>(&values, refusal, |row| {
            let (value, near) = (values.value(row), values.value(row) as f32);
            match near.is_infinite() && value.is_finite() {
                true => Err(format!("`{value}` is out of range for a float of 32 bits")),
                false => Ok(near),
            }
        });
        Ok(Arc::new(narrowed?))
    }))
}

fn to_decimal(from: &Kind, (precision, scale): (u8, u8), refusal: OnRefusal) -> Option<Work> {
    Some(match from {
        Kind::Text { .. } | Kind::Json => Arc::new(move |columns| {
            let texts = columns[0].as_string::<i32>();
            number::make(texts, precision, scale, refusal, |row| {
                number::read(texts.value(row).trim(), scale, Excess::Round).map(Scaled::Long)
            })
        }),
        Kind::Integer { .. } => Arc::new(move |columns| {
            let values = columns[0].as_primitive::<Int64Type>();
            number::make(values, precision, scale, refusal, |row| {
                let value = i256::from_i128(i128::from(values.value(row)));
                let value = number::rescale(value, 0, scale);
                value
                    .map(Scaled::Long)
                    .ok_or_else(|| "the number is out of range".to_owned())
            })
        }),
        Kind::Decimal { scale: had, .. } => {
            let had = *had;
            Arc::new(move |columns| {
                let scaled = number::scaled(&columns[0]);
                number::make(&columns[0], precision, scale, refusal, |row| {
                    let value = number::rescale(scaled(row).long(), had, scale);
                    value
                        .map(Scaled::Long)
                        .ok_or_else(|| "the number is out of range".to_owned())
                })
            })
        }
        Kind::Float { bits } => {
            let narrow = *bits == 32;
            Arc::new(move |columns| {
                let shown: Box<dyn Fn(usize) -> String> = match narrow {
                    true => {
                        let values = columns[0].as_primitive::<Float32Type>().clone();
                        Box::new(move |row| format!("{:e}", values.value(row)))
                    }
                    false => {
                        let values = columns[0].as_primitive::<Float64Type>().clone();
                        Box::new(move |row| format!("{:e}", values.value(row)))
                    }
                };
                number::make(&columns[0], precision, scale, refusal, |row| {
                    number::read(&shown(row), scale, Excess::Round).map(Scaled::Long)
                })
            })
        }
        _ => return None,
    })
}

fn to_date(from: &Kind, refusal: OnRefusal) -> Option<Work> {
    Some(match from {
        Kind::Text { .. } | Kind::Json => Arc::new(move |columns| {
            let texts = columns[0].as_string::<i32>();
            let made = numbers::<Date32Type>(texts, refusal, |row| {
                let text = texts.value(row);
                parse_date(text.trim()).ok_or_else(|| format!("`{}` is not a date", shorten(text)))
            });
            Ok(Arc::new(made?))
        }),
        Kind::Timestamp { .. } => Arc::new(move |columns| {
            let moments = columns[0].as_primitive::<TimestampMicrosecondType>();
            let made = numbers::<Date32Type>(moments, refusal, |row| {
                let micros = calendar::finite(moments.value(row))?;
                calendar::date(Some(micros.div_euclid(DAY)))
            });
            Ok(Arc::new(made?))
        }),
        _ => return None,
    })
}

fn to_time(from: &Kind, refusal: OnRefusal) -> Option<Work> {
    Some(match from {
        Kind::Text { .. } | Kind::Json => Arc::new(move |columns| {
            let texts = columns[0].as_string::<i32>();
            let made = numbers::<Time64MicrosecondType>(texts, refusal, |row| {
                let text = texts.value(row);
                parse_time(text.trim()).ok_or_else(|| format!("`{}` is not a time of day", shorten(text)))
            });
            Ok(Arc::new(made?))
        }),
        Kind::Timestamp { .. } => Arc::new(move |columns| {
            let moments = columns[0].as_primitive::<TimestampMicrosecondType>();
            let made = numbers::<Time64MicrosecondType>(moments, refusal, |row| {
                Ok(calendar::finite(moments.value(row))?.rem_euclid(DAY))
            });
            Ok(Arc::new(made?))
        }),
        _ => return None,
    })
}

fn to_timestamp(from: &Kind, zoned: bool, refusal: OnRefusal) -> Option<Work> {
    let read: fn(&ArrayRef, OnRefusal, bool) -> Result<PrimitiveArray<TimestampMicrosecondType>, String> =
        match from {
            Kind::Text { .. } | Kind::Json => |column, refusal, zoned| {
                let texts = column.as_string::<i32>();
                numbers(texts, refusal, |row| {
                    let text = texts.value(row);
                    let said = if zoned { "an instant" } else { "a timestamp" };
                    read_moment(text.trim(), zoned)
                        .ok_or_else(|| format!("`{}` is not {said}", shorten(text)))
                })
            },
            Kind::Date => |column, refusal, _| {
                let days = column.as_primitive::<Date32Type>();
                numbers(days, refusal, |row| match days.value(row) {
                    i32::MAX => Ok(i64::MAX),
                    i32::MIN => Ok(i64::MIN),
                    day => calendar::moment(i64::from(day).checked_mul(DAY)),
                })
            },
            Kind::Timestamp { .. } => |column, _, _| Ok(column.as_primitive().clone()),
            _ => return None,
        };
    let zone = zoned.then(|| Arc::from("UTC"));
    Some(Arc::new(move |columns| {
        let moments = read(&columns[0], refusal, zoned)?;
        Ok(Arc::new(moments.with_timezone_opt(zone.clone())))
    }))
}

/// A date alone is its midnight; an instant without an offset is in UTC.
fn read_moment(text: &str, zoned: bool) -> Option<i64> {
    parse_timestamp(text, zoned)
        .or_else(|| parse_timestamp(text, false))
        .or_else(|| i64::from(parse_date(text)?).checked_mul(DAY))
}

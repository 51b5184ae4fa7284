//! Functions and arithmetic of dates, moments, times and intervals. Infinities are no moments that can be computed with: they
//! fail their row.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a function names the kinds that it takes"
)]

use std::sync::Arc;

use arrow_array::builder::FixedSizeBinaryBuilder;
use arrow_array::cast::AsArray as _;
use arrow_array::types::{Date32Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType};
use arrow_array::{Array as _, ArrayRef, PrimitiveArray};
use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, NaiveDate, NaiveDateTime};
use datafusion_expr::Operator;
use whimbrel_core::{Civil, days_from_civil, shorten};

use super::{Call, Function, integer, literal, own, text};
use crate::calendar::{self, DAY, Field};
use crate::cast::convert;
use crate::kernel::{OnRefusal, Work, all_valid, numbers, texts};
use crate::node::{Kind, Node};
use crate::number::{self, Scaled};

const fn of(
    name: &'static str,
    counts: (usize, usize),
    usage: &'static str,
    says: &'static str,
    bind: super::Bind,
) -> Function {
    Function {
        name,
        group: "Dates and times",
        usage,
        says,
        counts,
        bind,
    }
}

pub(super) const FUNCTIONS: &[Function] = &[
    of(
        "date_part",
        (2, 2),
        "extract(field FROM moment)",
        "one of `year`, `quarter`, `month`, `week`, `day`, `dow`, `isodow`, `doy`, `hour`, `minute`, `second`, `millisecond`, `microsecond`, `epoch`; also `date_part('field', moment)`",
        part,
    ),
    of(
        "date_trunc",
        (2, 2),
        "date_trunc('unit', moment)",
        "the beginning of the `year`, `quarter`, `month`, `week`, `day`, `hour`, `minute`, `second` or `millisecond`",
        truncated,
    ),
    of(
        "make_date",
        (3, 3),
        "make_date(year, month, day)",
        "a date from three integers",
        make_date,
    ),
    of(
        "to_date",
        (2, 2),
        "to_date(text, 'pattern')",
        "a date read by a pattern such as `'%d.%m.%Y'`",
        |call| read(call, true),
    ),
    of(
        "to_timestamp",
        (2, 2),
        "to_timestamp(text, 'pattern')",
        "a timestamp read by a pattern such as `'%m/%d/%Y %H:%M'`",
        |call| read(call, false),
    ),
    of(
        "to_char",
        (2, 2),
        "to_char(moment, 'pattern')",
        "a date or timestamp as text by a pattern such as `'%Y-%m'`",
        written,
    ),
    of(
        "from_unixtime",
        (1, 1),
        "from_unixtime(seconds)",
        "the instant so many seconds after 1970-01-01 00:00 UTC",
        from_seconds,
    ),
];

type Moments = PrimitiveArray<TimestampMicrosecondType>;

fn zone(kind: &Kind) -> Option<Arc<str>> {
    (*kind == Kind::Timestamp { zoned: true }).then(|| Arc::from("UTC"))
}

fn field(node: &Node) -> Result<Field, String> {
    let name = literal(node)?;
    Field::named(&name).ok_or_else(|| {
        let names: Vec<&str> = Field::ALL.iter().map(|(name, _)| *name).collect();
        format!("field `{name}` is not known; use one of {}", names.join(", "))
    })
}

fn part(mut call: Call<'_>) -> Result<Node, String> {
    let field = field(&call.arguments[0])?;
    let node = dated(call.arguments.swap_remove(1))?;
    let read = reader(&node.kind, field)?;
    let places = field.places();
    let kind = match (field, places) {
        (_, 0) => Kind::INTEGER,
        (Field::Epoch, _) => Kind::Decimal {
            precision: 22,
            scale: 6,
            unbounded: false,
        },
        _ => Kind::Decimal {
            precision: 8,
            scale: places,
            unbounded: false,
        },
    };
    let precision = kind.as_decimal().map_or(19, |(precision, ..)| precision);
    let work: Work = Arc::new(move |columns| {
        let read = read(&columns[0], field);
        if places == 0 {
            let made = numbers::<Int64Type>(&columns[0], OnRefusal::Fail, |row| {
                i64::try_from(read(row)?).map_err(|_| "the number is out of range".to_owned())
            });
            return Ok(Arc::new(made?));
        }
        number::make(&columns[0], precision, places, OnRefusal::Fail, |row| {
            // Microseconds are six digits after the point of a second, and three of a millisecond.
            read(row).map(Scaled::Short)
        })
    });
    Ok(own(&format!("part {field:?}"), &[&node], kind, work).fallible())
}

/// A literal in quotes is a timestamp.
fn dated(node: Node) -> Result<Node, String> {
    match node.kind {
        Kind::Date | Kind::Timestamp { .. } | Kind::Time => Ok(node),
        Kind::Null => convert(node, &Kind::Timestamp { zoned: false }),
        Kind::Text { .. } if node.literal.is_some() => convert(node, &Kind::Timestamp { zoned: false }),
        _ => Err(format!(
            "takes a date or a timestamp, not {}; write `CAST(… AS timestamp)`",
            node.kind
        )),
    }
}

type Read<'a> = Box<dyn Fn(usize) -> Result<i128, String> + 'a>;

/// How a field is read from values of the kind.
fn reader(kind: &Kind, field: Field) -> Result<fn(&ArrayRef, Field) -> Read<'_>, String> {
    match kind {
        Kind::Date if field.is_clock() => Err("a date has no time of day".to_owned()),
        Kind::Date => Ok(|column, field| {
            let days = column.as_primitive::<Date32Type>();
            Box::new(move |row| {
                let day = calendar::finite_date(days.value(row))?;
                Ok(match field {
                    Field::Epoch => i128::from(day) * i128::from(DAY),
                    _ => i128::from(calendar::of_day(field, day)),
                })
            })
        }),
        Kind::Time if field.is_clock() => Ok(|column, field| {
            let times = column.as_primitive::<Time64MicrosecondType>();
            Box::new(move |row| Ok(i128::from(calendar::of_time(field, times.value(row)))))
        }),
        Kind::Time => Err("a time of day has no date".to_owned()),
        _ => Ok(|column, field| {
            let moments = column.as_primitive::<TimestampMicrosecondType>();
            Box::new(move |row| {
                let micros = calendar::finite(moments.value(row))?;
                Ok(i128::from(calendar::of_moment(field, micros)))
            })
        }),
    }
}

fn truncated(mut call: Call<'_>) -> Result<Node, String> {
    let unit = field(&call.arguments[0])?;
    if matches!(
        unit,
        Field::DayOfWeek | Field::IsoDayOfWeek | Field::DayOfYear | Field::Epoch
    ) {
        return Err("this field has no beginning; use `day`".to_owned());
    }
    let node = dated(call.arguments.swap_remove(1))?;
    let kind = node.kind.clone();
    let zone = zone(&kind);
    let work: Work = match kind {
        Kind::Time => return Err("a time of day has no date".to_owned()),
        Kind::Date => Arc::new(move |columns| {
            let days = columns[0].as_primitive::<Date32Type>();
            let made = numbers::<Date32Type>(days, OnRefusal::Fail, |row| {
                let day = calendar::finite_date(days.value(row))?;
                calendar::date(Some(calendar::truncate_day(unit, day)))
            });
            Ok(Arc::new(made?))
        }),
        _ => Arc::new(move |columns| {
            let moments = columns[0].as_primitive::<TimestampMicrosecondType>();
            let made: Moments = numbers(moments, OnRefusal::Fail, |row| {
                calendar::truncate(unit, calendar::finite(moments.value(row))?)
            })?;
            Ok(Arc::new(made.with_timezone_opt(zone.clone())))
        }),
    };
    Ok(own(&format!("truncate {unit:?}"), &[&node], kind, work).fallible())
}

fn make_date(call: Call<'_>) -> Result<Node, String> {
    let parts = call
        .arguments
        .into_iter()
        .map(integer)
        .collect::<Result<Vec<_>, String>>()?;
    let work: Work = Arc::new(|columns| {
        let [years, months, days] =
            [0, 1, 2].map(|at: usize| columns[at].as_primitive::<Int64Type>().clone());
        let rows = present(columns);
        let made = numbers::<Date32Type>(&rows, OnRefusal::Fail, |row| {
            let (year, month, day) = (years.value(row), months.value(row), days.value(row));
            let civil = u8::try_from(month).ok().zip(u8::try_from(day).ok());
            let found = civil.filter(|_| year.unsigned_abs() < 1_000_000);
            let found = found.and_then(|(month, day)| days_from_civil(Civil { year, month, day }));
            calendar::date(found).map_err(|_| format!("there is no day {year}-{month}-{day}"))
        });
        Ok(Arc::new(made?))
    });
    let refs: Vec<&Node> = parts.iter().collect();
    Ok(own("make_date", &refs, Kind::Date, work).fallible())
}

/// The rows in which all arguments have a value.
fn present(columns: &[ArrayRef]) -> arrow_array::BooleanArray {
    let rows = columns.first().map_or(0, arrow_array::Array::len);
    arrow_array::BooleanArray::new(arrow_buffer::BooleanBuffer::new_unset(rows), all_valid(columns))
}

/// Checks a pattern, and that it has nothing of a zone: its names are not the same everywhere.
fn pattern(node: &Node) -> Result<Vec<Item<'static>>, String> {
    let pattern = literal(node)?;
    let items: Vec<Item<'static>> = StrftimeItems::new(&pattern).map(Item::to_owned).collect();
    let zoned = ["%Z", "%z", "%:z", "%+", "%#z"]
        .iter()
        .any(|zone| pattern.contains(zone));
    if items.iter().any(|item| matches!(item, Item::Error)) || zoned {
        return Err(format!(
            "`{pattern}` is not a pattern; write it like '%d.%m.%Y %H:%M:%S', without a zone"
        ));
    }
    Ok(items)
}

fn read(mut call: Call<'_>, as_date: bool) -> Result<Node, String> {
    let items = pattern(&call.arguments[1])?;
    let shown = literal(&call.arguments[1])?;
    let node = text(call.arguments.swap_remove(0))?;
    let (name, date_pattern) = (format!("read {as_date} {shown}"), shown);
    let parse = move |text: &str| -> Result<NaiveDateTime, String> {
        let mut parsed = chrono::format::Parsed::new();
        let read = chrono::format::parse(&mut parsed, text.trim(), items.iter());
        let found = read.and_then(|()| {
            let date: NaiveDate = parsed.to_naive_date()?;
            let midnight = date.and_hms_opt(0, 0, 0).unwrap_or_default();
            Ok(parsed
                .to_naive_time()
                .map_or(midnight, |time| date.and_time(time)))
        });
        found.map_err(|_| format!("`{}` does not fit the pattern `{date_pattern}`", shorten(text)))
    };
    let kind = match as_date {
        true => Kind::Date,
        false => Kind::Timestamp { zoned: false },
    };
    let work: Work = Arc::new(move |columns| {
        let texts = columns[0].as_string::<i32>();
        let moment = |row: usize| parse(texts.value(row)).map(|moment| moment.and_utc().timestamp_micros());
        if as_date {
            let made = numbers::<Date32Type>(texts, OnRefusal::Fail, |row| {
                calendar::date(Some(moment(row)?.div_euclid(DAY)))
            });
            return Ok(Arc::new(made?));
        }
        let made: Moments = numbers(texts, OnRefusal::Fail, moment)?;
        Ok(Arc::new(made))
    });
    Ok(own(&name, &[&node], kind, work).fallible())
}

fn written(mut call: Call<'_>) -> Result<Node, String> {
    let items = pattern(&call.arguments[1])?;
    let name = format!("written {}", literal(&call.arguments[1])?);
    let node = dated(call.arguments.swap_remove(0))?;
    if node.kind == Kind::Time {
        return Err("takes a date or a timestamp".to_owned());
    }
    let is_date = node.kind == Kind::Date;
    let work: Work = Arc::new(move |columns| {
        let micros: Box<dyn Fn(usize) -> Result<i64, String>> = match is_date {
            true => {
                let days = columns[0].as_primitive::<Date32Type>();
                Box::new(|row| {
                    let day = calendar::finite_date(days.value(row))?;
                    calendar::moment(day.checked_mul(DAY))
                })
            }
            false => {
                let moments = columns[0].as_primitive::<TimestampMicrosecondType>();
                Box::new(|row| calendar::finite(moments.value(row)))
            }
        };
        let made = texts(&columns[0], OnRefusal::Fail, |row, out| {
            use std::fmt::Write as _;
            let moment = DateTime::from_timestamp_micros(micros(row)?).ok_or("the moment is out of range")?;
            write!(out, "{}", moment.naive_utc().format_with_items(items.iter()))
                .map_err(|_| "the moment does not fit the pattern".to_owned())
        });
        Ok(Arc::new(made?))
    });
    Ok(own(&name, &[&node], Kind::TEXT, work).fallible())
}

fn from_seconds(mut call: Call<'_>) -> Result<Node, String> {
    let seconds = integer(call.arguments.swap_remove(0))?;
    let kind = Kind::Timestamp { zoned: true };
    let work: Work = Arc::new(|columns| {
        let seconds = columns[0].as_primitive::<Int64Type>();
        let made: Moments = numbers(seconds, OnRefusal::Fail, |row| {
            calendar::moment(seconds.value(row).checked_mul(calendar::SECOND))
        })?;
        Ok(Arc::new(made.with_timezone("UTC")))
    });
    Ok(own("from_unixtime", &[&seconds], kind, work).fallible())
}

/// Arithmetic in which a date, a moment or an interval takes part; none when neither side is one.
pub(crate) fn arithmetic(left: &Node, operator: Operator, right: &Node) -> Option<Result<Node, String>> {
    let timely = |node: &Node| {
        matches!(
            node.kind,
            Kind::Date | Kind::Time | Kind::Timestamp { .. } | Kind::Interval
        )
    };
    if !timely(left) && !timely(right) {
        return None;
    }
    Some(timed(left, operator, right))
}

fn timed(left: &Node, operator: Operator, right: &Node) -> Result<Node, String> {
    let minus = operator == Operator::Minus;
    if !minus && operator != Operator::Plus {
        return Err(format!(
            "operator `{operator}` does not take {} and {}",
            left.kind, right.kind
        ));
    }
    if right.literal.is_some() && minus {
        let right = convert(right.clone(), &left.kind)?;
        return timed(left, operator, &right);
    }
    match (&left.kind, &right.kind) {
        (Kind::Date, Kind::Integer { .. }) => Ok(move_days(left, right, minus)),
        (Kind::Integer { .. }, Kind::Date) if !minus => Ok(move_days(right, left, false)),
        (Kind::Date, Kind::Date) if minus => Ok(days_between(left, right)),
        (Kind::Date, Kind::Interval) => move_by(
            &convert(left.clone(), &Kind::Timestamp { zoned: false })?,
            right,
            minus,
        ),
        (Kind::Timestamp { .. }, Kind::Interval) => move_by(left, right, minus),
        (Kind::Interval, Kind::Date | Kind::Timestamp { .. }) if !minus => timed(right, operator, left),
        (Kind::Interval, Kind::Interval) => Ok(sum_of_intervals(left, right, minus)),
        (Kind::Date | Kind::Timestamp { zoned: false }, Kind::Date | Kind::Timestamp { zoned: false })
            if minus =>
        {
            let kind = Kind::Timestamp { zoned: false };
            Ok(time_between(
                &convert(left.clone(), &kind)?,
                &convert(right.clone(), &kind)?,
            ))
        }
        (Kind::Timestamp { zoned: true }, Kind::Timestamp { zoned: true }) if minus => {
            Ok(time_between(left, right))
        }
        _ => Err(format!(
            "operator `{operator}` does not take {} and {}",
            left.kind, right.kind
        )),
    }
}

fn move_days(date: &Node, days: &Node, minus: bool) -> Node {
    let work: Work = Arc::new(move |columns| {
        let (dates, days) = (
            columns[0].as_primitive::<Date32Type>(),
            columns[1].as_primitive::<Int64Type>(),
        );
        let made = numbers::<Date32Type>(&present(columns), OnRefusal::Fail, |row| {
            let (date, days) = (calendar::finite_date(dates.value(row))?, days.value(row));
            calendar::date(match minus {
                true => date.checked_sub(days),
                false => date.checked_add(days),
            })
        });
        Ok(Arc::new(made?))
    });
    own(&format!("days {minus}"), &[date, days], Kind::Date, work)
}

fn days_between(left: &Node, right: &Node) -> Node {
    let work: Work = Arc::new(|columns| {
        let (left, right) = (
            columns[0].as_primitive::<Date32Type>(),
            columns[1].as_primitive::<Date32Type>(),
        );
        let made = numbers::<Int64Type>(&present(columns), OnRefusal::Fail, |row| {
            Ok(calendar::finite_date(left.value(row))? - calendar::finite_date(right.value(row))?)
        });
        Ok(Arc::new(made?))
    });
    own("days between", &[left, right], Kind::INTEGER, work)
}

/// Months, days and microseconds of an interval.
fn parts_of(bytes: &[u8]) -> (i64, i64, i64) {
    let eight = |from: usize| bytes[from..from + 8].try_into().map_or(0, i64::from_be_bytes);
    let four = |from: usize| bytes[from..from + 4].try_into().map_or(0, i32::from_be_bytes);
    (i64::from(four(12)), i64::from(four(8)), eight(0))
}

fn interval(months: Option<i64>, days: Option<i64>, micros: Option<i64>) -> Result<[u8; 16], String> {
    let small = |value: Option<i64>| value.and_then(|value| i32::try_from(value).ok());
    let (Some(months), Some(days), Some(micros)) = (small(months), small(days), micros) else {
        return Err("the interval is out of range".to_owned());
    };
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&micros.to_be_bytes());
    bytes[8..12].copy_from_slice(&days.to_be_bytes());
    bytes[12..].copy_from_slice(&months.to_be_bytes());
    Ok(bytes)
}

fn intervals(
    columns: &[ArrayRef],
    value: impl Fn(usize) -> Result<[u8; 16], String>,
) -> Result<ArrayRef, String> {
    let rows = present(columns);
    let mut made = FixedSizeBinaryBuilder::with_capacity(rows.len(), 16);
    for row in 0..rows.len() {
        match rows.is_null(row) {
            true => made.append_null(),
            false => made
                .append_value(value(row)?)
                .map_err(|error| error.to_string())?,
        }
    }
    Ok(Arc::new(made.finish()))
}

/// Months first, then days, then the time: the order in which people count.
fn move_by(moment: &Node, by: &Node, minus: bool) -> Result<Node, String> {
    let kind = moment.kind.clone();
    let zone = zone(&kind);
    let work: Work = Arc::new(move |columns| {
        let moments = columns[0].as_primitive::<TimestampMicrosecondType>();
        let by = columns[1].as_fixed_size_binary();
        let made: Moments = numbers(&present(columns), OnRefusal::Fail, |row| {
            let micros = calendar::finite(moments.value(row))?;
            let sign = if minus { -1 } else { 1 };
            let (months, days, time) = parts_of(by.value(row));
            let moved = || {
                let day = calendar::add_months(micros.div_euclid(DAY), sign * months)?;
                let day = day.checked_add(sign * days)?;
                let whole = day.checked_mul(DAY)?.checked_add(micros.rem_euclid(DAY))?;
                whole.checked_add(time.checked_mul(sign)?)
            };
            calendar::moment(moved())
        })?;
        Ok(Arc::new(made.with_timezone_opt(zone.clone())))
    });
    Ok(own(&format!("move {minus}"), &[moment, by], kind, work))
}

fn time_between(left: &Node, right: &Node) -> Node {
    let work: Work = Arc::new(|columns| {
        let left = columns[0].as_primitive::<TimestampMicrosecondType>();
        let right = columns[1].as_primitive::<TimestampMicrosecondType>();
        intervals(columns, |row| {
            let (left, right) = (
                calendar::finite(left.value(row))?,
                calendar::finite(right.value(row))?,
            );
            let micros = left.checked_sub(right);
            interval(
                Some(0),
                micros.map(|micros| micros / DAY),
                micros.map(|micros| micros % DAY),
            )
        })
    });
    own("time between", &[left, right], Kind::Interval, work)
}

fn sum_of_intervals(left: &Node, right: &Node, minus: bool) -> Node {
    let work: Work = Arc::new(move |columns| {
        let (left, right) = (
            columns[0].as_fixed_size_binary(),
            columns[1].as_fixed_size_binary(),
        );
        intervals(columns, |row| {
            let (one, two) = (parts_of(left.value(row)), parts_of(right.value(row)));
            let sum = |one: i64, two: i64| {
                if minus {
                    one.checked_sub(two)
                } else {
                    one.checked_add(two)
                }
            };
            interval(sum(one.0, two.0), sum(one.1, two.1), sum(one.2, two.2))
        })
    });
    own(
        &format!("intervals {minus}"),
        &[left, right],
        Kind::Interval,
        work,
    )
}

//! Cells: a row of the binary protocol taken apart without a copy. What the bytes of a cell mean, its column says.

use mysql_async::consts::{ColumnFlags, ColumnType};
use mysql_async::{Column, Value};
use whimbrel_core::{Error, Result};

/// The form in which the server sends the values of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
    F32,
    F64,
    /// A day, with or without its time.
    Date,
    Time,
    Bytes,
}

/// Where a cell stands in its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cell {
    from: u32,
    /// Its length, or [`NULL`].
    length: u32,
}

const NULL: u32 = u32::MAX;

impl Sent {
    /// Returns the form of a column.
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other types are sent as bytes")]
    pub(crate) fn of(column: &Column) -> Self {
        let unsigned = column.flags().contains(ColumnFlags::UNSIGNED_FLAG);
        let one_of = |with_sign, without| if unsigned { without } else { with_sign };
        match column.column_type() {
            ColumnType::MYSQL_TYPE_TINY => one_of(Self::I8, Self::U8),
            ColumnType::MYSQL_TYPE_SHORT | ColumnType::MYSQL_TYPE_YEAR => one_of(Self::I16, Self::U16),
            ColumnType::MYSQL_TYPE_LONG | ColumnType::MYSQL_TYPE_INT24 => one_of(Self::I32, Self::U32),
            ColumnType::MYSQL_TYPE_LONGLONG => one_of(Self::I64, Self::U64),
            ColumnType::MYSQL_TYPE_FLOAT => Self::F32,
            ColumnType::MYSQL_TYPE_DOUBLE => Self::F64,
            ColumnType::MYSQL_TYPE_DATE
            | ColumnType::MYSQL_TYPE_NEWDATE
            | ColumnType::MYSQL_TYPE_DATETIME
            | ColumnType::MYSQL_TYPE_DATETIME2
            | ColumnType::MYSQL_TYPE_TIMESTAMP
            | ColumnType::MYSQL_TYPE_TIMESTAMP2 => Self::Date,
            ColumnType::MYSQL_TYPE_TIME | ColumnType::MYSQL_TYPE_TIME2 => Self::Time,
            _ => Self::Bytes,
        }
    }

    /// The bytes of every value; none where the length stands before it.
    fn width(self) -> Option<usize> {
        match self {
            Self::I8 | Self::U8 => Some(1),
            Self::I16 | Self::U16 => Some(2),
            Self::I32 | Self::U32 | Self::F32 => Some(4),
            Self::I64 | Self::U64 | Self::F64 => Some(8),
            Self::Date | Self::Time | Self::Bytes => None,
        }
    }

    /// Returns a value of the driver's kind, for whoever looks at few.
    pub(crate) fn value(self, bytes: Option<&[u8]>) -> Value {
        let Some(bytes) = bytes else {
            return Value::NULL;
        };
        match self {
            Self::U64 => Value::UInt(u64::from_le_bytes(fixed(bytes))),
            Self::I8 | Self::U8 | Self::I16 | Self::U16 | Self::I32 | Self::U32 | Self::I64 => {
                Value::Int(self.integer(bytes).unwrap_or(0))
            }
            Self::F32 => Value::Float(f32::from_le_bytes(fixed(bytes))),
            Self::F64 => Value::Double(f64::from_le_bytes(fixed(bytes))),
            Self::Date => {
                let Moment {
                    year,
                    month,
                    day,
                    hour,
                    minute,
                    second,
                    micros,
                } = Moment::read(bytes);
                Value::Date(year, month, day, hour, minute, second, micros)
            }
            Self::Time => {
                let Span {
                    negative,
                    days,
                    hours,
                    minutes,
                    seconds,
                    micros,
                } = Span::read(bytes);
                Value::Time(negative, days, hours, minutes, seconds, micros)
            }
            Self::Bytes => Value::Bytes(bytes.to_vec()),
        }
    }

    /// Returns an integer; none beyond 64 bits with a sign, or for a column of another form.
    #[inline]
    pub(crate) fn integer(self, bytes: &[u8]) -> Option<i64> {
        Some(match self {
            Self::I8 => i64::from(i8::from_le_bytes(fixed(bytes))),
            Self::U8 => i64::from(u8::from_le_bytes(fixed(bytes))),
            Self::I16 => i64::from(i16::from_le_bytes(fixed(bytes))),
            Self::U16 => i64::from(u16::from_le_bytes(fixed(bytes))),
            Self::I32 => i64::from(i32::from_le_bytes(fixed(bytes))),
            Self::U32 => i64::from(u32::from_le_bytes(fixed(bytes))),
            Self::I64 => i64::from_le_bytes(fixed(bytes)),
            Self::U64 => return i64::try_from(u64::from_le_bytes(fixed(bytes))).ok(),
            Self::F32 | Self::F64 | Self::Date | Self::Time | Self::Bytes => return None,
        })
    }
}

/// The bytes of a value of fixed length; what is missing is zero, as the protocol has it.
#[inline]
pub(crate) fn fixed<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.first_chunk().copied().unwrap_or_else(|| {
        let mut filled = [0; N];
        for (to, from) in filled.iter_mut().zip(bytes) {
            *to = *from;
        }
        filled
    })
}

/// A day and its time as they are sent: what is zero at the end is left out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) year: u16,
    pub(crate) month: u8,
    pub(crate) day: u8,
    pub(crate) hour: u8,
    pub(crate) minute: u8,
    pub(crate) second: u8,
    pub(crate) micros: u32,
}

impl Moment {
    #[inline]
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let [y, z, month, day, hour, minute, second, a, b, c, d] = fixed::<11>(bytes);
        Self {
            year: u16::from_le_bytes([y, z]),
            month,
            day,
            hour,
            minute,
            second,
            micros: u32::from_le_bytes([a, b, c, d]),
        }
    }
}

/// A time as it is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) negative: bool,
    pub(crate) days: u32,
    pub(crate) hours: u8,
    pub(crate) minutes: u8,
    pub(crate) seconds: u8,
    pub(crate) micros: u32,
}

impl Span {
    #[inline]
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let [sign, p, q, r, s, hours, minutes, seconds, a, b, c, d] = fixed::<12>(bytes);
        Self {
            negative: sign == 1,
            days: u32::from_le_bytes([p, q, r, s]),
            hours,
            minutes,
            seconds,
            micros: u32::from_le_bytes([a, b, c, d]),
        }
    }
}

impl Cell {
    /// Returns the cell's bytes; none for NULL.
    #[inline]
    pub(crate) fn of(self, row: &[u8]) -> Option<&[u8]> {
        if self.length == NULL {
            return None;
        }
        let from = usize::try_from(self.from).ok()?;
        let length = usize::try_from(self.length).ok()?;
        row.get(from..from + length)
    }
}

/// Takes a row apart; `cells` is filled anew.
#[inline]
pub(crate) fn take_apart(row: &[u8], sent: &[Sent], cells: &mut Vec<Cell>) -> Result<()> {
    /// The first two bits of the map stand for no column.
    const MAP_OFFSET: usize = 2;
    let cut_off = || Error::bug("a row arrived that is cut off");
    cells.clear();
    let map_end = 1 + (sent.len() + 7 + MAP_OFFSET) / 8;
    let nulls = row.get(1..map_end).ok_or_else(cut_off)?;
    let mut at = map_end;
    for (number, sent) in sent.iter().enumerate() {
        let bit = number + MAP_OFFSET;
        if nulls[bit / 8] >> (bit % 8) & 1 == 1 {
            cells.push(Cell {
                from: 0,
                length: NULL,
            });
            continue;
        }
        let length = match sent.width() {
            Some(width) => width,
            None => length(row, &mut at).ok_or_else(cut_off)?,
        };
        cells.push(Cell {
            from: u32::try_from(at).map_err(|_| cut_off())?,
            length: u32::try_from(length).map_err(|_| cut_off())?,
        });
        at += length;
    }
    match at <= row.len() {
        true => Ok(()),
        false => Err(cut_off()),
    }
}

/// Reads a length in the protocol's variable form.
#[inline]
fn length(row: &[u8], at: &mut usize) -> Option<usize> {
    let first = *row.get(*at)?;
    *at += 1;
    let bytes = match first {
        0..=250 => return Some(usize::from(first)),
        0xFC => 2,
        0xFD => 3,
        0xFE => 8,
        0xFB | 0xFF => return None,
    };
    let number = u64::from_le_bytes(fixed(row.get(*at..*at + bytes)?));
    *at += bytes;
    usize::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_comes_apart_without_a_copy() {
        let sent = [Sent::I32, Sent::Bytes, Sent::Bytes, Sent::Date, Sent::U64];
        // The second value is NULL.
        let mut row = vec![0, 0b0000_1000, 7, 0, 0, 0];
        row.extend([0xFC, 3, 0]);
        row.extend(b"abc");
        row.extend([4, 0xE4, 7, 2, 29]);
        row.extend(u64::MAX.to_le_bytes());
        let mut cells = Vec::new();
        take_apart(&row, &sent, &mut cells).unwrap();
        let values: Vec<Value> = cells
            .iter()
            .zip(sent)
            .map(|(cell, sent)| sent.value(cell.of(&row)))
            .collect();
        assert_eq!(
            values,
            [
                Value::Int(7),
                Value::NULL,
                Value::Bytes(b"abc".to_vec()),
                Value::Date(2020, 2, 29, 0, 0, 0, 0),
                Value::UInt(u64::MAX),
            ]
        );
        assert!(take_apart(&row[..row.len() - 1], &sent, &mut cells).is_err());
        assert!(take_apart(&row[..1], &sent, &mut cells).is_err());
    }
}

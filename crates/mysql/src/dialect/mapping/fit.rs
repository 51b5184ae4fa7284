//! The limits of a row (65,535 bytes as declared, half a page for what cannot leave it, 1,017 columns) and of a key (3,072 bytes).

use whimbrel_core::{Mapped, NativeColumn};

use super::native::KEY_BYTES_MAX;
use crate::flavour::Flavour;
use crate::native::Kind;

const ROW_BYTES_MAX: u64 = 65_535;
/// Of a page of 16 KiB, two rows must fit.
const IN_PAGE_BYTES_MAX: u64 = 8_126;
const COLUMNS_MAX: usize = 1_017;
/// What a value that may move out of the page takes there at most, with its length.
const LOCAL_BYTES_MAX: u64 = 41;
/// The same in MariaDB, where only values of more than 255 bytes move out.
const MARIADB_LOCAL_BYTES: u64 = 21;
const MARIADB_SHORT_BYTES_MAX: u64 = 256;
/// Header, transaction and roll pointer, and a row number where there is no key.
const OVERHEAD_BYTES: u64 = 20;
/// Characters take up to so many bytes.
const CHAR_BYTES: u64 = 4;
/// A pointer and the length of a value that stands outside of the declared row.
const LONG_BYTES: u64 = 12;

/// What a type takes of a row and of a key.
#[derive(Clone, Copy)]
enum Size {
    /// Up to so many characters.
    Chars(u32),
    /// So many characters, padded.
    FixedChars(u32),
    /// Up to so many bytes.
    Bytes(u32),
    /// So many bytes, padded.
    FixedBytes(u32),
    /// Text that stands outside of the declared row.
    LongText,
    /// Bytes that do.
    LongBytes,
    /// Whatever else does, and of which no beginning can be indexed.
    Long,
    /// So many bytes, always.
    Plain(u64),
}

impl Size {
    fn of(native: &str) -> Self {
        let kind = Kind::parse(native);
        match kind {
            Kind::Varchar(chars) => Self::Chars(chars),
            Kind::Char(chars) => Self::FixedChars(chars),
            Kind::Varbinary(bytes) => Self::Bytes(bytes),
            Kind::Binary(bytes) => Self::FixedBytes(bytes),
            Kind::Text(_) => Self::LongText,
            Kind::Blob(_) => Self::LongBytes,
            Kind::Json | Kind::Spatial(_) | Kind::Vector(_) | Kind::Other(_) => Self::Long,
            Kind::Integer { bits, .. } | Kind::Float { bits, .. } => Self::Plain(u64::from(bits / 8)),
            Kind::Decimal { precision, .. } => Self::Plain(u64::from(precision) / 2 + 4),
            Kind::Bit(length) => Self::Plain(u64::from(length.div_ceil(8))),
            Kind::Uuid | Kind::Inet6 => Self::Plain(16),
            Kind::Set(_) | Kind::Datetime(_) => Self::Plain(8),
            Kind::Timestamp(_) => Self::Plain(7),
            Kind::Time(_) => Self::Plain(6),
            Kind::Inet4 => Self::Plain(4),
            Kind::Date => Self::Plain(3),
            Kind::Enum(_) => Self::Plain(2),
            Kind::Year => Self::Plain(1),
        }
    }

    /// The long type that a limited one can become, and its limit.
    fn longer(self) -> Option<(&'static str, Self, u32)> {
        match self {
            Self::Chars(limit) => Some(("longtext", Self::LongText, limit)),
            Self::Bytes(limit) => Some(("longblob", Self::LongBytes, limit)),
            Self::FixedChars(_)
            | Self::FixedBytes(_)
            | Self::LongText
            | Self::LongBytes
            | Self::Long
            | Self::Plain(_) => None,
        }
    }

    /// What a column takes of the declared row.
    fn declared(self) -> u64 {
        let with_length = |bytes: u64| bytes + if bytes > 255 { 2 } else { 1 };
        match self {
            Self::Chars(chars) => with_length(u64::from(chars) * CHAR_BYTES),
            Self::FixedChars(chars) => u64::from(chars) * CHAR_BYTES,
            Self::Bytes(bytes) => with_length(u64::from(bytes)),
            Self::FixedBytes(bytes) => u64::from(bytes),
            Self::LongText | Self::LongBytes | Self::Long => LONG_BYTES,
            Self::Plain(bytes) => bytes,
        }
    }

    /// What a column takes of the page even when its value has moved out of it.
    fn in_page(self, flavour: Flavour) -> u64 {
        let local = local_bytes(flavour);
        match self {
            Self::FixedBytes(bytes) => u64::from(bytes),
            Self::LongText | Self::LongBytes | Self::Long => local,
            Self::Chars(_) | Self::Bytes(_) if flavour == Flavour::MariaDb => match self.declared() {
                short @ ..=MARIADB_SHORT_BYTES_MAX => short,
                _ => local,
            },
            Self::Chars(_) | Self::FixedChars(_) | Self::Bytes(_) | Self::Plain(_) => {
                self.declared().min(LOCAL_BYTES_MAX)
            }
        }
    }

    /// What a column takes of a key.
    fn in_key(self) -> u64 {
        match self {
            Self::Chars(chars) | Self::FixedChars(chars) => u64::from(chars) * CHAR_BYTES,
            Self::Bytes(bytes) | Self::FixedBytes(bytes) => u64::from(bytes),
            Self::LongText | Self::LongBytes | Self::Long => u64::from(u32::MAX),
            Self::Plain(bytes) => bytes,
        }
    }

    /// What one character or byte takes, of the types of which a beginning can be indexed.
    fn unit(self) -> Option<u64> {
        match self {
            Self::Chars(_) | Self::FixedChars(_) | Self::LongText => Some(CHAR_BYTES),
            Self::Bytes(_) | Self::FixedBytes(_) | Self::LongBytes => Some(1),
            Self::Long | Self::Plain(_) => None,
        }
    }
}

fn local_bytes(flavour: Flavour) -> u64 {
    match flavour {
        Flavour::MySql => LOCAL_BYTES_MAX,
        Flavour::MariaDb => MARIADB_LOCAL_BYTES,
    }
}

fn sizes(columns: &[NativeColumn<'_>]) -> Vec<Size> {
    columns.iter().map(|column| Size::of(column.native)).collect()
}

/// Returns other types for the columns that together are too much, the widest that no index needs first.
pub(in crate::dialect) fn fit_row(
    flavour: Flavour,
    columns: &[NativeColumn<'_>],
) -> Vec<(usize, Mapped<String>)> {
    let mut sizes = sizes(columns);
    let free = |place: usize| !columns[place].usage.indexed;
    let in_row = Limit {
        bytes: ROW_BYTES_MAX,
        taken: Size::declared,
    };
    let in_page = Limit {
        bytes: IN_PAGE_BYTES_MAX - OVERHEAD_BYTES,
        taken: |size: Size| size.in_page(flavour),
    };
    let mut changes = moved_out(&mut sizes, free, &in_row);
    changes.extend(moved_out(&mut sizes, free, &in_page));
    changes.extend(too_many(&sizes, flavour));
    changes.sort_by_key(|(place, _)| *place);
    changes
}

/// So many bytes for all columns together, of which each takes some.
struct Limit<F> {
    bytes: u64,
    taken: F,
}

/// Makes long texts and bytes of the widest limited ones until all columns together are within the limit.
fn moved_out<F: Fn(Size) -> u64>(
    sizes: &mut [Size],
    is_free: impl Fn(usize) -> bool,
    limit: &Limit<F>,
) -> Vec<(usize, Mapped<String>)> {
    let mut total = sizes.iter().map(|size| (limit.taken)(*size)).sum::<u64>() + null_bytes(sizes.len());
    let mut candidates: Vec<usize> = (0..sizes.len()).filter(|place| is_free(*place)).collect();
    candidates.sort_by_key(|place| std::cmp::Reverse((limit.taken)(sizes[*place])));
    let mut changes = Vec::new();
    for place in candidates {
        let Some((long, becomes, chars)) = sizes[place].longer() else {
            continue;
        };
        let (before, after) = ((limit.taken)(sizes[place]), (limit.taken)(becomes));
        if total <= limit.bytes || after >= before {
            continue;
        }
        total = total - before + after;
        sizes[place] = becomes;
        let why = format!("the row would be too long; the limit of {chars} is not enforced");
        changes.push((place, Mapped::widened(long.to_owned(), why)));
    }
    changes
}

/// The columns at the end for which there is no room, whatever their type.
fn too_many(sizes: &[Size], flavour: Flavour) -> Vec<(usize, Mapped<String>)> {
    let mut used = OVERHEAD_BYTES + null_bytes(sizes.len());
    let mut refused = Vec::new();
    for (place, size) in sizes.iter().enumerate() {
        let bytes = size.in_page(flavour);
        let why = if place >= COLUMNS_MAX {
            format!("a table has at most {COLUMNS_MAX} columns")
        } else if used + bytes > IN_PAGE_BYTES_MAX {
            format!("the columns before it fill the {IN_PAGE_BYTES_MAX} bytes that a row has in its page")
        } else {
            used += bytes;
            continue;
        };
        refused.push((place, Mapped::unsupported("longtext".to_owned(), why)));
    }
    refused
}

fn null_bytes(columns: usize) -> u64 {
    u64::try_from(columns.div_ceil(8)).unwrap_or(u64::MAX)
}

/// Returns how much of each column of a key fits, where not all of it does: every column up to one common length.
pub(in crate::dialect) fn fit_key(columns: &[NativeColumn<'_>]) -> Vec<Option<u32>> {
    let sizes = sizes(columns);
    let room = u64::from(KEY_BYTES_MAX);
    if sizes.iter().map(|size| size.in_key()).sum::<u64>() <= room {
        return Vec::new();
    }
    let whole = sizes.iter().filter(|size| size.unit().is_none());
    let taken: u64 = whole.map(|size| size.in_key()).sum();
    let common = common_length(&sizes, room.saturating_sub(taken));
    sizes
        .iter()
        .map(|size| {
            let unit = size.unit().filter(|_| size.in_key() > common)?;
            u32::try_from(common / unit).ok()
        })
        .collect()
}

/// The most bytes that every column with a beginning can have so that all fit: the short ones leave their room to the long.
fn common_length(sizes: &[Size], room: u64) -> u64 {
    let divisible = sizes.iter().filter(|size| size.unit().is_some());
    let mut lengths: Vec<u64> = divisible.map(|size| size.in_key()).collect();
    lengths.sort_unstable();
    let mut left = room;
    let mut count = u64::try_from(lengths.len()).unwrap_or(u64::MAX).max(1);
    for length in lengths {
        if length > left / count {
            break;
        }
        left -= length;
        count = (count - 1).max(1);
    }
    left / count
}

#[cfg(test)]
mod tests {
    use whimbrel_core::{ColumnUse, Fidelity, LogicalType};

    use super::*;

    const TEXT: LogicalType = LogicalType::Text {
        chars_max: None,
        padded: false,
    };

    fn columns<'a>(natives: &[(&'a str, bool)]) -> Vec<NativeColumn<'a>> {
        natives
            .iter()
            .map(|(native, indexed)| NativeColumn {
                logical: &TEXT,
                native,
                usage: ColumnUse {
                    indexed: *indexed,
                    ..ColumnUse::default()
                },
            })
            .collect()
    }

    fn keyed(natives: &[&str]) -> Vec<Option<u32>> {
        let natives: Vec<(&str, bool)> = natives.iter().map(|native| (*native, true)).collect();
        fit_key(&columns(&natives))
    }

    #[test]
    fn a_key_takes_the_beginnings_of_what_is_too_long() {
        assert!(keyed(&["int", "varchar(700)"]).is_empty());
        assert_eq!(keyed(&["longtext"]), [Some(768)]);
        assert_eq!(keyed(&["longblob"]), [Some(3_072)]);
        assert_eq!(keyed(&["int", "longtext"]), [None, Some(767)]);
        assert_eq!(keyed(&["varchar(100)", "varchar(768)"]), [None, Some(668)]);
        assert_eq!(keyed(&["varchar(768)", "longtext"]), [Some(384), Some(384)]);
    }

    fn fitted(natives: &[(&str, bool)]) -> Vec<(usize, String, bool)> {
        fitted_in(Flavour::MySql, natives)
    }

    fn fitted_in(flavour: Flavour, natives: &[(&str, bool)]) -> Vec<(usize, String, bool)> {
        fit_row(flavour, &columns(natives))
            .into_iter()
            .map(|(place, to)| {
                let refused = matches!(to.fidelity, Fidelity::Unsupported(_));
                (place, to.to, refused)
            })
            .collect()
    }

    #[test]
    fn a_short_row_stays() {
        assert!(fitted(&[("int", true), ("varchar(16000)", false)]).is_empty());
    }

    #[test]
    fn the_widest_column_without_an_index_moves_out() {
        let changes = fitted(&[
            ("varchar(9000)", false),
            ("varchar(700)", true),
            ("varchar(10000)", false),
            ("varbinary(100)", false),
        ]);
        assert_eq!(changes, [(2, "longtext".to_owned(), false)]);
    }

    #[test]
    fn columns_beyond_the_page_are_refused() {
        let many = vec![("longtext", false); 200];
        let refused = fitted(&many);
        assert_eq!(
            refused.first().map(|(place, _, refused)| (*place, *refused)),
            Some((197, true))
        );
        assert_eq!(refused.len(), 3);
        let in_mariadb = |native, count| fitted_in(Flavour::MariaDb, &vec![(native, false); count]);
        assert!(in_mariadb("longtext", 383).is_empty());
        assert_eq!(in_mariadb("longtext", 390)[0].0, 383);
        // Short texts cannot leave the page there, but long ones can.
        assert!(in_mariadb("varchar(63)", 31).is_empty());
        let moved = in_mariadb("varchar(63)", 100);
        assert!(
            moved.len() > 60
                && moved
                    .iter()
                    .all(|(_, native, refused)| native == "longtext" && !refused)
        );
        let narrow = vec![("tinyint(1)", false); 1_020];
        assert_eq!(fitted(&narrow).len(), 3);
    }
}

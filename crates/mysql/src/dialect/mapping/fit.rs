//! The limits of a row: 65,535 bytes as declared, half a page for what cannot leave it, 1,017 columns.

use whimbrel_core::{Mapped, NativeColumn};

use super::native::VARCHAR_MAX;
use crate::native::Kind;

const ROW_BYTES_MAX: u64 = 65_535;
/// Of a page of 16 KiB, two rows must fit.
const IN_PAGE_BYTES_MAX: u64 = 8_126;
const COLUMNS_MAX: usize = 1_017;
/// What stays in the row of a value that has moved out of it, or may.
const LOCAL_BYTES_MAX: u64 = 40;
/// Header, transaction and roll pointer, and a row number where there is no key.
const OVERHEAD_BYTES: u64 = 32;
/// Characters take up to so many bytes.
const CHAR_BYTES: u64 = 4;
/// The longest fixed columns that always stay in the row.
const FIXED_BYTES_MAX: u64 = 768;

/// Returns other types for the columns that together are too much, the widest that no index needs first.
pub(in crate::dialect) fn fit_row(columns: &[NativeColumn<'_>]) -> Vec<(usize, Mapped<String>)> {
    let kinds: Vec<Kind> = columns.iter().map(|column| Kind::parse(column.native)).collect();
    let mut changes = moved_out(columns, &kinds);
    changes.extend(too_many(&kinds, &changes));
    changes.sort_by_key(|(place, _)| *place);
    changes
}

/// Makes long texts and bytes of the widest limited ones until the declared row is short enough.
fn moved_out(columns: &[NativeColumn<'_>], kinds: &[Kind]) -> Vec<(usize, Mapped<String>)> {
    let mut total: u64 = kinds.iter().map(declared_bytes).sum::<u64>() + bytes_of_bits(kinds.len());
    let mut candidates: Vec<usize> = (0..kinds.len())
        .filter(|place| {
            !columns[*place].usage.indexed && matches!(kinds[*place], Kind::Varchar(_) | Kind::Varbinary(_))
        })
        .collect();
    candidates.sort_by_key(|place| std::cmp::Reverse(declared_bytes(&kinds[*place])));
    let mut changes = Vec::new();
    for place in candidates {
        if total <= ROW_BYTES_MAX {
            break;
        }
        let (long, limit) = match &kinds[place] {
            Kind::Varbinary(limit) => ("longblob", limit),
            Kind::Varchar(limit) => ("longtext", limit),
            _ => continue,
        };
        total = total - declared_bytes(&kinds[place]) + LONG_BYTES;
        let why = format!("a row holds {ROW_BYTES_MAX} bytes; the limit of {limit} is not enforced");
        changes.push((place, Mapped::widened(long.to_owned(), why)));
    }
    changes
}

/// The columns at the end for which there is no room, whatever their type.
fn too_many(kinds: &[Kind], changes: &[(usize, Mapped<String>)]) -> Vec<(usize, Mapped<String>)> {
    let changed = |place: usize| changes.iter().any(|(other, _)| *other == place);
    let mut used = OVERHEAD_BYTES + bytes_of_bits(kinds.len());
    let mut refused = Vec::new();
    for (place, kind) in kinds.iter().enumerate() {
        let bytes = match changed(place) {
            true => LOCAL_BYTES_MAX + 1,
            false => in_page_bytes(kind),
        };
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

/// A pointer and the length of a value of its own.
const LONG_BYTES: u64 = 12;

fn bytes_of_bits(count: usize) -> u64 {
    u64::try_from(count.div_ceil(8)).unwrap_or(u64::MAX)
}

/// What a column takes of the declared row.
fn declared_bytes(kind: &Kind) -> u64 {
    match kind {
        Kind::Varchar(chars) => with_length(u64::from(*chars) * CHAR_BYTES),
        Kind::Char(chars) => u64::from(*chars) * CHAR_BYTES,
        Kind::Varbinary(bytes) => with_length(u64::from(*bytes)),
        Kind::Text(_) | Kind::Blob(_) | Kind::Json | Kind::Spatial(_) | Kind::Vector(_) | Kind::Other(_) => {
            LONG_BYTES
        }
        fixed => fixed_bytes(fixed),
    }
}

fn with_length(bytes: u64) -> u64 {
    bytes + if bytes > 255 { 2 } else { 1 }
}

/// What a column can take of the page at least.
fn in_page_bytes(kind: &Kind) -> u64 {
    let declared = declared_bytes(kind);
    match kind {
        Kind::Binary(_) if declared <= FIXED_BYTES_MAX => declared,
        Kind::Text(_) | Kind::Blob(_) | Kind::Json | Kind::Spatial(_) | Kind::Vector(_) | Kind::Other(_) => {
            LOCAL_BYTES_MAX + 1
        }
        _ => declared.min(LOCAL_BYTES_MAX + 1),
    }
}

fn fixed_bytes(kind: &Kind) -> u64 {
    match kind {
        Kind::Integer { bits, .. } => u64::from(*bits / 8),
        Kind::Decimal { precision, .. } => u64::from(*precision) / 2 + 4,
        Kind::Float { bits, .. } => u64::from(*bits / 8),
        Kind::Bit(length) => u64::from(length.div_ceil(8)),
        Kind::Binary(bytes) => u64::from(*bytes),
        Kind::Uuid | Kind::Inet6 => 16,
        Kind::Inet4 => 4,
        Kind::Year => 1,
        Kind::Enum(labels) => {
            if labels.len() > 255 {
                2
            } else {
                1
            }
        }
        Kind::Set(_) | Kind::Datetime(_) => 8,
        Kind::Date => 3,
        Kind::Time(_) => 6,
        Kind::Timestamp(_) => 7,
        Kind::Char(_) | Kind::Varchar(_) | Kind::Varbinary(_) => u64::from(VARCHAR_MAX),
        Kind::Text(_) | Kind::Blob(_) | Kind::Json | Kind::Spatial(_) | Kind::Vector(_) | Kind::Other(_) => {
            LONG_BYTES
        }
    }
}

#[cfg(test)]
mod tests {
    use whimbrel_core::{ColumnUse, Fidelity, LogicalType};

    use super::*;

    fn fitted(natives: &[(&str, bool)]) -> Vec<(usize, String, bool)> {
        let logical = LogicalType::text();
        let columns: Vec<NativeColumn<'_>> = natives
            .iter()
            .map(|(native, indexed)| NativeColumn {
                logical: &logical,
                native,
                usage: ColumnUse {
                    indexed: *indexed,
                    ..ColumnUse::default()
                },
            })
            .collect();
        fit_row(&columns)
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
            Some((196, true))
        );
        assert_eq!(refused.len(), 4);
        let narrow = vec![("tinyint(1)", false); 1_020];
        assert_eq!(fitted(&narrow).len(), 3);
    }
}

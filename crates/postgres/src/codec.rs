//! Values between COPY BINARY and Arrow: reading in `decode`, writing in `encode`, decimals in `numeric`, the raw
//! form for equal engines in `wire`. No connection is used here.

mod cells;
pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod numeric;
pub(crate) mod text;
pub(crate) mod wire;

/// What a COPY BINARY stream begins with: signature, flags and the length of an empty extension.
pub(crate) const COPY_HEADER: &[u8; 19] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// Names the packing of rows: the tuples of COPY BINARY.
pub(crate) const PACKING: &str = "postgres copy binary";

/// Microseconds (and days) between 1970-01-01 and 2000-01-01, from which the server counts.
pub(crate) const EPOCH_DAYS: i32 = 10_957;
pub(crate) const EPOCH_MICROS: i64 = 10_957 * 86_400_000_000;

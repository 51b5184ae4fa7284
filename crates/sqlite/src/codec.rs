//! Values both ways: the engine's into Arrow columns ([`RowBatch`]) and Arrow's into the engine's ([`Lane`]).
//!
//! | logical type | stored as |
//! |---|---|
//! | any | any storage class: tag 1 and 8 bytes (integer), 2 and 8 bytes (real's bits), both little-endian; 3 and the text's bytes; 4 and the blob |
//! | boolean | integer 0 or 1 |
//! | decimal | text of digits; integer or real where the column is one |
//! | date, time, timestamp | ISO 8601 text, as the core's calendar writes it |
//! | interval | `P{months}M{days}DT{seconds}S`, see [`whimbrel_core::format_interval`] |
//! | uuid | text of 36 lower-case characters |
//! | json, enum, bits, time with zone | text |

mod columns;
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "every other storage class is refused alike"
)]
mod decode;
mod digits;
mod encode;
mod moments;

pub(crate) use columns::RowBatch;
pub(crate) use columns::size_of;
pub(crate) use decode::{decimal, exact_real, lower_uuid, real_text, shown};
pub(crate) use digits::put as put_decimal;
pub(crate) use encode::{Lane, tagged};

/// Storage-class tags of a travelling `any` value.
pub(crate) mod tag {
    pub(crate) const INTEGER: u8 = 1;
    pub(crate) const REAL: u8 = 2;
    pub(crate) const TEXT: u8 = 3;
    pub(crate) const BLOB: u8 = 4;
}

//! Values both ways: what the protocol sends to Arrow, and Arrow to what the server loads. No connection is used here.
//!
//! `form` decides how a column is asked for, `decode` gathers rows, `value` translates one value, `print` spells values as text, `key` is
//! about keys; `encode`, `text` and `load` are the way back.

pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod form;
pub(crate) mod key;
pub(crate) mod load;
pub(crate) mod print;
pub(crate) mod text;
mod value;

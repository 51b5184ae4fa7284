//! Values both ways: what the protocol sends to Arrow, and Arrow to what the server loads. No connection is used here.
//!
//! `form` decides how a column is asked for, `decode` gathers rows out of their `cell`s, `way` and `value` translate one value, `spell` and
//! `print` make text of it, `key` is about keys; `encode`, `text` and `load` are the way back.

pub(crate) mod cell;
pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod form;
pub(crate) mod key;
pub(crate) mod load;
pub(crate) mod print;
pub(crate) mod spell;
pub(crate) mod text;
mod value;
mod way;

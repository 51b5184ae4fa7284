//! Values both ways: what the protocol sends to Arrow, and Arrow to what the server loads.

mod decode;
mod encode;

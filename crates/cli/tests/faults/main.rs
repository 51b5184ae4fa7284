//! What must not hurt: connections, servers, disks, sessions and the program itself fail in the middle of a move, and every row arrives
//! once all the same. The promises kill and fail at every point; here things break outside of the program.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod builds;
mod disks;
mod ends;
#[path = "../promises/engines.rs"]
#[expect(dead_code, reason = "the promises need more of the engines than this")]
mod engines;
mod moves;
mod route;
mod servers;
mod sessions;
mod slowness;
mod stops;
mod wire;

//! What tests need and users never see: private databases, the binary under test, faults on the wire, and what every connector must do.
//! Nothing here knows the application; a test that cannot do its work panics with the reason.

pub mod binary;
pub mod conformance;
pub mod many;
pub mod mysql;
pub mod postgres;
mod private_mysql;
mod private_server;
pub mod proxy;
pub mod sqlite;

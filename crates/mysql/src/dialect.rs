//! The dialect: types, quoting, expressions and statements of a version and flavour.

mod ddl;
mod mapping;
mod neutral;
mod spelling;

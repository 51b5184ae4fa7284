//! Classifies the driver's and the server's errors in one table.

//! One consistent state for several readers.

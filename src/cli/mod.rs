//! Floor 6: the command line.

pub mod data;

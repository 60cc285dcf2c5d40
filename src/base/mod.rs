//! Floor 0: what every floor may use and none owns: seeded random numbers, files written whole or not
//! at all, hashes, progress lines, wide vectors, and the process itself.

pub mod files;
pub mod hash;
pub mod process;
pub mod progress;
pub mod random;
pub mod vector;

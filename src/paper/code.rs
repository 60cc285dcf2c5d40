//! What the code is, as `build.rs` found it: it enters the key of each step.

use crate::base::hash::sha256_parts;

include!(concat!(env!("OUT_DIR"), "/code.rs"));

/// SHA-256 over all source files whose path starts with one of `rooms` (`src/grid/`, `src/methods/edsr.rs`).
///
/// Returns `None` where a room matches no file: a step that names a room that is gone must not pass silently.
pub fn rooms_sha256(rooms: &[&str]) -> Option<String> {
    if rooms.iter().any(|room| !SOURCES.iter().any(|(path, _)| path.starts_with(room))) {
        return None;
    }
    let parts =
        SOURCES.iter().filter(|(path, _)| rooms.iter().any(|room| path.starts_with(room))).map(|(p, h)| (*p, h.as_bytes()));
    Some(sha256_parts(parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_differ_and_unknown_rooms_are_seen() {
        let grid = rooms_sha256(&["src/grid/"]).unwrap();
        assert_ne!(grid, rooms_sha256(&["src/grid/", "src/base/"]).unwrap());
        assert_eq!(rooms_sha256(&["src/no_such_room/"]), None);
        assert_eq!(LOCKFILE_SHA256.len(), 64);
        assert!(NUMERICAL_CRATES.contains("candle-core"));
    }
}

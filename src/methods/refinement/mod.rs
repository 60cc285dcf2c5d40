//! What every learned refinement shares, so that all of them learn from the same pairs and see fields the same way:
//! where fine crops come from ([`FineFieldSource`]), how they are varied ([`Degradation`]), how a pair is normalised
//! ([`TileConfig`]), and how a frame is cut into tiles and put together again ([`Tiles`]).

mod degradation;
mod pairs;
mod random_field;
mod source;
mod tile_config;
mod tiles;

pub use degradation::Degradation;
pub(in crate::methods) use pairs::{Batch, batch, largest_crop, network_input, tile_statistics};
pub use source::FineFieldSource;
pub use tile_config::TileConfig;
pub use tiles::Tiles;
pub(in crate::methods) use tiles::{Layout, correct_by_tiles, window};

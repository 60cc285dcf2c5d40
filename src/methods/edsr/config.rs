//! The sizes of the network.

use serde::{Deserialize, Serialize};

use crate::methods::error::{MethodError, MethodResult};
use crate::methods::refinement::TileConfig;

/// Sizes of the network; [`EdsrConfig::quick`] trains on a CPU, [`EdsrConfig::paper`] is EDSR-baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EdsrConfig {
    /// How a tile is cut and normalised.
    pub tile: TileConfig,
    /// Residual blocks.
    pub blocks: usize,
    /// Channels.
    pub channels: usize,
    /// Factor on each block's branch; 1 for up to 64 channels in the paper, 0.1 for 256.
    pub residual_scale: f64,
    /// Keep the block means: each coarse cell's correction sums to zero.
    pub closed: bool,
}

impl Default for EdsrConfig {
    fn default() -> EdsrConfig {
        EdsrConfig::quick()
    }
}

impl EdsrConfig {
    /// 6 blocks of 32 channels: about 0.13 million weights.
    pub fn quick() -> EdsrConfig {
        EdsrConfig { tile: TileConfig::default(), blocks: 6, channels: 32, residual_scale: 1.0, closed: true }
    }

    /// 16 blocks of 64 channels, as the paper's baseline model.
    pub fn paper() -> EdsrConfig {
        EdsrConfig { blocks: 16, channels: 64, tile: TileConfig { cells: 48, ..TileConfig::default() }, ..EdsrConfig::quick() }
    }

    pub(crate) fn check(&self) -> MethodResult<()> {
        self.tile.check("edsr")?;
        if self.blocks == 0 || self.channels == 0 {
            return Err(MethodError::Argument(format!(
                "edsr: blocks {}, channels {}; at least 1 of each is wanted",
                self.blocks, self.channels
            )));
        }
        if !self.residual_scale.is_finite() {
            return Err(MethodError::Argument("edsr: residual_scale must be finite".to_string()));
        }
        Ok(())
    }
}

//! The sizes of the network.

use serde::{Deserialize, Serialize};

use crate::methods::error::{MethodError, MethodResult};

/// Sizes of the network; [`EdsrConfig::quick`] trains on a CPU, [`EdsrConfig::paper`] is EDSR-baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EdsrConfig {
    /// How many times finer the output is.
    pub factor: usize,
    /// Residual blocks.
    pub blocks: usize,
    /// Channels.
    pub channels: usize,
    /// Factor on each block's branch; 1 for up to 64 channels in the paper, 0.1 for 256.
    pub residual_scale: f64,
    /// Side of a tile in coarse cells, in training and where a frame is cut into tiles.
    pub tile_cells: usize,
    /// Rounds of back-projection under the network's correction.
    pub back_projections: usize,
    /// Keep the block means: each coarse cell's correction sums to zero.
    pub closed: bool,
    /// Smallest standard deviation a tile is divided by, in the field's unit.
    pub spread_floor: f64,
}

impl Default for EdsrConfig {
    fn default() -> EdsrConfig {
        EdsrConfig::quick()
    }
}

impl EdsrConfig {
    /// 6 blocks of 32 channels: about 0.13 million weights.
    pub fn quick() -> EdsrConfig {
        EdsrConfig {
            factor: 5,
            blocks: 6,
            channels: 32,
            residual_scale: 1.0,
            tile_cells: 20,
            back_projections: 10,
            closed: true,
            spread_floor: 1e-3,
        }
    }

    /// 16 blocks of 64 channels, as the paper's baseline model.
    pub fn paper() -> EdsrConfig {
        EdsrConfig { blocks: 16, channels: 64, tile_cells: 48, ..EdsrConfig::quick() }
    }

    pub(crate) fn check(&self) -> MethodResult<()> {
        let wrong = |what: String| Err(MethodError::Argument(format!("edsr: {what}")));
        if self.factor < 2 || self.blocks == 0 || self.channels == 0 {
            return wrong(format!(
                "factor {}, blocks {}, channels {}; at least 2, 1 and 1 are wanted",
                self.factor, self.blocks, self.channels
            ));
        }
        if self.tile_cells < 8 {
            return wrong(format!("tiles of {} coarse cells; at least 8 are wanted", self.tile_cells));
        }
        if !(self.spread_floor > 0.0 && self.residual_scale.is_finite()) {
            return wrong("spread_floor must be positive and residual_scale finite".to_string());
        }
        Ok(())
    }
}

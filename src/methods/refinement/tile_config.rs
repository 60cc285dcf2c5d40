//! [`TileConfig`]: how a coarse tile becomes a network's input.

use serde::{Deserialize, Serialize};

use crate::methods::error::{MethodError, MethodResult};

/// How a coarse tile becomes a network's input, and what its output is added to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TileConfig {
    /// How many times finer the output is.
    pub factor: usize,
    /// Side of a tile in coarse cells, in training and where a frame is cut into tiles.
    pub cells: usize,
    /// Rounds of back-projection under the network's correction.
    pub back_projections: usize,
    /// Smallest standard deviation a tile is divided by, in the field's unit.
    pub spread_floor: f64,
}

impl Default for TileConfig {
    fn default() -> TileConfig {
        TileConfig { factor: 5, cells: 16, back_projections: 10, spread_floor: 1e-3 }
    }
}

impl TileConfig {
    pub(in crate::methods) fn check(&self, method: &str) -> MethodResult<()> {
        let wrong = |what: String| Err(MethodError::Argument(format!("{method}: {what}")));
        if self.factor < 2 {
            return wrong(format!("factor {}; at least 2 is wanted", self.factor));
        }
        if self.cells < 8 {
            return wrong(format!("tiles of {} coarse cells; at least 8 are wanted", self.cells));
        }
        if !(self.spread_floor > 0.0 && self.spread_floor.is_finite()) {
            return wrong("spread_floor must be positive".to_string());
        }
        Ok(())
    }
}

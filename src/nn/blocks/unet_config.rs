//! The sizes of a U-Net.

use serde::{Deserialize, Serialize};

use super::mixing::Mixing;
use super::residual::Conditioning;
use crate::nn::error::{NnError, NnResult};

/// One level of a [`super::Unet`], from fine to coarse.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnetLevel {
    /// Channels.
    pub width: usize,
    /// What mixes the pixels on the way down.
    pub down: Mixing,
    /// What mixes them on the way up.
    pub up: Mixing,
}

/// Where on a level the mixing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MixingPlace {
    /// After the first residual block of the level.
    FirstBlock,
    /// After each.
    EveryBlock,
}

/// Sizes of a [`super::Unet`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnetConfig {
    /// Channels of the input.
    pub inputs: usize,
    /// The levels, finest first; each has half the size of the one before.
    pub levels: Vec<UnetLevel>,
    /// Residual blocks of a level on the way down; one more on the way up.
    pub blocks: usize,
    /// What mixes the pixels between the two residual blocks in the middle.
    pub middle: Mixing,
    /// Where the mixing stands on a level.
    pub place: MixingPlace,
    /// Sinusoids of the time, and the width of its embedding (both unused without conditioning).
    pub time: [usize; 2],
    /// How the blocks are told the time.
    pub conditioning: Conditioning,
    /// Groups of the norms; all widths are multiples of it.
    pub groups: usize,
    /// Start each residual block as its shortcut.
    pub zero_start: bool,
}

impl UnetConfig {
    /// Height and width of the input are multiples of this.
    pub fn divisor(&self) -> usize {
        1 << self.levels.len().saturating_sub(1)
    }

    pub(super) fn check(&self) -> NnResult<()> {
        let widths: Vec<usize> = self.levels.iter().map(|level| level.width).collect();
        let whole = |width: &usize| *width > 0 && self.groups > 0 && width.is_multiple_of(self.groups);
        if self.inputs == 0 || self.blocks == 0 || widths.is_empty() || !widths.iter().all(whole) {
            return Err(NnError::Argument(format!(
                "U-Net: {} inputs, {} blocks, widths {widths:?} in {} groups; at least 1 of each, and widths that are multiples of the groups, are wanted",
                self.inputs, self.blocks, self.groups
            )));
        }
        Ok(())
    }
}

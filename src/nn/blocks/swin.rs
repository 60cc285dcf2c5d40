//! Shifted-window attention on images.

use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

use super::residual::NORM_EPSILON;
use super::window_attention::WindowAttention;
use crate::nn::convolution::Convolution2d;
use crate::nn::error::{NnError, NnResult};
use crate::nn::layers::GroupNorm;
use crate::nn::ops::{ConvolutionOptions, gelu};
use crate::nn::parameters::{Init, Parameters};

/// Sizes of a [`SwinLayer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwinConfig {
    /// Channels inside the layer, a multiple of the heads' width.
    pub width: usize,
    /// Channels of a head.
    pub head_width: usize,
    /// Side of a window in pixels.
    pub window: usize,
    /// Blocks; every second one shifts its windows by half.
    pub depth: usize,
    /// The feed-forward part is this many times as wide.
    pub widening: usize,
}

/// Some Swin blocks between two linear maps of the channels.
///
/// # Formula
/// ```text
/// block:  x = x + attention_in_windows(N₁ x),   x = x + C gelu( B N₂ x )
/// ```
/// `N` group norms over all pixels, `B` and `C` linear maps of the channels. The layer has no shortcut around
/// the blocks.
///
/// # Reference
/// Liu et al. (2021), Swin transformer: hierarchical vision transformer using shifted windows.
/// doi:10.1109/ICCV48922.2021.00986; inside a diffusion U-Net: Yue et al. (2023), ResShift. arXiv:2307.12348
#[derive(Clone, Debug)]
pub struct SwinLayer {
    enter: Convolution2d,
    blocks: Vec<Block>,
    leave: Convolution2d,
}

#[derive(Clone, Debug)]
struct Block {
    norm1: GroupNorm,
    attention: WindowAttention,
    norm2: GroupNorm,
    widen: Convolution2d,
    narrow: Convolution2d,
}

impl SwinLayer {
    /// For `channels` channels outside; norms in `groups` groups.
    ///
    /// # Errors
    /// [`NnError::Argument`] where a size is 0, or heads or groups do not divide the width; as
    /// [`Parameters::add`].
    pub fn new(
        parameters: &mut Parameters,
        name: &str,
        channels: usize,
        config: &SwinConfig,
        groups: usize,
    ) -> NnResult<SwinLayer> {
        let SwinConfig { width, head_width, window, depth, widening } = *config;
        if [width, head_width, window, depth, widening].contains(&0)
            || groups == 0
            || !width.is_multiple_of(head_width)
            || !width.is_multiple_of(groups)
        {
            return Err(NnError::Argument(format!(
                "Swin layer {config:?} in {groups} groups: sizes of at least 1, whole heads and whole groups are wanted"
            )));
        }
        let map = |parameters: &mut Parameters, name: String, channels: [usize; 2]| {
            Convolution2d::new(parameters, &name, channels, 1, ConvolutionOptions::default(), Init::UniformFanIn)
        };
        let enter = map(parameters, format!("{name}.enter"), [width, channels])?;
        let mut blocks = vec![];
        for i in 0..depth {
            let name = format!("{name}.{i}");
            let shift = if i % 2 == 1 { window / 2 } else { 0 };
            blocks.push(Block {
                norm1: GroupNorm::new(parameters, &format!("{name}.norm1"), width, groups, NORM_EPSILON)?,
                attention: WindowAttention::new(
                    parameters,
                    &format!("{name}.attention"),
                    width,
                    width / head_width,
                    window,
                    shift,
                )?,
                norm2: GroupNorm::new(parameters, &format!("{name}.norm2"), width, groups, NORM_EPSILON)?,
                widen: map(parameters, format!("{name}.widen"), [widening * width, width])?,
                narrow: map(parameters, format!("{name}.narrow"), [width, widening * width])?,
            });
        }
        let leave = map(parameters, format!("{name}.leave"), [channels, width])?;
        Ok(SwinLayer { enter, blocks, leave })
    }

    /// `[b, c, h, w]` to the same shape, any size.
    ///
    /// # Errors
    /// Those of the layers.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let mut x = self.enter.forward(x)?; // [b, width, h, w]
        for block in &self.blocks {
            x = (&x + block.attention.forward(&block.norm1.forward(&x)?)?)?; // [b, width, h, w]
            let wide = gelu(&block.widen.forward(&block.norm2.forward(&x)?)?)?; // [b, widening width, h, w]
            x = (&x + block.narrow.forward(&wide)?)?; // [b, width, h, w]
        }
        self.leave.forward(&x) // [b, c, h, w]
    }
}

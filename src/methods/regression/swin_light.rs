//! SwinIR in its light size: groups of shifted-window attention, each with a convolution and a shortcut.

use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

use super::network::{INPUTS, conv3};
use crate::nn::blocks::WindowAttention;
use crate::nn::layers::LayerNorm;
use crate::nn::ops::{ConvolutionOptions, gelu};
use crate::nn::{Convolution2d, Init, NnResult, Parameters};

/// The constant that keeps the norms' division finite.
const NORM_EPSILON: f64 = 1e-5;

/// Sizes of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SwinLightConfig {
    /// Residual groups.
    pub groups: usize,
    /// Attention blocks in a group; every second one shifts its windows by half.
    pub depth: usize,
    /// Channels.
    pub width: usize,
    /// Attention heads; a divisor of the width.
    pub heads: usize,
    /// Side of a window in coarse cells.
    pub window: usize,
    /// The feed-forward part is this many times as wide.
    pub widening: usize,
}

impl Default for SwinLightConfig {
    fn default() -> SwinLightConfig {
        SwinLightConfig::quick()
    }
}

impl SwinLightConfig {
    /// 2 groups of 2 blocks of 40 channels: about 0.11 million weights.
    pub fn quick() -> SwinLightConfig {
        SwinLightConfig { groups: 2, depth: 2, width: 40, heads: 4, window: 8, widening: 2 }
    }

    /// 4 groups of 6 blocks of 60 channels, as the paper's lightweight model.
    pub fn paper() -> SwinLightConfig {
        SwinLightConfig { groups: 4, depth: 6, width: 60, heads: 6, window: 8, widening: 2 }
    }
}

/// Layer normalisation over the channels of each pixel.
fn norm(layer: &LayerNorm, x: &Tensor) -> Result<Tensor> {
    layer.forward(&x.permute((0, 2, 3, 1))?.contiguous()?)?.permute((0, 3, 1, 2))?.contiguous()
}

/// `x + attention(norm x)`, then `x + narrow(gelu(widen(norm x)))`.
#[derive(Clone, Debug)]
struct Block {
    norm1: LayerNorm,
    attention: WindowAttention,
    norm2: LayerNorm,
    widen: Convolution2d,
    narrow: Convolution2d,
}

impl Block {
    fn new(parameters: &mut Parameters, name: &str, config: &SwinLightConfig, shift: usize) -> NnResult<Block> {
        let (c, wide) = (config.width, config.width * config.widening);
        let linear = |parameters: &mut Parameters, part: &str, channels: [usize; 2]| {
            let options = ConvolutionOptions::default();
            Convolution2d::new(parameters, &format!("{name}.{part}"), channels, 1, options, Init::UniformFanIn)
        };
        Ok(Block {
            norm1: LayerNorm::new(parameters, &format!("{name}.norm1"), c, NORM_EPSILON)?,
            attention: WindowAttention::new(parameters, &format!("{name}.attention"), c, config.heads, config.window, shift)?,
            norm2: LayerNorm::new(parameters, &format!("{name}.norm2"), c, NORM_EPSILON)?,
            widen: linear(parameters, "widen", [wide, c])?,
            narrow: linear(parameters, "narrow", [c, wide])?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = (x + self.attention.forward(&norm(&self.norm1, x)?)?)?; // [b, c, h, w]
        let wide = gelu(&self.widen.forward(&norm(&self.norm2, &x)?)?)?; // [b, widening c, h, w]
        &x + self.narrow.forward(&wide)? // [b, c, h, w]
    }
}

/// Blocks, a convolution, and a shortcut around them.
#[derive(Clone, Debug)]
struct Group {
    blocks: Vec<Block>,
    conv: Convolution2d,
}

/// Head, norm, groups, norm, tail.
///
/// # Reference
/// Liang et al. (2021), SwinIR: image restoration using Swin transformer. doi:10.1109/ICCVW54120.2021.00210
#[derive(Clone, Debug)]
pub(super) struct SwinLight {
    head: Convolution2d,
    enter: LayerNorm,
    groups: Vec<Group>,
    leave: LayerNorm,
    body_end: Convolution2d,
    tail: Convolution2d,
}

impl SwinLight {
    pub fn new(parameters: &mut Parameters, config: &SwinLightConfig, outputs: usize) -> NnResult<SwinLight> {
        let c = config.width;
        let plain = Init::KaimingNormal { gain: 1.0 };
        // A group's convolution ends a branch that is added; a small start keeps the sum near its input.
        let into_sum = Init::KaimingNormal { gain: 0.1 };
        let mut groups = Vec::with_capacity(config.groups);
        for i in 0..config.groups {
            let blocks = (0..config.depth).map(|j| {
                let shift = if j % 2 == 1 { config.window / 2 } else { 0 };
                Block::new(parameters, &format!("groups.{i}.{j}"), config, shift)
            });
            let blocks = blocks.collect::<NnResult<Vec<_>>>()?;
            groups.push(Group { blocks, conv: conv3(parameters, &format!("groups.{i}.conv"), [c, c], into_sum)? });
        }
        Ok(SwinLight {
            head: conv3(parameters, "head", [c, INPUTS], plain)?,
            enter: LayerNorm::new(parameters, "enter", c, NORM_EPSILON)?,
            groups,
            leave: LayerNorm::new(parameters, "leave", c, NORM_EPSILON)?,
            body_end: conv3(parameters, "body_end", [c, c], plain)?,
            tail: conv3(parameters, "tail", [outputs, c], Init::Constant(0.0))?,
        })
    }

    /// `[b, 2, h, w]` to `[b, outputs, h, w]`, any size.
    pub fn forward(&self, low: &Tensor) -> Result<Tensor> {
        let x = self.head.forward(low)?; // [b, c, h, w]
        let mut y = norm(&self.enter, &x)?;
        for group in &self.groups {
            let mut inner = y.clone();
            for block in &group.blocks {
                inner = block.forward(&inner)?; // [b, c, h, w]
            }
            y = (y + group.conv.forward(&inner)?)?; // [b, c, h, w]
        }
        let y = (x + self.body_end.forward(&norm(&self.leave, &y)?)?)?; // [b, c, h, w]
        self.tail.forward(&y) // [b, outputs, h, w]
    }
}

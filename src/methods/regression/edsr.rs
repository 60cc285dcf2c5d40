//! EDSR: residual blocks without normalisation.

use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

use super::network::{INPUTS, conv3};
use crate::nn::ops::relu;
use crate::nn::{Convolution2d, Init, NnResult, Parameters};

/// Sizes of EDSR.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EdsrConfig {
    /// Residual blocks.
    pub blocks: usize,
    /// Channels.
    pub channels: usize,
    /// Factor on each block's branch; 1 for up to 64 channels in the paper, 0.1 for 256.
    pub residual_scale: f64,
}

impl Default for EdsrConfig {
    fn default() -> EdsrConfig {
        EdsrConfig::quick()
    }
}

impl EdsrConfig {
    /// 6 blocks of 32 channels: about 0.13 million weights.
    pub fn quick() -> EdsrConfig {
        EdsrConfig { blocks: 6, channels: 32, residual_scale: 1.0 }
    }

    /// 16 blocks of 64 channels, as the paper's baseline model.
    pub fn paper() -> EdsrConfig {
        EdsrConfig { blocks: 16, channels: 64, ..EdsrConfig::quick() }
    }
}

/// `x + scale · conv(relu(conv(x)))`: a residual block without normalisation.
#[derive(Clone, Debug)]
struct ResidualBlock {
    first: Convolution2d,
    second: Convolution2d,
    scale: f64,
}

impl ResidualBlock {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let branch = self.second.forward(&relu(&self.first.forward(x)?)?)?;
        if self.scale == 1.0 { x + branch } else { x + (branch * self.scale)? }
    }
}

/// Head, body, tail.
///
/// # Reference
/// Lim et al. (2017), Enhanced deep residual networks for single image super-resolution.
/// doi:10.1109/CVPRW.2017.151
#[derive(Clone, Debug)]
pub(super) struct Edsr {
    head: Convolution2d,
    body: Vec<ResidualBlock>,
    body_end: Convolution2d,
    tail: Convolution2d,
}

impl Edsr {
    pub fn new(parameters: &mut Parameters, config: &EdsrConfig, outputs: usize) -> NnResult<Edsr> {
        let c = config.channels;
        let mut conv = |name: &str, channels: [usize; 2], init: Init| conv3(parameters, name, channels, init);
        let (plain, before_relu) = (Init::KaimingNormal { gain: 1.0 }, Init::KaimingNormal { gain: std::f64::consts::SQRT_2 });
        // Each block adds a branch; a small start keeps the depth from swelling the signal.
        let into_sum = Init::KaimingNormal { gain: 0.1 };
        let body = (0..config.blocks)
            .map(|i| {
                Ok(ResidualBlock {
                    first: conv(&format!("body.{i}.conv1"), [c, c], before_relu)?,
                    second: conv(&format!("body.{i}.conv2"), [c, c], into_sum)?,
                    scale: config.residual_scale,
                })
            })
            .collect::<NnResult<Vec<_>>>()?;
        Ok(Edsr {
            head: conv("head", [c, INPUTS], plain)?,
            body,
            body_end: conv("body_end", [c, c], plain)?,
            tail: conv("tail", [outputs, c], Init::Constant(0.0))?,
        })
    }

    /// `[b, 2, h, w]` to `[b, outputs, h, w]`.
    pub fn forward(&self, low: &Tensor) -> Result<Tensor> {
        let x = self.head.forward(low)?; // [b, c, h, w]
        let mut y = x.clone();
        for block in &self.body {
            y = block.forward(&y)?; // [b, c, h, w]
        }
        let y = (x + self.body_end.forward(&y)?)?; // [b, c, h, w]
        self.tail.forward(&y) // [b, outputs, h, w]
    }
}

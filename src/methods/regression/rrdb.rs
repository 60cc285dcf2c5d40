//! RRDB: residual-in-residual dense blocks, the generator of ESRGAN.

use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

use super::network::{INPUTS, conv3};
use crate::nn::ops::leaky_relu;
use crate::nn::{Convolution2d, Init, NnResult, Parameters};

/// Slope of the leaky rectifier.
const SLOPE: f64 = 0.2;
/// Convolutions of a dense block.
const DENSE: usize = 5;
/// Dense blocks of a residual-in-residual block.
const NESTED: usize = 3;

/// Sizes of RRDB.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RrdbConfig {
    /// Residual-in-residual blocks, each of three dense blocks.
    pub blocks: usize,
    /// Channels between the blocks.
    pub channels: usize,
    /// Channels that each convolution of a dense block adds.
    pub growth: usize,
    /// Factor on the branch of each dense block, and of each block of three.
    pub residual_scale: f64,
}

impl Default for RrdbConfig {
    fn default() -> RrdbConfig {
        RrdbConfig::quick()
    }
}

impl RrdbConfig {
    /// 2 blocks of 24 channels: about 0.15 million weights.
    pub fn quick() -> RrdbConfig {
        RrdbConfig { blocks: 2, channels: 24, growth: 8, residual_scale: 0.2 }
    }

    /// 23 blocks of 64 channels that grow by 32.
    pub fn paper() -> RrdbConfig {
        RrdbConfig { blocks: 23, channels: 64, growth: 32, residual_scale: 0.2 }
    }
}

/// Five convolutions, each of which sees the input and what all before it gave; the last goes back to the block's channels.
#[derive(Clone, Debug)]
struct DenseBlock {
    convs: Vec<Convolution2d>,
    scale: f64,
}

impl DenseBlock {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let mut seen = x.clone(); // [b, c, h, w], then c + growth, c + 2 growth, ...
        for conv in &self.convs[..DENSE - 1] {
            let new = leaky_relu(&conv.forward(&seen)?, SLOPE)?; // [b, growth, h, w]
            seen = Tensor::cat(&[seen, new], 1)?;
        }
        x + (self.convs[DENSE - 1].forward(&seen)? * self.scale)? // [b, c, h, w]
    }
}

/// Head, blocks, tail.
///
/// # Reference
/// Wang et al. (2018), ESRGAN: enhanced super-resolution generative adversarial networks.
/// doi:10.1007/978-3-030-11021-5_5
#[derive(Clone, Debug)]
pub(super) struct Rrdb {
    head: Convolution2d,
    body: Vec<Vec<DenseBlock>>,
    body_end: Convolution2d,
    tail: Convolution2d,
    scale: f64,
}

impl Rrdb {
    pub fn new(parameters: &mut Parameters, config: &RrdbConfig, outputs: usize) -> NnResult<Rrdb> {
        let RrdbConfig { blocks, channels: c, growth, residual_scale: scale } = *config;
        let mut conv = |name: &str, channels: [usize; 2], init: Init| conv3(parameters, name, channels, init);
        let plain = Init::KaimingNormal { gain: 1.0 };
        // The paper starts all convolutions of the blocks at a tenth of the usual spread.
        let inside = Init::KaimingNormal { gain: 0.1 * std::f64::consts::SQRT_2 };
        let mut dense = |name: String| {
            let convs = (0..DENSE).map(|k| {
                let to = if k + 1 == DENSE { c } else { growth };
                conv(&format!("{name}.conv{}", k + 1), [to, c + k * growth], inside)
            });
            Ok(DenseBlock { convs: convs.collect::<NnResult<Vec<_>>>()?, scale })
        };
        let body = (0..blocks)
            .map(|i| (0..NESTED).map(|j| dense(format!("body.{i}.{j}"))).collect::<NnResult<Vec<_>>>())
            .collect::<NnResult<Vec<_>>>()?;
        Ok(Rrdb {
            head: conv("head", [c, INPUTS], plain)?,
            body,
            body_end: conv("body_end", [c, c], plain)?,
            tail: conv("tail", [outputs, c], Init::Constant(0.0))?,
            scale,
        })
    }

    /// `[b, 2, h, w]` to `[b, outputs, h, w]`.
    pub fn forward(&self, low: &Tensor) -> Result<Tensor> {
        let x = self.head.forward(low)?; // [b, c, h, w]
        let mut y = x.clone();
        for block in &self.body {
            let mut inner = y.clone();
            for dense in block {
                inner = dense.forward(&inner)?; // [b, c, h, w]
            }
            y = (y + (inner * self.scale)?)?; // [b, c, h, w]
        }
        let y = (x + self.body_end.forward(&y)?)?; // [b, c, h, w]
        self.tail.forward(&y) // [b, outputs, h, w]
    }
}

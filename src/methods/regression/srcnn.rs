//! SRCNN: three convolutions on the resampled field.

use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

use super::network::INPUTS;
use crate::nn::ops::{ConvolutionOptions, Resampling, interpolate, pixel_unshuffle, relu};
use crate::nn::{Convolution2d, Init, NnResult, Parameters};

/// Sizes of SRCNN. Its cost lies at the fine size, so that even few weights make a long step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SrcnnConfig {
    /// Channels after the first convolution: the features of a patch.
    pub features: usize,
    /// Channels after the second: what the features are mapped to.
    pub mapped: usize,
    /// Sides of the three kernels, odd.
    pub kernels: [usize; 3],
}

impl Default for SrcnnConfig {
    fn default() -> SrcnnConfig {
        SrcnnConfig::quick()
    }
}

impl SrcnnConfig {
    /// Half the paper's channels: 6 thousand weights, used at 25 times as many pixels as those of the other networks.
    pub fn quick() -> SrcnnConfig {
        SrcnnConfig { features: 32, mapped: 16, kernels: [9, 1, 5] }
    }

    /// 64 and 32 channels, kernels 9-1-5.
    pub fn paper() -> SrcnnConfig {
        SrcnnConfig { features: 64, mapped: 32, kernels: [9, 1, 5] }
    }
}

/// Features of patches, a map of them, the correction from the map.
///
/// # Reference
/// Dong et al. (2014), Learning a deep convolutional network for image super-resolution.
/// doi:10.1007/978-3-319-10593-2_13
#[derive(Clone, Debug)]
pub(super) struct Srcnn {
    features: Convolution2d,
    map: Convolution2d,
    last: Convolution2d,
    factor: usize,
}

impl Srcnn {
    pub fn new(parameters: &mut Parameters, config: &SrcnnConfig, factor: usize) -> NnResult<Srcnn> {
        let [first, second, third] = config.kernels;
        let mut conv = |name: &str, channels: [usize; 2], kernel: usize, init: Init| {
            Convolution2d::new(parameters, name, channels, kernel, ConvolutionOptions::same(kernel), init)
        };
        let before_relu = Init::KaimingNormal { gain: std::f64::consts::SQRT_2 };
        Ok(Srcnn {
            features: conv("features", [config.features, INPUTS], first, before_relu)?,
            map: conv("map", [config.mapped, config.features], second, before_relu)?,
            last: conv("last", [1, config.mapped], third, Init::Constant(0.0))?,
            factor,
        })
    }

    /// `[b, 2, h, w]` to the fine correction, folded: `[b, f², h, w]`.
    pub fn forward(&self, low: &Tensor) -> Result<Tensor> {
        let (_, _, h, w) = low.dims4()?;
        let fine = (h * self.factor, w * self.factor);
        let values = interpolate(&low.narrow(1, 0, 1)?.contiguous()?, fine, Resampling::Bicubic, false)?;
        let sea = interpolate(&low.narrow(1, 1, 1)?.contiguous()?, fine, Resampling::Nearest, false)?;
        let x = Tensor::cat(&[values, sea], 1)?; // [b, 2, h f, w f]
        let x = relu(&self.features.forward(&x)?)?; // [b, features, h f, w f]
        let x = relu(&self.map.forward(&x)?)?; // [b, mapped, h f, w f]
        pixel_unshuffle(&self.last.forward(&x)?, self.factor) // [b, f², h, w]
    }
}

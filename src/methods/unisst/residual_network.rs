//! The network that corrects a first fill, frame by frame.

use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

use super::first_fills::OTHERS;
use super::residual_clues::{CLUES, FIRST_OTHER};
use crate::nn::blocks::{Convolution, ConvolutionRecipe};
use crate::nn::ops::{Resampling, area_pool, interpolate, relu};
use crate::nn::{Init, NnError, NnResult, Parameters};

/// The share that each of the other fills starts with.
const START_SHARES: [f64; OTHERS] = [0.35, 0.3, 0.0];

/// Gain of a weight before a rectifier, √2.
const GAIN: f64 = std::f64::consts::SQRT_2;

/// Sizes of the [`ResidualNetwork`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResidualNetworkConfig {
    /// Channels at full size, and after each halving of height and width.
    pub channels: Vec<usize>,
}

impl Default for ResidualNetworkConfig {
    /// Two halvings: clouds of some forty cells are then within sight.
    fn default() -> ResidualNetworkConfig {
        ResidualNetworkConfig { channels: vec![12, 24, 24] }
    }
}

/// Convolutions on the way down and up again, joined at each size, that say how far to go towards each of the other fills, and
/// what all of them lack.
///
/// # Formula
/// ```text
/// correction = Σ s_k d_k + r,   d_k = (other fill k - first fill) / unit
/// ```
/// where the shares s_k and the rest r are the network's outputs at each cell, and s_k starts at 0.35, 0.3 and 0, r at 0: before any
/// training it is a mean of fills.
///
/// # Reference
/// Ronneberger, Fischer and Brox (2015), U-Net: convolutional networks for biomedical image segmentation.
/// doi:10.1007/978-3-319-24574-4_28 (the idea; sizes are our own)
#[derive(Clone, Debug)]
pub struct ResidualNetwork {
    down: Vec<[Convolution; 2]>,
    up: Vec<[Convolution; 2]>,
    last: Convolution,
}

impl ResidualNetwork {
    /// Parameters `down.0`, `down.1`, ..., `up.0`, ..., `last`.
    ///
    /// # Errors
    /// [`NnError::Argument`] where there is no size or one without channels; as [`Parameters::add`].
    pub fn new(parameters: &mut Parameters, config: &ResidualNetworkConfig) -> NnResult<ResidualNetwork> {
        let channels = &config.channels;
        if channels.is_empty() || channels.contains(&0) {
            return Err(NnError::Argument(format!("unisst: channels {channels:?}; at least 1 at each size is wanted")));
        }
        let recipe = ConvolutionRecipe::plane(3).init(Init::KaimingNormal { gain: GAIN });
        let pair = |parameters: &mut Parameters, name: String, [to, from]: [usize; 2]| -> NnResult<[Convolution; 2]> {
            Ok([
                recipe.build(parameters, &format!("{name}.first"), [to, from])?,
                recipe.build(parameters, &format!("{name}.second"), [to, to])?,
            ])
        };
        let from = |level: usize| if level == 0 { CLUES } else { channels[level - 1] };
        let down = (0..channels.len())
            .map(|level| pair(parameters, format!("down.{level}"), [channels[level], from(level)]))
            .collect::<NnResult<Vec<_>>>()?;
        let up = (0..channels.len() - 1)
            .map(|level| pair(parameters, format!("up.{level}"), [channels[level], channels[level] + channels[level + 1]]))
            .collect::<NnResult<Vec<_>>>()?;
        let last = recipe.init(Init::Constant(0.0)).build(parameters, "last", [OTHERS + 1, channels[0]])?;
        Ok(ResidualNetwork { down, up, last })
    }

    /// Clues `[b, 16, h, w]` to the correction `[b, 1, h, w]`, any size.
    ///
    /// # Errors
    /// Those of the layers.
    pub fn forward(&self, clues: &Tensor) -> Result<Tensor> {
        let both =
            |x: &Tensor, [first, second]: &[Convolution; 2]| relu(&second.forward(&relu(&first.forward(x, false)?)?, false)?);
        let mut sizes: Vec<Tensor> = Vec::new();
        for pair in &self.down {
            let x = match sizes.last() {
                None => both(clues, pair)?,
                Some(finer) => {
                    let (_, _, h, w) = finer.dims4()?;
                    both(&area_pool(finer, (h.div_ceil(2), w.div_ceil(2)))?, pair)? // [b, c, h / 2, w / 2]
                }
            };
            sizes.push(x);
        }
        let Some(mut x) = sizes.pop() else { candle_core::bail!("unisst: a network without sizes") };
        for (pair, finer) in self.up.iter().zip(&sizes).rev() {
            let (_, _, h, w) = finer.dims4()?;
            let grown = interpolate(&x, (h, w), Resampling::Bilinear, false)?;
            x = both(&Tensor::cat(&[finer, &grown], 1)?, pair)?;
        }
        let said = self.last.forward(&x, false)?; // [b, 4, h, w]
        let mut correction = said.narrow(1, OTHERS, 1)?;
        for (k, start) in START_SHARES.into_iter().enumerate() {
            let share = (said.narrow(1, k, 1)? + start)?;
            correction = (correction + (share * clues.narrow(1, FIRST_OTHER + k, 1)?)?)?;
        }
        Ok(correction) // [b, 1, h, w]
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;
    use crate::nn::gradient_check;

    fn clues(h: usize, w: usize) -> Tensor {
        let values: Vec<f64> = (0..2 * CLUES * h * w).map(|i| (i as f64 * 0.37).sin()).collect();
        Tensor::from_vec(values, (2, CLUES, h, w), &Device::Cpu).unwrap()
    }

    #[test]
    fn it_starts_as_a_mean_of_fills_and_keeps_any_size() {
        let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 1);
        let network = ResidualNetwork::new(&mut parameters, &ResidualNetworkConfig::default()).unwrap();
        for (h, w) in [(8, 12), (7, 5), (1, 3)] {
            let correction = network.forward(&clues(h, w)).unwrap();
            assert_eq!(correction.dims(), [2, 1, h, w]);
            let difference = |k: usize| clues(h, w).narrow(1, 13 + k, 1).unwrap();
            let wanted = ((difference(0) * 0.35).unwrap() + (difference(1) * 0.3).unwrap()).unwrap();
            let off = (correction - wanted).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f64>().unwrap();
            assert!(off < 1e-12);
        }
        let none = ResidualNetworkConfig { channels: vec![4, 0] };
        assert!(ResidualNetwork::new(&mut parameters, &none).unwrap_err().to_string().contains("at least 1"));
    }

    #[test]
    fn gradients_are_right() {
        let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 2);
        let config = ResidualNetworkConfig { channels: vec![2, 3] };
        let network = ResidualNetwork::new(&mut parameters, &config).unwrap();
        // A last convolution of zeros would hide all others.
        let last = parameters.get("last.weight").unwrap();
        let values: Vec<f64> = (0..72).map(|i| (f64::from(i) * 0.7).cos()).collect();
        last.set(&Tensor::from_vec(values, (4, 2, 3, 3), &Device::Cpu).unwrap()).unwrap();
        for report in gradient_check(&[clues(4, 5)], |x| network.forward(&x[0])).unwrap() {
            assert!(report.within(1e-5) && report.largest_gradient > 1e-4, "{report:?}");
        }
    }
}

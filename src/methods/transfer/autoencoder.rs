//! The hidden numbers of the variational autoencoder, a baseline: how they are read off a field, and what they cost.

use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

use crate::nn::ops::{ConvolutionOptions, silu};
use crate::nn::{Convolution2d, Init, NnResult, Parameters};

/// Cells along one side of the square that shares its hidden numbers.
pub(super) const LATENT_CELLS: usize = 4;

/// Sizes of the encoder of a field into its latent variables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LatentConfig {
    /// Hidden numbers of a square of 4 x 4 cells.
    pub channels: usize,
    /// Channels of the first layer; twice as many further down.
    pub width: usize,
}

impl Default for LatentConfig {
    fn default() -> LatentConfig {
        LatentConfig { channels: 4, width: 16 }
    }
}

/// Means and logarithms of variances of the hidden numbers of a field.
#[derive(Clone, Debug)]
pub(super) struct Latent {
    mean: Tensor,
    log_variance: Tensor,
}

/// Three convolutions from a field and its drivers to what its hidden numbers may be.
///
/// # Reference
/// Kingma and Welling (2014), Auto-encoding variational Bayes. arXiv:1312.6114
#[derive(Clone, Debug)]
pub(super) struct LatentEncoder {
    layers: [Convolution2d; 3],
    head: Convolution2d,
    channels: usize,
}

impl LatentEncoder {
    /// Parameters `latent...`.
    pub fn new(parameters: &mut Parameters, config: &LatentConfig, drivers: usize) -> NnResult<LatentEncoder> {
        let (width, same) = (config.width, ConvolutionOptions::same(3));
        let halving = ConvolutionOptions { stride: 2, ..same };
        let init = Init::UniformFanIn;
        let mut layer =
            |name: &str, sizes, options| Convolution2d::new(parameters, &format!("latent.{name}"), sizes, 3, options, init);
        Ok(LatentEncoder {
            layers: [
                layer("0", [width, 1 + drivers], same)?,
                layer("1", [2 * width, width], halving)?,
                layer("2", [2 * width, 2 * width], halving)?,
            ],
            head: layer("head", [2 * config.channels, 2 * width], same)?,
            channels: config.channels,
        })
    }

    /// Fields `[b, 1, h, w]` with drivers `[b, drivers, h, w]` to hidden numbers `[b, channels, h / 4, w / 4]`.
    pub fn forward(&self, field: &Tensor, drivers: &Tensor) -> Result<Latent> {
        let mut x = Tensor::cat(&[field, drivers], 1)?;
        for layer in &self.layers {
            x = silu(&layer.forward(&x)?)?;
        }
        let y = self.head.forward(&x)?;
        Ok(Latent { mean: y.narrow(1, 0, self.channels)?, log_variance: y.narrow(1, self.channels, self.channels)? })
    }
}

impl Latent {
    /// The hidden numbers of a standard normal draw.
    pub fn draw(&self, normal: &Tensor) -> Result<Tensor> {
        &self.mean + ((&self.log_variance * 0.5)?.exp()? * normal)?
    }

    /// Shape of the hidden numbers.
    pub fn dims(&self) -> &[usize] {
        self.mean.dims()
    }

    /// How far what a field tells is from a standard normal, summed over all hidden numbers.
    ///
    /// # Formula
    /// ```text
    /// ½ Σ (μ² + σ² − 1 − ln σ²)
    /// ```
    pub fn divergence(&self) -> Result<Tensor> {
        let each = ((self.mean.sqr()? + self.log_variance.exp()?)? - &self.log_variance)?;
        ((each.sum_all()? - each.elem_count() as f64)? * 0.5)?.contiguous()
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    #[test]
    fn the_divergence_by_hand() {
        let t = |values: &[f32]| Tensor::from_vec(values.to_vec(), (1, values.len(), 1, 1), &Device::Cpu).unwrap();
        let of = |mean: &[f32], log_variance: &[f32]| {
            Latent { mean: t(mean), log_variance: t(log_variance) }.divergence().unwrap().to_scalar::<f32>().unwrap()
        };
        assert_eq!(of(&[0.0, 0.0], &[0.0, 0.0]), 0.0);
        // A mean of 2: 2. A variance of e: (e - 2) / 2.
        assert!((of(&[2.0, 0.0], &[0.0, 1.0]) - 2.0 - (1f32.exp() - 2.0) / 2.0).abs() < 1e-6);
    }

    #[test]
    fn hidden_numbers_of_squares_of_four() {
        let mut parameters = Parameters::new(&Device::Cpu, DType::F32, 1);
        let encoder = LatentEncoder::new(&mut parameters, &LatentConfig::default(), 3).unwrap();
        let ones = |c| Tensor::ones((2, c, 16, 12), DType::F32, &Device::Cpu).unwrap();
        let latent = encoder.forward(&ones(1), &ones(3)).unwrap();
        assert_eq!(latent.dims(), [2, 4, 16 / LATENT_CELLS, 12 / LATENT_CELLS]);
        // A draw of nothing is the mean.
        let drawn = latent.draw(&Tensor::zeros((2, 4, 4, 3), DType::F32, &Device::Cpu).unwrap()).unwrap();
        assert_eq!(
            drawn.flatten_all().unwrap().to_vec1::<f32>().unwrap(),
            latent.mean.flatten_all().unwrap().to_vec1::<f32>().unwrap()
        );
    }
}

//! The network that predicts the fine field.

use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

use crate::nn::blocks::{Conditioning, Mixing, MixingPlace, SwinConfig, Unet, UnetConfig, UnetLevel};
use crate::nn::ops::{ConvolutionOptions, leaky_relu, pixel_shuffle, pixel_unshuffle};
use crate::nn::{Convolution2d, Init, NnError, NnResult, Parameters};

const SLOPE: f64 = 0.01;

/// Sizes of the [`Generator`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GeneratorConfig {
    /// How many times finer the output is than the grid on which the U-Net works.
    pub factor: usize,
    /// Channels of the levels, finest first.
    pub widths: Vec<usize>,
    /// Residual blocks of a level on the way down; one more on the way up.
    pub blocks: usize,
    /// The Swin layer after the first block of every level, and in the middle.
    pub swin: SwinConfig,
    /// Channels at the fine size.
    pub fine_width: usize,
    /// Groups of the norms.
    pub groups: usize,
}

impl Default for GeneratorConfig {
    fn default() -> GeneratorConfig {
        GeneratorConfig::quick()
    }
}

impl GeneratorConfig {
    /// The published sizes: 122,527,501 weights.
    pub fn paper() -> GeneratorConfig {
        GeneratorConfig {
            factor: 5,
            widths: vec![160, 320, 320, 640],
            blocks: 2,
            swin: SwinConfig { width: 192, head_width: 32, window: 8, depth: 2, widening: 4 },
            fine_width: 128,
            groups: 32,
        }
    }

    /// About 0.7 million weights, for coarse tiles of 16x16 and a few minutes on a CPU.
    pub fn quick() -> GeneratorConfig {
        GeneratorConfig {
            factor: 5,
            widths: vec![24, 32, 48],
            blocks: 1,
            swin: SwinConfig { width: 32, head_width: 16, window: 4, depth: 2, widening: 2 },
            fine_width: 16,
            groups: 8,
        }
    }

    fn unet(&self) -> UnetConfig {
        let mixing = Mixing::Swin(self.swin);
        let first = self.widths.first().copied().unwrap_or(0);
        UnetConfig {
            inputs: 2 * self.factor * self.factor,
            levels: self.widths.iter().map(|&width| UnetLevel { width, down: mixing, up: mixing }).collect(),
            blocks: self.blocks,
            middle: mixing,
            place: MixingPlace::FirstBlock,
            time: [first, 4 * first],
            conditioning: Conditioning::Film,
            groups: self.groups,
            zero_start: true,
        }
    }

    /// Height and width of the fine field are multiples of this.
    pub fn divisor(&self) -> usize {
        self.factor * self.unet().divisor()
    }
}

/// A U-Net with Swin layers, on fine fields folded into channels.
///
/// The noisy field and the resampled coarse one, each with its cells' `factor²` pixels as channels, go
/// through the U-Net at the coarse size; the result is unfolded and smoothed by one last convolution.
///
/// # Reference
/// Yue et al. (2023), ResShift: efficient diffusion model for image super-resolution by residual shifting.
/// arXiv:2307.12348; in pixel space: Zhang et al. (2025), Uncertainty-guided perturbation for image
/// super-resolution diffusion model. arXiv:2503.18512
#[derive(Clone, Debug)]
pub struct Generator {
    unet: Unet,
    head: Convolution2d,
    unfold: Convolution2d,
    last: Convolution2d,
    factor: usize,
}

impl Generator {
    /// Parameters `unet...`, `head`, `unfold`, `last`.
    ///
    /// # Errors
    /// [`NnError::Argument`] where sizes do not fit each other; as [`Parameters::add`].
    ///
    /// # Example
    /// ```
    /// use isotherm::methods::uadm::{Generator, GeneratorConfig};
    /// use isotherm::nn::Parameters;
    /// let mut parameters = Parameters::shapes_only();
    /// Generator::new(&mut parameters, &GeneratorConfig::paper()).unwrap();
    /// assert_eq!(parameters.value_count(), 122_527_501);
    /// ```
    pub fn new(parameters: &mut Parameters, config: &GeneratorConfig) -> NnResult<Generator> {
        if config.factor == 0 || config.fine_width == 0 {
            return Err(NnError::Argument(format!(
                "uadm: factor {} and fine width {}; at least 1 of each is wanted",
                config.factor, config.fine_width
            )));
        }
        let unet = Unet::new(parameters, "unet", &config.unet())?;
        let (width, fine) = (config.widths[0], config.fine_width);
        let mut conv = |name: &str, channels: [usize; 2]| {
            Convolution2d::new(parameters, name, channels, 3, ConvolutionOptions::same(3), Init::UniformFanIn)
        };
        Ok(Generator {
            unet,
            head: conv("head", [fine, width])?,
            unfold: conv("unfold", [config.factor * config.factor * fine, fine])?,
            last: conv("last", [1, fine])?,
            factor: config.factor,
        })
    }

    /// The noisy field (scaled to unit spread) and the resampled coarse field, both `[b, 1, h, w]`, and the
    /// step numbers `[b]` (0 for the first) to the fine field `[b, 1, h, w]`.
    ///
    /// # Errors
    /// A sentence where height or width is not a multiple of [`GeneratorConfig::divisor`].
    pub fn forward(&self, noisy: &Tensor, coarse: &Tensor, step: &Tensor) -> Result<Tensor> {
        let folded = |x: &Tensor| pixel_unshuffle(x, self.factor);
        let x = Tensor::cat(&[folded(noisy)?, folded(coarse)?], 1)?; // [b, 2 f², h / f, w / f]
        let x = self.unet.forward(&x, Some(step))?; // [b, width, h / f, w / f]
        let x = leaky_relu(&self.head.forward(&x)?, SLOPE)?; // [b, fine, h / f, w / f]
        let x = pixel_shuffle(&self.unfold.forward(&x)?, self.factor)?; // [b, fine, h, w]
        self.last.forward(&x) // [b, 1, h, w]
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    #[test]
    fn the_published_number_of_weights() {
        let mut parameters = Parameters::shapes_only();
        Generator::new(&mut parameters, &GeneratorConfig::paper()).unwrap();
        assert_eq!(parameters.value_count(), 122_527_501);
    }

    #[test]
    fn the_quick_one_runs_at_any_multiple_of_its_divisor() {
        let config = GeneratorConfig::quick();
        let mut parameters = Parameters::new(&Device::Cpu, DType::F32, 1);
        let network = Generator::new(&mut parameters, &config).unwrap();
        assert!((100_000..1_000_000).contains(&parameters.value_count()), "{}", parameters.value_count());
        assert_eq!(config.divisor(), 20);
        let step = Tensor::new(&[0f32, 4.0], &Device::Cpu).unwrap();
        for (h, w) in [(80, 80), (40, 60)] {
            let x = Tensor::zeros((2, 1, h, w), DType::F32, &Device::Cpu).unwrap();
            assert_eq!(network.forward(&x, &x, &step).unwrap().dims(), [2, 1, h, w]);
        }
        let odd = Tensor::zeros((2, 1, 50, 80), DType::F32, &Device::Cpu).unwrap();
        assert!(network.forward(&odd, &odd, &step).unwrap_err().to_string().contains("multiples of 4"));
    }
}

//! The network that predicts the fine field.

use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

use super::trunk::{Reading, Trunk};
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
    /// Residual blocks of the regression on the coarse grid whose features the U-Net reads too; 0 for none, as published.
    pub trunk_blocks: usize,
    /// Channels of that regression.
    pub trunk_channels: usize,
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
            trunk_blocks: 0,
            trunk_channels: 0,
        }
    }

    /// About 0.7 million weights, for coarse tiles of 16x16 and a few minutes on a CPU. A regression trunk carries the mean,
    /// so that the U-Net has only the departures from it to learn.
    pub fn quick() -> GeneratorConfig {
        GeneratorConfig {
            factor: 5,
            widths: vec![32, 48],
            blocks: 1,
            swin: SwinConfig { width: 16, head_width: 8, window: 4, depth: 2, widening: 2 },
            fine_width: 8,
            groups: 8,
            trunk_blocks: 6,
            trunk_channels: 32,
        }
    }

    fn unet(&self) -> UnetConfig {
        let mixing = Mixing::Swin(self.swin);
        let first = self.widths.first().copied().unwrap_or(0);
        UnetConfig {
            inputs: 2 * self.factor * self.factor + if self.trunk_blocks > 0 { self.trunk_channels } else { 0 },
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
    trunk: Option<Trunk>,
    factor: usize,
}

impl Generator {
    /// Parameters `unet...`, `head`, `unfold`, `last`, and `trunk...` where there is one.
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
        if config.trunk_blocks > 0 && config.trunk_channels == 0 {
            return Err(NnError::Argument("uadm: a trunk without channels; at least 1 is wanted".to_string()));
        }
        let trunk = match config.trunk_blocks {
            0 => None,
            blocks => Some(Trunk::new(parameters, blocks, config.trunk_channels, config.factor)?),
        };
        let unet = Unet::new(parameters, "unet", &config.unet())?;
        let (width, fine) = (config.widths[0], config.fine_width);
        let mut conv = |name: &str, channels: [usize; 2], init: Init| {
            Convolution2d::new(parameters, name, channels, 3, ConvolutionOptions::same(3), init)
        };
        // Beside a trunk the U-Net's share starts at zero.
        let last = if trunk.is_some() { Init::Constant(0.0) } else { Init::UniformFanIn };
        Ok(Generator {
            unet,
            head: conv("head", [fine, width], Init::UniformFanIn)?,
            unfold: conv("unfold", [config.factor * config.factor * fine, fine], Init::UniformFanIn)?,
            last: conv("last", [1, fine], last)?,
            trunk,
            factor: config.factor,
        })
    }

    /// What the trunk, where there is one, reads from coarse tiles `[b, 2, h, w]`.
    pub(super) fn read(&self, low: &Tensor) -> Result<Option<Reading>> {
        self.trunk.as_ref().map(|trunk| trunk.forward(low)).transpose()
    }

    /// The noisy field (scaled to unit spread) and the resampled coarse field, both `[b, 1, h, w]`, the features of the trunk
    /// where there is one, `[b, c, h / f, w / f]`, and the step numbers `[b]` (0 for the first) to the fine field
    /// `[b, 1, h, w]`.
    ///
    /// # Errors
    /// A sentence where height or width is not a multiple of [`GeneratorConfig::divisor`].
    pub fn forward(&self, noisy: &Tensor, coarse: &Tensor, features: Option<&Tensor>, step: &Tensor) -> Result<Tensor> {
        let folded = |x: &Tensor| pixel_unshuffle(x, self.factor);
        let mut parts = vec![folded(noisy)?, folded(coarse)?];
        parts.extend(features.cloned());
        let x = Tensor::cat(&parts, 1)?; // [b, 2 f² (+ c), h / f, w / f]
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
        assert_eq!(config.divisor(), 10);
        let step = Tensor::new(&[0f32, 4.0], &Device::Cpu).unwrap();
        for (h, w) in [(80, 80), (40, 70)] {
            let zeros = |c: usize, h: usize, w: usize| Tensor::zeros((2, c, h, w), DType::F32, &Device::Cpu).unwrap();
            let x = zeros(1, h, w);
            let reading = network.read(&zeros(2, h / 5, w / 5)).unwrap().unwrap();
            assert_eq!(network.forward(&x, &x, Some(&reading.features), &step).unwrap().dims(), [2, 1, h, w]);
            assert_eq!(reading.mean.dims(), [2, 1, h, w]);
        }
        let odd = Tensor::zeros((2, 1, 45, 80), DType::F32, &Device::Cpu).unwrap();
        let features = Tensor::zeros((2, 32, 9, 16), DType::F32, &Device::Cpu).unwrap();
        assert!(network.forward(&odd, &odd, Some(&features), &step).unwrap_err().to_string().contains("multiples of 2"));
    }
}

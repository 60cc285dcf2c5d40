//! The network that fills what the clouds hide.

use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

use crate::nn::blocks::{Convolution, ConvolutionRecipe, NormalisedResidual, PooledAttention};
use crate::nn::layers::BatchNorm;
use crate::nn::ops::{relu, tanh};
use crate::nn::{Init, NnError, NnResult, Parameters};

/// Deviation of the weights' start.
pub(super) const START: f64 = 0.02;

/// Sizes of the [`Generator`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GeneratorConfig {
    /// Channels of the first block and of the last.
    pub width: usize,
    /// How many times as many the four blocks between have; attention, which wants a multiple of 8 channels, follows the last
    /// of them.
    pub multiples: [usize; 4],
    /// Is the network told by a second channel which cells are hidden? As published it must guess, since a hidden cell holds
    /// the value 1, which warm water may have too.
    pub mask_channel: bool,
}

impl Default for GeneratorConfig {
    fn default() -> GeneratorConfig {
        GeneratorConfig::quick()
    }
}

impl GeneratorConfig {
    /// The published size: 14,799,700 weights.
    pub fn paper() -> GeneratorConfig {
        GeneratorConfig { width: 32, multiples: [16, 8, 4, 2], mask_channel: false }
    }

    /// About 0.04 million weights.
    pub fn quick() -> GeneratorConfig {
        GeneratorConfig { width: 4, multiples: [4, 4, 4, 2], mask_channel: false }
    }
}

/// Residual blocks over time and plane that keep the size, with attention over each frame's pixels.
///
/// # Reference
/// Yin et al. (2019), Unsupervised inpainting for occluded sea surface temperature sequences (the layers as
/// in the authors' published program)
///
/// # Departures
/// The attention sees each frame's own channels; the program folds time and channels together before it.
#[derive(Clone, Debug)]
pub struct Generator {
    before: Vec<NormalisedResidual>,
    attention: PooledAttention,
    after: NormalisedResidual,
    norm: BatchNorm,
    last: Convolution,
}

impl Generator {
    /// Parameters `blocks.0` to `blocks.5`, `attention`, `norm`, `last`.
    ///
    /// # Errors
    /// [`NnError::Argument`] where a number of channels is 0, or that of the attention no multiple of 8; as
    /// [`Parameters::add`].
    pub fn new(parameters: &mut Parameters, config: &GeneratorConfig) -> NnResult<Generator> {
        let w = config.width;
        let [a, b, c, d] = config.multiples.map(|m| m * w);
        if [a, b, c, d].contains(&0) || !d.is_multiple_of(8) {
            return Err(NnError::Argument(format!(
                "unisst: width {w} with multiples {:?}; numbers above 0, and a multiple of 8 at the attention, are wanted",
                config.multiples
            )));
        }
        let recipe = |inputs: usize, kernel: usize| {
            let fan_in = (inputs * kernel * kernel * kernel) as f64;
            ConvolutionRecipe::volume(kernel).spectral().init(Init::KaimingNormal { gain: START * fan_in.sqrt() })
        };
        let widths = [1 + usize::from(config.mask_channel), w, a, b, c, d, w];
        let block = |parameters: &mut Parameters, i: usize| {
            let channels = [widths[i + 1], widths[i]];
            NormalisedResidual::new(parameters, &format!("blocks.{i}"), recipe(widths[i], 3).without_bias(), channels)
        };
        Ok(Generator {
            before: (0..5).map(|i| block(parameters, i)).collect::<NnResult<Vec<_>>>()?,
            attention: PooledAttention::new(parameters, "attention", d, START)?,
            after: block(parameters, 5)?,
            norm: BatchNorm::new(parameters, "norm", w, 1e-5, 0.1)?,
            last: recipe(w, 3).build(parameters, "last", [1, w])?,
        })
    }

    /// A sequence with its clouds set to 1, `[b, 1, t, h, w]` (a second channel being 1 where hidden, if the config says so),
    /// to a sequence within -1..1, `[b, 1, t, h, w]`. Any size with height and width of at least 2.
    ///
    /// # Errors
    /// Those of the layers.
    pub fn forward(&self, clouded: &Tensor, training: bool) -> Result<Tensor> {
        let mut x = clouded.clone();
        for block in &self.before {
            x = block.forward(&x, training)?; // [b, c, t, h, w]
        }
        let (b, c, t, h, w) = x.dims5()?;
        let frames = x.transpose(1, 2)?.contiguous()?.reshape((b * t, c, h, w))?;
        let frames = self.attention.forward(&frames, training)?; // [b t, c, h, w]
        let x = frames.reshape((b, t, c, h, w))?.transpose(1, 2)?.contiguous()?;
        let x = self.after.forward(&x, training)?; // [b, width, t, h, w]
        tanh(&self.last.forward(&relu(&self.norm.forward(&x, training)?)?, training)?) // [b, 1, t, h, w]
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    #[test]
    fn the_published_number_of_weights() {
        let count = |config: &GeneratorConfig| {
            let mut parameters = Parameters::shapes_only();
            Generator::new(&mut parameters, config).unwrap();
            parameters.value_count()
        };
        assert_eq!(count(&GeneratorConfig::paper()), 14_799_700);
        assert!((20_000..100_000).contains(&count(&GeneratorConfig::quick())));
    }

    #[test]
    fn a_sequence_of_any_size_keeps_its_shape() {
        let mut parameters = Parameters::new(&Device::Cpu, DType::F32, 1);
        let network = Generator::new(&mut parameters, &GeneratorConfig::quick()).unwrap();
        for (t, h, w) in [(3, 8, 6), (2, 5, 7)] {
            let x = Tensor::ones((1, 1, t, h, w), DType::F32, &Device::Cpu).unwrap();
            let y = network.forward(&x, true).unwrap();
            assert_eq!(y.dims(), x.dims());
            assert!(y.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap() <= 1.0);
        }
        let odd = GeneratorConfig { width: 6, ..GeneratorConfig::paper() };
        assert!(Generator::new(&mut Parameters::shapes_only(), &odd).unwrap_err().to_string().contains("multiple of 8"));
        let mut parameters = Parameters::new(&Device::Cpu, DType::F32, 1);
        let told = GeneratorConfig { mask_channel: true, ..GeneratorConfig::quick() };
        let x = Tensor::ones((1, 2, 3, 4, 4), DType::F32, &Device::Cpu).unwrap();
        let y = Generator::new(&mut parameters, &told).unwrap().forward(&x, true).unwrap();
        assert_eq!(y.dims(), [1, 1, 3, 4, 4]);
    }
}

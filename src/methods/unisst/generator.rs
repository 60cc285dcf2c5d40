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
    /// Channels of the first block; the next have 16, 8, 4, 2 times and once as many. A multiple of 4.
    pub width: usize,
}

impl Default for GeneratorConfig {
    fn default() -> GeneratorConfig {
        GeneratorConfig::quick()
    }
}

impl GeneratorConfig {
    /// The published size: 14,799,700 weights.
    pub fn paper() -> GeneratorConfig {
        GeneratorConfig { width: 32 }
    }

    /// About 0.23 million weights.
    pub fn quick() -> GeneratorConfig {
        GeneratorConfig { width: 4 }
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
    /// [`NnError::Argument`] where the width is no multiple of 4; as [`Parameters::add`].
    pub fn new(parameters: &mut Parameters, config: &GeneratorConfig) -> NnResult<Generator> {
        let w = config.width;
        if w == 0 || !w.is_multiple_of(4) {
            return Err(NnError::Argument(format!("unisst: width {w}; a multiple of 4 is wanted")));
        }
        let recipe = |inputs: usize, kernel: usize| {
            let fan_in = (inputs * kernel * kernel * kernel) as f64;
            ConvolutionRecipe::volume(kernel).spectral().init(Init::KaimingNormal { gain: START * fan_in.sqrt() })
        };
        let widths = [1, w, 16 * w, 8 * w, 4 * w, 2 * w, w];
        let block = |parameters: &mut Parameters, i: usize| {
            let channels = [widths[i + 1], widths[i]];
            NormalisedResidual::new(parameters, &format!("blocks.{i}"), recipe(widths[i], 3).without_bias(), channels)
        };
        Ok(Generator {
            before: (0..5).map(|i| block(parameters, i)).collect::<NnResult<Vec<_>>>()?,
            attention: PooledAttention::new(parameters, "attention", 2 * w, START)?,
            after: block(parameters, 5)?,
            norm: BatchNorm::new(parameters, "norm", w, 1e-5, 0.1)?,
            last: recipe(w, 3).build(parameters, "last", [1, w])?,
        })
    }

    /// A sequence with its clouds set to 1, `[b, 1, t, h, w]`, to a sequence within -1..1 of the same shape.
    /// Any size with height and width of at least 2.
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
        assert!((100_000..1_000_000).contains(&count(&GeneratorConfig::quick())));
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
        let wrong = Generator::new(&mut Parameters::shapes_only(), &GeneratorConfig { width: 6 });
        assert!(wrong.unwrap_err().to_string().contains("multiple of 4"));
    }
}

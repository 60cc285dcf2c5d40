//! A critic that judges patches: strided convolutions down to a small map of logits.

use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

use super::convolution::{Convolution, ConvolutionRecipe};
use crate::nn::error::{NnError, NnResult};
use crate::nn::ops::leaky_relu;
use crate::nn::parameters::{Init, Parameters};

/// Sizes of a [`PatchCritic`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatchCriticConfig {
    /// Channels of the input.
    pub inputs: usize,
    /// Over time too? Then the input is `[b, c, t, h, w]`, and time keeps its length.
    pub volume: bool,
    /// Channels after each convolution of stride 2.
    pub strided: Vec<usize>,
    /// Channels after each convolution of stride 1 that follows them; one more, to a single channel, ends
    /// the critic.
    pub kept: Vec<usize>,
    /// Slope of the leaky rectifier.
    pub slope: f64,
    /// Standard deviation of the weights' start.
    pub start: f64,
}

/// A critic of patches, in two dimensions or three, all convolutions 3 wide and spectrally normalised.
///
/// Each logit of its output sees one patch of the input, and judges that patch alone.
///
/// # Reference
/// Isola et al. (2017), Image-to-image translation with conditional adversarial networks.
/// doi:10.1109/CVPR.2017.632
#[derive(Clone, Debug)]
pub struct PatchCritic {
    layers: Vec<Convolution>,
    last: Convolution,
    slope: f64,
    halvings: usize,
}

impl PatchCritic {
    /// The parameters are `NAME.0.weight`, `NAME.0.bias`, and so on.
    ///
    /// # Errors
    /// [`NnError::Argument`] where a width is 0 or there is no layer; as [`Parameters::add`].
    ///
    /// # Example
    /// ```
    /// use isotherm::candle_core::{DType, Device, Tensor};
    /// use isotherm::nn::Parameters;
    /// use isotherm::nn::blocks::{PatchCritic, PatchCriticConfig};
    /// let config = PatchCriticConfig {
    ///     inputs: 1, volume: false, strided: vec![4, 8], kept: vec![8], slope: 0.2, start: 0.02,
    /// };
    /// let mut parameters = Parameters::new(&Device::Cpu, DType::F32, 1);
    /// let critic = PatchCritic::new(&mut parameters, "critic", &config).unwrap();
    /// let image = Tensor::zeros((2, 1, 16, 12), DType::F32, &Device::Cpu).unwrap();
    /// assert_eq!(critic.forward(&image, false).unwrap().dims(), [2, 1, 4, 3]);
    /// ```
    pub fn new(parameters: &mut Parameters, name: &str, config: &PatchCriticConfig) -> NnResult<PatchCritic> {
        let widths: Vec<usize> = config.strided.iter().chain(&config.kept).copied().collect();
        if config.inputs == 0 || widths.is_empty() || widths.contains(&0) {
            return Err(NnError::Argument(format!(
                "patch critic: {} inputs and widths {widths:?}; at least one layer, and 1 channel in each, is wanted",
                config.inputs
            )));
        }
        let kind = if config.volume { ConvolutionRecipe::volume(3) } else { ConvolutionRecipe::plane(3) };
        let mut inputs = config.inputs;
        let mut layer = |position: usize, outputs: usize| {
            let stride = if position < config.strided.len() { 2 } else { 1 };
            // The normalisation divides out the scale of the start; only the direction of the weights stays.
            let fan_in = inputs * if config.volume { 27 } else { 9 };
            let init = Init::KaimingNormal { gain: config.start * (fan_in as f64).sqrt() };
            let recipe = kind.stride(stride).spectral().init(init);
            let layer = recipe.build(parameters, &format!("{name}.{position}"), [outputs, inputs]);
            inputs = outputs;
            layer
        };
        let layers = widths.iter().enumerate().map(|(i, &width)| layer(i, width)).collect::<NnResult<Vec<_>>>()?;
        let last = layer(widths.len(), 1)?;
        Ok(PatchCritic { layers, last, slope: config.slope, halvings: config.strided.len() })
    }

    /// `[b, inputs, (t,) h, w]` to logits `[b, 1, (t,) h', w']`, where each stride 2 halves height and width,
    /// rounding up. Any size of at least 1 will do.
    ///
    /// # Errors
    /// Those of the convolutions.
    pub fn forward(&self, x: &Tensor, training: bool) -> Result<Tensor> {
        let mut x = x.clone();
        for layer in &self.layers {
            x = leaky_relu(&layer.forward(&x, training)?, self.slope)?;
        }
        self.last.forward(&x, training)
    }

    /// How often height and width are halved.
    pub fn halvings(&self) -> usize {
        self.halvings
    }
}

//! A residual block of batch norms and spectrally normalised convolutions, over time too.

use candle_core::{Result, Tensor};

use super::convolution::{Convolution, ConvolutionRecipe};
use crate::nn::error::NnResult;
use crate::nn::layers::BatchNorm;
use crate::nn::ops::relu;
use crate::nn::parameters::Parameters;

/// Pre-activation residual with batch norms, in two dimensions or three, by the recipe it is built from.
///
/// # Formula
/// ```text
/// y = K₂ r(N₂ K₁ r(N₁ x)) + S x
/// ```
/// `r` the rectifier, `N` batch norms, `K` convolutions, `S` the identity, or a linear map of the channels
/// where their number changes.
///
/// # Reference
/// He et al. (2016), Identity mappings in deep residual networks. doi:10.1007/978-3-319-46493-0_38; the norms
/// of the weights: Miyato et al. (2018), arXiv:1802.05957
#[derive(Clone, Debug)]
pub struct NormalisedResidual {
    norm1: BatchNorm,
    conv1: Convolution,
    norm2: BatchNorm,
    conv2: Convolution,
    shortcut: Option<Convolution>,
}

impl NormalisedResidual {
    /// Channels `[outputs, inputs]`.
    ///
    /// # Errors
    /// As [`Parameters::add`].
    pub fn new(
        parameters: &mut Parameters,
        name: &str,
        recipe: ConvolutionRecipe,
        [outputs, inputs]: [usize; 2],
    ) -> NnResult<NormalisedResidual> {
        Ok(NormalisedResidual {
            norm1: BatchNorm::new(parameters, &format!("{name}.norm1"), inputs, 1e-5, 0.1)?,
            conv1: recipe.build(parameters, &format!("{name}.conv1"), [outputs, inputs])?,
            norm2: BatchNorm::new(parameters, &format!("{name}.norm2"), outputs, 1e-5, 0.1)?,
            conv2: recipe.build(parameters, &format!("{name}.conv2"), [outputs, outputs])?,
            shortcut: if inputs == outputs {
                None
            } else {
                Some(recipe.pointwise().build(parameters, &format!("{name}.shortcut"), [outputs, inputs])?)
            },
        })
    }

    /// `[b, inputs, (t,) h, w]` to `[b, outputs, (t,) h, w]`, any size.
    ///
    /// # Errors
    /// Those of the layers.
    pub fn forward(&self, x: &Tensor, training: bool) -> Result<Tensor> {
        let y = self.conv1.forward(&relu(&self.norm1.forward(x, training)?)?, training)?; // [b, outputs, (t,) h, w]
        let y = self.conv2.forward(&relu(&self.norm2.forward(&y, training)?)?, training)?;
        match &self.shortcut {
            Some(shortcut) => shortcut.forward(x, training)? + y,
            None => x + y,
        }
    }
}

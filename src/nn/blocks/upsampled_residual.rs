//! A residual block that makes the image finer by bilinear resampling.

use candle_core::{Result, Tensor};

use super::convolution::{Convolution, ConvolutionRecipe};
use crate::nn::error::NnResult;
use crate::nn::ops::{Resampling, interpolate, leaky_relu};
use crate::nn::parameters::Parameters;

/// Pre-activation residual to any finer size.
///
/// # Formula
/// ```text
/// y = K₂ σ(K₁ U σ(x)) + U S x
/// ```
/// `σ` the leaky rectifier, `U` bilinear resampling, `K₁` and `K₂` 3x3 convolutions, `S` a linear map of the
/// channels. `S` is taken before `U`, which is the same since both are linear and `U` keeps constants.
///
/// # Reference
/// He et al. (2016), Identity mappings in deep residual networks. doi:10.1007/978-3-319-46493-0_38
#[derive(Clone, Debug)]
pub struct UpsampledResidual {
    first: Convolution,
    second: Convolution,
    shortcut: Convolution,
    slope: f64,
    align_corners: bool,
}

impl UpsampledResidual {
    /// Channels `[outputs, hidden, inputs]`; `slope` of the leaky rectifier; `align_corners` as in
    /// [`interpolate`].
    ///
    /// # Errors
    /// As [`Parameters::add`].
    pub fn new(
        parameters: &mut Parameters,
        name: &str,
        [outputs, hidden, inputs]: [usize; 3],
        slope: f64,
        align_corners: bool,
    ) -> NnResult<UpsampledResidual> {
        let recipe = ConvolutionRecipe::plane(3);
        Ok(UpsampledResidual {
            first: recipe.build(parameters, &format!("{name}.conv1"), [hidden, inputs])?,
            second: recipe.build(parameters, &format!("{name}.conv2"), [outputs, hidden])?,
            shortcut: recipe.pointwise().build(parameters, &format!("{name}.shortcut"), [outputs, inputs])?,
            slope,
            align_corners,
        })
    }

    /// `[b, inputs, h, w]` to `[b, outputs, to.0, to.1]`.
    ///
    /// # Errors
    /// Those of the convolutions and of [`interpolate`].
    pub fn forward(&self, x: &Tensor, to: (usize, usize)) -> Result<Tensor> {
        let finer = |x: &Tensor| interpolate(x, to, Resampling::Bilinear, self.align_corners);
        let y = self.first.forward(&finer(&leaky_relu(x, self.slope)?)?, false)?; // [b, hidden, h', w']
        let y = self.second.forward(&leaky_relu(&y, self.slope)?, false)?; // [b, outputs, h', w']
        y + finer(&self.shortcut.forward(x, false)?)?
    }
}

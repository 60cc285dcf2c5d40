//! A convolution with its weight and bias.

use candle_core::{Result, Tensor};

use super::error::NnResult;
use super::ops::{ConvolutionOptions, conv2d_with_bias};
use super::parameters::{Init, Parameters};

/// `y = weight * x + bias` with the parameters `NAME.weight` and `NAME.bias`.
#[derive(Clone, Debug)]
pub struct Convolution2d {
    weight: Tensor,
    bias: Tensor,
    options: ConvolutionOptions,
}

impl Convolution2d {
    /// A square convolution from `inputs` to `outputs` channels; the bias starts at 0.
    ///
    /// # Errors
    /// As [`Parameters::add`].
    pub fn new(
        parameters: &mut Parameters,
        name: &str,
        [outputs, inputs]: [usize; 2],
        kernel: usize,
        options: ConvolutionOptions,
        init: Init,
    ) -> NnResult<Convolution2d> {
        let shape = [outputs, inputs / options.groups.max(1), kernel, kernel];
        let weight = parameters.add(format!("{name}.weight"), &shape, init)?;
        let bias = parameters.add(format!("{name}.bias"), &[outputs], Init::Constant(0.0))?;
        Ok(Convolution2d { weight, bias, options })
    }

    /// `[b, inputs, h, w]` to `[b, outputs, h', w']`.
    ///
    /// # Errors
    /// As [`conv2d_with_bias`].
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        conv2d_with_bias(x, &self.weight, Some(&self.bias), self.options)
    }
}

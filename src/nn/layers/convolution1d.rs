//! A 1-D convolution with its weight and bias.

use candle_core::{Result, Tensor};

use super::add_bias_parameter;
use crate::nn::error::NnResult;
use crate::nn::ops::{ConvolutionOptions, add_bias, conv1d};
use crate::nn::parameters::{Init, Parameters};

/// `y = weight * x + bias` along the last axis.
#[derive(Clone, Debug)]
pub struct Convolution1d {
    weight: Tensor,
    bias: Option<Tensor>,
    options: ConvolutionOptions,
}

impl Convolution1d {
    /// From `inputs` to `outputs` channels; without a start for it there is no bias.
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
        bias: Option<Init>,
    ) -> NnResult<Convolution1d> {
        let shape = [outputs, inputs / options.groups.max(1), kernel];
        let weight = parameters.add(format!("{name}.weight"), &shape, init)?;
        Ok(Convolution1d { weight, bias: add_bias_parameter(parameters, name, outputs, bias)?, options })
    }

    /// `[b, inputs, l]` to `[b, outputs, l']`.
    ///
    /// # Errors
    /// As [`conv1d`].
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let ConvolutionOptions { stride, padding, dilation, groups } = self.options;
        let y = conv1d(x, &self.weight, stride, padding, dilation, groups)?;
        if let Some(bias) = &self.bias { add_bias(&y, bias) } else { Ok(y) }
    }
}

//! A 3-D convolution with its weight and bias.

use candle_core::{Result, Tensor};

use super::add_bias_parameter;
use crate::nn::error::NnResult;
use crate::nn::ops::{Convolution3dOptions, conv3d_with_bias};
use crate::nn::parameters::{Init, Parameters};

/// `y = weight * x + bias` over time, height and width.
#[derive(Clone, Debug)]
pub struct Convolution3d {
    weight: Tensor,
    bias: Option<Tensor>,
    options: Convolution3dOptions,
}

impl Convolution3d {
    /// From `inputs` to `outputs` channels with a kernel of (times, rows, columns); without a start for it
    /// there is no bias.
    ///
    /// # Errors
    /// As [`Parameters::add`].
    pub fn new(
        parameters: &mut Parameters,
        name: &str,
        [outputs, inputs]: [usize; 2],
        kernel: [usize; 3],
        options: Convolution3dOptions,
        init: Init,
        bias: Option<Init>,
    ) -> NnResult<Convolution3d> {
        let shape = [outputs, inputs / options.groups.max(1), kernel[0], kernel[1], kernel[2]];
        let weight = parameters.add(format!("{name}.weight"), &shape, init)?;
        Ok(Convolution3d { weight, bias: add_bias_parameter(parameters, name, outputs, bias)?, options })
    }

    /// `[b, inputs, t, h, w]` to `[b, outputs, t', h', w']`.
    ///
    /// # Errors
    /// As [`conv3d_with_bias`].
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        conv3d_with_bias(x, &self.weight, self.bias.as_ref(), &self.options)
    }
}

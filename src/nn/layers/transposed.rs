//! A transposed 2-D convolution with its weight and bias.

use candle_core::{Result, Tensor};

use super::add_bias_parameter;
use crate::nn::error::NnResult;
use crate::nn::ops::{TransposedOptions, add_bias, conv_transpose2d};
use crate::nn::parameters::{Init, Parameters};

/// The transpose of a convolution, plus a bias: a learned way to a finer grid.
#[derive(Clone, Debug)]
pub struct TransposedConvolution2d {
    weight: Tensor,
    bias: Option<Tensor>,
    options: TransposedOptions,
}

impl TransposedConvolution2d {
    /// From `inputs` to `outputs` channels with a square kernel; the weight is `[inputs, outputs / groups,
    /// kernel, kernel]`. Without a start for it there is no bias.
    ///
    /// # Errors
    /// As [`Parameters::add`].
    pub fn new(
        parameters: &mut Parameters,
        name: &str,
        [outputs, inputs]: [usize; 2],
        kernel: usize,
        options: TransposedOptions,
        init: Init,
        bias: Option<Init>,
    ) -> NnResult<TransposedConvolution2d> {
        let shape = [inputs, outputs / options.groups.max(1), kernel, kernel];
        let weight = parameters.add(format!("{name}.weight"), &shape, init)?;
        Ok(TransposedConvolution2d { weight, bias: add_bias_parameter(parameters, name, outputs, bias)?, options })
    }

    /// `[b, inputs, h, w]` to `[b, outputs, h', w']`.
    ///
    /// # Errors
    /// As [`conv_transpose2d`].
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = conv_transpose2d(x, &self.weight, &self.options)?;
        if let Some(bias) = &self.bias { add_bias(&y, bias) } else { Ok(y) }
    }
}

//! A matrix and a bias.

use candle_core::{Result, Tensor, bail};

use super::{add_bias_parameter, default_bias};
use crate::nn::error::NnResult;
use crate::nn::ops::add_bias;
use crate::nn::parameters::{Init, Parameters};
use crate::nn::precision::matrix_product;

/// `y = weight x + bias` along the last axis.
#[derive(Clone, Debug)]
pub struct Linear {
    weight: Tensor,
    bias: Option<Tensor>,
}

impl Linear {
    /// From `inputs` to `outputs` values; without a start for it there is no bias.
    ///
    /// # Errors
    /// As [`Parameters::add`].
    ///
    /// # Example
    /// ```
    /// use isotherm::candle_core::{DType, Device, Tensor};
    /// use isotherm::nn::{Init, Parameters, layers::Linear};
    /// let mut parameters = Parameters::new(&Device::Cpu, DType::F32, 1);
    /// let layer = Linear::new(&mut parameters, "out", [1, 2], Init::Constant(2.0), Some(Init::Constant(1.0))).unwrap();
    /// let y = layer.forward(&Tensor::new(&[[[3f32, 4.0]]], &Device::Cpu).unwrap()).unwrap();
    /// assert_eq!(y.to_vec3::<f32>().unwrap(), [[[15.0]]]);
    /// ```
    pub fn new(
        parameters: &mut Parameters,
        name: &str,
        [outputs, inputs]: [usize; 2],
        init: Init,
        bias: Option<Init>,
    ) -> NnResult<Linear> {
        let weight = parameters.add(format!("{name}.weight"), &[outputs, inputs], init)?;
        Ok(Linear { weight, bias: add_bias_parameter(parameters, name, outputs, bias)? })
    }

    /// With PyTorch's default start of weight and bias.
    ///
    /// # Errors
    /// As [`Parameters::add`].
    pub fn standard(parameters: &mut Parameters, name: &str, channels: [usize; 2]) -> NnResult<Linear> {
        Linear::new(parameters, name, channels, Init::UniformFanIn, Some(default_bias(&channels)))
    }

    /// `[..., inputs]` to `[..., outputs]`.
    ///
    /// # Errors
    /// A sentence where the last axis is of another size.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (outputs, inputs) = self.weight.dims2()?;
        if x.dims().last() != Some(&inputs) || inputs == 0 {
            bail!("linear: input is {:?}; {inputs} values along the last axis are wanted", x.dims());
        }
        let rows = x.elem_count() / inputs;
        let flat = if x.rank() == 2 { x.contiguous()? } else { x.reshape((rows, inputs))? };
        let y = matrix_product(&flat, &self.weight.t()?)?;
        let y = if let Some(bias) = &self.bias { add_bias(&y, bias)? } else { y };
        if x.rank() == 2 {
            return Ok(y);
        }
        let mut shape = x.dims().to_vec();
        shape[x.rank() - 1] = outputs;
        y.reshape(shape)
    }
}

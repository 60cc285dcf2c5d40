//! Normalisations with weight and bias, which start at 1 and 0.

use candle_core::{Result, Tensor};

use crate::nn::error::NnResult;
use crate::nn::ops::{group_norm, instance_norm, layer_norm_last};
use crate::nn::parameters::{Init, Parameters};

fn affine(parameters: &mut Parameters, name: &str, channels: usize) -> NnResult<[Tensor; 2]> {
    Ok([
        parameters.add(format!("{name}.weight"), &[channels], Init::Constant(1.0))?,
        parameters.add(format!("{name}.bias"), &[channels], Init::Constant(0.0))?,
    ])
}

/// [`group_norm`] with parameters.
#[derive(Clone, Debug)]
pub struct GroupNorm {
    affine: [Tensor; 2],
    groups: usize,
    epsilon: f64,
}

impl GroupNorm {
    /// For `channels` in `groups`.
    ///
    /// # Errors
    /// As [`Parameters::add`].
    pub fn new(parameters: &mut Parameters, name: &str, channels: usize, groups: usize, epsilon: f64) -> NnResult<GroupNorm> {
        Ok(GroupNorm { affine: affine(parameters, name, channels)?, groups, epsilon })
    }

    /// `[b, channels, ...]` to the same.
    ///
    /// # Errors
    /// As [`group_norm`].
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let [weight, bias] = &self.affine;
        group_norm(x, self.groups, Some(weight), Some(bias), self.epsilon)
    }
}

/// [`layer_norm_last`] with parameters.
#[derive(Clone, Debug)]
pub struct LayerNorm {
    affine: [Tensor; 2],
    epsilon: f64,
}

impl LayerNorm {
    /// For a last axis of `size`.
    ///
    /// # Errors
    /// As [`Parameters::add`].
    pub fn new(parameters: &mut Parameters, name: &str, size: usize, epsilon: f64) -> NnResult<LayerNorm> {
        Ok(LayerNorm { affine: affine(parameters, name, size)?, epsilon })
    }

    /// `[..., size]` to the same.
    ///
    /// # Errors
    /// As [`layer_norm_last`].
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let [weight, bias] = &self.affine;
        layer_norm_last(x, Some(weight), Some(bias), self.epsilon)
    }
}

/// [`instance_norm`], with parameters or (PyTorch's default) without.
#[derive(Clone, Debug)]
pub struct InstanceNorm {
    affine: Option<[Tensor; 2]>,
    epsilon: f64,
}

impl InstanceNorm {
    /// For `channels`, with weight and bias.
    ///
    /// # Errors
    /// As [`Parameters::add`].
    pub fn new(parameters: &mut Parameters, name: &str, channels: usize, epsilon: f64) -> NnResult<InstanceNorm> {
        Ok(InstanceNorm { affine: Some(affine(parameters, name, channels)?), epsilon })
    }

    /// Without weight and bias, for any number of channels.
    pub fn plain(epsilon: f64) -> InstanceNorm {
        InstanceNorm { affine: None, epsilon }
    }

    /// `[b, channels, ...]` to the same.
    ///
    /// # Errors
    /// As [`instance_norm`].
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let [weight, bias] = match &self.affine {
            Some([weight, bias]) => [Some(weight), Some(bias)],
            None => [None, None],
        };
        instance_norm(x, weight, bias, self.epsilon)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    #[test]
    fn a_fresh_layer_is_the_plain_operation() {
        let mut p = Parameters::new(&Device::Cpu, DType::F64, 1);
        let x = Tensor::arange(0f64, 24.0, &Device::Cpu).unwrap().reshape((1, 4, 6)).unwrap().sqr().unwrap();
        let values = |t: Tensor| t.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        let group = GroupNorm::new(&mut p, "g", 4, 2, 1e-5).unwrap();
        assert_eq!(values(group.forward(&x).unwrap()), values(group_norm(&x, 2, None, None, 1e-5).unwrap()));
        let layer = LayerNorm::new(&mut p, "l", 6, 1e-5).unwrap();
        assert_eq!(values(layer.forward(&x).unwrap()), values(layer_norm_last(&x, None, None, 1e-5).unwrap()));
        let instance = InstanceNorm::new(&mut p, "i", 4, 1e-5).unwrap();
        assert_eq!(values(instance.forward(&x).unwrap()), values(InstanceNorm::plain(1e-5).forward(&x).unwrap()));
        assert_eq!(p.value_count(), 8 + 12 + 8);
    }
}

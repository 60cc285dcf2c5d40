//! Operations with their parameters: each layer adds `NAME.weight` and `NAME.bias` to the network's
//! [`Parameters`].
//!
//! PyTorch's default start is [`Init::UniformFanIn`] for a weight and
//! [`default_bias`] for its bias.

mod batch_norm;
mod convolution1d;
mod convolution3d;
mod dropout;
mod linear;
mod normalisation;
mod transposed;

pub use batch_norm::BatchNorm;
pub use convolution1d::Convolution1d;
pub use convolution3d::Convolution3d;
pub use dropout::Dropout;
pub use linear::Linear;
pub use normalisation::{GroupNorm, InstanceNorm, LayerNorm};
pub use transposed::TransposedConvolution2d;

use candle_core::Tensor;

use super::error::NnResult;
use super::parameters::{Init, Parameters};

/// PyTorch's start of a bias: uniform within `± 1 / sqrt(fan_in)` of the weight it goes with.
///
/// # Example
/// ```
/// use isotherm::nn::{Init, layers::default_bias};
/// assert_eq!(default_bias(&[8, 1, 2, 2]), Init::Uniform { bound: 0.5 }); // fan_in 1 · 2 · 2
/// ```
pub fn default_bias(weight_shape: &[usize]) -> Init {
    Init::Uniform { bound: Init::UniformFanIn.spread(weight_shape) }
}

fn add_bias_parameter(parameters: &mut Parameters, name: &str, outputs: usize, bias: Option<Init>) -> NnResult<Option<Tensor>> {
    bias.map(|init| parameters.add(format!("{name}.bias"), &[outputs], init)).transpose()
}

//! 1-D convolution.

use candle_core::{Result, Tensor};

use super::convolution_map::{Axes, convolve};

/// Cross-correlation of `x` `[b, c, l]` with `weight` `[o, c / groups, k]`: `[b, o, l']` with
/// `l' = (l + 2 padding - dilation (k - 1) - 1) / stride + 1`.
///
/// # Errors
/// A sentence where ranks, channels, groups or sizes do not fit.
///
/// # Example
/// ```
/// use isotherm::candle_core::{Device, Tensor};
/// let x = Tensor::new(&[[[1f32, 2.0, 4.0]]], &Device::Cpu).unwrap();
/// let step = Tensor::new(&[[[-1f32, 1.0]]], &Device::Cpu).unwrap();
/// let y = isotherm::nn::ops::conv1d(&x, &step, 1, 0, 1, 1).unwrap();
/// assert_eq!(y.to_vec3::<f32>().unwrap(), [[[1.0, 2.0]]]);
/// ```
pub fn conv1d(x: &Tensor, weight: &Tensor, stride: usize, padding: usize, dilation: usize, groups: usize) -> Result<Tensor> {
    convolve("conv1d", 1, x, weight, Axes::uniform(1, stride, padding, dilation, groups))
}

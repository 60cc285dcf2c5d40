//! Differentiable operations whose gradients are right, of any order, and fast on the CPU.
//!
//! On the CPU, f32 and f64 take the same generic code, so that the audit by finite differences in f64
//! tests the very loops that train in f32. Other devices take candle's own operations.
//!
//! Covered against PyTorch by the golden family `nn_torch`: conv2d (stride, dilation, groups),
//! bias, relu, leaky relu, silu, pixel shuffle and unshuffle, mean square, L1 and Charbonnier losses,
//! Adam in five settings, gradient clipping, the cosine schedule, initialisation bounds. Not yet:
//! conv_transpose2d, normalisations, pooling, padding, resampling, attention, the adversarial losses
//! and the other optimisers and schedules.

mod activation;
mod bias;
mod conv2d;
#[cfg(feature = "cuda")]
mod conv2d_cuda;
mod conv2d_kernels;
mod loss;
mod shuffle;
pub(super) mod slices;

pub use activation::{leaky_relu, relu, silu};
pub use bias::add_bias;
pub use conv2d::{ConvolutionOptions, conv2d};
#[cfg(feature = "cuda")]
pub use conv2d_cuda::allow_tf32_convolutions;
pub use loss::{Loss, masked_loss};
pub use shuffle::{pixel_shuffle, pixel_unshuffle};

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
mod attention;
mod batch_norm;
mod bias;
mod channels;
mod conv2d;
mod conv2d_kernels;
mod elementwise;
mod loss;
mod normalisation;
mod normalisation_kernels;
mod shuffle;
pub(super) mod slices;
mod softmax;

pub use activation::{gelu, gelu_tanh, leaky_relu, relu, sigmoid, silu, softplus, tanh};
pub use attention::attention;
pub use batch_norm::{batch_norm, batch_statistics};
pub use bias::add_bias;
pub use channels::{channel_product, scale_channels};
pub use conv2d::{ConvolutionOptions, conv2d};
pub use loss::{Loss, masked_loss};
pub use normalisation::{group_norm, instance_norm, layer_norm_last};
pub use shuffle::{pixel_shuffle, pixel_unshuffle};
pub use softmax::softmax;

//! Differentiable operations whose gradients are right, of any order, and fast on the CPU.
//!
//! On the CPU, f32 and f64 take the same generic code, so that the audit by finite differences in f64
//! tests the very loops that train in f32. Other devices take candle's own operations.
//!
//! Every operation is checked by finite differences (`tests/gradients`), first and second derivative, and
//! against PyTorch by the golden family `nn_torch`.

mod activation;
mod adversarial;
mod attention;
mod attention_fused;
mod axis_map;
mod batch_norm;
mod bias;
mod channels;
mod conv1d;
mod conv2d;
mod conv3d;
mod conv_transpose;
#[cfg(feature = "cuda")]
mod convolution_cuda;
mod convolution_direct;
mod convolution_kernels;
mod convolution_map;
mod convolution_plain;
mod convolution_source;
mod elementwise;
mod grid_sample;
mod lanes;
mod loss;
pub(crate) mod matrix;
mod max_pool;
mod normalisation;
mod normalisation_kernels;
mod padding;
mod planes;
mod pooling;
mod resampling;
mod shuffle;
pub(super) mod slices;
mod softmax;
mod spectral_norm;
mod timestep;
mod window;

pub use activation::{gelu, gelu_tanh, leaky_relu, relu, sigmoid, silu, softplus, tanh};
pub use adversarial::{
    bce_with_logits, gradient_penalty, hinge_critic, hinge_generator, interpolate_samples, wasserstein_critic,
    wasserstein_generator,
};
pub use attention::attention;
pub use batch_norm::{batch_norm, batch_statistics};
pub use bias::add_bias;
pub use channels::{channel_product, scale_channels};
pub use conv_transpose::{Transposed3dOptions, TransposedOptions, conv_transpose2d, conv_transpose3d};
pub use conv1d::conv1d;
pub use conv2d::{ConvolutionOptions, conv2d, conv2d_with_bias};
pub use conv3d::{Convolution3dOptions, conv3d, conv3d_with_bias};
pub use grid_sample::{Outside, grid_sample};
pub use loss::{Loss, masked_loss};
pub use max_pool::max_pool2d;
pub use normalisation::{group_norm, instance_norm, layer_norm_last};
pub use padding::{Pad, Padding, pad2d, pad3d, roll};
pub use pooling::{area_pool, average_pool2d, average_pool3d};
pub use resampling::{Resampling, interpolate, interpolate_antialiased, interpolate3d};
pub use shuffle::{pixel_shuffle, pixel_unshuffle};
pub use softmax::softmax;
pub use spectral_norm::{spectral_norm, spectral_start};
pub use timestep::timestep_embedding;
pub use window::{window_partition, window_reverse};

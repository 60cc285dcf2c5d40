//! Building blocks of networks: what is used by more than one, or is a network of its own.
//!
//! Shapes are `[b, c, h, w]`, with time before height where there is one. A block that keeps a state in
//! training (batch norms, spectral norms) has `forward(x, training)`, the others `forward(x)`.

mod convolution;
mod lstm;
mod mixing;
mod multi_head_attention;
mod normalised_residual;
mod patch_critic;
mod pooled_attention;
mod pooled_residual;
mod residual;
mod self_attention;
mod spatial_transformer;
mod spectral_weight;
mod swin;
mod time2vec;
mod time_embedding;
mod transformer;
mod unet;
mod unet_config;
mod unet_critic;
mod upsampled_residual;
mod window_attention;

pub use convolution::{Convolution, ConvolutionRecipe};
pub use lstm::{Lstm, LstmState};
pub use mixing::Mixing;
pub use multi_head_attention::MultiHeadAttention;
pub use normalised_residual::NormalisedResidual;
pub use patch_critic::{PatchCritic, PatchCriticConfig};
pub use pooled_attention::PooledAttention;
pub use pooled_residual::{PooledResidual, halve};
pub use residual::{Conditioning, ResidualBlock, ResidualBlockConfig};
pub use self_attention::SelfAttention;
pub use spatial_transformer::SpatialTransformer;
pub use swin::{SwinConfig, SwinLayer};
pub use time_embedding::TimeEmbedding;
pub use time2vec::Time2Vec;
pub use transformer::{Transformer, TransformerConfig};
pub use unet::{Unet, UnetEncoding, UnetHead};
pub use unet_config::{MixingPlace, UnetConfig, UnetLevel};
pub use unet_critic::UnetCritic;
pub use upsampled_residual::UpsampledResidual;
pub use window_attention::WindowAttention;

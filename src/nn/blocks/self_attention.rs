//! Attention of every pixel to every other.

use candle_core::{Result, Tensor};

use super::multi_head_attention::MultiHeadAttention;
use super::residual::NORM_EPSILON;
use crate::nn::error::{NnError, NnResult};
use crate::nn::layers::GroupNorm;
use crate::nn::parameters::Parameters;

/// `x + attention(group_norm(x))` over the pixels of an image, as diffusion U-Nets have it on their coarse
/// levels.
///
/// # Reference
/// Ho et al. (2020), Denoising diffusion probabilistic models. arXiv:2006.11239
#[derive(Clone, Debug)]
pub struct SelfAttention {
    norm: GroupNorm,
    attention: MultiHeadAttention,
}

impl SelfAttention {
    /// For `channels` channels, in heads of `head_width`.
    ///
    /// # Errors
    /// [`NnError::Argument`] where the heads do not divide the channels; as [`Parameters::add`].
    pub fn new(
        parameters: &mut Parameters,
        name: &str,
        channels: usize,
        head_width: usize,
        groups: usize,
    ) -> NnResult<SelfAttention> {
        let heads = heads(channels, head_width)?;
        Ok(SelfAttention {
            norm: GroupNorm::new(parameters, &format!("{name}.norm"), channels, groups, NORM_EPSILON)?,
            attention: MultiHeadAttention::new(parameters, name, channels, heads, true)?,
        })
    }

    /// `[b, c, h, w]` to the same shape, any size.
    ///
    /// # Errors
    /// Those of the layers.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let pixels = to_pixels(&self.norm.forward(x)?)?; // [b, h w, c]
        x + from_pixels(&self.attention.forward(&pixels, &pixels)?, x)?
    }
}

/// How many heads of this width make up the channels.
pub(super) fn heads(channels: usize, head_width: usize) -> NnResult<usize> {
    if head_width == 0 || !channels.is_multiple_of(head_width) {
        return Err(NnError::Argument(format!("attention heads of {head_width} for {channels} channels; a divisor is wanted")));
    }
    Ok(channels / head_width)
}

/// `[b, c, h, w]` to `[b, h w, c]`.
pub(super) fn to_pixels(x: &Tensor) -> Result<Tensor> {
    x.flatten_from(2)?.transpose(1, 2)?.contiguous()
}

/// `[b, h w, c]` to the shape `[b, c, h, w]` of `like`.
pub(super) fn from_pixels(pixels: &Tensor, like: &Tensor) -> Result<Tensor> {
    let (b, _, h, w) = like.dims4()?;
    pixels.transpose(1, 2)?.contiguous()?.reshape((b, pixels.dim(2)?, h, w))
}

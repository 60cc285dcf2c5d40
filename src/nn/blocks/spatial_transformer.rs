//! A transformer layer over the pixels of an image, with a gated feed-forward part.

use candle_core::{Result, Tensor};

use super::multi_head_attention::MultiHeadAttention;
use super::residual::NORM_EPSILON;
use super::self_attention::{from_pixels, heads, to_pixels};
use crate::nn::error::NnResult;
use crate::nn::layers::{GroupNorm, LayerNorm, Linear};
use crate::nn::ops::gelu;
use crate::nn::parameters::Parameters;

/// Attention of every pixel to every other, then a gated linear unit, inside a residual.
///
/// # Formula
/// ```text
/// z = A N x,   z = z + attention(L₁ z),   z = z + C( a · gelu(g) ),  (a, g) = B L₂ z,   y = x + D z
/// ```
/// `N` a group norm, `L` layer norms, `A`, `B`, `C`, `D` linear; the gate is four times as wide as `z`.
///
/// # Reference
/// Rombach et al. (2022), High-resolution image synthesis with latent diffusion models.
/// doi:10.1109/CVPR52688.2022.01042; Shazeer (2020), GLU variants improve transformer. arXiv:2002.05202
///
/// # Departures
/// No cross-attention: without a context to attend to it is one constant vector, which the bias of the
/// self-attention's output already holds.
#[derive(Clone, Debug)]
pub struct SpatialTransformer {
    norm: GroupNorm,
    enter: Linear,
    norm1: LayerNorm,
    attention: MultiHeadAttention,
    norm2: LayerNorm,
    gated: Linear,
    narrow: Linear,
    leave: Linear,
}

const GROUP_NORM_EPSILON: f64 = 1e-6;
const WIDER: usize = 4;

impl SpatialTransformer {
    /// For `channels` channels, in heads of `head_width`.
    ///
    /// # Errors
    /// [`crate::nn::NnError::Argument`] where the heads do not divide the channels; as
    /// [`Parameters::add`].
    pub fn new(
        parameters: &mut Parameters,
        name: &str,
        channels: usize,
        head_width: usize,
        groups: usize,
    ) -> NnResult<SpatialTransformer> {
        let (c, heads) = (channels, heads(channels, head_width)?);
        Ok(SpatialTransformer {
            norm: GroupNorm::new(parameters, &format!("{name}.norm"), c, groups, GROUP_NORM_EPSILON)?,
            enter: Linear::standard(parameters, &format!("{name}.enter"), [c, c])?,
            norm1: LayerNorm::new(parameters, &format!("{name}.norm1"), c, NORM_EPSILON)?,
            attention: MultiHeadAttention::new(parameters, &format!("{name}.attention"), c, heads, false)?,
            norm2: LayerNorm::new(parameters, &format!("{name}.norm2"), c, NORM_EPSILON)?,
            gated: Linear::standard(parameters, &format!("{name}.gated"), [2 * WIDER * c, c])?,
            narrow: Linear::standard(parameters, &format!("{name}.narrow"), [c, WIDER * c])?,
            leave: Linear::standard(parameters, &format!("{name}.leave"), [c, c])?,
        })
    }

    /// `[b, c, h, w]` to the same shape, any size.
    ///
    /// # Errors
    /// Those of the layers.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let z = self.enter.forward(&to_pixels(&self.norm.forward(x)?)?)?; // [b, h w, c]
        let normed = self.norm1.forward(&z)?;
        let z = (z + self.attention.forward(&normed, &normed)?)?; // [b, h w, c]
        let wide = self.gated.forward(&self.norm2.forward(&z)?)?; // [b, h w, 8 c]
        let half = wide.dim(2)? / 2;
        let (value, gate) = (wide.narrow(2, 0, half)?, wide.narrow(2, half, half)?);
        let z = (z + self.narrow.forward(&(value * gelu(&gate)?)?)?)?; // [b, h w, c]
        x + from_pixels(&self.leave.forward(&z)?, x)?
    }
}

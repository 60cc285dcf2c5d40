//! What mixes far pixels between the residual blocks of a U-Net.

use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

use super::self_attention::SelfAttention;
use super::spatial_transformer::SpatialTransformer;
use super::swin::{SwinConfig, SwinLayer};
use crate::nn::error::NnResult;
use crate::nn::parameters::Parameters;

/// What stands after a residual block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Mixing {
    /// Nothing.
    None,
    /// [`SelfAttention`].
    SelfAttention {
        /// Channels of a head.
        head_width: usize,
    },
    /// [`SpatialTransformer`].
    Transformer {
        /// Channels of a head.
        head_width: usize,
    },
    /// [`SwinLayer`].
    Swin(SwinConfig),
}

/// A [`Mixing`] with its parameters.
#[derive(Clone, Debug)]
pub(super) enum Mixer {
    SelfAttention(SelfAttention),
    Transformer(SpatialTransformer),
    Swin(SwinLayer),
}

impl Mixer {
    /// Nothing for [`Mixing::None`].
    pub fn new(
        parameters: &mut Parameters,
        name: &str,
        mixing: &Mixing,
        channels: usize,
        groups: usize,
    ) -> NnResult<Option<Mixer>> {
        Ok(match mixing {
            Mixing::None => None,
            Mixing::SelfAttention { head_width } => {
                Some(Mixer::SelfAttention(SelfAttention::new(parameters, name, channels, *head_width, groups)?))
            }
            Mixing::Transformer { head_width } => {
                Some(Mixer::Transformer(SpatialTransformer::new(parameters, name, channels, *head_width, groups)?))
            }
            Mixing::Swin(config) => Some(Mixer::Swin(SwinLayer::new(parameters, name, channels, config, groups)?)),
        })
    }

    /// `[b, c, h, w]` to the same shape.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        match self {
            Mixer::SelfAttention(layer) => layer.forward(x),
            Mixer::Transformer(layer) => layer.forward(x),
            Mixer::Swin(layer) => layer.forward(x),
        }
    }
}

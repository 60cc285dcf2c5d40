//! The residual block of diffusion U-Nets: group norm, SiLU, convolution, twice, told the time in between.

use candle_core::{Result, Tensor, bail};
use serde::{Deserialize, Serialize};

use crate::nn::convolution::Convolution2d;
use crate::nn::error::NnResult;
use crate::nn::layers::{GroupNorm, Linear};
use crate::nn::ops::{ConvolutionOptions, add_bias, scale_channels, silu};
use crate::nn::parameters::{Init, Parameters};

/// How a residual block is told the time (or whatever else the embedding says).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conditioning {
    /// Not at all.
    None,
    /// One number is added to each channel before the second norm.
    Add,
    /// Feature-wise linear modulation: each channel is scaled and shifted after the second norm.
    Film,
}

/// Sizes of a [`ResidualBlock`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResidualBlockConfig {
    /// Channels in.
    pub inputs: usize,
    /// Channels out.
    pub outputs: usize,
    /// Width of the embedding vector (unused without conditioning).
    pub embedding: usize,
    /// How the embedding enters.
    pub conditioning: Conditioning,
    /// Groups of the norms; both channel numbers are multiples of it.
    pub groups: usize,
    /// Start the second convolution at zero, so that the block starts as its shortcut.
    pub zero_start: bool,
}

/// Group norm, SiLU, 3x3 convolution, twice, beside a shortcut.
///
/// # Formula
/// ```text
/// Add:   y = K₂ s(N₂( K₁ s(N₁ x) + L s(e) ))                          + S x
/// Film:  y = K₂ s( N₂(K₁ s(N₁ x)) (1 + a) + b ),   (a, b) = L s(e),   + S x
/// ```
/// `N` group norms, `s` SiLU, `K` convolutions, `L` linear, `e` the embedding, `S` the identity, or a linear
/// map of the channels where their number changes.
///
/// # Reference
/// Perez et al. (2018), FiLM: visual reasoning with a general conditioning layer. doi:10.1609/aaai.v32i1.11671;
/// Dhariwal and Nichol (2021), Diffusion models beat GANs on image synthesis. arXiv:2105.05233
#[derive(Clone, Debug)]
pub struct ResidualBlock {
    norm1: GroupNorm,
    conv1: Convolution2d,
    embedding: Option<Linear>,
    norm2: GroupNorm,
    conv2: Convolution2d,
    shortcut: Option<Convolution2d>,
    conditioning: Conditioning,
}

/// The constant that keeps a group norm's division finite.
pub(super) const NORM_EPSILON: f64 = 1e-5;

impl ResidualBlock {
    /// Parameters `NAME.norm1`, `NAME.conv1`, `NAME.embedding`, `NAME.norm2`, `NAME.conv2`, `NAME.shortcut`.
    ///
    /// # Errors
    /// As [`Parameters::add`].
    pub fn new(parameters: &mut Parameters, name: &str, config: &ResidualBlockConfig) -> NnResult<ResidualBlock> {
        let ResidualBlockConfig { inputs, outputs, groups, .. } = *config;
        let weights = Init::UniformFanIn;
        let same = ConvolutionOptions::same(3);
        let last = if config.zero_start { Init::Constant(0.0) } else { weights };
        let told = match config.conditioning {
            Conditioning::None => None,
            Conditioning::Add => Some(outputs),
            Conditioning::Film => Some(2 * outputs),
        };
        Ok(ResidualBlock {
            norm1: GroupNorm::new(parameters, &format!("{name}.norm1"), inputs, groups, NORM_EPSILON)?,
            conv1: Convolution2d::new(parameters, &format!("{name}.conv1"), [outputs, inputs], 3, same, weights)?,
            embedding: told
                .map(|told| Linear::standard(parameters, &format!("{name}.embedding"), [told, config.embedding]))
                .transpose()?,
            norm2: GroupNorm::new(parameters, &format!("{name}.norm2"), outputs, groups, NORM_EPSILON)?,
            conv2: Convolution2d::new(parameters, &format!("{name}.conv2"), [outputs, outputs], 3, same, last)?,
            shortcut: if inputs == outputs {
                None
            } else {
                let name = format!("{name}.shortcut");
                Some(Convolution2d::new(parameters, &name, [outputs, inputs], 1, ConvolutionOptions::default(), weights)?)
            },
            conditioning: config.conditioning,
        })
    }

    /// `[b, inputs, h, w]` and the embedding `[b, embedding]` to `[b, outputs, h, w]`, any size.
    ///
    /// # Errors
    /// A sentence where a conditioned block gets no embedding; those of the layers.
    pub fn forward(&self, x: &Tensor, embedding: Option<&Tensor>) -> Result<Tensor> {
        let told = match (&self.embedding, embedding) {
            (None, _) => None,
            (Some(_), None) => bail!("residual block: it is conditioned, but got no embedding"),
            (Some(layer), Some(e)) => Some(layer.forward(&silu(e)?)?.unsqueeze(2)?.unsqueeze(3)?), // [b, c or 2 c, 1, 1]
        };
        let mut y = self.conv1.forward(&silu(&self.norm1.forward(x)?)?)?; // [b, outputs, h, w]
        y = match (self.conditioning, told) {
            (Conditioning::Add, Some(told)) => self.norm2.forward(&y.broadcast_add(&told)?)?,
            (Conditioning::Film, Some(told)) => {
                let outputs = told.dim(1)? / 2;
                let (scale, shift) = (told.narrow(1, 0, outputs)?, told.narrow(1, outputs, outputs)?);
                modulate(&self.norm2.forward(&y)?, &(scale + 1.0)?, &shift)?
            }
            _ => self.norm2.forward(&y)?,
        };
        let y = self.conv2.forward(&silu(&y)?)?; // [b, outputs, h, w]
        match &self.shortcut {
            Some(shortcut) => shortcut.forward(x)? + y,
            None => x + y,
        }
    }
}

/// `x · scale + shift`, with a number for each channel of each image, `[b, c, 1, 1]`.
fn modulate(x: &Tensor, scale: &Tensor, shift: &Tensor) -> Result<Tensor> {
    let (b, c, h, w) = x.dims4()?;
    // The channels of all images in a row, so that each has a number of its own.
    let channels = x.reshape((1, b * c, h, w))?;
    add_bias(&scale_channels(&channels, &scale.flatten_all()?)?, &shift.flatten_all()?)?.reshape((b, c, h, w))
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    #[test]
    fn a_block_of_zero_start_is_its_shortcut_and_wants_its_embedding() {
        let config = ResidualBlockConfig {
            inputs: 4,
            outputs: 4,
            embedding: 3,
            conditioning: Conditioning::Film,
            groups: 2,
            zero_start: true,
        };
        let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 1);
        let block = ResidualBlock::new(&mut parameters, "b", &config).unwrap();
        let x = Tensor::arange(0f64, 48.0, &Device::Cpu).unwrap().reshape((1, 4, 4, 3)).unwrap();
        let embedding = Tensor::new(&[[1.0f64, -2.0, 0.5]], &Device::Cpu).unwrap();
        let y = block.forward(&x, Some(&embedding)).unwrap();
        assert_eq!((y - &x).unwrap().abs().unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap(), 0.0);
        assert!(block.forward(&x, None).unwrap_err().to_string().contains("no embedding"));
        // Film wants two numbers for each channel: norms 2 · 8, convolutions 2 · (4 · 36 + 4), embedding 8 · 4.
        assert_eq!(parameters.value_count(), 16 + 296 + 32);
    }
}

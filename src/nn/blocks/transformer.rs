//! The Transformer encoder and decoder for short sequences.

use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

use super::multi_head_attention::MultiHeadAttention;
use super::residual::NORM_EPSILON;
use crate::nn::error::NnResult;
use crate::nn::layers::{LayerNorm, Linear};
use crate::nn::ops::relu;
use crate::nn::parameters::Parameters;

/// Sizes of a [`Transformer`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransformerConfig {
    /// Width of every vector, a multiple of `heads`.
    pub width: usize,
    /// Attention heads.
    pub heads: usize,
    /// Layers of the encoder.
    pub encoder_layers: usize,
    /// Layers of the decoder.
    pub decoder_layers: usize,
    /// Width between the two linear maps after each attention.
    pub hidden: usize,
}

/// Encoder and decoder with the norms after the sums, as first published, a last norm on each, no masks and
/// no dropout: every step of the target sees every other.
///
/// # Reference
/// Vaswani et al. (2017), Attention is all you need. doi:10.48550/arXiv.1706.03762
#[derive(Clone, Debug)]
pub struct Transformer {
    encoder: Vec<EncoderLayer>,
    encoder_norm: LayerNorm,
    decoder: Vec<DecoderLayer>,
    decoder_norm: LayerNorm,
}

#[derive(Clone, Debug)]
struct FeedForward {
    first: Linear,
    second: Linear,
}

impl FeedForward {
    fn new(parameters: &mut Parameters, name: &str, config: &TransformerConfig) -> NnResult<FeedForward> {
        Ok(FeedForward {
            first: Linear::standard(parameters, &format!("{name}.linear1"), [config.hidden, config.width])?,
            second: Linear::standard(parameters, &format!("{name}.linear2"), [config.width, config.hidden])?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.second.forward(&relu(&self.first.forward(x)?)?)
    }
}

#[derive(Clone, Debug)]
struct EncoderLayer {
    attention: MultiHeadAttention,
    norm1: LayerNorm,
    feed_forward: FeedForward,
    norm2: LayerNorm,
}

#[derive(Clone, Debug)]
struct DecoderLayer {
    attention: MultiHeadAttention,
    norm1: LayerNorm,
    to_memory: MultiHeadAttention,
    norm2: LayerNorm,
    feed_forward: FeedForward,
    norm3: LayerNorm,
}

impl Transformer {
    /// Parameters `NAME.encoder.0.attention.query.weight`, and so on.
    ///
    /// # Errors
    /// As [`MultiHeadAttention::new`] and [`Parameters::add`].
    ///
    /// # Example
    /// ```
    /// use isotherm::candle_core::{DType, Device, Tensor};
    /// use isotherm::nn::Parameters;
    /// use isotherm::nn::blocks::{Transformer, TransformerConfig};
    /// let config = TransformerConfig { width: 8, heads: 2, encoder_layers: 1, decoder_layers: 1, hidden: 16 };
    /// let mut parameters = Parameters::new(&Device::Cpu, DType::F32, 1);
    /// let transformer = Transformer::new(&mut parameters, "transformer", &config).unwrap();
    /// let past = Tensor::ones((2, 14, 8), DType::F32, &Device::Cpu).unwrap();
    /// let future = Tensor::zeros((2, 7, 8), DType::F32, &Device::Cpu).unwrap();
    /// assert_eq!(transformer.forward(&past, &future).unwrap().dims(), [2, 7, 8]);
    /// ```
    pub fn new(parameters: &mut Parameters, name: &str, config: &TransformerConfig) -> NnResult<Transformer> {
        let width = config.width;
        let norm = |parameters: &mut Parameters, name: String| LayerNorm::new(parameters, &name, width, NORM_EPSILON);
        let attention =
            |parameters: &mut Parameters, name: String| MultiHeadAttention::new(parameters, &name, width, config.heads, true);
        let mut encoder = vec![];
        for i in 0..config.encoder_layers {
            let name = format!("{name}.encoder.{i}");
            encoder.push(EncoderLayer {
                attention: attention(parameters, format!("{name}.attention"))?,
                norm1: norm(parameters, format!("{name}.norm1"))?,
                feed_forward: FeedForward::new(parameters, &name, config)?,
                norm2: norm(parameters, format!("{name}.norm2"))?,
            });
        }
        let mut decoder = vec![];
        for i in 0..config.decoder_layers {
            let name = format!("{name}.decoder.{i}");
            decoder.push(DecoderLayer {
                attention: attention(parameters, format!("{name}.attention"))?,
                norm1: norm(parameters, format!("{name}.norm1"))?,
                to_memory: attention(parameters, format!("{name}.to_memory"))?,
                norm2: norm(parameters, format!("{name}.norm2"))?,
                feed_forward: FeedForward::new(parameters, &name, config)?,
                norm3: norm(parameters, format!("{name}.norm3"))?,
            });
        }
        Ok(Transformer {
            encoder,
            encoder_norm: norm(parameters, format!("{name}.encoder_norm"))?,
            decoder,
            decoder_norm: norm(parameters, format!("{name}.decoder_norm"))?,
        })
    }

    /// A source `[b, n, width]` and a target `[b, m, width]` to `[b, m, width]`.
    ///
    /// # Errors
    /// Those of the layers.
    pub fn forward(&self, source: &Tensor, target: &Tensor) -> Result<Tensor> {
        let mut memory = source.clone();
        for layer in &self.encoder {
            let x = layer.norm1.forward(&(&memory + layer.attention.forward(&memory, &memory)?)?)?;
            memory = layer.norm2.forward(&(&x + layer.feed_forward.forward(&x)?)?)?; // [b, n, width]
        }
        let memory = self.encoder_norm.forward(&memory)?;
        let mut x = target.clone();
        for layer in &self.decoder {
            x = layer.norm1.forward(&(&x + layer.attention.forward(&x, &x)?)?)?;
            x = layer.norm2.forward(&(&x + layer.to_memory.forward(&x, &memory)?)?)?;
            x = layer.norm3.forward(&(&x + layer.feed_forward.forward(&x)?)?)?; // [b, m, width]
        }
        self.decoder_norm.forward(&x)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;
    use crate::base::random::Random;

    #[test]
    fn without_positions_the_order_of_the_source_does_not_matter_and_the_targets_goes_along() {
        let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 1);
        let config = TransformerConfig { width: 8, heads: 2, encoder_layers: 2, decoder_layers: 2, hidden: 5 };
        let transformer = Transformer::new(&mut parameters, "t", &config).unwrap();
        let mut random = Random::new(3, "x");
        let mut tensor = |n: usize| {
            let values: Vec<f64> = (0..n * 8).map(|_| random.normal()).collect();
            Tensor::from_vec(values, (1, n, 8), &Device::Cpu).unwrap()
        };
        let (source, target) = (tensor(4), tensor(3));
        let order = |t: &Tensor, order: &[u32]| t.index_select(&Tensor::new(order, &Device::Cpu).unwrap(), 1).unwrap();
        let plain = order(&transformer.forward(&source, &target).unwrap(), &[2, 0, 1]);
        let turned = transformer.forward(&order(&source, &[3, 1, 0, 2]), &order(&target, &[2, 0, 1])).unwrap();
        let error = (&plain - turned).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f64>().unwrap();
        assert!(error < 1e-12, "{error}");
        // The last norm: each vector has mean 0 and mean square 1 (its weight starts at 1, its bias at 0).
        for vector in plain.squeeze(0).unwrap().to_vec2::<f64>().unwrap() {
            let mean = vector.iter().sum::<f64>() / 8.0;
            let square = vector.iter().map(|v| v * v).sum::<f64>() / 8.0;
            assert!(mean.abs() < 1e-12 && (square - 1.0).abs() < 1e-3, "{mean} {square}");
        }
    }
}

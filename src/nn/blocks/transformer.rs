//! The Transformer encoder and decoder for short sequences.

use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

use super::multi_head_attention::MultiHeadAttention;
use super::residual::NORM_EPSILON;
use crate::nn::error::NnResult;
use crate::nn::layers::{Dropout, LayerNorm, Linear};
use crate::nn::ops::relu;
use crate::nn::parameters::Parameters;

/// Sizes of a [`Transformer`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// The share of values left out in training of what each attention and each feed-forward part adds.
    #[serde(default)]
    pub dropout: f64,
}

/// Encoder and decoder with the norms after the sums, as first published, a last norm on each, and no masks: every step of
/// the target sees every other. The dropout, too, stands where the paper has it (its section 5.4): before each sum, not
/// within attention and feed-forward.
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
    dropouts: [Dropout; 2],
}

#[derive(Clone, Debug)]
struct DecoderLayer {
    attention: MultiHeadAttention,
    norm1: LayerNorm,
    to_memory: MultiHeadAttention,
    norm2: LayerNorm,
    feed_forward: FeedForward,
    norm3: LayerNorm,
    dropouts: [Dropout; 3],
}

impl Transformer {
    /// Parameters `NAME.encoder.0.attention.query.weight`, and so on.
    ///
    /// # Errors
    /// As [`MultiHeadAttention::new`], [`Dropout::new`] and [`Parameters::add`].
    ///
    /// # Example
    /// ```
    /// use isotherm::candle_core::{DType, Device, Tensor};
    /// use isotherm::nn::Parameters;
    /// use isotherm::nn::blocks::{Transformer, TransformerConfig};
    /// let config = TransformerConfig { width: 8, heads: 2, encoder_layers: 1, decoder_layers: 1, hidden: 16, dropout: 0.1 };
    /// let mut parameters = Parameters::new(&Device::Cpu, DType::F32, 1);
    /// let transformer = Transformer::new(&mut parameters, "transformer", &config).unwrap();
    /// let past = Tensor::ones((2, 14, 8), DType::F32, &Device::Cpu).unwrap();
    /// let future = Tensor::zeros((2, 7, 8), DType::F32, &Device::Cpu).unwrap();
    /// assert_eq!(transformer.forward(&past, &future, true).unwrap().dims(), [2, 7, 8]);
    /// ```
    pub fn new(parameters: &mut Parameters, name: &str, config: &TransformerConfig) -> NnResult<Transformer> {
        let width = config.width;
        let norm = |parameters: &mut Parameters, name: String| LayerNorm::new(parameters, &name, width, NORM_EPSILON);
        let attention =
            |parameters: &mut Parameters, name: String| MultiHeadAttention::new(parameters, &name, width, config.heads, true);
        let dropout = |parameters: &mut Parameters, name: &str, number: usize| {
            Dropout::new(parameters, &format!("{name}.dropout{number}"), config.dropout)
        };
        let mut encoder = vec![];
        for i in 0..config.encoder_layers {
            let name = format!("{name}.encoder.{i}");
            encoder.push(EncoderLayer {
                attention: attention(parameters, format!("{name}.attention"))?,
                norm1: norm(parameters, format!("{name}.norm1"))?,
                feed_forward: FeedForward::new(parameters, &name, config)?,
                norm2: norm(parameters, format!("{name}.norm2"))?,
                dropouts: [dropout(parameters, &name, 1)?, dropout(parameters, &name, 2)?],
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
                dropouts: [dropout(parameters, &name, 1)?, dropout(parameters, &name, 2)?, dropout(parameters, &name, 3)?],
            });
        }
        Ok(Transformer {
            encoder,
            encoder_norm: norm(parameters, format!("{name}.encoder_norm"))?,
            decoder,
            decoder_norm: norm(parameters, format!("{name}.decoder_norm"))?,
        })
    }

    /// A source `[b, n, width]` and a target `[b, m, width]` to `[b, m, width]`. Only in `training` is anything left out.
    ///
    /// # Errors
    /// Those of the layers.
    pub fn forward(&self, source: &Tensor, target: &Tensor, training: bool) -> Result<Tensor> {
        let mut memory = source.clone();
        for layer in &self.encoder {
            let [first, second] = &layer.dropouts;
            let seen = first.forward(&layer.attention.forward(&memory, &memory)?, training)?;
            let x = layer.norm1.forward(&(&memory + seen)?)?;
            let fed = second.forward(&layer.feed_forward.forward(&x)?, training)?;
            memory = layer.norm2.forward(&(&x + fed)?)?; // [b, n, width]
        }
        let memory = self.encoder_norm.forward(&memory)?;
        let mut x = target.clone();
        for layer in &self.decoder {
            let [first, second, third] = &layer.dropouts;
            let seen = first.forward(&layer.attention.forward(&x, &x)?, training)?;
            x = layer.norm1.forward(&(&x + seen)?)?;
            let recalled = second.forward(&layer.to_memory.forward(&x, &memory)?, training)?;
            x = layer.norm2.forward(&(&x + recalled)?)?;
            let fed = third.forward(&layer.feed_forward.forward(&x)?, training)?;
            x = layer.norm3.forward(&(&x + fed)?)?; // [b, m, width]
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
        let config = TransformerConfig { width: 8, heads: 2, encoder_layers: 2, decoder_layers: 2, hidden: 5, dropout: 0.0 };
        let transformer = Transformer::new(&mut parameters, "t", &config).unwrap();
        let mut random = Random::new(3, "x");
        let mut tensor = |n: usize| {
            let values: Vec<f64> = (0..n * 8).map(|_| random.normal()).collect();
            Tensor::from_vec(values, (1, n, 8), &Device::Cpu).unwrap()
        };
        let (source, target) = (tensor(4), tensor(3));
        let order = |t: &Tensor, order: &[u32]| t.index_select(&Tensor::new(order, &Device::Cpu).unwrap(), 1).unwrap();
        let plain = order(&transformer.forward(&source, &target, true).unwrap(), &[2, 0, 1]);
        let turned = transformer.forward(&order(&source, &[3, 1, 0, 2]), &order(&target, &[2, 0, 1]), true).unwrap();
        let error = (&plain - turned).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f64>().unwrap();
        assert!(error < 1e-12, "{error}");
        // The last norm: each vector has mean 0 and mean square 1 (its weight starts at 1, its bias at 0).
        for vector in plain.squeeze(0).unwrap().to_vec2::<f64>().unwrap() {
            let mean = vector.iter().sum::<f64>() / 8.0;
            let square = vector.iter().map(|v| v * v).sum::<f64>() / 8.0;
            assert!(mean.abs() < 1e-12 && (square - 1.0).abs() < 1e-3, "{mean} {square}");
        }
    }

    #[test]
    fn dropout_acts_in_training_only_and_adds_no_weights() {
        let source = Tensor::ones((1, 3, 4), DType::F64, &Device::Cpu).unwrap();
        let target = Tensor::zeros((1, 2, 4), DType::F64, &Device::Cpu).unwrap();
        let run = |dropout: f64, training: bool| {
            let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 1);
            let config = TransformerConfig { width: 4, heads: 2, encoder_layers: 1, decoder_layers: 1, hidden: 6, dropout };
            let transformer = Transformer::new(&mut parameters, "t", &config).unwrap();
            let y = transformer.forward(&source, &target, training).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
            (y, parameters.value_count(), parameters.buffers().count())
        };
        let (plain, weights, _) = run(0.0, true);
        let (still, same, counters) = run(0.4, false);
        assert_eq!((&still, same, counters), (&plain, weights, 5));
        assert_ne!(run(0.4, true).0, plain);
    }
}

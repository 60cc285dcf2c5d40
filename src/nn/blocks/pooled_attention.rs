//! Attention of every pixel to a pooled map, with a learned weight that starts at zero.

use candle_core::{Result, Tensor};

use super::convolution::{Convolution, ConvolutionRecipe};
use crate::nn::error::{NnError, NnResult};
use crate::nn::ops::{attention, max_pool2d};
use crate::nn::parameters::{Init, Parameters};

/// The self-attention of adversarial networks: `x + γ W softmax(θ(x) φ(x)ᵀ) g(x)`.
///
/// `θ` and `φ` have an eighth of the channels, `g` half; `φ` and `g` are pooled to half the size, so that a
/// pixel attends to a quarter as many keys. All four maps are linear in the channels and spectrally
/// normalised. `γ` starts at 0: the block starts as the identity.
///
/// # Reference
/// Zhang et al. (2019), Self-attention generative adversarial networks. arXiv:1805.08318
#[derive(Clone, Debug)]
pub struct PooledAttention {
    query: Convolution,
    key: Convolution,
    value: Convolution,
    out: Convolution,
    weight: Tensor,
}

impl PooledAttention {
    /// For `channels` channels, a multiple of 8; the weights start normal with deviation `start`.
    ///
    /// # Errors
    /// [`NnError::Argument`] where the channels are no multiple of 8; as [`Parameters::add`].
    pub fn new(parameters: &mut Parameters, name: &str, channels: usize, start: f64) -> NnResult<PooledAttention> {
        if channels == 0 || !channels.is_multiple_of(8) {
            return Err(NnError::Argument(format!("pooled attention of {channels} channels; a multiple of 8 is wanted")));
        }
        let (narrow, half) = (channels / 8, channels / 2);
        let mut map = |part: &str, [outputs, inputs]: [usize; 2]| {
            let init = Init::KaimingNormal { gain: start * (inputs as f64).sqrt() };
            let recipe = ConvolutionRecipe::plane(1).spectral().init(init);
            recipe.build(parameters, &format!("{name}.{part}"), [outputs, inputs])
        };
        Ok(PooledAttention {
            query: map("query", [narrow, channels])?,
            key: map("key", [narrow, channels])?,
            value: map("value", [half, channels])?,
            out: map("out", [channels, half])?,
            weight: parameters.add(format!("{name}.gamma"), &[1], Init::Constant(0.0))?,
        })
    }

    /// `[b, c, h, w]` to the same shape; height and width of at least 2.
    ///
    /// # Errors
    /// Those of the layers.
    pub fn forward(&self, x: &Tensor, training: bool) -> Result<Tensor> {
        let (b, _, h, w) = x.dims4()?;
        let pooled = |map: &Convolution| max_pool2d(&map.forward(x, training)?, [2, 2], [2, 2], [0, 0]);
        let flat = |x: Tensor| x.flatten_from(2)?.transpose(1, 2)?.unsqueeze(1)?.contiguous(); // [b, 1, n, c]
        let query = flat(self.query.forward(x, training)?)?;
        let (key, value) = (flat(pooled(&self.key)?)?, flat(pooled(&self.value)?)?);
        let y = attention(&query, &key, &value, None, None, Some(1.0))?; // [b, 1, h w, c / 2]
        let y = y.squeeze(1)?.transpose(1, 2)?.contiguous()?.reshape((b, value.dim(3)?, h, w))?;
        x + self.out.forward(&y, training)?.broadcast_mul(&self.weight)?
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    #[test]
    fn it_starts_as_the_identity() {
        let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 1);
        let block = PooledAttention::new(&mut parameters, "a", 8, 0.02).unwrap();
        let x = Tensor::arange(0f64, 160.0, &Device::Cpu).unwrap().reshape((1, 8, 5, 4)).unwrap();
        let change = (block.forward(&x, true).unwrap() - &x).unwrap().abs().unwrap();
        assert_eq!(change.sum_all().unwrap().to_scalar::<f64>().unwrap(), 0.0);
        assert!(PooledAttention::new(&mut parameters, "b", 12, 0.02).unwrap_err().to_string().contains("multiple of 8"));
    }
}

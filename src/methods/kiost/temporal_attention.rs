//! One map out of several frames: each frame weighed by what it holds.

use candle_core::{Result, Tensor, bail};

use crate::nn::layers::Linear;
use crate::nn::ops::sigmoid;
use crate::nn::{NnResult, Parameters};

/// The weighted sum of frames.
///
/// # Formula
/// ```text
/// a = σ( M max + M mean ),   y = Σ_t a_t x_t,   M z = W₂ (W₁ z + b₁) + b₂
/// ```
/// `max` and `mean` are taken over channels and pixels of each frame. The weights do not sum to 1.
///
/// # Reference
/// The channel attention of Woo et al. (2018), CBAM: convolutional block attention module, along time.
/// doi:10.1007/978-3-030-01234-2_1
#[derive(Clone, Debug)]
pub(super) struct TemporalAttention {
    first: Linear,
    second: Linear,
    frames: usize,
}

impl TemporalAttention {
    /// For this number of frames; `hidden` between the two linear maps.
    pub fn new(parameters: &mut Parameters, name: &str, frames: usize, hidden: usize) -> NnResult<TemporalAttention> {
        Ok(TemporalAttention {
            first: Linear::standard(parameters, &format!("{name}.linear1"), [hidden, frames])?,
            second: Linear::standard(parameters, &format!("{name}.linear2"), [frames, hidden])?,
            frames,
        })
    }

    /// `[b, c, t, h, w]` to `[b, c, h, w]`.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (b, c, t, h, w) = x.dims5()?;
        if t != self.frames {
            bail!("temporal attention: {t} frames; {} are wanted", self.frames);
        }
        let frames = x.transpose(1, 2)?.contiguous()?.reshape((b, t, c * h * w))?;
        // By the place of the largest: where several are equal (land is flat), one gets the gradient.
        let values = frames.flatten_all()?;
        let rows = Tensor::arange(0u32, (b * t) as u32, x.device())?.affine((c * h * w) as f64, 0.0)?;
        let places = (frames.detach().argmax(2)?.flatten_all()? + rows)?;
        let largest = values.index_select(&places, 0)?.reshape((b, t))?;
        let mean = frames.mean(2)?; // [b, t]
        let score = |z: &Tensor| self.second.forward(&self.first.forward(z)?);
        let weights = sigmoid(&(score(&largest)? + score(&mean)?)?)?; // [b, t]
        // A product of [1, t] and [t, c h w] for each case.
        weights.unsqueeze(1)?.matmul(&frames)?.reshape((b, c, h, w))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use candle_core::{DType, Device};

    use super::*;

    #[test]
    fn by_hand() {
        let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 1);
        let attention = TemporalAttention::new(&mut parameters, "a", 2, 1).unwrap();
        let t = |v: &[f64], shape: &[usize]| Tensor::from_vec(v.to_vec(), shape, &Device::Cpu).unwrap();
        parameters
            .set(&BTreeMap::from([
                ("a.linear1.weight".to_string(), t(&[1.0, -1.0], &[1, 2])),
                ("a.linear1.bias".to_string(), t(&[0.5], &[1])),
                ("a.linear2.weight".to_string(), t(&[1.0, 2.0], &[2, 1])),
                ("a.linear2.bias".to_string(), t(&[0.0, 0.25], &[2])),
            ]))
            .unwrap();
        // Frames (1, 3) and (2, 0): largest (3, 2), mean (2, 1). W₁ gives 1 + 0.5 both times, together
        // 3 and 2 · 3 + 2 · 0.25: weights σ(3) and σ(6.5).
        let s = |x: f64| 1.0 / (1.0 + (-x).exp());
        let x = t(&[1.0, 3.0, 2.0, 0.0], &[1, 1, 2, 1, 2]);
        let got = attention.forward(&x).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
        assert!((got[0] - (s(3.0) + 2.0 * s(6.5))).abs() < 1e-14 && (got[1] - 3.0 * s(3.0)).abs() < 1e-14, "{got:?}");
        assert!(attention.forward(&t(&[1.0; 3], &[1, 1, 3, 1, 1])).unwrap_err().to_string().contains("3 frames; 2"));
    }
}

//! A number (a diffusion step, a lag in days) as waves of many lengths.

use candle_core::{Result, Tensor, bail};

/// The longest wave, over 2π.
const LONGEST: f64 = 10_000.0;

/// `[n]` numbers to `[n, dim]`: cosines, then sines. An odd `dim` ends with a zero.
///
/// # Formula
/// ```text
/// cos(t fᵢ), sin(t fᵢ)      fᵢ = 10000^(-i / half),  i = 0 .. half - 1,  half = dim / 2
/// ```
///
/// # Errors
/// A sentence where `t` is not a vector or `dim` is below 2.
///
/// # Example
/// ```
/// use isotherm::candle_core::{Device, Tensor};
/// let t = Tensor::new(&[0f64], &Device::Cpu).unwrap();
/// let waves = isotherm::nn::ops::timestep_embedding(&t, 4).unwrap();
/// assert_eq!(waves.to_vec2::<f64>().unwrap(), [[1.0, 1.0, 0.0, 0.0]]);
/// ```
///
/// # Reference
/// Vaswani et al. (2017), Attention is all you need. doi:10.48550/arXiv.1706.03762
pub fn timestep_embedding(t: &Tensor, dim: usize) -> Result<Tensor> {
    let &[count] = t.dims() else { bail!("timestep_embedding: times are {:?}; [n] is wanted", t.dims()) };
    if dim < 2 {
        bail!("timestep_embedding: {dim} values for each time; at least 2 are wanted");
    }
    let half = dim / 2;
    let frequencies: Vec<f64> = (0..half).map(|i| (-LONGEST.ln() * i as f64 / half as f64).exp()).collect();
    let frequencies = Tensor::from_vec(frequencies, (1, half), t.device())?.to_dtype(t.dtype())?;
    let angles = t.reshape((count, 1))?.broadcast_mul(&frequencies)?;
    Tensor::cat(&[angles.cos()?, angles.sin()?], 1)?.pad_with_zeros(1, 0, dim - 2 * half)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn odd_and_wrong_sizes() {
        let t = Tensor::new(&[1.0f64, 2.0], &Device::Cpu).unwrap();
        let waves = timestep_embedding(&t, 3).unwrap().to_vec2::<f64>().unwrap();
        assert_eq!(waves[1], [2f64.cos(), 2f64.sin(), 0.0]);
        assert!(timestep_embedding(&t, 1).is_err());
        assert!(timestep_embedding(&t.unsqueeze(0).unwrap(), 4).unwrap_err().to_string().contains("[n]"));
    }
}

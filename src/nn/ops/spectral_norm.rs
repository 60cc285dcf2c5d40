//! Spectral normalisation: a weight divided by its largest singular value.

use candle_core::{DType, Device, Result, Tensor, bail};

use crate::base::random::Random;

/// The smallest length that a vector of the power iteration is divided by.
const SMALLEST_LENGTH: f64 = 1e-12;

/// A start for the power iteration: a normal vector of length 1, `[outputs]`.
///
/// # Errors
/// A sentence where `outputs` is 0; what the device gives.
pub fn spectral_start(outputs: usize, random: &mut Random, dtype: DType, device: &Device) -> Result<Tensor> {
    if outputs == 0 {
        bail!("spectral_start: no outputs; at least one is wanted");
    }
    let values: Vec<f64> = (0..outputs).map(|_| random.normal()).collect();
    unit(&Tensor::from_vec(values, outputs, &Device::Cpu)?)?.to_dtype(dtype)?.to_device(device)
}

/// `weight / σ` with an estimate of the largest singular value σ of the weight as a matrix `[outputs, rest]`.
///
/// Each of the `iterations` improves the left singular vector `u`, which is kept from call to call; in
/// evaluation take 0 of them. `u` and `v` count as constants for the gradient, which flows through σ.
///
/// # Formula
/// ```text
/// v = Wᵀu / |Wᵀu|,  u = Wv / |Wv|      (iterations times)
/// σ = uᵀ W v
/// ```
///
/// # Errors
/// A sentence where `u` is not of shape `[outputs]` or σ is not positive (a weight of zeros).
///
/// # Example
/// ```
/// use isotherm::candle_core::{Device, Tensor};
/// let weight = Tensor::new(&[[3f64, 0.0], [0.0, 4.0]], &Device::Cpu).unwrap();
/// let mut u = Tensor::new(&[0.6f64, 0.8], &Device::Cpu).unwrap();
/// let normalised = isotherm::nn::ops::spectral_norm(&weight, &mut u, 50).unwrap().to_vec2::<f64>().unwrap();
/// assert!((normalised[1][1] - 1.0).abs() < 1e-9 && (normalised[0][0] - 0.75).abs() < 1e-9);
/// ```
///
/// # Reference
/// Miyato et al. (2018), Spectral normalization for generative adversarial networks.
/// doi:10.48550/arXiv.1802.05957
pub fn spectral_norm(weight: &Tensor, u: &mut Tensor, iterations: usize) -> Result<Tensor> {
    let Some(&outputs) = weight.dims().first().filter(|n| **n > 0 && weight.elem_count() > 0) else {
        bail!("spectral_norm: weight is {:?}; [outputs, ...] with at least one value is wanted", weight.dims());
    };
    if u.dims() != [outputs] {
        bail!("spectral_norm: the vector u is {:?}; [{outputs}] is wanted", u.dims());
    }
    let matrix = weight.reshape((outputs, weight.elem_count() / outputs))?;
    let fixed = matrix.detach();
    let transposed = fixed.t()?.contiguous()?;
    let across = |u: &Tensor| unit(&transposed.matmul(&u.unsqueeze(1)?)?);
    let mut left = u.detach();
    let mut right = across(&left)?;
    for iteration in 0..iterations {
        if iteration > 0 {
            right = across(&left)?;
        }
        left = unit(&fixed.matmul(&right)?)?.squeeze(1)?;
    }
    let sigma = (matrix.matmul(&right)?.squeeze(1)? * &left)?.sum_all()?;
    let value = sigma.to_dtype(DType::F64)?.to_scalar::<f64>()?;
    if value.is_nan() || value <= 0.0 {
        bail!("spectral_norm: the largest singular value is estimated as {value}; a weight that is not all zeros is wanted");
    }
    *u = left;
    weight.broadcast_div(&sigma)
}

/// A vector divided by its length.
fn unit(x: &Tensor) -> Result<Tensor> {
    x.broadcast_div(&x.sqr()?.sum_all()?.sqrt()?.maximum(SMALLEST_LENGTH)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_is_kept_from_call_to_call() {
        // singular values 2 and 1: each iteration shrinks the error by a quarter
        let weight = Tensor::new(&[[0f64, 2.0, 0.0], [1.0, 0.0, 0.0]], &Device::Cpu).unwrap();
        let mut u = spectral_start(2, &mut Random::new(1, "u"), DType::F64, &Device::Cpu).unwrap();
        for _ in 0..30 {
            spectral_norm(&weight, &mut u, 1).unwrap();
        }
        let before = u.to_vec1::<f64>().unwrap();
        let still = spectral_norm(&weight, &mut u, 0).unwrap().to_vec2::<f64>().unwrap();
        assert!((still[0][1] - 1.0).abs() < 1e-12 && (still[1][0] - 0.5).abs() < 1e-12, "{still:?}");
        assert_eq!(u.to_vec1::<f64>().unwrap(), before);
    }

    #[test]
    fn a_weight_of_zeros_is_refused() {
        let mut u = Tensor::new(&[1f64, 0.0], &Device::Cpu).unwrap();
        let zeros = Tensor::zeros((2, 3), DType::F64, &Device::Cpu).unwrap();
        assert!(spectral_norm(&zeros, &mut u, 1).unwrap_err().to_string().contains("not all zeros"));
        assert!(spectral_norm(&zeros.t().unwrap(), &mut u, 1).unwrap_err().to_string().contains("[3]"));
    }
}

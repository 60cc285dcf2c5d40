//! The gradients of all parameters as one vector: its length, and the factor that shortens it.

use candle_core::backprop::GradStore;
use candle_core::{DType, Tensor};
use rayon::prelude::*;

use super::error::NnResult;
use super::parameters::Parameters;

/// The Euclidean length of all gradients together, summed in f64 in the order of the names. A parameter
/// without gradient counts as zero.
///
/// # Errors
/// What candle gives.
pub fn global_norm(gradients: &GradStore, parameters: &Parameters) -> NnResult<f64> {
    let mut sum = 0.0;
    for (_, variable) in parameters.iter() {
        if let Some(gradient) = gradients.get(variable.as_tensor()) {
            sum += sum_of_squares(gradient)?;
        }
    }
    Ok(sum.sqrt())
}

fn sum_of_squares(gradient: &Tensor) -> NnResult<f64> {
    if !gradient.device().is_cpu() {
        return Ok(gradient.sqr()?.sum_all()?.to_dtype(DType::F64)?.to_scalar::<f64>()?);
    }
    let values = gradient.flatten_all()?.to_dtype(DType::F64)?.to_vec1::<f64>()?;
    let parts: Vec<f64> = values.par_chunks(16_384).map(|part| part.iter().map(|v| v * v).sum()).collect();
    Ok(parts.iter().sum())
}

/// The factor that brings a gradient of length `norm` to at most `largest`: `largest / (norm + 1e-6)`
/// where that is below 1, else 1. Pascanu et al. (2013), arXiv:1211.5063.
///
/// # Example
/// ```
/// use isotherm::nn::clip_scale;
/// assert_eq!(clip_scale(0.5, 1.0), 1.0);
/// assert!((clip_scale(4.0, 1.0) - 0.25).abs() < 1e-6);
/// ```
pub fn clip_scale(norm: f64, largest: f64) -> f64 {
    (largest / (norm + 1e-6)).min(1.0)
}

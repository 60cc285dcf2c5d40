//! The gradients of all parameters as one vector: its length, and the factor that shortens it.

use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Tensor};
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

/// A store that holds no gradient of any parameter, for [`add_gradients`] to fill.
///
/// # Errors
/// What candle gives.
pub fn no_gradients() -> NnResult<GradStore> {
    // candle makes a store only by a backward pass; this one reaches no variable.
    Ok(Tensor::zeros((), DType::F32, &Device::Cpu)?.backward()?)
}

/// Adds the gradients of `more` to those of `sum`, for batches that are too large to be done at once. Each loss must have
/// been divided by the number of parts. The sum keeps numbers only: the graphs that `more` may hold can be freed.
///
/// # Errors
/// What candle gives.
pub fn add_gradients(sum: &mut GradStore, more: &GradStore, parameters: &Parameters) -> NnResult<()> {
    for (_, variable) in parameters.iter() {
        if let Some(part) = more.get(variable.as_tensor()) {
            let total = match sum.get(variable.as_tensor()) {
                Some(gradient) => (gradient + part)?.detach(),
                None => part.detach(),
            };
            sum.insert(variable.as_tensor(), total);
        }
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::super::parameters::Init;
    use super::*;

    #[test]
    fn the_parts_of_a_batch_add_up_to_the_whole() {
        let mut p = Parameters::new(&Device::Cpu, DType::F64, 3);
        let a = p.add("a", &[3], Init::Uniform { bound: 1.0 }).unwrap();
        let b = p.add("b", &[3], Init::Uniform { bound: 1.0 }).unwrap();
        let target = |v: f64| Tensor::full(v, 3, &Device::Cpu).unwrap();
        let square = |x: &Tensor, v: f64| (x - target(v)).unwrap().sqr().unwrap().sum_all().unwrap();
        // b has no part in the first loss
        let (first, second) = (square(&a, 1.0), (square(&a, 2.0) + square(&b, -1.0)).unwrap());
        let whole = (&first + &second).unwrap().backward().unwrap();
        let mut sum = no_gradients().unwrap();
        add_gradients(&mut sum, &first.backward().unwrap(), &p).unwrap();
        add_gradients(&mut sum, &second.backward().unwrap(), &p).unwrap();
        for x in [&a, &b] {
            let values = |store: &GradStore| store.get(x).unwrap().to_vec1::<f64>().unwrap();
            for (got, want) in values(&sum).iter().zip(values(&whole)) {
                assert!((got - want).abs() < 1e-14);
            }
        }
    }
}

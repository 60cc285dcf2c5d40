//! A number for each sample of a batch, shaped so that it multiplies the batch.

use candle_core::Tensor;

use super::error::{DiffusionResult, wrong};

/// `value(time)` for each of `times` as `[b, 1, 1, ...]` of the rank, type and device of `like`. There must be one time
/// for each sample, or a single one for all.
pub(super) fn per_sample(times: &[usize], steps: usize, like: &Tensor, value: impl Fn(usize) -> f64) -> DiffusionResult<Tensor> {
    let batch = like.dims().first().copied().unwrap_or(1);
    if times.len() != batch && times.len() != 1 {
        return wrong(format!(
            "found {} times for a batch of {batch}; one for each sample or a single one is wanted",
            times.len()
        ));
    }
    if let Some(time) = times.iter().find(|time| **time >= steps) {
        return wrong(format!("time {time} was asked for; the schedule has times 0 to {}", steps - 1));
    }
    let mut shape = vec![1; like.rank().max(1)];
    shape[0] = times.len();
    let values: Vec<f64> = times.iter().map(|time| value(*time)).collect();
    Ok(Tensor::from_vec(values, shape, &candle_core::Device::Cpu)?.to_dtype(like.dtype())?.to_device(like.device())?)
}

//! The bias-corrected and accelerated bootstrap interval of a mean.

use anyhow::{Result, bail};
use isotherm::score::{Resampling, bca_interval, resample};

use super::inputs::Inputs;
use super::measure::Task;

pub fn prepare(task: &str, inputs: &Inputs) -> Result<Task> {
    if task != "bca_mean" {
        bail!("bootstrap has no task '{task}'");
    }
    let values = inputs.doubles("sample")?;
    let resamples = inputs.number("resamples")? as usize;
    Ok(Task::new(values.len() * 8, move || {
        let count = values.len() as f64;
        let mean = |at: &[usize]| Ok(at.iter().map(|i| values[*i]).sum::<f64>() / count);
        let replicates = resample(values.len(), Resampling::Unit, resamples, 1, mean)?;
        let sum: f64 = values.iter().sum();
        let jackknife: Vec<f64> = values.iter().map(|v| (sum - v) / (count - 1.0)).collect();
        Ok(bca_interval(sum / count, &replicates, &jackknife, 0.95)?.lower)
    }))
}

//! The continuous ranked probability score of an ensemble in every cell.

use anyhow::{Result, bail};
use isotherm::score::{CrpsEstimator, crps_of_cells};

use super::inputs::Inputs;
use super::measure::Task;

pub fn prepare(task: &str, inputs: &Inputs) -> Result<Task> {
    let estimator = match task {
        "crps_plain" => CrpsEstimator::Plain,
        "crps_fair" => CrpsEstimator::Fair,
        _ => bail!("ensemble has no task '{task}'"),
    };
    let (members, observations) = (inputs.doubles("members")?, inputs.doubles("observations")?);
    Ok(Task::new((members.len() + observations.len()) * 8, move || {
        let scores = crps_of_cells(&members, &observations, estimator)?;
        Ok(scores.iter().sum::<f64>() / scores.len() as f64)
    }))
}

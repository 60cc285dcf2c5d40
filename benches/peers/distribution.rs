//! How far apart two large samples are.

use anyhow::{Result, bail};
use isotherm::score::{Alternative, WilcoxonMethod, Zeros, energy_distance, kolmogorov_smirnov, wasserstein, wilcoxon};

use super::inputs::Inputs;
use super::measure::Task;

pub fn prepare(task: &str, inputs: &Inputs) -> Result<Task> {
    let (first, second) = (inputs.doubles("first")?, inputs.doubles("second")?);
    let bytes = (first.len() + second.len()) * 8;
    match task {
        "wasserstein" => Ok(Task::new(bytes, move || Ok(wasserstein(&first, &second)?))),
        "energy_distance" => Ok(Task::new(bytes, move || Ok(energy_distance(&first, &second)?))),
        "kolmogorov_smirnov" => Ok(Task::new(bytes, move || Ok(kolmogorov_smirnov(&first, &second)?.statistic))),
        "wilcoxon" => {
            let count = inputs.number("pairs")? as usize;
            Ok(Task::new(count * 16, move || {
                let (first, second) = (&first[..count], &second[..count]);
                let method = WilcoxonMethod::Normal { continuity: false };
                let test = wilcoxon(first, second, Zeros::Drop, method, Alternative::TwoSided)?;
                Ok(test.statistic)
            }))
        }
        _ => bail!("distribution has no task '{task}'"),
    }
}

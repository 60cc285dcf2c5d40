//! Extreme-value laws fitted to the annual maxima of many cells.

use anyhow::{Result, bail};
use isotherm::score::{Gev, Gumbel, LMoments, ScoreResult};
use rayon::prelude::*;

use super::inputs::Inputs;
use super::measure::Task;

pub fn prepare(task: &str, inputs: &Inputs) -> Result<Task> {
    let length = inputs.shape("maxima")?[1];
    let maxima = inputs.doubles("maxima")?;
    let bytes = maxima.len() * 8;
    match task {
        "gev_likelihood" => Ok(Task::new(bytes, move || {
            let fits = Gev::fit_many(&maxima, length)?.into_iter().collect::<ScoreResult<Vec<_>>>()?;
            Ok(fits.iter().map(|fit| fit.log_likelihood).sum::<f64>() / fits.len() as f64)
        })),
        "gumbel_likelihood" => {
            Ok(Task::new(bytes, move || mean_of_cells(&maxima, length, |cell| Ok(Gumbel::fit(cell)?.law.scale()))))
        }
        "gev_moments" => {
            Ok(Task::new(bytes, move || mean_of_cells(&maxima, length, |cell| Ok(LMoments::of(cell)?.gev()?.scale()))))
        }
        _ => bail!("extremes has no task '{task}'"),
    }
}

fn mean_of_cells(maxima: &[f64], length: usize, of: impl Fn(&[f64]) -> ScoreResult<f64> + Send + Sync) -> Result<f64> {
    let cells = maxima.par_chunks(length).map(of).collect::<ScoreResult<Vec<f64>>>()?;
    Ok(cells.iter().sum::<f64>() / cells.len() as f64)
}

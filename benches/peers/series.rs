//! Autocorrelation and partial autocorrelation of many series.

use anyhow::{Result, bail};
use isotherm::score::{LagDivisor, PartialMethod, ScoreResult, autocorrelations, partial_autocorrelations};

use super::inputs::Inputs;
use super::measure::Task;

pub fn prepare(task: &str, inputs: &Inputs) -> Result<Task> {
    let method = match task {
        "acf" => None,
        "pacf_yule_walker" => Some(PartialMethod::YuleWalker),
        "pacf_burg" => Some(PartialMethod::Burg),
        "pacf_least_squares" => Some(PartialMethod::LeastSquares),
        _ => bail!("series has no task '{task}'"),
    };
    let length = inputs.shape("series")?[1];
    let values = inputs.doubles("series")?;
    let lags = inputs.number("lags")? as usize;
    Ok(Task::new(values.len() * 8, move || {
        let all = match method {
            None => autocorrelations(&values, length, lags, LagDivisor::Count)?,
            Some(method) => partial_autocorrelations(&values, length, lags, method)?,
        };
        let all = all.into_iter().collect::<ScoreResult<Vec<_>>>()?;
        // The first lags of all series: what both sides must agree on.
        Ok(all.iter().map(|lags| lags[1] + 0.1 * lags[2] + 0.01 * lags[lags.len() - 1]).sum::<f64>() / all.len() as f64)
    }))
}

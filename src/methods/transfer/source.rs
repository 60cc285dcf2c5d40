//! Training of the forecast of coarse fields, whose encoder is lent afterwards.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::encoder::FrozenEncoder;
use super::forecast::{Forecast, ForecastConfig};
use super::groundwork::Groundwork;
use super::window::Window;
use crate::base::random::Random;
use crate::methods::error::{MethodError, MethodResult};
use crate::nn::ops::{Loss, masked_loss};
use crate::nn::{Parameters, describe_device};
use crate::train::{RunFolder, TrainError, TrainResult, TrainingOptions, TrainingReport, train};

/// Settings of the training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ForecastFitOptions {
    /// Days in one step.
    pub batch: usize,
    /// The penalty, in units of the coarse record's spread.
    pub loss: Loss,
    /// Seed of weights and samples.
    pub seed: u64,
    /// Iterations, rates, intervals.
    pub training: TrainingOptions,
}

impl Default for ForecastFitOptions {
    fn default() -> ForecastFitOptions {
        let training = TrainingOptions { iterations: 600, peak_rate: 1e-3, validate_every: 150, ..TrainingOptions::default() };
        ForecastFitOptions { batch: 16, loss: Loss::MeanAbsolute, seed: 1, training }
    }
}

/// Trains the forecast on those windows of the coarse record that hold no day of `held_out`, and gives its encoder back. The
/// validation score is the mean absolute error over the windows of `validation` days as a share of persistence's: below 1 it
/// knows more than that today is like yesterday.
///
/// # Errors
/// [`MethodError::Argument`] where there is no window left or the batch is empty; [`MethodError::Train`] as [`train`].
#[expect(clippy::too_many_arguments, reason = "each is one thing that a training is made from")]
pub fn fit_forecast(
    method: &str,
    config: &ForecastConfig,
    groundwork: &Groundwork<'_>,
    held_out: impl Fn(usize) -> bool,
    validation: &[usize],
    options: &ForecastFitOptions,
    run_folder: &Path,
    device: &Device,
    provenance: &BTreeMap<String, String>,
) -> MethodResult<(FrozenEncoder, TrainingReport)> {
    let archive = groundwork.archive();
    let days: Vec<usize> = (0..archive.calendar().days()).collect();
    let windows = Window::valid(&days, config.lags, |day| !held_out(day));
    let judged: Vec<Window> = validation.iter().filter_map(|day| Window::of(*day, config.lags, Default::default())).collect();
    if windows.is_empty() || judged.is_empty() || options.batch == 0 {
        return Err(MethodError::Argument(format!(
            "{method}: {} windows to learn from, {} to validate on, batches of {}; at least one of each is wanted",
            windows.len(),
            judged.len(),
            options.batch
        )));
    }
    let scaled: Vec<Vec<f32>> =
        days.iter().map(|day| Ok(groundwork.scaled_coarse(archive.coarse(*day)?))).collect::<MethodResult<_>>()?;
    let [rows, columns] = archive.coarse_shape();
    // [b, lags, rows, columns] and [b, 1, rows, columns]
    let pair = |windows: &[&Window]| -> candle_core::Result<(Tensor, Tensor)> {
        let past = windows.iter().flat_map(|w| w.history.clone()).flat_map(|day| scaled[day].iter().copied());
        let next = windows.iter().flat_map(|w| scaled[w.target].iter().copied());
        let past = Tensor::from_vec(past.collect::<Vec<f32>>(), (windows.len(), config.lags, rows, columns), &Device::Cpu)?;
        let next = Tensor::from_vec(next.collect::<Vec<f32>>(), (windows.len(), 1, rows, columns), &Device::Cpu)?;
        Ok((past.to_device(device)?, next.to_device(device)?))
    };
    let mut parameters = Parameters::new(device, DType::F32, options.seed);
    let network = Forecast::new(&mut parameters, config)?;
    let described = json!({ "forecast": config, "fit": options });
    let folder = RunFolder::open(run_folder, &described, options.seed, &describe_device(device), provenance)?;
    let loss = |_: u64, random: &mut Random| -> TrainResult<Tensor> {
        let drawn: Vec<&Window> = (0..options.batch).map(|_| &windows[random.below(windows.len())]).collect();
        let (past, next) = pair(&drawn)?;
        Ok(masked_loss(options.loss, &network.forward(&past)?, &next, None)?)
    };
    let validate = || -> TrainResult<f64> {
        let (mut error, mut persistence) = (0.0, 0.0);
        for batch in judged.chunks(16) {
            let (past, next) = pair(&batch.iter().collect::<Vec<_>>())?;
            let last = past.narrow(1, config.lags - 1, 1)?;
            let total = |x: Tensor| -> TrainResult<f64> { Ok(f64::from((x - &next)?.abs()?.sum_all()?.to_scalar::<f32>()?)) };
            error += total(network.forward(&past)?.detach())?;
            persistence += total(last)?;
        }
        if persistence > 0.0 {
            Ok(error / persistence)
        } else {
            Err(TrainError::Task("the coarse record does not change on the validation days".to_string()))
        }
    };
    let report = train(&parameters, method, &described, &options.training, &folder, loss, validate)?;
    let best = if folder.best().exists() { folder.best() } else { folder.last() };
    Ok((FrozenEncoder::load(&best, device)?, report))
}

#[cfg(test)]
mod tests {
    use super::super::groundwork::tests::waves;
    use super::*;

    #[test]
    fn it_learns_waves_that_move_and_sees_no_day_held_out() {
        let archive = waves();
        let groundwork = Groundwork::new(&archive, &(10..80).collect::<Vec<_>>()).unwrap();
        let config = ForecastConfig { lags: 3, widths: [8, 8, 16], blocks: 1, head_width: 8, groups: 4 };
        let training = TrainingOptions {
            iterations: 60,
            peak_rate: 5e-3,
            warmup_iterations: 5,
            validate_every: 30,
            ..TrainingOptions::default()
        };
        let options = ForecastFitOptions { batch: 8, training, ..ForecastFitOptions::default() };
        let place = tempfile::tempdir().unwrap();
        let fit = |held: fn(usize) -> bool, name: &str| {
            let folder = place.path().join(name);
            fit_forecast(
                "forecast",
                &config,
                &groundwork,
                held,
                &[90, 95, 100],
                &options,
                &folder,
                &Device::Cpu,
                &BTreeMap::new(),
            )
        };
        let (encoder, report) = fit(|day| day >= 85, "one").unwrap();
        assert!(report.best.unwrap().0 < 1.0, "{report:?}");
        // What is given back is what was trained, and not where it began.
        let start = FrozenEncoder::untrained(&config, options.seed, &Device::Cpu).unwrap();
        assert_ne!(encoder.fingerprint().unwrap(), start.fingerprint().unwrap());
        assert!(fit(|_| true, "none").unwrap_err().to_string().contains("0 windows"));
    }
}

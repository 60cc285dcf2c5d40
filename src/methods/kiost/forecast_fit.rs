//! Training of station forecasters, and what they forecast.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::extreme_value_loss::extreme_value_loss;
use super::forecast_network::{ForecastNetwork, StationForecasterConfig, WindowBatch, class_shares};
use super::forecast_windows::ForecastWindow;
use super::forecaster::ForecasterConfig;
use super::station_loss::StationLoss;
use super::station_series::StationSeries;
use super::station_statistics::StationStatistics;
use crate::base::random::Random;
use crate::grid::TimeAxis;
use crate::methods::error::{MethodError, MethodResult};
use crate::nn::{Parameters, describe_device};
use crate::train::{Checkpoint, RunFolder, TrainError, TrainResult, TrainingOptions, TrainingReport, train};

/// Windows that go through a network together where nothing is learned.
const TOGETHER: usize = 512;

/// Settings of the training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ForecastFitOptions {
    /// Settings of the loop.
    pub training: TrainingOptions,
    /// Windows in a batch.
    pub batch: usize,
    /// What is made small, in units of each station's deviation.
    pub loss: StationLoss,
    /// Windows of the validation score, at even distances.
    pub validation_windows: usize,
    /// Seed of weights and draws.
    pub seed: u64,
}

impl Default for ForecastFitOptions {
    fn default() -> ForecastFitOptions {
        ForecastFitOptions {
            training: TrainingOptions { iterations: 400, peak_rate: 3e-3, ..TrainingOptions::default() },
            batch: 256,
            loss: StationLoss::Mse,
            validation_windows: 1024,
            seed: 1,
        }
    }
}

/// A trained forecaster with the statistics that it was trained in.
#[derive(Clone, Debug)]
pub struct StationForecaster {
    config: StationForecasterConfig,
    statistics: StationStatistics,
    network: ForecastNetwork,
    device: Device,
}

impl StationForecaster {
    /// The forecaster of a checkpoint that [`fit_forecaster`] left, with its averaged weights.
    ///
    /// # Errors
    /// [`MethodError::Train`](crate::methods::MethodError::Train) where the file is damaged or of another method.
    pub fn load(path: &Path, device: &Device) -> MethodResult<StationForecaster> {
        let checkpoint = Checkpoint::load(path, device)?;
        let state = &checkpoint.state;
        let wrong = |e: serde_json::Error| {
            let problem =
                format!("it holds the method '{}', whose config is of no forecaster of this program ({e})", state.method);
            MethodError::Train(TrainError::Checkpoint { path: path.to_path_buf(), problem })
        };
        let config: StationForecasterConfig = serde_json::from_value(state.config["network"].clone()).map_err(wrong)?;
        let statistics: StationStatistics = serde_json::from_value(state.config["statistics"].clone()).map_err(wrong)?;
        let mut parameters = Parameters::new(device, DType::F32, state.seed);
        let network = ForecastNetwork::new(&mut parameters, &config)?;
        parameters.set(checkpoint.weights())?;
        Ok(StationForecaster { config, statistics, network, device: device.clone() })
    }

    /// The statistics of the training days, which the baselines need too.
    pub fn statistics(&self) -> &StationStatistics {
        &self.statistics
    }

    /// Forecasts of the windows, degrees Celsius by window and lead.
    ///
    /// # Errors
    /// [`MethodError::Argument`] for windows of other stations or lengths;
    /// [`MethodError::Nn`](crate::methods::MethodError::Nn) from the device.
    pub fn forecast(&self, windows: &[ForecastWindow]) -> MethodResult<Vec<Vec<f64>>> {
        check(windows, &self.config.network)?;
        let mut all = Vec::with_capacity(windows.len());
        for part in windows.chunks(TOGETHER) {
            let batch = WindowBatch::of(&part.iter().collect::<Vec<_>>(), &self.statistics, &self.config, &self.device)?;
            let rows = self.network.forward(&batch, false)?.values.detach().to_vec2::<f32>()?;
            for (window, row) in part.iter().zip(rows) {
                let anomalies: Vec<f64> = row.into_iter().map(f64::from).collect();
                all.push(self.statistics.celsius(window, &anomalies));
            }
        }
        Ok(all)
    }
}

/// Refuses windows that the network was not made for.
fn check(windows: &[ForecastWindow], network: &ForecasterConfig) -> MethodResult<()> {
    let ForecasterConfig { past, future, stations, .. } = *network;
    let fits = |w: &ForecastWindow| {
        w.past.len() == past && w.future.len() == future && w.station < stations && w.around.len() == past * stations
    };
    match windows.iter().find(|w| !fits(w)) {
        None => Ok(()),
        Some(w) => Err(MethodError::Argument(format!(
            "forecaster: a window of station {} with {} and {} days; one of {stations} stations with {past} and {future} days is wanted",
            w.station,
            w.past.len(),
            w.future.len()
        ))),
    }
}

/// Trains a forecaster on the windows of the days `training` and gives back the state that did best on those of
/// `validation`, by the loss that it learned by. Statistics are of the training days alone.
///
/// # Errors
/// [`MethodError::Argument`] for settings out of range, or days without a window; [`MethodError::Train`] as [`train`].
#[expect(clippy::too_many_arguments, reason = "each is one thing that a training is made from")]
pub fn fit_forecaster(
    method: &str,
    config: &StationForecasterConfig,
    series: &[StationSeries],
    time: &TimeAxis,
    training: &[usize],
    validation: &[usize],
    options: &ForecastFitOptions,
    run_folder: &Path,
    device: &Device,
    provenance: &BTreeMap<String, String>,
) -> MethodResult<(StationForecaster, TrainingReport)> {
    options.loss.check()?;
    let ForecasterConfig { past, future, stations, .. } = config.network;
    if config.shift.is_some_and(|s| s.memory == 0)
        || options.batch < 2
        || options.validation_windows == 0
        || stations != series.len()
    {
        return Err(MethodError::Argument(format!(
            "{method}: batches of {}, {} validation windows, a network of {stations} stations for {}; at least 2, 1 and as many are wanted",
            options.batch,
            options.validation_windows,
            series.len()
        )));
    }
    let windows = ForecastWindow::all(series, time, training, past, future)?;
    let statistics = StationStatistics::fit(series, time, training, &windows, config.harmonics)?;
    let held_out = ForecastWindow::all(series, time, validation, past, future)?;
    if held_out.is_empty() {
        return Err(MethodError::Argument(format!("{method}: no validation window is without a gap; give longer runs of days")));
    }
    let kept = options.validation_windows.min(held_out.len());
    let held_out: Vec<&ForecastWindow> = (0..kept).map(|i| &held_out[(2 * i + 1) * held_out.len() / (2 * kept)]).collect();
    let mut parameters = Parameters::new(device, DType::F32, options.seed);
    let network = ForecastNetwork::new(&mut parameters, config)?;
    if config.base.is_some() {
        for name in ["head.linear2.weight", "head.linear2.bias"] {
            if let Some(last) = parameters.get(name) {
                last.set(&last.as_tensor().zeros_like()?)?;
            }
        }
    }
    let shares = class_shares(&windows, &statistics, config);
    if let Some(shift) = config.shift {
        let mut random = Random::new(options.seed, "shift memory");
        let weeks: Vec<&ForecastWindow> = (0..shift.memory).map(|_| &windows[random.below(windows.len())]).collect();
        network.remember(&WindowBatch::of(&weeks, &statistics, config, device)?)?;
    }
    let held_out: Vec<WindowBatch> = held_out
        .chunks(TOGETHER)
        .map(|part| WindowBatch::of(part, &statistics, config, device))
        .collect::<candle_core::Result<_>>()?;
    let described = json!({ "network": config, "fit": options, "statistics": statistics });
    let folder = RunFolder::open(run_folder, &described, options.seed, &describe_device(device), provenance)?;
    let loss_of = |batch: &WindowBatch, training: bool| -> candle_core::Result<Tensor> {
        let found = network.forward(batch, training)?;
        let error = (found.values - &batch.target)?;
        let loss = options.loss.mean(&error, &error.ones_like()?.detach())?;
        match (config.shift, found.probabilities, &batch.classes) {
            (Some(shift), Some(u), Some(classes)) => loss + extreme_value_loss(&u, classes, &shares, shift.gamma)?,
            _ => Ok(loss),
        }
    };
    let draw = |random: &mut Random| -> Vec<&ForecastWindow> {
        (0..options.batch).map(|_| &windows[random.below(windows.len())]).collect()
    };
    let validate = || -> TrainResult<f64> {
        let (mut sum, mut count) = (0.0, 0.0);
        for batch in &held_out {
            let n = batch.target.elem_count() as f64;
            sum += n * loss_of(batch, false)?.detach().to_dtype(DType::F64)?.to_scalar::<f64>()?;
            count += n;
        }
        Ok(sum / count)
    };
    let report = train(
        &parameters,
        method,
        &described,
        &options.training,
        &folder,
        |_, random| Ok(loss_of(&WindowBatch::of(&draw(random), &statistics, config, device)?, true)?),
        validate,
    )?;
    let best = if folder.best().exists() { folder.best() } else { folder.last() };
    Ok((StationForecaster::load(&best, device)?, report))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::SECONDS_PER_DAY;
    use crate::methods::kiost::{Core, ForecastBaseline, ShiftBounds, ShiftConfig};

    /// A slow wave that two days foretell and one day does not.
    fn wave(days: usize) -> (Vec<StationSeries>, TimeAxis) {
        let station = |phase: f64| StationSeries {
            id: format!("S{phase}"),
            latitude: 0.0,
            longitude: 0.0,
            celsius: (0..days).map(|d| Some(15.0 + (std::f64::consts::TAU * d as f64 / 17.3 + phase).sin())).collect(),
        };
        let time = TimeAxis::from_seconds((0..days).map(|d| d as f64 * SECONDS_PER_DAY).collect()).unwrap();
        (vec![station(0.0), station(1.0)], time)
    }

    fn config(base: Option<ForecastBaseline>) -> StationForecasterConfig {
        let network = ForecasterConfig {
            past: 6,
            future: 3,
            stations: 2,
            calendar: 2,
            width: 8,
            core: Core::Lstm { layers: 1 },
            dropout: 0.0,
            neighbours: false,
        };
        StationForecasterConfig { network, harmonics: 0, base, calendar: true, shift: None }
    }

    fn options(iterations: u64) -> ForecastFitOptions {
        let training = TrainingOptions {
            iterations,
            peak_rate: 2e-2,
            warmup_iterations: 0,
            validate_every: iterations,
            ..Default::default()
        };
        ForecastFitOptions { training, batch: 32, ..ForecastFitOptions::default() }
    }

    fn errors(forecasts: &[Vec<f64>], windows: &[ForecastWindow]) -> f64 {
        let one = |(f, w): (&Vec<f64>, &ForecastWindow)| f.iter().zip(&w.future).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
        (forecasts.iter().zip(windows).map(one).sum::<f64>() / windows.len() as f64 / 3.0).sqrt()
    }

    #[test]
    fn it_starts_as_its_baseline_and_learns_what_one_day_cannot_tell() {
        let (series, time) = wave(160);
        let (training, validation, test): (Vec<usize>, Vec<usize>, Vec<usize>) =
            ((0..100).collect(), (105..130).collect(), (135..160).collect());
        let windows = ForecastWindow::all(&series, &time, &test, 6, 3).unwrap();
        let trained = |iterations| {
            let place = tempfile::tempdir().unwrap();
            let mut fit = options(iterations);
            if iterations == 1 {
                fit.training.peak_rate = 1e-30;
                fit.training.final_rate = 0.0;
            }
            let none = BTreeMap::new();
            let config = config(Some(ForecastBaseline::DampedAnomaly));
            fit_forecaster("lstm", &config, &series, &time, &training, &validation, &fit, place.path(), &Device::Cpu, &none)
                .unwrap()
                .0
        };
        let start = trained(1);
        let damped: Vec<Vec<f64>> =
            windows.iter().map(|w| start.statistics().forecast(ForecastBaseline::DampedAnomaly, w).unwrap()).collect();
        for (a, b) in start.forecast(&windows).unwrap().iter().flatten().zip(damped.iter().flatten()) {
            assert!((a - b).abs() < 1e-5);
        }
        let learned = errors(&trained(150).forecast(&windows).unwrap(), &windows);
        assert!(learned < 0.5 * errors(&damped, &windows), "{learned} {}", errors(&damped, &windows));
    }

    #[test]
    fn a_memory_is_kept_with_the_weights() {
        let (series, time) = wave(160);
        let (training, validation): (Vec<usize>, Vec<usize>) = ((0..100).collect(), (105..160).collect());
        let bounds = ShiftBounds::Anomaly { low: -1.0, high: 1.0 };
        let config = StationForecasterConfig {
            shift: Some(ShiftConfig { memory: 16, gamma: 1.0, bounds }),
            ..config(Some(ForecastBaseline::DampedAnomaly))
        };
        let place = tempfile::tempdir().unwrap();
        let (fit, none) = (options(8), BTreeMap::new());
        let run = || {
            fit_forecaster("shift", &config, &series, &time, &training, &validation, &fit, place.path(), &Device::Cpu, &none)
                .unwrap()
                .0
        };
        let windows = ForecastWindow::all(&series, &time, &validation, 6, 3).unwrap();
        let found = run().forecast(&windows).unwrap();
        // the second call only reads what the first one left
        assert_eq!(found, run().forecast(&windows).unwrap());
        // a sine's deviation is 1/√2 of its height: each tail beyond it has arccos(1/√2)/π = 1/4 of the days
        let all = ForecastWindow::all(&series, &time, &training, 6, 3).unwrap();
        let statistics = StationStatistics::fit(&series, &time, &training, &all, 0).unwrap();
        let shares = class_shares(&all, &statistics, &config);
        for (share, wanted) in shares.iter().zip([0.25, 0.5, 0.25]) {
            assert!((share - wanted).abs() < 0.05, "{shares:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let (series, time) = wave(60);
        let days: Vec<usize> = (0..40).collect();
        let place = tempfile::tempdir().unwrap();
        let attempt = |series: &[StationSeries], validation: &[usize]| {
            let (config, fit, none) = (config(None), options(1), BTreeMap::new());
            fit_forecaster("lstm", &config, series, &time, &days, validation, &fit, place.path(), &Device::Cpu, &none)
                .unwrap_err()
                .to_string()
        };
        assert!(attempt(&series[..1], &days).contains("as many are wanted"));
        assert!(attempt(&series, &[50, 51]).contains("no validation window"));
    }
}

//! A forecaster with or without a memory that shifts it, and the windows that go in.

use candle_core::{DType, Device, Result, Tensor, Var};
use serde::{Deserialize, Serialize};

use super::dynamic_shift::{CLASSES, DynamicShift, ShiftConfig, one_hot};
use super::forecast_windows::ForecastWindow;
use super::forecaster::{Forecaster, ForecasterConfig};
use super::station_neighbours::around;
use super::station_statistics::{ForecastBaseline, StationStatistics};
use crate::nn::{Init, NnResult, Parameters};

/// Network and formulation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StationForecasterConfig {
    /// The network.
    pub network: ForecasterConfig,
    /// Harmonics of the year in the cycle that temperatures are taken from; published: 0, the mean alone.
    pub harmonics: usize,
    /// The forecast that the network adds to; published: none, the network gives the whole. One that starts from a baseline
    /// begins by adding nothing.
    pub base: Option<ForecastBaseline>,
    /// Is the network told month and day? Published: yes. Where the cycle holds the season already, a calendar is but a
    /// means to learn the days of few years by heart.
    pub calendar: bool,
    /// The memory that shifts the forecast; none in the plain networks.
    #[serde(default)]
    pub shift: Option<ShiftConfig>,
}

/// Windows as tensors.
pub(super) struct WindowBatch {
    temperature: Tensor,
    month: Tensor,
    day: Tensor,
    station: Tensor,
    /// What all stations reported, `[b, past, stations]`, where the network reads it.
    around: Option<Tensor>,
    /// What the network adds to, `[b, future]`.
    base: Tensor,
    /// What should come out, `[b, future]`.
    pub target: Tensor,
    /// The class of each future day, `[b future, 3]`, where there is a memory.
    pub classes: Option<Tensor>,
}

impl WindowBatch {
    /// The windows in the units of the statistics.
    pub fn of(
        windows: &[&ForecastWindow],
        statistics: &StationStatistics,
        config: &StationForecasterConfig,
        device: &Device,
    ) -> Result<WindowBatch> {
        let ForecasterConfig { past, future, stations, .. } = config.network;
        let b = windows.len();
        let (mut temperature, mut month, mut day, mut base, mut target) = (vec![], vec![], vec![], vec![], vec![]);
        let mut classes = Vec::new();
        let mut station = vec![0.0f32; b * stations];
        let mut reported = Vec::new();
        for (i, window) in windows.iter().enumerate() {
            let (before, after) = statistics.anomalies(window);
            temperature.extend(before.iter().map(|v| *v as f32));
            target.extend(after.iter().map(|v| *v as f32));
            match config.base {
                Some(from) => base.extend(statistics.forecast_anomalies(from, window).iter().map(|v| *v as f32)),
                None => base.extend(vec![0.0; future]),
            }
            if let Some(shift) = config.shift {
                classes.extend(window.future.iter().zip(&after).map(|(c, a)| shift.bounds.class(*c, *a)));
            }
            let (months, days) =
                if config.calendar { window.calendar() } else { (vec![0.0; past + future], vec![0.0; past + future]) };
            month.extend(months);
            day.extend(days);
            station[i * stations + window.station] = 1.0;
            if config.network.neighbours {
                reported.extend(around(&statistics.cycles, window));
            }
        }
        let put = |values: Vec<f32>, width: usize| Tensor::from_vec(values, (b, width), &Device::Cpu)?.to_device(device);
        let target = put(target, future)?;
        Ok(WindowBatch {
            temperature: put(temperature, past)?,
            month: put(month, past + future)?,
            day: put(day, past + future)?,
            station: put(station, stations)?,
            around: match config.network.neighbours {
                true => Some(put(reported, past * stations)?.reshape((b, past, stations))?),
                false => None,
            },
            base: put(base, future)?,
            classes: config.shift.map(|_| one_hot(&classes, DType::F32, &target)).transpose()?,
            target,
        })
    }
}

/// What a window's forecast is made of, in units of the stations' deviations.
pub(super) struct Forecasted {
    /// `[b, future]`.
    pub values: Tensor,
    /// Of the classes of each future day, `[b future, 3]`, where there is a memory.
    pub probabilities: Option<Tensor>,
}

/// A forecaster, and its memory where it has one.
#[derive(Clone, Debug)]
pub(super) struct ForecastNetwork {
    forecaster: Forecaster,
    memory: Option<Memory>,
    past: usize,
}

/// Weeks that are remembered, as buffers of the network.
#[derive(Clone, Debug)]
struct Memory {
    shift: DynamicShift,
    temperature: Var,
    month: Var,
    day: Var,
    station: Var,
    around: Option<Var>,
    classes: Var,
}

impl ForecastNetwork {
    /// Parameters of the [`Forecaster`] and, with a memory, `shift...`; the memory itself is the buffers `memory...`,
    /// empty so far.
    pub fn new(parameters: &mut Parameters, config: &StationForecasterConfig) -> NnResult<ForecastNetwork> {
        let forecaster = Forecaster::new(parameters, &config.network)?;
        let ForecasterConfig { past, stations, width, neighbours, .. } = config.network;
        let memory = match config.shift {
            None => None,
            Some(ShiftConfig { memory, .. }) => {
                let shift = DynamicShift::new(parameters, width)?;
                let mut buffer =
                    |name: &str, of: usize| parameters.add_buffer(format!("memory.{name}"), &[memory, of], Init::Constant(0.0));
                Some(Memory {
                    shift,
                    temperature: buffer("temperature", past)?,
                    month: buffer("month", past)?,
                    day: buffer("day", past)?,
                    station: buffer("station", stations)?,
                    around: neighbours.then(|| buffer("around", past * stations)).transpose()?,
                    classes: buffer("classes", CLASSES)?,
                })
            }
        };
        Ok(ForecastNetwork { forecaster, memory, past })
    }

    /// Puts weeks into the memory, each with the class of the day after it. As many as the memory has room for.
    pub fn remember(&self, weeks: &WindowBatch) -> Result<()> {
        let (Some(memory), Some(classes)) = (&self.memory, &weeks.classes) else { return Ok(()) };
        let (m, leads) = weeks.target.dims2()?;
        memory.temperature.set(&weeks.temperature)?;
        memory.month.set(&weeks.month.narrow(1, 0, self.past)?.contiguous()?)?;
        memory.day.set(&weeks.day.narrow(1, 0, self.past)?.contiguous()?)?;
        memory.station.set(&weeks.station)?;
        if let (Some(held), Some(around)) = (&memory.around, &weeks.around) {
            held.set(&around.flatten_from(1)?)?;
        }
        memory.classes.set(&classes.reshape((m, leads, CLASSES))?.narrow(1, 0, 1)?.squeeze(1)?.contiguous()?)
    }

    /// Forecasts of a batch.
    pub fn forward(&self, batch: &WindowBatch, training: bool) -> Result<Forecasted> {
        let x = self.forecaster.embed(&batch.temperature, &batch.month, &batch.day, &batch.station, batch.around.as_ref())?;
        let mut values = (self.forecaster.run(&x, training)? + &batch.base)?;
        let mut probabilities = None;
        if let Some(memory) = &self.memory {
            let days = x.dim(1)?;
            let part = |first: usize, days: usize| x.narrow(1, first, days)?.contiguous();
            let held = |v: &Var| v.as_detached_tensor();
            let [temperature, month, day, station] = [&memory.temperature, &memory.month, &memory.day, &memory.station].map(held);
            let (weeks, stations) = station.dims2()?;
            let around = memory.around.as_ref().map(|v| held(v).reshape((weeks, self.past, stations))).transpose()?;
            let weeks = self.forecaster.embed(&temperature, &month, &day, &station, around.as_ref())?;
            let (past, future) = (part(0, self.past)?, part(self.past, days - self.past)?);
            let (shift, found) = memory.shift.forward(&past, &future, &weeks, &held(&memory.classes))?;
            values = (values + shift)?;
            probabilities = Some(found);
        }
        Ok(Forecasted { values, probabilities })
    }
}

/// The share of each class among the future days of all training windows; empty without a memory.
pub(super) fn class_shares(
    windows: &[ForecastWindow],
    statistics: &StationStatistics,
    config: &StationForecasterConfig,
) -> Vec<f64> {
    let Some(shift) = config.shift else { return Vec::new() };
    let mut counts = [0.0; CLASSES];
    for window in windows {
        let (_, after) = statistics.anomalies(window);
        window.future.iter().zip(&after).for_each(|(c, a)| counts[shift.bounds.class(*c, *a)] += 1.0);
    }
    let all: f64 = counts.iter().sum();
    counts.iter().map(|c| c / all.max(1.0)).collect()
}

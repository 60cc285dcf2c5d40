//! The station forecasters of the third paper: trained, and what they and the baselines forecast on test days.

use std::collections::BTreeMap;

use candle_core::Device;
use serde::Deserialize;
use serde_json::Value;

use super::kiost_bay::{self, BAY, Bay, SPLIT};
use super::kiost_forecast_file::Forecasts;
use super::kiost_twin;
use crate::data::Tier;
use crate::data::products::delimited::{self, NERACOOS_B01};
use crate::data::splits::{Part, SplitPlan};
use crate::grid::{SECONDS_PER_DAY, TimeAxis, instant};
use crate::methods::kiost::{
    ForecastBaseline, ForecastFitOptions, ForecastWindow, ForecasterConfig, QualityControl, ShiftConfig, StationForecaster,
    StationForecasterConfig, StationLoss, StationSeries, StationStatistics, careful_worth, drawn_back, fit_forecaster,
};
use crate::paper::step::{DataFile, Step, StepContext};
use crate::paper::{PaperError, PaperResult};

/// Half-hourly temperatures of a buoy on the Western Maine Shelf.
pub const BUOY: DataFile =
    DataFile { product: "bokeh-sampledata", member: "bokeh_sampledata/_data/sea_surface_temperature.csv.gz" };

/// Where the configuration lies.
pub const CONFIGURATION: &str = "configs/kiost/forecasts.toml";

/// What the forecasters stand on.
pub(super) const FORECAST: &[&str] = &[
    "src/nn/",
    "src/train/",
    "src/data/",
    "src/score/",
    "src/methods/error.rs",
    "src/paper/steps/kiost_forecast_file.rs",
    "src/paper/steps/kiost_forecasts.rs",
];

/// The step.
pub const STEP: Step = Step {
    name: "kiost_forecasts",
    about: "station forecasters on the bay and on a real buoy: trained, and applied to test days",
    rooms: &[BAY, FORECAST],
    configurations: &[CONFIGURATION, kiost_twin::CONFIGURATION, SPLIT],
    needs: &["kiost_twin"],
    data: &[BUOY],
    publishes: &[],
    run,
};

/// `configs/kiost/forecasts.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForecastsConfiguration {
    /// Harmonics of the year in the stations' cycles.
    pub harmonics: usize,
    /// What the networks add to.
    pub base: Option<ForecastBaseline>,
    /// Losses of the recurrent networks.
    pub lstm: Vec<StationLoss>,
    /// Losses of the Transformers.
    pub transformer: Vec<StationLoss>,
    /// The memory of a further recurrent network, trained by mean square and the extreme-value loss of its classes.
    pub dynamic_shift: Option<ShiftConfig>,
    /// Settings of the trainings on the bay.
    pub fit: ForecastFitOptions,
    /// The real buoy.
    pub buoy: BuoyConfiguration,
    /// How forecasts are scored.
    pub scores: ForecastScoresConfiguration,
}

/// The buoy's own settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuoyConfiguration {
    /// Harmonics of the year: a single one, as it is little more than a year.
    pub harmonics: usize,
    /// Days between parts.
    pub buffer_days: usize,
    /// Days by part, from (inclusive) to (exclusive).
    pub train: Vec<(usize, usize)>,
    /// The same.
    pub validation: Vec<(usize, usize)>,
    /// The same.
    pub test: Vec<(usize, usize)>,
    /// Losses of the recurrent networks.
    pub lstm: Vec<StationLoss>,
    /// Losses of the Transformers.
    pub transformer: Vec<StationLoss>,
    /// Which readings count.
    pub quality: QualityControl,
    /// Settings of the trainings.
    pub fit: ForecastFitOptions,
}

/// How forecasts are scored.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForecastScoresConfiguration {
    /// Length of a bootstrap block in days.
    pub block_days: usize,
    /// Bootstrap resamples.
    pub resamples: usize,
    /// Months between two exceedances of a return level.
    pub return_blocks: f64,
    /// A hot day.
    pub high_celsius: f64,
    /// A cold day.
    pub low_celsius: f64,
    /// A warm day for the season: this quantile of the anomaly on training days.
    pub high_quantile: f64,
    /// A cool day for the season.
    pub low_quantile: f64,
    /// A day of a marine heatwave, where five of them follow each other.
    pub heatwave_quantile: f64,
    /// Seed of the bootstrap.
    pub seed: u64,
}

/// Stations with their days by part: what forecasts are made on.
pub struct ForecastGround {
    /// Its name in tables.
    pub dataset: &'static str,
    /// Its kind.
    pub tier: Tier,
    /// Daily temperatures.
    pub series: Vec<StationSeries>,
    /// Their days.
    pub time: TimeAxis,
    /// Days by part.
    pub plan: SplitPlan,
    /// Harmonics of the year in the cycles.
    pub harmonics: usize,
}

impl ForecastGround {
    /// The bay's known stations.
    ///
    /// # Errors
    /// Where the bay is not to be had.
    pub fn bay(context: &StepContext<'_>, configuration: &ForecastsConfiguration) -> PaperResult<ForecastGround> {
        let bay = Bay::open(context)?;
        Ok(ForecastGround {
            dataset: "twin",
            tier: Tier::Twin,
            time: bay.twin.truth().time().clone(),
            series: bay.known,
            plan: bay.plan,
            harmonics: configuration.harmonics,
        })
    }

    /// The real buoy.
    ///
    /// # Errors
    /// Where its file cannot be read or its days do not fit the split.
    pub fn buoy(context: &StepContext<'_>, configuration: &ForecastsConfiguration) -> PaperResult<ForecastGround> {
        let buoy = &configuration.buoy;
        let readings = delimited::read(&context.data(BUOY.product, BUOY.member)?, &NERACOOS_B01).map_err(|e| context.error(e))?;
        let (first, last) =
            readings.0.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), o| (a.min(o.time), b.max(o.time)));
        let days = ((last - first) / SECONDS_PER_DAY).floor() as usize + 1;
        let first =
            instant(first).map(|t| t.date_naive()).ok_or_else(|| context.error("the buoy's first reading has no date"))?;
        let time = TimeAxis::daily(first, 12.0, days).map_err(|e| context.error(e))?;
        let series = StationSeries::all(&readings, &time, &buoy.quality).map_err(|e| context.error(e))?;
        let parts = [
            (Part::Train, buoy.train.as_slice()),
            (Part::Validation, buoy.validation.as_slice()),
            (Part::Test, buoy.test.as_slice()),
        ];
        let plan = kiost_bay::plan(context, first, days, buoy.buffer_days, parts)?;
        Ok(ForecastGround { dataset: "buoy", tier: Tier::Real, series, time, plan, harmonics: buoy.harmonics })
    }

    /// The windows of a part.
    ///
    /// # Errors
    /// Where the days do not fit the stations.
    pub fn windows(&self, part: Part) -> PaperResult<Vec<ForecastWindow>> {
        let ForecasterConfig { past, future, .. } = ForecasterConfig::lstm();
        ForecastWindow::all(&self.series, &self.time, &kiost_bay::days_of(&self.plan, part), past, future)
            .map_err(PaperError::step("kiost_forecasts"))
    }

    /// What is known of the stations from training days.
    ///
    /// # Errors
    /// Where there are too few training days.
    pub fn statistics(&self) -> PaperResult<StationStatistics> {
        let days = kiost_bay::days_of(&self.plan, Part::Train);
        StationStatistics::fit(&self.series, &self.time, &days, &self.windows(Part::Train)?, self.harmonics)
            .map_err(PaperError::step("kiost_forecasts"))
    }
}

fn run(context: &StepContext<'_>) -> PaperResult<()> {
    let configuration: ForecastsConfiguration = context.configuration()?;
    let bay = ForecastGround::bay(context, &configuration)?;
    let c = &configuration;
    train_all(context, &bay, &c.fit, c.base, [&c.lstm, &c.transformer], c.dynamic_shift)?;
    let buoy = ForecastGround::buoy(context, &configuration)?;
    let own = &configuration.buoy;
    train_all(context, &buoy, &own.fit, c.base, [&own.lstm, &own.transformer], None)
}

/// The row of the recurrent network with a memory.
pub(super) const DYNAMIC_SHIFT: &str = "lstm_dynamic_shift";
/// The mean of these two is a row of its own.
const AVERAGED: [&str; 2] = ["lstm_mse", "transformer_mse"];
/// That row.
pub(super) const AVERAGE: &str = "average_mse";

/// Trains a network for each core and loss and writes what all forecast. Where networks add to a baseline, each lead is drawn
/// back to it as far as both halves of the validation windows ask for; test windows are only forecast.
fn train_all(
    context: &StepContext<'_>,
    ground: &ForecastGround,
    fit: &ForecastFitOptions,
    base: Option<ForecastBaseline>,
    [lstm, transformer]: [&[StationLoss]; 2],
    dynamic_shift: Option<ShiftConfig>,
) -> PaperResult<()> {
    let wrong = |e: crate::methods::MethodError| context.error(e);
    let statistics = ground.statistics()?;
    let (windows, held_out) = (ground.windows(Part::Test)?, ground.windows(Part::Validation)?);
    let plain = |baseline: ForecastBaseline, windows: &[ForecastWindow]| {
        windows.iter().map(|w| statistics.forecast(baseline, w)).collect::<Result<Vec<_>, _>>().map_err(wrong)
    };
    let mut methods = Vec::new();
    for baseline in ForecastBaseline::ALL {
        methods.push((baseline.id().to_string(), plain(baseline, &windows)?));
    }
    let mut wanted: Vec<(String, ForecasterConfig, StationLoss, Option<ShiftConfig>)> = Vec::new();
    wanted.extend(lstm.iter().map(|loss| (format!("lstm_{}", loss.id()), ForecasterConfig::lstm(), *loss, None)));
    let of_transformer =
        |loss: &StationLoss| (format!("transformer_{}", loss.id()), ForecasterConfig::transformer(), *loss, None);
    wanted.extend(transformer.iter().map(of_transformer));
    wanted.extend(dynamic_shift.map(|s| (DYNAMIC_SHIFT.to_string(), ForecasterConfig::lstm(), StationLoss::Mse, Some(s))));
    for (name, network, loss, shift) in wanted {
        // A single station has no neighbours.
        let (stations, neighbours) = (ground.series.len(), ground.series.len() > 1);
        let network = ForecasterConfig { stations, neighbours, ..network };
        let config = StationForecasterConfig { network, harmonics: ground.harmonics, base, calendar: base.is_none(), shift };
        let trained = train_one(context, ground, &name, &config, &ForecastFitOptions { loss, ..fit.clone() })?;
        let mut forecasts = trained.forecast(&windows).map_err(wrong)?;
        if let Some(base) = base {
            let worth = careful_worth(&held_out, &plain(base, &held_out)?, &trained.forecast(&held_out).map_err(wrong)?);
            println!("{} {name}: worth by lead {worth:.2?}", ground.dataset);
            forecasts = drawn_back(&plain(base, &windows)?, &forecasts, &worth);
        }
        methods.push((name, forecasts));
    }
    let both: Vec<&Vec<Vec<f64>>> = methods.iter().filter(|(n, _)| AVERAGED.contains(&n.as_str())).map(|(_, f)| f).collect();
    if let [first, second] = both[..] {
        methods.push((AVERAGE.to_string(), drawn_back(first, second, &vec![0.5; windows.first().map_or(0, |w| w.future.len())])));
    }
    let forecasts = Forecasts {
        windows: windows.iter().map(|w| (w.station, w.first_day)).collect(),
        truth: windows.iter().map(|w| w.future.clone()).collect(),
        methods,
    };
    forecasts.write(&context.path(&format!("{}.csv", ground.dataset)))
}

fn train_one(
    context: &StepContext<'_>,
    ground: &ForecastGround,
    name: &str,
    config: &StationForecasterConfig,
    fit: &ForecastFitOptions,
) -> PaperResult<StationForecaster> {
    let folder = context.path(&format!("run_{}_{name}", ground.dataset));
    let passport = context.passport(context.step.name, vec![ground.tier], fit.seed, Value::Null)?;
    let provenance = BTreeMap::from([("commit".to_string(), passport.commit), ("key".to_string(), context.key.clone())]);
    let days = |part| kiost_bay::days_of(&ground.plan, part);
    let (train, validation) = (days(Part::Train), days(Part::Validation));
    let (series, time, device) = (&ground.series, &ground.time, Device::Cpu);
    let trained = fit_forecaster(name, config, series, time, &train, &validation, fit, &folder, &device, &provenance);
    let (forecaster, report) = trained.map_err(|e| context.error(e))?;
    if let Some((score, iteration)) = report.best {
        println!("{} {name}: best on validation at iteration {iteration}: {score:.4}", ground.dataset);
    }
    Ok(forecaster)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_is_whole() {
        let c: ForecastsConfiguration = toml::from_str(include_str!("../../../configs/kiost/forecasts.toml")).unwrap();
        assert!(StationLoss::PUBLISHED.iter().all(|loss| c.lstm.contains(loss)) && c.lstm.contains(&StationLoss::Mse));
        c.lstm.iter().chain(&c.transformer).chain(&c.buoy.lstm).for_each(|loss| loss.check().unwrap());
        assert!(c.dynamic_shift.is_some_and(|s| s.gamma == 1.0));
    }
}

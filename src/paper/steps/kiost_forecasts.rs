//! The station forecasters of the third paper: trained, and what they and the baselines forecast on test days.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use candle_core::Device;
use serde::Deserialize;
use serde_json::Value;

use super::kiost_bay::{self, BAY, Bay, SPLIT};
use super::kiost_twin;
use crate::base::files::write_atomic;
use crate::data::Tier;
use crate::data::products::delimited::{self, NERACOOS_B01};
use crate::data::splits::{Part, SplitPlan};
use crate::grid::{SECONDS_PER_DAY, TimeAxis, instant};
use crate::methods::kiost::{
    ForecastBaseline, ForecastFitOptions, ForecastWindow, ForecasterConfig, QualityControl, StationForecaster,
    StationForecasterConfig, StationLoss, StationSeries, StationStatistics, fit_forecaster,
};
use crate::paper::step::{DataFile, Step, StepContext};
use crate::paper::{PaperError, PaperResult};

/// Half-hourly temperatures of a buoy on the Western Maine Shelf.
pub const BUOY: DataFile =
    DataFile { product: "bokeh-sampledata", member: "bokeh_sampledata/_data/sea_surface_temperature.csv.gz" };

/// Where the configuration lies.
pub const CONFIGURATION: &str = "configs/kiost/forecasts.toml";

/// What the forecasters stand on.
pub(super) const FORECAST: &[&str] =
    &["src/nn/", "src/train/", "src/data/", "src/score/", "src/methods/error.rs", "src/paper/steps/kiost_forecasts.rs"];

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

/// Forecasts of the test windows by method, baselines first.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecasts {
    /// Station and first day of the future of each window.
    pub windows: Vec<(usize, usize)>,
    /// What came, by window and lead, degrees Celsius.
    pub truth: Vec<Vec<f64>>,
    /// What each method forecast.
    pub methods: Vec<(String, Vec<Vec<f64>>)>,
}

fn run(context: &StepContext<'_>) -> PaperResult<()> {
    let configuration: ForecastsConfiguration = context.configuration()?;
    let bay = ForecastGround::bay(context, &configuration)?;
    train_all(context, &bay, &configuration.fit, configuration.base, [&configuration.lstm, &configuration.transformer])?;
    let buoy = ForecastGround::buoy(context, &configuration)?;
    let own = &configuration.buoy;
    train_all(context, &buoy, &own.fit, configuration.base, [&own.lstm, &own.transformer])
}

/// Trains a network for each core and loss and writes what all forecast.
fn train_all(
    context: &StepContext<'_>,
    ground: &ForecastGround,
    fit: &ForecastFitOptions,
    base: Option<ForecastBaseline>,
    [lstm, transformer]: [&[StationLoss]; 2],
) -> PaperResult<()> {
    let wrong = |e: crate::methods::MethodError| context.error(e);
    let statistics = ground.statistics()?;
    let windows = ground.windows(Part::Test)?;
    let mut methods = Vec::new();
    for baseline in ForecastBaseline::ALL {
        let forecasts = windows.iter().map(|w| statistics.forecast(baseline, w)).collect::<Result<Vec<_>, _>>().map_err(wrong)?;
        methods.push((baseline.id().to_string(), forecasts));
    }
    let cores = [("lstm", ForecasterConfig::lstm(), lstm), ("transformer", ForecasterConfig::transformer(), transformer)];
    for (core, network, losses) in cores {
        let network = ForecasterConfig { stations: ground.series.len(), ..network };
        let config =
            StationForecasterConfig { network, harmonics: ground.harmonics, base, calendar: base.is_none(), shift: None };
        for loss in losses {
            let name = format!("{core}_{}", loss.id());
            let trained = train_one(context, ground, &name, &config, &ForecastFitOptions { loss: *loss, ..fit.clone() })?;
            methods.push((name, trained.forecast(&windows).map_err(wrong)?));
        }
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

impl Forecasts {
    /// Writes the forecasts as CSV: station, day, lead, truth and a column for each method, to a ten-thousandth of a degree.
    fn write(&self, path: &Path) -> PaperResult<()> {
        let names: Vec<&str> = self.methods.iter().map(|(name, _)| name.as_str()).collect();
        let mut text = format!("station,day,lead,truth,{}\n", names.join(","));
        for (i, (station, day)) in self.windows.iter().enumerate() {
            for (lead, truth) in self.truth[i].iter().enumerate() {
                let _ = write!(text, "{station},{day},{},{truth:.4}", lead + 1);
                for (_, forecasts) in &self.methods {
                    let _ = write!(text, ",{:.4}", forecasts[i][lead]);
                }
                text.push('\n');
            }
        }
        write_atomic(path, text.as_bytes()).map_err(|source| PaperError::File { path: path.into(), source })
    }

    /// Reads what the step wrote.
    ///
    /// # Errors
    /// Where the file is absent or a line does not fit.
    pub fn read(path: &Path) -> PaperResult<Forecasts> {
        let text = std::fs::read_to_string(path).map_err(PaperError::file(path))?;
        let wrong = |line: usize| PaperError::Content {
            what: path.display().to_string(),
            problem: format!("line {} is no line of forecasts; run the step kiost_forecasts anew", line + 1),
        };
        let mut lines = text.lines().enumerate();
        let header: Vec<&str> = lines.next().map(|(_, l)| l.split(',').collect()).unwrap_or_default();
        if header.len() < 5 || header[..4] != ["station", "day", "lead", "truth"] {
            return Err(wrong(0));
        }
        let mut found = Forecasts {
            windows: Vec::new(),
            truth: Vec::new(),
            methods: header[4..].iter().map(|name| (name.to_string(), Vec::new())).collect(),
        };
        for (number, line) in lines {
            let cells: Vec<f64> = line
                .split(',')
                .map(str::parse)
                .collect::<Result<_, _>>()
                .map_err(|_: std::num::ParseFloatError| wrong(number))?;
            if cells.len() != header.len() {
                return Err(wrong(number));
            }
            if cells[2] == 1.0 {
                found.windows.push((cells[0] as usize, cells[1] as usize));
                found.truth.push(Vec::new());
                found.methods.iter_mut().for_each(|(_, windows)| windows.push(Vec::new()));
            }
            let Some(truth) = found.truth.last_mut() else { return Err(wrong(number)) };
            truth.push(cells[3]);
            for ((_, windows), value) in found.methods.iter_mut().zip(&cells[4..]) {
                if let Some(window) = windows.last_mut() {
                    window.push(*value);
                }
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forecasts_come_back_from_their_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.csv");
        let forecasts = Forecasts {
            windows: vec![(0, 14), (1, 20)],
            truth: vec![vec![10.5, -0.25], vec![11.0, 12.0]],
            methods: vec![("persistence".into(), vec![vec![10.0, 10.0], vec![11.5, 11.5]])],
        };
        forecasts.write(&path).unwrap();
        assert_eq!(Forecasts::read(&path).unwrap(), forecasts);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("station,day,lead,truth,persistence\n0,14,1,10.5000,10.0000\n"));
        for bad in ["", "a,b\n", "station,day,lead,truth,x\n0,1,2,3,4\n", "station,day,lead,truth,x\n0,1,1,3\n"] {
            std::fs::write(&path, bad).unwrap();
            assert!(Forecasts::read(&path).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_configuration_is_whole() {
        let c: ForecastsConfiguration = toml::from_str(include_str!("../../../configs/kiost/forecasts.toml")).unwrap();
        assert!(StationLoss::PUBLISHED.iter().all(|loss| c.lstm.contains(loss)) && c.lstm.contains(&StationLoss::Mse));
        c.lstm.iter().chain(&c.transformer).chain(&c.buoy.lstm).for_each(|loss| loss.check().unwrap());
    }
}

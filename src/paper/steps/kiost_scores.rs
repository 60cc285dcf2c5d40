//! The table of the third paper's downscaling: at known and withheld stations and on fields, over the year and by season.

use chrono::Datelike;

use super::kiost_bay::{BAY, Bay, SPLIT};
use super::kiost_methods::{self, ANOMALY, COMPOSITE, CONFIGURATION, KiostScoresConfiguration};
use super::kiost_scales::{self, BANDS, SCALES};
use super::kiost_twin;
use crate::data::Tier;
use crate::grid::{EARTH_RADIUS_METRES, Field, area_weights};
use crate::methods::kiost::StationSeries;
use crate::paper::products;
use crate::paper::step::{Step, StepContext};
use crate::paper::{PaperResult, TableRender, TidyRow, TidyTable, publish_table};
use crate::score::{BlockAccumulator, PointwiseMetric, ScoreResult, Season, gradient_pairs};

/// What scores and figures of the downscaling stand on.
pub(super) const SCORED: &[&str] = &[
    "src/cf/",
    "src/score/",
    "src/nn/",
    "src/train/",
    "src/data/",
    "src/methods/refinement/",
    "src/methods/regression/",
    "src/methods/error.rs",
    "src/methods/super_resolution.rs",
    "src/paper/products.rs",
    "src/paper/steps/training_ground.rs",
    "src/paper/steps/kiost_gan.rs",
    "src/paper/steps/kiost_methods.rs",
    "src/paper/steps/kiost_scores.rs",
];

/// The step.
pub const STEP: Step = Step {
    name: "kiost_scores",
    about: "the downscaling of the third paper at stations and on fields, with intervals",
    rooms: &[super::TWIN_AND_SPLIT, BAY, SCORED, SCALES, &["src/paper/table"]],
    configurations: &[CONFIGURATION, kiost_twin::CONFIGURATION, SPLIT],
    needs: &[kiost_methods::GLOBAL, "kiost_twin", "gan_pure", "gan", "gan_insitu"],
    data: &[],
    publishes: &[
        ("kiost_scores.csv", "figures/tables/kiost_scores.csv"),
        ("kiost_scores.md", "figures/tables/kiost_scores.md"),
        ("kiost_scores.html", "figures/tables/kiost_scores.html"),
        ("kiost_scores.json", "figures/tables/kiost_scores.json"),
    ],
    run,
};

/// Stations read cells that are at most this far away.
const NEAREST_SEA_METRES: f64 = 20e3;
/// Pointwise metrics of the table.
const METRICS: [PointwiseMetric; 4] =
    [PointwiseMetric::Rmse, PointwiseMetric::Bias, PointwiseMetric::Mae, PointwiseMetric::Pearson];
/// The methods that others are held against.
const YARDSTICKS: [(&str, &str); 3] =
    [("bicubic", "rmse_minus_bicubic"), (ANOMALY, "rmse_minus_anomaly"), ("gan", "rmse_minus_gan")];

fn run(context: &StepContext<'_>) -> PaperResult<()> {
    let configuration: KiostScoresConfiguration = context.configuration()?;
    let bay = Bay::open(context)?;
    let days = kiost_methods::test_days(&bay);
    let fields = kiost_methods::fields(context, &bay, &days, configuration.bias_band_degrees)?;
    let truth = products::frames(bay.twin.truth(), &days).map_err(|e| context.error(e))?;
    let subject = Subject { configuration: &configuration, truth: &truth, days: &days, fields: &fields };
    let mut rows = Vec::new();
    for season in std::iter::once(None).chain(Season::ALL.map(Some)) {
        for (name, stations) in [("known_stations", &bay.known), ("withheld_stations", &bay.withheld)] {
            rows.extend(subject.rows(context, name, season, |field| subject.at_stations(field, stations, season))?);
        }
        rows.extend(subject.rows(context, "field", season, |field| subject.on_field(field, season))?);
    }
    rows.extend(subject.gradients(context)?);
    let (tenth, at_tenth) = kiost_methods::global_fields(context, &bay, &days)?;
    let global = Subject { configuration: &configuration, truth: &tenth, days: &days, fields: &at_tenth };
    rows.extend(global.rows(context, "field_tenth_degree", None, |field| global.on_field(field, None))?);
    rows.extend(subject.scales().map_err(|e| context.error(e))?);
    let certificate = bay.plan.certify().map_err(|e| context.error(e))?.to_string();
    let passport = context.passport("kiost_scores", vec![Tier::Twin], configuration.seed, serde_json::Value::Null)?;
    let title = "KIOST's downscaling on the bay: stations against their reports, fields against the truth";
    let render = TableRender { title, certificate: &certificate, decimals: 4 };
    publish_table(&TidyTable::new("kiost_scores", rows)?, &render, &context.path("kiost_scores"), &passport)?;
    Ok(())
}

/// The methods' fields on the test days.
struct Subject<'a> {
    configuration: &'a KiostScoresConfiguration,
    truth: &'a Field,
    /// Days of the bay that the frames are of.
    days: &'a [usize],
    fields: &'a [Field],
}

impl Subject<'_> {
    fn block(&self, frame: usize) -> usize {
        (self.days[frame] - self.days[0]) / self.configuration.block_days.max(1)
    }

    fn counts(&self, frame: usize, season: Option<Season>) -> bool {
        season.is_none_or(|s| self.truth.time().date(frame).is_some_and(|d| Season::of_month(d.month()) == s))
    }

    /// Reports and field at the stations' cells, by block of days.
    fn at_stations(&self, field: &Field, stations: &[StationSeries], season: Option<Season>) -> ScoreResult<BlockAccumulator> {
        let mut blocks = BlockAccumulator::new();
        for station in stations {
            let Some(cell) = station.cell(self.truth, NEAREST_SEA_METRES) else { continue };
            for (t, day) in self.days.iter().enumerate().filter(|(t, _)| self.counts(*t, season)) {
                if let Some(celsius) = station.celsius[*day] {
                    blocks.add(self.block(t), celsius, f64::from(field.frame(t)[cell]), 1.0)?;
                }
            }
        }
        Ok(blocks)
    }

    /// Truth and field at all cells of the sea, by block of days.
    fn on_field(&self, field: &Field, season: Option<Season>) -> ScoreResult<BlockAccumulator> {
        let weights = area_weights(self.truth.latitude());
        let mean = weights.iter().sum::<f64>() / weights.len() as f64;
        let columns = self.truth.longitude().len();
        let mut blocks = BlockAccumulator::new();
        for t in (0..self.days.len()).filter(|t| self.counts(*t, season)) {
            let (values, predicted, cells) = (self.truth.frame(t), field.frame(t), self.truth.frame_mask(t));
            for i in (0..values.len()).filter(|i| cells[*i].is_valid()) {
                blocks.add(self.block(t), f64::from(values[i]), f64::from(predicted[i]), weights[i / columns] / mean)?;
            }
        }
        Ok(blocks)
    }

    #[expect(clippy::too_many_arguments, reason = "a row of the table")]
    fn row(
        &self,
        dataset: &str,
        method: &str,
        metric: &str,
        value: f64,
        interval: (f64, f64),
        n: usize,
        blocks: f64,
        unit: &str,
    ) -> TidyRow {
        TidyRow {
            dataset: dataset.into(),
            tier: Tier::Twin,
            split: "test".into(),
            method: method.into(),
            metric: metric.into(),
            value,
            lower: Some(interval.0),
            upper: Some(interval.1),
            n: n as u64,
            n_eff: Some(blocks),
            unit: unit.into(),
            seed: self.configuration.seed,
        }
    }

    /// Metrics of all methods, and differences to the yardsticks on the same blocks.
    fn rows(
        &self,
        context: &StepContext<'_>,
        name: &str,
        season: Option<Season>,
        gather: impl Fn(&Field) -> ScoreResult<BlockAccumulator>,
    ) -> PaperResult<Vec<TidyRow>> {
        let fail = |e: crate::score::ScoreError| context.error(e);
        let dataset = season.map_or(name.to_string(), |s| format!("{name}_{}", s.name().to_lowercase()));
        let (resamples, seed) = (self.configuration.resamples, self.configuration.seed);
        let all = self.fields.iter().map(|f| Ok((f.name(), gather(f)?))).collect::<ScoreResult<Vec<_>>>().map_err(fail)?;
        let mut rows = Vec::new();
        for (method, blocks) in &all {
            for metric in METRICS {
                let s = blocks.score(metric, resamples, seed).map_err(fail)?;
                let unit = if metric.has_unit_of_data() { "K" } else { "1" };
                rows.push(self.row(&dataset, method, metric.name(), s.value, (s.lower, s.upper), s.n, s.n_effective, unit));
            }
            for (yardstick, metric) in YARDSTICKS.iter().filter(|(y, _)| y != method) {
                let Some((_, against)) = all.iter().find(|(m, _)| m == yardstick) else { continue };
                let d = blocks.paired_difference(against, PointwiseMetric::Rmse, resamples, seed).map_err(fail)?;
                rows.push(self.row(&dataset, method, metric, d.difference, (d.lower, d.upper), d.n, d.n_effective, "K"));
            }
        }
        Ok(rows)
    }

    /// Power in bands of wavelengths and energy of gradients over those of the truth, and power over that of the composite.
    fn scales(&self) -> ScoreResult<Vec<TidyRow>> {
        let composite = self.fields.iter().find(|f| f.name() == COMPOSITE);
        let references = [("", Some(self.truth)), ("_of_composite", composite)];
        let mut rows = Vec::new();
        for (band, kilometres) in BANDS {
            for (suffix, reference) in references.iter().filter_map(|(s, r)| Some((s, (*r)?))) {
                let study = kiost_scales::spectra(self.configuration, reference, self.fields, kilometres)?;
                let n = study.days * study.square.cells.pow(2);
                for p in &study.products {
                    let Some(power) = p.fine_power else { continue };
                    let metric = format!("{band}_power{suffix}");
                    rows.push(self.ratio(&p.method, &metric, power.value, power.interval, n, study.slope.units));
                }
            }
        }
        let truth = kiost_scales::fronts(self.truth)?;
        for field in self.fields {
            let found = kiost_scales::gradient_energy(self.configuration, &truth, &kiost_scales::fronts(field)?)?;
            let n = truth.iter().map(Vec::len).sum();
            rows.push(self.ratio(field.name(), "gradient_energy", found.values[0], found.interval(0), n, found.units));
        }
        Ok(rows)
    }

    fn ratio(&self, method: &str, metric: &str, value: f64, interval: Option<(f64, f64)>, n: usize, blocks: f64) -> TidyRow {
        let row = self.row("field", method, metric, value, (value, value), n, blocks, "1");
        TidyRow { lower: interval.map(|i| i.0), upper: interval.map(|i| i.1), ..row }
    }

    /// Errors of the temperature's gradients on the whole field.
    fn gradients(&self, context: &StepContext<'_>) -> PaperResult<Vec<TidyRow>> {
        let fail = |e: crate::score::ScoreError| context.error(e);
        let degree = EARTH_RADIUS_METRES.to_radians() / 100e3;
        let down = self.truth.latitude().spacing().abs() * degree;
        let across: Vec<f64> = (self.truth.latitude().centres().iter())
            .map(|lat| self.truth.longitude().spacing().abs() * degree * lat.to_radians().cos())
            .collect();
        let [_, height, width] = self.truth.shape();
        let mut rows = Vec::new();
        for field in self.fields {
            let mut blocks = BlockAccumulator::new();
            for t in 0..self.days.len() {
                let wide = |f: &Field| -> Vec<f64> { f.frame(t).iter().map(|v| f64::from(*v)).collect() };
                let valid: Vec<bool> = self.truth.frame_mask(t).iter().map(|c| c.is_valid()).collect();
                let pairs = gradient_pairs(&wide(self.truth), &wide(field), height, width, Some(&valid), down, &across);
                blocks.add_pairs(self.block(t), &pairs.map_err(fail)?);
            }
            for (metric, name) in [(PointwiseMetric::Rmse, "gradient_rmse"), (PointwiseMetric::Bias, "gradient_bias")] {
                let s = blocks.score(metric, self.configuration.resamples, self.configuration.seed).map_err(fail)?;
                let interval = (s.lower, s.upper);
                rows.push(self.row("field", field.name(), name, s.value, interval, s.n, s.n_effective, "K/100km"));
            }
        }
        Ok(rows)
    }
}

//! The table of the UADM ladder: errors, fronts, similarity, scales and ensembles of each method, with intervals.

use super::contests::{self, BlockSize};
use super::diagnostics_bootstrap::{Estimates, estimates};
use super::diagnostics_spectra::{SpectralReading, SpectralStudy};
use super::uadm_ensembles::EnsembleStatistics;
use super::uadm_methods::{ENSEMBLES, SCORED};
use super::uadm_predictions::{INFLATIONS, Inflations, Predictions, TRUTH, UadmLadderConfiguration};
use crate::data::Tier;
use crate::data::twin::CELL_METRES;
use crate::grid::{EARTH_RADIUS_METRES, Field};
use crate::paper::step::{Step, StepContext};
use crate::paper::{PaperResult, TableRender, TidyRow, TidyTable, publish_table};
use crate::score::{
    BlockAccumulator, Pairs, PointwiseMetric, ScoreError, ScoreResult, SsimOptions, coast_distance, gradient_magnitude,
    gradient_pairs, quantile, ssim,
};

/// The step.
pub const STEP: Step = Step {
    name: "uadm_scores",
    about: "the UADM ladder on the twin and on unseen real fields, with intervals",
    rooms: &[
        super::TWIN_AND_SPLIT,
        &[
            "src/base/",
            "src/grid/",
            "src/cf/",
            "src/nn/",
            "src/diffusion/",
            "src/train/",
            "src/methods/refinement/",
            "src/methods/regression/",
            "src/methods/uadm/",
            "src/methods/super_resolution.rs",
            "src/methods/error.rs",
            "src/score/",
            "src/data/",
            "src/paper/table",
            "src/paper/products.rs",
            "src/paper/steps/contests.rs",
            "src/paper/steps/diagnostics_bootstrap.rs",
            "src/paper/steps/diagnostics_spectra.rs",
            "src/paper/steps/land_free_square.rs",
            "src/paper/steps/training_ground.rs",
            "src/paper/steps/uadm_ensembles.rs",
            "src/paper/steps/uadm_methods.rs",
            "src/paper/steps/uadm_predictions.rs",
            "src/paper/steps/uadm_scores.rs",
        ],
    ],
    configurations: &["configs/uadm/ladder.toml", super::split::CONFIGURATION],
    needs: &["uadm_predictions"],
    data: &[],
    publishes: &[
        ("uadm_scores.csv", "figures/tables/uadm_scores.csv"),
        ("uadm_scores.md", "figures/tables/uadm_scores.md"),
        ("uadm_scores.html", "figures/tables/uadm_scores.html"),
        ("uadm_scores.json", "figures/tables/uadm_scores.json"),
        ("uadm_regions.csv", "figures/tables/uadm_regions.csv"),
        ("uadm_regions.md", "figures/tables/uadm_regions.md"),
        ("uadm_regions.html", "figures/tables/uadm_regions.html"),
        ("uadm_regions.json", "figures/tables/uadm_regions.json"),
    ],
    run,
};

/// The data sets, with their kinds.
const DATASETS: [(&str, Tier); 4] =
    [("twin", Tier::Twin), ("twin_analysis", Tier::Twin), ("black_sea_sst", Tier::Real), ("mediterranean_adt", Tier::Proxy)];

/// Pointwise metrics of the table.
const METRICS: [PointwiseMetric; 3] = [PointwiseMetric::Rmse, PointwiseMetric::Bias, PointwiseMetric::Mae];

/// The methods that others are held against: the hardest without learning, and the plainest with it.
const YARDSTICKS: [(&str, &str); 2] = [("bicubic_backprojected", "rmse_minus_backprojected"), ("edsr", "rmse_minus_edsr")];

/// Cells nearer to land than this are coastal.
const COASTAL_METRES: f64 = 50e3;
/// The share of the truth's steepest gradients that counts as fronts.
const FRONT_QUANTILE: f64 = 0.9;

fn run(context: &StepContext<'_>) -> PaperResult<()> {
    let configuration: UadmLadderConfiguration = context.configuration()?;
    let certificate = context.study.split()?.certificate()?.to_string();
    let folder = context.input("uadm_predictions")?;
    let text = std::fs::read_to_string(folder.join(INFLATIONS)).map_err(|e| context.error(e))?;
    let inflations: Inflations = serde_json::from_str(&text).map_err(|e| context.error(e))?;
    let (mut rows, mut regions) = (Vec::new(), Vec::new());
    for (dataset, tier) in DATASETS {
        println!("scoring {dataset}");
        let predictions = Predictions::open(&folder, dataset)?;
        let subject = Subject { configuration: &configuration, dataset, tier, predictions: &predictions };
        rows.extend(subject.pointwise(context)?);
        rows.extend(subject.by_day(context)?);
        for (method, (factor, cells)) in inflations.get(dataset).into_iter().flatten() {
            let mut row = subject.row(method, "inflation", *factor, None, *cells, 0.0, "1");
            (row.split, row.n_eff) = ("validation".into(), None);
            rows.push(row);
        }
        if dataset == "twin" {
            rows.extend(subject.by_scale().map_err(|e| context.error(e))?);
            rows.extend(subject.ensembles(context)?);
            regions.extend(subject.by_region(context)?);
        }
    }
    let tiers = vec![Tier::Twin, Tier::Real, Tier::Proxy];
    let publish = |name: &str, title: &str, rows: Vec<TidyRow>, tiers: Vec<Tier>| -> PaperResult<()> {
        let passport = context.passport(name, tiers, configuration.seed, serde_json::Value::Null)?;
        let render = TableRender { title, certificate: &certificate, decimals: 4 };
        publish_table(&TidyTable::new(name, rows)?, &render, &context.path(name), &passport)?;
        Ok(())
    };
    publish("uadm_scores", "The UADM ladder: refinement by a factor of five", rows, tiers)?;
    publish("uadm_regions", "The UADM ladder by part of the twin", regions, vec![Tier::Twin])
}

/// One data set under the ladder.
struct Subject<'a> {
    configuration: &'a UadmLadderConfiguration,
    dataset: &'static str,
    tier: Tier,
    predictions: &'a Predictions,
}

impl Subject<'_> {
    #[expect(clippy::too_many_arguments, reason = "a row of the table")]
    fn row(
        &self,
        method: &str,
        metric: &str,
        value: f64,
        interval: Option<(f64, f64)>,
        n: u64,
        n_eff: f64,
        unit: &str,
    ) -> TidyRow {
        TidyRow {
            dataset: self.dataset.into(),
            tier: self.tier,
            split: "test".into(),
            method: method.into(),
            metric: metric.into(),
            value,
            lower: interval.map(|i| i.0),
            upper: interval.map(|i| i.1),
            n,
            n_eff: Some(n_eff),
            unit: unit.into(),
            seed: self.configuration.seed,
        }
    }

    /// The methods that this data set knows.
    fn scored(&self) -> impl Iterator<Item = (&'static str, &'static str)> + '_ {
        SCORED.into_iter().filter(|(_, field)| self.predictions.field(field).is_ok())
    }

    /// A row from a number that has an interval over days.
    fn daily(&self, method: &str, metric: &str, found: &Estimates, position: usize, n: u64, unit: &str) -> TidyRow {
        self.row(method, metric, found.values[position], found.interval(position), n, found.units, unit)
    }

    fn truth(&self) -> PaperResult<&Field> {
        self.predictions.field(TRUTH)
    }

    fn blocks(
        &self,
        context: &StepContext<'_>,
        field: &str,
        counts: impl Fn(usize, usize) -> bool,
    ) -> PaperResult<BlockAccumulator> {
        let size = BlockSize { cells: self.configuration.block_cells, days: self.configuration.block_days };
        contests::blocks(self.truth()?, self.predictions.field(field)?, size, counts).map_err(|e| context.error(e))
    }

    /// Errors with intervals over blocks of space and time, and differences to the yardsticks on the same blocks.
    fn pointwise(&self, context: &StepContext<'_>) -> PaperResult<Vec<TidyRow>> {
        let (resamples, seed) = (self.configuration.resamples, self.configuration.seed);
        let unit = self.truth()?.unit().difference().symbol();
        let mut yardsticks = Vec::new();
        for (yardstick, metric) in YARDSTICKS {
            yardsticks.push((yardstick, metric, self.blocks(context, yardstick, |_, _| true)?));
        }
        let mut rows = Vec::new();
        for (method, field) in self.scored() {
            let blocks = self.blocks(context, field, |_, _| true)?;
            for metric in METRICS {
                let s = blocks.score(metric, resamples, seed).map_err(|e| context.error(e))?;
                rows.push(self.row(method, metric.name(), s.value, Some((s.lower, s.upper)), s.n as u64, s.n_effective, unit));
            }
            for (_, metric, against) in yardsticks.iter().filter(|(y, ..)| *y != method) {
                let d =
                    blocks.paired_difference(against, PointwiseMetric::Rmse, resamples, seed).map_err(|e| context.error(e))?;
                rows.push(self.row(method, metric, d.difference, Some((d.lower, d.upper)), d.n as u64, d.n_effective, unit));
            }
        }
        Ok(rows)
    }

    /// Similarity and gradients, which are numbers of whole frames: with intervals over days.
    fn by_day(&self, context: &StepContext<'_>) -> PaperResult<Vec<TidyRow>> {
        let truth = self.truth()?;
        let unit = format!("{}/100km", truth.unit().difference().symbol());
        let mut rows = Vec::new();
        for (method, field) in self.scored() {
            let found = frames(truth, self.predictions.field(field)?).map_err(|e| context.error(e))?;
            let n = truth.mask().count_valid() as u64;
            let statistic = |at: &[usize]| -> ScoreResult<Vec<f64>> {
                let similarity = at.iter().map(|t| found[*t].0).sum::<f64>() / at.len().max(1) as f64;
                let mut gradients = Pairs::default();
                at.iter().for_each(|t| gradients.merge(&found[*t].1));
                Ok(vec![similarity, PointwiseMetric::Rmse.of(&gradients)?, gradients.bias()?])
            };
            let estimates = self.over_days(truth, &statistic).map_err(|e| context.error(e))?;
            rows.push(self.daily(method, "ssim", &estimates, 0, n, "1"));
            rows.push(self.daily(method, "gradient_rmse", &estimates, 1, n, &unit));
            rows.push(self.daily(method, "gradient_bias", &estimates, 2, n, &unit));
        }
        Ok(rows)
    }

    fn over_days(&self, truth: &Field, statistic: &(dyn Fn(&[usize]) -> ScoreResult<Vec<f64>> + Sync)) -> ScoreResult<Estimates> {
        let c = self.configuration;
        estimates(truth.frames(), frames_in_a_block(c, self.tier), c.resamples, c.seed, statistic)
    }

    /// Effective resolutions, and how much of the truth's power lies between the grids' shortest waves.
    fn by_scale(&self) -> ScoreResult<Vec<TidyRow>> {
        let study = spectral_study(self.configuration, self.predictions)?;
        let n = (study.days * study.square.cells * study.square.cells) as u64;
        let mut rows = Vec::new();
        for p in &study.products {
            for (metric, wavelength) in [("resolution_energy", p.energy), ("resolution_agreement", p.agreement)] {
                if let Some(w) = wavelength {
                    rows.push(self.row(&p.method, metric, w.kilometres, w.interval, n, study.slope.units, "km"));
                }
            }
            if let Some(fine) = p.fine_power {
                rows.push(self.row(&p.method, "fine_power", fine.value, fine.interval, n, study.slope.units, "1"));
            }
        }
        Ok(rows)
    }

    fn ensembles(&self, context: &StepContext<'_>) -> PaperResult<Vec<TidyRow>> {
        let truth = self.truth()?;
        let mut rows = Vec::new();
        for method in ENSEMBLES {
            let members = self.predictions.members(method);
            let found = EnsembleStatistics::of(truth, &members).map_err(|e| context.error(e))?;
            let statistic = |at: &[usize]| -> ScoreResult<Vec<f64>> { found.numbers(at) };
            let estimates = self.over_days(truth, &statistic).map_err(|e| context.error(e))?;
            for (position, (metric, unit)) in [("crps", "K"), ("crps_fair", "K"), ("spread_skill", "1")].into_iter().enumerate() {
                rows.push(self.daily(method, metric, &estimates, position, found.cells(), unit));
            }
        }
        Ok(rows)
    }

    /// Errors near land, in the open sea, at fronts and between them.
    fn by_region(&self, context: &StepContext<'_>) -> PaperResult<Vec<TidyRow>> {
        let fail = |e: ScoreError| context.error(e);
        let truth = self.truth()?;
        let [frames, rows_, columns] = truth.shape();
        let cells = rows_ * columns;
        let land: Vec<bool> = truth.frame_mask(0).iter().map(|c| !c.is_valid()).collect();
        let metres = coast_distance(&land, truth.latitude().centres(), truth.longitude().centres(), 2.0 * COASTAL_METRES);
        let metres = metres.map_err(fail)?;
        let mut steep = Vec::with_capacity(frames * cells);
        for t in 0..frames {
            let values: Vec<f64> = truth.frame(t).iter().map(|v| f64::from(*v)).collect();
            let valid: Vec<bool> = truth.frame_mask(t).iter().map(|c| c.is_valid()).collect();
            let (row, across) = spacing(truth);
            let found = gradient_magnitude(&values, rows_, columns, Some(&valid), row, &across).map_err(fail)?;
            let told: Vec<f64> = found.values.iter().zip(&found.valid).filter(|(_, v)| **v).map(|(g, _)| *g).collect();
            let least = quantile(&told, FRONT_QUANTILE).map_err(fail)?;
            steep.extend(found.values.iter().zip(&found.valid).map(|(g, v)| *v && *g >= least));
        }
        let coastal = |i: usize| metres[i] < COASTAL_METRES;
        type Part<'p> = (&'static str, Box<dyn Fn(usize, usize) -> bool + 'p>);
        let parts: [Part<'_>; 4] = [
            ("coastal", Box::new(|_, i| coastal(i))),
            ("open_sea", Box::new(|_, i| !coastal(i))),
            ("fronts", Box::new(|t, i| steep[t * cells + i])),
            ("between_fronts", Box::new(|t, i| !steep[t * cells + i])),
        ];
        let (resamples, seed) = (self.configuration.resamples, self.configuration.seed);
        let mut rows = Vec::new();
        for (part, counts) in &parts {
            for (method, field) in self.scored() {
                let s = self.blocks(context, field, counts)?.score(PointwiseMetric::Rmse, resamples, seed).map_err(fail)?;
                let interval = Some((s.lower, s.upper));
                let mut row = self.row(method, "rmse", s.value, interval, s.n as u64, s.n_effective, "K");
                row.dataset = format!("twin_{part}");
                rows.push(row);
            }
        }
        Ok(rows)
    }
}

/// Distance of rows, and of columns in each row, in units of 100 km.
fn spacing(field: &Field) -> (f64, Vec<f64>) {
    let degree = EARTH_RADIUS_METRES.to_radians() / 100e3;
    let across = field.longitude().spacing().abs() * degree;
    let columns = field.latitude().centres().iter().map(|lat| across * lat.to_radians().cos()).collect();
    (field.latitude().spacing().abs() * degree, columns)
}

/// The gradients of all cells that have one, in kelvin per 100 km.
pub fn fronts(field: &Field) -> ScoreResult<Vec<f64>> {
    let [frames, rows, columns] = field.shape();
    let (row, across) = spacing(field);
    let mut all = Vec::new();
    for t in 0..frames {
        let values: Vec<f64> = field.frame(t).iter().map(|v| f64::from(*v)).collect();
        let valid: Vec<bool> = field.frame_mask(t).iter().map(|c| c.is_valid()).collect();
        let found = gradient_magnitude(&values, rows, columns, Some(&valid), row, &across)?;
        all.extend(found.values.iter().zip(&found.valid).filter(|(_, v)| **v).map(|(g, _)| *g));
    }
    Ok(all)
}

/// Similarity and pairs of gradients, frame by frame.
fn frames(truth: &Field, prediction: &Field) -> ScoreResult<Vec<(f64, Pairs)>> {
    let [count, rows, columns] = truth.shape();
    let valid_values = (0..truth.values().len()).filter(|i| truth.mask().is_valid(*i)).map(|i| f64::from(truth.values()[i]));
    let (low, high) = valid_values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
    let (row, across) = spacing(truth);
    (0..count)
        .map(|t| {
            let cells = |f: &Field| f.frame(t).iter().map(|v| f64::from(*v)).collect::<Vec<f64>>();
            let (a, b) = (cells(truth), cells(prediction));
            let valid: Vec<bool> =
                truth.frame_mask(t).iter().zip(prediction.frame_mask(t)).map(|(a, b)| a.is_valid() && b.is_valid()).collect();
            let similar = ssim(&a, &b, rows, columns, Some(&valid), high - low, &SsimOptions::wang_2004())?;
            Ok((similar.value, gradient_pairs(&a, &b, rows, columns, Some(&valid), row, &across)?))
        })
        .collect()
}

/// Frames that a bootstrap draws together: a block of days, of which every so many were kept.
fn frames_in_a_block(configuration: &UadmLadderConfiguration, tier: Tier) -> usize {
    let stride = if tier == Tier::Twin { configuration.day_stride } else { configuration.real_day_stride };
    configuration.block_days.div_ceil(stride.max(1)).max(1)
}

/// The spectra of the twin's products.
pub fn spectral_study(configuration: &UadmLadderConfiguration, predictions: &Predictions) -> ScoreResult<SpectralStudy> {
    let wrong = |e: crate::paper::PaperError| ScoreError::Argument(e.to_string());
    let truth = predictions.field(TRUTH).map_err(wrong)?;
    let products = SCORED
        .iter()
        .filter_map(|(method, field)| Some((method.to_string(), predictions.field(field).ok()?.clone())))
        .collect::<Vec<_>>();
    let cell = CELL_METRES / 1000.0;
    let reading = SpectralReading {
        band_kilometres: configuration.band_kilometres,
        // From the shortest wave of the coarse grid to that of the fine one.
        fine_band_kilometres: Some((2.0 * cell, 2.0 * cell * configuration.factor as f64)),
        level: configuration.resolution_level,
        block_days: frames_in_a_block(configuration, Tier::Twin),
        resamples: configuration.resamples,
        seed: configuration.seed,
    };
    SpectralStudy::of("twin", Tier::Twin, truth, &products, |_, _| (cell, cell), &reading)
}

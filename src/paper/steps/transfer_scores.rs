//! The tables of the dust: errors in both scales, roughness, ensembles, seasons, the roll-out, and how far the coarse record
//! is from the fine one.

use chrono::Datelike;

use super::diagnostics_bootstrap::{Estimates, estimates};
use super::transfer_dust::CONFIGURATION;
use super::transfer_ground::{DUST_ROOMS, DustGround};
use super::transfer_predictions::{BEYOND, DustPredictions, TEST, TRUTH, TransferLadderConfiguration, member_name};
use super::transfer_statistics::{DailyVariograms, Scale, daily_pairs, ensemble_days, ensemble_numbers, of_days};
use crate::data::Tier;
use crate::grid::Field;
use crate::paper::step::{Step, StepContext};
use crate::paper::{PaperResult, TableRender, TidyRow, TidyTable, publish_table};
use crate::score::{Pairs, PointwiseMetric, ScoreResult, Season, wasserstein_histogram};

/// The step.
pub const STEP: Step = Step {
    name: "transfer_scores",
    about: "the dust methods on held-out days and past the end of the fine record, with intervals",
    rooms: &[
        DUST_ROOMS,
        &[
            "src/cf/",
            "src/paper/table",
            "src/paper/steps/diagnostics_bootstrap.rs",
            "src/paper/steps/transfer_training.rs",
            "src/paper/steps/transfer_predictions.rs",
            "src/paper/steps/transfer_statistics.rs",
            "src/paper/steps/transfer_scores.rs",
        ],
    ],
    configurations: &["configs/transfer/ladder.toml", CONFIGURATION],
    needs: &["dust", "transfer_predictions"],
    data: &[],
    publishes: &[
        ("transfer_scores.csv", "figures/tables/transfer_scores.csv"),
        ("transfer_scores.md", "figures/tables/transfer_scores.md"),
        ("transfer_scores.html", "figures/tables/transfer_scores.html"),
        ("transfer_scores.json", "figures/tables/transfer_scores.json"),
        ("transfer_domain.csv", "figures/tables/transfer_domain.csv"),
        ("transfer_domain.md", "figures/tables/transfer_domain.md"),
        ("transfer_domain.html", "figures/tables/transfer_domain.html"),
        ("transfer_domain.json", "figures/tables/transfer_domain.json"),
    ],
    run,
};

/// What is scored, simplest first. `ddpm_few` is the mean of as many members as the ablations below it have.
const SCORED: [&str; 13] = [
    "persistence",
    "climatology",
    "bilinear",
    "bilinear_unbiased",
    "linear",
    "unet",
    "ddpm",
    "ddpm_member",
    "ddpm_few",
    "ddpm_no_transfer",
    "ddpm_random_encoder",
    "ddpm_raw_lags",
    "ddpm_legacy",
];

/// Past the end of the fine record.
const ROLLED_OUT: [&str; 9] = [
    "last_day",
    "climatology",
    "bilinear",
    "bilinear_unbiased",
    "unet_strict",
    "ddpm_strict",
    "ddpm_strict_member",
    "unet_lenient",
    "ddpm_lenient",
];

const METRICS: [PointwiseMetric; 5] =
    [PointwiseMetric::Rmse, PointwiseMetric::Mae, PointwiseMetric::Bias, PointwiseMetric::Nse, PointwiseMetric::RSquaredPearson];

/// Only where zero means something: an optical depth has a zero, a logarithm has not.
const METRICS_OF_DEPTH: [PointwiseMetric; 2] = [PointwiseMetric::Kge2009, PointwiseMetric::Kge2012];

/// Who is held against whom: (methods, yardsticks).
const CONTESTS: [(&[&str], &[&str]); 2] = [
    (&["linear", "unet", "ddpm", "ddpm_member"], &["persistence", "bilinear", "bilinear_unbiased", "linear", "unet"]),
    (&["ddpm_few"], &["ddpm_no_transfer", "ddpm_random_encoder", "ddpm_raw_lags"]),
];

/// The field of a method.
pub fn field_of(method: &str) -> String {
    method.strip_suffix("_member").map_or_else(|| method.to_string(), |of| member_name(of, 0))
}

fn run(context: &StepContext<'_>) -> PaperResult<()> {
    let configuration: TransferLadderConfiguration = context.configuration()?;
    let ground = DustGround::open(context)?;
    let folder = context.input("transfer_predictions")?;
    let (test, beyond) = (DustPredictions::open(&folder, TEST)?, DustPredictions::open(&folder, BEYOND)?);
    let stride = configuration.day_stride.max(1);
    let held_out = Subject { configuration: &configuration, predictions: &test, stride };
    let rolled_out = Subject { configuration: &configuration, predictions: &beyond, stride: 1 };
    let mut rows = Vec::new();
    for (scale, dataset, unit) in [(Scale::Logarithm, "dust_log10", "decade"), (Scale::OpticalDepth, "dust_aod", "1")] {
        rows.extend(held_out.errors(context, &SCORED, scale, dataset, unit)?);
        rows.extend(held_out.contests(context, scale, dataset, unit)?);
    }
    rows.extend(held_out.roughness(context)?);
    rows.extend(held_out.ensembles(context)?);
    rows.extend(held_out.seasons(context)?);
    rows.extend(rolled_out.errors(context, &ROLLED_OUT, Scale::Logarithm, "dust_beyond", "decade")?);
    let certificate = ground.certificate.to_string();
    let publish = |name: &str, title: &str, rows: Vec<TidyRow>| -> PaperResult<()> {
        let passport = context.passport(name, vec![Tier::Twin], configuration.seed, serde_json::Value::Null)?;
        let render = TableRender { title, certificate: &certificate, decimals: 4 };
        publish_table(&TidyTable::new(name, rows)?, &render, &context.path(name), &passport)?;
        Ok(())
    };
    publish("transfer_scores", "Synthetic dust: a fine day from a coarse one and the days before", rows)?;
    publish(
        "transfer_domain",
        "Synthetic dust: how far the coarse record is from the fine one",
        domain(context, &configuration, &ground)?,
    )
}

/// Predictions under the scores.
struct Subject<'a> {
    configuration: &'a TransferLadderConfiguration,
    predictions: &'a DustPredictions,
    /// Days from one frame to the next.
    stride: usize,
}

impl Subject<'_> {
    #[expect(clippy::too_many_arguments, reason = "a row of the table")]
    fn row(&self, dataset: &str, method: &str, metric: &str, found: &Estimates, position: usize, n: u64, unit: &str) -> TidyRow {
        row(dataset, method, metric, found, position, n, unit, self.configuration.seed)
    }

    fn truth(&self) -> PaperResult<&Field> {
        self.predictions.field(TRUTH)
    }

    fn method(&self, method: &str, scale: Scale) -> PaperResult<&Field> {
        // An ensemble's mean optical depth is not what its mean logarithm says.
        let own = self.predictions.field(&format!("{method}_optical_depth"));
        match (scale, own) {
            (Scale::OpticalDepth, Ok(field)) => Ok(field),
            _ => self.predictions.field(&field_of(method)),
        }
    }

    fn over_days(&self, statistic: &(dyn Fn(&[usize]) -> ScoreResult<Vec<f64>> + Sync)) -> PaperResult<Estimates> {
        let c = self.configuration;
        let block = c.block_days.div_ceil(self.stride);
        estimates(self.truth()?.frames(), block, c.resamples, c.seed, statistic)
            .map_err(crate::paper::PaperError::step("transfer_scores"))
    }

    fn errors(
        &self,
        context: &StepContext<'_>,
        methods: &[&str],
        scale: Scale,
        dataset: &str,
        unit: &str,
    ) -> PaperResult<Vec<TidyRow>> {
        let truth = self.truth()?;
        let metrics: Vec<PointwiseMetric> = match scale {
            Scale::Logarithm => METRICS.to_vec(),
            Scale::OpticalDepth => [METRICS.as_slice(), &METRICS_OF_DEPTH].concat(),
        };
        let mut rows = Vec::new();
        for method in methods {
            let days = daily_pairs(truth, self.method(method, scale)?, scale).map_err(|e| context.error(e))?;
            let found = self.over_days(&|at| metrics.iter().map(|m| of_days(&days, at, *m)).collect())?;
            for (position, metric) in metrics.iter().enumerate() {
                let unit = if metric.has_unit_of_data() { unit } else { "1" };
                rows.push(self.row(dataset, method, metric.name(), &found, position, truth.values().len() as u64, unit));
            }
        }
        Ok(rows)
    }

    /// Differences of RMSE on the same days.
    fn contests(&self, context: &StepContext<'_>, scale: Scale, dataset: &str, unit: &str) -> PaperResult<Vec<TidyRow>> {
        let truth = self.truth()?;
        let pairs = |method: &str| daily_pairs(truth, self.method(method, scale)?, scale).map_err(|e| context.error(e));
        let mut rows = Vec::new();
        for (methods, yardsticks) in CONTESTS {
            let against = yardsticks.iter().map(|y| Ok((*y, pairs(y)?))).collect::<PaperResult<Vec<(&str, Vec<Pairs>)>>>()?;
            for method in methods {
                let own = pairs(method)?;
                for (yardstick, theirs) in against.iter().filter(|(y, _)| y != method) {
                    let found = self.over_days(&|at| {
                        let rmse = |of: &[Pairs]| of_days(of, at, PointwiseMetric::Rmse);
                        Ok(vec![rmse(&own)? - rmse(theirs)?])
                    })?;
                    let metric = format!("rmse_minus_{}", yardstick.strip_prefix("bicubic_").unwrap_or(yardstick));
                    rows.push(self.row(dataset, method, &metric, &found, 0, truth.values().len() as u64, unit));
                }
            }
        }
        Ok(rows)
    }

    /// Semivariances over the truth's in each bin of distance.
    fn roughness(&self, context: &StepContext<'_>) -> PaperResult<Vec<TidyRow>> {
        let edges = &self.configuration.variogram_kilometres;
        let of = |field: &Field| DailyVariograms::of(field, edges).map_err(|e| context.error(e));
        let truth = of(self.truth()?)?;
        let mut rows = Vec::new();
        for method in SCORED {
            let own = of(self.method(method, Scale::Logarithm)?)?;
            let filled = truth.filled();
            let found = self.over_days(&|at| Ok(filled.iter().map(|k| own.mean(*k, at) / truth.mean(*k, at)).collect()))?;
            for (position, k) in filled.iter().enumerate() {
                let metric = format!("semivariance_ratio_{:.0}_km", truth.kilometres[*k]);
                let n = truth.pairs[*k] * self.truth()?.frames() as u64;
                rows.push(self.row("dust_log10", method, &metric, &found, position, n, "1"));
            }
        }
        Ok(rows)
    }

    fn ensembles(&self, context: &StepContext<'_>) -> PaperResult<Vec<TidyRow>> {
        let truth = self.truth()?;
        let members = self.predictions.members("ddpm");
        let days = ensemble_days(truth, &members).map_err(|e| context.error(e))?;
        let found = self.over_days(&|at| ensemble_numbers(&days, members.len(), at))?;
        let names = [("crps", "decade"), ("crps_fair", "decade"), ("spread_skill", "1")];
        let n = truth.values().len() as u64;
        Ok(names
            .into_iter()
            .enumerate()
            .map(|(position, (metric, unit))| self.row("dust_log10", "ddpm", metric, &found, position, n, unit))
            .collect())
    }

    /// RMSE by season; a season's days are few, so that its interval is wide or absent.
    fn seasons(&self, context: &StepContext<'_>) -> PaperResult<Vec<TidyRow>> {
        let truth = self.truth()?;
        let c = self.configuration;
        let mut rows = Vec::new();
        for season in Season::ALL {
            let days: Vec<usize> = (0..truth.frames())
                .filter(|t| truth.time().date(*t).is_some_and(|date| Season::of_month(date.month()) == season))
                .collect();
            if days.is_empty() {
                continue;
            }
            for method in ["persistence", "bilinear", "linear", "unet", "ddpm"] {
                let pairs =
                    daily_pairs(truth, self.method(method, Scale::Logarithm)?, Scale::Logarithm).map_err(|e| context.error(e))?;
                let own: Vec<Pairs> = days.iter().map(|t| pairs[*t]).collect();
                let statistic = |at: &[usize]| {
                    Ok(vec![of_days(&own, at, PointwiseMetric::Rmse)?, of_days(&own, at, PointwiseMetric::RSquaredPearson)?])
                };
                let found = estimates(days.len(), c.block_days.div_ceil(self.stride), c.resamples, c.seed, statistic);
                let found = found.map_err(|e| context.error(e))?;
                let (dataset, n) =
                    (format!("dust_log10_{}", season.name().to_lowercase()), (days.len() * truth.frame_len()) as u64);
                rows.push(self.row(&dataset, method, "rmse", &found, 0, n, "decade"));
                rows.push(self.row(&dataset, method, "r_squared_pearson", &found, 1, n, "1"));
            }
        }
        Ok(rows)
    }
}

#[expect(clippy::too_many_arguments, reason = "a row of the table")]
fn row(dataset: &str, method: &str, metric: &str, found: &Estimates, position: usize, n: u64, unit: &str, seed: u64) -> TidyRow {
    let interval = found.interval(position);
    TidyRow {
        dataset: dataset.into(),
        tier: Tier::Twin,
        split: "test".into(),
        method: method.into(),
        metric: metric.into(),
        value: found.values[position],
        lower: interval.map(|i| i.0),
        upper: interval.map(|i| i.1),
        n,
        n_eff: Some(found.units),
        unit: unit.into(),
        seed,
    }
}

/// Bins of the logarithm for distances between distributions: 0.01 decade each, from -4 to 2.
const HISTOGRAM: (f64, f64, usize) = (-4.0, 2.0, 600);
/// Days that a season must have in each of two years to compare them.
const LEAST_DAYS: usize = 40;

/// The Wasserstein-1 distance, in decades, between what the encoder has learnt from and what it is shown, by season, beside
/// distances that are to be expected within one record.
fn domain(
    context: &StepContext<'_>,
    configuration: &TransferLadderConfiguration,
    ground: &DustGround,
) -> PaperResult<Vec<TidyRow>> {
    let (low, high, count) = HISTOGRAM;
    let edges: Vec<f64> = (0..=count).map(|k| low + (high - low) * k as f64 / count as f64).collect();
    let counts = |plane: &[f32]| -> Vec<f64> {
        let mut bins = vec![0.0; count];
        plane.iter().for_each(|v| {
            let place = (f64::from(*v) - low) / (high - low) * count as f64;
            bins[(place.max(0.0) as usize).min(count - 1)] += 1.0;
        });
        bins
    };
    let archive = &ground.archive;
    let (calendar, record) = (archive.calendar(), archive.fine_days());
    let middle = (record.start + record.end) / 2;
    let mut rows = Vec::new();
    for season in Season::ALL {
        let days: Vec<usize> = record.clone().filter(|day| calendar.season(*day) == season).collect();
        let mut fine = Vec::new();
        let mut coarse = Vec::new();
        for day in &days {
            fine.push(counts(archive.fine(*day).unwrap_or_default()));
            coarse.push(counts(archive.coarse(*day).map_err(|e| context.error(e))?));
        }
        let first_year: Vec<bool> = days.iter().map(|day| *day < middle).collect();
        let sum = |at: &[usize], of: &[Vec<f64>], takes: &dyn Fn(usize) -> bool| {
            let mut all = vec![0.0; count];
            at.iter().filter(|t| takes(**t)).for_each(|t| all.iter_mut().zip(&of[*t]).for_each(|(s, b)| *s += b));
            all
        };
        // A season that one of the years hardly has tells nothing of how years differ.
        let earlier = first_year.iter().filter(|first| **first).count();
        let two_years = earlier.min(days.len() - earlier) >= LEAST_DAYS;
        let statistic = |at: &[usize]| -> ScoreResult<Vec<f64>> {
            let between_years = |of: &[Vec<f64>]| {
                wasserstein_histogram(&edges, &sum(at, of, &|t| first_year[t]), &sum(at, of, &|t| !first_year[t]))
            };
            let mut numbers = vec![wasserstein_histogram(&edges, &sum(at, &fine, &|_| true), &sum(at, &coarse, &|_| true))?];
            if two_years {
                numbers.extend([between_years(&fine)?, between_years(&coarse)?]);
            }
            Ok(numbers)
        };
        let found = estimates(days.len(), configuration.block_days, configuration.resamples, configuration.seed, statistic);
        let found = found.map_err(|e| context.error(e))?;
        let dataset = format!("dust_{}", season.name().to_lowercase());
        let n = (days.len() * fine.first().map_or(0, |bins| bins.iter().sum::<f64>() as usize)) as u64;
        for (position, method) in
            ["coarse_and_fine", "fine_years", "coarse_years"].into_iter().enumerate().take(found.values.len())
        {
            rows.push(row(&dataset, method, "wasserstein", &found, position, n, "decade", configuration.seed));
        }
    }
    Ok(rows)
}

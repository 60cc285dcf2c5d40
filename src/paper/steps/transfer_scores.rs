//! The tables of the dust: errors in both scales, roughness, ensembles, seasons, the roll-out, and how far the coarse record
//! is from the fine one.

use super::diagnostics_bootstrap::{Estimates, estimates};
use super::transfer_areas::areas;
use super::transfer_domain::domain;
use super::transfer_dust::CONFIGURATION;
use super::transfer_ground::{DUST_ROOMS, DustGround};
use super::transfer_predictions::{
    BEYOND, DustPredictions, FoundInflation, TEST, TRUTH, TransferLadderConfiguration, member_name, read_inflation,
};
use super::transfer_statistics::{DailyVariograms, Scale, daily_pairs, ensemble_days, ensemble_numbers, of_days};
use crate::data::Tier;
use crate::grid::Field;
use crate::paper::step::{Step, StepContext};
use crate::paper::{PaperResult, TableRender, TidyRow, TidyTable, publish_table};
use crate::score::{Pairs, PointwiseMetric, ScoreResult};

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
            "src/paper/steps/transfer_areas.rs",
            "src/paper/steps/transfer_domain.rs",
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
        ("transfer_areas.csv", "figures/tables/transfer_areas.csv"),
        ("transfer_areas.md", "figures/tables/transfer_areas.md"),
        ("transfer_areas.html", "figures/tables/transfer_areas.html"),
        ("transfer_areas.json", "figures/tables/transfer_areas.json"),
        ("transfer_domain.csv", "figures/tables/transfer_domain.csv"),
        ("transfer_domain.md", "figures/tables/transfer_domain.md"),
        ("transfer_domain.html", "figures/tables/transfer_domain.html"),
        ("transfer_domain.json", "figures/tables/transfer_domain.json"),
    ],
    run,
};

/// What is scored, simplest first. Below `ddpm_member` the ablations: of each what its trunk says, which
/// is the mean of its members as they are drawn, so that no noise of draws enters the comparison.
const SCORED: [&str; 16] = [
    "persistence",
    "climatology",
    "bilinear",
    "bilinear_unbiased",
    "linear",
    "vae",
    "unet",
    "ddpm",
    "ddpm_member",
    "ddpm_encoder_alone",
    "ddpm_raw_lags",
    "ddpm_no_transfer",
    "ddpm_random_encoder",
    "ddpm_trainable_encoder",
    "ddpm_shuffled_coarse",
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
const CONTESTS: [(&[&str], &[&str]); 3] = [
    (&["linear", "vae", "unet", "ddpm", "ddpm_member"], &["persistence", "bilinear", "bilinear_unbiased", "linear", "unet"]),
    (&["ddpm_encoder_alone", "ddpm_raw_lags", "ddpm_random_encoder", "ddpm_trainable_encoder"], &["ddpm_no_transfer"]),
    (
        &["ddpm"],
        &[
            "ddpm_encoder_alone",
            "ddpm_raw_lags",
            "ddpm_no_transfer",
            "ddpm_random_encoder",
            "ddpm_trainable_encoder",
            "ddpm_shuffled_coarse",
            "ddpm_legacy",
        ],
    ),
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
    rows.extend(inflation_rows(&configuration, read_inflation(&folder)?, ground.archive.shape()));
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
        "transfer_areas",
        "Synthetic dust by season and quarter of the area, all from one training",
        areas(context, &configuration, &test)?,
    )?;
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
        // The ensemble's mean optical depth has no like among the ablations, of which no member was drawn.
        let contests = match scale {
            Scale::Logarithm => &CONTESTS[..],
            Scale::OpticalDepth => &CONTESTS[..1],
        };
        for (methods, yardsticks) in contests.iter().copied() {
            let against = yardsticks.iter().map(|y| Ok((*y, pairs(y)?))).collect::<PaperResult<Vec<(&str, Vec<Pairs>)>>>()?;
            for method in methods {
                let own = pairs(method)?;
                for (yardstick, theirs) in against.iter().filter(|(y, _)| y != method) {
                    let both = [PointwiseMetric::Rmse, PointwiseMetric::RSquaredPearson];
                    let found = self
                        .over_days(&|at| both.iter().map(|m| Ok(of_days(&own, at, *m)? - of_days(theirs, at, *m)?)).collect())?;
                    let n = truth.values().len() as u64;
                    rows.push(self.row(dataset, method, &format!("rmse_minus_{yardstick}"), &found, 0, n, unit));
                    // What the published slices do is a matter of the squared correlation, which is what was published.
                    if *yardstick == "ddpm_legacy" {
                        rows.push(self.row(dataset, method, "r_squared_minus_ddpm_legacy", &found, 1, n, "1"));
                    }
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
        let names = [("crps", "decade"), ("crps_fair", "decade"), ("spread_skill", "1")];
        let n = truth.values().len() as u64;
        let mut rows = Vec::new();
        for method in ["vae", "ddpm"] {
            let members = self.predictions.members(method);
            let days = ensemble_days(truth, &members).map_err(|e| context.error(e))?;
            let found = self.over_days(&|at| ensemble_numbers(&days, members.len(), at))?;
            for (position, (metric, unit)) in names.into_iter().enumerate() {
                rows.push(self.row("dust_log10", method, metric, &found, position, n, unit));
            }
        }
        Ok(rows)
    }
}

/// By how much the method's members are moved apart.
fn inflation_rows(
    configuration: &TransferLadderConfiguration,
    found: FoundInflation,
    [rows, columns]: [usize; 2],
) -> impl Iterator<Item = TidyRow> {
    let (n, seed) = ((found.days * rows * columns) as u64, configuration.seed);
    let both = [("inflation_coarse", found.factors.coarse), ("inflation_fine", found.factors.fine)];
    both.into_iter().map(move |(metric, value)| TidyRow {
        dataset: "dust_log10".into(),
        tier: Tier::Twin,
        split: "validation".into(),
        method: "ddpm".into(),
        metric: metric.into(),
        value,
        lower: None,
        upper: None,
        n,
        n_eff: None,
        unit: "1".into(),
        seed,
    })
}

/// A row of the test days' table.
#[expect(clippy::too_many_arguments, reason = "a row of the table")]
pub fn row(
    dataset: &str,
    method: &str,
    metric: &str,
    found: &Estimates,
    position: usize,
    n: u64,
    unit: &str,
    seed: u64,
) -> TidyRow {
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

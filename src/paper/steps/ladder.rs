//! The x5 ladder: each method on the twin's validation and test days and on unseen real fields, scored with
//! intervals over blocks, on the same cells.

use serde::Deserialize;

use super::weights;
use crate::data::Tier;
use crate::data::twin::Twin;
use crate::grid::{Field, area_weights, coarsen_mean};
use crate::methods::SuperResolver;
use crate::paper::products;
use crate::paper::step::{DataFile, Step, StepContext};
use crate::paper::{PaperResult, TableRender, TidyRow, TidyTable, publish_table};
use crate::score::{BlockAccumulator, PointwiseMetric};

/// How the ladder is scored (`configs/ladder/quick.toml`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LadderConfiguration {
    /// Refinement factor.
    pub factor: usize,
    /// Edge of a spatial block in fine cells.
    pub block_cells: usize,
    /// Length of a block in days.
    pub block_days: usize,
    /// Bootstrap resamples.
    pub resamples: usize,
    /// Seed of the bootstrap.
    pub seed: u64,
}

/// One data set of the ladder: what a method is given, and what it should have found.
struct Contest {
    dataset: &'static str,
    tier: Tier,
    split: &'static str,
    low: Field,
    truth: Field,
}

/// The step.
pub const STEP: Step = Step {
    name: "ladder",
    about: "each x5 method on the twin and on unseen real fields, with intervals",
    rooms: &[super::TWIN_AND_SPLIT, super::SCORED_LADDER, &["src/paper/steps/ladder.rs"]],
    configurations: &["configs/ladder/quick.toml", super::split::CONFIGURATION],
    needs: &["twin", "edsr"],
    data: &[products::BLACK_SEA_SST, products::MEDITERRANEAN_ADT],
    publishes: &[
        ("ladder_scores.csv", "figures/tables/ladder_scores.csv"),
        ("ladder_scores.md", "figures/tables/ladder_scores.md"),
        ("ladder_scores.html", "figures/tables/ladder_scores.html"),
        ("ladder_scores.json", "figures/tables/ladder_scores.json"),
    ],
    run,
};

fn run(context: &StepContext<'_>) -> PaperResult<()> {
    let configuration: LadderConfiguration = context.configuration()?;
    let split = context.study.split()?;
    let certificate = split.certificate()?;
    let twin = super::twin::open(context)?;
    let methods = weights::ladder_methods(context)?;
    let mut rows = Vec::new();
    for contest in contests(context, &configuration, &twin, &split)? {
        println!("scoring {} ({}), {} frames", contest.dataset, contest.split, contest.truth.frames());
        rows.extend(score(context, &configuration, &contest, &methods)?);
    }
    let table = TidyTable::new("ladder_scores", rows)?;
    let passport = context.passport(
        "ladder_scores",
        vec![Tier::Twin, Tier::Real, Tier::Proxy],
        configuration.seed,
        serde_json::Value::Null,
    )?;
    let render = TableRender { title: "Refinement by a factor of five", certificate: &certificate.to_string(), decimals: 4 };
    publish_table(&table, &render, &context.path("ladder_scores"), &passport)?;
    Ok(())
}

fn contests(
    context: &StepContext<'_>,
    configuration: &LadderConfiguration,
    twin: &Twin,
    split: &super::split::StudySplit,
) -> PaperResult<Vec<Contest>> {
    let factor = configuration.factor;
    let fail = |e: crate::grid::GridError| context.error(e);
    let mut contests = Vec::new();
    let analysis = twin.coarse_analysis().map_err(|e| context.error(e))?;
    for (name, days) in [("validation", split.validation_days()), ("test", split.test_days())] {
        let truth = products::frames(twin.truth(), &days).map_err(fail)?;
        let low = coarsen_mean(&truth, factor, 1.0).map_err(fail)?;
        let coarse = products::frames(&analysis, &days).map_err(fail)?.masked(low.mask()).map_err(fail)?;
        contests.push(Contest { dataset: "twin", tier: Tier::Twin, split: name, low, truth: truth.clone() });
        contests.push(Contest { dataset: "twin_analysis", tier: Tier::Twin, split: name, low: coarse, truth });
    }
    let real: [(&'static str, Tier, DataFile); 2] =
        [("black_sea_sst", Tier::Real, products::BLACK_SEA_SST), ("mediterranean_adt", Tier::Proxy, products::MEDITERRANEAN_ADT)];
    for (dataset, tier, file) in real {
        let truth = products::read_field(context, file)?;
        let truth = products::crop_to_multiple(&truth, factor).map_err(fail)?;
        let low = coarsen_mean(&truth, factor, 1.0).map_err(fail)?;
        contests.push(Contest { dataset, tier, split: "test", low, truth });
    }
    Ok(contests)
}

/// Metrics of the table.
const METRICS: [PointwiseMetric; 3] = [PointwiseMetric::Rmse, PointwiseMetric::Bias, PointwiseMetric::Mae];

/// The method that a learned one has to beat.
const YARDSTICK: &str = "bicubic_backprojected";

fn score(
    context: &StepContext<'_>,
    configuration: &LadderConfiguration,
    contest: &Contest,
    methods: &[SuperResolver],
) -> PaperResult<Vec<TidyRow>> {
    let mut results = Vec::new();
    for method in methods {
        let high = method.apply(&contest.low, configuration.factor).map_err(|e| context.error(e))?;
        results.push((method.id(), accumulate(context, configuration, contest, &high)?));
    }
    let yardstick = results.iter().find(|(id, _)| *id == YARDSTICK).map(|(_, blocks)| blocks.clone());
    let unit = contest.truth.unit().difference().symbol();
    let row = |method: &str, metric: String, value: f64, lower: f64, upper: f64, n: usize, n_eff: f64| TidyRow {
        dataset: contest.dataset.into(),
        tier: contest.tier,
        split: contest.split.into(),
        method: method.into(),
        metric,
        value,
        lower: Some(lower),
        upper: Some(upper),
        n: n as u64,
        n_eff: Some(n_eff),
        unit: unit.into(),
        seed: configuration.seed,
    };
    let mut rows = Vec::new();
    for (id, blocks) in &results {
        for metric in METRICS {
            let s = blocks.score(metric, configuration.resamples, configuration.seed).map_err(|e| context.error(e))?;
            rows.push(row(id, metric.name().into(), s.value, s.lower, s.upper, s.n, s.n_effective));
        }
        if let Some(yardstick) = yardstick.as_ref().filter(|_| *id != YARDSTICK) {
            let d = blocks
                .paired_difference(yardstick, PointwiseMetric::Rmse, configuration.resamples, configuration.seed)
                .map_err(|e| context.error(e))?;
            rows.push(row(id, "rmse_minus_backprojected".into(), d.difference, d.lower, d.upper, d.n, d.n_effective));
        }
    }
    Ok(rows)
}

/// Truth and prediction of every cell that both have, by block of space and time, weighted by area.
fn accumulate(
    context: &StepContext<'_>,
    configuration: &LadderConfiguration,
    contest: &Contest,
    high: &Field,
) -> PaperResult<BlockAccumulator> {
    let [frames, rows, columns] = contest.truth.shape();
    if high.shape() != contest.truth.shape() {
        return Err(context.error(format!("a method gave {:?} for {:?} cells", high.shape(), contest.truth.shape())));
    }
    let weights = area_weights(contest.truth.latitude());
    let mean_weight = weights.iter().sum::<f64>() / weights.len() as f64;
    let (tiles_y, tiles_x) = (rows.div_ceil(configuration.block_cells), columns.div_ceil(configuration.block_cells));
    let mut blocks = BlockAccumulator::new();
    for t in 0..frames {
        let (truth, prediction) = (contest.truth.frame(t), high.frame(t));
        let (truth_mask, high_mask) = (contest.truth.frame_mask(t), high.frame_mask(t));
        for (y, weight) in weights.iter().enumerate() {
            for x in 0..columns {
                let i = y * columns + x;
                if truth_mask[i].is_valid() && high_mask[i].is_valid() {
                    let tile = (y / configuration.block_cells) * tiles_x + x / configuration.block_cells;
                    let block = (t / configuration.block_days) * tiles_y * tiles_x + tile;
                    blocks
                        .add(block, f64::from(truth[i]), f64::from(prediction[i]), weight / mean_weight)
                        .map_err(|e| context.error(e))?;
                }
            }
        }
    }
    Ok(blocks)
}

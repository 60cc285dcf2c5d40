//! The x5 ladder: each method on the twin's validation and test days and on unseen real fields, scored with
//! intervals over blocks, on the same cells.

use serde::Deserialize;

use super::contests::{self, BlockSize, Contest};
use super::weights;
use crate::data::Tier;
use crate::data::twin::Twin;
use crate::methods::SuperResolver;
use crate::paper::step::{Step, StepContext};
use crate::paper::{PaperResult, TableRender, TidyRow, TidyTable, publish_table};
use crate::score::PointwiseMetric;

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

/// The step.
pub const STEP: Step = Step {
    name: "ladder",
    about: "each x5 method on the twin and on unseen real fields, with intervals",
    rooms: &[super::TWIN_AND_SPLIT, super::SCORED_LADDER, &["src/paper/steps/contests.rs", "src/paper/steps/ladder.rs"]],
    configurations: &["configs/ladder/quick.toml", super::split::CONFIGURATION],
    needs: &["twin", "edsr"],
    data: contests::DATA,
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
    let mut all = Vec::new();
    for (name, days) in [("validation", split.validation_days()), ("test", split.test_days())] {
        all.extend(contests::twin(context, twin, name, &days, factor)?);
    }
    all.extend(contests::real(context, factor)?);
    Ok(all)
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
        let size = BlockSize { cells: configuration.block_cells, days: configuration.block_days };
        let found = contests::blocks(&contest.truth, &high, size, |_, _| true).map_err(|e| context.error(e))?;
        results.push((method.id(), found));
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

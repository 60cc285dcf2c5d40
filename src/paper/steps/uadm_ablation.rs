//! What each part of UADM is worth: the method without it, or with another setting, each trained anew for the same few
//! iterations and held against the same test days.

use std::time::Instant;

use super::contests::{self, BlockSize, Contest};
use super::diagnostics_bootstrap::{Estimates, estimates};
use super::diagnostics_spectra::{SpectralReading, SpectralStudy};
use super::training_ground::TrainingGround;
use super::uadm_ablation_variants::AblationConfiguration;
use super::uadm_ensembles::EnsembleStatistics;
use super::uadm_predictions::{Predictions, member_name};
use crate::cf::{Provenance, write_fields};
use crate::data::Tier;
use crate::data::twin::CELL_METRES;
use crate::grid::Field;
use crate::methods::MethodError;
use crate::methods::refinement::Tiles;
use crate::methods::uadm::{self, EnsembleOptions, UadmConfig};
use crate::paper::step::{Step, StepContext};
use crate::paper::{PaperError, PaperResult, TableRender, TidyRow, TidyTable, publish_table};
use crate::score::{BlockAccumulator, PointwiseMetric, ScoreError, ScoreResult};

/// The step.
pub const STEP: Step = Step {
    name: "uadm_ablation",
    about: "UADM without each of its parts, each trained anew for a few iterations",
    rooms: &[
        super::TWIN_AND_SPLIT,
        &[
            "src/base/",
            "src/grid/",
            "src/cf/",
            "src/score/",
            "src/nn/",
            "src/diffusion/",
            "src/train/",
            "src/data/",
            "src/methods/refinement/",
            "src/methods/regression/",
            "src/methods/uadm/",
            "src/methods/error.rs",
            "src/paper/products.rs",
            "src/paper/table",
            "src/paper/steps/contests.rs",
            "src/paper/steps/diagnostics_bootstrap.rs",
            "src/paper/steps/diagnostics_spectra.rs",
            "src/paper/steps/land_free_square.rs",
            "src/paper/steps/training_ground.rs",
            "src/paper/steps/uadm_ablation.rs",
            "src/paper/steps/uadm_ablation_variants.rs",
            "src/paper/steps/uadm_ensembles.rs",
            "src/paper/steps/uadm_methods.rs",
            "src/paper/steps/uadm_predictions.rs",
        ],
    ],
    configurations: &["configs/uadm/ablation.toml", super::split::CONFIGURATION],
    needs: &["twin"],
    data: &[],
    publishes: &[
        ("uadm_ablation.csv", "figures/tables/uadm_ablation.csv"),
        ("uadm_ablation.md", "figures/tables/uadm_ablation.md"),
        ("uadm_ablation.html", "figures/tables/uadm_ablation.html"),
        ("uadm_ablation.json", "figures/tables/uadm_ablation.json"),
    ],
    run,
};

/// What is kept of a trained variant.
struct Outcome {
    name: String,
    mean: Field,
    members: Vec<Field>,
}

/// Name of an ensemble's mean among a variant's fields.
const MEAN: &str = "mean";

fn run(context: &StepContext<'_>) -> PaperResult<()> {
    let configuration: AblationConfiguration = context.configuration()?;
    let ground = TrainingGround::of(context, configuration.fit.seed)?;
    let split = context.study.split()?;
    let twin = super::twin::open(context)?;
    let days: Vec<usize> = split.test_days().into_iter().step_by(configuration.day_stride.max(1)).collect();
    let [contest, _] = contests::twin(context, &twin, "test", &days, configuration.factor)?;
    let count = configuration.variant.len();
    let (started, mut ran) = (Instant::now(), 0);
    let mut outcomes = Vec::new();
    for (k, variant) in configuration.variant.iter().enumerate() {
        // What a variant made lies in a file of its own, so that an interrupted step goes on with the next.
        let file = context.path(&format!("{}.nc", variant.name));
        if file.is_file() {
            println!("{} ({} of {count}): done before", variant.name, k + 1);
        } else {
            println!("{} ({} of {count}){}", variant.name, k + 1, remaining(started, ran, count - k));
            let network = variant.settings(&configuration.network).map_err(|e| context.error(e))?;
            let fields = predictions(&configuration, &variant.name, &network, &ground, &contest)?;
            let provenance = Provenance {
                title: format!("{}: what a short training makes of the test days", variant.name),
                source: "isotherm, step uadm_ablation".into(),
                references: "isotherm, an executable paper".into(),
                ..Provenance::default()
            };
            write_fields(&file, &fields.iter().collect::<Vec<_>>(), &provenance).map_err(|e| context.error(e))?;
            ran += 1;
        }
        let kept = Predictions::open(&context.folder, &variant.name)?;
        let members = kept.members(&variant.name).into_iter().cloned().collect();
        outcomes.push(Outcome { name: variant.name.clone(), mean: kept.field(MEAN)?.clone(), members });
    }
    let scored = Scored { configuration: &configuration, truth: &contest.truth };
    let rows = scored.rows(&outcomes).map_err(|e| context.error(e))?;
    let certificate = split.certificate()?.to_string();
    let passport = context.passport("uadm_ablation", vec![Tier::Twin], configuration.seed, serde_json::Value::Null)?;
    let iterations = configuration.fit.training.iterations;
    let title = format!("UADM with and without each of its parts, each trained for {iterations} iterations");
    let render = TableRender { title: &title, certificate: &certificate, decimals: 4 };
    publish_table(&TidyTable::new("uadm_ablation", rows)?, &render, &context.path("uadm_ablation"), &passport)?;
    Ok(())
}

/// How long the variants that are left will take, from those that ran.
fn remaining(started: Instant, ran: usize, left: usize) -> String {
    if ran == 0 {
        return String::new();
    }
    let minutes = started.elapsed().as_secs_f64() / 60.0 / ran as f64 * left as f64;
    format!(", about {minutes:.0} minutes left")
}

/// Trains a variant and draws its ensembles.
fn predictions(
    configuration: &AblationConfiguration,
    name: &str,
    network: &UadmConfig,
    ground: &TrainingGround<'_>,
    contest: &Contest,
) -> PaperResult<Vec<Field>> {
    let fail = |e: MethodError| PaperError::step(STEP.name)(e);
    let (training, validation) = ground.sources()?;
    let folder = ground.folder.join(name);
    let fitted = uadm::fit(name, network, training, validation, &configuration.fit, &folder, &ground.device, &ground.provenance);
    let (method, _) = fitted.map_err(fail)?;
    let options = EnsembleOptions {
        members: configuration.members,
        seed: configuration.seed,
        tiles: Some(Tiles::Overlapped(network.tile.cells)),
        ..EnsembleOptions::default()
    };
    let ensemble = method.apply(&contest.low, &options).map_err(fail)?;
    let mut fields = vec![ensemble.mean.named(MEAN)];
    // The first of each pair: these are independent of one another.
    fields.extend(ensemble.members.into_iter().step_by(2).enumerate().map(|(k, m)| m.named(member_name(name, k))));
    Ok(fields)
}

/// A number of the table.
struct Found {
    value: f64,
    interval: Option<(f64, f64)>,
    n: u64,
    n_eff: f64,
}

/// Numbers of the ensembles, in the order in which they are computed.
const ENSEMBLE_METRICS: [(&str, &str); 3] = [("crps_fair", "K"), ("crps_fair_minus_uadm", "K"), ("spread_skill", "1")];

struct Scored<'a> {
    configuration: &'a AblationConfiguration,
    truth: &'a Field,
}

impl Scored<'_> {
    fn row(&self, method: &str, metric: &str, unit: &str, found: &Found) -> TidyRow {
        TidyRow {
            dataset: "twin".into(),
            tier: Tier::Twin,
            split: "test".into(),
            method: method.into(),
            metric: metric.into(),
            value: found.value,
            lower: found.interval.map(|i| i.0),
            upper: found.interval.map(|i| i.1),
            n: found.n,
            n_eff: Some(found.n_eff),
            unit: unit.into(),
            seed: self.configuration.seed,
        }
    }

    fn block_frames(&self) -> usize {
        self.configuration.block_days.div_ceil(self.configuration.day_stride.max(1)).max(1)
    }

    fn rows(&self, outcomes: &[Outcome]) -> ScoreResult<Vec<TidyRow>> {
        let c = self.configuration;
        let size = BlockSize { cells: c.block_cells, days: c.block_days };
        let blocks = |field: &Field| contests::blocks(self.truth, field, size, |_, _| true);
        let all = outcomes.iter().map(|o| blocks(&o.mean)).collect::<ScoreResult<Vec<BlockAccumulator>>>()?;
        let Some(itself) = all.first() else {
            return Err(ScoreError::TooFew { metric: "an ablation (variants)", found: 0, wanted: 1 });
        };
        let spectra = self.spectra(outcomes)?;
        let ensembles = outcomes
            .iter()
            .map(|o| EnsembleStatistics::of(self.truth, &o.members.iter().collect::<Vec<_>>()))
            .collect::<ScoreResult<Vec<_>>>()?;
        let mut rows = Vec::new();
        for ((k, outcome), blocks) in outcomes.iter().enumerate().zip(&all) {
            let name = outcome.name.as_str();
            let s = blocks.score(PointwiseMetric::Rmse, c.resamples, c.seed)?;
            let found = Found { value: s.value, interval: Some((s.lower, s.upper)), n: s.n as u64, n_eff: s.n_effective };
            rows.push(self.row(name, "rmse", "K", &found));
            if k > 0 {
                let d = blocks.paired_difference(itself, PointwiseMetric::Rmse, c.resamples, c.seed)?;
                let interval = Some((d.lower, d.upper));
                let found = Found { value: d.difference, interval, n: d.n as u64, n_eff: d.n_effective };
                rows.push(self.row(name, "rmse_minus_uadm", "K", &found));
            }
            let (mine, full) = (&ensembles[k], &ensembles[0]);
            let statistic = |at: &[usize]| -> ScoreResult<Vec<f64>> {
                let (own, of_full) = (mine.numbers(at)?, full.numbers(at)?);
                Ok(vec![own[1], own[1] - of_full[1], own[2]])
            };
            let daily: Estimates = estimates(self.truth.frames(), self.block_frames(), c.resamples, c.seed, statistic)?;
            for (position, (metric, unit)) in ENSEMBLE_METRICS.into_iter().enumerate().filter(|(p, _)| k > 0 || *p != 1) {
                let interval = daily.interval(position);
                let found = Found { value: daily.values[position], interval, n: mine.cells(), n_eff: daily.units };
                rows.push(self.row(name, metric, unit, &found));
            }
            if let Some(fine) = spectra.products[k].fine_power {
                let n = (spectra.days * spectra.square.cells * spectra.square.cells) as u64;
                let found = Found { value: fine.value, interval: fine.interval, n, n_eff: spectra.slope.units };
                rows.push(self.row(name, "fine_power", "1", &found));
            }
        }
        Ok(rows)
    }

    /// Of the first member of each variant.
    fn spectra(&self, outcomes: &[Outcome]) -> ScoreResult<SpectralStudy> {
        let c = self.configuration;
        let cell = CELL_METRES / 1000.0;
        let reading = SpectralReading {
            band_kilometres: (8.0 * cell, 32.0 * cell),
            fine_band_kilometres: Some((2.0 * cell, 2.0 * cell * c.factor as f64)),
            level: 0.5,
            block_days: self.block_frames(),
            resamples: c.resamples,
            seed: c.seed,
        };
        let products: Vec<(String, Field)> =
            outcomes.iter().filter_map(|o| Some((o.name.clone(), o.members.first()?.clone()))).collect();
        SpectralStudy::of("twin", Tier::Twin, self.truth, &products, |_, _| (cell, cell), &reading)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_that_of_the_variants_that_ran() {
        let started = Instant::now().checked_sub(std::time::Duration::from_secs(600)).unwrap();
        assert_eq!(remaining(started, 5, 3), ", about 6 minutes left");
        assert_eq!(remaining(started, 0, 3), "");
    }
}

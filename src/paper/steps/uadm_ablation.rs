//! What each part of UADM is worth: the method without it, or with another setting, each trained anew for the same few
//! iterations and held against the same validation days.

use serde::Deserialize;
use toml::{Table, Value};

use super::contests::{self, BlockSize};
use super::diagnostics_bootstrap::{Estimates, estimates};
use super::diagnostics_spectra::{SpectralReading, SpectralStudy};
use super::training_ground::TrainingGround;
use super::uadm_ensembles::EnsembleStatistics;
use crate::data::Tier;
use crate::data::twin::CELL_METRES;
use crate::grid::Field;
use crate::methods::refinement::Tiles;
use crate::methods::uadm::{self, EnsembleOptions, UadmConfig, UadmFitOptions};
use crate::paper::step::{Step, StepContext};
use crate::paper::{PaperResult, TableRender, TidyRow, TidyTable, publish_table};
use crate::score::{BlockAccumulator, PointwiseMetric, ScoreError, ScoreResult};

/// The step.
pub const STEP: Step = Step {
    name: "uadm_ablation",
    about: "UADM without each of its parts, each trained anew for a few iterations, on validation days",
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
            "src/paper/steps/uadm_ensembles.rs",
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

/// The variants and how they are trained and scored.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AblationConfiguration {
    /// Refinement factor.
    factor: usize,
    /// Every how many days a validation day is taken.
    day_stride: usize,
    /// Members of an ensemble, in opposite pairs for the mean, and as many independent ones.
    members: usize,
    /// Edge of a spatial bootstrap block in fine cells.
    block_cells: usize,
    /// Length of a bootstrap block in days.
    block_days: usize,
    /// Bootstrap resamples.
    resamples: usize,
    /// Seed of ensembles and bootstrap.
    seed: u64,
    /// The method that all variants start from.
    network: Table,
    /// The training that all share.
    fit: UadmFitOptions,
    /// The first is the method itself.
    variant: Vec<Variant>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Variant {
    /// Its name in the table.
    name: String,
    /// What differs from `network`.
    #[serde(default)]
    change: Table,
}

/// `base` with the values of `change` in place of its own, table by table.
fn changed(base: &Table, change: &Table) -> Table {
    let mut all = base.clone();
    for (key, value) in change {
        let merged = match (all.get(key), value) {
            // A choice among kinds is replaced as a whole.
            (Some(Value::Table(old)), Value::Table(new)) if !new.contains_key("kind") => Value::Table(changed(old, new)),
            _ => value.clone(),
        };
        all.insert(key.clone(), merged);
    }
    all
}

/// What is kept of a trained variant.
struct Outcome {
    name: String,
    mean: Field,
    members: Vec<Field>,
}

fn run(context: &StepContext<'_>) -> PaperResult<()> {
    let configuration: AblationConfiguration = context.configuration()?;
    let fail = |e: crate::methods::MethodError| context.error(e);
    let ground = TrainingGround::of(context, configuration.fit.seed)?;
    let split = context.study.split()?;
    let twin = super::twin::open(context)?;
    let days: Vec<usize> = split.validation_days().into_iter().step_by(configuration.day_stride.max(1)).collect();
    let [contest, _] = contests::twin(context, &twin, "validation", &days, configuration.factor)?;
    let mut outcomes = Vec::new();
    for (k, variant) in configuration.variant.iter().enumerate() {
        println!("{} ({} of {})", variant.name, k + 1, configuration.variant.len());
        let table = Value::Table(changed(&configuration.network, &variant.change));
        let network: UadmConfig = table.try_into().map_err(|e: toml::de::Error| {
            context.error(format!("the variant '{}' is no setting of UADM: {}", variant.name, e.message()))
        })?;
        let (training, validation) = ground.sources()?;
        let folder = ground.folder.join(&variant.name);
        let fitted = uadm::fit(
            &variant.name,
            &network,
            training,
            validation,
            &configuration.fit,
            &folder,
            &ground.device,
            &ground.provenance,
        );
        let (method, _) = fitted.map_err(fail)?;
        let options = EnsembleOptions {
            members: configuration.members,
            seed: configuration.seed,
            tiles: Some(Tiles::Whole),
            ..EnsembleOptions::default()
        };
        let mean = method.apply(&contest.low, &options).map_err(fail)?.mean;
        let members = method.apply(&contest.low, &EnsembleOptions { antithetic: false, ..options }).map_err(fail)?.members;
        outcomes.push(Outcome { name: variant.name.clone(), mean, members });
    }
    let scored = Scored { configuration: &configuration, truth: &contest.truth };
    let rows = scored.rows(&outcomes).map_err(|e| context.error(e))?;
    let certificate = split.certificate()?.to_string();
    let passport = context.passport("uadm_ablation", vec![Tier::Twin], configuration.seed, serde_json::Value::Null)?;
    let title = "UADM without each of its parts: validation days of the twin";
    let render = TableRender { title, certificate: &certificate, decimals: 4 };
    publish_table(&TidyTable::new("uadm_ablation", rows)?, &render, &context.path("uadm_ablation"), &passport)?;
    Ok(())
}

struct Scored<'a> {
    configuration: &'a AblationConfiguration,
    truth: &'a Field,
}

impl Scored<'_> {
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
            dataset: "twin".into(),
            tier: Tier::Twin,
            split: "validation".into(),
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
        let mut rows = Vec::new();
        for ((k, outcome), blocks) in outcomes.iter().enumerate().zip(&all) {
            let name = outcome.name.as_str();
            let s = blocks.score(PointwiseMetric::Rmse, c.resamples, c.seed)?;
            rows.push(self.row(name, "rmse", s.value, Some((s.lower, s.upper)), s.n as u64, s.n_effective, "K"));
            if k > 0 {
                let d = blocks.paired_difference(itself, PointwiseMetric::Rmse, c.resamples, c.seed)?;
                let interval = Some((d.lower, d.upper));
                rows.push(self.row(name, "rmse_minus_uadm", d.difference, interval, d.n as u64, d.n_effective, "K"));
            }
            let found = EnsembleStatistics::of(self.truth, &outcome.members.iter().collect::<Vec<_>>())?;
            let statistic = |at: &[usize]| -> ScoreResult<Vec<f64>> { found.numbers(at) };
            let daily: Estimates = estimates(self.truth.frames(), self.block_frames(), c.resamples, c.seed, &statistic)?;
            for (position, metric, unit) in [(1, "crps_fair", "K"), (2, "spread_skill", "1")] {
                let interval = daily.interval(position);
                rows.push(self.row(name, metric, daily.values[position], interval, found.cells(), daily.units, unit));
            }
            if let Some(fine) = spectra.products[k].fine_power {
                let n = (spectra.days * spectra.square.cells * spectra.square.cells) as u64;
                rows.push(self.row(name, "fine_power", fine.value, fine.interval, n, spectra.slope.units, "1"));
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
    fn a_change_leaves_the_rest_as_it_is() {
        let table = |text: &str| text.parse::<Table>().unwrap();
        let base = table("a = 1\n[b]\nc = 2\nd = 3\ne = { kind = \"x\", f = 4 }");
        let want = table("a = 1\n[b]\nc = 5\nd = 3\ne = { kind = \"y\" }");
        assert_eq!(changed(&base, &table("b.c = 5\nb.e = { kind = \"y\" }")), want);
        assert_eq!(changed(&base, &Table::new()), base);
    }

    #[test]
    fn the_variants_are_settings_of_the_method() {
        let text = include_str!("../../../configs/uadm/ablation.toml");
        let configuration: AblationConfiguration = toml::from_str(text).unwrap();
        assert_eq!(configuration.variant[0].name, "uadm");
        assert!(configuration.variant[0].change.is_empty());
        let mut seen: Vec<UadmConfig> = Vec::new();
        for variant in &configuration.variant {
            let config: UadmConfig = Value::Table(changed(&configuration.network, &variant.change)).try_into().unwrap();
            assert!(!seen.contains(&config), "{} is another variant again", variant.name);
            seen.push(config);
        }
        assert!(seen.len() >= 6);
    }
}

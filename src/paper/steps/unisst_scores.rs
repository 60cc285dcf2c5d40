//! The tables of the gap fillers: errors under clouds of each size, by depth of the gap, and on real fields with imposed gaps.

use super::contests::{self, BlockSize};
use super::diagnostics_bootstrap::estimates;
use super::unisst_gaps::{CLASSES, class, class_name, edge_distances, gap_lengths};
use super::unisst_methods::{METHODS, REAL_METHODS, YARDSTICKS};
use super::unisst_predictions::{CONFIGURATION, Fills, GapConfiguration, MEDITERRANEAN, file_name};
use super::unisst_sequences::SequenceConfiguration;
use super::unisst_structure::{LAGS, Structure, metric};
use crate::data::Tier;
use crate::methods::unisst::TRAINING_THRESHOLD;
use crate::paper::products::MEDITERRANEAN_ADT;
use crate::paper::step::{Step, StepContext, read_configuration};
use crate::paper::{PaperResult, TableRender, TidyRow, TidyTable, publish_table};
use crate::score::{BlockAccumulator, PointwiseMetric, ScoreError, ScoreResult};

/// The step.
pub const STEP: Step = Step {
    name: "unisst_scores",
    about: "the gap fillers under the twin's clouds and on the Mediterranean, with intervals",
    rooms: &[
        super::TWIN_AND_SPLIT,
        &[
            "src/base/",
            "src/grid/",
            "src/cf/",
            "src/nn/",
            "src/train/",
            "src/methods/baselines/",
            "src/methods/refinement/",
            "src/methods/unisst/",
            "src/methods/error.rs",
            "src/score/",
            "src/data/",
            "src/diffusion/",
            "src/paper/table",
            "src/paper/products.rs",
            "src/paper/steps/contests.rs",
            "src/paper/steps/diagnostics_bootstrap.rs",
            "src/paper/steps/training_ground.rs",
            "src/paper/steps/unisst_gaps.rs",
            "src/paper/steps/unisst_methods.rs",
            "src/paper/steps/unisst_predictions.rs",
            "src/paper/steps/unisst_scores.rs",
            "src/paper/steps/unisst_cloudy_twin.rs",
            "src/paper/steps/unisst_sequences.rs",
            "src/paper/steps/unisst_structure.rs",
        ],
    ],
    configurations: &[CONFIGURATION, super::unisst_sequences::CONFIGURATION, super::split::CONFIGURATION],
    needs: &["unisst_predictions"],
    data: &[MEDITERRANEAN_ADT],
    publishes: &[
        ("unisst_scores.csv", "figures/tables/unisst_scores.csv"),
        ("unisst_scores.md", "figures/tables/unisst_scores.md"),
        ("unisst_scores.html", "figures/tables/unisst_scores.html"),
        ("unisst_scores.json", "figures/tables/unisst_scores.json"),
        ("unisst_gaps.csv", "figures/tables/unisst_gaps.csv"),
        ("unisst_gaps.md", "figures/tables/unisst_gaps.md"),
        ("unisst_gaps.html", "figures/tables/unisst_gaps.html"),
        ("unisst_gaps.json", "figures/tables/unisst_gaps.json"),
    ],
    run,
};

/// Metrics with an interval of their own, and of the difference to the yardsticks.
const METRICS: [PointwiseMetric; 2] = [PointwiseMetric::Mae, PointwiseMetric::Rmse];

/// The data set of all thresholds together.
pub const ALL_THRESHOLDS: &str = "twin_all";

/// What the depth of a gap is measured by, with the word in tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Frames in a row that are hidden.
    Gap,
    /// Cells to the edge of the cloud.
    Edge,
}

impl Depth {
    /// Both.
    pub const BOTH: [Depth; 2] = [Depth::Gap, Depth::Edge];

    /// The metric of a class in the table: `mae_gap_3_to_5`.
    pub fn metric(self, class: usize) -> String {
        let word = if self == Depth::Gap { "gap" } else { "edge" };
        format!("mae_{word}_{}", class_name(class))
    }
}

/// Pairs of one data set by method.
struct Collected {
    dataset: String,
    tier: Tier,
    unit: String,
    methods: Vec<(String, BlockAccumulator)>,
    /// Hidden cells, those of them that each method filled, and all cells at sea.
    hidden: u64,
    filled: Vec<u64>,
    sea: u64,
}

impl Collected {
    fn new(dataset: String, tier: Tier, methods: &[&str]) -> Collected {
        let none = |m: &&str| ((*m).to_string(), BlockAccumulator::new());
        let filled = vec![0; methods.len()];
        Collected { dataset, tier, unit: "K".into(), methods: methods.iter().map(none).collect(), hidden: 0, filled, sea: 0 }
    }

    fn count(&mut self, fills: &Fills) {
        self.unit = fills.truth.unit().difference().symbol().into();
        self.hidden += fills.hidden().iter().filter(|h| **h).count() as u64;
        self.sea += fills.truth.mask().count_valid() as u64;
        let made = |(sum, (_, field)): (&mut u64, &(String, crate::grid::Field))| *sum += field.mask().count_valid() as u64;
        self.filled.iter_mut().zip(&fills.made).for_each(made);
    }

    fn row(&self, method: &str, metric: String, value: f64, interval: Option<(f64, f64)>, n: u64, n_eff: f64) -> TidyRow {
        TidyRow {
            dataset: self.dataset.clone(),
            tier: self.tier,
            split: "test".into(),
            method: method.into(),
            metric,
            value,
            lower: interval.map(|i| i.0),
            upper: interval.map(|i| i.1),
            n,
            n_eff: Some(n_eff),
            unit: self.unit.clone(),
            seed: 0,
        }
    }

    fn rows(&self, c: &GapConfiguration) -> ScoreResult<Vec<TidyRow>> {
        let mut rows = Vec::new();
        let blocks = self.methods.first().map_or(0, |(_, a)| a.blocks().iter().filter(|b| b.count() > 0).count()) as f64;
        let share = |part: u64, all: u64| part as f64 / all.max(1) as f64;
        let unitless = |row: TidyRow| TidyRow { unit: "1".into(), ..row };
        rows.push(unitless(self.row("clouds", "cover".into(), share(self.hidden, self.sea), None, self.sea, blocks)));
        for (k, (method, own)) in self.methods.iter().enumerate() {
            rows.push(unitless(self.row(method, "filled".into(), share(self.filled[k], self.hidden), None, self.hidden, blocks)));
            for metric in METRICS {
                let s = own.score(metric, c.resamples, c.seed)?;
                let interval = Some((s.lower, s.upper));
                rows.push(self.row(method, metric.name().into(), s.value, interval, s.n as u64, s.n_effective));
                for yardstick in YARDSTICKS.iter().filter(|y| *y != method) {
                    let Some((_, against)) = self.methods.iter().find(|(name, _)| name == yardstick) else { continue };
                    let d = own.paired_difference(against, metric, c.resamples, c.seed)?;
                    let name = format!("{}_minus_{yardstick}", metric.name());
                    rows.push(self.row(method, name, d.difference, Some((d.lower, d.upper)), d.n as u64, d.n_effective));
                }
            }
        }
        Ok(rows)
    }
}

/// Errors by depth of the gap: by class, by method.
struct ByDepth {
    depth: Depth,
    classes: Vec<Collected>,
}

impl ByDepth {
    fn new(depth: Depth) -> ByDepth {
        let class = |_| Collected::new(ALL_THRESHOLDS.into(), Tier::Twin, &METHODS);
        ByDepth { depth, classes: (0..CLASSES.len()).map(class).collect() }
    }

    fn add(&mut self, block: usize, fills: &Fills) -> ScoreResult<()> {
        let (hidden, common) = (fills.hidden(), fills.common());
        let of = if self.depth == Depth::Gap { gap_lengths } else { edge_distances };
        let sizes = of(&hidden, fills.truth.shape());
        for i in (0..hidden.len()).filter(|i| common[*i]) {
            let Some(class) = class(sizes[i]) else { continue };
            let truth = f64::from(fills.truth.values()[i]);
            let methods = self.classes[class].methods.iter_mut();
            for ((_, own), (_, made)) in methods.zip(&fills.made) {
                own.add(block, truth, f64::from(made.values()[i]), 1.0)?;
            }
        }
        Ok(())
    }

    fn rows(&self, c: &GapConfiguration) -> ScoreResult<Vec<TidyRow>> {
        let mut rows = Vec::new();
        for (class, collected) in self.classes.iter().enumerate() {
            for (method, own) in &collected.methods {
                if own.blocks().iter().filter(|b| b.count() > 0).count() < 2 {
                    continue;
                }
                let s = own.score(PointwiseMetric::Mae, c.resamples, c.seed)?;
                let name = self.depth.metric(class);
                rows.push(collected.row(method, name, s.value, Some((s.lower, s.upper)), s.n as u64, s.n_effective));
            }
        }
        Ok(rows)
    }
}

fn run(context: &StepContext<'_>) -> PaperResult<()> {
    let configuration: GapConfiguration = context.configuration()?;
    let sequences: SequenceConfiguration = read_configuration(context.study.root(), super::unisst_sequences::CONFIGURATION)?;
    let folder = context.input("unisst_predictions")?;
    let fail = |e: crate::score::ScoreError| context.error(e);
    let (mut rows, mut deep) = (Vec::new(), Vec::new());
    let mut all = Collected::new(ALL_THRESHOLDS.into(), Tier::Twin, &METHODS);
    let mut by_depth = Depth::BOTH.map(ByDepth::new);
    let mut structures = Vec::new();
    for threshold in &configuration.thresholds {
        println!("scoring clouds above {threshold:.0} g/m²");
        let mut own = Collected::new(format!("twin_{threshold:.0}"), Tier::Twin, &METHODS);
        for k in 0..sequences.test_sequences {
            let fills = Fills::open(&folder, &file_name(*threshold, k), &METHODS)?;
            add_sequence(&mut own, k, &fills).map_err(fail)?;
            add_sequence(&mut all, k, &fills).map_err(fail)?;
            for depth in &mut by_depth {
                depth.add(k, &fills).map_err(fail)?;
            }
            if *threshold == TRAINING_THRESHOLD {
                let made: Vec<_> = fills.made.iter().map(|(_, field)| field).collect();
                structures.push(Structure::new(&fills.truth, &made, &fills.common()));
            }
        }
        rows.extend(own.rows(&configuration).map_err(fail)?);
    }
    rows.extend(all.rows(&configuration).map_err(fail)?);
    for depth in &by_depth {
        deep.extend(depth.rows(&configuration).map_err(fail)?);
    }
    deep.extend(roughness(&structures, &configuration).map_err(fail)?);
    rows.extend(mediterranean(context, &configuration)?);
    for row in rows.iter_mut().chain(&mut deep) {
        row.seed = configuration.seed;
    }
    let certificate = context.study.split()?.certificate()?.to_string();
    let publish = |name: &str, title: &str, rows: Vec<TidyRow>, tiers: Vec<Tier>| -> PaperResult<()> {
        let passport = context.passport(name, tiers, configuration.seed, serde_json::Value::Null)?;
        let render = TableRender { title, certificate: &certificate, decimals: 4 };
        publish_table(&TidyTable::new(name, rows)?, &render, &context.path(name), &passport)?;
        Ok(())
    };
    let title = "Gaps under clouds (twin) and gaps of 5 to 10 days (Mediterranean)";
    publish("unisst_scores", title, rows, vec![Tier::Twin, Tier::Proxy])?;
    let title = "Errors by length of the gap in frames of 6 hours and by cells to the cloud's edge; roughness inside clouds";
    publish("unisst_gaps", title, deep, vec![Tier::Twin])
}

/// What each method has of the truth's squared differences inside the clouds, at the threshold of the training.
fn roughness(structures: &[Structure], c: &GapConfiguration) -> ScoreResult<Vec<TidyRow>> {
    if structures.is_empty() {
        return Ok(Vec::new());
    }
    let dataset = format!("twin_{TRAINING_THRESHOLD:.0}");
    let collected = Collected::new(dataset, Tier::Twin, &METHODS);
    let mut rows = Vec::new();
    for (fill, method) in METHODS.iter().enumerate() {
        let shares = |at: &[usize]| -> ScoreResult<Vec<f64>> {
            let drawn: Vec<&Structure> = at.iter().map(|k| &structures[*k]).collect();
            let share = |lag| Structure::share(&drawn, fill, lag);
            (0..LAGS.len())
                .map(|lag| share(lag).ok_or_else(|| ScoreError::Argument("clouds without a pair of cells inside".into())))
                .collect()
        };
        let found = estimates(structures.len(), 1, c.resamples, c.seed, shares)?;
        for (k, lag) in LAGS.iter().enumerate() {
            let pairs = structures.iter().map(|s| s.pairs[k]).sum();
            let row = collected.row(method, metric(*lag), found.values[k], found.interval(k), pairs, found.units);
            rows.push(TidyRow { unit: "1".into(), ..row });
        }
    }
    Ok(rows)
}

/// A sequence as one block.
fn add_sequence(to: &mut Collected, block: usize, fills: &Fills) -> ScoreResult<()> {
    to.count(fills);
    let common = fills.common();
    for ((_, own), (_, made)) in to.methods.iter_mut().zip(&fills.made) {
        for i in (0..common.len()).filter(|i| common[*i]) {
            own.add(block, f64::from(fills.truth.values()[i]), f64::from(made.values()[i]), 1.0)?;
        }
    }
    Ok(())
}

/// The real fields: blocks of space and time, weighted by area.
fn mediterranean(context: &StepContext<'_>, configuration: &GapConfiguration) -> PaperResult<Vec<TidyRow>> {
    let fills = Fills::open(&context.input("unisst_predictions")?, &format!("{MEDITERRANEAN}.nc"), &REAL_METHODS)?;
    let mut own = Collected::new(MEDITERRANEAN.into(), Tier::Proxy, &REAL_METHODS);
    own.count(&fills);
    let (common, pixels) = (fills.common(), fills.truth.frame_len());
    let size = BlockSize { cells: configuration.block_cells, days: configuration.block_days };
    for ((_, blocks), (_, made)) in own.methods.iter_mut().zip(&fills.made) {
        let found = contests::blocks(&fills.truth, made, size, |t, i| common[t * pixels + i]);
        *blocks = found.map_err(|e| context.error(e))?;
    }
    own.rows(configuration).map_err(|e| context.error(e))
}

//! The figures of the UADM ladder: maps, scales and fronts, the ensemble, skill against budget.

use serde_json::Value;

use super::contests;
use super::diagnostics_figure as panels;
use super::training_ground::LOG;
use super::uadm_ensembles::EnsembleStatistics;
use super::uadm_methods::{DIFFUSIONS, ENSEMBLES, REGRESSIONS, SCORED, title};
use super::uadm_predictions::{Predictions, SPREAD, TRUTH, UadmLadderConfiguration, WEIGHT};
use super::uadm_scale_panels::{gradients, line, roughness};
use super::uadm_scores::spectral_study;
use super::uadm_spread::{CURVES, SpreadCurve};
use crate::data::Tier;
use crate::figure::{ColourMap, LinePanel, LineSeries, LineStyle, MapPanel, MapStyle, Passport, Scale, draw_lines, draw_maps};
use crate::grid::{Field, Unit};
use crate::paper::PaperResult;
use crate::paper::step::{Step, StepContext};

const ROOMS: &[&str] = &[
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
    "src/figure/",
    "assets/",
    "src/paper/products.rs",
    "src/paper/steps/contests.rs",
    "src/paper/steps/diagnostics_bootstrap.rs",
    "src/paper/steps/diagnostics_errors.rs",
    "src/paper/steps/diagnostics_figure.rs",
    "src/paper/steps/diagnostics_spectra.rs",
    "src/paper/steps/land_free_square.rs",
    "src/paper/steps/training_ground.rs",
    "src/paper/steps/uadm_ensembles.rs",
    "src/paper/steps/uadm_figures.rs",
    "src/paper/steps/uadm_methods.rs",
    "src/paper/steps/uadm_predictions.rs",
    "src/paper/steps/uadm_scale_panels.rs",
    "src/paper/steps/uadm_scores.rs",
    "src/paper/steps/uadm_spread.rs",
    "src/paper/steps/uadm_spread_bins.rs",
];

macro_rules! figure_step {
    ($name:literal, $about:literal, $needs:expr, $run:expr) => {
        Step {
            name: $name,
            about: $about,
            rooms: &[super::TWIN_AND_SPLIT, ROOMS],
            configurations: &["configs/uadm/ladder.toml", super::split::CONFIGURATION],
            needs: $needs,
            data: &[],
            publishes: &[
                (concat!($name, ".png"), concat!("figures/", $name, ".png")),
                (concat!($name, ".svg"), concat!("figures/", $name, ".svg")),
                (concat!($name, ".json"), concat!("figures/", $name, ".json")),
            ],
            run: $run,
        }
    };
}

/// A test day as each method sees it.
pub const MAPS: Step = figure_step!(
    "uadm_maps",
    "figures/uadm_maps.png: a test day, its refinements and their errors",
    &["twin", "uadm_predictions"],
    maps
);
/// Spectra, gradients, short-range variograms.
pub const SCALES: Step = figure_step!(
    "uadm_scales",
    "figures/uadm_scales.png: energy, fronts and roughness of each method",
    &["uadm_predictions"],
    scales
);
/// Ranks and spread.
pub const ENSEMBLE: Step = figure_step!(
    "uadm_ensemble",
    "figures/uadm_ensemble.png: ranks, spread and skill of the ensembles",
    &["uadm_predictions", "uadm_spread"],
    ensemble
);
/// Validation against iterations.
pub const BUDGET: Step = figure_step!(
    "uadm_budget",
    "figures/uadm_budget.png: skill on validation tiles against training",
    &["edsr", "srcnn", "rrdb", "swin_light", "esrgan", "resshift", "upsr", "uadm_plain", "uadm"],
    budget
);

fn passport(context: &StepContext<'_>, seed: u64) -> PaperResult<Passport> {
    context.passport(context.step.name, vec![Tier::Twin], seed, Value::Null)
}

/// The part of the day that is drawn: rows and columns from and to, in fine cells.
const WINDOW: (usize, usize) = (80, 240);

fn maps(context: &StepContext<'_>) -> PaperResult<()> {
    let configuration: UadmLadderConfiguration = context.configuration()?;
    let predictions = Predictions::open(&context.input("uadm_predictions")?, "twin")?;
    let fail = |e: crate::grid::GridError| context.error(e);
    let truth = predictions.field(TRUTH)?;
    let day = truth.frames() / 2;
    let split = context.study.split()?;
    let twin = super::twin::open(context)?;
    let days: Vec<usize> = split.test_days().into_iter().step_by(configuration.day_stride.max(1)).collect();
    let [contest, _] = contests::twin(context, &twin, "test", &days[day..=day], configuration.factor)?;
    let factor = configuration.factor;
    let (from, to) = WINDOW;
    let fine = |f: &Field| f.slice(day..day + 1, from..to, from..to).map_err(fail);
    let cut = |name: &str| -> PaperResult<Field> { fine(predictions.field(name)?) };
    let low = contest.low.slice(0..1, from / factor..to / factor, from / factor..to / factor).map_err(fail)?;
    let truth_cut = fine(truth)?;
    let error = |name: &str| -> PaperResult<Field> {
        let found = cut(name)?;
        let values = found.values().iter().zip(truth_cut.values()).map(|(p, t)| p - t).collect();
        found.with_values(values, found.mask().clone()).map_err(fail)
    };
    let fields = [
        ("Truth (0.05°)", truth_cut.clone(), Kind::Temperature),
        ("Input (0.25°)", low, Kind::Temperature),
        ("EDSR", cut("edsr")?, Kind::Temperature),
        ("UADM, mean", cut("uadm")?, Kind::Temperature),
        ("UADM, one member", cut("uadm_member_00")?, Kind::Temperature),
        ("Noise weight u", cut(WEIGHT)?, Kind::Weight),
        ("EDSR − truth", error("edsr")?, Kind::Error),
        ("UADM mean − truth", error("uadm")?, Kind::Error),
        ("UADM spread", cut(SPREAD)?, Kind::Spread),
    ];
    let largest = fields.iter().filter(|(_, _, k)| *k == Kind::Error).flat_map(|(_, f, _)| valid(f)).map(f64::abs);
    let largest = crate::score::quantile(&largest.collect::<Vec<_>>(), 0.995).map_err(|e| context.error(e))?;
    let drawn: Vec<MapPanel<'_>> = fields
        .iter()
        .map(|(title, field, kind)| MapPanel {
            title: (*title).to_string(),
            field,
            frame: 0,
            colour_map: kind.colours(),
            range: (*kind == Kind::Error).then_some((-largest, largest)),
            quantity: kind.quantity().into(),
            unit: match kind {
                Kind::Weight => Unit::One,
                Kind::Temperature => field.unit(),
                Kind::Error | Kind::Spread => field.unit().difference(),
            },
        })
        .collect();
    draw_maps(&drawn, &MapStyle::default(), &context.path("uadm_maps"), &passport(context, configuration.seed)?)
        .map_err(|e| context.error(e))?;
    Ok(())
}

/// What a map shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Temperature,
    Error,
    Spread,
    Weight,
}

impl Kind {
    fn colours(self) -> ColourMap {
        match self {
            Kind::Temperature => ColourMap::Thermal,
            Kind::Error => ColourMap::Vik,
            Kind::Spread | Kind::Weight => ColourMap::Viridis,
        }
    }

    fn quantity(self) -> &'static str {
        match self {
            Kind::Temperature => "SST",
            Kind::Error => "error",
            Kind::Spread => "spread",
            Kind::Weight => "weight",
        }
    }
}

fn valid(field: &Field) -> impl Iterator<Item = f64> + '_ {
    (0..field.values().len()).filter(|i| field.mask().is_valid(*i)).map(|i| f64::from(field.values()[i]))
}

/// Methods whose scales are drawn: the others lie between.
const DRAWN: [&str; 5] = ["bicubic_backprojected", "edsr", "esrgan", "uadm", "uadm_member"];

/// No ratio of spectra is drawn beyond this.
const HIGHEST_RATIO: f64 = 2.5;

fn scales(context: &StepContext<'_>) -> PaperResult<()> {
    let configuration: UadmLadderConfiguration = context.configuration()?;
    let predictions = Predictions::open(&context.input("uadm_predictions")?, "twin")?;
    let fail = |e: crate::score::ScoreError| context.error(e);
    let mut study = spectral_study(&configuration, &predictions).map_err(fail)?;
    study.products.retain(|p| DRAWN.contains(&p.method.as_str()));
    let mut drawn = vec![
        panels::spectra("Spectra of temperature", &study),
        panels::ratios("Energy by scale", &study, configuration.resolution_level),
    ];
    // Every panel calls a method by the same name, and members may have more power than the truth.
    for panel in &mut drawn {
        panel.series.iter_mut().zip(&study.products).for_each(|(line, p)| line.label = title(&p.method).into());
    }
    let highest = study.products.iter().flat_map(|p| p.ratio.values.iter().copied()).fold(1.4, f64::max);
    drawn[1].y_scale = Some(Scale::Linear(0.0, highest.min(HIGHEST_RATIO)));
    let truth = predictions.field(TRUTH)?;
    let mut products: Vec<(&str, &Field)> = Vec::new();
    for name in DRAWN {
        let field = SCORED.iter().find(|(method, _)| *method == name).map_or(name, |(_, field)| field);
        products.push((title(name), predictions.field(field)?));
    }
    products.push(("truth", truth));
    drawn.push(gradients(&products).map_err(fail)?);
    drawn.push(roughness(&products).map_err(fail)?);
    draw_lines(&drawn, &LineStyle::default(), &context.path("uadm_scales"), &passport(context, configuration.seed)?)
        .map_err(|e| context.error(e))?;
    Ok(())
}

/// The curves of spread and skill that are drawn, and their names.
const SPREAD_CURVES: [(&str, &str); 5] = [
    ("uadm_4", "4 members"),
    ("reliable_4", "4 members, if reliable"),
    ("uadm_16", "16 members"),
    ("reliable_16", "16 members, if reliable"),
    ("uadm_16_pooled", "16 members, pooled"),
];

fn ensemble(context: &StepContext<'_>) -> PaperResult<()> {
    let configuration: UadmLadderConfiguration = context.configuration()?;
    let predictions = Predictions::open(&context.input("uadm_predictions")?, "twin")?;
    let truth = predictions.field(TRUTH)?;
    let (mut ranks, mut highest, mut even) = (Vec::new(), 0.0f64, 0.0);
    for method in ENSEMBLES {
        let found = EnsembleStatistics::of(truth, &predictions.members(method)).map_err(|e| context.error(e))?;
        let shares = found.rank_shares();
        even = 1.0 / shares.len() as f64;
        // A histogram as a line: up and down at the edges of its bins.
        let outline = shares.iter().enumerate().flat_map(|(i, s)| [(i as f64 + 0.5, *s), (i as f64 + 1.5, *s)]).collect();
        highest = shares.iter().copied().fold(highest, f64::max);
        let name = if method == "uadm" { "UADM" } else { "ResShift" };
        ranks.push(line(name, outline));
    }
    let count = configuration.members as f64 + 1.5;
    ranks.push(line("reliable", vec![(0.5, even), (count, even)]));
    let text = std::fs::read_to_string(context.input("uadm_spread")?.join(CURVES)).map_err(|e| context.error(e))?;
    let curves: Vec<SpreadCurve> = serde_json::from_str(&text).map_err(|e| context.error(e))?;
    let (mut skill, mut largest) = (Vec::new(), 0.0f64);
    for (method, label) in SPREAD_CURVES {
        if let Some(curve) = curves.iter().find(|c| c.method == method) {
            largest = curve.bins.iter().map(|(a, b)| a.max(*b)).fold(largest, f64::max);
            skill.push(line(label, curve.bins.clone()));
        }
    }
    skill.push(line("spread = error", vec![(0.0, 0.0), (largest, largest)]));
    let drawn = [
        LinePanel {
            title: "Rank of the truth".into(),
            x_label: "rank among the members".into(),
            y_label: "share of cells".into(),
            x_scale: Some(Scale::Linear(0.5, count)),
            y_scale: Some(Scale::Linear(0.0, 1.25 * highest.max(even))),
            series: ranks,
        },
        LinePanel {
            title: "Spread and skill of UADM".into(),
            x_label: "spread of the members (K)".into(),
            y_label: "RMSE of their mean (K)".into(),
            x_scale: Some(Scale::Linear(0.0, 1.05 * largest)),
            // Room for the names above the curves.
            y_scale: Some(Scale::Linear(0.0, 1.4 * largest)),
            series: skill,
        },
    ];
    draw_lines(&drawn, &LineStyle::default(), &context.path("uadm_ensemble"), &passport(context, configuration.seed)?)
        .map_err(|e| context.error(e))?;
    Ok(())
}

fn budget(context: &StepContext<'_>) -> PaperResult<()> {
    let configuration: UadmLadderConfiguration = context.configuration()?;
    let panel = |title_: &str, names: &[&str]| -> PaperResult<LinePanel> {
        let mut series = Vec::new();
        for name in names {
            let text = std::fs::read_to_string(context.input(name)?.join(LOG)).map_err(|e| context.error(e))?;
            let lines: Vec<Value> = text.lines().filter_map(|l| serde_json::from_str(l).ok()).collect();
            let points = lines.iter().filter_map(|l| Some((l["iteration"].as_f64()?, l["validation"].as_f64()?))).collect();
            series.push(line(title(name).trim_end_matches(", mean"), points));
        }
        let ends = |of: fn(f64, f64) -> f64, start: f64| {
            series.iter().flat_map(|s: &LineSeries| s.y.iter().copied()).filter(|v| v.is_finite()).fold(start, of)
        };
        let (lowest, highest) = (ends(f64::min, f64::INFINITY), ends(f64::max, f64::NEG_INFINITY));
        // Room for the names above the curves.
        let room =
            (highest > lowest).then_some(Scale::Linear(lowest - 0.05 * (highest - lowest), highest + 0.55 * (highest - lowest)));
        Ok(LinePanel {
            title: title_.into(),
            x_label: "iterations of 8 tiles".into(),
            y_label: "error / back-projected bicubic's".into(),
            x_scale: None,
            y_scale: room,
            series,
        })
    };
    let drawn = [panel("Regressions", &REGRESSIONS)?, panel("Diffusions", &DIFFUSIONS)?];
    draw_lines(&drawn, &LineStyle::default(), &context.path("uadm_budget"), &passport(context, configuration.seed)?)
        .map_err(|e| context.error(e))?;
    Ok(())
}

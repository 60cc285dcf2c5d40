//! Figures of the dust: a day as each method sees it, and roughness against distance.

use serde_json::Value;

use super::bar_range::{span, two_ticks};
use super::transfer_dust::CONFIGURATION;
use super::transfer_ground::{DUST_ROOMS, DustGround};
use super::transfer_predictions::{DustPredictions, TEST, TRUTH, TransferLadderConfiguration};
use super::transfer_scores::field_of;
use super::transfer_statistics::DailyVariograms;
use crate::data::Tier;
use crate::figure::{ColourMap, LinePanel, LineSeries, LineStyle, MapPanel, MapStyle, Passport, Scale, draw_lines, draw_maps};
use crate::grid::{Field, Unit};
use crate::paper::PaperResult;
use crate::paper::step::{Step, StepContext};
use crate::score::quantile;

/// What every figure of the dust stands on besides the dust itself.
pub const ROOMS: &[&str] = &[
    "src/cf/",
    "src/figure/",
    "src/paper/table",
    "assets/",
    "src/paper/steps/diagnostics_bootstrap.rs",
    "src/paper/steps/transfer_training.rs",
    "src/paper/steps/transfer_predictions.rs",
    "src/paper/steps/transfer_statistics.rs",
    "src/paper/steps/transfer_areas.rs",
    "src/paper/steps/transfer_domain.rs",
    "src/paper/steps/transfer_scores.rs",
    "src/paper/steps/bar_range.rs",
    "src/paper/steps/transfer_figures.rs",
];

/// A step that draws one figure of its own name.
macro_rules! figure_step {
    ($name:literal, $about:literal, $rooms:expr, $needs:expr, $run:expr) => {
        Step {
            name: $name,
            about: $about,
            rooms: &[DUST_ROOMS, ROOMS, $rooms],
            configurations: &["configs/transfer/ladder.toml", CONFIGURATION],
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

pub(super) use figure_step;

/// A held-out day as each method sees it.
pub const MAPS: Step = figure_step!(
    "transfer_maps",
    "figures/transfer_maps.png: a held-out day of dust, what is known of it, and what methods make of it",
    &[],
    &["dust", "transfer_predictions"],
    maps
);
/// Semivariances against distance.
pub const VARIOGRAMS: Step = figure_step!(
    "transfer_variograms",
    "figures/transfer_variograms.png: roughness of each method against distance, with the pairs behind it",
    &[],
    &["transfer_predictions"],
    variograms
);

/// The passport of a figure.
///
/// # Errors
/// As [`StepContext::passport`].
pub fn passport(context: &StepContext<'_>, seed: u64) -> PaperResult<Passport> {
    context.passport(context.step.name, vec![Tier::Twin], seed, Value::Null)
}

/// The fields of one file of the predictions.
///
/// # Errors
/// Where it cannot be read.
pub fn open(context: &StepContext<'_>, name: &str) -> PaperResult<DustPredictions> {
    DustPredictions::open(&context.input("transfer_predictions")?, name)
}

fn maps(context: &StepContext<'_>) -> PaperResult<()> {
    let configuration: TransferLadderConfiguration = context.configuration()?;
    let predictions = open(context, TEST)?;
    let truth = predictions.field(TRUTH)?;
    // The day of the most dust among the test days.
    let mean = |t: usize| truth.frame(t).iter().map(|v| f64::from(*v)).sum::<f64>();
    let day = (0..truth.frames()).max_by(|a, b| mean(*a).total_cmp(&mean(*b))).unwrap_or(0);
    let ground = DustGround::open(context)?;
    let fail = |e: crate::grid::GridError| context.error(e);
    let (rows, columns) = (truth.latitude().len(), truth.longitude().len());
    let cut = |name: &str| -> PaperResult<Field> {
        predictions.field(&field_of(name))?.slice(day..day + 1, 0..rows, 0..columns).map_err(fail)
    };
    let date = truth.time().date(day);
    let coarse = {
        let all = ground.twin.coarse();
        let at = (0..all.frames()).find(|t| all.time().date(*t) == date).unwrap_or(0);
        let (rows, columns) = (all.latitude().len(), all.longitude().len());
        let frame = all.slice(at..at + 1, 0..rows, 0..columns).map_err(fail)?;
        let values = frame.values().iter().map(|v| v.log10()).collect();
        frame.with_values(values, frame.mask().clone()).map_err(fail)?
    };
    let (wanted, members) = (cut(TRUTH)?, predictions.members("ddpm"));
    let error = |name: &str| -> PaperResult<Field> {
        let found = cut(name)?;
        let values = found.values().iter().zip(wanted.values()).map(|(p, t)| p - t).collect();
        found.with_values(values, found.mask().clone()).map_err(fail)
    };
    let spread: Vec<f32> = (0..wanted.values().len())
        .map(|i| {
            let values: Vec<f32> = members.iter().map(|m| m.frame(day)[i]).collect();
            let mean = values.iter().sum::<f32>() / values.len().max(1) as f32;
            let squares: f32 = values.iter().map(|v| (v - mean).powi(2)).sum();
            (squares / values.len().saturating_sub(1).max(1) as f32).sqrt()
        })
        .collect();
    let spread = wanted.with_values(spread, wanted.mask().clone()).map_err(fail)?;
    let fields = [
        ("Truth", wanted.clone(), Kind::Dust),
        ("Coarse record of the day", coarse, Kind::Dust),
        ("The day before", cut("persistence")?, Kind::Dust),
        ("Elevation", ground.twin.elevation().clone(), Kind::Height),
        ("Linear forecast", cut("linear")?, Kind::Dust),
        ("Deterministic U-Net", cut("unet")?, Kind::Dust),
        ("DDPM, mean", cut("ddpm")?, Kind::Dust),
        ("DDPM, one member", cut("ddpm_member")?, Kind::Dust),
        (
            "DDPM, another member",
            members.get(1).map_or_else(|| cut("ddpm_member"), |m| m.slice(day..day + 1, 0..rows, 0..columns).map_err(fail))?,
            Kind::Dust,
        ),
        ("U-Net − truth", error("unet")?, Kind::Error),
        ("DDPM mean − truth", error("ddpm")?, Kind::Error),
        ("Spread of the members", spread, Kind::Spread),
    ];
    let dust: Vec<f64> = wanted.values().iter().map(|v| f64::from(*v)).collect();
    let ends = (quantile(&dust, 0.005).map_err(|e| context.error(e))?, quantile(&dust, 0.995).map_err(|e| context.error(e))?);
    let errors: Vec<f64> = fields
        .iter()
        .filter(|(_, _, k)| *k == Kind::Error)
        .flat_map(|(_, f, _)| f.values().iter().map(|v| f64::from(v.abs())))
        .collect();
    let largest = quantile(&errors, 0.995).map_err(|e| context.error(e))?;
    let drawn: Vec<MapPanel<'_>> = fields
        .iter()
        .map(|(title, field, kind)| MapPanel {
            title: (*title).to_string(),
            field,
            frame: 0,
            colour_map: kind.colours(),
            range: match kind {
                Kind::Dust => Some(ends),
                Kind::Error => Some((-span(largest), span(largest))),
                Kind::Height | Kind::Spread => two_ticks(field, 0),
            },
            quantity: kind.quantity().into(),
            unit: if *kind == Kind::Height { Unit::Metre } else { Unit::One },
        })
        .collect();
    let style = MapStyle { panels_in_a_row: Some(3), ..MapStyle::default() };
    draw_maps(&drawn, &style, &context.path("transfer_maps"), &passport(context, configuration.seed)?)
        .map_err(|e| context.error(e))?;
    Ok(())
}

/// What a map shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Dust,
    Error,
    Height,
    Spread,
}

impl Kind {
    fn colours(self) -> ColourMap {
        match self {
            Kind::Dust => ColourMap::Thermal,
            Kind::Error => ColourMap::Vik,
            Kind::Height => ColourMap::Batlow,
            Kind::Spread => ColourMap::Viridis,
        }
    }

    fn quantity(self) -> &'static str {
        match self {
            Kind::Dust => "log10 dust AOD",
            Kind::Error => "error of log10 AOD",
            Kind::Height => "height",
            Kind::Spread => "spread of log10 AOD",
        }
    }
}

/// A curve through points.
pub fn line(label: &str, points: Vec<(f64, f64)>) -> LineSeries {
    let (x, y) = points.into_iter().unzip();
    LineSeries { label: label.into(), x, y, band: None }
}

/// Methods whose roughness is drawn.
const DRAWN: [(&str, &str); 5] = [
    ("bilinear", "bilinear"),
    ("linear", "linear forecast"),
    ("unet", "U-Net"),
    ("ddpm", "DDPM, mean"),
    ("ddpm_member", "DDPM, one member"),
];

fn variograms(context: &StepContext<'_>) -> PaperResult<()> {
    let configuration: TransferLadderConfiguration = context.configuration()?;
    let predictions = open(context, TEST)?;
    let of = |field: &Field| DailyVariograms::of(field, &configuration.variogram_kilometres).map_err(|e| context.error(e));
    let field = predictions.field(TRUTH)?;
    let truth = of(field)?;
    let all: Vec<usize> = (0..field.frames()).collect();
    let filled = truth.filled();
    let furthest = filled.last().map_or(1.0, |k| truth.kilometres[*k]);
    let (mut curves, mut ratios) = (Vec::new(), Vec::new());
    let points = |of: &dyn Fn(usize) -> f64| filled.iter().map(|k| (truth.kilometres[*k], of(*k))).collect::<Vec<_>>();
    for (method, title) in DRAWN {
        let own = of(predictions.field(&field_of(method))?)?;
        curves.push(line(title, points(&|k| own.mean(k, &all))));
        ratios.push(line(title, points(&|k| own.mean(k, &all) / truth.mean(k, &all))));
    }
    curves.push(line("truth", points(&|k| truth.mean(k, &all))));
    ratios.push(line("truth", points(&|_| 1.0)));
    // Three single days, evenly spaced: what a day's curve looks like beside the mean of all.
    let (member, unet) = (of(predictions.field(&field_of("ddpm_member"))?)?, of(predictions.field("unet")?)?);
    let mut days = Vec::new();
    for t in [0, field.frames() / 2, field.frames() - 1] {
        let date = field.time().date(t).map_or(String::new(), |d| d.to_string());
        days.push(line(&format!("member, {date}"), points(&|k| member.mean(k, &[t]) / truth.mean(k, &[t]))));
        days.push(line(&format!("U-Net, {date}"), points(&|k| unet.mean(k, &[t]) / truth.mean(k, &[t]))));
    }
    let x = Some(Scale::Linear(0.0, furthest));
    let panel = |title: &str, y_label: &str, y_scale: Option<Scale>, series: Vec<LineSeries>| LinePanel {
        title: title.into(),
        x_label: "distance (km)".into(),
        y_label: y_label.into(),
        x_scale: x,
        y_scale,
        series,
    };
    let most = truth.pairs.iter().copied().max().unwrap_or(1) as f64;
    let drawn = [
        panel("Semivariograms", "semivariance (decades²)", None, curves),
        panel("Over the truth's", "semivariance / truth's", Some(Scale::Linear(0.0, 1.6)), ratios),
        panel("Three days", "semivariance / truth's", Some(Scale::Linear(0.0, 1.6)), days),
        panel(
            "Pairs behind each point",
            "pairs of cells a day",
            Some(Scale::Logarithmic(1e3, 10f64.powf(most.log10().ceil()))),
            vec![line("", points(&|k| truth.pairs[k] as f64))],
        ),
    ];
    draw_lines(&drawn, &LineStyle::default(), &context.path("transfer_variograms"), &passport(context, configuration.seed)?)
        .map_err(|e| context.error(e))?;
    Ok(())
}

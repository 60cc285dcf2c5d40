//! The figures of the dust: a day as each method sees it, roughness against distance, memory and the roll-out.

use serde_json::Value;

use super::transfer_dust::CONFIGURATION;
use super::transfer_ground::{DUST_ROOMS, DustGround};
use super::transfer_predictions::{BEYOND, DustPredictions, TEST, TRUTH, TransferLadderConfiguration};
use super::transfer_scores::field_of;
use super::transfer_statistics::{DailyVariograms, lag_curve, mean_departures};
use crate::data::Tier;
use crate::figure::{
    Band, ColourMap, LinePanel, LineSeries, LineStyle, MapPanel, MapStyle, Passport, Scale, draw_lines, draw_maps,
};
use crate::grid::{Field, Unit};
use crate::paper::PaperResult;
use crate::paper::step::{Step, StepContext};
use crate::score::{
    DEFAULT_COVERAGE, LagDivisor, MissingDays, PartialMethod, autocorrelation, bartlett_bands, partial_autocorrelation, quantile,
};

const ROOMS: &[&str] = &[
    "src/cf/",
    "src/figure/",
    "src/paper/table",
    "assets/",
    "src/paper/steps/diagnostics_bootstrap.rs",
    "src/paper/steps/transfer_training.rs",
    "src/paper/steps/transfer_predictions.rs",
    "src/paper/steps/transfer_statistics.rs",
    "src/paper/steps/transfer_scores.rs",
    "src/paper/steps/transfer_figures.rs",
];

macro_rules! figure_step {
    ($name:literal, $about:literal, $needs:expr, $run:expr) => {
        Step {
            name: $name,
            about: $about,
            rooms: &[DUST_ROOMS, ROOMS],
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

/// A held-out day as each method sees it.
pub const MAPS: Step = figure_step!(
    "transfer_maps",
    "figures/transfer_maps.png: a held-out day of dust, what is known of it, and what methods make of it",
    &["dust", "transfer_predictions"],
    maps
);
/// Semivariances against distance.
pub const VARIOGRAMS: Step = figure_step!(
    "transfer_variograms",
    "figures/transfer_variograms.png: roughness of each method against distance, with the pairs behind it",
    &["transfer_predictions"],
    variograms
);
/// Correlations in time, and the roll-out.
pub const SERIES: Step = figure_step!(
    "transfer_series",
    "figures/transfer_series.png: memory of the rolled-out dust, and its error with the days",
    &["transfer_predictions"],
    series
);

fn passport(context: &StepContext<'_>, seed: u64) -> PaperResult<Passport> {
    context.passport(context.step.name, vec![Tier::Twin], seed, Value::Null)
}

fn open(context: &StepContext<'_>, name: &str) -> PaperResult<DustPredictions> {
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
                Kind::Error => Some((-largest, largest)),
                Kind::Height | Kind::Spread => None,
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

fn line(label: &str, points: Vec<(f64, f64)>) -> LineSeries {
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

/// Fields whose memory is drawn.
const REMEMBERED: [(&str, &str); 4] = [
    (TRUTH, "truth"),
    ("bilinear_unbiased", "coarse record"),
    ("ddpm_strict_member", "DDPM member, rolled out"),
    ("unet_strict", "U-Net, rolled out"),
];

fn series(context: &StepContext<'_>) -> PaperResult<()> {
    let configuration: TransferLadderConfiguration = context.configuration()?;
    let predictions = open(context, BEYOND)?;
    let fail = |e: crate::score::ScoreError| context.error(e);
    let usual = predictions.field("climatology")?;
    let count = usual.frames();
    // No more lags than a quarter of the days.
    let lags = configuration.lags.min(count / 4);
    let (mut whole, mut partial, mut far, mut alike, mut means) = (vec![], vec![], vec![], vec![], vec![]);
    for (name, label) in REMEMBERED {
        let field = predictions.field(&field_of(name))?;
        let values = mean_departures(field, usual);
        let found = autocorrelation(&values, None, lags, LagDivisor::Count, MissingDays::Conservative).map_err(fail)?;
        let numbered = |values: &[f64]| values.iter().enumerate().map(|(k, v)| (k as f64, *v)).collect::<Vec<_>>();
        let mut curve = line(label, numbered(&found));
        if name == TRUTH {
            let bands = bartlett_bands(&found, count, DEFAULT_COVERAGE).map_err(fail)?;
            curve.band =
                Some(Band { lower: bands.iter().map(|b| b.lower).collect(), upper: bands.iter().map(|b| b.upper).collect() });
        }
        whole.push(curve);
        partial.push(line(label, numbered(&partial_autocorrelation(&values, lags, PartialMethod::YuleWalker).map_err(fail)?)));
        let curve = lag_curve(field, lags.min(10)).map_err(fail)?;
        let at = |of: fn(&(f64, f64)) -> f64| curve.iter().enumerate().map(|(k, v)| ((k + 1) as f64, of(v))).collect::<Vec<_>>();
        far.push(line(label, at(|v| v.0)));
        alike.push(line(label, at(|v| v.1)));
        means.push(line(label, numbered(&values)));
    }
    let truth = predictions.field(TRUTH)?;
    let errors = [
        ("climatology", "climatology"),
        ("bilinear_unbiased", "coarse record"),
        ("unet_strict", "U-Net, rolled out"),
        ("ddpm_strict", "DDPM mean, rolled out"),
        ("ddpm_lenient", "DDPM mean, true past"),
    ];
    let mut growth = Vec::new();
    for (name, label) in errors {
        growth.push(line(label, running(&daily_errors(truth, predictions.field(name)?))));
    }
    let panel = |title: &str, x_label: &str, y_label: &str, y_scale: Option<Scale>, series: Vec<LineSeries>| LinePanel {
        title: title.into(),
        x_label: x_label.into(),
        y_label: y_label.into(),
        x_scale: None,
        y_scale,
        series,
    };
    let correlation = Some(Scale::Linear(-0.5, 1.0));
    let drawn = [
        panel("Autocorrelation of the area's mean", "lag (days)", "correlation", correlation, whole),
        panel("Partial autocorrelation", "lag (days)", "correlation", correlation, partial),
        panel("Maps some days apart", "lag (days)", "RMSE (decades)", None, far),
        panel("Likeness of maps some days apart", "lag (days)", "squared correlation", Some(Scale::Linear(0.0, 1.0)), alike),
        panel("The area's mean less what is usual", "days after the end of the fine record", "log10 AOD", None, means),
        panel("Error of the roll-out, mean of 7 days", "days after the end of the fine record", "RMSE (decades)", None, growth),
    ];
    draw_lines(&drawn, &LineStyle::default(), &context.path("transfer_series"), &passport(context, configuration.seed)?)
        .map_err(|e| context.error(e))?;
    Ok(())
}

fn daily_errors(truth: &Field, prediction: &Field) -> Vec<f64> {
    (0..truth.frames())
        .map(|t| {
            let squares = truth.frame(t).iter().zip(prediction.frame(t)).map(|(a, b)| f64::from(a - b).powi(2));
            (squares.sum::<f64>() / truth.frame_len() as f64).sqrt()
        })
        .collect()
}

/// Means of seven days in turn, at their middles.
fn running(values: &[f64]) -> Vec<(f64, f64)> {
    const WINDOW: usize = 7;
    values
        .windows(WINDOW.min(values.len()))
        .enumerate()
        .map(|(k, w)| (k as f64 + 3.0, w.iter().sum::<f64>() / w.len() as f64))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_of_seven_days() {
        let values: Vec<f64> = (0..9).map(f64::from).collect();
        assert_eq!(running(&values), [(3.0, 3.0), (4.0, 4.0), (5.0, 5.0)]);
    }
}

//! The figure of the dust in time: how long it is remembered, and how the roll-out past the fine record's end holds.

use super::transfer_dust::CONFIGURATION;
use super::transfer_figures::{ROOMS, figure_step, line, open, passport};
use super::transfer_ground::DUST_ROOMS;
use super::transfer_predictions::{BEYOND, TRUTH, TransferLadderConfiguration};
use super::transfer_scores::field_of;
use super::transfer_statistics::{lag_curve, mean_departures};
use crate::figure::{Band, LinePanel, LineSeries, LineStyle, Scale, draw_lines};
use crate::grid::Field;
use crate::paper::PaperResult;
use crate::paper::step::{Step, StepContext};
use crate::score::{
    DEFAULT_COVERAGE, LagDivisor, MissingDays, PartialMethod, autocorrelation, bartlett_bands, partial_autocorrelation,
};

/// Correlations in time, and the roll-out.
pub const STEP: Step = figure_step!(
    "transfer_series",
    "figures/transfer_series.png: memory of the rolled-out dust, and its error with the days",
    &["src/paper/steps/transfer_series.rs"],
    &["transfer_predictions"],
    series
);

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
        panel("The area's mean less what is usual", "days after the end of the fine record", "log10 AOD", room(&means), means),
        panel(
            "Error of the roll-out, mean of 7 days",
            "days after the end of the fine record",
            "RMSE (decades)",
            room(&growth),
            growth,
        ),
    ];
    draw_lines(&drawn, &LineStyle::default(), &context.path("transfer_series"), &passport(context, configuration.seed)?)
        .map_err(|e| context.error(e))?;
    Ok(())
}

/// A scale with room for a legend above the curves.
fn room(curves: &[LineSeries]) -> Option<Scale> {
    const ROOM: f64 = 0.6;
    let ends = curves.iter().flat_map(|c| c.y.iter().copied()).filter(|y| y.is_finite());
    let (low, high) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), y| (a.min(y), b.max(y)));
    (low < high).then_some(Scale::Linear(low - 0.05 * (high - low), high + ROOM * (high - low)))
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

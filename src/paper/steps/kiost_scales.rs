//! What each downscaling of the third paper has of the truth's scales: spectra and gradients, as rows and as a figure.

use serde_json::Value;

use super::diagnostics_bootstrap::{Estimates, estimates};
use super::diagnostics_figure as panels;
use super::diagnostics_spectra::{SpectralReading, SpectralStudy};
use super::kiost_bay::{BAY, Bay, SPLIT};
use super::kiost_methods::{self, COMPOSITE, CONFIGURATION, KiostScoresConfiguration, TRAINED, title};
use super::kiost_scores::SCORED;
use super::kiost_twin;
use crate::data::Tier;
use crate::figure::{LinePanel, LineSeries, LineStyle, Scale, draw_lines};
use crate::grid::{EARTH_RADIUS_METRES, Field};
use crate::paper::PaperResult;
use crate::paper::products;
use crate::paper::step::{Step, StepContext};
use crate::score::{ScoreError, ScoreResult, gradient_magnitude};

/// What spectra are read by.
pub(super) const SCALES: &[&str] = &[
    "src/paper/steps/diagnostics_bootstrap.rs",
    "src/paper/steps/diagnostics_spectra.rs",
    "src/paper/steps/land_free_square.rs",
    "src/paper/steps/diagnostics_errors.rs",
    "src/paper/steps/diagnostics_figure.rs",
    "src/paper/steps/kiost_scales.rs",
    "src/figure/",
];

/// The figure.
pub const STEP: Step = Step {
    name: "kiost_scales",
    about: "figures/kiost_scales.png: energy by scale and fronts of the third paper's downscalings",
    rooms: &[super::TWIN_AND_SPLIT, BAY, SCORED, SCALES, &["assets/"]],
    configurations: &[CONFIGURATION, kiost_twin::CONFIGURATION, SPLIT],
    needs: &kiost_methods::NEEDS,
    data: &[],
    publishes: &[
        ("kiost_scales.png", "figures/kiost_scales.png"),
        ("kiost_scales.svg", "figures/kiost_scales.svg"),
        ("kiost_scales.json", "figures/kiost_scales.json"),
    ],
    run,
};

/// Bands of wavelengths in kilometres whose power is compared, with their names in metric ids: between the shortest wave of
/// the fine grid and that of the coarse one, and what the coarse grid holds but its analysis has smoothed.
pub const BANDS: [(&str, (f64, f64)); 2] = [("fine", (11.0, 55.6)), ("middle", (55.6, 130.0))];

/// A level at which a scale counts as resolved.
const LEVEL: f64 = 0.5;

/// Kilometres between rows of a field, and between its columns at the square's middle row.
fn spacing_kilometres(field: &Field, middle: usize) -> (f64, f64) {
    let degree = EARTH_RADIUS_METRES.to_radians() / 1000.0;
    let at = field.latitude().centres().get(middle).copied().unwrap_or(0.0);
    (field.latitude().spacing().abs() * degree, field.longitude().spacing().abs() * degree * at.to_radians().cos())
}

/// Spectra of the methods' fields against a reference, the truth or the composite, with the power in one band.
///
/// # Errors
/// As [`SpectralStudy::of`].
pub fn spectra(
    configuration: &KiostScoresConfiguration,
    reference: &Field,
    fields: &[Field],
    band: (f64, f64),
) -> ScoreResult<SpectralStudy> {
    let products: Vec<(String, Field)> = fields.iter().map(|f| (f.name().to_string(), f.clone())).collect();
    let reading = SpectralReading {
        band_kilometres: (band.0, BANDS[1].1.1),
        fine_band_kilometres: Some(band),
        level: LEVEL,
        block_days: configuration.block_days,
        resamples: configuration.resamples,
        seed: configuration.seed,
    };
    let spacing = |f: &Field, square: super::land_free_square::Square| spacing_kilometres(f, square.row + square.cells / 2);
    SpectralStudy::of("bay", Tier::Twin, reference, &products, spacing, &reading)
}

/// The gradients of all frames, kelvin per 100 km, by frame.
///
/// # Errors
/// As [`gradient_magnitude`].
pub fn fronts(field: &Field) -> ScoreResult<Vec<Vec<f64>>> {
    let [frames, rows, columns] = field.shape();
    let (down, _) = spacing_kilometres(field, 0);
    let across: Vec<f64> = (0..rows).map(|y| spacing_kilometres(field, y).1 / 100.0).collect();
    (0..frames)
        .map(|t| {
            let values: Vec<f64> = field.frame(t).iter().map(|v| f64::from(*v)).collect();
            let valid: Vec<bool> = field.frame_mask(t).iter().map(|c| c.is_valid()).collect();
            let found = gradient_magnitude(&values, rows, columns, Some(&valid), down / 100.0, &across)?;
            Ok(found.values.iter().zip(&found.valid).filter(|(_, v)| **v).map(|(g, _)| *g).collect())
        })
        .collect()
}

/// The mean square of a field's gradients over that of the truth's, from their [`fronts`], with an interval over blocks of
/// days.
///
/// # Errors
/// [`ScoreError::Constant`] where the truth has no gradient.
pub fn gradient_energy(
    configuration: &KiostScoresConfiguration,
    truth: &[Vec<f64>],
    field: &[Vec<f64>],
) -> ScoreResult<Estimates> {
    let squares = |frames: &[Vec<f64>]| -> Vec<f64> { frames.iter().map(|f| f.iter().map(|g| g * g).sum()).collect() };
    let (of_truth, of_field) = (squares(truth), squares(field));
    let days = of_truth.len().min(of_field.len());
    estimates(days, configuration.block_days, configuration.resamples, configuration.seed, |at| {
        let sum = |of: &[f64]| at.iter().map(|t| of[*t]).sum::<f64>();
        if sum(&of_truth) <= 0.0 {
            return Err(ScoreError::Constant { what: "the truth", metric: "gradient_energy" });
        }
        Ok(vec![sum(&of_field) / sum(&of_truth)])
    })
}

/// The methods that are drawn.
fn drawn(name: &str) -> bool {
    name == "bicubic" || name == COMPOSITE || TRAINED.contains(&name)
}

fn run(context: &StepContext<'_>) -> PaperResult<()> {
    let fail = |e: ScoreError| context.error(e);
    let configuration: KiostScoresConfiguration = context.configuration()?;
    let bay = Bay::open(context)?;
    let days = kiost_methods::test_days(&bay);
    let mut fields = kiost_methods::fields(context, &bay, &days, configuration.bias_band_degrees)?;
    fields.retain(|f| drawn(f.name()));
    let truth = products::frames(bay.twin.truth(), &days).map_err(|e| context.error(e))?;
    let titled = |mut study: SpectralStudy| {
        study.products.iter_mut().for_each(|p| p.method = title(&p.method).to_string());
        study
    };
    let against_truth = titled(spectra(&configuration, &truth, &fields, BANDS[1].1).map_err(fail)?);
    let composite = fields.iter().find(|f| f.name() == COMPOSITE).cloned();
    let mut all = vec![
        panels::spectra("Spectra of temperature", &against_truth),
        panels::ratios("Energy by scale, of the truth's", &against_truth, LEVEL),
    ];
    if let Some(composite) = composite {
        let others: Vec<Field> = fields.iter().filter(|f| f.name() != COMPOSITE).cloned().collect();
        let study = titled(spectra(&configuration, &composite, &others, BANDS[1].1).map_err(fail)?);
        let y_label = "power / power of the composite".into();
        let mut panel = panels::ratios("Energy by scale, of the lesson's", &study, LEVEL);
        panel.series.iter_mut().for_each(|s| cut_short_waves(s, BANDS[1].1));
        all.push(LinePanel { y_label, ..panel });
    }
    let mut steep = Vec::new();
    for field in &fields {
        steep.push((title(field.name()).to_string(), fronts(field).map_err(fail)?.concat()));
    }
    steep.push(("truth".to_string(), fronts(&truth).map_err(fail)?.concat()));
    all.push(steepness(steep));
    let passport = context.passport(context.step.name, vec![Tier::Twin], configuration.seed, Value::Null)?;
    draw_lines(&all, &LineStyle::default(), &context.path("kiost_scales"), &passport).map_err(|e| context.error(e))?;
    Ok(())
}

/// Leaves out waves shorter than the band in which the composite has any power: a share of nothing says nothing.
fn cut_short_waves(series: &mut LineSeries, band: (f64, f64)) {
    let kept: Vec<usize> = (0..series.x.len()).filter(|i| series.x[*i] >= band.0).collect();
    let of = |values: &[f64]| kept.iter().map(|i| values[*i]).collect::<Vec<f64>>();
    if let Some(band) = &mut series.band {
        (band.lower, band.upper) = (of(&band.lower), of(&band.upper));
    }
    (series.x, series.y) = (of(&series.x), of(&series.y));
}

/// The share of the cells whose gradient is steeper than a value, by method.
fn steepness(products: Vec<(String, Vec<f64>)>) -> LinePanel {
    const POINTS: usize = 60;
    const LEAST_SHARE: f64 = 1e-5;
    let steepest = products.iter().flat_map(|(_, g)| g.iter().copied()).fold(f64::MIN_POSITIVE, f64::max);
    let series = products.into_iter().map(|(label, mut found)| {
        found.sort_by(f64::total_cmp);
        let steeper = |g: f64| (found.len() - found.partition_point(|v| *v <= g)) as f64 / found.len().max(1) as f64;
        let points = (0..=POINTS).map(|i| steepest * i as f64 / POINTS as f64).map(|g| (g, steeper(g)));
        let (x, y) = points.filter(|(_, share)| *share >= LEAST_SHARE).unzip();
        LineSeries { label, x, y, band: None }
    });
    LinePanel {
        title: "Fronts".into(),
        x_label: "gradient (K per 100 km)".into(),
        y_label: "share of cells that are steeper".into(),
        x_scale: Some(Scale::Linear(0.0, steepest)),
        y_scale: Some(Scale::Logarithmic(LEAST_SHARE, 1.0)),
        series: series.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{Axis, AxisKind, Mask, SECONDS_PER_DAY, TimeAxis, Unit};

    fn plane(days: usize, slope: f64) -> Field {
        let n = 24;
        let axis = |kind| Axis::regular(kind, -0.575, 0.05, n).unwrap();
        let time = TimeAxis::from_seconds((0..days).map(|d| d as f64 * SECONDS_PER_DAY).collect()).unwrap();
        let values = (0..days * n * n).map(|i| (slope * ((i / n) % n) as f64) as f32).collect();
        let mask = Mask::all_valid(days * n * n);
        Field::new("sst", values, mask, time, axis(AxisKind::Latitude), axis(AxisKind::Longitude), Unit::Celsius).unwrap()
    }

    fn configuration() -> KiostScoresConfiguration {
        let text = include_str!("../../../configs/kiost/scores.toml");
        toml::from_str(text).unwrap()
    }

    #[test]
    fn the_gradient_of_a_plane_by_hand() {
        // 0.1 K from row to row of 0.05 degree = 5.56 km
        let found = fronts(&plane(2, 0.1)).unwrap();
        let want = 0.1 / (0.05 * EARTH_RADIUS_METRES.to_radians() / 100e3);
        assert_eq!(found.len(), 2);
        assert!(found.concat().iter().all(|g| (g - want).abs() < 1e-3 * want), "{want}");
    }

    #[test]
    fn half_the_slope_has_a_quarter_of_the_energy() {
        let (steep, flat) = (fronts(&plane(60, 0.1)).unwrap(), fronts(&plane(60, 0.05)).unwrap());
        let found = gradient_energy(&configuration(), &steep, &flat).unwrap();
        assert!((found.values[0] - 0.25).abs() < 1e-4 && found.intervals.is_some(), "{found:?}");
        assert!(gradient_energy(&configuration(), &fronts(&plane(60, 0.0)).unwrap(), &flat).is_err());
    }

    #[test]
    fn the_shares_fall_and_the_steepest_is_seen() {
        let panel = steepness(vec![("a".into(), vec![1.0, 2.0, 4.0, 8.0])]);
        let line = &panel.series[0];
        assert_eq!((line.x[0], line.y[0]), (0.0, 1.0));
        assert!(line.y.windows(2).all(|p| p[0] >= p[1]));
        assert_eq!(panel.x_scale, Some(Scale::Linear(0.0, 8.0)));
    }

    #[test]
    fn bands_lie_beside_each_other() {
        assert_eq!(BANDS[0].1.1, BANDS[1].1.0);
    }
}

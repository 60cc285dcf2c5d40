//! The panels of the diagnostics' figure.

use super::diagnostics_bootstrap::Estimates;
use super::diagnostics_errors::{ErrorMemory, ErrorVariogram};
use super::diagnostics_spectra::SpectralStudy;
use crate::figure::{Band, LinePanel, LineSeries, Scale};
use crate::score::VariogramModel;

/// Names of methods in the legends.
const NAMES: [(&str, &str); 7] = [
    ("bicubic", "bicubic"),
    ("bicubic_backprojected", "back-projected"),
    ("edsr", "learned (EDSR)"),
    ("esrgan", "ESRGAN-style"),
    ("uadm", "UADM, mean"),
    ("uadm_member", "UADM, one member"),
    ("fine_analysis", "fine analysis"),
];

/// Share of the truth's greatest power below which no ratio is drawn.
const LEAST_POWER: f64 = 1e-5;

fn name_of(method: &str) -> String {
    NAMES.iter().find(|(id, _)| *id == method).map_or(method, |(_, name)| name).to_string()
}

fn line(label: impl Into<String>, x: Vec<f64>, y: Vec<f64>, band: Option<Band>) -> LineSeries {
    LineSeries { label: label.into(), x, y, band }
}

fn band_of(estimates: &Estimates) -> Option<Band> {
    estimates.intervals.as_ref().map(|(lower, upper)| Band { lower: lower.clone(), upper: upper.clone() })
}

/// Spectra of the truth and the products around the circle.
pub fn spectra(title: &str, study: &SpectralStudy) -> LinePanel {
    // The methods first, so that each has the same colour in every panel.
    let of = |label: String, power: &[f64]| line(label, study.frequencies.clone(), power.to_vec(), None);
    let mut series: Vec<LineSeries> = study.products.iter().map(|p| of(name_of(&p.method), &p.spectrum)).collect();
    series.push(of("truth".into(), &study.truth));
    let highest = study.truth.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let lowest = study.truth.iter().copied().fold(highest, f64::min);
    let last = study.frequencies.last().copied().unwrap_or(1.0);
    let first = study.frequencies.first().copied().unwrap_or(0.5 * last);
    LinePanel {
        title: title.into(),
        x_label: "wavenumber (cycles/km)".into(),
        y_label: "power (K² km)".into(),
        x_scale: Some(Scale::Logarithmic(0.8 * first, 1.1 * last)),
        // Down to a tenth of the truth's least power: smooth products fall without end.
        y_scale: Some(Scale::Logarithmic(0.1 * lowest, 3.0 * highest)),
        series,
    }
}

/// Ratios of the spectra of products and truth, with the level that bounds what is resolved.
pub fn ratios(title: &str, study: &SpectralStudy, level: f64) -> LinePanel {
    // Where the truth has next to no power, a ratio to it says nothing.
    let highest = study.truth.iter().copied().fold(0.0, f64::max);
    let told: Vec<usize> = (0..study.truth.len()).filter(|i| study.truth[*i] > LEAST_POWER * highest).collect();
    let at = |values: &[f64]| -> Vec<f64> { told.iter().map(|i| values[*i]).collect() };
    let wavelengths = at(&study.wavelengths());
    let mut series: Vec<LineSeries> = study
        .products
        .iter()
        .map(|p| {
            let band = band_of(&p.ratio).map(|b| Band { lower: at(&b.lower), upper: at(&b.upper) });
            line(name_of(&p.method), wavelengths.clone(), at(&p.ratio.values), band)
        })
        .collect();
    let ends = |f: fn(f64, f64) -> f64, start: f64| wavelengths.iter().copied().fold(start, f);
    let (shortest, longest) = (ends(f64::min, f64::INFINITY), ends(f64::max, 0.0));
    series.push(line(format!("level {level}"), vec![shortest, longest], vec![level, level], None));
    LinePanel {
        title: title.into(),
        x_label: "wavelength (km)".into(),
        y_label: "power / power of the truth".into(),
        x_scale: Some(Scale::Logarithmic(0.9 * shortest, 1.1 * longest)),
        y_scale: Some(Scale::Linear(0.0, 1.4)),
        series,
    }
}

/// The semivariogram of the analysis's error, the fitted model and the known one.
pub fn variogram(found: &ErrorVariogram, known: &VariogramModel) -> LinePanel {
    let last = found.lags.last().copied().unwrap_or(1.0);
    let lags: Vec<f64> = (0..=80).map(|i| last * f64::from(i) / 80.0).collect();
    let model = |model: &VariogramModel| lags.iter().map(|h| model.at(*h)).collect::<Vec<f64>>();
    let (range, height) = (known.range(), known.sill());
    let series = vec![
        line("estimate, 95 %", found.lags.clone(), found.semivariance.values.clone(), band_of(&found.semivariance)),
        line(format!("fit, range {:.0} km", found.model.range()), lags.clone(), model(&found.model), None),
        line(format!("known, range {range:.0} km"), lags.clone(), model(known), None),
        line("known range", vec![range, range], vec![0.0, height], None),
    ];
    LinePanel {
        title: "Analysis error: semivariogram".into(),
        x_label: "distance (km)".into(),
        y_label: "semivariance (K²)".into(),
        x_scale: Some(Scale::Linear(0.0, last)),
        y_scale: Some(Scale::Linear(0.0, 1.5 * height)),
        series,
    }
}

/// The autocorrelation of the analysis's error with the known one.
pub fn memory(found: &ErrorMemory, known_days: f64) -> LinePanel {
    let lags: Vec<f64> = (0..found.autocorrelation.values.len()).map(|k| k as f64).collect();
    let known: Vec<f64> = lags.iter().map(|k| (-k / known_days).exp()).collect();
    let last = lags.last().copied().unwrap_or(1.0);
    let level = (-1.0f64).exp();
    LinePanel {
        title: "Analysis error: autocorrelation".into(),
        x_label: "lag (days)".into(),
        y_label: "autocorrelation".into(),
        x_scale: Some(Scale::Linear(0.0, last)),
        y_scale: Some(Scale::Linear(-0.2, 1.0)),
        series: vec![
            line("estimate, 95 %", lags.clone(), found.autocorrelation.values.clone(), band_of(&found.autocorrelation)),
            line(format!("known, memory {known_days} days"), lags, known, None),
            line("1/e", vec![0.0, last], vec![level, level], None),
        ],
    }
}

/// An error that triple collocation recovered.
pub struct RecoveredError {
    /// Whose.
    pub name: &'static str,
    /// As it was put in, kelvin.
    pub known: f64,
    /// As recovered.
    pub value: f64,
    /// Its interval.
    pub interval: (f64, f64),
}

/// Recovered errors against known ones: a cross at the value, a stroke as long as the interval.
pub fn collocation(errors: &[RecoveredError]) -> LinePanel {
    let ends = errors.iter().flat_map(|e| [e.known, e.interval.0, e.interval.1]);
    let (low, high) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
    let (low, high) = (low - 0.25 * (high - low), high + 0.25 * (high - low));
    let arm = 0.02 * (high - low);
    let mut series = vec![line("recovered = known", vec![low, high], vec![low, high], None)];
    for e in errors {
        // One stroke of the pen, since a curve has no marks: up the interval, and to either side at the value.
        let (x, (lower, upper)) = (e.known, e.interval);
        let xs = [x - arm, x + arm, x, x, x - arm, x + arm, x, x, x - arm, x + arm];
        let ys = [lower, lower, lower, e.value, e.value, e.value, e.value, upper, upper, upper];
        series.push(line(e.name, xs.to_vec(), ys.to_vec(), None));
    }
    LinePanel {
        title: "Triple collocation: error SD".into(),
        x_label: "known (K)".into(),
        y_label: "recovered, 95 % (K)".into(),
        x_scale: Some(Scale::Linear(low, high)),
        y_scale: Some(Scale::Linear(low, high)),
        series,
    }
}

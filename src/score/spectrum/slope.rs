//! The slope of a spectrum.

use crate::score::FitLine;
use crate::score::Pairs;
use crate::score::error::{ScoreError, ScoreResult};

/// The straight line through ln P over ln k for frequencies of `band` (both ends within), by least squares.
///
/// # Formula
/// ```text
/// ln P = slope ln k + intercept
/// ```
/// The slope is the power law: about −5/3 for three-dimensional turbulence, −3 for enstrophy cascades, near −2 where fronts
/// prevail. Averages over directions (see [`IsotropicSpectrum`](crate::score::IsotropicSpectrum)) differ by 1. Frequencies
/// of 0 and bins without power are left out.
///
/// # Errors
/// [`ScoreError::Length`] where the lengths differ, [`ScoreError::TooFew`] below two frequencies in the band,
/// [`ScoreError::NotFinite`] for a power there that is not finite.
///
/// # Example
/// ```
/// let k = [0.0, 1.0, 2.0, 4.0, 8.0];
/// let power = k.map(|k: f64| 5.0 * k.powi(-3));
/// let line = isotherm::score::spectral_slope(&k, &power, 1.0..=8.0).unwrap();
/// assert!((line.slope + 3.0).abs() < 1e-12 && (line.intercept - 5f64.ln()).abs() < 1e-12);
/// ```
///
/// # Reference
/// Vallis (2017), doi:10.1017/9781107588417
pub fn spectral_slope(frequencies: &[f64], power: &[f64], band: std::ops::RangeInclusive<f64>) -> ScoreResult<FitLine> {
    if frequencies.len() != power.len() {
        return Err(ScoreError::Length { truth: frequencies.len(), prediction: power.len() });
    }
    let within = |k: f64| k > 0.0 && band.contains(&k);
    if let Some(position) = (0..power.len()).find(|i| within(frequencies[*i]) && !power[*i].is_finite()) {
        return Err(ScoreError::NotFinite { what: "the spectrum", position });
    }
    let (k, p): (Vec<f64>, Vec<f64>) =
        frequencies.iter().zip(power).filter(|(k, p)| within(**k) && **p > 0.0).map(|(k, p)| (k.ln(), p.ln())).unzip();
    if k.len() < 2 {
        return Err(ScoreError::TooFew { metric: "the slope of a spectrum (frequencies)", found: k.len(), wanted: 2 });
    }
    Pairs::collect(&k, &p, None, None)?.fit_prediction_on_truth()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_band_counts() {
        let k = [0.0, 1.0, 2.0, 4.0, 8.0];
        let power = [f64::INFINITY, 1e9, 2.0, 0.5, 1e9];
        // from 2 at 2 to 0.5 at 4: a quarter for twice the frequency
        assert!((spectral_slope(&k, &power, 2.0..=4.0).unwrap().slope + 2.0).abs() < 1e-12);
        assert!(matches!(spectral_slope(&k, &power, 3.0..=4.0), Err(ScoreError::TooFew { found: 1, .. })));
        assert!(spectral_slope(&k, &[1.0], 0.0..=9.0).is_err());
        assert!(spectral_slope(&[1.0, 2.0], &[1.0, f64::NAN], 0.0..=9.0).is_err());
    }
}

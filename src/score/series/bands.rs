//! Within which band an autocorrelation is no more than chance.

use statrs::distribution::{ContinuousCDF, Normal};

use super::{ScoreError, ScoreResult};
use crate::score::interval::Interval;

/// Bartlett's intervals of an autocorrelation: those of a series that has memory up to the lag before, and none from there on.
///
/// # Formula
/// ```text
/// r(k) ± z √( (1 + 2 Σ_{j<k} r(j)²)/n ),    the sum over j = 1 .. k−1;  at lag 0 the interval is the point 1
/// ```
/// Where the interval holds 0, the correlation at that lag is no larger than chance. `count` is the length of the series.
///
/// # Errors
/// [`ScoreError::TooFew`] for no lag or no value, [`ScoreError::Argument`] for a coverage outside 0..1,
/// [`ScoreError::NotFinite`].
///
/// # Example
/// ```
/// use isotherm::score::bartlett_bands;
/// let bands = bartlett_bands(&[1.0, 0.5, 0.1], 100, 0.95).unwrap();
/// // 1.96 √(1.5/100) = 0.24 at lag 2
/// assert!((bands[2].upper - 0.1 - 0.24005).abs() < 1e-4);
/// ```
///
/// # Reference
/// Bartlett (1946), doi:10.2307/2983611
pub fn bartlett_bands(autocorrelation: &[f64], count: usize, coverage: f64) -> ScoreResult<Vec<Interval>> {
    let z = check(autocorrelation, count, coverage)?;
    let mut squares = 0.0;
    Ok(autocorrelation
        .iter()
        .enumerate()
        .map(|(lag, r)| {
            let half = if lag == 0 { 0.0 } else { z * ((1.0 + 2.0 * squares) / count as f64).sqrt() };
            squares += if lag == 0 { 0.0 } else { r * r };
            Interval { lower: r - half, upper: r + half, coverage }
        })
        .collect())
}

/// Intervals of an autocorrelation (or partial autocorrelation) as if the series were white noise.
///
/// # Formula
/// ```text
/// r(k) ± z/√n,    at lag 0 the interval is the point 1
/// ```
///
/// # Errors
/// As [`bartlett_bands`].
///
/// # Example
/// ```
/// use isotherm::score::white_noise_bands;
/// let bands = white_noise_bands(&[1.0, 0.5], 100, 0.95).unwrap();
/// assert!((bands[1].lower - 0.304).abs() < 1e-3 && bands[0].lower == 1.0);
/// ```
///
/// # Reference
/// Quenouille (1949), doi:10.1111/j.2517-6161.1949.tb00023.x
pub fn white_noise_bands(autocorrelation: &[f64], count: usize, coverage: f64) -> ScoreResult<Vec<Interval>> {
    let half = check(autocorrelation, count, coverage)? / (count as f64).sqrt();
    Ok(autocorrelation
        .iter()
        .enumerate()
        .map(|(lag, r)| {
            let half = if lag == 0 { 0.0 } else { half };
            Interval { lower: r - half, upper: r + half, coverage }
        })
        .collect())
}

/// The normal quantile for the coverage.
fn check(autocorrelation: &[f64], count: usize, coverage: f64) -> ScoreResult<f64> {
    if autocorrelation.is_empty() || count == 0 {
        return Err(ScoreError::TooFew { metric: "the band of an autocorrelation", found: 0, wanted: 1 });
    }
    super::check_finite(autocorrelation, "the autocorrelation")?;
    if !(coverage > 0.0 && coverage < 1.0) {
        return Err(ScoreError::Argument(format!("a coverage of {coverage} was asked for; between 0 and 1 is wanted (0.95)")));
    }
    Ok(Normal::standard().inverse_cdf(0.5 + coverage / 2.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_lag_is_that_of_white_noise() {
        let r = [1.0, 0.4, 0.2, 0.0];
        let (bartlett, white) = (bartlett_bands(&r, 50, 0.9).unwrap(), white_noise_bands(&r, 50, 0.9).unwrap());
        assert_eq!(bartlett[1], white[1]);
        assert!(bartlett[3].upper > bartlett[2].upper - r[2]);
        // (1 + 2(0.16 + 0.04))/50 = 0.028; z(0.95) = 1.6448536
        assert!((bartlett[3].upper - 1.644_853_6 * 0.028f64.sqrt()).abs() < 1e-7);
    }

    #[test]
    fn bad_arguments_are_refused() {
        assert!(bartlett_bands(&[], 10, 0.95).is_err());
        assert!(bartlett_bands(&[1.0], 0, 0.95).is_err());
        assert!(white_noise_bands(&[1.0], 10, 1.0).is_err());
        assert!(white_noise_bands(&[f64::NAN], 10, 0.95).is_err());
    }
}

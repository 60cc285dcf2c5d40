//! How one series follows another.

use super::{LagDivisor, ScoreError, ScoreResult, check_spread, dot, mean};
use crate::score::valid::check_count;

/// Cross-correlation at lags 0 to `max_lag`: x at time t + k with y at time t. Where it is largest at k > 0, x is late by k.
///
/// # Formula
/// ```text
/// r(k) = 1/d(k) · Σ_t (x(t+k) − x̄)(y(t) − ȳ) / (s_x s_y),    d(k) = n, or n − k;  s with divisor n
/// ```
/// Negative lags come from exchanging the two.
///
/// # Errors
/// [`ScoreError::Length`], [`ScoreError::TooFew`] below two values, [`ScoreError::Constant`], [`ScoreError::NotFinite`],
/// [`ScoreError::Argument`] for a lag as long as the series.
///
/// # Example
/// ```
/// use isotherm::score::{cross_correlation, LagDivisor};
/// let (y, x) = ([0.0, 1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0, 0.0]);
/// let r = cross_correlation(&x, &y, 3, LagDivisor::Count).unwrap();
/// assert!(r[2] > r[0] && r[2] > r[1] && r[2] > r[3]); // x is two steps late
/// ```
///
/// # Reference
/// Box, Jenkins, Reinsel (2008), doi:10.1002/9781118619193
pub fn cross_correlation(x: &[f64], y: &[f64], max_lag: usize, divisor: LagDivisor) -> ScoreResult<Vec<f64>> {
    check_count(x, y, "cross_correlation", 2)?;
    check_spread(x, "cross_correlation")?;
    check_spread(y, "cross_correlation")?;
    let n = x.len();
    if max_lag >= n {
        return Err(ScoreError::Argument(format!("a lag of {max_lag} leaves nothing of a series of {n}")));
    }
    let centred = |values: &[f64]| {
        let centre = mean(values);
        values.iter().map(|v| v - centre).collect::<Vec<f64>>()
    };
    let (x, y) = (centred(x), centred(y));
    let scale = (dot(&x, &x) / n as f64).sqrt() * (dot(&y, &y) / n as f64).sqrt();
    Ok((0..=max_lag)
        .map(|lag| {
            let count = if divisor == LagDivisor::Count { n } else { n - lag };
            dot(&x[lag..], &y[..n - lag]) / count as f64 / scale
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::{MissingDays, autocorrelation};

    #[test]
    fn with_itself_it_is_the_autocorrelation() {
        let x = [1.0, 4.0, 2.0, 8.0, 5.0, 7.0, 3.0];
        for divisor in [LagDivisor::Count, LagDivisor::Pairs] {
            let want = autocorrelation(&x, None, 4, divisor, MissingDays::Conservative).unwrap();
            for (a, b) in cross_correlation(&x, &x, 4, divisor).unwrap().iter().zip(want) {
                assert!((a - b).abs() < 1e-14);
            }
        }
    }

    #[test]
    fn bad_series_are_refused() {
        assert!(cross_correlation(&[1.0, 1.0], &[1.0, 2.0], 1, LagDivisor::Count).is_err());
        assert!(cross_correlation(&[1.0, 2.0], &[1.0, 2.0], 2, LagDivisor::Count).is_err());
        assert!(cross_correlation(&[1.0, 2.0], &[1.0], 0, LagDivisor::Count).is_err());
    }
}

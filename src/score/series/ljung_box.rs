//! Is anything left in a series that its own past could foretell?

use super::{ScoreError, ScoreResult};
use crate::score::significance::tail::chi_squared_above;

/// The Ljung-Box test over lags 1 to k.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LjungBox {
    /// Q, 0 or more.
    pub statistic: f64,
    /// Probability of a Q as large for a series without memory.
    pub p_value: f64,
}

/// Ljung-Box tests for lags 1, 1..2, 1..3 and so on, from an autocorrelation whose first value is lag 0.
///
/// # Formula
/// ```text
/// Q(k) = n (n + 2) Σ_{j=1..k} r(j)²/(n − j),    p = P( χ²_k ≥ Q )
/// ```
/// A small p says that the series (of errors, say) has memory.
///
/// # Errors
/// [`ScoreError::TooFew`] where the series has no more values than lags, [`ScoreError::NotFinite`].
///
/// # Example
/// ```
/// use isotherm::score::ljung_box;
/// // Q = 10·12·0.25/9
/// let test = ljung_box(&[1.0, 0.5], 10).unwrap();
/// assert!((test[0].statistic - 10.0 / 3.0).abs() < 1e-12 && (test[0].p_value - 0.0679).abs() < 1e-4);
/// ```
///
/// # Reference
/// Ljung, Box (1978), doi:10.1093/biomet/65.2.297
pub fn ljung_box(autocorrelation: &[f64], count: usize) -> ScoreResult<Vec<LjungBox>> {
    super::check_finite(autocorrelation, "the autocorrelation")?;
    if count < autocorrelation.len() || autocorrelation.is_empty() {
        return Err(ScoreError::TooFew { metric: "ljung_box", found: count, wanted: autocorrelation.len().max(1) });
    }
    let n = count as f64;
    let mut sum = 0.0;
    Ok(autocorrelation
        .iter()
        .enumerate()
        .skip(1)
        .map(|(lag, r)| {
            sum += r * r / (n - lag as f64);
            let statistic = n * (n + 2.0) * sum;
            LjungBox { statistic, p_value: chi_squared_above(statistic, lag as f64) }
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_correlation_no_evidence() {
        let test = ljung_box(&[1.0, 0.0, 0.0], 20).unwrap();
        assert_eq!((test.len(), test[1].statistic, test[1].p_value), (2, 0.0, 1.0));
    }

    #[test]
    fn two_lags_by_hand() {
        // with two degrees of freedom P(χ² ≥ q) = exp(−q/2); q = 20·22·(0.01/19 + 0.04/18)
        let q: f64 = 440.0 * (0.01 / 19.0 + 0.04 / 18.0);
        let test = ljung_box(&[1.0, 0.1, -0.2], 20).unwrap()[1];
        assert!((test.statistic - q).abs() < 1e-12 && (test.p_value - (-q / 2.0).exp()).abs() < 1e-12);
    }

    #[test]
    fn short_series_are_refused() {
        assert!(ljung_box(&[1.0, 0.5, 0.2], 2).is_err());
        assert!(ljung_box(&[], 2).is_err());
    }
}

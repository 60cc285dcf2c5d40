//! How well a law fits a sample.

use super::{Law, ScoreError, ScoreResult};
use crate::score::distribution::kolmogorov_above;
use crate::score::quantile::sorted;
use crate::score::significance::TestResult;

/// The test of Kolmogorov and Smirnov of a sample against a law. The p-value is that of a law known beforehand; for one fitted
/// to the same sample it is too large.
///
/// # Formula
/// ```text
/// D = max over i of ( i/n − F(x₍ᵢ₎), F(x₍ᵢ₎) − (i − 1)/n )
/// ```
///
/// # Errors
/// [`ScoreError::TooFew`] for an empty sample, [`ScoreError::NotFinite`].
///
/// # Example
/// ```
/// use isotherm::score::{kolmogorov_smirnov_law, GeneralizedPareto};
/// let uniform = GeneralizedPareto::new(0.0, 1.0, -1.0).unwrap();
/// assert!((kolmogorov_smirnov_law(&[0.1, 0.9], &uniform).unwrap().statistic - 0.4).abs() < 1e-15);
/// ```
///
/// # Reference
/// Massey (1951), doi:10.1080/01621459.1951.10500769
pub fn kolmogorov_smirnov_law(values: &[f64], law: &dyn Law) -> ScoreResult<TestResult> {
    let x = sorted(values)?;
    let n = x.len() as f64;
    let statistic = x.iter().enumerate().fold(0.0f64, |gap, (i, v)| {
        let below = law.below(*v);
        gap.max((i + 1) as f64 / n - below).max(below - i as f64 / n)
    });
    Ok(TestResult { statistic, p_value: kolmogorov_above(x.len(), statistic)? })
}

/// The statistic of Anderson and Darling of a sample against a law: as [`kolmogorov_smirnov_law`], but the tails weigh more. Its
/// p-value depends on the law and on what was fitted, so none is given.
///
/// # Formula
/// ```text
/// A² = −n − 1/n Σ (2i − 1)( ln F(x₍ᵢ₎) + ln(1 − F(x₍ₙ₊₁₋ᵢ₎)) )
/// ```
///
/// # Errors
/// [`ScoreError::TooFew`] for an empty sample, [`ScoreError::NotFinite`], [`ScoreError::Argument`] for a value that the law
/// excludes.
///
/// # Example
/// ```
/// use isotherm::score::{anderson_darling, GeneralizedPareto};
/// let uniform = GeneralizedPareto::new(0.0, 1.0, -1.0).unwrap();
/// // −1 − (ln ½ + ln ½)
/// assert!((anderson_darling(&[0.5], &uniform).unwrap() - (4.0f64.ln() - 1.0)).abs() < 1e-14);
/// ```
///
/// # Reference
/// Anderson, Darling (1954), doi:10.1080/01621459.1954.10501232
pub fn anderson_darling(values: &[f64], law: &dyn Law) -> ScoreResult<f64> {
    let x = sorted(values)?;
    let n = x.len();
    let sum: f64 = (0..n).map(|i| (2 * i + 1) as f64 * (law.below(x[i]).ln() + law.above(x[n - 1 - i]).ln())).sum();
    let statistic = -(n as f64) - sum / n as f64;
    if statistic.is_finite() {
        return Ok(statistic);
    }
    Err(ScoreError::Argument("the sample holds a value that the law excludes, so the statistic is infinite".into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::{GeneralizedPareto, Gumbel};

    #[test]
    fn plotting_positions_fit_their_own_law() {
        let law = Gumbel::new(290.0, 2.0).unwrap();
        let x: Vec<f64> = (0..50).map(|i| law.quantile((f64::from(i) + 0.5) / 50.0).unwrap()).collect();
        let test = kolmogorov_smirnov_law(&x, &law).unwrap();
        assert!((test.statistic - 0.01).abs() < 1e-10 && test.p_value > 0.999);
        assert!(anderson_darling(&x, &law).unwrap() < 0.05);
        let wrong = Gumbel::new(292.0, 2.0).unwrap();
        assert!(kolmogorov_smirnov_law(&x, &wrong).unwrap().p_value < 1e-4 && anderson_darling(&x, &wrong).unwrap() > 4.0);
    }

    #[test]
    fn values_outside_the_support_are_refused() {
        let law = GeneralizedPareto::new(0.0, 1.0, 0.1).unwrap();
        assert!(anderson_darling(&[-1.0, 1.0], &law).is_err() && anderson_darling(&[], &law).is_err());
    }
}

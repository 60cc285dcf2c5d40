//! Is a sample normal? Tests by its skewness and kurtosis.

use super::{ScoreError, ScoreResult};
use crate::score::shape::{excess_kurtosis, skewness};
use crate::score::significance::TestResult;

/// Skewness without the bias that a normal sample of this size has.
///
/// # Formula
/// ```text
/// G₁ = g₁ √(n(n − 1))/(n − 2)
/// ```
///
/// # Errors
/// [`ScoreError::TooFew`] below three values, else as [`skewness`].
///
/// # Reference
/// Joanes, Gill (1998), doi:10.1111/1467-9884.00122
pub fn skewness_unbiased(values: &[f64]) -> ScoreResult<f64> {
    need(values, 3, "skewness_unbiased")?;
    let n = values.len() as f64;
    Ok(skewness(values)? * (n * (n - 1.0)).sqrt() / (n - 2.0))
}

/// Excess kurtosis without the bias that a normal sample of this size has.
///
/// # Formula
/// ```text
/// G₂ = (n − 1)/((n − 2)(n − 3)) ((n + 1) g₂ + 6)
/// ```
///
/// # Errors
/// [`ScoreError::TooFew`] below four values, else as [`excess_kurtosis`].
///
/// # Reference
/// Joanes, Gill (1998), doi:10.1111/1467-9884.00122
pub fn excess_kurtosis_unbiased(values: &[f64]) -> ScoreResult<f64> {
    need(values, 4, "excess_kurtosis_unbiased")?;
    let n = values.len() as f64;
    Ok((n - 1.0) / ((n - 2.0) * (n - 3.0)) * ((n + 1.0) * excess_kurtosis(values)? + 6.0))
}

/// The test of Jarque and Bera, for large samples.
///
/// # Formula
/// ```text
/// JB = n/6 (g₁² + g₂²/4),    p = exp(−JB/2)
/// ```
///
/// # Errors
/// As [`skewness`].
///
/// # Example
/// ```
/// use isotherm::score::jarque_bera;
/// // two equal peaks: g₁ = 0, g₂ = −2: 4/6 (4/4)
/// assert!((jarque_bera(&[-1.0, 1.0, -1.0, 1.0]).unwrap().statistic - 2.0 / 3.0).abs() < 1e-14);
/// ```
///
/// # Reference
/// Jarque, Bera (1987), doi:10.2307/1403192
pub fn jarque_bera(values: &[f64]) -> ScoreResult<TestResult> {
    let (g1, g2) = (skewness(values)?, excess_kurtosis(values)?);
    let statistic = values.len() as f64 / 6.0 * (g1 * g1 + g2 * g2 / 4.0);
    Ok(TestResult { statistic, p_value: (-statistic / 2.0).exp() })
}

/// The test of D'Agostino and Pearson: skewness and kurtosis, each brought to a normal variate.
///
/// # Formula
/// ```text
/// K² = Z(g₁)² + Z(g₂)²,    p = exp(−K²/2)
/// ```
///
/// # Errors
/// [`ScoreError::TooFew`] below eight values, else as [`skewness`].
///
/// # Example
/// ```
/// use isotherm::score::dagostino_pearson;
/// let uniform: Vec<f64> = (0..100).map(f64::from).collect();
/// assert!(dagostino_pearson(&uniform).unwrap().p_value < 1e-5); // far too flat for a normal sample
/// ```
///
/// # Reference
/// D'Agostino, Pearson (1973), doi:10.1093/biomet/60.3.613; Anscombe, Glynn (1983), doi:10.1093/biomet/70.1.227
pub fn dagostino_pearson(values: &[f64]) -> ScoreResult<TestResult> {
    need(values, 8, "dagostino_pearson")?;
    let n = values.len() as f64;
    let (a, b) = (skewness_variate(skewness(values)?, n), kurtosis_variate(excess_kurtosis(values)?, n));
    let statistic = a * a + b * b;
    Ok(TestResult { statistic, p_value: (-statistic / 2.0).exp() })
}

/// D'Agostino's transformation of the skewness by a Johnson curve.
fn skewness_variate(g1: f64, n: f64) -> f64 {
    let y = g1 * ((n + 1.0) * (n + 3.0) / (6.0 * (n - 2.0))).sqrt();
    let beta = 3.0 * (n * n + 27.0 * n - 70.0) * (n + 1.0) * (n + 3.0) / ((n - 2.0) * (n + 5.0) * (n + 7.0) * (n + 9.0));
    let w2 = (2.0 * (beta - 1.0)).sqrt() - 1.0;
    let alpha = (2.0 / (w2 - 1.0)).sqrt();
    (y / alpha).asinh() / (0.5 * w2.ln()).sqrt()
}

/// Anscombe and Glynn's transformation of the kurtosis by a cube root.
fn kurtosis_variate(g2: f64, n: f64) -> f64 {
    let mean = 3.0 * (n - 1.0) / (n + 1.0);
    let variance = 24.0 * n * (n - 2.0) * (n - 3.0) / ((n + 1.0).powi(2) * (n + 3.0) * (n + 5.0));
    let x = (g2 + 3.0 - mean) / variance.sqrt();
    let skew = 6.0 * (n * n - 5.0 * n + 2.0) / ((n + 7.0) * (n + 9.0))
        * (6.0 * (n + 3.0) * (n + 5.0) / (n * (n - 2.0) * (n - 3.0))).sqrt();
    let a = 6.0 + 8.0 / skew * (2.0 / skew + (1.0 + 4.0 / (skew * skew)).sqrt());
    let under = 1.0 + x * (2.0 / (a - 4.0)).sqrt();
    (1.0 - 2.0 / (9.0 * a) - ((1.0 - 2.0 / a) / under).cbrt()) / (2.0 / (9.0 * a)).sqrt()
}

fn need(values: &[f64], wanted: usize, metric: &'static str) -> ScoreResult<()> {
    if values.len() < wanted { Err(ScoreError::TooFew { metric, found: values.len(), wanted }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    #[test]
    fn normal_samples_are_rejected_as_often_as_stated() {
        let mut random = Random::new(6, "normality");
        let (mut jarque, mut dagostino) = (0, 0);
        for _ in 0..400 {
            let x: Vec<f64> = (0..200).map(|_| random.normal()).collect();
            jarque += i32::from(jarque_bera(&x).unwrap().p_value < 0.05);
            dagostino += i32::from(dagostino_pearson(&x).unwrap().p_value < 0.05);
        }
        // 20 expected, standard deviation 4.4
        assert!((5..=40).contains(&jarque) && (5..=40).contains(&dagostino), "{jarque} {dagostino}");
    }

    #[test]
    fn corrections_by_hand() {
        // 0 0 0 1: m₂ = 3/16, m₃ = 6/64: g₁ = 0.09375/0.0811899 = 1.1547; times √12/2
        assert!((skewness_unbiased(&[0.0, 0.0, 0.0, 1.0]).unwrap() - 2.0).abs() < 1e-12);
        assert!((excess_kurtosis_unbiased(&[0.0, 0.0, 0.0, 1.0]).unwrap() - 4.0).abs() < 1e-12);
    }

    #[test]
    fn small_samples_are_refused() {
        assert!(skewness_unbiased(&[1.0, 2.0]).is_err() && excess_kurtosis_unbiased(&[1.0, 2.0, 3.0]).is_err());
        assert!(dagostino_pearson(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]).is_err());
        assert!(jarque_bera(&[1.0, 1.0]).is_err());
    }
}

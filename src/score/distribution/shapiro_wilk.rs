//! The test of Shapiro and Wilk: is a sample normal?

use statrs::distribution::{ContinuousCDF, Normal};

use super::{ScoreError, ScoreResult, ordered};
use crate::score::significance::TestResult;
use crate::score::significance::tail::normal_above;

/// Shapiro and Wilk's W, by Royston's approximation for 3 to 5000 values.
///
/// # Formula
/// ```text
/// W = ( Σ aᵢ x₍ᵢ₎ )² / Σ (x − x̄)²,    a from the expected order statistics of a normal sample
/// ```
/// 1 for a perfect normal sample; a small p says that the sample is not normal.
///
/// # Errors
/// [`ScoreError::TooFew`] below three values, [`ScoreError::Argument`] above 5000, [`ScoreError::Constant`],
/// [`ScoreError::NotFinite`].
///
/// # Example
/// ```
/// use isotherm::score::shapiro_wilk;
/// // three evenly spaced values lie on the line exactly
/// assert!((shapiro_wilk(&[1.0, 2.0, 3.0]).unwrap().statistic - 1.0).abs() < 1e-12);
/// ```
///
/// # Reference
/// Shapiro, Wilk (1965), doi:10.1093/biomet/52.3-4.591; Royston (1995), doi:10.2307/2986146
pub fn shapiro_wilk(values: &[f64]) -> ScoreResult<TestResult> {
    let x = ordered(values, "the sample", "shapiro_wilk")?;
    let n = x.len();
    if n < 3 {
        return Err(ScoreError::TooFew { metric: "shapiro_wilk", found: n, wanted: 3 });
    }
    if n > 5000 {
        return Err(ScoreError::Argument(format!("shapiro_wilk is known for 3 to 5000 values; {n} were given")));
    }
    let range = x[n - 1] - x[0];
    if range <= 0.0 {
        return Err(ScoreError::Constant { what: "the sample", metric: "shapiro_wilk" });
    }
    let weights = order_weights(n);
    let mean = x.iter().sum::<f64>() / n as f64;
    let spread: f64 = x.iter().map(|v| ((v - mean) / range).powi(2)).sum();
    let slope: f64 = weights.iter().enumerate().map(|(i, a)| a * (x[n - 1 - i] - x[i]) / range).sum();
    let statistic = (slope * slope / spread).min(1.0);
    Ok(TestResult { statistic, p_value: p_value(statistic, n) })
}

/// The weights of the upper half of the ordered sample, largest first; those of the lower half are their negatives.
fn order_weights(n: usize) -> Vec<f64> {
    let half = n / 2;
    if n == 3 {
        return vec![0.5f64.sqrt()];
    }
    let normal = Normal::standard();
    let scores: Vec<f64> = (1..=half).map(|i| -normal.inverse_cdf((i as f64 - 0.375) / (n as f64 + 0.25))).collect();
    let squares = 2.0 * scores.iter().map(|m| m * m).sum::<f64>();
    let u = 1.0 / (n as f64).sqrt();
    let first = polynomial(&[0.0, 0.221_157, -0.147_981, -2.071_190, 4.434_685, -2.706_056], u) + scores[0] / squares.sqrt();
    let mut weights = vec![first];
    let mut left = squares - 2.0 * scores[0] * scores[0];
    let mut room = 1.0 - 2.0 * first * first;
    if n > 5 {
        let second = polynomial(&[0.0, 0.042_981, -0.293_762, -1.752_461, 5.682_633, -3.582_633], u) + scores[1] / squares.sqrt();
        weights.push(second);
        left -= 2.0 * scores[1] * scores[1];
        room -= 2.0 * second * second;
    }
    let scale = (left / room).sqrt();
    weights.extend(scores[weights.len()..].iter().map(|m| m / scale));
    weights
}

fn p_value(w: f64, n: usize) -> f64 {
    let size = n as f64;
    if n == 3 {
        return (6.0 / std::f64::consts::PI * (w.sqrt().asin() - 0.75f64.sqrt().asin())).clamp(0.0, 1.0);
    }
    let gap = (1.0 - w).ln();
    let (y, mean, deviation) = if n <= 11 {
        let limit = polynomial(&[-2.273, 0.459], size);
        if gap >= limit {
            return 0.0;
        }
        (
            -(limit - gap).ln(),
            polynomial(&[0.544, -0.399_78, 0.025_054, -6.714e-4], size),
            polynomial(&[1.3822, -0.778_57, 0.062_767, -0.002_032_2], size).exp(),
        )
    } else {
        let ln = size.ln();
        (
            gap,
            polynomial(&[-1.5861, -0.310_82, -0.083_751, 0.003_891_5], ln),
            polynomial(&[-0.4803, -0.082_676, 0.003_030_2], ln).exp(),
        )
    };
    normal_above((y - mean) / deviation)
}

fn polynomial(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    #[test]
    fn weights_have_unit_length() {
        for n in [4, 5, 6, 20, 300] {
            let squares: f64 = 2.0 * order_weights(n).iter().map(|a| a * a).sum::<f64>();
            assert!((squares - 1.0).abs() < 1e-12, "{n}");
        }
    }

    #[test]
    fn printed_weight() {
        // Shapiro, Wilk (1965), table 5: a(10) for n = 10 is 0.5739 (Royston's approximation differs in the fourth place)
        assert!((order_weights(10)[0] - 0.5739).abs() < 1e-3);
    }

    #[test]
    fn normal_samples_are_rejected_as_often_as_stated() {
        let mut random = Random::new(7, "shapiro");
        for n in [8, 60] {
            let rejected = (0..400)
                .filter(|_| shapiro_wilk(&(0..n).map(|_| random.normal()).collect::<Vec<_>>()).unwrap().p_value < 0.05)
                .count();
            // 20 expected, standard deviation 4.4
            assert!((5..=40).contains(&rejected), "{n} {rejected}");
        }
    }

    #[test]
    fn bad_samples_are_refused() {
        assert!(shapiro_wilk(&[1.0, 2.0]).is_err() && shapiro_wilk(&[1.0; 9]).is_err());
    }
}

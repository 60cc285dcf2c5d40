//! Student's test of paired values, and Welch's of two samples.

use super::tail::{student_beyond, student_quantile};
use super::{ScoreError, ScoreResult, check_varies, differences};
use crate::score::interval::Interval;

/// Student's test of a mean difference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairedT {
    /// t.
    pub statistic: f64,
    /// Two-sided p-value.
    pub p_value: f64,
    /// Degrees of freedom.
    pub degrees: f64,
    /// Interval of the mean difference a − b.
    pub interval: Interval,
    /// Mean difference over the standard deviation of the differences (Cohen's d_z): the size of the effect.
    pub effect: f64,
}

/// Student's t-test of paired values, which takes the differences as independent and normal.
///
/// # Formula
/// ```text
/// d = a − b,    t = d̄ √n / s_d,    p = P(|T_{n−1}| ≥ |t|),    interval d̄ ± t_{n−1} s_d/√n
/// ```
///
/// # Errors
/// [`ScoreError::Length`], [`ScoreError::NotFinite`], [`ScoreError::TooFew`] below two pairs, [`ScoreError::Constant`] where the
/// differences are all the same to rounding, [`ScoreError::Argument`] for a coverage outside 0..1.
///
/// # Example
/// ```
/// use isotherm::score::paired_t;
/// // differences 1, 2, 3: t = 2 √3/1 with 2 degrees of freedom
/// let test = paired_t(&[2.0, 4.0, 6.0], &[1.0, 2.0, 3.0], 0.95).unwrap();
/// assert!((test.statistic - 12.0f64.sqrt()).abs() < 1e-14 && test.degrees == 2.0);
/// ```
///
/// # Reference
/// Student (1908), doi:10.2307/2331554
pub fn paired_t(a: &[f64], b: &[f64], coverage: f64) -> ScoreResult<PairedT> {
    let d = differences(a, b, "paired_t", 2)?;
    check_varies(a, b, &d, "paired_t")?;
    if !(coverage > 0.0 && coverage < 1.0) {
        return Err(ScoreError::Argument(format!("a coverage of {coverage} was asked for; between 0 and 1 is wanted (0.95)")));
    }
    let n = d.len() as f64;
    let (mean, variance) = mean_and_variance(&d);
    let (error, degrees) = ((variance / n).sqrt(), n - 1.0);
    let statistic = mean / error;
    let half = student_quantile(coverage, degrees) * error;
    Ok(PairedT {
        statistic,
        p_value: student_beyond(statistic, degrees),
        degrees,
        interval: Interval { lower: mean - half, upper: mean + half, coverage },
        effect: mean / variance.sqrt(),
    })
}

/// Welch's t-test of two independent samples whose variances may differ; `interval` is that of the difference of means, `effect`
/// the difference over the root of the mean variance.
///
/// # Formula
/// ```text
/// t = (ā − b̄)/√(v_a + v_b),    v = s²/n,    degrees = (v_a + v_b)²/( v_a²/(n_a − 1) + v_b²/(n_b − 1) )
/// ```
///
/// # Errors
/// [`ScoreError::NotFinite`], [`ScoreError::TooFew`] below two values in either, [`ScoreError::Constant`] where neither varies,
/// [`ScoreError::Argument`] for a coverage outside 0..1.
///
/// # Example
/// ```
/// use isotherm::score::welch_t;
/// // means 2 and 4, both variances 1, v = 1/3 each: t = -2/√(2/3)
/// let test = welch_t(&[1.0, 2.0, 3.0], &[3.0, 4.0, 5.0], 0.95).unwrap();
/// assert!((test.statistic + 6.0f64.sqrt()).abs() < 1e-14 && (test.degrees - 4.0).abs() < 1e-12);
/// ```
///
/// # Reference
/// Welch (1947), doi:10.1093/biomet/34.1-2.28
pub fn welch_t(a: &[f64], b: &[f64], coverage: f64) -> ScoreResult<PairedT> {
    for (what, values) in [("the first sample", a), ("the second sample", b)] {
        if let Some(position) = values.iter().position(|v| !v.is_finite()) {
            return Err(ScoreError::NotFinite { what, position });
        }
        if values.len() < 2 {
            return Err(ScoreError::TooFew { metric: "welch_t", found: values.len(), wanted: 2 });
        }
    }
    if !(coverage > 0.0 && coverage < 1.0) {
        return Err(ScoreError::Argument(format!("a coverage of {coverage} was asked for; between 0 and 1 is wanted (0.95)")));
    }
    let ((mean_a, var_a), (mean_b, var_b)) = (mean_and_variance(a), mean_and_variance(b));
    let (n_a, n_b) = (a.len() as f64, b.len() as f64);
    let (v_a, v_b) = (var_a / n_a, var_b / n_b);
    if v_a + v_b <= 0.0 {
        return Err(ScoreError::Constant { what: "each of the two samples", metric: "welch_t" });
    }
    let error = (v_a + v_b).sqrt();
    let degrees = (v_a + v_b).powi(2) / (v_a * v_a / (n_a - 1.0) + v_b * v_b / (n_b - 1.0));
    let difference = mean_a - mean_b;
    let half = student_quantile(coverage, degrees) * error;
    Ok(PairedT {
        statistic: difference / error,
        p_value: student_beyond(difference / error, degrees),
        degrees,
        interval: Interval { lower: difference - half, upper: difference + half, coverage },
        effect: difference / ((var_a + var_b) / 2.0).sqrt(),
    })
}

/// Mean and variance with divisor n − 1.
fn mean_and_variance(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let rough = values.iter().sum::<f64>() / n;
    let mean = rough + values.iter().map(|v| v - rough).sum::<f64>() / n;
    (mean, values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_and_the_p_value_say_the_same() {
        let (a, b) = ([0.31, 0.42, 0.19, 0.55, 0.28], [0.35, 0.61, 0.22, 0.49, 0.41]);
        let test = paired_t(&a, &b, 0.9).unwrap();
        // the interval with coverage 1 − p ends at 0
        let edge = paired_t(&a, &b, 1.0 - test.p_value).unwrap().interval;
        assert!(edge.upper.abs() < 1e-10 || edge.lower.abs() < 1e-10, "{edge:?}");
        assert!((test.effect * 5.0f64.sqrt() - test.statistic).abs() < 1e-12);
    }

    #[test]
    fn constant_differences_are_refused() {
        let a = [0.1, 0.7, 1.3, 2.9];
        let b: Vec<f64> = a.iter().map(|v| v + 0.1).collect();
        assert!(matches!(paired_t(&a, &b, 0.95), Err(ScoreError::Constant { .. })));
        assert!(matches!(paired_t(&[1.0], &[2.0], 0.95), Err(ScoreError::TooFew { .. })));
        assert!(welch_t(&[1.0, 1.0], &[2.0, 2.0], 0.95).is_err() && welch_t(&[1.0], &[1.0, 2.0], 0.95).is_err());
        assert!(paired_t(&[1.0, 2.0], &[2.0, 1.0], 0.0).is_err());
    }
}

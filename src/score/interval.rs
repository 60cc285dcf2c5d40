//! Confidence intervals from a bootstrap distribution.

use statrs::distribution::{ContinuousCDF, Normal};

use super::error::{ScoreError, ScoreResult};
use super::quantile::{quantile_of_sorted, sorted};

/// How the ends of an interval are read off the bootstrap distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntervalKind {
    /// The quantiles themselves.
    Percentile,
    /// The quantiles mirrored about the estimate.
    Basic,
    /// Bias-corrected and accelerated quantiles.
    Bca,
}

/// A confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
    /// Nominal coverage, for example 0.95.
    pub coverage: f64,
}

/// The percentile interval: the quantiles at (1 − coverage)/2 and 1 − (1 − coverage)/2.
///
/// # Errors
/// [`ScoreError::Argument`] for a coverage outside 0..1, [`ScoreError::TooFew`] or [`ScoreError::NotFinite`]
/// for a distribution that has no quantiles.
///
/// # Example
/// ```
/// use isotherm::score::percentile_interval;
/// let replicates: Vec<f64> = (0..=100).map(f64::from).collect();
/// let interval = percentile_interval(&replicates, 0.9).unwrap();
/// assert!((interval.lower - 5.0).abs() < 1e-9 && (interval.upper - 95.0).abs() < 1e-9);
/// ```
///
/// # Reference
/// Efron, Tibshirani (1993), An Introduction to the Bootstrap, doi:10.1201/9780429246593
pub fn percentile_interval(replicates: &[f64], coverage: f64) -> ScoreResult<Interval> {
    let tail = tail(coverage)?;
    let ordered = sorted(replicates)?;
    Ok(Interval { lower: quantile_of_sorted(&ordered, tail)?, upper: quantile_of_sorted(&ordered, 1.0 - tail)?, coverage })
}

/// The basic interval: 2θ̂ minus the percentile interval's ends, swapped.
///
/// # Errors
/// As [`percentile_interval`].
///
/// # Reference
/// Davison, Hinkley (1997), Bootstrap Methods and their Application, doi:10.1017/CBO9780511802843
pub fn basic_interval(estimate: f64, replicates: &[f64], coverage: f64) -> ScoreResult<Interval> {
    let plain = percentile_interval(replicates, coverage)?;
    Ok(Interval { lower: 2.0 * estimate - plain.upper, upper: 2.0 * estimate - plain.lower, coverage })
}

/// The bias-corrected and accelerated interval.
///
/// # Formula
/// ```text
/// z₀ = Φ⁻¹( (#{θ* < θ̂} + #{θ* ≤ θ̂}) / 2B )
/// a  = Σ (θ̄ − θ₍ᵢ₎)³ / ( 6 (Σ (θ̄ − θ₍ᵢ₎)²)^{3/2} )        θ₍ᵢ₎ the estimate without unit i
/// ends at the quantiles Φ( z₀ + (z₀ + z)/(1 − a (z₀ + z)) ),  z = Φ⁻¹ of the two tails
/// ```
///
/// # Errors
/// [`ScoreError::Constant`] where the jackknife does not vary, or every replicate lies on one side of the
/// estimate (the interval is then undefined); else as [`percentile_interval`].
///
/// # Reference
/// Efron (1987), Better bootstrap confidence intervals. doi:10.1080/01621459.1987.10478410
pub fn bca_interval(estimate: f64, replicates: &[f64], jackknife: &[f64], coverage: f64) -> ScoreResult<Interval> {
    let tail = tail(coverage)?;
    let ordered = sorted(replicates)?;
    let ordered_jackknife = sorted(jackknife)?;
    let constant = |what| Err(ScoreError::Constant { what, metric: "the bca interval" });
    if ordered_jackknife[0] == ordered_jackknife[ordered_jackknife.len() - 1] {
        return constant("the jackknife");
    }
    let below = ordered.partition_point(|r| *r < estimate) as f64;
    let not_above = ordered.partition_point(|r| *r <= estimate) as f64;
    let share = (below + not_above) / (2.0 * ordered.len() as f64);
    if share <= 0.0 || share >= 1.0 {
        return constant("the side of the estimate on which the resamples lie");
    }
    let normal = Normal::standard();
    let mean = jackknife.iter().sum::<f64>() / jackknife.len() as f64;
    let cubes: f64 = jackknife.iter().map(|j| (mean - j).powi(3)).sum();
    let squares: f64 = jackknife.iter().map(|j| (mean - j).powi(2)).sum();
    let acceleration = cubes / (6.0 * squares.powf(1.5));
    let z0 = normal.inverse_cdf(share);
    let level = |tail: f64| {
        let z = z0 + normal.inverse_cdf(tail);
        normal.cdf(z0 + z / (1.0 - acceleration * z))
    };
    let (lower, upper) = (quantile_of_sorted(&ordered, level(tail))?, quantile_of_sorted(&ordered, level(1.0 - tail))?);
    Ok(Interval { lower, upper, coverage })
}

/// An interval of the kind asked for; `jackknife` is called only where it is needed.
///
/// # Errors
/// Those of the kind, and of `jackknife`.
pub fn interval(
    kind: IntervalKind,
    estimate: f64,
    replicates: &[f64],
    coverage: f64,
    jackknife: impl FnOnce() -> ScoreResult<Vec<f64>>,
) -> ScoreResult<Interval> {
    match kind {
        IntervalKind::Percentile => percentile_interval(replicates, coverage),
        IntervalKind::Basic => basic_interval(estimate, replicates, coverage),
        IntervalKind::Bca => bca_interval(estimate, replicates, &jackknife()?, coverage),
    }
}

fn tail(coverage: f64) -> ScoreResult<f64> {
    if coverage > 0.0 && coverage < 1.0 {
        Ok((1.0 - coverage) / 2.0)
    } else {
        Err(ScoreError::Argument(format!("a coverage of {coverage} was asked for; between 0 and 1 is wanted (0.95)")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_bias_and_skewness_bca_is_the_percentile_interval() {
        let replicates: Vec<f64> = (-500..=500).map(f64::from).collect();
        let plain = percentile_interval(&replicates, 0.95).unwrap();
        let bca = bca_interval(0.0, &replicates, &[-1.0, 0.0, 1.0], 0.95).unwrap();
        assert!((plain.lower - bca.lower).abs() < 1e-6 && (plain.upper - bca.upper).abs() < 1e-6, "{plain:?} {bca:?}");
    }

    #[test]
    fn basic_mirrors() {
        let replicates: Vec<f64> = (0..=100).map(f64::from).collect();
        let basic = basic_interval(60.0, &replicates, 0.9).unwrap();
        assert!((basic.lower - 25.0).abs() < 1e-9 && (basic.upper - 115.0).abs() < 1e-9);
    }

    #[test]
    fn degenerate_input_is_a_reason() {
        assert!(matches!(bca_interval(2.0, &[2.0; 9], &[2.0; 8], 0.95), Err(ScoreError::Constant { .. })));
        assert!(matches!(bca_interval(2.0, &[3.0; 9], &[2.0, 1.0], 0.95), Err(ScoreError::Constant { .. })));
        assert_eq!(percentile_interval(&[2.0; 9], 0.95).unwrap().upper, 2.0);
        assert!(percentile_interval(&[1.0, 2.0], 1.0).is_err());
    }
}

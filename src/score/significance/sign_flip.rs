//! Permutation test of a mean difference: were the two names exchanged at random?

use super::{ScoreError, ScoreResult, differences};
use crate::base::random::Random;

/// Most pairs for which all sign patterns are looked at.
const MOST_PAIRS: usize = 22;
/// Sums that differ by no more than this share count as equal, since patterns that are equal in exact arithmetic are not so to
/// the last bit.
const SLACK: f64 = 1e-14;

/// A permutation test.
#[derive(Clone, Debug, PartialEq)]
pub struct SignFlip {
    /// The mean difference a − b.
    pub statistic: f64,
    /// Two-sided p-value.
    pub p_value: f64,
    /// Mean differences of the sign patterns looked at, in ascending order.
    pub null: Vec<f64>,
}

/// The exact test: every pattern of signs of the differences.
///
/// # Formula
/// ```text
/// p = min(1, 2 min( #{m* ≤ m}, #{m* ≥ m} )/2ⁿ)
/// ```
///
/// # Errors
/// [`ScoreError::Length`], [`ScoreError::NotFinite`], [`ScoreError::TooFew`] without a pair, [`ScoreError::Argument`] above 22
/// pairs (see [`sign_flip_sampled`]), [`ScoreError::Constant`] where no pair differs.
///
/// # Example
/// ```
/// use isotherm::score::sign_flip_exact;
/// // of the means ±1.5 and ±0.5, one is as low as the one found
/// let test = sign_flip_exact(&[0.0, 0.0], &[1.0, 2.0]).unwrap();
/// assert_eq!((test.statistic, test.p_value, test.null.len()), (-1.5, 0.5, 4));
/// ```
///
/// # Reference
/// Pitman (1937), doi:10.2307/2984124
pub fn sign_flip_exact(a: &[f64], b: &[f64]) -> ScoreResult<SignFlip> {
    let d = checked(a, b)?;
    if d.len() > MOST_PAIRS {
        return Err(ScoreError::Argument(format!("{} pairs have too many sign patterns; up to {MOST_PAIRS} are tried", d.len())));
    }
    let n = d.len();
    let null = (0..1usize << n)
        .map(|pattern| {
            let sum: f64 = d.iter().enumerate().map(|(i, d)| if pattern >> i & 1 == 1 { -d } else { *d }).sum();
            sum / n as f64
        })
        .collect();
    Ok(finish(&d, null, 0.0))
}

/// The test with `patterns` random patterns of signs; the pattern found counts as one of them, so p is never 0.
///
/// # Errors
/// As [`sign_flip_exact`], for any number of pairs; [`ScoreError::TooFew`] for no pattern.
pub fn sign_flip_sampled(a: &[f64], b: &[f64], patterns: usize, seed: u64) -> ScoreResult<SignFlip> {
    let d = checked(a, b)?;
    if patterns == 0 {
        return Err(ScoreError::TooFew { metric: "a permutation test (patterns)", found: 0, wanted: 1 });
    }
    let stream = Random::new(seed, "sign flips");
    let null = (0..patterns)
        .map(|pattern| {
            let mut random = stream.child(pattern as u64);
            d.iter().map(|d| if random.next_u32() & 1 == 1 { -d } else { *d }).sum::<f64>() / d.len() as f64
        })
        .collect();
    Ok(finish(&d, null, 1.0))
}

fn checked(a: &[f64], b: &[f64]) -> ScoreResult<Vec<f64>> {
    let d = differences(a, b, "a permutation test", 1)?;
    if d.iter().all(|d| *d == 0.0) {
        return Err(ScoreError::Constant { what: "the difference of the two", metric: "a permutation test" });
    }
    Ok(d)
}

fn finish(d: &[f64], mut null: Vec<f64>, itself: f64) -> SignFlip {
    null.sort_unstable_by(f64::total_cmp);
    let statistic = d.iter().sum::<f64>() / d.len() as f64;
    let slack = SLACK * null.iter().fold(statistic.abs(), |m, v| m.max(v.abs()));
    let below = null.partition_point(|m| *m <= statistic + slack) as f64 + itself;
    let above = (null.len() - null.partition_point(|m| *m < statistic - slack)) as f64 + itself;
    let p_value = (2.0 * below.min(above) / (null.len() as f64 + itself)).min(1.0);
    SignFlip { statistic, p_value, null }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sampling_comes_close_to_all_patterns() {
        let a = [0.3, 1.1, -0.2, 0.9, 1.4, 0.1, 0.8, -0.4];
        let exact = sign_flip_exact(&a, &[0.0; 8]).unwrap();
        let sampled = sign_flip_sampled(&a, &[0.0; 8], 20_000, 3).unwrap();
        // five standard errors of a doubled share near 0.04: 10 √(0.04·0.96/20000)
        assert!((exact.p_value - sampled.p_value).abs() < 0.014, "{} {}", exact.p_value, sampled.p_value);
        assert!((exact.null.iter().sum::<f64>()).abs() < 1e-10);
    }

    #[test]
    fn too_many_or_no_differences_are_refused() {
        assert!(sign_flip_exact(&[1.0; 23], &[0.0; 23]).is_err());
        assert!(sign_flip_exact(&[1.0; 3], &[1.0; 3]).is_err());
        assert!(sign_flip_sampled(&[1.0], &[0.0], 0, 1).is_err());
    }
}

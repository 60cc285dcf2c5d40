//! The rank-sum test of Mann, Whitney and Wilcoxon.

use super::{ScoreError, ScoreResult};
use crate::score::rank::average_ranks;
use crate::score::significance::TestResult;
use crate::score::significance::tail::normal_above;

/// Does one sample tend to larger values? U of the first sample, with the two-sided p-value of the normal approximation,
/// corrected for ties and continuity.
///
/// # Formula
/// ```text
/// U = R₁ − n(n + 1)/2,    R₁ the sum of ranks of the first sample:  U/(n m) = P(x > y) + ½ P(x = y)
/// z = (max(U, nm − U) − nm/2 − ½)/√( nm/12 (N + 1 − Σ(t³ − t)/(N(N − 1))) ),    p = 2 P(Z ≥ z), at most 1
/// ```
///
/// # Errors
/// [`ScoreError::TooFew`] for an empty sample, [`ScoreError::Constant`] where all values are equal, [`ScoreError::NotFinite`].
///
/// # Example
/// ```
/// use isotherm::score::mann_whitney;
/// // of 6 pairs, the first is larger in 5
/// assert_eq!(mann_whitney(&[3.0, 5.0], &[1.0, 2.0, 4.0]).unwrap().statistic, 5.0);
/// ```
///
/// # Reference
/// Mann, Whitney (1947), doi:10.1214/aoms/1177730491
pub fn mann_whitney(first: &[f64], second: &[f64]) -> ScoreResult<TestResult> {
    super::ordered(first, "the first sample", "mann_whitney")?;
    super::ordered(second, "the second sample", "mann_whitney")?;
    let mut all = [first, second].concat();
    let ranks = average_ranks(&all);
    let (n, m) = (first.len() as f64, second.len() as f64);
    let statistic = ranks[..first.len()].iter().sum::<f64>() - n * (n + 1.0) / 2.0;
    super::sort_values(&mut all);
    let ties: f64 = all
        .chunk_by(|a, b| a == b)
        .map(|group| {
            let t = group.len() as f64;
            t * t * t - t
        })
        .sum();
    let (product, total) = (n * m, n + m);
    let variance = product / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)));
    if variance <= 0.0 {
        return Err(ScoreError::Constant { what: "each of the two samples", metric: "mann_whitney" });
    }
    let z = (statistic.max(product - statistic) - product / 2.0 - 0.5) / variance.sqrt();
    Ok(TestResult { statistic, p_value: (2.0 * normal_above(z)).min(1.0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_share_all_pairs() {
        let (a, b) = ([1.0, 4.0, 4.0, 9.0], [2.0, 4.0, 7.0]);
        let (u, v) = (mann_whitney(&a, &b).unwrap(), mann_whitney(&b, &a).unwrap());
        assert_eq!(u.statistic + v.statistic, 12.0);
        assert_eq!(u.p_value, v.p_value);
        // pairs by hand: 1 wins none; each 4 beats 2 and ties 4; 9 beats all
        assert_eq!(u.statistic, 2.0 * 1.5 + 3.0);
    }

    #[test]
    fn equal_or_empty_samples_are_refused() {
        assert!(mann_whitney(&[1.0, 1.0], &[1.0]).is_err());
        assert!(mann_whitney(&[], &[1.0]).is_err());
    }
}

//! Wilcoxon's signed-rank test: are the differences of pairs symmetric about 0?

use super::tail::normal_above;
use super::{Alternative, ScoreError, ScoreResult, TestResult, differences};
use crate::score::rank::average_ranks;

/// What becomes of pairs without a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Zeros {
    /// They are left out (Wilcoxon).
    #[default]
    Drop,
    /// They are ranked, and their ranks left out (Pratt).
    Pratt,
    /// They are ranked, and each rank counts half to either side.
    Split,
}

/// How the p-value is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum WilcoxonMethod {
    /// [`WilcoxonMethod::Exact`] up to 50 pairs without ties and zeros, [`WilcoxonMethod::Permutation`] up to 13 with them, else
    /// [`WilcoxonMethod::Normal`] without correction.
    #[default]
    Auto,
    /// From the table of untied ranks 1..n. Ties and zeros make it conservative.
    Exact,
    /// Exact for the ranks at hand, ties included: all ways to give them signs.
    Permutation,
    /// Normal approximation, with variance corrected for ties.
    Normal {
        /// Move the statistic by a half towards its mean.
        continuity: bool,
    },
}

/// Wilcoxon's signed-rank test of paired values.
///
/// # Formula
/// ```text
/// d = a − b,    W₊ = Σ rank|d| over d > 0,    W₋ over d < 0
/// statistic = min(W₊, W₋) two-sided, else W₊
/// z = (W₊ − n(n+1)/4) / √( n(n+1)(2n+1)/24 − Σ(t³ − t)/48 ),    t the sizes of groups of equal |d|
/// ```
/// A small p says that a and b differ (two-sided), or that a is smaller or larger. Pairs must be independent: take means of
/// days or blocks, not cells.
///
/// # Errors
/// [`ScoreError::Length`], [`ScoreError::NotFinite`], [`ScoreError::TooFew`] without a pair, [`ScoreError::Constant`] where no
/// pair differs, [`ScoreError::Argument`] for more pairs than an exact p-value can be counted for (2000).
///
/// # Example
/// ```
/// use isotherm::score::{wilcoxon, Alternative, WilcoxonMethod, Zeros};
/// let (a, b) = ([1.1, 2.2, 3.3, 4.4], [1.0, 2.0, 3.0, 4.0]);
/// // all four are positive: 2 of 16 sign patterns are as extreme
/// let test = wilcoxon(&a, &b, Zeros::Drop, WilcoxonMethod::Auto, Alternative::TwoSided).unwrap();
/// assert_eq!((test.statistic, test.p_value), (0.0, 0.125));
/// ```
///
/// # Reference
/// Wilcoxon (1945), doi:10.2307/3001968; Pratt (1959), doi:10.1080/01621459.1959.10501526
pub fn wilcoxon(a: &[f64], b: &[f64], zeros: Zeros, method: WilcoxonMethod, alternative: Alternative) -> ScoreResult<TestResult> {
    let d = differences(a, b, "wilcoxon", 1)?;
    if d.iter().all(|d| *d == 0.0) {
        return Err(ScoreError::Constant { what: "the difference of the two", metric: "wilcoxon" });
    }
    let ranked = SignedRanks::of(&d, zeros);
    let method = match method {
        WilcoxonMethod::Auto => {
            let plain = !ranked.tied && ranked.zeros == 0;
            match d.len() {
                n if n > 50 => WilcoxonMethod::Normal { continuity: false },
                _ if plain => WilcoxonMethod::Exact,
                n if n <= 13 => WilcoxonMethod::Permutation,
                _ => WilcoxonMethod::Normal { continuity: false },
            }
        }
        chosen => chosen,
    };
    if ranked.count > 2000 && !matches!(method, WilcoxonMethod::Normal { .. }) {
        return Err(ScoreError::Argument(format!(
            "an exact p-value of {} pairs was asked for; up to 2000 can be counted",
            ranked.count
        )));
    }
    let (below, above) = match method {
        WilcoxonMethod::Normal { continuity } => ranked.normal_tails(continuity, alternative),
        WilcoxonMethod::Permutation => ranked.permutation_tails(),
        _ => ranked.table_tails(),
    };
    let p_value = match alternative {
        Alternative::TwoSided => (2.0 * below.min(above)).min(1.0),
        Alternative::Less => below,
        Alternative::Greater => above,
    };
    let statistic = if alternative == Alternative::TwoSided { ranked.plus.min(ranked.minus) } else { ranked.plus };
    Ok(TestResult { statistic, p_value })
}

/// Ranks of the sizes of differences, and what they sum to.
struct SignedRanks {
    /// Ranks that enter with a sign.
    signed: Vec<f64>,
    /// What the zeros add to both sides.
    half_zeros: f64,
    plus: f64,
    minus: f64,
    count: usize,
    zeros: usize,
    tied: bool,
    mean: f64,
    deviation: f64,
}

impl SignedRanks {
    fn of(differences: &[f64], treatment: Zeros) -> SignedRanks {
        let zeros = differences.iter().filter(|d| **d == 0.0).count();
        let d: Vec<f64> = differences.iter().copied().filter(|d| treatment != Zeros::Drop || *d != 0.0).collect();
        let sizes: Vec<f64> = d.iter().map(|d| d.abs()).collect();
        let ranks = average_ranks(&sizes);
        let sum = |keep: fn(f64) -> bool| d.iter().zip(&ranks).filter(|(d, _)| keep(**d)).map(|(_, r)| r).sum::<f64>();
        let zero_ranks = sum(|d| d == 0.0);
        let half_zeros = if treatment == Zeros::Split { zero_ranks / 2.0 } else { 0.0 };
        let signed = d.iter().zip(&ranks).filter(|(d, _)| **d != 0.0).map(|(_, r)| *r).collect();
        let triple = |n: f64| n * (n + 1.0) * (2.0 * n + 1.0);
        let n = d.len() as f64;
        let (mut mean, mut variance) = (n * (n + 1.0) / 4.0, triple(n));
        if treatment == Zeros::Pratt {
            let z = zeros as f64;
            mean -= z * (z + 1.0) / 4.0;
            variance -= triple(z);
        }
        let mut ordered = sizes;
        ordered.sort_by(f64::total_cmp);
        let mut tied = false;
        for group in ordered.chunk_by(|a, b| a == b) {
            tied |= group.len() > 1;
            // Pratt's variance has no share of the zeros, so they are no tie either.
            if treatment != Zeros::Pratt || group[0] != 0.0 {
                let t = group.len() as f64;
                variance -= (t * t * t - t) / 2.0;
            }
        }
        SignedRanks {
            half_zeros,
            plus: sum(|d| d > 0.0) + half_zeros,
            minus: sum(|d| d < 0.0) + half_zeros,
            count: d.len(),
            zeros,
            tied,
            mean,
            deviation: (variance / 24.0).sqrt(),
            signed,
        }
    }

    /// Probabilities of a W₊ as low, and as high, by the normal distribution.
    fn normal_tails(&self, continuity: bool, alternative: Alternative) -> (f64, f64) {
        let mut z = (self.plus - self.mean) / self.deviation;
        if continuity {
            let sign = match alternative {
                Alternative::TwoSided if z == 0.0 => 0.0,
                Alternative::TwoSided => z.signum(),
                Alternative::Less => -1.0,
                Alternative::Greater => 1.0,
            };
            z -= sign * 0.5 / self.deviation;
        }
        (normal_above(-z), normal_above(z))
    }

    /// The same from the distribution of the sum of untied ranks 1..n.
    fn table_tails(&self) -> (f64, f64) {
        let ranks: Vec<usize> = (1..=self.count).collect();
        let probability = subset_sums(&ranks);
        tails(&probability, self.plus.ceil() as usize, self.plus.floor() as usize)
    }

    /// The same from the ranks at hand. They are multiples of a half, so twice the ranks are whole numbers.
    fn permutation_tails(&self) -> (f64, f64) {
        let doubled: Vec<usize> = self.signed.iter().map(|r| (2.0 * r).round() as usize).collect();
        let probability = subset_sums(&doubled);
        let at = (2.0 * (self.plus - self.half_zeros)).round() as usize;
        tails(&probability, at, at)
    }
}

/// Probability of each sum when each number enters with probability one half.
fn subset_sums(numbers: &[usize]) -> Vec<f64> {
    let total: usize = numbers.iter().sum();
    let mut probability = vec![0.0; total + 1];
    probability[0] = 1.0;
    let mut reached = 0;
    for number in numbers {
        reached += number;
        for sum in (0..=reached).rev() {
            let with = if sum >= *number { probability[sum - number] } else { 0.0 };
            probability[sum] = 0.5 * (probability[sum] + with);
        }
    }
    probability
}

/// (P(S ≤ `low`), P(S ≥ `high`)), each summed from its own end, so that small ones keep their digits.
fn tails(probability: &[f64], low: usize, high: usize) -> (f64, f64) {
    let last = probability.len() - 1;
    let below: f64 = probability[..=low.min(last)].iter().sum();
    let above: f64 = probability[high.min(last)..].iter().rev().sum();
    (below.min(1.0), above.min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(a: &[f64], zeros: Zeros, method: WilcoxonMethod, alternative: Alternative) -> TestResult {
        wilcoxon(a, &vec![0.0; a.len()], zeros, method, alternative).unwrap()
    }

    #[test]
    fn permutation_agrees_with_all_sign_patterns() {
        let d = [1.0, -1.0, 2.0, 2.0, 0.0, -0.5, 3.0];
        for zeros in [Zeros::Drop, Zeros::Pratt, Zeros::Split] {
            let ranked = SignedRanks::of(&d, zeros);
            let n = ranked.signed.len();
            let (mut below, mut above) = (0, 0);
            for pattern in 0..1usize << n {
                let sum: f64 = (0..n).filter(|i| pattern >> i & 1 == 1).map(|i| ranked.signed[i]).sum();
                below += usize::from(sum <= ranked.plus - ranked.half_zeros + 1e-9);
                above += usize::from(sum >= ranked.plus - ranked.half_zeros - 1e-9);
            }
            let all = (1usize << n) as f64;
            let got = ranked.permutation_tails();
            assert!((got.0 - below as f64 / all).abs() < 1e-14 && (got.1 - above as f64 / all).abs() < 1e-14);
        }
    }

    #[test]
    fn without_ties_table_and_permutation_are_one() {
        let d = [0.3, -1.2, 2.5, 0.7, -0.1, 1.9, 4.2, -3.3];
        for alternative in [Alternative::TwoSided, Alternative::Less, Alternative::Greater] {
            let exact = test(&d, Zeros::Drop, WilcoxonMethod::Exact, alternative);
            assert_eq!(exact, test(&d, Zeros::Drop, WilcoxonMethod::Permutation, alternative));
            assert_eq!(exact, test(&d, Zeros::Drop, WilcoxonMethod::Auto, alternative));
        }
    }

    #[test]
    fn normal_approximation_comes_close_for_many_pairs() {
        let d: Vec<f64> = (1..=60).map(|i| f64::from(i) * if i % 3 == 0 { -1.0 } else { 0.9 }).collect();
        let exact = test(&d, Zeros::Drop, WilcoxonMethod::Exact, Alternative::TwoSided).p_value;
        let normal = test(&d, Zeros::Drop, WilcoxonMethod::Normal { continuity: true }, Alternative::TwoSided).p_value;
        assert!((exact - normal).abs() < 0.03 * exact, "{exact} {normal}");
    }

    #[test]
    fn identical_values_are_refused() {
        let of = |a: &[f64], b: &[f64]| wilcoxon(a, b, Zeros::Split, WilcoxonMethod::Auto, Alternative::TwoSided);
        assert!(matches!(of(&[1.0, 2.0], &[1.0, 2.0]), Err(ScoreError::Constant { .. })));
        assert!(of(&[], &[]).is_err() && of(&[1.0], &[1.0, 2.0]).is_err());
    }
}

//! Rank correlation: Spearman's and Kendall's, ties by average rank.

use super::error::{ScoreError, ScoreResult};
use super::pairs::Pairs;
use super::significance::tail::normal_above;
use super::valid::check_count;

/// The rank of each value, from 1; equal values share the mean of their ranks.
///
/// # Example
/// ```
/// assert_eq!(isotherm::score::average_ranks(&[10.0, 20.0, 10.0]), vec![1.5, 3.0, 1.5]);
/// ```
pub fn average_ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0.0;
    // total_cmp puts -0.0 before 0.0, but they are equal values: groups are made with ==.
    for group in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let count = group.len() as f64;
        group.iter().for_each(|i| ranks[*i] = before + 0.5 * (count + 1.0));
        before += count;
    }
    ranks
}

/// Spearman's rank correlation: Pearson's correlation of the average ranks. Weights, where given, enter the correlation, not
/// the ranking.
///
/// # Formula
/// ```text
/// r_s = r( rank(t), rank(p) )
/// ```
/// −1..1; 1 for any rising relation.
///
/// # Errors
/// [`ScoreError::TooFew`] below two pairs, [`ScoreError::Constant`], [`ScoreError::NotFinite`].
///
/// # Example
/// ```
/// use isotherm::score::spearman;
/// assert!((spearman(&[1.0, 2.0, 3.0], &[1.0, 4.0, 9.0], None).unwrap() - 1.0).abs() < 1e-12);
/// ```
///
/// # Reference
/// Spearman (1904), doi:10.2307/1412159
pub fn spearman(truth: &[f64], prediction: &[f64], weights: Option<&[f64]>) -> ScoreResult<f64> {
    check_count(truth, prediction, "spearman", 2)?;
    let pairs = Pairs::collect(&average_ranks(truth), &average_ranks(prediction), None, weights)?;
    pairs.need_spread_of_truth("spearman")?;
    pairs.need_spread_of_prediction("spearman")?;
    pairs.pearson()
}

/// Kendall's rank correlation with its p-value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kendall {
    /// τ_b, −1..1.
    pub tau: f64,
    /// Two-sided p-value of τ = 0: exact without ties up to 33 pairs, else by the normal approximation.
    pub p_value: f64,
}

/// Kendall's τ_b, which allows for ties.
///
/// # Formula
/// ```text
/// τ_b = (C − D) / √( (N − X)(N − Y) ),  N = n(n − 1)/2; C concordant, D discordant pairs; X, Y pairs tied in t, p
/// ```
/// −1..1. All pairs are looked at: meant for some thousands of values.
///
/// # Errors
/// [`ScoreError::TooFew`] below two pairs, [`ScoreError::Constant`], [`ScoreError::NotFinite`].
///
/// # Example
/// ```
/// use isotherm::score::kendall;
/// // 5 of 6 pairs rise together: τ = (5 − 1)/6
/// let k = kendall(&[1.0, 2.0, 3.0, 4.0], &[1.0, 2.0, 4.0, 3.0]).unwrap();
/// assert!((k.tau - 2.0 / 3.0).abs() < 1e-12);
/// ```
///
/// # Reference
/// Kendall (1945), doi:10.2307/2332303
pub fn kendall(truth: &[f64], prediction: &[f64]) -> ScoreResult<Kendall> {
    check_count(truth, prediction, "kendall", 2)?;
    let n = truth.len();
    let (mut concordant, mut discordant) = (0u64, 0u64);
    for i in 0..n {
        for k in 0..i {
            let product = compare(truth[i], truth[k]) * compare(prediction[i], prediction[k]);
            concordant += u64::from(product > 0);
            discordant += u64::from(product < 0);
        }
    }
    let (x, y) = (TieSums::of(truth), TieSums::of(prediction));
    let total = (n * (n - 1) / 2) as f64;
    for (what, ties) in [("the truth", &x), ("the prediction", &y)] {
        if ties.pairs >= total {
            return Err(ScoreError::Constant { what, metric: "kendall" });
        }
    }
    let difference = concordant as f64 - discordant as f64;
    let tau = (difference / (total - x.pairs).sqrt() / (total - y.pairs).sqrt()).clamp(-1.0, 1.0);
    let rarer = concordant.min(discordant);
    let p_value = if x.pairs == 0.0 && y.pairs == 0.0 && (n <= 33 || rarer <= 1) {
        exact_tail(n, rarer)
    } else {
        let (n, m) = (n as f64, (n * (n - 1)) as f64);
        let variance = (m * (2.0 * n + 5.0) - x.variance - y.variance) / 18.0
            + 2.0 * x.pairs * y.pairs / m
            + x.triples * y.triples / (9.0 * m * (n - 2.0));
        2.0 * normal_above(difference.abs() / variance.sqrt())
    };
    Ok(Kendall { tau, p_value })
}

fn compare(a: f64, b: f64) -> i32 {
    i32::from(a > b) - i32::from(a < b)
}

/// Sums over groups of c equal values: c(c−1)/2, c(c−1)(c−2), c(c−1)(2c+5).
struct TieSums {
    pairs: f64,
    triples: f64,
    variance: f64,
}

impl TieSums {
    fn of(values: &[f64]) -> TieSums {
        let mut ordered = values.to_vec();
        ordered.sort_by(f64::total_cmp);
        let mut sums = TieSums { pairs: 0.0, triples: 0.0, variance: 0.0 };
        for group in ordered.chunk_by(|a, b| a == b) {
            let c = group.len() as f64;
            sums.pairs += c * (c - 1.0) / 2.0;
            sums.triples += c * (c - 1.0) * (c - 2.0);
            sums.variance += c * (c - 1.0) * (2.0 * c + 5.0);
        }
        sums
    }
}

/// Twice the probability that a random order of n has at most `inversions` inversions.
fn exact_tail(n: usize, inversions: u64) -> f64 {
    let mut probability = vec![0.0; inversions as usize + 1];
    probability[0] = 1.0;
    for j in 2..=n {
        // Adding the j-th value makes 0 .. j-1 new inversions, each as likely.
        let before = probability.clone();
        let mut sum = 0.0;
        for k in 0..probability.len() {
            sum += before[k];
            if k >= j {
                sum -= before[k - j];
            }
            probability[k] = sum / j as f64;
        }
    }
    (2.0 * probability.iter().sum::<f64>()).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_with_ties() {
        assert_eq!(average_ranks(&[3.0, 1.0, 3.0, 3.0, -2.0]), vec![4.0, 2.0, 4.0, 4.0, 1.0]);
        assert_eq!(average_ranks(&[0.0, -0.0]), vec![1.5, 1.5]);
        assert!(average_ranks(&[]).is_empty());
    }

    #[test]
    fn orders_of_three_by_hand() {
        // of the 6 orders of 3 values, 1, 2, 2, 1 have 0, 1, 2, 3 inversions
        assert!((exact_tail(3, 0) - 2.0 / 6.0).abs() < 1e-15);
        assert_eq!(exact_tail(3, 1), 1.0);
        // of the 24 orders of 4 values, 1 + 3 have at most 1
        assert!((exact_tail(4, 1) - 8.0 / 24.0).abs() < 1e-15);
    }

    #[test]
    fn constants_are_refused() {
        assert!(matches!(spearman(&[1.0, 1.0], &[1.0, 2.0], None), Err(ScoreError::Constant { .. })));
        assert!(matches!(kendall(&[1.0, 2.0], &[1.0, 1.0]), Err(ScoreError::Constant { what: "the prediction", .. })));
    }
}

//! [`Pairs`]: what a set of (truth, prediction) pairs amounts to, in a few numbers that can be merged.

use std::ops::Range;

use rayon::prelude::*;

use super::error::{ScoreError, ScoreResult};
use super::pair_chunk::Chunk;
use crate::base::vector::widest;

/// Pairs summed together before their sums are merged. Fixed, so that the result is the same to the last
/// bit for any number of threads.
const CHUNK: usize = 4096;

/// Weighted moments of (truth, prediction) pairs, from one pass in f64.
///
/// Two sets of moments merge exactly into those of the union, so fields larger than memory, blocks of a
/// bootstrap and chunks of a parallel sum all go through this one type. Each metric of
/// [`super::PointwiseMetric`] is a function of it.
///
/// # Formula
/// ```text
/// W = Σ wᵢ    t̄ = Σ wᵢ tᵢ / W    p̄ = Σ wᵢ pᵢ / W    S_tt = Σ wᵢ (tᵢ − t̄)²    S_pp, S_tp likewise
/// eᵢ = pᵢ − tᵢ    E₁ = Σ wᵢ eᵢ    A = Σ wᵢ |eᵢ|    E₂ = Σ wᵢ eᵢ²    S_ee = Σ wᵢ (eᵢ − ē)²
/// ```
/// Merging follows Chan et al. in centred form, so that an offset of 10⁷ costs no digits.
///
/// # Example
/// ```
/// use isotherm::score::Pairs;
/// let pairs = Pairs::collect(&[1.0, 2.0, 3.0], &[1.5, 2.5, 2.0], None, None).unwrap();
/// assert_eq!(pairs.count(), 3);
/// assert!((pairs.mean_truth() - 2.0).abs() < 1e-15);
/// ```
///
/// # Reference
/// Chan, Golub, LeVeque (1983), Algorithms for computing the sample variance. doi:10.1080/00031305.1983.10483115
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pairs {
    pub(super) count: usize,
    pub(super) weight: f64,
    pub(super) mean_truth: f64,
    pub(super) mean_prediction: f64,
    pub(super) spread_truth: f64,
    pub(super) spread_prediction: f64,
    pub(super) co_spread: f64,
    pub(super) sum_error: f64,
    pub(super) sum_absolute: f64,
    pub(super) sum_squared: f64,
    pub(super) spread_error: f64,
}

impl Pairs {
    /// The moments of every pair that is valid.
    ///
    /// `valid` and `weights` have one entry for each pair; left out, every pair is valid and of weight 1.
    /// What an invalid pair holds is never looked at. A pair of weight 0 is checked but counts for nothing.
    ///
    /// # Errors
    /// [`ScoreError::Length`] where truth and prediction differ in length, [`ScoreError::Argument`] where the
    /// mask or the weights do, or a weight is negative or not finite, [`ScoreError::NotFinite`] where a valid
    /// value is infinite or NaN. No valid pair is no error here: each metric says how many pairs it needs.
    pub fn collect<T, P>(truth: &[T], prediction: &[P], valid: Option<&[bool]>, weights: Option<&[f64]>) -> ScoreResult<Pairs>
    where
        T: Copy + Into<f64> + Sync,
        P: Copy + Into<f64> + Sync,
    {
        let n = truth.len();
        if n != prediction.len() {
            return Err(ScoreError::Length { truth: n, prediction: prediction.len() });
        }
        for (what, found) in [("mask", valid.map(<[bool]>::len)), ("list of weights", weights.map(<[f64]>::len))] {
            if let Some(found) = found.filter(|found| *found != n) {
                return Err(ScoreError::Argument(format!(
                    "the {what} has {found} entries for {n} pairs; one for each is wanted"
                )));
            }
        }
        let chunks: Vec<ScoreResult<Pairs>> = (0..n.div_ceil(CHUNK))
            .into_par_iter()
            .map(|chunk| {
                let range = chunk * CHUNK..((chunk + 1) * CHUNK).min(n);
                Pairs::of_chunk(truth, prediction, valid, weights, range)
            })
            .collect();
        let mut all = Pairs::default();
        for chunk in chunks {
            all.merge(&chunk?);
        }
        Ok(all)
    }

    /// Sums of one chunk, with its first valid pair as the origin: one pass, and no cancellation.
    fn of_chunk<T, P>(
        truth: &[T],
        prediction: &[P],
        valid: Option<&[bool]>,
        weights: Option<&[f64]>,
        range: Range<usize>,
    ) -> ScoreResult<Pairs>
    where
        T: Copy + Into<f64>,
        P: Copy + Into<f64>,
    {
        let is_valid = |i: usize| valid.is_none_or(|v| v[i]);
        let counts = |i: usize| is_valid(i) && weights.is_none_or(|w| w[i] != 0.0);
        let first = range.clone().find(|i| counts(*i)).unwrap_or(range.start);
        let origin = (truth[first].into(), prediction[first].into());
        let chunk = Chunk {
            truth: &truth[range.clone()],
            prediction: &prediction[range.clone()],
            valid: valid.map(|v| &v[range.clone()]),
            weights: weights.map(|w| &w[range.clone()]),
            origin,
        };
        let (sums, clean) = widest(chunk);
        if !clean {
            // Which pair it is, and what is wrong with it; nothing is where only the error of a pair is too large for f64.
            for i in range.filter(|i| is_valid(*i)) {
                check_pair(truth[i].into(), prediction[i].into(), weights.map_or(1.0, |w| w[i]), i)?;
            }
        }
        Ok(sums.about(origin))
    }

    /// Adds one pair.
    ///
    /// # Errors
    /// [`ScoreError::NotFinite`] or [`ScoreError::Argument`] for a value or weight that cannot be summed; the
    /// position told is the number of pairs that were in before.
    pub fn add(&mut self, truth: f64, prediction: f64, weight: f64) -> ScoreResult<()> {
        check_pair(truth, prediction, weight, self.count)?;
        if weight > 0.0 {
            let error = prediction - truth;
            self.merge(&Pairs {
                count: 1,
                weight,
                mean_truth: truth,
                mean_prediction: prediction,
                sum_error: weight * error,
                sum_absolute: weight * error.abs(),
                sum_squared: weight * error * error,
                ..Pairs::default()
            });
        }
        Ok(())
    }

    /// Takes in the pairs of `other`.
    pub fn merge(&mut self, other: &Pairs) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = *other;
            return;
        }
        let weight = self.weight + other.weight;
        let (dt, dp) = (other.mean_truth - self.mean_truth, other.mean_prediction - self.mean_prediction);
        let de = other.sum_error / other.weight - self.sum_error / self.weight;
        let share = other.weight / weight;
        let between = self.weight * share;
        self.count += other.count;
        self.weight = weight;
        self.mean_truth += dt * share;
        self.mean_prediction += dp * share;
        self.spread_truth += other.spread_truth + dt * dt * between;
        self.spread_prediction += other.spread_prediction + dp * dp * between;
        self.co_spread += other.co_spread + dt * dp * between;
        self.spread_error += other.spread_error + de * de * between;
        self.sum_error += other.sum_error;
        self.sum_absolute += other.sum_absolute;
        self.sum_squared += other.sum_squared;
    }

    /// Number of valid pairs with weight.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Sum of the weights.
    pub fn weight(&self) -> f64 {
        self.weight
    }

    /// Weighted mean of the truth. 0 without pairs.
    pub fn mean_truth(&self) -> f64 {
        self.mean_truth
    }

    /// Weighted mean of the prediction. 0 without pairs.
    pub fn mean_prediction(&self) -> f64 {
        self.mean_prediction
    }

    /// Weighted sum of squared departures of the truth from its mean (SST).
    pub fn spread_truth(&self) -> f64 {
        self.spread_truth
    }

    /// Weighted sum of squared departures of the prediction from its mean.
    pub fn spread_prediction(&self) -> f64 {
        self.spread_prediction
    }

    /// Weighted sum of products of both departures.
    pub fn co_spread(&self) -> f64 {
        self.co_spread
    }

    /// Weighted sum of prediction − truth.
    pub fn sum_error(&self) -> f64 {
        self.sum_error
    }

    /// Weighted sum of |prediction − truth|.
    pub fn sum_absolute(&self) -> f64 {
        self.sum_absolute
    }

    /// Weighted sum of (prediction − truth)² (SSE).
    pub fn sum_squared(&self) -> f64 {
        self.sum_squared
    }

    /// Weighted sum of squared departures of the error from its mean.
    pub fn spread_error(&self) -> f64 {
        self.spread_error
    }

    /// Is the truth the same in every pair, to rounding?
    pub fn truth_is_constant(&self) -> bool {
        is_constant(self.spread_truth, self.mean_truth, self.weight)
    }

    /// Is the prediction the same in every pair, to rounding?
    pub fn prediction_is_constant(&self) -> bool {
        is_constant(self.spread_prediction, self.mean_prediction, self.weight)
    }
}

/// A standard deviation below 10⁻¹³ of the mean is rounding of a mean, not spread (f64 has 2·10⁻¹⁶).
fn is_constant(spread: f64, mean: f64, weight: f64) -> bool {
    spread <= weight * (1e-13 * mean).powi(2)
}

fn check_pair(truth: f64, prediction: f64, weight: f64, position: usize) -> ScoreResult<()> {
    if !truth.is_finite() {
        return Err(ScoreError::NotFinite { what: "truth", position });
    }
    if !prediction.is_finite() {
        return Err(ScoreError::NotFinite { what: "prediction", position });
    }
    if !(weight.is_finite() && weight >= 0.0) {
        return Err(ScoreError::Argument(format!(
            "the weight of pair {position} is {weight}; a finite number of at least 0 is wanted"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    fn sample(n: usize) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
        let mut random = Random::new(3, "pairs");
        let truth: Vec<f64> = (0..n).map(|_| 288.0 + 5.0 * random.normal()).collect();
        let prediction = truth.iter().map(|t| t + 0.3 + 0.5 * random.normal()).collect();
        (truth, prediction, (0..n).map(|_| random.uniform()).collect())
    }

    /// The textbook two-pass sums, pair by pair.
    #[test]
    fn agrees_with_two_passes() {
        let (t, p, w) = sample(10_000);
        let pairs = Pairs::collect(&t, &p, None, Some(&w)).unwrap();
        let sum: f64 = w.iter().sum();
        let mean = |v: &[f64]| v.iter().zip(&w).map(|(v, w)| v * w).sum::<f64>() / sum;
        let (mt, mp) = (mean(&t), mean(&p));
        let spread: f64 = t.iter().zip(&w).map(|(t, w)| w * (t - mt).powi(2)).sum();
        let cross: f64 = t.iter().zip(&p).zip(&w).map(|((t, p), w)| w * (t - mt) * (p - mp)).sum();
        assert!((pairs.mean_prediction() - mp).abs() < 1e-10);
        assert!((pairs.spread_truth() / spread - 1.0).abs() < 1e-12);
        assert!((pairs.co_spread() / cross - 1.0).abs() < 1e-12);
    }

    #[test]
    fn the_same_bits_for_any_number_of_threads() {
        let (t, p, w) = sample(50_000);
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| Pairs::collect(&t, &p, None, Some(&w)).unwrap())
        };
        assert_eq!(with(1), with(3));
    }

    #[test]
    fn masked_pairs_may_hold_anything_and_change_nothing() {
        let (mut t, p, _) = sample(5000);
        let valid: Vec<bool> = (0..t.len()).map(|i| i % 3 != 0).collect();
        let clean = Pairs::collect(&t, &p, Some(&valid), None).unwrap();
        for i in (0..t.len()).step_by(3) {
            t[i] = if i % 2 == 0 { f64::NAN } else { 1e300 };
        }
        assert_eq!(Pairs::collect(&t, &p, Some(&valid), None).unwrap(), clean);
        assert_eq!(clean.count(), valid.iter().filter(|v| **v).count());
    }

    #[test]
    fn what_cannot_be_summed_is_named() {
        let bad = Pairs::collect(&[1.0, 2.0], &[1.0, f64::INFINITY], None, None);
        assert_eq!(bad, Err(ScoreError::NotFinite { what: "prediction", position: 1 }));
        assert_eq!(Pairs::collect(&[1.0], &[1.0, 2.0], None, None), Err(ScoreError::Length { truth: 1, prediction: 2 }));
        assert!(Pairs::collect(&[1.0], &[1.0], None, Some(&[-1.0])).is_err());
        assert!(Pairs::collect(&[1.0], &[1.0], Some(&[]), None).is_err());
    }
}

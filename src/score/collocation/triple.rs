//! Triple collocation: the errors of three data sets of the same quantity, from their covariances alone.

use crate::score::error::{ScoreError, ScoreResult};

/// What triple collocation says of one data set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CollocationSet {
    /// Variance of its random error, in its own unit squared.
    pub error_variance: f64,
    /// Variance of the common signal as this set shows it, in its own unit squared.
    pub signal_variance: f64,
    /// How strongly it shows the signal, relative to the first set (1 for the first).
    pub sensitivity: f64,
    /// Correlation with the unknown truth, 0..1 (extended triple collocation).
    pub truth_correlation: f64,
}

impl CollocationSet {
    /// Standard deviation of the random error, in the set's own unit.
    pub fn error_deviation(&self) -> f64 {
        self.error_variance.sqrt()
    }

    /// Signal over error variance, in decibels.
    pub fn signal_to_noise_decibel(&self) -> f64 {
        10.0 * (self.signal_variance / self.error_variance).log10()
    }
}

/// Triple collocation of three data sets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TripleCollocation {
    /// The three sets in the order given.
    pub sets: [CollocationSet; 3],
    /// Triplets used.
    pub count: usize,
}

/// Errors of three data sets of one quantity at the same places and times, whose errors do not depend on each other nor on the
/// truth.
///
/// # Formula
/// ```text
/// C covariances with divisor n − 1;  for x (y and z by exchange of letters):
/// signal  s²_x = C_xy C_xz/C_yz        error  σ²_x = C_xx − s²_x
/// sensitivity  β_y/β_x = C_yz/C_xz      correlation with the truth  ρ²_x = s²_x/C_xx
/// ```
/// Errors common to two sets (a drifter that entered the analysis) make those two look better and the third worse.
///
/// # Errors
/// [`ScoreError::Argument`] for lists or a mask of other lengths, [`ScoreError::TooFew`] below three triplets,
/// [`ScoreError::Constant`], [`ScoreError::NotFinite`]; [`ScoreError::Negative`] where a signal or error variance comes out
/// negative: too few triplets, or errors that are not independent.
///
/// # Example
/// ```
/// use isotherm::score::triple_collocation;
/// // signal ±1, errors that are orthogonal to it and to each other
/// let signal = [1.0, 1.0, 1.0, 1.0, -1.0, -1.0, -1.0, -1.0];
/// let (a, b) = ([0.1, -0.1, 0.1, -0.1, 0.1, -0.1, 0.1, -0.1], [0.2, 0.2, -0.2, -0.2, 0.2, 0.2, -0.2, -0.2]);
/// let x: Vec<f64> = (0..8).map(|i| signal[i] + a[i]).collect();
/// let y: Vec<f64> = (0..8).map(|i| signal[i] + b[i]).collect();
/// let z: Vec<f64> = (0..8).map(|i| signal[i] + 2.0 * a[i] * b[i] / 0.1).collect();
/// let t = triple_collocation(&x, &y, &z, None).unwrap();
/// // divisor 7: Σ 0.1²/7 and Σ 0.2²/7
/// assert!((t.sets[0].error_variance - 0.08 / 7.0).abs() < 1e-12);
/// assert!((t.sets[1].error_variance - 0.32 / 7.0).abs() < 1e-12);
/// ```
///
/// # Reference
/// Stoffelen (1998), doi:10.1029/97JC03180; McColl et al. (2014), doi:10.1002/2014GL061322 (extended)
pub fn triple_collocation(x: &[f64], y: &[f64], z: &[f64], valid: Option<&[bool]>) -> ScoreResult<TripleCollocation> {
    let triplets = triplets(x, y, z, valid)?;
    let all: Vec<usize> = (0..triplets[0].len()).collect();
    let raw = Raw::of(&triplets, &all);
    for (spread, what) in raw.variance.iter().zip(["the first data set", "the second data set", "the third data set"]) {
        if *spread <= 0.0 {
            return Err(ScoreError::Constant { what, metric: "triple_collocation" });
        }
    }
    const SIGNAL: [&str; 3] =
        ["the signal variance of the first set", "the signal variance of the second set", "the signal variance of the third set"];
    const ERROR: [&str; 3] =
        ["the error variance of the first set", "the error variance of the second set", "the error variance of the third set"];
    let mut sets = [CollocationSet { error_variance: 0.0, signal_variance: 0.0, sensitivity: 1.0, truth_correlation: 0.0 }; 3];
    for i in 0..3 {
        let (signal, error) = (raw.signal(i), raw.error(i));
        if !(signal > 0.0 && signal.is_finite()) {
            return Err(ScoreError::Negative { what: SIGNAL[i], value: signal });
        }
        if error < 0.0 {
            return Err(ScoreError::Negative { what: ERROR[i], value: error });
        }
        sets[i] = CollocationSet {
            error_variance: error,
            signal_variance: signal,
            sensitivity: raw.sensitivity(i),
            truth_correlation: raw.squared_correlation(i).sqrt(),
        };
    }
    Ok(TripleCollocation { sets, count: all.len() })
}

/// The valid triplets as three lists.
pub(super) fn triplets(x: &[f64], y: &[f64], z: &[f64], valid: Option<&[bool]>) -> ScoreResult<[Vec<f64>; 3]> {
    let n = x.len();
    if y.len() != n || z.len() != n || valid.is_some_and(|v| v.len() != n) {
        return Err(ScoreError::Argument(format!(
            "data sets of {n}, {} and {} values{}; the same number is wanted",
            y.len(),
            z.len(),
            valid.map_or(String::new(), |v| format!(" and a mask of {}", v.len()))
        )));
    }
    let keep: Vec<usize> = (0..n).filter(|i| valid.is_none_or(|v| v[*i])).collect();
    for (what, values) in [("the first data set", x), ("the second data set", y), ("the third data set", z)] {
        if let Some(position) = keep.iter().copied().find(|i| !values[*i].is_finite()) {
            return Err(ScoreError::NotFinite { what, position });
        }
    }
    if keep.len() < 3 {
        return Err(ScoreError::TooFew { metric: "triple_collocation", found: keep.len(), wanted: 3 });
    }
    Ok([x, y, z].map(|values| keep.iter().map(|i| values[*i]).collect()))
}

/// Covariances, and estimates from them that may come out negative.
pub(super) struct Raw {
    variance: [f64; 3],
    /// The covariance of the two other sets.
    other: [f64; 3],
}

impl Raw {
    /// From the triplets at `positions`.
    pub(super) fn of(triplets: &[Vec<f64>; 3], positions: &[usize]) -> Raw {
        let n = positions.len() as f64;
        // About the first values and then about the means, so that an offset of 290 kelvin costs no digits.
        let origin = triplets.each_ref().map(|t| t[0]);
        let mut mean = [0.0; 3];
        for i in positions {
            for k in 0..3 {
                mean[k] += (triplets[k][*i] - origin[k]) / n;
            }
        }
        let (mut variance, mut other) = ([0.0; 3], [0.0; 3]);
        for i in positions {
            let d: [f64; 3] = std::array::from_fn(|k| triplets[k][*i] - origin[k] - mean[k]);
            for k in 0..3 {
                variance[k] += d[k] * d[k] / (n - 1.0);
                other[k] += d[(k + 1) % 3] * d[(k + 2) % 3] / (n - 1.0);
            }
        }
        Raw { variance, other }
    }

    fn signal(&self, set: usize) -> f64 {
        self.other[(set + 1) % 3] * self.other[(set + 2) % 3] / self.other[set]
    }

    pub(super) fn error(&self, set: usize) -> f64 {
        self.variance[set] - self.signal(set)
    }

    fn sensitivity(&self, set: usize) -> f64 {
        // β_k/β_0: the covariance of k with the third set over that of set 0 with it, which is `other` of 0 over `other` of k.
        if set == 0 { 1.0 } else { self.other[0] / self.other[set] }
    }

    pub(super) fn squared_correlation(&self, set: usize) -> f64 {
        self.signal(set) / self.variance[set]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    fn simulated(n: usize) -> [Vec<f64>; 3] {
        let mut random = Random::new(13, "triple");
        let mut sets: [Vec<f64>; 3] = Default::default();
        for _ in 0..n {
            let truth = 290.0 + 2.0 * random.normal();
            sets[0].push(truth + 0.2 * random.normal());
            sets[1].push(10.0 + 0.8 * truth + 0.5 * random.normal());
            sets[2].push(1.1 * truth + 0.9 * random.normal());
        }
        sets
    }

    #[test]
    fn known_errors_are_recovered() {
        let [x, y, z] = simulated(40_000);
        let t = triple_collocation(&x, &y, &z, None).unwrap();
        for (set, (error, slope)) in t.sets.iter().zip([(0.2, 1.0), (0.5, 0.8), (0.9, 1.1)]) {
            assert!((set.error_deviation() - error).abs() < 0.03, "{set:?}");
            assert!((set.sensitivity - slope).abs() < 0.01, "{set:?}");
            let signal = (2.0 * slope) * (2.0 * slope);
            let rho = (signal / (signal + error * error)).sqrt();
            assert!((set.truth_correlation - rho).abs() < 0.005, "{set:?}");
            assert!((set.signal_to_noise_decibel() - 10.0 * (signal / (error * error)).log10()).abs() < 1.5);
        }
    }

    #[test]
    fn units_change_the_error_with_them() {
        let [x, y, z] = simulated(500);
        let scaled: Vec<f64> = y.iter().map(|v| 3.0 * v - 7.0).collect();
        let (a, b) = (triple_collocation(&x, &y, &z, None).unwrap(), triple_collocation(&x, &scaled, &z, None).unwrap());
        assert!((b.sets[1].error_deviation() - 3.0 * a.sets[1].error_deviation()).abs() < 1e-9);
        assert!((b.sets[1].truth_correlation - a.sets[1].truth_correlation).abs() < 1e-12);
        assert!((b.sets[0].error_variance - a.sets[0].error_variance).abs() < 1e-10);
    }

    #[test]
    fn masked_triplets_hold_anything() {
        let [x, mut y, z] = simulated(300);
        let valid: Vec<bool> = (0..300).map(|i| i % 5 != 0).collect();
        let before = triple_collocation(&x, &y, &z, Some(&valid)).unwrap();
        y[5] = f64::NAN;
        assert_eq!(triple_collocation(&x, &y, &z, Some(&valid)).unwrap(), before);
        assert!(matches!(triple_collocation(&x, &y, &z, None), Err(ScoreError::NotFinite { position: 5, .. })));
    }

    #[test]
    fn impossible_covariances_are_refused() {
        // C_xy and C_xz positive, C_yz negative
        let (x, y, z) = ([0.0, 1.0, 2.0, 3.0], [0.0, 3.0, 0.0, 3.0], [0.0, 0.0, 3.0, 2.0]);
        assert!(matches!(triple_collocation(&x, &y, &z, None), Err(ScoreError::Negative { .. })));
        assert!(triple_collocation(&x, &y, &z[..3], None).is_err());
        assert!(triple_collocation(&[1.0; 4], &y, &z, None).is_err());
        assert!(triple_collocation(&x[..2], &y[..2], &z[..2], None).is_err());
    }
}

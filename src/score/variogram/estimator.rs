//! How the increments of a lag bin become a semivariance.

use serde::{Deserialize, Serialize};

use super::pairwise_difference::{nth_pairwise_difference, pairwise_difference_quantile};
use crate::score::distribution::sort_values;
use crate::score::error::{ScoreError, ScoreResult};

/// Median of the squared increments to semivariance, for normal increments (Dowd).
const DOWD_FACTOR: f64 = 2.198;
/// Qₙ to standard deviation, for normal increments (Genton).
const GENTON_FACTOR: f64 = 2.219;
/// From so many increments on, [`VariogramEstimator::GentonAbsolute`] takes the lower quartile.
const GENTON_LARGE_SAMPLE: usize = 500;

/// The estimator of the semivariance of one lag bin from the increments `d = z(b) − z(a)` of its pairs.
///
/// # Formula
/// ```text
/// Matheron         γ = Σd² / 2N
/// CressieHawkins   γ = (Σ√|d| / N)⁴ / ( 2 (0.457 + 0.494/N + 0.045/N²) )
/// Dowd             γ = 2.198 median(|d|)² / 2
/// Genton           γ = (2.219 Qₙ)² / 2,   Qₙ = the C(⌊N/2⌋+1, 2)-th smallest of |dᵢ − dⱼ|, i < j
/// GentonAbsolute   γ = (2.219 Q)² / 2,    Q = quantile of ||dᵢ| − |dⱼ|| at C(N/2+1, 2) / C(N, 2), 1/4 from N = 500 on
/// ```
/// All but the last estimate the same number for a Gaussian field; Matheron is the most precise there, and the least
/// robust against outliers. `GentonAbsolute` is what SciKit-GStat calls Genton: absolute increments have less spread
/// than signed ones, so it comes out too small, and is meant for comparison with that package only.
///
/// # Example
/// ```
/// use isotherm::score::VariogramEstimator;
/// let gamma = VariogramEstimator::Matheron.semivariance(&mut [1.0, -1.0, 2.0]).unwrap();
/// assert_eq!(gamma, 1.0); // (1 + 1 + 4) / 6
/// ```
///
/// # Reference
/// Cressie, Hawkins (1980), doi:10.1007/BF01035243; Dowd (1984), doi:10.1007/978-94-009-3699-7_6;
/// Genton (1998), doi:10.1023/A:1021728614555
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum VariogramEstimator {
    /// Half the mean square.
    Matheron,
    /// Fourth power of the mean square root.
    CressieHawkins,
    /// Median of the absolute increments.
    Dowd,
    /// Order statistic of the differences between increments (as published).
    Genton,
    /// The same over absolute increments (as SciKit-GStat).
    GentonAbsolute,
}

/// What of each increment must be kept until the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Summary {
    /// Only the sum of the squares.
    SumOfSquares,
    /// Only the sum of the square roots of the absolute values.
    SumOfRoots,
    /// Every increment.
    Everything,
}

impl VariogramEstimator {
    /// Every estimator.
    pub const ALL: [VariogramEstimator; 5] =
        [Self::Matheron, Self::CressieHawkins, Self::Dowd, Self::Genton, Self::GentonAbsolute];

    /// The semivariance of one bin; the increments may be reordered.
    ///
    /// # Errors
    /// [`ScoreError::TooFew`] without an increment (Genton: below two), [`ScoreError::NotFinite`] for one that is not finite.
    pub fn semivariance(self, increments: &mut [f64]) -> ScoreResult<f64> {
        let wanted = self.least_pairs();
        if increments.len() < wanted {
            return Err(ScoreError::TooFew { metric: self.name(), found: increments.len(), wanted });
        }
        if let Some(position) = increments.iter().position(|d| !d.is_finite()) {
            return Err(ScoreError::NotFinite { what: "an increment", position });
        }
        let n = increments.len();
        Ok(match self {
            Self::Matheron => self.of_sum(increments.iter().map(|d| d * d).sum(), n as f64),
            Self::CressieHawkins => self.of_sum(increments.iter().map(|d| d.abs().sqrt()).sum(), n as f64),
            Self::Dowd => {
                increments.iter_mut().for_each(|d| *d = d.abs());
                0.5 * DOWD_FACTOR * median_in_place(increments).powi(2)
            }
            Self::Genton => {
                sort_values(increments);
                let half = (n / 2 + 1) as u64;
                0.5 * (GENTON_FACTOR * nth_pairwise_difference(increments, half * (half - 1) / 2 - 1)).powi(2)
            }
            Self::GentonAbsolute => {
                increments.iter_mut().for_each(|d| *d = d.abs());
                sort_values(increments);
                let real = n as f64;
                let probability = match n {
                    GENTON_LARGE_SAMPLE.. => 0.25,
                    _ => (real / 2.0 + 1.0) * (real / 2.0) / (real * (real - 1.0)),
                };
                0.5 * (GENTON_FACTOR * pairwise_difference_quantile(increments, probability)).powi(2)
            }
        })
    }

    /// The name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Matheron => "the Matheron semivariance",
            Self::CressieHawkins => "the Cressie-Hawkins semivariance",
            Self::Dowd => "the Dowd semivariance",
            Self::Genton => "the Genton semivariance",
            Self::GentonAbsolute => "the Genton semivariance of absolute increments",
        }
    }

    /// Increments needed.
    pub(super) fn least_pairs(self) -> usize {
        match self {
            Self::Genton | Self::GentonAbsolute => 2,
            _ => 1,
        }
    }

    pub(super) fn summary(self) -> Summary {
        match self {
            Self::Matheron => Summary::SumOfSquares,
            Self::CressieHawkins => Summary::SumOfRoots,
            _ => Summary::Everything,
        }
    }

    /// From the [`Summary`]'s sum over `n` increments; the estimators that keep everything have none.
    pub(super) fn of_sum(self, sum: f64, n: f64) -> f64 {
        match self {
            Self::CressieHawkins => 0.5 * (sum / n).powi(4) / (0.457 + 0.494 / n + 0.045 / (n * n)),
            _ => 0.5 * sum / n,
        }
    }
}

/// Median by selection; of an even number the mean of the two in the middle.
fn median_in_place(values: &mut [f64]) -> f64 {
    let half = values.len() / 2;
    let even = values.len().is_multiple_of(2);
    let (below, upper, _) = values.select_nth_unstable_by(half, f64::total_cmp);
    if even { 0.5 * (below.iter().copied().fold(f64::NEG_INFINITY, f64::max) + *upper) } else { *upper }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    fn close(got: f64, want: f64) {
        assert!((got - want).abs() < 1e-12 * want.abs().max(1.0), "{got} {want}");
    }

    #[test]
    fn by_hand() {
        // increments 1 -4 9 0: squares 1 16 81 0 (sum 98), roots 1 2 3 0 (sum 6), |d| in order 0 1 4 9
        let of = |e: VariogramEstimator| e.semivariance(&mut [1.0, -4.0, 9.0, 0.0]).unwrap();
        close(of(VariogramEstimator::Matheron), 98.0 / 8.0);
        close(of(VariogramEstimator::CressieHawkins), 0.5 * 1.5_f64.powi(4) / (0.457 + 0.1235 + 0.0028125));
        close(of(VariogramEstimator::Dowd), 0.5 * 2.198 * 2.5 * 2.5);
        // differences of -4 0 1 9: 1 4 5 8 9 13; the C(3, 2) = third is 5
        close(of(VariogramEstimator::Genton), 0.5 * (2.219_f64 * 5.0).powi(2));
        // of 0 1 4 9: 1 3 4 5 8 9; C(3, 2)/C(4, 2) = 1/2, the median 4.5
        close(of(VariogramEstimator::GentonAbsolute), 0.5 * (2.219_f64 * 4.5).powi(2));
    }

    #[test]
    fn the_variance_of_normal_increments_is_recovered() {
        // d ~ N(0, 2γ) with γ = 4.5; the standard error of Qₙ at n = 40,000 is about 0.4 %, of γ twice that
        let mut random = Random::new(11, "increments");
        let increments: Vec<f64> = (0..40_000).map(|_| 3.0 * random.normal()).collect();
        for (estimator, within) in VariogramEstimator::ALL.into_iter().zip([0.03, 0.03, 0.04, 0.04]) {
            let got = estimator.semivariance(&mut increments.clone()).unwrap();
            assert!((got / 4.5 - 1.0).abs() < within, "{estimator:?} {got}");
        }
        let absolute = VariogramEstimator::GentonAbsolute.semivariance(&mut increments.clone()).unwrap();
        assert!(absolute < 0.5 * 4.5, "{absolute}");
    }

    #[test]
    fn robust_estimators_withstand_outliers() {
        let mut random = Random::new(12, "outliers");
        let increments: Vec<f64> = (0..2000).map(|i| if i % 50 == 0 { 60.0 } else { 1.0 } * random.normal()).collect();
        let of = |e: VariogramEstimator| e.semivariance(&mut increments.clone()).unwrap();
        assert!(of(VariogramEstimator::Matheron) > 10.0);
        for robust in [VariogramEstimator::Dowd, VariogramEstimator::Genton] {
            assert!((of(robust) / 0.5 - 1.0).abs() < 0.2, "{robust:?}");
        }
    }

    #[test]
    fn constant_fields_have_none_and_bad_input_is_refused() {
        for estimator in VariogramEstimator::ALL {
            assert_eq!(estimator.semivariance(&mut [0.0; 6]).unwrap(), 0.0);
            assert!(matches!(estimator.semivariance(&mut []), Err(ScoreError::TooFew { .. })));
            assert!(matches!(estimator.semivariance(&mut [0.0, f64::NAN]), Err(ScoreError::NotFinite { position: 1, .. })));
        }
        assert!(VariogramEstimator::Genton.semivariance(&mut [1.0]).is_err());
    }
}

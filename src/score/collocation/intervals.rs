//! Intervals of triple collocation by a block bootstrap.

use rayon::prelude::*;

use super::triple::{Raw, triple_collocation, triplets};
use crate::base::random::Random;
use crate::score::error::{ScoreError, ScoreResult};
use crate::score::interval::{Interval, percentile_interval};
use crate::score::resample::Resampling;

/// Intervals of what triple collocation says of one data set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CollocationInterval {
    /// Of the standard deviation of its random error.
    pub error_deviation: Interval,
    /// Of its correlation with the truth.
    pub truth_correlation: Interval,
}

/// Percentile intervals of the error and the correlation with the truth of each of three data sets.
///
/// The valid triplets are resampled in the order given, in runs where the plan says so: order them by time (or drifter by
/// drifter), with runs longer than the memory of the errors. A resample may give a negative error variance; it stays in the
/// distribution with its sign, and only the ends of the interval are brought to 0, so that the interval is not made narrower by
/// leaving such resamples out.
///
/// # Errors
/// As [`super::triple_collocation`], [`Resampling::check`] and [`percentile_interval`]; [`ScoreError::TooFew`] below two
/// resamples; [`ScoreError::Argument`] where a resample has no covariance between two sets at all.
///
/// # Example
/// ```
/// use isotherm::base::random::Random;
/// use isotherm::score::{collocation_intervals, Resampling};
/// let mut random = Random::new(1, "doc");
/// let truth: Vec<f64> = (0..400).map(|_| random.normal()).collect();
/// let mut seen = |error: f64| truth.iter().map(|t| t + error * random.normal()).collect::<Vec<f64>>();
/// let (x, y, z) = (seen(0.3), seen(0.5), seen(0.7));
/// let plan = Resampling::Circular { block: 10 };
/// let intervals = collocation_intervals(&x, &y, &z, None, plan, 300, 0.95, 7).unwrap();
/// assert!(intervals[1].error_deviation.lower < 0.55 && intervals[1].error_deviation.upper > 0.45);
/// ```
///
/// # Reference
/// Künsch (1989), doi:10.1214/aos/1176347265; McColl et al. (2014), doi:10.1002/2014GL061322
#[allow(clippy::too_many_arguments)]
pub fn collocation_intervals(
    x: &[f64],
    y: &[f64],
    z: &[f64],
    valid: Option<&[bool]>,
    plan: Resampling,
    resamples: usize,
    coverage: f64,
    seed: u64,
) -> ScoreResult<[CollocationInterval; 3]> {
    triple_collocation(x, y, z, valid)?;
    let triplets = triplets(x, y, z, valid)?;
    let n = triplets[0].len();
    plan.check(n)?;
    if resamples < 2 {
        return Err(ScoreError::TooFew { metric: "a bootstrap (resamples)", found: resamples, wanted: 2 });
    }
    let stream = Random::new(seed, "triple collocation");
    // Each resample has a stream of its own, so the result is the same for any number of threads.
    let replicates: Vec<[f64; 6]> = (0..resamples)
        .into_par_iter()
        .map_init(Vec::new, |positions, index| {
            plan.draw(n, &mut stream.child(index as u64), positions);
            let raw = Raw::of(&triplets, positions);
            std::array::from_fn(|k| if k < 3 { raw.error(k) } else { raw.squared_correlation(k - 3) })
        })
        .collect();
    if replicates.iter().flatten().any(|v| !v.is_finite()) {
        return Err(ScoreError::Argument(
            "a resample has two sets without any covariance; more triplets or longer runs are wanted".into(),
        ));
    }
    let root = |k: usize, most: f64| -> ScoreResult<Interval> {
        let values: Vec<f64> = replicates.iter().map(|r| r[k]).collect();
        let squared = percentile_interval(&values, coverage)?;
        let end = |v: f64| v.clamp(0.0, most).sqrt();
        Ok(Interval { lower: end(squared.lower), upper: end(squared.upper), coverage })
    };
    let of = |set: usize| -> ScoreResult<CollocationInterval> {
        Ok(CollocationInterval { error_deviation: root(set, f64::INFINITY)?, truth_correlation: root(set + 3, 1.0)? })
    };
    Ok([of(0)?, of(1)?, of(2)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn simulated(n: usize, seed: u64) -> [Vec<f64>; 3] {
        let mut random = Random::new(seed, "collocation intervals");
        let mut sets: [Vec<f64>; 3] = Default::default();
        for _ in 0..n {
            let truth = random.normal();
            for (set, error) in sets.iter_mut().zip([0.3, 0.5, 0.8]) {
                set.push(truth + error * random.normal());
            }
        }
        sets
    }

    #[test]
    fn intervals_cover_the_truth_about_as_often_as_they_say() {
        let (mut errors, mut correlations) = (0, 0);
        for seed in 0..60 {
            let [x, y, z] = simulated(300, seed);
            let of = collocation_intervals(&x, &y, &z, None, Resampling::Unit, 200, 0.9, seed).unwrap()[1];
            errors += i32::from(of.error_deviation.lower <= 0.5 && 0.5 <= of.error_deviation.upper);
            let rho = (1.0f64 / 1.25).sqrt();
            correlations += i32::from(of.truth_correlation.lower <= rho && rho <= of.truth_correlation.upper);
        }
        // 54 of 60 expected, standard deviation 2.3
        assert!(errors >= 45 && correlations >= 45, "{errors} {correlations}");
    }

    #[test]
    fn the_same_for_any_number_of_threads() {
        let [x, y, z] = simulated(100, 3);
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| collocation_intervals(&x, &y, &z, None, Resampling::Moving { block: 5 }, 50, 0.95, 1).unwrap())
        };
        assert_eq!(with(1), with(3));
    }

    #[test]
    fn bad_plans_are_refused() {
        let [x, y, z] = simulated(50, 4);
        let with = |plan, resamples| collocation_intervals(&x, &y, &z, None, plan, resamples, 0.95, 1);
        assert!(with(Resampling::Circular { block: 51 }, 50).is_err());
        assert!(with(Resampling::Unit, 1).is_err());
    }
}

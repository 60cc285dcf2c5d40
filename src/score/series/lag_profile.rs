//! A score as a function of the lag between truth and prediction: is the prediction late?

use crate::score::error::{ScoreError, ScoreResult};
use crate::score::lag::lagged_pairs;
use crate::score::metric::PointwiseMetric;

/// A metric at one lag.
#[derive(Clone, Debug, PartialEq)]
pub struct LagScore {
    /// The lag in steps: the truth at time t stands beside the prediction at time t + lag.
    pub lag: isize,
    /// How many pairs there are.
    pub count: usize,
    /// The metric, or why it is undefined at this lag.
    pub value: ScoreResult<f64>,
}

/// A metric at each lag from −`max_lag` to `max_lag`: lag-RMSE, lag-R² and so on.
///
/// A prediction that is only a delayed copy of the truth scores best at a positive lag.
///
/// # Errors
/// As [`lagged_pairs`]. What is undefined at one lag only (no valid pair) stands at that lag.
///
/// # Example
/// ```
/// use isotherm::score::{best_lag, lag_profile, PointwiseMetric};
/// let all = [true; 6];
/// let truth = [0.0, 1.0, 3.0, 2.0, 1.0, 0.0];
/// let late = [9.0, 0.0, 1.0, 3.0, 2.0, 1.0];
/// let profile = lag_profile(&truth, &late, &all, &all, 2, PointwiseMetric::Rmse).unwrap();
/// assert_eq!(best_lag(&profile, true).unwrap(), 1);
/// ```
///
/// # Reference
/// Definition: the metric over pairs (truth(t), prediction(t + lag)), as in Box, Jenkins, Reinsel (2008),
/// doi:10.1002/9781118619193
pub fn lag_profile(
    truth: &[f64],
    prediction: &[f64],
    truth_valid: &[bool],
    prediction_valid: &[bool],
    max_lag: usize,
    metric: PointwiseMetric,
) -> ScoreResult<Vec<LagScore>> {
    let end = isize::try_from(max_lag)
        .map_err(|_| ScoreError::Argument(format!("a lag of {max_lag} is longer than any series can be")))?;
    (-end..=end)
        .map(|lag| {
            let pairs = lagged_pairs(truth, prediction, truth_valid, prediction_valid, lag)?;
            Ok(LagScore { lag, count: pairs.count(), value: metric.of(&pairs) })
        })
        .collect()
}

/// The lag with the best value, the one nearest to 0 where several are equal: the smallest where `small_is_good` (errors), else
/// the largest (correlations).
///
/// # Errors
/// [`ScoreError::TooFew`] where no lag has a value.
pub fn best_lag(profile: &[LagScore], small_is_good: bool) -> ScoreResult<isize> {
    let sign = if small_is_good { 1.0 } else { -1.0 };
    profile
        .iter()
        .filter_map(|score| score.value.as_ref().ok().map(|value| (sign * value, score.lag)))
        .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.abs().cmp(&b.1.abs())))
        .map(|(_, lag)| lag)
        .ok_or(ScoreError::TooFew { metric: "the best lag", found: 0, wanted: 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profile_of_a_constant_error_is_flat() {
        let truth = [1.0; 5];
        let prediction = [1.5; 5];
        let all = [true; 5];
        let profile = lag_profile(&truth, &prediction, &all, &all, 2, PointwiseMetric::Rmse).unwrap();
        assert_eq!(profile.iter().map(|s| s.count).collect::<Vec<_>>(), vec![3, 4, 5, 4, 3]);
        assert!(profile.iter().all(|s| s.value == Ok(0.5)));
        assert_eq!(best_lag(&profile, true).unwrap(), 0);
        // a correlation of constants is undefined at every lag
        let undefined = lag_profile(&truth, &prediction, &all, &all, 1, PointwiseMetric::Pearson).unwrap();
        assert!(undefined.iter().all(|s| s.value.is_err()) && best_lag(&undefined, false).is_err());
    }

    #[test]
    fn long_lags_are_refused() {
        assert!(lag_profile(&[1.0], &[1.0], &[true], &[true], 1, PointwiseMetric::Bias).is_err());
    }
}

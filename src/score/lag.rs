//! Scores of a series against another one shifted in time.

use super::error::{ScoreError, ScoreResult};
use super::pairs::Pairs;

/// Pairs of truth at time t with prediction at time t + `lag`, where both are valid.
///
/// Any metric of [`Pairs`] then gives its lagged form (lag-RMSE, lag-R²). A negative lag takes earlier predictions.
///
/// # Errors
/// [`ScoreError::Length`], [`ScoreError::Argument`] (masks of other lengths, or a lag as long as the series),
/// [`ScoreError::NotFinite`].
///
/// # Example
/// ```
/// use isotherm::score::lagged_pairs;
/// let all = [true; 4];
/// // the prediction is one step late
/// let pairs = lagged_pairs(&[1.0, 2.0, 3.0, 4.0], &[0.0, 1.0, 2.0, 3.0], &all, &all, 1).unwrap();
/// assert_eq!((pairs.count(), pairs.rmse().unwrap()), (3, 0.0));
/// ```
///
/// # Reference
/// Definition: √( mean over t of (truth(t) − prediction(t + lag))² ), as in Box, Jenkins, Reinsel (2008), doi:10.1002/9781118619193
pub fn lagged_pairs(
    truth: &[f64],
    prediction: &[f64],
    truth_valid: &[bool],
    prediction_valid: &[bool],
    lag: isize,
) -> ScoreResult<Pairs> {
    let n = truth.len();
    if prediction.len() != n {
        return Err(ScoreError::Length { truth: n, prediction: prediction.len() });
    }
    if truth_valid.len() != n || prediction_valid.len() != n {
        return Err(ScoreError::Argument(format!(
            "masks of {} and {} entries for series of {n}; the same number is wanted",
            truth_valid.len(),
            prediction_valid.len()
        )));
    }
    let shift = lag.unsigned_abs();
    if shift >= n {
        return Err(ScoreError::Argument(format!("a lag of {lag} leaves nothing of a series of {n}")));
    }
    let (t, p) = if lag >= 0 { (0, shift) } else { (shift, 0) };
    let overlap = n - shift;
    let valid: Vec<bool> = (0..overlap).map(|i| truth_valid[t + i] && prediction_valid[p + i]).collect();
    Pairs::collect(&truth[t..t + overlap], &prediction[p..p + overlap], Some(&valid), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_values_leave_the_pair_out() {
        let pairs = lagged_pairs(&[1.0, 2.0, 3.0], &[f64::NAN, 1.0, 5.0], &[true, true, true], &[false, true, true], -1).unwrap();
        // t(1) with p(0) is missing, t(2) = 3 with p(1) = 1 is left
        assert_eq!((pairs.count(), pairs.bias().unwrap()), (1, -2.0));
        assert!(lagged_pairs(&[1.0], &[1.0], &[true], &[true], 1).is_err());
    }
}

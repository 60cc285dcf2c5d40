//! Errors of quantiles: does the prediction have the right extremes, wherever they are?

use super::{ScoreError, ScoreResult, ordered};
use crate::score::quantile::quantile_of_sorted;

/// The error of one quantile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QuantileError {
    /// The probability, 0..1.
    pub probability: f64,
    /// The quantile of the truth.
    pub truth: f64,
    /// The quantile of the prediction.
    pub prediction: f64,
}

impl QuantileError {
    /// Prediction minus truth.
    pub fn error(&self) -> f64 {
        self.prediction - self.truth
    }
}

/// Errors of the quantiles at `probabilities`. The samples need not be pairs, nor equally many.
///
/// # Formula
/// ```text
/// Q_p(q) − Q_t(q),    quantiles by straight lines between values (type 7)
/// ```
/// In the unit of the data; negative at high q for a prediction that is too smooth.
///
/// # Errors
/// [`ScoreError::TooFew`] for an empty sample or no probability, [`ScoreError::NotFinite`], [`ScoreError::Argument`] for a
/// probability outside 0..1.
///
/// # Example
/// ```
/// use isotherm::score::quantile_error;
/// let e = quantile_error(&[0.0, 1.0, 2.0], &[0.5, 1.0, 1.5], &[0.0, 0.5, 1.0]).unwrap();
/// assert_eq!(e.iter().map(|e| e.error()).collect::<Vec<_>>(), vec![0.5, 0.0, -0.5]);
/// ```
///
/// # Reference
/// Hyndman, Fan (1996), doi:10.1080/00031305.1996.10473566
pub fn quantile_error(truth: &[f64], prediction: &[f64], probabilities: &[f64]) -> ScoreResult<Vec<QuantileError>> {
    let t = ordered(truth, "truth", "quantile_error")?;
    let p = ordered(prediction, "prediction", "quantile_error")?;
    if probabilities.is_empty() {
        return Err(ScoreError::TooFew { metric: "quantile_error (probabilities)", found: 0, wanted: 1 });
    }
    probabilities
        .iter()
        .map(|q| {
            let (truth, prediction) = (quantile_of_sorted(&t, *q)?, quantile_of_sorted(&p, *q)?);
            Ok(QuantileError { probability: *q, truth, prediction })
        })
        .collect()
}

/// The points of a quantile-quantile figure: `count` probabilities (i − ½)/count.
///
/// # Errors
/// As [`quantile_error`].
///
/// # Example
/// ```
/// use isotherm::score::quantile_pairs;
/// let pairs = quantile_pairs(&[0.0, 1.0], &[0.0, 2.0], 2).unwrap();
/// assert_eq!((pairs[0].probability, pairs[0].truth, pairs[0].prediction), (0.25, 0.25, 0.5));
/// ```
pub fn quantile_pairs(truth: &[f64], prediction: &[f64], count: usize) -> ScoreResult<Vec<QuantileError>> {
    let probabilities: Vec<f64> = (0..count).map(|i| (i as f64 + 0.5) / count as f64).collect();
    quantile_error(truth, prediction, &probabilities)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_is_the_error_of_every_quantile() {
        let truth = [3.0, 1.0, 2.0, 5.0];
        let moved: Vec<f64> = truth.iter().map(|v| v + 0.25).collect();
        assert!(quantile_pairs(&truth, &moved, 9).unwrap().iter().all(|e| (e.error() - 0.25).abs() < 1e-15));
    }

    #[test]
    fn bad_input_is_refused() {
        assert!(quantile_error(&[], &[1.0], &[0.5]).is_err());
        assert!(quantile_error(&[1.0], &[f64::NAN], &[0.5]).is_err());
        assert!(quantile_error(&[1.0], &[1.0], &[1.5]).is_err());
        assert!(quantile_pairs(&[1.0], &[1.0], 0).is_err());
    }
}

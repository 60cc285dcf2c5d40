//! [`FitLine`]: the least-squares line between truth and prediction, either way round.

use serde::{Deserialize, Serialize};

use super::error::ScoreResult;
use super::pairs::Pairs;

/// A straight line `y = slope x + intercept`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FitLine {
    /// Change of y for a unit of x.
    pub slope: f64,
    /// y at x = 0, in the unit of y.
    pub intercept: f64,
}

impl FitLine {
    /// y at `x`.
    pub fn at(&self, x: f64) -> f64 {
        self.slope * x + self.intercept
    }
}

impl Pairs {
    /// The least-squares line `prediction = slope · truth + intercept` (truth on the x axis).
    ///
    /// # Formula
    /// ```text
    /// slope = S_tp / S_tt,    intercept = p̄ − slope t̄
    /// ```
    /// A slope below 1 means that the prediction is too smooth.
    ///
    /// # Errors
    /// [`ScoreError::TooFew`](super::ScoreError::TooFew) below two pairs,
    /// [`ScoreError::Constant`](super::ScoreError::Constant) where the truth is constant.
    ///
    /// # Example
    /// ```
    /// use isotherm::score::Pairs;
    /// let line = Pairs::collect(&[0.0, 2.0], &[1.0, 2.0], None, None).unwrap().fit_prediction_on_truth().unwrap();
    /// assert_eq!((line.slope, line.intercept), (0.5, 1.0));
    /// ```
    ///
    /// # Reference
    /// Draper, Smith (1998), doi:10.1002/9781118625590
    pub fn fit_prediction_on_truth(&self) -> ScoreResult<FitLine> {
        self.need("fit_prediction_on_truth", 2)?;
        self.need_spread_of_truth("fit_prediction_on_truth")?;
        let slope = self.co_spread() / self.spread_truth();
        Ok(FitLine { slope, intercept: self.mean_prediction() - slope * self.mean_truth() })
    }

    /// The least-squares line `truth = slope · prediction + intercept` (prediction on the x axis).
    ///
    /// # Formula
    /// ```text
    /// slope = S_tp / S_pp,    intercept = t̄ − slope p̄
    /// ```
    /// It is *not* the inverse of [`Pairs::fit_prediction_on_truth`]: the two slopes multiply to r².
    ///
    /// # Errors
    /// [`ScoreError::TooFew`](super::ScoreError::TooFew) below two pairs,
    /// [`ScoreError::Constant`](super::ScoreError::Constant) where the prediction is constant.
    ///
    /// # Example
    /// ```
    /// use isotherm::score::Pairs;
    /// let line = Pairs::collect(&[0.0, 2.0], &[1.0, 2.0], None, None).unwrap().fit_truth_on_prediction().unwrap();
    /// assert_eq!((line.slope, line.intercept), (2.0, -2.0));
    /// ```
    ///
    /// # Reference
    /// Draper, Smith (1998), doi:10.1002/9781118625590
    pub fn fit_truth_on_prediction(&self) -> ScoreResult<FitLine> {
        self.need("fit_truth_on_prediction", 2)?;
        self.need_spread_of_prediction("fit_truth_on_prediction")?;
        let slope = self.co_spread() / self.spread_prediction();
        Ok(FitLine { slope, intercept: self.mean_truth() - slope * self.mean_prediction() })
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::ScoreError;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn by_hand() {
        // t = 1 2 3 4, p = 2 2 2 6: means 2.5 and 3; S_tt = 5, S_pp = 12, S_tp = 6
        let pairs = Pairs::collect(&[1.0, 2.0, 3.0, 4.0], &[2.0, 2.0, 2.0, 6.0], None, None).unwrap();
        let close = |got: f64, want: f64| assert!((got - want).abs() < 1e-14, "{got} {want}");
        let line = pairs.fit_prediction_on_truth().unwrap();
        close(line.slope, 1.2);
        close(line.at(2.5), 3.0);
        close(pairs.fit_truth_on_prediction().unwrap().intercept, 1.0);
    }

    #[test]
    fn a_constant_has_no_line_over_it() {
        let constant = Pairs::collect(&[273.15; 3], &[1.0, 2.0, 3.0], None, None).unwrap();
        let wanted = ScoreError::Constant { what: "the truth", metric: "fit_prediction_on_truth" };
        assert_eq!(constant.fit_prediction_on_truth(), Err(wanted));
        assert_eq!(constant.fit_truth_on_prediction().unwrap().slope, 0.0);
    }

    proptest! {
        #[test]
        fn the_two_slopes_multiply_to_r_squared(truth in prop::collection::vec(-50.0f64..50.0, 3..40), seed in 0u64..1000) {
            let mut random = crate::base::random::Random::new(seed, "lines");
            let prediction: Vec<f64> = truth.iter().map(|t| t + random.normal()).collect();
            let pairs = Pairs::collect(&truth, &prediction, None, None).unwrap();
            let (a, b) = (pairs.fit_prediction_on_truth().unwrap(), pairs.fit_truth_on_prediction().unwrap());
            prop_assert!((a.slope * b.slope - pairs.r_squared_pearson().unwrap()).abs() < 1e-9);
        }
    }
}

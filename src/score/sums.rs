//! [`Sums`]: plain sums of pairs about an origin, on their way to [`Pairs`], and sums whose weight is known late.

use super::error::{ScoreError, ScoreResult};
use super::pairs::Pairs;

/// Weighted sums of departures from an origin (a truth and a prediction near the data, so that little cancels).
/// A sum that nobody asked for may stay 0: metrics that need it must then not be taken.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Sums {
    pub count: usize,
    pub weight: f64,
    /// Σ w dt, dt = t − t₀.
    pub truth: f64,
    /// Σ w dp, dp = p − p₀.
    pub prediction: f64,
    /// Σ w dt².
    pub truth_squared: f64,
    /// Σ w dp².
    pub prediction_squared: f64,
    /// Σ w dt dp.
    pub product: f64,
    /// Σ w e, e = p − t.
    pub error: f64,
    /// Σ w |e|.
    pub absolute: f64,
    /// Σ w e².
    pub squared: f64,
    /// Σ w de, de = e − (p₀ − t₀).
    pub deviation: f64,
    /// Σ w de².
    pub deviation_squared: f64,
}

impl Sums {
    /// The moments, given the origin (t₀, p₀).
    pub fn about(&self, origin: (f64, f64)) -> Pairs {
        let weight = self.weight;
        if self.count == 0 {
            return Pairs::default();
        }
        Pairs {
            count: self.count,
            weight,
            mean_truth: origin.0 + self.truth / weight,
            mean_prediction: origin.1 + self.prediction / weight,
            spread_truth: (self.truth_squared - self.truth * self.truth / weight).max(0.0),
            spread_prediction: (self.prediction_squared - self.prediction * self.prediction / weight).max(0.0),
            co_spread: self.product - self.truth * self.prediction / weight,
            sum_error: self.error,
            sum_absolute: self.absolute,
            sum_squared: self.squared,
            spread_error: (self.deviation_squared - self.deviation * self.deviation / weight).max(0.0),
        }
    }
}

impl Pairs {
    /// The same pairs with every weight times `factor`: what a row of equal cells amounts to once its area is known.
    ///
    /// # Errors
    /// [`ScoreError::Argument`] where the factor is negative or not finite.
    ///
    /// # Example
    /// ```
    /// use isotherm::score::Pairs;
    /// let (t, p) = ([1.0, 2.0], [1.5, 2.0]);
    /// let later = Pairs::collect(&t, &p, None, None).unwrap().reweighted(0.25).unwrap();
    /// assert_eq!(later, Pairs::collect(&t, &p, None, Some(&[0.25, 0.25])).unwrap());
    /// ```
    pub fn reweighted(&self, factor: f64) -> ScoreResult<Pairs> {
        if !(factor.is_finite() && factor >= 0.0) {
            return Err(ScoreError::Argument(format!("weights times {factor} were asked for; a number of at least 0 is wanted")));
        }
        if factor == 0.0 {
            return Ok(Pairs::default());
        }
        let mut pairs = *self;
        for sum in [
            &mut pairs.weight,
            &mut pairs.spread_truth,
            &mut pairs.spread_prediction,
            &mut pairs.co_spread,
            &mut pairs.sum_error,
            &mut pairs.sum_absolute,
            &mut pairs.sum_squared,
            &mut pairs.spread_error,
        ] {
            *sum *= factor;
        }
        Ok(pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // pairs (2, 3) and (4, 3) of weight 1 about the origin (2, 3): dt = 0, 2; dp = 0, 0; e = 1, -1; de = 0, -2
        let sums = Sums {
            count: 2,
            weight: 2.0,
            truth: 2.0,
            truth_squared: 4.0,
            absolute: 2.0,
            squared: 2.0,
            deviation: -2.0,
            deviation_squared: 4.0,
            ..Sums::default()
        };
        let pairs = sums.about((2.0, 3.0));
        assert_eq!((pairs.mean_truth(), pairs.mean_prediction()), (3.0, 3.0));
        // Σ(t − 3)² = 2, Σ(e − 0)² = 2
        assert_eq!((pairs.spread_truth(), pairs.spread_error(), pairs.co_spread()), (2.0, 2.0, 0.0));
        assert_eq!(Sums::default().about((1.0, 1.0)), Pairs::default());
    }

    #[test]
    fn a_weight_may_come_late() {
        let (t, p) = ([1.0, 2.5, 4.0, 3.0], [1.5, 2.0, 4.5, 2.0]);
        let at_once = Pairs::collect(&t, &p, None, Some(&[0.3; 4])).unwrap();
        let late = Pairs::collect(&t, &p, None, None).unwrap().reweighted(0.3).unwrap();
        assert!((late.spread_error() - at_once.spread_error()).abs() < 1e-15 && late.count() == 4);
        assert!((late.rmse().unwrap() - at_once.rmse().unwrap()).abs() < 1e-15);
        assert_eq!(late.reweighted(0.0).unwrap(), Pairs::default());
        assert!(late.reweighted(-1.0).is_err() && late.reweighted(f64::NAN).is_err());
    }
}

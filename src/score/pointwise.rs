//! Pointwise metrics: functions of the merged moments of (truth, prediction) pairs.
//!
//! Errors are prediction − truth everywhere, so a positive bias means that the prediction is too high.

use super::error::{ScoreError, ScoreResult};
use super::pairs::Pairs;

impl Pairs {
    /// Mean error: how much too high the prediction is.
    ///
    /// # Formula
    /// ```text
    /// bias = Σ w (p − t) / Σ w        p prediction, t truth, w weight
    /// ```
    /// Any real number in the unit of the data; 0 is perfect. Positive: the prediction is too high.
    ///
    /// # Errors
    /// [`ScoreError::TooFew`] without a valid pair.
    ///
    /// # Example
    /// ```
    /// use isotherm::score::Pairs;
    /// // errors 0.5, 0.5, -1.0
    /// let pairs = Pairs::collect(&[1.0, 2.0, 3.0], &[1.5, 2.5, 2.0], None, None).unwrap();
    /// assert_eq!(pairs.bias().unwrap(), 0.0);
    /// ```
    ///
    /// # Reference
    /// Willmott, Matsuura (2005), doi:10.3354/cr030079
    pub fn bias(&self) -> ScoreResult<f64> {
        self.need("bias", 1)?;
        Ok(self.sum_error() / self.weight())
    }

    /// Mean absolute error.
    ///
    /// # Formula
    /// ```text
    /// MAE = Σ w |p − t| / Σ w
    /// ```
    /// At least 0, in the unit of the data; 0 is perfect.
    ///
    /// # Errors
    /// [`ScoreError::TooFew`] without a valid pair.
    ///
    /// # Example
    /// ```
    /// use isotherm::score::Pairs;
    /// let pairs = Pairs::collect(&[1.0, 2.0], &[1.5, 1.0], None, None).unwrap();
    /// assert_eq!(pairs.mae().unwrap(), 0.75);
    /// ```
    ///
    /// # Reference
    /// Willmott, Matsuura (2005), doi:10.3354/cr030079
    pub fn mae(&self) -> ScoreResult<f64> {
        self.need("mae", 1)?;
        Ok(self.sum_absolute() / self.weight())
    }

    /// Mean squared error.
    ///
    /// # Formula
    /// ```text
    /// MSE = Σ w (p − t)² / Σ w
    /// ```
    /// At least 0, in the squared unit of the data; 0 is perfect.
    ///
    /// # Errors
    /// [`ScoreError::TooFew`] without a valid pair.
    ///
    /// # Example
    /// ```
    /// use isotherm::score::Pairs;
    /// let pairs = Pairs::collect(&[1.0, 2.0], &[1.0, 4.0], None, None).unwrap();
    /// assert_eq!(pairs.mse().unwrap(), 2.0);
    /// ```
    ///
    /// # Reference
    /// Murphy (1988), doi:10.1175/1520-0493(1988)116<2417:SSBOTM>2.0.CO;2
    pub fn mse(&self) -> ScoreResult<f64> {
        self.need("mse", 1)?;
        Ok(self.sum_squared() / self.weight())
    }

    /// Root mean squared error.
    ///
    /// # Formula
    /// ```text
    /// RMSE = √( Σ w (p − t)² / Σ w )
    /// ```
    /// At least the MAE, in the unit of the data; 0 is perfect.
    ///
    /// # Errors
    /// [`ScoreError::TooFew`] without a valid pair.
    ///
    /// # Example
    /// ```
    /// use isotherm::score::Pairs;
    /// let pairs = Pairs::collect(&[0.0, 0.0], &[3.0, -4.0], None, None).unwrap();
    /// assert!((pairs.rmse().unwrap() - 12.5f64.sqrt()).abs() < 1e-15);
    /// ```
    ///
    /// # Reference
    /// Murphy (1988), doi:10.1175/1520-0493(1988)116<2417:SSBOTM>2.0.CO;2
    pub fn rmse(&self) -> ScoreResult<f64> {
        self.need("rmse", 1)?;
        Ok((self.sum_squared() / self.weight()).sqrt())
    }

    /// Unbiased (centred) root mean squared error: the standard deviation of the error.
    ///
    /// # Formula
    /// ```text
    /// uRMSE = √( Σ w (p − t − bias)² / Σ w ),    RMSE² = bias² + uRMSE²
    /// ```
    /// At least 0, in the unit of the data; divisor Σw (not n − 1).
    ///
    /// # Errors
    /// [`ScoreError::TooFew`] without a valid pair.
    ///
    /// # Example
    /// ```
    /// use isotherm::score::Pairs;
    /// // errors 1 and 3: bias 2, departures -1 and 1
    /// let pairs = Pairs::collect(&[0.0, 5.0], &[1.0, 8.0], None, None).unwrap();
    /// assert!((pairs.rmse_unbiased().unwrap() - 1.0).abs() < 1e-15);
    /// ```
    ///
    /// # Reference
    /// Taylor (2001), doi:10.1029/2000JD900719
    pub fn rmse_unbiased(&self) -> ScoreResult<f64> {
        self.need("rmse_unbiased", 1)?;
        Ok((self.spread_error() / self.weight()).sqrt())
    }

    /// Pearson's correlation of prediction and truth.
    ///
    /// # Formula
    /// ```text
    /// r = Σ w (t − t̄)(p − p̄) / √( Σ w (t − t̄)²  Σ w (p − p̄)² )
    /// ```
    /// −1..1; 1 is a perfect straight line of positive slope (of any slope: r is blind to bias and scale).
    ///
    /// # Errors
    /// [`ScoreError::TooFew`] below two pairs, [`ScoreError::Constant`] where either side is constant.
    ///
    /// # Example
    /// ```
    /// use isotherm::score::Pairs;
    /// let pairs = Pairs::collect(&[1.0, 2.0, 3.0], &[2.0, 4.0, 6.0], None, None).unwrap();
    /// assert!((pairs.pearson().unwrap() - 1.0).abs() < 1e-15);
    /// ```
    ///
    /// # Reference
    /// Pearson (1895), doi:10.1098/rspl.1895.0041
    pub fn pearson(&self) -> ScoreResult<f64> {
        self.need("pearson", 2)?;
        self.need_spread_of_truth("pearson")?;
        self.need_spread_of_prediction("pearson")?;
        // √(ab) is exact for a = b, where √a √b is not; it is left only where ab overflows or underflows.
        let product = self.spread_truth() * self.spread_prediction();
        let norm =
            if product.is_normal() { product.sqrt() } else { self.spread_truth().sqrt() * self.spread_prediction().sqrt() };
        Ok((self.co_spread() / norm).clamp(-1.0, 1.0))
    }

    /// The square of Pearson's correlation, *one* of the two things called R²; the other is [`Pairs::nse`].
    ///
    /// # Formula
    /// ```text
    /// r²
    /// ```
    /// 0..1; the share of the truth's variance that the best straight line through the prediction explains.
    /// It does not see bias or wrong scale: r² = 0.93 goes with NSE = −0.62.
    ///
    /// # Errors
    /// As [`Pairs::pearson`].
    ///
    /// # Example
    /// ```
    /// use isotherm::score::Pairs;
    /// let pairs = Pairs::collect(&[1.0, 2.0, 3.0], &[11.0, 12.0, 13.0], None, None).unwrap();
    /// assert!((pairs.r_squared_pearson().unwrap() - 1.0).abs() < 1e-15);
    /// assert!(pairs.nse().unwrap() < -100.0);
    /// ```
    ///
    /// # Reference
    /// Pearson (1895), doi:10.1098/rspl.1895.0041
    pub fn r_squared_pearson(&self) -> ScoreResult<f64> {
        Ok(self.pearson().map_err(|e| renamed(e, "r_squared_pearson"))?.powi(2))
    }

    /// Nash-Sutcliffe efficiency, also called coefficient of determination or R² = 1 − SSE/SST.
    ///
    /// # Formula
    /// ```text
    /// NSE = 1 − Σ w (p − t)² / Σ w (t − t̄)²
    /// ```
    /// −∞..1; 1 is perfect, 0 is as good as the mean of the truth.
    ///
    /// # Errors
    /// [`ScoreError::TooFew`] below two pairs, [`ScoreError::Constant`] where the truth is constant.
    ///
    /// # Example
    /// ```
    /// use isotherm::score::Pairs;
    /// // SSE = 1, SST = 2
    /// let pairs = Pairs::collect(&[1.0, 2.0, 3.0], &[1.0, 2.0, 4.0], None, None).unwrap();
    /// assert!((pairs.nse().unwrap() - 0.5).abs() < 1e-15);
    /// ```
    ///
    /// # Reference
    /// Nash, Sutcliffe (1970), doi:10.1016/0022-1694(70)90255-6
    pub fn nse(&self) -> ScoreResult<f64> {
        self.need("nse", 2)?;
        self.need_spread_of_truth("nse")?;
        Ok(1.0 - self.sum_squared() / self.spread_truth())
    }

    pub(super) fn need(&self, metric: &'static str, wanted: usize) -> ScoreResult<()> {
        if self.count() < wanted { Err(ScoreError::TooFew { metric, found: self.count(), wanted }) } else { Ok(()) }
    }

    pub(super) fn need_spread_of_truth(&self, metric: &'static str) -> ScoreResult<()> {
        if self.truth_is_constant() { Err(ScoreError::Constant { what: "the truth", metric }) } else { Ok(()) }
    }

    pub(super) fn need_spread_of_prediction(&self, metric: &'static str) -> ScoreResult<()> {
        if self.prediction_is_constant() { Err(ScoreError::Constant { what: "the prediction", metric }) } else { Ok(()) }
    }
}

/// The same error under the name of the metric that was asked for.
fn renamed(error: ScoreError, name: &'static str) -> ScoreError {
    match error {
        ScoreError::TooFew { found, wanted, .. } => ScoreError::TooFew { metric: name, found, wanted },
        ScoreError::Constant { what, .. } => ScoreError::Constant { what, metric: name },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn by_hand() {
        // t = 1 2 3 4, p = 2 2 2 6: errors 1 0 -1 2; means 2.5 and 3; S_tt = 5, S_pp = 12, S_tp = 6
        let pairs = Pairs::collect(&[1.0, 2.0, 3.0, 4.0], &[2.0, 2.0, 2.0, 6.0], None, None).unwrap();
        let close = |got: f64, want: f64| assert!((got - want).abs() < 1e-14, "{got} {want}");
        close(pairs.bias().unwrap(), 0.5);
        close(pairs.mae().unwrap(), 1.0);
        close(pairs.mse().unwrap(), 1.5);
        close(pairs.rmse_unbiased().unwrap(), 1.25f64.sqrt());
        close(pairs.pearson().unwrap(), 6.0 / 60f64.sqrt());
        close(pairs.nse().unwrap(), 1.0 - 6.0 / 5.0);
    }

    #[test]
    fn undefined_is_a_reason() {
        let constant = Pairs::collect(&[273.15; 3], &[1.0, 2.0, 3.0], None, None).unwrap();
        assert_eq!(constant.nse(), Err(ScoreError::Constant { what: "the truth", metric: "nse" }));
        assert_eq!(constant.r_squared_pearson(), Err(ScoreError::Constant { what: "the truth", metric: "r_squared_pearson" }));
        assert_eq!(Pairs::default().rmse(), Err(ScoreError::TooFew { metric: "rmse", found: 0, wanted: 1 }));
    }

    proptest! {
        #[test]
        fn laws(truth in prop::collection::vec(-50.0f64..50.0, 3..40), shift in -5.0f64..5.0, scale in 0.1f64..5.0, seed in 0u64..1000) {
            let mut random = crate::base::random::Random::new(seed, "laws");
            let prediction: Vec<f64> = truth.iter().map(|t| t + random.normal()).collect();
            let pairs = Pairs::collect(&truth, &prediction, None, None).unwrap();
            let perfect = Pairs::collect(&truth, &truth, None, None).unwrap();
            prop_assert_eq!(perfect.rmse().unwrap(), 0.0);
            prop_assert!(pairs.mae().unwrap() <= pairs.rmse().unwrap() + 1e-12);
            let shifted: Vec<f64> = prediction.iter().map(|p| p + shift).collect();
            let moved = Pairs::collect(&truth, &shifted, None, None).unwrap();
            prop_assert!((moved.bias().unwrap() - pairs.bias().unwrap() - shift).abs() < 1e-10);
            prop_assert!((moved.rmse_unbiased().unwrap() - pairs.rmse_unbiased().unwrap()).abs() < 1e-7);
            let times = |v: &[f64]| v.iter().map(|x| x * scale).collect::<Vec<f64>>();
            let scaled = Pairs::collect(&times(&truth), &times(&prediction), None, None).unwrap();
            prop_assert!((scaled.rmse().unwrap() - scale * pairs.rmse().unwrap()).abs() < 1e-9);
        }
    }
}

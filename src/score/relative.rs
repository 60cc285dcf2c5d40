//! Relative errors: divided by the truth, or by its spread, range or mean.
//!
//! Those that divide by the truth itself depend on the zero of its unit (1 % in K is 14 % in °C): state the unit.

use super::error::{ScoreError, ScoreResult};
use super::kge::{mean_is_zero, zero_mean};
use super::pairs::Pairs;
use super::quantile::{quantile_of_sorted, sorted};
use super::valid::check_count;

/// Mean absolute error relative to the truth, as a fraction.
///
/// # Formula
/// ```text
/// MAPE = Σ w |p − t|/|t| / Σ w
/// ```
/// At least 0; 0 is perfect. A fraction: 0.02 is 2 %.
///
/// # Errors
/// [`ScoreError::TooFew`], [`ScoreError::NotFinite`]; [`ScoreError::Argument`] where a truth is 0.
///
/// # Example
/// ```
/// use isotherm::score::mape;
/// assert!((mape(&[10.0, 20.0], &[11.0, 19.0], None).unwrap() - 0.075).abs() < 1e-12);
/// ```
///
/// # Reference
/// Hyndman, Koehler (2006), doi:10.1016/j.ijforecast.2006.03.001
pub fn mape(truth: &[f64], prediction: &[f64], weights: Option<&[f64]>) -> ScoreResult<f64> {
    mean_ratio(truth, prediction, weights, "mape", |t, _| t.abs())
}

/// Symmetric mean absolute relative error, as a fraction, without the factor 2.
///
/// # Formula
/// ```text
/// SMAPE = Σ w |p − t|/(|t| + |p|) / Σ w
/// ```
/// 0..1; 0 is perfect. Twice this value is the other common form.
///
/// # Errors
/// As [`mape`], where truth and prediction of a pair are both 0.
///
/// # Example
/// ```
/// use isotherm::score::smape;
/// assert!((smape(&[1.0], &[3.0], None).unwrap() - 0.5).abs() < 1e-12);
/// ```
///
/// # Reference
/// Hyndman, Koehler (2006), doi:10.1016/j.ijforecast.2006.03.001
pub fn smape(truth: &[f64], prediction: &[f64], weights: Option<&[f64]>) -> ScoreResult<f64> {
    mean_ratio(truth, prediction, weights, "smape", |t, p| t.abs() + p.abs())
}

fn mean_ratio(
    truth: &[f64],
    prediction: &[f64],
    weights: Option<&[f64]>,
    metric: &'static str,
    divisor: impl Fn(f64, f64) -> f64,
) -> ScoreResult<f64> {
    check_count(truth, prediction, metric, 1)?;
    let mut ratios = Vec::with_capacity(truth.len());
    for (i, (t, p)) in truth.iter().zip(prediction).enumerate() {
        let divisor = divisor(*t, *p);
        if divisor == 0.0 {
            return Err(zero_divisor(metric, i));
        }
        ratios.push((p - t).abs() / divisor);
    }
    // The mean error of these ratios against 0 is their weighted mean, with the weights checked.
    let mean = Pairs::collect(&vec![0.0; ratios.len()], &ratios, None, weights)?;
    mean.need(metric, 1)?;
    mean.bias()
}

/// Root mean squared error of the logarithms of 1 + value.
///
/// # Formula
/// ```text
/// RMSLE = √( mean (ln(1 + p) − ln(1 + t))² )
/// ```
/// At least 0; 0 is perfect.
///
/// # Errors
/// [`ScoreError::TooFew`], [`ScoreError::NotFinite`]; [`ScoreError::Argument`] for a value of −1 or below.
///
/// # Example
/// ```
/// use isotherm::score::rmsle;
/// assert!((rmsle(&[0.0], &[1.0]).unwrap() - 2f64.ln()).abs() < 1e-12);
/// ```
///
/// # Reference
/// Definition as in Hyndman, Koehler (2006), doi:10.1016/j.ijforecast.2006.03.001, after the transformation
pub fn rmsle(truth: &[f64], prediction: &[f64]) -> ScoreResult<f64> {
    check_count(truth, prediction, "rmsle", 1)?;
    if let Some(bad) = truth.iter().chain(prediction).find(|v| **v <= -1.0) {
        return Err(ScoreError::Argument(format!("rmsle needs values above -1, but one is {bad}")));
    }
    let log = |v: &[f64]| v.iter().map(|x| x.ln_1p()).collect::<Vec<f64>>();
    Pairs::collect(&log(truth), &log(prediction), None, None)?.rmse()
}

/// What the RMSE is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normalisation {
    /// Largest minus smallest truth.
    Range,
    /// Mean of the truth.
    Mean,
    /// Root mean square of the truth.
    RootMeanSquare,
    /// Interquartile range of the truth.
    InterquartileRange,
    /// Standard deviation (divisor n − 1) of the steps from each truth to the next: how hard the series is to follow.
    Steps,
}

/// Root mean squared error as a multiple of a scale of the truth.
///
/// # Formula
/// ```text
/// NRMSE = RMSE / (max t − min t)  |  RMSE / t̄  |  RMSE / √(mean t²)  |  RMSE / (Q₃ − Q₁)  |  RMSE / sd(tᵢ₊₁ − tᵢ)
/// ```
/// 0 is perfect.
///
/// # Errors
/// [`ScoreError::TooFew`], [`ScoreError::NotFinite`]; [`ScoreError::Constant`] or [`ScoreError::Argument`] where the scale is 0.
///
/// # Example
/// ```
/// use isotherm::score::{normalised_rmse, Normalisation};
/// assert_eq!(normalised_rmse(&[0.0, 4.0], &[1.0, 5.0], Normalisation::Range).unwrap(), 0.25);
/// ```
///
/// # Reference
/// Pontius, Thontteh, Chen (2008), doi:10.1007/s10651-007-0043-y (range, mean)
pub fn normalised_rmse(truth: &[f64], prediction: &[f64], by: Normalisation) -> ScoreResult<f64> {
    const NAME: &str = "normalised_rmse";
    let needed = if by == Normalisation::Steps { 3 } else { 1 };
    check_count(truth, prediction, NAME, needed)?;
    let pairs = Pairs::collect(truth, prediction, None, None)?;
    let ordered = sorted(truth)?;
    let scale = match by {
        Normalisation::Range => ordered[ordered.len() - 1] - ordered[0],
        Normalisation::RootMeanSquare => (pairs.mean_truth().powi(2) + pairs.spread_truth() / pairs.weight()).sqrt(),
        Normalisation::InterquartileRange => quantile_of_sorted(&ordered, 0.75)? - quantile_of_sorted(&ordered, 0.25)?,
        Normalisation::Mean => {
            if mean_is_zero(pairs.mean_truth(), pairs.spread_truth(), pairs.weight()) {
                return Err(zero_mean("truth", NAME));
            }
            pairs.mean_truth()
        }
        Normalisation::Steps => {
            let steps: Vec<f64> = truth.windows(2).map(|t| t[1] - t[0]).collect();
            let spread = Pairs::collect(&steps, &steps, None, None)?;
            (spread.spread_truth() / (spread.weight() - 1.0)).sqrt()
        }
    };
    if scale == 0.0 {
        return Err(ScoreError::Constant { what: "the truth (or the scale taken from it)", metric: NAME });
    }
    Ok(pairs.rmse()? / scale)
}

/// Volumetric efficiency.
///
/// # Formula
/// ```text
/// VE = 1 − Σ |p − t| / Σ t
/// ```
/// At most 1, which is perfect, where the truth is positive.
///
/// # Errors
/// [`ScoreError::TooFew`], [`ScoreError::NotFinite`]; [`ScoreError::Argument`] where the truth sums to 0.
///
/// # Example
/// ```
/// use isotherm::score::volumetric_efficiency;
/// assert_eq!(volumetric_efficiency(&[2.0, 2.0], &[1.0, 2.0]).unwrap(), 0.75);
/// ```
///
/// # Reference
/// Criss, Winston (2008), doi:10.1002/hyp.7072
pub fn volumetric_efficiency(truth: &[f64], prediction: &[f64]) -> ScoreResult<f64> {
    check_count(truth, prediction, "volumetric_efficiency", 1)?;
    Pairs::collect(truth, prediction, None, None)?.volumetric_efficiency()
}

impl Pairs {
    /// RMSE over the mean of the truth: [`normalised_rmse`] by [`Normalisation::Mean`], weighted as the pairs are.
    ///
    /// # Errors
    /// [`ScoreError::TooFew`] without a pair, [`ScoreError::Argument`] where the mean of the truth is 0.
    ///
    /// # Example
    /// ```
    /// use isotherm::score::Pairs;
    /// assert_eq!(Pairs::collect(&[1.0, 3.0], &[2.0, 4.0], None, None).unwrap().normalised_rmse_by_mean().unwrap(), 0.5);
    /// ```
    pub fn normalised_rmse_by_mean(&self) -> ScoreResult<f64> {
        const NAME: &str = "normalised_rmse_by_mean";
        self.need(NAME, 1)?;
        Ok(self.rmse()? / self.mean_to_divide_by(NAME)?)
    }

    /// RMSE over the root mean square of the truth: [`normalised_rmse`] by [`Normalisation::RootMeanSquare`], weighted.
    ///
    /// # Errors
    /// [`ScoreError::TooFew`] without a pair, [`ScoreError::Argument`] where every truth is 0.
    ///
    /// # Example
    /// ```
    /// use isotherm::score::Pairs;
    /// let pairs = Pairs::collect(&[3.0, -3.0], &[4.5, -1.5], None, None).unwrap();
    /// assert!((pairs.normalised_rmse_by_root_mean_square().unwrap() - 0.5).abs() < 1e-15);
    /// ```
    pub fn normalised_rmse_by_root_mean_square(&self) -> ScoreResult<f64> {
        const NAME: &str = "normalised_rmse_by_root_mean_square";
        self.need(NAME, 1)?;
        let scale = (self.mean_truth().powi(2) + self.spread_truth() / self.weight()).sqrt();
        if scale == 0.0 {
            return Err(ScoreError::Argument(format!("the truth is 0 throughout, so {NAME} is undefined")));
        }
        Ok(self.rmse()? / scale)
    }

    /// [`volumetric_efficiency`], weighted as the pairs are.
    ///
    /// # Errors
    /// [`ScoreError::TooFew`] without a pair, [`ScoreError::Argument`] where the mean of the truth is 0.
    pub fn volumetric_efficiency(&self) -> ScoreResult<f64> {
        const NAME: &str = "volumetric_efficiency";
        self.need(NAME, 1)?;
        Ok(1.0 - self.mae()? / self.mean_to_divide_by(NAME)?)
    }

    fn mean_to_divide_by(&self, metric: &str) -> ScoreResult<f64> {
        if mean_is_zero(self.mean_truth(), self.spread_truth(), self.weight()) {
            return Err(zero_mean("truth", metric));
        }
        Ok(self.mean_truth())
    }
}

pub(super) fn zero_divisor(metric: &str, position: usize) -> ScoreError {
    ScoreError::Argument(format!("{metric} divides by 0 at pair {position}; mask such pairs or use an absolute error"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_named() {
        assert!(matches!(mape(&[1.0, 0.0], &[1.0, 1.0], None), Err(ScoreError::Argument(text)) if text.contains("pair 1")));
        assert!(smape(&[0.0], &[0.0], None).is_err());
        assert!(rmsle(&[-1.0], &[0.0]).is_err());
        assert!(volumetric_efficiency(&[-1.0, 1.0], &[0.0, 0.0]).is_err());
        assert!(normalised_rmse(&[3.0, 3.0], &[1.0, 2.0], Normalisation::Range).is_err());
        assert!(normalised_rmse(&[1.0, 2.0], &[1.0, 2.0], Normalisation::Steps).is_err());
    }

    #[test]
    fn steps_by_hand() {
        // steps 1 and 3: sd √2; errors all 2
        let got = normalised_rmse(&[0.0, 1.0, 4.0], &[2.0, 3.0, 6.0], Normalisation::Steps).unwrap();
        assert!((got - 2.0 / 2f64.sqrt()).abs() < 1e-12);
    }
}

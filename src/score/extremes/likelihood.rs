//! A law fitted by maximum likelihood, and how two such fits compare.

use super::{ScoreError, ScoreResult};
use crate::score::significance::TestResult;
use crate::score::significance::tail::chi_squared_above;

/// A law of highest likelihood.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LawFit<L> {
    /// The law.
    pub law: L,
    /// Its log-likelihood.
    pub log_likelihood: f64,
    /// Number of values.
    pub count: usize,
    /// Number of parameters that were fitted.
    pub parameters: usize,
}

impl<L> LawFit<L> {
    /// Akaike's criterion 2k − 2ℓ: the smaller, the better.
    ///
    /// # Reference
    /// Akaike (1974), doi:10.1109/TAC.1974.1100705
    pub fn akaike(&self) -> f64 {
        2.0 * self.parameters as f64 - 2.0 * self.log_likelihood
    }

    /// The Bayesian criterion k ln n − 2ℓ.
    ///
    /// # Reference
    /// Schwarz (1978), doi:10.1214/aos/1176344136
    pub fn bayesian(&self) -> f64 {
        self.parameters as f64 * (self.count as f64).ln() - 2.0 * self.log_likelihood
    }
}

/// Does the wider law fit better than the narrower one that it contains (generalized extreme value against Gumbel)?
///
/// # Formula
/// ```text
/// 2 (ℓ_wide − ℓ_narrow),    p from χ² with as many degrees as there are more parameters
/// ```
///
/// # Errors
/// [`ScoreError::Argument`] where the fits are of other samples, or the second has no more parameters,
/// [`ScoreError::Negative`] where the wider law has the lower likelihood: then it does not contain the other, or was not fitted
/// well.
///
/// # Example
/// ```
/// use isotherm::score::{likelihood_ratio, Gev, Gumbel};
/// let x = [3.1, 4.4, 2.9, 3.6, 5.2, 3.3, 3.0, 4.1, 3.8, 6.0];
/// let test = likelihood_ratio(&Gumbel::fit(&x).unwrap(), &Gev::fit(&x).unwrap()).unwrap();
/// assert!(test.p_value > 0.05); // no reason to leave Gumbel's law
/// ```
///
/// # Reference
/// Wilks (1938), doi:10.1214/aoms/1177732360
pub fn likelihood_ratio<A, B>(narrow: &LawFit<A>, wide: &LawFit<B>) -> ScoreResult<TestResult> {
    if narrow.count != wide.count || wide.parameters <= narrow.parameters {
        return Err(ScoreError::Argument(format!(
            "fits of {} values with {} parameters and {} values with {} parameters are not nested",
            narrow.count, narrow.parameters, wide.count, wide.parameters
        )));
    }
    let statistic = 2.0 * (wide.log_likelihood - narrow.log_likelihood);
    // Two optima that are the same may differ by rounding.
    if statistic < -1e-6 {
        return Err(ScoreError::Negative { what: "twice the difference of log-likelihoods", value: statistic });
    }
    let statistic = statistic.max(0.0);
    Ok(TestResult { statistic, p_value: chi_squared_above(statistic, (wide.parameters - narrow.parameters) as f64) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(log_likelihood: f64, parameters: usize) -> LawFit<()> {
        LawFit { law: (), log_likelihood, count: 50, parameters }
    }

    #[test]
    fn by_hand() {
        // 2·1.920729 is the 5 % point of χ² with one degree
        assert!((likelihood_ratio(&fit(-100.0, 2), &fit(-98.079_271, 3)).unwrap().p_value - 0.05).abs() < 1e-6);
        assert_eq!(fit(-100.0, 2).akaike(), 204.0);
        assert!((fit(-100.0, 2).bayesian() - 207.824_046).abs() < 1e-6);
    }

    #[test]
    fn fits_that_are_not_nested_are_refused() {
        assert!(likelihood_ratio(&fit(-100.0, 3), &fit(-98.0, 3)).is_err());
        assert!(matches!(likelihood_ratio(&fit(-98.0, 2), &fit(-100.0, 3)), Err(ScoreError::Negative { .. })));
    }
}

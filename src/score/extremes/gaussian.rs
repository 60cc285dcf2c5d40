//! The normal law.

use super::law::Law;
use super::{ScoreResult, check_parameters, check_probability};
use crate::score::significance::tail::{normal_above, normal_quantile};

/// The normal law.
///
/// # Example
/// ```
/// use isotherm::score::{Gaussian, Law};
/// assert!((Gaussian::new(0.0, 1.0).unwrap().below(1.96) - 0.975).abs() < 1e-5);
/// ```
///
/// # Reference
/// Gauss (1809), Theoria motus corporum coelestium, doi:10.1017/CBO9780511841705
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gaussian {
    mean: f64,
    deviation: f64,
}

impl Gaussian {
    /// The law with this mean and standard deviation.
    ///
    /// # Errors
    /// [`super::ScoreError::Argument`] for parameters that are not finite or a deviation that is not positive.
    pub fn new(mean: f64, deviation: f64) -> ScoreResult<Gaussian> {
        check_parameters(mean, deviation)?;
        Ok(Gaussian { mean, deviation })
    }
}

impl Law for Gaussian {
    fn log_density(&self, x: f64) -> f64 {
        let z = (x - self.mean) / self.deviation;
        -0.5 * z * z - self.deviation.ln() - 0.5 * std::f64::consts::TAU.ln()
    }

    fn below(&self, x: f64) -> f64 {
        normal_above((self.mean - x) / self.deviation)
    }

    fn above(&self, x: f64) -> f64 {
        normal_above((x - self.mean) / self.deviation)
    }

    fn quantile(&self, probability: f64) -> ScoreResult<f64> {
        check_probability(probability)?;
        Ok(self.mean + self.deviation * normal_quantile(probability))
    }

    fn upper_quantile(&self, probability: f64) -> ScoreResult<f64> {
        check_probability(probability)?;
        Ok(self.mean - self.deviation * normal_quantile(probability))
    }

    fn mean(&self) -> f64 {
        self.mean
    }

    fn variance(&self) -> f64 {
        self.deviation * self.deviation
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symmetry_and_ends() {
        let law = Gaussian::new(3.0, 2.0).unwrap();
        assert!((law.quantile(0.1).unwrap() + law.upper_quantile(0.1).unwrap() - 6.0).abs() < 1e-14);
        assert_eq!((law.quantile(0.0).unwrap(), law.quantile(1.0).unwrap()), (f64::NEG_INFINITY, f64::INFINITY));
        // P(Z > 6) = 9.865876450376981e-10
        assert!((law.above(15.0) / 9.865_876_450_376_98e-10 - 1.0).abs() < 1e-11);
        assert!(Gaussian::new(0.0, 0.0).is_err() && law.quantile(-0.1).is_err());
    }
}

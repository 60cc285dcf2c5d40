//! The generalized logistic law.

use statrs::function::gamma::digamma;

use super::gamma::{EULER, trigamma};
use super::law::Law;
use super::{ScoreResult, check_parameters, check_probability};
use crate::score::error::ScoreError;

/// The generalized logistic law (type I): the largest of c logistic values, for any positive c.
///
/// # Formula
/// ```text
/// P(X ≤ x) = (1 + e^{−z})^{−c},    z = (x − μ)/σ
/// ```
///
/// # Example
/// ```
/// use isotherm::score::{GeneralizedLogistic, Law};
/// // c = 1 is the logistic law
/// assert!((GeneralizedLogistic::new(2.0, 1.0, 1.0).unwrap().below(2.0) - 0.5).abs() < 1e-15);
/// ```
///
/// # Reference
/// Johnson, Kotz, Balakrishnan (1995), Continuous Univariate Distributions 2, chapter 23, ISBN 978-0-471-58494-0
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GeneralizedLogistic {
    location: f64,
    scale: f64,
    count: f64,
}

impl GeneralizedLogistic {
    /// The law with location μ, scale σ and `count` c.
    ///
    /// # Errors
    /// [`ScoreError::Argument`] for parameters that are not finite, or a scale or count that is not positive.
    pub fn new(location: f64, scale: f64, count: f64) -> ScoreResult<GeneralizedLogistic> {
        check_parameters(location, scale)?;
        if !(count.is_finite() && count > 0.0) {
            return Err(ScoreError::Argument(format!("a count of {count} was given; a positive one is wanted")));
        }
        Ok(GeneralizedLogistic { location, scale, count })
    }

    fn reduced(&self, x: f64) -> f64 {
        (x - self.location) / self.scale
    }

    /// The value with −ln P(X ≤ x) = `exponent`.
    fn at_exponent(&self, exponent: f64) -> f64 {
        self.location - self.scale * (exponent / self.count).exp_m1().ln()
    }
}

/// ln(1 + e^{−z}) without overflow.
fn softness(z: f64) -> f64 {
    if z > 0.0 { (-z).exp().ln_1p() } else { z.exp().ln_1p() - z }
}

impl Law for GeneralizedLogistic {
    fn log_density(&self, x: f64) -> f64 {
        let z = self.reduced(x);
        (self.count / self.scale).ln() - z - (self.count + 1.0) * softness(z)
    }

    fn below(&self, x: f64) -> f64 {
        (-self.count * softness(self.reduced(x))).exp()
    }

    fn above(&self, x: f64) -> f64 {
        -(-self.count * softness(self.reduced(x))).exp_m1()
    }

    fn quantile(&self, probability: f64) -> ScoreResult<f64> {
        check_probability(probability)?;
        Ok(self.at_exponent(-probability.ln()))
    }

    fn upper_quantile(&self, probability: f64) -> ScoreResult<f64> {
        check_probability(probability)?;
        Ok(self.at_exponent(-(-probability).ln_1p()))
    }

    fn mean(&self) -> f64 {
        self.location + self.scale * (EULER + digamma(self.count))
    }

    fn variance(&self) -> f64 {
        self.scale * self.scale * (std::f64::consts::PI.powi(2) / 6.0 + trigamma(self.count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logistic_by_hand() {
        let law = GeneralizedLogistic::new(0.0, 1.0, 1.0).unwrap();
        assert!((law.density(0.0) - 0.25).abs() < 1e-15);
        assert!(law.mean().abs() < 1e-12 && (law.variance() - std::f64::consts::PI.powi(2) / 3.0).abs() < 1e-12);
        assert!((law.quantile(0.75).unwrap() - 3.0f64.ln()).abs() < 1e-14);
        // far out: 1 − (1 + e^{−z})^{−1} → e^{−z}
        assert!((law.above(60.0) / (-60.0f64).exp() - 1.0).abs() < 1e-12);
        assert!(law.below(-800.0) == 0.0 && law.log_density(-800.0) == -800.0);
        assert!(GeneralizedLogistic::new(0.0, 1.0, 0.0).is_err());
    }

    #[test]
    fn two_logistic_values() {
        // the larger of two: the square of the distribution
        let (one, two) = (GeneralizedLogistic::new(1.0, 2.0, 1.0).unwrap(), GeneralizedLogistic::new(1.0, 2.0, 2.0).unwrap());
        assert!((two.below(2.5) - one.below(2.5).powi(2)).abs() < 1e-15);
        assert!((two.below(two.quantile(0.2).unwrap()) - 0.2).abs() < 1e-14);
    }
}

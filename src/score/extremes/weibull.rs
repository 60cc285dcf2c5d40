//! Fréchet's law of heavy-tailed maxima and Weibull's law of bounded minima.

use statrs::function::gamma::gamma;

use super::gumbel::Gumbel;
use super::law::Law;
use super::likelihood::LawFit;
use super::{ScoreResult, check_parameters, check_probability, check_sample};
use crate::score::error::ScoreError;

/// Fréchet's law (inverse Weibull) of the largest of many values with a heavy upper tail.
///
/// # Formula
/// ```text
/// P(X ≤ x) = exp(−z^{−α}),    z = (x − m)/s > 0
/// ```
/// It is the generalized extreme value law with ξ = 1/α, σ = s/α, μ = m + s.
///
/// # Example
/// ```
/// use isotherm::score::{Frechet, Law};
/// let law = Frechet::new(0.0, 2.0, 4.0).unwrap();
/// assert!((law.below(2.0) - (-1.0f64).exp()).abs() < 1e-15);
/// ```
///
/// # Reference
/// Fréchet (1927), Ann. Soc. Polon. Math. 6, 93-116
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frechet {
    location: f64,
    scale: f64,
    exponent: f64,
}

/// Weibull's law of values bounded below (wind speeds, or minima).
///
/// # Formula
/// ```text
/// P(X > x) = exp(−z^k),    z = (x − m)/s ≥ 0
/// ```
///
/// # Example
/// ```
/// use isotherm::score::{Law, Weibull};
/// // k = 1 is exponential
/// assert!((Weibull::new(0.0, 2.0, 1.0).unwrap().mean() - 2.0).abs() < 1e-14);
/// ```
///
/// # Reference
/// Weibull (1951), doi:10.1115/1.4010337
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weibull {
    location: f64,
    scale: f64,
    exponent: f64,
}

fn check_exponent(exponent: f64) -> ScoreResult<()> {
    if exponent.is_finite() && exponent > 0.0 {
        return Ok(());
    }
    Err(ScoreError::Argument(format!("an exponent of {exponent} was given; a positive one is wanted")))
}

impl Frechet {
    /// The law with lower end `location`, `scale` and `exponent` α.
    ///
    /// # Errors
    /// [`ScoreError::Argument`] for parameters that are not finite, or a scale or exponent that is not positive.
    pub fn new(location: f64, scale: f64, exponent: f64) -> ScoreResult<Frechet> {
        check_parameters(location, scale)?;
        check_exponent(exponent)?;
        Ok(Frechet { location, scale, exponent })
    }

    /// Scale s.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// Exponent α: the heavier the tail, the smaller.
    pub fn exponent(&self) -> f64 {
        self.exponent
    }

    /// The law of highest likelihood with its lower end at `location`: the logarithm of x − m follows Gumbel's law.
    /// With a free lower end, fit [`super::Gev`].
    ///
    /// # Errors
    /// [`ScoreError::Argument`] for a value not above the location, else as [`Gumbel::fit`].
    ///
    /// # Example
    /// ```
    /// use isotherm::score::Frechet;
    /// let fit = Frechet::fit(&[2.0, 2.4, 1.9, 3.3, 2.2], 0.0).unwrap();
    /// assert!(fit.law.exponent() > 1.0 && Frechet::fit(&[1.0, -1.0], 0.0).is_err());
    /// ```
    pub fn fit(values: &[f64], location: f64) -> ScoreResult<LawFit<Frechet>> {
        check_sample(values, "a Frechet fit", 2)?;
        if let Some(value) = values.iter().find(|v| **v <= location) {
            return Err(ScoreError::Argument(format!("the value {value} is not above the lower end {location}")));
        }
        let logarithms: Vec<f64> = values.iter().map(|v| (v - location).ln()).collect();
        let gumbel = Gumbel::fit(&logarithms)?.law;
        let law = Frechet::new(location, gumbel.location().exp(), 1.0 / gumbel.scale())?;
        Ok(LawFit { log_likelihood: law.log_likelihood(values), law, count: values.len(), parameters: 2 })
    }
}

impl Weibull {
    /// The law with lower end `location`, `scale` and `exponent` k.
    ///
    /// # Errors
    /// As [`Frechet::new`].
    pub fn new(location: f64, scale: f64, exponent: f64) -> ScoreResult<Weibull> {
        check_parameters(location, scale)?;
        check_exponent(exponent)?;
        Ok(Weibull { location, scale, exponent })
    }
}

impl Law for Frechet {
    fn log_density(&self, x: f64) -> f64 {
        let z = (x - self.location) / self.scale;
        if z <= 0.0 {
            return f64::NEG_INFINITY;
        }
        (self.exponent / self.scale).ln() - (self.exponent + 1.0) * z.ln() - z.powf(-self.exponent)
    }

    fn below(&self, x: f64) -> f64 {
        let z = (x - self.location) / self.scale;
        if z <= 0.0 { 0.0 } else { (-z.powf(-self.exponent)).exp() }
    }

    fn above(&self, x: f64) -> f64 {
        let z = (x - self.location) / self.scale;
        if z <= 0.0 { 1.0 } else { -(-z.powf(-self.exponent)).exp_m1() }
    }

    fn quantile(&self, probability: f64) -> ScoreResult<f64> {
        check_probability(probability)?;
        Ok(self.location + self.scale * (-probability.ln()).powf(-1.0 / self.exponent))
    }

    fn upper_quantile(&self, probability: f64) -> ScoreResult<f64> {
        check_probability(probability)?;
        Ok(self.location + self.scale * (-(-probability).ln_1p()).powf(-1.0 / self.exponent))
    }

    fn mean(&self) -> f64 {
        if self.exponent <= 1.0 { f64::INFINITY } else { self.location + self.scale * gamma(1.0 - 1.0 / self.exponent) }
    }

    fn variance(&self) -> f64 {
        if self.exponent <= 2.0 {
            return f64::INFINITY;
        }
        let (first, second) = (gamma(1.0 - 1.0 / self.exponent), gamma(1.0 - 2.0 / self.exponent));
        self.scale * self.scale * (second - first * first)
    }

    fn support(&self) -> (f64, f64) {
        (self.location, f64::INFINITY)
    }
}

impl Law for Weibull {
    fn log_density(&self, x: f64) -> f64 {
        let z = (x - self.location) / self.scale;
        if z < 0.0 {
            return f64::NEG_INFINITY;
        }
        // At the lower end 0·ln 0 must be 0 for the exponential law.
        let power = if self.exponent == 1.0 { 0.0 } else { (self.exponent - 1.0) * z.ln() };
        (self.exponent / self.scale).ln() + power - z.powf(self.exponent)
    }

    fn below(&self, x: f64) -> f64 {
        let z = (x - self.location) / self.scale;
        if z <= 0.0 { 0.0 } else { -(-z.powf(self.exponent)).exp_m1() }
    }

    fn above(&self, x: f64) -> f64 {
        let z = (x - self.location) / self.scale;
        if z <= 0.0 { 1.0 } else { (-z.powf(self.exponent)).exp() }
    }

    fn quantile(&self, probability: f64) -> ScoreResult<f64> {
        check_probability(probability)?;
        Ok(self.location + self.scale * (-(-probability).ln_1p()).powf(1.0 / self.exponent))
    }

    fn upper_quantile(&self, probability: f64) -> ScoreResult<f64> {
        check_probability(probability)?;
        Ok(self.location + self.scale * (-probability.ln()).powf(1.0 / self.exponent))
    }

    fn mean(&self) -> f64 {
        self.location + self.scale * gamma(1.0 + 1.0 / self.exponent)
    }

    fn variance(&self) -> f64 {
        let (first, second) = (gamma(1.0 + 1.0 / self.exponent), gamma(1.0 + 2.0 / self.exponent));
        self.scale * self.scale * (second - first * first)
    }

    fn support(&self) -> (f64, f64) {
        (self.location, f64::INFINITY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::Gev;

    #[test]
    fn frechet_is_an_extreme_value_law() {
        let (m, s, alpha) = (-1.0, 2.0, 3.0);
        let (frechet, gev) = (Frechet::new(m, s, alpha).unwrap(), Gev::new(m + s, s / alpha, 1.0 / alpha).unwrap());
        for x in [-0.5, 0.3, 1.0, 7.0] {
            assert!((frechet.log_density(x) - gev.log_density(x)).abs() < 1e-12);
            assert!((frechet.above(x) - gev.above(x)).abs() < 1e-14);
        }
        assert!((frechet.mean() - gev.mean()).abs() < 1e-12 && (frechet.variance() - gev.variance()).abs() < 1e-9);
    }

    #[test]
    fn moments_that_do_not_converge_are_infinite() {
        let law = Frechet::new(0.0, 1.0, 0.8).unwrap();
        assert_eq!((law.mean(), law.variance()), (f64::INFINITY, f64::INFINITY));
    }

    #[test]
    fn weibull_of_minima() {
        // −ln z is Gumbel's where z is Weibull's; the median is (ln 2)^{1/k}
        let law = Weibull::new(1.0, 2.0, 1.7).unwrap();
        assert!((law.quantile(0.5).unwrap() - 1.0 - 2.0 * 2.0f64.ln().powf(1.0 / 1.7)).abs() < 1e-14);
        assert_eq!((law.density(0.9), law.below(0.9), law.above(0.9)), (0.0, 0.0, 1.0));
        assert!(Weibull::new(0.0, 1.0, 0.0).is_err() && Frechet::new(0.0, -1.0, 1.0).is_err());
    }
}

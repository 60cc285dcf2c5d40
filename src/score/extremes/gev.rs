//! The generalized extreme value law of block maxima.

use super::gamma::{EULER, ln_gamma_one_minus, ln_gamma_second_difference};
use super::gumbel::Gumbel;
use super::law::{Law, shaped_exp, shaped_log};
use super::{ScoreResult, check_parameters, check_probability};
use crate::score::error::ScoreError;

/// The generalized extreme value law: what the largest of many values follows.
///
/// # Formula
/// ```text
/// P(X ≤ x) = exp( −(1 + ξ z)^{−1/ξ} ),    z = (x − μ)/σ;    ξ = 0: exp(−exp(−z)), Gumbel's law
/// ```
/// ξ > 0: heavy upper tail (Fréchet); ξ < 0: bounded above at μ − σ/ξ (Weibull). Others write −ξ for the shape (SciPy's `c`).
///
/// # Example
/// ```
/// use isotherm::score::{Gev, Law};
/// let gumbel = Gev::new(0.0, 1.0, 0.0).unwrap();
/// assert!((gumbel.below(0.0) - (-1.0f64).exp()).abs() < 1e-15);
/// ```
///
/// # Reference
/// Jenkinson (1955), doi:10.1002/qj.49708134804; Coles (2001), doi:10.1007/978-1-4471-3675-0
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gev {
    location: f64,
    scale: f64,
    shape: f64,
}

impl Gev {
    /// The law with location μ, scale σ and shape ξ.
    ///
    /// # Errors
    /// [`ScoreError::Argument`] for parameters that are not finite or a scale that is not positive.
    pub fn new(location: f64, scale: f64, shape: f64) -> ScoreResult<Gev> {
        check_parameters(location, scale)?;
        if !shape.is_finite() {
            return Err(ScoreError::Argument(format!("a shape of {shape} was given; a finite one is wanted")));
        }
        Ok(Gev { location, scale, shape })
    }

    /// Location μ.
    pub fn location(&self) -> f64 {
        self.location
    }

    /// Scale σ.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// Shape ξ, positive for a heavy upper tail.
    pub fn shape(&self) -> f64 {
        self.shape
    }

    /// Differential entropy, ln σ + γ(1 + ξ) + 1.
    pub fn entropy(&self) -> f64 {
        self.scale.ln() + EULER * (1.0 + self.shape) + 1.0
    }

    /// −ln(−ln P(X ≤ x)); none outside the support.
    fn reduced(&self, x: f64) -> Option<f64> {
        let z = (x - self.location) / self.scale;
        (1.0 + self.shape * z > 0.0).then(|| shaped_log(self.shape, z))
    }

    /// The value whose −ln P(X ≤ x) is `exponent`.
    fn at_exponent(&self, exponent: f64) -> f64 {
        self.location + self.scale * shaped_exp(self.shape, -exponent.ln())
    }
}

impl From<Gumbel> for Gev {
    fn from(gumbel: Gumbel) -> Gev {
        Gev { location: gumbel.location(), scale: gumbel.scale(), shape: 0.0 }
    }
}

impl Law for Gev {
    fn log_density(&self, x: f64) -> f64 {
        match self.reduced(x) {
            Some(y) => -self.scale.ln() - (1.0 + self.shape) * y - (-y).exp(),
            None => f64::NEG_INFINITY,
        }
    }

    fn below(&self, x: f64) -> f64 {
        match self.reduced(x) {
            Some(y) => (-(-y).exp()).exp(),
            None => f64::from(u8::from(self.shape < 0.0)),
        }
    }

    fn above(&self, x: f64) -> f64 {
        match self.reduced(x) {
            Some(y) => -(-(-y).exp()).exp_m1(),
            None => f64::from(u8::from(self.shape > 0.0)),
        }
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
        if self.shape >= 1.0 {
            return f64::INFINITY;
        }
        let standard = if self.shape == 0.0 { EULER } else { ln_gamma_one_minus(self.shape).exp_m1() / self.shape };
        self.location + self.scale * standard
    }

    fn variance(&self) -> f64 {
        if self.shape >= 0.5 {
            return f64::INFINITY;
        }
        let standard = if self.shape == 0.0 {
            std::f64::consts::PI.powi(2) / 6.0
        } else {
            (2.0 * ln_gamma_one_minus(self.shape)).exp() * ln_gamma_second_difference(self.shape).exp_m1()
                / (self.shape * self.shape)
        };
        self.scale * self.scale * standard
    }

    fn support(&self) -> (f64, f64) {
        let end = self.location - self.scale / self.shape;
        if self.shape > 0.0 {
            (end, f64::INFINITY)
        } else if self.shape < 0.0 {
            (f64::NEG_INFINITY, end)
        } else {
            (f64::NEG_INFINITY, f64::INFINITY)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn uniform_and_exponential_by_hand() {
        // ξ = −1 at μ = 0, σ = 1: P(X ≤ x) = exp(−(1 − x)), so 1 − X is exponential: mean 0, variance 1
        let law = Gev::new(0.0, 1.0, -1.0).unwrap();
        assert!((law.below(0.5) - (-0.5f64).exp()).abs() < 1e-15);
        assert!(law.mean().abs() < 1e-14 && (law.variance() - 1.0).abs() < 1e-13);
        assert_eq!(law.support(), (f64::NEG_INFINITY, 1.0));
        assert_eq!((law.below(2.0), law.above(2.0), law.density(2.0)), (1.0, 0.0, 0.0));
    }

    #[test]
    fn heavy_tails_have_infinite_moments() {
        assert_eq!(Gev::new(0.0, 1.0, 1.0).unwrap().mean(), f64::INFINITY);
        assert_eq!(Gev::new(0.0, 1.0, 0.5).unwrap().variance(), f64::INFINITY);
        assert!(Gev::new(0.0, 0.0, 0.1).is_err() && Gev::new(0.0, 1.0, f64::NAN).is_err());
    }

    #[test]
    fn moments_by_quadrature() {
        for shape in [-0.3, -1e-9, 1e-3, 0.15] {
            let law = Gev::new(0.5, 2.0, shape).unwrap();
            let n = 200_000;
            // a mean over quantiles at midpoints; the tails beyond cost the last digits
            let x: Vec<f64> = (0..n).map(|i| law.quantile((f64::from(i) + 0.5) / f64::from(n)).unwrap()).collect();
            let mean = x.iter().sum::<f64>() / f64::from(n);
            let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / f64::from(n);
            assert!((mean - law.mean()).abs() < 1e-3, "{shape} {mean} {}", law.mean());
            assert!((variance / law.variance() - 1.0).abs() < 0.01, "{shape} {variance} {}", law.variance());
        }
    }

    proptest! {
        #[test]
        fn quantile_undoes_the_distribution(shape in -0.9f64..0.9, q in 0.001f64..0.999, scale in 0.1f64..5.0) {
            let law = Gev::new(3.0, scale, shape).unwrap();
            let x = law.quantile(q).unwrap();
            prop_assert!((law.below(x) - q).abs() < 1e-10);
            prop_assert!((law.above(x) - (1.0 - q)).abs() < 1e-10);
            prop_assert!((law.upper_quantile(1.0 - q).unwrap() - x).abs() < 1e-8 * (1.0 + x.abs()));
            // the density is the slope of the distribution
            let h = 1e-5 * scale;
            let slope = (law.below(x + h) - law.below(x - h)) / (2.0 * h);
            prop_assert!((slope - law.density(x)).abs() < 1e-4 * (1.0 + law.density(x)));
        }
    }
}

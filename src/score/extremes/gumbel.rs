//! Gumbel's law of maxima, and its mirror image for minima.

use super::gamma::EULER;
use super::law::Law;
use super::likelihood::LawFit;
use super::{ScoreResult, check_parameters, check_probability, check_sample};

/// Gumbel's law of the largest of many values with a thin upper tail.
///
/// # Formula
/// ```text
/// P(X ≤ x) = exp(−exp(−z)),    z = (x − μ)/σ
/// ```
///
/// # Example
/// ```
/// use isotherm::score::{Gumbel, Law};
/// let law = Gumbel::new(290.0, 1.0).unwrap();
/// // exceeded once in ten years: 290 − ln(−ln 0.9)
/// assert!((law.upper_quantile(0.1).unwrap() - 292.2504).abs() < 1e-4);
/// ```
///
/// # Reference
/// Gumbel (1958), Statistics of Extremes, doi:10.7312/gumb92958
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gumbel {
    location: f64,
    scale: f64,
}

impl Gumbel {
    /// The law with location μ and scale σ.
    ///
    /// # Errors
    /// [`super::ScoreError::Argument`] for parameters that are not finite or a scale that is not positive.
    pub fn new(location: f64, scale: f64) -> ScoreResult<Gumbel> {
        check_parameters(location, scale)?;
        Ok(Gumbel { location, scale })
    }

    /// Location μ.
    pub fn location(&self) -> f64 {
        self.location
    }

    /// Scale σ.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// The law of highest likelihood.
    ///
    /// # Formula
    /// ```text
    /// σ = x̄ − Σ x e^{−x/σ}/Σ e^{−x/σ},    μ = −σ ln( mean e^{−x/σ} )
    /// ```
    /// The first equation has one root; Newton's method between bounds finds it.
    ///
    /// # Errors
    /// [`super::ScoreError::TooFew`] below two values, [`super::ScoreError::Constant`], [`super::ScoreError::NotFinite`].
    ///
    /// # Example
    /// ```
    /// use isotherm::score::{Gumbel, Law};
    /// let years = [3.1, 4.4, 2.9, 3.6, 5.2, 3.3];
    /// let fit = Gumbel::fit(&years).unwrap();
    /// let other = Gumbel::new(fit.law.location(), 1.1 * fit.law.scale()).unwrap();
    /// assert!(fit.log_likelihood > other.log_likelihood(&years));
    /// ```
    pub fn fit(values: &[f64]) -> ScoreResult<LawFit<Gumbel>> {
        check_sample(values, "a Gumbel fit", 2)?;
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
        let smallest = values.iter().copied().fold(f64::INFINITY, f64::min);
        // Σ e, Σ d e, Σ d² e with d = x − smallest, e = exp(−d/σ): no overflow, and no cancellation of an offset.
        let sums = |scale: f64| {
            values.iter().fold((0.0, 0.0, 0.0), |(s0, s1, s2), v| {
                let d = v - smallest;
                let e = (-d / scale).exp();
                (s0 + e, s1 + d * e, s2 + d * d * e)
            })
        };
        // g(σ) = σ − (mean − smallest) + s1/s0 rises with slope above 1 from below 0 to above 0 between these bounds.
        let (mut low, mut high) = (0.0, mean - smallest);
        let mut scale = (6.0 * variance).sqrt() / std::f64::consts::PI;
        for _ in 0..200 {
            if !(scale > low && scale < high) {
                scale = 0.5 * (low + high);
            }
            let (s0, s1, s2) = sums(scale);
            let ratio = s1 / s0;
            let g = scale - (mean - smallest) + ratio;
            if g > 0.0 {
                high = scale
            } else {
                low = scale
            }
            let slope = 1.0 + (s2 / s0 - ratio * ratio) / (scale * scale);
            let step = g / slope;
            scale -= step;
            if step.abs() <= 1e-15 * scale.abs() {
                break;
            }
        }
        let location = smallest - scale * (sums(scale).0 / n).ln();
        let law = Gumbel::new(location, scale)?;
        Ok(LawFit { log_likelihood: law.log_likelihood(values), law, count: values.len(), parameters: 2 })
    }

    /// The law with the sample's mean and standard deviation (divisor n − 1).
    ///
    /// # Formula
    /// ```text
    /// σ = √6 s/π,    μ = x̄ − γσ
    /// ```
    ///
    /// # Errors
    /// As [`Gumbel::fit`].
    pub fn by_moments(values: &[f64]) -> ScoreResult<Gumbel> {
        check_sample(values, "a Gumbel fit", 2)?;
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let scale = (6.0 * variance).sqrt() / std::f64::consts::PI;
        Gumbel::new(mean - EULER * scale, scale)
    }
}

impl Law for Gumbel {
    fn log_density(&self, x: f64) -> f64 {
        let z = (x - self.location) / self.scale;
        -self.scale.ln() - z - (-z).exp()
    }

    fn below(&self, x: f64) -> f64 {
        (-(-(x - self.location) / self.scale).exp()).exp()
    }

    fn above(&self, x: f64) -> f64 {
        -(-(-(x - self.location) / self.scale).exp()).exp_m1()
    }

    fn quantile(&self, probability: f64) -> ScoreResult<f64> {
        check_probability(probability)?;
        Ok(self.location - self.scale * (-probability.ln()).ln())
    }

    fn upper_quantile(&self, probability: f64) -> ScoreResult<f64> {
        check_probability(probability)?;
        Ok(self.location - self.scale * (-(-probability).ln_1p()).ln())
    }

    fn mean(&self) -> f64 {
        self.location + EULER * self.scale
    }

    fn variance(&self) -> f64 {
        (std::f64::consts::PI * self.scale).powi(2) / 6.0
    }
}

/// Gumbel's law of the smallest of many values: X follows it where −X follows [`Gumbel`].
///
/// # Formula
/// ```text
/// P(X > x) = exp(−exp(z)),    z = (x − μ)/σ
/// ```
///
/// # Reference
/// Gumbel (1958), Statistics of Extremes, doi:10.7312/gumb92958
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GumbelMinima {
    mirrored: Gumbel,
}

impl GumbelMinima {
    /// The law with location μ and scale σ.
    ///
    /// # Errors
    /// [`super::ScoreError::Argument`] for parameters that are not finite or a scale that is not positive.
    pub fn new(location: f64, scale: f64) -> ScoreResult<GumbelMinima> {
        Ok(GumbelMinima { mirrored: Gumbel::new(-location, scale)? })
    }
}

impl Law for GumbelMinima {
    fn log_density(&self, x: f64) -> f64 {
        self.mirrored.log_density(-x)
    }

    fn below(&self, x: f64) -> f64 {
        self.mirrored.above(-x)
    }

    fn above(&self, x: f64) -> f64 {
        self.mirrored.below(-x)
    }

    fn quantile(&self, probability: f64) -> ScoreResult<f64> {
        Ok(-self.mirrored.upper_quantile(probability)?)
    }

    fn upper_quantile(&self, probability: f64) -> ScoreResult<f64> {
        Ok(-self.mirrored.quantile(probability)?)
    }

    fn mean(&self) -> f64 {
        -self.mirrored.mean()
    }

    fn variance(&self) -> f64 {
        self.mirrored.variance()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::error::ScoreError;

    #[test]
    fn the_likelihood_is_flat_at_the_fit() {
        let x = [290.1, 291.4, 289.7, 293.0, 290.8, 290.2, 295.5, 289.9];
        let fit = Gumbel::fit(&x).unwrap();
        let at = |m: f64, s: f64| Gumbel::new(fit.law.location() + m, fit.law.scale() * s).unwrap().log_likelihood(&x);
        let h = 1e-4;
        assert!(((at(h, 1.0) - at(-h, 1.0)) / (2.0 * h)).abs() < 1e-6);
        assert!(((at(0.0, 1.0 + h) - at(0.0, 1.0 - h)) / (2.0 * h)).abs() < 1e-6);
        assert!(at(0.1, 1.0) < fit.log_likelihood && at(0.0, 1.1) < fit.log_likelihood);
    }

    #[test]
    fn fits_move_and_grow_with_the_data() {
        let x = [1.0, 2.5, 1.7, 4.2, 0.3];
        let moved: Vec<f64> = x.iter().map(|v| 1e4 + 3.0 * v).collect();
        let (a, b) = (Gumbel::fit(&x).unwrap().law, Gumbel::fit(&moved).unwrap().law);
        assert!((b.scale() - 3.0 * a.scale()).abs() < 1e-9 && (b.location() - 1e4 - 3.0 * a.location()).abs() < 1e-8);
    }

    #[test]
    fn outliers_do_not_overflow() {
        let fit = Gumbel::fit(&[0.0, 1e-3, 2e-3, 1e6]).unwrap();
        assert!(fit.log_likelihood.is_finite());
        assert!(matches!(Gumbel::fit(&[290.0; 10]), Err(ScoreError::Constant { .. })));
        assert!(Gumbel::fit(&[1.0]).is_err() && Gumbel::by_moments(&[1.0, 1.0]).is_err());
    }

    #[test]
    fn minima_mirror_maxima() {
        let (low, high) = (GumbelMinima::new(2.0, 1.5).unwrap(), Gumbel::new(-2.0, 1.5).unwrap());
        assert_eq!((low.below(1.0), low.mean()), (high.above(-1.0), -high.mean()));
        assert!((low.below(low.quantile(0.3).unwrap()) - 0.3).abs() < 1e-14);
    }
}

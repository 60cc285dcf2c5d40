//! The generalized Pareto law of excesses over a threshold.

use super::law::{Law, shaped_exp, shaped_log, shaped_log_slope};
use super::likelihood::LawFit;
use super::newton::minimise;
use super::{LMoments, ScoreResult, check_parameters, check_probability, check_sample};
use crate::score::error::ScoreError;

/// The generalized Pareto law: what excesses over a high threshold follow.
///
/// # Formula
/// ```text
/// P(X > x) = (1 + ξ z)^{−1/ξ},    z = (x − u)/σ ≥ 0;    ξ = 0: exp(−z)
/// ```
/// ξ > 0: heavy tail; ξ < 0: bounded at u − σ/ξ.
///
/// # Example
/// ```
/// use isotherm::score::{GeneralizedPareto, Law};
/// let exponential = GeneralizedPareto::new(0.0, 2.0, 0.0).unwrap();
/// assert!((exponential.above(2.0) - (-1.0f64).exp()).abs() < 1e-15);
/// ```
///
/// # Reference
/// Pickands (1975), doi:10.1214/aos/1176343003
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GeneralizedPareto {
    threshold: f64,
    scale: f64,
    shape: f64,
}

impl GeneralizedPareto {
    /// The law above `threshold` u, with scale σ and shape ξ.
    ///
    /// # Errors
    /// [`ScoreError::Argument`] for parameters that are not finite or a scale that is not positive.
    pub fn new(threshold: f64, scale: f64, shape: f64) -> ScoreResult<GeneralizedPareto> {
        check_parameters(threshold, scale)?;
        if !shape.is_finite() {
            return Err(ScoreError::Argument(format!("a shape of {shape} was given; a finite one is wanted")));
        }
        Ok(GeneralizedPareto { threshold, scale, shape })
    }

    /// Threshold u.
    pub fn threshold(&self) -> f64 {
        self.threshold
    }

    /// Scale σ.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// Shape ξ.
    pub fn shape(&self) -> f64 {
        self.shape
    }

    /// The law of highest likelihood for `values` above a known `threshold`, among shapes above −1 (below, the likelihood has
    /// no bound).
    ///
    /// # Errors
    /// [`ScoreError::TooFew`] below three values, [`ScoreError::Argument`] for a value not above the threshold or where the
    /// likelihood has no maximum, [`ScoreError::Constant`], [`ScoreError::NotFinite`].
    ///
    /// # Reference
    /// Smith (1984), doi:10.1007/978-94-017-3069-3_48
    pub fn fit(values: &[f64], threshold: f64) -> ScoreResult<LawFit<GeneralizedPareto>> {
        check_sample(values, "a generalized Pareto fit", 3)?;
        if let Some(value) = values.iter().find(|v| **v <= threshold) {
            return Err(ScoreError::Argument(format!("the value {value} is not above the threshold {threshold}")));
        }
        let mean = values.iter().map(|v| v - threshold).sum::<f64>() / values.len() as f64;
        // In units of the mean excess, so that the steps of the search have the right size.
        let excesses: Vec<f64> = values.iter().map(|v| (v - threshold) / mean).collect();
        let largest = excesses.iter().copied().fold(0.0, f64::max);
        let objective = |p: [f64; 2]| {
            let (scale, shape) = (p[0].exp(), p[1]);
            if shape <= -1.0 || 1.0 + shape * largest / scale <= 0.0 {
                return None;
            }
            let (mut value, mut slope) = (0.0, [0.0; 2]);
            for x in &excesses {
                let s = x / scale;
                value += p[0] + (1.0 + shape) * shaped_log(shape, s);
                slope[0] += 1.0 - (1.0 + shape) * s / (1.0 + shape * s);
                slope[1] += shaped_log(shape, s) + (1.0 + shape) * shaped_log_slope(shape, s);
            }
            Some((value, slope))
        };
        let moments = LMoments::of(&excesses)?.generalized_pareto(0.0)?;
        let mut starts = vec![[0.0, 0.0], [0.3, -0.3], [-0.3, 0.3]];
        // A start must leave the largest value inside the support.
        let bounded = moments.shape.max(-0.9 * moments.scale / largest).max(-0.9);
        starts.push([moments.scale.ln(), bounded]);
        let best = starts
            .into_iter()
            .filter_map(|start| minimise(start, &objective))
            .min_by(|a, b| a.value.total_cmp(&b.value))
            .ok_or_else(|| ScoreError::Argument("the likelihood has no maximum with a shape above -1; use L-moments".into()))?;
        let law = GeneralizedPareto::new(threshold, best.at[0].exp() * mean, best.at[1])?;
        Ok(LawFit { log_likelihood: law.log_likelihood(values), law, count: values.len(), parameters: 2 })
    }

    fn reduced(&self, x: f64) -> Option<f64> {
        let z = (x - self.threshold) / self.scale;
        (z >= 0.0 && 1.0 + self.shape * z > 0.0).then(|| shaped_log(self.shape, z))
    }
}

impl Law for GeneralizedPareto {
    fn log_density(&self, x: f64) -> f64 {
        self.reduced(x).map_or(f64::NEG_INFINITY, |y| -self.scale.ln() - (1.0 + self.shape) * y)
    }

    fn below(&self, x: f64) -> f64 {
        self.reduced(x).map_or_else(|| f64::from(u8::from(x >= self.threshold)), |y| -(-y).exp_m1())
    }

    fn above(&self, x: f64) -> f64 {
        self.reduced(x).map_or_else(|| f64::from(u8::from(x < self.threshold)), |y| (-y).exp())
    }

    fn quantile(&self, probability: f64) -> ScoreResult<f64> {
        check_probability(probability)?;
        Ok(self.threshold + self.scale * shaped_exp(self.shape, -(-probability).ln_1p()))
    }

    fn upper_quantile(&self, probability: f64) -> ScoreResult<f64> {
        check_probability(probability)?;
        Ok(self.threshold + self.scale * shaped_exp(self.shape, -probability.ln()))
    }

    fn mean(&self) -> f64 {
        if self.shape >= 1.0 { f64::INFINITY } else { self.threshold + self.scale / (1.0 - self.shape) }
    }

    fn variance(&self) -> f64 {
        if self.shape >= 0.5 {
            return f64::INFINITY;
        }
        (self.scale / (1.0 - self.shape)).powi(2) / (1.0 - 2.0 * self.shape)
    }

    fn support(&self) -> (f64, f64) {
        let end = if self.shape < 0.0 { self.threshold - self.scale / self.shape } else { f64::INFINITY };
        (self.threshold, end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    #[test]
    fn uniform_by_hand() {
        // ξ = −1 is uniform between u and u + σ
        let law = GeneralizedPareto::new(1.0, 2.0, -1.0).unwrap();
        assert!((law.density(2.5) - 0.5).abs() < 1e-15 && (law.below(2.5) - 0.75).abs() < 1e-15);
        assert!((law.mean() - 2.0).abs() < 1e-15 && (law.variance() - 4.0 / 12.0).abs() < 1e-15);
        assert_eq!((law.below(0.0), law.above(0.0), law.below(4.0), law.above(4.0)), (0.0, 1.0, 1.0, 0.0));
    }

    #[test]
    fn parameters_are_recovered() {
        for shape in [-0.3, 0.0, 0.25] {
            let law = GeneralizedPareto::new(5.0, 1.5, shape).unwrap();
            let mut random = Random::new(9, "pareto");
            let x: Vec<f64> = (0..4000).map(|_| law.quantile(1.0 - 0.999_999 * random.uniform()).unwrap()).collect();
            let fit = GeneralizedPareto::fit(&x.iter().copied().filter(|x| *x > 5.0).collect::<Vec<_>>(), 5.0).unwrap();
            // standard error of the shape (1 + ξ)/√n ≤ 0.02
            assert!((fit.law.shape() - shape).abs() < 0.08, "{shape} {:?}", fit.law);
            assert!((fit.law.scale() / 1.5 - 1.0).abs() < 0.12 && fit.log_likelihood >= law.log_likelihood(&x));
        }
    }

    #[test]
    fn exponential_data_by_hand() {
        // For ξ held at 0 the best scale is the mean; the free fit cannot be worse.
        let x = [0.2, 0.5, 0.9, 1.4, 2.2, 3.9];
        let mean = x.iter().sum::<f64>() / 6.0;
        let fit = GeneralizedPareto::fit(&x, 0.0).unwrap();
        assert!(fit.log_likelihood >= -6.0 * (mean.ln() + 1.0));
        assert!(GeneralizedPareto::fit(&x, 0.3).is_err() && GeneralizedPareto::fit(&x[..2], 0.0).is_err());
    }
}

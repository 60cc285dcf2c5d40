//! A smooth density from a sample.

use super::{ScoreError, ScoreResult};

/// How wide the kernel is, in standard deviations of the sample.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub enum Bandwidth {
    /// n^{−1/5}.
    #[default]
    Scott,
    /// (¾ n)^{−1/5}.
    Silverman,
    /// A factor of one's own.
    Factor(f64),
}

/// A Gaussian kernel density estimate.
///
/// # Formula
/// ```text
/// f(x) = 1/(n h √(2π)) Σ exp(−½ ((x − xᵢ)/h)²),    h = factor · s,  s with divisor n − 1
/// ```
///
/// # Example
/// ```
/// use isotherm::score::{Bandwidth, KernelDensity};
/// let density = KernelDensity::of(&[-1.0, 1.0], Bandwidth::Factor(0.5)).unwrap();
/// assert!((density.at(0.3) - density.at(-0.3)).abs() < 1e-15);
/// ```
///
/// # Reference
/// Silverman (1986), Density Estimation for Statistics and Data Analysis, doi:10.1201/9781315140919
#[derive(Clone, Debug, PartialEq)]
pub struct KernelDensity {
    values: Vec<f64>,
    factor: f64,
    width: f64,
}

impl KernelDensity {
    /// The estimate from a sample.
    ///
    /// # Errors
    /// [`ScoreError::TooFew`] below two values, [`ScoreError::Constant`], [`ScoreError::NotFinite`], [`ScoreError::Argument`] for
    /// a factor that is not positive.
    pub fn of(values: &[f64], bandwidth: Bandwidth) -> ScoreResult<KernelDensity> {
        let values = super::ordered(values, "the sample", "a kernel density")?;
        let n = values.len() as f64;
        if values.len() < 2 {
            return Err(ScoreError::TooFew { metric: "a kernel density", found: values.len(), wanted: 2 });
        }
        if values[0] == values[values.len() - 1] {
            return Err(ScoreError::Constant { what: "the sample", metric: "a kernel density" });
        }
        let factor = match bandwidth {
            Bandwidth::Scott => n.powf(-0.2),
            Bandwidth::Silverman => (0.75 * n).powf(-0.2),
            Bandwidth::Factor(factor) if factor.is_finite() && factor > 0.0 => factor,
            Bandwidth::Factor(factor) => {
                return Err(ScoreError::Argument(format!("a bandwidth factor of {factor} was given; a positive one is wanted")));
            }
        };
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
        Ok(KernelDensity { values, factor, width: factor * variance.sqrt() })
    }

    /// The density at `x`.
    pub fn at(&self, x: f64) -> f64 {
        // Beyond 40 widths a term is 0 in double precision; the values are in order, so only those near enough are summed.
        let reach = 40.0 * self.width;
        let from = self.values.partition_point(|v| *v < x - reach);
        let to = self.values.partition_point(|v| *v <= x + reach);
        let sum: f64 = self.values[from..to].iter().map(|v| (-0.5 * ((x - v) / self.width).powi(2)).exp()).sum();
        sum / (self.values.len() as f64 * self.width * std::f64::consts::TAU.sqrt())
    }

    /// Kernel width over the sample's standard deviation.
    pub fn factor(&self) -> f64 {
        self.factor
    }

    /// Kernel width in the unit of the data.
    pub fn width(&self) -> f64 {
        self.width
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_is_one() {
        let density = KernelDensity::of(&[0.0, 1.0, 1.5, 4.0], Bandwidth::Scott).unwrap();
        let area: f64 = (-4000..8000).map(|i| density.at(f64::from(i) * 0.005) * 0.005).sum();
        assert!((area - 1.0).abs() < 1e-10, "{area}");
    }

    #[test]
    fn two_values_by_hand() {
        // s = √2, h = 1/√2·√2 = 1: f(0) = 2 exp(−½)/(2√(2π))
        let density = KernelDensity::of(&[-1.0, 1.0], Bandwidth::Factor(0.5f64.sqrt())).unwrap();
        assert!((density.at(0.0) - (-0.5f64).exp() / std::f64::consts::TAU.sqrt()).abs() < 1e-15);
        assert!((density.width() - 1.0).abs() < 1e-15);
    }

    #[test]
    fn bad_samples_are_refused() {
        assert!(KernelDensity::of(&[1.0], Bandwidth::Scott).is_err());
        assert!(KernelDensity::of(&[1.0, 1.0], Bandwidth::Scott).is_err());
        assert!(KernelDensity::of(&[1.0, 2.0], Bandwidth::Factor(0.0)).is_err());
    }
}

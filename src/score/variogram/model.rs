//! Semivariogram models.

use serde::{Deserialize, Serialize};
use statrs::function::gamma::{gamma, ln_gamma};

use super::matern::matern_correlation;
use crate::score::error::{ScoreError, ScoreResult};

/// The shape of a semivariogram model: its correlation ρ as a function of u = distance / scale.
///
/// # Formula
/// ```text
///                 ρ(u)                                               range r
/// Spherical       1 − 3u/2 + u³/2 up to u = 1, then 0                scale
/// Cubic           1 − 7u² + 35u³/4 − 7u⁵/2 + 3u⁷/4 up to 1, then 0   scale
/// Exponential     exp(−u)                                            3 scale
/// Gaussian        exp(−u²)                                           2 scale
/// Stable{α}       exp(−u^α),            0 < α ≤ 2                    3^(1/α) scale
/// Matern{ν}       2^(1−ν) u^ν K_ν(u) / Γ(ν)                          4 √ν scale
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum VariogramShape {
    /// Linear near 0, and at its sill for good at the range.
    Spherical,
    /// Smooth near 0, and at its sill for good at the range.
    Cubic,
    /// Linear near 0: a rough field.
    Exponential,
    /// Parabolic near 0: a field with all derivatives.
    Gaussian,
    /// Between the exponential (1) and the Gaussian (2).
    Stable {
        /// Exponent α.
        exponent: f64,
    },
    /// From the exponential (1/2) on as smooth as wanted.
    Matern {
        /// Smoothness ν, 0.01 to 100.
        smoothness: f64,
    },
}

impl VariogramShape {
    /// The correlation at a distance of `u` scales; `u` is not negative.
    pub(super) fn correlation(self, u: f64) -> f64 {
        match self {
            Self::Spherical if u < 1.0 => 1.0 - u * (1.5 - 0.5 * u * u),
            Self::Cubic if u < 1.0 => {
                let square = u * u;
                1.0 - square * (7.0 - u * (8.75 - square * (3.5 - 0.75 * square)))
            }
            Self::Spherical | Self::Cubic => 0.0,
            Self::Exponential => (-u).exp(),
            Self::Gaussian => (-u * u).exp(),
            Self::Stable { exponent } => (-u.powf(exponent)).exp(),
            Self::Matern { smoothness } => matern_correlation(smoothness, u).unwrap_or(f64::NAN),
        }
    }

    /// Range over scale, by convention.
    pub(super) fn range_of_unit_scale(self) -> f64 {
        match self {
            Self::Spherical | Self::Cubic => 1.0,
            Self::Exponential => 3.0,
            Self::Gaussian => 2.0,
            Self::Stable { exponent } => 3f64.powf(1.0 / exponent),
            Self::Matern { smoothness } => 4.0 * smoothness.sqrt(),
        }
    }

    /// ∫ρ du from 0 on.
    fn integral(self) -> f64 {
        match self {
            Self::Spherical => 3.0 / 8.0,
            Self::Cubic => 35.0 / 96.0,
            Self::Exponential => 1.0,
            Self::Gaussian => 0.5 * std::f64::consts::PI.sqrt(),
            Self::Stable { exponent } => gamma(1.0 + 1.0 / exponent),
            Self::Matern { smoothness } => {
                std::f64::consts::PI.sqrt() * (ln_gamma(smoothness + 0.5) - ln_gamma(smoothness)).exp()
            }
        }
    }

    fn check(self) -> ScoreResult<()> {
        let sensible = match self {
            Self::Stable { exponent } => exponent > 0.0 && exponent <= 2.0,
            Self::Matern { smoothness } => (0.01..=100.0).contains(&smoothness),
            _ => true,
        };
        if sensible {
            return Ok(());
        }
        Err(ScoreError::Argument(format!("{self:?} is no shape of a variogram; α in 0..2 and ν in 0.01..100 are wanted")))
    }
}

/// A semivariogram model with its parameters.
///
/// # Formula
/// ```text
/// γ(h) = nugget + partial sill (1 − ρ(h / scale)),    sill = nugget + partial sill
/// ```
/// The range is the *effective* one, where γ is near its sill (at 95 % for the exponential and stable models, 98 % for the
/// Gaussian), by the conventions in [`VariogramShape`], which are SciKit-GStat's. GSTools states a length scale instead:
/// its scale here is that length ℓ for the spherical, exponential and stable models, 2ℓ/√π for the Gaussian and ℓ/√ν for
/// the Matérn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct VariogramModel {
    /// The correlation function.
    pub shape: VariogramShape,
    /// Distance that scales it.
    pub scale: f64,
    /// Variance that the correlation explains.
    pub partial_sill: f64,
    /// Variance at distances too small to see, noise included.
    pub nugget: f64,
}

impl VariogramModel {
    /// A model with its scale.
    ///
    /// # Errors
    /// [`ScoreError::Argument`] unless the scale is positive and the variances are not negative, or for a senseless shape.
    ///
    /// # Example
    /// ```
    /// use isotherm::score::{VariogramModel, VariogramShape};
    /// let model = VariogramModel::with_scale(VariogramShape::Exponential, 10.0, 2.0, 0.5).unwrap();
    /// assert!((model.at(10.0) - (0.5 + 2.0 * (1.0 - (-1.0f64).exp()))).abs() < 1e-14);
    /// assert_eq!((model.range(), model.sill()), (30.0, 2.5));
    /// ```
    pub fn with_scale(shape: VariogramShape, scale: f64, partial_sill: f64, nugget: f64) -> ScoreResult<VariogramModel> {
        shape.check()?;
        let finite = [scale, partial_sill, nugget].iter().all(|p| p.is_finite());
        if !(finite && scale > 0.0 && partial_sill >= 0.0 && nugget >= 0.0) {
            return Err(ScoreError::Argument(format!(
                "a variogram of scale {scale}, partial sill {partial_sill} and nugget {nugget} was stated; \
                 a positive scale and variances that are not negative are wanted"
            )));
        }
        Ok(VariogramModel { shape, scale, partial_sill, nugget })
    }

    /// A model with its effective range.
    ///
    /// # Errors
    /// As [`VariogramModel::with_scale`].
    pub fn with_range(shape: VariogramShape, range: f64, partial_sill: f64, nugget: f64) -> ScoreResult<VariogramModel> {
        shape.check()?;
        VariogramModel::with_scale(shape, range / shape.range_of_unit_scale(), partial_sill, nugget)
    }

    /// The effective range.
    pub fn range(&self) -> f64 {
        self.scale * self.shape.range_of_unit_scale()
    }

    /// The semivariance far away.
    pub fn sill(&self) -> f64 {
        self.nugget + self.partial_sill
    }

    /// The semivariance at a distance; at 0 the limit from above, which is the nugget.
    pub fn at(&self, distance: f64) -> f64 {
        self.nugget + self.partial_sill * (1.0 - self.shape.correlation(distance.abs() / self.scale))
    }

    /// The covariance of two places at a distance; at 0 that of the part without nugget.
    pub fn covariance(&self, distance: f64) -> f64 {
        self.partial_sill * self.shape.correlation(distance.abs() / self.scale)
    }

    /// The integral scale ∫ρ(h) dh: the length of the line that one independent value stands for, halved.
    pub fn integral_scale(&self) -> f64 {
        self.scale * self.shape.integral()
    }

    /// The distance at which the correlation has fallen to 1 − `part`, by bisection.
    ///
    /// # Errors
    /// [`ScoreError::Argument`] unless `part` lies between 0 and 1, both excluded.
    ///
    /// # Example
    /// ```
    /// use isotherm::score::{VariogramModel, VariogramShape};
    /// let model = VariogramModel::with_scale(VariogramShape::Exponential, 10.0, 1.0, 0.0).unwrap();
    /// assert!((model.distance_of_part(0.95).unwrap() - 10.0 * 20f64.ln()).abs() < 1e-9);
    /// ```
    pub fn distance_of_part(&self, part: f64) -> ScoreResult<f64> {
        if !(part > 0.0 && part < 1.0) {
            return Err(ScoreError::Argument(format!("a part of {part} was asked for; one between 0 and 1 is wanted")));
        }
        let beyond = |u: f64| self.shape.correlation(u) <= 1.0 - part;
        let (mut low, mut high) = (0.0, 1.0);
        while !beyond(high) {
            low = high;
            high *= 2.0;
        }
        while high - low > 1e-14 * high {
            let middle = 0.5 * (low + high);
            if middle <= low || middle >= high {
                break;
            }
            if beyond(middle) { high = middle } else { low = middle }
        }
        Ok(high * self.scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [VariogramShape; 7] = [
        VariogramShape::Spherical,
        VariogramShape::Cubic,
        VariogramShape::Exponential,
        VariogramShape::Gaussian,
        VariogramShape::Stable { exponent: 0.6 },
        VariogramShape::Stable { exponent: 1.7 },
        VariogramShape::Matern { smoothness: 1.3 },
    ];

    #[test]
    fn by_hand() {
        // spherical, range 4, sill 2, nugget 1: at 2 it is 1 + 2 (0.75 - 0.0625); cubic at u = 1/2:
        // 7/4 - 35/32 + 7/64 - 3/512 = (896 - 560 + 56 - 3) / 512
        let of = |shape, h| VariogramModel::with_range(shape, 4.0, 2.0, 1.0).unwrap().at(h);
        assert!((of(VariogramShape::Spherical, 2.0) - 2.375).abs() < 1e-15);
        assert!((of(VariogramShape::Cubic, 2.0) - (1.0 + 2.0 * 389.0 / 512.0)).abs() < 1e-14);
        assert!((of(VariogramShape::Gaussian, 2.0) - (3.0 - 2.0 * (-1f64).exp())).abs() < 1e-15);
        assert!((of(VariogramShape::Stable { exponent: 0.5 }, 4.0) - (3.0 - 2.0 * (-3f64).exp())).abs() < 1e-14);
    }

    #[test]
    fn all_rise_from_nugget_to_sill() {
        for shape in ALL {
            let model = VariogramModel::with_range(shape, 10.0, 3.0, 0.5).unwrap();
            assert_eq!(model.at(0.0), 0.5);
            let curve: Vec<f64> = (0..200).map(|k| model.at(f64::from(k) * 0.2)).collect();
            assert!(curve.windows(2).all(|w| w[0] <= w[1] + 1e-14), "{shape:?}");
            assert!((model.at(1e6) - model.sill()).abs() < 1e-9);
            assert!((model.at(3.0) + model.covariance(3.0) - model.sill()).abs() < 1e-14);
            assert!((model.range() - 10.0).abs() < 1e-13);
        }
    }

    #[test]
    fn integral_scales_are_the_integrals() {
        for shape in ALL {
            let model = VariogramModel::with_scale(shape, 2.0, 1.0, 0.0).unwrap();
            // h = v⁴ smooths the steep start of the stable model; trapezoidal rule
            let step = 1e-3;
            let sum: f64 =
                (1..8000).map(|k| f64::from(k) * step).map(|v| model.covariance(v.powi(4)) * 4.0 * v.powi(3) * step).sum();
            assert!((sum / model.integral_scale() - 1.0).abs() < 1e-5, "{shape:?} {sum}");
        }
    }

    #[test]
    fn senseless_models_are_refused() {
        for (scale, sill, nugget) in [(0.0, 1.0, 0.0), (1.0, -1.0, 0.0), (1.0, 1.0, f64::NAN), (f64::INFINITY, 1.0, 0.0)] {
            assert!(VariogramModel::with_scale(VariogramShape::Gaussian, scale, sill, nugget).is_err());
        }
        for shape in [VariogramShape::Stable { exponent: 2.1 }, VariogramShape::Matern { smoothness: 0.0 }] {
            assert!(VariogramModel::with_range(shape, 1.0, 1.0, 0.0).is_err());
        }
        let model = VariogramModel::with_scale(VariogramShape::Gaussian, 1.0, 1.0, 0.0).unwrap();
        assert!(model.distance_of_part(1.0).is_err() && model.distance_of_part(f64::NAN).is_err());
    }
}

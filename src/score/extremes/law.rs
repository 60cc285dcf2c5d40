//! [`Law`]: what every distribution of this room can say.

use super::ScoreResult;

/// A continuous distribution.
///
/// Densities are 0 outside the support, and moments that do not converge are infinite.
pub trait Law {
    /// Logarithm of the density; −∞ outside the support.
    fn log_density(&self, x: f64) -> f64;

    /// The density.
    fn density(&self, x: f64) -> f64 {
        self.log_density(x).exp()
    }

    /// P(X ≤ x), the cumulative distribution.
    fn below(&self, x: f64) -> f64;

    /// P(X > x), accurate where it is small.
    fn above(&self, x: f64) -> f64;

    /// The value that is not exceeded with `probability`.
    ///
    /// # Errors
    /// [`super::ScoreError::Argument`] for a probability outside 0..1.
    fn quantile(&self, probability: f64) -> ScoreResult<f64>;

    /// The value that is exceeded with `probability`, accurate where that is small.
    ///
    /// # Errors
    /// [`super::ScoreError::Argument`] for a probability outside 0..1.
    fn upper_quantile(&self, probability: f64) -> ScoreResult<f64>;

    /// The mean; infinite where it does not converge.
    fn mean(&self) -> f64;

    /// The variance; infinite where it does not converge.
    fn variance(&self) -> f64;

    /// Ends of the range in which the density is positive.
    fn support(&self) -> (f64, f64) {
        (f64::NEG_INFINITY, f64::INFINITY)
    }

    /// Σ ln f(xᵢ); −∞ where a value lies outside the support.
    fn log_likelihood(&self, values: &[f64]) -> f64 {
        values.iter().map(|x| self.log_density(*x)).sum()
    }
}

/// ln(1 + ξs)/ξ, which tends to s as ξ goes to 0. NaN where 1 + ξs is negative.
pub(super) fn shaped_log(shape: f64, s: f64) -> f64 {
    let product = shape * s;
    // Below 1e-7 the next term, s ξs/2, and the one after are exact to rounding.
    if product.abs() < 1e-7 { s * (1.0 - product / 2.0 + product * product / 3.0) } else { product.ln_1p() / shape }
}

/// The derivative of [`shaped_log`] by ξ.
pub(super) fn shaped_log_slope(shape: f64, s: f64) -> f64 {
    let product = shape * s;
    if product.abs() < 1e-3 {
        // −s²/2 + 2ξs³/3 − 3ξ²s⁴/4 + ...
        let series = [1.0 / 2.0, 2.0 / 3.0, 3.0 / 4.0, 4.0 / 5.0, 5.0 / 6.0, 6.0 / 7.0];
        return -s * s * series.iter().rev().fold(0.0, |sum, c| c - product * sum);
    }
    (s / (1.0 + product) - shaped_log(shape, s)) / shape
}

/// (exp(ξy) − 1)/ξ, the inverse of [`shaped_log`], which tends to y as ξ goes to 0.
pub(super) fn shaped_exp(shape: f64, y: f64) -> f64 {
    if shape == 0.0 { y } else { (shape * y).exp_m1() / shape }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_and_formulas_meet() {
        for s in [-3.0, 0.4, 7.0] {
            for shape in [0.9999e-7, 1.0001e-7] {
                let shape = shape / f64::abs(s);
                assert!((shaped_log(shape, s) - (s - shape * s * s / 2.0)).abs() < 1e-13);
            }
            let (below, above) = (0.99999e-3 / f64::abs(s), 1.00001e-3 / f64::abs(s));
            let (a, b) = (shaped_log_slope(below, s), shaped_log_slope(above, s));
            assert!((a - b).abs() < 1e-7 * a.abs(), "{a} {b}");
        }
    }

    #[test]
    fn slope_by_differences() {
        for (shape, s) in [(0.2, 1.5), (-0.3, 2.0), (1e-5, -1.0), (0.5, -1.2)] {
            let h = 1e-5;
            let want = (shaped_log(shape + h, s) - shaped_log(shape - h, s)) / (2.0 * h);
            assert!((shaped_log_slope(shape, s) - want).abs() < 1e-8, "{shape} {s}");
        }
    }

    #[test]
    fn exp_undoes_log() {
        for (shape, s) in [(0.2, 1.5), (-0.3, 2.0), (0.0, -1.0), (1e-9, 4.0)] {
            assert!((shaped_exp(shape, shaped_log(shape, s)) - s).abs() < 1e-8);
        }
    }
}

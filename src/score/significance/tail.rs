//! Tail probabilities of the distributions that tests refer to, accurate where they are small.

use statrs::distribution::{Continuous, ContinuousCDF, Normal, StudentsT};
use statrs::function::beta::checked_beta_reg;
use statrs::function::gamma::checked_gamma_ur;

/// The upper regularized gamma function; the library's own refuses the ends of its range with a panic.
fn gamma_above(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    if x.is_infinite() { 0.0 } else { checked_gamma_ur(a, x).unwrap_or(f64::NAN) }
}

/// The regularized beta function; the library's own panics for a share that is NaN.
fn beta_below(a: f64, b: f64, x: f64) -> f64 {
    checked_beta_reg(a, b, x).unwrap_or(f64::NAN)
}

/// P(Z ≥ z) of the standard normal distribution. Through the incomplete gamma function: the library's complementary error
/// function is good to ten digits only.
pub(in crate::score) fn normal_above(z: f64) -> f64 {
    let beyond = 0.5 * gamma_above(0.5, 0.5 * z * z);
    if z >= 0.0 { beyond } else { 1.0 - beyond }
}

/// The z with P(Z ≤ z) = `probability`.
pub(in crate::score) fn normal_quantile(probability: f64) -> f64 {
    let normal = Normal::standard();
    let z = normal.inverse_cdf(probability);
    let density = normal.pdf(z);
    // One Newton step brings the digits that the library's quantile lacks.
    if density > 0.0 { z - (normal_above(-z) - probability) / density } else { z }
}

/// P(X ≥ x) of the χ² distribution.
pub(in crate::score) fn chi_squared_above(x: f64, degrees: f64) -> f64 {
    gamma_above(degrees / 2.0, x / 2.0)
}

/// P(|T| ≥ |t|) of Student's distribution.
pub(in crate::score) fn student_beyond(t: f64, degrees: f64) -> f64 {
    if t.is_infinite() { 0.0 } else { beta_below(degrees / 2.0, 0.5, degrees / (degrees + t * t)) }
}

/// P(F ≥ f) of Fisher's distribution.
pub(in crate::score) fn fisher_above(f: f64, above: f64, below: f64) -> f64 {
    if f <= 0.0 { 1.0 } else { beta_below(below / 2.0, above / 2.0, below / (below + above * f)) }
}

/// The t that Student's distribution exceeds on either side with probability 1 − `coverage`.
pub(in crate::score) fn student_quantile(coverage: f64, degrees: f64) -> f64 {
    let Ok(student) = StudentsT::new(0.0, 1.0, degrees) else {
        return f64::NAN;
    };
    let wanted = 1.0 - coverage;
    let mut t = student.inverse_cdf(0.5 + coverage / 2.0);
    // The library's quantile is good to about 1e-8; two Newton steps on the tail bring the rest.
    for _ in 0..2 {
        let slope = 2.0 * student.pdf(t);
        if slope > 0.0 {
            t += (student_beyond(t, degrees) - wanted) / slope;
        }
    }
    t
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_tables() {
        assert!((normal_above(1.959_963_984_540_054) - 0.025).abs() < 1e-14);
        // P(Z > 10) = 7.619853024160527e-24
        assert!((normal_above(10.0) / 7.619_853_024_160_527e-24 - 1.0).abs() < 1e-11);
        assert_eq!((normal_above(0.0), normal_above(f64::INFINITY), normal_above(-1e200)), (0.5, 0.0, 1.0));
        assert!((normal_quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-14 && normal_quantile(0.0) == f64::NEG_INFINITY);
        // χ² with 2 degrees of freedom is exponential
        assert!((chi_squared_above(60.0, 2.0) / (-30.0f64).exp() - 1.0).abs() < 1e-12);
        // with one degree of freedom t is Cauchy's: P(|T| > 1) = 1/2
        assert!((student_beyond(1.0, 1.0) - 0.5).abs() < 1e-14);
        // F(1, d) is t(d) squared
        assert!((fisher_above(4.0, 1.0, 7.0) - student_beyond(2.0, 7.0)).abs() < 1e-14);
        // as good as the library's incomplete beta function
        assert!((student_quantile(0.95, 10.0) - 2.228_138_851_964_938).abs() < 1e-9);
        assert!((student_quantile(0.95, 1.0) - 12.706_204_736_432_1).abs() < 1e-8);
    }
}
